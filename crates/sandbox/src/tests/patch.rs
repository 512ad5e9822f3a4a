mod mappings;

use serde_json::{Value, json};

use super::{
    SandboxBench, assert_refused, bigquery_body, kafka_body, kinesis_body, mongodb_body, mysql_body, ok_result,
    postgres_body, pubsub_body, s3_body, table_mapping,
};
use crate::{EmulatedPipeState, NullInPatch, Quirk, Quirks, SandboxOptions};

fn create_paused(bench: &mut SandboxBench, body: &Value) -> String {
    let id = bench.create_pipe(body);
    bench.wait_seconds(300);
    ok_result(&bench.send_command(&id, "stop"));
    bench.wait_seconds(10);
    assert_eq!(bench.pipe_state(&id), "Paused");
    id
}

fn add_mapping(table: &str) -> Value {
    json!({"source": {"postgres": {"tableMappingsToAdd": [table_mapping(table)]}}})
}

#[test]
fn empty_patch_is_200_and_changes_nothing() {
    let mut bench = SandboxBench::without_quirks();
    let id = bench.create_pipe(&kafka_body());
    bench.wait_seconds(100);
    let before = bench.read_pipe(&id);
    assert_eq!(ok_result(&bench.patch_pipe(&id, &json!({}))), before);
    assert_eq!(bench.read_pipe(&id)["updatedAt"], before["updatedAt"]);
}

#[test]
fn rename_works_on_a_completed_pipe() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&s3_body());
    bench.wait_seconds(100);
    assert_eq!(bench.pipe_state(&id), "Completed");
    let renamed = ok_result(&bench.patch_pipe(&id, &json!({"name": "new"})));
    assert_eq!(renamed["name"], "new");
    assert_ne!(renamed["updatedAt"], renamed["createdAt"]);
}

#[test]
fn connection_edit_needs_a_pause_with_the_quirk() {
    let connection = json!({"source": {"postgres": {
        "port": 5433, "credentials": {"username": "u", "password": "p"}}}});
    for (quirks, status) in
        [(Quirks::all_observed(), 200), (Quirks::all_observed().with_quirk(Quirk::EditsNeedPause), 400)]
    {
        let mut bench = SandboxBench::with_options(SandboxOptions { quirks, ..SandboxOptions::default() });
        let id = bench.create_pipe(&postgres_body());
        bench.wait_seconds(300);
        assert_eq!(bench.patch_pipe(&id, &connection).status, status);
        ok_result(&bench.patch_pipe(&id, &json!({"name": "another"})));
    }
}

#[test]
fn sync_settings_need_a_pause_with_the_quirk() {
    let body = json!({"source": {"postgres": {"settings": {"syncIntervalSeconds": 30}}}});
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&postgres_body());
    assert_refused(&bench.patch_pipe(&id, &body), 400, "must be paused to edit");
    let mut bench = SandboxBench::without_quirks();
    let id = bench.create_pipe(&postgres_body());
    let edited = ok_result(&bench.patch_pipe(&id, &body));
    let settings = &edited["source"]["postgres"]["settings"];
    assert_eq!(settings["syncIntervalSeconds"], 30);
    assert_eq!(settings["replicationMode"], "cdc");
}

#[test]
fn credentials_edit_resumes_a_paused_pipe() {
    let mut bench = SandboxBench::new();
    let id = create_paused(&mut bench, &postgres_body());
    let credentials = json!({"username": "user", "password": "rotated"});
    ok_result(&bench.patch_pipe(&id, &json!({"source": {"postgres": {"credentials": credentials}}})));
    assert_eq!(bench.states_at(&id, &[1, 2]), ["Paused", "Running"]);
}

#[test]
fn stop_after_an_edit_cancels_the_resumption() {
    let mut bench = SandboxBench::new();
    let id = create_paused(&mut bench, &postgres_body());
    ok_result(&bench.patch_pipe(&id, &add_mapping("new")));
    ok_result(&bench.send_command(&id, "stop"));
    assert_eq!(bench.states_at(&id, &[0, 5, 60]), ["Paused", "Paused", "Paused"]);
}

#[test]
fn rename_does_not_resume_a_paused_pipe() {
    let mut bench = SandboxBench::new();
    let id = create_paused(&mut bench, &postgres_body());
    ok_result(&bench.patch_pipe(&id, &json!({"name": "new"})));
    assert_eq!(bench.states_at(&id, &[60]), ["Paused"]);
}

#[test]
fn connection_field_without_credentials_is_400() {
    let mut bench = SandboxBench::new();
    let text = "failed permissions validation";
    let id = bench.create_pipe(&postgres_body());
    for field in [json!({"host": "other"}), json!({"port": 1}), json!({"disableTls": true})] {
        assert_refused(&bench.patch_pipe(&id, &json!({"source": {"postgres": field}})), 400, text);
    }
    let id = bench.create_pipe(&mongodb_body());
    let body = json!({"source": {"mongodb": {"uri": "mongodb://other"}}});
    assert_refused(&bench.patch_pipe(&id, &body), 400, text);
    let body = json!({"source": {"mongodb": {"readPreference": "nearest"}}});
    assert_eq!(ok_result(&bench.patch_pipe(&id, &body))["source"]["mongodb"]["readPreference"], "nearest");
}

#[test]
fn connection_field_with_credentials_is_applied() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&postgres_body());
    let credentials = json!({"username": "user", "password": "canary"});
    let body = json!({"source": {"postgres": {"host": "other", "credentials": credentials}}});
    assert_eq!(ok_result(&bench.patch_pipe(&id, &body))["source"]["postgres"]["host"], "other");
    let body = json!({"source": {"postgres": {"host": "x.invalid", "credentials": credentials}}});
    assert_refused(&bench.patch_pipe(&id, &body), 400, "no such host");
    assert_eq!(bench.read_pipe(&id)["source"]["postgres"]["host"], "other");
}

#[test]
fn incomplete_credentials_are_400() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&postgres_body());
    let with = |credentials: Value| json!({"source": {"postgres": {"credentials": credentials}}});
    let nameless = bench.patch_pipe(&id, &with(json!({"password": "canary"})));
    assert_refused(&nameless, 400, "credentials.username: 'undefined'");
    let open = bench.patch_pipe(&id, &with(json!({"username": "user"})));
    assert_refused(&open, 400, "password is required for basic authentication");
}

#[test]
fn postgres_cannot_switch_to_iam_role() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&postgres_body());
    let body = json!({"source": {"postgres": {
        "authentication": "IAM_ROLE", "iamRole": "arn:x", "credentials": {"username": "user"},
    }}});
    assert_refused(&bench.patch_pipe(&id, &body), 400, "password is required for basic authentication");
}

#[test]
fn mysql_can_switch_to_iam_role() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&mysql_body());
    let body = json!({"source": {"mysql": {
        "authentication": "IAM_ROLE", "iamRole": "arn:x", "credentials": {"username": "user"},
    }}});
    let moved = ok_result(&bench.patch_pipe(&id, &body));
    assert_eq!(moved["source"]["mysql"]["authentication"], "IAM_ROLE");
    assert_eq!(moved["source"]["mysql"]["iamRole"], "arn:x");
}

#[test]
fn immutable_fields_are_ignored() {
    let mut bench = SandboxBench::without_quirks();
    let id = bench.create_pipe(&kafka_body());
    let before = bench.read_pipe(&id);
    let body = json!({"source": {"kafka": {"topics": "other", "format": "Avro"}}, "scaling": {}});
    assert_eq!(ok_result(&bench.patch_pipe(&id, &body)), before);
    let id = bench.create_pipe(&kinesis_body());
    let before = bench.read_pipe(&id);
    let body = json!({"source": {"kinesis": {"streamName": "other"}}});
    assert_eq!(ok_result(&bench.patch_pipe(&id, &body)), before);
}

#[test]
fn create_only_fields_are_400_for_pubsub_and_where_asked_for() {
    let mut bench = SandboxBench::without_quirks();
    let id = bench.create_pipe(&pubsub_body());
    let format = bench.read_pipe(&id)["source"]["pubsub"]["format"].clone();
    let body = json!({"source": {"pubsub": {"format": format, "ackDeadline": 20}}});
    let text = "format is immutable for Pub/Sub sources and cannot be changed via PATCH";
    assert_refused(&bench.patch_pipe(&id, &body), 400, text);
    ok_result(&bench.patch_pipe(&id, &json!({"source": {"pubsub": {"ackDeadline": 20}}})));

    let options = SandboxOptions { refuse_create_only: true, ..SandboxOptions::default() };
    let mut strict = SandboxBench::with_options(options);
    let id = strict.create_pipe(&kafka_body());
    let body = json!({"source": {"kafka": {"topics": "other"}}});
    assert_refused(&strict.patch_pipe(&id, &body), 400, "topics is immutable for Kafka sources");
}

#[test]
fn registry_credentials_are_400() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    let registry = json!({"credentials": {"username": "u", "password": "p"}});
    let body = json!({"source": {"kafka": {"schemaRegistry": registry}}});
    assert_refused(&bench.patch_pipe(&id, &body), 400, "schemaRegistry.credentials");
}

#[test]
fn bigquery_source_patch_is_400() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&bigquery_body());
    assert_refused(&bench.patch_pipe(&id, &json!({"source": {"bigquery": {}}})), 400, "source.bigquery");
    assert_eq!(ok_result(&bench.patch_pipe(&id, &json!({"name": "new"})))["name"], "new");
}

#[test]
fn patch_of_another_source_is_400() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    let body = json!({"source": {"kinesis": {"iamRole": "arn:x"}}});
    assert_refused(&bench.patch_pipe(&id, &body), 400, "source.kinesis: is not the source");
}

#[test]
fn settings_in_patch_are_ignored_unless_quirk_is_off() {
    let body = json!({"settings": {"streaming_max_insert_wait_ms": 1000}});
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    assert_eq!(ok_result(&bench.patch_pipe(&id, &body))["settings"], json!({}));
    let quirks = Quirks::all_observed().without_quirk(Quirk::PatchIgnoresSettings);
    let mut bench = SandboxBench::with_options(SandboxOptions { quirks, ..SandboxOptions::default() });
    let id = bench.create_pipe(&kafka_body());
    assert_eq!(ok_result(&bench.patch_pipe(&id, &body))["settings"], body["settings"]);
}

#[test]
fn destination_patch_needs_columns() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    let text = "destination.columns";
    assert_refused(&bench.patch_pipe(&id, &json!({"destination": {}})), 400, text);
    assert_refused(&bench.patch_pipe(&id, &json!({"destination": {"table": "x"}})), 400, text);
    let body = json!({"destination": {"columns": []}});
    assert_refused(&bench.patch_pipe(&id, &body), 400, "columns array length < minLength");
}

#[test]
fn field_mappings_patch_needs_columns() {
    let mut bench = SandboxBench::without_quirks();
    let id = bench.create_pipe(&kafka_body());
    let columns = json!([{"name": "id", "type": "UInt64"}]);
    let mappings = json!([{"sourceField": "ID", "destinationField": "id"}]);
    let text = "Columns are required if field mappings are provided";
    assert_refused(&bench.patch_pipe(&id, &json!({"fieldMappings": mappings})), 400, text);
    let body = json!({"fieldMappings": mappings, "destination": {"columns": columns}});
    let edited = ok_result(&bench.patch_pipe(&id, &body));
    assert_eq!(edited["fieldMappings"], mappings);
    assert_eq!(edited["destination"]["columns"], columns);
    assert_eq!(edited["destination"]["table"], "orders");
    let other = json!([{"name": "x", "type": "String"}]);
    let body = json!({"destination": {"columns": other}});
    bench.world.set_options(SandboxOptions { strict_rules: true, ..SandboxOptions::default() });
    assert_refused(&bench.patch_pipe(&id, &body), 400, "not among the columns");
}

#[test]
fn changed_authentication_needs_its_own_secret() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kinesis_body());
    let body = json!({"source": {"kinesis": {"authentication": "IAM_ROLE"}}});
    assert_refused(&bench.patch_pipe(&id, &body), 400, "iamRole: is required");
    let role = json!({"authentication": "IAM_ROLE", "iamRole": "arn:x"});
    ok_result(&bench.patch_pipe(&id, &json!({"source": {"kinesis": role}})));
    let body = json!({"source": {"kinesis": {"authentication": "IAM_USER"}}});
    assert_refused(&bench.patch_pipe(&id, &body), 400, "accessKey: is required");
    let id = bench.create_pipe(&kafka_body());
    let body = json!({"source": {"kafka": {"authentication": "MUTUAL_TLS"}}});
    assert_refused(&bench.patch_pipe(&id, &body), 400, "credentials.certificate");
}

#[test]
fn gcs_cannot_switch_to_a_service_account() {
    let mut bench = SandboxBench::new();
    let mut body = s3_body();
    body["source"]["objectStorage"]["type"] = json!("gcs");
    let id = bench.create_pipe(&body);
    let patch = json!({"source": {"objectStorage": {
        "authentication": "SERVICE_ACCOUNT", "serviceAccountKey": "x",
    }}});
    assert_refused(&bench.patch_pipe(&id, &patch), 400, "to or from SERVICE_ACCOUNT");
}

#[test]
fn secret_can_be_rotated_alone() {
    let mut bench = SandboxBench::new();
    let bodies =
        [kafka_body(), s3_body(), kinesis_body(), pubsub_body(), postgres_body(), mysql_body(), mongodb_body()];
    for body in bodies {
        let (arm, source) = body["source"].as_object().unwrap().iter().next().unwrap();
        let secrets = ["credentials", "accessKey", "serviceAccountKey"];
        let name = secrets.into_iter().find(|name| source.get(name).is_some()).unwrap();
        let id = bench.create_pipe(&body);
        ok_result(&bench.patch_pipe(&id, &json!({"source": {arm: {name: source[name]}}})));
    }
}

#[test]
fn null_in_patch_is_ignored_or_clears() {
    let mut body = kafka_body();
    body["source"]["kafka"]["caCertificate"] = json!("pem");
    let patch = json!({"source": {"kafka": {"caCertificate": null}}});
    for (null_in_patch, left) in [(NullInPatch::Ignored, json!("pem")), (NullInPatch::Clears, Value::Null)] {
        let mut bench = SandboxBench::with_options(SandboxOptions { null_in_patch, ..SandboxOptions::default() });
        let id = bench.create_pipe(&body);
        assert_eq!(ok_result(&bench.patch_pipe(&id, &patch))["source"]["kafka"]["caCertificate"], left);
    }
}

#[test]
fn rejected_patch_changes_nothing() {
    let mut bench = SandboxBench::without_quirks();
    let id = bench.create_pipe(&kafka_body());
    let before = bench.read_pipe(&id);
    let body = json!({"name": "new", "source": {"kafka": {"authentication": "IAM_ROLE"}}});
    assert_refused(&bench.patch_pipe(&id, &body), 400, "authentication");
    assert_eq!(bench.read_pipe(&id), before);
}

#[test]
fn wrong_types_and_unknown_names_are_400() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&pubsub_body());
    let deadline = json!({"source": {"pubsub": {"ackDeadline": 5}}});
    assert_refused(&bench.patch_pipe(&id, &deadline), 400, "Not between 10 and 600");
    assert_refused(&bench.patch_pipe(&id, &json!({"nam": "x"})), 400, "nam: unknown field");
    assert_refused(&bench.patch_pipe(&id, &json!({"name": 1})), 400, "name: must be a string");
    assert_refused(&bench.patch_pipe(&id, &json!({"source": []})), 400, "source: must be an object");
}
