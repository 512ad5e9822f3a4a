//! Decides by `apiVersion` and `kind` if a document is a manifest, and of which kind.

use super::code;
use model::address::Kind;
use model::path::FieldPath;
use model::suggest::suggest_similar;
use model::yaml::{PendingDiagnostic, PendingDiagnostics, YamlContent, YamlEntry, YamlNode};

/// The beginning of every `apiVersion` of manifests.
pub const API_VERSION_PREFIX: &str = "pipectl/";

/// Whether a text that may not be YAML contains a pipectl document: one whose own key `apiVersion` says so, not only a
/// comment or a text in it.
pub fn is_text_of_ours(text: &str) -> bool {
    let mut indent = None;
    text.trim_start_matches('\u{feff}').lines().any(|line| {
        let content = line.trim_start_matches([' ', '{', ',']);
        if line.starts_with("---") {
            indent = None;
            return false;
        }
        if content.trim_end().is_empty() || content.starts_with('#') {
            return false;
        }
        // Keys of the document are indented as its first line is. In braces, the first key follows the brace.
        let width = line.len() - line.trim_start_matches([' ', '{']).len();
        let is_own_key = width == *indent.get_or_insert(width);
        let Some((key, value)) = content.split_once(':') else { return false };
        let key = key.trim_matches([' ', '"', '\'']);
        let is_version = key == VERSION_KEY || suggest_similar(key, [VERSION_KEY]).is_some();
        is_own_key && is_version && value.trim_start_matches([' ', '"', '\'']).starts_with(API_VERSION_PREFIX)
    })
}

/// The key of the version in manifests.
const VERSION_KEY: &str = "apiVersion";

/// The word in a template's `kind`.
const TEMPLATE_KIND: &str = "Template";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentClass {
    Manifest(Kind),
    /// A manifest with an unknown kind, or without one.
    UnknownKind,
    Project,
    Template,
    /// Another document, such as a Kubernetes manifest.
    NotOurs,
}

pub(super) fn classify_document(root: &YamlNode) -> DocumentClass {
    let word = |key: &str| root.entry(key).and_then(|entry| entry.value.as_text());
    let version = word(VERSION_KEY);
    let is_ours = version.is_some_and(|version| version.starts_with(API_VERSION_PREFIX));
    match word("kind") {
        // A known kind is enough. The schema reports a wrong `apiVersion`.
        Some(kind) if Kind::from_name(kind).is_some() => {
            Kind::from_name(kind).map_or(DocumentClass::UnknownKind, DocumentClass::Manifest)
        }
        Some("Project") if is_ours => DocumentClass::Project,
        Some(TEMPLATE_KIND) if is_ours => DocumentClass::Template,
        // A misspelt kind without a version may be one of ours. With another version it belongs to another tool.
        Some(kind) if version.is_none() && suggest_kind(kind).is_some() => DocumentClass::UnknownKind,
        _ if is_ours => DocumentClass::UnknownKind,
        _ => DocumentClass::NotOurs,
    }
}

/// Whether a document is a pipectl template.
pub fn is_template(root: &YamlNode) -> bool {
    classify_document(root) == DocumentClass::Template
}

/// The kind of a document. A misspelt kind is reported and corrected, so that the rest of the document is validated
/// too.
pub(super) fn resolve_kind(root: &mut YamlNode, remarks: &mut PendingDiagnostics) -> Option<Kind> {
    match classify_document(root) {
        DocumentClass::Manifest(kind) => Some(kind),
        DocumentClass::UnknownKind => recover_kind(root, remarks),
        DocumentClass::Project => {
            let message = "this is the project file, not a manifest";
            let help = "keep it out of the folders that hold manifests";
            remarks.push(PendingDiagnostic::error(code::PROJECT_FILE, root.head_span(), message).with_help(help));
            None
        }
        DocumentClass::Template => None,
        DocumentClass::NotOurs => {
            remarks.push(not_a_manifest(root));
            None
        }
    }
}

pub(super) fn not_a_manifest(root: &YamlNode) -> PendingDiagnostic {
    let message = match &root.content {
        YamlContent::Map(_) => "this is not a manifest: it has neither the `apiVersion` nor a `kind` of pipectl",
        _ => "this is not a manifest: it is not a mapping",
    };
    let help = format!(
        "a manifest begins with `apiVersion: pipectl/v1` and `kind: {}`; keep other files elsewhere",
        Kind::ClickPipe.name()
    );
    PendingDiagnostic::error(code::NOT_A_MANIFEST, root.head_span(), message).with_help(help)
}

fn recover_kind(root: &mut YamlNode, remarks: &mut PendingDiagnostics) -> Option<Kind> {
    let choice =
        format!("it is one of {}", known_kinds().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", "));
    let here = root.head_span();
    let YamlContent::Map(entries) = &mut root.content else { return None };
    let Some(entry) = entries.iter_mut().find(|entry| entry.key == "kind") else {
        remarks
            .push(PendingDiagnostic::error(code::UNKNOWN_KIND, here, "the manifest has no `kind`").with_help(choice));
        return None;
    };
    let span = entry.value.head_span();
    let given = entry.value.as_text();
    let message = match given {
        Some(given) => format!("there is no kind `{given}`"),
        None => "the kind is not a text".to_owned(),
    };
    let remark = PendingDiagnostic::error(code::UNKNOWN_KIND, span, message).with_path(FieldPath::parse("kind"));
    let suggestion = given.and_then(suggest_kind);
    match suggestion {
        Some(name) => {
            remarks.push(remark.with_help(format!("did you mean `{name}`?")).with_replacement(name));
            entry.value.content = YamlContent::Text { text: name.to_owned(), is_unquoted: true, variables: None };
        }
        None => remarks.push(remark.with_help(choice)),
    }
    suggestion.and_then(Kind::from_name)
}

/// Corrects the misspelt or missing kind of a template, so that its users get no errors of their own. Returns whether
/// it was wrong.
pub(super) fn recover_template_kind(root: &mut YamlNode, remarks: &mut PendingDiagnostics) -> bool {
    // Called for every document: the search for a similar word costs more than the rest of the classification.
    if classify_document(root) != DocumentClass::UnknownKind {
        return false;
    }
    let word = |key: &str| root.entry(key).and_then(|entry| entry.value.as_text());
    let is_ours = word(VERSION_KEY).is_some_and(|version| version.starts_with(API_VERSION_PREFIX));
    if !is_ours {
        return false;
    }
    if word("kind").is_some_and(|kind| suggest_kind(kind) == Some(TEMPLATE_KIND)) {
        recover_kind(root, remarks);
        return true;
    }
    let is_missing = root.entry("kind").is_none() && (root.entry("parameters").is_some() || uses_parameter(root));
    let start = root.head_span();
    let YamlContent::Map(entries) = &mut root.content else { return false };
    if is_missing {
        let message = "a document with parameters is a template, and this one has no `kind`";
        let remark = PendingDiagnostic::error(code::UNKNOWN_KIND, start, message).with_path(FieldPath::parse("kind"));
        remarks.push(remark.with_help(format!("add `kind: {TEMPLATE_KIND}`")));
        let text = YamlContent::Text { text: TEMPLATE_KIND.to_owned(), is_unquoted: true, variables: None };
        entries.push(YamlEntry {
            key: "kind".to_owned(),
            span: start,
            value: YamlNode::new(start, text),
            merged: false,
        });
    }
    is_missing
}

/// Whether a text in it uses a parameter.
fn uses_parameter(node: &YamlNode) -> bool {
    node.as_text().is_some_and(|text| text.contains("${with.")) || node.child_nodes().any(uses_parameter)
}

fn suggest_kind(kind: &str) -> Option<&'static str> {
    suggest_similar(kind, known_kinds())
}

fn known_kinds() -> impl Iterator<Item = &'static str> {
    Kind::ALL.map(Kind::name).into_iter().chain([TEMPLATE_KIND])
}

#[cfg(test)]
mod tests {
    use super::is_text_of_ours;

    #[test]
    fn only_a_key_of_the_document_makes_a_text_ours() {
        for text in [
            "apiVersion: pipectl/v1\nkind: ClickPipe\n",
            "\u{feff}# A comment\n\nkind: X\n\"apiVersion\": 'pipectl/v1'\n",
            "  kind: X\n  apiVersion: pipectl/v1\n",
            "a: b\n--- # next\n  kind: X\n  apiVersion: pipectl/v1\n",
            "{\"apiVersion\": \"pipectl/v1\"}",
            "{\n  \"kind\": \"X\",\n  \"apiVersion\": \"pipectl/v1\"\n}",
            "apiversion: pipectl/v1\nspec: [\n",
        ] {
            assert!(is_text_of_ours(text), "{text}");
        }
        for text in [
            "# apiVersion: pipectl/v1\npassword: x\n",
            "password: x # apiVersion: pipectl/v1\n",
            "data:\n  apiVersion: pipectl/v1\n",
            "data: |\n  apiVersion: pipectl/v1\n",
            "note: apiVersion: pipectl/v1\n",
            "image: pipectl/v1\n",
            "apiVersion: v1 # pipectl/v1\n",
            "[core]\n\turl = https://x/pipectl/\n",
            "",
        ] {
            assert!(!is_text_of_ours(text), "{text}");
        }
    }
}
