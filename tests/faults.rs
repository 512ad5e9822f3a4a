//! Nothing is lost under any fault: the next run finishes the work, and nothing is made twice.
//!
//! By default a sample of all positions is tried. `FAULTS=all` tries every one of them, and
//! `FAULTS=Interrupted` (or another trouble's name) every one of that trouble.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::support::bench::{Bench, in_virtual_time};
use crate::support::faults::disruption::{Disruption, all_disruptions, check_losses_reported};
use crate::support::faults::scenario::full_scenario;
use crate::support::faults::{SERVICES, check_recovery, lost_pipes, run_apply, settled_world};
use crate::support::manifests::desired_from_documents;
use model::desired::Desired;
use sandbox::World;

/// Of so many positions one is tried, unless all are wanted.
const SAMPLE: usize = 23;

/// One request of the undisturbed run, and what happens to it.
struct FaultPosition<'t> {
    disruption: &'t Disruption,
    nth: u64,
    request: String,
}

impl FaultPosition<'_> {
    fn matches_name(&self, word: &str) -> bool {
        word == "all" || format!("{:?}", self.disruption).contains(word)
    }
}

#[test]
fn next_run_recovers_from_a_fault_at_any_request() {
    let scenario = full_scenario();
    let desired = desired_from_documents(&scenario.after).unwrap();
    let world = in_virtual_time(settled_world(&scenario.before));
    let requests = undisturbed_requests(&world, &desired);
    let troubles = all_disruptions();
    let positions = fault_positions(&troubles, &requests);
    let tried: Vec<&FaultPosition<'_>> = match selected_faults() {
        None => positions.iter().step_by(SAMPLE).collect(),
        Some(name) => positions.iter().filter(|position| position.matches_name(&name)).collect(),
    };
    let unharmed = AtomicUsize::new(0);
    let failures = run_in_parallel(&tried, |position| {
        let outcome = in_virtual_time(check_position(&world, &desired, position, &unharmed));
        outcome.err().map(|error| {
            let FaultPosition { disruption: trouble, nth, request } = position;
            format!("{trouble:?} at {nth} ({request}): {error}")
        })
    });
    println!(
        "{} requests, {} positions: {} tried, {} of them through at once, {} not recovered",
        requests.len(),
        positions.len(),
        tried.len(),
        unharmed.into_inner(),
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Somebody said yes to the replacements, and dropped no table.
#[test]
fn every_loss_to_a_filled_table_is_reported() {
    let scenario = full_scenario();
    let desired = desired_from_documents(&scenario.after).unwrap();
    in_virtual_time(async {
        let world = settled_world(&scenario.before).await;
        let bench = Bench::with_kept_tables(world.clone(), &SERVICES);
        let said = run_apply(&bench, &desired).await.unwrap_err();
        let after = bench.world_snapshot();
        assert_eq!(lost_pipes(&world, &after, &desired), ["kafka-mtls", "mysql-cdc"]);
        check_losses_reported(&world, after, &desired, &said).unwrap();
    });
}

#[expect(clippy::disallowed_methods, reason = "how much to test is told by the environment")]
fn selected_faults() -> Option<String> {
    std::env::var("FAULTS").ok()
}

/// The requests of a run in which nothing goes wrong: method and path.
fn undisturbed_requests(world: &World, desired: &Desired) -> Vec<(String, String)> {
    in_virtual_time(async {
        let bench = Bench::with_world(world.clone(), &SERVICES);
        let from = bench.journal_len();
        run_apply(&bench, desired).await.unwrap();
        assert_eq!(bench.refused_writes(from), [""; 0]);
        let requests = bench.sandbox.with_world(|world| {
            let entries = world.request_log().iter().skip(from);
            entries.map(|entry| (entry.method.clone(), entry.path.clone())).collect()
        });
        assert!(bench.plan(desired).await.has_no_changes());
        requests
    })
}

fn fault_positions<'t>(troubles: &'t [Disruption], requests: &[(String, String)]) -> Vec<FaultPosition<'t>> {
    let mut positions = Vec::new();
    for trouble in troubles {
        for (nth, (method, path)) in (1..).zip(requests) {
            if trouble.affects_request(method, path) {
                let request = format!("{method} {path}");
                positions.push(FaultPosition { disruption: trouble, nth, request });
            }
        }
    }
    positions
}

async fn check_position(
    world: &World,
    desired: &Desired,
    position: &FaultPosition<'_>,
    unharmed: &AtomicUsize,
) -> Result<(), String> {
    let FaultPosition { disruption: trouble, nth, .. } = position;
    let (said, after) = trouble.run_disrupted(world, desired, *nth).await?;
    unharmed.fetch_add(usize::from(said.is_empty()), Ordering::Relaxed);
    let recovered = check_recovery(world, after, desired).await;
    recovered.map_err(|error| format!("{error}\n  the run itself said: {said}"))
}

/// Two at a time: each trial has a clock of its own.
fn run_in_parallel(
    tried: &[&FaultPosition<'_>],
    work: impl Fn(&FaultPosition<'_>) -> Option<String> + Sync,
) -> Vec<String> {
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(position) = tried.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(failure) = work(position) {
                        failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
                    }
                }
            });
        }
    });
    failures.into_inner().unwrap_or_else(PoisonError::into_inner)
}
