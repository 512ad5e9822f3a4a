//! Equality of declared and live values.
//
// A false "different" is the dangerous answer: for a field that cannot be changed, it deletes and re-creates the pipe.
// So values that the API does not return, or has not settled (a size that reads 0 while a change is in progress), count
// as equal here. A false "equal" leaves an edit unsent, but nothing live is lost.

use serde_json::Value;

use super::spelling::Equality;
use super::{FieldSemantics, ListSemantics, Readback, masked};
use model::secret;

impl FieldSemantics {
    /// Whether the field may be set although a response omits it.
    pub fn may_be_omitted(&self) -> bool {
        self.readback == Readback::Sometimes || !self.omitted_values.is_empty() && !self.omits_default
    }

    /// Whether live has the declared value, in any spelling. A value that the API does not return, or has not settled
    /// yet, contradicts nothing.
    pub fn matches_live(&self, desired: &Value, live: Option<&Value>) -> bool {
        if self.local_only || self.is_secret_value(desired) || self.readback == Readback::Never {
            return true;
        }
        match live {
            // Here null is an answer: the API knows the field, and it is not set.
            Some(Value::Null) if self.is_unknown => self.is_unset(desired),
            None | Some(Value::Null) => {
                self.readback_of(desired) == Readback::Sometimes || self.is_unset(desired) || self.is_unsettled(None)
            }
            Some(live) => self
                .could_be_masked(desired, live)
                .unwrap_or_else(|| self.equals_live(desired, live) || self.is_unsettled(Some(live))),
        }
    }

    /// Whether a live text with a mask could be the declared one; `None` if it contains no mask. The visible part may
    /// be spelled differently.
    fn could_be_masked(&self, desired: &Value, live: &Value) -> Option<bool> {
        if self.is_masked_uri(live) {
            return Some(true);
        }
        masked::could_be(desired, live).map(|could| {
            could
                || masked::could_be(&self.equality.canonical_value(desired), &self.equality.canonical_value(live))
                    == Some(true)
        })
    }

    /// Whether a live URI is fully masked, in a form that other texts do not have.
    pub fn is_masked_uri(&self, live: &Value) -> bool {
        self.equality == Equality::Uri && live.as_str().is_some_and(masked::is_masked_uri)
    }

    /// Whether the declared value represents a secret: the field is one, or the manifest references its value. It
    /// cannot be compared with the real value.
    fn is_secret_value(&self, desired: &Value) -> bool {
        self.is_secret || secret::is_secret_reference(desired)
    }

    /// Whether null means that the field is unset. For an unknown field it shows that the API knows the field, and that
    /// it is not set; a response without the field may come from an API that never returns it.
    pub fn is_null_an_answer(&self) -> bool {
        self.is_unknown
    }

    /// Whether live shows nothing about the declared value: the API never returns it, omitted it in this response, has
    /// not settled it yet, hides it, or returns the value behind a reference.
    pub fn is_unobserved(&self, desired: &Value, live: Option<&Value>) -> bool {
        let live = live.filter(|live| self.is_null_an_answer() || !live.is_null());
        if self.local_only {
            return false;
        }
        self.is_secret_value(desired)
            || self.readback == Readback::Never
            || self.readback_of(desired) == Readback::Sometimes && live.is_none()
            || self.is_unsettled(live)
            || live.and_then(|live| self.could_be_masked(desired, live)) == Some(true)
    }

    /// Whether the API returns this value.
    pub fn readback_of(&self, desired: &Value) -> Readback {
        let is_omitted = self.omitted_values.iter().any(|value| self.equality.are_equal(desired, value));
        if is_omitted { Readback::Sometimes } else { self.readback }
    }

    /// Whether the value may be the meaning of a response without the field.
    pub fn is_implied_by_omission(&self, desired: &Value) -> bool {
        self.readback_of(desired) == Readback::Sometimes && self.is_unset(desired)
    }

    /// Whether two manifests declare the same value here. Unlike [`FieldSemantics::matches_live`] it also compares
    /// values that the API does not return.
    pub fn declares_same(&self, one: &Value, other: &Value) -> bool {
        self.declares_same_by(one, other, PartialEq::eq)
    }

    /// Whether a manifest requests nothing new: it declares the same, or the version of a secret was lowered or
    /// removed.
    pub fn requests_same(&self, was: &Value, is: &Value) -> bool {
        self.declares_same_by(was, is, secret::requests_same_secret)
    }

    /// Whether two manifests declare the same, with `same` for references to secrets.
    fn declares_same_by(&self, one: &Value, other: &Value, same: fn(&Value, &Value) -> bool) -> bool {
        match (one, other) {
            _ if secret::is_secret_reference(one) && secret::is_secret_reference(other) => same(one, other),
            (Value::Object(fields), Value::Object(others)) => {
                let field = |(name, value): (&String, &Value)| {
                    let other = others.get(name);
                    other.is_some_and(|other| self.child_field(name).declares_same_by(value, other, same))
                };
                fields.len() == others.len() && fields.iter().all(field)
            }
            (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
                let item = self.list_item();
                let mut rest: Vec<&Value> = others.iter().collect();
                items.iter().all(|one| {
                    let ordered = self.list == ListSemantics::Atomic;
                    let counterpart = |other: &&Value| item.declares_same_by(one, other, same);
                    // In order, each entry may only match the next one. Otherwise it consumes its match, so that two
                    // equal entries need two.
                    let reach = if ordered { 1 } else { rest.len() };
                    let found = rest.iter().take(reach).position(counterpart);
                    found.map(|at| rest.remove(at)).is_some()
                })
            }
            _ => self.equality.are_equal(one, other),
        }
    }

    /// The API returns null, `false`, an empty text or an empty list for an unset field.
    pub(super) fn is_unset(&self, value: &Value) -> bool {
        match value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.iter().all(|(name, value)| {
                let rules = self.child_field(name);
                // Live cannot contradict these, so a group with only such fields may read as absent.
                rules.is_secret || rules.readback == Readback::Never || rules.is_unset(value)
            }),
            Value::Bool(true) | Value::Number(_) => false,
        }
    }

    /// The API reports sizes of zero, or none, while a change of scale is in progress.
    pub fn is_unsettled(&self, live: Option<&Value>) -> bool {
        let reading = || live.and_then(|live| self.equality.parse_quantity(live));
        self.equality.is_quantity() && reading().is_none_or(|reading| self.minimum.is_some_and(|least| reading < least))
    }

    fn equals_live(&self, desired: &Value, live: &Value) -> bool {
        match (desired, live) {
            _ if self.is_unset(desired) && self.is_unset(live) => true,
            (Value::Array(desired), Value::Array(live)) => self.list_equals_live(desired, live),
            (Value::Object(desired), Value::Object(live)) => {
                // Only declared fields count: omitted fields are not managed, and the API adds defaults.
                desired.iter().all(|(name, value)| self.child_field(name).matches_live(value, live.get(name)))
            }
            _ => self.equality.equals_live(desired, live),
        }
    }

    fn list_equals_live(&self, desired: &[Value], live: &[Value]) -> bool {
        if desired.len() != live.len() {
            return false;
        }
        let item = self.list_item();
        if self.list == ListSemantics::Atomic {
            return desired.iter().zip(live).all(|(desired, live)| item.matches_live(desired, Some(live)));
        }
        let mut rest: Vec<&Value> = live.iter().collect();
        desired.iter().all(|wanted| {
            let found = rest.iter().position(|live| item.matches_live(wanted, Some(live)));
            found.map(|at| rest.swap_remove(at)).is_some()
        })
    }
}
