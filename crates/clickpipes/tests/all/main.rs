//! What is promised of every field and every rule of the manifest language.

mod autumn_2026;
mod cross_field;
mod data_effects;
mod editor_schema;
mod explain;
mod formats;
mod jsonschema_agreement;
mod official_schema;
mod request_bodies;
mod semantics;
