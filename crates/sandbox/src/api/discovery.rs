//! Schema discovery for streams and object storage: plausible fields, the same for the same name.

use serde_json::{Map, Value, json};

use super::Call;
use crate::body::{given, object, parse, text};
use crate::contract::check::{Complaints, Context, check_object};
use crate::contract::source::Source;
use crate::message::{Answer, Refusal};
use crate::{rules, uuid};

/// Fields that records are made of, with their column types.
const FIELDS: [(&str, &str); 10] = [
    ("user_id", "UInt64"),
    ("session_id", "UUID"),
    ("country", "LowCardinality(String)"),
    ("amount", "Float64"),
    ("quantity", "Int32"),
    ("status", "String"),
    ("is_active", "Bool"),
    ("tags", "Array(String)"),
    ("message", "String"),
    ("attributes", "JSON"),
];

pub(crate) fn discover(call: &Call<'_>) -> Answer {
    let body = parse(call.body)?;
    let Some(sources) = object(&body, "source") else {
        return Err(Refusal::bad_request("source: must be an object"));
    };
    let given = |source: &Source| given(sources, source.arm());
    let sources_given: Vec<Source> =
        Source::ALL.into_iter().filter(|it| !it.is_database()).filter(given).collect();
    let &[source] = sources_given.as_slice() else {
        return Err(Refusal::bad_request("source: needs one of kafka, objectStorage, kinesis, pubsub"));
    };
    let nothing = Map::new();
    let arm = object(sources, source.arm()).unwrap_or(&nothing);
    check(source, arm, call)?;
    let names = ["topics", "streamName", "topic", "url", "path"];
    let name = names.into_iter().find_map(|name| text(arm, name)).unwrap_or_default();
    Ok(Some(json!({"fields": fields(name), "meta": null})))
}

fn check(source: Source, arm: &Map<String, Value>, call: &Call<'_>) -> Result<(), Refusal> {
    let mut complaints = Complaints::default();
    let at = format!("source.{}", source.arm());
    let context = Context::create(call.options.unknown_fields);
    check_object(&mut complaints, &at, source.fields(), arm, context);
    if complaints.none() {
        rules::check_source(source, arm, &mut complaints);
    }
    if !complaints.none() {
        return Err(Refusal::bad_request(complaints.into_text()));
    }
    match rules::connectivity::failure(source, arm) {
        Some(reason) => Err(Refusal::bad_request(reason)),
        None => Ok(()),
    }
}

/// An id and a time, and whatever of the others the name picks.
fn fields(name: &str) -> Vec<Value> {
    let picked = uuid::hash(name);
    let mut fields =
        vec![field("id", "UInt64", false), field("created_at", "DateTime64(3)", false)];
    for (index, (name, kind)) in FIELDS.into_iter().enumerate() {
        if picked >> (2 * index) & 1 == 1 {
            fields.push(field(name, kind, picked >> (2 * index + 1) & 1 == 1));
        }
    }
    fields
}

fn field(name: &str, kind: &str, optional: bool) -> Value {
    json!({"name": name, "type": kind, "optional": optional})
}
