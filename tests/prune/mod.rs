//! Deleting what git declared once: exactly that, and nothing else that is live.

mod forged;
mod history;
mod limits;
mod moved;

use crate::support::test_repo::{TestRepo, kinesis_manifest};
use insta::assert_snapshot;
use sandbox::{Fault, FaultEffect, FaultTrigger};
use serde_json::json;

const PRUNE: [&str; 4] = ["apply", "pipes", "--prune=git", "--yes"];

/// Pipes of git, each in a file of its own, and one that somebody made by hand.
fn applied(names: &[&str]) -> TestRepo {
    let repo = TestRepo::new();
    for name in names {
        repo.write_file(&format!("pipes/{name}.yaml"), &kinesis_manifest(name, "", ""));
    }
    repo.commit_all("Begin to read");
    repo.write_file("byhand.yaml", &kinesis_manifest("byhand", "", ""));
    repo.run_successfully(&["apply", "pipes", "byhand.yaml", "--yes"]);
    repo.remove_file("byhand.yaml");
    repo
}

#[test]
fn removed_pipe_is_pruned_by_a_later_apply_after_failure() {
    let repo = applied(&["clicks", "views", "orders"]);
    repo.run_git(&["switch", "--quiet", "--create", "fewer"]);
    repo.remove_file("pipes/views.yaml");
    let commit = repo.commit_all("Views are history");
    repo.run_git(&["switch", "--quiet", "main"]);
    repo.write_file("README", "Meanwhile.\n");
    repo.commit_all("Meanwhile");
    repo.run_git(&["merge", "--quiet", "--no-edit", "fewer"]);

    let plan = repo.run_successfully(&["plan", "pipes", "--prune=git"]);
    assert!(plan.contains(&format!("its manifest was removed by {commit} (Views are history)")));
    assert_snapshot!(steady(&plan, &commit), @"
    organization 0c11c4b0-05ed-4a0b-9b0c-5a4db0c50000

    analytics (f2de67ed-05c6-471e-9716-ebc3290286aa)  3 objects
      - views                                       delete (its manifest was removed by HASH (Views are history))
            actions: delete, wait until gone
            data:  table `default.views` is kept; drop it yourself if you do not need it

    Plan: 0 to create, 0 to update, 0 to replace, 1 to delete.  2 unchanged, 1 unmanaged.
    Not checked: credentials of 2 objects (write-only in the API; use --base REF to detect changes in git).
    ");

    repo.edit_world(|world| {
        world.fault_script().add(Fault {
            when: FaultTrigger::Route { method: "DELETE".to_owned(), path: "*".to_owned() },
            effect: FaultEffect::InternalError,
            times: 1000,
        });
    });
    assert_ne!(repo.run_pipectl(&PRUNE).code, 0);
    repo.edit_world(|world| world.fault_script().clear());
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "orders", "views"]);

    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "  scaling: {replicas: 2}"));
    repo.commit_all("Read clicks faster");
    repo.run_successfully(&PRUNE);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "orders"]);
    assert_eq!(repo.live("clicks", "/scaling/replicas"), json!(2));
    let settled = repo.run_pipectl(&["plan", "pipes", "--prune=git", "--detailed-exitcode"]);
    assert_eq!(settled.code, 0, "{}", settled.all_output());
}

fn steady(plan: &str, commit: &str) -> String {
    let lines = plan.lines().filter(|line| !line.starts_with("Will send ") && !line.contains("igest"));
    let lines = lines.map(|line| line.split("  Read with").next().unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n").replace(commit, "HASH")
}

#[test]
fn nothing_is_pruned_without_the_flag() {
    let repo = applied(&["clicks", "views"]);
    repo.remove_file("pipes/views.yaml");
    repo.commit_all("Views are history");
    let plan = repo.run_successfully(&["apply", "pipes", "--yes"]);
    assert!(plan.contains("2 unmanaged"), "{plan}");
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "views"]);
}

#[test]
fn pruning_follows_objects_not_files() {
    let repo = applied(&["clicks", "views", "orders"]);
    let files = ["pipes/clicks.yaml", "pipes/views.yaml", "pipes/orders.yaml"];
    let texts = files.map(|file| std::fs::read_to_string(repo.work_dir.temp_dir.path().join(file)).unwrap());
    for file in files {
        repo.remove_file(file);
    }
    repo.write_file("pipes/deep/all.yml", &texts.join("---\n"));
    repo.commit_all("One file for everything");
    repo.write_file("pipes/deep/all.yml", &texts[1..].join("---\n"));
    repo.commit_all("No clicks");
    repo.run_successfully(&PRUNE);
    assert_eq!(repo.live_pipe_names(), ["byhand", "orders", "views"]);
}

#[test]
fn last_pipe_of_a_service_is_pruned() {
    let repo = applied(&["clicks"]);
    let lone = kinesis_manifest("lone", "", "").replace("service: analytics", "service: lake");
    repo.write_file("pipes/lone.yaml", &lone);
    repo.commit_all("A lake");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo.remove_file("pipes/lone.yaml");
    repo.commit_all("No lake");
    repo.run_successfully(&PRUNE);
    assert!(repo.edit_world(|world| world.list_pipes("lake")).is_empty());
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks"]);
}

#[test]
fn renamed_pipe_is_kept_and_pruned_under_its_old_name() {
    let repo = applied(&["clicks", "views"]);
    repo.write_file("pipes/views.yaml", &kinesis_manifest("pages", "  previousNames: [views]", ""));
    repo.commit_all("Views are called pages");
    repo.run_successfully(&[&PRUNE[..], &["--allow-replace=analytics/pages"]].concat());
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "pages"]);

    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("taps", "  previousNames: [clicks]", ""));
    repo.commit_all("Clicks are called taps");
    // Removed before it was ever applied: it is live under its old name.
    repo.remove_file("pipes/clicks.yaml");
    repo.commit_all("No taps");
    repo.run_successfully(&PRUNE);
    assert_eq!(repo.live_pipe_names(), ["byhand", "pages"]);
}

#[test]
fn partial_or_empty_selection_prunes_nothing() {
    let repo = applied(&["clicks", "views"]);
    repo.remove_file("pipes/views.yaml");
    repo.commit_all("Views are history");
    let said = repo.run_pipectl(&["apply", "pipes", "--prune=git", "--yes", "--only", "clicks"]);
    assert!(said.stderr.contains("nothing is pruned"), "{}", said.all_output());
    repo.remove_file("pipes/clicks.yaml");
    repo.commit_all("Nothing");
    assert_eq!(repo.run_pipectl(&PRUNE).code, 1);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "views"]);
}
