use serde_json::json;

use super::{Bench, kafka, kinesis, ok, postgres, refused};

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
