//! Two declared sides, compared with each other. Nothing is live here, and nothing is done.

use std::collections::BTreeSet;

use clickpipes::semantics::{FieldSemantics, ListSemantics};
use model::address::Address;
use model::desired::{Desired, Document, Place};
use model::path::FieldPath;
use serde::Serialize;
use serde_json::Value;

use crate::diff::{entry_label, find_entry};

/// One object that is not declared alike on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DesiredDiff {
    /// The object, by the name it is declared under.
    pub address: Address,
    /// Where it is declared.
    pub declared: Side,
    /// The fields that differ, in the order of the manifests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldDiff>,
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
pub struct FieldDiff {
    /// The field.
    pub path: FieldPath,
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
pub fn diff_desired(left: &Desired, right: &Desired) -> Vec<DesiredDiff> {
    let all: BTreeSet<&Address> = left.keys().chain(right.keys()).collect();
    let diffs = all.into_iter().filter_map(|at| {
        let (declared, fields) = match (left.get(at), right.get(at)) {
            (Some(left), Some(right)) => (Side::Both, diff_fields(at, left, right)),
            (Some(_), None) => (Side::Left, Vec::new()),
            (None, _) => (Side::Right, Vec::new()),
        };
        let differs = declared != Side::Both || !fields.is_empty();
        differs.then(|| DesiredDiff { address: at.clone(), declared, fields })
    });
    diffs.collect()
}

fn diff_fields(at: &Address, left: &Document, right: &Document) -> Vec<FieldDiff> {
    let mut walker = FieldDiffWalker { left, right, found: Vec::new() };
    walker.visit_value(FieldSemantics::for_kind(at.kind), Some(&left.body), Some(&right.body), &FieldPath::root());
    let intents = [left.intent.to_fields(), right.intent.to_fields()];
    let [left, right] = &intents;
    let names: BTreeSet<&FieldPath> = left.keys().chain(right.keys()).collect();
    for path in names {
        let (left, right) = (left.get(path), right.get(path));
        if left != right {
            walker.push_diff(path, None, left.cloned(), right.cloned());
        }
    }
    walker.found
}

struct FieldDiffWalker<'d> {
    left: &'d Document,
    right: &'d Document,
    found: Vec<FieldDiff>,
}

impl FieldDiffWalker<'_> {
    fn visit_value(&mut self, rules: &FieldSemantics, left: Option<&Value>, right: Option<&Value>, path: &FieldPath) {
        match (left, right, &rules.list) {
            (Some(left), Some(right), _) if rules.declares_same(left, right) => {}
            (Some(Value::Object(fields)), Some(Value::Object(others)), _)
                if !left.is_some_and(|it| rules.is_leaf(it)) && !right.is_some_and(|it| rules.is_leaf(it)) =>
            {
                let removed = fields.keys().filter(|name| !others.contains_key(*name));
                for name in others.keys().chain(removed) {
                    let below = (fields.get(name), others.get(name));
                    self.visit_value(rules.child_field(name), below.0, below.1, &path.child(name));
                }
            }
            (Some(Value::Array(items)), Some(Value::Array(others)), ListSemantics::Keyed(_)) => {
                self.visit_entries(rules, items, others, path);
            }
            _ => {
                let shown = |value: Option<&Value>| value.map(|value| rules.redact_desired(value));
                self.push_diff(path, None, shown(left), shown(right));
            }
        }
    }

    fn visit_entries(&mut self, rules: &FieldSemantics, left: &[Value], right: &[Value], path: &FieldPath) {
        let ListSemantics::Keyed(keyed) = &rules.list else { return };
        let item = rules.list_item();
        let removed = left.iter().filter(|entry| find_entry(keyed, right, entry).is_none());
        for entry in right.iter().chain(removed) {
            let (left, right) = (find_entry(keyed, left, entry), find_entry(keyed, right, entry));
            let same = left.zip(right).is_some_and(|(left, right)| item.declares_same(left, right));
            if !same {
                let shown = |value: Option<&Value>| value.map(|value| item.redact_desired(value));
                self.push_diff(path, Some(entry_label(keyed, entry)), shown(left), shown(right));
            }
        }
    }

    fn push_diff(&mut self, path: &FieldPath, entry: Option<String>, left: Option<Value>, right: Option<Value>) {
        let side = if right.is_some() { self.right } else { self.left };
        let place = side.origin.field_place(path);
        self.found.push(FieldDiff { path: path.clone(), entry, left, right, place });
    }
}
