//! Where each field of a body was written.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::Kind;
use crate::desired::{Origin, Place};
use crate::envelope;
use crate::path::Path;
use crate::source::{Content, Node, Span};

/// The places of the body's fields, from the tree of the manifest.
pub(super) fn of(file: &Arc<str>, kind: Kind, root: &Node) -> Origin {
    let start = root.head();
    let start = Place { file: Arc::clone(file), line: start.line, column: start.column };
    let mut places = Places { kind, fields: BTreeMap::new() };
    for (section, key) in [("metadata", Some("name")), ("spec", None)] {
        let Some(section) = root.entry(section) else { continue };
        let path = Path::root().child(&section.key);
        match key {
            Some(key) => places.entry_of(&section.value, key, &path),
            None => places.below(&section.value, &path),
        }
    }
    Origin::new(start, places.fields)
}

struct Places {
    kind: Kind,
    fields: BTreeMap<Path, (u32, u32)>,
}

impl Places {
    fn entry_of(&mut self, node: &Node, key: &str, at: &Path) {
        if let Some(entry) = node.entry(key) {
            self.put(&at.child(key), entry.span);
        }
    }

    fn below(&mut self, node: &Node, at: &Path) {
        match &node.content {
            Content::Map(entries) => {
                for entry in entries {
                    let path = at.child(&entry.key);
                    self.put(&path, entry.span);
                    self.below(&entry.value, &path);
                }
            }
            Content::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let path = at.child(index);
                    self.put(&path, item.head());
                    self.below(item, &path);
                }
            }
            _ => {}
        }
    }

    fn put(&mut self, path: &Path, span: Span) {
        if let Some(path) = envelope::body_path(self.kind, path) {
            // What stands under `additional` does not move the place of the field around it.
            self.fields.entry(path).or_insert((span.line, span.column));
        }
    }
}
