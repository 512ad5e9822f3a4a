//! The schema for editors.

use std::collections::BTreeSet;

use clickpipes::editor_schema::editor_schema;
use clickpipes::kinds;
use clickpipes::semantics::FieldSemantics;
use model::address::Kind;
use model::path::FieldPath;
use serde_json::{Value, json};

#[test]
fn editor_schema_covers_every_kind_without_null() {
    let schema = editor_schema();
    let validator = jsonschema::validator_for(&schema).expect("a good schema");
    let scaling = json!({
        "apiVersion": "pipectl/v1",
        "kind": "CdcScaling",
        "metadata": {"service": "analytics"},
        "spec": {"replicaCpuMillicores": 2000, "replicaMemoryGb": 8},
    });
    assert!(validator.is_valid(&scaling));
    assert!(!validator.is_valid(&json!({"kind": "CdcScaling"})));
    assert!(!schema.to_string().contains("\"null\""));
    for kind in Kind::ALL {
        assert!(!kinds::manifest_schema(kind).to_string().contains("\"null\""));
        let mut fields = FieldSemantics::for_kind(kind).child_fields();
        assert!(fields.all(|(name, _)| name != "additional"), "{kind:?}");
    }
}

/// A pipe with what a part of a manifest may have: no required field, and variables in place of numbers.
fn part_of_a_pipe(kind: &str, spec: &Value) -> Value {
    json!({"apiVersion": "pipectl/v1", "kind": kind, "metadata": {"name": "${each.name}"}, "spec": spec})
}

#[test]
fn parts_of_manifests_are_valid_and_plain_manifests_are_checked_in_full() {
    let validator = jsonschema::validator_for(&editor_schema()).expect("a good schema");
    let part = json!({"source": {"kafka": {"type": "${with.type}"}}, "scaling": {"replicas": "${with.replicas}"}});
    let shared = json!({"template": "a", "source": {"kafka": {"type": "kafka"}}, "settings": null});
    let mut with_entries = part_of_a_pipe("ClickPipe", &part);
    with_entries["forEach"] = json!([{"name": "a"}]);
    let mut template = part_of_a_pipe("Template", &part);
    template["parameters"] = json!({"type": {}, "replicas": {"type": "integer"}});
    assert!(validator.is_valid(&template));
    assert!(validator.is_valid(&part_of_a_pipe("ClickPipe", &shared)));
    assert!(validator.is_valid(&with_entries));
    assert!(!validator.is_valid(&part_of_a_pipe("ClickPipe", &part)));
    with_entries["kind"] = json!("ClickPip");
    assert!(!validator.is_valid(&with_entries));
}

/// The fields that an editor suggests at a path: those of every branch that is not negated.
fn suggested_fields(root: &Value, schema: &Value, path: &[&str], is_negated: bool, found: &mut BTreeSet<String>) {
    if let Some(pointer) = schema["$ref"].as_str() {
        suggested_fields(root, root.pointer(&pointer[1..]).expect(pointer), path, is_negated, found);
    }
    let branches = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|word| schema[word].as_array()).flatten();
    branches.for_each(|branch| suggested_fields(root, branch, path, is_negated, found));
    if schema["not"].is_object() {
        suggested_fields(root, &schema["not"], path, !is_negated, found);
    }
    let properties = schema["properties"].as_object();
    match path {
        [] if !is_negated => found.extend(properties.into_iter().flat_map(|fields| fields.keys().cloned())),
        [first, rest @ ..] => {
            if let Some(below) = properties.and_then(|fields| fields.get(*first)) {
                suggested_fields(root, below, rest, is_negated, found);
            }
        }
        [] => {}
    }
}

#[test]
fn editors_suggest_the_fields_of_manifests_in_their_parts() {
    let schema = editor_schema();
    let documents: Vec<&Value> = schema["oneOf"].as_array().into_iter().flatten().collect();
    for kind in Kind::ALL {
        let is_part = |document: &&&Value| match document["$ref"].as_str() {
            Some("#/$defs/SharedManifest") => document["properties"]["kind"]["enum"] == json!([kind.name()]),
            reference => reference == Some("#/$defs/Template"),
        };
        let parts: Vec<&&Value> = documents.iter().filter(is_part).collect();
        assert_eq!(parts.len(), 2, "{kind:?}");
        for path in ["spec", "spec.source", "spec.source.kafka.offset", "spec.source.postgres.settings"] {
            let Some(node) = kinds::manifest_fields(kind).node_at(&FieldPath::parse(path)) else { continue };
            let steps: Vec<&str> = path.split('.').collect();
            for part in &parts {
                let mut found = BTreeSet::new();
                suggested_fields(&schema, part, &steps, false, &mut found);
                for (name, _) in node.child_fields() {
                    assert!(found.contains(name), "{path}.{name} in {part}");
                }
            }
        }
    }
}
