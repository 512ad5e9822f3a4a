//! Deleting what nobody declares, where the project says that git is all there is.

use crate::support::repo::{Repo, pipe};
use insta::assert_snapshot;

const SCOPE: [&str; 3] = ["apply", "--prune=scope", "--yes"];

/// A project with this policy, two declared pipes, and three that somebody made by hand.
fn project(policy: &str) -> Repo {
    let repo = Repo::new();
    for name in ["team-clicks", "team-views"] {
        repo.write(&format!("pipes/{name}.yaml"), &pipe(name, "", ""));
    }
    let byhand = ["team-trial", "team-kept", "other"].map(|name| pipe(name, "", ""));
    repo.write("byhand.yaml", &byhand.join("---\n"));
    repo.done(&["apply", "pipes", "byhand.yaml", "--yes"]);
    repo.remove("byhand.yaml");
    repo.write(
        "pipectl.yaml",
        &format!("apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\npolicy: {policy}\n"),
    );
    repo
}

#[test]
fn what_is_in_scope_and_undeclared_goes_and_nothing_else() {
    let repo = project("{pruneScope: ['analytics/team-*'], protect: ['*/team-kept']}");
    let plan = repo.done(&["plan", "--prune=scope"]);
    let plan: Vec<&str> = plan.lines().take_while(|line| !line.starts_with("Plan:")).collect();
    assert_snapshot!(plan.join("\n"), @"
    analytics                                       4 objects
      ! team-kept                                   blocked: it is protected: take `*/team-kept` out of `policy.protect` in pipectl.yaml before deleting it
      - team-trial                                  delete (no manifest declares it, and it is in the prune scope `analytics/team-*`)
            actions: delete, wait until gone
            data:  table `default.team-trial` stays; drop it yourself if it is not wanted
    ");
    assert_eq!(repo.run(&SCOPE).code, 5, "one of them is protected");
    assert_eq!(repo.pipes(), ["other", "team-clicks", "team-kept", "team-views"]);
}

#[test]
fn the_project_file_may_ask_for_it_and_a_scope_without_it_does_nothing() {
    let repo = project("{pruneScope: ['analytics/team-*']}");
    repo.done(&["apply", "--yes"]);
    assert_eq!(repo.pipes().len(), 5);
    repo.write(
        "pipectl.yaml",
        "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]
policy: {prune: scope, pruneScope: ['analytics/team-*'], maxDelete: 1}\n",
    );
    let said = repo.run(&["apply", "--yes"]);
    assert!(said.code == 5 && said.stderr.contains("--allow-delete"), "{}", said.all());
    assert_eq!(repo.pipes().len(), 5);
    repo.done(&["apply", "--yes", "--allow-delete", "team-kept"]);
    assert_eq!(repo.pipes(), ["other", "team-clicks", "team-views"]);
}

#[test]
fn without_a_scope_it_is_a_usage_error() {
    for policy in ["{prune: never}", "{pruneScope: []}"] {
        let repo = project(policy);
        let said = repo.run(&SCOPE);
        assert!(said.code == 64 && said.stderr.contains("pruneScope"), "{}", said.all());
        assert_eq!(repo.pipes().len(), 5);
    }
}

#[test]
fn a_part_prunes_nothing_and_an_empty_folder_is_a_mistake() {
    let repo = project("{pruneScope: ['*']}");
    let said = repo.run(&["apply", "--prune=scope", "--yes", "--only", "team-clicks"]);
    assert!(said.stderr.contains("nothing is pruned"), "{}", said.all());
    repo.remove("pipes/team-clicks.yaml");
    repo.remove("pipes/team-views.yaml");
    assert_eq!(repo.run(&SCOPE).code, 1);
    std::fs::remove_dir(repo.desk.folder.path().join("pipes")).unwrap();
    assert_eq!(repo.run(&SCOPE).code, 1);
    assert_eq!(repo.pipes().len(), 5);
}

#[test]
fn a_file_that_is_named_does_not_condemn_the_others() {
    let repo = project("{prune: scope, pruneScope: ['analytics/team-*']}");
    let said = repo.run(&["apply", "pipes/team-clicks.yaml", "--yes"]);
    assert!(said.stderr.contains("only a part of the project's manifests"), "{}", said.all());
    assert_eq!(repo.pipes().len(), 5);
    repo.done(&["apply", "./", "--yes"]);
    assert_eq!(repo.pipes(), ["other", "team-clicks", "team-views"]);
}

#[test]
fn without_the_manifests_of_the_project_it_is_a_usage_error() {
    let repo = project("{}");
    repo.write(
        "pipectl.yaml",
        "apiVersion: pipectl/v1\nkind: Project\npolicy: {pruneScope: ['analytics/team-*']}\n",
    );
    let said = repo.run(&["apply", "pipes", "--prune=scope", "--yes"]);
    assert!(said.code == 64 && said.stderr.contains("`manifests`"), "{}", said.all());
    assert_eq!(repo.pipes().len(), 5);
}

#[test]
fn a_service_in_which_nothing_is_declared_any_more_is_reached() {
    let repo = project("{pruneScope: ['lake/*']}");
    repo.write("lone.yaml", &pipe("lone", "", "").replace("service: analytics", "service: lake"));
    repo.done(&["apply", "lone.yaml", "--yes"]);
    repo.done(&SCOPE);
    assert_eq!(repo.world(|world| world.pipes("lake")).len(), 1, "nobody speaks of that service");
    let id = repo.world(|world| world.ensure_service("lake"));
    repo.write(
        "pipectl.yaml",
        &format!(
            "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]
defaults: {{environment: only}}
environments: {{only: {{services: {{lake: {id}}}}}}}
policy: {{prune: scope, pruneScope: ['lake/*']}}\n"
        ),
    );
    repo.done(&["apply", "--yes"]);
    assert!(repo.world(|world| world.pipes("lake")).is_empty());
    assert_eq!(repo.pipes().len(), 5);
}
