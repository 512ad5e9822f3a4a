//! A part of a plan: the selected objects, or the plan without refused objects.

use std::collections::BTreeSet;

use model::address::Address;

use crate::blocked_together::{Absence, block_without};
use crate::plan::Plan;
use crate::plan_handovers;

impl Plan {
    /// The part of the plan for some of the objects. Undeclared objects are in no part.
    #[must_use]
    pub fn narrow_to(mut self, about: impl Fn(&Address) -> bool) -> Self {
        block_without(&mut self, |at| !about(at), Absence::Outside);
        plan_handovers::drop_halves(&mut self, &about);
        self.retain_actions(&about);
        Self {
            actions: self.actions,
            delete_after: self.delete_after,
            changes: self.changes.into_iter().filter(|change| about(&change.address)).collect(),
            ignored_changes: self.ignored_changes.into_iter().filter(|left| about(&left.address)).collect(),
            unchecked: self.unchecked.into_iter().filter(|it| about(&it.address)).collect(),
            in_sync: self.in_sync.into_iter().filter(|at| about(at)).collect(),
            unmanaged: Vec::new(),
            removed_by_target: self.removed_by_target.into_iter().filter(|at| about(at)).collect(),
            // The part may need objects outside of it: a pipe that is selected without its endpoint.
            unusable: self.unusable.into_iter().filter(|it| it.is_about(&about)).collect(),
            unsettled: self.unsettled.into_iter().filter(|at| about(at)).collect(),
            references: self.references,
            followers: self.followers,
            handovers: self.handovers,
        }
    }

    /// The plan without these objects. It still knows the unmanaged objects, because all manifests were compared.
    #[must_use]
    pub fn without(self, objects: &BTreeSet<Address>) -> Self {
        let unmanaged = self.unmanaged.clone();
        Self { unmanaged, ..self.narrow_to(|at| !objects.contains(at)) }
    }
}
