//! The law: what a replacement creates breaks no rule that neither its manifest alone nor the live object breaks.

use std::collections::BTreeSet;

use crate::field_edits::world_with_seed;
use crate::support::bench::{Bench, in_virtual_time};
use crate::support::manifests::{desired_from_documents, read_documents, seed_named};
use clickpipes::kinds;
use model::action::Action;
use model::address::Kind;
use model::desired::Desired;
use model::diagnostic::Severity;
use model::live::Live;
use planner::{Plan, Policy, Verdict, plan};
use serde_json::{Value, json};

fn live_of(seed: &Value) -> Live {
    in_virtual_time(async {
        let bench = Bench::with_world(world_with_seed(seed).await, &["analytics"]);
        bench.live(&desired_from_documents(std::slice::from_ref(seed)).unwrap()).await
    })
}

fn source_word(seed: &Value) -> Option<&String> {
    seed["spec"]["source"].as_object()?.keys().next()
}

/// The manifest under the name of another, as it is and without one field of its source that it can do without.
fn variants(seed: &Value, name: &Value) -> Vec<(String, Desired)> {
    let mut whole = seed.clone();
    whole["metadata"] = json!({"name": name, "service": "analytics"});
    // What has no table in its way is replaced in any case.
    if let Some(table) = whole.pointer_mut("/spec/destination/table") {
        *table = json!("another");
    }
    let word = source_word(seed).unwrap();
    let fields: Vec<String> = seed["spec"]["source"][word].as_object().unwrap().keys().cloned().collect();
    let omitting = fields.into_iter().map(|field| {
        let mut without = whole.clone();
        without["spec"]["source"][word].as_object_mut().unwrap().shift_remove(&field);
        (format!(" without {field}"), without)
    });
    let all = std::iter::once((String::new(), whole.clone())).chain(omitting.collect::<Vec<_>>());
    all.filter_map(|(label, it)| Some((label, desired_from_documents(&[it]).ok()?))).collect()
}

fn errors(body: &Value) -> BTreeSet<(&'static str, String)> {
    let found = kinds::find_body_problems(Kind::ClickPipe, body).into_iter();
    found.filter(|it| it.severity == Severity::Error).map(|it| (it.code, it.path.to_string())).collect()
}

/// What nobody saw the API enforce.
fn warnings(body: &Value) -> BTreeSet<String> {
    let found = kinds::find_body_problems(Kind::ClickPipe, body).into_iter();
    found.filter(|it| it.severity == Severity::Warning && !it.is_idle).map(|it| it.message).collect()
}

fn created(plan: &Plan) -> Option<&Value> {
    plan.actions.iter().find_map(|action| match action {
        Action::Create { body, .. } => Some(&**body),
        _ => None,
    })
}

#[test]
fn replacement_of_any_pipe_by_any_other_is_valid() {
    let seeds = read_documents("tests/seeds");
    let seeds: Vec<&Value> = seeds.iter().filter(|seed| source_word(seed).is_some()).collect();
    let (mut wrong, mut replaced) = (Vec::new(), 0);
    for old in &seeds {
        let live = live_of(old);
        for new in seeds.iter().filter(|new| source_word(new) == source_word(old)) {
            for (label, desired) in variants(new, &old["metadata"]["name"]) {
                let plan = plan(&desired, &live, None, &Policy::default());
                let Some(body) = created(&plan) else { continue };
                assert_eq!(plan.changes[0].verdict, Verdict::Replace);
                let declared = &desired.values().next().unwrap().body;
                let live_body = &live[desired.keys().next().unwrap()].objects[0].body;
                let mut broken: Vec<_> =
                    errors(body).difference(&errors(declared)).map(|it| format!("{it:?}")).collect();
                let proven = &warnings(declared) | &warnings(live_body);
                broken.extend(&warnings(body) - &proven);
                if !broken.is_empty() {
                    wrong
                        .push(format!("{} -> {}{label}: {broken:?}", old["metadata"]["name"], new["metadata"]["name"]));
                }
                replaced += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {replaced}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(replaced > 300, "only {replaced} replacements");
}

/// Neither field can go without the other, and both are refused beside what the manifest declares.
#[test]
fn fields_that_need_each_other_are_left_behind_together() {
    let mut old = seed_named("postgres-cdc");
    let source = old.pointer_mut("/spec/source/postgres").unwrap();
    source["authentication"] = json!("IAM_ROLE");
    source["iamRole"] = json!("arn:aws:iam::123456789012:role/reader");
    source["credentials"] = json!({"username": "u"});
    let mut new = seed_named("postgres-cdc");
    let source = new.pointer_mut("/spec/source/postgres").unwrap();
    source.as_object_mut().unwrap().shift_remove("authentication");
    source["settings"]["publicationName"] = json!("another");
    let plan = plan(&desired_from_documents(&[new]).unwrap(), &live_of(&old), None, &Policy::default());
    let source = &created(&plan).unwrap()["source"]["postgres"];
    assert_eq!((source.get("authentication"), source.get("iamRole")), (None, None));
    let told = plan.changes[0].data_effects.join("\n");
    assert!(told.contains("`source.postgres.authentication`, `source.postgres.iamRole`"), "{told}");
}

#[test]
fn mapping_that_is_added_again_names_no_excluded_column() {
    let mapping = |more: Value| {
        let mut pipe = seed_named("postgres-cdc");
        let mut entry = json!({"sourceSchemaName": "s", "sourceTable": "a", "targetTable": "t_a"});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        pipe["spec"]["source"]["postgres"]["tableMappings"] = json!([entry]);
        pipe["spec"]["source"]["postgres"]["tableMappings"]
            .as_array_mut()
            .unwrap()
            .push(json!({"sourceSchemaName": "s", "sourceTable": "b", "targetTable": "t_b"}));
        pipe
    };
    let old = mapping(json!({"useCustomSortingKey": true, "sortingKeys": ["k1", "k2"], "partitionKey": "k1"}));
    let new = mapping(json!({"targetTable": "t_a2", "excludedColumns": ["k1"]}));
    let plan = plan(&desired_from_documents(&[new]).unwrap(), &live_of(&old), None, &Policy::default());
    let added = plan.actions.iter().filter_map(Action::request_body).find_map(|body| {
        body.pointer("/source/postgres/tableMappingsToAdd/0").filter(|it| it["targetTable"] == "t_a2")
    });
    let added = added.unwrap();
    assert_eq!((&added["sortingKeys"], added.get("partitionKey")), (&json!(["k2"]), None), "{added}");
    let effects = plan.changes[0].data_effects.join("\n");
    assert!(effects.contains("loses what the manifest omits: `sortingKeys.k1`, `partitionKey`"), "{effects}");
}

/// Nobody saw the API ask for it. But the answer would come after the delete.
#[test]
fn carried_mappings_that_miss_a_new_column_hold_a_replacement_back() {
    let column = |name: &str| json!({"name": name, "type": "String"});
    let mut old = seed_named("kinesis-user");
    old["spec"]["destination"]["columns"] = json!([column("id"), column("name")]);
    old["spec"]["fieldMappings"] = json!([
        {"sourceField": "Id", "destinationField": "id"},
        {"sourceField": "Name", "destinationField": "name"},
    ]);
    let mut new = old.clone();
    new["spec"]["destination"]["table"] = json!("another");
    new["spec"]["destination"]["columns"].as_array_mut().unwrap().push(column("note"));
    new["spec"].as_object_mut().unwrap().shift_remove("fieldMappings");
    let verdict = |new: &Value| {
        let desired = desired_from_documents(std::slice::from_ref(new)).unwrap();
        plan(&desired, &live_of(&old), None, &Policy::default()).changes[0].verdict.clone()
    };
    let Verdict::Blocked(reason) = verdict(&new) else { panic!("{:?}", verdict(&new)) };
    assert!(reason.to_string().contains("column `note` has no field mapping"), "{reason}");
    new["spec"]["fieldMappings"] = old["spec"]["fieldMappings"].clone();
    assert_eq!(verdict(&new), Verdict::Replace, "what is declared is warned about when it is read");
}
