//! The pure difference between what is declared and what is live.
//!
//! [`plan`] takes both sides as values and gives back a [`Plan`]: the actions that apply will
//! perform, and apart from them the explanations that people read. No I/O, no clock, no
//! environment, nothing async, no failure, and no knowledge of any kind or field: every question
//! about a field goes to [`model::rules::Rules`].

mod actions_for;
mod approve;
mod change;
mod desired_diff;
mod field_changes;
mod field_diff;
mod inputs;
mod match_live;
mod object_diff;
mod object_plan;
mod order;
mod overlay;
mod plan;
mod prune;
mod references;

pub use approve::{ApprovalLimits, ApprovedPlan, LimitsExceeded};
pub use change::{
    BlockReason, Change, FieldChange, FieldVerdict, IgnoredChanges, MissingBase, ProtectedBy, UncheckedFields, Verdict,
};
pub use desired_diff::{DeclaredIn, DesiredDiff, DesiredFieldDiff, diff_desired};
pub use inputs::{Policy, WriteOnlyPolicy};
pub use order::{DeleteAfter, ObjectWork};
pub use plan::{Plan, UnmanagedObject, plan};
pub use prune::{PruneEvidence, PruneReason, prune_unmanaged};
