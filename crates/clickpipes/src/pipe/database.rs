//! Common parts of the database sources: users, modes, table mappings.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde_json::Value;

use super::destination::dotted_table;
use super::endpoint_reference::{host_text, referenced_endpoint};
use super::source::{join_nonempty, text_at};
use crate::secrets::host::SecretHost;
use crate::server_names::ServersOfService;
use crate::validate::{
    CrossFieldRule, RuleContext, RuleFinding, custom_rule, flag_is, forbidden_fields, required_fields, unique_entries,
    value_is,
};
use model::diagnostic::Evidence;
use model::path::FieldPath;

pub(crate) mod replacement_effects;

/// The names under which an update adds table mappings and removes them.
pub(crate) const TABLE_MAPPING_DELTAS: [&str; 2] = ["tableMappingsToAdd", "tableMappingsToRemove"];

/// The mode of replication.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplicationMode {
    /// A first copy of the tables, then every change.
    Cdc,
    /// One copy of the tables, then the pipe completes.
    Snapshot,
    /// Every change from now on, without a first copy.
    CdcOnly,
}

/// The authentication for a database.
#[derive(JsonSchema)]
pub enum DatabaseAuthentication {
    /// User and password.
    #[serde(rename = "basic")]
    Basic,
    /// A user, and an IAM role that is assumed in place of a password.
    #[serde(rename = "IAM_ROLE")]
    IamRole,
}

/// The engine of a table that a mapping creates.
#[derive(JsonSchema)]
pub enum TableEngine {
    /// Keeps every change as a separate row.
    MergeTree,
    /// Keeps the latest version of each row.
    ReplacingMergeTree,
    /// Keeps nothing, and feeds the materialized views that read from it.
    Null,
}

/// The database gets all secrets of its source.
pub(crate) fn secret_hosts(source: &Value, _: &str) -> Vec<SecretHost> {
    let port = || text_at(source, "port").parse().ok();
    match referenced_endpoint(source, "host") {
        Some(name) => vec![SecretHost::of_endpoint(name, port())],
        None => SecretHost::from_list(&host_and_port(source)),
    }
}

/// Host and port of a database.
pub(crate) fn host_and_port(source: &Value) -> String {
    join_nonempty(":", &[host_text(source, "host"), text_at(source, "port")])
}

/// The server of a database: equal for all spellings of its host, and for a reference to the endpoint in front of it.
pub(crate) fn server_key(source: &Value, servers: ServersOfService<'_>) -> String {
    let server = match referenced_endpoint(source, "host") {
        Some(name) => servers.endpoint_key(name),
        None => servers.server_of(&text_at(source, "host")),
    };
    format!("{server}:{}", text_at(source, "port"))
}

/// Whether the tables are copied once, and never followed.
pub(crate) fn takes_only_a_snapshot(source: &Value) -> bool {
    source["settings"]["replicationMode"] == "snapshot"
}

/// Whether changes are read, with a first copy or without.
pub(crate) fn follows_changes(source: &Value) -> bool {
    ["cdc", "cdc_only"].iter().any(|mode| source["settings"]["replicationMode"] == *mode)
}

/// The first rows that a new database pipe reads. Only Postgres has the field for the slot.
pub(crate) fn describe_start(source: &Value) -> String {
    if source["settings"]["replicationMode"] == "cdc_only" {
        let from = match text_at(source, "settings.replicationSlotName") {
            slot if slot.is_empty() => "from now on".to_owned(),
            slot => format!("from replication slot `{slot}` on"),
        };
        return format!("takes no snapshot (`cdc_only`): reads changes {from}, and rows that exist are not loaded");
    }
    let then = if follows_changes(source) { "then follows their changes" } else { "then completes" };
    format!("copies the mapped tables, {then}")
}

/// User and password, or user and role.
pub(crate) const LOGIN_RULES: &[CrossFieldRule] = &[
    required_fields("database-iam-role", Evidence::Schema, &["iamRole"], value_is("authentication", &["IAM_ROLE"])),
    required_fields(
        "database-password",
        Evidence::Live,
        &["credentials.password"],
        value_is("authentication", &["basic"]),
    ),
    forbidden_fields("database-other-login", Evidence::Provider, &["iamRole"], value_is("authentication", &["basic"])),
    forbidden_fields(
        "database-other-login",
        Evidence::Provider,
        &["credentials.password"],
        value_is("authentication", &["IAM_ROLE"]),
    ),
    forbidden_fields(
        "login-version",
        Evidence::Manifest,
        &["credentials.version"],
        value_is("authentication", &["IAM_ROLE"]),
    )
    .into_warning()
    .with_reason("no secret is sent again")
    .with_help("remove `version`: a role has nothing to rotate here"),
];

/// Encryption of the connection.
pub(crate) const TLS_RULES: &[CrossFieldRule] = &[forbidden_fields(
    "disabled-tls",
    // The API may accept both. A manifest that asks for an encrypted and an unencrypted connection is ambiguous.
    Evidence::Manifest,
    &["tlsHost", "caCertificate"],
    flag_is("disableTls", true),
)
.with_reason("the connection is not encrypted, and no certificate is checked")
.with_help("remove `disableTls`, or the fields of TLS")];

/// No two mappings write one table.
pub(crate) const MAPPING_LIST_RULES: &[CrossFieldRule] = &[
    unique_entries("duplicate-target-table", Evidence::Provider, "tableMappings", "targetTable")
        .with_reason("two mappings cannot share a table"),
    DOTTED_TARGETS,
];

/// The same for sources whose targets the provider does not check.
pub(crate) const UNCHECKED_MAPPING_LIST_RULES: &[CrossFieldRule] = &[
    unique_entries("shared-target-table", Evidence::Ours, "tableMappings", "targetTable")
        .with_reason("their rows are mixed"),
    DOTTED_TARGETS,
];

const DOTTED_TARGETS: CrossFieldRule = custom_rule("dotted-table", Evidence::Ours, &["tableMappings"], dotted_targets);

/// The columns of one mapping.
pub(crate) const MAPPING_RULES: &[CrossFieldRule] = &[
    required_fields("custom-sorting-key", Evidence::Schema, &["sortingKeys"], flag_is("useCustomSortingKey", true))
        .with_help("`sortingKeys` and `useCustomSortingKey: true` go together"),
    // The schema says "only used when", so the API accepts them.
    forbidden_fields("unused-sorting-key", Evidence::Ours, &["sortingKeys"], flag_is("useCustomSortingKey", false))
        .with_reason("they are not used")
        .with_help("add `useCustomSortingKey: true`, or remove `sortingKeys`"),
    custom_rule("empty-sorting-key", Evidence::Schema, &["sortingKeys", "useCustomSortingKey"], empty_sorting_key),
    custom_rule("excluded-sorting-key", Evidence::Ours, &["sortingKeys", "excludedColumns"], excluded_sorting_key),
];

fn dotted_targets(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let mappings = scope.list_at("tableMappings").iter().enumerate();
    let targets = mappings.filter_map(|(at, mapping)| Some((at, mapping.get("targetTable")?.as_str()?)));
    targets
        .filter_map(|(at, name)| dotted_table(FieldPath::parse("tableMappings").child(at).child("targetTable"), name))
        .collect()
}

fn empty_sorting_key(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let custom = scope.value_at("useCustomSortingKey").and_then(Value::as_bool) == Some(true);
    let empty = scope.value_at("sortingKeys").and_then(Value::as_array).is_some_and(Vec::is_empty);
    if !(custom && empty) {
        return Vec::new();
    }
    let message = "`useCustomSortingKey: true` needs at least one column";
    vec![RuleFinding::new(FieldPath::parse("sortingKeys"), message).with_help("name the columns in `sortingKeys`")]
}

fn excluded_sorting_key(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let excluded: BTreeSet<&str> = scope.texts_at("excludedColumns").collect();
    let keys = scope.list_at("sortingKeys").iter().enumerate();
    keys.filter_map(|(at, key)| Some((at, key.as_str()?)))
        .filter(|(_, key)| excluded.contains(key))
        .map(|(at, key)| {
            let message = format!("column `{key}` is a sorting key, and excluded");
            RuleFinding::new(FieldPath::parse("sortingKeys").child(at), message)
                .with_help("take it out of `excludedColumns`")
        })
        .collect()
}
