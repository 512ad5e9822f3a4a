//! A mapping under construction.

use std::collections::HashMap;

use super::{Entry, Node, Span};

/// Entries in the order in which they were written, each key once.
#[derive(Default)]
pub(super) struct Mapping {
    entries: Vec<Entry>,
    index: HashMap<String, usize>,
}

impl Mapping {
    /// From here on looking through all entries would cost more than an index.
    const SMALL: usize = 16;

    /// Adds an entry; gives back the place of the one that has the key already.
    pub(super) fn insert(&mut self, key: String, span: Span, value: Node) -> Result<(), Span> {
        let entry = Entry { key, span, value, merged: false };
        match self.position(&entry.key) {
            None => self.entries.push(entry),
            Some(at) if self.entries[at].merged => self.entries[at] = entry,
            Some(at) => return Err(self.entries[at].span),
        }
        Ok(())
    }

    /// Adds those entries of `other` whose keys are not here.
    pub(super) fn merge(&mut self, other: Vec<Entry>) {
        for entry in other {
            if self.position(&entry.key).is_none() {
                self.entries.push(Entry { merged: true, ..entry });
            }
        }
    }

    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    fn position(&mut self, key: &str) -> Option<usize> {
        if self.entries.len() <= Self::SMALL {
            return self.entries.iter().position(|entry| entry.key == key);
        }
        for (at, entry) in self.entries.iter().enumerate().skip(self.index.len()) {
            self.index.insert(entry.key.clone(), at);
        }
        self.index.get(key).copied()
    }
}
