//! What the databases that pipes read from have in common: users, modes, table mappings.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde_json::Value;

use crate::check::{Finding, Rule, RuleSet, Scope, custom, flag, is};
use crate::path::Path;

pub(crate) mod restart;

/// The names under which an update adds table mappings and removes them.
pub(crate) const TABLE_MAPPING_DELTAS: [&str; 2] = ["tableMappingsToAdd", "tableMappingsToRemove"];

/// How a database is followed.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplicationMode {
    /// A first copy of the tables, then every change.
    Cdc,
    /// One copy of the tables, then the pipe is done.
    Snapshot,
    /// Every change from now on, without a first copy.
    CdcOnly,
}

/// How a pipe proves who it is to a database.
#[derive(JsonSchema)]
pub enum DatabaseAuthentication {
    /// User and password.
    #[serde(rename = "basic")]
    Basic,
    /// A user, and an IAM role that is taken on in place of a password.
    #[serde(rename = "IAM_ROLE")]
    IamRole,
}

/// The engine of a table that a mapping makes.
#[derive(JsonSchema)]
pub enum TableEngine {
    /// Keeps every change as a row of its own.
    MergeTree,
    /// Keeps the latest version of each row.
    ReplacingMergeTree,
    /// Keeps nothing, and feeds the materialized views that read from it.
    Null,
}

/// User and password, or user and role.
pub(crate) const LOGIN: RuleSet = RuleSet {
    at: &["spec.source.postgres", "spec.source.mysql"],
    rules: &[
        Rule::needed_iff("database-iam-role", &["iamRole"], is("authentication", &["IAM_ROLE"])),
        Rule::needed_iff(
            "database-password",
            &["credentials.password"],
            is("authentication", &["basic"]),
        ),
        Rule::refused(
            "login-version",
            &["credentials.version"],
            is("authentication", &["IAM_ROLE"]),
        )
        .warning()
        .because("no secret is sent again")
        .help("remove `version`: a role has nothing to rotate here"),
    ],
};

/// No two mappings write one table.
pub(crate) const MAPPINGS: RuleSet = RuleSet {
    at: &[
        "spec.source.postgres",
        "spec.source.mysql",
        "spec.source.mongodb",
        "spec.source.bigquery",
    ],
    rules: &[Rule::unique("duplicate-target-table", "tableMappings", "targetTable")
        .because("two mappings cannot share a table")],
};

/// The columns of one mapping.
pub(crate) const MAPPING: RuleSet = RuleSet {
    at: &[
        "spec.source.postgres.tableMappings.*",
        "spec.source.mysql.tableMappings.*",
        "spec.source.bigquery.tableMappings.*",
    ],
    rules: &[
        Rule::needed_iff("custom-sorting-key", &["sortingKeys"], flag("useCustomSortingKey", true))
            .help("`sortingKeys` and `useCustomSortingKey: true` go together"),
        custom("empty-sorting-key", &["sortingKeys", "useCustomSortingKey"], empty_sorting_key),
        custom("excluded-sorting-key", &["sortingKeys", "excludedColumns"], excluded_sorting_key)
            .warning(),
    ],
};

fn empty_sorting_key(scope: &Scope<'_>) -> Vec<Finding> {
    let custom = scope.value("useCustomSortingKey").and_then(Value::as_bool) == Some(true);
    let empty = scope.value("sortingKeys").and_then(Value::as_array).is_some_and(Vec::is_empty);
    if !(custom && empty) {
        return Vec::new();
    }
    let message = "`useCustomSortingKey: true` needs at least one column";
    vec![
        Finding::new(Path::parse("sortingKeys"), message).help("name the columns in `sortingKeys`"),
    ]
}

fn excluded_sorting_key(scope: &Scope<'_>) -> Vec<Finding> {
    let excluded: BTreeSet<&str> = scope.texts("excludedColumns").collect();
    let keys = scope.list("sortingKeys").iter().enumerate();
    keys.filter_map(|(at, key)| Some((at, key.as_str()?)))
        .filter(|(_, key)| excluded.contains(key))
        .map(|(at, key)| {
            let message = format!("column `{key}` is a sorting key, and excluded");
            Finding::new(Path::parse("sortingKeys").child(at), message)
                .help("take it out of `excludedColumns`")
        })
        .collect()
}
