//! What apply performs, and what people read.

use std::collections::BTreeSet;

use model::action::Action;
use model::address::Address;
use model::desired::Place;
use model::live::Id;
use serde::Serialize;

use crate::change::{Change, FieldChange, IgnoredChanges, UncheckedFields};
use crate::handover::Handover;
use crate::references::RemainingReferences;
use crate::renamed_hosts::Followers;

/// The changes between live and desired objects. The same value is printed, saved and performed:
/// apply reads `actions` and `delete_after`, people read the rest.
///
/// As JSON, for a pipe whose topic git changed:
///
/// ```json
/// {
///   "actions": [{"update": {"address": {...}, "id": "...", "via": "resource", "body": {...}}}],
///   "changes": [{
///     "address": {"service": "analytics", "kind": "ClickPipe", "name": "orders"},
///     "verdict": "update",
///     "fields": [{"path": "source.kafka.topics", "before": "a", "after": "b"}]
///   }],
///   "inSync": [],
///   "unmanaged": []
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The requests, in the order of execution.
    pub actions: Vec<Action>,
    /// Referrers that must be updated before each deletion.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delete_after: Vec<DeleteAfter>,
    /// One for each object that is not in sync.
    pub changes: Vec<Change>,
    /// Drift and other differences that apply does not change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored_changes: Vec<IgnoredChanges>,
    /// Write-only fields that no base can tell either.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<UncheckedFields>,
    /// Objects that are live as desired.
    pub in_sync: BTreeSet<Address>,
    /// Live objects that no manifest declares.
    pub unmanaged: Vec<UnmanagedObject>,
    /// Objects that are not live, and that the target branch of the pull request declares no longer: a merge does not
    /// create them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub removed_by_target: BTreeSet<Address>,
    // The fields below are for the next steps of planning, or settled before anybody reads the plan. They are not
    // saved: a saved plan is compared with a new one and never executed.
    /// Objects with sizes that matter to the plan, and that are not settled live.
    #[serde(skip)]
    pub unsettled: BTreeSet<Address>,
    /// What each object that stays will reference.
    #[serde(skip)]
    pub(crate) references: RemainingReferences,
    /// Objects that change together with the DNS names of another one.
    #[serde(skip)]
    pub(crate) followers: Followers,
    /// Sources that only one object can read, and that pass from one object to another.
    #[serde(skip)]
    pub(crate) handovers: Vec<Handover>,
    /// Declared live objects that are unhealthy, or unusable for others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unusable: Vec<UnusableObject>,
}

/// A live object that others cannot use, such as a rejected connection, or that is unhealthy itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnusableObject {
    /// Its address.
    pub address: Address,
    /// Its state, in the words of the API.
    pub state: String,
    /// The meaning of the state, and the remedy.
    pub note: String,
    /// The declared objects that refer to it.
    pub dependents: Vec<Address>,
}

impl UnusableObject {
    /// Whether it, or one of its referrers, is selected.
    pub(crate) fn is_about(&self, is_selected: impl Fn(&Address) -> bool) -> bool {
        is_selected(&self.address) || self.dependents.iter().any(is_selected)
    }
}

/// A live object that no manifest declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnmanagedObject {
    /// Its address.
    pub address: Address,
    /// Its id: names are not unique.
    pub id: Id,
    /// Whether the base declares it: its manifest was removed since then, and it is kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub manifest_removed: bool,
    /// The place in the base, if its manifest was removed.
    #[serde(skip)]
    pub place_at_base: Option<Place>,
    /// Whether the history was searched and contains no proof that git removed it.
    #[serde(skip)]
    pub is_unproven: bool,
    /// Whether the target branch of the pull request declares it since the merge base.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub added_by_target: bool,
}

impl Plan {
    /// Whether there is nothing to apply. Reported drift does not count.
    pub fn has_no_changes(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes that something is left to do about. An object that only comes under management
    /// is not among them.
    pub fn pending_changes(self) -> Vec<Change> {
        let Self { actions, mut changes, .. } = self;
        let acted_on: BTreeSet<&Address> = actions.iter().map(Action::address).collect();
        changes.retain(|change| change.verdict.is_blocked() || acted_on.contains(&change.address));
        changes
    }

    /// The objects that are not changed, although they differ from their manifests.
    pub fn blocked_changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.verdict.is_blocked())
    }

    /// The fields that somebody changed outside git and that are not reverted.
    pub fn drifted_fields(&self) -> impl Iterator<Item = &FieldChange> {
        self.ignored_changes.iter().flat_map(IgnoredChanges::drifted_fields)
    }

    /// Live objects that the target branch of the pull request declares since this branch left it.
    pub fn added_by_target(&self) -> impl Iterator<Item = &UnmanagedObject> {
        self.unmanaged.iter().filter(|other| other.added_by_target)
    }

    /// The fields that the target branch of the pull request changed since this branch left it.
    pub fn moved_fields(&self) -> impl Iterator<Item = &FieldChange> {
        self.ignored_changes.iter().flat_map(IgnoredChanges::moved_fields)
    }

    /// Live objects whose manifest was removed since the base, and that are kept.
    pub fn removed_manifests(&self) -> impl Iterator<Item = &UnmanagedObject> {
        self.unmanaged.iter().filter(|other| other.manifest_removed)
    }

    /// The fields that a manifest declared in the base and no longer declares. Live keeps their values.
    pub fn removed_fields(&self) -> impl Iterator<Item = &FieldChange> {
        self.ignored_changes.iter().flat_map(IgnoredChanges::removed_fields)
    }

    /// The number of changes with this verdict.
    pub fn count_verdict(&self, verdict: &str) -> usize {
        self.changes.iter().filter(|change| change.verdict.as_str() == verdict).count()
    }
}

/// A deletion, and the objects that must stop referencing it first.
///
/// The API refuses to delete an endpoint that a pipe uses, or breaks the pipe. So a pipe that moves from one endpoint
/// to another, and the deletion of the old one, need this order:
///
/// ```text
/// endpoint b   create ─────┐
/// pipe         ............ update to b ─────┐
/// endpoint a   .............................. delete
/// ```
///
/// The pipe is a dependent of endpoint a. If its update fails or is blocked, endpoint a is kept. The successor of an
/// object, or a pipe that moves into its table, is a dependent in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteAfter {
    /// The object that is deleted, perhaps to be re-created, or that gives up a table.
    pub address: Address,
    /// The objects that reference it live, or come after it, and have pending changes.
    pub dependents: BTreeSet<Address>,
}
