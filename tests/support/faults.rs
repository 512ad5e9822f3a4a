//! One run in which everything happens that apply can do, to be disturbed at any of its requests.

use std::collections::BTreeMap;
use std::time::Duration;

use model::action::RunState;
use model::desired::{Desired, Presence};
use model::path::Path;
use planner::{Policy, plan};
use sandbox::{Effect, Fault, When, World};
use serde_json::{Value, json};

use super::bench::{Bench, CANARY, scope};
use super::manifests::{declared, documents};

/// The service of the scenario.
pub(crate) const SERVICES: [&str; 1] = ["analytics"];

/// A pipe that no manifest declares.
const BYSTANDER: &str = "bystander";

/// A live side, and manifests that want nearly all of it otherwise.
pub(crate) struct Scenario {
    pub(crate) before: Vec<Value>,
    pub(crate) after: Vec<Value>,
}

/// Pipes of every source: made, edited, remapped, stopped, started, scaled, renamed, replaced and
/// deleted; endpoints; and the size of database pipes.
pub(crate) fn everything() -> Scenario {
    let seeds: BTreeMap<String, Value> = documents("tests/seeds")
        .into_iter()
        .map(|seed| (seed["metadata"]["name"].as_str().unwrap_or("scaling").to_owned(), seed))
        .collect();
    let mut scenario = Scenario { before: Vec::new(), after: Vec::new() };
    for (name, before, after) in STORY {
        let seed = &seeds[*name];
        let sides = [(&mut scenario.before, before), (&mut scenario.after, after)];
        for (documents, edits) in sides {
            documents.extend(edits.map(|edits| edited(seed, edits)));
        }
    }
    let mut bystander = edited(&seeds["kinesis-role"], &[("spec.destination.table", "\"other\"")]);
    bystander["metadata"]["name"] = json!(BYSTANDER);
    scenario.before.push(bystander);
    scenario
}

type Edits = &'static [(&'static str, &'static str)];

/// Of each seed: how it is before and after, as fields that differ from the seed; `None` is not
/// declared.
const STORY: &[(&str, Option<Edits>, Option<Edits>)] = &[
    // Made, together with the endpoint that it needs.
    ("msk", None, Some(&[("metadata.name", "\"link-a\"")])),
    ("kafka-scram", None, Some(&[])),
    // Edited.
    (
        "kafka-msk-role",
        Some(&[]),
        Some(&[(
            "spec.destination.columns",
            r#"[{"name": "id", "type": "UInt64"}, {"name": "n", "type": "UInt64"}, {"name": "m", "type": "String"}]"#,
        )]),
    ),
    ("vpc-service", Some(&[]), Some(&[("spec.customPrivateDnsMappings", "[]")])),
    (
        "scaling",
        Some(&[]),
        Some(&[("spec", r#"{"replicaCpuMillicores": 8000, "replicaMemoryGb": 32}"#)]),
    ),
    ("s3-queue", Some(&[]), Some(&[("spec.settings.clickhouse_max_threads", "4")])),
    (
        "kinesis-user",
        Some(&[]),
        Some(&[
            ("spec.scaling.replicas", "3"),
            ("spec.settings.streaming_max_insert_wait_ms", "900"),
        ]),
    ),
    // Edited while it is stopped, and stays so.
    (
        "azure",
        Some(&[("spec.state", "\"stopped\"")]),
        Some(&[("spec.state", "\"stopped\""), ("spec.scaling", r#"{"replicas": 2}"#)]),
    ),
    (
        "mongodb-cdc",
        Some(&[("spec.state", "\"stopped\"")]),
        Some(&[
            ("spec.state", "\"stopped\""),
            (
                "spec.source.mongodb.tableMappings",
                r#"[{"sourceDatabaseName": "shop", "sourceCollection": "orders", "targetTable": "mongo_orders"},
                    {"sourceDatabaseName": "shop", "sourceCollection": "carts", "targetTable": "mongo_carts"}]"#,
            ),
        ]),
    ),
    // Remapped: added and removed; taken out and put in again.
    (
        "postgres-cdc",
        Some(&[]),
        Some(&[
            ("spec.source.postgres.settings.syncIntervalSeconds", "60"),
            (
                "spec.source.postgres.tableMappings",
                r#"[{"sourceSchemaName": "public", "sourceTable": "orders", "targetTable": "orders_cdc"},
                    {"sourceSchemaName": "public", "sourceTable": "carts", "targetTable": "carts"}]"#,
            ),
        ]),
    ),
    (
        "mysql-cdc",
        Some(&[]),
        Some(&[("spec.source.mysql.tableMappings.0.tableEngine", "\"MergeTree\"")]),
    ),
    // Stopped, started.
    ("kafka-eventhub", Some(&[]), Some(&[("spec.state", "\"stopped\"")])),
    (
        "pubsub",
        Some(&[("spec.state", "\"stopped\"")]),
        Some(&[("spec.settings.streaming_max_insert_wait_ms", "700")]),
    ),
    // Renamed.
    (
        "kinesis-role",
        Some(&[]),
        Some(&[
            ("metadata.name", "\"kinesis-renamed\""),
            ("metadata.previousNames", "[\"kinesis-role\"]"),
        ]),
    ),
    // Replaced.
    ("kafka-msk-user", Some(&[]), Some(&[("spec.source.kafka.topics", "\"clicks_v2\"")])),
    (
        "postgres-cdc-only",
        Some(&[]),
        Some(&[("spec.source.postgres.settings.replicationSlotName", "\"other_slot\"")]),
    ),
    // Deleted.
    ("s3-role", Some(&[]), Some(&[("spec.state", "\"absent\"")])),
    ("psc", Some(&[]), Some(&[("spec.state", "\"absent\"")])),
    // Made.
    ("pubsub-latest", None, Some(&[("spec.state", "\"stopped\"")])),
    ("gcs-key", None, Some(&[])),
    ("mysql-role", None, Some(&[])),
    ("bigquery", None, Some(&[])),
    // As it was.
    ("s3-public-once", Some(&[]), Some(&[])),
];

fn edited(seed: &Value, edits: &[(&str, &str)]) -> Value {
    let mut document = seed.clone();
    for (path, value) in edits {
        Path::parse(path).set(&mut document, serde_json::from_str(value).unwrap());
    }
    document
}

/// A world in which the documents were applied, and everything has come to rest.
pub(crate) async fn settled(documents: &[Value]) -> World {
    let bench = Bench::new(&SERVICES);
    let settled = bench.settle(&declared(documents).unwrap()).await;
    settled.unwrap();
    let mut world = bench.world();
    world.advance(Duration::from_secs(3600));
    world
}

/// Observes, plans and applies, as one run of the program. Says what it could not do.
pub(crate) async fn run(bench: &Bench, desired: &Desired) -> Result<(), String> {
    let live =
        bench.remote.observe(&scope(desired)).await.map_err(|error| told(error.to_string()))?;
    let plan = plan(desired, &live, None, &Policy::default());
    let blocked: Vec<_> = plan.blocked().filter_map(|change| change.reason.clone()).collect();
    let reports = bench.apply(plan).await;
    let errors = reports.into_iter().filter_map(|report| {
        let told_of = format!("{} {:?} {:?}", report.at, report.outcome, report.notes);
        report.error.map(|error| told(format!("{told_of}: {}", error.message)))
    });
    let wrong: Vec<String> = blocked.into_iter().chain(errors).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// No error may hold a secret.
fn told(message: String) -> String {
    assert!(!message.contains(CANARY), "{message}");
    message
}

/// Runs again, undisturbed and with nothing remembered, at most twice; then everything must be as
/// declared.
pub(crate) async fn recovers(world: World, desired: &Desired) -> Result<(), String> {
    let untouched = bystanders(&world);
    let mut world = world;
    let mut said = Vec::new();
    for _ in 0..2 {
        world.faults().clear();
        let bench = Bench::on(world, &SERVICES);
        if let Err(error) = run(&bench, desired).await {
            said.push(error);
        }
        world = bench.world();
        let wrong = deviations(&world, desired).await;
        if wrong.is_empty() {
            // What was on its way must not undo it later.
            world.advance(Duration::from_secs(3600));
            let wrong = deviations(&world, desired).await;
            if !wrong.is_empty() {
                return Err(format!("an hour later: {}", wrong.join("; ")));
            }
            if untouched != bystanders(&world) {
                return Err("an undeclared pipe was touched".to_owned());
            }
            return Ok(());
        }
        said.extend(wrong);
    }
    Err(said.join("; "))
}

/// What is not as declared: by a new plan, and by what the world itself shows.
async fn deviations(world: &World, desired: &Desired) -> Vec<String> {
    let mut wrong: Vec<String> = Vec::new();
    let bench = Bench::on(world.clone(), &SERVICES);
    let plan = bench.plan(desired).await;
    wrong.extend(
        plan.changes.iter().map(|change| format!("{} {}", change.verdict.word(), change.at)),
    );
    let pipes = world.pipes(SERVICES[0]);
    for (at, document) in
        desired.iter().filter(|(at, _)| at.kind == model::address::Kind::ClickPipe)
    {
        let live: Vec<&str> = pipes
            .iter()
            .filter(|pipe| pipe["name"] == at.name.as_str())
            .filter_map(|pipe| pipe["state"].as_str())
            .collect();
        let fine = match (document.intent.presence, live.as_slice()) {
            (Presence::Absent, live) => live.is_empty(),
            (Presence::Present(RunState::Running), [state]) => RUNNING.contains(state),
            (Presence::Present(RunState::Stopped), [state]) => STOPPED.contains(state),
            (Presence::Present(_), _) => false,
        };
        if !fine {
            wrong.push(format!("{at} is live as {live:?}"));
        }
    }
    wrong
}

const RUNNING: [&str; 6] =
    ["Provisioning", "Setup", "Snapshot", "Modifying", "Running", "Completed"];
const STOPPED: [&str; 4] = ["Stopped", "Paused", "Stopping", "Pausing"];

/// What nobody declares: nothing may happen to it.
fn bystanders(world: &World) -> Vec<Value> {
    let theirs = world.pipes(SERVICES[0]).into_iter().filter(|pipe| pipe["name"] == BYSTANDER);
    theirs.map(|pipe| pipe["updatedAt"].clone()).collect()
}

/// What goes wrong with a request, and with how many of them in a row.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    pub(crate) effects: Vec<Effect>,
    pub(crate) times: u32,
}

impl Trouble {
    /// A world in which this happens from its n-th next request on.
    pub(crate) fn strikes(&self, world: &World, nth: u64) -> World {
        let mut world = world.clone();
        let first = world.faults().requests() + nth;
        for effect in &self.effects {
            let when = When::Request(first);
            world.faults().add(Fault { when, effect: *effect, times: self.times });
        }
        world
    }

    /// Whether it makes a difference to such a request.
    pub(crate) fn concerns(&self, method: &str, path: &str) -> bool {
        let creates = method == "POST";
        self.effects.iter().all(|effect| match effect {
            Effect::SlowDelete(_) => method == "DELETE",
            Effect::LateResume(_) => method == "PATCH",
            Effect::ZeroScaling(_) => creates || path.ends_with("/scaling"),
            Effect::ListLag(_) | Effect::SourceUnreachable => creates,
            _ => true,
        })
    }
}

/// What can happen to any one request.
const SINGLE: [Effect; 17] = [
    Effect::CutBeforeCommit,
    Effect::CutAfterCommit,
    Effect::InternalError,
    Effect::Unavailable,
    Effect::GatewayTimeout,
    Effect::GatewayTimeoutAfterCommit,
    Effect::RateLimited(2.5),
    Effect::RateLimitedWithoutReset,
    Effect::TruncatedJson,
    Effect::HtmlAnswer,
    Effect::SlowAnswer(35),
    Effect::SourceUnreachable,
    Effect::SlowDelete(60),
    Effect::LateResume(30),
    Effect::ZeroScaling(60),
    Effect::ListLag(20),
    Effect::ListLag(90),
];

/// What can go on for longer than anybody tries again.
const LASTING: [Effect; 6] = [
    Effect::CutBeforeCommit,
    Effect::CutAfterCommit,
    Effect::InternalError,
    Effect::GatewayTimeoutAfterCommit,
    Effect::RateLimitedWithoutReset,
    Effect::HtmlAnswer,
];

/// Creates whose answer is lost, and whose object is not to be seen at first.
const HIDDEN: [[Effect; 2]; 3] = [
    [Effect::CutAfterCommit, Effect::ListLag(20)],
    [Effect::GatewayTimeoutAfterCommit, Effect::ListLag(40)],
    [Effect::TruncatedJson, Effect::ListLag(20)],
];

/// Every kind of trouble.
pub(crate) fn troubles() -> Vec<Trouble> {
    let single = SINGLE.iter().map(|effect| Trouble { effects: vec![*effect], times: 1 });
    let lasting = LASTING.iter().map(|effect| Trouble { effects: vec![*effect], times: 40 });
    let hidden = HIDDEN.iter().map(|effects| Trouble { effects: effects.to_vec(), times: 1 });
    single.chain(lasting).chain(hidden).collect()
}
