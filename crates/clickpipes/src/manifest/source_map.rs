//! Maps each field of a body to its line and column.

use super::render_document::RenderedDocument;
use crate::api_body::BodyStep;
use crate::kinds;
use model::address::Kind;
use model::desired::{FieldPlaces, Origin, PathKey};
use model::rule_finding::EXCEPT_ANNOTATION;
use model::schema_validator::FieldNode;
use model::yaml::{Span, SpanFiles, YamlContent, YamlNode};

pub(super) fn build_origin(files: SpanFiles<'_>, kind: Kind, rendered: &RenderedDocument) -> Origin {
    let root = &rendered.root;
    let start = files.place(rendered.entry.unwrap_or_else(|| root.head_span()));
    let mut places = SourceMapBuilder { files, fields: FieldPlaces::default() };
    let metadata = |key| root.entry("metadata").and_then(|metadata| metadata.value.entry(key));
    for key in ["id", "labels", "annotations"] {
        if let Some(entry) = metadata(key) {
            places.record_place(PathKey::default().child("metadata").child(key), entry_span(entry.span, &entry.value));
        }
    }
    // Only this annotation is checked. A mistake in it affects only its line.
    if let Some(except) = metadata("annotations").and_then(|all| all.value.entry(EXCEPT_ANNOTATION)) {
        let path = PathKey::default().child("metadata").child("annotations").child(EXCEPT_ANNOTATION);
        places.record_place(path, entry_span(except.span, &except.value));
    }
    if let (Some(name), Some(path)) = (metadata("name"), kind.name_path()) {
        places.record_place(PathKey::from(&path), entry_span(name.span, &name.value));
    }
    if let Some(spec) = root.entry("spec") {
        places.record_below(PathKey::default(), &spec.value, kinds::manifest_fields(kind).child_field("spec"));
    }
    let template = rendered.template.as_ref().and_then(|used| used.origin.clone());
    Origin::new(start, places.fields).with_template(template)
}

/// The place of a field: its key, or the value if that is elsewhere.
fn entry_span(key: Span, value: &YamlNode) -> Span {
    match value.alias {
        Some(_) if value.is_scalar() => value.span,
        _ => key,
    }
}

struct SourceMapBuilder<'f> {
    files: SpanFiles<'f>,
    fields: FieldPlaces,
}

impl SourceMapBuilder<'_> {
    fn record_place(&mut self, path: PathKey, span: Span) {
        match span.file {
            0 => self.fields.record(path, span.line, span.column),
            _ => self.fields.record_in_file(path, self.files.place(span)),
        }
    }

    /// `path` is that of the value in the body.
    fn record_below(&mut self, path: PathKey, yaml: &YamlNode, node: Option<&FieldNode>) {
        match &yaml.content {
            YamlContent::Map(entries) => {
                for entry in entries {
                    let field = node.and_then(|node| node.child_or_item(&entry.key));
                    self.record_child((path, &entry.key), &entry.value, entry.span, field);
                }
            }
            YamlContent::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let step = index.to_string();
                    self.record_child((path, &step), item, item.head_span(), node.and_then(FieldNode::list_item));
                }
            }
            _ => {}
        }
    }

    // Both `x` and `additional.x` map to `x` of the body. The first place counts, so that a block stays at its own.
    fn record_child(&mut self, (above, step): (PathKey, &str), yaml: &YamlNode, span: Span, node: Option<&FieldNode>) {
        let path = match BodyStep::into_field(node) {
            BodyStep::Omitted => return,
            BodyStep::Same => above,
            BodyStep::Below => above.child(step),
        };
        self.record_place(path, entry_span(span, yaml));
        self.record_below(path, yaml, node);
    }
}
