//! Valid manifests: bodies, intents and positions.

use serde_json::json;

use super::{load_all, load_with, pipe_yaml, render_diagnostics};
use crate::manifest::Manifest;
use model::action::RunState;
use model::address::{Kind, Name};
use model::desired::{Intent, Presence};
use model::diagnostic::Severity;
use model::path::FieldPath;

const GOOD: &str = include_str!("good.yaml");

fn good_manifests() -> Vec<Manifest> {
    load_all(&[("good.yaml", GOOD)]).manifests
}

#[test]
fn valid_manifests_are_loaded() {
    let loaded = load_all(&[("good.yaml", GOOD)]);
    insta::assert_snapshot!(render_diagnostics(&loaded.diagnostics), @"good.yaml:40:9 warning[unchecked-field] spec.source.kafka.additional.newField: `newField` is not a field that pipectl knows: it is sent and compared as written");
    let names: Vec<(Kind, &str)> =
        loaded.manifests.iter().map(|manifest| (manifest.kind, manifest.name.as_str())).collect();
    assert_eq!(
        names,
        [
            (Kind::ClickPipe, "orders-kafka"),
            (Kind::ClickPipe, "events-s3"),
            (Kind::ClickPipe, "shop-postgres"),
            (Kind::ClickPipe, "catalog-mongodb"),
            (Kind::ClickPipe, "old-pipe"),
            (Kind::ReversePrivateEndpoint, "msk"),
            (Kind::CdcScaling, "CdcScaling"),
        ]
    );
}

#[test]
fn manifest_intent_is_read() {
    let manifests = good_manifests();
    let intent = &manifests[0].document.intent;
    assert_eq!(
        *intent,
        Intent {
            presence: Presence::Present(RunState::Running),
            protect: true,
            previous_names: vec![Name::new("orders")],
            pinned_id: Some(model::live::Id::new("0b1c2d3e-0000-4000-8000-000000000001")),
            labels: [("team".to_owned(), "payments".to_owned())].into(),
            ..Intent::default()
        }
    );
    let presences: Vec<Presence> = manifests.iter().map(|manifest| manifest.document.intent.presence).collect();
    let running = Presence::Present(RunState::Running);
    let stopped = Presence::Present(RunState::Stopped);
    assert_eq!(presences, [running, stopped, running, running, Presence::Absent, running, running]);
    assert_eq!(manifests[0].service.as_deref(), Some("analytics"));
    assert!(!manifests[6].is_organization_wide);
}

#[test]
fn manifest_body_has_the_shape_of_the_api() {
    let manifests = good_manifests();
    let body = &manifests[0].document.body;
    assert_eq!(body["name"], "orders-kafka");
    assert_eq!(body["source"]["kafka"]["newField"], json!({"deep": [1, "two"]}));
    assert_eq!(body.get("state"), None);
    assert_eq!(manifests[5].document.body["description"], "msk");
    assert_eq!(*manifests[6].document.body, json!({"replicaCpuMillicores": 2000, "replicaMemoryGb": 8}));
}

#[test]
fn additional_can_hold_unknown_value_of_required_field() {
    let text = GOOD.replacen("      authentication: PLAIN\n", "", 1);
    let text = text.replacen("newField: {deep: [1, two]}", "authentication: NEWER", 1);
    let loaded = load_all(&[("good.yaml", &text)]);
    insta::assert_snapshot!(render_diagnostics(&loaded.diagnostics), @"good.yaml:39:25 warning[unchecked-value] spec.source.kafka.additional.authentication: `NEWER` is not a value of `authentication` that pipectl knows: it is sent and compared as written");
    let body = &loaded.manifests[0].document.body;
    assert_eq!(body["source"]["kafka"]["authentication"], "NEWER");
    assert_eq!(body["source"]["kafka"].get("additional"), None);
}

/// What the known words of `authentication` require is no business of a newer one.
#[test]
fn newer_authentication_needs_nothing_that_the_known_ones_need() {
    const NEWER: &str = "additional: {authentication: NEWER}";
    let database = |kind: &str| {
        format!(
            "{kind}: {{host: h, port: 1, {NEWER}, settings: {{replicationMode: cdc}}, tableMappings: \
             [{{sourceSchemaName: s, sourceTable: t, targetTable: t}}]}}"
        )
    };
    let registry = "kafka: {type: kafka, format: AvroConfluent, brokers: b, topics: t, authentication: PLAIN, \
                    credentials: {username: u, password: {fromEnv: P}}, schemaRegistry: {url: https://r, ADDED}}";
    for (source, known) in [
        (database("mysql"), "authentication: basic"),
        (database("postgres").replace("port: 1", "port: 1, database: d"), "authentication: basic"),
        (
            format!("objectStorage: {{type: azureblobstorage, format: JSONEachRow, path: x, {NEWER}}}"),
            "authentication: CONNECTION_STRING",
        ),
        (registry.replace("ADDED", NEWER), "authentication: PLAIN"),
    ] {
        let table =
            "managedTable: true, tableDefinition: {engine: {type: MergeTree}}, columns: [{name: id, type: Int8}]";
        let table = if source.contains("tableMappings") { String::new() } else { format!(", table: t, {table}") };
        let manifest = |source: &str| {
            format!(
                "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: a, service: s}}\nspec:\n  source:\n    \
                 {source}\n  destination: {{database: d{table}}}\n"
            )
        };
        let errors = |source: &str| {
            let loaded = load_all(&[("a.yaml", &manifest(source))]);
            let errors = loaded.diagnostics.into_iter().filter(|it| it.severity == Severity::Error);
            errors.map(|it| it.message).collect::<Vec<String>>()
        };
        assert_eq!(errors(&source), Vec::<String>::new(), "{source}");
        assert_ne!(errors(&source.replace(NEWER, known)), Vec::<String>::new(), "{source}");
    }
}

#[test]
fn body_fields_map_to_source_positions() {
    let manifests = good_manifests();
    let place = |at: usize, path: &str| {
        let place = manifests[at].document.origin.field_place(&FieldPath::parse(path));
        let line = GOOD.lines().nth(place.line as usize - 1).expect("the line is there");
        let from: String = line.chars().skip(place.column as usize - 1).collect();
        (place.line, from)
    };
    for (at, path, line, from) in [
        (0, "", 1, "apiVersion: pipectl/v1"),
        (0, "name", 4, "name: orders-kafka"),
        (0, "source.kafka.topics", 17, "topics: orders"),
        (0, "source.kafka.newField", 40, "newField: {deep: [1, two]}"),
        (0, "source.kafka.newField.deep.1", 40, "two]}"),
        (0, "source.kafka", 13, "kafka:"),
        (0, "source.kafka.reversePrivateEndpointIds.0", 36, "endpoint: msk"),
        // It comes from the version of the group.
        (0, "source.kafka.credentials.password.version", 22, "password: {fromEnv: ORDERS_KAFKA_PASSWORD}"),
        (0, "destination.columns.0.name", 53, "name: id"),
        (0, "destination.columns.1", 55, "name: message, type: String}"),
        // A missing field has the position of its nearest parent.
        (0, "destination.columns.7.name", 52, "columns:"),
        (5, "description", 169, "name: msk"),
        (6, "replicaMemoryGb", 183, "replicaMemoryGb: 8"),
    ] {
        assert_eq!(place(at, path), (line, from.to_owned()), "{path}");
    }
    let start = manifests[6].document.origin.start_place();
    assert_eq!(start.to_string(), "good.yaml:177:1");
}

#[test]
fn documents_are_loaded_in_file_order() {
    let (a, b) = (pipe_yaml("b", ""), pipe_yaml("a", ""));
    let loaded = load_all(&[("z.yaml", &a), ("a.yaml", &b), ("empty.yaml", "# nothing\n---\n")]);
    assert_eq!(render_diagnostics(&loaded.diagnostics), "");
    let names: Vec<&str> = loaded.manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    assert_eq!(names, ["b", "a"]);
}

#[test]
fn json_manifests_are_accepted() {
    let text = r#"{"apiVersion": "pipectl/v1", "kind": "CdcScaling",
        "metadata": {"organization": true},
        "spec": {"replicaCpuMillicores": 1000, "replicaMemoryGb": 4}}"#;
    let loaded = load_all(&[("scaling.json", text)]);
    assert_eq!(render_diagnostics(&loaded.diagnostics), "");
    assert!(loaded.manifests[0].is_organization_wide);
    assert_eq!(loaded.manifests[0].service, None);
}

#[test]
fn five_hundred_manifests_are_loaded() {
    let texts: Vec<(String, String)> =
        (0..500).map(|n| (format!("{n}.yaml"), pipe_yaml(&format!("pipe-{n}"), ""))).collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let loaded = load_with(&files, &[]);
    assert_eq!(render_diagnostics(&loaded.diagnostics), "");
    assert_eq!(loaded.manifests.len(), 500);
}
