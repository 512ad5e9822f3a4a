//! Maps each field of a body to its line and column.

use std::fmt::Display;
use std::sync::Arc;

use crate::api_body::BodyStep;
use crate::kinds;
use model::address::Kind;
use model::desired::{FieldPlaces, Origin, PathText, Place};
use model::path::FieldPath;
use model::schema_validator::FieldNode;
use model::yaml::{Span, YamlContent, YamlNode};

pub(super) fn build_origin(file: &Arc<str>, kind: Kind, root: &YamlNode) -> Origin {
    let start = root.head_span();
    let start = Place { file: Arc::clone(file), line: start.line, column: start.column };
    let mut places = SourceMapBuilder::default();
    let metadata = |key| root.entry("metadata").and_then(|metadata| metadata.value.entry(key));
    if let Some(id) = metadata("id") {
        places.record_field(&FieldPath::parse("metadata.id"), id.span);
    }
    if let (Some(name), Some(path)) = (metadata("name"), kind.name_path()) {
        places.record_field(&path, name.span);
    }
    if let Some(spec) = root.entry("spec") {
        places.record_below(&spec.value, kinds::manifest_fields(kind).child_field("spec"));
    }
    Origin::new(start, places.fields)
}

#[derive(Default)]
struct SourceMapBuilder {
    fields: FieldPlaces,
    /// The path of the field at hand in the body.
    path: PathText,
}

impl SourceMapBuilder {
    fn record_field(&mut self, path: &FieldPath, span: Span) {
        self.fields.record(&PathText::from(path), span.line, span.column);
    }

    fn record_below(&mut self, yaml: &YamlNode, node: Option<&FieldNode>) {
        match &yaml.content {
            YamlContent::Map(entries) => {
                for entry in entries {
                    let field = node.and_then(|node| node.child_or_item(&entry.key));
                    self.record_child(&entry.key, &entry.value, entry.span, field);
                }
            }
            YamlContent::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.record_child(index, item, item.head_span(), node.and_then(FieldNode::list_item));
                }
            }
            _ => {}
        }
    }

    // Both `x` and `additional.x` map to `x` of the body. The first place counts, so that a block stays at its own.
    fn record_child(&mut self, step: impl Display, yaml: &YamlNode, span: Span, node: Option<&FieldNode>) {
        let is_below = match BodyStep::into_field(node) {
            BodyStep::Omitted => return,
            BodyStep::Same => false,
            BodyStep::Below => true,
        };
        if is_below {
            self.path.push(step);
        }
        self.fields.record(&self.path, span.line, span.column);
        self.record_below(yaml, node);
        if is_below {
            self.path.pop();
        }
    }
}
