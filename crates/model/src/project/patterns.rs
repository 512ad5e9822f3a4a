//! Patterns of a policy that match less than their author means.

use super::code;
use crate::path::FieldPath;
use crate::selector::has_braces;
use crate::yaml::{PendingDiagnostic, PendingDiagnostics, Span, YamlNode};

/// The lists of a policy that contain patterns.
const PATTERN_LISTS: [&str; 5] = ["protect", "allowReplace", "keepStopped", "pruneScope", "secretCommandVariables"];

/// Warns about braces in the policies of the file.
// Hazard: `protect: ["analytics/{orders,clicks}"]` would silently protect neither. It is not an error, because a name
// may contain braces.
pub(super) fn warn_of_braces(root: &YamlNode, remarks: &mut PendingDiagnostics) {
    let policy = |owner: &YamlNode, path: &FieldPath, remarks: &mut PendingDiagnostics| {
        let Some(policy) = owner.node_at(&["policy"]) else { return };
        let path = path.child("policy");
        for list in PATTERN_LISTS {
            let items = policy.node_at(&[list]).map_or(&[][..], YamlNode::items);
            warn_of_items(items, &path.child(list), remarks);
        }
        for entry in policy.node_at(&["secrets"]).map_or(&[][..], YamlNode::entries) {
            let path = path.child("secrets").child(&entry.key);
            if has_braces(&entry.key) {
                remarks.push(braces_warning(entry.span).with_path(path.clone()));
            }
            warn_of_items(entry.value.items(), &path, remarks);
        }
    };
    policy(root, &FieldPath::root(), remarks);
    for environment in root.node_at(&["environments"]).map_or(&[][..], YamlNode::entries) {
        policy(&environment.value, &FieldPath::parse("environments").child(&environment.key), remarks);
    }
}

fn warn_of_items(items: &[YamlNode], path: &FieldPath, remarks: &mut PendingDiagnostics) {
    for (index, item) in items.iter().enumerate() {
        if item.as_text().is_some_and(has_braces) {
            remarks.push(braces_warning(item.span).with_path(path.child(index.to_string())));
        }
    }
}

fn braces_warning(span: Span) -> PendingDiagnostic {
    let message = "patterns support only `*` and `?`, so a brace matches only itself";
    let help = "write one entry for each alternative; if a name contains the brace, write `?` for it";
    PendingDiagnostic::warning(code::BRACES_IN_PATTERN, span, message).with_help(help)
}
