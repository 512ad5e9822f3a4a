//! Pruning deletes exactly what is proven, whatever is declared and live beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::action::Action;
use model::address::{Address, Kind, Name, ServiceRef};
use model::desired::{Desired, Document, FieldPlaces, Intent, Origin, Place};
use model::live::{Id, Live, LiveObjects, Object, State};
use model::selector::AddressPattern;
use planner::{LastProtection, Policy, PruneEvidence, PruneReason, plan, prune_unmanaged};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::json;

const NAMES: [&str; 6] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"];

fn pipe_address(service: usize, name: usize) -> Address {
    let service = ServiceRef::new(["analytics", "lake"][service]);
    Address::new(service, Kind::ClickPipe, Name::new(NAMES[name]))
}

fn any_address() -> impl Strategy<Value = Address> {
    (0..2_usize, 0..NAMES.len()).prop_map(|(service, name)| pipe_address(service, name))
}

fn any_desired() -> impl Strategy<Value = Desired> {
    btree_map(any_address(), vec(0..NAMES.len(), 0..2), 0..6).prop_map(|declared| {
        let place = Place { file: Arc::from("pipes.yaml"), line: 1, column: 1 };
        let documents = declared.into_iter().map(|(at, previous)| {
            let previous_names = previous.into_iter().map(|name| Name::new(NAMES[name])).collect();
            let intent = Intent { previous_names, ..Intent::default() };
            let origin = Origin::new(place.clone(), FieldPlaces::default());
            let body = json!({"name": at.name.as_str()});
            (
                at,
                Document {
                    body: body.into(),
                    intent,
                    origin,
                    earlier_bodies: Vec::new(),
                    earlier_states: Vec::new(),
                    earlier_names: Vec::new(),
                    dropped_names: Vec::new(),
                    target: None,
                },
            )
        });
        documents.collect()
    })
}

/// Live pipes, sometimes two of a name.
fn any_live() -> impl Strategy<Value = Live> {
    btree_map(any_address(), 1..3_usize, 0..8).prop_map(|names| {
        let observed = names.into_iter().map(|(at, count)| {
            let objects = (0..count).map(|number| Object {
                id: Id::new(format!("{at}-{number}")),
                state: State::new("Running"),
                body: json!({"name": at.name.as_str(), "state": "Running"}),
            });
            (at.clone(), LiveObjects { objects: objects.collect() })
        });
        observed.collect()
    })
}

fn any_removed() -> impl Strategy<Value = BTreeMap<Address, PruneEvidence>> {
    btree_map(any_address(), (any::<bool>(), 0..4_usize), 0..8).prop_map(|proofs| {
        let proofs = proofs.into_iter().map(|(at, (protect, pinned))| {
            // Two of the four ids are live, if anything is.
            let pinned = (pinned > 0).then(|| Id::new(format!("{at}-{}", pinned - 1)));
            let ground = PruneReason::RemovedBy("1a2b3c4 (Remove it)".to_owned());
            let protection = if protect { LastProtection::Protected } else { LastProtection::Unprotected };
            (at, PruneEvidence { reason: ground, protection, pinned })
        });
        proofs.collect()
    })
}

fn deleted_ids(actions: &[Action]) -> BTreeSet<Id> {
    let deletes = actions.iter().filter_map(|action| match action {
        Action::Delete { id, .. } => Some(id.clone()),
        _ => None,
    });
    deletes.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn prune_deletes_exactly_the_proven_objects(
        desired in any_desired(),
        live in any_live(),
        removed in any_removed(),
        kept in 0..NAMES.len(),
    ) {
        let policy = Policy { protect: vec![AddressPattern::new(NAMES[kept])], ..Policy::default() };
        let plain = plan(&desired, &live, None, &policy);
        let before = deleted_ids(&plain.actions);
        let pruned = prune_unmanaged(plain.clone(), &desired, &live, None, &removed, &policy);
        let mine: BTreeSet<Id> = deleted_ids(&pruned.actions).difference(&before).cloned().collect();

        let mut wanted = BTreeSet::new();
        for (at, proof) in &removed {
            let earlier = |(other, document): (&Address, &Document)| {
                other.service == at.service && document.intent.previous_names.contains(&at.name)
            };
            let declared = desired.contains_key(at) || desired.iter().any(earlier);
            let protected = proof.protection == LastProtection::Protected || at.name.as_str() == NAMES[kept];
            let objects = live.get(at).map_or(&[][..], |observed| &observed.objects);
            let meant: Vec<&Id> = objects
                .iter()
                .map(|object| &object.id)
                .filter(|id| proof.pinned.as_ref().is_none_or(|pinned| pinned == *id))
                .collect();
            if let ([one], false, false) = (meant.as_slice(), declared, protected) {
                wanted.insert((*one).clone());
            }
        }
        prop_assert_eq!(&mine, &wanted);

        // Nothing else of the plan changes, and every deletion says why.
        prop_assert!(plain.actions.iter().all(|action| pruned.actions.contains(action)));
        prop_assert_eq!(pruned.actions.len(), plain.actions.len() + wanted.len());
        for change in pruned.changes.iter().filter(|change| change.place.is_none()) {
            let reason = change.reason.as_deref().unwrap_or_default();
            prop_assert!(!reason.is_empty(), "{}", change.address);
        }
    }
}
