//! Secrets, whatever field of whatever kind they are in: what is one by its form or its name, and what may receive it.

pub(crate) mod forms;
pub mod host;
pub(crate) mod literal_reference;
pub mod names;
pub mod policy;
