//! The knowledge of ClickPipes: the fields of every kind, the rules between them, equality of values, effects of a
//! change on the data, and the meaning of the API's states. Manifests are loaded here.
//!
//! This crate does no I/O. The name of an API field occurs here, in the struct that declares it or in the rules next to
//! that struct, and in `porting`.

pub mod additional_fields;
pub mod api_body;
pub mod api_schema;
pub mod blocking_tables;
pub mod cdc_scaling;
mod connection_options;
pub mod data_effects;
pub mod default_values;
pub mod docs;
pub mod editor_schema;
pub mod envelope;
pub mod exclusive_read;
pub mod exclusive_reads;
mod field_text;
pub mod kinds;
pub mod lifecycle;
pub mod likely_secret;
pub mod lineage;
mod local_fields;
pub mod manifest;
pub mod mapping_edits;
pub mod named_host;
mod network_address;
pub mod pipe;
pub mod pipe_summary;
pub mod placeholder;
pub mod redact_text;
pub mod removed_columns;
pub mod reverse_private_endpoint;
pub mod secret_hosts;
pub mod secrets;
pub mod semantics;
pub mod server_names;
pub mod service_context;
pub mod start_paused;
pub mod template_schema;
pub mod validate;
