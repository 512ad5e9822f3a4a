//! The message of a rule: plain text, with `{{ EXPRESSION }}` for values.

use cel::Context;

use crate::expression::Expression;
use crate::expression_problem::ExpressionProblem;
use crate::values::to_text;

/// Longer messages are truncated.
const MAX_CHARS: usize = 500;

#[derive(Debug)]
enum Part {
    Text(String),
    Value(Expression),
}

#[derive(Debug)]
pub(crate) struct Message(Vec<Part>);

impl Message {
    pub(crate) fn parse(text: &str) -> Result<Self, ExpressionProblem> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(start) = rest.find("{{") {
            let offset = text.len() - rest.len() + start;
            let inner = &rest[start + 2..];
            let Some(end) = inner.find("}}") else {
                return Err(ExpressionProblem::new(offset, "`{{` without `}}`"));
            };
            parts.push(Part::Text(rest[..start].to_owned()));
            let expression = Expression::parse(&inner[..end]);
            let shift = |it: ExpressionProblem| ExpressionProblem { offset: offset + 2 + it.offset, ..it };
            parts.push(Part::Value(expression.map_err(shift)?));
            rest = &inner[end + 2..];
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The expressions in it.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Value(expression) => Some(expression),
        })
    }

    /// The text for an object. A value that cannot be evaluated must not hide the violation.
    pub(crate) fn render(&self, context: &Context<'_, '_>) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Value(expression) => expression.evaluate(context).map_or_else(|_| "?".to_owned(), |it| to_text(&it)),
        });
        let text: String = parts.collect();
        model::sanitize::sanitize_line(text.chars().take(MAX_CHARS).collect::<String>().trim())
    }
}
