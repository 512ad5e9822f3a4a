//! Creates manifests from live objects, from a Terraform state, and from the columns of a source.
//!
//! Nothing here does I/O. Only `pipectl` uses this crate.

pub mod discover;
pub mod export;
pub mod group;
pub mod reorder;
pub mod terraform;
