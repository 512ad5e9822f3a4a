//! The law of equality: a live value in another spelling that the type of its field declares equal is no change, in any
//! field of any source.

use std::collections::BTreeSet;

use crate::field_edits::{editable_leaves, seed_kind, world_with_seed};
use crate::support::bench::{Bench, in_virtual_time};
use crate::support::manifests::{desired_from_documents, read_documents};
use clickpipes::kinds;
use clickpipes::semantics::{FieldSemantics, Readback};
use model::address::{Address, Kind};
use model::desired::Desired;
use model::live::Live;
use model::path::FieldPath;
use planner::{Policy, plan};
use serde_json::{Value, json};

#[test]
fn no_spelling_that_a_type_declares_equal_is_a_change() {
    let (mut wrong, mut covered) = (Vec::new(), BTreeSet::new());
    for seed in read_documents("tests/seeds") {
        let (desired, live) = in_virtual_time(settled_sides(&seed));
        let address = desired.keys().next().unwrap();
        for leaf in editable_leaves(&seed) {
            let path = leaf.path.segments()[1..].iter().fold(FieldPath::root(), |path, step| path.child(step));
            let Some(value) = leaf.path.value_in(&seed).filter(|value| !value.is_object()) else { continue };
            if FieldSemantics::for_kind(seed_kind(&seed)).field_at(&path).readback == Readback::Never {
                continue;
            }
            for spelling in equal_spellings(&leaf.schema, value) {
                let Some(respelled) = respelled_live(&live, address, &path, value, &spelling) else { continue };
                covered.insert(spelling_mark(&leaf.schema));
                for base in [None, Some(&desired)] {
                    let planned = plan(&desired, &respelled, base, &Policy::default());
                    if !planned.has_no_changes() || !planned.ignored_changes.is_empty() {
                        wrong.push(format!("{address} {path}: {value} and live {spelling}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} equal spellings are a change:\n{}", wrong.len(), wrong.join("\n"));
    let mut declared = BTreeSet::from(["text".to_owned()]);
    for kind in Kind::ALL {
        collect_marks(kinds::manifest_schema(kind), &mut declared);
    }
    // An id of an endpoint. Seeds refer to endpoints by name.
    covered.insert("caseless".to_owned());
    let missed: Vec<_> = declared.difference(&covered).collect();
    assert!(missed.is_empty(), "no seed has a field whose type declares {missed:?}");
}

/// The manifest, and what the API answers once it is applied.
async fn settled_sides(seed: &Value) -> (Desired, Live) {
    let bench = Bench::with_world(world_with_seed(seed).await, &["analytics"]);
    let desired = desired_from_documents(std::slice::from_ref(seed)).unwrap();
    let live = bench.live(&desired).await;
    (desired, live)
}

/// How the schema calls the equality of a field.
fn spelling_mark(schema: &Value) -> String {
    match &schema["x-equal"] {
        Value::String(mark) => mark.clone(),
        Value::Object(_) => "flavourOf".to_owned(),
        _ if is_enum(schema) => "enum".to_owned(),
        _ => "text".to_owned(),
    }
}

fn is_enum(schema: &Value) -> bool {
    schema["enum"].is_array() || schema["oneOf"][0].get("const").is_some()
}

fn collect_marks(schema: &Value, found: &mut BTreeSet<String>) {
    if schema.get("x-equal").is_some() {
        found.insert(spelling_mark(schema));
    }
    match schema {
        Value::Array(items) => items.iter().for_each(|item| collect_marks(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| collect_marks(field, found)),
        _ => {}
    }
}

/// Other spellings of a value. A witness of its own: a new mark needs its spellings here, too.
fn equal_spellings(schema: &Value, value: &Value) -> Vec<Value> {
    let mark = spelling_mark(schema);
    let mut found: Vec<Value> = match value {
        Value::String(text) => text_spellings(&mark, text).into_iter().map(Value::from).collect(),
        Value::Number(number) => number_spellings(&mark, number.as_f64().unwrap()),
        Value::Bool(flag) => vec![json!(flag.to_string())],
        Value::Array(items) if schema["x-list"] == "set" => vec![items.iter().rev().cloned().collect()],
        _ => Vec::new(),
    };
    found.retain(|spelling| spelling != value);
    found
}

fn number_spellings(mark: &str, number: f64) -> Vec<Value> {
    let text = json!(number.to_string());
    match mark {
        "cpu" => vec![json!(format!("{number}m")), json!((number / 1000.0).to_string())],
        "memory" => vec![json!(format!("{number}Gi")), json!(format!("{}Mi", number * 1024.0))],
        "count" | "instant" | "minute" => vec![text],
        _ => vec![text, json!(number)],
    }
}

fn text_spellings(mark: &str, text: &str) -> Vec<String> {
    let cases = || [text.to_uppercase(), text.to_lowercase()];
    match mark {
        "text" => Vec::new(),
        "caseless" | "enum" | "flavourOf" => cases().to_vec(),
        "engine" => vec![format!("{text}()"), text.to_lowercase()],
        "commaList" => vec![reversed_list(text, ","), reversed_list(text, " , ")],
        "host" => [format!("{text}.")].into_iter().chain(cases()).collect(),
        "hostList" => vec![reversed_list(text, ", "), text.to_uppercase(), text.replace(':', ".:0")],
        "instant" if text.ends_with('Z') => vec![text.replace('Z', ".000Z"), text.replace('Z', "+00:00")],
        "minute" => vec![format!("{text}Z"), format!("{text}:00.000Z")],
        "url" | "storageUrl" | "uri" => url_spellings(mark, text),
        "sql" => vec![text.replace(',', " , "), text.replace('(', " ( "), format!(" {text} ")],
        "pem" => vec![format!("{text}\n"), text.replace('\n', "\r\n")],
        other => panic!("no spellings of {other}"),
    }
}

fn reversed_list(text: &str, comma: &str) -> String {
    let names: Vec<&str> = text.split(',').map(str::trim).rev().collect();
    names.join(comma)
}

fn url_spellings(mark: &str, url: &str) -> Vec<String> {
    // A queue of Google Cloud is a subscription.
    let Some((scheme, rest)) = url.split_once("://") else { return Vec::new() };
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let port = [("https", ":443"), ("http", ":80"), ("mongodb", ":27017")].into_iter().find(|it| it.0 == scheme);
    let mut found =
        vec![format!("{}://{host}{path}", scheme.to_uppercase()), format!("{scheme}://{}{path}", host.to_uppercase())];
    if scheme.starts_with("http") || scheme.starts_with("mongodb") {
        found.push(format!("{scheme}://{host}.{path}"));
    }
    found.extend(port.map(|(_, port)| format!("{scheme}://{host}{port}{path}")));
    found.extend(path.find(|c: char| c.is_ascii_alphanumeric()).map(|at| {
        let escape = format!("%{:x}", path.as_bytes()[at]);
        format!("{scheme}://{host}{}{escape}{}", &path[..at], &path[at + 1..])
    }));
    if mark == "url" {
        found.push(format!("{url}/"));
    }
    if let Some(place) = url.strip_prefix("gs://") {
        found.push(format!("https://storage.googleapis.com:443/{place}"));
    }
    found
}

/// The live side with the field spelled otherwise; `None` if the API does not return it as it is declared.
fn respelled_live(live: &Live, at: &Address, path: &FieldPath, value: &Value, spelling: &Value) -> Option<Live> {
    let mut live = live.clone();
    let body = &mut live.get_mut(at)?.objects.first_mut()?.body;
    let found = find_value(body, path.segments(), FieldPath::root(), value)?;
    found.set_in(body, spelling.clone());
    Some(live)
}

/// Where `value` stands at `path`. The API may return the entries of a list in another order.
fn find_value(body: &Value, path: &[String], at: FieldPath, value: &Value) -> Option<FieldPath> {
    let Some((step, rest)) = path.split_first() else { return (body == value).then_some(at) };
    match body {
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| find_value(item, rest, at.child(index), value))
        }
        _ => find_value(body.get(step)?, rest, at.child(step), value),
    }
}
