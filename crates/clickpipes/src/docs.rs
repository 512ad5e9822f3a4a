//! What every field is, in words: answers to `explain`, and the reference page.

use std::collections::BTreeSet;

use model::address::Kind;

mod explain;
mod field_rules;
mod markdown;

pub use explain::{AllowedValue, ChangeEffect, FieldExplanation, FieldSummary, UnknownField, explain_field};
pub use field_rules::FieldRule;
pub use markdown::render_reference_page;

/// Every field that can be explained, of all kinds, without the `spec.` that may be left out.
pub fn explainable_fields() -> Vec<String> {
    let all = Kind::ALL.into_iter().flat_map(explain::field_paths);
    let short = all.map(|path| path.strip_prefix("spec.").map_or(path.clone(), str::to_owned));
    short.collect::<BTreeSet<String>>().into_iter().collect()
}
