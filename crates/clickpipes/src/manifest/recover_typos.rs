//! Corrects misspelt keys after they were reported.

use model::path::FieldPath;
use model::schema_validator;
use model::yaml::{PendingDiagnostic, YamlContent, YamlNode};

pub(super) fn rename_misspelt_keys(root: &mut YamlNode, remarks: &[PendingDiagnostic]) {
    // Inner keys first: the path of an inner diagnostic contains the outer key as misspelt.
    for remark in remarks.iter().rev().filter(|remark| remark.code == schema_validator::code::UNKNOWN_FIELD) {
        if let Some(name) = &remark.replacement {
            rename_key(root, &remark.path, remark, name);
        }
    }
}

fn rename_key(root: &mut YamlNode, path: &FieldPath, remark: &PendingDiagnostic, name: &str) {
    let Some((last, parents)) = path.segments().split_last() else { return };
    let parent = parents.iter().try_fold(root, |node, segment| match &mut node.content {
        YamlContent::List(items) => items.get_mut(segment.parse::<usize>().ok()?),
        YamlContent::Map(entries) => {
            entries.iter_mut().find(|entry| entry.key == *segment).map(|entry| &mut entry.value)
        }
        _ => None,
    });
    let Some(YamlContent::Map(entries)) = parent.map(|node| &mut node.content) else { return };
    // The field of the template exists, too. A second one of that name would hide it from the rules.
    if entries.iter().any(|entry| entry.key == name) {
        return;
    }
    // A path can be ambiguous: in a reference to a secret it ends before the key. So the position has to match as well.
    let is_meant = |key: &str, at| key == last && at == remark.span;
    if let Some(entry) = entries.iter_mut().find(|entry| is_meant(&entry.key, entry.span)) {
        name.clone_into(&mut entry.key);
    }
}
