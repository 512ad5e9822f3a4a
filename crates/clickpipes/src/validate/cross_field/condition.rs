//! The conditions of rules.

use serde_json::Value;

use super::RuleContext;

/// A condition on one object.
#[derive(Clone, Copy)]
pub(crate) enum RuleCondition {
    /// The field has one of these values.
    ValueIs(&'static str, &'static [&'static str]),
    /// The field has another value, or none.
    ValueIsNot(&'static str, &'static [&'static str]),
    /// The boolean field has this value.
    FlagIs(&'static str, bool),
    /// The test is true for the object. The text names such objects in messages.
    Holds(fn(&Value) -> bool, &'static str),
}

pub(crate) const fn value_is(field: &'static str, values: &'static [&'static str]) -> RuleCondition {
    RuleCondition::ValueIs(field, values)
}

pub(crate) const fn value_is_not(field: &'static str, values: &'static [&'static str]) -> RuleCondition {
    RuleCondition::ValueIsNot(field, values)
}

pub(crate) const fn flag_is(field: &'static str, set: bool) -> RuleCondition {
    RuleCondition::FlagIs(field, set)
}

pub(crate) const fn holds(test: fn(&Value) -> bool, called: &'static str) -> RuleCondition {
    RuleCondition::Holds(test, called)
}

impl RuleCondition {
    /// Whether the condition is true; `None` if a value that it needs is invalid or unknown. Then no rule is violated.
    pub(super) fn evaluate_on(&self, scope: &RuleContext<'_>) -> Option<bool> {
        match *self {
            Self::ValueIs(field, values) => field_is_one_of(scope, field, values),
            Self::ValueIsNot(field, values) => field_is_one_of(scope, field, values).map(|is| !is),
            Self::FlagIs(field, set) => {
                scope.effective_value(field).ok()?.and_then(Value::as_bool).map(|value| value == set)
            }
            Self::Holds(test, _) => Some(test(scope.object())),
        }
    }

    /// The condition in words, as in "needed for `type: msk`".
    pub(super) fn describe_condition(&self) -> String {
        match *self {
            Self::ValueIs(field, values) => format!("for {}", format_field_values(field, values)),
            Self::ValueIsNot(field, values) => {
                format!("unless {}", format_field_values(field, values))
            }
            Self::FlagIs(field, set) => format!("for `{field}: {set}`"),
            Self::Holds(_, called) => format!("for {called}"),
        }
    }

    /// The opposite condition, if it reads better than "only for".
    pub(super) fn opposite_condition(&self) -> Option<Self> {
        match *self {
            Self::ValueIsNot(field, values) => Some(Self::ValueIs(field, values)),
            Self::ValueIs(..) | Self::FlagIs(..) | Self::Holds(..) => None,
        }
    }

    pub(super) fn field_paths(&self) -> &[&'static str] {
        match self {
            Self::ValueIs(field, _) | Self::ValueIsNot(field, _) | Self::FlagIs(field, _) => {
                std::slice::from_ref(field)
            }
            Self::Holds(..) => &[],
        }
    }
}

fn field_is_one_of(scope: &RuleContext<'_>, field: &str, values: &[&str]) -> Option<bool> {
    match scope.effective_value(field).ok()? {
        Some(value) => value.as_str().map(|value| values.contains(&value)),
        None => Some(false),
    }
}

fn format_field_values(field: &str, values: &[&str]) -> String {
    format!("`{field}: {}`", values.join("` or `"))
}
