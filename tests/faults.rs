//! Nothing is lost under any fault: the next run finishes the work, and nothing is made twice.
//!
//! By default a sample of all positions is tried. `FAULTS=all` tries every one of them, and
//! `FAULTS=Interrupted` (or another trouble's name) every one of that trouble.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::support::bench::{Bench, in_virtual_time};
use crate::support::faults::story::everything;
use crate::support::faults::trouble::{Trouble, troubles};
use crate::support::faults::{SERVICES, recovers, run, settled};
use crate::support::manifests::declared;
use model::desired::Desired;
use sandbox::World;

/// Of so many positions one is tried, unless all are wanted.
const SAMPLE: usize = 23;

/// One request of the undisturbed run, and what happens to it.
struct Position<'t> {
    trouble: &'t Trouble,
    nth: u64,
    request: String,
}

impl Position<'_> {
    fn is_called(&self, word: &str) -> bool {
        word == "all" || format!("{:?}", self.trouble).contains(word)
    }
}

#[test]
fn the_next_run_finishes_the_work_whatever_happens_to_any_request() {
    let scenario = everything();
    let desired = declared(&scenario.after).unwrap();
    let world = in_virtual_time(settled(&scenario.before));
    let requests = undisturbed(&world, &desired);
    let troubles = troubles();
    let positions = positions(&troubles, &requests);
    let tried: Vec<&Position<'_>> = match wanted() {
        None => positions.iter().step_by(SAMPLE).collect(),
        Some(name) => positions.iter().filter(|position| position.is_called(&name)).collect(),
    };
    let unharmed = AtomicUsize::new(0);
    let failures = side_by_side(&tried, |position| {
        let outcome = in_virtual_time(disturbed(&world, &desired, position, &unharmed));
        outcome.err().map(|error| {
            let Position { trouble, nth, request } = position;
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

#[expect(clippy::disallowed_methods, reason = "how much to test is told by the environment")]
fn wanted() -> Option<String> {
    std::env::var("FAULTS").ok()
}

/// The requests of a run in which nothing goes wrong: method and path.
fn undisturbed(world: &World, desired: &Desired) -> Vec<(String, String)> {
    in_virtual_time(async {
        let bench = Bench::on(world.clone(), &SERVICES);
        let from = bench.journal_len();
        run(&bench, desired).await.unwrap();
        assert_eq!(bench.refusals(from), [""; 0]);
        let requests = bench.sandbox.with(|world| {
            let entries = world.journal().iter().skip(from);
            entries.map(|entry| (entry.method.clone(), entry.path.clone())).collect()
        });
        assert!(bench.plan(desired).await.is_empty());
        requests
    })
}

fn positions<'t>(troubles: &'t [Trouble], requests: &[(String, String)]) -> Vec<Position<'t>> {
    let mut positions = Vec::new();
    for trouble in troubles {
        for (nth, (method, path)) in (1..).zip(requests) {
            if trouble.concerns(method, path) {
                let request = format!("{method} {path}");
                positions.push(Position { trouble, nth, request });
            }
        }
    }
    positions
}

async fn disturbed(
    world: &World,
    desired: &Desired,
    position: &Position<'_>,
    unharmed: &AtomicUsize,
) -> Result<(), String> {
    let Position { trouble, nth, .. } = position;
    let (said, after) = trouble.disturbs(world, desired, *nth).await?;
    unharmed.fetch_add(usize::from(said.is_empty()), Ordering::Relaxed);
    let recovered = recovers(world, after, desired).await;
    recovered.map_err(|error| format!("{error}\n  the run itself said: {said}"))
}

/// Two at a time: each trial has a clock of its own.
fn side_by_side(
    tried: &[&Position<'_>],
    work: impl Fn(&Position<'_>) -> Option<String> + Sync,
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
