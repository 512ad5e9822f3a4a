//! Manifests as they are after templates, `forEach` and variables: for people and other programs.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use super::file::{ValidatedDocument, validate_file};
use super::load_context::RenderContext;
use super::render_document::RenderedDocument;
use super::{EffectiveValue, PlainManifest, RemovedField, ValueSource};
use model::desired::Place;
use model::diagnostic::SourceFile;
use model::path::FieldPath;
use model::yaml::{Span, SpanFiles, YamlContent, YamlNode};

pub(super) fn render_file(file: &SourceFile, context: &RenderContext<'_>) -> Vec<PlainManifest> {
    let files = context.span_files(&file.name);
    let (documents, _) = validate_file(file, context);
    let rendered = documents.into_iter().map(|document| {
        let ValidatedDocument { rendered, fields: mut document, .. } = document;
        escape_variables(&mut document);
        let mut removed = Vec::new();
        let of_template = rendered.template.iter().flat_map(|template| &template.taken_out);
        for taken in of_template.chain(&rendered.kept_out) {
            let gone = RemovedField { path: taken.path.clone(), place: files.place(taken.span) };
            if !removed.contains(&gone) {
                removed.push(gone);
            }
        }
        for taken in &rendered.kept_out {
            // Read again in this environment, it must not get the default.
            taken.path.set_in(&mut document, Value::Null);
        }
        let mut value_places = BTreeMap::new();
        collect_places(&rendered.root, files, &FieldPath::root(), &mut value_places);
        let mut origins =
            OriginCollector { files, defaults: context.defaults_file(), rendered: &rendered, found: Vec::new() };
        origins.visit_value(&rendered.root, &FieldPath::root());
        let values = origins.found;
        PlainManifest {
            values,
            removed,
            document,
            start: files.place(rendered.entry.unwrap_or_else(|| rendered.root.head_span())),
            template: rendered.template.and_then(|used| used.origin),
            value_places,
        }
    });
    rendered.collect()
}

/// Where the values of a manifest are from.
struct OriginCollector<'r> {
    files: SpanFiles<'r>,
    /// The number of the project file in spans.
    defaults: u32,
    rendered: &'r RenderedDocument,
    found: Vec<EffectiveValue>,
}

impl OriginCollector<'_> {
    fn visit_value(&mut self, node: &YamlNode, at: &FieldPath) {
        match &node.content {
            YamlContent::Map(entries) if !entries.is_empty() => {
                for entry in entries {
                    self.visit_value(&entry.value, &at.child(&entry.key));
                }
            }
            YamlContent::List(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    self.visit_value(item, &at.child(index));
                }
            }
            _ => self.found.push(EffectiveValue {
                path: at.clone(),
                value: node.to_json(),
                source: self.source_of(node.span),
                place: self.files.place(node.span),
            }),
        }
    }

    fn source_of(&self, span: Span) -> ValueSource {
        let is_in = |extent: &Option<Range<usize>>| extent.as_ref().is_some_and(|it| it.contains(&span.start));
        match span.file {
            0 if is_in(&self.rendered.entry_extent) => ValueSource::ForEach,
            0 if is_in(&self.rendered.with_extent) => ValueSource::With,
            0 => ValueSource::Manifest,
            file if file == self.defaults => ValueSource::EnvironmentDefault,
            _ => ValueSource::Template,
        }
    }
}

/// Keeps a text that contains `${` what it is when the manifest is read again.
fn escape_variables(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("${") => *text = text.replace("${", "$${"),
        Value::Array(items) => items.iter_mut().for_each(escape_variables),
        Value::Object(fields) => fields.values_mut().for_each(escape_variables),
        _ => {}
    }
}

fn collect_places(node: &YamlNode, files: SpanFiles<'_>, at: &FieldPath, places: &mut BTreeMap<FieldPath, Place>) {
    match &node.content {
        YamlContent::Map(entries) => {
            for entry in entries {
                collect_places(&entry.value, files, &at.child(&entry.key), places);
            }
        }
        YamlContent::List(items) => {
            for (index, item) in items.iter().enumerate() {
                collect_places(item, files, &at.child(index), places);
            }
        }
        _ if node.span.file > 0 || node.alias.is_some() => {
            places.insert(at.clone(), files.place(node.span));
        }
        _ => {}
    }
}
