//! Manifests by chance: the seeds, changed along the schema, so that a new field takes part from
//! the day it is added.

use std::collections::BTreeMap;

use model::path::Path;
use model::reference;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::manifests::{declared, documents};
use super::schema::{leaves, others};

/// Some of the seeds, each with some of its fields changed.
pub(crate) fn manifests() -> impl Strategy<Value = Vec<Value>> {
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
