//! The page of the JSON output, generated from the published schema.

use std::fmt::Write as _;

use crate::support::doc_regions::assert_generated_file;
use pipectl::render::envelope::OUTPUT_SCHEMA;
use serde_json::Value;

const INTRODUCTION: &str = "\
# JSON output

Each command prints one document with `-o json`, and `pipectl apply -o ndjson` prints lines while it runs. `pipectl schema output` prints the JSON Schema from
which this page is generated. [Reports and JSON](reports.md) says how to use the output.

**Bold** keys are always there. `list[].key` is a key of each entry of a list.
";

/// The name of what a reference leads to.
fn referenced_name(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn quoted_json(value: &Value) -> String {
    format!("`{value}`")
}

/// What a value may be, in words.
fn type_text(schema: &Value) -> String {
    if let Some(name) = referenced_name(schema) {
        return format!("[`{name}`](#{})", name.to_lowercase());
    }
    if let Some(value) = schema.get("const") {
        return quoted_json(value);
    }
    let words = schema["enum"].as_array().map(|words| words.iter().map(quoted_json).collect::<Vec<_>>().join(", "));
    let choices = ["oneOf", "anyOf"].iter().find_map(|key| schema[*key].as_array());
    let choices = choices.map(|all| all.iter().map(type_text).collect::<Vec<_>>().join(" or "));
    if let Some(text) = words.or(choices) {
        return text;
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("list of {}", type_text(&schema["items"])),
        Value::String(name) if name == "object" && schema["additionalProperties"].is_object() => {
            format!("map of {}", type_text(&schema["additionalProperties"]))
        }
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    }
}

/// The rows of the keys, those of objects within included.
fn push_rows(rows: &mut String, schema: &Value, path: &str) {
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}{name}");
        let key =
            if required.contains(&Value::from(name.as_str())) { format!("**`{path}`**") } else { format!("`{path}`") };
        let doc = field["description"].as_str().unwrap_or_default();
        let _ = writeln!(rows, "| {key} | {} | {} |", type_text(field), doc.replace('|', "\\|"));
        push_rows(rows, field, &format!("{path}."));
        push_rows(rows, &field["items"], &format!("{path}[]."));
    }
}

/// The tables of a schema: one for each of its alternatives.
fn push_tables(page: &mut String, schema: &Value) {
    let doc = schema["description"].as_str().unwrap_or_default();
    let mut rows = String::new();
    push_rows(&mut rows, schema, "");
    push_rows(&mut rows, &schema["items"], "[].");
    if !doc.is_empty() {
        let _ = writeln!(page, "{doc}\n");
    }
    let alternatives = schema["oneOf"].as_array();
    if alternatives.is_none() && rows.is_empty() {
        let _ = writeln!(page, "It is {}.\n", type_text(schema));
    }
    if !rows.is_empty() {
        let _ = writeln!(page, "| key | value | |\n|---|---|---|\n{rows}");
    }
    for (index, alternative) in alternatives.into_iter().flatten().enumerate() {
        let _ = writeln!(page, "{}\n", if index == 0 { "Either:" } else { "Or:" });
        match alternative.get("properties") {
            Some(_) => push_tables(page, alternative),
            None => push_required_keys(page, alternative),
        }
    }
}

/// An object of which only the names of some keys are said.
fn push_required_keys(page: &mut String, schema: &Value) {
    let keys = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let keys: Vec<String> = keys.map(|key| format!("`{key}`")).collect();
    let _ = writeln!(page, "An object with {}, and others.\n", keys.join(", "));
}

/// The result of each kind of document.
fn results(document: &Value) -> impl Iterator<Item = (&str, &Value)> {
    document["allOf"].as_array().into_iter().flatten().map(|rule| {
        let kind = rule["if"]["properties"]["kind"]["const"].as_str().unwrap();
        (kind, &rule["then"]["properties"]["result"])
    })
}

#[test]
fn page_of_the_output_is_generated_from_its_schema() {
    let schema: Value = serde_json::from_str(OUTPUT_SCHEMA).unwrap();
    let mut page = format!("{INTRODUCTION}\n## Document\n\n");
    let document = &schema["$defs"]["document"];
    push_tables(&mut page, document);
    for (kind, result) in results(document) {
        let _ = writeln!(page, "### The result of kind `{kind}`\n");
        match referenced_name(result) {
            Some(_) => _ = writeln!(page, "It is {}.\n", type_text(result)),
            None => push_tables(&mut page, result),
        }
    }
    page.push_str("## Parts of documents\n\n");
    for (name, part) in schema["$defs"].as_object().unwrap().iter().filter(|(name, _)| *name != "document") {
        let _ = writeln!(page, "### `{name}`\n");
        push_tables(&mut page, part);
    }
    assert_generated_file("docs/output.md", &format!("{}\n", page.trim_end()));
}
