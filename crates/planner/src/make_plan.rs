//! From two sides to one plan.

use std::collections::{BTreeMap, BTreeSet};

use clickpipes::lifecycle;
use clickpipes::semantics::FieldSemantics;
use model::address::Address;
use model::desired::{Desired, Document, Presence};
use model::live::{Id, Live, Object, State};

use crate::change::{TemplateNames, Verdict};
use crate::inputs::{PlanInputs, Policy};
use crate::match_live::{self, Claim, Claims, Effect, LiveMatch, match_live_object};
use crate::name_effects::NameEffects;
use crate::object_plan::ObjectPlan;
use crate::order;
use crate::plan::{Plan, UnmanagedObject, UnusableObject};
use crate::references::{LiveReferences, index_by_id, index_live_hosts};
use crate::renamed_hosts::RenamedHost;
use crate::{blocked_together, filled_tables, references, still_used, undeclared_rename};

/// Compares desired objects with live ones.
///
/// `base` is an earlier desired side, such as the last commit that was applied. With a base, the plan contains only the
/// changes of git since then. Drift, which is a change outside git, is reported in `ignored_changes` and not reverted.
/// Without a base, the plan makes live equal desired.
pub fn plan(desired: &Desired, live: &Live, base: Option<&Desired>, policy: &Policy) -> Plan {
    let (by_id, hosts) = (index_by_id(live), index_live_hosts(live));
    let mut inputs = PlanInputs::new((desired, live), base, policy, (&by_id, &hosts));
    let templates = TemplateNames::collect(desired, base);
    let matches = match_live_objects(&inputs);
    let claims = collect_claims(&matches, &inputs);
    let seen: BTreeSet<Id> = matches.iter().filter_map(|(.., live_match)| live_match.object_id().cloned()).collect();
    let settled = claims.iter().filter(|(_, claims)| claims.iter().any(Claim::is_settled));
    inputs.claimed = settled.map(|(id, _)| *id).collect();
    let mut plan = Plan::default();
    for (at, document, live_match) in matches {
        // Only after all are matched: two manifests that match one live object are both refused, in any order.
        let live_match = live_match.unless_shared((at, document), &claims, Effect::Keeps);
        if let LiveMatch::Found { object, .. } = &live_match {
            plan.unusable.extend(find_unusable(at, object));
        }
        let found = live_match.object();
        let mut object_plan = plan_unless_taken(&inputs, (at, document), live_match, &claims);
        add_templates(&mut object_plan, &templates, &inputs, (at, document, found));
        add_object_plan(&mut plan, &mut inputs, (at, found), object_plan);
    }
    add_dependents(&mut plan.unusable, &inputs);
    let blocked = NameEffects::find(&plan, &inputs).add_to(&mut plan);
    still_used::block_used_objects(&mut plan, live);
    plan.delete_after = order::deletions_that_wait(&plan.actions, &plan.changes, live);
    plan.sort_actions();
    plan.unmanaged = find_unmanaged(&inputs, &seen);
    undeclared_rename::block_undeclared_renames(&mut plan, desired, live);
    filled_tables::add_filled_tables(&mut plan, desired, live);
    let waiting = blocked_together::waiting_for_missing(&plan, live);
    blocked_together::block_changes(&mut plan, waiting.into_iter().chain(blocked).collect());
    plan
}

type MatchedObject<'a> = (&'a Address, &'a Document, LiveMatch<'a>);

/// The desired objects with their live ones, in the order of their addresses: these sort by kind, in the order in which
/// kinds refer to each other.
fn match_live_objects<'a>(inputs: &PlanInputs<'a>) -> Vec<MatchedObject<'a>> {
    let reverted = match_live::reverted_names(inputs.desired, inputs.base);
    let names = |at: &Address| reverted.get(at).map_or(&[][..], Vec::as_slice);
    let desired = inputs.desired.iter();
    let live = (inputs.live, inputs.by_id);
    desired.map(|(at, document)| (at, document, match_live_object(at, document, names(at), live))).collect()
}

/// The manifests that lead to each live object, those of other files too.
fn collect_claims<'a>(matches: &[MatchedObject<'a>], inputs: &PlanInputs<'a>) -> Claims<'a> {
    let mut claims = Claims::new();
    for (at, document, live_match) in matches {
        if let Some(id) = live_match.object_id() {
            claims.entry(id).or_default().push(Claim::new((at, document)));
        }
    }
    for elsewhere in &inputs.policy.declared_elsewhere {
        match_live::add_claims_elsewhere(&mut claims, elsewhere, (inputs.live, inputs.by_id));
    }
    claims
}

/// Adds what becomes of an object, and what those behind it must know of it.
fn add_object_plan(
    plan: &mut Plan,
    inputs: &mut PlanInputs<'_>,
    (at, found): (&Address, Option<&Object>),
    object_plan: ObjectPlan,
) {
    let references = object_plan.references.map(BTreeSet::from_iter);
    plan.references.extend(found.map(|object| object.id.clone()).zip(references));
    let mut left = object_plan.ignored_changes.iter();
    let differs = left.any(|left| left.drifted_fields().chain(left.moved_fields()).next().is_some());
    plan.ignored_changes.extend(object_plan.ignored_changes);
    plan.unchecked.extend(object_plan.unchecked);
    if object_plan.is_unsettled {
        plan.unsettled.insert(at.clone());
    }
    match object_plan.change {
        None if differs => {}
        None if object_plan.is_removed_by_target => _ = plan.removed_by_target.insert(at.clone()),
        None => _ = plan.in_sync.insert(at.clone()),
        Some((change, actions)) => {
            if change.verdict == Verdict::Replace {
                // Pipes come after endpoints, and those that refer to this one get the id of the new object.
                inputs.replaced.insert(at.clone());
            }
            let renamed = found.and_then(|object| RenamedHost::find(at, object, &actions));
            inputs.renamed_hosts.extend(renamed.map(|host| (at.clone(), host)));
            plan.changes.push(change);
            plan.actions.extend(actions);
        }
    }
}

/// The plan for one object. A replacement deletes it, so no other manifest may rename it.
fn plan_unless_taken(
    inputs: &PlanInputs<'_>,
    (at, document): (&Address, &Document),
    live_match: LiveMatch<'_>,
    claims: &Claims<'_>,
) -> ObjectPlan {
    let found = live_match.object();
    let object_plan = inputs.plan_object(at, document, live_match);
    let is_replaced = object_plan.change.as_ref().is_some_and(|(change, _)| change.verdict == Verdict::Replace);
    let Some(object) = found.filter(|_| is_replaced) else { return object_plan };
    let found = LiveMatch::Found { object, renamed_from: None };
    match found.unless_shared((at, document), claims, Effect::Replaces) {
        taken @ LiveMatch::Ambiguous(_) => inputs.plan_object(at, document, taken),
        _ => object_plan,
    }
}

/// Says by which template the object changes.
fn add_templates(
    object_plan: &mut ObjectPlan,
    templates: &TemplateNames<'_>,
    inputs: &PlanInputs<'_>,
    (at, document, found): (&Address, &Document, Option<&Object>),
) {
    let ObjectPlan { change, ignored_changes, .. } = object_plan;
    // The base of each object is looked up for this. Most have no template, and most do not change.
    if document.origin.template().is_none() || change.is_none() && ignored_changes.is_none() {
        return;
    }
    let renamed_from = change.as_ref().and_then(|(change, _)| change.renamed_from.as_ref());
    let earlier = inputs.base_document(at, document, (found, renamed_from));
    if let Some((change, _)) = change {
        change.template = templates.find_changed(document, earlier, &change.fields);
    }
    if let Some(left) = ignored_changes {
        left.template = templates.find_shortened(document, earlier, left);
    }
}

/// The object, if it is unhealthy, or unusable for others in its state. Its referrers are added later.
fn find_unusable(at: &Address, object: &Object) -> Option<UnusableObject> {
    let note = lifecycle::trouble_note(at.kind, object)?.to_owned();
    Some(UnusableObject { address: at.clone(), state: object.state.to_string(), note, dependents: Vec::new() })
}

/// Adds the declared objects that refer to objects which cannot be used: by name, by id or by a host.
fn add_dependents(unusable: &mut [UnusableObject], inputs: &PlanInputs<'_>) {
    if unusable.is_empty() {
        return;
    }
    let mut referrers: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
    for (at, document) in inputs.desired {
        let (rules, service) = (FieldSemantics::for_kind(at.kind), &at.service);
        let by_name = references::body_references(rules, &document.body, service);
        let by_id = LiveReferences { service, hosts: inputs.hosts }.of(rules, &document.body);
        let by_id = by_id.iter().filter_map(|(kind, id)| inputs.by_id.get(&(service, *kind, id)));
        for referenced in by_name.into_iter().chain(by_id.map(|(address, _)| (*address).clone())) {
            referrers.entry(referenced).or_default().insert(at.clone());
        }
    }
    for object in unusable {
        object.dependents = referrers.remove(&object.address).unwrap_or_default().into_iter().collect();
        let users = object.dependents.iter().filter_map(|at| inputs.desired.get(at));
        let hint = { users }.find_map(|user| lifecycle::release_hint(&State::new(&object.state), &user.body));
        object.note.extend(hint.into_iter().flat_map(|hint| ["; ", hint]));
    }
}

/// If several live objects have one name, those that `metadata.id` did not select are unmanaged. If none was selected,
/// the object is blocked, and its change names them all.
fn find_unmanaged(inputs: &PlanInputs<'_>, seen: &BTreeSet<Id>) -> Vec<UnmanagedObject> {
    let PlanInputs { desired, live, base, policy, .. } = inputs;
    let was_declared = |at: &Address| {
        let document = base.and_then(|base| base.get(at));
        let was_in_base = document.is_some_and(|document| document.intent.presence != Presence::Absent);
        policy.removed_by_change.contains(at) || was_in_base && !desired.contains_key(at)
    };
    live.iter()
        .filter(|(at, observed)| {
            let picked = observed.objects.iter().any(|object| seen.contains(&object.id));
            // CDC scaling that git never declared is not unmanaged, because it always exists.
            let counts = !at.kind.is_singleton() || was_declared(at);
            counts && (picked || !desired.contains_key(at))
        })
        .flat_map(|(at, observed)| observed.objects.iter().map(move |object| (at, object)))
        .filter(|(_, object)| !seen.contains(&object.id))
        .map(|(at, object)| UnmanagedObject {
            address: at.clone(),
            id: object.id.clone(),
            manifest_removed: was_declared(at) && !policy.other_folders.pinned.contains(&object.id),
            place_at_base: base
                .and_then(|base| base.get(at))
                .filter(|_| was_declared(at))
                .map(|document| document.origin.start_place().clone()),
            is_unproven: false,
            added_by_target: policy.added_by_target.contains(at),
        })
        .collect()
}
