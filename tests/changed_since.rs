//! Looking only at what git changed, and variables as they were in another commit.

use crate::support::repo::{Repo, pipe};
use serde_json::json;

const SINCE: [&str; 4] = ["plan", "pipes", "--changed-since", "HEAD"];

/// Three pipes that are live as the only commit declares them.
fn applied() -> Repo {
    let repo = Repo::new();
    for name in ["clicks", "views", "orders"] {
        repo.write(&format!("pipes/{name}.yaml"), &pipe(name, "", ""));
    }
    repo.commit("Begin to read");
    repo.done(&["apply", "pipes", "--yes"]);
    repo
}

#[test]
fn only_what_says_something_else_is_considered() {
    let repo = applied();
    repo.edit_live("orders", "/destination/columns/0/type", json!("String"));
    repo.write("pipes/views.yaml", &pipe("views", "", "  scaling: {replicas: 2}"));
    repo.write("pipes/new.yaml", &pipe("new", "", ""));
    let plan = repo.done(&SINCE);
    assert!(plan.contains("partial: 2 of 4 objects considered"), "{plan}");
    assert!(plan.contains("views") && plan.contains("new") && !plan.contains("orders"), "{plan}");
    repo.done(&["apply", "pipes", "--changed-since=HEAD", "--yes"]);
    assert_eq!(repo.live("views", "/scaling/replicas"), json!(2));
    assert_eq!(repo.live("orders", "/destination/columns/0/type"), json!("String"));
}

#[test]
fn a_move_a_comment_and_an_order_are_no_changes() {
    let repo = applied();
    let texts = ["views", "clicks"].map(|name| {
        let file = format!("pipes/{name}.yaml");
        let text = std::fs::read_to_string(repo.desk.folder.path().join(&file)).unwrap();
        repo.remove(&file);
        format!("# {name}\n{text}")
    });
    repo.write("pipes/deep/two.yml", &texts.join("---\n"));
    let writes = repo.writes();
    let said = repo.run(&[&SINCE[..], &["--detailed-exitcode"]].concat());
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.stdout.contains("partial: 0 of 3 objects considered"), "{}", said.stdout);
    repo.done(&["apply", "pipes", "--changed-since=HEAD", "--yes"]);
    assert_eq!(repo.writes(), writes);
}

#[test]
fn what_is_wanted_beyond_the_fields_counts_too() {
    let repo = applied();
    repo.write("pipes/views.yaml", &pipe("views", "", "  state: stopped"));
    assert!(repo.done(&SINCE).contains("partial: 1 of 3"));
    repo.done(&["apply", "pipes", "--changed-since=HEAD", "--yes"]);
    assert_eq!(repo.live("views", "/state"), json!("Stopped"));
}

#[test]
fn a_part_never_prunes() {
    let repo = applied();
    repo.remove("pipes/views.yaml");
    repo.commit("No views");
    let said = repo.run(&["apply", "pipes", "--changed-since=HEAD~1", "--prune=git", "--yes"]);
    assert!(said.stderr.contains("nothing is pruned"), "{}", said.all());
    assert_eq!(repo.pipes(), ["clicks", "orders", "views"]);
}

#[test]
fn an_unknown_revision_is_an_error_that_names_it() {
    let repo = applied();
    let said = repo.run(&["plan", "pipes", "--changed-since", "nowhere"]);
    assert!(said.code == 1 && said.stderr.contains("revision `nowhere`"), "{}", said.all());
}

/// A project of which the table of one pipe is a variable.
fn project(replicas: u8) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: Project
manifests: [pipes]
defaults: {{environment: only}}
environments: {{only: {{variables: {{role: 'arn:aws:iam::12345678901{replicas}:role/r'}}}}}}
"
    )
}

fn with_role(name: &str) -> String {
    pipe(name, "", "")
        .replace("authentication: IAM_USER", "authentication: IAM_ROLE")
        .replace("accessKey: {accessKeyId: AKIA, secretKey: {fromEnv: P}}", "iamRole: ${role}")
}

#[test]
fn a_variable_is_as_it_was_in_the_commit() {
    let repo = Repo::new();
    repo.write("pipectl.yaml", &project(1));
    repo.write("pipes/clicks.yaml", &with_role("clicks"));
    repo.write("pipes/views.yaml", &pipe("views", "", ""));
    repo.commit("Begin to read");
    repo.done(&["apply", "--yes"]);
    repo.write("pipectl.yaml", &project(2));
    // Until it is committed, live is what git says.
    assert!(repo.done(&["drift"]).contains("0 changed"));
    repo.commit("Another role");
    let since = repo.done(&["plan", "--changed-since", "HEAD~1"]);
    assert!(since.contains("partial: 1 of 2") && since.contains("iamRole"), "{since}");
    // Git changed it, and nobody else did.
    let plan = repo.done(&["plan", "--base", "HEAD~1"]);
    assert!(plan.contains("1 to update"), "{plan}");
    repo.done(&["apply", "--base", "HEAD~1", "--yes"]);
    assert!(repo.live("clicks", "/source/kinesis/iamRole").to_string().contains("123456789012"));
}
