mod mappings;

use serde_json::{Value, json};

use super::{
    Bench, bigquery, kafka, kinesis, mapping, mongodb, mysql, ok, postgres, pubsub, refused, s3,
};
use crate::{NullInPatch, Options, PipeState, Quirk, Quirks};

fn paused(bench: &mut Bench, body: &Value) -> String {
    let id = bench.create(body);
    bench.wait(300);
    ok(&bench.command(&id, "stop"));
    bench.wait(10);
    assert_eq!(bench.state(&id), "Paused");
    id
}

fn add(table: &str) -> Value {
    json!({"source": {"postgres": {"tableMappingsToAdd": [mapping(table)]}}})
}

#[test]
fn empty_patch_is_200_and_changes_nothing() {
    let mut bench = Bench::plain();
    let id = bench.create(&kafka());
    bench.wait(100);
    let before = bench.read(&id);
    assert_eq!(ok(&bench.patch(&id, &json!({}))), before);
    assert_eq!(bench.read(&id)["updatedAt"], before["updatedAt"]);
}

#[test]
fn rename_is_applied_also_on_completed() {
    let mut bench = Bench::new();
    let id = bench.create(&s3());
    bench.wait(100);
    assert_eq!(bench.state(&id), "Completed");
    let renamed = ok(&bench.patch(&id, &json!({"name": "new"})));
    assert_eq!(renamed["name"], "new");
    assert_ne!(renamed["updatedAt"], renamed["createdAt"]);
}

#[test]
fn every_edit_of_a_source_may_need_a_pause() {
    let connection = json!({"source": {"postgres": {
        "port": 5433, "credentials": {"username": "u", "password": "p"}}}});
    for (quirks, status) in [(Quirks::all(), 200), (Quirks::all().with(Quirk::EditsNeedPause), 400)]
    {
        let mut bench = Bench::with(Options { quirks, ..Options::default() });
        let id = bench.create(&postgres());
        bench.wait(300);
        assert_eq!(bench.patch(&id, &connection).status, status);
        ok(&bench.patch(&id, &json!({"name": "another"})));
    }
}

#[test]
fn sync_settings_need_a_pause_unless_the_quirk_is_off() {
    let body = json!({"source": {"postgres": {"settings": {"syncIntervalSeconds": 30}}}});
    let mut bench = Bench::new();
    let id = bench.create(&postgres());
    refused(&bench.patch(&id, &body), 400, "must be paused to edit");
    let mut bench = Bench::plain();
    let id = bench.create(&postgres());
    let edited = ok(&bench.patch(&id, &body));
    let settings = &edited["source"]["postgres"]["settings"];
    assert_eq!(settings["syncIntervalSeconds"], 30);
    assert_eq!(settings["replicationMode"], "cdc");
}

#[test]
fn credentials_resume_a_paused_pipe() {
    let mut bench = Bench::new();
    let id = paused(&mut bench, &postgres());
    let credentials = json!({"username": "user", "password": "rotated"});
    ok(&bench.patch(&id, &json!({"source": {"postgres": {"credentials": credentials}}})));
    assert_eq!(bench.states(&id, &[1, 2]), ["Paused", "Running"]);
}

#[test]
fn stop_right_after_an_edit_calls_the_resumption_off() {
    let mut bench = Bench::new();
    let id = paused(&mut bench, &postgres());
    ok(&bench.patch(&id, &add("new")));
    ok(&bench.command(&id, "stop"));
    assert_eq!(bench.states(&id, &[0, 5, 60]), ["Paused", "Paused", "Paused"]);
}

#[test]
fn rename_does_not_resume_a_paused_pipe() {
    let mut bench = Bench::new();
    let id = paused(&mut bench, &postgres());
    ok(&bench.patch(&id, &json!({"name": "new"})));
    assert_eq!(bench.states(&id, &[60]), ["Paused"]);
}

#[test]
fn connection_field_without_credentials_is_400() {
    let mut bench = Bench::new();
    let text = "failed permissions validation";
    let id = bench.create(&postgres());
    for field in [json!({"host": "other"}), json!({"port": 1}), json!({"disableTls": true})] {
        refused(&bench.patch(&id, &json!({"source": {"postgres": field}})), 400, text);
    }
    let id = bench.create(&mongodb());
    let body = json!({"source": {"mongodb": {"uri": "mongodb://other"}}});
    refused(&bench.patch(&id, &body), 400, text);
    let body = json!({"source": {"mongodb": {"readPreference": "nearest"}}});
    assert_eq!(ok(&bench.patch(&id, &body))["source"]["mongodb"]["readPreference"], "nearest");
}

#[test]
fn connection_field_with_credentials_is_applied() {
    let mut bench = Bench::new();
    let id = bench.create(&postgres());
    let credentials = json!({"username": "user", "password": "canary"});
    let body = json!({"source": {"postgres": {"host": "other", "credentials": credentials}}});
    assert_eq!(ok(&bench.patch(&id, &body))["source"]["postgres"]["host"], "other");
    let body = json!({"source": {"postgres": {"host": "x.invalid", "credentials": credentials}}});
    refused(&bench.patch(&id, &body), 400, "no such host");
    assert_eq!(bench.read(&id)["source"]["postgres"]["host"], "other");
}

#[test]
fn incomplete_credentials_are_400() {
    let mut bench = Bench::new();
    let id = bench.create(&postgres());
    let with = |credentials: Value| json!({"source": {"postgres": {"credentials": credentials}}});
    let nameless = bench.patch(&id, &with(json!({"password": "canary"})));
    refused(&nameless, 400, "credentials.username: 'undefined'");
    let open = bench.patch(&id, &with(json!({"username": "user"})));
    refused(&open, 400, "password is required for basic authentication");
}

#[test]
fn postgres_cannot_move_to_a_role() {
    let mut bench = Bench::new();
    let id = bench.create(&postgres());
    let body = json!({"source": {"postgres": {
        "authentication": "IAM_ROLE", "iamRole": "arn:x", "credentials": {"username": "user"},
    }}});
    refused(&bench.patch(&id, &body), 400, "password is required for basic authentication");
}

#[test]
fn mysql_can_move_to_a_role() {
    let mut bench = Bench::new();
    let id = bench.create(&mysql());
    let body = json!({"source": {"mysql": {
        "authentication": "IAM_ROLE", "iamRole": "arn:x", "credentials": {"username": "user"},
    }}});
    let moved = ok(&bench.patch(&id, &body));
    assert_eq!(moved["source"]["mysql"]["authentication"], "IAM_ROLE");
    assert_eq!(moved["source"]["mysql"]["iamRole"], "arn:x");
}

#[test]
fn immutable_fields_are_passed_over() {
    let mut bench = Bench::plain();
    let id = bench.create(&kafka());
    let before = bench.read(&id);
    let body = json!({"source": {"kafka": {"topics": "other", "format": "Avro"}}, "scaling": {}});
    assert_eq!(ok(&bench.patch(&id, &body)), before);
    let id = bench.create(&kinesis());
    let before = bench.read(&id);
    let body = json!({"source": {"kinesis": {"streamName": "other"}}});
    assert_eq!(ok(&bench.patch(&id, &body)), before);
}

#[test]
fn registry_credentials_are_400() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    let registry = json!({"credentials": {"username": "u", "password": "p"}});
    let body = json!({"source": {"kafka": {"schemaRegistry": registry}}});
    refused(&bench.patch(&id, &body), 400, "schemaRegistry.credentials");
}

#[test]
fn bigquery_arm_is_400() {
    let mut bench = Bench::new();
    let id = bench.create(&bigquery());
    refused(&bench.patch(&id, &json!({"source": {"bigquery": {}}})), 400, "source.bigquery");
    assert_eq!(ok(&bench.patch(&id, &json!({"name": "new"})))["name"], "new");
}

#[test]
fn arm_of_another_source_is_400() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    let body = json!({"source": {"kinesis": {"iamRole": "arn:x"}}});
    refused(&bench.patch(&id, &body), 400, "source.kinesis: is not the source");
}

#[test]
fn settings_are_accepted_and_not_applied() {
    let body = json!({"settings": {"streaming_max_insert_wait_ms": 1000}});
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    assert_eq!(ok(&bench.patch(&id, &body))["settings"], json!({}));
    let quirks = Quirks::all().without(Quirk::PatchIgnoresSettings);
    let mut bench = Bench::with(Options { quirks, ..Options::default() });
    let id = bench.create(&kafka());
    assert_eq!(ok(&bench.patch(&id, &body))["settings"], body["settings"]);
}

#[test]
fn destination_needs_columns() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    let text = "destination.columns";
    refused(&bench.patch(&id, &json!({"destination": {}})), 400, text);
    refused(&bench.patch(&id, &json!({"destination": {"table": "x"}})), 400, text);
    let body = json!({"destination": {"columns": []}});
    refused(&bench.patch(&id, &body), 400, "columns array length < minLength");
}

#[test]
fn field_mappings_need_columns() {
    let mut bench = Bench::plain();
    let id = bench.create(&kafka());
    let columns = json!([{"name": "id", "type": "UInt64"}]);
    let mappings = json!([{"sourceField": "ID", "destinationField": "id"}]);
    let text = "Columns are required if field mappings are provided";
    refused(&bench.patch(&id, &json!({"fieldMappings": mappings})), 400, text);
    let body = json!({"fieldMappings": mappings, "destination": {"columns": columns}});
    let edited = ok(&bench.patch(&id, &body));
    assert_eq!(edited["fieldMappings"], mappings);
    assert_eq!(edited["destination"]["columns"], columns);
    assert_eq!(edited["destination"]["table"], "orders");
    let more = json!([{"name": "id", "type": "UInt64"}, {"name": "x", "type": "String"}]);
    let body = json!({"destination": {"columns": more}});
    refused(&bench.patch(&id, &body), 400, "must cover every destination column");
}

#[test]
fn another_authentication_needs_its_own_secret() {
    let mut bench = Bench::new();
    let id = bench.create(&kinesis());
    let body = json!({"source": {"kinesis": {"authentication": "IAM_ROLE"}}});
    refused(&bench.patch(&id, &body), 400, "iamRole: is required");
    let role = json!({"authentication": "IAM_ROLE", "iamRole": "arn:x"});
    ok(&bench.patch(&id, &json!({"source": {"kinesis": role}})));
    let body = json!({"source": {"kinesis": {"authentication": "IAM_USER"}}});
    refused(&bench.patch(&id, &body), 400, "accessKey: is required");
    let id = bench.create(&kafka());
    let body = json!({"source": {"kafka": {"authentication": "MUTUAL_TLS"}}});
    refused(&bench.patch(&id, &body), 400, "credentials.certificate");
}

#[test]
fn google_bucket_cannot_change_to_or_from_a_service_account() {
    let mut bench = Bench::new();
    let mut body = s3();
    body["source"]["objectStorage"]["type"] = json!("gcs");
    let id = bench.create(&body);
    let patch = json!({"source": {"objectStorage": {
        "authentication": "SERVICE_ACCOUNT", "serviceAccountKey": "x",
    }}});
    refused(&bench.patch(&id, &patch), 400, "to or from SERVICE_ACCOUNT");
}

#[test]
fn rotation_without_other_fields_is_accepted_everywhere() {
    let mut bench = Bench::new();
    let bodies = [kafka(), s3(), kinesis(), pubsub(), postgres(), mysql(), mongodb()];
    for body in bodies {
        let (arm, source) = body["source"].as_object().unwrap().iter().next().unwrap();
        let secrets = ["credentials", "accessKey", "serviceAccountKey"];
        let name = secrets.into_iter().find(|name| source.get(name).is_some()).unwrap();
        let id = bench.create(&body);
        ok(&bench.patch(&id, &json!({"source": {arm: {name: source[name]}}})));
    }
}

#[test]
fn null_is_ignored_or_clears() {
    let mut body = kafka();
    body["source"]["kafka"]["caCertificate"] = json!("pem");
    let patch = json!({"source": {"kafka": {"caCertificate": null}}});
    for (null_in_patch, left) in
        [(NullInPatch::Ignored, json!("pem")), (NullInPatch::Clears, Value::Null)]
    {
        let mut bench = Bench::with(Options { null_in_patch, ..Options::default() });
        let id = bench.create(&body);
        assert_eq!(ok(&bench.patch(&id, &patch))["source"]["kafka"]["caCertificate"], left);
    }
}

#[test]
fn refused_patch_changes_nothing() {
    let mut bench = Bench::plain();
    let id = bench.create(&kafka());
    let before = bench.read(&id);
    let body = json!({"name": "new", "source": {"kafka": {"authentication": "IAM_ROLE"}}});
    refused(&bench.patch(&id, &body), 400, "authentication");
    assert_eq!(bench.read(&id), before);
}

#[test]
fn wrong_types_and_unknown_names_are_400() {
    let mut bench = Bench::new();
    let id = bench.create(&pubsub());
    let deadline = json!({"source": {"pubsub": {"ackDeadline": 5}}});
    refused(&bench.patch(&id, &deadline), 400, "Not between 10 and 600");
    refused(&bench.patch(&id, &json!({"nam": "x"})), 400, "nam: unknown field");
    refused(&bench.patch(&id, &json!({"name": 1})), 400, "name: must be a string");
    refused(&bench.patch(&id, &json!({"source": []})), 400, "source: must be an object");
}
