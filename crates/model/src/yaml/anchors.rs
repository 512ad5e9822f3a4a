//! Anchored values, copied wherever an alias names them.

use std::collections::HashMap;

use super::YamlNode;

/// The anchored values of one document, by the parser's number for the anchor.
#[derive(Default)]
pub(super) struct Anchors(HashMap<usize, AnchoredNode>);

/// A value, measured once: copying it must fit into what a file may hold.
pub(super) struct AnchoredNode {
    pub(super) node: YamlNode,
    pub(super) size: usize,
    pub(super) height: usize,
}

impl Anchors {
    pub(super) fn insert(&mut self, anchor: usize, node: YamlNode) {
        let (size, height) = (node.node_count(), node.nesting_height());
        self.0.insert(anchor, AnchoredNode { node, size, height });
    }

    /// `None` for an anchor whose value is not complete: the alias stands within it.
    pub(super) fn get(&self, anchor: usize) -> Option<&AnchoredNode> {
        self.0.get(&anchor)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
