//! What is otherwise than git says: what a plan leaves alone, or what `drift` found.

use model::address::Address;
use model::desired::Place;
use planner::FieldChange;

use super::run::Run;
use crate::render::drift::Changed;
use crate::render::plan::{left_alone, name};

/// How an object stands to git.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// A plan with a base found it changed, and does nothing about it.
    LeftAlone,
    /// It is live and otherwise.
    Changed,
    /// It is not live.
    Missing,
    /// It is not declared.
    Unmanaged,
}

impl Standing {
    /// What there is to say of the object.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::LeftAlone => "drift, left alone",
            Self::Changed => "changed outside git",
            Self::Missing => "missing: in git, not live",
            Self::Unmanaged => "unmanaged: live, not in git",
        }
    }

    /// The machine's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::LeftAlone | Self::Changed | Self::Missing => "drift",
            Self::Unmanaged => "unmanaged",
        }
    }
}

/// One object that is otherwise.
pub(super) struct Drift<'r> {
    pub(super) at: &'r Address,
    pub(super) standing: Standing,
    /// What is otherwise about it, one after the other.
    pub(super) facts: Vec<String>,
    /// The line that says how it should be.
    pub(super) place: Option<Place>,
}

/// Every object that is otherwise; what nobody declares comes last.
pub(super) fn drift<'r>(run: &Run<'r>) -> Vec<Drift<'r>> {
    let left = run.plan.into_iter().flat_map(|plan| &plan.left_alone);
    let left = left.filter(|left| left.drift().next().is_some()).map(|left| Drift {
        at: &left.at,
        standing: Standing::LeftAlone,
        facts: left.drift().map(fact).collect(),
        place: left.drift().find_map(|field| field.place.clone()),
    });
    let found = run.drift.into_iter();
    let changed = found.clone().flat_map(|drift| &drift.changed).map(|object| changed(run, object));
    let missing = found.clone().flat_map(|drift| drift.missing.iter().copied()).map(|at| Drift {
        at,
        standing: Standing::Missing,
        facts: Vec::new(),
        place: declared(run, at),
    });
    let unmanaged = found.flat_map(|drift| drift.unmanaged).map(|other| Drift {
        at: &other.at,
        standing: Standing::Unmanaged,
        facts: vec![format!("id `{}`", other.id)],
        place: None,
    });
    left.chain(changed).chain(missing).chain(unmanaged).collect()
}

fn changed<'r>(run: &Run<'r>, object: &Changed<'r>) -> Drift<'r> {
    let written = object.fields.iter().find_map(|field| field.place.clone());
    let fields = object.fields.iter().map(|field| fact(field));
    Drift {
        at: object.at,
        standing: Standing::Changed,
        facts: object.reason.clone().into_iter().chain(fields).collect(),
        place: written.or_else(|| declared(run, object.at)),
    }
}

/// Where the object's manifest begins.
fn declared(run: &Run<'_>, at: &Address) -> Option<Place> {
    let (_, document) = run.declared.iter().find(|(other, _)| other == at)?;
    Some(document.origin.start().clone())
}

fn fact(field: &FieldChange) -> String {
    let entry = field.entry.as_ref().map(|entry| format!("{entry}: ")).unwrap_or_default();
    format!("`{}` {entry}{}", field.path, left_alone::drifted(field))
}

impl Drift<'_> {
    /// The object's name, which says its kind where that is not a pipe.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.at.service, name(self.at))
    }

    /// All that there is to say of it, in one sentence.
    pub(super) fn sentence(&self) -> String {
        let words = self.standing.words();
        if self.facts.is_empty() {
            return words.to_owned();
        }
        format!("{words}: {}", self.facts.join("; "))
    }
}
