use super::{
    SandboxBench, all_source_bodies, assert_refused, kafka_body, mongodb_body, ok_result, postgres_body, s3_body,
    table_mapping,
};
use crate::{LeftoverTables, NullInPatch, SandboxOptions, UnknownFields};
use serde_json::{Value, json};

#[test]
fn every_source_is_created_listed_and_read() {
    let mut bench = SandboxBench::without_quirks();
    for body in all_source_bodies() {
        let created = ok_result(&bench.post_pipe(&body));
        let id = created["id"].as_str().unwrap();
        assert_eq!(created["state"], "Provisioning", "{created}");
        assert_eq!(created["name"], body["name"]);
        assert_eq!(bench.read_pipe(id), created);
    }
    assert_eq!(bench.get_result("/clickpipes").as_array().unwrap().len(), 8);
}

#[test]
fn zero_or_two_sources_are_400() {
    let mut bench = SandboxBench::new();
    let mut none = kafka_body();
    none["source"] = json!({"kafka": null});
    assert_refused(&bench.post_pipe(&none), 400, "none is given");
    let mut two = kafka_body();
    two["source"]["kinesis"] = json!({});
    assert_refused(&bench.post_pipe(&two), 400, "several are given");
}

#[test]
fn unused_sources_may_be_null() {
    let mut body = kafka_body();
    body["source"]["postgres"] = Value::Null;
    ok_result(&SandboxBench::new().post_pipe(&body));
}

#[test]
fn duplicate_name_is_allowed_unless_strict() {
    let mut bench = SandboxBench::new();
    bench.create_pipe(&kafka_body());
    bench.create_pipe(&kafka_body());
    let options = SandboxOptions { strict_names: true, rate_limit: None, ..SandboxOptions::default() };
    let mut strict = SandboxBench::with_options(options);
    strict.create_pipe(&kafka_body());
    assert_refused(&strict.post_pipe(&kafka_body()), 400, "name");
}

#[test]
fn missing_database_defaults_unless_strict() {
    let mut body = kafka_body();
    body["destination"].as_object_mut().unwrap().remove("database");
    let created = ok_result(&SandboxBench::new().post_pipe(&body));
    assert_eq!(created["destination"]["database"], "default");
    let options = SandboxOptions { strict_database: true, ..SandboxOptions::default() };
    assert_refused(&SandboxBench::with_options(options).post_pipe(&body), 400, "destination.database");
}

#[test]
fn unreachable_source_is_400_with_a_known_phrase() {
    let mut bench = SandboxBench::new();
    let mut body = kafka_body();
    body["source"]["kafka"]["brokers"] = json!("a.example:9092,b.invalid:9092");
    assert_refused(&bench.post_pipe(&body), 400, "no such host");
    let mut body = postgres_body();
    body["source"]["postgres"]["host"] = json!("pg.invalid");
    assert_refused(&bench.post_pipe(&body), 400, "dial tcp");
    let mut body = mongodb_body();
    body["source"]["mongodb"]["uri"] = json!("mongodb://u:p@mongo.invalid/db");
    assert_refused(&bench.post_pipe(&body), 400, "no such host");
    let mut body = s3_body();
    body["source"]["objectStorage"]["url"] = json!("https://no-such-bucket.s3.amazonaws.com/x");
    assert_refused(&bench.post_pipe(&body), 400, "failed to access");
    assert_eq!(bench.get_result("/clickpipes"), json!([]));
}

#[test]
fn unknown_field_is_refused_or_kept() {
    for (parent, path) in [("", "madeUp"), ("/source/kafka", "source.kafka.madeUp"), ("/settings", "settings.madeUp")] {
        let mut body = kafka_body();
        body["settings"] = json!({"streaming_max_insert_wait_ms": 500});
        body.pointer_mut(parent).unwrap()["madeUp"] = json!(5);
        let refused = SandboxBench::new().post_pipe(&body);
        assert_refused(&refused, 400, &format!("{path}: unknown field"));
        let options = SandboxOptions { unknown_fields: UnknownFields::Accept, ..SandboxOptions::default() };
        let mut bench = SandboxBench::with_options(options);
        let created = ok_result(&bench.post_pipe(&body));
        assert_eq!(created.pointer(parent).unwrap()["madeUp"], 5, "{path}");
        assert_eq!(bench.get_result("/clickpipes")[0].pointer(parent).unwrap()["madeUp"], 5, "{path}");
    }
}

#[test]
fn unknown_word_and_unknown_part_of_a_login_are_refused_or_kept() {
    let mut body = kafka_body();
    body["source"]["kafka"]["authentication"] = json!("OAUTH");
    body["source"]["kafka"]["credentials"]["token"] = json!("s3cr3t");
    let refused = SandboxBench::new().post_pipe(&body);
    assert_refused(&refused, 400, "source.kafka.authentication: must be one of");
    assert_refused(&refused, 400, "source.kafka.credentials.token: unknown field");
    let options = SandboxOptions { unknown_fields: UnknownFields::Accept, ..SandboxOptions::default() };
    let mut bench = SandboxBench::with_options(options);
    let created = ok_result(&bench.post_pipe(&body));
    assert_eq!(created["source"]["kafka"]["authentication"], "OAUTH");
    assert!(!created.to_string().contains("s3cr3t"), "{created}");
}

#[test]
fn patch_of_an_unknown_field_is_kept() {
    let options = SandboxOptions { unknown_fields: UnknownFields::Accept, ..SandboxOptions::default() };
    let mut bench = SandboxBench::with_options(options);
    let mut body = kafka_body();
    body["scaling"] = json!({"replicas": 1, "tier": "small"});
    let id = bench.create_pipe(&body);
    assert_eq!(bench.read_pipe(&id)["scaling"]["tier"], "small");
    bench.patch_pipe(&id, &json!({"madeUp": 5, "id": "another"}));
    bench.send_request("PATCH", &format!("/clickpipes/{id}/scaling"), &json!({"zone": {"spread": 2}}));
    let pipe = bench.read_pipe(&id);
    assert_eq!((&pipe["madeUp"], &pipe["id"]), (&json!(5), &json!(id)));
    let scaling = json!({"replicas": 1, "replicaCpuMillicores": 125, "replicaMemoryGb": 0.5, "tier": "small", "zone": {"spread": 2}});
    assert_eq!(pipe["scaling"], scaling);
}

#[test]
fn newer_fields_are_unknown_without_the_switch() {
    let older = SandboxOptions { newer_fields: false, ..SandboxOptions::default() };
    let mut bench = SandboxBench::with_options(older);
    let mut paused = kafka_body();
    paused["startPaused"] = json!(true);
    assert_refused(&bench.post_pipe(&paused), 400, "startPaused: unknown field");
    let mut expiring = kafka_body();
    expiring["destination"]["tableDefinition"]["ttl"] = json!("d + INTERVAL 1 DAY");
    assert_refused(&bench.post_pipe(&expiring), 400, "destination.tableDefinition.ttl: unknown field");
    let mut bench = SandboxBench::new();
    assert_eq!(ok_result(&bench.post_pipe(&expiring))["destination"]["tableDefinition"]["ttl"], "d + INTERVAL 1 DAY");
    let mut workload = super::pubsub_body();
    workload["source"]["pubsub"]["authentication"] = json!("SERVICE_ACCOUNT_WORKLOAD_IDENTITY");
    workload["source"]["pubsub"].as_object_mut().unwrap().remove("serviceAccountKey");
    let live = ok_result(&bench.post_pipe(&workload));
    assert_eq!(live["source"]["pubsub"]["authentication"], "SERVICE_ACCOUNT_WORKLOAD_IDENTITY");
    let older = SandboxOptions { newer_fields: false, ..SandboxOptions::default() };
    let mut bench = SandboxBench::with_options(older);
    assert_refused(&bench.post_pipe(&workload), 400, "must be one of SERVICE_ACCOUNT");
}

#[test]
fn pipectl_specific_values_are_rejected() {
    let lenient = SandboxOptions {
        unknown_fields: UnknownFields::Accept,
        null_in_patch: NullInPatch::Clears,
        rate_limit: None,
        ..SandboxOptions::default()
    };
    for options in [SandboxOptions { rate_limit: None, ..SandboxOptions::default() }, lenient] {
        let mut bench = SandboxBench::with_options(options);
        let mut version = kafka_body();
        version["source"]["kafka"]["credentials"]["version"] = json!(3);
        assert_refused(&bench.post_pipe(&version), 400, "credentials.version: unknown field");
        let mut reference = kafka_body();
        reference["source"]["kafka"]["credentials"]["password"] = json!({"fromEnv": "X"});
        assert_refused(&bench.post_pipe(&reference), 400, "credentials.password: must be a string");
        let mut endpoint = kafka_body();
        endpoint["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "x"}]);
        assert_refused(&bench.post_pipe(&endpoint), 400, "reversePrivateEndpointIds[0]: must be a string");
        let mut host = postgres_body();
        host["source"]["postgres"]["host"] = json!({"endpoint": "x"});
        assert_refused(&bench.post_pipe(&host), 400, "source.postgres.host: must be a string");
    }
}

#[test]
fn types_enums_ranges_and_required_fields_are_checked() {
    let cases: [(&str, &str, Value, &str); 10] = [
        ("kafka", "format", json!("XML"), "must be one of JSONEachRow"),
        ("kafka", "brokers", json!(["a:1"]), "must be a string"),
        ("kafka", "topics", json!(""), "topics: '' is empty"),
        ("kafka", "exactlyOnce", json!("yes"), "must be a boolean"),
        ("kafka", "offset", json!("from_latest"), "must be an object"),
        ("kafka", "reversePrivateEndpointIds", json!(["x"]), "must be a UUID"),
        ("postgres", "port", json!(0), "Not between 1 and 65535"),
        ("postgres", "port", json!("5432"), "must be an integer"),
        ("postgres", "tableMappings", json!([]), "tableMappings array length < minLength"),
        ("postgres", "tlsHost", Value::Null, "must be a string"),
    ];
    let mut bench = SandboxBench::new();
    for (arm, field, value, text) in cases {
        let mut body = if arm == "kafka" { kafka_body() } else { postgres_body() };
        body["source"][arm][field] = value;
        assert_refused(&bench.post_pipe(&body), 400, text);
    }
    for body in all_source_bodies() {
        let (arm, source) = body["source"].as_object().unwrap().iter().next().unwrap();
        let format = if source.get("format").is_some() { "format" } else { "tableMappings" };
        let mut body = body.clone();
        body["source"][arm].as_object_mut().unwrap().remove(format);
        assert_refused(&bench.post_pipe(&body), 400, &format!("source.{arm}.{format}: 'undefined'"));
    }
}

#[test]
fn zero_in_a_numeric_setting_is_400() {
    let mut body = postgres_body();
    body["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(0);
    assert_refused(&SandboxBench::new().post_pipe(&body), 400, "Value must be >= 1");
}

#[test]
fn name_has_1_to_255_characters() {
    let mut bench = SandboxBench::new();
    for name in [String::new(), "x".repeat(256)] {
        let mut body = kafka_body();
        body["name"] = json!(name);
        assert_refused(&bench.post_pipe(&body), 400, "name");
    }
    let mut body = kafka_body();
    body["name"] = json!("ü".repeat(255));
    bench.create_pipe(&body);
}

#[test]
fn roles_without_grants_are_400_and_create_no_pipe() {
    let mut bench = SandboxBench::new();
    let mut body = kafka_body();
    body["destination"]["roles"] = json!(["no_grants"]);
    assert_refused(&bench.post_pipe(&body), 400, "Not enough privileges");
    assert_eq!(bench.get_result("/clickpipes"), json!([]));
}

#[test]
fn tables_of_deleted_database_pipe_block_a_new_one() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&postgres_body());
    bench.wait_seconds(300);
    bench.send_request("DELETE", &format!("/clickpipes/{id}"), &Value::Null);
    bench.wait_seconds(10);
    assert_refused(&bench.post_pipe(&postgres_body()), 400, "exists and is not empty");
    bench.world.drop_tables("analytics");
    bench.create_pipe(&postgres_body());
}

/// One switch for every source, and for a mapping that is added.
#[test]
fn filled_tables_are_refused_to_every_source_with_the_switch() {
    for (leftover_tables, is_refused) in
        [(LeftoverTables::RefusedToAll, true), (LeftoverTables::RefusedToDatabasePipes, false)]
    {
        let options = SandboxOptions { leftover_tables, rate_limit: None, ..SandboxOptions::default() };
        let mut bench = SandboxBench::with_options(options);
        for body in [kafka_body(), s3_body()] {
            let id = bench.create_pipe(&body);
            bench.wait_seconds(300);
            bench.send_request("DELETE", &format!("/clickpipes/{id}"), &Value::Null);
            bench.wait_seconds(10);
            assert_eq!(bench.post_pipe(&body).status == 400, is_refused, "{leftover_tables:?}");
            bench.world.drop_tables("analytics");
        }
        let mut body = postgres_body();
        body["source"]["postgres"]["tableMappings"] = json!([table_mapping("users"), table_mapping("orders")]);
        let id = bench.create_pipe(&body);
        bench.wait_seconds(300);
        let edit = |bench: &mut SandboxBench, list: &str| {
            bench.send_command(&id, "stop");
            bench.wait_seconds(60);
            let answer = bench.patch_pipe(&id, &json!({"source": {"postgres": {list: [table_mapping("orders")]}}}));
            bench.wait_seconds(60);
            answer.status
        };
        assert_eq!(edit(&mut bench, "tableMappingsToRemove"), 200);
        assert_eq!(edit(&mut bench, "tableMappingsToAdd") == 400, is_refused, "{leftover_tables:?}");
        bench.world.drop_tables("analytics");
        assert_eq!(edit(&mut bench, "tableMappingsToAdd") == 200, is_refused, "{leftover_tables:?}");
    }
}

/// Its table need not be empty: the check belongs to the first copy.
#[test]
fn cdc_only_pipe_starts_on_filled_tables() {
    let mut bench = SandboxBench::new();
    let mut body = postgres_body();
    body["source"]["postgres"]["settings"]["replicationMode"] = json!("cdc_only");
    let id = bench.create_pipe(&body);
    bench.wait_seconds(300);
    bench.send_request("DELETE", &format!("/clickpipes/{id}"), &Value::Null);
    bench.wait_seconds(10);
    bench.create_pipe(&body);
}

#[test]
fn paused_pipe_does_not_recreate_dropped_tables() {
    for paused in [true, false] {
        let mut bench = SandboxBench::new();
        let id = bench.create_pipe(&postgres_body());
        bench.wait_seconds(300);
        if paused {
            let path = format!("/clickpipes/{id}/state");
            bench.send_request("PATCH", &path, &json!({"command": "stop"}));
            bench.wait_seconds(60);
        }
        bench.world.drop_tables("analytics");
        bench.send_request("DELETE", &format!("/clickpipes/{id}"), &Value::Null);
        bench.wait_seconds(10);
        assert_eq!(bench.post_pipe(&postgres_body()).status == 200, paused);
    }
}
