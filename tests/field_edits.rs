//! Every field of the schema, changed on its own: planned as the API allows it, accepted by the
//! sandbox, and settled afterwards. A field is covered from the day it is added.

use std::collections::BTreeSet;

use crate::support::bench::{Bench, actions, in_virtual_time, update_bodies};
use crate::support::manifests::{desired_from_documents, read_documents};
use crate::support::schema::{SchemaLeaf, other_values, schema_leaves};
use clickpipes::kinds;
use clickpipes::semantics::{FieldSemantics, OnChange, Readback};
use model::path::FieldPath;
use model::secret;
use planner::{Policy, Verdict, plan};
use sandbox::World;
use serde_json::{Value, json};

const SERVICES: [&str; 1] = ["analytics"];

/// Fields that no single edit can change validly, each with its reason.
const UNEDITABLE_ALONE: &[(&str, &str)] = &[
    ("spec.fieldMappings.destinationField", "every column must be mapped, so that mapping another one leaves one out"),
    ("spec.source.kafka.schemaRegistry.authentication", "there is one word for it"),
    ("spec.source.kinesis.schemaRegistry.type", "there is one word for it"),
    ("spec.scaling.concurrency", "the API has given it up, and so it is refused"),
    ("spec.replicaCpuMillicores", "memory is four times the cores"),
    ("spec.replicaMemoryGb", "memory is four times the cores"),
];

/// Fields that change only together with others: the field, and what to put over the spec (`null`
/// takes a field out).
fn coupled_edits() -> Vec<(&'static str, Value)> {
    let role = "arn:aws:iam::123456789012:role/other";
    let secret = json!({"fromEnv": "SEED_SECRET"});
    let login = json!({"username": "u", "password": secret});
    let key = json!({"accessKeyId": "AKIA", "secretKey": secret});
    let by_user =
        |arm: &str| json!({"source": {arm: {"authentication": "basic", "iamRole": null, "credentials": login}}});
    let unsorted = |arm: &str, source: &str| {
        let first =
            json!({source: "shop", "sourceTable": "users", "targetTable": "users", "useCustomSortingKey": false});
        let second = json!({source: "shop", "sourceTable": "orders", "targetTable": "orders"});
        json!({"source": {arm: {"tableMappings": [first, second]}}})
    };
    vec![
        (
            "spec.source.mongodb.disableTls",
            json!({"source": {"mongodb": {"disableTls": true, "tlsHost": null, "caCertificate": null}}}),
        ),
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
            "spec.source.kafka.schemaRegistry.type",
            json!({"source": {"kafka": {"schemaRegistry": {
                "type": "confluent", "url": "https://registry.example.com", "authentication": "PLAIN",
                "credentials": login, "glueRegion": null, "glueRegistryName": null, "glueRoleArn": null,
            }}}}),
        ),
        (
            "spec.source.pubsub.authentication",
            json!({"source": {"pubsub": {
                "authentication": "SERVICE_ACCOUNT", "serviceAccountKey": {"serviceAccountFile": secret},
            }}}),
        ),
        (
            "spec.source.bigquery.authentication",
            json!({"source": {"bigquery": {
                "authentication": "SERVICE_ACCOUNT", "credentials": {"serviceAccountFile": secret},
            }}}),
        ),
        ("spec.source.bigquery.tableMappings.useCustomSortingKey", unsorted("bigquery", "sourceDatasetName")),
        ("spec.source.mysql.tableMappings.useCustomSortingKey", unsorted("mysql", "sourceSchemaName")),
        ("spec.source.postgres.tableMappings.useCustomSortingKey", unsorted("postgres", "sourceSchemaName")),
        (
            "spec.type",
            json!({"type": "VPC_ENDPOINT_SERVICE", "gcpServiceAttachment": null,
                "vpcEndpointServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-1"}),
        ),
    ]
}

/// `base` with `over` put over it, as RFC 7396 says.
fn merge_patch(mut base: Value, over: &Value) -> Value {
    let Value::Object(over) = over else { return over.clone() };
    for (name, value) in over {
        let old = base.get(name).cloned().unwrap_or_else(|| json!({}));
        match value {
            Value::Null => _ = base.as_object_mut().and_then(|fields| fields.remove(name)),
            _ => base[name] = merge_patch(old, value),
        }
    }
    base
}

#[test]
fn every_field_edit_is_planned_applied_and_settled() {
    let (mut edited, mut met, mut seen) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut wrong = Vec::new();
    for seed in read_documents("tests/seeds") {
        let world = in_virtual_time(world_with_seed(&seed));
        for leaf in editable_leaves(&seed) {
            met.insert(path_without_indexes(&leaf.path));
            let Some(changed) = first_valid_edit(&seed, &leaf) else { continue };
            edited.insert(path_without_indexes(&leaf.path));
            let readable = rules_at(&seed, &leaf.path).readback == Readback::Always;
            match in_virtual_time(check_edit(&world, &seed, &changed, &leaf.path)) {
                Ok(noticed) if noticed || !readable => _ = seen.insert(path_without_indexes(&leaf.path)),
                Ok(_) => {}
                Err(reason) => {
                    wrong.push(format!("{} {}: {reason}", seed["metadata"]["name"], leaf.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} edits went wrong:\n{}", wrong.len(), wrong.join("\n\n"));
    let alone: BTreeSet<String> = UNEDITABLE_ALONE.iter().map(|(path, _)| (*path).to_owned()).collect();
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
fn every_declared_field_edit_is_noticed_with_a_base() {
    let (mut silent, mut wrong, mut unseen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for seed in read_documents("tests/seeds") {
        let world = in_virtual_time(world_with_seed(&seed));
        for (path, changed) in valid_edits(&seed) {
            let name = format!("{} {path}", seed["metadata"]["name"]);
            match in_virtual_time(plan_edit_from(&world, &seed, &changed)) {
                Ok(PlannedEdit::WriteOnly) => _ = unseen.insert(path_without_indexes(&path)),
                Ok(PlannedEdit::Detected) => {}
                // Live says nothing where nothing is set, and so does this edit.
                Ok(PlannedEdit::Nothing) if writes_unset_value(&seed, &changed, &path) => {}
                Ok(PlannedEdit::Nothing) => silent.push(name),
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
enum PlannedEdit {
    Nothing,
    Detected,
    /// Something is done that live could not have told.
    WriteOnly,
}

/// Every leaf with a valid edit of it, the secrets and their versions among them.
fn valid_edits(seed: &Value) -> Vec<(FieldPath, Value)> {
    let mut edits: Vec<(FieldPath, Value)> = editable_leaves(seed)
        .into_iter()
        .filter_map(|leaf| Some((leaf.path.clone(), first_valid_edit(seed, &leaf)?)))
        .collect();
    let mut set = |path: &FieldPath, value: Value| {
        let mut changed = seed.clone();
        path.set_in(&mut changed, value);
        edits.push((path.clone(), changed));
    };
    for referred in secret::find_secret_references(seed) {
        set(&referred.path, json!({"fromEnv": "ANOTHER"}));
        let mut renewed = referred.from.clone();
        renewed["version"] = json!(9);
        set(&referred.path, renewed);
        let group = referred.path.parent().unwrap();
        if rules_at(seed, &group.child("version")).local_only {
            set(&group.child("version"), json!(9));
        }
    }
    edits
}

/// Whether the edit writes down what is not set anyway.
fn writes_unset_value(seed: &Value, changed: &Value, path: &FieldPath) -> bool {
    let unset = [json!(false), json!([])];
    path.value_in(seed).is_none() && path.value_in(changed).is_some_and(|value| unset.contains(value))
}

async fn plan_edit_from(world: &World, seed: &Value, changed: &Value) -> Result<PlannedEdit, String> {
    let bench = Bench::with_world(world.clone(), &SERVICES);
    let from = bench.journal_len();
    let [base, desired] = [seed, changed].map(|it| desired_from_documents(std::slice::from_ref(it)).unwrap());
    let (live, policy) = (bench.live(&desired).await, Policy::default());
    let planned = plan(&desired, &live, Some(&base), &policy);
    if planned.has_no_changes() {
        let told = !planned.ignored_changes.is_empty();
        return Ok(if told { PlannedEdit::Detected } else { PlannedEdit::Nothing });
    }
    let unseen = planned.changes.iter().flat_map(|change| &change.fields).any(|it| it.write_only);
    if !unseen {
        return Ok(PlannedEdit::Detected);
    }
    let failed = bench.apply_plan(planned.clone()).await;
    let failed: Vec<_> = failed.iter().filter_map(|report| report.error.as_ref()).collect();
    ensure_true(failed.is_empty(), || format!("{failed:#?}\n{}", actions(&planned)))?;
    for body in update_bodies(&planned) {
        check_only_declared(body, changed)?;
    }
    let refusals = bench.refused_writes(from);
    ensure_true(refusals.is_empty(), || format!("{refusals:#?}\n{}", actions(&planned)))?;
    let again = plan(&desired, &bench.live(&desired).await, Some(&desired), &policy);
    ensure_true(again.has_no_changes(), || format!("not settled: {:#?}", again.changes))?;
    Ok(PlannedEdit::WriteOnly)
}

/// The path without the positions of list entries.
fn path_without_indexes(path: &FieldPath) -> String {
    let segments = path.segments().iter().filter(|segment| segment.parse::<usize>().is_err());
    segments.map(String::as_str).collect::<Vec<_>>().join(".")
}

/// The leaves of a manifest's spec that are about the live object.
pub(crate) fn editable_leaves(seed: &Value) -> Vec<SchemaLeaf> {
    let kind = seed_kind(seed);
    let spec = FieldPath::parse("spec");
    let ours = ["spec.state", "spec.protect"].map(FieldPath::parse);
    let mut leaves = schema_leaves(kinds::manifest_schema(kind), seed);
    leaves.retain(|leaf| leaf.path.is_within(&spec) && !ours.contains(&leaf.path));
    leaves.retain(|leaf| !rules_at(seed, &leaf.path).local_only && !rules_at(seed, &leaf.path).is_secret);
    leaves
}

pub(crate) fn seed_kind(seed: &Value) -> model::address::Kind {
    model::address::Kind::from_name(seed["kind"].as_str().unwrap()).unwrap()
}

fn rules_at(seed: &Value, path: &FieldPath) -> &'static FieldSemantics {
    let below_spec = path.segments()[1..].iter().fold(FieldPath::root(), |path, step| path.child(step));
    FieldSemantics::for_kind(seed_kind(seed)).field_at(&below_spec)
}

pub(crate) fn first_valid_edit(seed: &Value, leaf: &SchemaLeaf) -> Option<Value> {
    let candidates = other_values(leaf, leaf.path.value_in(seed)).into_iter();
    let mut changed = candidates.map(|value| {
        let mut changed = seed.clone();
        leaf.path.set_in(&mut changed, value);
        changed
    });
    let mut together = coupled_edits()
        .into_iter()
        .filter(|(path, _)| *path == path_without_indexes(&leaf.path))
        .map(|(_, over)| merge_patch(seed.clone(), &json!({"spec": over})))
        .filter(|changed| leaf.path.value_in(changed) != leaf.path.value_in(seed));
    let valid = |changed: &Value| desired_from_documents(std::slice::from_ref(changed)).is_ok();
    changed.find(valid).or_else(|| together.find(valid))
}

/// A world in which the seed is live, with what it needs beside it.
pub(crate) async fn world_with_seed(seed: &Value) -> World {
    let bench = Bench::new(&SERVICES);
    let mut all = vec![seed.clone(), endpoint_manifest("link-a"), endpoint_manifest("link-b")];
    // The size of database pipes can be set once there is one.
    if seed["kind"] == "CdcScaling" {
        let is_database = |other: &Value| other["metadata"]["name"] == "mongodb-cdc";
        all.extend(read_documents("tests/seeds").into_iter().filter(is_database));
    }
    let desired = desired_from_documents(&all).expect("a seed without errors");
    bench.settle(&desired).await.expect("a seed that can be made");
    let again = bench.plan(&desired).await;
    assert!(again.has_no_changes(), "{:#?}", again.changes);
    assert_eq!(bench.refused_writes(0), Vec::<String>::new());
    bench.world_snapshot()
}

/// One that needs nobody's consent.
fn endpoint_manifest(name: &str) -> Value {
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
async fn check_edit(world: &World, seed: &Value, changed: &Value, path: &FieldPath) -> Result<bool, String> {
    let bench = Bench::with_world(world.clone(), &SERVICES);
    let from = bench.journal_len();
    let desired = desired_from_documents(std::slice::from_ref(changed)).map_err(|errors| errors.join("\n"))?;
    let plan = bench.settle(&desired).await?;
    let rules = rules_at(seed, path);
    for change in &plan.changes {
        let replaced = change.verdict == Verdict::Replace;
        let forced = change.fields.iter().any(|field| field.forces_replacement);
        ensure_true(replaced == forced, || format!("a replacement names its reason: {change:#?}"))?;
        let must = rules.on_change == OnChange::Replace;
        ensure_true(replaced || !must, || format!("it cannot be changed in place: {change:#?}"))?;
    }
    for body in update_bodies(&plan) {
        check_only_declared(body, changed)?;
    }
    let refusals = bench.refused_writes(from);
    ensure_true(refusals.is_empty(), || format!("{refusals:#?}\n{}", actions(&plan)))?;
    let again = bench.plan(&desired).await;
    let after = || format!("not settled: {:#?}\nafter {}", again.changes, actions(&plan));
    ensure_true(again.has_no_changes(), after)?;
    Ok(!plan.has_no_changes())
}

fn ensure_true(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// Restraint: an update holds no field that the manifest leaves out.
fn check_only_declared(body: &Value, manifest: &Value) -> Result<(), String> {
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
            ensure_true(!declared.is_null(), || format!("it also sends `{name}`"))?;
            bodies.push((value, declared));
        }
    }
    Ok(())
}
