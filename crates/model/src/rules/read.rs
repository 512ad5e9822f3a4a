//! Reads the marks out of the JSON Schema that the structs generate.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Deltas, Echo, Equal, Keyed, List, OnChange, Rules};
use crate::action::Endpoint;
use crate::address::Kind;
use crate::mark;
use crate::path::Path;
use crate::reference;

/// The rules of the body of `kind`.
pub(super) fn rules(kind: Kind) -> Rules {
    let schema = reference::body_schema(kind);
    Reader { root: &schema }.rules(&schema, &Inherited::default())
}

/// What a field takes over from the object it stands in.
#[derive(Clone)]
struct Inherited {
    on_change: OnChange,
    echo: Echo,
    needs_pause: bool,
    travels_with: Vec<Path>,
    local: bool,
    refers_to: Option<Kind>,
}

impl Default for Inherited {
    fn default() -> Self {
        Self {
            on_change: OnChange::Update(Endpoint::Resource),
            echo: Echo::Always,
            needs_pause: false,
            travels_with: Vec::new(),
            local: false,
            refers_to: None,
        }
    }
}

struct Reader<'s> {
    root: &'s Value,
}

impl<'s> Reader<'s> {
    /// Marks stand beside a `$ref` or inside what it points to; the nearer one wins.
    fn rules(&self, schema: &'s Value, above: &Inherited) -> Rules {
        let layers = self.layers(schema);
        let mark = |name: &str| layers.iter().find_map(|layer| layer.get(name));
        let inherited = inherit(&mark, above);
        let fields: BTreeMap<String, Rules> = layers
            .iter()
            .filter_map(|layer| layer["properties"].as_object())
            .flatten()
            .map(|(name, schema)| (name.clone(), self.rules(schema, &inherited)))
            .collect();
        let items = mark("items").map(|items| Box::new(self.rules(items, &inherited)));
        let unknown = Box::new(bare(inherited.clone()));
        Rules {
            list: list(&mark),
            secret: mark(mark::SECRET).is_some(),
            equal: equal(mark(mark::EQUAL)),
            minimum: mark("minimum").and_then(Value::as_f64),
            replace_across: mark(mark::REPLACE_ACROSS).map(texts).unwrap_or_default(),
            fields,
            items,
            unknown: Some(unknown),
            ..bare(inherited)
        }
    }

    /// The schema itself, then what it refers to, then the branches of a choice.
    fn layers(&self, schema: &'s Value) -> Vec<&'s Value> {
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
fn bare(inherited: Inherited) -> Rules {
    Rules {
        on_change: inherited.on_change,
        echo: inherited.echo,
        list: List::Atomic,
        needs_pause: inherited.needs_pause,
        travels_with: inherited.travels_with,
        local: inherited.local,
        secret: false,
        replace_across: Vec::new(),
        refers_to: inherited.refers_to,
        equal: Equal::Exact,
        minimum: None,
        fields: BTreeMap::new(),
        items: None,
        unknown: None,
    }
}

fn inherit<'v>(mark: &impl Fn(&str) -> Option<&'v Value>, above: &Inherited) -> Inherited {
    let text = |name: &str| mark(name).and_then(Value::as_str);
    Inherited {
        on_change: match text(mark::ON_CHANGE) {
            Some("replace") => OnChange::Replace,
            Some("settings") => OnChange::Update(Endpoint::Settings),
            Some("scaling") => OnChange::Update(Endpoint::Scaling),
            _ => above.on_change,
        },
        echo: match text(mark::ECHO) {
            Some("never") => Echo::Never,
            Some("sometimes") => Echo::Sometimes,
            _ => above.echo,
        },
        needs_pause: above.needs_pause || mark(mark::PAUSED).is_some(),
        travels_with: match mark(mark::TRAVELS_WITH) {
            Some(paths) => texts(paths).iter().map(|path| Path::parse(path)).collect(),
            None => above.travels_with.clone(),
        },
        local: above.local || mark(mark::LOCAL).is_some(),
        refers_to: text(mark::REFERS_TO).and_then(Kind::from_name).or(above.refers_to),
    }
}

fn list<'v>(mark: &impl Fn(&str) -> Option<&'v Value>) -> List {
    match mark(mark::LIST).and_then(Value::as_str) {
        Some("set") => List::Set,
        Some("keyed") => List::Keyed(Keyed {
            identity: mark(mark::IDENTITY).map(texts).unwrap_or_default(),
            deltas: mark(mark::DELTAS).and_then(deltas),
        }),
        _ => List::Atomic,
    }
}

fn deltas(mark: &Value) -> Option<Deltas> {
    Some(Deltas {
        add: mark["add"].as_str()?.to_owned(),
        remove: mark["remove"].as_str()?.to_owned(),
        source: usize::try_from(mark["source"].as_u64()?).ok()?,
    })
}

fn equal(mark: Option<&Value>) -> Equal {
    match mark {
        Some(Value::String(how)) => match how.as_str() {
            "engine" => Equal::Engine,
            "count" => Equal::Count,
            "cpu" => Equal::Cpu,
            "memory" => Equal::Memory,
            "uri" => Equal::Uri,
            _ => Equal::Exact,
        },
        Some(Value::Object(how)) => Equal::FlavourOf(
            how.get("flavourOf")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .filter_map(|(flavour, base)| Some((flavour.clone(), base.as_str()?.to_owned())))
                .collect(),
        ),
        _ => Equal::Exact,
    }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
