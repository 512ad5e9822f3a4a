//! Reads the marks out of the JSON Schema that the structs generate.

use std::collections::BTreeMap;

use serde_json::Value;

use super::spelling::Equality;
use super::{DeltaFields, FieldSemantics, KeyedList, ListSemantics, OnChange, Readback};
use crate::docs;
use model::action::UpdateVia;
use model::address::Kind;
use model::annotations;
use model::path::FieldPath;

/// The rules of the body of `kind`.
pub(super) fn read_semantics(kind: Kind) -> FieldSemantics {
    let schema = docs::body_schema(kind);
    SemanticsReader { root: &schema }.read_field(&schema, &InheritedSemantics::default())
}

/// What a field takes over from the object it stands in.
#[derive(Clone)]
struct InheritedSemantics {
    on_change: OnChange,
    readback: Readback,
    needs_pause: bool,
    sent_with: Vec<FieldPath>,
    local_only: bool,
    refers_to: Option<Kind>,
}

impl Default for InheritedSemantics {
    fn default() -> Self {
        Self {
            on_change: OnChange::Update(UpdateVia::Resource),
            readback: Readback::Always,
            needs_pause: false,
            sent_with: Vec::new(),
            local_only: false,
            refers_to: None,
        }
    }
}

struct SemanticsReader<'s> {
    root: &'s Value,
}

impl<'s> SemanticsReader<'s> {
    /// Marks stand beside a `$ref` or inside what it points to; the nearer one wins.
    fn read_field(&self, schema: &'s Value, above: &InheritedSemantics) -> FieldSemantics {
        let layers = self.schema_layers(schema);
        let mark = |name: &str| layers.iter().find_map(|layer| layer.get(name));
        let inherited = inherit_annotations(&mark, above);
        let fields: BTreeMap<String, FieldSemantics> = layers
            .iter()
            .filter_map(|layer| layer["properties"].as_object())
            .flatten()
            .map(|(name, schema)| (name.clone(), self.read_field(schema, &inherited)))
            .collect();
        let items = mark("items").map(|items| Box::new(self.read_field(items, &inherited)));
        let unknown = Box::new(from_inherited(inherited.clone()));
        FieldSemantics {
            list: read_list(&mark),
            is_secret: mark(annotations::SECRET).is_some(),
            equality: mark(annotations::EQUAL).map_or_else(|| implied_equality(&layers), read_equality),
            omitted_values: mark(annotations::READBACK_BY_VALUE).and_then(Value::as_array).cloned().unwrap_or_default(),
            minimum: mark("minimum").and_then(Value::as_f64),
            replace_across: mark(annotations::REPLACE_ACROSS).map(string_list).unwrap_or_default(),
            fields,
            items,
            fallback: Some(unknown),
            ..from_inherited(inherited)
        }
    }

    /// The schema itself, then what it refers to, then the branches of a choice.
    fn schema_layers(&self, schema: &'s Value) -> Vec<&'s Value> {
        let mut layers = vec![schema];
        let mut next = 0;
        while let Some(layer) = layers.get(next).copied() {
            next += 1;
            if let Some(pointer) = layer["$ref"].as_str().and_then(|at| at.strip_prefix('#')) {
                layers.extend(self.root.pointer(pointer));
            }
            for choice in ["anyOf", "oneOf"] {
                layers.extend(layer[choice].as_array().into_iter().flatten());
            }
        }
        layers
    }
}

/// The rules of a field of which only its surroundings are known.
fn from_inherited(inherited: InheritedSemantics) -> FieldSemantics {
    FieldSemantics {
        on_change: inherited.on_change,
        readback: inherited.readback,
        list: ListSemantics::Atomic,
        needs_pause: inherited.needs_pause,
        sent_with: inherited.sent_with,
        local_only: inherited.local_only,
        is_secret: false,
        replace_across: Vec::new(),
        refers_to: inherited.refers_to,
        equality: Equality::Exact,
        omitted_values: Vec::new(),
        minimum: None,
        fields: BTreeMap::new(),
        items: None,
        fallback: None,
    }
}

fn inherit_annotations<'v>(
    mark: &impl Fn(&str) -> Option<&'v Value>,
    above: &InheritedSemantics,
) -> InheritedSemantics {
    let text = |name: &str| mark(name).and_then(Value::as_str);
    InheritedSemantics {
        on_change: match text(annotations::ON_CHANGE) {
            Some("replace") => OnChange::Replace,
            Some("settings") => OnChange::Update(UpdateVia::Settings),
            Some("scaling") => OnChange::Update(UpdateVia::Scaling),
            _ => above.on_change,
        },
        readback: match text(annotations::READBACK) {
            Some("never") => Readback::Never,
            Some("sometimes") => Readback::Sometimes,
            _ => above.readback,
        },
        needs_pause: above.needs_pause || mark(annotations::NEEDS_PAUSE).is_some(),
        sent_with: match mark(annotations::SENT_WITH) {
            Some(paths) => string_list(paths).iter().map(|path| FieldPath::parse(path)).collect(),
            None => above.sent_with.clone(),
        },
        local_only: above.local_only || mark(annotations::LOCAL_ONLY).is_some(),
        refers_to: text(annotations::REFERS_TO).and_then(Kind::from_name).or(above.refers_to),
    }
}

fn read_list<'v>(mark: &impl Fn(&str) -> Option<&'v Value>) -> ListSemantics {
    match mark(annotations::LIST).and_then(Value::as_str) {
        Some("set") => ListSemantics::Set,
        Some("keyed") => ListSemantics::Keyed(KeyedList {
            identity: mark(annotations::IDENTITY).map(string_list).unwrap_or_default(),
            deltas: mark(annotations::DELTAS).and_then(read_delta_fields),
        }),
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

/// Words of an enum are the same in any case.
fn implied_equality(layers: &[&Value]) -> Equality {
    let is_enum = layers.iter().any(|layer| layer.get("enum").is_some() || layer.get("const").is_some());
    if is_enum { Equality::Caseless } else { Equality::Exact }
}

fn read_equality(mark: &Value) -> Equality {
    match mark {
        Value::String(how) => match how.as_str() {
            "caseless" => Equality::Caseless,
            "engine" => Equality::Engine,
            "count" => Equality::Count,
            "cpu" => Equality::Cpu,
            "memory" => Equality::Memory,
            "uri" => Equality::Uri,
            "commaList" => Equality::CommaList,
            "hostList" => Equality::HostList,
            "instant" => Equality::Instant,
            "url" => Equality::Url,
            "storageUrl" => Equality::StorageUrl,
            "sql" => Equality::Sql,
            "pem" => Equality::Pem,
            _ => Equality::Exact,
        },
        Value::Object(how) => Equality::FlavourOf(
            how.get("flavourOf")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .filter_map(|(flavour, base)| Some((flavour.clone(), base.as_str()?.to_owned())))
                .collect(),
        ),
        _ => Equality::Exact,
    }
}

fn string_list(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
