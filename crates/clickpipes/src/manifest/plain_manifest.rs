//! Manifests as they are after templates, `forEach` and variables: for people and other programs.

use std::collections::BTreeMap;

use serde_json::Value;

use super::PlainManifest;
use super::file::{ValidatedDocument, validate_file};
use super::load_context::RenderContext;
use model::desired::Place;
use model::diagnostic::SourceFile;
use model::path::FieldPath;
use model::yaml::{SpanFiles, YamlContent, YamlNode};

/// The plain manifests of one file.
pub(super) fn render_file(file: &SourceFile, context: &RenderContext<'_>) -> Vec<PlainManifest> {
    let files = context.span_files(&file.name);
    let (documents, _) = validate_file(file, context);
    let rendered = documents.into_iter().map(|document| {
        let ValidatedDocument { rendered, fields: mut document, .. } = document;
        escape_variables(&mut document);
        for path in &rendered.kept_out {
            // Read again in this environment, it must not get the default.
            path.set_in(&mut document, Value::Null);
        }
        let mut value_places = BTreeMap::new();
        collect_places(&rendered.root, files, &FieldPath::root(), &mut value_places);
        PlainManifest {
            document,
            start: files.place(rendered.entry.unwrap_or_else(|| rendered.root.head_span())),
            template: rendered.template.and_then(|used| used.origin),
            value_places,
        }
    });
    rendered.collect()
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
