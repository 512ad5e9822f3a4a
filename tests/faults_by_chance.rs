//! Nothing is lost, whatever is declared and live and whatever happens: the laws of interruption,
//! legality and secrecy for manifests and troubles by chance.

#![allow(clippy::allow_attributes, clippy::unwrap_used, reason = "a test that fails here fails")]

mod support;

use proptest::prelude::*;
use serde_json::Value;
use support::bench::{Bench, in_virtual_time};
use support::faults::trouble::{Trouble, troubles};
use support::faults::{SERVICES, recovers, run_part, settled};
use support::generate::manifests;
use support::manifests::declared;

/// A trouble at one of the first requests, or a run that ends after some of its actions.
#[derive(Clone, Debug)]
enum Mishap {
    Trouble(Trouble, u64),
    Part(usize),
}

fn mishaps() -> impl Strategy<Value = Mishap> {
    let troubles = proptest::sample::select(troubles());
    prop_oneof![
        4 => (troubles, 1..14_u64).prop_map(|(trouble, nth)| Mishap::Trouble(trouble, nth)),
        1 => (0..12_usize).prop_map(Mishap::Part),
    ]
}

async fn survives(before: &[Value], after: &[Value], mishaps: &[Mishap]) -> Result<(), String> {
    let before = settled(before).await;
    let desired = declared(after).unwrap();
    let mut world = before.clone();
    for mishap in mishaps {
        world = match mishap {
            Mishap::Trouble(trouble, nth) => trouble.disturbs(&world, &desired, *nth).await?.1,
            Mishap::Part(most) => {
                let bench = Bench::on(world, &SERVICES);
                let from = bench.journal_len();
                run_part(&bench, &desired, *most).await?;
                let refusals = bench.refusals(from);
                if !refusals.is_empty() {
                    return Err(refusals.join("\n"));
                }
                bench.world()
            }
        };
        world.faults().clear();
    }
    recovers(&before, world, &desired).await
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn planning_again_finishes_the_work(
        before in manifests(),
        after in manifests(),
        mishaps in proptest::collection::vec(mishaps(), 1..3),
    ) {
        let outcome = in_virtual_time(survives(&before, &after, &mishaps));
        prop_assert_eq!(outcome, Ok(()));
    }
}
