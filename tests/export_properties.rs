//! What is live is written as manifests that are sound and leave nothing to do, whatever it is: every
//! source and way to authenticate, in the spellings in which the API answers.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::support::bench::{Bench, CANARY, in_virtual_time};
use crate::support::generate;
use crate::support::manifests::{desired_from_documents, read_documents};
use crate::support::schema::schema_leaves;
use clickpipes::kinds::manifest_schema;
use clickpipes::manifest;
use model::address::{Address, Kind};
use model::desired::Desired;
use model::diagnostic::{Severity, SourceFile};
use model::live::{Live, Object, State};
use model::path::FieldPath;
use pipectl::render::manifests::manifests_to_yaml as yaml;
use planner::{Change, Policy, plan};
use porting::export::{ExportedManifest, export_manifests};
use porting::group::{group_manifests, keep_single};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner, contextualize_config};
use sandbox::{EndpointStatus, World};
use serde_json::{Value, json};

const SERVICE: &str = "analytics";

/// Worlds by chance, and how many objects live in each at the most.
const WORLDS: u32 = 28;
const CROWD: usize = 80;

/// Fewer than these would prove little.
const ENOUGH: usize = 1800;
const ENOUGH_TEMPLATES: usize = 40;

/// What one object may be changed to, after the API has answered.
#[derive(Clone, Copy, Debug)]
enum LiveOddity {
    None,
    /// The name of another, too.
    SharedName,
    /// Fields that are not set are told as `null`.
    Nulls,
    /// Sizes that are not settled.
    Zeros,
    /// Sizes as Kubernetes words them.
    Quantities,
    Parentheses,
    /// Fields that are newer than this program, at every level.
    UnknownFields,
    State(&'static str),
}

const STATES: [&str; 7] = ["Running", "Stopped", "Paused", "Failed", "Degraded", "Completed", "InternalError"];

fn any_oddities() -> impl Strategy<Value = Vec<LiveOddity>> {
    let odd = prop_oneof![
        4 => Just(LiveOddity::None),
        1 => Just(LiveOddity::SharedName),
        2 => Just(LiveOddity::Nulls),
        2 => Just(LiveOddity::Zeros),
        2 => Just(LiveOddity::Quantities),
        2 => Just(LiveOddity::Parentheses),
        2 => Just(LiveOddity::UnknownFields),
        2 => proptest::sample::select(STATES.to_vec()).prop_map(LiveOddity::State),
    ];
    proptest::collection::vec(odd, CROWD)
}

/// Makes it live, and reads it as the API answers.
fn live_from_manifests(manifests: &[Value]) -> Result<Live, String> {
    in_virtual_time(async {
        let bench = Bench::new(&[SERVICE]);
        let mut desired = desired_from_documents(manifests).map_err(|problems| problems.join("; "))?;
        let (endpoints, _): (Desired, Desired) =
            desired.clone().into_iter().partition(|(at, _)| at.kind == Kind::ReversePrivateEndpoint);
        bench.settle(&endpoints).await?;
        for at in endpoints.keys() {
            let ready = |world: &mut World| world.set_endpoint_status(SERVICE, at.name.as_str(), EndpointStatus::Ready);
            assert!(bench.sandbox.with_world(ready));
        }
        bench.settle(&desired).await?;
        let scaling = read_documents("tests/seeds").into_iter().find(|it| it["kind"] == "CdcScaling");
        desired.extend(desired_from_documents(scaling.as_slice()).unwrap());
        bench.sandbox.with_world(|world| world.advance_clock(Duration::from_secs(3600)));
        Ok(bench.live(&desired).await)
    })
}

/// The same with the oddities. Says how many objects can only be comments: those that share the name
/// of another, and a size of which nothing is settled.
fn apply_oddities(live: Live, oddities: &[LiveOddity]) -> (Live, usize) {
    let (mut odd, mut comments) = (Live::new(), 0);
    let mut last: Option<Address> = None;
    for ((at, observed), oddity) in live.into_iter().zip(oddities.iter().cycle()) {
        let shares = last.take().filter(|last| {
            matches!(oddity, LiveOddity::SharedName) && last.kind == at.kind && at.kind == Kind::ClickPipe
        });
        comments += usize::from(shares.is_some());
        comments += usize::from(matches!(oddity, LiveOddity::Zeros) && at.kind == Kind::CdcScaling);
        let at = shares.unwrap_or(at);
        let objects = &mut odd.entry(at.clone()).or_default().objects;
        objects.extend(observed.objects.into_iter().map(|object| apply_oddity(at.kind, object, oddity)));
        objects.sort_by(|one, other| one.id.cmp(&other.id));
        last = Some(at);
    }
    (odd, comments)
}

fn apply_oddity(kind: Kind, mut object: Object, oddity: &LiveOddity) -> Object {
    let body = &mut object.body;
    match oddity {
        LiveOddity::Nulls => add_null_fields(kind, body),
        LiveOddity::Zeros => replace_sizes(body, |_, _| json!(0)),
        LiveOddity::Quantities => replace_sizes(body, |number, unit| json!(format!("{number}{unit}"))),
        LiveOddity::Parentheses => {
            let engine = body.pointer_mut("/destination/tableDefinition/engine/type");
            for engine in engine.into_iter().filter(|engine| engine.is_string()) {
                let word = engine.as_str().unwrap().trim_end_matches("()").to_owned();
                *engine = json!(format!("{word}()"));
            }
        }
        LiveOddity::UnknownFields => add_unknown_fields(body),
        LiveOddity::State(word) if kind == Kind::ClickPipe => {
            body["state"] = json!(word);
            object.state = State::new(*word);
        }
        LiveOddity::None | LiveOddity::SharedName | LiveOddity::State(_) => {}
    }
    object
}

/// In every object that is in the body, outside of lists.
fn add_unknown_fields(body: &mut Value) {
    let Value::Object(fields) = body else { return };
    fields.values_mut().for_each(add_unknown_fields);
    let novelty = json!({"unset": null, "texts": ["${x}", "0755"], "list": [{"a": 1, "b": null}]});
    fields.insert("novelty".to_owned(), novelty);
}

/// Every field that the schema has and the object has not.
fn add_null_fields(kind: Kind, body: &mut Value) {
    let mut document = json!({ "spec": body.take() });
    for leaf in schema_leaves(manifest_schema(kind), &document) {
        if leaf.path.is_within(&FieldPath::parse("spec")) && leaf.path.value_in(&document).is_none() {
            leaf.path.set_in(&mut document, Value::Null);
        }
    }
    *body = document["spec"].take();
}

/// The CPU and the memory, wherever they stand.
fn replace_sizes(body: &mut Value, size: impl Fn(&Value, &str) -> Value) {
    for holder in ["", "/scaling"] {
        for (field, unit) in [("replicaCpuMillicores", "m"), ("replicaMemoryGb", "Gi")] {
            let reading = body.pointer_mut(&format!("{holder}/{field}"));
            for reading in reading.into_iter().filter(|reading| reading.is_number()) {
                *reading = size(reading, unit);
            }
        }
    }
}

#[derive(Clone, Copy)]
struct RoundTrip {
    objects: usize,
    templates: usize,
}

/// Exports it, with and without groups, reads the text again, and plans from that.
fn check_round_trip(live: &Live, comments: usize) -> Result<RoundTrip, String> {
    let exported = export_manifests(live);
    let grouped = group_manifests(exported.clone(), BTreeSet::new(), |_| false);
    let shared = grouped.iter().filter(|unit| unit.manifests().len() > 1).count();
    plan_from_text(live, &exported, &yaml(&keep_single(exported.clone()), None), comments)?;
    plan_from_text(live, &exported, &yaml(&grouped, None), comments)?;
    Ok(RoundTrip { objects: exported.len(), templates: shared })
}

fn plan_from_text(live: &Live, exported: &[ExportedManifest], text: &str, comments: usize) -> Result<(), String> {
    if text.contains(CANARY) {
        return Err("a secret".to_owned());
    }
    let sound = exported.iter().filter(|manifest| manifest.blockers.is_empty()).count();
    if exported.len() - sound != comments {
        let flawed = exported.iter().filter(|manifest| !manifest.blockers.is_empty());
        let told = flawed.map(|it| format!("{}: {:?}\n{:#}", it.address, it.blockers, it.document));
        return Err(format!("not {comments}: {}", told.collect::<Vec<_>>().join("\n")));
    }
    let file = SourceFile { name: Arc::from("e.yaml"), text: Arc::from(text) };
    let loaded = manifest::parse_manifests(&[file], &BTreeMap::new());
    let mut problems = loaded.diagnostics.iter();
    if let Some(problem) = problems.find(|problem| problem.severity == Severity::Error) {
        return Err(format!("{}: {}: {}", problem.place, problem.path, problem.message));
    }
    let manifests = loaded.manifests.into_iter();
    let again = manifests.map(|it| (crate::support::manifest_address(&it), it.document)).collect();
    let plan = plan(&again, live, None, &Policy::default());
    let changes = plan.changes.iter().filter(|change| !is_start_of_failed_pipe(change, live));
    let told: Vec<String> = changes.map(|it| format!("{} {:?} {:?}", it.address, it.reason, it.fields)).collect();
    match (told.is_empty(), again.len() == sound) {
        (true, true) => Ok(()),
        (true, false) => Err(format!("{} of {sound} were read", again.len())),
        (false, _) => Err(told.join("\n")),
    }
}

/// A manifest cannot say that a pipe has failed: the one that says the least is to start it.
fn is_start_of_failed_pipe(change: &Change, live: &Live) -> bool {
    let mut objects = live.get(&change.address).into_iter().flat_map(|observed| &observed.objects);
    let found = objects.find(|object| Some(&object.id) == change.id.as_ref());
    let starts = change.fields.iter().all(|field| field.path == FieldPath::parse("state"));
    starts && found.is_some_and(|object| object.state.as_str() == "Failed")
}

#[test]
fn export_of_any_live_object_plans_no_change() {
    let tried = Cell::new(RoundTrip { objects: 0, templates: 0 });
    // Without the macro, the environment has to be asked for: it may want more cases.
    let config = Config { cases: WORLDS, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let config = contextualize_config(config);
    let worlds_tried = config.cases;
    let worlds = (generate::any_crowd(CROWD), any_oddities());
    let outcome = TestRunner::new(config).run(&worlds, |(manifests, oddities)| {
        let live = live_from_manifests(&manifests).map_err(TestCaseError::fail)?;
        let (live, comments) = apply_oddities(live, &oddities);
        let count = check_round_trip(&live, comments).map_err(TestCaseError::fail)?;
        let RoundTrip { objects, templates } = tried.get();
        tried.set(RoundTrip { objects: objects + count.objects, templates: templates + count.templates });
        Ok(())
    });
    // What fails names the object; the rest of its world is no news.
    if let Err(TestError::Fail(reason, _)) = outcome {
        panic!("{reason}");
    }
    let RoundTrip { objects, templates } = tried.get();
    println!("{objects} live objects and {templates} templates in {worlds_tried} services went round");
    assert!(objects >= ENOUGH && templates >= ENOUGH_TEMPLATES, "{objects}, {templates}");
}
