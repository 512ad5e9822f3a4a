//! The quirks of the API that a client has to support, each with its own switch.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Whether a world has a quirk by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QuirkUse {
    /// Part of the known behaviour of the API.
    Default,
    /// A read that differs from the sent values. It was seen; a client that does not expect it will fail.
    Observed,
    /// It was never seen.
    Unobserved,
}

// One macro, so that the command line, its help and the documentation have the same names and texts.
macro_rules! quirks {
    ($($name:ident, $cli_name:literal, $use:ident, $evidence:literal, $effect:literal;)*) => {
        /// An oddity of the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "each has a description")]
        pub enum Quirk { $($name),* }

        impl Quirk {
            /// Every oddity.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name on the command line and in the documentation.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $cli_name),* }
            }

            /// Its effect.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$name => $effect),* }
            }

            const fn evidence(self) -> &'static str {
                match self { $(Self::$name => $evidence),* }
            }

            const fn quirk_use(self) -> QuirkUse {
                match self { $(Self::$name => QuirkUse::$use),* }
            }
        }
    };
}

quirks! {
    AutoResume, "auto-resume", Default, "live", "a paused CDC pipe resumes by itself after an edit of its source";
    PatchIgnoresSettings, "patch-ignores-settings", Default, "live", "a PATCH accepts `settings`, and does not apply them";
    SyncSettingsNeedPause, "sync-settings-need-pause", Observed, "ours, from the documentation of the console", "synchronisation settings can only be edited while the pipe is paused";
    DroppedStops, "dropped-stops", Default, "documentation, source of the engine", "a database pipe that loads or changes tables answers 200 to `stop`, and keeps running";
    ShuffledLists, "shuffled-lists", Observed, "live", "`tableMappings` (not of BigQuery) and `excludedColumns` in another order on every read";
    EngineParentheses, "engine-parentheses", Observed, "live", "sometimes `MergeTree()`";
    OmittedBooleans, "omitted-booleans", Observed, "clients", "`enableFailoverSlots` and `deleteOnMerge` are missing";
    QuantityStrings, "quantity-strings", Observed, "clients", "sometimes `\"125m\"`, `\"512Mi\"` for a size";
    TransientZeroScaling, "transient-zero-scaling", Observed, "live", "sizes are 0 for three seconds after they were set";
    NullLists, "null-lists", Observed, "live", "an empty `sortingKey` is `null`, and `fieldMappings` are sometimes missing";
    EditsNeedPause, "edits-need-pause", Unobserved, "none: nobody has seen it or listed the fields that need no pause", "a PATCH of anything in the source of a CDC pipe that is not paused: 400 `must be paused to edit`";
    BaseTypes, "base-types", Unobserved, "none: seen in a client, not in the API", "`rdspostgres` reads as `postgres`";
    TrimmedNames, "trimmed-names", Unobserved, "none", "names lose the blanks at their ends";
    MaskedUris, "masked-uris", Unobserved, "newer schema; the form is unproven", "the login of a MongoDB `uri`, its password or all of it reads as `[REDACTED]`; a PATCH with the mask changes nothing";
    RespelledValues, "respelled-values", Unobserved, "none", "lists without blanks, moments in UTC, `Decimal(18, 2)`, buckets by HTTPS, certificates without white space around them";
}

impl Quirk {
    /// The oddity of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|quirk| quirk.name() == name)
    }

    /// `true` if a world has it unless it is switched off.
    pub fn is_default(self) -> bool {
        self.quirk_use() == QuirkUse::Default
    }
}

/// A set of oddities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quirks(BTreeSet<Quirk>);

impl Default for Quirks {
    /// The known behaviour of the API, with reads that show the sent values.
    fn default() -> Self {
        Self::all_where(Quirk::is_default)
    }
}

impl Quirks {
    /// Every quirk that was seen in the API or is in its documentation.
    pub fn all_observed() -> Self {
        Self::all_where(|quirk| quirk.quirk_use() != QuirkUse::Unobserved)
    }

    /// No oddities.
    pub fn none() -> Self {
        Self::all_where(|_| false)
    }

    fn all_where(is_in: impl Fn(Quirk) -> bool) -> Self {
        Self(Quirk::ALL.iter().copied().filter(|quirk| is_in(*quirk)).collect())
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

    /// The stored form of a name.
    pub(crate) fn kept_name(&self, name: &str) -> String {
        if self.has_quirk(Quirk::TrimmedNames) { name.trim().to_owned() } else { name.to_owned() }
    }

    /// `true` if the set contains the oddity.
    pub fn has_quirk(&self, quirk: Quirk) -> bool {
        self.0.contains(&quirk)
    }
}

/// Every oddity as a table in Markdown.
pub fn quirks_table() -> String {
    let row = |quirk: &Quirk| {
        let on = if quirk.is_default() { "on" } else { "off" };
        format!("| `{}` | {on} | {} | {} |\n", quirk.name(), quirk.description(), quirk.evidence())
    };
    let rows: String = Quirk::ALL.iter().map(row).collect();
    format!("| quirk | default | what it does | evidence |\n| --- | --- | --- | --- |\n{rows}")
}
