//! Nobody forges the proof that somebody else's pipe may be deleted: with a base, only what an applied tree declared counts.

use super::applied;
use crate::support::test_repo::{TestRepo, kinesis_manifest};

fn apply_since(repo: &TestRepo, base: &str) -> String {
    let said = repo.run_pipectl(&["apply", "--yes", "--prune=git", "--base", base, "pipes"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    said.all_output()
}

fn add_and_remove(repo: &TestRepo) {
    repo.write_file("pipes/byhand.yaml", &kinesis_manifest("byhand", "", ""));
    repo.commit_all("Add");
    repo.remove_file("pipes/byhand.yaml");
    repo.commit_all("Remove");
}

/// A fast-forward makes the commits of a branch those of main, and a later base comes after them.
#[test]
fn removal_before_the_base_proves_nothing() {
    let repo = applied(&["clicks", "views"]);
    let first = repo.run_git(&["rev-parse", "HEAD"]);
    add_and_remove(&repo);
    apply_since(&repo, &first);
    let second = repo.run_git(&["rev-parse", "HEAD"]);
    repo.write_file("pipes/third.yaml", &kinesis_manifest("third", "", ""));
    repo.remove_file("pipes/views.yaml");
    repo.commit_all("An honest change");
    let told = apply_since(&repo, &second);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "third"]);
    assert!(told.contains("analytics/byhand is not pruned: its manifest was removed by "), "{told}");
    assert!(told.contains("(Remove), and the base does not declare it"), "{told}");
}

/// The branch merges main into itself, so that main's commits become second parents, and main moves forward to it.
#[test]
fn merge_in_the_wrong_direction_proves_nothing() {
    let repo = applied(&["clicks"]);
    repo.run_git(&["switch", "--quiet", "--create", "attack"]);
    add_and_remove(&repo);
    repo.run_git(&["switch", "--quiet", "main"]);
    repo.write_file("README", "Meanwhile.\n");
    let base = repo.commit_all("Meanwhile");
    repo.run_git(&["switch", "--quiet", "attack"]);
    repo.run_git(&["merge", "--quiet", "--no-edit", "main"]);
    let merged = repo.run_git(&["rev-parse", "HEAD"]);
    apply_since(&repo, &base);
    repo.write_file("pipes/third.yaml", &kinesis_manifest("third", "", ""));
    repo.commit_all("An honest change");
    apply_since(&repo, &merged);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "third"]);
}

/// The base has the file, and no run read it.
#[test]
fn folder_that_the_base_did_not_list_proves_nothing() {
    let repo = applied(&["clicks"]);
    let list = |folders: &str| {
        let project = format!("apiVersion: pipectl/v1\nkind: Project\nmanifests: [{folders}]\n");
        repo.write_file("pipectl.yaml", &project);
    };
    list("pipes");
    repo.write_file("other/byhand.yaml", &kinesis_manifest("byhand", "", ""));
    let base = repo.commit_all("An example");
    list("pipes, other");
    repo.remove_file("other/byhand.yaml");
    repo.write_file("other/third.yaml", &kinesis_manifest("third", "", ""));
    repo.commit_all("Read the examples too");
    let said = repo.run_pipectl(&["apply", "--yes", "--prune=git", "--base", &base]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "third"]);
}
