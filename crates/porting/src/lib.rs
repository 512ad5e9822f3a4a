//! Creates manifests from live objects, from a Terraform state, and from the columns of a source.
//!
//! This crate does no I/O. Only `pipectl` uses it.

pub mod discover;
pub mod export;
pub mod group;
pub mod reorder;
pub mod terraform;
