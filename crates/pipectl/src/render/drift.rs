//! What changed outside git: one line for each field, missing object and unmanaged object.

use std::collections::BTreeMap;

use model::address::Address;
use planner::{Change, FieldChange, FieldVerdict, Plan, UnmanagedObject, Verdict};
use serde::Serialize;

use crate::output::{Label, StyledText};
use crate::permissions;
use crate::plan_view::field::drift_sentence;
use crate::plan_view::partial_note;
use crate::unreachable::{self, UnreachableService};

/// Desired compared with live: changed, missing and unmanaged objects.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DriftReport {
    /// The revision that live was compared with.
    pub against: String,
    /// Declared objects whose live fields differ.
    pub changed: Vec<ChangedObject>,
    /// Declared objects that are not live.
    pub missing: Vec<Address>,
    /// Live objects that are not declared.
    pub unmanaged: Vec<UnmanagedObject>,
    /// The number of objects in sync.
    pub in_sync: usize,
    /// Selected and declared objects, if not all are selected.
    #[serde(skip)]
    pub partial: Option<(usize, usize)>,
}

/// An object whose live fields differ.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedObject {
    /// The object.
    pub address: Address,
    /// The fields that differ.
    pub fields: Vec<FieldChange>,
    /// The difference, if it is not in the fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl DriftReport {
    /// Sorts a plan whose base is the desired state.
    pub fn from_plan(plan: &Plan, against: String, partial: Option<(usize, usize)>) -> Self {
        let is_missing = |change: &&Change| change.verdict == Verdict::Create;
        let mut changed: BTreeMap<&Address, ChangedObject> = BTreeMap::new();
        for change in plan.changes.iter().filter(|change| !is_missing(change)) {
            let fields = change.fields.iter().filter(|field| is_drift_field(field)).cloned().collect();
            let address = change.address.clone();
            changed.insert(&change.address, ChangedObject { address, fields, reason: drift_reason(change) });
        }
        for left in &plan.ignored_changes {
            let object = || ChangedObject { address: left.address.clone(), fields: Vec::new(), reason: None };
            changed.entry(&left.address).or_insert_with(object).fields.extend(left.drifted_fields().cloned());
        }
        let mut changed: Vec<ChangedObject> = changed.into_values().collect();
        changed.retain(|changed| !changed.fields.is_empty() || changed.reason.is_some());
        let missing = plan.changes.iter().filter(is_missing).map(|change| change.address.clone()).collect();
        let (unmanaged, in_sync) = (plan.unmanaged.clone(), plan.in_sync.len());
        Self { against, changed, missing, unmanaged, in_sync, partial }
    }

    /// The number of objects by difference.
    pub fn counts_text(&self) -> String {
        let (changed, missing) = (self.changed.len(), self.missing.len());
        let (unmanaged, in_sync) = (self.unmanaged.len(), self.in_sync);
        format!("{changed} changed, {missing} missing, {unmanaged} unmanaged; {in_sync} in sync")
    }

    /// Whether every declared object is in sync.
    pub fn is_clean(&self) -> bool {
        self.changed.is_empty() && self.missing.is_empty()
    }
}

fn is_drift_field(field: &FieldChange) -> bool {
    field.verdict == Some(FieldVerdict::Drift)
}

fn drift_reason(change: &Change) -> Option<String> {
    match &change.verdict {
        Verdict::Delete => Some("live, but declared with `state: absent`".to_owned()),
        Verdict::Rename => {
            let from = change.renamed_from.as_ref()?;
            Some(format!("live under its previous name `{from}`"))
        }
        Verdict::Blocked(reason) => Some(permissions::blocked_text(reason)),
        Verdict::Update if change.fields.is_empty() => Some("does not exist yet".to_owned()),
        Verdict::Create | Verdict::Adopt | Verdict::Update | Verdict::Replace => None,
    }
}

/// A line for each difference and each unreachable service, and the counts.
pub fn render(drift: &DriftReport, unread: &[UnreachableService]) -> StyledText {
    let names = drift.changed.iter().map(|changed| &changed.address);
    let names = names.chain(&drift.missing);
    let names = names.chain(drift.unmanaged.iter().map(|unmanaged| &unmanaged.address));
    let width = names.map(|at| at.to_string().chars().count()).max().unwrap_or_default();
    let mut text = StyledText::new();
    let mut row = |label: Label, word: &str, at: &Address, what: &str| {
        let at = at.to_string();
        text.push(label, format!("{word:11}")).push_plain(format!("{at:width$}  {what}")).end_line();
    };
    for changed in &drift.changed {
        if let Some(reason) = &changed.reason {
            row(Label::Update, "changed", &changed.address, reason);
        }
        for field in &changed.fields {
            let what = format!("{}  {}", field.path, drift_sentence(field));
            row(Label::Update, "changed", &changed.address, &what);
        }
    }
    for at in &drift.missing {
        row(Label::Delete, "missing", at, "in git, not live");
    }
    for unmanaged in &drift.unmanaged {
        row(Label::Dim, "unmanaged", &unmanaged.address, &format!("live ({}), not in git", unmanaged.id));
    }
    text.append(unreachable::unreachable_lines(unread));
    if let Some(note) = partial_note(drift.partial) {
        text.push_plain(note).end_line();
    }
    let counts = format!("Drift: {}.", drift.counts_text());
    text.push(Label::Heading, counts).push_plain(format!("  Compared with {}.", drift.against)).end_line();
    text
}
