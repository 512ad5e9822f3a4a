//! The parser of expressions, with its limits.

use cel::parser::PrattParser;

/// The largest number of operators, names and values in one.
pub(crate) const MAX_NODES: usize = 400;
/// The deepest nesting. Expressions are walked by recursion.
pub(crate) const MAX_DEPTH: u16 = 40;

pub(crate) fn parser() -> PrattParser {
    PrattParser::new().max_recursion_depth(MAX_DEPTH).max_expression_node_count(MAX_NODES)
}
