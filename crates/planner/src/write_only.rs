//! What the live side does not tell. Git says what changed there, or a person asks to send it again.

use clickpipes::semantics::{FieldSemantics, OnChange};
use model::address::Address;
use model::path::FieldPath;
use model::secret;
use serde_json::Value;

use crate::change::{FieldVerdict, MissingBase, UncheckedFields};
use crate::diff::{Difference, WriteOnlyChange};
use crate::three_way::ThreeWayField;

/// A declared field that cannot be compared: the topmost, so that a group is one.
#[derive(Clone, Debug)]
pub(crate) struct WriteOnlyField<'r> {
    pub(crate) path: FieldPath,
    pub(crate) rules: &'r FieldSemantics,
    pub(crate) desired: Value,
}

/// Everything declared that live says nothing about.
pub(crate) fn write_only_fields<'r>(
    rules: &'r FieldSemantics,
    desired: &Value,
    live: &Value,
) -> Vec<WriteOnlyField<'r>> {
    let mut found = Vec::new();
    collect_fields(rules, desired, Some(live), &FieldPath::root(), &mut found);
    found
}

fn collect_fields<'r>(
    rules: &'r FieldSemantics,
    desired: &Value,
    live: Option<&Value>,
    path: &FieldPath,
    found: &mut Vec<WriteOnlyField<'r>>,
) {
    if rules.is_unobserved(desired, live) {
        found.push(WriteOnlyField { path: path.clone(), rules, desired: desired.clone() });
        return;
    }
    let Value::Object(fields) = desired else { return };
    // A block that is missing live is sent whole.
    if live.is_some_and(Value::is_object) || rules.matches_live(desired, live) {
        for (name, value) in fields {
            let live = live.and_then(|live| live.get(name));
            collect_fields(rules.child_field(name), value, live, &path.child(name), found);
        }
    }
}

/// What git changed and live does not contradict.
pub(crate) fn changed_in_git<'r>(classified: &[ThreeWayField<'r>]) -> Vec<Difference<'r>> {
    let changed = classified.iter().filter(|field| field.verdict == FieldVerdict::Change && field.entry.is_none());
    changed
        .filter_map(|field| {
            let desired = field.desired.as_ref()?;
            field.rules.matches_live(desired, field.live.as_ref()).then(|| Difference {
                path: field.path.clone(),
                rules: field.rules,
                on_change: field.rules.on_change_between(field.base.as_ref(), Some(desired)),
                desired: desired.clone(),
                live: None,
                entries: Vec::new(),
                write_only: Some(WriteOnlyChange::ChangedInGit(field.base.clone())),
            })
        })
        .collect()
}

/// The secrets that are not sent yet: those that can be sent again, and the paths of those that
/// are fixed for as long as the object lives.
pub(crate) fn fields_to_resend<'r>(
    fields: Vec<WriteOnlyField<'r>>,
    differences: &[Difference<'_>],
) -> (Vec<Difference<'r>>, Vec<WriteOnlyField<'r>>) {
    let (sent, fixed): (Vec<_>, Vec<_>) = fields
        .into_iter()
        .filter(|field| !secret::find_secret_references(&field.desired).is_empty())
        .filter(|field| !differences.iter().any(|other| field.path.is_within(&other.path)))
        .partition(|field| field.rules.on_change != OnChange::Replace);
    let sent = sent.into_iter().map(|field| Difference {
        path: field.path,
        rules: field.rules,
        on_change: field.rules.on_change,
        desired: field.desired,
        live: None,
        entries: Vec::new(),
        write_only: Some(WriteOnlyChange::ResendRequested),
    });
    (sent.collect(), fixed)
}

/// What neither live nor a base tells, and is not sent either.
pub(crate) fn unchecked_fields(
    at: &Address,
    write_only_fields: &[WriteOnlyField<'_>],
    base: MissingBase,
    sent: impl Fn(&FieldPath) -> bool,
) -> Option<UncheckedFields> {
    let (secrets, fields): (Vec<_>, Vec<_>) = write_only_fields
        .iter()
        .filter(|field| !sent(&field.path))
        .partition(|field| !secret::find_secret_references(&field.desired).is_empty());
    let paths = |list: Vec<&WriteOnlyField<'_>>| list.iter().map(|field| field.path.clone()).collect();
    (!secrets.is_empty() || !fields.is_empty()).then(|| UncheckedFields {
        address: at.clone(),
        secrets: paths(secrets),
        fields: paths(fields),
        missing_base: base,
    })
}
