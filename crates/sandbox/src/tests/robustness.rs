//! Odd input gets an answer, whatever it is.

use serde_json::{Value, json};

use super::{Bench, every_source, kafka};

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
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(object) => {
            object.iter().for_each(|(name, value)| pointers(value, &format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| {
                pointers(item, &format!("{at}/{index}"), found);
            });
        }
        _ => {}
    }
}

fn full(mut body: Value) -> Value {
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
fn odd_bodies_are_accepted_or_refused_and_nothing_else() {
    for body in every_source().map(full) {
        let mut bench = Bench::new();
        let id = bench.create(&body);
        let mut places = Vec::new();
        pointers(&body, "", &mut places);
        for place in places {
            for odd in odd_values() {
                let mut body = body.clone();
                *body.pointer_mut(&place).unwrap() = odd;
                for response in [bench.post(&body), bench.patch(&id, &body)] {
                    assert!([200, 400].contains(&response.status), "{place}");
                    assert!(response.body.len() < 50_000, "{place}");
                }
            }
        }
    }
}

#[test]
fn odd_small_bodies_are_answered_everywhere() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    bench.wait(300);
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
                let response = bench.ask(method, &path, &json!({key: odd}));
                assert!([200, 400, 404].contains(&response.status), "{method} {path} {key}");
            }
        }
    }
}

#[test]
fn odd_paths_are_refused() {
    let mut bench = Bench::new();
    for path in
        ["", "/", "//", "/v1", "/v1//", "/v1/organizations//services", "?", "/ä/ü", "/_sandbox"]
    {
        let status = bench.ask_path("GET", path, &Value::Null).status;
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
}
