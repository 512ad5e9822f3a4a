//! Which field was meant?

use super::Node;
use crate::address::Kind;
use crate::nearest::nearest;
use crate::path::Path;

/// Fields that may have been meant, best first.
pub(super) fn suggestions(kinds: &[Kind], path: &Path) -> Vec<String> {
    let all: Vec<String> = kinds.iter().flat_map(|kind| paths(*kind)).collect();
    let Some(last) = path.last() else { return Vec::new() };
    let mut near: Vec<String> = nearest(&path.to_string(), all.iter().map(String::as_str))
        .map(|near| vec![near.to_owned()])
        .unwrap_or_default();
    let leaf = |path: &&String| path.rsplit('.').next().is_some_and(|leaf| leaf == last);
    near.extend(all.iter().filter(leaf).cloned());
    if near.is_empty() {
        let leaves = all.iter().filter_map(|path| path.rsplit('.').next());
        let meant = nearest(last, leaves);
        near.extend(all.iter().filter(|path| path.rsplit('.').next() == meant).cloned());
    }
    near.dedup();
    near.truncate(5);
    near
}

/// Every path of a kind, without steps for the entries of lists.
pub(in crate::reference) fn paths(kind: Kind) -> Vec<String> {
    fn visit(node: &Node, at: &str, paths: &mut Vec<String>) {
        let inner = node.item().unwrap_or_else(|| node.clone());
        if inner.may_be_secret() {
            return;
        }
        for (name, field) in inner.children() {
            let path = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
            paths.push(path.clone());
            visit(&field, &path, paths);
        }
    }
    let mut paths = Vec::new();
    visit(&Node::document(kind), "", &mut paths);
    paths
}
