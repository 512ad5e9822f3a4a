//! One run in which everything happens that apply can do, to be disturbed at any of its requests.

use std::collections::BTreeMap;

use model::path::FieldPath;
use serde_json::{Value, json};

use super::BYSTANDER;
use crate::support::manifests::read_documents;

/// A live side, and manifests that want nearly all of it otherwise.
pub(crate) struct Scenario {
    pub(crate) before: Vec<Value>,
    pub(crate) after: Vec<Value>,
}

/// Pipes of every source: made, edited, remapped, stopped, started, scaled, renamed, replaced and
/// deleted; endpoints; and the size of database pipes.
pub(crate) fn full_scenario() -> Scenario {
    let seeds: BTreeMap<String, Value> = read_documents("tests/seeds")
        .into_iter()
        .map(|seed| (seed["metadata"]["name"].as_str().unwrap_or("scaling").to_owned(), seed))
        .collect();
    let mut scenario = Scenario { before: Vec::new(), after: Vec::new() };
    for (name, before, after) in SCENARIO_STEPS {
        let seed = &seeds[*name];
        let sides = [(&mut scenario.before, before), (&mut scenario.after, after)];
        for (documents, edits) in sides {
            documents.extend(edits.map(|edits| edit_document(seed, edits)));
        }
    }
    let mut bystander = edit_document(&seeds["kinesis-role"], &[("spec.destination.table", "\"other\"")]);
    bystander["metadata"]["name"] = json!(BYSTANDER);
    scenario.before.push(bystander);
    scenario
}

type FieldEdits = &'static [(&'static str, &'static str)];

/// Of each seed: how it is before and after, as fields that differ from the seed; `None` is not
/// declared.
const SCENARIO_STEPS: &[(&str, Option<FieldEdits>, Option<FieldEdits>)] = &[
    // Made, together with the endpoint that it needs.
    ("msk", None, Some(&[("metadata.name", "\"link-a\"")])),
    ("kafka-scram", None, Some(&[])),
    // Edited.
    (
        "kafka-msk-role",
        Some(&[]),
        Some(&[(
            "spec.destination.columns",
            r#"[{"name": "id", "type": "UInt64"}, {"name": "n", "type": "UInt64"}, {"name": "m", "type": "String"}]"#,
        )]),
    ),
    ("vpc-service", Some(&[]), Some(&[("spec.customPrivateDnsMappings", "[]")])),
    ("scaling", Some(&[]), Some(&[("spec", r#"{"replicaCpuMillicores": 8000, "replicaMemoryGb": 32}"#)])),
    ("s3-queue", Some(&[]), Some(&[("spec.settings.clickhouse_max_threads", "4")])),
    (
        "kinesis-user",
        Some(&[]),
        Some(&[("spec.scaling.replicas", "3"), ("spec.settings.streaming_max_insert_wait_ms", "900")]),
    ),
    // Edited while it is stopped, and stays so.
    (
        "azure",
        Some(&[("spec.state", "\"stopped\"")]),
        Some(&[("spec.state", "\"stopped\""), ("spec.scaling", r#"{"replicas": 2}"#)]),
    ),
    (
        "mongodb-cdc",
        Some(&[("spec.state", "\"stopped\"")]),
        Some(&[
            ("spec.state", "\"stopped\""),
            (
                "spec.source.mongodb.tableMappings",
                r#"[{"sourceDatabaseName": "shop", "sourceCollection": "orders", "targetTable": "mongo_orders"},
                    {"sourceDatabaseName": "shop", "sourceCollection": "carts", "targetTable": "mongo_carts"}]"#,
            ),
        ]),
    ),
    // Remapped: added and removed; taken out and put in again.
    (
        "postgres-cdc",
        Some(&[]),
        Some(&[
            ("spec.source.postgres.settings.syncIntervalSeconds", "60"),
            (
                "spec.source.postgres.tableMappings",
                r#"[{"sourceSchemaName": "public", "sourceTable": "orders", "targetTable": "orders_cdc"},
                    {"sourceSchemaName": "public", "sourceTable": "carts", "targetTable": "carts"}]"#,
            ),
        ]),
    ),
    ("mysql-cdc", Some(&[]), Some(&[("spec.source.mysql.tableMappings.0.tableEngine", "\"MergeTree\"")])),
    // Stopped, started.
    ("kafka-eventhub", Some(&[]), Some(&[("spec.state", "\"stopped\"")])),
    ("pubsub", Some(&[("spec.state", "\"stopped\"")]), Some(&[("spec.settings.streaming_max_insert_wait_ms", "700")])),
    // Renamed.
    (
        "kinesis-role",
        Some(&[]),
        Some(&[("metadata.name", "\"kinesis-renamed\""), ("metadata.previousNames", "[\"kinesis-role\"]")]),
    ),
    // Replaced.
    ("kafka-msk-user", Some(&[]), Some(&[("spec.source.kafka.topics", "\"clicks_v2\"")])),
    ("kafka-mtls", Some(&[]), Some(&[("spec.source.kafka.topics", "\"clicks_v2\"")])),
    ("postgres-cdc-only", Some(&[]), Some(&[("spec.source.postgres.settings.replicationSlotName", "\"other_slot\"")])),
    // Deleted.
    ("s3-role", Some(&[]), Some(&[("spec.state", "\"absent\"")])),
    ("psc", Some(&[]), Some(&[("spec.state", "\"absent\"")])),
    // Made.
    ("pubsub-latest", None, Some(&[("spec.state", "\"stopped\"")])),
    ("gcs-key", None, Some(&[])),
    ("mysql-role", None, Some(&[])),
    ("bigquery", None, Some(&[])),
    // As it was.
    ("s3-public-once", Some(&[]), Some(&[])),
];

fn edit_document(seed: &Value, edits: &[(&str, &str)]) -> Value {
    let mut document = seed.clone();
    for (path, value) in edits {
        FieldPath::parse(path).set_in(&mut document, serde_json::from_str(value).unwrap());
    }
    document
}
