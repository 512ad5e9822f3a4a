//! Compares what is known here with the API's own schema, wherever that is at hand: `PIPECTL_OPENAPI` names the file, or
//! several, separated as in `PATH`.

use std::collections::BTreeSet;

use clickpipes::api_schema::{find_news, ours};
use model::address::Kind;
use serde_json::{Value, json};

#[expect(clippy::print_stderr, reason = "a comparison that was not made must say so")]
fn documents() -> Vec<Value> {
    let Some(files) = std::env::var_os("PIPECTL_OPENAPI").filter(|files| !files.is_empty()) else {
        eprintln!("not compared: PIPECTL_OPENAPI names no file");
        return Vec::new();
    };
    let texts = std::env::split_paths(&files).map(std::fs::read_to_string);
    texts.map(|text| serde_json::from_str(&text.expect("PIPECTL_OPENAPI can be read")).expect("JSON")).collect()
}

/// Fields, words, ranges, what an update may name and what an answer returns: all is as the schema says.
#[test]
fn known_schemas_have_no_news() {
    for document in documents() {
        let news = find_news(&document);
        assert!(news.is_empty(), "{}:\n{}", document["info"]["version"], news.join("\n"));
    }
}

/// A document with the endpoints and the size of database pipes, and nothing else.
fn small_document() -> Value {
    let text = json!({"type": "string"});
    let names = json!({"type": "array", "items": {"properties": {
        "privateDnsName": {"type": "string"}, "targetId": {"type": "string"},
    }, "required": ["privateDnsName"]}});
    let create = json!({"properties": {
        "description": text,
        "type": {"type": "string", "enum": [
            "VPC_ENDPOINT_SERVICE", "VPC_RESOURCE", "MSK_MULTI_VPC", "GCP_PSC_SERVICE_ATTACHMENT",
        ]},
        "vpcEndpointServiceName": text,
        "vpcResourceConfigurationId": text,
        "vpcResourceShareArn": text,
        "mskClusterArn": text,
        "mskAuthentication": {"type": ["string", "null"], "enum": ["SASL_IAM", "SASL_SCRAM"]},
        "gcpServiceAttachment": text,
        "customPrivateDnsMappings": names,
    }, "required": []});
    let mut answer = create.clone();
    answer["properties"]["id"] = json!({"type": "string"});
    answer["properties"]["status"] = json!({"type": "string", "enum": ["Provisioning", "Ready"]});
    let size = json!({"properties": {
        "replicaCpuMillicores": {"type": "integer", "minimum": 1000, "maximum": 32000, "multipleOf": 1000},
        "replicaMemoryGb": {"type": "number", "minimum": 4, "maximum": 128, "multipleOf": 4},
    }});
    json!({"components": {"schemas": {
        "ClickPipesCdcScaling": size,
        "ClickPipesCdcScalingPatchRequest": size,
        "CreateReversePrivateEndpoint": create,
        "UpdateReversePrivateEndpoint": {"properties": {"customPrivateDnsMappings": names}},
        "ReversePrivateEndpoint": answer,
    }}})
}

/// Each edit of a document is told, in a sentence.
#[test]
fn every_change_of_a_schema_is_news() {
    let before: BTreeSet<String> = find_news(&small_document()).into_iter().collect();
    assert!(before.iter().all(|news| news.starts_with("the schema `ClickPipe")), "{before:?}");
    let text = json!({"type": "string"});
    let [create, update, answer] =
        ["Create", "Update", ""].map(|word| format!("/components/schemas/{word}ReversePrivateEndpoint"));
    let size = "/components/schemas/ClickPipesCdcScalingPatchRequest";
    for (at, value, news) in [
        (format!("{create}/properties/turbo"), text.clone(), "new field `ReversePrivateEndpoint.turbo`"),
        (format!("{update}/properties/turbo"), text.clone(), "new field `ReversePrivateEndpoint.turbo` of an update"),
        (format!("{answer}/properties/turbo"), text.clone(), "new field `ReversePrivateEndpoint.turbo` of an answer"),
        (
            format!("{create}/properties/turbo"),
            json!({"properties": {"a": text, "b": text}}),
            "new field `ReversePrivateEndpoint.turbo`",
        ),
        (
            format!("{update}/properties/description"),
            text.clone(),
            "`ReversePrivateEndpoint.description` can be updated: here a change is a replacement",
        ),
        (format!("{create}/properties/mskClusterArn"), Value::Null, "`ReversePrivateEndpoint.mskClusterArn` is gone"),
        (
            format!("{update}/properties/customPrivateDnsMappings"),
            Value::Null,
            "`ReversePrivateEndpoint.customPrivateDnsMappings` is gone from updates: a change would be a replacement",
        ),
        (
            format!("{answer}/properties/mskClusterArn"),
            Value::Null,
            "`ReversePrivateEndpoint.mskClusterArn` is gone from answers",
        ),
        (
            format!("{create}/properties/type/enum/4"),
            json!("AZURE_LINK"),
            "new word `AZURE_LINK` of `ReversePrivateEndpoint.type`",
        ),
        (
            format!("{create}/properties/type/enum/0"),
            json!("VPC_RESOURCE"),
            "the word `VPC_ENDPOINT_SERVICE` of `ReversePrivateEndpoint.type` is gone",
        ),
        (
            format!("{answer}/properties/status/enum/2"),
            json!("Tired"),
            "new word `Tired` of `ReversePrivateEndpoint.status`",
        ),
        (format!("{create}/required/0"), json!("mskClusterArn"), "`ReversePrivateEndpoint.mskClusterArn` is required"),
        (
            format!("{update}/required"),
            json!(["customPrivateDnsMappings"]),
            "`ReversePrivateEndpoint.customPrivateDnsMappings` is required in an update",
        ),
        (
            format!("{size}/properties/replicaMemoryGb/maximum"),
            json!(256),
            "`maximum` of `CdcScaling.replicaMemoryGb` is 256, and 128 here",
        ),
        (
            format!("{size}/properties/replicaMemoryGb/type"),
            json!("string"),
            "`CdcScaling.replicaMemoryGb` is of type string, and number here",
        ),
        (create.clone(), Value::Null, "the schema `CreateReversePrivateEndpoint` is gone"),
    ] {
        let mut document = small_document();
        edit_document(&mut document, &at, value);
        let after = find_news(&document).into_iter().filter(|it| !before.contains(it)).collect::<Vec<_>>();
        assert_eq!(after, [news], "{at}");
    }
    assert!(find_news(&json!({})).is_empty());
}

/// Null removes what is there.
fn edit_document(document: &mut Value, at: &str, value: Value) {
    let (parent, name) = at.rsplit_once('/').expect("a pointer");
    match document.pointer_mut(parent).expect("it is there") {
        Value::Object(fields) if value.is_null() => drop(fields.remove(name)),
        Value::Object(fields) => drop(fields.insert(name.to_owned(), value)),
        Value::Array(items) => {
            let index: usize = name.parse().expect("an index");
            items.splice(index..(index + 1).min(items.len()), [value]);
        }
        _ => panic!("{at}"),
    }
}

/// Holds without the document, too: a field that is lost or gained is noticed.
#[test]
fn field_counts_are_unchanged() {
    let count = |kind: Kind, at: &str| ours(kind, at).len();
    let arms = ["kafka", "kinesis", "objectStorage", "pubsub"];
    let databases = ["postgres", "mysql", "mongodb", "bigquery"];
    let source = |arm: &str| count(Kind::ClickPipe, &format!("source.{arm}"));
    assert_eq!(arms.map(source), [36, 17, 18, 11]);
    assert_eq!(databases.map(source), [39, 38, 25, 29]);
    let parts = ["destination", "fieldMappings", "scaling", "settings"];
    assert_eq!(parts.map(|part| count(Kind::ClickPipe, part)), [20, 3, 4, 13]);
    assert_eq!(Kind::ALL.map(|kind| count(kind, "")), [12, 268, 2]);
}
