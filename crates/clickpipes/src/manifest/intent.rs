//! Parses the intent of a manifest: presence, protection, previous names, pinned id, labels, annotations.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use model::action::RunState;
use model::address::{Kind, Name};
use model::annotations;
use model::desired::{FieldMarks, Intent, Presence};
use model::live::Id;
use model::path::{FieldPath, VisitedPath};
use model::schema_validator::FieldNode;

use crate::additional_fields::CREATE_ONLY;
use crate::kinds::manifest_fields;
use crate::pipe::source::{SourceFamily, source_family};

pub(super) fn parse_intent(kind: Kind, document: &Value) -> Intent {
    // The schema has checked the types. Here a value of another type counts as missing.
    let (metadata, spec) = (&document["metadata"], &document["spec"]);
    let texts = |list: &Value| -> Vec<Name> {
        list.as_array().into_iter().flatten().filter_map(Value::as_str).map(Name::new).collect()
    };
    let text_map = |map: &Value| -> BTreeMap<String, String> {
        let entries = map.as_object().into_iter().flatten();
        entries.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    };
    Intent {
        presence: parse_presence(spec["state"].as_str()),
        protect: spec["protect"] == true,
        previous_names: texts(&metadata["previousNames"]),
        pinned_id: metadata["id"].as_str().map(Id::new),
        labels: text_map(&metadata["labels"]),
        annotations: text_map(&metadata["annotations"]),
        field_marks: read_field_marks(kind, document),
    }
}

fn parse_presence(state: Option<&str>) -> Presence {
    match state {
        Some("absent") => Presence::Absent,
        Some("stopped") => Presence::Present(RunState::Stopped),
        _ => Presence::default(),
    }
}

/// The marks of a manifest for its fields under `additional`. The paths are those of the body.
pub(super) fn read_field_marks(kind: Kind, document: &Value) -> FieldMarks {
    let mut marks = FieldMarks::default();
    if let Some(spec) = manifest_fields(kind).child_field("spec") {
        collect_marks(spec, &document["spec"], &VisitedPath::root(), &mut marks);
    }
    marks.create_only.extend(fixed_destination_fields(&document["spec"]));
    marks
}

/// The fields under `additional` of a destination that the API does not edit: that of a database pipe (seen live).
fn fixed_destination_fields(spec: &Value) -> impl Iterator<Item = FieldPath> {
    let is_fixed = source_family(spec) == Some(SourceFamily::Database);
    let fields = spec.pointer("/destination/additional").filter(|_| is_fixed).and_then(Value::as_object);
    fields.into_iter().flatten().map(|(name, _)| FieldPath::parse("destination").child(name))
}

fn collect_marks(node: &FieldNode, value: &Value, at: &VisitedPath<'_>, marks: &mut FieldMarks) {
    match value {
        Value::Object(fields) => {
            for (mark, path) in marked_paths(node, fields) {
                let paths = if mark == CREATE_ONLY { &mut marks.create_only } else { &mut marks.not_returned };
                paths.insert(at.to_field_path().join(&FieldPath::parse(path)));
            }
            for (name, value) in fields {
                // Most values are texts and numbers, and have no fields.
                let field = node.child_field(name).filter(|_| value.is_object() || value.is_array());
                if let Some(field) = field.filter(|field| !field.has_keyword(annotations::LOCAL_ONLY)) {
                    collect_marks(field, value, &at.key(name), marks);
                }
            }
        }
        // A mark in one entry counts for all: the semantics of a list apply to every entry.
        Value::Array(items) => {
            let Some(item) = node.list_item() else { return };
            for value in items {
                collect_marks(item, value, &at.key("*"), marks);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The paths that an object marks, each with the mark.
fn marked_paths<'v>(node: &'v FieldNode, fields: &'v Map<String, Value>) -> impl Iterator<Item = (&'v str, &'v str)> {
    let marks = fields.iter().filter_map(|(name, paths)| {
        let mark = node.child_field(name)?.keyword_value(annotations::ADDITIONAL_MARK)?.as_str()?;
        Some((mark, paths.as_array()?))
    });
    marks.flat_map(|(mark, paths)| paths.iter().filter_map(move |path| Some((mark, path.as_str()?))))
}
