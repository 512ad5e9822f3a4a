//! `--group-by`: `status` and `drift` by the value of a label.

use std::time::Duration;

use crate::support::test_repo::{TestRepo, kinesis_manifest};
use insta::assert_snapshot;
use sandbox::EmulatedPipeState;
use serde_json::{Value, json};

/// Pipes of two teams and one of none, of which some were changed, stopped or deleted by hand; and one that no manifest
/// declares.
fn team_repo() -> TestRepo {
    let repo = TestRepo::new();
    let teams = [("clicks", "web"), ("orders", "shop"), ("carts", "shop"), ("views", "web")];
    for (name, team) in teams {
        let labels = format!("  labels: {{team: {team}}}");
        let settings = "  settings: {streaming_max_insert_wait_ms: 500}";
        repo.write_file(&format!("pipes/{name}.yaml"), &kinesis_manifest(name, &labels, settings));
    }
    repo.write_file("pipes/audit.yaml", &kinesis_manifest("audit", "", ""));
    repo.commit_all("Five pipes");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    let by_hand = [kinesis_manifest("views", "", "  state: absent"), kinesis_manifest("byhand", "", "")];
    repo.write_file("byhand.yaml", &by_hand.join("---\n"));
    repo.run_successfully(&["apply", "byhand.yaml", "--yes"]);
    repo.remove_file("byhand.yaml");
    repo.edit_live_pipe("clicks", "/settings/streaming_max_insert_wait_ms", json!(900));
    repo.edit_live_pipe("carts", "/settings/streaming_max_insert_wait_ms", json!(900));
    repo.work_dir.edit_world(|world| {
        world.advance_clock(Duration::from_secs(300));
        assert!(world.set_pipe_state("analytics", "orders", EmulatedPipeState::Failed));
    });
    repo
}

/// The output without what differs from run to run.
fn stable_output(repo: &TestRepo, args: &[&str]) -> String {
    let hash = repo.run_git(&["rev-parse", "--short", "HEAD"]);
    let id = repo.live("byhand", "/id").as_str().unwrap().to_owned();
    repo.run_successfully(args).replace(&hash, "HASH").replace(&id, "ID")
}

/// The value and the counts of each group.
fn json_groups(repo: &TestRepo, args: &[&str], counts: [&str; 4]) -> Vec<(Value, [u64; 4])> {
    let printed = repo.run_pipectl(&[args, &["--group-by", "team", "-o", "json"]].concat()).stdout_json();
    assert_eq!(printed["result"]["groupBy"], "team");
    let groups = printed["result"]["groups"].as_array().unwrap().iter();
    groups.map(|group| (group["value"].clone(), counts.map(|count| group[count].as_u64().unwrap()))).collect()
}

#[test]
fn drift_is_grouped_by_label() {
    let repo = team_repo();
    assert_snapshot!(stable_output(&repo, &["drift", "pipes", "--group-by", "team"]));
    assert_snapshot!(stable_output(&repo, &["drift", "pipes", "--group-by", "team", "-o", "markdown"]));
    let counts = json_groups(&repo, &["drift", "pipes"], ["changed", "missing", "unmanaged", "inSync"]);
    assert_eq!(counts, [(json!("shop"), [2, 0, 0, 0]), (json!("web"), [1, 1, 0, 0]), (Value::Null, [0, 0, 1, 1])]);
    let plain = repo.run_pipectl(&["drift", "pipes", "-o", "json"]).stdout_json();
    assert!(plain["result"].get("groups").is_none() && plain["result"].get("groupBy").is_none(), "{plain}");
}

#[test]
fn status_is_grouped_by_label() {
    let repo = team_repo();
    assert_snapshot!(stable_output(&repo, &["status", "pipes", "--group-by", "team"]));
    assert_snapshot!(stable_output(&repo, &["status", "pipes", "--group-by", "team", "-o", "markdown"]));
    let counts = json_groups(&repo, &["status", "pipes"], ["ok", "moving", "warning", "bad"]);
    assert_eq!(counts, [(json!("shop"), [1, 0, 0, 1]), (json!("web"), [1, 0, 1, 0]), (Value::Null, [2, 0, 0, 0])]);
    let unhealthy = repo.run_successfully(&["status", "pipes", "--group-by", "team", "--unhealthy"]);
    assert!(!unhealthy.contains("no team") && unhealthy.contains("team=shop  1 pipe"), "{unhealthy}");
}

#[test]
fn grouping_shows_services_that_cannot_be_read() {
    let repo = team_repo();
    repo.work_dir.edit_world(|world| world.set_service_state("analytics", sandbox::ServiceState::Idle));
    let printed = repo.run_successfully(&["status", "pipes", "--group-by", "team"]);
    assert!(printed.contains("analytics  idle: `apply` wakes it only with `--wake`"), "{printed}");
}

#[test]
fn grouping_needs_manifests_and_the_name_of_a_label() {
    let repo = team_repo();
    let unnamed = repo.run_pipectl(&["status", "--group-by", "team"]);
    assert_eq!(unnamed.code, 64, "{}", unnamed.all_output());
    assert!(unnamed.stderr.contains("labels are in manifests"), "{}", unnamed.stderr);
    for args in [["drift", "pipes", "--group-by", "team=a"], ["status", "pipes", "--group-by", ""]] {
        assert_eq!(repo.run_pipectl(&args).code, 64, "{args:?}");
    }
    let watched = repo.run_pipectl(&["status", "pipes", "--group-by", "team", "--watch"]);
    assert_eq!(watched.code, 64, "{}", watched.all_output());
}

#[test]
fn label_value_of_a_stranger_is_sanitized() {
    let repo = TestRepo::new();
    let labels = "  labels: {team: \"a\\e[2J|<b>\"}";
    repo.write_file("pipes/odd.yaml", &kinesis_manifest("odd", labels, ""));
    repo.commit_all("One pipe");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    for args in [["status", "pipes"], ["drift", "pipes"]] {
        for format in ["text", "markdown"] {
            let printed = repo.run_successfully(&[&args[..], &["--group-by", "team", "-o", format]].concat());
            let is_raw = printed.contains('\u{1b}') || format == "markdown" && printed.contains("<b>");
            assert!(!is_raw, "{printed}");
        }
    }
}
