//! The reference page of every field.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::explain::{self, DocumentForm, FieldExplanation, explain_field};
use super::field_rules::rules_of;
use crate::semantics::Readback;
use model::address::Kind;

/// The page in Markdown. It is generated, and a test compares it with the one in `docs/`.
pub fn render_reference_page() -> String {
    let mut page = String::from(INTRODUCTION);
    for form in DocumentForm::ALL {
        let _ = write!(page, "\n## {}\n", form.name());
        if !matches!(form, DocumentForm::Manifest(_)) {
            write_section(&mut page, form, "");
        }
        for path in object_paths(form) {
            write_section(&mut page, form, &path);
        }
        if let DocumentForm::Manifest(kind) = form {
            write_rules(&mut page, kind);
        }
    }
    page
}

/// The anchor of the heading of the page below which a field has its row, or its fields have theirs.
pub fn reference_anchor(field: &FieldExplanation) -> String {
    let path = field.path.to_string();
    let is_about = |title: &str| path.strip_prefix(title).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let mut found = String::new();
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for form in DocumentForm::ALL {
        let paths = object_paths(form);
        let objects =
            paths.iter().filter_map(|path| explain::find_object(form, path)).map(|at| (at.to_string(), false));
        for (title, is_form) in std::iter::once((form.name().to_owned(), true)).chain(objects) {
            let anchor = heading_anchor(&title);
            let use_count = uses.entry(anchor.clone()).or_default();
            // Objects come before those that they contain.
            if form.name() == field.kind && (is_form || is_about(&title)) {
                found = if *use_count == 0 { anchor } else { format!("{anchor}-{use_count}") };
            }
            *use_count += 1;
        }
    }
    found
}

/// The anchor that GitHub and mdBook give to the first heading of this text.
pub fn heading_anchor(heading: &str) -> String {
    let words = heading.to_lowercase().replace(' ', "-");
    words.chars().filter(|it| it.is_alphanumeric() || matches!(it, '-' | '_')).collect()
}

const INTRODUCTION: &str = "\
# Fields

Look up a field of a manifest here, or run `pipectl explain FIELD`. This page is generated from the
structs that validate manifests.

**Bold** fields are required. The column *on change* shows how a change is applied to a live object.
pipectl does not manage fields that you omit. The defaults are those of the API.

A field is in the official schema of July 2026, unless its row says otherwise: *newer schema* is that of autumn 2026,
and what is *in preview* is known from commits of the official Terraform provider only.

Each object below `spec` also takes `additional`, `additionalCreateOnly` and `additionalNotReturned`:
[fields that pipectl does not know yet](manifests.md#use-fields-that-pipectl-does-not-know-yet).

Each kind ends with its rules between fields. A rule is an error only if there is evidence that the API
refuses what breaks it. The codes are explained in [errors](errors.md).
";

/// Every object of the kind, by path, the whole document first.
fn object_paths(form: DocumentForm) -> Vec<String> {
    let mut paths = explain::field_paths(form);
    paths.retain(|path| explain::find_object(form, path).is_some());
    paths
}

fn full_path(form: DocumentForm, path: &str) -> String {
    format!("{}.{path}", form.name())
}

fn write_section(page: &mut String, form: DocumentForm, path: &str) {
    let Ok(object) = explain_field(&full_path(form, path)) else { return };
    let title = if path.is_empty() { String::new() } else { format!("\n### `{}`\n", object.path) };
    let _ = write!(page, "{title}\n{}\n\n", single_line(&object.doc));
    page.push_str(match form {
        DocumentForm::Manifest(_) => "| field | takes | on change | |\n|---|---|---|---|\n",
        DocumentForm::Project | DocumentForm::Template | DocumentForm::SharedManifest => {
            "| field | takes | |\n|---|---|---|\n"
        }
    });
    for entry in object.fields.iter().filter(|entry| entry.name != "additional") {
        let asked = [path, &entry.name].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
        if let Ok(field) = explain_field(&full_path(form, &asked)) {
            write_row(page, form, &entry.name, &field);
        }
    }
}

fn write_rules(page: &mut String, kind: Kind) {
    let _ = write!(page, "\n### Rules between the fields of `{}`\n\n", kind.name());
    page.push_str("| rule | in | fields | |\n|---|---|---|---|\n");
    for rule in rules_of(kind) {
        let quoted = |texts: &[&str]| texts.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
        let fields: Vec<&str> = rule.fields.iter().map(String::as_str).collect();
        let cells = [format!("`{}`", rule.code), quoted(&rule.objects), quoted(&fields), rule.describe()];
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    }
}

fn write_row(page: &mut String, form: DocumentForm, name: &str, field: &FieldExplanation) {
    let name = if field.required { format!("**`{name}`**") } else { format!("`{name}`") };
    let change = field.change.as_ref().map(|change| {
        let unread = match change.echo {
            Readback::Always => "",
            Readback::Sometimes => "; not always returned",
            Readback::Never => "; write-only",
        };
        format!("{}{unread}", change.describe_change())
    });
    let mut cells = vec![name, describe_values(field)];
    if matches!(form, DocumentForm::Manifest(_)) {
        cells.push(change.unwrap_or_default());
    }
    cells.push(single_line(&field.doc));
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn describe_values(field: &FieldExplanation) -> String {
    let words: Vec<String> = field.words.iter().map(|word| format!("`{}`", word.word)).collect();
    let what = if words.is_empty() { field.value_type.clone() } else { words.join(", ") };
    let default = field.default.as_ref().map(|value| format!("default `{}`", value_text(value)));
    std::iter::once(what)
        .chain(field.proof())
        .chain(field.limits.iter().cloned())
        .chain(default)
        .collect::<Vec<_>>()
        .join("; ")
}

fn value_text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn single_line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}
