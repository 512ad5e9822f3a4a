use serde_json::{Value, json};

use super::{
    SandboxBench, all_source_bodies, bigquery_body, kafka_body, mongodb_body, mysql_body, ok_result, postgres_body,
    s3_body, table_mapping,
};
use crate::{SandboxOptions, World};

#[test]
fn no_secret_is_returned_stored_or_logged() {
    let mut bench = SandboxBench::new();
    for body in all_source_bodies() {
        let response = bench.post_pipe(&body);
        assert!(body.to_string().contains("canary"));
        let answer = String::from_utf8(response.body).unwrap();
        assert!(!answer.contains("canary"), "{answer}");
    }
    let mut registry = kafka_body();
    registry["source"]["kafka"]["schemaRegistry"] = json!({
        "url": "https://registry.example.com",
        "authentication": "PLAIN",
        "credentials": {"username": "user", "password": "canary"},
    });
    let created = ok_result(&bench.post_pipe(&registry));
    assert_eq!(created["source"]["kafka"]["schemaRegistry"]["url"], "https://registry.example.com");
    bench.post_pipe(&json!({"source": {"kafka": {"credentials": {"password": {"fromEnv": "canary"}}}}}));
    let world = serde_json::to_string(&bench.world).unwrap();
    assert!(!world.contains("canary"));
}

#[test]
fn request_log_contains_requests_and_responses() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    bench.wait_seconds(5);
    bench.post_pipe(&json!({}));
    let journal = bench.world.request_log();
    assert_eq!(journal.len(), 2);
    assert_eq!((journal[0].method.as_str(), journal[0].status), ("POST", 200));
    assert_eq!(journal[0].body["source"]["kafka"]["credentials"]["password"], "***");
    assert_eq!(journal[0].body["source"]["kafka"]["topics"], "orders");
    assert_eq!(journal[1].received_at.to_string(), "2026-01-01T00:00:05.000000Z");
    assert!(journal[1].error.as_ref().unwrap().contains("name"));
    let served = bench.send_to_path("GET", "/_sandbox/journal", &Value::Null).json_body();
    assert_eq!(served[0]["requestId"], logged_request_id(&bench.world, 0));
    assert_eq!(bench.world.request_log().len(), 2, "the journal does not note who reads it");
    assert!(bench.read_pipe(&id).is_object());
}

fn logged_request_id(world: &World, index: usize) -> String {
    world.request_log()[index].request_id.clone()
}

#[test]
fn kafka_reads_with_nulls_and_a_consumer_group() {
    let mut bench = SandboxBench::without_quirks();
    let id = bench.create_pipe(&kafka_body());
    let source = &bench.read_pipe(&id)["source"];
    assert_eq!(source["kafka"]["consumerGroup"], format!("clickpipes-{id}"));
    for name in ["iamRole", "offset", "schemaRegistry", "caCertificate", "exactlyOnce"] {
        assert_eq!(source["kafka"].get(name), Some(&Value::Null), "{name}");
    }
    assert!(source["kafka"].get("credentials").is_none());
    assert_eq!(source.get("postgres"), Some(&Value::Null));
}

#[test]
fn database_settings_are_filled_with_defaults_on_read() {
    let mut bench = SandboxBench::without_quirks();
    let id = bench.create_pipe(&postgres_body());
    let source = bench.read_pipe(&id)["source"]["postgres"].clone();
    assert_eq!(
        source["settings"],
        json!({
            "syncIntervalSeconds": 60,
            "pullBatchSize": 100_000,
            "publicationName": "",
            "replicationMode": "cdc",
            "replicationSlotName": "",
            "allowNullableColumns": false,
            "initialLoadParallelism": 4,
            "snapshotNumRowsPerPartition": 100_000,
            "snapshotNumberOfParallelTables": 1,
            "enableFailoverSlots": false,
            "deleteOnMerge": false,
        })
    );
    assert_eq!(source["type"], "postgres");
    for name in ["iamRole", "tlsHost", "caCertificate"] {
        assert_eq!(source[name], "", "{name}");
    }
    assert_eq!(
        source["tableMappings"][0],
        json!({
            "sourceSchemaName": "public",
            "sourceTable": "users",
            "targetTable": "t_users",
            "excludedColumns": [],
            "useCustomSortingKey": false,
            "sortingKeys": [],
            "tableEngine": "ReplacingMergeTree",
            "partitionKey": "",
            "partitionByExpr": "",
        })
    );
}

#[test]
fn mysql_server_id_is_assigned_and_stable() {
    let mut bench = SandboxBench::without_quirks();
    let id = bench.create_pipe(&mysql_body());
    let source = bench.read_pipe(&id)["source"]["mysql"].clone();
    assert!(source["serverId"].as_u64().is_some_and(|id| (1..=4_294_967_295).contains(&id)));
    assert_eq!(source["settings"]["replicationMechanism"], "GTID");
    bench.wait_seconds(60);
    assert_eq!(bench.read_pipe(&id)["source"]["mysql"], source);
}

#[test]
fn azure_reads_without_its_location_and_authentication() {
    let mut bench = SandboxBench::without_quirks();
    let mut body = s3_body();
    body["source"]["objectStorage"] = json!({
        "type": "azureblobstorage",
        "format": "CSV",
        "azureContainerName": "box",
        "path": "x/*.csv",
        "authentication": "CONNECTION_STRING",
        "connectionString": "canary",
    });
    let id = bench.create_pipe(&body);
    let source = bench.read_pipe(&id)["source"]["objectStorage"].clone();
    for name in ["azureContainerName", "path", "authentication", "connectionString"] {
        assert!(source.get(name).is_none(), "{name}");
    }
    let id = bench.create_pipe(&s3_body());
    assert_eq!(bench.read_pipe(&id)["source"]["objectStorage"]["authentication"], "IAM_USER");
}

#[test]
fn destination_reads_without_roles_and_engine_details() {
    let mut bench = SandboxBench::without_quirks();
    let mut body = kafka_body();
    body["destination"]["roles"] = json!(["writer"]);
    body["destination"]["tableDefinition"] = json!({
        "engine": {"type": "ReplacingMergeTree", "versionColumnId": "id"},
        "sortingKey": ["id"],
    });
    let id = bench.create_pipe(&body);
    let destination = bench.read_pipe(&id)["destination"].clone();
    assert!(destination.get("roles").is_none());
    assert_eq!(destination["tableDefinition"], json!({"engine": {"type": "ReplacingMergeTree"}, "sortingKey": ["id"]}));
}

#[test]
fn database_destination_reads_as_database_only() {
    let mut bench = SandboxBench::new();
    for body in [postgres_body(), mongodb_body(), bigquery_body()] {
        let id = bench.create_pipe(&body);
        assert_eq!(bench.read_pipe(&id)["destination"], json!({"database": "default"}));
    }
}

#[test]
fn validate_samples_is_accepted_and_never_returned() {
    let mut bench = SandboxBench::new();
    let mut body = kafka_body();
    body["source"]["validateSamples"] = json!(true);
    let created = ok_result(&bench.post_pipe(&body));
    assert!(created["source"].get("validateSamples").is_none());
}

#[test]
fn list_items_equal_the_get_body() {
    let mut bench = SandboxBench::without_quirks();
    let id = bench.create_pipe(&kafka_body());
    bench.wait_seconds(60);
    let read = bench.read_pipe(&id);
    assert_eq!(bench.get_result("/clickpipes"), json!([read]));
    assert_eq!(bench.world.list_pipes("analytics"), [read]);
}

#[test]
fn console_edit_shows_in_the_next_read() {
    let mut bench = SandboxBench::without_quirks();
    let id = bench.create_pipe(&postgres_body());
    bench.wait_seconds(5);
    let found = bench.world.edit_pipe("analytics", "orders-postgres", |pipe| {
        pipe["name"] = json!("renamed");
        pipe["source"]["postgres"]["tableMappings"] = json!([table_mapping("other")]);
        pipe["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(5);
    });
    assert!(found);
    let read = bench.read_pipe(&id);
    assert_eq!(read["name"], "renamed");
    assert_eq!(read["source"]["postgres"]["tableMappings"][0]["targetTable"], "t_other");
    assert_eq!(read["source"]["postgres"]["settings"]["syncIntervalSeconds"], 5);
    assert_eq!(read["updatedAt"], "2026-01-01T00:00:05.000000Z");
    assert!(!bench.world.edit_pipe("analytics", "unknown", |_| {}));
}

#[test]
fn world_can_be_serialized_and_restored() {
    let mut bench = SandboxBench::new();
    for body in all_source_bodies() {
        bench.create_pipe(&body);
    }
    bench.wait_seconds(33);
    let text = serde_json::to_string(&bench.world).unwrap();
    let mut again: World = serde_json::from_str(&text).unwrap();
    std::mem::swap(&mut bench.world, &mut again);
    let before = bench.get_result("/clickpipes");
    std::mem::swap(&mut bench.world, &mut again);
    assert_eq!(bench.get_result("/clickpipes"), before);
}

#[test]
fn restored_world_accepts_other_options() {
    let mut bench = SandboxBench::new();
    bench.create_pipe(&kafka_body());
    let mut kept = serde_json::to_value(&bench.world).unwrap();
    kept["options"] = json!({"strict_names": true});
    bench.world = serde_json::from_value(kept).unwrap();
    assert_eq!(*bench.world.options(), SandboxOptions { strict_names: true, ..SandboxOptions::default() });
    assert_eq!(bench.post_pipe(&kafka_body()).status, 400);
    bench.world.set_options(SandboxOptions::default());
    assert_eq!(bench.post_pipe(&kafka_body()).status, 200);
}

#[test]
fn same_requests_give_the_same_responses() {
    let run = || {
        let mut bench = SandboxBench::new();
        let mut answers: Vec<_> = all_source_bodies().iter().map(|body| bench.post_pipe(body).json_body()).collect();
        answers.push(bench.get_result("/clickpipes"));
        answers
    };
    assert_eq!(run(), run());
}

/// What the official provider compares as null: neither "", nor false, nor a default may come back.
#[test]
fn unset_fields_of_streams_files_and_endpoints_read_as_null_or_absent() {
    let mut bench = SandboxBench::without_quirks();
    for (body, arm, unset) in [
        (kafka_body(), "kafka", &["offset", "schemaRegistry", "iamRole", "caCertificate", "exactlyOnce"][..]),
        (
            s3_body(),
            "objectStorage",
            &["delimiter", "compression", "queueUrl", "skipInitialLoad", "startAfter", "iamRole"],
        ),
        (super::kinesis_body(), "kinesis", &["timestamp", "accessKey"]),
        (super::pubsub_body(), "pubsub", &["seekTimestamp", "filter", "enableOrdering", "ackDeadline"]),
    ] {
        let id = bench.create_pipe(&body);
        let live = bench.read_pipe(&id);
        for field in unset {
            assert_eq!(live["source"][arm][field], Value::Null, "{arm}.{field}");
        }
        for field in ["partitionBy", "primaryKey"] {
            assert_eq!(live["destination"]["tableDefinition"][field], Value::Null, "{arm}: {field}");
        }
        assert_eq!(live["settings"], json!({}), "{arm}: only what somebody set");
    }
}

/// The provider takes the settings that were left out from the answer, and the order of mappings for a difference.
#[test]
fn bigquery_and_mongodb_settings_are_filled_and_mappings_keep_their_order() {
    let mut bench = SandboxBench::new();
    let mut body = bigquery_body();
    let mapping = |table: &str| {
        let mut mapping = body["source"]["bigquery"]["tableMappings"][0].clone();
        mapping["sourceTable"] = json!(table);
        mapping["targetTable"] = json!(table);
        mapping
    };
    let mappings = json!([mapping("c"), mapping("a"), mapping("b")]);
    body["source"]["bigquery"]["tableMappings"] = mappings;
    let id = bench.create_pipe(&body);
    for _ in 0..8 {
        let live = bench.read_pipe(&id)["source"]["bigquery"].clone();
        let tables: Vec<&str> =
            live["tableMappings"].as_array().unwrap().iter().filter_map(|it| it["sourceTable"].as_str()).collect();
        assert_eq!(tables, ["c", "a", "b"]);
        assert_eq!(live["tableMappings"][0]["useCustomSortingKey"], false);
        assert_eq!(live["settings"]["initialLoadParallelism"], 4);
    }
    let id = bench.create_pipe(&mongodb_body());
    let settings = bench.read_pipe(&id)["source"]["mongodb"]["settings"].clone();
    for field in
        ["syncIntervalSeconds", "pullBatchSize", "snapshotNumRowsPerPartition", "snapshotNumberOfParallelTables"]
    {
        assert!(settings[field].is_u64(), "{field}: {settings}");
    }
}
