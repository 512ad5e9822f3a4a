//! Options of a world. The defaults are the real API, as far as it is known.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The options of a world. [`SandboxOptions::default`] is the API as far as it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
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
    /// Who is refused a destination table that holds rows.
    pub leftover_tables: LeftoverTables,
    /// Refuse also what nobody saw the API refuse: the rules with the evidence [`crate::RuleEvidence::Ours`].
    pub strict_rules: bool,
    /// Refuse fields that only a create takes in a PATCH of any source, unchanged ones too. Without it, only Pub/Sub
    /// refuses them, as somebody saw.
    pub refuse_create_only: bool,
    /// Know the fields of a later schema than the official one of July 2026.
    pub newer_fields: bool,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            // The published limit of the API for one key.
            rate_limit: Some(KeyRateLimit { requests: 10, per: Duration::from_secs(10) }),
            quirks: Quirks::all_observed(),
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
    /// State bodies say `command`, CDC scaling belongs to a service.
    Official,
    /// State bodies say `action`, CDC scaling belongs to the organization.
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

/// Who is refused a destination table that holds rows of a pipe or a mapping that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LeftoverTables {
    /// Nobody.
    Accepted,
    /// A database pipe that takes a first copy, when it is created.
    RefusedToDatabasePipes,
    /// Also a table mapping that is added, and a pipe of any other source that manages its table. The documentation
    /// says the former; live tests of clients note the latter.
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

/// An oddity of the API's responses that a client has to live with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Quirk {
    /// `tableMappings` and `excludedColumns` come back in another order on every read.
    ShuffledLists,
    /// Table engines are sometimes written as `MergeTree()`.
    EngineParentheses,
    /// `enableFailoverSlots` and `deleteOnMerge` are missing from reads.
    OmittedBooleans,
    /// CPU and memory of a replica are sometimes Kubernetes quantities (`125m`, `512Mi`).
    QuantityStrings,
    /// Scaling reads zero for some seconds after it was set.
    TransientZeroScaling,
    /// Unset lists come back as `null`, and `fieldMappings` may be missing.
    NullLists,
    /// `settings` in a PATCH of a pipe are accepted and not applied.
    PatchIgnoresSettings,
    /// Synchronisation settings can only be edited on a paused pipe.
    SyncSettingsNeedPause,
    /// Any edit of the source of a CDC pipe needs a paused pipe. Off by default: the API was not seen to
    /// ask for it.
    EditsNeedPause,
    /// A paused CDC pipe resumes by itself after an edit of its source.
    AutoResume,
    /// Database flavours such as `rdspostgres` come back as their base type. Off by default:
    /// it was seen in a client of the API, not in the API.
    BaseTypes,
    /// A database pipe that loads or changes tables answers 200 to a stop, and goes on: the documentation of the
    /// lifecycle, and the source of the engine behind it.
    DroppedStops,
    /// Names are kept without blanks at their ends. Off by default: nobody has seen it.
    TrimmedNames,
    /// Values are kept in a spelling of the API's own: lists without blanks, instants in UTC, `Decimal(18, 2)`. Off by
    /// default: nobody has seen it.
    RespelledValues,
    /// The login of a MongoDB `uri`, its password, or all of it is `[REDACTED]`, on every read another of them. A PATCH
    /// with the mask changes nothing. Off by default: the newer schema describes it, and the form is unproven.
    MaskedUris,
}

/// A set of oddities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quirks(BTreeSet<Quirk>);

impl Quirks {
    /// Every oddity seen in the API or told by its documentation; [`Quirk::BaseTypes`], [`Quirk::EditsNeedPause`],
    /// [`Quirk::TrimmedNames`], [`Quirk::RespelledValues`] and [`Quirk::MaskedUris`] were not.
    pub fn all_observed() -> Self {
        Self(BTreeSet::from([
            Quirk::ShuffledLists,
            Quirk::EngineParentheses,
            Quirk::OmittedBooleans,
            Quirk::QuantityStrings,
            Quirk::TransientZeroScaling,
            Quirk::NullLists,
            Quirk::PatchIgnoresSettings,
            Quirk::SyncSettingsNeedPause,
            Quirk::AutoResume,
            Quirk::DroppedStops,
        ]))
    }

    /// No oddities.
    pub fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Adds an oddity.
    #[must_use]
    pub fn with_quirk(mut self, quirk: Quirk) -> Self {
        self.0.insert(quirk);
        self
    }

    /// Removes an oddity.
    #[must_use]
    pub fn without_quirk(mut self, quirk: Quirk) -> Self {
        self.0.remove(&quirk);
        self
    }

    /// A name as it is kept.
    pub(crate) fn kept_name(&self, name: &str) -> String {
        if self.has_quirk(Quirk::TrimmedNames) { name.trim().to_owned() } else { name.to_owned() }
    }

    /// `true` if the set contains the oddity.
    pub fn has_quirk(&self, quirk: Quirk) -> bool {
        self.0.contains(&quirk)
    }
}
