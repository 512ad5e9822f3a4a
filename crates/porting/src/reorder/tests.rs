use proptest::prelude::*;

use super::{ReorderRefusal, reorder_keys};

#[track_caller]
fn reordered(text: &str) -> String {
    let once = reorder_keys(text).unwrap();
    assert_eq!(reorder_keys(&once).unwrap(), once, "a second run changes nothing");
    once
}

const SHUFFLED: &str = "\
# yaml-language-server: $schema=schema.json
#
# The orders of the shop.
kind: ClickPipe
spec:
  # Where the rows go.
  destination:
    columns:
      - type: UInt64 # the key
        name: id
      # never null
      - name: note
        type: String
    table: orders

    # One database for all.
    database: shop
  source:
    kafka:
      brokers: 'b:9092' # the broker
      # Who reads.
      credentials: {password: {fromEnv: P}, username: u}
      type: kafka
    # a source that was here before:
    # kinesis: {}

# Who it is.
metadata:
  service: analytics
  name: orders
apiVersion: pipectl/v1
# the end
---
# Not a manifest.
zebra: 1
apple: 2";

#[test]
fn keys_get_the_order_of_the_schema_and_keep_their_comments() {
    insta::assert_snapshot!(reordered(SHUFFLED));
}

#[test]
fn keys_of_a_template_get_the_order_of_its_kind() {
    let text = "kind: Template\nspec:\n  destination:\n    table: t\n    database: d\n  source:\n    kinesis:\n      \
                region: r\n      format: f\nparameters:\n  b: {}\n  a: {}\nmetadata: {name: t}\napiVersion: pipectl/v1\n";
    let expected = "apiVersion: pipectl/v1\nkind: Template\nmetadata: {name: t}\nparameters:\n  b: {}\n  a: {}\nspec:\n  source:\n    \
                    kinesis:\n      format: f\n      region: r\n  destination:\n    database: d\n    table: t\n";
    assert_eq!(reordered(text), expected);
}

#[test]
fn text_that_looks_like_comments_stays_in_its_value() {
    let text = "\
kind: ClickPipe
spec:
  destination:
    table: \"a
      # no comment
      b\"
    database: |-
      # no comment
      c
apiVersion: pipectl/v1
metadata: {name: a}
";
    insta::assert_snapshot!(reordered(text), @r##"
    apiVersion: pipectl/v1
    kind: ClickPipe
    metadata: {name: a}
    spec:
      destination:
        database: |-
          # no comment
          c
        table: "a
          # no comment
          b"
    "##);
}

#[test]
fn what_cannot_be_moved_safely_stays() {
    assert_eq!(reorder_keys("a: [\n"), Err(ReorderRefusal::Invalid));
    let anchored = "kind: ClickPipe\nspec: &s {source: {kafka: {}}}\nmetadata: *s\napiVersion: pipectl/v1\n";
    assert_eq!(reorder_keys(anchored), Err(ReorderRefusal::Unsafe));
    let same = [
        "{kind: ClickPipe, apiVersion: pipectl/v1}\n",
        "kind: ClickPipe\nspec: {source: {},\n  destination: {}}\n",
        "kind: ClickPipe\nspec:\n  state: running\n # whose is this?\n  source: {}\n",
        "kind: Deployment\napiVersion: v1\n",
        "- kind: ClickPipe\n  apiVersion: pipectl/v1\n",
        "",
        "# only a comment\n",
    ];
    for text in same {
        assert_eq!(reordered(text), text);
    }
}

/// A manifest with keys in any order, and with comments and blank lines between.
fn manifest_text() -> impl Strategy<Value = String> {
    let names = ["type", "format", "brokers", "topics", "consumerGroup", "zebra"];
    let values = vec![
        "1",
        "'# text'",
        "{a: 1}",
        "|\n          # text\n\n          more",
        "\"a\n          # text\n          b\"  # end",
        "\n      - b: 1\n        a: 2\n      # c\n      -\n        x: 3",
    ];
    let keys = Just(names.to_vec()).prop_shuffle();
    let values = proptest::collection::vec(proptest::sample::select(values), names.len());
    let gaps = vec!["", "\n", "INDENT# a comment\n", "\n\nINDENT# a comment\n\n"];
    let gap = || proptest::sample::select(gaps.clone());
    (keys, values, gap(), gap(), gap()).prop_map(|(keys, values, outer, middle, inner)| {
        let inner = inner.replace("INDENT", "      ");
        let kafka = keys.iter().zip(values).map(|(key, value)| format!("{inner}      {key}: {value}\n"));
        let (kafka, outer, middle) =
            (kafka.collect::<String>(), outer.replace("INDENT", ""), middle.replace("INDENT", "    "));
        format!("kind: ClickPipe\n{outer}spec:\n  source:\n{middle}    kafka:\n{kafka}{outer}apiVersion: pipectl/v1\n")
    })
}

proptest! {
    #[test]
    fn order_never_changes_what_a_text_means(text in manifest_text()) {
        // `reorder_keys` refuses what would change; here nothing may be refused.
        let ordered = reordered(&text);
        let at = |key: &str| ordered.find(&format!("\n      {key}:")).unwrap();
        prop_assert!(ordered.starts_with("apiVersion") || ordered.starts_with('#'), "{}", ordered);
        prop_assert!(at("type") < at("format") && at("brokers") < at("topics") && at("consumerGroup") < at("zebra"), "{}", ordered);
    }
}

#[test]
fn aliases_of_what_stands_above_and_empty_lists_stay() {
    let text = "\
kind: ClickPipe
metadata:
  labels: {b: &text x}
spec:
  fieldMappings:
    []
  destination:
    table: *text
    columns:
      - &id
        type: UInt64
        name: id
      - *id
    database:
      *text
";
    let ordered = reordered(text);
    assert!(ordered.contains("    database:\n      *text\n    table: *text\n"), "{ordered}");
    assert!(ordered.contains("      - &id\n"), "{ordered}");
    assert!(ordered.contains("      - *id\n"), "{ordered}");
}

/// Lines that YAML may put below each other in any order.
const LINES: [&str; 18] = [
    "kind: ClickPipe",
    "spec:",
    "metadata: &m",
    "  name: a",
    "  destination:",
    "    table: &t t",
    "    database: *t",
    "    columns:",
    "      - name: id",
    "        type: &i Int8",
    "      - {name: b, type: *i}",
    "      - *m",
    "      []",
    "  # a comment",
    "",
    "---",
    "  source: {kafka: {",
    "    }}",
];

proptest! {
    #[test]
    fn no_text_ends_the_program(lines in prop::collection::vec(prop::sample::select(&LINES[..]), 0..30)) {
        let text = lines.join("\n");
        if let Ok(ordered) = reorder_keys(&text) {
            prop_assert_eq!(reorder_keys(&ordered), Ok(ordered.clone()));
        }
    }
}
