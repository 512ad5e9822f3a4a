//! Why an object may be deleted that no manifest declares: git removed its manifest, or the project owns its name.

use std::fmt;

use model::live::Id;
use serde::Serialize;

/// Why a live object may be deleted that no manifest declares.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PruneEvidence {
    /// The reason why it may be deleted.
    pub reason: PruneReason,
    /// Whether the last manifest protected the object.
    pub protection: LastProtection,
    /// The live object that the last manifest pinned.
    pub pinned: Option<Id>,
}

/// Whether the last manifest of an object protected it. Of several, the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LastProtection {
    /// It did not protect the object.
    Unprotected,
    /// Its template could not be read, and may have set `protect`.
    Unknown,
    /// It set `protect`.
    Protected,
}

impl LastProtection {
    /// Why an object that is not unprotected stays.
    pub(crate) fn describe_obstacle(self) -> &'static str {
        match self {
            Self::Unknown => "the template of that manifest could not be read, and may have protected it",
            Self::Protected | Self::Unprotected => "that manifest protected it",
        }
    }
}

/// The reason why an undeclared object may be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PruneReason {
    /// A commit took its manifest away. Named as a person would: short hash and subject.
    RemovedBy(String),
    /// Names of this form belong to git alone, according to the project.
    InScope(String),
}

impl fmt::Display for PruneReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RemovedBy(commit) => write!(f, "its manifest was removed by {commit}"),
            Self::InScope(scope) => {
                write!(f, "no manifest declares it, and it is in the prune scope `{scope}`")
            }
        }
    }
}
