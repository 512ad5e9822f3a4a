//! Two jobs, each with a folder. An object that moves from one to the other keeps its base and its protection, however the
//! new manifest names it.

use crate::git::tuned_manifest;
use crate::support::test_repo::{TestRepo, kinesis_manifest};
use serde_json::json;

const WAIT: &str = "/settings/streaming_max_insert_wait_ms";
/// The id of the service of every pipe here.
const SERVICE_ID: &str = "f2de67ed-05c6-471e-9716-ebc3290286aa";

/// The job `p` has `clicks`, which somebody changed by hand. Gives its id.
fn applied_jobs(spec: &str) -> (TestRepo, String) {
    let repo = TestRepo::new();
    repo.write_file("p/clicks.yaml", &tuned_manifest(1, 500).replacen("spec:", &format!("spec:{spec}"), 1));
    repo.write_file("p/views.yaml", &kinesis_manifest("views", "", ""));
    repo.write_file("q/orders.yaml", &kinesis_manifest("orders", "", ""));
    repo.commit_all("Two jobs");
    repo.run_successfully(&["apply", "p", "q", "--yes"]);
    repo.edit_live_pipe("clicks", WAIT, json!(900));
    let id = repo.live("clicks", "/id").as_str().unwrap().to_owned();
    (repo, id)
}

/// The manifest of `clicks` as the other job may write it.
fn spellings(id: &str, spec: &str) -> [String; 4] {
    let own = tuned_manifest(1, 500).replacen("spec:", &format!("spec:{spec}"), 1);
    let renamed = own.replace("name: clicks", "name: renamed");
    [
        own.clone(),
        own.replace("service: analytics", &format!("service: {SERVICE_ID}")),
        renamed.replacen("name: renamed", &format!("name: renamed\n  id: {id}"), 1),
        renamed.replacen("name: renamed", "name: renamed\n  previousNames: [clicks]", 1),
    ]
}

fn move_to_other_job(repo: &TestRepo, text: &str) {
    repo.remove_file("p/clicks.yaml");
    repo.write_file("q/moved.yaml", text);
    // Git sees no rename of the file.
    repo.write_file("q/new.yaml", &kinesis_manifest("new", "", ""));
    repo.commit_all("Move clicks to the other job");
}

#[test]
fn base_follows_an_object_that_the_other_job_spells_otherwise() {
    for at in 0..4 {
        let (repo, id) = applied_jobs("");
        let text = spellings(&id, "")[at].clone();
        move_to_other_job(&repo, &text);
        let plan = repo.run_successfully(&["plan", "q", "--base", "HEAD~1"]);
        assert!(plan.contains("git 500, live 900") && !plan.contains("900 -> 500"), "{text}: {plan}");
    }
}

#[test]
fn protection_of_the_base_follows_an_object_that_the_other_job_spells_otherwise() {
    for at in 0..4 {
        let (repo, id) = applied_jobs("\n  protect: true");
        let text = spellings(&id, "\n  state: absent")[at].clone();
        move_to_other_job(&repo, &text);
        let plan = repo.run_pipectl(&["plan", "q", "--base", "HEAD~1"]);
        assert!(plan.stdout.contains("it had `protect` before this change"), "{text}: {}", plan.all_output());
    }
}

/// Nobody removed it, so the first job neither reports nor deletes it.
#[test]
fn first_job_does_not_take_a_respelled_object_for_removed() {
    for at in 0..4 {
        let (repo, id) = applied_jobs("");
        let text = spellings(&id, "")[at].clone();
        move_to_other_job(&repo, &text);
        for prune in ["--prune=never", "--prune=git"] {
            let plan = repo.run_successfully(&["plan", "p", "--base", "HEAD~1", prune]);
            assert!(!plan.contains("clicks"), "{prune} {text}: {plan}");
        }
    }
}

/// A manifest of the other job that cannot be read may be the base of what it names, and of nothing else.
#[test]
fn unreadable_manifest_of_another_job_stops_only_what_it_may_declare() {
    let (repo, _) = applied_jobs("");
    repo.write_file("p/clicks.yaml", "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {name: clicks, x: [\n");
    repo.commit_all("Not YAML");
    move_to_other_job(&repo, &tuned_manifest(1, 500));
    let plan = repo.run_pipectl(&["plan", "q", "--base", "HEAD~1"]);
    assert_eq!(plan.code, 1, "{}", plan.all_output());
    assert!(plan.stderr.contains("p/clicks.yaml cannot be read, and may declare `clicks`"), "{}", plan.stderr);
    repo.remove_file("q/moved.yaml");
    repo.run_successfully(&["plan", "q", "--base", "HEAD~1"]);
}

/// The other job renamed it, and somebody reverts the move while the base stays.
#[test]
fn object_that_moves_to_another_job_and_back_is_not_created_again() {
    let (repo, id) = applied_jobs("");
    let base = repo.run_git(&["rev-parse", "HEAD"]);
    move_to_other_job(&repo, &spellings(&id, "")[3]);
    repo.run_successfully(&["apply", "q", "--base", &base, "--yes"]);
    repo.run_git(&["revert", "--no-edit", "HEAD"]);
    let plan = repo.run_successfully(&["plan", "p", "--base", &base]);
    assert!(plan.contains("rename from `renamed`") && plan.contains("0 to create"), "{plan}");
    // What the other job has still is its own.
    move_to_other_job(&repo, &spellings(&id, "")[3]);
    repo.write_file("p/clicks.yaml", &tuned_manifest(1, 500));
    repo.commit_all("Another pipe of that name");
    let plan = repo.run_successfully(&["plan", "p", "--base", &base]);
    assert!(!plan.contains("rename from"), "{plan}");
}

/// An apply renamed the object, and failed elsewhere, so the base stays. Its folder and its names of today say nothing of the
/// name in the base.
#[test]
fn base_follows_an_object_that_was_renamed_before_it_moved() {
    let renamed = |spec: &str, name: &str, previous: &str| {
        let own = tuned_manifest(1, 500).replacen("spec:", &format!("spec:{spec}"), 1);
        own.replacen("name: clicks", &format!("name: {name}{previous}"), 1)
    };
    for (now, previous) in [("renamed", ""), ("again", "\n  previousNames: [renamed]")] {
        for (spec, gone) in [("", ""), ("\n  protect: true", "\n  state: absent")] {
            let (repo, _) = applied_jobs(spec);
            let base = repo.run_git(&["rev-parse", "HEAD"]);
            repo.write_file("p/clicks.yaml", &renamed(spec, "renamed", "\n  previousNames: [clicks]"));
            repo.commit_all("Rename");
            repo.run_successfully(&["apply", "p", "--yes", "--base", &base]);
            move_to_other_job(&repo, &renamed(gone, now, previous));
            let plan = repo.run_pipectl(&["plan", "q", "--base", &base]).stdout;
            if gone.is_empty() {
                assert!(plan.contains("git 500, live 900") && !plan.contains("900 -> 500"), "{now}: {plan}");
            } else {
                assert!(plan.contains("it had `protect` before this change"), "{now}: {plan}");
            }
        }
    }
}
