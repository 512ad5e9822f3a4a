//! The mapping of source fields to columns.

use std::collections::BTreeSet;

use schemars::JsonSchema;

use crate::validate::{RuleContext, RuleFinding, RuleSet, custom_rule, unique_entries};
use model::diagnostic::Evidence;
use model::path::FieldPath;
use model::text::NonEmptyText;

/// One field of the source and its column.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldMapping {
    /// The field of the source.
    pub source_field: NonEmptyText,
    /// The column of the destination.
    pub destination_field: NonEmptyText,
}

pub(crate) const RULES: RuleSet = RuleSet {
    object_paths: &["spec"],
    rules: &[
        // One sentence of the schema requires it; half of the examples of the official provider omit it.
        custom_rule("unmapped-column", Evidence::Ours, &["fieldMappings", "destination.columns"], unmapped_columns),
        custom_rule(
            "mapped-column-unknown",
            Evidence::Ours,
            &["fieldMappings", "destination.columns"],
            unknown_mapped_columns,
        ),
        unique_entries("duplicate-field-mapping", Evidence::Ours, "fieldMappings", "destinationField"),
    ],
};

fn collect_names<'d>(scope: &RuleContext<'d>, list: &str, field: &str) -> BTreeSet<&'d str> {
    scope.list_at(list).iter().filter_map(|entry| entry.get(field)?.as_str()).collect()
}

fn unmapped_columns(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let mapped = collect_names(scope, "fieldMappings", "destinationField");
    if mapped.is_empty() {
        return Vec::new();
    }
    let columns = collect_names(scope, "destination.columns", "name");
    let missing = columns.into_iter().filter(|column| !mapped.contains(column));
    missing
        .map(|column| {
            let message = format!(
                "column `{column}` has no field mapping: the schema of the API says that every column needs \
                 one, and examples of its official provider leave some out"
            );
            let help = format!("add `{{sourceField: {column}, destinationField: {column}}}`");
            RuleFinding::new(FieldPath::parse("fieldMappings"), message).with_help(help)
        })
        .collect()
}

fn unknown_mapped_columns(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let columns = collect_names(scope, "destination.columns", "name");
    if columns.is_empty() {
        return Vec::new();
    }
    let mappings = scope.list_at("fieldMappings").iter().enumerate();
    mappings
        .filter_map(|(at, mapping)| Some((at, mapping.get("destinationField")?.as_str()?)))
        .filter(|(_, field)| !columns.contains(field))
        .map(|(at, field)| {
            let path = FieldPath::parse("fieldMappings").child(at).child("destinationField");
            RuleFinding::new(path, format!("`{field}` is not one of the destination's columns"))
                .with_help(format!("add `{field}` to `destination.columns`, or remove the mapping"))
        })
        .collect()
}
