//! The pure comparison of desired and live objects.
//!
//! [`plan`] takes both sides as values and returns a [`Plan`]: the actions for apply, and the
//! explanations for people. It does no I/O, reads no clock and no environment, never waits and
//! cannot fail. It knows no field: it asks the field's semantics.

mod actions_for;
mod approve;
mod block_reason;
mod blocked_together;
mod carry_over;
mod change;
mod conflict;
mod contested_reads;
mod desired_diff;
mod field_changes;
mod field_diff;
mod filled_tables;
mod handover;
mod inputs;
mod make_plan;
mod match_live;
mod name_effects;
mod needed_objects;
mod object_diff;
mod object_plan;
mod order;
mod overlay;
mod plan;
mod plan_handovers;
mod plan_part;
mod prune;
mod prune_evidence;
mod read_conflict;
mod references;
mod refused_request;
mod renamed_hosts;
mod respelling;
mod retargeted_entries;
mod rule_blocks;
mod same_object;
mod secret_review;
mod sent_secrets;
mod shown_fields;
mod state_plan;
mod still_used;
mod successor;
mod turns;
mod undeclared_rename;
mod unproven_fields;
mod words;

pub use approve::{ApprovalLimits, ApprovedPlan, LimitExceeded};
pub use block_reason::{BlockReason, DownService, FilledTable, Permission, ProtectedBy};
pub use change::{
    Change, ChangedTemplate, FieldChange, FieldVerdict, IgnoredChanges, MissingBase, UncheckedFields, Verdict,
};
pub use conflict::ConflictingField;
pub use desired_diff::{DeclaredIn, DesiredDiff, DesiredFieldDiff, diff_desired};
pub use inputs::{OtherFolders, Policy, ReaderElsewhere, UnsettledPolicy, WriteOnlyPolicy};
pub use make_plan::plan;
pub use order::{ObjectWork, WorkRank, actions_by_object};
pub use plan::{DeleteAfter, Plan, UnmanagedObject, UnusableObject};
pub use prune::prune_unmanaged;
pub use prune_evidence::{LastProtection, PruneEvidence, PruneReason};
pub use read_conflict::{ReadConflict, ReadConflictCause};
pub use sent_secrets::{RefusedSecret, SentSecret};
pub use shown_fields::ShownFields;
