//! The walk and a full JSON Schema validator must be of one mind, whatever is done to a document.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use clickpipes::kinds;
use model::address::Kind;
use model::schema_validator::SchemaValidator;
use model::yaml::{PendingDiagnostics, YamlNode, read_documents};

const GOOD: &str = include_str!("../../src/manifest/tests/good.yaml");

fn parse_document(text: &str) -> Option<YamlNode> {
    let mut remarks = PendingDiagnostics::default();
    let mut documents = read_documents(text, &mut remarks);
    let sound = remarks.error_count() == 0 && documents.len() == 1;
    documents.pop().filter(|_| sound).map(|document| document.root)
}

fn pass_accepts(schema: &SchemaValidator, document: &YamlNode) -> bool {
    let mut remarks = PendingDiagnostics::default();
    schema.validate(document, None, &mut remarks);
    remarks.error_count() == 0
}

/// `null` is the one difference: the walk never takes it.
fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A schema for both.
struct BothValidators {
    our_validator: SchemaValidator,
    reference_validator: jsonschema::Validator,
}

impl BothValidators {
    fn new(schema: &Value) -> Self {
        Self {
            our_validator: SchemaValidator::new(schema).expect("it can be walked"),
            reference_validator: jsonschema::validator_for(schema).expect("it is a schema"),
        }
    }

    fn for_kind(kind: Kind) -> &'static Self {
        static ALL: OnceLock<BTreeMap<Kind, BothValidators>> = OnceLock::new();
        let judges = |kind| (kind, Self::new(kinds::manifest_schema(kind)));
        &ALL.get_or_init(|| Kind::ALL.map(judges).into())[&kind]
    }
}

#[test]
fn every_manifest_schema_is_supported() {
    for kind in Kind::ALL {
        assert_eq!(SchemaValidator::new(kinds::manifest_schema(kind)).err(), None, "{kind:?}");
    }
}

fn assert_agreement(judges: &BothValidators, document: &YamlNode) -> Result<(), TestCaseError> {
    let walk = pass_accepts(&judges.our_validator, document);
    let json = document.to_json();
    if has_null(&json) {
        prop_assert!(!walk, "the walk took a null: {json}");
    } else {
        let errors: Vec<String> = judges
            .reference_validator
            .iter_errors(&json)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        prop_assert_eq!(walk, errors.is_empty(), "{:?} in {}", errors, json);
    }
    Ok(())
}

/// One way to spoil a line.
#[derive(Clone, Debug)]
enum Corruption {
    Drop,
    Value(&'static str),
    Misspell,
    Indent,
}

fn any_corruption() -> impl Strategy<Value = Corruption> {
    let values = select(vec![
        "5",
        "-1",
        "1.5",
        "99999999999999",
        "text",
        "''",
        "[]",
        "{}",
        "true",
        "~",
        "[a, a]",
        "{a: 1}",
        "{fromEnv: A}",
        "{fromEnv: A, fromFile: b}",
        "PLAIN",
        "S3",
        "default",
        "0.5",
    ]);
    prop_oneof![
        2 => Just(Corruption::Drop),
        4 => values.prop_map(Corruption::Value),
        2 => Just(Corruption::Misspell),
        1 => Just(Corruption::Indent),
    ]
}

fn corrupt_document(document: &str, spoils: &[(Index, Corruption)]) -> String {
    let mut lines: Vec<String> = document.lines().map(str::to_owned).collect();
    for (at, spoil) in spoils {
        if lines.is_empty() {
            break;
        }
        let at = at.index(lines.len());
        match (spoil, lines[at].split_once(':')) {
            (Corruption::Drop, _) => drop(lines.remove(at)),
            (Corruption::Indent, _) => lines[at].insert_str(0, "  "),
            (Corruption::Value(value), Some((key, _))) => lines[at] = format!("{key}: {value}"),
            (Corruption::Misspell, Some((key, rest))) => {
                let shorter = &key[..key.len() - 1];
                lines[at] = format!("{shorter}:{rest}");
            }
            (Corruption::Value(_) | Corruption::Misspell, None) => {}
        }
    }
    lines.join("\n")
}

fn kind_of(document: &YamlNode) -> Option<Kind> {
    Kind::from_name(document.entry("kind")?.value.as_text()?)
}

#[test]
fn valid_manifests_pass_both_validators() {
    for text in GOOD.split("---\n") {
        let document = parse_document(text).expect("it is YAML");
        let kind = kind_of(&document).expect("it has a kind");
        let judges = BothValidators::for_kind(kind);
        assert!(pass_accepts(&judges.our_validator, &document), "{text}");
        assert!(judges.reference_validator.is_valid(&document.to_json()), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn validators_agree_on_mutated_manifests(
        which in any::<Index>(),
        spoils in prop::collection::vec((any::<Index>(), any_corruption()), 1..4),
    ) {
        let texts: Vec<&str> = GOOD.split("---\n").collect();
        let text = texts[which.index(texts.len())];
        let kind = parse_document(text).and_then(|document| kind_of(&document)).expect("it has a kind");
        if let Some(document) = parse_document(&corrupt_document(text, &spoils)) {
            assert_agreement(BothValidators::for_kind(kind), &document)?;
        }
    }

    #[test]
    fn validators_agree_on_any_schema_and_value(which in any::<Index>(), value in any_value()) {
        let schemas = sample_schemas();
        // JSON is YAML.
        let document = parse_document(&value.to_string()).expect("it can be read");
        assert_agreement(&BothValidators::new(&schemas[which.index(schemas.len())]), &document)?;
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let key = || select(vec!["a", "b", "c", "type", "kind"]);
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-3..12_i64).prop_map(Value::from),
        select(vec![0.5, 1.0, 1.5, 4.0]).prop_map(Value::from),
        select(vec!["", "x", "xy", "a1", "abcdef", "1"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key(), inner, 0..4)
                .prop_map(|map| map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

fn sample_schemas() -> Vec<Value> {
    let object = json!({"a": {"type": "integer"}, "b": {"type": "string", "minLength": 2}});
    vec![
        json!({"type": ["integer", "string"]}),
        json!({"type": "number", "minimum": 1, "maximum": 4, "multipleOf": 0.5}),
        json!({"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^[a-z]"}),
        json!({"enum": ["x", 1, true, 4]}),
        json!({"const": 1}),
        json!({"type": "array", "minItems": 1, "items": {"type": "integer"}}),
        json!({"type": "array", "uniqueItems": true}),
        json!({"properties": object, "required": ["a"], "additionalProperties": false}),
        json!({"properties": object, "additionalProperties": {"type": "boolean"}}),
        json!({"type": "object", "minProperties": 1}),
        json!({"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}),
        json!({"oneOf": [{"const": "x"}, {"enum": ["xy", 1]}]}),
        json!({"anyOf": [{"type": "string", "minLength": 2}, {"properties": object}]}),
        json!({"$ref": "#/$defs/T", "minProperties": 1, "$defs": {"T": {
            "type": "object", "additionalProperties": {"anyOf": [
                {"type": "integer"}, {"$ref": "#/$defs/T"}, {"type": "array"}
            ]}
        }}}),
        json!({"properties": {"a": false, "b": true}}),
        json!({"anyOf": [
            {"properties": {"type": {"const": "x"}, "a": {"type": "integer"}}, "required": ["type"]},
            {"properties": {"type": {"const": "xy"}, "b": {"type": "integer"}}, "required": ["type"]}
        ]}),
    ]
}
