//! The order of pairs of objects in which one must come before the other.

use std::collections::{BTreeMap, BTreeSet};

use model::address::Address;

/// The first object, and the one that waits for it.
pub(crate) type TurnPair<'p> = (&'p Address, &'p Address);

/// The number of objects before each of these. Objects on a circle, or behind one, have no turn.
pub(crate) fn turns<'p>(pairs: impl IntoIterator<Item = TurnPair<'p>>) -> BTreeMap<&'p Address, usize> {
    let mut waits_for: BTreeMap<&Address, usize> = BTreeMap::new();
    let mut followers: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
    for (first, then) in pairs {
        waits_for.entry(first).or_default();
        *waits_for.entry(then).or_default() += 1;
        followers.entry(first).or_default().push(then);
    }
    let mut next: Vec<&Address> = waits_for.iter().filter(|(_, count)| **count == 0).map(|(at, _)| *at).collect();
    let mut turns: BTreeMap<&'p Address, usize> = BTreeMap::new();
    let mut turn = 0;
    while !next.is_empty() {
        let mut later = Vec::new();
        for at in next {
            turns.insert(at, turn);
            for follower in followers.get(at).into_iter().flatten() {
                if let Some(count) = waits_for.get_mut(follower) {
                    *count -= 1;
                    later.extend((*count == 0).then_some(*follower));
                }
            }
        }
        (next, turn) = (later, turn + 1);
    }
    turns
}

/// The objects that wait for themselves: those on a circle, and those between two circles.
pub(crate) fn on_circle<'p>(pairs: &[TurnPair<'p>]) -> BTreeSet<&'p Address> {
    let forward = turns(pairs.iter().copied());
    let backward = turns(pairs.iter().map(|(first, then)| (*then, *first)));
    let all = pairs.iter().flat_map(|(first, then)| [*first, *then]);
    all.filter(|at| !forward.contains_key(at) && !backward.contains_key(at)).collect()
}
