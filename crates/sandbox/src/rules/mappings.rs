//! Table mappings of database pipes, and the deltas of a PATCH.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::SourceCheck;
use crate::api_rule::ApiRule;
use crate::json_body::{is_true, object_items, text_field, text_items};

type MappingObject = Map<String, Value>;

/// The keys that identify a source table, of all database sources.
const SOURCE_KEYS: [&str; 5] =
    ["sourceSchemaName", "sourceDatabaseName", "sourceDatasetName", "sourceTable", "sourceCollection"];

fn source_table(mapping: &MappingObject) -> [Option<&str>; 5] {
    SOURCE_KEYS.map(|key| text_field(mapping, key))
}

fn is_same_mapping(left: &MappingObject, right: &MappingObject) -> bool {
    // The other fields do not count: the API identifies a mapping to remove by these.
    source_table(left) == source_table(right) && text_field(left, "targetTable") == text_field(right, "targetTable")
}

pub(crate) fn validate_mappings(check: &mut SourceCheck<'_>) {
    let mut targets = BTreeSet::new();
    for (index, mapping) in object_items(check.fields, "tableMappings").enumerate() {
        let path = format!("tableMappings[{index}]");
        if text_field(mapping, "targetTable").is_some_and(|target| target.contains('.')) {
            check.refuse(ApiRule::DottedTable, &format!("{path}.targetTable"), "has a dot in it");
        }
        if !text_field(mapping, "targetTable").is_none_or(|target| targets.insert(target)) {
            check.refuse(target_rule(mapping), &format!("{path}.targetTable"), "is used by another mapping");
        }
        validate_mapping(check, &path, mapping);
    }
}

/// The provider checks the targets of Postgres and MySQL only.
fn target_rule(mapping: &MappingObject) -> ApiRule {
    if mapping.contains_key("sourceSchemaName") { ApiRule::TargetTable } else { ApiRule::SharedTargetTable }
}

fn validate_mapping(check: &mut SourceCheck<'_>, path: &str, mapping: &MappingObject) {
    let keys = text_items(mapping, "sortingKeys").next().is_some();
    match (is_true(mapping, "useCustomSortingKey"), keys) {
        (true, false) => {
            check.refuse(ApiRule::SortingKeys, &format!("{path}.sortingKeys"), "is required with useCustomSortingKey");
        }
        (false, true) => {
            check.refuse(
                ApiRule::UnusedSortingKeys,
                &format!("{path}.sortingKeys"),
                "is only allowed with useCustomSortingKey",
            );
        }
        (true, true) | (false, false) => {}
    }
    let is_excluded = |key: &str| text_items(mapping, "excludedColumns").any(|excluded| excluded == key);
    if text_items(mapping, "sortingKeys").any(is_excluded) {
        check.refuse(ApiRule::ExcludedSortingKey, &format!("{path}.sortingKeys"), "has an excluded column");
    }
    let blank = |field: &str| text_field(mapping, field).is_some_and(|given| given.trim().is_empty());
    // The real API stores a blank expression as unset; the official provider refuses it before.
    if blank("partitionByExpr") {
        check.refuse(ApiRule::PartitionExpression, &format!("{path}.partitionByExpr"), "must not be blank");
    }
}

pub(crate) struct MappingDelta {
    added: Vec<MappingObject>,
    removed: Vec<MappingObject>,
}

impl MappingDelta {
    pub(crate) fn from_patch(patch: &Map<String, Value>) -> Self {
        let list = |name| object_items(patch, name).cloned().collect();
        Self { added: list("tableMappingsToAdd"), removed: list("tableMappingsToRemove") }
    }

    pub(crate) fn has_additions(&self) -> bool {
        !self.added.is_empty()
    }

    pub(crate) fn has_removals(&self) -> bool {
        !self.removed.is_empty()
    }

    pub(crate) fn validate_delta(&self, check: &mut SourceCheck<'_>) {
        for mapping in &self.removed {
            if !object_items(check.fields, "tableMappings").any(|present| is_same_mapping(present, mapping)) {
                check.refuse(
                    ApiRule::MappingDelta,
                    "tableMappingsToRemove",
                    "names a mapping that the pipe does not have",
                );
            }
            // The API refuses this by design (a comment in the provider): it takes two requests.
            let readded = |added: &MappingObject| source_table(added) == source_table(mapping);
            if self.added.iter().any(readded) {
                let text = "cannot be added and removed in one request";
                check.refuse(ApiRule::MappingDelta, "tableMappingsToAdd", format!("the same source table {text}"));
            }
        }
        self.validate_additions(check);
        if self.has_removals() && self.remaining_mappings(check.fields).is_empty() {
            check.refuse(ApiRule::MappingDelta, "tableMappingsToRemove", "would leave the pipe without a mapping");
        }
    }

    fn validate_additions(&self, check: &mut SourceCheck<'_>) {
        // A target counts as used even if the same request removes its mapping.
        let present = object_items(check.fields, "tableMappings");
        let mut used: BTreeSet<&str> = present.filter_map(|mapping| text_field(mapping, "targetTable")).collect();
        for (index, mapping) in self.added.iter().enumerate() {
            let path = format!("tableMappingsToAdd[{index}]");
            if !text_field(mapping, "targetTable").is_none_or(|target| used.insert(target)) {
                check.refuse(target_rule(mapping), &format!("{path}.targetTable"), "is used by another mapping");
            }
            validate_mapping(check, &path, mapping);
        }
    }

    pub(crate) fn remaining_mappings(&self, fields: &Map<String, Value>) -> Vec<Value> {
        let present = object_items(fields, "tableMappings");
        let stays = |mapping: &&MappingObject| !self.removed.iter().any(|gone| is_same_mapping(gone, mapping));
        present.filter(stays).chain(&self.added).cloned().map(Value::Object).collect()
    }
}
