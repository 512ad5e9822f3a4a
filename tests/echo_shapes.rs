//! What pipectl makes of the answers that the sandbox's own table of echoes lists: none of them is a change, in whatever
//! shape it stands.

use clickpipes::kinds;
use model::address::Kind;
use model::desired::Desired;
use model::live::Live;
use model::path::FieldPath;
use model::schema_validator::FieldNode;
use planner::{Policy, plan};
use sandbox::{KEY_ID, KEY_SECRET, ORGANIZATION, Quirks, SandboxOptions, SandboxRequest, World, basic_authorization};
use serde_json::{Value, json};

use crate::support::bench::{Bench, actions, in_virtual_time};
use crate::support::manifests::desired_from_documents;

/// The answers, and what was asked for.
const ROWS: &str = include_str!("../crates/sandbox/src/tests/echo/rows.jsonl");
/// A pipe of each source.
const PIPES: &str = include_str!("../crates/sandbox/src/tests/echo/pipes.json");

/// A line of the table about a pipe: what is declared, and which fields are left out.
struct EchoRow {
    body: Value,
    arm: String,
    left_out: Vec<(String, bool)>,
}

fn rows() -> impl Iterator<Item = EchoRow> {
    let rows = ROWS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    // Later requests make it another pipe; what the endpoints are is another matter.
    let rows =
        rows.filter(|row| row["pipe"].is_string() && row["then"].is_null() && !row.to_string().contains("{endpoint"));
    rows.map(|row| {
        let arm = row["pipe"].as_str().unwrap().to_owned();
        let mut body = serde_json::from_str::<Value>(PIPES).unwrap()[&arm].take();
        merge_into(&mut body, &row["body"]);
        merge_into(&mut body["source"][&arm], &row["source"]);
        let names = |echo: &str| row[echo].as_str().unwrap_or_default().to_owned();
        let unset = names("unset").split_whitespace().map(|name| (name.to_owned(), false)).collect::<Vec<_>>();
        let empty = names("unsetOrEmpty").split_whitespace().map(|name| (name.to_owned(), true)).collect();
        EchoRow { body, arm, left_out: [unset, empty].concat() }
    })
}

/// Null removes a field.
fn merge_into(value: &mut Value, edit: &Value) {
    match (value, edit) {
        (_, Value::Null) => {}
        (Value::Object(fields), Value::Object(edits)) => {
            for (name, edit) in edits {
                if edit.is_null() {
                    fields.remove(name);
                } else {
                    merge_into(fields.entry(name).or_insert_with(|| json!({})), edit);
                }
            }
        }
        (value, edit) => *value = edit.clone(),
    }
}

/// A manifest of the body, with a reference in place of each secret.
fn manifest(body: &Value) -> Value {
    fn refer(node: &FieldNode, value: &mut Value) {
        if node.is_secret() {
            *value = json!({"fromEnv": "SECRET"});
        }
        match value {
            Value::Object(fields) => {
                for (name, value) in fields.iter_mut() {
                    if let Some(field) = node.child_field(name) {
                        refer(field, value);
                    }
                }
            }
            Value::Array(items) => {
                if let Some(node) = node.list_item() {
                    for item in items {
                        refer(node, item);
                    }
                }
            }
            _ => {}
        }
    }
    let mut spec = body.clone();
    let name = spec.as_object_mut().unwrap().remove("name").unwrap();
    refer(kinds::body_fields(Kind::ClickPipe).unwrap(), &mut spec);
    json!({"apiVersion": "pipectl/v1", "kind": "ClickPipe", "metadata": {"name": name, "service": "analytics"}, "spec": spec})
}

/// The pipe of a row as another client has made it, and as pipectl declares it.
fn observed(row: &EchoRow, quirks: Quirks) -> (Desired, Live) {
    let mut world = World::new(SandboxOptions { rate_limit: None, quirks, ..SandboxOptions::default() });
    let service = world.ensure_service("analytics");
    let response = world.handle_request(&SandboxRequest {
        method: "POST".to_owned(),
        path: format!("/v1/organizations/{ORGANIZATION}/services/{service}/clickpipes"),
        authorization: Some(basic_authorization(KEY_ID, KEY_SECRET)),
        body: row.body.to_string().into_bytes(),
    });
    assert_eq!(response.status, 200, "{}", response.json_body());
    world.advance_clock(std::time::Duration::from_secs(600));
    let desired = desired_from_documents(&[manifest(&row.body)]).unwrap_or_else(|errors| panic!("{errors:?}"));
    let live = in_virtual_time(async { Bench::with_world(world, &["analytics"]).live(&desired).await });
    (desired, live)
}

fn assert_no_change(desired: &Desired, live: &Live, about: &str) {
    let plan = plan(desired, live, None, &Policy::default());
    assert!(plan.actions.is_empty(), "{about}: {}", actions(&plan));
}

#[test]
fn every_echo_plans_to_nothing() {
    for row in rows() {
        for quirks in [Quirks::all_observed(), Quirks::none()] {
            let (desired, live) = observed(&row, quirks);
            assert_no_change(&desired, &live, &row.body.to_string());
        }
    }
}

/// Absent, null and, where the API is known to do so, an empty value.
#[test]
fn every_shape_of_a_field_that_was_left_out_plans_to_nothing() {
    let mut tried = 0;
    for row in rows() {
        let (desired, live) = observed(&row, Quirks::none());
        for (name, may_be_empty) in &row.left_out {
            let path = match name.strip_prefix('/') {
                Some(root) => root.to_owned(),
                None => format!("source/{}/{name}", row.arm),
            };
            let path = FieldPath::parse(&path.replace('/', "."));
            for shape in shapes(&path, *may_be_empty) {
                let about = format!("{path} as {shape:?}");
                let shaped = with_shape(&live, &path, shape.as_ref());
                assert_no_change(&desired, &shaped, &about);
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "only {tried} shapes");
}

/// `None` is an absent field.
fn shapes(path: &FieldPath, may_be_empty: bool) -> Vec<Option<Value>> {
    let field = kinds::body_fields(Kind::ClickPipe).unwrap().node_at(path).filter(|_| may_be_empty);
    let empty = field.map(|field| match field.type_description() {
        _ if field.list_item().is_some() => json!([]),
        _ if field.has_child_fields() || field.is_map() => json!({}),
        "`true` or `false`" => json!(false),
        _ => json!(""),
    });
    [None, Some(Value::Null)].into_iter().chain(empty.map(Some)).collect()
}

fn with_shape(live: &Live, path: &FieldPath, shape: Option<&Value>) -> Live {
    let mut live = live.clone();
    for object in live.values_mut().flat_map(|found| &mut found.objects) {
        let around = format!("/{}", path.parent().unwrap().segments().join("/"));
        let around = if around == "/" { "" } else { &around };
        if let Some(fields) = object.body.pointer_mut(around).and_then(Value::as_object_mut) {
            let name = path.last_segment().unwrap();
            match shape {
                Some(value) => fields.insert(name.to_owned(), value.clone()),
                None => fields.remove(name),
            };
        }
    }
    live
}
