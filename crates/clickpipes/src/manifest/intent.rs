//! Parses the intent of a manifest: presence, protection, previous names, pinned id, labels, annotations.

use std::collections::BTreeMap;

use serde_json::Value;

use super::field_marks::read_field_marks;
use model::action::RunState;
use model::address::{Kind, Name};
use model::desired::{Intent, Presence};
use model::live::Id;

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
