//! Many pipes that have to be paused for their edits: each for a moment, and few at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::bench::{Bench, in_virtual_time};
use crate::support::faults::{SERVICES, left_stopped, recovers, settled};
use crate::support::manifests::{declared, documents};
use model::desired::Desired;
use pipectl::apply::Report;
use pipectl::interruption::Interruption;
use sandbox::{Entry, Options, Quirk, Quirks, World};
use serde_json::{Value, json};

const PIPES: usize = 30;

/// How many are paused at a time within the default rate limit.
const AT_ONCE: usize = 3;

/// How long an interrupted run may go on.
const LAST_MOMENT: Duration = Duration::from_secs(7);

fn pipes(interval: u64) -> Vec<Value> {
    let seeds = documents("tests/seeds");
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
fn unmarked() -> (World, Vec<Value>) {
    let mut few = pipes(30);
    few.truncate(5);
    let mut before = in_virtual_time(settled(&few));
    let quirks = Quirks::all().with(Quirk::EditsNeedPause);
    before.set_options(Options { quirks, ..Options::default() });
    for pipe in &mut few {
        pipe["spec"]["source"]["postgres"]["host"] = json!("moved.example.com");
    }
    (before, few)
}

/// All of them run.
fn before() -> World {
    in_virtual_time(settled(&pipes(30)))
}

/// How long each pipe was held back between its stop and its edit.
fn pauses(journal: &[Entry]) -> Vec<Duration> {
    let mut stopped = BTreeMap::new();
    let mut pauses = Vec::new();
    for entry in journal.iter().filter(|entry| entry.method == "PATCH") {
        match entry.path.strip_suffix("/state") {
            Some(pipe) => drop(stopped.insert(pipe.to_owned(), entry.at.0)),
            None => pauses.extend(stopped.remove(&entry.path).map(|at| entry.at.0 - at)),
        }
    }
    pauses.into_iter().map(Duration::from_millis).collect()
}

/// An apply that was interrupted.
struct Interrupted {
    took: Duration,
    reports: Vec<Report>,
    /// What should run and does not.
    left: Vec<String>,
    after: World,
}

async fn interrupted(before: &World, desired: &Desired, second: u64) -> Interrupted {
    let mut bench = Bench::on(before.clone(), &SERVICES);
    let interruption = Interruption::default();
    bench.interruption = interruption.clone();
    let plan = bench.plan(desired).await;
    let later = async {
        tokio::time::sleep(Duration::from_secs(second)).await;
        interruption.raise();
    };
    let (reports, ()) = tokio::join!(bench.apply(plan), later);
    let took = interruption.raised().await.elapsed();
    let after = bench.world();
    let left = left_stopped(before, after.clone(), desired);
    Interrupted { took, reports, left, after }
}

impl Interrupted {
    /// What was left stopped without a word about it.
    fn in_silence(&self) -> Vec<&String> {
        let told = self.reports.iter().filter(|report| report.left_stopped.is_some());
        let told: Vec<&str> = told.map(|report| report.at.name.as_str()).collect();
        self.left.iter().filter(|name| !told.contains(&name.as_str())).collect()
    }
}

#[test]
fn each_is_paused_for_a_moment_only() {
    let before = before();
    in_virtual_time(async {
        let bench = Bench::on(before, &SERVICES);
        let (from, began) = (bench.journal_len(), tokio::time::Instant::now());
        bench.settle(&declared(&pipes(60)).unwrap()).await.unwrap();
        let pauses = pauses(&bench.world().journal()[from..]);
        assert_eq!(pauses.len(), PIPES);
        let longest = pauses.iter().max().unwrap();
        println!("{longest:?} of {:?}", began.elapsed());
        assert!(*longest <= Duration::from_secs(20), "{longest:?}");
        assert!(began.elapsed() <= Duration::from_secs(300), "{:?}", began.elapsed());
    });
}

#[test]
fn an_interruption_leaves_few_of_them_stopped_and_none_in_silence() {
    let (before, desired) = (before(), declared(&pipes(60)).unwrap());
    let mut some_left = 0;
    for second in (0..20).map(|nth| nth * 6) {
        let outcome = in_virtual_time(async {
            let run = interrupted(&before, &desired, second).await;
            assert!(run.took <= LAST_MOMENT, "at {second}: {:?}", run.took);
            // What was told to stop just now cannot be started before it has stopped.
            assert!(run.left.len() <= AT_ONCE, "at {second}: {:?}", run.left);
            some_left += usize::from(!run.left.is_empty());
            assert!(run.in_silence().is_empty(), "in silence at {second}: {:?}", run.left);
            if second % 60 == 0 { recovers(&before, run.after, &desired).await } else { Ok(()) }
        });
        assert_eq!(outcome, Ok(()), "at {second}");
    }
    println!("some left stopped, and told, after {some_left} of 20 interruptions");
}

#[test]
fn what_the_api_wants_a_pause_for_beyond_the_plan_is_paused_and_runs_again() {
    let (before, mut few) = unmarked();
    few[0]["spec"]["state"] = json!("stopped");
    let desired = declared(&few).unwrap();
    in_virtual_time(async {
        let bench = Bench::on(before.clone(), &SERVICES);
        let from = bench.journal_len();
        let plan = bench.settle(&desired).await.unwrap();
        let edits = plan.actions.iter().filter(|action| action.body().is_some()).count();
        assert_eq!((edits, plan.actions.len()), (5, 6), "one is to be stopped afterwards");
        assert_eq!(bench.refusals(from).len(), 5);
        assert_eq!(left_stopped(&before, bench.world(), &desired), [""; 0]);
        assert!(bench.plan(&desired).await.is_empty());
    });
}

#[test]
fn an_interruption_of_what_the_api_wants_paused_leaves_none_in_silence() {
    let (before, few) = unmarked();
    let desired = declared(&few).unwrap();
    let mut started_again = 0;
    for second in 0..40 {
        let run = in_virtual_time(interrupted(&before, &desired, second));
        assert!(run.in_silence().is_empty(), "in silence at {second}: {:?}", run.left);
        let notes = run.reports.iter().flat_map(|report| &report.notes);
        started_again += notes.filter(|note| note.contains("is started again")).count();
    }
    assert!(started_again > 10, "{started_again}");
}
