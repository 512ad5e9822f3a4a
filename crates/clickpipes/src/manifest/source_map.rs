//! Maps each field of a body to its line and column.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::envelope;
use model::address::Kind;
use model::desired::{Origin, Place};
use model::path::FieldPath;
use model::yaml::{Span, YamlContent, YamlNode};

pub(super) fn build_origin(file: &Arc<str>, kind: Kind, root: &YamlNode) -> Origin {
    let start = root.head_span();
    let start = Place { file: Arc::clone(file), line: start.line, column: start.column };
    let mut places = SourceMapBuilder { kind, fields: BTreeMap::new() };
    for (section, key) in [("metadata", Some("name")), ("spec", None)] {
        let Some(section) = root.entry(section) else { continue };
        let path = FieldPath::root().child(&section.key);
        match key {
            Some(key) => places.record_entry(&section.value, key, &path),
            None => places.record_below(&section.value, &path),
        }
    }
    Origin::new(start, places.fields)
}

struct SourceMapBuilder {
    kind: Kind,
    fields: BTreeMap<FieldPath, (u32, u32)>,
}

impl SourceMapBuilder {
    fn record_entry(&mut self, node: &YamlNode, key: &str, at: &FieldPath) {
        if let Some(entry) = node.entry(key) {
            self.record_place(&at.child(key), entry.span);
        }
    }

    fn record_below(&mut self, node: &YamlNode, at: &FieldPath) {
        match &node.content {
            YamlContent::Map(entries) => {
                for entry in entries {
                    let path = at.child(&entry.key);
                    self.record_place(&path, entry.span);
                    self.record_below(&entry.value, &path);
                }
            }
            YamlContent::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let path = at.child(index);
                    self.record_place(&path, item.head_span());
                    self.record_below(item, &path);
                }
            }
            _ => {}
        }
    }

    fn record_place(&mut self, path: &FieldPath, span: Span) {
        if let Some(path) = envelope::to_body_path(self.kind, path) {
            // Both `x` and `additional.x` map to `x` of the body. The first place counts, so that a block stays at its
            // own.
            self.fields.entry(path).or_insert((span.line, span.column));
        }
    }
}
