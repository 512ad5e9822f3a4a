//! Which field of a source goes into which column.

use std::collections::BTreeSet;

use schemars::JsonSchema;

use crate::check::{Finding, Rule, RuleSet, Scope, custom};
use crate::path::Path;
use crate::text::Text;

/// One field of the source and the column that it goes into.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldMapping {
    /// The field of the source.
    pub source_field: Text,
    /// The column of the destination.
    pub destination_field: Text,
}

pub(crate) const RULES: RuleSet = RuleSet {
    at: &["spec"],
    rules: &[
        custom("unmapped-column", &["fieldMappings", "destination.columns"], unmapped),
        custom("mapped-column-unknown", &["fieldMappings", "destination.columns"], unknown),
        Rule::unique("duplicate-field-mapping", "fieldMappings", "destinationField"),
    ],
};

fn names<'d>(scope: &Scope<'d>, list: &str, field: &str) -> BTreeSet<&'d str> {
    scope.list(list).iter().filter_map(|entry| entry.get(field)?.as_str()).collect()
}

fn unmapped(scope: &Scope<'_>) -> Vec<Finding> {
    let mapped = names(scope, "fieldMappings", "destinationField");
    if mapped.is_empty() {
        return Vec::new();
    }
    let columns = names(scope, "destination.columns", "name");
    let missing = columns.into_iter().filter(|column| !mapped.contains(column));
    missing
        .map(|column| {
            let message = format!(
                "column `{column}` has no field mapping, and where there are any the API wants \
                 one for every column"
            );
            let help = format!("add `{{sourceField: {column}, destinationField: {column}}}`");
            Finding::new(Path::parse("fieldMappings"), message).help(help)
        })
        .collect()
}

fn unknown(scope: &Scope<'_>) -> Vec<Finding> {
    let columns = names(scope, "destination.columns", "name");
    if columns.is_empty() {
        return Vec::new();
    }
    let mappings = scope.list("fieldMappings").iter().enumerate();
    mappings
        .filter_map(|(at, mapping)| Some((at, mapping.get("destinationField")?.as_str()?)))
        .filter(|(_, field)| !columns.contains(field))
        .map(|(at, field)| {
            let path = Path::parse("fieldMappings").child(at).child("destinationField");
            Finding::new(path, format!("`{field}` is not one of the destination's columns"))
                .help(format!("add `{field}` to `destination.columns`, or remove the mapping"))
        })
        .collect()
}
