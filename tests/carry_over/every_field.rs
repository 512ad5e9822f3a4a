//! The law, for every source and every field.

use std::collections::BTreeSet;

use crate::field_edits::{editable_leaves, first_valid_edit, seed_kind, world_with_seed};
use crate::support::bench::{Bench, in_virtual_time};
use crate::support::manifests::{desired_from_documents, read_documents};
use crate::support::schema::other_values;
use clickpipes::kinds;
use clickpipes::semantics::FieldSemantics;
use model::path::FieldPath;
use planner::{Plan, Verdict};
use sandbox::World;
use serde_json::{Value, json};

const SERVICES: [&str; 1] = ["analytics"];

/// How many edits of a seed are tried.
const EDITS: usize = 5;

/// The fields that tell entries of lists apart.
const IDENTITY: [&str; 8] = [
    "sourceSchemaName",
    "sourceDatabaseName",
    "sourceDatasetName",
    "sourceTable",
    "sourceCollection",
    "name",
    "privateDnsName",
    "sourceField",
];

/// One object, and the manifest that declares as little of it as is valid.
struct Sparse {
    full: Value,
    bare: Value,
    omitted: Vec<FieldPath>,
}

/// The law, for every source and every field of the schema: a field that is set live and that the manifest omits is
/// as it was after any update, remap or replacement, or the plan names it.
#[test]
fn omitted_field_is_kept_or_named() {
    let (mut wrong, mut covered, mut verdicts) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for seed in read_documents("tests/seeds").iter().filter(|seed| seed["kind"] != "CdcScaling") {
        for backward in [false, true] {
            let sparse = sparse_manifest(seed, backward);
            let world = in_virtual_time(world_with_seed(&sparse.full));
            for edited in edits(&sparse.bare) {
                let name = format!("{} {}", seed["metadata"]["name"], edited.0);
                match in_virtual_time(check_kept(&world, &sparse, &edited.1)) {
                    Ok(Some(verdict)) => _ = verdicts.insert(verdict),
                    Ok(None) => {}
                    Err(reason) => wrong.push(format!("{name}: {reason}")),
                }
            }
            covered.extend(sparse.omitted.iter().map(ToString::to_string));
        }
    }
    assert!(wrong.is_empty(), "{} edits went wrong:\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(covered.len() > 60, "only {} fields were omitted: {covered:#?}", covered.len());
    assert_eq!(verdicts.into_iter().collect::<Vec<_>>(), ["replace", "update"]);
}

/// Also without a field that does nothing beside the others: nobody misses it.
fn is_valid(manifest: &Value) -> bool {
    let is_idle = kinds::find_problems(seed_kind(manifest), manifest).iter().any(|problem| problem.is_idle);
    !is_idle && desired_from_documents(std::slice::from_ref(manifest)).is_ok()
}

/// Sets every optional field that is valid beside the others, and omits all that need not be declared.
fn sparse_manifest(seed: &Value, backward: bool) -> Sparse {
    let mut full = seed.clone();
    let mut leaves = editable_leaves(seed);
    if backward {
        leaves.reverse();
    }
    for leaf in leaves.iter().filter(|leaf| leaf.path.value_in(seed).is_none()) {
        for value in other_values(leaf, None) {
            let mut with = full.clone();
            leaf.path.set_in(&mut with, value);
            if is_valid(&with) && in_virtual_time(is_accepted(&with)) {
                full = with;
                break;
            }
        }
    }
    let (mut bare, mut omitted) = (full.clone(), Vec::new());
    let mut paths = Vec::new();
    collect_paths(&full["spec"], &FieldPath::parse("spec"), &mut paths);
    for path in paths {
        let mut without = bare.clone();
        if remove(&mut without, &path) && is_valid(&without) {
            bare = without;
            // An empty value sets nothing.
            if path.value_in(&full).is_none_or(is_unset) {
                continue;
            }
            omitted.push(path.relative_to(&FieldPath::parse("spec")).unwrap());
        }
    }
    Sparse { full, bare, omitted }
}

async fn is_accepted(manifest: &Value) -> bool {
    let bench = Bench::new(&SERVICES);
    let desired = desired_from_documents(std::slice::from_ref(manifest)).unwrap();
    let links = desired.values().any(|document| document.body.to_string().contains("\"endpoint\""));
    links || bench.settle(&desired).await.is_ok()
}

/// Every field, the outer ones first.
fn collect_paths(value: &Value, path: &FieldPath, found: &mut Vec<FieldPath>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let ours = ["state", "protect", "additional", "version", "validateSamples"];
        if !ours.contains(&name.as_str()) {
            found.push(path.child(name));
            collect_paths(value, &path.child(name), found);
        }
    }
    for (index, entry) in value.as_array().into_iter().flatten().enumerate() {
        collect_paths(entry, &path.child(index), found);
    }
}

fn remove(document: &mut Value, path: &FieldPath) -> bool {
    let (parent, name) = (path.parent().unwrap(), path.last_segment().unwrap());
    let parent = parent.segments().iter().try_fold(document, |value, segment| match value {
        Value::Array(items) => items.get_mut(segment.parse::<usize>().ok()?),
        _ => value.get_mut(segment.as_str()),
    });
    parent.and_then(Value::as_object_mut).is_some_and(|fields| fields.shift_remove(name).is_some())
}

/// Edits of what is still declared, at places far apart.
fn edits(bare: &Value) -> Vec<(FieldPath, Value)> {
    // An entry with another identity is another entry.
    let is_identity = |path: &FieldPath| path.last_segment().is_some_and(|name| IDENTITY.contains(&name));
    let leaves = editable_leaves(bare).into_iter();
    let leaves = leaves.filter(|leaf| leaf.path.value_in(bare).is_some() && !is_identity(&leaf.path));
    let edits: Vec<_> = leaves.filter_map(|leaf| Some((leaf.path.clone(), first_valid_edit(bare, &leaf)?))).collect();
    let step = edits.len().div_ceil(EDITS).max(1);
    let mut picked: Vec<_> = edits.iter().step_by(step).cloned().collect();
    picked.extend(remap(bare));
    picked
}

/// Another target for a table, and one more table.
fn remap(bare: &Value) -> Vec<(FieldPath, Value)> {
    let sources = bare["spec"]["source"].as_object().into_iter().flatten();
    let edits = sources.filter_map(|(arm, source)| {
        let first = source["tableMappings"].get(0)?;
        let path = FieldPath::parse("spec.source").child(arm).child("tableMappings");
        let mut moved = bare.clone();
        let mut more = first.clone();
        for field in ["sourceTable", "sourceCollection", "targetTable"] {
            if let Some(Value::String(text)) = more.get_mut(field) {
                text.push_str("_more");
            }
        }
        path.child(0).child("targetTable").set_in(&mut moved, json!("moved"));
        let list = path.value_in(&moved)?.as_array()?.iter().cloned().chain([more]).collect();
        path.set_in(&mut moved, list);
        Some((path.child(0), moved))
    });
    edits.collect()
}

async fn check_kept(world: &World, sparse: &Sparse, edited: &Value) -> Result<Option<&'static str>, String> {
    let bench = Bench::with_world(world.clone(), &SERVICES);
    let [bare, desired] = [&sparse.bare, edited].map(|it| desired_from_documents(std::slice::from_ref(it)).unwrap());
    let before = live_body(&bench, &sparse.bare).await;
    let unchanged = bench.plan(&bare).await;
    if !unchanged.has_no_changes() {
        return Err(format!("the bare manifest is a change: {:#?}", unchanged.changes));
    }
    let from = bench.journal_len();
    let plan = match bench.settle(&desired).await {
        // The API connects to the new place, and no manifest declares with which login. Or a field that is kept may not
        // go with the edit: nothing is deleted.
        Err(refusal)
            if refusal.contains("Authentication failed") || refusal.contains("could refuse the new object") =>
        {
            assert_eq!(live_body(&bench, edited).await["source"], before["source"], "{refusal}");
            return Ok(None);
        }
        settled => settled?,
    };
    let refused = bench.refused_writes(from);
    if !refused.is_empty() {
        return Err(format!("{refused:#?}"));
    }
    let Some(change) = plan.changes.first() else { return Ok(None) };
    let replaced = change.verdict == Verdict::Replace;
    let after = live_body(&bench, edited).await;
    // What the edit declares, because the new value of another field needs it, is a change like that one.
    for path in sparse.omitted.iter().filter(|path| path.value_in(&edited["spec"]).is_none()) {
        let old = find(&before, &sparse.bare["spec"], path);
        let new = find(&after, &edited["spec"], path);
        let is_kept = old == new && (old.is_some() || !replaced);
        if !is_kept && !is_named(&plan, path) {
            return Err(format!("`{path}` was {old:?} and is {new:?}: {:#?}", change.data_effects));
        }
    }
    Ok(Some(change.verdict.as_str()))
}

async fn live_body(bench: &Bench, manifest: &Value) -> Value {
    let desired = desired_from_documents(std::slice::from_ref(manifest)).unwrap();
    let live = bench.live(&desired).await;
    let at = desired.keys().next().unwrap();
    FieldSemantics::for_kind(seed_kind(manifest)).normalize_live(&live[at].objects[0].body)
}

/// The value at the path. An entry of a list is found by what is declared of it.
fn find(live: &Value, declared: &Value, path: &FieldPath) -> Option<Value> {
    let (mut live, mut declared) = (Some(live), Some(declared));
    for segment in path.segments() {
        if let Some(Value::Array(entries)) = live {
            let entry = declared?.get(segment.parse::<usize>().ok()?)?;
            let same = |other: &&Value| {
                IDENTITY.iter().all(|field| entry.get(field).is_none() || entry.get(field) == other.get(field))
            };
            (live, declared) = (entries.iter().find(same), Some(entry));
        } else {
            live = live?.get(segment);
            declared = declared.and_then(|declared| declared.get(segment));
        }
    }
    live.filter(|value| !is_unset(value)).cloned()
}

fn is_unset(value: &Value) -> bool {
    [json!(null), json!([]), json!(""), json!(false)].contains(value)
}

/// Whether the plan names the field, or the block that it is in.
fn is_named(plan: &Plan, path: &FieldPath) -> bool {
    let told = plan.changes.iter().flat_map(|change| &change.data_effects);
    let mut above = (0..path.segments().len()).map(|depth| {
        let segments = &path.segments()[..=depth];
        segments.iter().fold(FieldPath::root(), |path, segment| path.child(segment)).to_string()
    });
    let told: Vec<&String> = told.collect();
    above.any(|path| told.iter().any(|sentence| sentence.contains(&format!("`{path}`"))))
}
