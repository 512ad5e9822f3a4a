use serde_json::{Value, json};

use super::{Bench, bigquery, every_source, kafka, mapping, mongodb, mysql, ok, postgres, s3};
use crate::{Options, World};

#[test]
fn no_secret_is_echoed_kept_or_noted() {
    let mut bench = Bench::new();
    for body in every_source() {
        let response = bench.post(&body);
        assert!(body.to_string().contains("canary"));
        let answer = String::from_utf8(response.body).unwrap();
        assert!(!answer.contains("canary"), "{answer}");
    }
    let mut registry = kafka();
    registry["source"]["kafka"]["schemaRegistry"] = json!({
        "url": "https://registry.example.com",
        "authentication": "PLAIN",
        "credentials": {"username": "user", "password": "canary"},
    });
    let created = ok(&bench.post(&registry));
    assert_eq!(created["source"]["kafka"]["schemaRegistry"]["url"], "https://registry.example.com");
    bench.post(&json!({"source": {"kafka": {"credentials": {"password": {"fromEnv": "canary"}}}}}));
    let world = serde_json::to_string(&bench.world).unwrap();
    assert!(!world.contains("canary"));
}

#[test]
fn journal_has_every_request_with_its_answer() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    bench.wait(5);
    bench.post(&json!({}));
    let journal = bench.world.journal();
    assert_eq!(journal.len(), 2);
    assert_eq!((journal[0].method.as_str(), journal[0].status), ("POST", 200));
    assert_eq!(journal[0].body["source"]["kafka"]["credentials"]["password"], "***");
    assert_eq!(journal[0].body["source"]["kafka"]["topics"], "orders");
    assert_eq!(journal[1].at.to_string(), "2026-01-01T00:00:05.000000Z");
    assert!(journal[1].error.as_ref().unwrap().contains("name"));
    let served = bench.ask_path("GET", "/_sandbox/journal", &Value::Null).json_body();
    assert_eq!(served[0]["requestId"], journal_id(&bench.world, 0));
    assert_eq!(bench.world.journal().len(), 2, "the journal does not note who reads it");
    assert!(bench.read(&id).is_object());
}

fn journal_id(world: &World, index: usize) -> String {
    world.journal()[index].request_id.clone()
}

#[test]
fn kafka_reads_with_nulls_and_a_consumer_group() {
    let mut bench = Bench::plain();
    let id = bench.create(&kafka());
    let source = &bench.read(&id)["source"];
    assert_eq!(source["kafka"]["consumerGroup"], format!("clickpipes-{id}"));
    for name in ["iamRole", "offset", "schemaRegistry", "caCertificate", "exactlyOnce"] {
        assert_eq!(source["kafka"].get(name), Some(&Value::Null), "{name}");
    }
    assert!(source["kafka"].get("credentials").is_none());
    assert_eq!(source.get("postgres"), Some(&Value::Null));
}

#[test]
fn database_settings_are_filled_on_read() {
    let mut bench = Bench::plain();
    let id = bench.create(&postgres());
    let source = bench.read(&id)["source"]["postgres"].clone();
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
fn mysql_server_id_is_assigned_and_stays() {
    let mut bench = Bench::plain();
    let id = bench.create(&mysql());
    let source = bench.read(&id)["source"]["mysql"].clone();
    assert!(source["serverId"].as_u64().is_some_and(|id| (1..=4_294_967_295).contains(&id)));
    assert_eq!(source["settings"]["replicationMechanism"], "GTID");
    bench.wait(60);
    assert_eq!(bench.read(&id)["source"]["mysql"], source);
}

#[test]
fn azure_reads_without_its_location_and_authentication() {
    let mut bench = Bench::plain();
    let mut body = s3();
    body["source"]["objectStorage"] = json!({
        "type": "azureblobstorage",
        "format": "CSV",
        "azureContainerName": "box",
        "path": "x/*.csv",
        "authentication": "CONNECTION_STRING",
        "connectionString": "canary",
    });
    let id = bench.create(&body);
    let source = bench.read(&id)["source"]["objectStorage"].clone();
    for name in ["azureContainerName", "path", "authentication", "connectionString"] {
        assert!(source.get(name).is_none(), "{name}");
    }
    let id = bench.create(&s3());
    assert_eq!(bench.read(&id)["source"]["objectStorage"]["authentication"], "IAM_USER");
}

#[test]
fn destination_reads_without_roles_and_engine_details() {
    let mut bench = Bench::plain();
    let mut body = kafka();
    body["destination"]["roles"] = json!(["writer"]);
    body["destination"]["tableDefinition"] = json!({
        "engine": {"type": "ReplacingMergeTree", "versionColumnId": "id"},
        "sortingKey": ["id"],
    });
    let id = bench.create(&body);
    let destination = bench.read(&id)["destination"].clone();
    assert!(destination.get("roles").is_none());
    assert_eq!(
        destination["tableDefinition"],
        json!({"engine": {"type": "ReplacingMergeTree"}, "sortingKey": ["id"]})
    );
}

#[test]
fn database_destination_reads_as_database_only() {
    let mut bench = Bench::new();
    for body in [postgres(), mongodb(), bigquery()] {
        let id = bench.create(&body);
        assert_eq!(bench.read(&id)["destination"], json!({"database": "default"}));
    }
}

#[test]
fn validate_samples_is_accepted_and_never_echoed() {
    let mut bench = Bench::new();
    let mut body = kafka();
    body["source"]["validateSamples"] = json!(true);
    let created = ok(&bench.post(&body));
    assert!(created["source"].get("validateSamples").is_none());
}

#[test]
fn list_item_is_the_get_body() {
    let mut bench = Bench::plain();
    let id = bench.create(&kafka());
    bench.wait(60);
    let read = bench.read(&id);
    assert_eq!(bench.get("/clickpipes"), json!([read]));
    assert_eq!(bench.world.pipes("analytics"), [read]);
}

#[test]
fn edit_at_the_console_shows_in_the_next_read() {
    let mut bench = Bench::plain();
    let id = bench.create(&postgres());
    bench.wait(5);
    let found = bench.world.edit_pipe("analytics", "orders-postgres", |pipe| {
        pipe["name"] = json!("renamed");
        pipe["source"]["postgres"]["tableMappings"] = json!([mapping("other")]);
        pipe["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(5);
    });
    assert!(found);
    let read = bench.read(&id);
    assert_eq!(read["name"], "renamed");
    assert_eq!(read["source"]["postgres"]["tableMappings"][0]["targetTable"], "t_other");
    assert_eq!(read["source"]["postgres"]["settings"]["syncIntervalSeconds"], 5);
    assert_eq!(read["updatedAt"], "2026-01-01T00:00:05.000000Z");
    assert!(!bench.world.edit_pipe("analytics", "unknown", |_| {}));
}

#[test]
fn world_survives_being_written_down() {
    let mut bench = Bench::new();
    for body in every_source() {
        bench.create(&body);
    }
    bench.wait(33);
    let text = serde_json::to_string(&bench.world).unwrap();
    let mut again: World = serde_json::from_str(&text).unwrap();
    std::mem::swap(&mut bench.world, &mut again);
    let before = bench.get("/clickpipes");
    std::mem::swap(&mut bench.world, &mut again);
    assert_eq!(bench.get("/clickpipes"), before);
}

#[test]
fn kept_world_can_be_given_other_options() {
    let mut bench = Bench::new();
    bench.create(&kafka());
    let mut kept = serde_json::to_value(&bench.world).unwrap();
    kept["options"] = json!({"strict_names": true});
    bench.world = serde_json::from_value(kept).unwrap();
    assert_eq!(*bench.world.options(), Options { strict_names: true, ..Options::default() });
    assert_eq!(bench.post(&kafka()).status, 400);
    bench.world.set_options(Options::default());
    assert_eq!(bench.post(&kafka()).status, 200);
}

#[test]
fn same_requests_give_the_same_answers() {
    let run = || {
        let mut bench = Bench::new();
        let mut answers: Vec<_> =
            every_source().iter().map(|body| bench.post(body).json_body()).collect();
        answers.push(bench.get("/clickpipes"));
        answers
    };
    assert_eq!(run(), run());
}
