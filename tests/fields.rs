//! Every field of the schema, changed on its own: planned as the API allows it, accepted by the
//! sandbox, and settled afterwards. A field is covered from the day it is added.

use std::collections::BTreeSet;

use crate::support::bench::{Bench, actions, in_virtual_time, updates};
use crate::support::manifests::{declared, documents};
use crate::support::schema::{Leaf, leaves, others};
use model::path::Path;
use model::reference;
use model::rules::{Echo, OnChange, Rules};
use model::secret;
use planner::{Policy, Verdict, plan};
use sandbox::World;
use serde_json::{Value, json};

const SERVICES: [&str; 1] = ["analytics"];

/// Fields that no single edit can change validly, each with its reason.
const NOT_ALONE: &[(&str, &str)] = &[
    (
        "spec.fieldMappings.destinationField",
        "every column must be mapped, so that mapping another one leaves one out",
    ),
    ("spec.source.bigquery.settings.replicationMode", "there is one word for it"),
    ("spec.source.kafka.schemaRegistry.authentication", "there is one word for it"),
    ("spec.source.pubsub.authentication", "there is one word for it"),
    ("spec.scaling.concurrency", "the API has given it up, and so it is refused"),
    ("spec.replicaCpuMillicores", "memory is four times the cores"),
    ("spec.replicaMemoryGb", "memory is four times the cores"),
];

/// Fields that change only together with others: the field, and what to put over the spec (`null`
/// takes a field out).
fn coupled() -> Vec<(&'static str, Value)> {
    let role = "arn:aws:iam::123456789012:role/other";
    let secret = json!({"fromEnv": "SEED_SECRET"});
    let login = json!({"username": "u", "password": secret});
    let key = json!({"accessKeyId": "AKIA", "secretKey": secret});
    let by_user = |arm: &str| json!({"source": {arm: {"authentication": "basic", "iamRole": null, "credentials": login}}});
    let unsorted = |arm: &str, source: &str| {
        let first = json!({source: "shop", "sourceTable": "users", "targetTable": "users", "useCustomSortingKey": false});
        let second = json!({source: "shop", "sourceTable": "orders", "targetTable": "orders"});
        json!({"source": {arm: {"tableMappings": [first, second]}}})
    };
    vec![
        ("spec.source.postgres.authentication", by_user("postgres")),
        ("spec.source.mysql.authentication", by_user("mysql")),
        (
            "spec.source.kinesis.authentication",
            json!({"source": {"kinesis": {"authentication": "IAM_ROLE", "iamRole": role, "accessKey": null}}}),
        ),
        (
            "spec.source.objectStorage.authentication",
            json!({"source": {"objectStorage": {"authentication": "IAM_USER", "iamRole": null, "accessKey": key}}}),
        ),
        (
            "spec.source.bigquery.tableMappings.useCustomSortingKey",
            unsorted("bigquery", "sourceDatasetName"),
        ),
        (
            "spec.source.mysql.tableMappings.useCustomSortingKey",
            unsorted("mysql", "sourceSchemaName"),
        ),
        (
            "spec.source.postgres.tableMappings.useCustomSortingKey",
            unsorted("postgres", "sourceSchemaName"),
        ),
        (
            "spec.type",
            json!({"type": "VPC_ENDPOINT_SERVICE", "gcpServiceAttachment": null,
                "vpcEndpointServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-1"}),
        ),
    ]
}

/// `base` with `over` put over it, as RFC 7396 says.
fn merged(mut base: Value, over: &Value) -> Value {
    let Value::Object(over) = over else { return over.clone() };
    for (name, value) in over {
        let old = base.get(name).cloned().unwrap_or_else(|| json!({}));
        match value {
            Value::Null => _ = base.as_object_mut().and_then(|fields| fields.remove(name)),
            _ => base[name] = merged(old, value),
        }
    }
    base
}

#[test]
fn every_field_of_every_source_can_be_edited_as_the_api_allows() {
    let (mut edited, mut met, mut seen) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut wrong = Vec::new();
    for seed in documents("tests/seeds") {
        let world = in_virtual_time(world_with(&seed));
        for leaf in editable(&seed) {
            met.insert(general(&leaf.path));
            let Some(changed) = valid_edit(&seed, &leaf) else { continue };
            edited.insert(general(&leaf.path));
            let readable = rules_at(&seed, &leaf.path).echo == Echo::Always;
            match in_virtual_time(edit(&world, &seed, &changed, &leaf.path)) {
                Ok(noticed) if noticed || !readable => _ = seen.insert(general(&leaf.path)),
                Ok(_) => {}
                Err(reason) => {
                    wrong.push(format!("{} {}: {reason}", seed["metadata"]["name"], leaf.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} edits went wrong:\n{}", wrong.len(), wrong.join("\n\n"));
    let alone: BTreeSet<String> = NOT_ALONE.iter().map(|(path, _)| (*path).to_owned()).collect();
    let missed: Vec<_> = met.difference(&edited).filter(|path| !alone.contains(*path)).collect();
    assert!(missed.is_empty(), "no valid edit was found for {missed:#?}");
    // Some edits say what the API assumes anyway; an edit of the same field elsewhere does not.
    let unseen: Vec<_> = edited.difference(&seen).collect();
    assert!(unseen.is_empty(), "no edit was seen of {unseen:#?}");
    println!("{} fields edited", edited.len());
    assert!(edited.len() > 150, "only {} fields", edited.len());
}

/// Git changed one leaf and nothing else: a plan with the base does something about it, or says
/// that live is so already, also where the API does not tell. Once it is done the next base knows.
#[test]
fn no_edit_of_a_declared_leaf_is_silent_where_git_is_asked() {
    let (mut silent, mut wrong, mut unseen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for seed in documents("tests/seeds") {
        let world = in_virtual_time(world_with(&seed));
        for (path, changed) in edits(&seed) {
            let name = format!("{} {path}", seed["metadata"]["name"]);
            match in_virtual_time(edit_from(&world, &seed, &changed)) {
                Ok(Noticed::Unseen) => _ = unseen.insert(general(&path)),
                Ok(Noticed::Told) => {}
                // Live says nothing where nothing is set, and so does this edit.
                Ok(Noticed::Nothing) if says_unset(&seed, &changed, &path) => {}
                Ok(Noticed::Nothing) => silent.push(name),
                Err(reason) => wrong.push(format!("{name}: {reason}")),
            }
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
    assert!(wrong.is_empty(), "{} edits went wrong:\n{}", wrong.len(), wrong.join("\n\n"));
    for covered in [
        "spec.destination.roles",
        "spec.destination.tableDefinition.engine.versionColumnId",
        "spec.destination.tableDefinition.engine.columnIds",
        "spec.source.objectStorage.path",
        "spec.source.objectStorage.azureContainerName",
        "spec.source.validateSamples",
        "spec.source.kafka.credentials.username",
        "spec.source.kafka.credentials.password",
        "spec.source.kafka.schemaRegistry.credentials.password",
        "spec.source.bigquery.credentials.serviceAccountFile",
        "spec.source.kafka.credentials.version",
    ] {
        assert!(unseen.contains(covered), "{covered} is not among {unseen:#?}");
    }
}

/// What a plan said of an edit.
enum Noticed {
    Nothing,
    Told,
    /// Something is done that live could not have told.
    Unseen,
}

/// Every leaf with a valid edit of it, the secrets and their versions among them.
fn edits(seed: &Value) -> Vec<(Path, Value)> {
    let mut edits: Vec<(Path, Value)> = editable(seed)
        .into_iter()
        .filter_map(|leaf| Some((leaf.path.clone(), valid_edit(seed, &leaf)?)))
        .collect();
    let mut set = |path: &Path, value: Value| {
        let mut changed = seed.clone();
        path.set(&mut changed, value);
        edits.push((path.clone(), changed));
    };
    for referred in secret::references(seed) {
        set(&referred.path, json!({"fromEnv": "ANOTHER"}));
        let mut renewed = referred.from.clone();
        renewed["version"] = json!(9);
        set(&referred.path, renewed);
        let group = referred.path.parent().unwrap();
        if rules_at(seed, &group.child("version")).local {
            set(&group.child("version"), json!(9));
        }
    }
    edits
}

/// Whether the edit writes down what is not set anyway.
fn says_unset(seed: &Value, changed: &Value, path: &Path) -> bool {
    let unset = [json!(false), json!([])];
    path.get(seed).is_none() && path.get(changed).is_some_and(|value| unset.contains(value))
}

async fn edit_from(world: &World, seed: &Value, changed: &Value) -> Result<Noticed, String> {
    let bench = Bench::on(world.clone(), &SERVICES);
    let from = bench.journal_len();
    let [base, desired] = [seed, changed].map(|it| declared(std::slice::from_ref(it)).unwrap());
    let (live, policy) = (bench.live(&desired).await, Policy::default());
    let planned = plan(&desired, &live, Some(&base), &policy);
    if planned.is_empty() {
        let told = !planned.left_alone.is_empty();
        return Ok(if told { Noticed::Told } else { Noticed::Nothing });
    }
    let unseen = planned.changes.iter().flat_map(|change| &change.fields).any(|it| it.unseen);
    if !unseen {
        return Ok(Noticed::Told);
    }
    let failed = bench.apply(planned.clone()).await;
    let failed: Vec<_> = failed.iter().filter_map(|report| report.error.as_ref()).collect();
    ensure(failed.is_empty(), || format!("{failed:#?}\n{}", actions(&planned)))?;
    for body in updates(&planned) {
        states_only_what_is_declared(body, changed)?;
    }
    let refusals = bench.refusals(from);
    ensure(refusals.is_empty(), || format!("{refusals:#?}\n{}", actions(&planned)))?;
    let again = plan(&desired, &bench.live(&desired).await, Some(&desired), &policy);
    ensure(again.is_empty(), || format!("not settled: {:#?}", again.changes))?;
    Ok(Noticed::Unseen)
}

/// The path without the positions of list entries.
fn general(path: &Path) -> String {
    let segments = path.segments().iter().filter(|segment| segment.parse::<usize>().is_err());
    segments.map(String::as_str).collect::<Vec<_>>().join(".")
}

/// The leaves of a manifest's spec that are about the live object.
fn editable(seed: &Value) -> Vec<Leaf> {
    let kind = kind_of(seed);
    let spec = Path::parse("spec");
    let ours = ["spec.state", "spec.protect"].map(Path::parse);
    let mut leaves = leaves(reference::manifest_schema(kind), seed);
    leaves.retain(|leaf| leaf.path.is_within(&spec) && !ours.contains(&leaf.path));
    leaves.retain(|leaf| !rules_at(seed, &leaf.path).local && !rules_at(seed, &leaf.path).secret);
    leaves
}

fn kind_of(seed: &Value) -> model::address::Kind {
    model::address::Kind::from_name(seed["kind"].as_str().unwrap()).unwrap()
}

fn rules_at(seed: &Value, path: &Path) -> &'static Rules {
    let below_spec = path.segments()[1..].iter().fold(Path::root(), |path, step| path.child(step));
    Rules::of(kind_of(seed)).at(&below_spec)
}

fn valid_edit(seed: &Value, leaf: &Leaf) -> Option<Value> {
    let candidates = others(leaf, leaf.path.get(seed)).into_iter();
    let mut changed = candidates.map(|value| {
        let mut changed = seed.clone();
        leaf.path.set(&mut changed, value);
        changed
    });
    let mut together = coupled()
        .into_iter()
        .filter(|(path, _)| *path == general(&leaf.path))
        .map(|(_, over)| merged(seed.clone(), &json!({"spec": over})))
        .filter(|changed| leaf.path.get(changed) != leaf.path.get(seed));
    let valid = |changed: &Value| declared(std::slice::from_ref(changed)).is_ok();
    changed.find(valid).or_else(|| together.find(valid))
}

/// A world in which the seed is live, with what it needs beside it.
async fn world_with(seed: &Value) -> World {
    let bench = Bench::new(&SERVICES);
    let mut all = vec![seed.clone(), endpoint("link-a"), endpoint("link-b")];
    // The size of database pipes can be set once there is one.
    if seed["kind"] == "CdcScaling" {
        let is_database = |other: &Value| other["metadata"]["name"] == "mongodb-cdc";
        all.extend(documents("tests/seeds").into_iter().filter(is_database));
    }
    let desired = declared(&all).expect("a seed without errors");
    bench.settle(&desired).await.expect("a seed that can be made");
    let again = bench.plan(&desired).await;
    assert!(again.is_empty(), "{:#?}", again.changes);
    assert_eq!(bench.refusals(0), Vec::<String>::new());
    bench.world()
}

/// One that needs nobody's consent.
fn endpoint(name: &str) -> Value {
    json!({
        "apiVersion": "pipectl/v1",
        "kind": "ReversePrivateEndpoint",
        "metadata": {"name": name, "service": SERVICES[0]},
        "spec": {
            "type": "GCP_PSC_SERVICE_ATTACHMENT",
            "gcpServiceAttachment": format!("projects/p/regions/r/serviceAttachments/{name}")
        }
    })
}

/// Whether the edit was seen.
async fn edit(world: &World, seed: &Value, changed: &Value, path: &Path) -> Result<bool, String> {
    let bench = Bench::on(world.clone(), &SERVICES);
    let from = bench.journal_len();
    let desired = declared(std::slice::from_ref(changed)).map_err(|errors| errors.join("\n"))?;
    let plan = bench.settle(&desired).await?;
    let rules = rules_at(seed, path);
    for change in &plan.changes {
        let replaced = change.verdict == Verdict::Replace;
        let forced = change.fields.iter().any(|field| field.forces_replacement);
        ensure(replaced == forced, || format!("a replacement names its reason: {change:#?}"))?;
        let must = rules.on_change == OnChange::Replace;
        ensure(replaced || !must, || format!("it cannot be changed in place: {change:#?}"))?;
    }
    for body in updates(&plan) {
        states_only_what_is_declared(body, changed)?;
    }
    let refusals = bench.refusals(from);
    ensure(refusals.is_empty(), || format!("{refusals:#?}\n{}", actions(&plan)))?;
    let again = bench.plan(&desired).await;
    let after = || format!("not settled: {:#?}\nafter {}", again.changes, actions(&plan));
    ensure(again.is_empty(), after)?;
    Ok(!plan.is_empty())
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// Restraint: an update holds no field that the manifest leaves out.
fn states_only_what_is_declared(body: &Value, manifest: &Value) -> Result<(), String> {
    let mut bodies = vec![(body, &manifest["spec"])];
    while let Some((body, declared)) = bodies.pop() {
        if body.get("fromEnv").is_some() {
            continue;
        }
        for (name, value) in body.as_object().into_iter().flatten() {
            if name.ends_with("ToAdd") || name.ends_with("ToRemove") {
                continue;
            }
            let declared = &declared[name.as_str()];
            ensure(!declared.is_null(), || format!("it also sends `{name}`"))?;
            bodies.push((value, declared));
        }
    }
    Ok(())
}
