//! Schema discovery for streams and object storage. Fields that were not set are invented from the name of the topic,
//! stream or path.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::RequestContext;
use crate::contract::source::ApiSource;
use crate::contract::validate::{BodyContext, Complaints, validate_object};
use crate::http_types::{ApiRefusal, ApiResult};
use crate::json_body::{has_value, object_field, parse_object, text_field};
use crate::service::EmulatedService;
use crate::{rules, uuid};

/// A field in the records of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceField {
    /// The name in the records.
    pub name: String,
    /// The ClickHouse type of a column for it.
    pub r#type: String,
    /// `true` if records may lack it.
    #[serde(default)]
    pub optional: bool,
}

const SAMPLE_FIELDS: [(&str, &str); 10] = [
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

pub(crate) fn discover_schema(service: &EmulatedService, call: &RequestContext<'_>) -> ApiResult {
    let body = parse_object(call.body)?;
    let Some(sources) = object_field(&body, "source") else {
        return Err(ApiRefusal::bad_request("source: must be an object"));
    };
    let given = |source: &ApiSource| has_value(sources, source.json_key());
    let sources_given: Vec<ApiSource> =
        ApiSource::ALL.into_iter().filter(|it| !it.is_database()).filter(given).collect();
    let &[source] = sources_given.as_slice() else {
        return Err(ApiRefusal::bad_request("source: needs one of kafka, objectStorage, kinesis, pubsub"));
    };
    let nothing = Map::new();
    let source_fields = object_field(sources, source.json_key()).unwrap_or(&nothing);
    validate_request(source, source_fields, call)?;
    if source == ApiSource::ObjectStorage {
        // The destination service reads the files, so it must be running.
        service.require_running(call.now, "schema discovery")?;
    }
    let names = ["topics", "streamName", "topic", "url", "path"];
    let name = names.into_iter().find_map(|name| text_field(source_fields, name)).unwrap_or_default();
    let found = call.discoverable_fields.get(name).cloned().unwrap_or_else(|| sample_fields(name));
    Ok(Some(json!({"fields": found, "meta": null})))
}

fn validate_request(
    source: ApiSource,
    source_fields: &Map<String, Value>,
    call: &RequestContext<'_>,
) -> Result<(), ApiRefusal> {
    let mut complaints = Complaints::new(call.options);
    let path = format!("source.{}", source.json_key());
    let context = BodyContext::for_create(call.options);
    validate_object(&mut complaints, &path, source.field_specs(), source_fields, context);
    if complaints.is_empty() {
        rules::validate_source(source, source_fields, &mut complaints);
    }
    if !complaints.is_empty() {
        return Err(complaints.into_refusal());
    }
    if call.fault_parameters.is_unreachable {
        return Err(rules::connectivity::source_unreachable());
    }
    match rules::connectivity::connection_failure(source, source_fields) {
        Some(reason) => Err(ApiRefusal::bad_request(reason)),
        None => Ok(()),
    }
}

fn sample_fields(name: &str) -> Vec<SourceField> {
    // Two bits of the hash for each field: if it is there, and if it is optional.
    let picked = uuid::hash_text(name);
    let mut fields = vec![sample_field("id", "UInt64", false), sample_field("created_at", "DateTime64(3)", false)];
    for (index, (name, kind)) in SAMPLE_FIELDS.into_iter().enumerate() {
        if picked >> (2 * index) & 1 == 1 {
            fields.push(sample_field(name, kind, picked >> (2 * index + 1) & 1 == 1));
        }
    }
    fields
}

fn sample_field(name: &str, kind: &str, optional: bool) -> SourceField {
    SourceField { name: name.to_owned(), r#type: kind.to_owned(), optional }
}
