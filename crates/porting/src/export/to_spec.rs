//! Converts a live body to the `spec` of a manifest.

use serde_json::{Map, Value, json};

use super::EndpointNames;
use clickpipes::kinds::manifest_fields;
use clickpipes::likely_secret::has_likely_secret;
use clickpipes::semantics::{FieldSemantics, RESPONSE_ONLY_FIELDS, has_masked_text};
use model::address::Address;
use model::annotations;
use model::live::{Id, Object};
use model::path::FieldPath;
use model::schema_validator::FieldNode;

#[derive(Default)]
pub(super) struct ExtractedSpec {
    pub(super) spec: Value,
    /// Fields whose values contained a secret, from the root of the document.
    pub(super) secret_paths: Vec<FieldPath>,
    /// Fields that are omitted, because they contain a secret and accept no reference.
    pub(super) withheld_paths: Vec<FieldPath>,
    pub(super) remarks: Vec<String>,
    /// The reasons why no manifest can declare the object.
    pub(super) blockers: Vec<String>,
}

pub(super) fn extract_spec(address: &Address, object: &Object, endpoints: &EndpointNames) -> ExtractedSpec {
    let rules = FieldSemantics::for_kind(address.kind);
    let mut builder = SpecBuilder { address, id: object.id.as_str(), endpoints, extracted: ExtractedSpec::default() };
    let body = rules.normalize_live(&object.body);
    if let (Some(node), Value::Object(fields)) = (manifest_fields(address.kind).child_field("spec"), &body) {
        builder.extracted.spec = builder.build_object(node, rules, fields, &FieldPath::root()).into();
    }
    builder.extracted
}

/// Escapes `${`, which begins a variable in a manifest.
pub(crate) fn escape_variables(text: &str) -> Value {
    Value::from(escape_text(text))
}

pub(crate) fn escape_text(text: &str) -> String {
    text.replace("${", "$${")
}

/// The text that [`escape_text`] escaped.
pub(crate) fn unescape_text(text: &str) -> String {
    text.replace("$${", "${")
}

struct SpecBuilder<'r> {
    address: &'r Address,
    id: &'r str,
    endpoints: &'r EndpointNames,
    extracted: ExtractedSpec,
}

impl SpecBuilder<'_> {
    /// The known fields in the order of the schema, and the others under `additional`.
    fn build_object(
        &mut self,
        node: &FieldNode,
        rules: &FieldSemantics,
        fields: &Map<String, Value>,
        path: &FieldPath,
    ) -> Map<String, Value> {
        let mut taken = Map::new();
        for (name, child) in node.child_fields() {
            let Some(value) = fields.get(name) else { continue };
            if child.has_keyword(annotations::LOCAL_ONLY) {
                continue;
            }
            let value = self.build_value(child, rules.child_field(name), value, &path.child(name));
            taken.extend(value.map(|value| (name.to_owned(), value)));
        }
        let is_own =
            |name: &str| node.child_field(name).is_some_and(|field| !field.has_keyword(annotations::LOCAL_ONLY));
        let mut unknown = Map::new();
        for (name, value) in fields.iter().filter(|(name, _)| !is_own(name)) {
            let value = self.build_unknown_field(name, value, &path.child(name));
            unknown.extend(value.map(|value| (name.clone(), value)));
        }
        if let Some(additional) = node.additional_field().filter(|_| !unknown.is_empty()) {
            taken.insert(additional.to_owned(), unknown.into());
        }
        taken
    }

    /// `None` if an absent field means the same.
    fn build_value(
        &mut self,
        node: &FieldNode,
        rules: &FieldSemantics,
        value: &Value,
        path: &FieldPath,
    ) -> Option<Value> {
        // A default is omitted, so that the manifest declares only what somebody chose. References to secrets are
        // filled in later.
        if is_empty_value(value) || is_default_value(node, rules, value) || rules.is_secret {
            return None;
        }
        // The zeros that the API shows during a change of the size would be sent as the desired size.
        if !value.is_object() && rules.is_unsettled(Some(value)) {
            self.add_remark(format!("`{path}` is left out: the API has not settled it ({value})"));
            return None;
        }
        if !value.is_object() && (has_masked_text(value) || rules.is_masked_uri(value)) {
            self.omit_masked(node, path);
            return None;
        }
        if !node.is_required() && !node.can_be_secret() && rules.shown(value) != *value && value.is_string() {
            self.omit_secret(path);
            return None;
        }
        match value {
            // A number or a flag may come as text. A manifest accepts only the value itself.
            Value::String(text) if node.keyword_text("type") == "integer" && text.parse::<i64>().is_ok() => {
                text.parse::<i64>().ok().map(Value::from)
            }
            Value::String(text) if node.keyword_text("type") == "boolean" && text.parse::<bool>().is_ok() => {
                text.parse::<bool>().ok().map(Value::from)
            }
            Value::Object(fields) => {
                let fields = self.build_object(node, rules, fields, path);
                (!fields.is_empty() || node.is_required()).then(|| fields.into())
            }
            Value::Array(items) => Some(self.build_list(node, rules, items, path)),
            Value::String(text) => self.build_text(node, rules, text, path),
            Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        }
    }

    fn build_list(&mut self, node: &FieldNode, rules: &FieldSemantics, items: &[Value], path: &FieldPath) -> Value {
        let Some(item) = node.list_item() else { return Value::from(items) };
        let items = items.iter().enumerate().map(|(index, value)| match value {
            Value::Object(fields) => self.build_object(item, rules.list_item(), fields, &path.child(index)).into(),
            Value::String(text) => self.build_text(item, rules.list_item(), text, path).unwrap_or_default(),
            _ => value.clone(),
        });
        items.collect()
    }

    fn build_text(&mut self, node: &FieldNode, rules: &FieldSemantics, text: &str, path: &FieldPath) -> Option<Value> {
        let shown = rules.shown(&Value::from(text));
        if shown != text {
            // `shown` hides a password. If the field takes a reference, the whole text becomes one.
            if node.can_be_secret() {
                self.extracted.secret_paths.push(FieldPath::parse("spec").join(path));
                return None;
            }
            let flaw = "holds a secret, which no manifest may contain: move it to the fields for credentials";
            self.extracted.blockers.push(format!("`{path}` {flaw}"));
            return Some(shown);
        }
        // The API generated it, such as the consumer group `clickpipes-ID`. A re-created pipe has another id.
        if text.contains(self.id) {
            return None;
        }
        let endpoint = rules.refers_to.and_then(|_| self.endpoints.get(&(self.address.service.clone(), Id::new(text))));
        Some(match endpoint {
            Some(name) => json!({"endpoint": escape_variables(name)}),
            None => escape_variables(text),
        })
    }

    /// An omitted field is not managed: the pipe keeps it.
    fn omit_secret(&mut self, path: &FieldPath) {
        self.extracted.withheld_paths.push(FieldPath::parse("spec").join(path));
        self.add_remark(format!(
            "`{path}` is left out: it HOLDS A SECRET (a private key or a password), which the API shows to everybody who \
             may read the pipe. Write the field without the secret, and change the secret"
        ));
    }

    /// A mask is not the value: it must not get into git.
    fn omit_masked(&mut self, node: &FieldNode, path: &FieldPath) {
        if node.can_be_secret() {
            self.extracted.secret_paths.push(FieldPath::parse("spec").join(path));
        } else {
            self.add_remark(format!("`{path}` is left out: the API hides its value"));
        }
    }

    /// `None` if the value is not for `additional`.
    fn build_unknown_field(&mut self, name: &str, value: &Value, path: &FieldPath) -> Option<Value> {
        let known = path.parent() == Some(FieldPath::root())
            && (RESPONSE_ONLY_FIELDS.contains(&name) || self.address.kind.name_path().as_ref() == Some(path));
        if known || is_empty_value(value) {
            return None;
        }
        if has_masked_text(value) {
            self.add_remark(format!("`{path}` is left out: the API hides its value"));
            return None;
        }
        // A newer API may return a token in an unknown field, and the manifest goes into git.
        if has_likely_secret(&path.to_string(), value) {
            self.add_remark(format!(
                "`{path}` is left out: this version does not know it, and it looks as if it held a secret. If it \
                 holds none, declare it under `additional`"
            ));
            return None;
        }
        let escaped = escape_nested_values(value);
        if escaped.is_none() {
            self.add_remark(format!(
                "`{path}` is left out: this version does not know it, and it holds a list with a null in it, which a \
                 manifest cannot express"
            ));
        }
        escaped
    }

    fn add_remark(&mut self, remark: String) {
        self.extracted.remarks.push(remark);
    }
}

/// `None` for a list that contains null, which a manifest cannot declare.
fn escape_nested_values(value: &Value) -> Option<Value> {
    Some(match value {
        Value::String(text) => escape_variables(text),
        Value::Array(items) => {
            if items.iter().any(Value::is_null) {
                return None;
            }
            items.iter().map(escape_nested_values).collect::<Option<Vec<_>>>()?.into()
        }
        Value::Object(fields) => {
            // A null in an object is an unset field; absent means the same.
            let set = fields.iter().filter(|(_, value)| !value.is_null());
            let fields = set.map(|(name, value)| Some((name.clone(), escape_nested_values(value)?)));
            fields.collect::<Option<Map<_, _>>>()?.into()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

fn is_empty_value(value: &Value) -> bool {
    // The API returns any of these for an unset field, and not always the same one.
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_default_value(node: &FieldNode, rules: &FieldSemantics, value: &Value) -> bool {
    let default = (!node.is_required()).then(|| node.keyword_value("default")).flatten();
    default.is_some_and(|default| rules.declares_same(default, value))
}
