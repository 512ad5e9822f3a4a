//! How a read shows what was sent and what was left out. The official provider takes null, "", false, [] and a default
//! for different values, and refuses an apply whose answer is another one than it has planned.
//!
//! A row of the table is a request and what a read after it shows: the names of fields by how they come back. A name
//! with a slash in front is a JSON pointer, any other one is below the source of the pipe.

use serde_json::{Map, Value, json};

use super::{SandboxBench, all_source_bodies, ok_result, postgres_body};

const ROWS: &str = include_str!("echo/rows.jsonl");

const ENDPOINTS: &str = "/clickpipesReversePrivateEndpoints";
const CDC_SCALING: &str = "/clickpipesCdcScaling";

/// Longer than anything in the sandbox needs to settle.
const REST: u64 = 600;

#[test]
fn reads_show_what_the_official_provider_relies_on() {
    let mut wrong = Vec::new();
    for line in ROWS.lines() {
        for mut bench in [SandboxBench::new(), SandboxBench::without_quirks()] {
            let row: Value = serde_json::from_str(&with_endpoint_ids(&mut bench, line)).unwrap();
            let (sent, path) = send_row(&mut bench, &row);
            // Oddities differ from read to read.
            for _ in 0..6 {
                let read = bench.get_result(&path);
                let unexpected = unexpected_fields(row.as_object().unwrap(), &sent, &read);
                wrong.extend(unexpected.into_iter().map(|field| format!("{field} in {line}")));
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The row with the ids of two endpoints that are ready.
fn with_endpoint_ids(bench: &mut SandboxBench, line: &str) -> String {
    let endpoint = |description: &str| {
        json!({"description": description, "type": "GCP_PSC_SERVICE_ATTACHMENT",
            "gcpServiceAttachment": "projects/p/regions/r/serviceAttachments/s"})
    };
    let line = ["{endpoint 0}", "{endpoint 1}"].into_iter().fold(line.to_owned(), |line, name| {
        if line.contains(name) { line.replace(name, &create_object(bench, ENDPOINTS, &endpoint(name))) } else { line }
    });
    bench.wait_seconds(REST);
    line
}

/// Returns what was sent, and where to read it.
fn send_row(bench: &mut SandboxBench, row: &Value) -> (Value, String) {
    let (sent, path) = if row["endpoint"].is_object() {
        let id = create_object(bench, ENDPOINTS, &row["endpoint"]);
        (row["endpoint"].clone(), format!("{ENDPOINTS}/{id}"))
    } else if row["cdcScaling"].is_object() {
        bench.create_pipe(&postgres_body());
        bench.wait_seconds(REST);
        ok_result(&bench.send_request("PATCH", CDC_SCALING, &row["cdcScaling"]));
        (row["cdcScaling"].clone(), CDC_SCALING.to_owned())
    } else {
        let body = pipe_of_row(row);
        let id = bench.create_pipe(&body);
        (body, format!("/clickpipes/{id}"))
    };
    bench.wait_seconds(REST);
    if let [method, below, body] = row["then"].as_array().map_or(&[][..], Vec::as_slice) {
        ok_result(&bench.send_request(method.as_str().unwrap(), &format!("{path}{}", below.as_str().unwrap()), body));
    }
    (sent, path)
}

fn create_object(bench: &mut SandboxBench, path: &str, body: &Value) -> String {
    ok_result(&bench.send_request("POST", path, body))["id"].as_str().unwrap().to_owned()
}

/// The least that its source needs, with the fields of the row.
fn pipe_of_row(row: &Value) -> Value {
    let arm = row["pipe"].as_str().unwrap();
    let mut body = all_source_bodies().into_iter().find(|body| body["source"][arm].is_object()).unwrap();
    merge_into(&mut body, row.get("body").unwrap_or(&json!({})));
    merge_into(&mut body["source"][arm], row.get("source").unwrap_or(&json!({})));
    body
}

/// Null removes a field.
fn merge_into(value: &mut Value, edit: &Value) {
    match (value, edit) {
        (Value::Object(fields), Value::Object(edits)) => {
            for (name, edit) in edits {
                if edit.is_null() {
                    fields.remove(name);
                } else {
                    merge_into(fields.entry(name).or_insert(Value::Null), edit);
                }
            }
        }
        (value, edit) => *value = edit.clone(),
    }
}

fn unexpected_fields(row: &Map<String, Value>, sent: &Value, read: &Value) -> Vec<String> {
    let mut unexpected = Vec::new();
    let requests = ["pipe", "source", "body", "endpoint", "cdcScaling", "then"];
    for (echo, fields) in row.iter().filter(|(name, _)| !requests.contains(&name.as_str())) {
        let names: Vec<&str> = match fields {
            Value::Object(values) => values.keys().map(String::as_str).collect(),
            names => names.as_str().unwrap().split_whitespace().collect(),
        };
        for name in names {
            let arm = row.get("pipe").and_then(Value::as_str).unwrap_or_default();
            let pointer = if name.starts_with('/') { name.to_owned() } else { format!("/source/{arm}/{name}") };
            let shown = read.pointer(&pointer);
            let expected = if echo == "is" { fields.get(name) } else { sent.pointer(&pointer) };
            if !is_echo(echo, expected, shown) {
                unexpected.push(format!("{pointer} is {shown:?} and not {echo}"));
            }
        }
    }
    unexpected
}

fn is_echo(echo: &str, expected: Option<&Value>, shown: Option<&Value>) -> bool {
    let is_unset = shown.is_none_or(Value::is_null);
    match echo {
        "asSent" | "is" => expected.is_some() && shown == expected,
        "asSentOrAbsent" => expected.is_some() && (is_unset || shown == expected),
        "asSentInAnyOrder" => expected.zip(shown).is_some_and(|(expected, shown)| has_same_items(expected, shown)),
        "unset" => is_unset,
        "unsetOrEmpty" => {
            is_unset || [json!(""), json!([]), json!({}), json!(false)].iter().any(|it| shown == Some(it))
        }
        "integer" => shown.is_some_and(Value::is_i64),
        "text" => shown.and_then(Value::as_str).is_some_and(|text| !text.is_empty()),
        _ => panic!("no such echo: {echo}"),
    }
}

/// A read may add fields to an item of a list.
fn has_same_items(expected: &Value, shown: &Value) -> bool {
    let (expected, shown) = (expected.as_array().unwrap(), shown.as_array().unwrap());
    let is_within = |item: &Value, shown: &Value| match (item, shown) {
        (Value::Object(item), Value::Object(shown)) => item.iter().all(|(name, value)| shown.get(name) == Some(value)),
        (item, shown) => item == shown,
    };
    expected.len() == shown.len() && expected.iter().all(|item| shown.iter().any(|shown| is_within(item, shown)))
}
