use serde_json::json;

use super::{Bench, kafka, kinesis, ok, postgres, refused, s3};
use crate::{Effect, ServiceState};

const PATH: &str = "/clickpipes/schemaDiscovery";

#[test]
fn fields_depend_on_the_name_alone() {
    let mut bench = Bench::new();
    let body = json!({"source": kafka()["source"]});
    let first = ok(&bench.ask("POST", PATH, &body));
    assert_eq!(ok(&bench.ask("POST", PATH, &body)), first);
    assert_eq!(first["fields"][0], json!({"name": "id", "type": "UInt64", "optional": false}));
    let mut other = body;
    other["source"]["kafka"]["topics"] = json!("something-else");
    assert_ne!(ok(&bench.ask("POST", PATH, &other)), first);
    let stream = json!({"source": kinesis()["source"]});
    assert_eq!(ok(&bench.ask("POST", PATH, &stream)), first, "the stream has the topic's name");
    assert_eq!(bench.get("/clickpipes"), json!([]));
}

#[test]
fn source_of_a_discovery_is_checked_as_for_a_pipe() {
    let mut bench = Bench::new();
    refused(&bench.ask("POST", PATH, &json!({})), 400, "source");
    let database = json!({"source": postgres()["source"]});
    refused(&bench.ask("POST", PATH, &database), 400, "needs one of kafka");
    let mut body = json!({"source": kafka()["source"]});
    body["source"]["kafka"]["brokers"] = json!("x.invalid:9092");
    refused(&bench.ask("POST", PATH, &body), 400, "no such host");
    body["source"]["kafka"]["format"] = json!("XML");
    refused(&bench.ask("POST", PATH, &body), 400, "must be one of");
}

#[test]
fn fields_can_be_told() {
    let mut bench = Bench::new();
    let fields = json!([{"name": "a.b", "type": "String", "optional": true}]);
    let topic = kafka()["source"]["kafka"]["topics"].clone();
    let told = json!({"of": topic, "fields": fields});
    assert_eq!(bench.ask_path("POST", "/_sandbox/fields", &told).status, 200);
    let found = ok(&bench.ask("POST", PATH, &json!({"source": kafka()["source"]})));
    assert_eq!(found["fields"], fields);
    let wrong = json!({"of": topic, "fields": [{"name": "a", "kind": "String"}]});
    assert_eq!(bench.ask_path("POST", "/_sandbox/fields", &wrong).status, 400);
}

#[test]
fn files_are_read_by_the_service_and_streams_are_not() {
    let mut bench = Bench::new();
    let (files, stream) = (json!({"source": s3()["source"]}), json!({"source": kafka()["source"]}));
    for (state, name) in [(ServiceState::Idle, "idle"), (ServiceState::Stopped, "stopped")] {
        bench.world.set_service_state("analytics", state);
        refused(&bench.ask("POST", PATH, &files), 424, &format!("Current state: {name}"));
        ok(&bench.ask("POST", PATH, &stream));
    }
}

#[test]
fn source_of_a_discovery_can_be_made_unreachable() {
    let mut bench = Bench::new();
    bench.world.faults().once("POST", "*/schemaDiscovery", Effect::SourceUnreachable);
    let body = json!({"source": kafka()["source"]});
    refused(&bench.ask("POST", PATH, &body), 400, "failed to establish connection");
    ok(&bench.ask("POST", PATH, &body));
}
