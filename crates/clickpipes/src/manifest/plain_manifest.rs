//! Manifests with templates, `forEach` and variables expanded: for people and other programs.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use super::file::{ValidatedDocument, validate_file};
use super::load_context::RenderContext;
use super::render_document::RenderedDocument;
use super::{EffectiveValue, PlainManifest, RemovedField, ValueSource};
use model::diagnostic::SourceFile;
use model::path::FieldPath;
use model::yaml::{Span, YamlContent, YamlNode};

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
        let (mut values, mut value_places) = (Vec::new(), BTreeMap::new());
        visit_leaves(&rendered.root, &FieldPath::root(), &mut |path, node| {
            let (place, is_elsewhere) = (files.place(node.span), node.span.file > 0 || node.alias.is_some());
            if is_elsewhere && !matches!(node.content, YamlContent::Map(_) | YamlContent::List(_)) {
                value_places.insert(path.clone(), place.clone());
            }
            let source = source_of(node.span, &rendered, context.defaults_file());
            values.push(EffectiveValue { path: path.clone(), value: node.to_json(), source, place });
        });
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

/// Visits every scalar, and every list or mapping without entries.
fn visit_leaves(node: &YamlNode, at: &FieldPath, visit: &mut impl FnMut(&FieldPath, &YamlNode)) {
    if node.child_nodes().next().is_none() {
        return visit(at, node);
    }
    node.entries().iter().for_each(|entry| visit_leaves(&entry.value, &at.child(&entry.key), visit));
    node.items().iter().enumerate().for_each(|(index, item)| visit_leaves(item, &at.child(index), visit));
}

/// What says a value. `defaults` is the number of the project file in spans.
fn source_of(span: Span, rendered: &RenderedDocument, defaults: u32) -> ValueSource {
    let is_in = |extent: &Option<Range<usize>>| extent.as_ref().is_some_and(|it| it.contains(&span.start));
    match span.file {
        0 if is_in(&rendered.entry_extent) => ValueSource::ForEach,
        0 if is_in(&rendered.with_extent) => ValueSource::With,
        0 => ValueSource::Manifest,
        file if file == defaults => ValueSource::EnvironmentDefault,
        _ => ValueSource::Template,
    }
}

/// Escapes `${` in texts, so that they have the same value when the manifest is read again.
fn escape_variables(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("${") => *text = text.replace("${", "$${"),
        Value::Array(items) => items.iter_mut().for_each(escape_variables),
        Value::Object(fields) => fields.values_mut().for_each(escape_variables),
        _ => {}
    }
}
