//! What holds for every plan, whatever is declared and live. The documents are the seeds, changed
//! along the schema, so that a new field takes part from the day it is added.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::bench::{Bench, CANARY, in_virtual_time};
use crate::support::generate::manifests;
use crate::support::manifests::{desired_from_documents, read_documents};
use model::desired::Desired;
use pipectl::render::plan::{Context, render};
use planner::{Policy, plan};
use proptest::prelude::*;
use serde_json::{Value, json};

const SERVICES: [&str; 1] = ["analytics"];

fn desired(manifests: &[Value]) -> Desired {
    desired_from_documents(manifests).unwrap()
}

/// What is live and not declared, by name: nothing may happen to it.
fn undeclared_pipes(bench: &Bench, declared: &Desired) -> BTreeMap<String, Value> {
    let pipes = bench.sandbox.with_world(|world| world.list_pipes(SERVICES[0]));
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
    fn plan_is_empty_after_apply_and_touches_no_others(before in manifests(), after in manifests()) {
        let outcome = in_virtual_time(async {
            let bench = Bench::new(&SERVICES);
            for manifests in [&before, &after] {
                let desired = desired(manifests);
                // A copy that ends in the middle of an edit is another story.
                bench.sandbox.with_world(|world| world.advance_clock(Duration::from_secs(3600)));
                let others = undeclared_pipes(&bench, &desired);
                bench.settle(&desired).await?;
                let again = bench.plan(&desired).await;
                if !again.has_no_changes() {
                    return Err(format!("not settled: {:#?}", again.changes));
                }
                if others != undeclared_pipes(&bench, &desired) {
                    return Err("an undeclared pipe was touched".to_owned());
                }
            }
            match bench.refused_writes(0) {
                refusals if refusals.is_empty() => Ok(()),
                refusals => Err(refusals.join("\n")),
            }
        });
        prop_assert_eq!(outcome, Ok(()));
    }

    /// The order of files and of live objects does not change a byte of a plan.
    #[test]
    fn plan_does_not_depend_on_input_order(before in manifests(), after in manifests()) {
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
    fn plan_output_contains_no_secret(manifests in manifests()) {
        let everything = in_virtual_time(async {
            let bench = Bench::new(&SERVICES);
            let plan = bench.settle(&desired(&manifests)).await.unwrap();
            let text = render(&plan, &Context { diff: true, ..Context::default() }).to_plain();
            let world = serde_json::to_string(&bench.world_snapshot()).unwrap();
            format!("{text}{}{plan:?}{world}", serde_json::to_string(&plan).unwrap())
        });
        prop_assert!(!everything.contains(CANARY));
    }
}

#[test]
fn cdc_scaling_is_applied_after_the_first_database_pipe() {
    let scaling = |cores: u64| {
        json!({
            "apiVersion": "pipectl/v1", "kind": "CdcScaling", "metadata": {"service": SERVICES[0]},
            "spec": {"replicaCpuMillicores": cores * 1000, "replicaMemoryGb": cores * 4}
        })
    };
    let pipe = read_documents("tests/seeds").into_iter().find(|seed| seed["metadata"]["name"] == "mongodb-cdc");
    let pipe = pipe.unwrap();
    in_virtual_time(async {
        let bench = Bench::new(&SERVICES);
        for cores in [4, 8] {
            let desired = desired(&[scaling(cores), pipe.clone()]);
            bench.settle(&desired).await.unwrap();
            assert!(bench.plan(&desired).await.has_no_changes(), "{cores} cores");
        }
    });
}
