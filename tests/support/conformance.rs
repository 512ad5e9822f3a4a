//! Holds the bodies that tests send against the official schema, wherever that is at hand: `PIPECTL_OPENAPI` names it, or
//! several, separated as in `PATH`: the one of July 2026 and a later one.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use sandbox::{UnknownFields, World};
use serde_json::{Value, json};

/// What a body may lack although the schema requires it, with the evidence.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    // The API checks a connection field with the credentials of the same request, and refuses it without any (seen live for
    // MongoDB). The official provider omits these since July 2026, and its edits work on the live API.
    ("ClickPipePatchRequest", "/source/mysql", "host"),
    ("ClickPipePatchRequest", "/source/mysql", "port"),
    ("ClickPipePatchRequest", "/source/mongodb", "uri"),
    ("ClickPipePatchRequest", "/source/mongodb", "readPreference"),
    // The examples of the reference page omit it.
    ("ClickPipePostRequest", "/destination", "database"),
    // Seen live: a switch of `authentication` alone is accepted. The provider sends a key only if it changed.
    ("ClickPipePatchRequest", "/source/pubsub", "serviceAccountKey"),
    ("ClickPipePatchRequest", "/source/pubsub", "authentication"),
];

/// Fields of which the schema of July 2026 does not have the words of autumn, or wants something else beside them.
const LATER: [(&str, &str); 6] = [
    ("/source/kafka/authentication", "is not one of"),
    ("/source/kinesis/format", "is not one of"),
    ("/source/objectStorage/authentication", "is not one of"),
    ("/source/pubsub/authentication", "is not one of"),
    ("/source/pubsub", "\"serviceAccountKey\" is a required property"),
    ("/settings/object_storage_max_insert_bytes", "is"),
];

/// Words that only the official provider has.
const PREVIEW: [(&str, &str); 1] = [("/source/mysql/type", "is not one of")];

/// Fields that the schema of July 2026 does not have, where they stand in a request. A later one has them.
const LATER_FIELDS: &[(&str, &str)] = &[
    ("", "startPaused"),
    ("", "kafka_read_committed"),
    ("/settings", "kafka_read_committed"),
    ("/customPrivateDnsMappings/*", "targetId"),
    ("/destination/tableDefinition", "ttl"),
    ("/source/bigquery", "authentication"),
    ("/source/bigquery", "projectId"),
    ("/source/kafka", "protobufSchema"),
    ("/source/kafka", "tombstoneMode"),
    ("/source/kafka/schemaRegistry", "type"),
    ("/source/kafka/schemaRegistry", "glueRegion"),
    ("/source/kafka/schemaRegistry", "glueRegistryName"),
    ("/source/kafka/schemaRegistry", "glueRoleArn"),
    ("/source/kinesis", "protobufSchema"),
    ("/source/kinesis", "schemaRegistry"),
    ("/source/mongodb/settings", "initialLoadParallelism"),
    ("/source/mysql/tableMappings/*", "partitionByExpr"),
    ("/source/mysql/tableMappingsToAdd/*", "partitionByExpr"),
    ("/source", "objectStorage"),
    ("/source", "pubsub"),
];

/// Fields that only the official provider has, in its commits of autumn 2026.
const PREVIEW_FIELDS: &[(&str, &str)] = &[
    ("/source/kafka", "sshKeyResourceId"),
    ("/source/postgres", "sshKeyResourceId"),
    ("/source/mysql", "sshKeyResourceId"),
    ("/source/mongodb", "sshKeyResourceId"),
    ("/source/bigquery/settings", "replicationMethod"),
    ("/source/bigquery/settings", "syncIntervalSeconds"),
    ("/source/bigquery/settings", "queryCdcPullSyncParallelism"),
    ("/source/bigquery/settings", "syncDelaySeconds"),
    ("/source/bigquery/settings", "pullWindowSizeSeconds"),
    ("/source/bigquery/tableMappings/*", "queryCdcWatermarkColumn"),
    ("/source/bigquery/tableMappings/*", "eventsFunction"),
];

/// Fields that only the API reference page has.
const PAGE_FIELDS: &[(&str, &str)] = &[("", "action")];

const SCHEMAS: [&str; 9] = [
    "ClickPipePostRequest",
    "ClickPipePatchRequest",
    "ClickPipeScalingPatchRequest",
    "ClickPipeSettingsPutRequest",
    "ClickPipeStatePatchRequest",
    "ClickPipesCdcScalingPatchRequest",
    "ClickPipeSchemaDiscoveryRequest",
    "CreateReversePrivateEndpoint",
    "UpdateReversePrivateEndpoint",
];

struct Document {
    validators: Vec<(&'static str, Validator)>,
    /// Whether it is the one of July 2026.
    is_earlier: bool,
}

static DOCUMENTS: LazyLock<Vec<Document>> = LazyLock::new(|| {
    let files = std::env::var_os("PIPECTL_OPENAPI").unwrap_or_default();
    let files = std::env::split_paths(&files).filter(|file| !file.as_os_str().is_empty());
    files.map(|file| Document::parse(&std::fs::read_to_string(file).unwrap())).collect()
});

impl Document {
    fn parse(text: &str) -> Self {
        let mut document: Value = serde_json::from_str(text).unwrap();
        unwrap_nullable(&mut document["components"]);
        close_objects(&mut document["components"]["schemas"]);
        let compile = |name: &'static str| {
            let schema = json!({"$ref": format!("#/components/schemas/{name}"), "components": document["components"]});
            (name, jsonschema::validator_for(&schema).unwrap())
        };
        let is_earlier = document["components"]["schemas"].get("ClickPipesServiceContext").is_none();
        Self { validators: SCHEMAS.into_iter().map(compile).collect(), is_earlier }
    }
}

/// Lets an object have the fields that the schema names, and no others.
pub(crate) fn close_objects(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(close_objects);
            // A field may have the name of the keyword.
            let is_schema = fields.get("properties").is_some_and(|it| it.get("type").is_none_or(Value::is_object));
            if is_schema && fields.get("properties").is_some_and(Value::is_object) {
                fields.entry("additionalProperties").or_insert(Value::Bool(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close_objects),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Replaces a choice between something and null by the first: a problem inside is then reported by itself. No body contains
/// a null. Any other choice is met by at least one branch.
fn unwrap_nullable(schema: &mut Value) {
    if let Some(choice) = schema.get("oneOf").or(schema.get("anyOf")).and_then(Value::as_array) {
        let others: Vec<Value> = choice.iter().filter(|branch| branch["type"] != "null").cloned().collect();
        if let [only] = others.as_slice() {
            *schema = only.clone();
        }
    }
    match schema {
        Value::Object(fields) => {
            // Some branches require nothing, so that a body fits several of them: the schema does not mean that.
            if let Some(choice) = fields.remove("oneOf") {
                fields.insert("anyOf".to_owned(), choice);
            }
            fields.values_mut().for_each(unwrap_nullable);
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap_nullable),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Checks the bodies that a world has accepted.
pub(crate) fn check_requests(world: &World) {
    // Such a world takes fields that tests have made up.
    let has_made_up_fields = world.options().unknown_fields == UnknownFields::Accept;
    let accepted = world.request_log().iter().filter(|entry| entry.status == 200 && !entry.body.is_null());
    let mut found = BTreeSet::new();
    for entry in accepted {
        let Some(name) = schema_of(&entry.method, &entry.path) else { continue };
        let problems = DOCUMENTS.iter().flat_map(|document| document.find_problems(name, &entry.body));
        let problems = problems.filter(|problem| !(has_made_up_fields && problem.unknown_field.is_some()));
        found.extend(problems.map(|problem| problem.text));
    }
    assert!(found.is_empty(), "{}", found.into_iter().collect::<Vec<_>>().join("\n"));
}

struct Problem {
    /// The path in the body, with `*` for each entry of a list.
    path: String,
    unknown_field: Option<String>,
    text: String,
}

impl Document {
    fn find_problems(&self, name: &str, body: &Value) -> Vec<Problem> {
        let (_, validator) = self.validators.iter().find(|(other, _)| *other == name).unwrap();
        let mut problems = Vec::new();
        let mut body = body.clone();
        let later = LATER_FIELDS.iter().filter(|_| self.is_earlier);
        for (at, field) in later.chain(PREVIEW_FIELDS).chain(PAGE_FIELDS) {
            remove_field(&mut body, &at.split('/').skip(1).collect::<Vec<_>>(), field);
        }
        let body = &body;
        for error in validator.iter_errors(body) {
            let path = error.instance_path().to_string();
            if is_in_preview(&path, body) {
                continue;
            }
            let unknown: Vec<_> = match error.kind() {
                ValidationErrorKind::AdditionalProperties { unexpected } => {
                    unexpected.iter().cloned().map(Some).collect()
                }
                _ => vec![None],
            };
            let path = general_path(&path);
            problems.extend(unknown.into_iter().map(|unknown_field| Problem {
                text: match &unknown_field {
                    Some(field) => format!("{name}{path}: no field `{field}`"),
                    None => format!("{name}{path}: {error}"),
                },
                path: path.clone(),
                unknown_field,
            }));
        }
        let year = if self.is_earlier { "July 2026" } else { "later" };
        problems.retain(|problem| !self.is_excepted(name, problem));
        for problem in &mut problems {
            problem.text.insert_str(0, &format!("{year}: "));
        }
        problems
    }

    fn is_excepted(&self, name: &str, Problem { path, unknown_field, text }: &Problem) -> bool {
        if unknown_field.is_some() {
            return false;
        }
        let is_missing = |field: &str| text.ends_with(&format!(": \"{field}\" is a required property"));
        let mut required = EXCEPTIONS.iter().filter(|(schema, at, _)| *schema == name && at == path);
        let later = LATER.iter().filter(|_| self.is_earlier);
        required.any(|(.., field)| is_missing(field))
            || later.chain(&PREVIEW).any(|(at, words)| at == path && text.contains(words))
    }
}

/// Takes the field away wherever the path leads to it; `*` is each entry of a list.
fn remove_field(body: &mut Value, path: &[&str], field: &str) {
    match (path, body) {
        ([], Value::Object(fields)) => drop(fields.shift_remove(field)),
        (["*", rest @ ..], Value::Array(items)) => items.iter_mut().for_each(|item| remove_field(item, rest, field)),
        ([first, rest @ ..], Value::Object(fields)) => {
            fields.get_mut(*first).into_iter().for_each(|value| remove_field(value, rest, field));
        }
        _ => {}
    }
}

fn general_path(path: &str) -> String {
    let is_index = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    path.split('/').map(|part| if is_index(part) { "*" } else { part }).collect::<Vec<_>>().join("/")
}

/// Changes of BigQuery are known from commits of the official provider, and from no schema.
fn is_in_preview(path: &str, body: &Value) -> bool {
    const AT: &str = "/source/bigquery";
    let mode = body.pointer(AT).map(|source| &source["settings"]["replicationMode"]);
    path.starts_with(AT) && mode.is_some_and(|mode| mode != "snapshot")
}

fn schema_of(method: &str, path: &str) -> Option<&'static str> {
    let path = path.trim_end_matches('/');
    let parts: Vec<&str> = path.rsplit('/').take(2).collect();
    // The scaling of a whole organization is only on the reference page.
    if !path.contains("/services/") {
        return None;
    }
    Some(match (method, parts.as_slice()) {
        ("POST", ["clickpipes", ..]) => "ClickPipePostRequest",
        ("POST", ["schemaDiscovery", ..]) => "ClickPipeSchemaDiscoveryRequest",
        ("POST", ["clickpipesReversePrivateEndpoints", ..]) => "CreateReversePrivateEndpoint",
        ("PATCH", [_, "clickpipesReversePrivateEndpoints"]) => "UpdateReversePrivateEndpoint",
        ("PATCH", ["clickpipesCdcScaling", ..]) => "ClickPipesCdcScalingPatchRequest",
        ("PATCH", [_, "clickpipes"]) => "ClickPipePatchRequest",
        ("PATCH", ["scaling", ..]) => "ClickPipeScalingPatchRequest",
        ("PATCH", ["state", ..]) if path.contains("/clickpipes/") => "ClickPipeStatePatchRequest",
        ("PUT", ["settings", ..]) => "ClickPipeSettingsPutRequest",
        _ => return None,
    })
}

/// The check would find what it must.
#[test]
fn wrong_bodies_do_not_conform() {
    for (name, body, finds) in [
        ("ClickPipePatchRequest", json!({"source": {"mysql": {"tableMappingsToAdd": []}}}), false),
        ("ClickPipePatchRequest", json!({"source": {"mysql": {"host": 1, "port": 2}}}), true),
        ("ClickPipePostRequest", json!({"name": 7}), true),
        ("ClickPipePostRequest", json!({"madeUp": 7}), true),
        ("ClickPipePostRequest", json!({"source": {"mysql": {"tableMappings": [{"madeUp": 7}]}}}), true),
    ] {
        for official in &*DOCUMENTS {
            assert_eq!(!official.find_problems(name, &body).is_empty(), finds, "{body}");
        }
    }
}
