//! A change of a pipe by somebody else, as in the console.

use serde_json::{Map, Value, json};

use crate::clock::Timestamp;
use crate::contract::accept::unknown_fields;
use crate::contract::field_spec::{FieldSpec, JsonType};
use crate::contract::settings::SETTINGS;
use crate::contract::{root, scaling};
use crate::json_body::object_field;
use crate::options::UnknownFields;
use crate::pipe::EmulatedPipe;
use crate::timeline::Timeline;

impl EmulatedPipe {
    /// Changes the stored pipe without validation.
    pub(crate) fn edit_unchecked(&mut self, now: Timestamp, change: impl FnOnce(&mut Value)) {
        let mut kept = json!({
            "name": self.name,
            "source": {self.source.json_key(): self.source_fields},
            "destination": self.destination,
            "fieldMappings": self.field_mappings,
            "settings": self.settings,
        });
        let size = self.scaling.as_ref().map(|scaling| *scaling.final_value());
        if let Some(size) = size {
            kept["scaling"] = size.to_json();
            self.unknown_scaling.iter().for_each(|(name, value)| kept["scaling"][name] = value.clone());
        }
        for (name, value) in &self.unknown_fields {
            kept[name.as_str()] = value.clone();
        }
        change(&mut kept);
        let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
        kept["name"].as_str().unwrap_or_default().clone_into(&mut self.name);
        self.source_fields = object(&kept["source"][self.source.json_key()]);
        self.destination = object(&kept["destination"]);
        self.field_mappings = kept["fieldMappings"].as_array().cloned().unwrap_or_default();
        self.settings = object(&kept["settings"]);
        let edited = size.map(|size| size.with_overrides(&object(&kept["scaling"])));
        if edited != size {
            self.scaling = edited.map(Timeline::new);
        }
        self.unknown_scaling = unknown_fields(scaling::FIELDS, &object(&kept["scaling"]));
        self.unknown_fields = unknown_fields(root::FIELDS, &object(&kept));
        self.updated_at = now;
    }

    /// The first field of a merge patch that the pipe cannot have: the edit would be without effect.
    pub(crate) fn find_unknown_edit(&self, merge: &Value, unknown: UnknownFields) -> Option<String> {
        let nothing = Map::new();
        let merge = merge.as_object().unwrap_or(&nothing);
        let parts = ["name", "source", "destination", "fieldMappings", "settings"];
        let is_part = |name: &str| parts.contains(&name) || name == "scaling" && self.scaling.is_some();
        let is_root_field = |name: &str| root::FIELDS.iter().any(|field| field.name == name);
        let is_kept = |name: &str| unknown == UnknownFields::Accept && !is_root_field(name);
        if let Some(name) = merge.keys().find(|name| !is_part(name) && !is_kept(name)) {
            return Some(name.clone());
        }
        let sources = object_field(merge, "source").unwrap_or(&nothing);
        let own = self.source.json_key();
        if let Some(name) = sources.keys().find(|name| *name != own) {
            return Some(format!("source.{name}"));
        }
        if unknown == UnknownFields::Accept {
            return None;
        }
        let part = |name: &str| object_field(merge, name).unwrap_or(&nothing);
        let size = find_unknown_field(scaling::FIELDS, part("scaling"), "scaling");
        let is_setting =
            |name: &String| SETTINGS.iter().any(|it| it.field_spec.name == name && (it.applies_to)(self.source));
        let setting = part("settings").keys().find(|name| !is_setting(name)).map(|name| format!("settings.{name}"));
        let of_source = object_field(sources, own).unwrap_or(&nothing);
        size.or(setting)
            .or_else(|| find_unknown_field(self.source.field_specs(), of_source, &format!("source.{own}")))
            .or_else(|| find_unknown_field(self.source.destination_specs(), part("destination"), "destination"))
    }
}

fn find_unknown_field(fields: &[FieldSpec], object: &Map<String, Value>, path: &str) -> Option<String> {
    object.iter().find_map(|(name, value)| {
        let path = format!("{path}.{name}");
        let Some(field) = fields.iter().find(|field| field.name == name) else { return Some(path) };
        match (field.json_type, value) {
            (JsonType::Object(below), Value::Object(value)) => find_unknown_field(below, value, &path),
            _ => None,
        }
    })
}
