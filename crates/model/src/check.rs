//! Rules between fields, and what else a schema cannot say.
//!
//! The rules stand beside the structs that they are about; here is only how they are run.

use serde_json::Value;

use crate::address::Kind;
use crate::diagnostic::Severity;
use crate::path::Path;

mod between;
mod scope;
mod unchecked;
pub(crate) mod walk;

pub(crate) use between::{Rule, RuleSet, custom, flag, has, is, is_not};
pub(crate) use scope::{Finding, Scope};

/// Something wrong, or doubtful, in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable and documented, such as `kafka-offset-timestamp`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The field, from the root of the document. It may be one that is missing.
    pub path: Path,
    /// What is wrong, and why: a lowercase fragment that quotes no secret.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Everything that the rules between fields say about a document. One that also breaks its schema
/// is taken as it is: a rule says nothing about values that are missing or of the wrong type.
pub fn problems(kind: Kind, document: &Value) -> Vec<Problem> {
    let mut problems: Vec<Problem> =
        rule_sets(kind).iter().flat_map(|set| set.problems(kind, document)).collect();
    problems.extend(unchecked::problems(kind, document));
    problems
}

/// Every code that [`problems`] gives, sorted.
pub fn codes() -> Vec<&'static str> {
    let sets = Kind::ALL.into_iter().flat_map(rule_sets);
    let mut codes: Vec<&str> = sets.flat_map(|set| set.rules).map(|rule| rule.code).collect();
    codes.extend(unchecked::CODES);
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn rule_sets(kind: Kind) -> &'static [RuleSet] {
    match kind {
        Kind::ClickPipe => crate::pipe::RULE_SETS,
        Kind::CdcScaling => crate::cdc_scaling::RULE_SETS,
        Kind::ReversePrivateEndpoint => crate::reverse_private_endpoint::RULE_SETS,
    }
}

#[cfg(test)]
mod tests {
    use super::rule_sets;
    use crate::address::Kind;
    use crate::reference::Node;

    #[test]
    fn rules_name_fields_that_there_are() {
        for kind in Kind::ALL {
            for set in rule_sets(kind) {
                for at in set.at {
                    let object = Node::document(kind).at(at).expect(at);
                    for rule in set.rules {
                        for path in rule.paths() {
                            assert!(object.at(&path).is_some(), "{}: {at}: {path}", rule.code);
                        }
                    }
                }
            }
        }
    }
}
