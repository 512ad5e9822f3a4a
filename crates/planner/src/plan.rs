//! From two sides to one plan.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use model::action::Action;
use model::address::Address;
use model::desired::Desired;
use model::live::{Id, Live};
use serde::Serialize;

use crate::change::{Change, FieldChange, IgnoredChanges, UncheckedFields, Verdict};
use crate::inputs::{PlanInputs, Policy};
use crate::match_live::{self, LiveMatch, match_live_object};
use crate::order::{self, DeleteAfter};
use crate::undeclared_rename;

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
    pub in_sync: Vec<Address>,
    /// Live objects that no manifest declares.
    pub unmanaged: Vec<UnmanagedObject>,
}

/// A live object that no manifest declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnmanagedObject {
    /// Its address.
    pub address: Address,
    /// Its id: names are not unique.
    pub id: Id,
}

impl Plan {
    /// Whether there is nothing to apply. Reported drift does not count.
    pub fn has_no_changes(&self) -> bool {
        self.changes.is_empty()
    }

    /// The part of the plan that is about some of the objects. What nobody declares is outside of
    /// any part.
    #[must_use]
    pub fn narrow_to(mut self, about: impl Fn(&Address) -> bool) -> Self {
        order::retain_objects(&mut self.actions, &mut self.delete_after, &about);
        Self {
            actions: self.actions,
            delete_after: self.delete_after,
            changes: self.changes.into_iter().filter(|change| about(&change.address)).collect(),
            ignored_changes: self.ignored_changes.into_iter().filter(|left| about(&left.address)).collect(),
            unchecked: self.unchecked.into_iter().filter(|it| about(&it.address)).collect(),
            in_sync: self.in_sync.into_iter().filter(|at| about(at)).collect(),
            unmanaged: Vec::new(),
        }
    }

    /// The changes that something is left to do about. An object that only comes under management
    /// is not among them.
    pub fn pending_changes(self) -> Vec<Change> {
        let Self { actions, mut changes, .. } = self;
        let acted_on: BTreeSet<&Address> = actions.iter().map(Action::address).collect();
        changes.retain(|change| matches!(change.verdict, Verdict::Blocked(_)) || acted_on.contains(&change.address));
        changes
    }

    /// The objects to which nothing is done, though they are not as declared.
    pub fn blocked_changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| matches!(change.verdict, Verdict::Blocked(_)))
    }

    /// The fields that somebody changed outside git and that are left alone.
    pub fn drifted_fields(&self) -> impl Iterator<Item = &FieldChange> {
        self.ignored_changes.iter().flat_map(IgnoredChanges::drifted_fields)
    }

    /// How many changes have this verdict's word.
    pub fn count_verdict(&self, verdict: &str) -> usize {
        self.changes.iter().filter(|change| change.verdict.as_str() == verdict).count()
    }
}

/// Compares desired objects with live ones.
///
/// `base` is an earlier desired side, such as the last commit that was applied. With it the plan
/// contains only what git changed since. Drift, which somebody changed outside git, is reported in
/// `ignored_changes` and not reverted. Without it live is made as desired.
pub fn plan(desired: &Desired, live: &Live, base: Option<&Desired>, policy: &Policy) -> Plan {
    let mut inputs =
        PlanInputs { desired, live, base, policy, replaced: BTreeSet::new(), undeclared_names: OnceCell::new() };
    let mut plan = Plan::default();
    let mut actions = Vec::new();
    let mut seen = BTreeSet::new();
    // Addresses sort by kind, in the order in which kinds refer to each other.
    let reverted = match_live::reverted_names(desired, base);
    let names = |at: &Address| reverted.get(at).map_or(&[][..], Vec::as_slice);
    let matches = desired.iter().map(|(at, document)| (at, document, match_live_object(at, document, names(at), live)));
    let matches: Vec<_> = matches.collect();
    let mut claims: BTreeMap<&Id, Vec<&Address>> = BTreeMap::new();
    for (at, _, live_match) in &matches {
        if let LiveMatch::Found { object, .. } = live_match {
            claims.entry(&object.id).or_default().push(at);
            seen.insert(object.id.clone());
        }
    }
    for (at, document, live_match) in matches {
        let live_match = live_match.unless_shared(at, &claims);
        let object_plan = inputs.plan_object(at, document, live_match);
        let drifted = object_plan.ignored_changes.iter().any(|left| left.drifted_fields().next().is_some());
        plan.ignored_changes.extend(object_plan.ignored_changes);
        plan.unchecked.extend(object_plan.unchecked);
        match object_plan.change {
            None if drifted => {}
            None => plan.in_sync.push(at.clone()),
            Some((change, object_actions)) => {
                if change.verdict == Verdict::Replace {
                    inputs.replaced.insert(at.clone());
                }
                plan.changes.push(change);
                actions.extend(object_actions);
            }
        }
    }
    plan.delete_after = order::deletions_that_wait(&actions, &plan.changes, live);
    plan.actions = order::sort_actions(&actions, &plan.delete_after);
    plan.unmanaged = find_unmanaged(desired, live, &seen);
    undeclared_rename::block_undeclared_renames(&mut plan, desired, live);
    plan
}

/// Of several live objects of one name, those that `metadata.id` did not pick are nobody's. Where
/// none was picked the object is blocked, and its change names them all.
fn find_unmanaged(desired: &Desired, live: &Live, seen: &BTreeSet<Id>) -> Vec<UnmanagedObject> {
    live.iter()
        .filter(|(at, observed)| {
            let picked = observed.objects.iter().any(|object| seen.contains(&object.id));
            !at.kind.is_singleton() && (picked || !desired.contains_key(at))
        })
        .flat_map(|(at, observed)| observed.objects.iter().map(move |object| (at, object)))
        .filter(|(_, object)| !seen.contains(&object.id))
        .map(|(at, object)| UnmanagedObject { address: at.clone(), id: object.id.clone() })
        .collect()
}
