//! The nouns that every other crate speaks: what a manifest may say, what changing each field
//! costs, how an object is addressed, and the actions a plan is made of.
//!
//! Nothing here does I/O. The name of an API field occurs in this crate only: in the struct that
//! declares it, or in the rules beside that struct.

pub mod action;
pub mod address;
pub mod cdc_scaling;
pub mod check;
pub(crate) mod code;
pub mod consequence;
pub mod desired;
pub mod diagnostic;
pub mod discover;
pub mod envelope;
pub mod export;
pub mod flow;
pub mod leftover;
pub mod lifecycle;
pub mod live;
pub mod manifest;
pub(crate) mod mark;
pub mod nearest;
pub mod overview;
pub mod path;
pub mod pattern;
pub mod pipe;
pub mod project;
pub mod reference;
pub mod reverse_private_endpoint;
pub mod rules;
pub mod secret;
pub mod source;
pub mod terraform;
pub mod text;
pub mod visible;
