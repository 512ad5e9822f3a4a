//! Converts a live body to the `spec` of a manifest.

use serde_json::{Map, Value, json};

use super::EndpointNames;
use clickpipes::kinds::manifest_fields;
use clickpipes::likely_secret::has_likely_secret;
use clickpipes::semantics::{FieldSemantics, RESPONSE_ONLY_FIELDS};
use model::address::Address;
use model::annotations;
use model::live::Object;
use model::path::FieldPath;
use model::schema_validator::FieldNode;

#[derive(Default)]
pub(super) struct ExtractedSpec {
    pub(super) spec: Value,
    /// Fields whose values contained a secret, from the root of the document.
    pub(super) secret_paths: Vec<FieldPath>,
    pub(super) remarks: Vec<String>,
    /// The reasons why no manifest can declare the object.
    pub(super) blockers: Vec<String>,
    /// Values for `additional`, with their paths in the spec.
    additional_values: Vec<(FieldPath, Value)>,
}

pub(super) fn extract_spec(address: &Address, object: &Object, endpoints: &EndpointNames) -> ExtractedSpec {
    let rules = FieldSemantics::for_kind(address.kind);
    let mut builder = SpecBuilder { address, id: object.id.as_str(), endpoints, extracted: ExtractedSpec::default() };
    let body = rules.normalize_live(&object.body);
    if let (Some(node), Value::Object(fields)) = (manifest_fields(address.kind).child_field("spec"), &body) {
        let place = SpecPath { path: FieldPath::root(), additional_path: None };
        builder.extracted.spec = builder.build_object(node, rules, fields, &place).into();
    }
    // The paths lead into the finished spec.
    let ExtractedSpec { spec, additional_values: extra, .. } = &mut builder.extracted;
    extra.drain(..).for_each(|(path, value)| path.set_in(spec, value));
    builder.extracted
}

/// Escapes `${`, which begins a variable in a manifest.
pub(crate) fn escape_variables(text: &str) -> Value {
    Value::from(text.replace("${", "$${"))
}

struct SpecBuilder<'r> {
    address: &'r Address,
    id: &'r str,
    endpoints: &'r EndpointNames,
    extracted: ExtractedSpec,
}

/// The path of a value, and the path for it under the nearest `additional`.
struct SpecPath {
    path: FieldPath,
    additional_path: Option<FieldPath>,
}

impl SpecPath {
    fn child_path(&self, node: &FieldNode, name: &str) -> Self {
        let additional = match node.additional_field() {
            Some(additional) => Some(self.path.child(additional)),
            None => self.additional_path.clone(),
        };
        Self { path: self.path.child(name), additional_path: additional.map(|additional| additional.child(name)) }
    }

    fn list_entry(&self, index: usize) -> Self {
        // Entries of a list have no `additional`.
        Self { path: self.path.child(index), additional_path: None }
    }
}

impl SpecBuilder<'_> {
    /// The known fields in the order of the schema.
    fn build_object(
        &mut self,
        node: &FieldNode,
        rules: &FieldSemantics,
        fields: &Map<String, Value>,
        place: &SpecPath,
    ) -> Map<String, Value> {
        let mut taken = Map::new();
        for (name, child) in node.child_fields() {
            let Some(value) = fields.get(name) else { continue };
            if child.has_keyword(annotations::LOCAL_ONLY) {
                continue;
            }
            let place = place.child_path(node, name);
            let value = self.build_value(child, rules.child_field(name), value, &place);
            taken.extend(value.map(|value| (name.to_owned(), value)));
        }
        for (name, value) in fields {
            if node.child_field(name).is_none_or(|field| field.has_keyword(annotations::LOCAL_ONLY)) {
                self.add_unknown_field(name, value, &place.child_path(node, name));
            }
        }
        taken
    }

    /// `None` if an absent field means the same.
    fn build_value(
        &mut self,
        node: &FieldNode,
        rules: &FieldSemantics,
        value: &Value,
        place: &SpecPath,
    ) -> Option<Value> {
        if is_empty_value(value) || is_default_value(node, rules, value) || rules.is_secret {
            return None;
        }
        // The zeros that the API shows during a change of the size would be sent as the desired size.
        if !value.is_object() && rules.is_unsettled(Some(value)) {
            let path = &place.path;
            self.add_remark(format!("`{path}` is left out: the API has not settled it ({value})"));
            return None;
        }
        match value {
            Value::Object(fields) => {
                let fields = self.build_object(node, rules, fields, place);
                (!fields.is_empty() || node.is_required()).then(|| fields.into())
            }
            Value::Array(items) => Some(self.build_list(node, rules, items, place)),
            Value::String(text) => self.build_text(node, rules, text, &place.path),
            Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        }
    }

    fn build_list(&mut self, node: &FieldNode, rules: &FieldSemantics, items: &[Value], place: &SpecPath) -> Value {
        let Some(item) = node.list_item() else { return Value::from(items) };
        let items = items.iter().enumerate().map(|(index, value)| match value {
            Value::Object(fields) => {
                self.build_object(item, rules.list_item(), fields, &place.list_entry(index)).into()
            }
            Value::String(text) => self.build_text(item, rules.list_item(), text, &place.path).unwrap_or_default(),
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
            let flaw = "holds a password, which a manifest cannot hold: put it where logins belong";
            self.extracted.blockers.push(format!("`{path}` {flaw}"));
            return Some(shown);
        }
        // The API generated it, such as the consumer group `clickpipes-ID`. A re-created pipe has another id.
        if text.contains(self.id) {
            return None;
        }
        let endpoint =
            rules.refers_to.and_then(|_| self.endpoints.get(&(self.address.service.clone(), text.to_owned())));
        Some(match endpoint {
            Some(name) => json!({"endpoint": escape_variables(name)}),
            None => escape_variables(text),
        })
    }

    fn add_unknown_field(&mut self, name: &str, value: &Value, place: &SpecPath) {
        let known = place.path.parent() == Some(FieldPath::root())
            && (RESPONSE_ONLY_FIELDS.contains(&name)
                || self.address.kind.name_path().is_some_and(|path| path == place.path));
        if known || is_empty_value(value) {
            return;
        }
        let path = &place.path;
        match &place.additional_path {
            // A newer API may return a token that nothing here knows, and the manifest goes into git.
            _ if has_likely_secret(name, value) => {
                self.add_remark(format!(
                    "`{path}` is left out: this version does not know it, and it looks as if it \
                     held a secret. If it holds none, declare it under `additional`"
                ));
            }
            Some(additional) => match escape_nested_values(value) {
                Some(value) => self.extracted.additional_values.push((additional.clone(), value)),
                None => self.add_remark(format!(
                    "`{path}` is left out: this version does not know it, and it holds a list with \
                     a null in it, which a manifest cannot say"
                )),
            },
            None => self.add_remark(format!(
                "`{path}` is left out: this version does not know it, and a manifest cannot hold it"
            )),
        }
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
