//! Runs that are disturbed, and the runs after them.

pub(crate) mod disruption;
pub(crate) mod scenario;

use std::time::Duration;

use model::action::RunState;
use model::address::Kind;
use model::desired::{Desired, Presence};
use planner::{Plan, Policy, plan};
use sandbox::World;
use serde_json::Value;

use super::bench::{Bench, CANARY, scope_of_desired};
use super::manifests::desired_from_documents;

/// The service of the scenario.
pub(crate) const SERVICES: [&str; 1] = ["analytics"];

/// A pipe that no manifest declares.
const BYSTANDER: &str = "bystander";

/// A world in which the documents were applied, and everything has come to rest.
pub(crate) async fn settled_world(documents: &[Value]) -> World {
    let bench = Bench::new(&SERVICES);
    bench.settle(&desired_from_documents(documents).unwrap()).await.unwrap();
    hour_later(bench.world_snapshot())
}

/// The world an hour later.
fn hour_later(mut world: World) -> World {
    world.advance_clock(Duration::from_secs(3600));
    world
}

/// Observes, plans and applies, as one run of the program. Says what it could not do.
pub(crate) async fn run_apply(bench: &Bench, desired: &Desired) -> Result<(), String> {
    run_partial_apply(bench, desired, usize::MAX).await
}

/// The same with no more than so many of the plan's actions.
pub(crate) async fn run_partial_apply(bench: &Bench, desired: &Desired, most: usize) -> Result<(), String> {
    let scope = scope_of_desired(desired);
    let live = tokio::select! {
        biased;
        _ = bench.interruption.wait_until_raised() => return Err("interrupted".to_owned()),
        live = bench.remote.observe_live(&scope) => live.map_err(|error| error_without_secrets(&error))?,
    };
    let mut plan = plan(desired, &live, None, &Policy::default());
    plan.actions.truncate(most);
    let blocked: Vec<_> = plan.blocked_changes().filter_map(|change| change.reason.clone()).collect();
    let wrong = apply_and_list_errors(bench, plan).await;
    let wrong: Vec<String> = blocked.into_iter().chain(wrong).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// What went wrong, a text for each object.
async fn apply_and_list_errors(bench: &Bench, plan: Plan) -> Vec<String> {
    let reports = bench.apply_plan(plan).await;
    let json = serde_json::to_string(&reports).unwrap();
    assert!(!json.contains(CANARY), "{json}");
    let failed = reports.iter().filter(|report| report.error.is_some());
    failed.map(|report| serde_json::to_string(report).unwrap()).collect()
}

/// No error may hold a secret.
fn error_without_secrets(error: &remote::Error) -> String {
    let message = format!("{error} {error:?} {:?}", error.hint());
    assert!(!message.contains(CANARY), "{message}");
    error.to_string()
}

/// Runs again, undisturbed and with nothing remembered, at most twice; then everything must be as
/// declared, and nothing else touched since `before`.
pub(crate) async fn check_recovery(before: &World, mut world: World, desired: &Desired) -> Result<(), String> {
    let mut said = Vec::new();
    for _ in 0..2 {
        world.fault_script().clear();
        let bench = Bench::with_world(world, &SERVICES);
        let from = bench.journal_len();
        said.extend(run_apply(&bench, desired).await.err());
        let refusals = bench.refused_writes(from);
        // What was deleted in a run that heard no answer may go while this one looks.
        if let Some(illegal) = refusals.iter().find(|entry| !entry.contains("\"DELETE\"")) {
            return Err(format!("refused: {illegal}"));
        }
        world = bench.world_snapshot();
        let wrong = find_deviations(&world, desired).await;
        if wrong.is_empty() {
            return check_still_settled(before, hour_later(world), desired).await;
        }
        said.extend(wrong);
    }
    Err(said.join("; "))
}

/// What was still on its way must not undo anything later.
async fn check_still_settled(before: &World, world: World, desired: &Desired) -> Result<(), String> {
    let wrong = find_deviations(&world, desired).await;
    if !wrong.is_empty() {
        return Err(format!("an hour later: {}", wrong.join("; ")));
    }
    let untouched = bystander_updates(before) == bystander_updates(&world);
    if untouched { Ok(()) } else { Err("an undeclared pipe was touched".to_owned()) }
}

/// What is not as declared: by a new plan, and by what the world itself shows.
async fn find_deviations(world: &World, desired: &Desired) -> Vec<String> {
    let bench = Bench::with_world(world.clone(), &SERVICES);
    let plan = bench.plan(desired).await;
    let changes = plan.changes.iter();
    let mut wrong: Vec<String> =
        changes.map(|change| format!("{} {}", change.verdict.as_str(), change.address)).collect();
    for (at, document) in desired.iter().filter(|(at, _)| at.kind == Kind::ClickPipe) {
        let live = live_pipe_states(world, at.name.as_str());
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
fn live_pipe_states(world: &World, name: &str) -> Vec<String> {
    let pipes = world.list_pipes(SERVICES[0]).into_iter().filter(|pipe| pipe["name"] == name);
    pipes.filter_map(|pipe| Some(pipe["state"].as_str()?.to_owned())).collect()
}

/// Whether it ingests nothing, or is about to.
fn is_stopped(state: &str) -> bool {
    ["Stopped", "Paused", "Stopping", "Pausing", "Failed"].contains(&state)
}

/// The pipes that should run and ran before, and do not now.
pub(crate) fn pipes_left_stopped(before: &World, after: World, desired: &Desired) -> Vec<String> {
    let after = hour_later(after);
    let runs = |world: &World, name: &str| live_pipe_states(world, name).iter().all(|s| !is_stopped(s));
    let to_run =
        desired.iter().filter(|(_, document)| document.intent.presence == Presence::Present(RunState::Running));
    let names = to_run.map(|(at, _)| at.name.to_string());
    names.filter(|name| runs(before, name) && !runs(&after, name)).collect()
}

/// The pipes that are declared and lived before, and are gone now, or have lost a table.
pub(crate) fn lost_pipes(before: &World, after: &World, desired: &Desired) -> Vec<String> {
    let declared = desired.iter().filter(|(at, document)| {
        at.kind == Kind::ClickPipe && matches!(document.intent.presence, Presence::Present(_))
    });
    let tables = |world: &World, name: &str| -> Option<usize> {
        let named = world.list_pipes(SERVICES[0]).into_iter().find(|pipe| pipe["name"] == name)?;
        let arms = named["source"].as_object()?.values().filter_map(|arm| arm["tableMappings"].as_array());
        Some(arms.map(Vec::len).sum())
    };
    let names = declared.map(|(at, _)| at.name.to_string());
    names.filter(|name| tables(before, name).is_some() && tables(after, name) < tables(before, name)).collect()
}

/// What nobody declares: nothing may happen to it.
fn bystander_updates(world: &World) -> Vec<Value> {
    let theirs = world.list_pipes(SERVICES[0]).into_iter().filter(|pipe| pipe["name"] == BYSTANDER);
    theirs.map(|pipe| pipe["updatedAt"].clone()).collect()
}
