//! The mappings of a database pipe, and the deltas that change them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Arm;
use crate::body::{is_true, objects, text, texts};

type Mapping = Map<String, Value>;

/// What is replicated: schema or database or dataset, and table or collection.
const SOURCE_KEYS: [&str; 5] = [
    "sourceSchemaName",
    "sourceDatabaseName",
    "sourceDatasetName",
    "sourceTable",
    "sourceCollection",
];

fn source_table(mapping: &Mapping) -> [Option<&str>; 5] {
    SOURCE_KEYS.map(|key| text(mapping, key))
}

/// Whether both name the same source table and the same target.
fn same(left: &Mapping, right: &Mapping) -> bool {
    source_table(left) == source_table(right)
        && text(left, "targetTable") == text(right, "targetTable")
}

pub(crate) fn check(arm: &mut Arm<'_>) {
    let mut targets = BTreeSet::new();
    for (index, mapping) in objects(arm.fields, "tableMappings").enumerate() {
        let at = format!("tableMappings[{index}]");
        if !text(mapping, "targetTable").is_none_or(|target| targets.insert(target)) {
            arm.say(&format!("{at}.targetTable"), "is used by another mapping");
        }
        check_one(arm, &at, mapping);
    }
}

fn check_one(arm: &mut Arm<'_>, at: &str, mapping: &Mapping) {
    let keys = texts(mapping, "sortingKeys").next().is_some();
    match (is_true(mapping, "useCustomSortingKey"), keys) {
        (true, false) => {
            arm.say(&format!("{at}.sortingKeys"), "is required with useCustomSortingKey");
        }
        (false, true) => {
            arm.say(&format!("{at}.sortingKeys"), "is only allowed with useCustomSortingKey");
        }
        _ => {}
    }
    let blank = |field: &str| text(mapping, field).is_some_and(|given| given.trim().is_empty());
    if blank("partitionByExpr") {
        arm.say(&format!("{at}.partitionByExpr"), "must not be blank");
    }
}

/// What a PATCH wants to change about the mappings.
pub(crate) struct Delta {
    added: Vec<Mapping>,
    removed: Vec<Mapping>,
}

impl Delta {
    pub(crate) fn of(patch: &Map<String, Value>) -> Self {
        let list = |name| objects(patch, name).cloned().collect();
        Self { added: list("tableMappingsToAdd"), removed: list("tableMappingsToRemove") }
    }

    pub(crate) fn adds(&self) -> bool {
        !self.added.is_empty()
    }

    pub(crate) fn removes(&self) -> bool {
        !self.removed.is_empty()
    }

    pub(crate) fn check(&self, arm: &mut Arm<'_>) {
        for mapping in &self.removed {
            if !objects(arm.fields, "tableMappings").any(|present| same(present, mapping)) {
                arm.say("tableMappingsToRemove", "names a mapping that the pipe does not have");
            }
            let readded = |added: &Mapping| source_table(added) == source_table(mapping);
            if self.added.iter().any(readded) {
                let text = "cannot be added and removed in one request";
                arm.say("tableMappingsToAdd", format!("the same source table {text}"));
            }
        }
        self.check_added(arm);
        if self.removes() && self.left(arm.fields).is_empty() {
            arm.say("tableMappingsToRemove", "would leave the pipe without a mapping");
        }
    }

    /// A target counts as used as long as the pipe has it, also when this request removes it.
    fn check_added(&self, arm: &mut Arm<'_>) {
        let present = objects(arm.fields, "tableMappings");
        let mut used: BTreeSet<&str> =
            present.filter_map(|mapping| text(mapping, "targetTable")).collect();
        for (index, mapping) in self.added.iter().enumerate() {
            let at = format!("tableMappingsToAdd[{index}]");
            if !text(mapping, "targetTable").is_none_or(|target| used.insert(target)) {
                arm.say(&format!("{at}.targetTable"), "is used by another mapping");
            }
            check_one(arm, &at, mapping);
        }
    }

    /// The mappings of the pipe afterwards.
    pub(crate) fn left(&self, fields: &Map<String, Value>) -> Vec<Value> {
        let present = objects(fields, "tableMappings");
        let stays = |mapping: &&Mapping| !self.removed.iter().any(|gone| same(gone, mapping));
        present.filter(stays).chain(&self.added).cloned().map(Value::Object).collect()
    }
}
