//! Maps each field of a body to its line and column.

use super::render_document::RenderedDocument;
use crate::api_body::BodyStep;
use crate::kinds;
use model::address::Kind;
use model::desired::{FieldPlaces, Origin, PathText};
use model::path::FieldPath;
use model::schema_validator::FieldNode;
use model::yaml::{Span, SpanFiles, YamlContent, YamlNode};

pub(super) fn build_origin(files: SpanFiles<'_>, kind: Kind, rendered: &RenderedDocument) -> Origin {
    let root = &rendered.root;
    let start = files.place(rendered.entry.unwrap_or_else(|| root.head_span()));
    let mut places = SourceMapBuilder { files, fields: FieldPlaces::default(), path: PathText::default() };
    let metadata = |key| root.entry("metadata").and_then(|metadata| metadata.value.entry(key));
    if let Some(id) = metadata("id") {
        places.record_field(&FieldPath::parse("metadata.id"), entry_span(id.span, &id.value));
    }
    for key in ["labels", "annotations"] {
        if let Some(entry) = metadata(key) {
            places.record_field(&FieldPath::parse("metadata").child(key), entry_span(entry.span, &entry.value));
        }
    }
    if let (Some(name), Some(path)) = (metadata("name"), kind.name_path()) {
        places.record_field(&path, entry_span(name.span, &name.value));
    }
    if let Some(spec) = root.entry("spec") {
        places.record_below(&spec.value, kinds::manifest_fields(kind).child_field("spec"));
    }
    let template = rendered.template.as_ref().and_then(|used| used.origin.clone());
    Origin::new(start, places.fields).with_template(template)
}

/// The place of a field: its key, or for a value that stands elsewhere the value.
fn entry_span(key: Span, value: &YamlNode) -> Span {
    match value.alias {
        Some(_) if value.is_scalar() => value.span,
        _ => key,
    }
}

struct SourceMapBuilder<'f> {
    files: SpanFiles<'f>,
    fields: FieldPlaces,
    /// The path of the field at hand in the body.
    path: PathText,
}

impl SourceMapBuilder<'_> {
    fn record_field(&mut self, path: &FieldPath, span: Span) {
        self.path = PathText::from(path);
        self.record_place(span);
        self.path = PathText::default();
    }

    fn record_place(&mut self, span: Span) {
        match span.file {
            0 => self.fields.record(&self.path, span.line, span.column),
            _ => self.fields.record_in_file(&self.path, self.files.place(span)),
        }
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
                    let step = index.to_string();
                    self.record_child(&step, item, item.head_span(), node.and_then(FieldNode::list_item));
                }
            }
            _ => {}
        }
    }

    // Both `x` and `additional.x` map to `x` of the body. The first place counts, so that a block stays at its own.
    fn record_child(&mut self, step: &str, yaml: &YamlNode, span: Span, node: Option<&FieldNode>) {
        let is_below = match BodyStep::into_field(node) {
            BodyStep::Omitted => return,
            BodyStep::Same => false,
            BodyStep::Below => true,
        };
        if is_below {
            self.path.push(step);
        }
        self.record_place(entry_span(span, yaml));
        self.record_below(yaml, node);
        if is_below {
            self.path.pop();
        }
    }
}
