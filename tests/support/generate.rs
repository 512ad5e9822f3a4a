//! Manifests by chance: the seeds, changed along the schema, so that a new field takes part from
//! the day it is added.

use std::collections::{BTreeMap, BTreeSet};

use clickpipes::exclusive_read::Sharing;
use clickpipes::exclusive_reads::exclusive_reads;
use clickpipes::kinds;
use clickpipes::server_names::ServerNames;
use model::address::{Kind, ServiceRef};
use model::path::FieldPath;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::manifests::{desired_from_documents, read_documents};
use super::schema::{other_values, schema_leaves};

/// Some of the seeds, each with some of its fields changed.
pub(crate) fn manifests() -> impl Strategy<Value = Vec<Value>> {
    let seeds = read_documents("tests/seeds");
    let choice = proptest::collection::vec((0..seeds.len(), any_edits(), any::<bool>()), 1..5);
    choice.prop_map(move |chosen| {
        let mut picked = BTreeMap::new();
        for (index, edits, stopped) in chosen {
            picked.insert(index, edited_seed(&seeds[index], &edits, stopped));
        }
        without_shared_reads(picked.into_values().filter(is_self_contained))
    })
}

/// Many objects that may live side by side: each of the seeds as often as it comes, under names of
/// their own, with the endpoints that they refer to.
pub(crate) fn any_crowd(size: usize) -> impl Strategy<Value = Vec<Value>> {
    let mut seeds = read_documents("tests/seeds");
    seeds.retain(|seed| seed["kind"] != "CdcScaling");
    let choice = proptest::collection::vec((0..seeds.len(), any_edits(), any::<bool>()), size);
    choice.prop_map(move |chosen| {
        let mut taken = BTreeSet::new();
        let many = chosen.into_iter().enumerate().filter_map(|(number, (index, edits, stopped))| {
            let mut one = edited_seed(&seeds[index], &edits, stopped);
            // What an endpoint is called inside a network, only one may be.
            if one["kind"] == "ReversePrivateEndpoint" && !taken.insert(index) {
                return None;
            }
            let name = one["metadata"]["name"].as_str().unwrap().to_owned();
            one["metadata"]["name"] = json!(format!("{name} {number}"));
            Some(one)
        });
        let many = many.filter(|one| !has_unknown_endpoint(one));
        without_shared_reads(many.chain(["link-a", "link-b"].map(endpoint_manifest)))
    })
}

/// Without those that read a queue, or the like, that an earlier one reads: `validate` refuses them.
fn without_shared_reads(many: impl Iterator<Item = Value>) -> Vec<Value> {
    let (mut taken, names, service) = (BTreeSet::new(), ServerNames::default(), ServiceRef::new("analytics"));
    many.filter(|one| {
        let kind = Kind::from_name(one["kind"].as_str().unwrap()).unwrap();
        let reads = exclusive_reads(kind, &one["spec"], names.seen_from(&service)).into_iter();
        let reads = reads.filter(|read| read.sharing == Sharing::Broken);
        reads.map(|read| read.key()).collect::<Vec<_>>().into_iter().all(|key| taken.insert(key))
    })
    .collect()
}

/// An endpoint that the pipes of the seeds may refer to.
fn endpoint_manifest(name: &str) -> Value {
    json!({
        "apiVersion": "pipectl/v1",
        "kind": "ReversePrivateEndpoint",
        "metadata": {"name": name, "service": "analytics"},
        "spec": {
            "type": "VPC_ENDPOINT_SERVICE",
            "vpcEndpointServiceName": format!("com.amazonaws.vpce.us-east-1.vpce-svc-{name}"),
        },
    })
}

fn edited_seed(seed: &Value, edits: &[(usize, usize)], stopped: bool) -> Value {
    let seed = apply_valid_edits(seed, edits);
    let stopped = (stopped && seed["kind"] == "ClickPipe").then(|| stopped_variant(&seed)).flatten();
    stopped.unwrap_or(seed)
}

/// Pairs of numbers that pick a field and a value for it.
fn any_edits() -> impl Strategy<Value = Vec<(usize, usize)>> {
    proptest::collection::vec((0..200_usize, 0..4_usize), 0..4)
}

/// The seed with those edits that leave it valid.
fn apply_valid_edits(seed: &Value, edits: &[(usize, usize)]) -> Value {
    let mut document = seed.clone();
    for (field, value) in edits {
        let kind = Kind::from_name(document["kind"].as_str().unwrap()).unwrap();
        let mut leaves = schema_leaves(kinds::manifest_schema(kind), &document);
        leaves.retain(|leaf| leaf.path.is_within(&FieldPath::parse("spec")));
        let ours = ["spec.state", "spec.protect"].map(FieldPath::parse);
        leaves.retain(|leaf| !ours.contains(&leaf.path));
        let leaf = &leaves[field % leaves.len()];
        let values = other_values(leaf, leaf.path.value_in(&document));
        let Some(value) = values.get(value % values.len().max(1)) else { continue };
        let mut changed = document.clone();
        leaf.path.set_in(&mut changed, value.clone());
        if desired_from_documents(std::slice::from_ref(&changed)).is_ok() {
            document = changed;
        }
    }
    document
}

/// The pipe declared as stopped, unless it reads something to its end.
fn stopped_variant(seed: &Value) -> Option<Value> {
    let arms = seed["spec"]["source"].as_object()?;
    let ends = arms.iter().any(|(arm, source)| {
        let snapshot = source["settings"]["replicationMode"] == "snapshot";
        snapshot || arm == "objectStorage" && source["isContinuous"] != json!(true)
    });
    let mut stopped = seed.clone();
    stopped["spec"]["state"] = json!("stopped");
    (!ends).then_some(stopped)
}

/// References lead to objects that these tests do not make, and sizes need a pipe.
fn is_self_contained(seed: &Value) -> bool {
    let refers = seed.to_string().contains("\"endpoint\"");
    seed["kind"] != "CdcScaling" && !refers
}

/// Whether it refers to an endpoint that is not in the crowd.
fn has_unknown_endpoint(one: &Value) -> bool {
    let text = one.to_string();
    let links = ["link-a", "link-b"].map(|link| format!("\"endpoint\":\"{link}\""));
    text.matches("\"endpoint\"").count() > links.iter().map(|l| text.matches(l).count()).sum()
}
