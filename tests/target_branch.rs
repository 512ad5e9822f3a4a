//! A branch that is behind its target: what the target changed since is live, and a merge keeps it.

use crate::support::cli::RunOutput;
use crate::support::test_repo::{TestRepo, kinesis_manifest};
use serde_json::{Value, json};

const WAIT: &str = "/settings/streaming_max_insert_wait_ms";

fn tuned_manifest(name: &str, replicas: u32, wait: u32, state: &str) -> String {
    let spec = format!(
        // The lines between let git merge a change of each.
        "  state: {state}\n  protect: false\n  scaling: {{replicas: {replicas}}}\n  # How long it waits.\n  \
         settings: {{streaming_max_insert_wait_ms: {wait}}}"
    );
    kinesis_manifest(name, "", &spec)
}

fn write_pipe(repo: &TestRepo, name: &str, replicas: u32, wait: u32, state: &str) {
    repo.write_file(&format!("pipes/{name}.yaml"), &tuned_manifest(name, replicas, wait, state));
}

/// Four pipes that are live, and a branch that is about to change one of them.
fn repo_with_branch() -> TestRepo {
    let repo = TestRepo::new();
    let project = "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n\
                   policy: {prune: scope, pruneScope: [\"analytics/*\"]}\n";
    repo.write_file("pipectl.yaml", project);
    for name in ["clicks", "lines", "orders", "views"] {
        write_pipe(&repo, name, 1, 500, "running");
    }
    repo.commit_all("Begin to read");
    repo.run_successfully(&["apply", "--yes"]);
    repo.run_git(&["switch", "--quiet", "--create", "work"]);
    repo
}

/// Does something on the target branch, applies it, and goes back to the branch.
fn move_main(repo: &TestRepo, work: impl FnOnce()) {
    repo.run_git(&["switch", "--quiet", "main"]);
    work();
    repo.commit_all("Main moves on");
    repo.run_successfully(&["apply", "--yes"]);
    repo.run_git(&["switch", "--quiet", "work"]);
}

fn plan(repo: &TestRepo, more: &[&str]) -> RunOutput {
    repo.run_pipectl(&[&["plan", "--base", "main..."], more].concat())
}

fn plan_json(repo: &TestRepo) -> Value {
    plan(repo, &["-o", "json"]).stdout_json()["result"].clone()
}

fn names(list: &Value) -> Vec<&str> {
    let objects = list.as_array().map_or(&[][..], Vec::as_slice);
    objects
        .iter()
        .map(|object| object.pointer("/address/name").or(object.get("name")).unwrap().as_str().unwrap())
        .collect()
}

/// Of long lists, the two sides would be cut at the same place.
#[test]
fn list_that_the_target_branch_changed_shows_what_differs() {
    let repo = repo_with_branch();
    let columns = |more: &str| {
        let manifest = tuned_manifest("views", 1, 500, "running");
        manifest.replace("columns: [{name: id, type: UInt64}]", &format!("columns: [{{name: id, type: UInt64}}{more}]"))
    };
    move_main(&repo, || repo.write_file("pipes/views.yaml", &columns(", {name: extra, type: String}")));
    let said = plan(&repo, &[]);
    let moved = said.stdout.lines().find(|line| line.contains("on the target branch and live"));
    assert!(moved.is_some_and(|line| line.contains("+ extra String on the target branch")), "{}", said.stdout);
}

#[test]
fn moved_target_branch_is_neither_drift_nor_a_change() {
    let repo = repo_with_branch();
    write_pipe(&repo, "clicks", 2, 500, "running");
    repo.commit_all("Read clicks faster");
    // Main changes a field and a state, adds a pipe, and removes one. It changes the pipe of the branch as well.
    move_main(&repo, || {
        write_pipe(&repo, "clicks", 1, 900, "running");
        write_pipe(&repo, "orders", 1, 700, "stopped");
        write_pipe(&repo, "added", 1, 500, "running");
        repo.remove_file("pipes/views.yaml");
    });
    // What nobody declared is drift all the same.
    repo.edit_live_pipe("lines", WAIT, json!(50));

    let plan_text = plan(&repo, &[]).stdout;
    insta::assert_snapshot!(plan_text.split("\nDigest").next().unwrap(), @r#"
    organization 0c11c4b0-05ed-4a0b-9b0c-5a4db0c50000

    analytics (f2de67ed-05c6-471e-9716-ebc3290286aa)  5 objects
      > added                                       target branch moved on: its manifest is new there; a merge keeps the live object
      ~ clicks                                      update
          ~ scaling.replicas                            1 -> 2   # change
          > settings.streaming_max_insert_wait_ms       500 here, 900 on the target branch and live
      * lines                                       drift only
        drift (not changed by this apply)
          * settings.streaming_max_insert_wait_ms       git 500, live 50
      > orders                                      target branch moved on
          > settings.streaming_max_insert_wait_ms       500 here, 700 on the target branch and live
          > state                                       "running" here, "Stopped" on the target branch and live
      > views                                       target branch moved on: its manifest was removed there; it is not live, and a merge does not create it

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 1 unmanaged.  Read with 1 request.
    Drift: 1 field of 1 object, not reverted.  Run without --base to revert it.
    main has changes that this branch lacks: 3 fields, 2 objects. A merge keeps them.
    Will send 1 request (at least 1 s at 10 requests / 10 s), plus time for pipes to settle.
    "#);
    let json = plan_json(&repo);
    assert_eq!(json["changes"].as_array().unwrap().len(), 1, "{json:#}");
    assert_eq!(json["changes"][0]["fields"].as_array().unwrap().len(), 1, "{json:#}");
    assert_eq!(names(&json["removedByTarget"]), ["views"]);
    assert_eq!((names(&json["unmanaged"]), &json["unmanaged"][0]["addedByTarget"]), (vec!["added"], &json!(true)));

    // The merge does what the plan said.
    repo.run_git(&["merge", "--quiet", "--no-edit", "main"]);
    let merged = plan_json(&repo);
    assert_eq!(merged["actions"], json["actions"], "{merged:#}");
    assert_eq!(merged["changes"][0]["after"], json["changes"][0]["after"]);
}

#[test]
fn every_report_says_that_the_target_branch_moved() {
    let repo = repo_with_branch();
    move_main(&repo, || write_pipe(&repo, "orders", 1, 700, "running"));
    let reports = ["markdown=out.md", "html=out.html", "junit=out.xml", "json=out.json"];
    let flags: Vec<&str> = reports.iter().flat_map(|report| ["--report", report]).collect();
    assert_eq!(plan(&repo, &flags).code, 0);
    for report in reports {
        let (_, file) = report.split_once('=').unwrap();
        let text = std::fs::read_to_string(repo.work_dir.temp_dir.path().join(file)).unwrap();
        assert!(
            (text.contains("on the target branch and live") || text.contains("\"moved\""))
                && !text.contains("outside git"),
            "{report}: {text}"
        );
    }
}

#[test]
fn field_that_both_branches_changed_is_a_conflict() {
    let repo = repo_with_branch();
    write_pipe(&repo, "orders", 1, 600, "running");
    repo.commit_all("Orders wait less");
    move_main(&repo, || write_pipe(&repo, "orders", 1, 700, "running"));
    let text = plan(&repo, &[]).stdout;
    assert!(text.contains("was changed to 600 in git and to 700 on the target branch"), "{text}");
    assert!(text.contains("merge the target branch into this one and choose"), "{text}");
    assert!(!text.contains("outside git"), "{text}");
}

/// Main goes back and forth, and its second apply is still to come.
#[test]
fn earlier_commit_of_the_target_branch_counts() {
    let repo = repo_with_branch();
    move_main(&repo, || write_pipe(&repo, "orders", 1, 700, "running"));
    repo.run_git(&["switch", "--quiet", "main"]);
    write_pipe(&repo, "orders", 1, 500, "running");
    repo.commit_all("Back again");
    repo.run_git(&["switch", "--quiet", "work"]);
    let json = plan_json(&repo);
    assert_eq!(json["changes"], json!([]), "{json:#}");
    assert_eq!(json["ignoredChanges"][0]["fields"][0]["verdict"], "moved", "{json:#}");
}

/// The new pipe has the values of both branches.
#[test]
fn replacement_keeps_what_the_target_branch_changed() {
    let repo = repo_with_branch();
    let text = tuned_manifest("orders", 1, 500, "running").replace("streamName: orders", "streamName: other");
    repo.write_file("pipes/orders.yaml", &text);
    repo.commit_all("Another stream");
    move_main(&repo, || write_pipe(&repo, "orders", 1, 700, "running"));
    let json = plan_json(&repo);
    let create = json["actions"].as_array().unwrap().iter().find_map(|action| action.get("create")).unwrap();
    assert_eq!(create["body"].pointer(WAIT).unwrap(), &json!(700), "{json:#}");
}

/// A branch has on its own line only the merge of its target branch, not the commit of it that an apply did halfway.
#[test]
fn value_of_a_target_branch_that_was_merged_into_this_one_is_not_a_conflict() {
    let repo = crate::git::applied_repo();
    let base = repo.run_git(&["rev-parse", "HEAD"]);
    repo.run_git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", ""));
    repo.commit_all("Views");
    repo.run_git(&["checkout", "--quiet", "main"]);
    for wait in [600, 700] {
        repo.write_file("pipes/clicks.yaml", &crate::git::tuned_manifest(1, wait));
        repo.commit_all("Another time");
    }
    repo.edit_live_pipe("clicks", WAIT, json!(600));
    repo.run_git(&["checkout", "--quiet", "topic"]);
    repo.run_git(&["merge", "--quiet", "--no-edit", "main"]);
    let plan = |more: &[&str]| repo.run_pipectl(&[&["plan", "pipes", "--base", &base][..], more].concat()).stdout;
    let merged = plan(&["--policy-base", "main"]);
    assert!(merged.contains("600 -> 700   # change") && !merged.contains("outside git"), "{merged}");
    // Without the target branch, nothing tells what it declared in between.
    assert!(plan(&[]).contains("was changed to 700 in git and to 600 outside git"), "{}", plan(&[]));
    // After a fast-forward, the line of the branch is that of the target branch.
    repo.run_git(&["branch", "--quiet", "before", "main"]);
    repo.run_git(&["checkout", "--quiet", "main"]);
    repo.run_git(&["merge", "--quiet", "--ff-only", "topic"]);
    repo.run_successfully(&["apply", "pipes", "--yes", "--base", &base, "--policy-base", "before"]);
    assert_eq!(repo.live("clicks", WAIT), json!(700));
}
