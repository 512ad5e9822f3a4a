//! `null` removes a field that a template or a default of the environment sets. If nothing sets it, `null` has no
//! effect: one manifest works in environments with the default and without. In a template it removes a default.

use super::defaults::child;
use super::load_context::RenderContext;
use crate::kinds::manifest_fields;
use model::address::Kind;
use model::path::{FieldPath, VisitedPath};
use model::schema_validator::{FieldNode, code};
use model::yaml::{PendingDiagnostic, PendingDiagnostics, Span, YamlContent, YamlNode};

/// Removes every `null` of an optional field, and warns of those that no environment needs.
pub(super) fn remove_needless_nulls(
    kind: Kind,
    root: &mut YamlNode,
    context: &RenderContext<'_>,
    remarks: &mut PendingDiagnostics,
) {
    let mut removed = Vec::new();
    for part in ["metadata", "spec"] {
        if let (Some(fields), Some(node)) = (manifest_fields(kind).child_field(part), child(root, part)) {
            remove_nulls(fields, node, &VisitedPath::root().key(part), &mut removed);
        }
    }
    for (path, span) in removed {
        if context.other_defaults.is_some_and(|defaults| defaults.is_given_elsewhere(kind, &path)) {
            continue;
        }
        let message = "`null` removes nothing: no template and no default sets this field";
        let remark = PendingDiagnostic::warning(code::NULL_VALUE, span, message).with_path(path);
        remarks.push(remark.with_help("remove the line; what is left out is not managed"));
    }
}

fn remove_nulls(fields: &FieldNode, node: &mut YamlNode, at: &VisitedPath<'_>, removed: &mut Vec<(FieldPath, Span)>) {
    let YamlContent::Map(entries) = &mut node.content else { return };
    // Defaults contain only labels of `metadata`.
    let is_metadata = matches!(at, VisitedPath::Key(VisitedPath::Start(_), "metadata"));
    entries.retain_mut(|entry| {
        let path = at.key(&entry.key);
        let field = fields.child_field(&entry.key).filter(|_| !is_metadata || entry.key == "labels");
        let is_optional = field.is_some_and(|field| !field.is_required()) || fields.is_map();
        // A key without a value is more often a line that was forgotten.
        let is_written = entry.value.span.start < entry.value.span.end;
        if matches!(entry.value.content, YamlContent::Null) && is_optional && is_written {
            removed.push((path.to_field_path(), entry.value.span));
            return false;
        }
        let known = removed.len();
        if let Some(field) = field {
            remove_nulls(field, &mut entry.value, &path, removed);
        }
        // A mapping that contained only nulls would be sent as an empty one.
        let is_empty = matches!(&entry.value.content, YamlContent::Map(entries) if entries.is_empty());
        !(is_empty && is_optional && removed.len() > known)
    });
}
