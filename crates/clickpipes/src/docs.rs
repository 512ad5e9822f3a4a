//! Descriptions of all fields: answers to `explain`, and the reference page.

use std::collections::BTreeSet;

mod explain;
mod field_rules;
mod markdown;

use explain::DocumentForm;
pub use explain::{AllowedValue, ChangeEffect, FieldExplanation, FieldSummary, UnknownField, explain_field};
pub use field_rules::FieldRule;
pub use markdown::{heading_anchor, reference_anchor, render_reference_page};

/// Every field that can be explained, of all kinds, without the optional `spec.`. Those of the project file begin with
/// `Project.`, those of templates with `Template.`, and those of manifests that use templates with `Manifest.`.
pub fn explainable_fields() -> Vec<String> {
    let all = DocumentForm::ALL.into_iter().flat_map(|form| {
        explain::field_paths(form).into_iter().map(move |path| match form {
            DocumentForm::Manifest(_) => path.strip_prefix("spec.").map_or(path.clone(), str::to_owned),
            DocumentForm::Project | DocumentForm::Template | DocumentForm::SharedManifest => {
                format!("{}.{path}", form.name())
            }
        })
    });
    all.collect::<BTreeSet<String>>().into_iter().collect()
}
