//! What is otherwise than git says: what a plan leaves alone, or what `drift` found.

use model::address::Address;
use model::desired::Place;
use planner::FieldChange;

use super::run_report::RunReport;
use crate::render::drift::ChangedObject;
use crate::render::plan::{ignored_changes, object_label};

/// How an object stands to git.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DriftKind {
    /// A plan with a base found it changed, and does nothing about it.
    Ignored,
    /// It is live and otherwise.
    Changed,
    /// It is not live.
    Missing,
    /// It is not declared.
    Unmanaged,
}

impl DriftKind {
    /// What there is to say of the object.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Ignored => "drift, not reverted",
            Self::Changed => "changed outside git",
            Self::Missing => "missing: in git, not live",
            Self::Unmanaged => "unmanaged: live, not in git",
        }
    }

    /// The machine's word.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ignored | Self::Changed | Self::Missing => "drift",
            Self::Unmanaged => "unmanaged",
        }
    }
}

/// One object that is otherwise.
pub(super) struct DriftedObject<'r> {
    pub(super) address: &'r Address,
    pub(super) kind: DriftKind,
    /// What is otherwise about it, one after the other.
    pub(super) facts: Vec<String>,
    /// The line that says how it should be.
    pub(super) place: Option<Place>,
}

/// Every object that is otherwise; what nobody declares comes last.
pub(super) fn drifted_objects(run: &RunReport) -> Vec<DriftedObject<'_>> {
    let left = run.plan.iter().flat_map(|plan| &plan.ignored_changes);
    let left = left.filter(|left| left.drifted_fields().next().is_some()).map(|left| DriftedObject {
        address: &left.address,
        kind: DriftKind::Ignored,
        facts: left.drifted_fields().map(describe_field).collect(),
        place: left.drifted_fields().find_map(|field| field.place.clone()),
    });
    let found = run.drift.iter();
    let changed = found.clone().flat_map(|drift| &drift.changed).map(|object| changed_object(run, object));
    let missing = found.clone().flat_map(|drift| &drift.missing).map(|at| DriftedObject {
        address: at,
        kind: DriftKind::Missing,
        facts: Vec::new(),
        place: manifest_start(run, at),
    });
    let unmanaged = found.flat_map(|drift| &drift.unmanaged).map(|other| DriftedObject {
        address: &other.address,
        kind: DriftKind::Unmanaged,
        facts: vec![format!("id `{}`", other.id)],
        place: None,
    });
    left.chain(changed).chain(missing).chain(unmanaged).collect()
}

fn changed_object<'r>(run: &RunReport, object: &'r ChangedObject) -> DriftedObject<'r> {
    let written = object.fields.iter().find_map(|field| field.place.clone());
    let fields = object.fields.iter().map(describe_field);
    DriftedObject {
        address: &object.address,
        kind: DriftKind::Changed,
        facts: object.reason.clone().into_iter().chain(fields).collect(),
        place: written.or_else(|| manifest_start(run, &object.address)),
    }
}

/// Where the object's manifest begins.
fn manifest_start(run: &RunReport, at: &Address) -> Option<Place> {
    let (_, document) = run.declared.iter().find(|(other, _)| other == at)?;
    Some(document.origin.start_place().clone())
}

fn describe_field(field: &FieldChange) -> String {
    let entry = field.entry.as_ref().map(|entry| format!("{entry}: ")).unwrap_or_default();
    format!("`{}` {entry}{}", field.path, ignored_changes::git_and_live_values(field))
}

impl DriftedObject<'_> {
    /// The object's name, which says its kind where that is not a pipe.
    pub(super) fn display_name(&self) -> String {
        format!("{}/{}", self.address.service, object_label(self.address))
    }

    /// All that there is to say of it, in one sentence.
    pub(super) fn summary_sentence(&self) -> String {
        let words = self.kind.description();
        if self.facts.is_empty() {
            return words.to_owned();
        }
        format!("{words}: {}", self.facts.join("; "))
    }
}
