use super::{Bench, every_source, kafka, mongodb, ok, postgres, refused, s3};
use crate::{NullInPatch, Options, UnknownFields};
use serde_json::{Value, json};

#[test]
fn every_source_is_created_listed_and_read() {
    let mut bench = Bench::plain();
    for body in every_source() {
        let created = ok(&bench.post(&body));
        let id = created["id"].as_str().unwrap();
        assert_eq!(created["state"], "Provisioning", "{created}");
        assert_eq!(created["name"], body["name"]);
        assert_eq!(bench.read(id), created);
    }
    assert_eq!(bench.get("/clickpipes").as_array().unwrap().len(), 8);
}

#[test]
fn zero_or_two_source_arms_are_400() {
    let mut bench = Bench::new();
    let mut none = kafka();
    none["source"] = json!({"kafka": null});
    refused(&bench.post(&none), 400, "none is given");
    let mut two = kafka();
    two["source"]["kinesis"] = json!({});
    refused(&bench.post(&two), 400, "several are given");
}

#[test]
fn unused_arms_may_be_null() {
    let mut body = kafka();
    body["source"]["postgres"] = Value::Null;
    ok(&Bench::new().post(&body));
}

#[test]
fn duplicate_name_is_allowed_unless_strict() {
    let mut bench = Bench::new();
    bench.create(&kafka());
    bench.create(&kafka());
    let options = Options { strict_names: true, rate_limit: None, ..Options::default() };
    let mut strict = Bench::with(options);
    strict.create(&kafka());
    refused(&strict.post(&kafka()), 400, "name");
}

#[test]
fn database_defaults_unless_strict() {
    let mut body = kafka();
    body["destination"].as_object_mut().unwrap().remove("database");
    let created = ok(&Bench::new().post(&body));
    assert_eq!(created["destination"]["database"], "default");
    let options = Options { strict_database: true, ..Options::default() };
    refused(&Bench::with(options).post(&body), 400, "destination.database");
}

#[test]
fn unreachable_source_is_400_with_a_known_phrase() {
    let mut bench = Bench::new();
    let mut body = kafka();
    body["source"]["kafka"]["brokers"] = json!("a.example:9092,b.invalid:9092");
    refused(&bench.post(&body), 400, "no such host");
    let mut body = postgres();
    body["source"]["postgres"]["host"] = json!("pg.invalid");
    refused(&bench.post(&body), 400, "dial tcp");
    let mut body = mongodb();
    body["source"]["mongodb"]["uri"] = json!("mongodb://u:p@mongo.invalid/db");
    refused(&bench.post(&body), 400, "no such host");
    let mut body = s3();
    body["source"]["objectStorage"]["url"] = json!("https://no-such-bucket.s3.amazonaws.com/x");
    refused(&bench.post(&body), 400, "failed to access");
    assert_eq!(bench.get("/clickpipes"), json!([]));
}

#[test]
fn unknown_field_is_refused_or_kept() {
    let mut body = kafka();
    body["source"]["kafka"]["protobufSchema"] = json!("abc");
    refused(&Bench::new().post(&body), 400, "source.kafka.protobufSchema: unknown field");
    let options = Options { unknown_fields: UnknownFields::Accept, ..Options::default() };
    let created = ok(&Bench::with(options).post(&body));
    assert_eq!(created["source"]["kafka"]["protobufSchema"], "abc");
}

#[test]
fn newer_fields_are_not_known_by_default() {
    let mut bench = Bench::new();
    let mut paused = kafka();
    paused["startPaused"] = json!(true);
    refused(&bench.post(&paused), 400, "startPaused: unknown field");
    let mut workload = super::pubsub();
    workload["source"]["pubsub"]["authentication"] = json!("SERVICE_ACCOUNT_WORKLOAD_IDENTITY");
    refused(&bench.post(&workload), 400, "must be one of SERVICE_ACCOUNT");
}

#[test]
fn notions_of_a_client_are_never_accepted() {
    let lenient = Options {
        unknown_fields: UnknownFields::Accept,
        null_in_patch: NullInPatch::Clears,
        rate_limit: None,
        ..Options::default()
    };
    for options in [Options { rate_limit: None, ..Options::default() }, lenient] {
        let mut bench = Bench::with(options);
        let mut version = kafka();
        version["source"]["kafka"]["credentials"]["version"] = json!(3);
        refused(&bench.post(&version), 400, "credentials.version: unknown field");
        let mut reference = kafka();
        reference["source"]["kafka"]["credentials"]["password"] = json!({"fromEnv": "X"});
        refused(&bench.post(&reference), 400, "credentials.password: must be a string");
        let mut endpoint = kafka();
        endpoint["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "x"}]);
        refused(&bench.post(&endpoint), 400, "reversePrivateEndpointIds[0]: must be a string");
        let mut host = postgres();
        host["source"]["postgres"]["host"] = json!({"endpoint": "x"});
        refused(&bench.post(&host), 400, "source.postgres.host: must be a string");
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
    let mut bench = Bench::new();
    for (arm, field, value, text) in cases {
        let mut body = if arm == "kafka" { kafka() } else { postgres() };
        body["source"][arm][field] = value;
        refused(&bench.post(&body), 400, text);
    }
    for body in every_source() {
        let (arm, source) = body["source"].as_object().unwrap().iter().next().unwrap();
        let format = if source.get("format").is_some() { "format" } else { "tableMappings" };
        let mut body = body.clone();
        body["source"][arm].as_object_mut().unwrap().remove(format);
        refused(&bench.post(&body), 400, &format!("source.{arm}.{format}: 'undefined'"));
    }
}

#[test]
fn zero_in_a_numeric_setting_is_400() {
    let mut body = postgres();
    body["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(0);
    refused(&Bench::new().post(&body), 400, "Value must be >= 1");
}

#[test]
fn name_has_1_to_255_characters() {
    let mut bench = Bench::new();
    for name in [String::new(), "x".repeat(256)] {
        let mut body = kafka();
        body["name"] = json!(name);
        refused(&bench.post(&body), 400, "name");
    }
    let mut body = kafka();
    body["name"] = json!("ü".repeat(255));
    bench.create(&body);
}

#[test]
fn roles_without_grants_are_400_and_no_pipe() {
    let mut bench = Bench::new();
    let mut body = kafka();
    body["destination"]["roles"] = json!(["no_grants"]);
    refused(&bench.post(&body), 400, "Not enough privileges");
    assert_eq!(bench.get("/clickpipes"), json!([]));
}

#[test]
fn tables_left_by_a_deleted_database_pipe_are_in_the_way() {
    let mut bench = Bench::new();
    let id = bench.create(&postgres());
    bench.wait(300);
    bench.ask("DELETE", &format!("/clickpipes/{id}"), &Value::Null);
    bench.wait(10);
    refused(&bench.post(&postgres()), 400, "exists and is not empty");
    bench.world.drop_tables("analytics");
    bench.create(&postgres());
}

#[test]
fn a_paused_pipe_leaves_no_table_that_was_dropped_before() {
    for paused in [true, false] {
        let mut bench = Bench::new();
        let id = bench.create(&postgres());
        bench.wait(300);
        if paused {
            let path = format!("/clickpipes/{id}/state");
            bench.ask("PATCH", &path, &json!({"command": "stop"}));
            bench.wait(60);
        }
        bench.world.drop_tables("analytics");
        bench.ask("DELETE", &format!("/clickpipes/{id}"), &Value::Null);
        bench.wait(10);
        assert_eq!(bench.post(&postgres()).status == 200, paused);
    }
}
