//! What is promised of every field and every rule of the manifest language.

mod between;
mod bodies;
mod consequences;
mod explain;
mod forms;
mod official_schema;
mod rules;
