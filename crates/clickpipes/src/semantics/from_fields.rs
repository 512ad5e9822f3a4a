//! Reads the semantics of fields from their annotations.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::references::Connection;
use super::spelling::Equality;
use super::{DeltaFields, FieldSemantics, KeyedList, ListSemantics, OnChange, Readback};
use model::action::UpdateVia;
use model::address::Kind;
use model::annotations;
use model::path::FieldPath;
use model::schema_validator::FieldNode;

impl FieldSemantics {
    /// The semantics of the body of a kind, in the API's shape, from the fields of its manifest.
    pub(crate) fn of_body(kind: Kind, manifest: &FieldNode) -> Self {
        let inherited = InheritedSemantics::default();
        let Some(spec) = manifest.child_field("spec") else { return from_inherited(inherited) };
        let mut body = read_field(spec, &inherited);
        let is_local = |name: &str| spec.child_field(name).is_some_and(|it| it.has_keyword(annotations::LOCAL_ONLY));
        body.fields.retain(|name, _| !is_local(name));
        let name = manifest.child_field("metadata").and_then(|metadata| metadata.child_field("name"));
        if let (Some(path), Some(name)) = (kind.name_path(), name) {
            body.fields.insert(path.to_string(), Arc::new(read_field(name, &inherited)));
        }
        body
    }
}

/// Semantics that a field inherits from its object.
#[derive(Clone, Default)]
struct InheritedSemantics {
    on_change: OnChange,
    readback: Readback,
    needs_pause: bool,
    sent_with: Vec<FieldPath>,
    local_only: bool,
    refers_to: Option<Kind>,
}

fn read_field(node: &FieldNode, above: &InheritedSemantics) -> FieldSemantics {
    let mark = |name: &str| node.keyword_value(name);
    let inherited = inherit_annotations(node, above);
    let fields = node.child_fields().filter(|(_, field)| !field.has_keyword(annotations::ADDITIONAL));
    let omitted_values = mark(annotations::READBACK_BY_VALUE).and_then(Value::as_array).cloned().unwrap_or_default();
    let semantics = FieldSemantics {
        list: read_list(node),
        is_secret: node.is_secret(),
        one_request_only: mark(annotations::ONE_REQUEST_ONLY).is_some(),
        defines_table: mark(annotations::DEFINES_TABLE).is_some(),
        equality: read_equality(node),
        omits_default: mark("default").is_some_and(|default| omitted_values.contains(default)),
        omitted_values,
        is_absent_when_set: mark(annotations::ABSENT_WHEN_SET).is_some(),
        weakens_tls: mark(annotations::WEAKENS_TLS).is_some(),
        connects_to: mark(annotations::CONNECTS_TO).and_then(|it| Connection::deserialize(it).ok()),
        minimum: mark("minimum").and_then(Value::as_f64),
        replace_across: mark(annotations::REPLACE_ACROSS).map(string_list).unwrap_or_default(),
        fields: fields.map(|(name, field)| (name.to_owned(), Arc::new(read_field(field, &inherited)))).collect(),
        items: node.list_item().map(|item| Arc::new(read_field(item, &inherited))),
        fallback: Some(Arc::new(unknown_field(inherited.clone()))),
        ..from_inherited(inherited)
    };
    FieldSemantics { leads_to_objects: semantics.can_lead_to_objects(), ..semantics }
}

/// The rules of a field that no struct declares.
// The API may return it or not. If it does not, and the absence were a difference, every apply would send the field
// again: a setting without end, an entry of a list with a new copy of its table; and a create-only field would be
// refused each time. A base shows when git changed it.
fn unknown_field(inherited: InheritedSemantics) -> FieldSemantics {
    let readback = match inherited.readback {
        Readback::Always => Readback::Sometimes,
        readback => readback,
    };
    FieldSemantics { is_unknown: true, readback, ..from_inherited(inherited) }
}

/// The rules of a field of which only its parents are known.
fn from_inherited(inherited: InheritedSemantics) -> FieldSemantics {
    let InheritedSemantics { on_change, readback, needs_pause, sent_with, local_only, refers_to } = inherited;
    let leads_to_objects = refers_to.is_some();
    let unmarked = FieldSemantics::default();
    FieldSemantics { on_change, readback, needs_pause, sent_with, local_only, refers_to, leads_to_objects, ..unmarked }
}

fn inherit_annotations(node: &FieldNode, above: &InheritedSemantics) -> InheritedSemantics {
    let mark = |name: &str| node.keyword_value(name);
    let text = |name: &str| mark(name).and_then(Value::as_str);
    let on_change = match text(annotations::ON_CHANGE) {
        Some("replace") => OnChange::Replace,
        Some("settings") => OnChange::Update(UpdateVia::Settings),
        Some("scaling") => OnChange::Update(UpdateVia::Scaling),
        _ => above.on_change,
    };
    InheritedSemantics {
        on_change,
        readback: mark(annotations::READBACK).and_then(|it| Readback::deserialize(it).ok()).unwrap_or(above.readback),
        needs_pause: above.needs_pause || mark(annotations::NEEDS_PAUSE).is_some(),
        sent_with: match mark(annotations::SENT_WITH) {
            // A new object is sent as a whole.
            _ if on_change == OnChange::Replace => Vec::new(),
            Some(paths) => string_list(paths).iter().map(|path| FieldPath::parse(path)).collect(),
            None => above.sent_with.clone(),
        },
        local_only: above.local_only || mark(annotations::LOCAL_ONLY).is_some(),
        refers_to: text(annotations::REFERS_TO).and_then(Kind::from_name).or(above.refers_to),
    }
}

fn read_list(node: &FieldNode) -> ListSemantics {
    let mark = |name: &str| node.keyword_value(name);
    match mark(annotations::LIST).and_then(Value::as_str) {
        Some("set") => ListSemantics::Set,
        Some("keyed") => {
            let identity = mark(annotations::IDENTITY).map(string_list).unwrap_or_default();
            let field = |name: &String| node.list_item().and_then(|item| item.child_field(name));
            ListSemantics::Keyed(KeyedList {
                identity_spellings: identity
                    .iter()
                    .map(|name| field(name).map(read_equality).unwrap_or_default())
                    .collect(),
                identity,
                deltas: mark(annotations::DELTAS).and_then(read_delta_fields),
            })
        }
        _ => ListSemantics::Atomic,
    }
}

fn read_delta_fields(mark: &Value) -> Option<DeltaFields> {
    Some(DeltaFields {
        add_field: mark["add"].as_str()?.to_owned(),
        remove_field: mark["remove"].as_str()?.to_owned(),
        source_key_length: usize::try_from(mark["source"].as_u64()?).ok()?,
    })
}

fn read_equality(node: &FieldNode) -> Equality {
    match node.keyword_value(annotations::EQUAL) {
        Some(mark) => Equality::deserialize(mark).unwrap_or_default(),
        // Words of an enum are the same in any case.
        None if !node.allowed_values().is_empty() => Equality::Caseless,
        None => Equality::Exact,
    }
}

fn string_list(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
