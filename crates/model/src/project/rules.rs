//! `policy.rules`: rules that manifests must obey, in CEL.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::annotations;

/// A rule in CEL, the Common Expression Language.
///
/// Expressions know `manifest`, `labels`, `environment` and `now`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyRule {
    /// The name, in messages and exceptions.
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9-]{0,62}$"))]
    #[schemars(extend("x-pattern-says" = "small letters, digits and dashes"))]
    pub name: String,
    /// The effect of a violation: an `error`, which blocks the object, or a `warning`.
    #[serde(default)]
    #[schemars(transform = annotations::default_is("error"))]
    pub level: RuleLevel,
    /// The objects that the rule is for, as an expression. By default all.
    #[schemars(length(min = 1))]
    pub when: Option<String>,
    /// The violation, as an expression.
    #[schemars(length(min = 1))]
    pub deny: String,
    /// The problem and its fix, in plain words. `{{ EXPRESSION }}` is replaced by a value.
    #[schemars(length(min = 1))]
    pub message: String,
}

/// The effect of a violation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum RuleLevel {
    /// It blocks the object.
    #[default]
    Error,
    /// A problem that blocks nothing.
    Warning,
}

/// The rules of both lists.
// A rule never allows anything, so more rules are always stricter.
pub(super) fn rules_of_both(own: Option<Vec<PolicyRule>>, other: Option<&Vec<PolicyRule>>) -> Option<Vec<PolicyRule>> {
    let mut all = own.unwrap_or_default();
    for rule in other.into_iter().flatten() {
        if !all.contains(rule) {
            all.push(rule.clone());
        }
    }
    (!all.is_empty()).then_some(all)
}
