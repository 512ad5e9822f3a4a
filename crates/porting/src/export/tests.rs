use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ExportedManifest, FILL_IN, FieldNote, export_manifests};
use model::address::{Address, Kind, Name, ServiceRef};
use model::live::{Id, Live, LiveObjects, Object, State};
use model::path::FieldPath;

const ID: &str = "0b5c1f36-0000-4000-8000-00000000000";

fn kafka() -> Value {
    json!({"type": "kafka", "format": "JSONEachRow", "brokers": "b:9092", "topics": "t",
        "authentication": "PLAIN"})
}

fn destination() -> Value {
    json!({"database": "default", "table": "t", "managedTable": true,
        "tableDefinition": {"engine": {"type": "MergeTree"}},
        "columns": [{"name": "id", "type": "UInt64"}]})
}

fn object(number: usize, source: &Value) -> Object {
    let id = format!("{ID}{number}");
    let body = json!({"id": id, "name": "orders", "state": "Running", "serviceId": "s",
        "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z",
        "source": source, "destination": destination()});
    Object { id: Id::new(id), state: State::new("Running"), body }
}

fn of(objects: Vec<Object>) -> Vec<ExportedManifest> {
    let service = ServiceRef::new("analytics");
    let at = Address::new(service, Kind::ClickPipe, Name::new("orders"));
    export_manifests(&Live::from([(at, LiveObjects { objects })]))
}

fn one(source: &Value) -> ExportedManifest {
    let mut made = of(vec![object(1, source)]);
    assert_eq!(made.len(), 1);
    made.remove(0)
}

/// The field of a Kafka pipe that has it live.
fn kept(field: &str, value: &Value) -> (Option<Value>, Vec<String>) {
    let mut source = kafka();
    source[field] = value.clone();
    let made = one(&json!({ "kafka": source }));
    assert_eq!(made.blockers, Vec::<String>::new(), "{:#}", made.document);
    let within = FieldPath::parse("spec.source.kafka");
    let additional = within.child("additional").child(field);
    let found = within.child(field).value_in(&made.document);
    (found.or_else(|| additional.value_in(&made.document)).cloned(), made.remarks)
}

#[test]
fn control_characters_and_numbers_as_text_are_exported() {
    assert_eq!(kept("consumerGroup", &json!("a\u{7f}b")).0, Some(json!("a\u{7f}b")));
    let settings = json!({"replicationMode": "cdc"});
    let mapping = json!([{"sourceSchemaName": "a", "sourceTable": "b", "targetTable": "c"}]);
    let made = one(&json!({"mysql": {"type": "mysql", "host": "h", "port": "3306", "authentication": "basic",
        "settings": settings, "tableMappings": mapping}}));
    assert_eq!(made.document["spec"]["source"]["mysql"]["port"], json!(3306));
}

/// The API checks a changed connection with the login of the same request, and returns none.
#[test]
fn login_of_a_mongodb_pipe_is_a_reference() {
    let source = |uri: &str| {
        json!({"mongodb": {"uri": uri, "readPreference": "primary",
        "settings": {"replicationMode": "cdc"},
        "tableMappings": [{"sourceDatabaseName": "a", "sourceCollection": "b", "targetTable": "c"}]}})
    };
    let made = one(&source("mongodb://db.example.com/a"));
    let login = &made.document["spec"]["source"]["mongodb"]["credentials"];
    let reference = |name: &str| json!({ "fromEnv": name });
    assert_eq!(*login, json!({"username": reference("ORDERS_USERNAME"), "password": reference("ORDERS_PASSWORD")}));
    let made = one(&source("mongodb://reader@db.example.com/a"));
    assert_eq!(made.document["spec"]["source"]["mongodb"]["credentials"], Value::Null, "{}", made.document);
}

#[test]
fn unknown_source_and_unknown_entries_of_lists_are_kept() {
    let made = one(&json!({"carrier": {"pigeons": 2}}));
    assert_eq!(made.document["spec"]["source"], json!({"additional": {"carrier": {"pigeons": 2}}}));
    assert_eq!(made.blockers, Vec::<String>::new());
    let mut body = object(1, &json!({ "kafka": kafka() }));
    body.body["destination"]["columns"][0]["comment"] = json!("${x}");
    let made = of(vec![body]).remove(0);
    let column = json!({"name": "id", "type": "UInt64", "additional": {"comment": "$${x}"}});
    assert_eq!(made.document["spec"]["destination"]["columns"], json!([column]));
}

#[test]
fn export_omits_read_only_fields() {
    let made = one(&json!({ "kafka": kafka() }));
    let spec: Vec<_> = made.document["spec"].as_object().into_iter().flatten().collect();
    let names: Vec<_> = spec.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names, made.remarks), (vec!["source", "destination"], Vec::new()));
}

#[test]
fn export_omits_default_values() {
    let (kept, _) = kept("exactlyOnce", &json!(true));
    assert_eq!(kept, Some(json!(true)));
    let mut stream = json!({"format": "JSONEachRow", "streamName": "s", "region": "eu-west-1",
        "iteratorType": "LATEST", "authentication": "IAM_ROLE",
        "iamRole": "arn:aws:iam::123456789012:role/reader", "useEnhancedFanOut": false});
    let written = |stream: &Value| {
        let made = one(&json!({ "kinesis": stream }));
        assert_eq!(made.blockers, Vec::<String>::new(), "{:#}", made.document);
        made.document["spec"]["source"]["kinesis"].get("useEnhancedFanOut").cloned()
    };
    assert_eq!(written(&stream), None);
    stream["useEnhancedFanOut"] = json!(true);
    assert_eq!(written(&stream), Some(json!(true)));
}

#[test]
fn export_adds_fill_in_for_missing_required_fields() {
    let made = one(&json!({"objectStorage": {"type": "azureblobstorage", "format": "JSONEachRow",
        "isContinuous": false}}));
    assert_eq!(made.blockers, Vec::<String>::new(), "{:#}", made.document);
    let within = FieldPath::parse("spec.source.objectStorage");
    let path = within.child("azureContainerName");
    assert_eq!(path.value_in(&made.document), Some(&json!(FILL_IN)), "{path}");
    assert_eq!(made.field_notes.get(&path), Some(&FieldNote::FillIn), "{path}");
    let untold: Vec<String> = made.write_only_fields.iter().map(ToString::to_string).collect();
    assert_eq!(untold, ["spec.destination.roles"], "no switch of a request is asked for");
    let secret = BTreeMap::from_iter(made.field_notes).into_values();
    assert_eq!(secret.filter(|note| matches!(note, FieldNote::Secret { .. })).count(), 1);
}

#[test]
fn export_escapes_dollars_and_keeps_unknown_fields() {
    let dollars = json!("${x} $y");
    let escaped = Some(json!("$${x} $y"));
    for field in ["topics", "novelty"] {
        assert_eq!(kept(field, &dollars).0, escaped, "{field}");
    }
    let (nested, _) = kept("novelty", &json!({"a": [1, "${x}"]}));
    assert_eq!(nested, Some(json!({"a": [1, "$${x}"]})));
}

#[test]
fn export_moves_unknown_enum_values_to_additional() {
    let made = |field: &str| {
        let mut source = kafka();
        source[field] = json!("NEWER");
        let made = one(&json!({ "kafka": source }));
        assert_eq!((made.blockers, made.remarks), (Vec::new(), Vec::new()));
        made.document["spec"]["source"]["kafka"].clone()
    };
    let kafka = made("authentication");
    assert_eq!((kafka.get("authentication"), kafka["additional"]["authentication"].as_str()), (None, Some("NEWER")));
    assert_eq!(made("format")["additional"]["format"], "NEWER");
}

#[test]
fn export_keeps_roles_returned_by_the_api() {
    let mut object = object(1, &json!({ "kafka": kafka() }));
    object.body["destination"]["roles"] = json!(["writer"]);
    let made = of(vec![object]).remove(0);
    assert_eq!((made.blockers, made.remarks), (Vec::new(), Vec::new()));
    assert_eq!(made.document["spec"]["destination"]["roles"], json!(["writer"]));
}

#[test]
fn export_drops_nulls_from_unknown_fields() {
    let (novel, remarks) = kept("novelty", &json!({"a": null, "b": [{"c": 1, "d": null}]}));
    assert_eq!((novel, remarks), (Some(json!({"b": [{"c": 1}]})), Vec::new()));
    let (novel, remarks) = kept("novelty", &json!({"a": [1, null]}));
    assert_eq!(novel, None, "a place in a list cannot be left out");
    assert!(remarks[0].contains("a null in it"), "{remarks:?}");
}

#[test]
fn export_omits_unknown_fields_that_look_secret() {
    for (field, value) in [
        ("clientSecret", json!("x")),
        ("oauth", json!({"refresh_token": "x"})),
        ("oauth", json!({"token": {"value": ["x"]}})),
        ("serviceKeyFile", json!("x")),
        ("proxy", json!("http://u:p@h")),
        ("identity", json!("-----BEGIN PRIVATE KEY-----")),
        ("proxy", json!([{"user": {"password": 1}}])),
        ("hub", json!("Endpoint=sb://h/;SharedAccessKeyName=n;SharedAccessKey=x")),
        ("files", json!(["https://h/x?X-Amz-Signature=x"])),
        ("login", json!("{\"password\": \"x\"}")),
    ] {
        let (kept, remarks) = kept(field, &value);
        assert_eq!(kept, None, "{field}: {value}");
        assert!(remarks.iter().any(|it| it.contains("held a secret")), "{field}: {remarks:?}");
    }
    for (field, value) in [("tokenSeconds", json!(5)), ("proxy", json!("http://h"))] {
        assert_eq!(kept(field, &value).0, Some(value), "{field}");
    }
}

#[test]
fn export_reports_password_in_schema_registry_url() {
    let mut source = kafka();
    source["schemaRegistry"] = json!({"url": "https://u:hidden@registry.example.com", "authentication": "PLAIN"});
    let made = one(&json!({ "kafka": source }));
    assert!(made.remarks[0].starts_with("`source.kafka.schemaRegistry.url` is left out: it HOLDS A SECRET"));
    assert!(made.blockers[0].starts_with("`spec.source.kafka.schemaRegistry.url`"), "{:?}", made.blockers);
    assert!(!made.document.to_string().contains("hidden"), "{:#}", made.document);
}

#[test]
fn export_manages_first_of_duplicate_names() {
    let source = json!({ "kafka": kafka() });
    let made = of(vec![object(1, &source), object(2, &source)]);
    let ids = made.iter().map(|it| it.document["metadata"]["id"].clone());
    assert_eq!(ids.collect::<Vec<_>>(), [json!(format!("{ID}1")), json!(format!("{ID}2"))]);
    let flaws: Vec<_> = made.iter().map(|it| it.blockers.len()).collect();
    assert_eq!(flaws, [0, 1]);
    assert!(made[0].remarks[0].contains("`id` says which one is meant"), "{:?}", made[0].remarks);
}

#[test]
fn export_replaces_password_in_uri_by_reference() {
    let made = one(&json!({"mongodb": {"uri": "mongodb://u:p4ss@h/d", "readPreference": "primary",
        "settings": {"replicationMode": "cdc"}, "tableMappings": [
            {"sourceDatabaseName": "d", "sourceCollection": "c", "targetTable": "t"}]}}));
    let uri = FieldPath::parse("spec.source.mongodb.uri");
    assert_eq!(uri.value_in(&made.document), Some(&json!({"fromEnv": "ORDERS_URI"})));
    assert!(!format!("{made:?}").contains("p4ss"), "{made:?}");
    assert!(made.remarks.iter().any(|it| it.contains("held a password")), "{:?}", made.remarks);
}
