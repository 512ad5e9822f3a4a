use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;

mod shape;

use shape::{Old, shape};

fn found() -> DiscoveredSchema {
    parse_answer(&json!({"fields": [
        {"name": "id", "type": "UInt64", "optional": false},
        {"name": "price", "type": "Decimal(10, 2)", "optional": true},
    ]}))
    .unwrap()
}

#[test]
fn discovered_fields_become_columns() {
    let fields = json!({"fields": [
        {"name": "id", "type": "UInt64"},
        {"name": "user.name", "type": "LowCardinality(String)", "optional": true},
        {"name": "user name", "type": "Array(String)", "optional": true},
        {"name": "1st", "type": "Nullable(Int8)", "optional": true},
    ], "meta": null});
    let found = parse_answer(&fields).unwrap();
    let columns: Vec<_> = found.columns.iter().map(|it| format!("{} {}", it.name, it.r#type)).collect();
    assert_eq!(
        columns,
        ["id UInt64", "user_name LowCardinality(Nullable(String))", "user_name_2 Array(String)", "_1st Nullable(Int8)"]
    );
    assert_eq!(found.field_mappings.len(), 4, "every column must be mapped");
    assert_eq!(found.field_mappings[1].source_field, "user.name");
    assert!(parse_answer(&json!({"fields": []})).is_err());
    assert!(parse_answer(&json!({"fields": [{"name": "x"}]})).is_err());
}

fn loaded(text: &str) -> Vec<Manifest> {
    let file = SourceFile { name: Arc::from("p.yaml"), text: Arc::from(text) };
    load_drafts(&file, &BTreeMap::new()).0
}

fn line_of_one(manifests: &[Manifest]) -> (usize, u32) {
    let at = manifests.iter().position(|it| it.name.as_str() == "one").unwrap();
    (at, manifests[at].document.origin.start_place().line)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn writing_columns_changes_nothing_else(shape in shape(), renamed: bool) {
        let (before, old, rest) = shape.written();
        let text = format!("{before}{old}{rest}");
        let manifests = loaded(&text);
        let (at, line) = line_of_one(&manifests);
        let found = if renamed { renaming() } else { found() };
        let new = write_columns(&text, line, &found, ExistingColumns::Replace).unwrap();

        let mut expected: Vec<_> = manifests.iter().map(|it| Value::clone(&it.document.body)).collect();
        expected[at]["destination"]["columns"] = json!(found.columns);
        if renamed {
            expected[at]["fieldMappings"] = json!(found.field_mappings);
        }
        let bodies: Vec<_> = loaded(&new).iter().map(|it| Value::clone(&it.document.body)).collect();
        prop_assert_eq!(bodies, expected, "{}", new);
        prop_assert!(!shape.crlf || !new.replace("\r\n", "").contains('\n'));
        prop_assert!(shape.crlf || !new.contains('\r'));
        let file = |text: &str| SourceFile { name: Arc::from("p.yaml"), text: Arc::from(text) };
        prop_assert!(is_faithful_edit(&file(&text), &file(&new), &BTreeMap::new(), line));
        // The mappings are a second place.
        if !renamed {
            untouched([&before, &old, &rest], &new, shape.old)?;
        }
    }
}

/// That every byte around the one edit is the same.
fn untouched([before, old, rest]: [&str; 3], new: &str, was: Old) -> Result<(), TestCaseError> {
    if !old.is_empty() {
        prop_assert!(new.starts_with(before) && new.ends_with(rest), "{}", new);
        return Ok(());
    }
    let same = before.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
    let tail = before.bytes().rev().zip(new.bytes().rev()).take_while(|(a, b)| a == b).count();
    prop_assert!(same + tail >= before.len(), "{:?} {}", was, new);
    Ok(())
}

fn renaming() -> DiscoveredSchema {
    parse_answer(&json!({"fields": [{"name": "user.id", "type": "UInt64"}, {"name": "b", "type": "Int8"}]})).unwrap()
}

/// A small manifest with this destination.
fn with(destination: &str) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: one, service: s}}
spec:
  source:
    kinesis: {{format: JSONEachRow, streamName: s, region: eu-west-1, iteratorType: LATEST, authentication: IAM_ROLE, iamRole: 'arn:aws:iam::123456789012:role/x'}}
  {destination}
"
    )
}

fn written(destination: &str, existing: ExistingColumns) -> Result<String, EditRefused> {
    let text = with(destination);
    let (before, rest) = text.split_once(destination).unwrap();
    let new = write_columns(&text, 1, &found(), existing)?;
    let new = new.strip_prefix(before).and_then(|new| new.strip_suffix(rest));
    Ok(new.unwrap().to_owned())
}

#[test]
fn existing_columns_are_kept_unless_replace_is_set() {
    let full = "destination: {table: t, columns: [{name: a, type: String}]}";
    assert_eq!(written(full, ExistingColumns::Keep), Err(EditRefused::AlreadyDeclared("columns")));
    assert!(written(full, ExistingColumns::Replace).is_ok());
    for nothing in ["{table: t, columns: []}", "{table: t, columns: }", "{}", "", "~"] {
        let destination = format!("destination: {nothing}");
        assert!(written(&destination, ExistingColumns::Keep).is_ok(), "{nothing}");
    }
}

#[test]
fn columns_are_written_in_the_existing_yaml_style() {
    let columns = "[{name: id, type: UInt64}, {name: price, type: \"Nullable(Decimal(10, 2))\"}]";
    let lines = "\n      - {name: id, type: UInt64}\n      - {name: price, type: \"Nullable(Decimal(10, 2))\"}";
    for (before, after) in [
        (
            "destination: {database: &d x, table: *d}",
            format!("destination: {{database: &d x, table: *d, columns: {columns}}}"),
        ),
        ("destination: {<<: {table: t}}", format!("destination: {{columns: {columns}, <<: {{table: t}}}}")),
        ("destination: {}", format!("destination: {{columns: {columns}}}")),
        ("destination: ~", format!("destination: {{columns: {columns}}}")),
        ("destination: {table: t}", format!("destination: {{table: t, columns: {columns}}}")),
        ("destination: {columns: , table: t}", format!("destination: {{columns: {columns}, table: t}}")),
        ("destination: # later", format!("destination: # later\n    columns:{lines}")),
        (
            "destination:\n    columns: # later\n    table: t",
            format!("destination:\n    columns: # later{lines}\n    table: t"),
        ),
        ("destination:\n    table: t # here", format!("destination:\n    table: t # here\n    columns:{lines}")),
    ] {
        assert_eq!(written(before, ExistingColumns::Keep).unwrap(), after);
    }
}

#[test]
fn columns_from_alias_or_merge_are_not_edited() {
    for (destination, key) in [
        ("destination: {table: t, <<: {columns: [{name: a, type: String}]}}", "columns"),
        ("destination: {x: &c [{name: a, type: String}], columns: *c}", "columns"),
        ("x: &d {columns: []}\n  destination: *d", "destination"),
        ("<<: {destination: {table: t}}", "destination"),
        ("destination:\n    <<: {table: t}", "columns"),
        ("destination: {columns: many}", "columns"),
    ] {
        let refused = written(destination, ExistingColumns::Replace);
        let Err(EditRefused::NotEditable(at, _)) = refused else { panic!("{destination}: {refused:?}") };
        assert_eq!(at, key, "{destination}");
    }
}

#[test]
fn edits_beyond_the_columns_are_detected() {
    let file = |text: &str| SourceFile { name: Arc::from("p.yaml"), text: Arc::from(text) };
    let faithful = |before: &str, after: &str| is_faithful_edit(&file(before), &file(after), &BTreeMap::new(), 1);
    let before = with("destination: {table: t, managedTable: false}");
    let after = with("destination: {table: t, managedTable: false, columns: [{name: a, type: Int8}]}");
    assert!(faithful(&before, &after));
    for (from, to) in [
        ("table: t", "table: u"),
        ("service: s", "service: other"),
        ("streamName: s", "streamName: other"),
        ("Int8", "Int8, Int16"),
        ("spec:", "unheard: of\nspec:"),
        ("  destination", "  destination: 5\n  destination"),
    ] {
        assert!(!faithful(&before, &after.replace(from, to)), "{to}");
    }
    let two = |second: &str| format!("{after}---\n{}", second.replace("name: one", "name: two"));
    assert!(faithful(&two(&before), &two(&before)));
    assert!(!faithful(&two(&before), &two(&after)), "the other pipe is none of our business");
    assert!(!faithful(&two(&before), &after));
}

#[test]
fn field_mappings_are_replaced_with_one_per_column() {
    let text = "fieldMappings: [{sourceField: a, destinationField: b}]\n  destination: {table: t}";
    assert_eq!(written(text, ExistingColumns::Keep), Err(EditRefused::AlreadyDeclared("fieldMappings")));
    let new = written(text, ExistingColumns::Replace).unwrap();
    let all =
        "fieldMappings: [{sourceField: id, destinationField: id}, {sourceField: price, destinationField: price}]\n";
    assert!(new.starts_with(all), "{new}");
}

#[test]
fn columns_can_be_written_to_incomplete_destination() {
    let file = |text: &str| SourceFile { name: Arc::from("p.yaml"), text: Arc::from(text) };
    for destination in ["destination:", "destination: {managedTable: true}", "state: running"] {
        let text = with(destination);
        let new = write_columns(&text, 1, &found(), ExistingColumns::Keep).unwrap();
        assert!(is_faithful_edit(&file(&text), &file(&new), &BTreeMap::new(), 1), "{new}");
    }
}

#[test]
fn column_name_like_yaml_boolean_is_quoted() {
    let fields = json!({"fields": [{"name": "on", "type": "Int8"}, {"name": "one", "type": "Int8"}]});
    let yaml = parse_answer(&fields).unwrap().to_yaml();
    assert_eq!(yaml, "columns:\n  - {name: \"on\", type: Int8}\n  - {name: one, type: Int8}\n");
}

#[test]
fn dollar_in_field_name_is_escaped() {
    let fields = json!({"fields": [{"name": "${env}", "type": "Int8"}]});
    let yaml = parse_answer(&fields).unwrap().to_yaml();
    assert!(yaml.contains("sourceField: \"$${env}\""), "{yaml}");
}
