//! Manifests of the commits after the base, matched to the current objects.
//
// Each commit may rename an object. A later one no longer lists the previous name, or undoes the renames:
//
//     base     a                          a
//     later    b, previousNames: [a]      b, previousNames: [a]
//     later    c, previousNames: [b]      c, previousNames: [b]
//     now      c                          a
//
// On the left, the newest commits connect c to a. On the right, the oldest ones connect a to c.

use std::collections::BTreeMap;

use model::address::{Address, Name};
use model::desired::Desired;

/// The current objects, by every name that identifies one of them.
pub(super) struct ObjectNames(BTreeMap<Address, Address>);

impl ObjectNames {
    pub(super) fn of_today(desired: &Desired) -> Self {
        let mut names: BTreeMap<Address, Address> = desired.keys().map(|at| (at.clone(), at.clone())).collect();
        for (at, document) in desired {
            for name in &document.intent.previous_names {
                names.entry(at.with_name(name.clone())).or_insert_with(|| at.clone());
            }
        }
        Self(names)
    }

    /// The object of each manifest. A manifest is given by its names, its own last; the newest comes first.
    pub(super) fn find_objects(mut self, manifests: &[Vec<Address>]) -> Vec<Option<Address>> {
        let mut found = vec![None; manifests.len()];
        let newest_first = 0..manifests.len();
        for index in newest_first.clone().chain(newest_first.rev()) {
            let names = &manifests[index];
            // Its own name first: a previous name may belong to a new object by now.
            let Some(object) = names.iter().rev().find_map(|name| self.0.get(name)).cloned() else { continue };
            for name in names {
                self.0.entry(name.clone()).or_insert_with(|| object.clone());
            }
            found[index] = Some(object);
        }
        found
    }
}

/// The names before of a manifest that its object does not list any more.
pub(super) fn dropped_names<'n>(
    names: &'n [Address],
    object: &'n Address,
    listed: &'n [Name],
) -> impl Iterator<Item = Name> + 'n {
    let previous = names.split_last().map_or(&[][..], |(_, previous)| previous);
    let dropped = previous.iter().map(|name| &name.name);
    dropped.filter(|name| **name != object.name && !listed.contains(name)).cloned()
}
