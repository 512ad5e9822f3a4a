//! One expression: parsed and checked once, evaluated for many objects.

use std::collections::BTreeSet;

use cel::common::ast::{Expr, IdedExpr};
use cel::{Context, ExecutionError, Value};
use model::path::FieldPath;

use crate::expression_checks::ExpressionChecks;
use crate::expression_problem::ExpressionProblem;
use crate::known_words::find_unknown_word;
use crate::metering;
use crate::parser::parser;

/// The longest expression, in bytes.
pub(crate) const MAX_BYTES: usize = 2000;

#[derive(Debug)]
pub(crate) struct Expression {
    tree: IdedExpr,
    /// The variables of rules that it reads.
    pub(crate) variables: BTreeSet<String>,
    /// The first field of the manifest that it reads.
    pub(crate) field: Option<FieldPath>,
}

impl Expression {
    pub(crate) fn parse(text: &str) -> Result<Self, ExpressionProblem> {
        if text.len() > MAX_BYTES {
            return Err(ExpressionProblem::new(0, format!("the expression is longer than {MAX_BYTES} bytes")));
        }
        let mut tree = parser().parse(text).map_err(|errors| first_syntax_error(text, &errors.errors))?;
        let mut checks = ExpressionChecks::new(text);
        checks.check(&tree)?;
        let variables = checks.into_variables();
        let field = first_field(&tree);
        metering::meter_loops(&mut tree);
        Ok(Self { tree, variables, field })
    }

    /// A member or a word in it that no object has. `text` is the expression.
    pub(crate) fn unknown_word(&self, text: &str) -> Option<ExpressionProblem> {
        find_unknown_word(&self.tree, text)
    }

    /// The value of a condition.
    pub(crate) fn is_true(&self, context: &Context<'_, '_>) -> Result<bool, String> {
        match self.evaluate(context)? {
            Value::Bool(value) => Ok(value),
            other => Err(format!("it is {} and not `true` or `false`", type_in_words(&other))),
        }
    }

    pub(crate) fn evaluate(&self, context: &Context<'_, '_>) -> Result<Value, String> {
        Value::resolve(&self.tree, context).map_err(|error| describe_failure(&error))
    }
}

fn type_in_words(value: &Value) -> String {
    format!("a value of the type `{}`", value.type_of())
}

fn first_syntax_error(text: &str, errors: &[cel::ParseError]) -> ExpressionProblem {
    let Some(error) = errors.first() else { return ExpressionProblem::new(0, "it is not an expression") };
    let before = |number: isize| usize::try_from(number).unwrap_or(1).saturating_sub(1);
    let (line, column) = (before(error.pos.0), before(error.pos.1));
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let offset = (start + column).min(text.len());
    let rest = text.get(offset..).unwrap_or_default();
    let message = error.msg.strip_prefix("Syntax error: ").unwrap_or(&error.msg);
    // Text after the end belongs to the file, and not to the expression, so the last letter is the place.
    let end = text.trim_end();
    if offset >= end.len() {
        let last = end.char_indices().next_back().map_or(0, |(at, _)| at);
        return ExpressionProblem::new(last, "the expression ends too early");
    }
    let message = match rest.chars().next() {
        Some('=' | '&' | '|') => "there is no such operator".to_owned(),
        _ => format!("this is not a valid expression: {}", model::sanitize::sanitize_line(message)),
    };
    ExpressionProblem {
        help: intended_operator(rest).map(|it| format!("write `{it}`")),
        ..ExpressionProblem::new(offset, message)
    }
}

/// The operator in the words of another language.
fn intended_operator(text: &str) -> Option<&'static str> {
    const OPERATORS: [(&str, &str); 6] =
        [("=", "=="), ("&", "&&"), ("|", "||"), ("and ", "&&"), ("or ", "||"), ("not ", "!")];
    OPERATORS.into_iter().find(|(word, _)| text.starts_with(word)).map(|(_, operator)| operator)
}

/// The failure in words that help.
fn describe_failure(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => {
            let key = model::sanitize::sanitize_line(key);
            format!("there is no `{key}`; test with `has(….{key})` or `'{key}' in …` first")
        }
        ExecutionError::NoSuchOverload(overload) => {
            let types = overload.argument_types().join("` and `");
            let name = overload.function().trim_matches(['_', '@']).to_owned();
            format!("`{name}` does not take values of the types `{types}`")
        }
        ExecutionError::UnsupportedBinaryOperator(name, left, right) => {
            format!("`{name}` does not take values of the types `{}` and `{}`", left.type_of(), right.type_of())
        }
        ExecutionError::FunctionError { message, .. } => message.clone(),
        ExecutionError::UnexpectedType { got, want } => {
            let got = got.chars().take(60).collect::<String>();
            format!("it needs a value of the type `{want}`, and this is `{}`", model::sanitize::sanitize_line(&got))
        }
        ExecutionError::IndexOutOfBounds(_) => {
            "an index is beyond the end of its list; test `size(…)` first".to_owned()
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "it divides by zero".to_owned(),
        ExecutionError::Overflow(..) => "a number is too large".to_owned(),
        // Other messages quote values of any length.
        _ => "values of these types cannot be used so".to_owned(),
    }
}

/// The first `manifest.…` or `labels.…` in it.
fn first_field(tree: &IdedExpr) -> Option<FieldPath> {
    if let Some(path) = field_of(tree) {
        return Some(path);
    }
    match &tree.expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).find_map(first_field),
        Expr::Select(select) => first_field(&select.operand),
        Expr::List(list) => list.elements.iter().find_map(first_field),
        Expr::Comprehension(it) => first_field(&it.iter_range).or_else(|| first_field(&it.loop_step)),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => None,
    }
}

fn field_of(tree: &IdedExpr) -> Option<FieldPath> {
    match &tree.expr {
        Expr::Ident(name) if name == "manifest" => Some(FieldPath::root()),
        Expr::Ident(name) if name == "labels" => Some(FieldPath::parse("metadata.labels")),
        Expr::Select(select) => Some(field_of(&select.operand)?.child(&select.field)),
        _ => None,
    }
}
