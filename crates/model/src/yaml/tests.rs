//! Reading of files, and the diagnostics about them.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{MAX_BYTES, PendingDiagnostics, YamlDocument, reader::read_documents};
use crate::path::FieldPath;

mod hostile;
mod positions;
mod syntax_errors;

fn parse_text(text: &str) -> (Vec<YamlDocument>, PendingDiagnostics) {
    let mut remarks = PendingDiagnostics::default();
    let documents = read_documents(text, &mut remarks);
    (documents, remarks)
}

/// Every document as JSON on its line, then every remark as `code line:column`.
fn summarize_text(text: &str) -> String {
    let (documents, remarks) = parse_text(text);
    let mut lines: Vec<String> = documents.iter().map(|document| document.root.to_json().to_string()).collect();
    lines.extend(
        remarks.into_vec().iter().map(|remark| format!("{} {}:{}", remark.code, remark.span.line, remark.span.column)),
    );
    lines.join(" | ")
}

fn only_value(text: &str) -> Value {
    parse_text(text).0[0].root.to_json()["v"].clone()
}

#[test]
fn yaml_scalars_resolve_to_expected_values() {
    for (written, value) in [
        ("no", json!("no")),
        ("on", json!("on")),
        ("012", json!("012")),
        ("0755", json!("0755")),
        ("0", json!(0)),
        ("-0", json!(0)),
        ("0o14", json!(12)),
        ("0x1F", json!(31)),
        ("0x+1", json!("0x+1")),
        ("1e3", json!(1000.0)),
        ("-1.5", json!(-1.5)),
        (".5", json!(0.5)),
        ("1.", json!(1.0)),
        ("1_000", json!("1_000")),
        ("12:30", json!("12:30")),
        ("1.2.3", json!("1.2.3")),
        ("2026-01-01", json!("2026-01-01")),
        ("+1", json!(1)),
        ("+", json!("+")),
        (".", json!(".")),
        ("1e", json!("1e")),
        ("e5", json!("e5")),
        (".inf", json!(".inf")),
        (".nan", json!(".nan")),
        ("1e999", json!("1e999")),
        ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
        ("18446744073709551616", json!("18446744073709551616")),
        ("-9223372036854775809", json!("-9223372036854775809")),
        ("~", Value::Null),
        ("NULL", Value::Null),
        ("", Value::Null),
        ("nULL", json!("nULL")),
        ("TRUE", json!(true)),
        ("tRUE", json!("tRUE")),
        ("'1'", json!("1")),
        ("\"no\"", json!("no")),
        ("!!str 1", json!("1")),
        ("|\n  a\n  b", json!("a\nb\n")),
        (">-\n  a\n  b", json!("a b")),
        ("a\n  b", json!("a b")),
        ("https://h:1/#x", json!("https://h:1/#x")),
        ("a # no text", json!("a")),
    ] {
        assert_eq!(only_value(&format!("v: {written}\n")), value, "{written}");
    }
}

#[test]
fn yaml_1_1_differences_cause_a_warning() {
    for (written, other) in [
        ("yes", Some("a boolean")),
        ("Off", Some("a boolean")),
        ("y", None),
        ("N", None),
        ("0755", Some("an octal number")),
        ("0o14", Some("text")),
        ("0b101", Some("a binary number")),
        ("1_000", Some("a number")),
        ("12:30", Some("a number to base 60")),
        ("12:30:45.5", Some("a number to base 60")),
        ("12:75", None),
        ("9092", None),
        ("0", None),
        ("2026-01-01", None),
        ("1.2.3", None),
        ("true", None),
        ("'no'", None),
        ("_", None),
        ("no way", None),
    ] {
        let (_, remarks) = parse_text(&format!("v: {written}\n"));
        let said = remarks.into_vec().pop().map(|remark| remark.message);
        let expected = other.map(|other| format!("a YAML 1.1 reader reads this as {other}"));
        assert_eq!(said, expected, "{written}");
    }
    assert_eq!(summarize_text("on: 1\n"), r#"{"on":1}"#);
}

#[test]
fn reading_continues_with_the_next_document() {
    let mut table = String::new();
    for text in [
        "",
        "# only a comment\n",
        "---\n",
        "---\n---\n",
        "---\n...\n",
        "a: 1",
        "a: 1\n---\nb: 2\n...\n# the end\n",
        "\u{feff}a: 1\n",
        "a: 1\r\nb:\r\n  - x\r\n---\r\nc: |\r\n  l1\r\n  l2\r\n",
        "a: [1, 2\nb: 3\n---\nc: 1\n",
        "a: 'x\n---\nb: 1\n",
        "a: b: c\n---\nd: 1\n",
        "a: {\n---\nb: [\n---\nc: 1\n",
        "%YAML 1.2\n---\na: 1\n",
        "text\n",
        "- 1\n- 2\n",
        "a: 1\n\u{feff}b: 2\n",
        "a: \0\n",
        "a: \u{7f}\n---\nb: 1\n",
        "a: \"\\x00\"\n",
    ] {
        writeln!(table, "{text:?} => {}", summarize_text(text)).expect("a string takes it");
    }
    insta::assert_snapshot!(table, @r##"
    "" => 
    "# only a comment\n" => 
    "---\n" => 
    "---\n---\n" => 
    "---\n...\n" => 
    "a: 1" => {"a":1}
    "a: 1\n---\nb: 2\n...\n# the end\n" => {"a":1} | {"b":2}
    "\u{feff}a: 1\n" => {"a":1}
    "a: 1\r\nb:\r\n  - x\r\n---\r\nc: |\r\n  l1\r\n  l2\r\n" => {"a":1,"b":["x"]} | {"c":"l1\nl2\n"}
    "a: [1, 2\nb: 3\n---\nc: 1\n" => {"c":1} | yaml-syntax 2:2
    "a: 'x\n---\nb: 1\n" => {"b":1} | yaml-syntax 1:4
    "a: b: c\n---\nd: 1\n" => {"d":1} | yaml-syntax 1:5
    "a: {\n---\nb: [\n---\nc: 1\n" => {"c":1} | yaml-syntax 1:4 | yaml-syntax 3:4
    "%YAML 1.2\n---\na: 1\n" => {"a":1}
    "text\n" => "text"
    "- 1\n- 2\n" => [1,2]
    "a: 1\n\u{feff}b: 2\n" => yaml-syntax 2:1
    "a: \0\n" => yaml-character 1:4
    "a: \u{7f}\n---\nb: 1\n" => yaml-character 1:4
    "a: \"\\x00\"\n" => {"a":"\u0000"}
    "##);
}

#[test]
fn keys_anchors_merges_and_tags_are_read() {
    let mut table = String::new();
    for text in [
        "a: 1\na: 2\nb: 3\na: 4\n",
        "a: {b: 1, b: 2}\n",
        "1: a\ntrue: b\n1.5: c\n\"q\": d\n",
        "? [a]\n: b\nc: 1\n",
        "{a: 1}: b\nc: 1\n",
        ": a\n",
        "? k\n: v\n",
        "a: &x {k: 1}\nb: *x\n",
        "a: &x one\nb: &x two\nc: *x\n",
        "a: *nope\nb: 1\n",
        "a: &x\n  b: *x\n",
        "a: &x 1\n---\nb: *x\n",
        "d: &d {p: 1, q: 2}\ne:\n  <<: *d\n  q: 3\n",
        "d: &d {p: 1}\nf: &f {p: 2, q: 2}\ne: {q: 9, <<: [*d, *f]}\n",
        "e:\n  q: 3\n  <<: {q: 1, r: 2}\n",
        "e: {<<: 5}\n",
        "e: {<<: [1, {a: 2}]}\n",
        "e: {\"<<\": 5}\n",
        "&k key: 1\nother: *k\n",
        "a: !env FOO\nb: !!binary x\nc: !!str 5\nd: !!map {x: 1}\ne: !!seq [1]\nf: !!int 5\n",
        "a: !!seq {x: 1}\n",
        "!x a: 1\n",
    ] {
        writeln!(table, "{text:?} => {}", summarize_text(text)).expect("a string takes it");
    }
    insta::assert_snapshot!(table, @r#"
    "a: 1\na: 2\nb: 3\na: 4\n" => {"a":1,"b":3} | yaml-duplicate-key 2:1 | yaml-duplicate-key 4:1
    "a: {b: 1, b: 2}\n" => {"a":{"b":1}} | yaml-duplicate-key 1:11
    "1: a\ntrue: b\n1.5: c\n\"q\": d\n" => {"1":"a","true":"b","1.5":"c","q":"d"}
    "? [a]\n: b\nc: 1\n" => {"c":1} | yaml-key 1:4
    "{a: 1}: b\nc: 1\n" => {"c":1} | yaml-key 1:2
    ": a\n" => {} | yaml-key 1:1
    "? k\n: v\n" => {"k":"v"}
    "a: &x {k: 1}\nb: *x\n" => {"a":{"k":1},"b":{"k":1}}
    "a: &x one\nb: &x two\nc: *x\n" => {"a":"one","b":"two","c":"two"}
    "a: *nope\nb: 1\n" => {"a":"","b":1} | yaml-alias 1:4
    "a: &x\n  b: *x\n" => {"a":{"b":""}} | yaml-alias 2:6
    "a: &x 1\n---\nb: *x\n" => {"a":1} | {"b":""} | yaml-alias 3:4
    "d: &d {p: 1, q: 2}\ne:\n  <<: *d\n  q: 3\n" => {"d":{"p":1,"q":2},"e":{"p":1,"q":3}}
    "d: &d {p: 1}\nf: &f {p: 2, q: 2}\ne: {q: 9, <<: [*d, *f]}\n" => {"d":{"p":1},"f":{"p":2,"q":2},"e":{"q":9,"p":1}}
    "e:\n  q: 3\n  <<: {q: 1, r: 2}\n" => {"e":{"q":3,"r":2}}
    "e: {<<: 5}\n" => {"e":{}} | yaml-merge 1:5
    "e: {<<: [1, {a: 2}]}\n" => {"e":{"a":2}} | yaml-merge 1:5
    "e: {\"<<\": 5}\n" => {"e":{"<<":5}}
    "&k key: 1\nother: *k\n" => {"key":1,"other":"key"}
    "a: !env FOO\nb: !!binary x\nc: !!str 5\nd: !!map {x: 1}\ne: !!seq [1]\nf: !!int 5\n" => {"a":"","b":"","c":"5","d":{"x":1},"e":[1],"f":""} | yaml-tag 1:9 | yaml-tag 2:13 | yaml-tag 6:10
    "a: !!seq {x: 1}\n" => {"a":{"x":1}} | yaml-tag 1:10
    "!x a: 1\n" => {} | yaml-tag 1:4
    "#);
}

#[test]
fn only_errors_make_a_document_unsound() {
    let (documents, _) = parse_text("a: 1\na: 2\n---\na: no\n---\na: *x\n");
    let sound: Vec<bool> = documents.iter().map(|document| document.is_valid).collect();
    assert_eq!(sound, [false, true, false]);
}

#[test]
fn unreadable_value_becomes_an_empty_string() {
    let (documents, _) = parse_text("a: {b: !env X, c: 1}\n");
    let json = documents[0].root.to_json();
    assert_eq!(FieldPath::parse("a.b").value_in(&json), Some(&json!("")));
    assert_eq!(FieldPath::parse("a.c").value_in(&json), Some(&json!(1)));
}

#[test]
fn file_above_the_size_limit_is_rejected() {
    let comment = |bytes: usize| format!("a: 1\n#{}", "x".repeat(bytes - 6));
    assert_eq!(summarize_text(&comment(MAX_BYTES)), r#"{"a":1}"#);
    assert_eq!(summarize_text(&comment(MAX_BYTES + 1)), "yaml-too-large 1:1");
}
