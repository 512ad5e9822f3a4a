//! Overlays the fields of a manifest on those of its template.

use std::collections::HashMap;

use crate::kinds;
use model::path::FieldPath;
use model::yaml::{Span, YamlContent, YamlEntry, YamlNode};

/// The order of the fields of a merged mapping.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldOrder {
    /// Those of the template, each in its place.
    BaseFirst,
    /// Those of the manifest. A plain manifest has all fields itself, so only this order does not change it.
    OwnFirst,
}

impl FieldOrder {
    /// Mappings are merged. Any other value of `own` replaces that of `base`, and `null` removes the field. A reference
    /// to a secret is one value: `{fromFile: …}` over `{fromEnv: …}` must not become both.
    pub(super) fn overlay(self, base: YamlNode, own: YamlNode) -> YamlNode {
        let YamlNode { span, alias, content } = own;
        let content = match (base.content, content) {
            (YamlContent::Map(base), YamlContent::Map(own)) => YamlContent::Map(self.overlay_entries(base, own)),
            (_, content) => content,
        };
        YamlNode { span, alias, content }
    }

    fn overlay_entries(self, base: Vec<YamlEntry>, own: Vec<YamlEntry>) -> Vec<YamlEntry> {
        let mut places: HashMap<String, usize> =
            base.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)).collect();
        let mut base: Vec<Option<YamlEntry>> = base.into_iter().map(Some).collect();
        let mut added = Vec::new();
        for entry in own {
            let Some(place) = places.remove(&entry.key).map(|at| &mut base[at]) else {
                added.push(entry);
                continue;
            };
            let merged = self.overlay_entry(place.take(), entry);
            match self {
                Self::BaseFirst => *place = merged,
                Self::OwnFirst => added.extend(merged),
            }
        }
        let base = base.into_iter().flatten();
        match self {
            Self::BaseFirst => base.chain(added).collect(),
            Self::OwnFirst => added.into_iter().chain(base).collect(),
        }
    }

    fn overlay_entry(self, base: Option<YamlEntry>, own: YamlEntry) -> Option<YamlEntry> {
        let is_one_value = kinds::secret_field_names().contains(&own.key);
        match (base, &own.value.content) {
            (_, YamlContent::Null) => None,
            (Some(base), _) if !is_one_value => {
                let is_written_empty = own.value.entries().is_empty();
                let value = self.overlay(base.value, own.value);
                // A mapping whose fields are all removed would be sent as an empty one.
                let is_left_empty =
                    !is_written_empty && matches!(&value.content, YamlContent::Map(it) if it.is_empty());
                (!is_left_empty).then_some(YamlEntry { value, ..own })
            }
            _ => Some(own),
        }
    }
}

/// A field of a template or of the defaults that a manifest does not get.
#[derive(Clone, Debug)]
pub(super) struct TakenOut {
    pub(super) path: FieldPath,
    /// The `null` that removes it, or the default that does not fit.
    pub(super) span: Span,
}

/// The fields of `base` that `own` removes, below `at`.
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
