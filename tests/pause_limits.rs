//! Many pipes that have to be paused for their edits: each for a moment, and few at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::bench::{Bench, in_virtual_time};
use crate::support::faults::{SERVICES, check_recovery, pipes_left_stopped, settled_world};
use crate::support::manifests::{desired_from_documents, read_documents};
use model::desired::Desired;
use pipectl::apply::ObjectResult;
use pipectl::interruption::Interruption;
use sandbox::{LoggedRequest, Quirk, Quirks, SandboxOptions, World};
use serde_json::{Value, json};

const PIPES: usize = 30;

/// How many are paused at a time within the default rate limit.
const AT_ONCE: usize = 3;

/// How long an interrupted run may go on.
const LAST_MOMENT: Duration = Duration::from_secs(7);

fn postgres_pipes(interval: u64) -> Vec<Value> {
    let seeds = read_documents("tests/seeds");
    let seed = seeds.iter().find(|seed| seed["metadata"]["name"] == "postgres-cdc").unwrap();
    let pipe = |n: usize| {
        let mut pipe = seed.clone();
        let source = &mut pipe["spec"]["source"]["postgres"];
        source["settings"]["syncIntervalSeconds"] = json!(interval);
        for mapping in source["tableMappings"].as_array_mut().unwrap() {
            let target = mapping["targetTable"].as_str().unwrap().to_owned();
            mapping["targetTable"] = json!(format!("{target}_{n}"));
        }
        pipe["metadata"]["name"] = json!(format!("pipe-{n}"));
        pipe
    };
    (0..PIPES).map(pipe).collect()
}

/// A change of a field that is not marked, and a world that wants a pause for it all the same: few
/// pipes, all of them running.
fn world_with_unmarked_pauses() -> (World, Vec<Value>) {
    let mut few = postgres_pipes(30);
    few.truncate(5);
    let mut before = in_virtual_time(settled_world(&few));
    let quirks = Quirks::all_observed().with_quirk(Quirk::EditsNeedPause);
    before.set_options(SandboxOptions { quirks, ..SandboxOptions::default() });
    for pipe in &mut few {
        pipe["spec"]["source"]["postgres"]["host"] = json!("moved.example.com");
    }
    (before, few)
}

/// All of them run.
fn running_world() -> World {
    in_virtual_time(settled_world(&postgres_pipes(30)))
}

/// How long each pipe was held back between its stop and its edit.
fn pause_lengths(journal: &[LoggedRequest]) -> Vec<Duration> {
    let mut stopped = BTreeMap::new();
    let mut pauses = Vec::new();
    for entry in journal.iter().filter(|entry| entry.method == "PATCH") {
        match entry.path.strip_suffix("/state") {
            Some(pipe) => drop(stopped.insert(pipe.to_owned(), entry.received_at.0)),
            None => pauses.extend(stopped.remove(&entry.path).map(|at| entry.received_at.0 - at)),
        }
    }
    pauses.into_iter().map(Duration::from_millis).collect()
}

/// An apply that was interrupted.
struct InterruptedApply {
    took: Duration,
    reports: Vec<ObjectResult>,
    /// What should run and does not.
    left: Vec<String>,
    after: World,
}

async fn interrupt_apply(before: &World, desired: &Desired, second: u64) -> InterruptedApply {
    let mut bench = Bench::with_world(before.clone(), &SERVICES);
    let interruption = Interruption::default();
    bench.interruption = interruption.clone();
    let plan = bench.plan(desired).await;
    let later = async {
        tokio::time::sleep(Duration::from_secs(second)).await;
        interruption.raise();
    };
    let (reports, ()) = tokio::join!(bench.apply_plan(plan), later);
    let took = interruption.wait_until_raised().await.elapsed();
    let after = bench.world_snapshot();
    let left = pipes_left_stopped(before, after.clone(), desired);
    InterruptedApply { took, reports, left, after }
}

impl InterruptedApply {
    /// What was left stopped without a word about it.
    fn unreported_pipes(&self) -> Vec<&String> {
        let told = self.reports.iter().filter(|report| report.left_stopped.is_some());
        let told: Vec<&str> = told.map(|report| report.address.name.as_str()).collect();
        self.left.iter().filter(|name| !told.contains(&name.as_str())).collect()
    }
}

#[test]
fn each_pipe_is_paused_for_at_most_20_seconds() {
    let before = running_world();
    in_virtual_time(async {
        let bench = Bench::with_world(before, &SERVICES);
        let (from, began) = (bench.journal_len(), tokio::time::Instant::now());
        bench.settle(&desired_from_documents(&postgres_pipes(60)).unwrap()).await.unwrap();
        let pauses = pause_lengths(&bench.world_snapshot().request_log()[from..]);
        assert_eq!(pauses.len(), PIPES);
        let longest = pauses.iter().max().unwrap();
        println!("{longest:?} of {:?}", began.elapsed());
        assert!(*longest <= Duration::from_secs(20), "{longest:?}");
        assert!(began.elapsed() <= Duration::from_secs(300), "{:?}", began.elapsed());
    });
}

#[test]
fn interruption_leaves_few_pipes_stopped_and_reports_them() {
    let (before, desired) = (running_world(), desired_from_documents(&postgres_pipes(60)).unwrap());
    let mut some_left = 0;
    for second in (0..20).map(|nth| nth * 6) {
        let outcome = in_virtual_time(async {
            let run = interrupt_apply(&before, &desired, second).await;
            assert!(run.took <= LAST_MOMENT, "at {second}: {:?}", run.took);
            // What was told to stop just now cannot be started before it has stopped.
            assert!(run.left.len() <= AT_ONCE, "at {second}: {:?}", run.left);
            some_left += usize::from(!run.left.is_empty());
            assert!(run.unreported_pipes().is_empty(), "in silence at {second}: {:?}", run.left);
            if second % 60 == 0 { check_recovery(&before, run.after, &desired).await } else { Ok(()) }
        });
        assert_eq!(outcome, Ok(()), "at {second}");
    }
    println!("some left stopped, and told, after {some_left} of 20 interruptions");
}

#[test]
fn edit_needing_an_unplanned_pause_restores_the_state() {
    let (before, mut few) = world_with_unmarked_pauses();
    few[0]["spec"]["state"] = json!("stopped");
    let desired = desired_from_documents(&few).unwrap();
    in_virtual_time(async {
        let bench = Bench::with_world(before.clone(), &SERVICES);
        let from = bench.journal_len();
        let plan = bench.settle(&desired).await.unwrap();
        let edits = plan.actions.iter().filter(|action| action.request_body().is_some()).count();
        assert_eq!((edits, plan.actions.len()), (5, 6), "one is to be stopped afterwards");
        assert_eq!(bench.refused_writes(from).len(), 5);
        assert_eq!(pipes_left_stopped(&before, bench.world_snapshot(), &desired), [""; 0]);
        assert!(bench.plan(&desired).await.has_no_changes());
    });
}

#[test]
fn interruption_of_unplanned_pauses_is_reported() {
    let (before, few) = world_with_unmarked_pauses();
    let desired = desired_from_documents(&few).unwrap();
    let mut started_again = 0;
    for second in 0..40 {
        let run = in_virtual_time(interrupt_apply(&before, &desired, second));
        assert!(run.unreported_pipes().is_empty(), "in silence at {second}: {:?}", run.left);
        let notes = run.reports.iter().flat_map(|report| &report.notes);
        started_again += notes.filter(|note| note.contains("is started again")).count();
    }
    assert!(started_again > 10, "{started_again}");
}
