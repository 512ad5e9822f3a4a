//! Looking only at what git changed, and variables as they were in another commit.

use crate::support::test_repo::{TestRepo, kinesis_manifest};
use serde_json::json;

const PLAN_SINCE_HEAD: [&str; 4] = ["plan", "pipes", "--changed-since", "HEAD"];

/// Three pipes that are live as the only commit declares them.
fn applied_repo() -> TestRepo {
    let repo = TestRepo::new();
    for name in ["clicks", "views", "orders"] {
        repo.write_file(&format!("pipes/{name}.yaml"), &kinesis_manifest(name, "", ""));
    }
    repo.commit_all("Begin to read");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo
}

#[test]
fn changed_since_plans_only_changed_manifests() {
    let repo = applied_repo();
    repo.edit_live_pipe("orders", "/destination/columns/0/type", json!("String"));
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", "  scaling: {replicas: 2}"));
    repo.write_file("pipes/new.yaml", &kinesis_manifest("new", "", ""));
    let plan = repo.run_successfully(&PLAN_SINCE_HEAD);
    assert!(plan.contains("Partial: 2 of 4 objects included"), "{plan}");
    assert!(plan.contains("views") && plan.contains("new") && !plan.contains("orders"), "{plan}");
    repo.run_successfully(&["apply", "pipes", "--changed-since=HEAD", "--yes"]);
    assert_eq!(repo.live("views", "/scaling/replicas"), json!(2));
    assert_eq!(repo.live("orders", "/destination/columns/0/type"), json!("String"));
}

#[test]
fn moves_comments_and_order_are_not_changes() {
    let repo = applied_repo();
    let texts = ["views", "clicks"].map(|name| {
        let file = format!("pipes/{name}.yaml");
        let text = std::fs::read_to_string(repo.work_dir.temp_dir.path().join(&file)).unwrap();
        repo.remove_file(&file);
        format!("# {name}\n{text}")
    });
    repo.write_file("pipes/deep/two.yml", &texts.join("---\n"));
    let writes = repo.count_writes();
    let said = repo.run_pipectl(&[&PLAN_SINCE_HEAD[..], &["--detailed-exitcode"]].concat());
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(said.stdout.contains("Partial: 0 of 3 objects included"), "{}", said.stdout);
    repo.run_successfully(&["apply", "pipes", "--changed-since=HEAD", "--yes"]);
    assert_eq!(repo.count_writes(), writes);
}

#[test]
fn changed_state_counts_as_a_change() {
    let repo = applied_repo();
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", "  state: stopped"));
    assert!(repo.run_successfully(&PLAN_SINCE_HEAD).contains("Partial: 1 of 3"));
    repo.run_successfully(&["apply", "pipes", "--changed-since=HEAD", "--yes"]);
    assert_eq!(repo.live("views", "/state"), json!("Stopped"));
}

#[test]
fn changed_since_never_prunes() {
    let repo = applied_repo();
    repo.remove_file("pipes/views.yaml");
    repo.commit_all("No views");
    let said = repo.run_pipectl(&["apply", "pipes", "--changed-since=HEAD~1", "--prune=git", "--yes"]);
    assert!(said.stderr.contains("nothing is pruned"), "{}", said.all_output());
    assert_eq!(repo.live_pipe_names(), ["clicks", "orders", "views"]);
}

#[test]
fn unknown_revision_is_named_in_the_error() {
    let repo = applied_repo();
    let said = repo.run_pipectl(&["plan", "pipes", "--changed-since", "nowhere"]);
    assert!(said.code == 1 && said.stderr.contains("revision `nowhere`"), "{}", said.all_output());
}

/// A project of which the table of one pipe is a variable.
fn project_file(replicas: u8) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: Project
manifests: [pipes]
defaults: {{environment: only}}
environments: {{only: {{variables: {{role: 'arn:aws:iam::12345678901{replicas}:role/r'}}}}}}
"
    )
}

fn manifest_with_role(name: &str) -> String {
    kinesis_manifest(name, "", "")
        .replace("authentication: IAM_USER", "authentication: IAM_ROLE")
        .replace("accessKey: {accessKeyId: AKIA, secretKey: {fromEnv: P}}", "iamRole: ${role}")
}

#[test]
fn base_uses_the_variables_of_its_commit() {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", &project_file(1));
    repo.write_file("pipes/clicks.yaml", &manifest_with_role("clicks"));
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", ""));
    repo.commit_all("Begin to read");
    repo.run_successfully(&["apply", "--yes"]);
    repo.write_file("pipectl.yaml", &project_file(2));
    // Until it is committed, live is what git says.
    assert!(repo.run_successfully(&["drift"]).contains("0 changed"));
    repo.commit_all("Another role");
    let since = repo.run_successfully(&["plan", "--changed-since", "HEAD~1"]);
    assert!(since.contains("Partial: 1 of 2") && since.contains("iamRole"), "{since}");
    // Git changed it, and nobody else did.
    let plan = repo.run_successfully(&["plan", "--base", "HEAD~1"]);
    assert!(plan.contains("1 to update"), "{plan}");
    repo.run_successfully(&["apply", "--base", "HEAD~1", "--yes"]);
    assert!(repo.live("clicks", "/source/kinesis/iamRole").to_string().contains("123456789012"));
}
