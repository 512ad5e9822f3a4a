//! Git as the base of a plan, in repositories of real git: what a pull request changes, and what
//! somebody changed meanwhile.

use crate::support::repo::{Repo, git, pipe};
use insta::assert_snapshot;
use serde_json::json;

const WAIT: &str = "/settings/streaming_max_insert_wait_ms";

fn tuned(replicas: u32, wait: u32) -> String {
    let spec = format!(
        "  scaling: {{replicas: {replicas}}}\n  settings: {{streaming_max_insert_wait_ms: {wait}}}"
    );
    pipe("clicks", "", &spec)
}

/// A repository whose only pipe is applied.
fn applied() -> Repo {
    let repo = Repo::new();
    repo.write("pipes/clicks.yaml", &tuned(1, 500));
    repo.commit("Read clicks");
    repo.done(&["apply", "pipes", "--yes"]);
    repo
}

/// What is left of a text in which hashes and counts of requests differ from run to run.
fn steady(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("Cost:") && !line.contains("igest"));
    let lines = lines.map(|line| line.split("  Read with").next().unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_branch_shows_its_change_apart_from_a_hand_edit_and_apply_does_only_the_change() {
    let repo = applied();
    repo.git(&["switch", "--quiet", "--create", "faster"]);
    repo.write("pipes/clicks.yaml", &tuned(2, 500));
    repo.commit("Read clicks faster");
    repo.edit_live("clicks", WAIT, json!(900));

    let plan = repo.run(&["plan", "pipes", "--base", "main", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.all());
    assert_snapshot!(steady(&plan.stdout), @"
    analytics                                       1 object
      ~ clicks                                      update
          ~ scaling.replicas                            1 -> 2
        drift: changed outside git, left alone
          * settings.streaming_max_insert_wait_ms       git 500, live 900

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Drift: 1 field of 1 object, left alone.  Planning without --base sets it back.
    ");

    repo.done(&["apply", "pipes", "--base", "main", "--yes"]);
    assert_eq!(repo.live("clicks", "/scaling/replicas"), json!(2));
    assert_eq!(repo.live("clicks", WAIT), json!(900));

    let again = repo.run(&["plan", "pipes", "--base", "main", "--detailed-exitcode"]);
    assert_eq!(again.code, 0, "{}", again.all());
    assert_snapshot!(steady(&again.stdout), @"
    analytics                                       1 object
      * clicks                                      drift only
        drift: changed outside git, left alone
          * settings.streaming_max_insert_wait_ms       git 500, live 900
          = scaling.replicas                            2 live already

    No changes: nothing in git differs from live but what drifted.  0 unchanged, 0 unmanaged.
    Drift: 1 field of 1 object, left alone.  Planning without --base sets it back.
    ");

    // Without a base git's word is the only one.
    repo.done(&["apply", "pipes", "--yes"]);
    assert_eq!(repo.live("clicks", WAIT), json!(500));
}

#[test]
fn a_field_that_both_changed_is_a_conflict_and_nothing_is_sent() {
    let repo = applied();
    repo.write("pipes/clicks.yaml", &tuned(1, 700));
    repo.commit("Wait longer");
    repo.edit_live("clicks", WAIT, json!(900));
    let before = repo.writes();
    let apply = repo.run(&["apply", "pipes", "--base", "HEAD~1", "--yes"]);
    assert_eq!(apply.code, 5, "{}", apply.all());
    assert!(apply.stdout.contains("is 700 in git and 900 live, both changed"), "{}", apply.stdout);
    assert_eq!(repo.writes(), before);
}

#[test]
fn the_base_may_be_where_a_branch_began() {
    let repo = applied();
    repo.git(&["switch", "--quiet", "--create", "faster"]);
    repo.write("pipes/clicks.yaml", &tuned(2, 500));
    repo.commit("Read clicks faster");
    repo.git(&["switch", "--quiet", "main"]);
    repo.write("pipes/views.yaml", &pipe("views", "", ""));
    repo.commit("Read views");
    repo.git(&["switch", "--quiet", "faster"]);
    let plan = repo.run_with(&["plan", "pipes", "-o", "json"], &[("PIPECTL_BASE", "main...")]);
    let json = plan.json();
    let changes = json["result"]["changes"].as_array().unwrap().clone();
    assert_eq!(changes.len(), 1, "{json:#}");
    assert_eq!(changes[0]["fields"][0]["path"], "scaling.replicas");
    assert_eq!(changes[0]["fields"][0]["verdict"], "change");
}

#[test]
fn a_folder_that_moved_has_a_base_all_the_same() {
    let repo = applied();
    repo.git(&["mv", "pipes", "ingest"]);
    repo.write("ingest/clicks.yaml", &tuned(2, 500));
    repo.commit("Move, and read faster");
    repo.edit_live("clicks", WAIT, json!(900));
    let plan = repo.done(&["plan", "ingest", "--base", "HEAD~1"]);
    assert!(plan.contains("~ clicks                                      update"), "{plan}");
    assert!(
        plan.contains("* settings.streaming_max_insert_wait_ms       git 500, live 900"),
        "{plan}"
    );
}

#[test]
fn an_environment_that_has_another_name_now_is_still_the_same() {
    let repo = Repo::new();
    let project = |name: &str| {
        let other = "  other: {organization: 5a1c0d7e-1f2b-4c3d-8e9f-a0b1c2d3e4f5}\n";
        let own = format!("{{organization: {}, variables: {{stream: s}}}}", sandbox::ORGANIZATION);
        let head = "apiVersion: pipectl/v1\nkind: Project\nenvironments:\n";
        repo.write("pipectl.yaml", &format!("{head}{other}  {name}: {own}\n"));
    };
    project("live");
    let text = tuned(1, 500).replace("streamName: clicks", "streamName: \"${stream}\"");
    repo.write("pipes/clicks.yaml", &text);
    repo.commit("Read clicks");
    repo.done(&["apply", "pipes", "--yes", "-e", "live"]);
    project("prod");
    let text = std::fs::read_to_string(repo.desk.folder.path().join("pipectl.yaml")).unwrap();
    repo.write("pipectl.yaml", &text.replace("stream: s", "from: s"));
    let text = tuned(1, 500).replace("streamName: clicks", "streamName: \"${from}\"");
    repo.write("pipes/clicks.yaml", &text);
    repo.commit("Other names");
    repo.edit_live("clicks", WAIT, json!(900));
    let plan = repo.done(&["plan", "pipes", "-e", "prod", "--base", "HEAD~1"]);
    assert!(plan.contains("git 500, live 900"), "{plan}");
}

#[cfg(unix)]
#[test]
fn a_link_stands_for_the_file_that_it_leads_to() {
    let repo = Repo::new();
    repo.write("shared/clicks.yaml", &tuned(1, 500));
    repo.write("pipes/views.yaml", &pipe("views", "", ""));
    let pipes = repo.desk.folder.path().join("pipes");
    for (link, to) in [("clicks.yml", "../shared/./clicks.yaml"), ("nowhere.yaml", "/nowhere.yaml")]
    {
        std::os::unix::fs::symlink(to, pipes.join(link)).unwrap();
    }
    repo.commit("Read clicks");
    repo.done(&["apply", "pipes", "--yes"]);
    let drift = repo.done(&["drift", "pipes"]);
    assert!(drift.contains("0 changed, 0 missing, 0 unmanaged; 2 in sync"), "{drift}");
    repo.write("shared/clicks.yaml", &tuned(2, 500));
    repo.edit_live("clicks", WAIT, json!(900));
    let plan = repo.done(&["plan", "pipes", "--base", "HEAD"]);
    assert!(plan.contains("git 500, live 900"), "{plan}");
}

#[test]
fn mistakes_in_the_base_are_warnings_that_name_the_commit() {
    let repo = applied();
    repo.write("pipes/old.yaml", "apiVersion: pipectl/v1\nkind: Nonsense\n");
    let commit = repo.commit("A mistake");
    repo.remove("pipes/old.yaml");
    repo.write("pipes/clicks.yaml", &tuned(2, 500));
    repo.commit("No mistake any more");
    let plan = repo.run(&["plan", "pipes", "--base", "HEAD~1"]);
    assert_eq!(plan.code, 0, "{}", plan.all());
    assert!(plan.stderr.contains("warning"), "{}", plan.stderr);
    assert!(plan.stderr.contains(&format!("{commit}:pipes/old.yaml")), "{}", plan.stderr);
    assert!(plan.stdout.contains("1 to update"), "{}", plan.stdout);
}

#[test]
fn git_is_found_from_the_manifests_whatever_the_shell_says() {
    let repo = applied();
    let misled = [("GIT_DIR", "/nowhere"), ("GIT_WORK_TREE", "/nowhere")];
    let plan = repo.run_with(&["plan", "pipes", "--base", "HEAD"], &misled);
    assert_eq!(plan.code, 0, "{}", plan.all());
}

#[test]
fn what_git_cannot_answer_is_said_plainly() {
    let repo = applied();
    let error = |args: &[&str], environment: &[(&str, &str)]| {
        let said = repo.run_with(args, environment);
        assert_eq!(said.code, 1, "{args:?}: {}", said.all());
        said.stderr
    };
    let unknown = error(&["plan", "pipes", "--base", "nowhere"], &[]);
    assert!(unknown.contains("revision `nowhere` is not known"), "{unknown}");
    let option = error(&["plan", "pipes", "--base=--output=/tmp/x"], &[]);
    assert!(option.contains("`--output=/tmp/x` is no revision"), "{option}");
    let missing = error(&["plan", "pipes", "--base", "HEAD"], &[("PATH", "/nowhere")]);
    assert!(missing.contains("`git` command is not installed"), "{missing}");
    let stdin = error(&["plan", "-", "--base", "HEAD"], &[]);
    assert!(stdin.contains("no manifest") || stdin.contains("standard input"), "{stdin}");
}

#[test]
fn a_folder_outside_of_git_has_no_base() {
    let repo = applied();
    std::fs::remove_dir_all(repo.desk.folder.path().join(".git")).unwrap();
    let said = repo.run(&["plan", "pipes", "--base", "HEAD"]);
    assert!(said.stderr.contains("pipes is in no git repository"), "{}", said.stderr);
    let drift = repo.done(&["drift", "pipes"]);
    assert!(drift.contains("Compared with the manifests as they are"), "{drift}");
}

#[test]
fn a_shallow_clone_says_what_to_do() {
    let repo = applied();
    repo.write("pipes/views.yaml", &pipe("views", "", ""));
    repo.commit("Read views");
    let (from, to) = (repo.desk.folder.path(), repo.desk.folder.path().join("shallow"));
    let url = format!("file://{}", from.display());
    git(from, &["clone", "--quiet", "--depth=1", &url, &to.display().to_string()]);
    for args in [
        ["plan", "shallow/pipes", "--base", "HEAD~1"].as_slice(),
        &["plan", "shallow/pipes", "--prune=git"],
    ] {
        let said = repo.run(args);
        assert_eq!(said.code, 1, "{}", said.all());
        assert!(said.stderr.contains("fetch-depth: 0"), "{}", said.stderr);
    }
}

#[test]
fn a_shallow_clone_that_does_not_reach_the_parting_says_what_to_do() {
    let repo = applied();
    repo.git(&["switch", "--quiet", "--create", "faster"]);
    repo.write("pipes/clicks.yaml", &tuned(2, 500));
    repo.commit("Read clicks faster");
    repo.git(&["switch", "--quiet", "main"]);
    repo.commit("Meanwhile");
    let (from, to) = (repo.desk.folder.path(), repo.desk.folder.path().join("shallow"));
    let (url, to) = (format!("file://{}", from.display()), to.display().to_string());
    git(from, &["clone", "--quiet", "--depth=1", "--branch=faster", &url, &to]);
    git(to.as_ref(), &["fetch", "--quiet", "--depth=1", "origin", "main:refs/remotes/origin/main"]);
    let said = repo.run(&["plan", "shallow/pipes", "--base", "origin/main..."]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.stderr.contains("where HEAD left `origin/main` is not known"), "{}", said.stderr);
    assert!(said.stderr.contains("fetch-depth: 0"), "{}", said.stderr);
}

#[test]
fn a_revision_that_cannot_be_a_base_is_told_why() {
    let repo = applied();
    repo.git(&["tag", "tree", "HEAD^{tree}"]);
    repo.git(&["tag", "twice"]);
    repo.git(&["branch", "twice", "HEAD~1"]);
    let files = repo.git(&["write-tree"]);
    let alone = repo.git(&["commit-tree", "-m", "Alone", &files]);
    for (revision, why) in [
        ("tree", "`tree` names a tree, not a commit"),
        ("twice", "refs/heads/"),
        ("^HEAD", "is no revision"),
        ("...", "is no revision"),
        (&format!("{alone}..."), "no commit in common"),
    ] {
        let said = repo.run(&["plan", "pipes", "--base", revision]);
        assert_eq!(said.code, 1, "{}", said.all());
        assert!(said.stderr.contains(why), "{revision}: {}", said.stderr);
    }
    assert_eq!(repo.run(&["plan", "pipes", "--base", "refs/tags/twice"]).code, 0);
}

#[test]
fn before_the_first_commit_git_remembers_nothing() {
    let repo = applied();
    repo.git(&["checkout", "--quiet", "--orphan", "anew"]);
    for args in [["drift", "pipes"].as_slice(), &["plan", "pipes", "--prune=git"]] {
        let said = repo.run(args);
        assert_eq!(said.code, 1, "{}", said.all());
        assert!(said.stderr.contains("has no commit yet"), "{}", said.stderr);
    }
}

#[test]
fn a_repository_that_git_cannot_read_is_not_taken_for_none() {
    let repo = applied();
    let no_git = repo.run_with(&["drift", "pipes"], &[("PATH", "/nowhere")]);
    assert_eq!(no_git.code, 1, "{}", no_git.all());
    assert!(no_git.stderr.contains("`git` command is not installed"), "{}", no_git.stderr);
    let git_folder = repo.desk.folder.path().join(".git");
    std::fs::remove_dir_all(&git_folder).unwrap();
    std::fs::write(&git_folder, "gitdir: /nowhere/at/all\n").unwrap();
    let broken = repo.run(&["drift", "pipes"]);
    assert_eq!(broken.code, 1, "{}", broken.all());
    assert!(broken.stderr.contains("/nowhere/at/all"), "{}", broken.stderr);
    std::fs::remove_file(&git_folder).unwrap();
    assert_eq!(repo.run_with(&["drift", "pipes"], &[("PATH", "/nowhere")]).code, 0);
}

#[test]
fn drift_is_what_changed_outside_git_and_nothing_else() {
    let repo = applied();
    repo.write("pipes/views.yaml", &pipe("views", "", ""));
    repo.write("pipes/orders.yaml", &pipe("orders", "", ""));
    repo.commit("More");
    repo.done(&["apply", "pipes", "--yes"]);
    let none = repo.run(&["drift", "pipes", "--detailed-exitcode"]);
    assert_eq!(none.code, 0, "{}", none.all());

    repo.edit_live("clicks", WAIT, json!(900));
    repo.write("other/views.yaml", &tombstone("views"));
    repo.done(&["apply", "other", "--yes"]);
    repo.write("other/views.yaml", &pipe("byhand", "", ""));
    repo.done(&["apply", "other", "--yes"]);
    // A change that is not committed is nobody's drift.
    repo.write("pipes/orders.yaml", &pipe("orders", "", "  scaling: {replicas: 2}"));
    let before = repo.writes();
    let drift = repo.run(&["drift", "pipes", "--detailed-exitcode"]);
    assert_eq!(drift.code, 2, "{}", drift.all());
    let hash = repo.git(&["rev-parse", "--short", "HEAD"]);
    let id = repo.live("byhand", "/id").as_str().unwrap().to_owned();
    let shown = drift.stdout.replace(&hash, "HASH").replace(&id, "ID");
    assert_snapshot!(shown, @"
    changed    analytics/clicks  settings.streaming_max_insert_wait_ms  git 500, live 900
    missing    analytics/views   in git, not live
    unmanaged  analytics/byhand  live (ID), not in git
    Drift: 1 changed, 1 missing, 1 unmanaged; 1 in sync.  Compared with HASH (More).
    ");
    let json = repo.run(&["drift", "pipes", "-o", "json"]).json();
    assert_eq!(json["outcome"], "drift");
    assert_eq!(json["result"]["changed"][0]["fields"][0]["before"], 900);
    assert_eq!(json["result"]["missing"][0]["name"], "views");
    assert_eq!(json["result"]["unmanaged"][0]["at"]["name"], "byhand");
    assert_eq!(repo.writes(), before);
}

fn tombstone(name: &str) -> String {
    pipe(name, "", "  state: absent")
}
