//! Options of a world. The defaults are the real API, as far as it is known.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::quirks::Quirks;

/// The options of a world. [`SandboxOptions::default`] is the API as far as it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SandboxOptions {
    /// The rate limit of each key; `None` is no limit.
    pub rate_limit: Option<KeyRateLimit>,
    /// The oddities of responses.
    pub quirks: Quirks,
    /// The description of the API to follow where the two differ.
    pub dialect: ApiDialect,
    /// Refuse a second pipe with the same name. The API is not known to do so.
    pub strict_names: bool,
    /// Refuse a pipe without `destination.database` instead of taking `default`.
    pub strict_database: bool,
    /// The treatment of body fields that the contract does not contain.
    pub unknown_fields: UnknownFields,
    /// The meaning of `null` in a PATCH.
    pub null_in_patch: NullInPatch,
    /// Also answer reads and DELETE of pipes with 424 while the service does not run.
    pub idle_refuses_reads: bool,
    /// The pipes that cannot use a destination table with rows.
    pub leftover_tables: LeftoverTables,
    /// Also refuse requests for which no refusal is known: the rules with the evidence [`crate::RuleEvidence::Ours`].
    pub strict_rules: bool,
    /// Refuse create-only fields in a PATCH of any source, unchanged ones too. Otherwise only Pub/Sub refuses them, as
    /// seen live.
    pub refuse_create_only: bool,
    /// Know the fields of a later schema than the official one of July 2026.
    pub newer_fields: bool,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            // The published limit of the API for one key.
            rate_limit: Some(KeyRateLimit { requests: 10, per: Duration::from_secs(10) }),
            quirks: Quirks::default(),
            dialect: ApiDialect::Official,
            strict_names: false,
            strict_database: false,
            unknown_fields: UnknownFields::Refuse,
            null_in_patch: NullInPatch::Ignored,
            // A 424 was seen for writes only.
            idle_refuses_reads: false,
            leftover_tables: LeftoverTables::RefusedToDatabasePipes,
            strict_rules: false,
            refuse_create_only: false,
            newer_fields: true,
        }
    }
}

impl SandboxOptions {
    /// With every observed quirk: a client must work with each of them.
    pub fn with_observed_quirks() -> Self {
        Self { quirks: Quirks::all_observed(), ..Self::default() }
    }
}

/// A rate limit with a sliding window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRateLimit {
    /// Requests that one key may make within the window.
    pub requests: usize,
    /// The length of the sliding window.
    pub per: Duration,
}

/// The two descriptions of the API, which disagree on two requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApiDialect {
    /// State bodies use `command`, CDC scaling belongs to a service.
    Official,
    /// State bodies use `action`, CDC scaling belongs to the organization.
    ReferencePage,
    /// Either form.
    Both,
}

impl ApiDialect {
    pub(crate) fn has_official_shape(self) -> bool {
        self != Self::ReferencePage
    }

    pub(crate) fn has_reference_shape(self) -> bool {
        self != Self::Official
    }
}

/// The pipes that cannot use a destination table with rows of a deleted pipe or a removed mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LeftoverTables {
    /// None.
    Accepted,
    /// A database pipe that takes a first copy, when it is created.
    RefusedToDatabasePipes,
    /// Also an added table mapping, and a pipe of any other source that manages its table. The documentation says the
    /// former; live tests of clients note the latter.
    RefusedToAll,
}

/// The treatment of body fields that the contract does not contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnknownFields {
    /// 400, which catches misspelt fields of a client.
    Refuse,
    /// Stored and returned, as by a newer API. Still refused inside secrets.
    Accept,
}

/// The meaning of `null` in a PATCH, which the API does not document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NullInPatch {
    /// As if the field were absent.
    Ignored,
    /// The field is unset.
    Clears,
}
