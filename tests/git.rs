//! Git in a run: errors that say what to do, and what drift and symbolic links come to. See `git_base` for bases.

use crate::support::test_repo::{TestRepo, git_in, kinesis_manifest};
use insta::assert_snapshot;
use serde_json::json;

const WAIT: &str = "/settings/streaming_max_insert_wait_ms";

pub(crate) fn tuned_manifest(replicas: u32, wait: u32) -> String {
    let spec = format!("  scaling: {{replicas: {replicas}}}\n  settings: {{streaming_max_insert_wait_ms: {wait}}}");
    kinesis_manifest("clicks", "", &spec)
}

/// A repository whose only pipe is applied.
pub(crate) fn applied_repo() -> TestRepo {
    let repo = TestRepo::new();
    repo.write_file("pipes/clicks.yaml", &tuned_manifest(1, 500));
    repo.commit_all("Read clicks");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo
}

#[test]
fn git_variables_of_the_shell_are_ignored() {
    let repo = applied_repo();
    let misled = [("GIT_DIR", "/nowhere"), ("GIT_WORK_TREE", "/nowhere")];
    let plan = repo.run_with_env(&["plan", "pipes", "--base", "HEAD"], &misled);
    assert_eq!(plan.code, 0, "{}", plan.all_output());
}

#[test]
fn git_errors_are_explained() {
    let repo = applied_repo();
    let error = |args: &[&str], environment: &[(&str, &str)]| {
        let said = repo.run_with_env(args, environment);
        assert_eq!(said.code, 1, "{args:?}: {}", said.all_output());
        said.stderr
    };
    let unknown = error(&["plan", "pipes", "--base", "nowhere"], &[]);
    assert!(unknown.contains("revision `nowhere` is not known"), "{unknown}");
    let option = error(&["plan", "pipes", "--base=--output=/tmp/x"], &[]);
    assert!(option.contains("`--output=/tmp/x` is not a revision"), "{option}");
    let missing = error(&["plan", "pipes", "--base", "HEAD"], &[("PATH", "/nowhere")]);
    assert!(missing.contains("`git` command is not installed"), "{missing}");
    let stdin = error(&["plan", "-", "--base", "HEAD"], &[]);
    assert!(stdin.contains("no manifest") || stdin.contains("standard input"), "{stdin}");
}

#[test]
fn base_outside_a_repository_is_an_error() {
    let repo = applied_repo();
    std::fs::remove_dir_all(repo.work_dir.temp_dir.path().join(".git")).unwrap();
    let said = repo.run_pipectl(&["plan", "pipes", "--base", "HEAD"]);
    assert!(said.stderr.contains("pipes is not in a git repository"), "{}", said.stderr);
    let drift = repo.run_successfully(&["drift", "pipes"]);
    assert!(drift.contains("Compared with the files, which are not in a git repository"), "{drift}");
}

#[test]
fn shallow_clone_error_suggests_fetch_depth() {
    let repo = applied_repo();
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", ""));
    repo.commit_all("Read views");
    let (from, to) = (repo.work_dir.temp_dir.path(), repo.work_dir.temp_dir.path().join("shallow"));
    let url = format!("file://{}", from.display());
    git_in(from, &["clone", "--quiet", "--depth=1", &url, &to.display().to_string()]);
    for args in [["plan", "shallow/pipes", "--base", "HEAD~1"].as_slice(), &["plan", "shallow/pipes", "--prune=git"]] {
        let said = repo.run_pipectl(args);
        assert_eq!(said.code, 1, "{}", said.all_output());
        assert!(said.stderr.contains("fetch-depth: 0"), "{}", said.stderr);
    }
}

#[test]
fn shallow_clone_without_merge_base_suggests_fetch_depth() {
    let repo = applied_repo();
    repo.run_git(&["switch", "--quiet", "--create", "faster"]);
    repo.write_file("pipes/clicks.yaml", &tuned_manifest(2, 500));
    repo.commit_all("Read clicks faster");
    repo.run_git(&["switch", "--quiet", "main"]);
    repo.commit_all("Meanwhile");
    let (from, to) = (repo.work_dir.temp_dir.path(), repo.work_dir.temp_dir.path().join("shallow"));
    let (url, to) = (format!("file://{}", from.display()), to.display().to_string());
    git_in(from, &["clone", "--quiet", "--depth=1", "--branch=faster", &url, &to]);
    git_in(to.as_ref(), &["fetch", "--quiet", "--depth=1", "origin", "main:refs/remotes/origin/main"]);
    let said = repo.run_pipectl(&["plan", "shallow/pipes", "--base", "origin/main..."]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stderr.contains("the merge base of HEAD and `origin/main` is not in this clone"), "{}", said.stderr);
    assert!(said.stderr.contains("fetch-depth: 0"), "{}", said.stderr);
}

#[test]
fn invalid_base_revision_error_gives_the_reason() {
    let repo = applied_repo();
    repo.run_git(&["tag", "tree", "HEAD^{tree}"]);
    repo.run_git(&["tag", "twice"]);
    repo.run_git(&["branch", "twice", "HEAD~1"]);
    let files = repo.run_git(&["write-tree"]);
    let alone = repo.run_git(&["commit-tree", "-m", "Alone", &files]);
    for (revision, why) in [
        ("tree", "`tree` names a tree, not a commit"),
        ("twice", "refs/heads/"),
        ("^HEAD", "is not a revision"),
        ("...", "is not a revision"),
        (&format!("{alone}..."), "no commit in common"),
    ] {
        let said = repo.run_pipectl(&["plan", "pipes", "--base", revision]);
        assert_eq!(said.code, 1, "{}", said.all_output());
        assert!(said.stderr.contains(why), "{revision}: {}", said.stderr);
    }
    assert_eq!(repo.run_pipectl(&["plan", "pipes", "--base", "refs/tags/twice"]).code, 0);
}

#[test]
fn drift_and_prune_fail_before_the_first_commit() {
    let repo = applied_repo();
    repo.run_git(&["checkout", "--quiet", "--orphan", "anew"]);
    for args in [["drift", "pipes"].as_slice(), &["plan", "pipes", "--prune=git"]] {
        let said = repo.run_pipectl(args);
        assert_eq!(said.code, 1, "{}", said.all_output());
        assert!(said.stderr.contains("has no commit yet"), "{}", said.stderr);
    }
}

#[test]
fn unreadable_repository_is_an_error() {
    let repo = applied_repo();
    let no_git = repo.run_with_env(&["drift", "pipes"], &[("PATH", "/nowhere")]);
    assert_eq!(no_git.code, 1, "{}", no_git.all_output());
    assert!(no_git.stderr.contains("`git` command is not installed"), "{}", no_git.stderr);
    let git_folder = repo.work_dir.temp_dir.path().join(".git");
    std::fs::remove_dir_all(&git_folder).unwrap();
    std::fs::write(&git_folder, "gitdir: /nowhere/at/all\n").unwrap();
    let broken = repo.run_pipectl(&["drift", "pipes"]);
    assert_eq!(broken.code, 1, "{}", broken.all_output());
    assert!(broken.stderr.contains("/nowhere/at/all"), "{}", broken.stderr);
    std::fs::remove_file(&git_folder).unwrap();
    assert_eq!(repo.run_with_env(&["drift", "pipes"], &[("PATH", "/nowhere")]).code, 0);
}

#[test]
fn drift_shows_only_changes_made_outside_git() {
    let repo = applied_repo();
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", ""));
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
    repo.commit_all("More");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    let none = repo.run_pipectl(&["drift", "pipes", "--detailed-exitcode"]);
    assert_eq!(none.code, 0, "{}", none.all_output());

    repo.edit_live_pipe("clicks", WAIT, json!(900));
    repo.write_file("other/views.yaml", &tombstone_manifest("views"));
    repo.run_successfully(&["apply", "other", "--yes"]);
    repo.write_file("other/views.yaml", &kinesis_manifest("byhand", "", ""));
    repo.run_successfully(&["apply", "other", "--yes"]);
    // A change that is not committed is nobody's drift.
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", "  scaling: {replicas: 2}"));
    let before = repo.count_writes();
    let drift = repo.run_pipectl(&["drift", "pipes", "--detailed-exitcode"]);
    assert_eq!(drift.code, 2, "{}", drift.all_output());
    let hash = repo.run_git(&["rev-parse", "--short", "HEAD"]);
    let id = repo.live("byhand", "/id").as_str().unwrap().to_owned();
    let shown = drift.stdout.replace(&hash, "HASH").replace(&id, "ID");
    assert_snapshot!(shown, @"
    changed    analytics/clicks  settings.streaming_max_insert_wait_ms  git 500, live 900
    missing    analytics/views   in git, not live
    unmanaged  analytics/byhand  live (ID), not in git
    Drift: 1 changed, 1 missing, 1 unmanaged; 1 in sync.  Compared with HASH (More).
    ");
    let json = repo.run_pipectl(&["drift", "pipes", "-o", "json"]).stdout_json();
    assert_eq!(json["outcome"], "drift");
    assert_eq!(json["result"]["changed"][0]["fields"][0]["before"], 900);
    assert_eq!(json["result"]["missing"][0]["name"], "views");
    assert_eq!(json["result"]["unmanaged"][0]["address"]["name"], "byhand");
    assert_eq!(repo.count_writes(), before);
}

fn tombstone_manifest(name: &str) -> String {
    kinesis_manifest(name, "", "  state: absent")
}
