//! The comparison of two environments: both sides are desired, and there is no live side.

use std::collections::BTreeSet;

use clickpipes::semantics::FieldSemantics;
use model::address::Address;
use model::desired::{Desired, Document, Place};
use model::path::FieldPath;
use serde::Serialize;
use serde_json::Value;

use crate::field_diff::{Side, Sides, diff_sides};

/// An object that the two sides declare differently.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DesiredDiff {
    /// The object, by the name it is declared under.
    pub address: Address,
    /// The sides that declare it.
    pub declared: DeclaredIn,
    /// The fields that differ, in the order of the manifests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<DesiredFieldDiff>,
}

/// One of the two sides, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DeclaredIn {
    /// The first alone.
    Left,
    /// The second alone.
    Right,
    /// Both, with differences.
    Both,
}

/// A field or list entry that the sides declare differently.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DesiredFieldDiff {
    /// The field.
    pub path: FieldPath,
    /// The entry of a list, as a person would call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// The value of the first side; a secret is its reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<Value>,
    /// The value of the second side; a secret is its reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<Value>,
    /// The place of the value: on the second side, if it is there.
    pub place: Place,
}

/// The differences between two sides, in the order of addresses.
pub fn diff_desired(left: &Desired, right: &Desired) -> Vec<DesiredDiff> {
    let all: BTreeSet<&Address> = left.keys().chain(right.keys()).collect();
    let diffs = all.into_iter().filter_map(|at| {
        let (declared, fields) = match (left.get(at), right.get(at)) {
            (Some(left), Some(right)) => (DeclaredIn::Both, diff_fields(at, left, right)),
            (Some(_), None) => (DeclaredIn::Left, Vec::new()),
            (None, _) => (DeclaredIn::Right, Vec::new()),
        };
        let differs = declared != DeclaredIn::Both || !fields.is_empty();
        differs.then(|| DesiredDiff { address: at.clone(), declared, fields })
    });
    diffs.collect()
}

fn diff_fields(address: &Address, left: &Document, right: &Document) -> Vec<DesiredFieldDiff> {
    let place = |path: &FieldPath, is_right: bool| (if is_right { right } else { left }).origin.field_place(path);
    let sides = Sides { base: Side::Value(&left.body), desired: Some(&right.body), live: Side::Unknown };
    let diffs = diff_sides(FieldSemantics::for_kind(address.kind), sides).into_iter().map(|diff| {
        let redacted = |value: &Option<Value>| value.as_ref().map(|value| diff.rules.redact_desired(value));
        DesiredFieldDiff {
            left: redacted(&diff.base),
            right: redacted(&diff.desired),
            place: place(&diff.path, diff.desired.is_some()),
            path: diff.path,
            entry: diff.entry.map(|entry| entry.label),
        }
    });
    let [mut left, right] = [left.intent.to_fields(), right.intent.to_fields()];
    let paths: BTreeSet<FieldPath> = left.keys().chain(right.keys()).cloned().collect();
    let intents = paths.into_iter().map(|path| {
        let (left, right) = (left.remove(&path), right.get(&path).cloned());
        let place = place(&path, right.is_some());
        DesiredFieldDiff { path, entry: None, left, right, place }
    });
    diffs.chain(intents.filter(|diff| diff.left != diff.right)).collect()
}
