//! Lays the fields of a manifest over those of its template.

use std::collections::HashMap;

use crate::kinds;
use model::path::FieldPath;
use model::yaml::{Span, YamlContent, YamlEntry, YamlNode};

/// Mappings are merged. Any other value of `own` replaces that of `base`, and `null` takes the field out.
// A reference to a secret is one value: `{fromFile: …}` over `{fromEnv: …}` must not become both.
pub(super) fn overlay(base: YamlNode, own: YamlNode) -> YamlNode {
    let YamlNode { span, alias, content } = own;
    match (base.content, content) {
        (YamlContent::Map(base), YamlContent::Map(own)) => {
            YamlNode { span, alias, content: YamlContent::Map(overlay_entries(base, own)) }
        }
        (_, content) => YamlNode { span, alias, content },
    }
}

/// A field of a template or of the defaults that a manifest takes out.
#[derive(Clone, Debug)]
pub(super) struct TakenOut {
    pub(super) path: FieldPath,
    /// The `null` that does it.
    pub(super) span: Span,
}

/// The fields of `base` that `own` takes out, below `at`.
pub(super) fn find_taken_out(base: &YamlNode, own: &YamlNode, at: &FieldPath) -> Vec<TakenOut> {
    let mut found = Vec::new();
    for entry in own.entries() {
        let Some(covered) = base.entry(&entry.key) else { continue };
        let path = at.child(&entry.key);
        match entry.value.content {
            YamlContent::Null => found.push(TakenOut { path, span: entry.value.span }),
            _ => found.extend(find_taken_out(&covered.value, &entry.value, &path)),
        }
    }
    found
}

fn overlay_entries(base: Vec<YamlEntry>, own: Vec<YamlEntry>) -> Vec<YamlEntry> {
    let mut places: HashMap<String, usize> =
        base.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)).collect();
    let mut merged: Vec<Option<YamlEntry>> = base.into_iter().map(Some).collect();
    for entry in own {
        let Some(at) = places.remove(&entry.key) else {
            merged.push(Some(entry));
            continue;
        };
        let is_one_value = kinds::secret_field_names().contains(&entry.key);
        merged[at] = match (merged[at].take(), &entry.value.content) {
            (_, YamlContent::Null) => None,
            (Some(base), _) if !is_one_value => {
                let is_written_empty = entry.value.entries().is_empty();
                let value = overlay(base.value, entry.value);
                // A mapping of which every field is taken out would be sent as an empty one.
                let is_left_empty =
                    !is_written_empty && matches!(&value.content, YamlContent::Map(it) if it.is_empty());
                (!is_left_empty).then_some(YamlEntry { value, ..entry })
            }
            _ => Some(entry),
        };
    }
    merged.into_iter().flatten().collect()
}
