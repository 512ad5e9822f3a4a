//! The description of one field.

use std::fmt::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::field_rules::{FieldRule, rules_about};
use crate::api_body::to_body_path;
use crate::kinds::manifest_fields;
use crate::semantics::{FieldSemantics, ListSemantics, OnChange, Readback};
use crate::template_schema::{shared_manifest_fields, template_fields};
use model::action::UpdateVia;
use model::address::Kind;
use model::annotations;
use model::path::FieldPath;
use model::project::project_fields;
use model::schema_validator::FieldNode;

mod field_suggestions;
mod field_text;

pub(super) use field_suggestions::field_paths;

/// A kind of document with fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentForm {
    Manifest(Kind),
    Project,
    Template,
    /// The fields for templates and `forEach` in a manifest of any kind.
    SharedManifest,
}

impl DocumentForm {
    /// In the order of the search for a field.
    pub(super) const ALL: [Self; 6] = [
        Self::Manifest(Kind::ClickPipe),
        Self::Manifest(Kind::CdcScaling),
        Self::Manifest(Kind::ReversePrivateEndpoint),
        Self::Project,
        Self::Template,
        Self::SharedManifest,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Manifest(kind) => kind.name(),
            Self::Project => "Project",
            Self::Template => "Template",
            Self::SharedManifest => "Manifest",
        }
    }

    fn fields(self) -> &'static FieldNode {
        match self {
            Self::Manifest(kind) => manifest_fields(kind),
            Self::Project => project_fields(),
            Self::Template => template_fields(),
            Self::SharedManifest => shared_manifest_fields(),
        }
    }

    /// The part that a document is about.
    fn main_path(self) -> FieldPath {
        match self {
            Self::Manifest(_) => FieldPath::parse("spec"),
            Self::Project | Self::Template | Self::SharedManifest => FieldPath::root(),
        }
    }

    /// The possible roots of a path that a user typed.
    fn candidate_paths(self, path: &FieldPath) -> Vec<FieldPath> {
        match self {
            Self::Manifest(_) if !is_from_root(path) => {
                ["spec", "metadata", "spec.source"].map(|root| FieldPath::parse(root).join(path)).into()
            }
            Self::SharedManifest => vec![path.clone(), FieldPath::parse("spec").join(path)],
            _ => vec![path.clone()],
        }
    }
}

/// The full description of one field.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldExplanation {
    /// The kind of document that has the field.
    pub kind: &'static str,
    /// The field, from the root of the manifest; a list's entries are `*`.
    pub path: FieldPath,
    /// Its documentation.
    pub doc: String,
    /// Its type in words: `text`, `whole number`, `list of objects`.
    #[serde(rename = "type")]
    pub value_type: String,
    /// The allowed words; empty if any text is allowed.
    pub words: Vec<AllowedValue>,
    /// Range, length and form, in words.
    pub limits: Vec<String>,
    /// The API's value for an omitted field, if known.
    pub default: Option<Value>,
    /// Whether it is required in its object.
    pub required: bool,
    /// Whether it accepts only a reference to a secret.
    pub secret: bool,
    /// Whether it is known from the official Terraform provider only.
    pub preview: bool,
    /// Whether the official schema has it only since autumn 2026.
    pub newer: bool,
    /// Whether the API has deprecated it.
    pub deprecated: bool,
    /// Its behaviour in the API; `None` for a local field.
    pub change: Option<ChangeEffect>,
    /// The rules between this field and others.
    pub rules: Vec<FieldRule>,
    /// The fields below.
    pub fields: Vec<FieldSummary>,
}

/// An allowed word of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AllowedValue {
    /// The word.
    pub word: String,
    /// Its meaning; empty if the word is clear.
    pub doc: String,
}

/// The requirements of changing a field of a live object, and whether the API returns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeEffect {
    /// The required action.
    pub takes: OnChange,
    /// Whether a database pipe must be paused for the change.
    pub paused: bool,
    /// Fields that are sent with it, if the manifest declares them.
    pub with: Vec<FieldPath>,
    /// Whether the API returns it.
    pub echo: Readback,
    /// Values that cannot be left or reached in place.
    pub replace_across: Vec<String>,
    /// Whether the entry that contains it is removed and added again.
    #[serde(skip)]
    pub replaces_entry: bool,
}

/// A field below another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldSummary {
    /// Its name.
    pub name: String,
    /// Its type in words.
    #[serde(rename = "type")]
    pub value_type: String,
    /// Whether it is required.
    pub required: bool,
    /// The first sentence about it.
    pub doc: String,
}

/// There is no such field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// The requested path.
    pub requested: String,
    /// Similar fields, best first.
    pub suggestions: Vec<String>,
}

impl fmt::Display for UnknownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no field `{}`", self.requested)?;
        if let Some((first, rest)) = self.suggestions.split_first() {
            write!(f, "; did you mean `{first}`")?;
            rest.iter().try_for_each(|other| write!(f, ", or `{other}`"))?;
            f.write_str("?")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownField {}

/// Explains a field, such as `source.kafka.offset`, `spec.source.kafka.offset` or `metadata.service`, or a whole kind,
/// such as `CdcScaling`, `Project` or `Template`. Entries of lists need no separate step: `destination.columns.name`.
pub fn explain_field(requested: &str) -> Result<FieldExplanation, UnknownField> {
    let (forms, path) = split_kind(requested);
    let places = forms.iter().flat_map(|form| form.candidate_paths(&path).into_iter().map(|path| (*form, path)));
    let mut found = places.filter_map(|(form, path)| find_field(form, &path));
    found.next().map(|(form, path, node)| build_explanation(form, path, node)).ok_or_else(|| UnknownField {
        requested: requested.to_owned(),
        suggestions: field_suggestions::suggest_fields(&forms, &forms[0].candidate_paths(&path)[0]),
    })
}

/// `ClickPipe.spec.source`: the kind may come first.
fn split_kind(requested: &str) -> (Vec<DocumentForm>, FieldPath) {
    let path = FieldPath::parse(requested.trim().trim_matches('.'));
    let Some((first, rest)) = path.segments().split_first() else {
        return (DocumentForm::ALL.into(), FieldPath::parse("spec"));
    };
    match DocumentForm::ALL.into_iter().find(|form| form.name().eq_ignore_ascii_case(first)) {
        Some(form) if rest.is_empty() => (vec![form], form.main_path()),
        Some(form) => (vec![form], FieldPath::parse(&rest.join("."))),
        None => (DocumentForm::ALL.into(), path),
    }
}

fn is_from_root(path: &FieldPath) -> bool {
    let roots = ["apiVersion", "kind", "metadata", "spec"];
    path.segments().first().is_none_or(|first| roots.contains(&first.as_str()))
}

/// The place, with `*` for the entries of lists, wherever the asker left them out.
fn find_field(form: DocumentForm, path: &FieldPath) -> Option<(DocumentForm, FieldPath, &'static FieldNode)> {
    let mut node = form.fields();
    let mut at = FieldPath::root();
    for segment in path.segments() {
        if let Some(field) = node.child_field(segment) {
            (node, at) = (field, at.child(segment));
            continue;
        }
        let item = node.list_item().or(node.map_value())?;
        at = at.child("*");
        node = match segment.as_str() {
            "*" | "[]" => item,
            // A key that the user chose, such as the name of an environment.
            _ if node.is_map() && item.child_field(segment).is_none() => item,
            index if index.bytes().all(|byte| byte.is_ascii_digit()) => item,
            name => {
                at = at.child(name);
                item.child_field(name)?
            }
        };
    }
    Some((form, at, node))
}

/// The path of a field that is an object with fields.
pub(super) fn find_object(form: DocumentForm, path: &str) -> Option<FieldPath> {
    let (_, at, node) = find_field(form, &FieldPath::parse(path))?;
    let inner = node.list_item().or(node.map_value()).unwrap_or(node);
    (!node.is_secret() && own_fields(inner).next().is_some()).then_some(at)
}

fn build_explanation(form: DocumentForm, path: FieldPath, node: &FieldNode) -> FieldExplanation {
    let inner = node.list_item().or(node.map_value()).unwrap_or(node);
    let words = if node.allowed_values().is_empty() { inner.allowed_values() } else { node.allowed_values() };
    FieldExplanation {
        kind: form.name(),
        doc: field_doc(&path, node).to_owned(),
        value_type: field_text::describe_type(node),
        words: words.iter().map(|(word, doc)| AllowedValue { word: word.clone(), doc: doc.clone() }).collect(),
        limits: field_text::describe_limits(node),
        // An empty object or list only means that the field may be omitted.
        default: node.keyword_value("default").filter(|value| !value.is_object() && !value.is_array()).cloned(),
        required: node.is_required(),
        secret: node.is_secret(),
        preview: node.has_keyword(annotations::PREVIEW),
        newer: node.has_keyword(annotations::NEWER),
        deprecated: node.has_keyword("deprecated"),
        change: match form {
            DocumentForm::Manifest(kind) => change_effect(kind, &path, node),
            DocumentForm::Project | DocumentForm::Template | DocumentForm::SharedManifest => None,
        },
        rules: match form {
            DocumentForm::Manifest(kind) => rules_about(kind, &path),
            DocumentForm::Project | DocumentForm::Template | DocumentForm::SharedManifest => Vec::new(),
        },
        fields: field_summaries(inner),
        path,
    }
}

/// The text comes from the kind, not from the envelope that all kinds share.
fn field_doc<'n>(path: &FieldPath, node: &'n FieldNode) -> &'n str {
    let is_whole = path.segments() == ["spec"] || path.segments().is_empty();
    if is_whole { node.type_description() } else { node.keyword_text("description") }
}

fn field_summaries(node: &FieldNode) -> Vec<FieldSummary> {
    own_fields(node)
        .map(|(name, field)| FieldSummary {
            name: name.to_owned(),
            value_type: field_text::describe_type(field),
            required: field.is_required(),
            doc: field_text::first_sentence(field.keyword_text("description")).to_owned(),
        })
        .collect()
}

fn own_fields(node: &FieldNode) -> impl Iterator<Item = (&str, &FieldNode)> {
    let is_reference = node.can_be_secret() && !node.is_secret();
    node.child_fields().filter(move |(_, field)| !is_reference && !field.has_keyword(annotations::ADDITIONAL_MARK))
}

fn change_effect(kind: Kind, path: &FieldPath, node: &FieldNode) -> Option<ChangeEffect> {
    if node.has_keyword(annotations::LOCAL_ONLY) {
        return None;
    }
    let at = to_body_path(kind, path).filter(|at| *at != FieldPath::root())?;
    let rules = FieldSemantics::for_kind(kind).field_at(&at);
    if is_only_container(node, rules) {
        return None;
    }
    Some(ChangeEffect {
        takes: rules.on_change,
        paused: rules.needs_pause,
        with: rules.sent_with.iter().filter(|other| **other != at).cloned().collect(),
        echo: rules.readback,
        replace_across: rules.replace_across.clone(),
        replaces_entry: is_in_delta_list(kind, &at),
    })
}

/// Whether the field is part of an entry that the API cannot edit.
fn is_in_delta_list(kind: Kind, at: &FieldPath) -> bool {
    let has_deltas = |path: FieldPath| match &FieldSemantics::for_kind(kind).field_at(&path).list {
        ListSemantics::Keyed(keyed) => keyed.deltas.is_some(),
        ListSemantics::Atomic | ListSemantics::Set => false,
    };
    std::iter::successors(at.parent(), FieldPath::parent).any(has_deltas)
}

/// Whether the field only groups other fields, each with its own explanation.
fn is_only_container(node: &FieldNode, rules: &FieldSemantics) -> bool {
    let answers = |rules: &FieldSemantics| (rules.on_change, rules.readback, rules.needs_pause);
    let own = answers(rules);
    node.has_child_fields()
        && rules.list == ListSemantics::Atomic
        && rules.child_fields().any(|(_, field)| answers(field) != own)
}

impl ChangeEffect {
    /// The requirements of a change in words.
    pub fn describe_change(&self) -> String {
        let mut words = match self.takes {
            OnChange::Replace => {
                return "replace (delete, then create)".to_owned();
            }
            OnChange::Update(UpdateVia::Resource) if self.replaces_entry => {
                "remove and add again, with a new snapshot,".to_owned()
            }
            OnChange::Update(UpdateVia::Resource) => "in place".to_owned(),
            OnChange::Update(UpdateVia::Settings) => "in place, as a setting".to_owned(),
            OnChange::Update(UpdateVia::Scaling) => "in place, by scaling".to_owned(),
        };
        if self.paused {
            words.push_str(" while the pipe is paused");
        }
        if !self.with.is_empty() {
            let with: Vec<String> = self.with.iter().map(|path| format!("`{path}`")).collect();
            let _ = write!(words, ", sent together with {}", with.join(", "));
        }
        match self.replace_across.as_slice() {
            [] => {}
            [value] => {
                let _ = write!(words, "; replace if the old or new value is `{value}`");
            }
            values => {
                let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
                let _ = write!(words, "; replace if only one of the old and the new value is {}", values.join(" or "));
            }
        }
        words
    }
}
