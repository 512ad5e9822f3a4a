//! Runs that are disturbed, and the runs after them.

pub(crate) mod story;
pub(crate) mod trouble;

use std::time::Duration;

use model::action::RunState;
use model::address::Kind;
use model::desired::{Desired, Presence};
use planner::{Plan, Policy, plan};
use sandbox::World;
use serde_json::Value;

use super::bench::{Bench, CANARY, scope};
use super::manifests::declared;

/// The service of the scenario.
pub(crate) const SERVICES: [&str; 1] = ["analytics"];

/// A pipe that no manifest declares.
const BYSTANDER: &str = "bystander";

/// A world in which the documents were applied, and everything has come to rest.
pub(crate) async fn settled(documents: &[Value]) -> World {
    let bench = Bench::new(&SERVICES);
    bench.settle(&declared(documents).unwrap()).await.unwrap();
    at_rest(bench.world())
}

/// The world an hour later.
fn at_rest(mut world: World) -> World {
    world.advance(Duration::from_secs(3600));
    world
}

/// Observes, plans and applies, as one run of the program. Says what it could not do.
pub(crate) async fn run(bench: &Bench, desired: &Desired) -> Result<(), String> {
    run_part(bench, desired, usize::MAX).await
}

/// The same with no more than so many of the plan's actions.
pub(crate) async fn run_part(bench: &Bench, desired: &Desired, most: usize) -> Result<(), String> {
    let scope = scope(desired);
    let live = tokio::select! {
        biased;
        _ = bench.interruption.raised() => return Err("interrupted".to_owned()),
        live = bench.remote.observe(&scope) => live.map_err(|error| told(&error))?,
    };
    let mut plan = plan(desired, &live, None, &Policy::default());
    plan.actions.truncate(most);
    let blocked: Vec<_> = plan.blocked().filter_map(|change| change.reason.clone()).collect();
    let wrong = perform(bench, plan).await;
    let wrong: Vec<String> = blocked.into_iter().chain(wrong).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// What went wrong, a text for each object.
async fn perform(bench: &Bench, plan: Plan) -> Vec<String> {
    let reports = bench.apply(plan).await;
    let json = serde_json::to_string(&reports).unwrap();
    assert!(!json.contains(CANARY), "{json}");
    let failed = reports.iter().filter(|report| report.error.is_some());
    failed.map(|report| serde_json::to_string(report).unwrap()).collect()
}

/// No error may hold a secret.
fn told(error: &remote::Error) -> String {
    let message = format!("{error} {error:?} {:?}", error.hint());
    assert!(!message.contains(CANARY), "{message}");
    error.to_string()
}

/// Runs again, undisturbed and with nothing remembered, at most twice; then everything must be as
/// declared, and nothing else touched since `before`.
pub(crate) async fn recovers(
    before: &World,
    mut world: World,
    desired: &Desired,
) -> Result<(), String> {
    let mut said = Vec::new();
    for _ in 0..2 {
        world.faults().clear();
        let bench = Bench::on(world, &SERVICES);
        let from = bench.journal_len();
        said.extend(run(&bench, desired).await.err());
        let refusals = bench.refusals(from);
        // What was deleted in a run that heard no answer may go while this one looks.
        if let Some(illegal) = refusals.iter().find(|entry| !entry.contains("\"DELETE\"")) {
            return Err(format!("refused: {illegal}"));
        }
        world = bench.world();
        let wrong = deviations(&world, desired).await;
        if wrong.is_empty() {
            return stays_so(before, at_rest(world), desired).await;
        }
        said.extend(wrong);
    }
    Err(said.join("; "))
}

/// What was still on its way must not undo anything later.
async fn stays_so(before: &World, world: World, desired: &Desired) -> Result<(), String> {
    let wrong = deviations(&world, desired).await;
    if !wrong.is_empty() {
        return Err(format!("an hour later: {}", wrong.join("; ")));
    }
    let untouched = bystanders(before) == bystanders(&world);
    if untouched { Ok(()) } else { Err("an undeclared pipe was touched".to_owned()) }
}

/// What is not as declared: by a new plan, and by what the world itself shows.
async fn deviations(world: &World, desired: &Desired) -> Vec<String> {
    let bench = Bench::on(world.clone(), &SERVICES);
    let plan = bench.plan(desired).await;
    let changes = plan.changes.iter();
    let mut wrong: Vec<String> =
        changes.map(|change| format!("{} {}", change.verdict.word(), change.at)).collect();
    for (at, document) in desired.iter().filter(|(at, _)| at.kind == Kind::ClickPipe) {
        let live = states(world, at.name.as_str());
        let fine = match (document.intent.presence, live.as_slice()) {
            (Presence::Absent, live) => live.is_empty(),
            (Presence::Present(RunState::Running), [state]) => !is_stopped(state),
            (Presence::Present(RunState::Stopped), [state]) => is_stopped(state),
            (Presence::Present(_), _) => false,
        };
        if !fine {
            wrong.push(format!("{at} is live as {live:?}"));
        }
    }
    wrong
}

/// The states of the live pipes of that name.
fn states(world: &World, name: &str) -> Vec<String> {
    let pipes = world.pipes(SERVICES[0]).into_iter().filter(|pipe| pipe["name"] == name);
    pipes.filter_map(|pipe| Some(pipe["state"].as_str()?.to_owned())).collect()
}

/// Whether it ingests nothing, or is about to.
fn is_stopped(state: &str) -> bool {
    ["Stopped", "Paused", "Stopping", "Pausing", "Failed"].contains(&state)
}

/// The pipes that should run and ran before, and do not now.
pub(crate) fn left_stopped(before: &World, after: World, desired: &Desired) -> Vec<String> {
    let after = at_rest(after);
    let runs = |world: &World, name: &str| states(world, name).iter().all(|s| !is_stopped(s));
    let to_run = desired
        .iter()
        .filter(|(_, document)| document.intent.presence == Presence::Present(RunState::Running));
    let names = to_run.map(|(at, _)| at.name.to_string());
    names.filter(|name| runs(before, name) && !runs(&after, name)).collect()
}

/// What nobody declares: nothing may happen to it.
fn bystanders(world: &World) -> Vec<Value> {
    let theirs = world.pipes(SERVICES[0]).into_iter().filter(|pipe| pipe["name"] == BYSTANDER);
    theirs.map(|pipe| pipe["updatedAt"].clone()).collect()
}
