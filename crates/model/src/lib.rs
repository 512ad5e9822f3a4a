//! The nouns that every other crate speaks: what a manifest may say, what changing each field
//! costs, how an object is addressed, and the actions a plan is made of.
//!
//! Nothing here does I/O. The name of an API field occurs in this crate only: in the struct that
//! declares it, or in the rules beside that struct.

pub mod action;
pub mod address;
pub(crate) mod annotations;
pub mod blocking_tables;
pub mod cdc_scaling;
pub(crate) mod code;
pub mod data_effects;
pub mod desired;
pub mod diagnostic;
pub mod discover;
pub mod docs;
pub mod envelope;
pub mod export;
pub mod lifecycle;
pub mod lineage;
pub mod live;
pub mod manifest;
pub mod path;
pub mod pipe;
pub mod pipe_summary;
pub mod project;
pub mod reverse_private_endpoint;
pub mod sanitize;
pub mod secret;
pub mod selector;
pub mod semantics;
pub mod suggest;
pub mod terraform;
pub mod text;
pub mod validate;
pub mod yaml;
