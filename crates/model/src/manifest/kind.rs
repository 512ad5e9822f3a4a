//! Is this a manifest at all, and of what?

use super::code;
use crate::address::Kind;
use crate::nearest::nearest;
use crate::path::Path;
use crate::source::{Content, Node, Remark, Remarks};

/// The word that versions of the manifests' form begin with.
const API: &str = "pipectl/";

/// What a document claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Manifest(Kind),
    /// Of a kind that is not known, or none, though it means to be ours.
    Unclear,
    /// The project file.
    Project,
    /// None of our business.
    Stray,
}

/// What `root` claims to be, by its `apiVersion` and `kind`.
pub(super) fn class(root: &Node) -> Class {
    let word = |key: &str| root.entry(key).and_then(|entry| entry.value.text());
    let version = word("apiVersion");
    let is_ours = version.is_some_and(|version| version.starts_with(API));
    match word("kind") {
        Some(kind) if Kind::from_name(kind).is_some() => {
            Kind::from_name(kind).map_or(Class::Unclear, Class::Manifest)
        }
        Some("Project") if is_ours => Class::Project,
        Some(kind) if version.is_none() && meant(kind).is_some() => Class::Unclear,
        _ if is_ours => Class::Unclear,
        _ => Class::Stray,
    }
}

/// The kind of a document. A misspelt one is reported and put right, so that the rest of the
/// document can be checked.
pub(super) fn read(root: &mut Node, remarks: &mut Remarks) -> Option<Kind> {
    match class(root) {
        Class::Manifest(kind) => Some(kind),
        Class::Unclear => unclear(root, remarks),
        Class::Project => {
            let message = "this is the project file, not a manifest";
            let help = "keep it out of the folders that hold manifests";
            remarks.push(Remark::error(code::PROJECT_FILE, root.head(), message).help(help));
            None
        }
        Class::Stray => {
            remarks.push(not_a_manifest(root));
            None
        }
    }
}

/// One remark for a document that has nothing to do with us.
pub(super) fn not_a_manifest(root: &Node) -> Remark {
    let message = match &root.content {
        Content::Map(_) => {
            "this is not a manifest: neither its `apiVersion` nor its `kind` is ours"
        }
        _ => "this is not a manifest: it is no mapping",
    };
    let help = format!(
        "a manifest begins with `apiVersion: pipectl/v1` and `kind: {}`; keep other files elsewhere",
        Kind::ClickPipe.name()
    );
    Remark::error(code::NOT_A_MANIFEST, root.head(), message).help(help)
}

fn unclear(root: &mut Node, remarks: &mut Remarks) -> Option<Kind> {
    let choice =
        format!("it is one of {}", Kind::ALL.map(|kind| format!("`{}`", kind.name())).join(", "));
    let here = root.head();
    let Content::Map(entries) = &mut root.content else { return None };
    let Some(entry) = entries.iter_mut().find(|entry| entry.key == "kind") else {
        remarks.push(
            Remark::error(code::UNKNOWN_KIND, here, "the manifest has no `kind`").help(choice),
        );
        return None;
    };
    let span = entry.value.head();
    let given = entry.value.text();
    let message = match given {
        Some(given) => format!("there is no kind `{given}`"),
        None => "the kind is not a text".to_owned(),
    };
    let remark = Remark::error(code::UNKNOWN_KIND, span, message).at(Path::parse("kind"));
    let kind = given.and_then(meant);
    match kind {
        Some(kind) => {
            let name = kind.name();
            remarks.push(remark.help(format!("did you mean `{name}`?")).replacement(name));
            entry.value.content = Content::Text { text: name.to_owned(), plain: true };
        }
        None => remarks.push(remark.help(choice)),
    }
    kind
}

fn meant(kind: &str) -> Option<Kind> {
    nearest(kind, Kind::ALL.map(Kind::name)).and_then(Kind::from_name)
}
