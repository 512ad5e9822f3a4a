//! Diagnostics of the validation, for small schemas.

use std::fmt::Write;

use serde_json::{Value, json};

use super::SchemaValidator;
use crate::yaml::{PendingDiagnostics, read_documents};

mod one_of;

/// All diagnostics of a text: `code line:column path: message (help)`.
fn list_messages(schema: &Value, text: &str) -> String {
    let schema = SchemaValidator::new(schema).expect("the schema can be walked");
    let mut remarks = PendingDiagnostics::default();
    for document in read_documents(text, &mut remarks) {
        schema.validate(&document.root, Some("orders-kafka"), &mut remarks);
    }
    let mut said = String::new();
    for remark in remarks.into_vec() {
        let (line, column) = (remark.span.line, remark.span.column);
        write!(said, "{} {line}:{column} {}: {}", remark.code, remark.path, remark.message).expect("a string takes it");
        if let Some((also, label)) = remark.related {
            write!(said, " [{label} {}:{}]", also.line, also.column).expect("likewise");
        }
        writeln!(said, " ({})", remark.help.unwrap_or_default()).expect("likewise");
    }
    said
}

#[test]
fn unsupported_schema_keywords_are_rejected() {
    for (schema, problem) in [
        (json!({"propertyNames": {}}), "at `#`: the keyword `propertyNames` is not supported"),
        (json!({"properties": {"a": {"not": {}}}}), "at `#/properties/a`: the keyword `not` is not supported"),
        (json!({"$ref": "#/$defs/A"}), "at `#`: `#/$defs/A` leads nowhere"),
        (
            json!({"$ref": "#/$defs/A", "$defs": {"A": {"if": true}}}),
            "at `#/$defs/A`: the keyword `if` is not supported",
        ),
        (json!({"items": {"type": "text"}}), "at `#/items`: unknown type"),
        (json!({"anyOf": [7]}), "at `#/anyOf/0`: a schema is an object or a boolean"),
        (json!({"oneOf": [{"type": "text"}]}), "at `#`: `oneOf` lists constants, or fields of an object"),
    ] {
        let refusal = SchemaValidator::new(&schema).err().map(|refusal| refusal.to_string());
        assert_eq!(refusal.as_deref(), Some(problem));
    }
    let bad_pattern = SchemaValidator::new(&json!({"pattern": "("}));
    assert!(bad_pattern.is_err());
}

#[test]
fn unknown_and_missing_fields_are_reported() {
    let schema = json!({
        "type": "object",
        "properties": {
            "topics": {"type": "string", "description": "Topics to read. One or more."},
            "format": {"type": "string"},
            "offset": {
                "type": "object",
                "properties": {"timestamp": {"type": "string"}},
                "additionalProperties": false
            }
        },
        "required": ["topics", "format"],
        "additionalProperties": false
    });
    insta::assert_snapshot!(list_messages(&schema, "
topcs: a
ofset: {timstamp: x, y: 1}
nothing: 1
"), @"
    unknown-field 2:1 topcs: unknown field `topcs` (did you mean `topics`?)
    unknown-field 3:1 ofset: unknown field `ofset` (did you mean `offset`?)
    unknown-field 3:9 ofset.timstamp: unknown field `timstamp` (did you mean `timestamp`?)
    unknown-field 3:22 ofset.y: unknown field `y` (known fields: `timestamp`)
    unknown-field 4:1 nothing: unknown field `nothing` (known fields: `topics`, `format`, `offset`)
    missing-field 2:1 format: missing field `format` ()
    ");
    insta::assert_snapshot!(list_messages(&schema, "{}"), @"
    missing-field 1:1 topics: missing field `topics` (`topics`: Topics to read.)
    missing-field 1:1 format: missing field `format` ()
    ");
    insta::assert_snapshot!(list_messages(&schema, "[]\n---\ntext\n---\n5\n"), @"
    wrong-type 1:1 : expected a mapping, found a list ()
    wrong-type 3:1 : expected a mapping, found text ()
    wrong-type 5:1 : expected a mapping, found a whole number ()
    ");
}

#[test]
fn values_of_the_wrong_type_are_reported() {
    let schema = json!({"properties": {
        "text": {"type": "string"},
        "flag": {"type": "boolean"},
        "whole": {"type": "integer"},
        "number": {"type": "number"},
        "list": {"type": "array", "items": {"type": "string"}},
        "map": {"type": "object"},
        "either": {"type": ["string", "array"]},
        "never": false
    }});
    insta::assert_snapshot!(list_messages(&schema, r"
text: 12
flag: yes
whole: '12'
number: [1]
list: a
map: a
either: true
never: 1
"), @"
    yaml-1-1 3:7 : a YAML 1.1 reader reads this as a boolean (put it in quotes if it is text; else write it plainly)
    wrong-type 2:7 text: expected text, found a whole number (put it in quotes)
    wrong-type 3:7 flag: expected `true` or `false`, found text (write `true`)
    wrong-type 4:8 whole: expected a whole number, found text (write it without quotes)
    wrong-type 5:10 number: expected a number, found a list ()
    wrong-type 6:7 list: expected a list, found text (a list of one entry is written `[…]`)
    wrong-type 7:6 map: expected a mapping, found text ()
    wrong-type 8:9 either: expected a list or text, found `true` (put it in quotes)
    wrong-type 9:8 never: no value is allowed here ()
    ");
    insta::assert_snapshot!(list_messages(&schema, r"
text: [a]
flag: 'true'
whole: 1.5
number: 1_000
list: {a: b}
map: [a]
either: {a: b}
"), @"
    yaml-1-1 5:9 : a YAML 1.1 reader reads this as a number (put it in quotes if it is text; else write it plainly)
    wrong-type 2:8 text: expected text, found a list ()
    wrong-type 3:7 flag: expected `true` or `false`, found text (write it without quotes)
    wrong-type 4:8 whole: expected a whole number, found a number with a fraction (write it without a fraction)
    wrong-type 5:9 number: expected a number, found text (write the number without `_`)
    wrong-type 6:8 list: expected a list, found a mapping (begin each entry of the list with `- `)
    wrong-type 7:7 map: expected a mapping, found a list ()
    wrong-type 8:10 either: expected a list or text, found a mapping (begin each entry of the list with `- `)
    ");
    insta::assert_snapshot!(list_messages(&schema, r"
text: true
flag: 1
whole: 0755
number: 99999999999999999999
list: [a, 1, [b]]
"), @"
    yaml-1-1 4:8 : a YAML 1.1 reader reads this as an octal number (put it in quotes if it is text; else write it plainly)
    wrong-type 2:7 text: expected text, found `true` (put it in quotes)
    wrong-type 3:7 flag: expected `true` or `false`, found a whole number ()
    wrong-type 4:8 whole: expected a whole number, found text (write the number without leading zeros)
    out-of-range 5:9 number: the number is too large ()
    wrong-type 6:11 list.1: expected text, found a whole number (put it in quotes)
    wrong-type 6:15 list.2: expected text, found a list ()
    ");
    insta::assert_snapshot!(list_messages(&schema, "{whole: 2.0, number: 3, either: [1]}"), @"");
}

#[test]
fn null_values_are_rejected() {
    let schema = json!({"properties": {
        "a": {"type": ["string", "null"]},
        "list": {"type": "array"},
        "free": true
    }});
    insta::assert_snapshot!(list_messages(&schema, "
a:
list: [~]
free: {x: {y: null}}
other: null
"), @"
    null-value 2:1 a: the value is null (leave the field out instead; what is left out is not managed)
    null-value 3:8 list.0: the value is null (leave the field out instead; what is left out is not managed)
    null-value 4:12 free.x.y: the value is null (leave the field out instead; what is left out is not managed)
    null-value 5:1 other: the value is null (leave the field out instead; what is left out is not managed)
    ");
}

#[test]
fn values_outside_the_enum_are_rejected() {
    let schema = json!({"properties": {
        "mode": {"enum": ["cdc", "snapshot", "cdc_only"]},
        "kind": {"const": "ClickPipe"},
        "size": {"enum": [1, 2]},
        "documented": {"oneOf": [
            {"const": "JSONEachRow", "description": "Lines."},
            {"const": "Avro", "description": "Binary."}
        ]}
    }});
    insta::assert_snapshot!(list_messages(&schema, "
mode: snapshots
kind: Pipe
size: 3
documented: jsonEachRow
"), @"
    bad-value 2:7 mode: `snapshots` is not a value of this field (did you mean `snapshot`?)
    bad-value 3:7 kind: `Pipe` is not a value of this field (write `ClickPipe`)
    bad-value 4:7 size: `3` is not a value of this field (it is one of `1`, `2`)
    bad-value 5:13 documented: `jsonEachRow` is not a value of this field (did you mean `JSONEachRow`?)
    ");
    insta::assert_snapshot!(list_messages(&schema, "
mode: [cdc]
kind: 5
size: 2.0
documented: XML with a rather long explanation of what it is
"), @"
    bad-value 2:8 mode: a list is not a value of this field (it is one of `cdc`, `snapshot`, `cdc_only`)
    bad-value 3:7 kind: `5` is not a value of this field (write `ClickPipe`)
    bad-value 5:13 documented: `XML with a rather long explanation of wh…` is not a value of this field (it is one of `JSONEachRow`, `Avro`)
    ");
}

#[test]
fn number_text_and_list_limits_are_validated() {
    let schema = json!({"properties": {
        "replicas": {"type": "integer", "minimum": 1, "maximum": 40},
        "cpu": {"type": "integer", "minimum": 1000, "multipleOf": 1000},
        "name": {"type": "string", "minLength": 1, "maxLength": 5},
        "key": {"type": "string", "minLength": 3},
        "when": {"type": "string", "pattern": "^[0-9]{4}$", "description": "The year. UTC."},
        "said": {"type": "string", "pattern": "^/", "x-pattern-says": "a path from the root"},
        "bare": {"type": "string", "pattern": "^/"},
        "tables": {"type": "array", "minItems": 1, "uniqueItems": true},
        "labels": {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}}
    }});
    insta::assert_snapshot!(list_messages(&schema, "
replicas: 0
cpu: 1500
name: ''
key: ab
when: later
said: x
bare: x
tables: []
labels: {}
"), @"
    out-of-range 2:11 replicas: 0 is out of range (allowed: from 1 to 40)
    out-of-range 3:6 cpu: 1500 is not a multiple of 1000 (allowed: at least 1000, a multiple of 1000)
    bad-length 4:7 name: the text is empty ()
    bad-length 5:6 key: the text has 2 characters, and needs at least 3 ()
    bad-pattern 6:7 when: the text does not have the right form (The year (pattern `^[0-9]{4}$`))
    bad-pattern 7:7 said: the text does not have the right form (expected a path from the root)
    bad-pattern 8:7 bare: the text does not have the right form (pattern `^/`)
    bad-length 9:1 tables: there are no entries, and at least one is needed ()
    bad-length 10:1 labels: there are no fields, and at least one is needed ()
    ");
    insta::assert_snapshot!(list_messages(&schema, "
replicas: 41
cpu: 0
name: sixsix
tables: [{a: 1, b: 2.0}, {b: 2, a: 1}, x]
labels: {a: b, c: 1}
"), @"
    out-of-range 2:11 replicas: 41 is out of range (allowed: from 1 to 40)
    out-of-range 3:6 cpu: 0 is out of range (allowed: at least 1000, a multiple of 1000)
    bad-length 4:7 name: the text has 6 characters, and may have at most 5 ()
    duplicate-item 5:27 tables.1: the list has this entry twice [first here 5:11] ()
    wrong-type 6:19 labels.c: expected text, found a whole number (put it in quotes)
    ");
    insta::assert_snapshot!(list_messages(&schema, "{name: ümläüt, tables: ['1', 1], cpu: 2000}"), @"bad-length 1:8 name: the text has 6 characters, and may have at most 5 ()");
}
