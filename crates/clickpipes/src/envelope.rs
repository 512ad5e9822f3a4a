//! What stands around the body of every object: version, kind, metadata, and the keys of `spec`
//! that are ours.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Map, Number, Value};

use crate::docs::SchemaNode;
use crate::validate::{CrossFieldRule, RuleContext, RuleFinding, RuleSet, custom_rule, flag_is};
use model::address::Kind;
use model::annotations;
use model::path::FieldPath;
use model::project::ApiVersion;
use model::text::{NonEmptyText, ObjectName, Uuid};

/// A manifest: one document of one kind.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "{K}Manifest")]
pub struct Envelope<K, M, S> {
    /// The version of the manifest's form.
    pub api_version: ApiVersion,
    /// What the manifest declares.
    pub kind: K,
    /// The name and the service of the object.
    pub metadata: M,
    /// What the object should be.
    pub spec: S,
}

/// The `metadata` of a pipe.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PipeMetadata {
    /// The live name. Service and name identify the pipe. To rename the pipe, list the old name
    /// under `previousNames`.
    pub name: ObjectName,
    /// The service that the pipe belongs to: an alias from the project file, a live service's name,
    /// or its UUID. By default, the service of the command line.
    pub service: Option<NonEmptyText>,
    /// Labels for selection and reports. They are never sent to the API.
    pub labels: Option<BTreeMap<String, String>>,
    /// Earlier names of the pipe. A live pipe with one of these names is renamed in place.
    pub previous_names: Option<Vec<ObjectName>>,
    /// The id of the live pipe. Needed only if several share the name.
    pub id: Option<Uuid>,
}

/// The `metadata` of a reverse private endpoint.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointMetadata {
    /// The description of the endpoint in the API. Service and name identify the endpoint. Pipes
    /// reference it by this name.
    #[schemars(transform = annotations::requires_replace)]
    pub name: ObjectName,
    /// The service that the endpoint belongs to: an alias from the project file, a live service's
    /// name, or its UUID. By default, the service of the command line.
    pub service: Option<NonEmptyText>,
    /// Labels for selection and reports. They are never sent to the API.
    pub labels: Option<BTreeMap<String, String>>,
    /// The id of the live endpoint. Needed only if several share the description.
    pub id: Option<Uuid>,
}

/// The `metadata` of the size of database pipes.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScalingMetadata {
    /// The service of the database pipes: an alias from the project file, a live service's name, or
    /// its UUID. By default, the service of the command line.
    pub service: Option<NonEmptyText>,
    /// Applies to the whole organization. Excludes `service`.
    pub organization: Option<bool>,
    /// Labels for selection and reports. They are never sent to the API.
    pub labels: Option<BTreeMap<String, String>>,
}

/// The rules of every kind that has a name.
pub(crate) const NAME_RULES: RuleSet = RuleSet {
    object_paths: &["metadata"],
    rules: &[custom_rule("previous-name-own", &["name", "previousNames"], own_name_as_previous)
        .with_help("list only the names that it had before")],
};

/// The rules of the kind that may belong to the organization.
pub(crate) const OWNER_RULES: RuleSet = RuleSet {
    object_paths: &["metadata"],
    rules: &[CrossFieldRule::forbidden_fields("service-and-organization", &["service"], flag_is("organization", true))
        .with_reason("it is one object or the other")],
};

fn own_name_as_previous(scope: &RuleContext) -> Vec<RuleFinding> {
    let own = scope.text_at("name");
    let names = scope.list_at("previousNames").iter().enumerate();
    names
        .filter(|(_, name)| own.is_some() && name.as_str() == own)
        .map(|(at, _)| {
            let path = FieldPath::parse("previousNames").child(at);
            RuleFinding::new(path, "the name is listed as a previous name of itself")
        })
        .collect()
}

/// The object in the API's own shape, from a manifest: the name, and `spec` without what is ours.
/// What stands under `additional` moves to the object around it. A `version` beside a group of
/// credentials moves into its references, where raising it shows as a change.
pub fn build_api_body(kind: Kind, document: &Value) -> Value {
    let spec = SchemaNode::for_kind(kind).child_field("spec");
    let mut body = Map::new();
    if let (Some(path), Some(name)) = (kind.name_path(), document["metadata"].get("name")) {
        body.insert(path.to_string(), name.clone());
    }
    if let (Some(spec), Value::Object(fields)) = (spec, &document["spec"]) {
        body.extend(strip_object(&spec, fields));
    }
    Value::Object(body)
}

/// Where the value at `path` of a manifest stands in the body; `None` for what is ours alone.
pub fn to_body_path(kind: Kind, path: &FieldPath) -> Option<FieldPath> {
    let (first, rest) = path.segments().split_first()?;
    if first == "metadata" {
        return kind.name_path().filter(|_| rest == ["name"]);
    }
    if first != "spec" {
        return None;
    }
    let mut node = SchemaNode::for_kind(kind).child_field("spec");
    let mut found = FieldPath::root();
    for segment in rest {
        node = node.and_then(|node| node.child_or_item(segment));
        match &node {
            Some(node) if node.has_keyword(annotations::LOCAL_ONLY) => return None,
            Some(node) if node.has_keyword(annotations::ADDITIONAL) => {}
            _ => found = found.child(segment),
        }
    }
    Some(found)
}

fn strip_value(node: &SchemaNode, value: &Value) -> Value {
    match value {
        Value::Object(fields) => strip_object(node, fields).into(),
        Value::Array(items) => match node.list_item() {
            Some(item) => items.iter().map(|value| strip_value(&item, value)).collect(),
            None => value.clone(),
        },
        Value::Number(number) => whole_number(number).map_or_else(|| value.clone(), Value::from),
        _ => value.clone(),
    }
}

/// A whole number that is written with a fraction or an exponent, such as `5432.0` or `2e0`: the API refuses it.
fn whole_number(number: &Number) -> Option<i64> {
    let float = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0)?;
    format!("{float:.0}").parse().ok()
}

fn strip_object(node: &SchemaNode, fields: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    let mut extra = None;
    for (name, value) in fields {
        match node.child_field(name) {
            Some(field) if field.has_keyword(annotations::LOCAL_ONLY) => {}
            Some(field) if field.has_keyword(annotations::ADDITIONAL) => extra = value.as_object(),
            Some(field) => drop(kept.insert(name.clone(), strip_value(&field, value))),
            None => drop(kept.insert(name.clone(), value.clone())),
        }
    }
    spread_group_version(node, fields, &mut kept);
    if let Some(extra) = extra {
        merge_additional(&mut kept, extra);
    }
    kept
}

/// The version of a group of credentials becomes that of each reference in it.
fn spread_group_version(node: &SchemaNode, fields: &Map<String, Value>, kept: &mut Map<String, Value>) {
    let local = |name: &str| node.child_field(name).is_some_and(|field| field.has_keyword(annotations::LOCAL_ONLY));
    let Some(version) = fields.get("version").filter(|_| local("version")) else { return };
    for (name, value) in kept {
        let Value::Object(reference) = value else { continue };
        if node.child_field(name).is_some_and(|field| field.can_be_secret()) {
            reference.entry("version").or_insert_with(|| version.clone());
        }
    }
}

/// What is declared in its own place wins; [`crate::validate::find_problems`] refuses the other.
fn merge_additional(kept: &mut Map<String, Value>, extra: &Map<String, Value>) {
    for (name, value) in extra {
        match (kept.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => merge_additional(inner, more),
            (Some(_), _) => {}
            (None, value) => drop(kept.insert(name.clone(), value.clone())),
        }
    }
}
