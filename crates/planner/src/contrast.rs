//! Two declared sides, compared with each other. Nothing is live here, and nothing is done.

use std::collections::BTreeSet;

use model::address::Address;
use model::desired::{Desired, Document, Place};
use model::path::Path;
use model::rules::{List, Rules};
use serde::Serialize;
use serde_json::Value;

use crate::diff::{find, label};

/// One object that is not declared alike on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contrast {
    /// The object, by the name it is declared under.
    pub at: Address,
    /// Where it is declared.
    pub declared: Side,
    /// The fields that differ, in the order of the manifests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Differing>,
}

/// Which of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    /// The first alone.
    Left,
    /// The second alone.
    Right,
    /// Both, differently.
    Both,
}

/// One field, or one entry of a list, that the sides declare differently.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Differing {
    /// The field.
    pub path: Path,
    /// The entry of a list, as a person would call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// What the first side declares; a secret is its reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<Value>,
    /// What the second side declares; a secret is its reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<Value>,
    /// Where it is written: on the second side, if it is there.
    pub place: Place,
}

/// What two sides declare differently, in the order of addresses.
pub fn contrast(left: &Desired, right: &Desired) -> Vec<Contrast> {
    let all: BTreeSet<&Address> = left.keys().chain(right.keys()).collect();
    let contrasts = all.into_iter().filter_map(|at| {
        let (declared, fields) = match (left.get(at), right.get(at)) {
            (Some(left), Some(right)) => (Side::Both, fields(at, left, right)),
            (Some(_), None) => (Side::Left, Vec::new()),
            (None, _) => (Side::Right, Vec::new()),
        };
        let differs = declared != Side::Both || !fields.is_empty();
        differs.then(|| Contrast { at: at.clone(), declared, fields })
    });
    contrasts.collect()
}

fn fields(at: &Address, left: &Document, right: &Document) -> Vec<Differing> {
    let mut walk = Walk { left, right, found: Vec::new() };
    walk.values(Rules::of(at.kind), Some(&left.body), Some(&right.body), &Path::root());
    let intents = [left.intent.told(), right.intent.told()];
    let [left, right] = &intents;
    let names: BTreeSet<&Path> = left.keys().chain(right.keys()).collect();
    for path in names {
        let (left, right) = (left.get(path), right.get(path));
        if left != right {
            walk.differing(path, None, left.cloned(), right.cloned());
        }
    }
    walk.found
}

struct Walk<'d> {
    left: &'d Document,
    right: &'d Document,
    found: Vec<Differing>,
}

impl Walk<'_> {
    fn values(&mut self, rules: &Rules, left: Option<&Value>, right: Option<&Value>, path: &Path) {
        match (left, right, &rules.list) {
            (Some(left), Some(right), _) if rules.declares_same(left, right) => {}
            (Some(Value::Object(fields)), Some(Value::Object(others)), _)
                if !left.is_some_and(|it| rules.is_leaf(it))
                    && !right.is_some_and(|it| rules.is_leaf(it)) =>
            {
                let gone = fields.keys().filter(|name| !others.contains_key(*name));
                for name in others.keys().chain(gone) {
                    let below = (fields.get(name), others.get(name));
                    self.values(rules.field(name), below.0, below.1, &path.child(name));
                }
            }
            (Some(Value::Array(items)), Some(Value::Array(others)), List::Keyed(_)) => {
                self.entries(rules, items, others, path);
            }
            _ => {
                let shown = |value: Option<&Value>| value.map(|value| rules.declared_shown(value));
                self.differing(path, None, shown(left), shown(right));
            }
        }
    }

    fn entries(&mut self, rules: &Rules, left: &[Value], right: &[Value], path: &Path) {
        let List::Keyed(keyed) = &rules.list else { return };
        let item = rules.item();
        let gone = left.iter().filter(|entry| find(keyed, right, entry).is_none());
        for entry in right.iter().chain(gone) {
            let (left, right) = (find(keyed, left, entry), find(keyed, right, entry));
            let same = left.zip(right).is_some_and(|(left, right)| item.declares_same(left, right));
            if !same {
                let shown = |value: Option<&Value>| value.map(|value| item.declared_shown(value));
                self.differing(path, Some(label(keyed, entry)), shown(left), shown(right));
            }
        }
    }

    fn differing(
        &mut self,
        path: &Path,
        entry: Option<String>,
        left: Option<Value>,
        right: Option<Value>,
    ) {
        let side = if right.is_some() { self.right } else { self.left };
        let place = side.origin.at(path);
        self.found.push(Differing { path: path.clone(), entry, left, right, place });
    }
}
