//! Changes outside git: one line for each field, missing object and unmanaged object.

use std::collections::{BTreeMap, BTreeSet};

use model::address::Address;
use planner::{BlockReason, Change, FieldChange, FieldVerdict, Plan, UnmanagedObject, Verdict};
use serde::Serialize;

use crate::escape::sanitize_line;
use crate::label_groups::{LabelValues, group_title};
use crate::output::{Label, StyledText};
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
    /// Declared objects that git changed since the last apply, and that are not so in live yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Address>,
    /// Declared objects of a kind that the API does not support: their live state is unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_offered: Vec<Address>,
    /// Live objects that are not declared.
    pub unmanaged: Vec<UnmanagedObject>,
    /// The number of objects in sync.
    pub in_sync: usize,
    /// Selected and declared objects, if not all are selected.
    #[serde(skip)]
    pub partial: Option<(usize, usize)>,
    /// The objects by the value of a label, if requested.
    #[serde(flatten)]
    pub grouping: Option<DriftGrouping>,
}

/// The objects by the value of a label.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DriftGrouping {
    /// The label.
    pub group_by: String,
    /// One group for each value. The objects without the label come last.
    pub groups: Vec<DriftGroup>,
}

/// The objects with one value of a label.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DriftGroup {
    /// `None` for objects without the label, and for those that are not declared.
    pub value: Option<String>,
    /// The number of declared objects whose live fields differ.
    pub changed: usize,
    /// The number of declared objects that are not live.
    pub missing: usize,
    /// The number of live objects that are not declared.
    pub unmanaged: usize,
    /// The number of objects in sync.
    pub in_sync: usize,
    /// The objects that differ.
    pub objects: BTreeSet<Address>,
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

/// A change of an object in git since the last apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeInGit {
    /// It was not declared before.
    New,
    /// Its manifest was different.
    Edited,
}

impl DriftReport {
    /// Groups the changes of a plan. Its base is the desired state, or that of the last apply; `changed_in_git` lists
    /// the difference between the two.
    pub fn from_plan(
        plan: &Plan,
        against: String,
        partial: Option<(usize, usize)>,
        changed_in_git: &BTreeMap<&Address, ChangeInGit>,
    ) -> Self {
        let is_pending = |change: &&Change| changed_in_git.contains_key(&change.address);
        // The object was deleted outside git, also if git edited its manifest since.
        let is_new = |change: &Change| changed_in_git.get(&change.address) == Some(&ChangeInGit::New);
        let is_created = |change: &Change| {
            change.verdict == Verdict::Create || change.blocked_verdict == Some(Verdict::Create.as_str())
        };
        let is_missing = |change: &&Change| is_created(change) && !is_new(change);
        let is_not_offered = |change: &&Change| change.verdict == Verdict::Blocked(BlockReason::NotOffered);
        let mut changed: BTreeMap<&Address, ChangedObject> = BTreeMap::new();
        for change in plan.changes.iter().filter(|change| !is_missing(change) && !is_not_offered(change)) {
            let fields = change.fields.iter().filter(|field| is_drift_field(field)).cloned().collect();
            let address = change.address.clone();
            // The next apply handles the other differences of such an object.
            let reason = if is_pending(&change) { None } else { drift_reason(change) };
            changed.insert(&change.address, ChangedObject { address, fields, reason });
        }
        for left in &plan.ignored_changes {
            let object = || ChangedObject { address: left.address.clone(), fields: Vec::new(), reason: None };
            changed.entry(&left.address).or_insert_with(object).fields.extend(left.drifted_fields().cloned());
        }
        let mut changed: Vec<ChangedObject> = changed.into_values().collect();
        changed.retain(|changed| !changed.fields.is_empty() || changed.reason.is_some());
        let missing = plan.changes.iter().filter(is_missing).map(|change| change.address.clone()).collect();
        let not_offered = plan.changes.iter().filter(is_not_offered).map(|change| change.address.clone()).collect();
        let is_left_to_do = |change: &&Change| is_pending(change) && !is_missing(change) && !is_not_offered(change);
        let pending = plan.changes.iter().filter(is_left_to_do).map(|change| change.address.clone()).collect();
        let mut unmanaged = plan.unmanaged.clone();
        unmanaged.retain(|other| !other.address.kind.is_singleton());
        let in_sync = plan.in_sync.len();
        Self { against, changed, missing, pending, not_offered, unmanaged, in_sync, partial, grouping: None }
    }

    pub(crate) fn group_by_label(&mut self, labels: &LabelValues, plan: &Plan) {
        let changed = self.changed.iter().map(|it| (&it.address, Difference::Changed));
        let missing = self.missing.iter().map(|at| (at, Difference::Missing));
        let unmanaged = self.unmanaged.iter().map(|it| (&it.address, Difference::Unmanaged));
        let in_sync = plan.in_sync.iter().map(|at| (at, Difference::None));
        let pending = self.pending.iter().map(|at| (at, Difference::Pending));
        let not_offered = self.not_offered.iter().map(|at| (at, Difference::NotOffered));
        let all = changed.chain(missing).chain(pending).chain(not_offered).chain(unmanaged).chain(in_sync);
        let groups = labels.group_items(all, |(at, _)| at).into_iter().map(|(value, objects)| {
            let count = |kind| objects.iter().filter(|(_, difference)| *difference == kind).count();
            DriftGroup {
                value: value.map(str::to_owned),
                changed: count(Difference::Changed),
                missing: count(Difference::Missing),
                unmanaged: count(Difference::Unmanaged),
                in_sync: count(Difference::None),
                objects: objects.iter().filter(|it| it.1 != Difference::None).map(|(at, _)| (*at).clone()).collect(),
            }
        });
        let groups = groups.collect();
        self.grouping = Some(DriftGrouping { group_by: labels.key().to_owned(), groups });
    }

    /// The number of objects by difference.
    pub fn counts_text(&self) -> String {
        let counts = counts_sentence(self.changed.len(), self.missing.len(), self.unmanaged.len(), self.in_sync);
        let others = [(self.pending.len(), "not applied yet"), (self.not_offered.len(), "not known")];
        let others = others.into_iter().filter(|(count, _)| *count > 0);
        others.fold(counts, |counts, (count, what)| format!("{counts}, {count} {what}"))
    }

    /// Whether every declared object is in sync.
    pub fn is_clean(&self) -> bool {
        self.changed.is_empty() && self.missing.is_empty()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Difference {
    Changed,
    Missing,
    Pending,
    NotOffered,
    Unmanaged,
    None,
}

impl DriftGroup {
    /// The number of objects by difference.
    pub(crate) fn counts_text(&self) -> String {
        counts_sentence(self.changed, self.missing, self.unmanaged, self.in_sync)
    }
}

fn counts_sentence(changed: usize, missing: usize, unmanaged: usize, in_sync: usize) -> String {
    format!("{changed} changed, {missing} missing, {unmanaged} unmanaged; {in_sync} in sync")
}

fn is_drift_field(field: &FieldChange) -> bool {
    matches!(field.verdict, Some(FieldVerdict::Drift | FieldVerdict::Conflict))
}

fn drift_reason(change: &Change) -> Option<String> {
    match &change.verdict {
        Verdict::Delete => Some("live, but declared with `state: absent`".to_owned()),
        Verdict::Rename => {
            let from = change.renamed_from.as_ref()?;
            Some(format!("live under its previous name `{from}`"))
        }
        Verdict::Blocked(_) => change.reason.clone(),
        Verdict::Update if change.fields.is_empty() => Some("does not exist yet".to_owned()),
        Verdict::Create | Verdict::Adopt | Verdict::Update | Verdict::Replace => None,
    }
}

/// A line for each difference and each unreachable service, and the counts.
pub fn render(drift: &DriftReport, unread: &[UnreachableService]) -> StyledText {
    let names = drift.changed.iter().map(|changed| &changed.address);
    let names = names.chain(&drift.missing).chain(&drift.pending).chain(&drift.not_offered);
    let names = names.chain(drift.unmanaged.iter().map(|unmanaged| &unmanaged.address));
    let width = names.map(|at| at.to_string().chars().count()).max().unwrap_or_default();
    let mut text = StyledText::new();
    let rows = drift_rows(drift);
    match &drift.grouping {
        None => rows.iter().for_each(|row| push_row(&mut text, row, width)),
        Some(grouping) => {
            let mut rows_of: BTreeMap<&Address, Vec<&DriftRow<'_>>> = BTreeMap::new();
            for row in &rows {
                rows_of.entry(row.address).or_default().push(row);
            }
            for group in &grouping.groups {
                let title = sanitize_line(&group_title(&grouping.group_by, group.value.as_deref()));
                text.push(Label::Name, title).push_plain(format!("  {}", group.counts_text())).end_line();
                // A search of all rows for each group would cost the square where each object has its own value.
                for row in group.objects.iter().filter_map(|at| rows_of.get(at)).flatten() {
                    push_row(&mut text, row, width);
                }
            }
        }
    }
    text.append(&unreachable::unreachable_lines(unread));
    if let Some(note) = partial_note(drift.partial) {
        text.push_plain(note).end_line();
    }
    let counts = format!("Drift: {}.", drift.counts_text());
    text.push(Label::Heading, counts).push_plain(format!("  Compared with {}.", drift.against)).end_line();
    text
}

struct DriftRow<'d> {
    label: Label,
    word: &'static str,
    address: &'d Address,
    what: String,
}

fn drift_rows(drift: &DriftReport) -> Vec<DriftRow<'_>> {
    let mut rows = Vec::new();
    let mut push = |label, word, address, what| rows.push(DriftRow { label, word, address, what });
    for changed in &drift.changed {
        if let Some(reason) = &changed.reason {
            push(Label::Update, "changed", &changed.address, reason.clone());
        }
        for field in &changed.fields {
            let what = format!("{}  {}", field.path, drift_sentence(field));
            push(Label::Update, "changed", &changed.address, what);
        }
    }
    for at in &drift.missing {
        push(Label::Delete, "missing", at, "in git, not live".to_owned());
    }
    for at in &drift.pending {
        push(Label::Dim, "pending", at, "changed in git since the last apply (not drift)".to_owned());
    }
    for at in &drift.not_offered {
        push(Label::Dim, "unknown", at, BlockReason::NotOffered.to_string());
    }
    for unmanaged in &drift.unmanaged {
        let what = format!("live ({}), not in git", unmanaged.id);
        push(Label::Dim, "unmanaged", &unmanaged.address, what);
    }
    rows
}

fn push_row(text: &mut StyledText, row: &DriftRow<'_>, width: usize) {
    let (word, at, what) = (row.word, row.address.to_string(), &row.what);
    text.push(row.label, format!("{word:11}")).push_plain(format!("{at:width$}  {what}")).end_line();
}
