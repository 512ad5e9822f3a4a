//! Manifests as values, to change them field by field.

use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;

use clickpipes::manifest;
use model::desired::Desired;
use model::diagnostic::{Severity, SourceFile};
use serde_json::Value;

/// Every document of the YAML files in a folder below `tests/`, or of the examples.
pub(crate) fn read_documents(folder: &str) -> Vec<Value> {
    let root = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    let texts = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
    texts.flat_map(|text| parse_documents(&text)).collect()
}

/// The seed of this name.
pub(crate) fn seed_named(name: &str) -> Value {
    let mut seeds = read_documents("tests/seeds").into_iter();
    seeds.find(|seed| seed["metadata"]["name"] == name).unwrap()
}

/// These seeds, in the order of their files.
pub(crate) fn seeds_named(names: &[&str]) -> Vec<Value> {
    let mut seeds = read_documents("tests/seeds");
    seeds.retain(|seed| names.iter().any(|name| seed["metadata"]["name"] == *name));
    assert_eq!(seeds.len(), names.len());
    seeds
}

/// One YAML text of all documents.
pub(crate) fn documents_to_yaml<'v>(documents: impl IntoIterator<Item = &'v Value>) -> String {
    let texts: Vec<String> = documents.into_iter().map(|document| format!("{document}\n")).collect();
    texts.join("---\n")
}

/// The documents of a YAML text as plain values, references and all.
fn parse_documents(text: &str) -> Vec<Value> {
    model::yaml::parse_documents(text)
}

/// What a manifest declares, or what is wrong with it.
pub(crate) fn desired_from_documents(documents: &[Value]) -> Result<Desired, Vec<String>> {
    let file = SourceFile { name: Arc::from("test.yaml"), text: Arc::from(documents_to_yaml(documents)) };
    let loaded = manifest::parse_manifests(&[file], &BTreeMap::new());
    let errors: Vec<String> = loaded
        .diagnostics
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| format!("{}: {}: {}", problem.path, problem.code, problem.message))
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let manifests = loaded.manifests.into_iter();
    Ok(manifests.map(|manifest| (super::manifest_address(&manifest), manifest.document)).collect())
}
