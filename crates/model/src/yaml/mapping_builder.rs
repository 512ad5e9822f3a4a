//! Builds a mapping and finds duplicate keys.

use std::collections::HashMap;

use super::{Span, YamlEntry, YamlNode};

/// Entries in the order of the file, each key once.
#[derive(Default)]
pub(super) struct MappingBuilder {
    entries: Vec<YamlEntry>,
    index: HashMap<String, usize>,
}

impl MappingBuilder {
    // Nearly all mappings are this small and need no index. A mapping of 200 000 keys does: without one,
    // finding duplicates takes the square of that.
    const LINEAR_SEARCH_LIMIT: usize = 16;

    /// Fails with the key and the place of the entry that already has it.
    pub(super) fn insert(&mut self, key: String, span: Span, value: YamlNode) -> Result<(), (String, Span)> {
        let entry = YamlEntry { key, span, value, merged: false };
        match self.key_position(&entry.key) {
            None => self.entries.push(entry),
            // A written entry wins over a merged one, also if `<<` comes first.
            Some(at) if self.entries[at].merged => self.entries[at] = entry,
            Some(at) => return Err((entry.key, self.entries[at].span)),
        }
        Ok(())
    }

    pub(super) fn merge_entries(&mut self, other: Vec<YamlEntry>) {
        for entry in other {
            if self.key_position(&entry.key).is_none() {
                self.entries.push(YamlEntry { merged: true, ..entry });
            }
        }
    }

    pub(super) fn into_entries(self) -> Vec<YamlEntry> {
        self.entries
    }

    fn key_position(&mut self, key: &str) -> Option<usize> {
        if self.entries.len() <= Self::LINEAR_SEARCH_LIMIT {
            return self.entries.iter().position(|entry| entry.key == key);
        }
        // Entries are only appended or replaced in place, so indexed positions stay right.
        for (at, entry) in self.entries.iter().enumerate().skip(self.index.len()) {
            self.index.insert(entry.key.clone(), at);
        }
        self.index.get(key).copied()
    }
}
