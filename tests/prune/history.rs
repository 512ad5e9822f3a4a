//! What was declared once is told by how it was meant then, wherever it stood.

use super::{PRUNE, applied};
use crate::support::server::SandboxServer;
use crate::support::test_repo::{TestRepo, kinesis_manifest};

#[test]
fn pruning_follows_a_moved_folder() {
    let repo = applied(&["clicks", "views", "orders", "taps"]);
    repo.write_file("team/demo.yaml", &kinesis_manifest("demo", "", ""));
    repo.commit_all("Somebody else's");
    repo.remove_file("team/demo.yaml");
    repo.remove_file("pipes/taps.yaml");
    repo.commit_all("Neither is wanted");
    repo.run_git(&["mv", "pipes", "ingest"]);
    repo.remove_file("ingest/views.yaml");
    repo.commit_all("Move, and no views");
    std::fs::create_dir(repo.work_dir.temp_dir.path().join("data")).unwrap();
    repo.run_git(&["mv", "ingest", "data/pipes"]);
    repo.commit_all("Move again");
    // What is there now under the first name is about something else.
    repo.write_file("pipes/byhand.yaml", &kinesis_manifest("byhand", "", ""));
    repo.commit_all("An example");
    repo.remove_file("pipes/byhand.yaml");
    repo.commit_all("No example");
    repo.remove_file("data/pipes/orders.yaml");
    repo.commit_all("No orders");
    repo.write_file("live.yaml", &kinesis_manifest("demo", "", ""));
    repo.run_successfully(&["apply", "live.yaml", "--yes"]);
    repo.remove_file("live.yaml");
    let prune = ["apply", "data/pipes", "--prune=git", "--yes", "--allow-delete=glob:analytics/*"];
    let said = repo.run_successfully(&prune);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "demo"], "{said}");
}

#[test]
fn pipe_moved_out_of_the_folder_is_not_pruned() {
    let repo = applied(&["clicks", "views"]);
    repo.run_git(&["mv", "pipes/views.yaml", "views.yaml"]);
    repo.commit_all("Views are somebody else's");
    repo.run_successfully(&PRUNE);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "views"]);
}

#[test]
fn uncommitted_removal_prunes_nothing() {
    let repo = applied(&["clicks", "views"]);
    repo.remove_file("pipes/views.yaml");
    repo.run_successfully(&PRUNE);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "views"]);
}

#[test]
fn pipe_declared_at_head_is_not_pruned() {
    let repo = applied(&["clicks", "views"]);
    repo.remove_file("pipes/views.yaml");
    repo.commit_all("Views are history");
    repo.run_git(&["revert", "--no-edit", "HEAD"]);
    repo.remove_file("pipes/views.yaml");
    repo.run_successfully(&PRUNE);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "views"]);
    let commit = repo.commit_all("Views are history after all");
    let said = repo.run_successfully(&PRUNE);
    assert!(said.contains(&format!("removed by {commit}")), "{said}");
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks"]);
}

#[test]
fn invalid_manifest_neither_removes_nor_unprotects() {
    let repo = applied(&["clicks", "views", "orders"]);
    for name in ["views", "orders"] {
        repo.write_file(&format!("pipes/{name}.yaml"), &kinesis_manifest(name, "", "  protect: true\n  wobble: 1"));
    }
    repo.commit_all("Oops");
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", "  wobble: 1"));
    repo.commit_all("Let go of orders");
    repo.remove_file("pipes/views.yaml");
    repo.remove_file("pipes/orders.yaml");
    let commit = repo.commit_all("No views, no orders");
    let said = repo.run_pipectl(&PRUNE);
    assert_eq!(said.code, 5, "{}", said.all_output());
    let removed = format!("its manifest was removed by {commit} (No views, no orders)");
    assert_eq!(said.stdout.matches(&removed).count(), 2, "{}", said.stdout);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "views"]);
}

#[test]
fn protection_on_either_side_of_a_merge_counts() {
    let repo = applied(&["clicks", "views"]);
    repo.run_git(&["switch", "--quiet", "--create", "fewer"]);
    repo.remove_file("pipes/views.yaml");
    repo.commit_all("Views are history");
    repo.run_git(&["switch", "--quiet", "main"]);
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", "  protect: true"));
    repo.commit_all("Keep views");
    repo.run_git(&["merge", "--quiet", "--no-commit", "--strategy=ours", "fewer"]);
    repo.remove_file("pipes/views.yaml");
    repo.commit_all("Both of them");
    assert_eq!(repo.run_pipectl(&PRUNE).code, 5);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "views"]);
}

/// A branch cannot prove by itself that somebody else's pipe may go.
#[test]
fn manifest_that_only_a_branch_declared_proves_nothing() {
    let repo = applied(&["clicks"]);
    let base = repo.commit_all("Applied");
    repo.run_git(&["switch", "--quiet", "--create", "attack"]);
    repo.write_file("pipes/byhand.yaml", &kinesis_manifest("byhand", "", ""));
    repo.commit_all("Add");
    repo.remove_file("pipes/byhand.yaml");
    repo.commit_all("Remove");
    repo.run_git(&["switch", "--quiet", "main"]);
    repo.run_git(&["merge", "--quiet", "--no-ff", "--no-edit", "attack"]);
    repo.run_successfully(&PRUNE);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks"]);
    // After a fast-forward the branch's commits are those of main; the base says what was applied.
    repo.run_git(&["reset", "--quiet", "--hard", "attack"]);
    repo.run_successfully(&[&PRUNE[..], &["--base", &base]].concat());
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks"]);
    repo.run_git(&["rm", "--quiet", "pipes/clicks.yaml"]);
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", ""));
    repo.commit_all("Views for clicks");
    repo.run_successfully(&[&PRUNE[..], &["--base", &base]].concat());
    assert_eq!(repo.live_pipe_names(), ["byhand", "views"]);
}

#[test]
fn pruning_needs_every_submodule_below_the_manifests() {
    let team = TestRepo::new();
    team.write_file("views.yaml", &kinesis_manifest("views", "", ""));
    team.commit_all("Views");
    let repo = applied(&["clicks", "views"]);
    repo.remove_file("pipes/views.yaml");
    let from = team.work_dir.temp_dir.path().display().to_string();
    let add = ["submodule", "--quiet", "add", &from, "pipes/team"];
    repo.run_git(&[&["-c", "protocol.file.allow=always"][..], &add].concat());
    repo.commit_all("Views are in the team's repository");
    repo.run_successfully(&PRUNE);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "views"]);
    repo.run_git(&["submodule", "--quiet", "deinit", "--force", "pipes/team"]);
    let said = repo.run_pipectl(&PRUNE);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stderr.contains("not checked out: pipes/team. Fetch them"), "{}", said.stderr);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "views"]);
}

#[test]
fn old_manifests_use_the_project_file_of_their_commit() {
    let project = |variables: &str| {
        format!(
            "apiVersion: pipectl/v1\nkind: Project\ndefaults: {{environment: one}}\n\
             environments:\n  one: {{organization: {}, variables: {{{variables}}}}}\n",
            sandbox::ORGANIZATION
        )
    };
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", &project("stream: s, suffix: v1"));
    let of = |name: &str| {
        kinesis_manifest(name, "", "").replace(&format!("streamName: {name}"), "streamName: \"${stream}\"")
    };
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    repo.write_file("pipes/views.yaml", &of("views"));
    repo.write_file(
        "pipes/orders.yaml",
        &kinesis_manifest("orders", "", "").replace("name: orders", "name: \"orders-${suffix}\""),
    );
    repo.commit_all("Begin to read");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    assert_eq!(repo.live_pipe_names(), ["clicks", "orders-v1", "views"]);
    repo.remove_file("pipes/views.yaml");
    repo.remove_file("pipes/orders.yaml");
    repo.write_file("pipectl.yaml", &project("suffix: v2"));
    repo.commit_all("No views, and so no stream");
    repo.run_successfully(&[&PRUNE[..], &["--allow-delete=analytics/views"]].concat());
    assert_eq!(repo.live_pipe_names(), ["clicks"]);
}

#[test]
fn renamed_service_alias_is_the_same_service() {
    let server = SandboxServer::start_with_services(1000, &["analytics", "lake"]);
    let mut world = sandbox::World::new(sandbox::SandboxOptions::default());
    let [analytics, lake] = ["analytics", "lake"].map(|name| world.ensure_service(name));
    let repo = TestRepo::new();
    let services = |services: &str| {
        let environment = format!("{{organization: {}, services: {{{services}}}}}", sandbox::ORGANIZATION);
        let project = format!(
            "apiVersion: pipectl/v1\nkind: Project\ndefaults: {{environment: one}}\nenvironments: {{one: {environment}}}\n"
        );
        repo.write_file("pipectl.yaml", &project);
    };
    let environment = server.client_environment();
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).chain([("P", "s")]).collect();
    let run = |args: &[&str]| {
        let path = crate::support::test_repo::path_variable();
        let all = [environment.as_slice(), &[("PATH", path.as_str()), ("GIT_CONFIG_NOSYSTEM", "1")]];
        let said = repo.work_dir.run_with_env(args, &all.concat());
        assert_eq!(said.code, 0, "{args:?}: {}", said.all_output());
        said.stdout
    };
    let main = |name: &str| kinesis_manifest(name, "", "").replace("service: analytics", "service: main");
    services(&format!("main: {analytics}"));
    for name in ["clicks", "views", "orders"] {
        repo.write_file(&format!("pipes/{name}.yaml"), &main(name));
    }
    repo.commit_all("Begin to read");
    run(&["apply", "pipes", "--yes"]);
    repo.remove_file("pipes/views.yaml");
    repo.commit_all("Views are history");
    // From here on `main` is another service, in which somebody made pipes of the old names.
    services(&format!("first: {analytics}, main: {lake}"));
    let first = |name: &str| kinesis_manifest(name, "", "").replace("service: analytics", "service: first");
    repo.write_file("pipes/clicks.yaml", &first("clicks"));
    repo.write_file("pipes/orders.yaml", &first("orders"));
    repo.write_file("pipes/keeper.yaml", &main("keeper"));
    let moved = repo.commit_all("A service more");
    let by_hand = repo.work_dir.write_file("byhand.yaml", main("views") + "---\n" + &main("orders"));
    run(&["apply", "byhand.yaml", "--yes"]);
    std::fs::remove_file(by_hand).unwrap();

    let base = run(&["plan", "pipes", "--base", &format!("{moved}~1")]);
    assert!(base.contains("1 to create, 0 to update, 0 to replace, 0 to delete.  2 unchanged"), "{base}");
    let plan = run(&["plan", "pipes", "--prune=git"]);
    assert!(plan.contains("1 to delete"), "{plan}");
    let (in_first, _) = plan.split_once("\nmain (").unwrap();
    assert!(in_first.contains("- views"), "{plan}");
}

#[test]
fn folder_of_another_organization_does_not_block_pruning() {
    let repo = applied(&["clicks", "views"]);
    for environment in ["staging", "prod"] {
        for name in ["clicks", "views"] {
            repo.write_file(&format!("of/{environment}/{name}.yaml"), &kinesis_manifest(name, "", ""));
        }
    }
    repo.commit_all("A folder for each environment");
    repo.remove_file("of/staging/views.yaml");
    repo.commit_all("No views in staging");
    let prune = |project: &str| {
        repo.write_file("pipectl.yaml", &format!("apiVersion: pipectl/v1\nkind: Project\n{project}"));
        repo.run_pipectl(&["plan", "of/staging", "--prune=git", "-e", "staging"])
    };
    let organization = sandbox::ORGANIZATION;
    let other = "5a1c0d7e-1f2b-4c3d-8e9f-a0b1c2d3e4f5";
    // `pipes` declares them, too, and is nobody's folder.
    let kept = prune(&format!("environments: {{staging: {{organization: {organization}}}}}\n"));
    assert!(kept.stdout.contains("No changes"), "{}", kept.all_output());
    assert!(kept.stderr.contains("analytics/views is not pruned: "), "{}", kept.all_output());
    repo.run_git(&["rm", "--quiet", "-r", "pipes"]);
    repo.commit_all("No folder of nobody");
    let same = prune(&format!(
        "environments: {{staging: {{organization: {organization}}}, prod: {{organization: {organization}}}}}\n"
    ));
    assert!(same.stderr.contains("not pruned: of/prod/views.yaml declares it"), "{}", same.all_output());
    let apart = prune(&format!(
        "environments: {{staging: {{organization: {organization}}}, prod: {{organization: {other}}}}}\n"
    ));
    assert!(apart.stdout.contains("1 to delete"), "{}", apart.all_output());
    let services = prune(&format!(
        "environments: {{staging: {{organization: {organization}}}, \
         prod: {{organization: {organization}, services: {{analytics: {other}}}}}}}\n"
    ));
    assert!(services.stdout.contains("1 to delete"), "{}", services.all_output());
}
