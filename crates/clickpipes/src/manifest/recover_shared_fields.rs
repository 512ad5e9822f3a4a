//! Corrects `forEach`, `template` and `with` that are misspelt or in the wrong mapping, and reports them.
// Before anything else is read: without its template, a manifest would also lack every field of the template.

use super::classify::{DocumentClass, classify_document};
use super::defaults::child;
use super::render_document::{FOR_EACH, TEMPLATE, WITH};
use crate::kinds::manifest_fields;
use crate::template_schema::shared_manifest_fields;
use model::path::FieldPath;
use model::schema_validator::{FieldNode, misplaced_field, misspelt_field};
use model::suggest::suggest_similar;
use model::yaml::{PendingDiagnostic, PendingDiagnostics, YamlContent, YamlEntry, YamlNode};

/// The mapping of a document that has a field.
#[derive(Clone, Copy)]
enum Level {
    Root,
    Metadata,
    Spec,
}

pub(super) fn recover_shared_fields(root: &mut YamlNode, remarks: &mut PendingDiagnostics) {
    let DocumentClass::Manifest(kind) = classify_document(root) else { return };
    for (level, name) in [(Level::Root, FOR_EACH), (Level::Spec, TEMPLATE), (Level::Spec, WITH)] {
        let Some(entries) = level.entries(root) else { continue };
        if entries.iter().any(|entry| entry.key == name) {
            continue;
        }
        let fields = [manifest_fields(kind), shared_manifest_fields()].map(|fields| level.fields(fields));
        let recovered = recover_misspelt(entries, fields, name).map(|(remark, key)| remark.with_path(level.path(&key)));
        if let Some(remark) = recovered.or_else(|| recover_misplaced(root, level, name)) {
            remarks.push(remark);
        }
    }
}

/// Renames the entry that is most similar to the field, unless another missing field is as similar. Returns its key,
/// too.
fn recover_misspelt(
    entries: &mut [YamlEntry],
    known: [Option<&FieldNode>; 2],
    name: &str,
) -> Option<(PendingDiagnostic, String)> {
    let names = || known.into_iter().flatten().flat_map(FieldNode::child_fields).map(|(name, _)| name);
    // A blank may be missing after the colon, which is reported separately.
    let is_known = |key: &str| known.into_iter().flatten().any(|fields| fields.child_field(key).is_some());
    let is_unknown = |entry: &YamlEntry| !entry.key.contains(':') && !is_known(&entry.key);
    // Most documents end here.
    let first = entries.iter().position(is_unknown)?;
    let absent: Vec<&str> = names().filter(|name| entries.iter().all(|entry| entry.key != *name)).collect();
    let is_meant =
        |entry: &&mut YamlEntry| is_unknown(entry) && suggest_similar(&entry.key, absent.iter().copied()) == Some(name);
    let entry = entries[first..].iter_mut().find(is_meant)?;
    let remark = misspelt_field(entry, name);
    Some((remark, std::mem::replace(&mut entry.key, name.to_owned())))
}

/// Moves the field from the mapping that has it by mistake.
fn recover_misplaced(root: &mut YamlNode, level: Level, name: &str) -> Option<PendingDiagnostic> {
    let place = if matches!(level, Level::Root) { "beside `spec`" } else { "under `spec`" };
    for other in [Level::Root, Level::Metadata, Level::Spec] {
        let Some(entries) = other.entries(root) else { continue };
        let Some(at) = entries.iter().position(|entry| entry.key == name) else { continue };
        let entry = entries.remove(at);
        let remark = misplaced_field(&entry, place).with_path(other.path(name));
        level.entries(root)?.push(entry);
        return Some(remark);
    }
    None
}

impl Level {
    fn entries(self, root: &mut YamlNode) -> Option<&mut Vec<YamlEntry>> {
        let node = match self {
            Self::Root => root,
            Self::Metadata => child(root, "metadata")?,
            Self::Spec => child(root, "spec")?,
        };
        match &mut node.content {
            YamlContent::Map(entries) => Some(entries),
            _ => None,
        }
    }

    fn fields(self, root: &FieldNode) -> Option<&FieldNode> {
        match self {
            Self::Root => Some(root),
            Self::Metadata => root.child_field("metadata"),
            Self::Spec => root.child_field("spec"),
        }
    }

    fn path(self, key: &str) -> FieldPath {
        match self {
            Self::Root => FieldPath::root().child(key),
            Self::Metadata => FieldPath::parse("metadata").child(key),
            Self::Spec => FieldPath::parse("spec").child(key),
        }
    }
}
