use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn found() -> Discovered {
    read(&json!({"fields": [
        {"name": "id", "type": "UInt64", "optional": false},
        {"name": "price", "type": "Decimal(10, 2)", "optional": true},
    ]}))
    .unwrap()
}

#[test]
fn a_field_becomes_a_column() {
    let fields = json!({"fields": [
        {"name": "id", "type": "UInt64"},
        {"name": "user.name", "type": "LowCardinality(String)", "optional": true},
        {"name": "user name", "type": "Array(String)", "optional": true},
        {"name": "1st", "type": "Nullable(Int8)", "optional": true},
    ], "meta": null});
    let found = read(&fields).unwrap();
    let columns: Vec<_> =
        found.columns.iter().map(|it| format!("{} {}", it.name, it.r#type)).collect();
    assert_eq!(
        columns,
        [
            "id UInt64",
            "user_name LowCardinality(Nullable(String))",
            "user_name_2 Array(String)",
            "_1st Nullable(Int8)"
        ]
    );
    assert_eq!(found.field_mappings.len(), 4, "every column must be mapped");
    assert_eq!(found.field_mappings[1].source_field, "user.name");
    assert!(read(&json!({"fields": []})).is_err());
    assert!(read(&json!({"fields": [{"name": "x"}]})).is_err());
}

/// A manifest, in one of many ways to write it.
fn written(style: usize, newline: &str, comment: bool, end: bool, others: bool) -> String {
    let source = "source:\n    kinesis: {format: JSONEachRow, streamName: s, region: eu-west-1, iteratorType: LATEST, authentication: IAM_ROLE, iamRole: 'arn:aws:iam::123456789012:role/x'}";
    let destination = [
        "destination:\n    table: \"t\"\n    managedTable: false",
        "destination: {table: t, managedTable: false}",
        "destination:\n    table: t\n    managedTable: false\n    columns:\n    - name: a\n      type: String\n    - {name: b, type: Int8}",
        "destination:\n    columns: [{name: a, type: String}]\n    table: t\n    managedTable: false",
        "destination:\n    managedTable: false\n    table: t\n    columns:\n      - name: a # first\n        type: String",
        "destination: &to {table: t, columns: [], managedTable: false}",
    ][style];
    let note = if comment { " # a note: ä\n\n  # and another\n" } else { "\n" };
    let order = if style.is_multiple_of(2) { [source, destination] } else { [destination, source] };
    let document = |name: &str| {
        let first = "# before\napiVersion: pipectl/v1\nkind: ClickPipe\n";
        format!(
            "{first}metadata: {{name: {name}, service: s}}\nspec:\n  {}{note}  {}",
            order[0], order[1]
        )
    };
    let mut text = document("one");
    if others {
        text = format!("{}{note}---\n{text}{note}---\n{}", document("zero"), document("two"));
    }
    if end {
        text.push_str(note);
    }
    text.replace('\n', newline)
}

fn loaded(text: &str) -> Vec<Manifest> {
    let file = SourceFile { name: Arc::from("p.yaml"), text: Arc::from(text) };
    drafts(&file, &BTreeMap::new()).0
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nothing_but_the_columns_changes(
        style in 0..6_usize, crlf: bool, comment: bool, end: bool, others: bool,
    ) {
        let text = written(style, if crlf { "\r\n" } else { "\n" }, comment, end, others);
        let before = loaded(&text);
        let at = before.iter().position(|it| it.name.as_str() == "one").unwrap();
        let line = before[at].document.origin.start().line;
        let new = write_into(&text, line, &found(), Existing::Replace).unwrap();
        let after = loaded(&new);
        prop_assert_eq!(before.len(), after.len());
        for (index, (old, new)) in before.iter().zip(&after).enumerate() {
            let mut expected = old.document.body.clone();
            if index == at {
                expected["destination"]["columns"] = json!([
                    {"name": "id", "type": "UInt64"},
                    {"name": "price", "type": "Nullable(Decimal(10, 2))"},
                ]);
            }
            prop_assert_eq!(&expected, &new.document.body);
        }
        // What is around the one edit is the same, byte by byte.
        let same = text.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
        let tail = text.bytes().rev().zip(new.bytes().rev()).take_while(|(a, b)| a == b).count();
        let gone = &text[same..text.len().saturating_sub(tail).max(same)];
        prop_assert!(gone.len() < 70, "{gone:?}");
        prop_assert!(!gone.contains("managedTable") && !gone.contains("note"), "{gone:?}");
        prop_assert_eq!(new.contains("\r\n"), crlf);
        prop_assert!(!crlf || !new.replace("\r\n", "").contains('\n'));
    }
}

#[test]
fn what_is_there_gives_way_only_if_that_is_wanted() {
    let text = written(2, "\n", false, true, false);
    let kept = write_into(&text, 2, &found(), Existing::Keep);
    assert_eq!(kept, Err(Refused::Existing("columns")));
    let empty = written(5, "\n", false, true, false);
    assert!(write_into(&empty, 2, &found(), Existing::Keep).is_ok());
}

#[test]
fn columns_that_stand_elsewhere_are_refused() {
    let text = written(0, "\n", false, true, false);
    for (from, to) in [
        ("destination:\n", "destination:\n    <<: {columns: [{name: a, type: String}]}\n"),
        ("destination:\n", "destination:\n    columns: *c\n"),
    ] {
        let text = format!("x: &c [{{name: a, type: String}}]\n{}", text.replace(from, to));
        let refused = write_into(&text, 1, &found(), Existing::Replace);
        assert!(matches!(refused, Err(Refused::Place("columns", _))), "{refused:?}");
    }
}
