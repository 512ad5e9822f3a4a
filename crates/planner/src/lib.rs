//! The pure difference between what is declared and what is live.
//!
//! [`plan`] takes both sides as values and gives back a [`Plan`]: the actions that apply will
//! perform, and apart from them the explanations that people read. No I/O, no clock, no
//! environment, nothing async, no failure, and no knowledge of any kind or field: every question
//! about a field goes to [`model::rules::Rules`].

mod approve;
mod change;
mod compare;
mod consider;
mod contrast;
mod diff;
mod field;
mod lower;
mod order;
mod plan;
mod prune;
mod reference;
mod select;
mod three_way;
mod unseen;

pub use approve::{Approved, Limits, Refusal};
pub use change::{
    Base, Change, FieldChange, FieldVerdict, Guard, LeftAlone, NotCompared, Reason, Verdict,
};
pub use contrast::{Contrast, Differing, Side, contrast};
pub use order::{Hold, Lane};
pub use plan::{Plan, Policy, Unmanaged, UnseenChanges, plan};
pub use prune::{Ground, Proof, prune};
