//! Applying unchanged manifests again sends no second POST and no DELETE, whatever spelling the API answers in.

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::manifests::{documents_to_yaml, read_documents, seed_named};
use sandbox::{Quirk, Quirks, SandboxOptions};
use serde_json::{Value, json};

const SECRET: [(&str, &str); 1] = [("SEED_SECRET", "canary-5up3r-s3cr3t")];

fn run_apply(desk: &WorkDir, more: &[&str]) -> RunOutput {
    desk.run_with_env(&[&["apply", "pipes.yaml", "--sandbox", "--yes"], more].concat(), &SECRET)
}

/// A folder whose sandbox respells values and trims names.
fn dir_with_normalizing_api(documents: &[Value]) -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", documents_to_yaml(documents));
    assert_eq!(desk.run_with_env(&["plan", "pipes.yaml", "--sandbox"], &SECRET).code, 0);
    desk.edit_world(|world| {
        let quirks = Quirks::all_observed().with_quirk(Quirk::RespelledValues).with_quirk(Quirk::TrimmedNames);
        world.set_options(SandboxOptions { quirks, ..SandboxOptions::default() });
    });
    desk
}

fn count_requests(desk: &WorkDir, method: &str) -> usize {
    desk.request_log().iter().filter(|entry| entry.0 == method && entry.2 == 200).count()
}

#[test]
fn respelled_values_lead_to_no_second_create_and_no_delete() {
    let mut seeds = read_documents("tests/seeds");
    seeds.retain(|seed| seed["kind"] == "ClickPipe" && !seed.to_string().contains("endpoint"));
    for seed in &mut seeds {
        if let Some(kafka) = seed.pointer_mut("/spec/source/kafka") {
            kafka["topics"] = json!("orders, returns");
        }
    }
    let desk = dir_with_normalizing_api(&seeds);
    for _ in 0..3 {
        let said = run_apply(&desk, &[]);
        assert_eq!(said.code, 0, "{}", said.all_output());
    }
    assert_eq!((count_requests(&desk, "POST"), count_requests(&desk, "DELETE")), (seeds.len(), 0));
}

/// The next run knows the pipe again although the API calls it otherwise.
#[test]
fn trimmed_name_is_blocked_and_makes_no_twin() {
    let mut pipe = seed_named("kinesis-user");
    pipe["metadata"]["name"] = json!("alpha ");
    let desk = dir_with_normalizing_api(&[pipe]);
    for _ in 0..3 {
        let said = run_apply(&desk, &[]);
        assert_eq!(said.code, 5, "{}", said.all_output());
        assert!(said.all_output().contains("the API calls it `alpha` ("), "{}", said.all_output());
    }
    assert_eq!((count_requests(&desk, "POST"), count_requests(&desk, "DELETE")), (1, 0));
}

/// No rule of this version knows the spelling.
#[test]
fn unknown_spelling_is_blocked_and_deletes_nothing() {
    let mut pipe = seed_named("kinesis-user");
    pipe["spec"]["source"]["kinesis"]["streamName"] = json!("Order-Stream");
    let desk = dir_with_normalizing_api(&[pipe.clone()]);
    assert_eq!(run_apply(&desk, &[]).code, 0);
    desk.edit_world(|world| {
        let respell = |live: &mut Value| live["source"]["kinesis"]["streamName"] = json!("order-stream");
        assert!(world.edit_pipe("analytics", "kinesis-user", respell));
    });
    for _ in 0..2 {
        let said = run_apply(&desk, &[]);
        assert_eq!(said.code, 5, "{}", said.all_output());
        let words = "the API spells \"Order-Stream\" of `source.kinesis.streamName` as \"order-stream\": write it so";
        assert!(said.all_output().contains(words), "{}", said.all_output());
    }
    assert_eq!((count_requests(&desk, "POST"), count_requests(&desk, "DELETE")), (1, 0));
    let allowed = run_apply(&desk, &["--allow-replace=analytics/kinesis-user"]);
    assert_eq!((allowed.code, count_requests(&desk, "DELETE")), (0, 1), "{}", allowed.all_output());
}
