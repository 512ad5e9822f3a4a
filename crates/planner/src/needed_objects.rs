//! Referenced objects that are not usable in their state.
//
// The API checks the source of a pipe at once, through its endpoint. A request that connects a pipe to an endpoint
// which nobody accepted yet is refused in every apply, or it is accepted and the pipe reads nothing.

use std::collections::BTreeSet;

use clickpipes::lifecycle;
use clickpipes::semantics::FieldSemantics;
use model::action::Action;
use model::address::{Address, Name};
use model::live::Object;
use serde_json::Value;

use crate::block_reason::BlockReason;
use crate::inputs::PlanInputs;
use crate::references::{LiveReferences, body_ids, body_references, has_reference};

impl PlanInputs<'_> {
    /// The first referenced object that is not usable now. A replaced pipe needs it at once, after the delete.
    pub(crate) fn unready_reference(&self, at: &Address, body: &Value) -> Option<BlockReason> {
        let mut unready =
            self.needed_objects(at, body).into_iter().filter_map(|(other, found)| match found {
                Some(object) if lifecycle::is_usable(other.kind, object) => None,
                Some(object) => Some(unusable_reason(body, &other, object).unwrap_or_else(|| {
                    BlockReason::ReferenceNotReady(other.name.to_string(), object.state.to_string())
                })),
                None => Some(BlockReason::ReferenceNotLive(other.name.to_string())),
            });
        unready.next()
    }

    /// The first referenced object that is unusable until somebody acts. An object that is about to be ready is waited
    /// for, and one that the plan replaces gets a new state.
    pub(crate) fn unusable_reference(&self, at: &Address, body: &Value) -> Option<BlockReason> {
        let needed = self.needed_objects(at, body).into_iter().filter(|(other, _)| !self.replaced.contains(other));
        { needed }.find_map(|(other, found)| unusable_reason(body, &other, found?))
    }

    /// The same for the update of a live object, if it connects to the object in a new way. Other changes of a pipe
    /// that already uses it are allowed.
    pub(crate) fn unusable_new_reference(
        &self,
        (at, body, target): (&Address, &Value, &Value),
        live: &Object,
        actions: &[Action],
    ) -> Option<BlockReason> {
        let rules = FieldSemantics::for_kind(at.kind);
        let leads_elsewhere = |sent: &Value| {
            let hosts: BTreeSet<String> = rules.all_connected_hosts(&live.body).into_iter().collect();
            has_reference(rules, sent)
                || !body_ids(rules, sent).is_subset(&body_ids(rules, &live.body))
                || rules.all_connected_hosts(sent).iter().any(|host| !hosts.contains(host))
        };
        let is_redirected = actions.iter().filter_map(Action::request_body).any(leads_elsewhere);
        let reason = || self.unusable_reference(at, body).or_else(|| self.unusable_reference(at, target));
        if is_redirected { reason() } else { None }
    }

    /// The objects that a body references by name, id or host, with the live object if there is one.
    fn needed_objects(&self, at: &Address, body: &Value) -> Vec<(Address, Option<&Object>)> {
        let (rules, service) = (FieldSemantics::for_kind(at.kind), &at.service);
        let by_name = body_references(rules, body, service).into_iter().map(|other| {
            let found = self.find_live(&other);
            (other, found)
        });
        let by_id = LiveReferences { service, hosts: self.hosts }.of(rules, body).into_iter().map(|(kind, id)| {
            match self.by_id.get(&(service, kind, &id)) {
                Some((other, object)) => ((*other).clone(), Some(*object)),
                None => (Address::new(service.clone(), kind, Name::new(id.as_str())), None),
            }
        });
        by_name.chain(by_id).collect()
    }
}

fn unusable_reason(user: &Value, at: &Address, object: &Object) -> Option<BlockReason> {
    let note = lifecycle::unusable_note(at.kind, &object.state)?;
    let words = [note].into_iter().chain(lifecycle::release_hint(&object.state, user));
    let note = words.collect::<Vec<_>>().join("; ");
    Some(BlockReason::UnusableReference(at.name.to_string(), object.state.to_string(), note))
}
