//! A finding of a project rule about an object.

use std::sync::Arc;

use serde::Serialize;

use crate::desired::Place;
use crate::path::FieldPath;
use crate::project::RuleLevel;

/// The annotation that lists the rules from which a manifest is excepted.
pub const EXCEPT_ANNOTATION: &str = "pipectl/except";

/// A violation of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleFinding {
    /// The name of the rule.
    pub rule: Arc<str>,
    /// The effect of the violation.
    pub level: RuleLevel,
    /// The problem.
    pub message: String,
    /// Whether the rule could not be evaluated, which counts as a violation.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_failure: bool,
    /// Whether an annotation of the manifest excepts the object, so that the violation blocks nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_excepted: bool,
    /// The first field of the manifest that the rule reads.
    #[serde(skip)]
    pub path: FieldPath,
    /// The place of that field; `None` for an object without a manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The place of the rule: its name, or the expression that cannot be evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_place: Option<Place>,
}

impl RuleFinding {
    /// Whether it blocks the object.
    pub fn is_blocking(&self) -> bool {
        self.level == RuleLevel::Error && !self.is_excepted
    }

    /// The violation in a sentence.
    pub fn describe(&self) -> String {
        self.describe_for("it")
    }

    /// The violation as a full sentence about `object`.
    pub fn describe_for(&self, object: &str) -> String {
        match (&self.rule_place, self.is_failure) {
            (Some(place), true) => {
                format!("the rule `{}` ({place}) cannot be evaluated: {}", self.rule, self.message)
            }
            (None, true) => format!("the rule `{}` cannot be evaluated: {}", self.rule, self.message),
            (_, false) if self.level == RuleLevel::Warning => {
                format!("the rule `{}` warns: {}", self.rule, self.message)
            }
            (_, false) => format!("the rule `{}` forbids {object}: {}", self.rule, self.message),
        }
    }

    /// How to except an object from these rules.
    pub fn exception<'f>(findings: impl IntoIterator<Item = &'f Self>) -> String {
        let mut names: Vec<&str> = findings.into_iter().map(|finding| &*finding.rule).collect();
        names.dedup();
        format!("add `{EXCEPT_ANNOTATION}: {}` to `metadata.annotations`", names.join(", "))
    }
}
