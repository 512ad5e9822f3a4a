//! The pure difference between what is declared and what is live.
//!
//! [`plan`] takes both sides as values and gives back a [`Plan`]: the actions that apply will
//! perform, and apart from them the explanations that people read. No I/O, no clock, no
//! environment, nothing async, no failure, and no knowledge of any kind or field: every question
//! about a field goes to [`model::rules::Rules`].

mod approve;
mod change;
mod diff;
mod lower;
mod order;
mod plan;
mod reference;
mod select;

pub use approve::{Approved, Limits, Refusal};
pub use change::{Change, FieldChange, Reason, Verdict};
pub use order::{Lane, stages};
pub use plan::{Plan, Policy, Unmanaged, plan};
pub use reference::references;
