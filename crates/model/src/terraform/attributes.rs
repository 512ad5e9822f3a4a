//! From the provider's attributes to the fields of a manifest.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Reference, Remark};
use crate::address::Kind;
use crate::export::{Variables, literal};
use crate::mark;
use crate::path::Path;
use crate::reference::Node;
use crate::rules::Rules;

/// Attributes that are called otherwise than the field.
const RENAMED: &[(&str, &str)] = &[("password_wo", "password"), ("password_wo_version", "version")];

/// Attributes that say what stands elsewhere in a manifest, and what only the API knows.
const ELSEWHERE: &[(Kind, &[&str])] = &[
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

/// Attributes that say nothing with this value.
const IDLE: &[(&str, &str)] = &[
    ("source.kafka.schema_registry.type", "confluent"),
    ("source.bigquery.authentication", "SERVICE_ACCOUNT"),
];

/// Turns the attributes of one resource into the `spec` of its manifest.
pub(super) struct Attributes<'r> {
    kind: Kind,
    resource: &'r str,
    name: &'r str,
    variables: &'r mut Variables,
    remarks: &'r mut Vec<Remark>,
    pub(super) secrets: Vec<Reference>,
}

impl<'r> Attributes<'r> {
    pub(super) fn new(
        kind: Kind,
        resource: &'r str,
        name: &'r str,
        variables: &'r mut Variables,
        remarks: &'r mut Vec<Remark>,
    ) -> Self {
        Self { kind, resource, name, variables, remarks, secrets: Vec::new() }
    }

    pub(super) fn spec(&mut self, values: &Map<String, Value>) -> Value {
        let elsewhere = ELSEWHERE.iter().find(|(kind, _)| *kind == self.kind);
        let elsewhere = elsewhere.map_or([].as_slice(), |(_, names)| names);
        let own = values.iter().filter(|(name, _)| !elsewhere.contains(&name.as_str()));
        let own = own.map(|(name, value)| (name.clone(), value.clone())).collect();
        let own = without_the_servers_own(own, values);
        let mut spec = Map::new();
        if self.kind == Kind::ClickPipe && self.is_stopped(values) {
            spec.insert("state".to_owned(), Value::from("stopped"));
        }
        if let Some(node) = Node::document(self.kind).child("spec") {
            spec.extend(self.object(&node, &own, &Place::default()));
        }
        self.complete_logins(&mut spec);
        Value::Object(spec)
    }

    /// What is live counts: taking a pipe over must neither start nor stop it.
    fn is_stopped(&mut self, values: &Map<String, Value>) -> bool {
        let wanted = values.get("stopped").and_then(Value::as_bool);
        let state = values.get("state").and_then(Value::as_str);
        let live = state.map(|state| matches!(state, "Stopped" | "Paused"));
        if let (Some(wanted), Some(live)) = (wanted, live)
            && wanted != live
        {
            self.remark("stopped", "differs from the live state, which the manifest takes");
        }
        live.or(wanted).unwrap_or(false)
    }

    /// In the order of the schema, so that manifests read as the reference does.
    fn object(
        &mut self,
        node: &Node,
        given: &Map<String, Value>,
        at: &Place,
    ) -> Map<String, Value> {
        let mut rest: BTreeSet<&str> = given.keys().map(String::as_str).collect();
        let mut object = Map::new();
        for (field, child) in node.children() {
            for attribute in attributes_of(field) {
                let Some(value) = given.get(&attribute) else { continue };
                if child.is_marked(mark::ADDITIONAL) || !rest.remove(attribute.as_str()) {
                    continue;
                }
                if let Some(value) = self.value(&child, value, &at.child(&attribute, field)) {
                    object.insert(field.to_owned(), value);
                }
            }
        }
        for attribute in rest {
            self.not_understood(attribute, &given[attribute], at);
        }
        object
    }

    fn not_understood(&mut self, attribute: &str, value: &Value, at: &Place) {
        let at = at.child(attribute, attribute).attribute.to_string();
        if !is_unset(value) && !IDLE.iter().any(|(idle, word)| *idle == at && value == word) {
            self.remark(
                &at,
                "pipectl does not know this attribute: it is left out, and stays as it is on the \
                 live side. If the API returns it, it can be declared under `additional`",
            );
        }
    }

    fn value(&mut self, node: &Node, given: &Value, at: &Place) -> Option<Value> {
        if is_unset(given) {
            return None;
        }
        if node.is_secret() || self.holds_a_password(given, at) {
            return Some(self.secret(&at.field));
        }
        let is_object = !node.children().is_empty() && node.word("anyOf").is_none();
        match (given, node.item()) {
            (Value::Array(items), Some(item)) => {
                let items = items.iter().enumerate();
                let items = items.filter_map(|(index, value)| {
                    let index = index.to_string();
                    self.value(&item, value, &at.child(&index, &index))
                });
                Some(items.collect())
            }
            // Earlier versions of the provider wrote an object as a list of one.
            (Value::Array(items), None) if is_object && items.len() == 1 => {
                self.value(node, items.first()?, at)
            }
            (Value::Object(fields), None) if is_object => {
                let object = self.object(node, fields, at);
                (!object.is_empty()).then_some(Value::Object(object))
            }
            (Value::Array(_) | Value::Object(_), _) | (_, Some(_)) => self.misshapen(at),
            _ if is_object => self.misshapen(at),
            (Value::String(text), None) if node.word("type").is_some_and(|it| it == "integer") => {
                text.parse::<i64>().ok().map(Value::from).or_else(|| self.misshapen(at))
            }
            (Value::String(text), None) => Some(literal(text)),
            (value, None) => Some(value.clone()),
        }
    }

    fn misshapen(&mut self, at: &Place) -> Option<Value> {
        let message = "of another form than the API takes: it is left out";
        self.remark(&at.attribute.to_string(), message);
        None
    }

    fn holds_a_password(&self, value: &Value, at: &Place) -> bool {
        value.is_string() && Rules::of(self.kind).at(&at.field).shown(value) != *value
    }

    /// The state does not hold what was written with `password_wo`, and nothing after an import.
    fn complete_logins(&mut self, spec: &mut Map<String, Value>) {
        let Some(source) = spec.get_mut("source").and_then(Value::as_object_mut) else { return };
        for (arm, value) in source {
            let at = Path::root().child("source").child(arm);
            let Some(node) = Node::document(self.kind).at(&format!("spec.{at}")) else { continue };
            self.complete_login(&node, value, &at);
            let registry = node.child("schemaRegistry");
            if let (Some(node), Some(value)) = (registry, value.get_mut("schemaRegistry")) {
                self.complete_login(&node, value, &at.child("schemaRegistry"));
            }
        }
    }

    fn complete_login(&mut self, node: &Node, holder: &mut Value, at: &Path) {
        let Some(login) = node.child("credentials") else { return };
        let takes_login = login.child("username").is_some() && login.child("password").is_some();
        if !takes_login || holder["authentication"] == "IAM_ROLE" && !login.is_required() {
            return;
        }
        let at = at.child("credentials");
        if login.is_required() && holder.get("credentials").is_none() {
            let user = self.secret(&at.child("username"));
            holder["credentials"] = json!({ "username": user });
        }
        let has = |name: &str| holder["credentials"].get(name).is_some();
        if has("username") && !has("password") && holder["authentication"] != "IAM_ROLE" {
            holder["credentials"]["password"] = self.secret(&at.child("password"));
        }
    }

    fn secret(&mut self, field: &Path) -> Value {
        let path = Path::root().child("spec").join(field);
        let variable = self.variables.name(self.name, &path);
        self.secrets.push(Reference { path, variable: variable.clone() });
        json!({ "fromEnv": variable })
    }

    fn remark(&mut self, attribute: &str, message: &str) {
        let at = format!("{}.{attribute}", self.resource);
        self.remarks.push(Remark { at, message: message.to_owned() });
    }
}

/// The same place twice: as Terraform calls it, and as the manifest does.
#[derive(Default)]
struct Place {
    attribute: Path,
    field: Path,
}

impl Place {
    fn child(&self, attribute: &str, field: &str) -> Self {
        Self { attribute: self.attribute.child(attribute), field: self.field.child(field) }
    }
}

/// Null, and the empty text or list with which the provider says the same.
fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_unset),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A database pipe's table is made by its mappings, whatever the provider's default says; a
/// consumer group with the pipe's id in it is the server's choice.
fn without_the_servers_own(
    mut own: Map<String, Value>,
    values: &Map<String, Value>,
) -> Map<String, Value> {
    let generated = values.get("id").and_then(Value::as_str).map(|id| format!("clickpipes-{id}"));
    let of = |own: &Map<String, Value>, arm: &str| {
        own.get("source").and_then(|source| source.get(arm)).is_some_and(|arm| !is_unset(arm))
    };
    let database = ["postgres", "mysql", "mongodb", "bigquery"].iter().any(|arm| of(&own, arm));
    if let Some(Value::Object(destination)) = own.get_mut("destination").filter(|_| database) {
        destination.remove("managed_table");
    }
    let group = Path::parse("source.kafka.consumer_group");
    let mut whole = Value::Object(own);
    if generated.is_some() && group.get(&whole).and_then(Value::as_str) == generated.as_deref() {
        group.set(&mut whole, Value::Null);
    }
    match whole {
        Value::Object(own) => own,
        _ => Map::new(),
    }
}

/// What the provider may call a field.
fn attributes_of(field: &str) -> Vec<String> {
    let renamed = RENAMED.iter().filter(|(_, to)| *to == field).map(|(from, _)| (*from).to_owned());
    std::iter::once(snake(field)).chain(renamed).collect()
}

/// `replicaMemoryGb` as `replica_memory_gb`.
fn snake(field: &str) -> String {
    let parts = field.chars().map(|c| match c {
        c if c.is_ascii_uppercase() => format!("_{}", c.to_ascii_lowercase()),
        c => c.to_string(),
    });
    parts.collect()
}
