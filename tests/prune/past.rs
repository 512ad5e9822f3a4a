//! What was declared once is told by how it was meant then, wherever it stood.

use super::{PRUNE, applied};
use crate::support::repo::{Repo, pipe};
use crate::support::server::Server;

#[test]
fn a_folder_is_followed_to_where_it_stood_before() {
    let repo = applied(&["clicks", "views", "orders", "taps"]);
    repo.write("team/demo.yaml", &pipe("demo", "", ""));
    repo.commit("Somebody else's");
    repo.remove("team/demo.yaml");
    repo.remove("pipes/taps.yaml");
    repo.commit("Neither is wanted");
    repo.git(&["mv", "pipes", "ingest"]);
    repo.remove("ingest/views.yaml");
    repo.commit("Move, and no views");
    std::fs::create_dir(repo.desk.folder.path().join("data")).unwrap();
    repo.git(&["mv", "ingest", "data/pipes"]);
    repo.commit("Move again");
    // What is there now under the first name is about something else.
    repo.write("pipes/byhand.yaml", &pipe("byhand", "", ""));
    repo.commit("An example");
    repo.remove("pipes/byhand.yaml");
    repo.commit("No example");
    repo.remove("data/pipes/orders.yaml");
    repo.commit("No orders");
    repo.write("live.yaml", &pipe("demo", "", ""));
    repo.done(&["apply", "live.yaml", "--yes"]);
    repo.remove("live.yaml");
    let said = repo.done(&["apply", "data/pipes", "--prune=git", "--yes"]);
    assert_eq!(repo.pipes(), ["byhand", "clicks", "demo"], "{said}");
}

#[test]
fn what_moved_out_of_the_folder_is_not_removed() {
    let repo = applied(&["clicks", "views"]);
    repo.git(&["mv", "pipes/views.yaml", "views.yaml"]);
    repo.commit("Views are somebody else's");
    repo.done(&PRUNE);
    assert_eq!(repo.pipes(), ["byhand", "clicks", "views"]);
}

#[test]
fn a_removal_that_is_not_committed_proves_nothing() {
    let repo = applied(&["clicks", "views"]);
    repo.remove("pipes/views.yaml");
    repo.done(&PRUNE);
    assert_eq!(repo.pipes(), ["byhand", "clicks", "views"]);
}

#[test]
fn what_the_last_commit_declares_is_not_gone_whatever_was_removed_before() {
    let repo = applied(&["clicks", "views"]);
    repo.remove("pipes/views.yaml");
    repo.commit("Views are history");
    repo.git(&["revert", "--no-edit", "HEAD"]);
    repo.remove("pipes/views.yaml");
    repo.done(&PRUNE);
    assert_eq!(repo.pipes(), ["byhand", "clicks", "views"]);
    let commit = repo.commit("Views are history after all");
    let said = repo.done(&PRUNE);
    assert!(said.contains(&format!("removed by {commit}")), "{said}");
    assert_eq!(repo.pipes(), ["byhand", "clicks"]);
}

#[test]
fn a_mistake_in_a_manifest_is_no_removal_and_lifts_no_protection() {
    let repo = applied(&["clicks", "views", "orders"]);
    for name in ["views", "orders"] {
        repo.write(&format!("pipes/{name}.yaml"), &pipe(name, "", "  protect: true\n  wobble: 1"));
    }
    repo.commit("Oops");
    repo.write("pipes/orders.yaml", &pipe("orders", "", "  wobble: 1"));
    repo.commit("Let go of orders");
    repo.remove("pipes/views.yaml");
    repo.remove("pipes/orders.yaml");
    let commit = repo.commit("No views, no orders");
    let said = repo.run(&PRUNE);
    assert_eq!(said.code, 5, "{}", said.all());
    let removed = format!("its manifest was removed by {commit} (No views, no orders)");
    assert_eq!(said.stdout.matches(&removed).count(), 2, "{}", said.stdout);
    assert_eq!(repo.pipes(), ["byhand", "clicks", "views"]);
}

#[test]
fn what_either_side_of_a_merge_protected_stays_protected() {
    let repo = applied(&["clicks", "views"]);
    repo.git(&["switch", "--quiet", "--create", "fewer"]);
    repo.remove("pipes/views.yaml");
    repo.commit("Views are history");
    repo.git(&["switch", "--quiet", "main"]);
    repo.write("pipes/views.yaml", &pipe("views", "", "  protect: true"));
    repo.commit("Keep views");
    repo.git(&["merge", "--quiet", "--no-commit", "--strategy=ours", "fewer"]);
    repo.remove("pipes/views.yaml");
    repo.commit("Both of them");
    assert_eq!(repo.run(&PRUNE).code, 5);
    assert_eq!(repo.pipes(), ["byhand", "clicks", "views"]);
}

#[test]
fn what_a_manifest_meant_is_told_by_the_project_file_of_its_time() {
    let project = |variables: &str| {
        format!(
            "apiVersion: pipectl/v1\nkind: Project\ndefaults: {{environment: one}}\n\
             environments:\n  one: {{organization: {}, variables: {{{variables}}}}}\n",
            sandbox::ORGANIZATION
        )
    };
    let repo = Repo::new();
    repo.write("pipectl.yaml", &project("stream: s, suffix: v1"));
    let of = |name: &str| {
        pipe(name, "", "").replace(&format!("streamName: {name}"), "streamName: \"${stream}\"")
    };
    repo.write("pipes/clicks.yaml", &pipe("clicks", "", ""));
    repo.write("pipes/views.yaml", &of("views"));
    repo.write(
        "pipes/orders.yaml",
        &pipe("orders", "", "").replace("name: orders", "name: \"orders-${suffix}\""),
    );
    repo.commit("Begin to read");
    repo.done(&["apply", "pipes", "--yes"]);
    assert_eq!(repo.pipes(), ["clicks", "orders-v1", "views"]);
    repo.remove("pipes/views.yaml");
    repo.remove("pipes/orders.yaml");
    repo.write("pipectl.yaml", &project("suffix: v2"));
    repo.commit("No views, and so no stream");
    repo.done(&PRUNE);
    assert_eq!(repo.pipes(), ["clicks"]);
}

#[test]
fn a_service_is_the_same_whatever_it_is_called() {
    let server = Server::serving(1000, &["analytics", "lake"]);
    let mut world = sandbox::World::new(sandbox::Options::default());
    let [analytics, lake] = ["analytics", "lake"].map(|name| world.ensure_service(name));
    let repo = Repo::new();
    let services = |services: &str| {
        let environment =
            format!("{{organization: {}, services: {{{services}}}}}", sandbox::ORGANIZATION);
        let project = format!(
            "apiVersion: pipectl/v1\nkind: Project\ndefaults: {{environment: one}}\nenvironments: {{one: {environment}}}\n"
        );
        repo.write("pipectl.yaml", &project);
    };
    let environment = server.environment();
    let environment: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain([("P", "s")])
        .collect();
    let run = |args: &[&str]| {
        let path = crate::support::repo::path();
        let all =
            [environment.as_slice(), &[("PATH", path.as_str()), ("GIT_CONFIG_NOSYSTEM", "1")]];
        let said = repo.desk.run_with(args, &all.concat());
        assert_eq!(said.code, 0, "{args:?}: {}", said.all());
        said.stdout
    };
    let main = |name: &str| pipe(name, "", "").replace("service: analytics", "service: main");
    services(&format!("main: {analytics}"));
    for name in ["clicks", "views", "orders"] {
        repo.write(&format!("pipes/{name}.yaml"), &main(name));
    }
    repo.commit("Begin to read");
    run(&["apply", "pipes", "--yes"]);
    repo.remove("pipes/views.yaml");
    repo.commit("Views are history");
    // From here on `main` is another service, in which somebody made pipes of the old names.
    services(&format!("first: {analytics}, main: {lake}"));
    let first = |name: &str| pipe(name, "", "").replace("service: analytics", "service: first");
    repo.write("pipes/clicks.yaml", &first("clicks"));
    repo.write("pipes/orders.yaml", &first("orders"));
    repo.write("pipes/keeper.yaml", &main("keeper"));
    let moved = repo.commit("A service more");
    let by_hand = repo.desk.write("byhand.yaml", main("views") + "---\n" + &main("orders"));
    run(&["apply", "byhand.yaml", "--yes"]);
    std::fs::remove_file(by_hand).unwrap();

    let base = run(&["plan", "pipes", "--base", &format!("{moved}~1")]);
    assert!(
        base.contains("1 to create, 0 to update, 0 to replace, 0 to delete.  2 unchanged"),
        "{base}"
    );
    let plan = run(&["plan", "pipes", "--prune=git"]);
    assert!(plan.contains("1 to delete"), "{plan}");
    let (in_first, _) = plan.split_once("main  ").unwrap();
    assert!(in_first.contains("- views"), "{plan}");
}

#[test]
fn a_folder_of_another_environment_keeps_nothing_in_this_one() {
    let repo = applied(&["clicks", "views"]);
    for environment in ["staging", "prod"] {
        for name in ["clicks", "views"] {
            repo.write(&format!("of/{environment}/{name}.yaml"), &pipe(name, "", ""));
        }
    }
    repo.commit("A folder for each environment");
    repo.remove("of/staging/views.yaml");
    repo.commit("No views in staging");
    let prune = |project: &str| {
        repo.write("pipectl.yaml", &format!("apiVersion: pipectl/v1\nkind: Project\n{project}"));
        repo.run(&["plan", "of/staging", "--prune=git", "-e", "staging"])
    };
    let organization = sandbox::ORGANIZATION;
    let other = "5a1c0d7e-1f2b-4c3d-8e9f-a0b1c2d3e4f5";
    // `pipes` declares them, too, and is nobody's folder.
    let kept = prune(&format!("environments: {{staging: {{organization: {organization}}}}}\n"));
    assert!(kept.stdout.contains("No changes"), "{}", kept.all());
    assert!(kept.stderr.contains("analytics/views is not pruned: "), "{}", kept.all());
    repo.git(&["rm", "--quiet", "-r", "pipes"]);
    repo.commit("No folder of nobody");
    let same = prune(&format!(
        "environments: {{staging: {{organization: {organization}}}, prod: {{organization: {organization}}}}}\n"
    ));
    assert!(same.stderr.contains("not pruned: of/prod/views.yaml declares it"), "{}", same.all());
    let apart = prune(&format!(
        "environments: {{staging: {{organization: {organization}}}, prod: {{organization: {other}}}}}\n"
    ));
    assert!(apart.stdout.contains("1 to delete"), "{}", apart.all());
    let services = prune(&format!(
        "environments: {{staging: {{organization: {organization}}}, \
         prod: {{organization: {organization}, services: {{analytics: {other}}}}}}}\n"
    ));
    assert!(services.stdout.contains("1 to delete"), "{}", services.all());
}
