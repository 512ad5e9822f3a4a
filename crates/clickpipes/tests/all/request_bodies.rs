//! From manifests to what the API takes.

#![expect(clippy::needless_pass_by_value, reason = "values are written where they are used")]

use clickpipes::api_body::{build_api_body, to_body_path};
use clickpipes::kinds;
use model::address::Kind;
use model::path::FieldPath;
use model::schema_validator::FieldNode;
use serde_json::{Value, json};

fn manifest(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "pipectl/v1", "kind": "any", "metadata": {"name": name}, "spec": spec})
}

#[test]
fn body_contains_the_name_and_api_fields() {
    let spec = json!({
        "state": "stopped",
        "protect": true,
        "source": {"kafka": {"topics": "orders"}},
        "settings": {"streaming_max_insert_wait_ms": 500},
    });
    assert_eq!(
        build_api_body(Kind::ClickPipe, manifest("orders", spec)),
        json!({
            "name": "orders",
            "source": {"kafka": {"topics": "orders"}},
            "settings": {"streaming_max_insert_wait_ms": 500},
        })
    );
}

#[test]
fn endpoint_name_is_sent_as_description() {
    let spec = json!({"state": "present", "type": "MSK_MULTI_VPC"});
    assert_eq!(
        build_api_body(Kind::ReversePrivateEndpoint, manifest("warehouse", spec)),
        json!({"description": "warehouse", "type": "MSK_MULTI_VPC"})
    );
    let spec = json!({"replicaMemoryGb": 8});
    assert_eq!(build_api_body(Kind::CdcScaling, manifest("x", spec)), json!({"replicaMemoryGb": 8}));
}

#[test]
fn credentials_version_applies_to_its_secrets() {
    let spec = json!({"source": {"kafka": {"credentials": {
        "username": "reader",
        "password": {"fromEnv": "A"},
        "privateKey": {"fromEnv": "B", "version": 7},
        "version": 3,
    }}}});
    assert_eq!(
        build_api_body(Kind::ClickPipe, manifest("orders", spec))["source"]["kafka"]["credentials"],
        json!({
            "username": "reader",
            "password": {"fromEnv": "A", "version": 3},
            "privateKey": {"fromEnv": "B", "version": 7},
        })
    );
}

#[test]
fn additional_fields_are_merged_into_the_body() {
    let spec = json!({
        "source": {"postgres": {
            "settings": {"pullBatchSize": 5},
            "additional": {"newField": [1], "settings": {"newSetting": true, "pullBatchSize": 9}},
        }},
        "destination": {"database": "default", "additional": {"newPlace": {"a": 1}}},
        "settings": {"additional": {"new_setting": 1}},
    });
    assert_eq!(
        build_api_body(Kind::ClickPipe, manifest("orders", spec)),
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
fn additional_fields_of_list_entries_and_of_the_root_are_merged() {
    let spec = json!({
        "source": {"mysql": {"tableMappings": [{"targetTable": "t", "additional": {"newer": 1}, "additionalNotReturned": ["newer"]}]}},
        "destination": {"columns": [{"name": "a", "additional": {"comment": "x"}}]},
        "fieldMappings": [{"sourceField": "a", "additional": {"newer": [2]}}],
        "scaling": {"additional": {"newer": 3}},
        "additional": {"newer": 4},
        "additionalCreateOnly": ["newer"],
    });
    assert_eq!(
        build_api_body(Kind::ClickPipe, manifest("orders", spec)),
        json!({
            "name": "orders",
            "source": {"mysql": {"tableMappings": [{"targetTable": "t", "newer": 1}]}},
            "destination": {"columns": [{"name": "a", "comment": "x"}]},
            "fieldMappings": [{"sourceField": "a", "newer": [2]}],
            "scaling": {"newer": 3},
            "newer": 4,
        })
    );
}

#[test]
fn every_object_of_the_api_takes_additional_fields() {
    fn collect_without(node: &FieldNode, at: &str, found: &mut Vec<String>) {
        if node.has_child_fields() && !node.can_be_secret() && !node.is_choice() && node.additional_field().is_none() {
            found.push(at.to_owned());
        }
        for (name, field) in node.child_fields() {
            collect_without(field, &format!("{at}.{name}"), found);
        }
        if let Some(item) = node.list_item() {
            collect_without(item, &format!("{at}.*"), found);
        }
    }
    for kind in Kind::ALL {
        let mut found = Vec::new();
        collect_without(kinds::body_fields(kind).expect("a spec"), "spec", &mut found);
        // A reference to a secret stands for a text, in either of its forms.
        found.retain(|at| !at.ends_with("fromCommand"));
        assert_eq!(found, Vec::<String>::new(), "{kind:?}");
        let metadata = kinds::manifest_fields(kind).child_field("metadata").expect("metadata");
        assert_eq!(metadata.additional_field(), None);
    }
}

#[test]
fn invalid_documents_still_get_a_body() {
    for spec in [json!(null), json!([]), json!({"source": 7}), json!({"source": {"kafka": [1]}})] {
        let body = build_api_body(Kind::ClickPipe, manifest("orders", spec));
        assert_eq!(body["name"], "orders");
    }
    assert_eq!(build_api_body(Kind::ClickPipe, json!("text")), json!({}));
}

#[test]
fn manifest_paths_map_to_body_paths() {
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
        assert_eq!(to_body_path(kind, &FieldPath::parse(manifest)), body.map(FieldPath::parse), "{manifest}");
    }
}

#[test]
fn secret_field_names_are_known() {
    let names: Vec<&str> = kinds::secret_field_names().iter().map(String::as_str).collect();
    assert_eq!(
        names,
        ["connectionString", "password", "privateKey", "secretKey", "serviceAccountFile", "serviceAccountKey",]
    );
}
