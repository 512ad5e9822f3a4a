//! Recognizes secrets by their form or name, in any field of any kind, and lists their possible receivers.

pub(crate) mod forms;
pub mod host;
pub(crate) mod literal_reference;
pub mod names;
pub mod policy;
