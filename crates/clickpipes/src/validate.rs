//! Runs the rules that a schema cannot express. Each rule is declared next to its struct.

use serde_json::Value;

use model::diagnostic::{Evidence, Severity};
use model::path::FieldPath;
use model::schema_validator::FieldNode;

mod additional_fields;
mod cross_field;
pub(crate) mod literal_secrets;
mod masked_values;
mod rule_context;

pub(crate) use additional_fields::KNOWN_ADDITIONAL_FIELD;
pub(crate) use cross_field::{
    CrossFieldRule, RuleCondition, RuleSet, allowed_values, custom_rule, exactly_one_of, fields_only_for, flag_is,
    forbidden_fields, holds, required_fields, required_fields_iff, unique_entries, value_is, value_is_not,
};
pub(crate) use rule_context::{RuleContext, RuleFinding};

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A stable, documented code, such as `kafka-offset-timestamp`.
    pub code: &'static str,
    /// Only an error rejects the document.
    pub severity: Severity,
    /// The evidence for the rule; `None` if it is not a rule between fields.
    pub evidence: Option<Evidence>,
    /// The field, from the root of the document. It may be missing there.
    pub path: FieldPath,
    /// A lowercase fragment with the problem and the reason. It quotes no secret.
    pub message: String,
    /// The fix, if one is known.
    pub help: Option<String>,
    /// Whether the field has a meaning only with other values, and none here.
    pub is_idle: bool,
}

/// A way to break a rule between fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// A field that is needed is missing.
    FieldMissing,
    /// A field is present that must not be.
    FieldGiven,
    /// Anything else.
    Other,
}

/// The severity of a rule between fields, and its evidence.
#[derive(Clone, Debug)]
pub struct RuleGrade {
    /// The code of its problems.
    pub code: &'static str,
    /// Why the rule is believed.
    pub evidence: Evidence,
    /// The severity of its problems.
    pub severity: Severity,
    /// The ways in which a document can violate it.
    pub breaches: &'static [Breach],
    /// The paths that it reads, relative to the object that it is about.
    pub fields: Vec<String>,
}

/// All broken rules of a document with these fields. The document may break its schema as well: rules ignore values
/// of a wrong type.
pub(crate) fn find_problems(rules: &[&RuleSet], fields: &'static FieldNode, document: &Value) -> Vec<Problem> {
    let mut problems: Vec<Problem> = rules.iter().flat_map(|set| set.find_problems(fields, document)).collect();
    problems.extend(additional_fields::find_problems(fields, document));
    problems.extend(masked_values::find_problems(document));
    problems.extend(literal_secrets::find_problems(fields, document));
    problems
}

/// Every code that [`find_problems`] returns with these rules, sorted.
pub(crate) fn problem_codes(rules: &[&RuleSet]) -> Vec<&'static str> {
    let mut codes: Vec<&str> = rules.iter().flat_map(|set| set.rules).map(|rule| rule.code).collect();
    codes.extend(additional_fields::CODES);
    codes.push(masked_values::CODE);
    codes.push(literal_secrets::CODE);
    codes.sort_unstable();
    codes.dedup();
    codes
}
