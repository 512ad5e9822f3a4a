//! The contract of the API, one row per field, written independently of any client.
//!
//! [`validate`] checks a body against the rows, [`accept`] stores it without its secrets, [`render`]
//! shows it as the API does. Rules between fields are in `rules`.

pub(crate) mod accept;
pub(crate) mod bigquery;
pub(crate) mod cdc_scaling;
pub(crate) mod destination;
pub(crate) mod endpoint;
pub(crate) mod field_spec;
pub(crate) mod kafka;
pub(crate) mod kinesis;
pub(crate) mod mongodb;
pub(crate) mod mysql;
pub(crate) mod object_storage;
pub(crate) mod postgres;
pub(crate) mod pubsub;
pub(crate) mod render;
pub(crate) mod respell;
pub(crate) mod root;
pub(crate) mod scaling;
pub(crate) mod settings;
pub(crate) mod source;
pub(crate) mod validate;
