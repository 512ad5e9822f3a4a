//! The conditions of rules.

use serde_json::Value;

use super::Scope;

/// A condition on one field, or on which fields are there.
#[derive(Clone, Copy)]
pub(crate) enum When {
    /// The field has one of these values.
    Is(&'static str, &'static [&'static str]),
    /// The field has another value, or none.
    IsNot(&'static str, &'static [&'static str]),
    /// The switch stands so.
    Flag(&'static str, bool),
    /// One of the fields is there, which people call this.
    Has(&'static [&'static str], &'static str),
}

/// See [`When::Is`].
pub(crate) const fn is(field: &'static str, values: &'static [&'static str]) -> When {
    When::Is(field, values)
}

/// See [`When::IsNot`].
pub(crate) const fn is_not(field: &'static str, values: &'static [&'static str]) -> When {
    When::IsNot(field, values)
}

/// See [`When::Flag`].
pub(crate) const fn flag(field: &'static str, set: bool) -> When {
    When::Flag(field, set)
}

/// See [`When::Has`].
pub(crate) const fn has(fields: &'static [&'static str], called: &'static str) -> When {
    When::Has(fields, called)
}

impl When {
    /// Whether it holds; `None` where the document leaves that open.
    pub(super) fn holds(&self, scope: &Scope<'_>) -> Option<bool> {
        match *self {
            Self::Is(field, values) => is_one_of(scope, field, values),
            Self::IsNot(field, values) => is_one_of(scope, field, values).map(|is| !is),
            Self::Flag(field, set) => {
                scope.setting(field).ok()?.and_then(Value::as_bool).map(|value| value == set)
            }
            Self::Has(fields, _) => Some(fields.iter().any(|field| scope.has(field))),
        }
    }

    /// The condition in words, to follow "needed".
    pub(super) fn describe(&self) -> String {
        match *self {
            Self::Is(field, values) => format!("for {}", one_of(field, values)),
            Self::IsNot(field, values) => format!("unless {}", one_of(field, values)),
            Self::Flag(field, set) => format!("for `{field}: {set}`"),
            Self::Has(_, called) => format!("for {called}"),
        }
    }

    /// The opposite, where it has better words than "only".
    pub(super) fn opposite(&self) -> Option<Self> {
        match *self {
            Self::IsNot(field, values) => Some(Self::Is(field, values)),
            Self::Is(..) | Self::Flag(..) | Self::Has(..) => None,
        }
    }

    #[cfg(test)]
    pub(super) fn paths(&self) -> &[&'static str] {
        match self {
            Self::Is(field, _) | Self::IsNot(field, _) | Self::Flag(field, _) => {
                std::slice::from_ref(field)
            }
            Self::Has(fields, _) => fields,
        }
    }
}

fn is_one_of(scope: &Scope<'_>, field: &str, values: &[&str]) -> Option<bool> {
    match scope.setting(field).ok()? {
        Some(value) => value.as_str().map(|value| values.contains(&value)),
        None => Some(false),
    }
}

fn one_of(field: &str, values: &[&str]) -> String {
    format!("`{field}: {}`", values.join("` or `"))
}
