//! Converts attributes of the provider to fields of a manifest.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::state::TerraformResource;
use super::{ImportRemark, SecretVariable};
use crate::export::{EnvNames, escape_variables};
use clickpipes::kinds::manifest_fields;
use clickpipes::likely_secret::has_likely_secret;
use clickpipes::pipe::{SourceFamily, SourceKind};
use clickpipes::semantics::{FieldSemantics, has_masked_text};
use model::address::Kind;
use model::annotations;
use model::env_name::to_snake_case;
use model::path::FieldPath;
use model::schema_validator::FieldNode;

/// The ends of write-only attributes: Terraform keeps the version, and never the secret. The version is a counter of
/// the provider, and not a field of the API.
const WRITE_ONLY_END: &str = "_wo";
const WRITE_ONLY_VERSION_END: &str = "_wo_version";

/// Attributes that belong to another part of the manifest, or that only the API sets.
const NON_SPEC_ATTRIBUTES: &[(Kind, &[&str])] = &[
    (Kind::ClickPipe, &["id", "service_id", "name", "state", "stopped", "trigger_resync"]),
    (Kind::CdcScaling, &["id", "service_id"]),
    (
        Kind::ReversePrivateEndpoint,
        &[
            "id",
            "service_id",
            "description",
            "endpoint_id",
            "dns_names",
            "private_dns_names",
            "private_dns_mappings",
            "dns_targets",
            "status",
        ],
    ),
];

// Attributes of newer versions of the provider. With these values they mean the same as a manifest without
// the field, so a remark would only alarm.
const NO_OP_VALUES: &[(&str, &str)] =
    &[("source.kafka.schema_registry.type", "confluent"), ("source.bigquery.authentication", "SERVICE_ACCOUNT")];

pub(super) struct AttributeConverter<'r> {
    kind: Kind,
    resource: &'r TerraformResource<'r>,
    name: &'r str,
    variables: &'r mut EnvNames,
    remarks: &'r mut Vec<ImportRemark>,
    pub(super) secrets: Vec<SecretVariable>,
}

impl<'r> AttributeConverter<'r> {
    pub(super) fn new(
        kind: Kind,
        resource: &'r TerraformResource<'r>,
        name: &'r str,
        variables: &'r mut EnvNames,
        remarks: &'r mut Vec<ImportRemark>,
    ) -> Self {
        Self { kind, resource, name, variables, remarks, secrets: Vec::new() }
    }

    pub(super) fn build_spec(&mut self, values: &Map<String, Value>) -> Value {
        let elsewhere = NON_SPEC_ATTRIBUTES.iter().find(|(kind, _)| *kind == self.kind);
        let elsewhere = elsewhere.map_or([].as_slice(), |(_, names)| names);
        let own = values.iter().filter(|(name, _)| !elsewhere.contains(&name.as_str()));
        let own = own.map(|(name, value)| (name.clone(), value.clone())).collect();
        let own = drop_server_defaults(own, values);
        let mut spec = Map::new();
        if self.kind == Kind::ClickPipe && self.is_stopped(values) {
            spec.insert("state".to_owned(), Value::from("stopped"));
        }
        if let Some(node) = manifest_fields(self.kind).child_field("spec") {
            spec.extend(self.convert_object(node, &own, &AttributePath::default()));
        }
        self.complete_logins(&mut spec);
        Value::Object(spec)
    }

    fn is_stopped(&mut self, values: &Map<String, Value>) -> bool {
        // The live state wins: the import must neither start nor stop a pipe. The provider writes `stopped` and never
        // reads it back, so a pipe that was paused in the console still has `false` there.
        let desired = values.get("stopped").and_then(Value::as_bool);
        let state = values.get("state").and_then(Value::as_str);
        let live = state.map(|state| matches!(state, "Stopped" | "Paused"));
        if let (Some(desired), Some(live)) = (desired, live)
            && desired != live
        {
            self.add_remark("stopped", "differs from the live state, which the manifest takes");
        }
        live.or(desired).unwrap_or(false)
    }

    /// In the order of the schema, as in the reference.
    fn convert_object(
        &mut self,
        node: &FieldNode,
        given: &Map<String, Value>,
        at: &AttributePath,
    ) -> Map<String, Value> {
        let mut rest: BTreeSet<&str> = given.keys().map(String::as_str).collect();
        let mut object = Map::new();
        for (field, child) in node.child_fields() {
            for attribute in attribute_names(field, given) {
                let Some(value) = given.get(&attribute) else { continue };
                if child.has_keyword(annotations::ADDITIONAL) || !rest.remove(attribute.as_str()) {
                    continue;
                }
                if let Some(value) = self.convert_value(child, value, &at.child_path(&attribute, field)) {
                    object.insert(field.to_owned(), value);
                }
            }
            if !object.contains_key(field) && is_write_only_secret(field, child, given) {
                object.insert(field.to_owned(), self.add_secret_reference(&at.child_path(field, field).field));
            }
        }
        // The provider passes the names of a map such as `settings` as they are.
        let is_verbatim = node.child_fields().any(|(field, _)| field.contains('_'));
        let unknown = rest.into_iter().filter(|attribute| !attribute.ends_with(WRITE_ONLY_VERSION_END));
        let unknown = unknown.filter_map(|attribute| {
            let value = self.convert_unknown(attribute, &given[attribute], at)?;
            Some((if is_verbatim { attribute.to_owned() } else { to_camel_case(attribute) }, value))
        });
        let unknown: Map<String, Value> = unknown.collect();
        if let Some(additional) = node.additional_field().filter(|_| !unknown.is_empty()) {
            object.insert(additional.to_owned(), unknown.into());
        }
        object
    }

    /// The value for `additional`; `None` if it is empty, or may be a secret.
    fn convert_unknown(&mut self, attribute: &str, value: &Value, at: &AttributePath) -> Option<Value> {
        let place = at.child_path(attribute, attribute).attribute;
        let path = place.to_string();
        if is_unset_attribute(value) || NO_OP_VALUES.iter().any(|(idle, word)| *idle == path && value == word) {
            return None;
        }
        let unknown = "pipectl does not know this attribute";
        // The state contains secrets in plain text, and their names do not reveal all of them. `sensitive_values` does.
        let may_be_secret = match self.resource.sensitive {
            Some(marks) => is_sensitive(marks, place.segments()),
            None => has_text(value),
        };
        if may_be_secret || has_likely_secret(&path, value) {
            let message = format!(
                "{unknown}: it is left out, as it may be a secret, and its live value is kept. You can \
                 declare it under `additional`"
            );
            self.add_remark(&path, &message);
            return None;
        }
        let message = format!("{unknown}: it is under `additional`, with the name that the API probably uses");
        self.add_remark(&path, &message);
        Some(convert_unknown_value(value))
    }

    fn convert_value(&mut self, node: &FieldNode, given: &Value, at: &AttributePath) -> Option<Value> {
        if is_unset_attribute(given) {
            return None;
        }
        // Before anything else: no part of a secret may reach the manifest.
        if node.is_secret() || self.has_password(given, at) {
            return Some(self.add_secret_reference(&at.field));
        }
        if self.is_masked(given, at) {
            self.add_remark(&at.attribute.to_string(), "hidden by the API: its value is left out");
            return node.can_be_secret().then(|| self.add_secret_reference(&at.field));
        }
        let is_object = node.has_child_fields() && !node.is_choice();
        match (given, node.list_item()) {
            (Value::Array(items), Some(item)) => {
                let items = items.iter().enumerate();
                let items = items.filter_map(|(index, value)| {
                    let index = index.to_string();
                    self.convert_value(item, value, &at.child_path(&index, &index))
                });
                Some(items.collect())
            }
            // Earlier versions of the provider wrote an object as a list of one.
            (Value::Array(items), None) if is_object && items.len() == 1 => {
                self.convert_value(node, items.first()?, at)
            }
            (Value::Object(fields), None) if is_object => {
                let object = self.convert_object(node, fields, at);
                (!object.is_empty()).then_some(Value::Object(object))
            }
            (Value::Array(_) | Value::Object(_), _) | (_, Some(_)) => self.report_wrong_shape(at),
            _ if is_object => self.report_wrong_shape(at),
            (Value::String(text), None) if node.keyword_value("type").is_some_and(|it| it == "integer") => {
                text.parse::<i64>().ok().map(Value::from).or_else(|| self.report_wrong_shape(at))
            }
            (Value::String(text), None) => Some(escape_variables(text)),
            (value, None) => Some(value.clone()),
        }
    }

    fn report_wrong_shape(&mut self, at: &AttributePath) -> Option<Value> {
        let message = "not in the form that the API takes: it is left out";
        self.add_remark(&at.attribute.to_string(), message);
        None
    }

    fn has_password(&self, value: &Value, at: &AttributePath) -> bool {
        value.is_string() && FieldSemantics::for_kind(self.kind).field_at(&at.field).shown(value) != *value
    }

    // The provider stores what the API answers, masks included.
    fn is_masked(&self, value: &Value, at: &AttributePath) -> bool {
        let rules = FieldSemantics::for_kind(self.kind).field_at(&at.field);
        value.is_string() && (has_masked_text(value) || rules.is_masked_uri(value))
    }

    fn complete_logins(&mut self, spec: &mut Map<String, Value>) {
        // The state lacks passwords that were written with `password_wo`, and all logins after an import.
        let Some(source) = spec.get_mut("source").and_then(Value::as_object_mut) else { return };
        for (source_kind, value) in source {
            let at = FieldPath::root().child("source").child(source_kind);
            let Some(node) = manifest_fields(self.kind).node_at(&FieldPath::parse("spec").join(&at)) else {
                continue;
            };
            self.complete_login(node, value, &at);
            let registry = node.child_field("schemaRegistry");
            if let (Some(node), Some(value)) = (registry, value.get_mut("schemaRegistry")) {
                self.complete_login(node, value, &at.child("schemaRegistry"));
            }
        }
    }

    fn complete_login(&mut self, node: &FieldNode, holder: &mut Value, at: &FieldPath) {
        let Some(login) = node.child_field("credentials") else { return };
        let takes_login = login.child_field("username").is_some() && login.child_field("password").is_some();
        if !takes_login || holder["authentication"] == "IAM_ROLE" && !login.is_required() {
            return;
        }
        let at = at.child("credentials");
        if login.is_required() && holder.get("credentials").is_none() {
            let user = self.add_secret_reference(&at.child("username"));
            holder["credentials"] = json!({ "username": user });
        }
        let has = |name: &str| holder["credentials"].get(name).is_some();
        if has("username") && !has("password") && holder["authentication"] != "IAM_ROLE" {
            holder["credentials"]["password"] = self.add_secret_reference(&at.child("password"));
        }
    }

    fn add_secret_reference(&mut self, field: &FieldPath) -> Value {
        let path = FieldPath::root().child("spec").join(field);
        let variable = self.variables.unique_name(self.name, &path);
        self.secrets.push(SecretVariable { path, variable: variable.clone() });
        json!({ "fromEnv": variable })
    }

    fn add_remark(&mut self, attribute: &str, message: &str) {
        let location = format!("{}.{attribute}", self.resource.address);
        self.remarks.push(ImportRemark { location, message: message.to_owned() });
    }
}

/// One place with its paths in Terraform and in the manifest.
#[derive(Default)]
struct AttributePath {
    attribute: FieldPath,
    field: FieldPath,
}

impl AttributePath {
    fn child_path(&self, attribute: &str, field: &str) -> Self {
        Self { attribute: self.attribute.child(attribute), field: self.field.child(field) }
    }
}

fn is_unset_attribute(value: &Value) -> bool {
    // The provider writes an unset attribute as null, and some as an empty text or list.
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_unset_attribute),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn drop_server_defaults(mut own: Map<String, Value>, values: &Map<String, Value>) -> Map<String, Value> {
    let generated = values.get("id").and_then(Value::as_str).map(|id| format!("clickpipes-{id}"));
    let is_set = |kind: &&SourceKind| {
        let source = own.get("source").and_then(|source| source.get(to_snake_case(kind.spec().key)));
        source.is_some_and(|source| !is_unset_attribute(source))
    };
    let source = SourceKind::ALL.iter().find(is_set);
    let is_database_pipe = source.is_some_and(|kind| kind.spec().family == SourceFamily::Database);
    if let Some(Value::Object(destination)) = own.get_mut("destination").filter(|_| is_database_pipe) {
        // The provider fills in `true`, also for database pipes, for which the API refuses the field.
        destination.remove("managed_table");
    }
    let group = FieldPath::parse("source.kafka.consumer_group");
    // A consumer group with the id of the pipe was generated by the API: declared, it would fix the group of
    // another pipe after a replacement.
    let mut whole = Value::Object(own);
    if generated.is_some() && group.value_in(&whole).and_then(Value::as_str) == generated.as_deref() {
        group.set_in(&mut whole, Value::Null);
    }
    match whole {
        Value::Object(own) => own,
        _ => Map::new(),
    }
}

/// In the spelling of the API: without unset attributes, and in `camelCase`.
fn convert_unknown_value(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let set = fields
                .iter()
                .filter(|(name, value)| !is_unset_attribute(value) && !name.ends_with(WRITE_ONLY_VERSION_END));
            Value::Object(set.map(|(name, value)| (to_camel_case(name), convert_unknown_value(value))).collect())
        }
        Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(convert_unknown_value).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// Whether the attribute, a parent or a part of it is marked.
fn is_sensitive(marks: &Value, path: &[String]) -> bool {
    match (marks, path) {
        (Value::Object(fields), [name, below @ ..]) => fields.get(name).is_some_and(|marks| is_sensitive(marks, below)),
        // An object as a list of one has no index in the path.
        (Value::Array(items), path) => {
            let below = path.split_first().filter(|(index, _)| index.parse::<usize>().is_ok());
            let below = below.map_or(path, |(_, below)| below);
            items.iter().any(|marks| is_sensitive(marks, below))
        }
        (Value::Object(fields), []) => fields.values().any(|marks| is_sensitive(marks, &[])),
        (marks, _) => *marks == true,
    }
}

fn has_text(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().any(has_text),
        Value::Object(fields) => fields.values().any(has_text),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The attributes for a field: `password` or `password_wo`, and for `version` the version of any secret.
fn attribute_names(field: &str, given: &Map<String, Value>) -> Vec<String> {
    let name = to_snake_case(field);
    let versions = given.keys().filter(|name| field == "version" && name.ends_with(WRITE_ONLY_VERSION_END));
    let write_only = format!("{name}{WRITE_ONLY_END}");
    [name, write_only].into_iter().chain(versions.cloned()).collect()
}

/// Whether the state has only the version of a secret.
fn is_write_only_secret(field: &str, node: &FieldNode, given: &Map<String, Value>) -> bool {
    let version = given.get(&format!("{}{WRITE_ONLY_VERSION_END}", to_snake_case(field)));
    node.can_be_secret() && version.is_some_and(|version| !is_unset_attribute(version))
}

/// `replica_memory_gb` as `replicaMemoryGb`.
fn to_camel_case(attribute: &str) -> String {
    let mut words = attribute.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let initial = letters.next().map(|letter| letter.to_ascii_uppercase());
        name + &initial.into_iter().chain(letters).collect::<String>()
    })
}
