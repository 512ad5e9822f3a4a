//! The life of one repository, told once from its first commit to its last: real git, the real
//! binary, and somebody who changes things by hand.

use crate::support::test_repo::{TestRepo, git_in, kinesis_manifest};
use sandbox::{Fault, FaultEffect, FaultTrigger};
use serde_json::{Value, json};

const WAIT: &str = "/settings/streaming_max_insert_wait_ms";

fn tuned_manifest(name: &str, replicas: u32, wait: u32) -> String {
    let spec = format!("  scaling: {{replicas: {replicas}}}\n  settings: {{streaming_max_insert_wait_ms: {wait}}}");
    kinesis_manifest(name, "", &spec)
}

/// Three pipes in a project, live as declared.
fn applied_repo() -> TestRepo {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n");
    for name in ["clicks", "orders", "views"] {
        repo.write_file(&format!("pipes/{name}.yaml"), &tuned_manifest(name, 1, 500));
    }
    repo.commit_all("Begin to read");
    repo.run_successfully(&["apply", "--yes"]);
    repo
}

/// Does something on a branch, and merges it with a commit of its own.
fn merge_branch(repo: &TestRepo, subject: &str, work: impl FnOnce()) {
    repo.run_git(&["switch", "--quiet", "--create", "work"]);
    work();
    repo.commit_all(subject);
    repo.run_git(&["switch", "--quiet", "main"]);
    let message = format!("Merge: {subject}");
    repo.run_git(&["merge", "--quiet", "--no-ff", "--message", &message, "work"]);
    repo.run_git(&["branch", "--quiet", "--delete", "work"]);
}

/// What a plan says of fields: the pipe, the field and the verdict, of what is done and what is not.
fn field_verdicts(plan: &Value, list: &str) -> Vec<[String; 3]> {
    let objects = plan["result"][list].as_array().cloned().unwrap_or_default();
    let fields = objects.iter().flat_map(|object| {
        let fields = object["fields"].as_array().cloned().unwrap_or_default();
        fields.into_iter().map(|field| {
            [&object["address"]["name"], &field["path"], &field["verdict"]]
                .map(|text| text.as_str().unwrap().to_owned())
        })
    });
    fields.collect()
}

fn owned_triples(triples: &[[&str; 3]]) -> Vec<[String; 3]> {
    triples.iter().map(|triple| triple.map(str::to_owned)).collect()
}

#[test]
fn branch_merge_drift_and_conflict_in_one_repository() {
    let repo = applied_repo();

    // A branch changes one pipe, somebody another.
    repo.edit_live_pipe("orders", WAIT, json!(900));
    repo.run_git(&["switch", "--quiet", "--create", "preview"]);
    repo.write_file("pipes/clicks.yaml", &tuned_manifest("clicks", 2, 500));
    repo.commit_all("Read clicks faster");
    let plan = repo.run_pipectl(&["plan", "--base", "main...", "-o", "json"]).stdout_json();
    let drift = owned_triples(&[["orders", "settings.streaming_max_insert_wait_ms", "drift"]]);
    assert_eq!(field_verdicts(&plan, "changes"), owned_triples(&[["clicks", "scaling.replicas", "change"]]));
    assert_eq!(field_verdicts(&plan, "ignoredChanges"), drift);

    // A merge commit: apply does what it brought, and nothing else.
    repo.run_git(&["switch", "--quiet", "main"]);
    merge_branch(&repo, "Read clicks faster", || {
        repo.write_file("pipes/clicks.yaml", &tuned_manifest("clicks", 2, 500));
    });
    let before = repo.count_writes();
    repo.run_successfully(&["apply", "--base", "HEAD~1", "--yes"]);
    assert_eq!(repo.count_writes(), before + 1);
    assert_eq!(repo.live("clicks", "/scaling/replicas"), json!(2));
    assert_eq!(repo.live("orders", WAIT), json!(900));

    // The drift is told for as long as it is there.
    let told = repo.run_pipectl(&["plan", "--base", "HEAD~1", "-o", "json"]).stdout_json();
    assert!(field_verdicts(&told, "ignoredChanges").contains(&drift[0]), "{told:#}");
    let told = repo.run_pipectl(&["drift", "--detailed-exitcode"]);
    assert!(told.code == 2 && told.stdout.contains("git 500, live 900"), "{}", told.all_output());

    // Git and somebody else change one field: nobody wins by chance.
    merge_branch(&repo, "Orders wait longer", || {
        repo.write_file("pipes/orders.yaml", &tuned_manifest("orders", 1, 700));
    });
    let plan = repo.run_pipectl(&["plan", "--base", "HEAD~1", "-o", "json"]).stdout_json();
    let conflict = owned_triples(&[["orders", "settings.streaming_max_insert_wait_ms", "conflict"]]);
    assert_eq!(field_verdicts(&plan, "changes"), conflict);
    let before = repo.count_writes();
    let apply = repo.run_pipectl(&["apply", "--base", "HEAD~1", "--yes"]);
    assert_eq!((apply.code, repo.count_writes()), (5, before), "{}", apply.all_output());

    // Without a base git is told to win.
    repo.run_successfully(&["apply", "--yes"]);
    assert_eq!(repo.live("orders", WAIT), json!(700));
    assert_eq!(repo.run_pipectl(&["drift", "--detailed-exitcode"]).code, 0);
}

#[test]
fn removed_pipe_is_deleted_after_a_failed_apply() {
    let repo = applied_repo();
    merge_branch(&repo, "Views are history", || repo.remove_file("pipes/views.yaml"));
    repo.edit_world(|world| {
        world.fault_script().add(Fault {
            when: FaultTrigger::Route { method: "DELETE".to_owned(), path: "*".to_owned() },
            effect: FaultEffect::InternalError,
            times: 1000,
        });
    });
    let failed = repo.run_pipectl(&["apply", "--prune=git", "--yes"]);
    assert_ne!(failed.code, 0, "{}", failed.all_output());
    assert_eq!(repo.live_pipe_names(), ["clicks", "orders", "views"]);
    repo.edit_world(|world| world.fault_script().clear());

    merge_branch(&repo, "Read clicks faster", || {
        repo.write_file("pipes/clicks.yaml", &tuned_manifest("clicks", 2, 500));
    });
    let applied = repo.run_pipectl(&["apply", "--prune=git", "--yes", "-o", "json"]);
    assert_eq!(applied.code, 0, "{}", applied.all_output());
    let done: Vec<Value> = applied.stdout_json()["result"]["reports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|report| report["address"]["name"].clone())
        .collect();
    assert_eq!(done, ["clicks", "views"]);
    assert_eq!(repo.live_pipe_names(), ["clicks", "orders"]);
}

#[test]
fn deleted_pipe_is_drawn_with_source_and_table() {
    for (file, removed, flag) in
        [("pipes/views.yaml", false, "--prune=never"), ("pipes/views.yaml", true, "--prune=git")]
    {
        let repo = applied_repo();
        if removed {
            repo.remove_file(file);
        } else {
            repo.write_file(file, &kinesis_manifest("views", "", "  state: absent"));
        }
        repo.commit_all("Views are history");
        repo.run_successfully(&["plan", flag, "--report", "html=page.html"]);
        let page = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("page.html")).unwrap();
        assert!(page.contains("<g class=\"node delete\"><title>views, delete"), "{page}");
        assert!(page.contains("<title>default.views, from views</title>"), "{page}");
        let diff = repo.run_successfully(&["plan", flag, "--diff"]);
        assert!(diff.contains("-    streamName: views\n"), "{diff}");
        assert!(!diff.contains(": null"), "{diff}");
    }
}

#[test]
fn shallow_clone_error_suggests_fetch_depth() {
    let repo = applied_repo();
    merge_branch(&repo, "Views are history", || repo.remove_file("pipes/views.yaml"));
    let (from, to) = (repo.work_dir.temp_dir.path(), repo.work_dir.temp_dir.path().join("shallow"));
    let url = format!("file://{}", from.display());
    git_in(from, &["clone", "--quiet", "--depth=1", &url, &to.display().to_string()]);
    std::fs::remove_file(to.join("pipectl.yaml")).unwrap();
    for flags in [["--prune=git", "--diff"], ["--base", "HEAD~1"], ["--changed-since", "HEAD~1"]] {
        let said = repo.run_pipectl(&[&["plan", "shallow/pipes"], &flags[..]].concat());
        assert_eq!(said.code, 1, "{}", said.all_output());
        assert!(said.stderr.contains("`fetch-depth: 0`"), "{}", said.stderr);
    }
}
