use serde_json::json;

use super::{SandboxBench, assert_refused, kafka_body, kinesis_body, ok_result, postgres_body, s3_body};
use crate::{FaultEffect, ServiceState};

const PATH: &str = "/clickpipes/schemaDiscovery";

#[test]
fn discovered_fields_depend_on_the_topic_name() {
    let mut bench = SandboxBench::new();
    let body = json!({"source": kafka_body()["source"]});
    let first = ok_result(&bench.send_request("POST", PATH, &body));
    assert_eq!(ok_result(&bench.send_request("POST", PATH, &body)), first);
    assert_eq!(first["fields"][0], json!({"name": "id", "type": "UInt64", "optional": false}));
    let mut other = body;
    other["source"]["kafka"]["topics"] = json!("something-else");
    assert_ne!(ok_result(&bench.send_request("POST", PATH, &other)), first);
    let stream = json!({"source": kinesis_body()["source"]});
    assert_eq!(ok_result(&bench.send_request("POST", PATH, &stream)), first, "the stream has the topic's name");
    assert_eq!(bench.get_result("/clickpipes"), json!([]));
}

#[test]
fn discovery_source_is_validated_like_a_pipe() {
    let mut bench = SandboxBench::new();
    assert_refused(&bench.send_request("POST", PATH, &json!({})), 400, "source");
    let database = json!({"source": postgres_body()["source"]});
    assert_refused(&bench.send_request("POST", PATH, &database), 400, "needs one of kafka");
    let mut body = json!({"source": kafka_body()["source"]});
    body["source"]["kafka"]["brokers"] = json!("x.invalid:9092");
    assert_refused(&bench.send_request("POST", PATH, &body), 400, "no such host");
    body["source"]["kafka"]["format"] = json!("XML");
    assert_refused(&bench.send_request("POST", PATH, &body), 400, "must be one of");
}

#[test]
fn discovered_fields_can_be_set_through_the_admin_api() {
    let mut bench = SandboxBench::new();
    let fields = json!([{"name": "a.b", "type": "String", "optional": true}]);
    let topic = kafka_body()["source"]["kafka"]["topics"].clone();
    let told = json!({"of": topic, "fields": fields});
    assert_eq!(bench.send_to_path("POST", "/_sandbox/fields", &told).status, 200);
    let found = ok_result(&bench.send_request("POST", PATH, &json!({"source": kafka_body()["source"]})));
    assert_eq!(found["fields"], fields);
    let wrong = json!({"of": topic, "fields": [{"name": "a", "kind": "String"}]});
    assert_eq!(bench.send_to_path("POST", "/_sandbox/fields", &wrong).status, 400);
}

#[test]
fn discovery_of_files_needs_a_running_service() {
    let mut bench = SandboxBench::new();
    let (files, stream) = (json!({"source": s3_body()["source"]}), json!({"source": kafka_body()["source"]}));
    for (state, name) in [(ServiceState::Idle, "idle"), (ServiceState::Stopped, "stopped")] {
        bench.world.set_service_state("analytics", state);
        assert_refused(&bench.send_request("POST", PATH, &files), 424, &format!("Current state: {name}"));
        ok_result(&bench.send_request("POST", PATH, &stream));
    }
}

#[test]
fn fault_makes_the_discovery_source_unreachable() {
    let mut bench = SandboxBench::new();
    bench.world.fault_script().add_once("POST", "*/schemaDiscovery", FaultEffect::SourceUnreachable);
    let body = json!({"source": kafka_body()["source"]});
    assert_refused(&bench.send_request("POST", PATH, &body), 400, "failed to establish connection");
    ok_result(&bench.send_request("POST", PATH, &body));
}
