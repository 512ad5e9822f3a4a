//! Manifests in submodules, and out of them: what a clone does not have is never taken for "not declared".

use crate::git::tuned_manifest;
use crate::support::test_repo::{TestRepo, kinesis_manifest};
use serde_json::json;

const WAIT: &str = "/settings/streaming_max_insert_wait_ms";

/// A repository with `views`, and `clicks` in a submodule of a team. Somebody changed `clicks` by hand.
fn applied_submodule() -> (TestRepo, TestRepo) {
    let team = TestRepo::new();
    team.write_file("clicks.yaml", &tuned_manifest(1, 500));
    team.commit_all("Clicks");
    let repo = TestRepo::new();
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", ""));
    let from = team.work_dir.temp_dir.path().display().to_string();
    repo.run_git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &from, "pipes/team"]);
    repo.commit_all("Views, and those of the team");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo.edit_live_pipe("clicks", WAIT, json!(900));
    (repo, team)
}

/// The submodule becomes a plain folder with the same file.
fn vendor_submodule(repo: &TestRepo) {
    repo.run_git(&["rm", "--quiet", "--force", "pipes/team"]);
    repo.write_file("pipes/team/clicks.yaml", &tuned_manifest(1, 500));
    repo.commit_all("A plain folder");
}

/// As in a fresh clone: what git kept of the submodule is gone.
fn forget_module(repo: &TestRepo) {
    std::fs::remove_dir_all(repo.work_dir.temp_dir.path().join(".git/modules")).unwrap();
}

#[test]
fn base_of_a_former_submodule_is_read_from_what_git_kept_of_it() {
    let (repo, _team) = applied_submodule();
    vendor_submodule(&repo);
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD~1"]);
    assert!(plan.contains("git 500, live 900") && plan.contains("drift only"), "{plan}");
}

#[test]
fn former_submodule_that_cannot_be_read_is_an_error() {
    let (repo, team) = applied_submodule();
    vendor_submodule(&repo);
    forget_module(&repo);
    let plan = repo.run_pipectl(&["plan", "pipes", "--base", "HEAD~1"]);
    assert_eq!(plan.code, 1, "{}", plan.all_output());
    assert!(plan.stderr.contains("cannot read the submodule pipes/team as it was at"), "{}", plan.stderr);
    assert!(plan.stderr.contains("declares `clicks`"), "{}", plan.stderr);
    // The advice works.
    let from = team.work_dir.temp_dir.path().display().to_string();
    repo.run_git(&["-c", "protocol.file.allow=always", "fetch", "--quiet", &from]);
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD~1"]);
    assert!(plan.contains("git 500, live 900") && plan.contains("drift only"), "{plan}");
}

#[test]
fn removed_submodule_is_a_row_or_a_warning() {
    let (repo, _team) = applied_submodule();
    repo.run_git(&["rm", "--quiet", "--force", "pipes/team"]);
    repo.commit_all("No team");
    let said = repo.run_pipectl(&["plan", "pipes", "--base", "HEAD~1"]);
    assert!(said.stdout.contains("  ? clicks") && said.stdout.contains("manifest removed"), "{}", said.all_output());
    forget_module(&repo);
    let said = repo.run_pipectl(&["plan", "pipes", "--base", "HEAD~1"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(said.stderr.contains("does not say which of their manifests were removed: pipes/team"), "{}", said.stderr);
}

/// It is as it was, so nothing moved out of it. One that is not below the manifests holds none.
#[test]
fn submodules_that_did_not_change_or_hold_no_manifests_stop_nothing() {
    for path in ["pipes/team", "vendor/team"] {
        let team = TestRepo::new();
        team.write_file("clicks.yaml", &tuned_manifest(1, 500));
        team.commit_all("Clicks");
        let repo = TestRepo::new();
        repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", ""));
        let from = team.work_dir.temp_dir.path().display().to_string();
        repo.run_git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &from, path]);
        repo.commit_all("A team");
        repo.run_git(&["submodule", "--quiet", "deinit", "--force", path]);
        forget_module(&repo);
        if path == "vendor/team" {
            repo.run_git(&["rm", "--quiet", "--force", path]);
        }
        repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
        repo.commit_all("Orders");
        let plan = repo.run_pipectl(&["plan", "pipes", "--base", "HEAD~1"]);
        assert_eq!(plan.code, 0, "{path}: {}", plan.all_output());
        assert_eq!(plan.stderr.contains("not checked out"), path == "pipes/team", "{}", plan.stderr);
    }
}

#[test]
fn plan_and_drift_without_a_base_tell_of_submodules_that_are_not_checked_out() {
    let (repo, _team) = applied_submodule();
    repo.run_git(&["submodule", "--quiet", "deinit", "--force", "pipes/team"]);
    for command in ["plan", "drift"] {
        let said = repo.run_pipectl(&[command, "pipes"]);
        assert!(said.stderr.contains("not checked out, so their manifests are not read: pipes/team."), "{command}");
        let said = repo.run_pipectl(&[command, "pipes/views.yaml"]);
        assert!(!said.stderr.contains("checked out"), "{command}: {}", said.stderr);
    }
}

#[test]
fn removal_inside_a_submodule_is_not_told_to_use_prune_in_vain() {
    let (repo, _team) = applied_submodule();
    let inner = repo.work_dir.temp_dir.path().join("pipes/team");
    crate::support::test_repo::git_in(&inner, &["rm", "--quiet", "clicks.yaml"]);
    crate::support::test_repo::git_in(&inner, &["commit", "--quiet", "--message=No clicks"]);
    repo.commit_all("The team has no clicks");
    let said = repo.run_pipectl(&["plan", "pipes", "--base", "HEAD~1", "--prune=git"]);
    assert!(said.stdout.contains("manifest removed"), "{}", said.all_output());
    assert!(said.stderr.contains("analytics/clicks is not pruned: no commit of this repository"), "{}", said.stderr);
    // Without a base, its removal is not known, but it is told. So is that of the whole submodule.
    let prune = ["plan", "pipes", "--prune=git"];
    let told = "does not search the history of submodules (pipes/team): 1 live object";
    let moved = repo.run_pipectl(&prune);
    assert!(moved.stderr.contains(told), "{}", moved.all_output());
    repo.run_git(&["rm", "--quiet", "--force", "pipes/team"]);
    repo.commit_all("No team");
    let gone = repo.run_pipectl(&prune);
    assert!(gone.stderr.contains(told), "{}", gone.all_output());
    // What is declared is not removed.
    repo.write_file("pipes/clicks.yaml", &tuned_manifest(1, 900));
    repo.commit_all("Clicks are here");
    let declared = repo.run_pipectl(&prune);
    assert!(!declared.stderr.contains("submodules"), "{}", declared.all_output());
}
