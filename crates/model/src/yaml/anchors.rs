//! Anchored values, which are copied for every alias.

use std::collections::HashMap;

use super::YamlNode;

/// The anchored values of one document, by the parser's number for the anchor.
#[derive(Default)]
pub(super) struct Anchors(HashMap<usize, AnchoredNode>);

// Measured once, because every alias asks for its size before the copy: a file of many aliases would
// otherwise walk the same large value each time.
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

    /// `None` while the value is incomplete: the alias is inside of it.
    pub(super) fn get(&self, anchor: usize) -> Option<&AnchoredNode> {
        self.0.get(&anchor)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
