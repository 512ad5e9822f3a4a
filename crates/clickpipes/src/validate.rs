//! Runs the rules that a schema cannot express. Each rule is declared beside its struct.

use serde_json::Value;

use model::address::Kind;
use model::diagnostic::Severity;
use model::path::FieldPath;

mod additional_fields;
mod cross_field;
mod rule_context;

pub(crate) use cross_field::{
    CrossFieldRule, RuleCondition, RuleSet, custom_rule, flag_is, holds, value_is, value_is_not,
};
pub(crate) use rule_context::{RuleContext, RuleFinding};

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A stable, documented code, such as `kafka-offset-timestamp`.
    pub code: &'static str,
    /// Only an error rejects the document.
    pub severity: Severity,
    /// The field, from the root of the document. It may be missing there.
    pub path: FieldPath,
    /// A lowercase fragment with the problem and the reason. It quotes no secret.
    pub message: String,
    /// The fix, if one is known.
    pub help: Option<String>,
}

/// All broken rules of a document. The document may break its schema as well: rules ignore values of a wrong type.
pub fn find_problems(kind: Kind, document: &Value) -> Vec<Problem> {
    let mut problems: Vec<Problem> =
        rule_sets_for(kind).into_iter().flat_map(|set| set.find_problems(kind, document)).collect();
    problems.extend(additional_fields::find_problems(kind, document));
    problems
}

/// Every code of [`find_problems`], sorted.
pub fn problem_codes() -> Vec<&'static str> {
    let sets = Kind::ALL.into_iter().flat_map(rule_sets_for);
    let mut codes: Vec<&str> = sets.flat_map(|set| set.rules).map(|rule| rule.code).collect();
    codes.extend(additional_fields::CODES);
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn rule_sets_for(kind: Kind) -> Vec<&'static RuleSet> {
    match kind {
        Kind::ClickPipe => crate::pipe::rule_sets().collect(),
        Kind::CdcScaling => crate::cdc_scaling::RULE_SETS.iter().collect(),
        Kind::ReversePrivateEndpoint => crate::reverse_private_endpoint::RULE_SETS.iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::rule_sets_for;
    use crate::docs::SchemaNode;
    use model::address::Kind;

    #[test]
    fn cross_field_rules_only_use_existing_fields() {
        for kind in Kind::ALL {
            for set in rule_sets_for(kind) {
                for at in set.object_paths {
                    let object = SchemaNode::for_kind(kind).node_at(at).expect(at);
                    for rule in set.rules {
                        for path in rule.field_paths() {
                            assert!(object.node_at(&path).is_some(), "{}: {at}: {path}", rule.code);
                        }
                    }
                }
            }
        }
    }
}
