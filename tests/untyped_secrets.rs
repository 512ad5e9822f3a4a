//! Secrets in fields that are newer than pipectl, whose values the API returns as they are.

use sandbox::UnknownFields;
use serde_json::json;

use crate::secret_sources::{CANARY, PROJECT, pipe_manifest};
use crate::support::test_repo::TestRepo;

const TOKEN: [(&str, &str); 1] = [("TOKEN", CANARY)];

fn manifest_with_token(token: &str, rest: &str) -> String {
    let more = format!("      topics: orders\n      additional: {{token: {token}{rest}}}\n");
    pipe_manifest("orders", "{fromEnv: P}").replace("      topics: orders\n", &more)
}

/// The pipe is live, with its token for everybody to read.
fn live_repo(manifest: &str) -> TestRepo {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", PROJECT);
    repo.write_file("pipes/orders.yaml", &pipe_manifest("orders", "{fromEnv: P}"));
    repo.commit_all("Before");
    assert_eq!(repo.run_pipectl(&["plan"]).code, 0);
    repo.work_dir.edit_world(|world| {
        let mut options = world.options().clone();
        options.unknown_fields = UnknownFields::Accept;
        world.set_options(options);
    });
    repo.write_file("pipes/orders.yaml", manifest);
    repo.commit_all("Declare a token");
    let said = repo.run_with_env(&["apply", "--yes"], &TOKEN);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let told = repo.work_dir.edit_world(|world| world.list_pipes("analytics"));
    assert!(json!(told).to_string().contains(CANARY), "the test shows nothing");
    repo
}

/// Everything that tells of the difference between git and live.
fn difference_output(repo: &TestRepo, base: &str) -> String {
    let reports = ["markdown", "html", "sarif", "junit", "github", "codequality"];
    let reports = reports.map(|format| format!("--report={format}=-")).join(" ");
    let reports: Vec<&str> = reports.split(' ').collect();
    let commands: [&[&str]; 6] = [
        &["plan", "--diff"],
        &["plan", "--diff", "--base", base],
        &["plan", "-o", "json"],
        &["plan", "-o", "json", "--base", base],
        &["drift", "-o", "json"],
        &[&["plan"][..], &reports].concat(),
    ];
    let said = commands.map(|command| {
        let said = repo.run_with_env(command, &TOKEN);
        assert_eq!(said.code, 0, "{command:?}: {}", said.all_output());
        assert!(!said.all_output().contains(CANARY), "{command:?}: {}", said.all_output());
        said.all_output()
    });
    said.concat()
}

#[test]
fn live_value_of_a_secret_reference_is_not_compared() {
    let repo = live_repo(&manifest_with_token("{fromEnv: TOKEN}", ", mode: fast"));
    let plan = ["plan", "--detailed-exitcode"];
    assert_eq!(repo.run_pipectl(&plan).code, 0, "what it stands for is not compared");
    difference_output(&repo, "HEAD");
    repo.edit_live_pipe("orders", "/source/kafka/token", json!(format!("{CANARY}-rotated")));
    assert_eq!(repo.run_pipectl(&plan).code, 0, "what it stands for is not compared");
}

#[test]
fn secret_in_additional_stays_hidden_after_changes() {
    let list = "more: [{name: a, token: {fromEnv: TOKEN}}]";
    let repo = live_repo(&manifest_with_token("{fromEnv: TOKEN}", &format!(", {list}")));
    repo.write_file(
        "pipes/orders.yaml",
        &manifest_with_token("{fromEnv: TOKEN}", &format!(", {}", list.replace("name: a", "name: b"))),
    );
    repo.commit_all("Another name");
    assert!(difference_output(&repo, "HEAD~1").contains("more"));
    repo.write_file("pipes/orders.yaml", &pipe_manifest("orders", "{fromEnv: P}"));
    repo.commit_all("No token");
    assert!(difference_output(&repo, "HEAD~1").contains("token"));
    repo.remove_file("pipes/orders.yaml");
    repo.write_file("pipes/other.yaml", &pipe_manifest("other", "{fromEnv: P}"));
    repo.commit_all("No pipe");
    let said = repo.run_pipectl(&["plan", "--prune=git", "--diff", "-o", "json"]);
    assert!(said.stdout.contains("delete") && !said.all_output().contains(CANARY), "{}", said.all_output());
}
