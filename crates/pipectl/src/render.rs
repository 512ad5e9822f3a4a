//! Layouts for the terminal, and the JSON documents.

pub mod apply_summary;
pub mod diff;
pub mod drift;
pub(crate) mod env_diff;
pub mod envelope;
pub mod event_lines;
pub mod manifests;
pub mod plan;
pub mod status;
