//! What holds for every plan, whatever is declared and live. The documents are the seeds, changed
//! along the schema, so that a new field takes part from the day it is added.

#![allow(clippy::allow_attributes, clippy::unwrap_used, reason = "a test that fails here fails")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use model::desired::Desired;
use model::path::Path;
use model::reference;
use pipectl::render::plan::{Context, render};
use planner::{Policy, plan};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::bench::{Bench, CANARY, in_virtual_time};
use support::manifests::{declared, documents};
use support::schema::{leaves, others};

const SERVICES: [&str; 1] = ["analytics"];

/// Some of the seeds, each with some of its fields changed.
fn manifests() -> impl Strategy<Value = Vec<Value>> {
    let seeds = documents("tests/seeds");
    let choice = proptest::collection::vec((0..seeds.len(), edits(), any::<bool>()), 1..5);
    choice.prop_map(move |chosen| {
        let mut picked = BTreeMap::new();
        for (index, edits, stopped) in chosen {
            let mut seed = with(&seeds[index], &edits);
            if stopped && seed["kind"] == "ClickPipe" {
                let candidate = stopped_too(&seed);
                seed = candidate.unwrap_or(seed);
            }
            picked.insert(index, seed);
        }
        picked.into_values().filter(stands_alone).collect()
    })
}

/// Pairs of numbers that pick a field and a value for it.
fn edits() -> impl Strategy<Value = Vec<(usize, usize)>> {
    proptest::collection::vec((0..200_usize, 0..4_usize), 0..4)
}

/// The seed with those edits that leave it valid.
fn with(seed: &Value, edits: &[(usize, usize)]) -> Value {
    let mut document = seed.clone();
    for (field, value) in edits {
        let kind = model::address::Kind::from_name(document["kind"].as_str().unwrap()).unwrap();
        let mut leaves = leaves(reference::manifest_schema(kind), &document);
        leaves.retain(|leaf| leaf.path.is_within(&Path::parse("spec")));
        let ours = ["spec.state", "spec.protect"].map(Path::parse);
        leaves.retain(|leaf| !ours.contains(&leaf.path));
        let leaf = &leaves[field % leaves.len()];
        let values = others(leaf, leaf.path.get(&document));
        let Some(value) = values.get(value % values.len().max(1)) else { continue };
        let mut changed = document.clone();
        leaf.path.set(&mut changed, value.clone());
        if declared(std::slice::from_ref(&changed)).is_ok() {
            document = changed;
        }
    }
    document
}

/// The pipe declared as stopped, unless it reads something to its end.
fn stopped_too(seed: &Value) -> Option<Value> {
    let arms = seed["spec"]["source"].as_object()?;
    let ends = arms.iter().any(|(arm, source)| {
        let snapshot = source["settings"]["replicationMode"] == "snapshot";
        snapshot || arm == "objectStorage" && source["isContinuous"] != json!(true)
    });
    let mut stopped = seed.clone();
    stopped["spec"]["state"] = json!("stopped");
    (!ends).then_some(stopped)
}

/// References lead to objects that these tests do not make, and sizes need a pipe. The live API
/// refuses Redpanda with certificates, against its own schema; `validate` warns of that.
fn stands_alone(seed: &Value) -> bool {
    let kafka = &seed["spec"]["source"]["kafka"];
    let doubtful = kafka["type"] == "redpanda" && kafka["authentication"] == "MUTUAL_TLS";
    seed["kind"] != "CdcScaling" && !seed.to_string().contains("\"endpoint\"") && !doubtful
}

fn desired(manifests: &[Value]) -> Desired {
    declared(manifests).unwrap()
}

/// What is live and not declared, by name: nothing may happen to it.
fn bystanders(bench: &Bench, declared: &Desired) -> BTreeMap<String, Value> {
    let pipes = bench.sandbox.with(|world| world.pipes(SERVICES[0]));
    let theirs = pipes.into_iter().filter_map(|pipe| {
        let name = pipe["name"].as_str()?.to_owned();
        let ours = declared.keys().any(|at| at.name.as_str() == name);
        (!ours).then(|| (name, pipe["updatedAt"].clone()))
    });
    theirs.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// After apply a new plan is empty, from nothing and from anything; the API refuses none of
    /// it; and what nobody declares is not touched.
    #[test]
    fn settled_legal_and_restrained(before in manifests(), after in manifests()) {
        let outcome = in_virtual_time(async {
            let bench = Bench::new(&SERVICES);
            for manifests in [&before, &after] {
                let desired = desired(manifests);
                // A copy that ends in the middle of an edit is another story.
                bench.sandbox.with(|world| world.advance(Duration::from_secs(3600)));
                let others = bystanders(&bench, &desired);
                bench.settle(&desired).await?;
                let again = bench.plan(&desired).await;
                if !again.is_empty() {
                    return Err(format!("not settled: {:#?}", again.changes));
                }
                if others != bystanders(&bench, &desired) {
                    return Err("an undeclared pipe was touched".to_owned());
                }
            }
            match bench.refusals(0) {
                refusals if refusals.is_empty() => Ok(()),
                refusals => Err(refusals.join("\n")),
            }
        });
        prop_assert_eq!(outcome, Ok(()));
    }

    /// The order of files and of live objects does not change a byte of a plan.
    #[test]
    fn deterministic(before in manifests(), after in manifests()) {
        let (forward, backward) = in_virtual_time(async {
            let bench = Bench::new(&SERVICES);
            bench.settle(&desired(&before)).await.unwrap();
            let shown = async |manifests: &[Value]| {
                let desired = desired(manifests);
                let plan = plan(&desired, &bench.live(&desired).await, None, &Policy::default());
                let text = render(&plan, &Context { diff: true, ..Context::default() }).to_plain();
                (text, serde_json::to_value(&plan.actions).unwrap())
            };
            let reversed: Vec<Value> = after.iter().rev().cloned().collect();
            (shown(&after).await, shown(&reversed).await)
        });
        prop_assert_eq!(forward, backward);
    }

    /// No rendering of a plan holds a secret, and neither does what the sandbox keeps.
    #[test]
    fn secret(manifests in manifests()) {
        let everything = in_virtual_time(async {
            let bench = Bench::new(&SERVICES);
            let plan = bench.settle(&desired(&manifests)).await.unwrap();
            let text = render(&plan, &Context { diff: true, ..Context::default() }).to_plain();
            let world = serde_json::to_string(&bench.world()).unwrap();
            format!("{text}{}{plan:?}{world}", serde_json::to_string(&plan).unwrap())
        });
        prop_assert!(!everything.contains(CANARY));
    }
}

#[test]
fn the_size_of_database_pipes_follows_the_first_of_them() {
    let scaling = |cores: u64| {
        json!({
            "apiVersion": "pipectl/v1", "kind": "CdcScaling", "metadata": {"service": SERVICES[0]},
            "spec": {"replicaCpuMillicores": cores * 1000, "replicaMemoryGb": cores * 4}
        })
    };
    let pipe =
        documents("tests/seeds").into_iter().find(|seed| seed["metadata"]["name"] == "mongodb-cdc");
    let pipe = pipe.unwrap();
    in_virtual_time(async {
        let bench = Bench::new(&SERVICES);
        for cores in [4, 8] {
            let desired = desired(&[scaling(cores), pipe.clone()]);
            bench.settle(&desired).await.unwrap();
            assert!(bench.plan(&desired).await.is_empty(), "{cores} cores");
        }
    });
}
