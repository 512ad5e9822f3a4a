//! The defaults of an environment: fields for manifests that do not set them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::overlay::{FieldOrder, TakenOut, find_taken_out};
use super::project_bound::ProjectBound;
use super::variable_scope::Scope;
use super::variables::VariableExpander;
use crate::kinds;
use model::address::Kind;
use model::diagnostic::SourceFile;
use model::path::FieldPath;
use model::project::absent_default;
use model::yaml::{self, PendingDiagnostics, Span, YamlContent, YamlEntry, YamlNode};

/// The defaults of an environment, by kind.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentDefaults {
    /// The project file; `None` for an earlier version of it.
    file: Option<SourceFile>,
    by_kind: BTreeMap<Kind, YamlNode>,
    /// The defaults of the other environments.
    elsewhere: Vec<(Kind, YamlNode)>,
}

/// Their values count, not their places.
impl PartialEq for EnvironmentDefaults {
    fn eq(&self, other: &Self) -> bool {
        let values = |it: &Self| -> Vec<_> { it.by_kind.iter().map(|(kind, node)| (*kind, node.to_json())).collect() };
        values(self) == values(other)
    }
}

impl Eq for EnvironmentDefaults {}

impl EnvironmentDefaults {
    /// Reads the defaults of an environment in a valid project file.
    pub fn read(file: &SourceFile, environment: &str) -> Self {
        let (mut by_kind, mut elsewhere) = (BTreeMap::new(), Vec::new());
        for document in yaml::read_documents(&file.text, &mut PendingDiagnostics::default()) {
            for other in document.root.node_at(&["environments"]).map_or(&[][..], YamlNode::entries) {
                let defaults = other.value.node_at(&["defaults"]).map_or(&[][..], YamlNode::entries).iter();
                let defaults = defaults.filter_map(|it| Some((Kind::from_name(&it.key)?, it.value.clone())));
                if other.key == environment { by_kind.extend(defaults) } else { elsewhere.extend(defaults) }
            }
        }
        let file = (!by_kind.is_empty()).then(|| file.clone());
        Self { file, by_kind, elsewhere }
    }

    /// The same from values, which have no places.
    pub fn from_values(values: &Value) -> Self {
        let fields = values.as_object().into_iter().flatten();
        let by_kind = fields.filter(|(_, value)| !value.is_null());
        let by_kind = by_kind.filter_map(|(name, value)| Some((Kind::from_name(name)?, to_node(value))));
        Self { file: None, by_kind: by_kind.collect(), elsewhere: Vec::new() }
    }

    /// The project file, if there are defaults.
    pub fn file(&self) -> Option<&SourceFile> {
        self.file.as_ref()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_kind.is_empty()
    }

    pub(super) fn file_name(&self) -> Option<Arc<str>> {
        self.file.as_ref().map(|file| Arc::clone(&file.name))
    }

    /// The fields of the `spec` that a plain document would get.
    pub fn fields_added_to(&self, document: &Value, variables: &BTreeMap<String, String>) -> Vec<FieldPath> {
        // Not 0, which all nodes of the document have: only fields of the defaults are removed again.
        const DEFAULTS_FILE: u32 = 1;
        let (bound, mut root) = (ProjectBound::default(), to_node(document));
        let mut expander = VariableExpander::new(variables, &bound);
        self.apply(&mut root, (DEFAULTS_FILE, &[]), &mut expander, &mut PendingDiagnostics::default());
        let mut added = Vec::new();
        collect_new_fields(&document["spec"], &root.to_json()["spec"], &FieldPath::parse("spec"), &mut added);
        added
    }

    /// Whether another environment has a default for the field.
    pub(super) fn is_given_elsewhere(&self, kind: Kind, path: &FieldPath) -> bool {
        self.elsewhere.iter().any(|(other, defaults)| *other == kind && has_field(defaults, path))
    }

    /// Overlays a manifest on its defaults. `file` is the number of the project file, and `taken_out` are the fields of
    /// the template that the manifest removed. A default that does not fit the manifest is not used: the size of
    /// streams in a database pipe. Returns the fields that the manifest removes although there is a default, and the
    /// unused defaults.
    pub(super) fn apply(
        &self,
        root: &mut YamlNode,
        (file, taken_out): (u32, &[TakenOut]),
        expander: &mut VariableExpander<'_>,
        remarks: &mut PendingDiagnostics,
    ) -> (Vec<TakenOut>, Vec<TakenOut>) {
        let text = |path: &[&str]| root.node_at(path).and_then(YamlNode::as_text);
        let kind = text(&["kind"]).and_then(Kind::from_name);
        let found = kind.and_then(|kind| Some((kind, self.by_kind.get(&kind)?)));
        let Some((kind, defaults)) = found else { return (Vec::new(), Vec::new()) };
        let mut defaults = defaults.clone();
        if text(&["spec", "state"]) == Some("absent") {
            // A deleted object needs only its protection.
            retain_protection(&mut defaults);
        }
        defaults.set_file(file);
        let mut kept_out: Vec<TakenOut> =
            taken_out.iter().filter(|taken| has_field(&defaults, &taken.path)).cloned().collect();
        for taken in taken_out {
            remove_default(&mut defaults, taken.path.segments(), file);
        }
        expander.expand_variables(&mut defaults, Scope::Manifest, remarks);
        // The values of its variables are known only now.
        if let Some(remark) = absent_default(&defaults) {
            remarks.push(remark.with_path(FieldPath::parse("spec.state")));
        }
        retain_sources(&mut defaults, root.node_at(&["spec", "source"]));
        let own = std::mem::replace(&mut root.content, YamlContent::Null);
        let own = YamlNode { content: own, ..root.clone() };
        kept_out.extend(find_taken_out(&defaults, &own, &FieldPath::root()));
        *root = FieldOrder::OwnFirst.overlay(defaults, own);
        let mut left_out = Vec::new();
        for problem in kinds::find_problems(kind, &root.to_json()) {
            let span = root.span_at(&problem.path);
            if remove_default(root, problem.path.segments(), file) {
                left_out.push(TakenOut { path: problem.path, span });
            }
        }
        (kept_out, left_out)
    }
}

fn has_field(node: &YamlNode, path: &FieldPath) -> bool {
    let keys: Vec<&str> = path.segments().iter().map(String::as_str).collect();
    node.node_at(&keys).is_some()
}

/// Leaves `spec.protect`.
fn retain_protection(defaults: &mut YamlNode) {
    retain_key(Some(&mut *defaults), "spec");
    retain_key(child(defaults, "spec"), "protect");
}

fn retain_key(node: Option<&mut YamlNode>, key: &str) {
    if let Some(YamlContent::Map(entries)) = node.map(|node| &mut node.content) {
        entries.retain(|entry| entry.key == key);
    }
}

/// Leaves the sources that the manifest has.
fn retain_sources(defaults: &mut YamlNode, own: Option<&YamlNode>) {
    let Some(YamlContent::Map(sources)) =
        child(defaults, "spec").and_then(|spec| child(spec, "source")).map(|it| &mut it.content)
    else {
        return;
    };
    sources.retain(|source| own.is_some_and(|own| own.entry(&source.key).is_some()));
}

pub(super) fn child<'n>(node: &'n mut YamlNode, key: &str) -> Option<&'n mut YamlNode> {
    let YamlContent::Map(entries) = &mut node.content else { return None };
    entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.value)
}

/// Removes the field at a path if its value is a default, and parents that become empty. Returns whether it did.
fn remove_default(node: &mut YamlNode, path: &[String], file: u32) -> bool {
    let (Some((first, rest)), YamlContent::Map(entries)) = (path.split_first(), &mut node.content) else {
        return false;
    };
    let Some(at) = entries.iter().position(|entry| entry.key == *first) else { return false };
    let is_of_defaults = entries[at].span.file == file;
    if rest.is_empty() {
        let is_default = is_of_defaults && entries[at].value.span.file == file;
        if is_default {
            entries.remove(at);
        }
        return is_default;
    }
    // A mapping that is written empty is kept.
    let is_removed = remove_default(&mut entries[at].value, rest, file);
    let is_left_empty = is_removed && matches!(&entries[at].value.content, YamlContent::Map(it) if it.is_empty());
    if is_of_defaults && is_left_empty {
        entries.remove(at);
    }
    is_removed
}

fn collect_new_fields(own: &Value, with_defaults: &Value, at: &FieldPath, added: &mut Vec<FieldPath>) {
    for (name, value) in with_defaults.as_object().into_iter().flatten() {
        match own.get(name) {
            Some(own) => collect_new_fields(own, value, &at.child(name), added),
            None => added.push(at.child(name)),
        }
    }
}

fn to_node(value: &Value) -> YamlNode {
    let content = match value {
        Value::Null => YamlContent::Null,
        Value::Bool(value) => YamlContent::Bool(*value),
        Value::Number(number) => YamlContent::Number(number.clone()),
        Value::String(text) => YamlContent::Text { text: text.clone(), is_unquoted: false, variables: None },
        Value::Array(items) => YamlContent::List(items.iter().map(to_node).collect()),
        Value::Object(fields) => {
            let entries = fields.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| YamlEntry {
                key: key.clone(),
                span: Span::default(),
                value: to_node(value),
                merged: false,
            });
            YamlContent::Map(entries.collect())
        }
    };
    YamlNode::new(Span::default(), content)
}

#[cfg(test)]
mod tests {
    use super::EnvironmentDefaults;
    use serde_json::json;

    #[test]
    fn defaults_are_equal_by_what_they_say() {
        let file = |text: &str| model::diagnostic::SourceFile { name: "pipectl.yaml".into(), text: text.into() };
        let written = file("environments: {dev: {defaults: {ClickPipe: {spec: {scaling: {replicas: 1}}}}}}");
        let read = EnvironmentDefaults::read(&written, "dev");
        let value = json!({"ClickPipe": {"metadata": null, "spec": {"scaling": {"replicas": 1}}}, "CdcScaling": null});
        assert_eq!(read, EnvironmentDefaults::from_values(&value));
        assert_ne!(read, EnvironmentDefaults::read(&written, "prod"));
    }
}
