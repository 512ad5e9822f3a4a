//! Finds the positions of the parts of an expression in its text.

use std::ops::Range;
use std::sync::Arc;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, SourceInfo};

use crate::parser::parser;

/// The positions of the nodes of one expression.
//
// A parsed tree has numbers and no positions: the parser returns positions only with an error. With one bracket too
// many it fails at the end, after it has numbered the nodes. A search for a word could find it in an earlier literal or
// comment.
pub(crate) struct NodePlaces<'t> {
    text: &'t str,
    tokens: Option<Arc<SourceInfo>>,
}

impl<'t> NodePlaces<'t> {
    pub(crate) fn find(text: &'t str) -> Self {
        let failed = parser().parse(&format!("{text}\n)"));
        let errors = failed.err().map(|errors| errors.errors).unwrap_or_default();
        Self { text, tokens: errors.into_iter().find_map(|error| error.source_info) }
    }

    /// The byte at which a name, a member, a function or the content of a literal begins.
    pub(crate) fn start_of(&self, node: &IdedExpr) -> usize {
        self.word_of(node).start
    }

    fn word_of(&self, node: &IdedExpr) -> Range<usize> {
        let token = self.token_of(node);
        match &node.expr {
            Expr::Select(select) => self.word_after(self.word_of(&select.operand).end, &select.field),
            // A method has the place of its bracket.
            Expr::Call(call) if call.target.is_some() => {
                let before = self.text.get(..token.start).unwrap_or_default();
                before.rfind(&call.func_name).map_or(token, |at| at..at + call.func_name.len())
            }
            Expr::Literal(LiteralValue::String(word)) => {
                let written = self.text.get(token.clone()).unwrap_or_default();
                // With escapes in it, the literal itself is the place.
                let content = written.find(word.inner()).map(|at| token.start + at);
                content.map_or(token, |at| at..at + word.inner().len())
            }
            _ => token,
        }
    }

    fn word_after(&self, start: usize, word: &str) -> Range<usize> {
        let rest = self.text.get(start..).unwrap_or_default();
        let at = start + rest.find(word).unwrap_or_default();
        at..at + word.len()
    }

    fn token_of(&self, node: &IdedExpr) -> Range<usize> {
        let found = self.tokens.as_ref().and_then(|tokens| tokens.offset_for(node.id));
        let (start, end) = found.unwrap_or_default();
        start as usize..end as usize
    }
}
