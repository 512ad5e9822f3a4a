//! Anchored values, copied wherever an alias names them.

use std::collections::HashMap;

use super::Node;

/// The anchored values of one document, by the parser's number for the anchor.
#[derive(Default)]
pub(super) struct Anchors(HashMap<usize, Anchored>);

/// A value, measured once: copying it must fit into what a file may hold.
pub(super) struct Anchored {
    pub(super) node: Node,
    pub(super) size: usize,
    pub(super) height: usize,
}

impl Anchors {
    pub(super) fn put(&mut self, anchor: usize, node: Node) {
        let (size, height) = (node.size(), node.height());
        self.0.insert(anchor, Anchored { node, size, height });
    }

    /// `None` for an anchor whose value is not complete: the alias stands within it.
    pub(super) fn get(&self, anchor: usize) -> Option<&Anchored> {
        self.0.get(&anchor)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
