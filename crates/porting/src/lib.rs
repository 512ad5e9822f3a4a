//! Manifests from what exists: live objects, a state of Terraform, the columns that a source holds.
//!
//! Nothing here does I/O. Only `pipectl` uses this crate.

pub mod discover;
pub mod export;
pub mod terraform;
