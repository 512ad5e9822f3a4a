//! A mistake in an expression.

/// A mistake in an expression, with its place in it.
#[derive(Debug, PartialEq)]
pub(crate) struct ExpressionProblem {
    /// In bytes from the start of the expression.
    pub(crate) offset: usize,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl ExpressionProblem {
    pub(crate) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into(), help: None }
    }
}
