//! Names the default of the environment that is behind a mistake of a manifest.

use super::defaults::EnvironmentDefaults;
use super::file::ValidatedDocument;
use super::load_context::RenderContext;
use crate::kinds::cross_field_rules;
use model::path::FieldPath;
use model::yaml::{PendingDiagnostic, PendingDiagnostics, Span};

/// Adds the other place to the remarks of a document from `known` on: the default, or the manifest at `start`.
pub(super) fn relate_defaults(
    document: &ValidatedDocument,
    (start, known): (Span, usize),
    context: &RenderContext<'_>,
    remarks: &mut PendingDiagnostics,
) {
    let file = context.defaults_file();
    remarks.relate_kept_since(known, |remark| {
        if let Some(unfit) = document.rendered.left_out.iter().find(|it| it.path == remark.path) {
            return Some((unfit.span, "the default does not fit here, and is left out".to_owned()));
        }
        if remark.span.file == file {
            return Some((start, "the default is for this manifest".to_owned()));
        }
        let default = find_default(document, file, remark)?;
        if remark.span.file == 0 {
            return Some((default, "with this default".to_owned()));
        }
        // The field comes from a template: neither place shows which manifest is meant.
        let name = context.defaults.and_then(EnvironmentDefaults::file_name).unwrap_or_default();
        Some((start, format!("used here, with the default at {name}:{}:{}", default.line, default.column)))
    });
}

/// The place of a field that a violated rule reads, if it is a default.
fn find_default(document: &ValidatedDocument, file: u32, remark: &PendingDiagnostic) -> Option<Span> {
    let broken = cross_field_rules(document.kind).filter(|(_, rule)| rule.code == remark.code);
    let fields = broken.flat_map(|(objects, rule)| {
        let objects = objects.iter().map(|at| FieldPath::parse(at)).filter(|object| remark.path.is_within(object));
        let fields: Vec<FieldPath> = rule.field_paths().iter().map(|path| FieldPath::parse(path)).collect();
        objects.flat_map(move |object| fields.iter().map(|field| object.join(field)).collect::<Vec<_>>())
    });
    fields.filter(|field| *field != remark.path).find_map(|field| {
        let keys: Vec<&str> = field.segments().iter().map(String::as_str).collect();
        let node = document.rendered.root.node_at(&keys)?;
        (node.span.file == file).then(|| node.head_span())
    })
}
