//! Maps each field of a body to its line and column.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api_body::BodyPlace;
use crate::kinds;
use model::address::Kind;
use model::desired::{Origin, Place};
use model::path::FieldPath;
use model::yaml::{Span, YamlContent, YamlNode};

pub(super) fn build_origin(file: &Arc<str>, kind: Kind, root: &YamlNode) -> Origin {
    let start = root.head_span();
    let start = Place { file: Arc::clone(file), line: start.line, column: start.column };
    let mut places = SourceMapBuilder { fields: BTreeMap::new() };
    let metadata = |key| root.entry("metadata").and_then(|metadata| metadata.value.entry(key));
    let name = metadata("name");
    if let Some(id) = metadata("id") {
        places.record_place(FieldPath::parse("metadata.id"), id.span);
    }
    if let (Some(name), Some(path)) = (name, kind.name_path()) {
        places.record_place(path, name.span);
    }
    if let Some(spec) = root.entry("spec") {
        let node = kinds::manifest_fields(kind).child_field("spec");
        places.record_below(&spec.value, &BodyPlace { node, path: FieldPath::root() });
    }
    Origin::new(start, places.fields)
}

struct SourceMapBuilder {
    fields: BTreeMap<FieldPath, (u32, u32)>,
}

impl SourceMapBuilder {
    fn record_below(&mut self, yaml: &YamlNode, place: &BodyPlace) {
        match &yaml.content {
            YamlContent::Map(entries) => {
                for entry in entries {
                    self.record_child(&entry.value, entry.span, place.step_into(&entry.key));
                }
            }
            YamlContent::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.record_child(item, item.head_span(), place.step_into(&index.to_string()));
                }
            }
            _ => {}
        }
    }

    fn record_child(&mut self, yaml: &YamlNode, span: Span, place: Option<BodyPlace>) {
        if let Some(place) = place {
            self.record_place(place.path.clone(), span);
            self.record_below(yaml, &place);
        }
    }

    fn record_place(&mut self, path: FieldPath, span: Span) {
        // Both `x` and `additional.x` map to `x` of the body. The first place counts, so that a block stays at its
        // own.
        self.fields.entry(path).or_insert((span.line, span.column));
    }
}
