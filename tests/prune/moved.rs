//! A pipe that git declares in another place is deleted in the old one only when it is in the new one.

use sandbox::{Fault, FaultEffect, FaultTrigger};

use serde_json::{Value, json};

use super::PRUNE;
use crate::support::pipes::queue_pipe;
use crate::support::test_repo::{TestRepo, kinesis_manifest};

/// A pipe `moving` beside `kept`, in `analytics`, and another service that is read.
fn applied_in_two_services() -> TestRepo {
    let repo = TestRepo::new();
    for name in ["kept", "moving"] {
        repo.write_file(&format!("pipes/{name}.yaml"), &kinesis_manifest(name, "", ""));
    }
    repo.write_file("pipes/other.yaml", &kinesis_manifest("other", "", "").replace("analytics", "lake"));
    repo.commit_all("Begin to read");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo
}

fn refuse_creates(repo: &TestRepo) {
    repo.edit_world(|world| {
        world.fault_script().add(Fault {
            when: FaultTrigger::Route { method: "POST".to_owned(), path: "*/clickpipes".to_owned() },
            effect: FaultEffect::SourceUnreachable,
            times: 1000,
        });
    });
}

/// Applies while creates are refused, and then again.
fn assert_pipe_stays_until_replaced(repo: &TestRepo, successor: &str) {
    let plan = repo.run_successfully(&["plan", "pipes", "--prune=git"]);
    assert!(plan.contains(&format!("it is deleted after `{successor}` is created")), "{plan}");
    refuse_creates(repo);
    let refused = repo.run_pipectl(&PRUNE);
    assert_eq!(refused.code, 1, "{}", refused.all_output());
    let reason = format!("`{successor}` takes its place, and failed");
    assert!(refused.all_output().contains(&reason), "{}", refused.all_output());
    assert!(repo.live_pipe_names().contains(&"moving".to_owned()));
    repo.edit_world(|world| world.fault_script().clear());
    repo.run_successfully(&PRUNE);
    assert!(!repo.live_pipe_names().contains(&"moving".to_owned()));
    let settled = repo.run_pipectl(&["plan", "pipes", "--prune=git", "--detailed-exitcode"]);
    assert_eq!(settled.code, 0, "{}", settled.all_output());
}

#[test]
fn pipe_that_moves_to_another_service_is_deleted_after_its_create() {
    let repo = applied_in_two_services();
    repo.write_file("pipes/moving.yaml", &kinesis_manifest("moving", "", "").replace("analytics", "lake"));
    repo.commit_all("Move");
    let edit = |pipe: &mut Value| pipe["settings"] = json!({"streaming_max_insert_wait_ms": 9000});
    assert!(repo.edit_world(|world| world.edit_pipe("analytics", "moving", edit)));
    let plan = repo.run_successfully(&["plan", "pipes", "--prune=git"]);
    let lost =
        "`lake/moving` has only what its manifest declares, so these live values are lost: `scaling`, `settings`";
    assert!(plan.contains(lost), "{plan}");
    assert_pipe_stays_until_replaced(&repo, "lake/moving");
}

#[test]
fn pipe_that_moves_is_kept_while_its_create_is_blocked() {
    let repo = applied_in_two_services();
    let elsewhere = kinesis_manifest("moving", "  id: 00000000-0000-4000-8000-000000000000", "");
    repo.write_file("pipes/moving.yaml", &elsewhere.replace("analytics", "lake"));
    repo.commit_all("Move, with an id that nothing has");
    let said = repo.run_pipectl(&PRUNE);
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert!(said.stdout.contains("`lake/moving`, which takes its place, is blocked"), "{}", said.stdout);
    assert_eq!(repo.live_pipe_names(), ["kept", "moving"]);
}

/// A rename that no manifest tells, with another source.
#[test]
fn pipe_is_deleted_after_another_one_of_its_table_is_created() {
    let repo = applied_in_two_services();
    repo.remove_file("pipes/moving.yaml");
    let renamed = kinesis_manifest("renamed", "", "").replace("table: renamed", "table: moving");
    repo.write_file("pipes/renamed.yaml", &renamed);
    repo.commit_all("Another name and stream");
    let plan = repo.run_successfully(&["plan", "pipes"]);
    let warning = "`analytics/moving`, which no manifest declares, writes the table `default.moving` too: ";
    let earlier_name = format!("{warning}if it is the same pipe, add `previousNames: [moving]`");
    assert!(plan.contains(&earlier_name), "{plan}");
    // A pipe of another source would be blocked under the earlier name.
    repo.write_file(
        "pipes/renamed.yaml",
        &queue_pipe("renamed", "files", "").replace("table: renamed", "table: moving"),
    );
    let plan = repo.run_successfully(&["plan", "pipes"]);
    assert!(plan.contains(&format!("{warning}use another table")), "{plan}");
    repo.write_file("pipes/renamed.yaml", &renamed);
    assert_pipe_stays_until_replaced(&repo, "analytics/renamed");
}

/// The next plan would not know that the table has rows.
#[test]
fn pipe_is_kept_while_a_live_one_is_not_moved_into_its_table() {
    let repo = applied_in_two_services();
    repo.remove_file("pipes/moving.yaml");
    let taker = kinesis_manifest("kept", "", "").replace("table: kept", "table: moving");
    repo.write_file("pipes/kept.yaml", &taker);
    repo.commit_all("Another table");
    let said = repo.run_pipectl(&PRUNE);
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert!(said.stdout.contains("`analytics/kept` would move into default.moving, which it fills"), "{}", said.stdout);
    assert_eq!(repo.live_pipe_names(), ["kept", "moving"]);
    repo.write_file(
        "pipes/kept.yaml",
        &taker.replace("managedTable: true", "roles: [ingest]\n    managedTable: false"),
    );
    repo.commit_all("Only insert");
    repo.run_successfully(&PRUNE);
    assert_eq!(repo.live_pipe_names(), ["kept"]);
}
