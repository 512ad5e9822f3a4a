//! Odd input gets an answer, whatever it is.

use serde_json::{Value, json};

use super::{SandboxBench, all_source_bodies, kafka_body};

fn odd_values() -> [Value; 12] {
    let long = "x".repeat(2_000);
    [
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!(long),
        json!([]),
        json!([null, {}, [], "", 1]),
        json!({"": {"": null}}),
    ]
}

/// The pointers to everything in a document.
fn collect_pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(object) => {
            object.iter().for_each(|(name, value)| collect_pointers(value, &format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| {
                collect_pointers(item, &format!("{at}/{index}"), found);
            });
        }
        _ => {}
    }
}

fn with_all_fields(mut body: Value) -> Value {
    if body["destination"].get("table").is_some() {
        body["scaling"] = json!({"replicas": 2});
        body["settings"] = json!({"clickhouse_parallel_view_processing": true});
        body["fieldMappings"] = json!([
            {"sourceField": "a", "destinationField": "id"},
            {"sourceField": "b", "destinationField": "message"},
        ]);
    }
    body
}

#[test]
fn odd_bodies_get_200_or_400() {
    for body in all_source_bodies().map(with_all_fields) {
        let mut bench = SandboxBench::new();
        let id = bench.create_pipe(&body);
        let mut places = Vec::new();
        collect_pointers(&body, "", &mut places);
        for place in places {
            for odd in odd_values() {
                let mut body = body.clone();
                *body.pointer_mut(&place).unwrap() = odd;
                for response in [bench.post_pipe(&body), bench.patch_pipe(&id, &body)] {
                    assert!([200, 400].contains(&response.status), "{place}");
                    assert!(response.body.len() < 50_000, "{place}");
                }
            }
        }
    }
}

#[test]
fn odd_bodies_get_a_response_on_every_path() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    bench.wait_seconds(300);
    let pipe = format!("/clickpipes/{id}");
    let paths = [
        ("PATCH", "/state".to_owned()),
        ("PUT", format!("{pipe}/settings")),
        ("PATCH", format!("{pipe}/scaling")),
        ("PATCH", format!("{pipe}/state")),
        ("PATCH", "/clickpipesCdcScaling".to_owned()),
        ("POST", "/clickpipesReversePrivateEndpoints".to_owned()),
        ("POST", "/clickpipes/schemaDiscovery".to_owned()),
    ];
    for (method, path) in paths {
        for key in ["command", "replicas", "replicaMemoryGb", "type", "source", "description"] {
            for odd in odd_values() {
                let response = bench.send_request(method, &path, &json!({key: odd}));
                assert!([200, 400, 404].contains(&response.status), "{method} {path} {key}");
            }
        }
    }
}

#[test]
fn odd_paths_get_400_or_404() {
    let mut bench = SandboxBench::new();
    for path in ["", "/", "//", "/v1", "/v1//", "/v1/organizations//services", "?", "/ä/ü", "/_sandbox"] {
        let status = bench.send_to_path("GET", path, &Value::Null).status;
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
}
