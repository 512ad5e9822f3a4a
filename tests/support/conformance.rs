//! Holds the bodies that tests send against the official schema, wherever that is at hand: `PIPECTL_OPENAPI` names it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::Validator;
use sandbox::World;
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

static DOCUMENT: LazyLock<Option<Document>> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "the document is not part of the repository")]
    let file = std::env::var("PIPECTL_OPENAPI").ok()?;
    let mut document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    unwrap_nullable(&mut document["components"]);
    let compile = |name: &'static str| {
        let schema = json!({"$ref": format!("#/components/schemas/{name}"), "components": document["components"]});
        (name, jsonschema::validator_for(&schema).unwrap())
    };
    let is_earlier = document["components"]["schemas"].get("ClickPipesServiceContext").is_none();
    Some(Document { validators: SCHEMAS.into_iter().map(compile).collect(), is_earlier })
});

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
    let Some(official) = &*DOCUMENT else { return };
    let accepted = world.request_log().iter().filter(|entry| entry.status == 200 && !entry.body.is_null());
    let mut found = BTreeSet::new();
    for entry in accepted {
        let Some(name) = schema_of(&entry.method, &entry.path) else { continue };
        found.extend(official.find_problems(name, &entry.body));
    }
    assert!(found.is_empty(), "{}", found.into_iter().collect::<Vec<_>>().join("\n"));
}

impl Document {
    fn find_problems(&self, name: &str, body: &Value) -> Vec<String> {
        let (_, validator) = self.validators.iter().find(|(other, _)| *other == name).unwrap();
        let problems = validator.iter_errors(body).map(|error| (error.instance_path().to_string(), error.to_string()));
        let problems =
            problems.filter(|(path, text)| !self.is_excepted(name, path, text) && !is_in_preview(path, body));
        problems.map(|(path, text)| format!("{name}{path}: {text}")).collect()
    }

    fn is_excepted(&self, name: &str, path: &str, text: &str) -> bool {
        let is_missing = |field: &str| text == format!("\"{field}\" is a required property");
        let mut required = EXCEPTIONS.iter().filter(|(schema, at, _)| *schema == name && *at == path);
        let later = LATER.iter().filter(|_| self.is_earlier);
        required.any(|(.., field)| is_missing(field))
            || later.chain(&PREVIEW).any(|(at, words)| *at == path && text.contains(words))
    }
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
    let Some(official) = &*DOCUMENT else { return };
    for (name, body, finds) in [
        ("ClickPipePatchRequest", json!({"source": {"mysql": {"tableMappingsToAdd": []}}}), false),
        ("ClickPipePatchRequest", json!({"source": {"mysql": {"host": 1, "port": 2}}}), true),
        ("ClickPipePostRequest", json!({"name": 7}), true),
    ] {
        assert_eq!(!official.find_problems(name, &body).is_empty(), finds, "{body}");
    }
}
