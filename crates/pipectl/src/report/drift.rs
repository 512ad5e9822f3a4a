//! What somebody changed outside git and the plan leaves alone.

use model::address::Address;
use model::desired::Place;
use planner::LeftAlone;

use super::run::Run;
use crate::render::plan::{left_alone, name};

/// One object that drifted.
pub(super) struct Drift<'r> {
    left: &'r LeftAlone,
}

/// The objects that drifted.
pub(super) fn drift<'r>(run: &Run<'r>) -> Vec<Drift<'r>> {
    let left = run.plan.into_iter().flat_map(|plan| &plan.left_alone);
    left.filter(|left| left.drift().next().is_some()).map(|left| Drift { left }).collect()
}

impl Drift<'_> {
    /// What becomes of it.
    pub(super) const WHAT: &'static str = "drift, left alone";

    /// The object.
    pub(super) fn at(&self) -> &Address {
        &self.left.at
    }

    /// The object's name, which says its kind where that is not a pipe.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.left.at.service, name(&self.left.at))
    }

    /// Where the first of the fields was written.
    pub(super) fn place(&self) -> Option<Place> {
        self.left.drift().find_map(|field| field.place.clone())
    }

    /// The fields, each with both sides.
    pub(super) fn fields(&self) -> Vec<String> {
        let fields = self.left.drift();
        fields.map(|field| format!("`{}` {}", field.path, left_alone::drifted(field))).collect()
    }
}
