//! Objects that differ from git: drift that a plan does not revert, and the result of `drift`.

use model::address::Address;
use model::desired::Place;

use super::run_report::RunReport;
use crate::plan_view::PlanView;
use crate::plan_view::field::drift_sentence;
use crate::plan_view::object::display_name;
use crate::render::drift::ChangedObject;

/// The kind of difference from git.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DriftKind {
    /// A plan with a base found the drift and does not revert it.
    Ignored,
    Changed,
    Missing,
    Unmanaged,
}

impl DriftKind {
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Ignored => "drift, not reverted",
            Self::Changed => "changed outside git",
            Self::Missing => "missing: in git, not live",
            Self::Unmanaged => "unmanaged: live, not in git",
        }
    }

    /// The word of styles and of codes.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ignored | Self::Changed | Self::Missing => "drift",
            Self::Unmanaged => "unmanaged",
        }
    }
}

/// One object that differs.
pub(super) struct DriftedObject<'r> {
    pub(super) address: &'r Address,
    pub(super) kind: DriftKind,
    /// The differences.
    pub(super) facts: Vec<String>,
    /// The line that declares the first of them.
    pub(super) place: Option<Place>,
}

/// Every object that differs. Unmanaged objects come last.
pub(super) fn drifted_objects<'r>(run: &'r RunReport, view: Option<&PlanView<'r>>) -> Vec<DriftedObject<'r>> {
    let ignored = view.into_iter().flat_map(|view| &view.objects).filter(|object| object.has_drift()).map(|object| {
        let drifted = || object.ignored.iter().filter(|field| field.sign == '*');
        DriftedObject {
            address: object.address,
            kind: DriftKind::Ignored,
            facts: drifted()
                .map(|it| format!("`{}` {}", it.path, it.sentence.as_deref().unwrap_or_default()))
                .collect(),
            place: drifted().find_map(|field| field.place.cloned()),
        }
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
    ignored.chain(changed).chain(missing).chain(unmanaged).collect()
}

fn changed_object<'r>(run: &RunReport, object: &'r ChangedObject) -> DriftedObject<'r> {
    let written = object.fields.iter().find_map(|field| field.place.clone());
    let fields = object.fields.iter().map(|field| format!("`{}` {}", field.path, drift_sentence(field)));
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

impl DriftedObject<'_> {
    /// The object's name, with its kind if it is not a pipe.
    pub(super) fn display_name(&self) -> String {
        display_name(self.address)
    }

    /// All differences in one sentence.
    pub(super) fn summary_sentence(&self) -> String {
        let words = self.kind.description();
        if self.facts.is_empty() {
            return words.to_owned();
        }
        format!("{words}: {}", self.facts.join("; "))
    }
}
