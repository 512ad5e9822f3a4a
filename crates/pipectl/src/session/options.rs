//! What a command asks of a session.

use std::path::PathBuf;

use model::project::PruneMode;
use model::selector::AddressPattern;

use crate::connection::ConnectOptions;
use crate::selection::Selection;
use crate::shard::Shard;

/// What a command compares: which manifests, which of them, and on which API.
pub(crate) struct ScopeOptions {
    /// Files and folders; if there are none, those of the project file.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) selection: Selection,
    pub(crate) connect: ConnectOptions,
    pub(crate) shard: Option<Shard>,
}

pub(crate) struct DriftRevisions {
    /// Live is compared with its manifests; by default with those of `HEAD`.
    pub(crate) compared: Option<String>,
    /// The last commit that was applied. What git changed since is pending, and no drift.
    pub(crate) last_applied: Option<String>,
}

/// What a command asks of git.
pub(crate) struct GitOptions {
    pub(crate) base: Option<String>,
    pub(crate) changed_since: Option<String>,
    pub(crate) prune: Option<PruneMode>,
    /// The revision before this change, if its policy holds and not that of the base.
    pub(crate) policy_base: Option<String>,
    /// Whether the policy of this commit holds, although the one before this change is stricter.
    pub(crate) trust_policy: bool,
    /// Whose secrets are sent again.
    pub(crate) resend_secrets: Vec<AddressPattern>,
}
