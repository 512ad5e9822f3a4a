//! Deleting what nobody declares, where the project says that git is all there is.

use crate::support::test_repo::{TestRepo, kinesis_manifest};
use insta::assert_snapshot;

const SCOPE: [&str; 3] = ["apply", "--prune=scope", "--yes"];

/// A project with this policy, two declared pipes, and three that somebody made by hand.
fn project_repo(policy: &str) -> TestRepo {
    let repo = TestRepo::new();
    for name in ["team-clicks", "team-views"] {
        repo.write_file(&format!("pipes/{name}.yaml"), &kinesis_manifest(name, "", ""));
    }
    let byhand = ["team-trial", "team-kept", "other"].map(|name| kinesis_manifest(name, "", ""));
    repo.write_file("byhand.yaml", &byhand.join("---\n"));
    repo.run_successfully(&["apply", "pipes", "byhand.yaml", "--yes"]);
    repo.remove_file("byhand.yaml");
    repo.write_file(
        "pipectl.yaml",
        &format!("apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\npolicy: {policy}\n"),
    );
    repo
}

#[test]
fn prune_scope_deletes_only_undeclared_pipes_in_scope() {
    let repo = project_repo("{pruneScope: ['analytics/team-*'], protect: ['*/team-kept']}");
    let plan = repo.run_successfully(&["plan", "--prune=scope"]);
    let plan: Vec<&str> = plan.lines().take_while(|line| !line.starts_with("Plan:")).collect();
    assert_snapshot!(plan.join("\n"), @"
    organization 0c11c4b0-05ed-4a0b-9b0c-5a4db0c50000

    analytics (f2de67ed-05c6-471e-9716-ebc3290286aa)  4 objects
      ! team-kept                                   blocked; see below
      - team-trial                                  delete (no manifest declares it, and it is in the prune scope `analytics/team-*`)
            actions: delete, wait until gone
            data:  table `default.team-trial` is kept; drop it yourself if you do not need it
    ");
    assert_eq!(repo.run_pipectl(&SCOPE).code, 5, "one of them is protected");
    assert_eq!(repo.live_pipe_names(), ["other", "team-clicks", "team-kept", "team-views"]);
}

#[test]
fn prune_scope_must_be_enabled_in_the_project_file() {
    let repo = project_repo("{pruneScope: ['analytics/team-*']}");
    repo.run_successfully(&["apply", "--yes"]);
    assert_eq!(repo.live_pipe_names().len(), 5);
    repo.write_file(
        "pipectl.yaml",
        "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]
policy: {prune: scope, pruneScope: ['analytics/team-*'], maxDelete: 1}\n",
    );
    let said = repo.run_pipectl(&["apply", "--yes"]);
    assert!(said.code == 5 && said.stderr.contains("--allow-delete"), "{}", said.all_output());
    assert_eq!(repo.live_pipe_names().len(), 5);
    repo.run_successfully(&["apply", "--yes", "--allow-delete", "analytics/team-kept"]);
    assert_eq!(repo.live_pipe_names(), ["other", "team-clicks", "team-views"]);
}

#[test]
fn prune_scope_without_a_scope_is_a_usage_error() {
    for policy in ["{prune: never}", "{pruneScope: []}"] {
        let repo = project_repo(policy);
        let said = repo.run_pipectl(&SCOPE);
        assert!(said.code == 64 && said.stderr.contains("pruneScope"), "{}", said.all_output());
        assert_eq!(repo.live_pipe_names().len(), 5);
    }
}

#[test]
fn partial_or_empty_selection_prunes_nothing() {
    let repo = project_repo("{pruneScope: ['*']}");
    let said = repo.run_pipectl(&["apply", "--prune=scope", "--yes", "--only", "team-clicks"]);
    assert!(said.stderr.contains("nothing is pruned"), "{}", said.all_output());
    repo.remove_file("pipes/team-clicks.yaml");
    repo.remove_file("pipes/team-views.yaml");
    assert_eq!(repo.run_pipectl(&SCOPE).code, 1);
    std::fs::remove_dir(repo.work_dir.temp_dir.path().join("pipes")).unwrap();
    assert_eq!(repo.run_pipectl(&SCOPE).code, 1);
    assert_eq!(repo.live_pipe_names().len(), 5);
}

#[test]
fn single_manifest_path_prunes_nothing() {
    let repo = project_repo("{prune: scope, pruneScope: ['analytics/team-*']}");
    let said = repo.run_pipectl(&["apply", "pipes/team-clicks.yaml", "--yes"]);
    assert!(said.stderr.contains("only a part of the project's manifests"), "{}", said.all_output());
    assert_eq!(repo.live_pipe_names().len(), 5);
    repo.run_successfully(&["apply", "./", "--yes", "--allow-delete=analytics/team-kept"]);
    assert_eq!(repo.live_pipe_names(), ["other", "team-clicks", "team-views"]);
}

#[test]
fn prune_scope_without_manifests_is_a_usage_error() {
    let repo = project_repo("{}");
    repo.write_file(
        "pipectl.yaml",
        "apiVersion: pipectl/v1\nkind: Project\npolicy: {pruneScope: ['analytics/team-*']}\n",
    );
    let said = repo.run_pipectl(&["apply", "pipes", "--prune=scope", "--yes"]);
    assert!(said.code == 64 && said.stderr.contains("`manifests`"), "{}", said.all_output());
    assert_eq!(repo.live_pipe_names().len(), 5);
}

#[test]
fn prune_scope_covers_services_named_in_the_environment() {
    let repo = project_repo("{pruneScope: ['lake/*']}");
    repo.write_file("lone.yaml", &kinesis_manifest("lone", "", "").replace("service: analytics", "service: lake"));
    repo.run_successfully(&["apply", "lone.yaml", "--yes"]);
    repo.run_successfully(&SCOPE);
    assert_eq!(repo.edit_world(|world| world.list_pipes("lake")).len(), 1, "nobody speaks of that service");
    let id = repo.edit_world(|world| world.ensure_service("lake"));
    repo.write_file(
        "pipectl.yaml",
        &format!(
            "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]
defaults: {{environment: only}}
environments: {{only: {{services: {{lake: {id}}}}}}}
policy: {{prune: scope, pruneScope: ['lake/*']}}\n"
        ),
    );
    repo.run_successfully(&["apply", "--yes"]);
    assert!(repo.edit_world(|world| world.list_pipes("lake")).is_empty());
    assert_eq!(repo.live_pipe_names().len(), 5);
}
