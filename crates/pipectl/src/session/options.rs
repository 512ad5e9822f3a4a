//! Options for opening a session.

use std::path::PathBuf;

use model::project::PruneMode;
use model::selector::AddressPattern;

use crate::connection::ConnectOptions;
use crate::selection::Selection;
use crate::shard::Shard;

/// The scope of a command: manifests, selection and API.
pub(crate) struct ScopeOptions {
    /// Files and folders; if there are none, those of the project file.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) selection: Selection,
    pub(crate) connect: ConnectOptions,
    pub(crate) shard: Option<Shard>,
}

pub(crate) struct DriftRevisions {
    /// The revision whose manifests are compared with live; by default `HEAD`.
    pub(crate) compared: Option<String>,
    /// The last commit that was applied. Changes in git since then are pending, not drift.
    pub(crate) last_applied: Option<String>,
}

/// Options for the git history.
pub(crate) struct GitOptions {
    pub(crate) base: Option<String>,
    pub(crate) changed_since: Option<String>,
    pub(crate) prune: Option<PruneMode>,
    /// The revision before this change, if its policy applies instead of that of the base.
    pub(crate) policy_base: Option<String>,
    /// Whether the policy of this commit applies, although the one before this change is stricter.
    pub(crate) trust_policy: bool,
    /// The objects whose secrets are sent again.
    pub(crate) resend_secrets: Vec<AddressPattern>,
}
