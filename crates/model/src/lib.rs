//! The manifest language and the nouns that every other crate uses: YAML with positions, schema
//! validation, the project file, addresses, live and desired objects, actions, diagnostics.
//!
//! This crate does no I/O, and does not know the fields of a kind: those are in `clickpipes`.

pub mod action;
pub mod address;
pub mod annotations;
pub mod code;
pub mod desired;
pub mod diagnostic;
pub mod env_name;
pub mod excerpt;
pub mod label_selector;
pub mod live;
pub mod look_alike;
pub mod path;
pub mod project;
pub mod rule_finding;
pub mod sanitize;
pub mod schema;
pub mod schema_validator;
pub mod secret;
pub mod selector;
pub mod suggest;
pub mod text;
pub mod yaml;
