//! The rules of a project, `policy.rules`: expressions in CEL over manifests and changes.
//!
//! Pure: no I/O, no clock. An expression is a stranger's text, so its size, its depth and the work that it does are
//! bounded.

mod expression;
mod expression_checks;
mod expression_problem;
mod known_words;
mod message;
mod metering;
mod node_places;
mod parser;
mod problems;
mod rule_input;
mod rule_places;
mod rule_set;
#[cfg(test)]
mod tests;
mod text_position;
mod values;

pub use problems::find_rule_problems;
pub use rule_input::{RuleInput, RuleTime};
pub use rule_places::{RulePlaces, find_rule_places};
pub use rule_set::{RuleScope, RuleSet, excepted_rules};
