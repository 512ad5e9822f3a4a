//! The pure difference between what is declared and what is live.
//!
//! [`plan`] takes both sides as values and gives back a [`Plan`]: the actions that apply will
//! perform, and apart from them the explanations that people read. No I/O, no clock, no
//! environment, nothing async, no failure, and no knowledge of any kind or field: every question
//! about a field goes to [`model::rules::Rules`].

mod actions_for;
mod approve;
mod change;
mod compare;
mod desired_diff;
mod diff;
mod field_changes;
mod match_live;
mod object_plan;
mod order;
mod plan;
mod prune;
mod references;
mod three_way;
mod write_only;

pub use approve::{ApprovalLimits, ApprovedPlan, LimitsExceeded};
pub use change::{
    BlockReason, Change, FieldChange, FieldVerdict, IgnoredChanges, MissingBase, ProtectedBy, UncheckedFields, Verdict,
};
pub use desired_diff::{DesiredDiff, FieldDiff, Side, diff_desired};
pub use order::{DeleteAfter, ObjectWork};
pub use plan::{Plan, Policy, UnmanagedObject, WriteOnlyPolicy, plan};
pub use prune::{PruneEvidence, PruneReason, prune_unmanaged};
