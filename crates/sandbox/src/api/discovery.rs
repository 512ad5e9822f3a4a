//! Schema discovery for streams and object storage: the fields that somebody said are there, else
//! plausible ones, the same for the same name.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Call;
use crate::body::{given, object, parse, text};
use crate::contract::check::{Complaints, Context, check_object};
use crate::contract::source::Source;
use crate::message::{Answer, Refusal};
use crate::service::Service;
use crate::{rules, uuid};

/// A field of a source's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name in the records.
    pub name: String,
    /// The ClickHouse type that takes it.
    pub r#type: String,
    /// Whether a record may lack it.
    #[serde(default)]
    pub optional: bool,
}

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

pub(crate) fn discover(service: &Service, call: &Call<'_>) -> Answer {
    let body = parse(call.body)?;
    let Some(sources) = object(&body, "source") else {
        return Err(Refusal::bad_request("source: must be an object"));
    };
    let given = |source: &Source| given(sources, source.arm());
    let sources_given: Vec<Source> =
        Source::ALL.into_iter().filter(|it| !it.is_database()).filter(given).collect();
    let &[source] = sources_given.as_slice() else {
        return Err(Refusal::bad_request(
            "source: needs one of kafka, objectStorage, kinesis, pubsub",
        ));
    };
    let nothing = Map::new();
    let arm = object(sources, source.arm()).unwrap_or(&nothing);
    check(source, arm, call)?;
    if source == Source::ObjectStorage {
        // The service reads the files itself.
        service.must_run(call.now, "schema discovery")?;
    }
    let names = ["topics", "streamName", "topic", "url", "path"];
    let name = names.into_iter().find_map(|name| text(arm, name)).unwrap_or_default();
    let found = call.fields.get(name).cloned().unwrap_or_else(|| made_up(name));
    Ok(Some(json!({"fields": found, "meta": null})))
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
    if call.tweaks.unreachable {
        return Err(rules::connectivity::unreachable());
    }
    match rules::connectivity::failure(source, arm) {
        Some(reason) => Err(Refusal::bad_request(reason)),
        None => Ok(()),
    }
}

/// An id and a time, and whatever of the others the name picks.
fn made_up(name: &str) -> Vec<Field> {
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

fn field(name: &str, kind: &str, optional: bool) -> Field {
    Field { name: name.to_owned(), r#type: kind.to_owned(), optional }
}
