//! Whether a declared value and a live one say the same.

use serde_json::Value;

use super::{Echo, Equal, List, Rules};
use crate::secret;

impl Rules {
    /// Whether the live side says what is declared, spelled its own way. What the API does not
    /// return, or has not settled yet, does not contradict anything.
    pub fn agrees(&self, desired: &Value, live: Option<&Value>) -> bool {
        if self.local || self.holds_secret(desired) || self.echo == Echo::Never {
            return true;
        }
        match live {
            None | Some(Value::Null) => {
                self.echo == Echo::Sometimes || self.is_unset(desired) || self.is_unsettled(None)
            }
            Some(live) => self.same(desired, live) || self.is_unsettled(Some(live)),
        }
    }

    /// Whether what is declared stands for a secret: the field is one, or the manifest keeps its
    /// value where secrets are. It cannot be compared with what it stands for.
    fn holds_secret(&self, desired: &Value) -> bool {
        self.secret || secret::is_reference(desired)
    }

    /// Whether the live side says nothing about what is declared: the API never returns it, left it
    /// out of this answer, has not settled it yet, or returns what a reference stands for.
    pub fn is_untold(&self, desired: &Value, live: Option<&Value>) -> bool {
        let live = live.filter(|live| !live.is_null());
        if self.local {
            return false;
        }
        self.holds_secret(desired)
            || self.echo == Echo::Never
            || self.echo == Echo::Sometimes && live.is_none()
            || self.is_unsettled(live)
    }

    /// Whether the value is what an answer that leaves the field out may well mean.
    pub fn says_unset(&self, desired: &Value) -> bool {
        self.echo == Echo::Sometimes && self.is_unset(desired)
    }

    /// Whether two manifests declare the same here. Unlike [`Rules::agrees`] it looks at what the
    /// API does not return, too.
    pub fn declares_same(&self, one: &Value, other: &Value) -> bool {
        self.declares(one, other, PartialEq::eq)
    }

    /// Whether a manifest asks for nothing that it did not ask for before: it declares the same, or
    /// the version of a secret was lowered or taken out.
    pub fn asks_same(&self, was: &Value, is: &Value) -> bool {
        self.declares(was, is, secret::asks_same)
    }

    /// Whether two manifests declare the same, where `same` tells it of references to secrets.
    fn declares(&self, one: &Value, other: &Value, same: fn(&Value, &Value) -> bool) -> bool {
        match (one, other) {
            _ if secret::is_reference(one) && secret::is_reference(other) => same(one, other),
            (Value::Object(fields), Value::Object(others)) => {
                let field = |(name, value): (&String, &Value)| {
                    let other = others.get(name);
                    other.is_some_and(|other| self.field(name).declares(value, other, same))
                };
                fields.len() == others.len() && fields.iter().all(field)
            }
            (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
                let item = self.item();
                let mut rest: Vec<&Value> = others.iter().collect();
                items.iter().all(|one| {
                    let ordered = self.list == List::Atomic;
                    let counterpart = |other: &&Value| item.declares(one, other, same);
                    let reach = if ordered { 1 } else { rest.len() };
                    let found = rest.iter().take(reach).position(counterpart);
                    found.map(|at| rest.remove(at)).is_some()
                })
            }
            _ => same_json(one, other),
        }
    }

    /// The API answers with nothing, `false`, an empty text or an empty list for a field that is
    /// not set.
    pub(super) fn is_unset(&self, value: &Value) -> bool {
        match value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.iter().all(|(name, value)| {
                let rules = self.field(name);
                rules.secret || rules.echo == Echo::Never || rules.is_unset(value)
            }),
            Value::Bool(true) | Value::Number(_) => false,
        }
    }

    /// The API reports sizes of zero, or none, while a change of scale makes its way.
    pub(crate) fn is_unsettled(&self, live: Option<&Value>) -> bool {
        match self.equal {
            Equal::Count | Equal::Cpu | Equal::Memory => {
                let reading = live.and_then(|live| self.quantity(live));
                reading.is_none_or(|reading| self.minimum.is_some_and(|least| reading < least))
            }
            Equal::Exact | Equal::Engine | Equal::Uri | Equal::FlavourOf(_) => false,
        }
    }

    fn same(&self, desired: &Value, live: &Value) -> bool {
        match (desired, live) {
            _ if self.is_unset(desired) && self.is_unset(live) => true,
            (Value::Array(desired), Value::Array(live)) => self.same_list(desired, live),
            (Value::Object(desired), Value::Object(live)) => {
                desired.iter().all(|(name, value)| self.field(name).agrees(value, live.get(name)))
            }
            _ => self.same_scalar(desired, live),
        }
    }

    fn same_list(&self, desired: &[Value], live: &[Value]) -> bool {
        if desired.len() != live.len() {
            return false;
        }
        let item = self.item();
        if self.list == List::Atomic {
            return desired
                .iter()
                .zip(live)
                .all(|(desired, live)| item.agrees(desired, Some(live)));
        }
        let mut rest: Vec<&Value> = live.iter().collect();
        desired.iter().all(|wanted| {
            let found = rest.iter().position(|live| item.agrees(wanted, Some(live)));
            found.map(|at| rest.swap_remove(at)).is_some()
        })
    }

    fn same_scalar(&self, desired: &Value, live: &Value) -> bool {
        match &self.equal {
            Equal::Exact | Equal::Uri => same_json(desired, live),
            Equal::Engine => bare(desired) == bare(live),
            Equal::Count | Equal::Cpu | Equal::Memory => {
                self.quantity(desired) == self.quantity(live)
            }
            Equal::FlavourOf(bases) => {
                let base = desired.as_str().and_then(|flavour| bases.get(flavour));
                desired == live || base.is_some_and(|base| live == base)
            }
        }
    }

    /// A quantity in the field's own unit, from a number or a Kubernetes quantity.
    pub(super) fn quantity(&self, value: &Value) -> Option<f64> {
        let text = match value {
            Value::Number(number) => return number.as_f64(),
            Value::String(text) => text.trim(),
            _ => return None,
        };
        let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (digits, suffix) = text.split_at(split);
        let number: f64 = digits.trim().parse().ok()?;
        match (&self.equal, suffix) {
            (Equal::Cpu, "m") | (Equal::Memory, "Gi") => Some(number),
            (Equal::Cpu, "") => Some(number * 1000.0),
            (Equal::Memory, "Ti") => Some(number * 1024.0),
            (Equal::Memory, "Mi") => Some(number / 1024.0),
            (Equal::Memory, "Ki") => Some(number / 1024.0 / 1024.0),
            (Equal::Memory, "") => Some(number / 1024.0 / 1024.0 / 1024.0),
            _ => None,
        }
    }
}

/// Numbers are equal by value: `1` and `1.0` are one number on the wire.
fn same_json(desired: &Value, live: &Value) -> bool {
    match (desired, live) {
        (Value::Number(desired), Value::Number(live)) => {
            desired == live || desired.as_f64() == live.as_f64()
        }
        _ => desired == live,
    }
}

fn bare(engine: &Value) -> Option<&str> {
    let text = engine.as_str()?;
    Some(text.split('(').next().unwrap_or(text).trim())
}
