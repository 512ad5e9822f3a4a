//! Everything that is shown, made from the same structs that are saved and performed.

pub(crate) mod contrast;
pub mod diagnostics;
pub mod diff;
pub mod drift;
pub mod explanation;
pub mod json;
pub mod manifests;
pub mod ndjson;
pub mod plan;
pub mod results;
pub mod status;
pub mod unread;
