//! The base of a plan, in repositories of real git: what a pull request changes, and what somebody changed meanwhile.

use crate::git::{applied_repo, tuned_manifest};
use crate::support::manifests::seed_named;
use crate::support::test_repo::{TestRepo, kinesis_manifest};
use insta::assert_snapshot;
use serde_json::json;

const WAIT: &str = "/settings/streaming_max_insert_wait_ms";

/// What is left of a text in which hashes and counts of requests differ from run to run.
fn stable_text(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("Will send ") && !line.contains("igest"));
    let lines = lines.map(|line| line.split("  Read with").next().unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn base_applies_git_changes_and_keeps_drift() {
    let repo = applied_repo();
    repo.run_git(&["switch", "--quiet", "--create", "faster"]);
    repo.write_file("pipes/clicks.yaml", &tuned_manifest(2, 500));
    repo.commit_all("Read clicks faster");
    repo.edit_live_pipe("clicks", WAIT, json!(900));

    let plan = repo.run_pipectl(&["plan", "pipes", "--base", "main", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.all_output());
    assert_snapshot!(stable_text(&plan.stdout), @"
    organization 0c11c4b0-05ed-4a0b-9b0c-5a4db0c50000

    analytics (f2de67ed-05c6-471e-9716-ebc3290286aa)  1 object
      ~ clicks                                      update
          ~ scaling.replicas                            1 -> 2   # change
        drift (not changed by this apply)
          * settings.streaming_max_insert_wait_ms       git 500, live 900

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Drift: 1 field of 1 object, not reverted.  Run without --base to revert it.
    ");

    repo.run_successfully(&["apply", "pipes", "--base", "main", "--yes"]);
    assert_eq!(repo.live("clicks", "/scaling/replicas"), json!(2));
    assert_eq!(repo.live("clicks", WAIT), json!(900));

    let again = repo.run_pipectl(&["plan", "pipes", "--base", "main", "--detailed-exitcode"]);
    assert_eq!(again.code, 0, "{}", again.all_output());
    assert_snapshot!(stable_text(&again.stdout), @"
    analytics (f2de67ed-05c6-471e-9716-ebc3290286aa)  1 object
      * clicks                                      drift only
        drift (not changed by this apply)
          * settings.streaming_max_insert_wait_ms       git 500, live 900
          = scaling.replicas                            applied: 2 is already live

    No changes to apply. Drift is listed above.  0 unchanged, 0 unmanaged.
    Drift: 1 field of 1 object, not reverted.  Run without --base to revert it.
    ");

    // Without a base git's word is the only one.
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    assert_eq!(repo.live("clicks", WAIT), json!(500));
}

#[test]
fn field_changed_in_git_and_live_is_a_conflict() {
    let repo = applied_repo();
    repo.write_file("pipes/clicks.yaml", &tuned_manifest(1, 700));
    repo.commit_all("Wait longer");
    repo.edit_live_pipe("clicks", WAIT, json!(900));
    let before = repo.count_writes();
    let apply = repo.run_pipectl(&["apply", "pipes", "--base", "HEAD~1", "--yes"]);
    assert_eq!(apply.code, 5, "{}", apply.all_output());
    assert!(apply.stdout.contains("was changed to 700 in git and to 900 outside git"), "{}", apply.stdout);
    assert_eq!(repo.count_writes(), before);
}

/// Live has what a commit after the base declared: an apply set it and then failed elsewhere, so that
/// the base stayed. Nobody changed it outside git.
#[test]
fn value_of_a_commit_after_the_base_is_not_a_conflict() {
    let repo = applied_repo();
    let base = repo.run_git(&["rev-parse", "HEAD"]);
    repo.write_file("pipes/clicks.yaml", &tuned_manifest(1, 700));
    repo.commit_all("Wait longer");
    repo.edit_live_pipe("clicks", WAIT, json!(700));
    let apply = ["apply", "pipes", "--yes", "--base", &base];
    for wait in [900, 500] {
        repo.write_file("pipes/clicks.yaml", &tuned_manifest(1, wait));
        repo.commit_all("Another time");
        let plan = repo.run_successfully(&["plan", "pipes", "--base", &base]);
        assert!(plan.contains("# change"), "{plan}");
        repo.run_successfully(&apply);
        assert_eq!(repo.live("clicks", WAIT), json!(wait));
    }
    // A value that no commit declared is still somebody else's.
    repo.edit_live_pipe("clicks", WAIT, json!(650));
    repo.write_file("pipes/clicks.yaml", &tuned_manifest(1, 800));
    repo.commit_all("And another");
    let said = repo.run_pipectl(&apply);
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert_eq!(repo.live("clicks", WAIT), json!(650));
}

/// The same for an entry of a list: live lacks a mapping, as a commit after the base did.
#[test]
fn list_entry_of_a_commit_after_the_base_is_not_drift() {
    let repo = TestRepo::new();
    let manifest = |tables: &[&str]| {
        let mut pipe = seed_named("postgres-cdc");
        let mapping = pipe["spec"]["source"]["postgres"]["tableMappings"][0].clone();
        let mappings = tables.iter().map(|table| {
            let mut mapping = mapping.clone();
            mapping["sourceTable"] = json!(table);
            mapping["targetTable"] = json!(table);
            mapping
        });
        pipe["spec"]["source"]["postgres"]["tableMappings"] = mappings.collect();
        pipe["metadata"]["service"] = json!("analytics");
        pipe.to_string()
    };
    let run = |args: &[&str]| {
        let said = repo.run_with_env(args, &[("SEED_SECRET", "s3cr3t")]);
        assert_eq!(said.code, 0, "{args:?}: {}", said.all_output());
        said.stdout
    };
    repo.write_file("pipes/cdc.yaml", &manifest(&["users", "orders"]));
    let base = repo.commit_all("Two tables");
    run(&["apply", "pipes", "--yes"]);
    repo.write_file("pipes/cdc.yaml", &manifest(&["users"]));
    repo.commit_all("One table");
    run(&["apply", "pipes", "--yes"]);
    repo.write_file("pipes/cdc.yaml", &manifest(&["users", "orders"]));
    repo.commit_all("Two tables after all");
    let plan = run(&["plan", "pipes", "--base", &base]);
    assert!(plan.contains("orders -> orders") && plan.contains("1 to update"), "{plan}");
}

#[test]
fn base_can_be_the_merge_base() {
    let repo = applied_repo();
    repo.run_git(&["switch", "--quiet", "--create", "faster"]);
    repo.write_file("pipes/clicks.yaml", &tuned_manifest(2, 500));
    repo.commit_all("Read clicks faster");
    repo.run_git(&["switch", "--quiet", "main"]);
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", ""));
    repo.commit_all("Read views");
    repo.run_git(&["switch", "--quiet", "faster"]);
    let plan = repo.run_with_env(&["plan", "pipes", "-o", "json"], &[("PIPECTL_BASE", "main...")]);
    let json = plan.stdout_json();
    let changes = json["result"]["changes"].as_array().unwrap().clone();
    assert_eq!(changes.len(), 1, "{json:#}");
    assert_eq!(changes[0]["fields"][0]["path"], "scaling.replicas");
    assert_eq!(changes[0]["fields"][0]["verdict"], "change");
}

#[test]
fn base_follows_a_moved_folder() {
    let repo = applied_repo();
    repo.run_git(&["mv", "pipes", "ingest"]);
    repo.write_file("ingest/clicks.yaml", &tuned_manifest(2, 500));
    repo.commit_all("Move, and read faster");
    repo.edit_live_pipe("clicks", WAIT, json!(900));
    let plan = repo.run_successfully(&["plan", "ingest", "--base", "HEAD~1"]);
    assert!(plan.contains("~ clicks                                      update"), "{plan}");
    assert!(plan.contains("* settings.streaming_max_insert_wait_ms       git 500, live 900"), "{plan}");
}

/// The folders of two jobs: the document moves, and the file that it was in stays.
#[test]
fn base_follows_a_document_into_another_folder() {
    let repo = TestRepo::new();
    let (clicks, views) = (tuned_manifest(1, 500), kinesis_manifest("views", "", ""));
    repo.write_file("one/pipes.yaml", &format!("{clicks}\n---\n{views}"));
    repo.write_file("two/orders.yaml", &kinesis_manifest("orders", "", ""));
    repo.commit_all("Two jobs");
    repo.run_successfully(&["apply", "one", "two", "--yes"]);
    repo.edit_live_pipe("clicks", WAIT, json!(900));
    repo.write_file("one/pipes.yaml", &views);
    repo.write_file("two/clicks.yaml", &clicks);
    repo.commit_all("Move clicks to the other job");
    let plan = repo.run_successfully(&["plan", "two", "--base", "HEAD~1"]);
    assert!(plan.contains("git 500, live 900") && plan.contains("drift only"), "{plan}");
}

#[test]
fn base_reads_submodules_as_they_were() {
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
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD"]);
    assert!(plan.contains("git 500, live 900") && plan.contains("drift only"), "{plan}");
}

#[test]
fn base_follows_a_renamed_environment() {
    let repo = TestRepo::new();
    let project = |name: &str| {
        let other = "  other: {organization: 5a1c0d7e-1f2b-4c3d-8e9f-a0b1c2d3e4f5}\n";
        let own = format!("{{organization: {}, variables: {{stream: s}}}}", sandbox::ORGANIZATION);
        let head = "apiVersion: pipectl/v1\nkind: Project\nenvironments:\n";
        repo.write_file("pipectl.yaml", &format!("{head}{other}  {name}: {own}\n"));
    };
    project("live");
    let text = tuned_manifest(1, 500).replace("streamName: clicks", "streamName: \"${stream}\"");
    repo.write_file("pipes/clicks.yaml", &text);
    repo.commit_all("Read clicks");
    repo.run_successfully(&["apply", "pipes", "--yes", "-e", "live"]);
    project("prod");
    let text = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("pipectl.yaml")).unwrap();
    repo.write_file("pipectl.yaml", &text.replace("stream: s", "from: s"));
    let text = tuned_manifest(1, 500).replace("streamName: clicks", "streamName: \"${from}\"");
    repo.write_file("pipes/clicks.yaml", &text);
    repo.commit_all("Other names");
    repo.edit_live_pipe("clicks", WAIT, json!(900));
    let plan = repo.run_successfully(&["plan", "pipes", "-e", "prod", "--base", "HEAD~1"]);
    assert!(plan.contains("git 500, live 900"), "{plan}");
}

#[cfg(unix)]
#[test]
fn symlinked_manifests_are_read_from_their_target() {
    let repo = TestRepo::new();
    repo.write_file("shared/clicks.yaml", &tuned_manifest(1, 500));
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", ""));
    let pipes = repo.work_dir.temp_dir.path().join("pipes");
    for (link, to) in [("clicks.yml", "../shared/./clicks.yaml"), ("nowhere.yaml", "/nowhere.yaml")] {
        std::os::unix::fs::symlink(to, pipes.join(link)).unwrap();
    }
    repo.commit_all("Read clicks");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    let drift = repo.run_successfully(&["drift", "pipes"]);
    assert!(drift.contains("0 changed, 0 missing, 0 unmanaged; 2 in sync"), "{drift}");
    repo.write_file("shared/clicks.yaml", &tuned_manifest(2, 500));
    repo.edit_live_pipe("clicks", WAIT, json!(900));
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD"]);
    assert!(plan.contains("git 500, live 900"), "{plan}");
}

#[test]
fn mistakes_in_the_base_are_warnings_with_the_commit() {
    let repo = applied_repo();
    repo.write_file("pipes/old.yaml", "apiVersion: pipectl/v1\nkind: Nonsense\n");
    let commit = repo.commit_all("A mistake");
    repo.remove_file("pipes/old.yaml");
    repo.write_file("pipes/clicks.yaml", &tuned_manifest(2, 500));
    repo.commit_all("No mistake any more");
    let plan = repo.run_pipectl(&["plan", "pipes", "--base", "HEAD~1"]);
    assert_eq!(plan.code, 0, "{}", plan.all_output());
    assert!(plan.stderr.contains("warning"), "{}", plan.stderr);
    assert!(plan.stderr.contains(&format!("{commit}:pipes/old.yaml")), "{}", plan.stderr);
    assert!(plan.stdout.contains("1 to update"), "{}", plan.stdout);
}

/// One misspelt letter in the base must not set back what somebody changed by hand.
#[test]
fn mistake_in_the_base_keeps_drift() {
    let repo = applied_repo();
    repo.write_file("pipes/clicks.yaml", &tuned_manifest(1, 500).replace("scaling:", "scalign:"));
    repo.commit_all("A misspelt field");
    repo.write_file("pipes/clicks.yaml", &tuned_manifest(1, 500));
    repo.commit_all("Spelt right");
    repo.edit_live_pipe("clicks", WAIT, json!(900));
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD~1"]);
    assert!(plan.contains("drift only") && plan.contains("git 500, live 900"), "{plan}");

    repo.write_file("pipes/clicks.yaml", "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {name: [\n");
    repo.commit_all("Not YAML");
    repo.write_file("pipes/clicks.yaml", &tuned_manifest(1, 500));
    repo.commit_all("YAML again");
    let plan = repo.run_pipectl(&["plan", "pipes", "--base", "HEAD~1"]);
    assert_eq!(plan.code, 1, "{}", plan.all_output());
    assert!(plan.stderr.contains("none of the others declares `clicks`"), "{}", plan.stderr);
}

/// The name of before is a previous name in the manifest, and the name of the base.
#[test]
fn pipe_that_is_renamed_back_is_one_live_pipe() {
    let repo = TestRepo::new();
    let named = |name: &str, previous: &str| {
        let metadata = format!("  name: {name}\n  previousNames: [{previous}]\n");
        kinesis_manifest("old", "", "").replacen("  name: old\n", &metadata, 1)
    };
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("old", "", ""));
    repo.commit_all("Old");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    for (name, previous) in [("new", "old"), ("old", "new")] {
        repo.write_file("pipes/clicks.yaml", &named(name, previous));
        repo.commit_all(name);
        repo.run_successfully(&["apply", "pipes", "--yes", "--base", "HEAD~1"]);
        assert_eq!(repo.live_pipe_names(), [name]);
    }
}

/// An apply renamed the pipe and failed elsewhere, so that the base stayed. Then somebody reverts the commit.
#[test]
fn rename_of_a_commit_after_the_base_is_taken_back() {
    let repo = applied_repo();
    let renamed = tuned_manifest(1, 700).replacen("name: clicks", "name: visits\n  previousNames: [clicks]", 1);
    repo.write_file("pipes/clicks.yaml", &renamed);
    repo.commit_all("Rename");
    repo.run_successfully(&["apply", "pipes", "--yes", "--base", "HEAD~1"]);
    repo.write_file("pipes/clicks.yaml", &tuned_manifest(1, 500));
    repo.commit_all("Revert \"Rename\"");
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD~2"]);
    assert!(plan.contains("rename from `visits`") && plan.contains("700 -> 500   # change"), "{plan}");
    repo.run_successfully(&["apply", "pipes", "--yes", "--base", "HEAD~2", "--prune=git"]);
    assert_eq!(repo.live_pipe_names(), ["clicks"]);
    assert_eq!(repo.live("clicks", WAIT), json!(500));
}

/// The base stays while no apply succeeds, so two renames are one to the third name.
#[test]
fn chain_of_renames_after_the_base_is_one_rename() {
    let repo = applied_repo();
    for (name, previous) in [("visits", "clicks"), ("views", "visits")] {
        let metadata = format!("name: {name}\n  previousNames: [{previous}]");
        repo.write_file("pipes/clicks.yaml", &tuned_manifest(1, 700).replacen("name: clicks", &metadata, 1));
        repo.commit_all(name);
    }
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD~2"]);
    assert!(plan.contains("rename from `clicks`") && plan.contains("0 to create"), "{plan}");
    repo.run_successfully(&["apply", "pipes", "--yes", "--base", "HEAD~2"]);
    assert_eq!(repo.live_pipe_names(), ["views"]);
}

/// An apply renamed the pipe and failed elsewhere. A later commit no longer lists its previous name.
#[test]
fn base_of_a_renamed_pipe_holds_after_its_previous_name_is_dropped() {
    let repo = applied_repo();
    let named = |names: &str, spec: &str| {
        let manifest = tuned_manifest(1, 500).replacen("name: clicks", names, 1);
        manifest.replacen("spec:\n", &format!("spec:\n{spec}"), 1)
    };
    repo.write_file("pipes/clicks.yaml", &named("name: clicks", "  protect: true\n"));
    repo.commit_all("Protect");
    let base = repo.run_git(&["rev-parse", "HEAD"]);
    repo.write_file("pipes/clicks.yaml", &named("name: visits\n  previousNames: [clicks]", "  protect: true\n"));
    repo.commit_all("Rename");
    repo.run_successfully(&["apply", "pipes", "--yes", "--base", &base]);
    repo.edit_live_pipe("visits", WAIT, json!(900));
    repo.write_file("pipes/clicks.yaml", &named("name: visits", "  protect: true\n"));
    repo.commit_all("Drop the previous name");
    let plan = repo.run_successfully(&["plan", "pipes", "--base", &base]);
    assert!(plan.contains("No changes to apply. Drift is listed above."), "{plan}");

    let absent = "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {name: visits, service: analytics}\n";
    repo.write_file("pipes/clicks.yaml", &format!("{absent}spec: {{state: absent}}\n"));
    repo.commit_all("Delete it");
    let plan = repo.run_successfully(&["plan", "pipes", "--base", &base]);
    assert!(plan.contains("\n      it is protected") && plan.contains("0 to delete"), "{plan}");
}

/// A rename that no apply did, and a new pipe of the name before: nobody can tell whose the live pipe is.
#[test]
fn name_that_a_rename_frees_is_not_given_away_before_the_rename() {
    let repo = applied_repo();
    let renamed = |names: &str| tuned_manifest(1, 500).replacen("name: clicks", names, 1);
    repo.write_file("pipes/clicks.yaml", &renamed("name: visits\n  previousNames: [clicks]"));
    repo.commit_all("Rename");
    let rename = repo.run_git(&["rev-parse", "HEAD"]);
    repo.write_file("pipes/clicks.yaml", &renamed("name: visits"));
    let other = tuned_manifest(1, 500).replace("streamName: clicks", "streamName: other");
    repo.write_file("pipes/new.yaml", &other.replace("table: clicks", "table: other"));
    repo.commit_all("A new pipe of the name");
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD~2"]);
    assert!(plan.contains("0 to create, 0 to update, 0 to replace, 0 to delete, 2 blocked"), "{plan}");
    assert!(plan.contains("a commit since the base renamed it, and no apply has run for it yet"), "{plan}");
    // As the plan says.
    repo.run_git(&["checkout", "--quiet", &rename]);
    repo.run_successfully(&["apply", "pipes", "--yes", "--base", "HEAD~1"]);
    repo.run_git(&["checkout", "--quiet", "-"]);
    repo.run_successfully(&["apply", "pipes", "--yes", "--base", "HEAD~2"]);
    assert_eq!(repo.live_pipe_names(), ["clicks", "visits"]);
}

/// The last commit takes back two renames of which an apply did the second.
#[test]
fn revert_of_a_chain_of_renames_renames_back() {
    let repo = applied_repo();
    for names in ["visits\n  previousNames: [clicks]", "views\n  previousNames: [visits]"] {
        let manifest = tuned_manifest(1, 500).replacen("name: clicks", &format!("name: {names}"), 1);
        repo.write_file("pipes/clicks.yaml", &manifest);
        repo.commit_all(names);
    }
    repo.run_successfully(&["apply", "pipes", "--yes", "--base", "HEAD~2"]);
    assert_eq!(repo.live_pipe_names(), ["views"]);
    repo.write_file("pipes/clicks.yaml", &tuned_manifest(1, 500));
    repo.commit_all("Revert both");
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD~3"]);
    assert!(plan.contains("rename from `views`") && plan.contains("0 to create"), "{plan}");
    repo.run_successfully(&["apply", "pipes", "--yes", "--base", "HEAD~3"]);
    assert_eq!(repo.live_pipe_names(), ["clicks"]);
}
