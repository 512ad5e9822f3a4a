//! A mapping under construction.

use std::collections::HashMap;

use super::{Span, YamlEntry, YamlNode};

/// Entries in the order in which they were written, each key once.
#[derive(Default)]
pub(super) struct MappingBuilder {
    entries: Vec<YamlEntry>,
    index: HashMap<String, usize>,
}

impl MappingBuilder {
    /// From here on looking through all entries would cost more than an index.
    const LINEAR_SEARCH_LIMIT: usize = 16;

    /// Adds an entry; gives back the place of the one that has the key already.
    pub(super) fn insert(&mut self, key: String, span: Span, value: YamlNode) -> Result<(), Span> {
        let entry = YamlEntry { key, span, value, merged: false };
        match self.key_position(&entry.key) {
            None => self.entries.push(entry),
            Some(at) if self.entries[at].merged => self.entries[at] = entry,
            Some(at) => return Err(self.entries[at].span),
        }
        Ok(())
    }

    /// Adds those entries of `other` whose keys are not here.
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
        for (at, entry) in self.entries.iter().enumerate().skip(self.index.len()) {
            self.index.insert(entry.key.clone(), at);
        }
        self.index.get(key).copied()
    }
}
