//! From manifests to what the API takes.

#![expect(clippy::needless_pass_by_value, reason = "values are written where they are used")]

use model::address::Kind;
use model::envelope::{body, body_path};
use model::path::Path;
use model::reference;
use serde_json::{Value, json};

fn manifest(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "pipectl/v1", "kind": "any", "metadata": {"name": name}, "spec": spec})
}

#[test]
fn a_body_is_the_name_and_what_is_not_ours() {
    let spec = json!({
        "state": "stopped",
        "protect": true,
        "source": {"kafka": {"topics": "orders"}},
        "settings": {"streaming_max_insert_wait_ms": 500},
    });
    assert_eq!(
        body(Kind::ClickPipe, &manifest("orders", spec)),
        json!({
            "name": "orders",
            "source": {"kafka": {"topics": "orders"}},
            "settings": {"streaming_max_insert_wait_ms": 500},
        })
    );
}

#[test]
fn an_endpoint_is_named_by_its_description() {
    let spec = json!({"state": "present", "type": "MSK_MULTI_VPC"});
    assert_eq!(
        body(Kind::ReversePrivateEndpoint, &manifest("warehouse", spec)),
        json!({"description": "warehouse", "type": "MSK_MULTI_VPC"})
    );
    let spec = json!({"replicaMemoryGb": 8});
    assert_eq!(body(Kind::CdcScaling, &manifest("x", spec)), json!({"replicaMemoryGb": 8}));
}

#[test]
fn the_version_of_a_group_becomes_that_of_its_secrets() {
    let spec = json!({"source": {"kafka": {"credentials": {
        "username": "reader",
        "password": {"fromEnv": "A"},
        "privateKey": {"fromEnv": "B", "version": 7},
        "version": 3,
    }}}});
    assert_eq!(
        body(Kind::ClickPipe, &manifest("orders", spec))["source"]["kafka"]["credentials"],
        json!({
            "username": "reader",
            "password": {"fromEnv": "A", "version": 3},
            "privateKey": {"fromEnv": "B", "version": 7},
        })
    );
}

#[test]
fn additional_fields_move_to_where_the_api_has_them() {
    let spec = json!({
        "source": {"postgres": {
            "settings": {"pullBatchSize": 5},
            "additional": {"newField": [1], "settings": {"newSetting": true, "pullBatchSize": 9}},
        }},
        "destination": {"database": "default", "additional": {"newPlace": {"a": 1}}},
        "settings": {"additional": {"new_setting": 1}},
    });
    assert_eq!(
        body(Kind::ClickPipe, &manifest("orders", spec)),
        json!({
            "name": "orders",
            "source": {"postgres": {
                "settings": {"pullBatchSize": 5, "newSetting": true},
                "newField": [1],
            }},
            "destination": {"database": "default", "newPlace": {"a": 1}},
            "settings": {"new_setting": 1},
        })
    );
}

#[test]
fn broken_documents_have_bodies_too() {
    for spec in [json!(null), json!([]), json!({"source": 7}), json!({"source": {"kafka": [1]}})] {
        let body = body(Kind::ClickPipe, &manifest("orders", spec));
        assert_eq!(body["name"], "orders");
    }
    assert_eq!(body(Kind::ClickPipe, &json!("text")), json!({}));
}

#[test]
fn paths_of_manifests_lead_to_paths_of_bodies() {
    for (kind, manifest, body) in [
        (Kind::ClickPipe, "metadata.name", Some("name")),
        (Kind::ReversePrivateEndpoint, "metadata.name", Some("description")),
        (Kind::ClickPipe, "metadata.labels", None),
        (Kind::ClickPipe, "apiVersion", None),
        (Kind::ClickPipe, "spec.state", None),
        (Kind::ClickPipe, "spec.source.kafka.topics", Some("source.kafka.topics")),
        (Kind::ClickPipe, "spec.source.kafka.credentials.version", None),
        (Kind::ClickPipe, "spec.source.kafka.additional.x.y", Some("source.kafka.x.y")),
        (
            Kind::ClickPipe,
            "spec.source.postgres.tableMappings.0.targetTable",
            Some("source.postgres.tableMappings.0.targetTable"),
        ),
        (Kind::CdcScaling, "spec.replicaMemoryGb", Some("replicaMemoryGb")),
    ] {
        assert_eq!(body_path(kind, &Path::parse(manifest)), body.map(Path::parse), "{manifest}");
    }
}

#[test]
fn secrets_are_known_by_name() {
    let names: Vec<&str> = reference::secret_names().iter().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "connectionString",
            "password",
            "privateKey",
            "secretKey",
            "serviceAccountFile",
            "serviceAccountKey",
        ]
    );
}

#[test]
fn the_schema_for_editors_takes_every_kind_and_offers_no_null() {
    let schema = reference::schema();
    let validator = jsonschema::validator_for(&schema).expect("a good schema");
    let scaling = json!({
        "apiVersion": "pipectl/v1",
        "kind": "CdcScaling",
        "metadata": {"service": "analytics"},
        "spec": {"replicaCpuMillicores": 2000, "replicaMemoryGb": 8},
    });
    assert!(validator.is_valid(&scaling));
    assert!(!validator.is_valid(&json!({"kind": "CdcScaling"})));
    assert!(!schema.to_string().contains("\"null\""));
    for kind in Kind::ALL {
        assert!(!reference::manifest_schema(kind).to_string().contains("\"null\""));
        assert!(!reference::body_schema(kind).to_string().contains("x-additional"));
    }
}
