//! The published schemas in `schemas/` are those of the program.

use std::fs;

use crate::support::cli::WorkDir;
use crate::support::doc_regions::{assert_generated_file, repository_file};
use model::yaml::parse_documents;
use serde_json::Value;

fn printed_schema(documents: &str) -> String {
    let said = WorkDir::new().run_pipectl(&["schema", documents]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    said.stdout
}

#[test]
fn schema_files_are_what_the_program_prints() {
    for (file, documents) in [("manifest", "manifests"), ("project", "project"), ("output", "output")] {
        assert_generated_file(&format!("schemas/v1/{file}.schema.json"), &printed_schema(documents));
    }
}

#[test]
fn project_schema_accepts_the_project_file_of_init() {
    let dir = WorkDir::new();
    dir.run_pipectl(&["init"]);
    let read = |name: &str| fs::read_to_string(dir.temp_dir.path().join(name)).unwrap();
    let schema: Value = serde_json::from_str(&read(".pipectl/project.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let project = &parse_documents(&read("pipectl.yaml"))[0];
    assert!(validator.is_valid(project), "{project}");
    let mut wrong = project.clone();
    wrong["policy"]["maxDelte"] = 1.into();
    assert!(!validator.is_valid(&wrong));
    for (file, schema) in [("pipectl.yaml", "project.schema.json"), ("example.yaml", "schema.json")] {
        assert!(read(file).starts_with(&format!("# yaml-language-server: $schema=./.pipectl/{schema}\n")));
    }
}

/// Editors show descriptions. An object without one shows nothing.
#[test]
fn every_field_of_the_schemas_has_a_hover_text() {
    fn visit(schema: &Value, at: &str, missing: &mut Vec<String>) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let at = format!("{at}.{name}");
            let has_text = field["description"].is_string() || field["$ref"].is_string() || field["anyOf"].is_array();
            if !has_text && field.get("const").is_none() {
                missing.push(at.clone());
            }
            visit(field, &at, missing);
        }
        for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
            visit(definition, name, missing);
        }
    }
    for file in ["manifest", "project"] {
        let text = fs::read_to_string(repository_file(&format!("schemas/v1/{file}.schema.json"))).unwrap();
        let mut missing = Vec::new();
        visit(&serde_json::from_str(&text).unwrap(), file, &mut missing);
        assert_eq!(missing, Vec::<String>::new());
    }
}

/// The entry for schemastore.org names files that exist.
#[test]
fn schema_store_entry_names_existing_schemas() {
    let text = fs::read_to_string(repository_file("schemas/schemastore.json")).unwrap();
    let entries: Value = serde_json::from_str(&text).unwrap();
    for entry in entries.as_array().unwrap() {
        let (_, path) = entry["url"].as_str().unwrap().split_once("/main/").unwrap();
        assert!(repository_file(path).exists(), "{path}");
        assert!(entry["name"].is_string() && entry["description"].is_string() && entry["fileMatch"].is_array());
    }
}
