//! Rules of the project in a plan: what they block, and what people and machines read of it.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::pipes::kinesis_pipe;
use crate::support::test_repo::{TestRepo, kinesis_manifest};

const TEAM_RULE: &str = "{name: team-label, deny: '!has(labels.team)', message: add a team}";
const NO_STOP: &str =
    "{name: no-stop, deny: \"change.action == 'stop'\", message: 'stops {{ manifest.metadata.name }}'}";
const NO_DELETE: &str = "{name: no-delete, deny: change.deletes, message: 'deletes {{ manifest.metadata.name }}'}";

fn project_with(rules: &[&str]) -> String {
    format!("apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\npolicy: {{rules: [{}]}}\n", rules.join(", "))
}

/// Two pipes that are live, and rules that came later.
fn applied_repo(rules: &[&str]) -> TestRepo {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", &project_with(&[]));
    for name in ["clicks", "views"] {
        repo.write_file(&format!("pipes/{name}.yaml"), &kinesis_manifest(name, "", ""));
    }
    repo.commit_all("Begin to read");
    repo.run_successfully(&["apply", "--yes"]);
    repo.write_file("pipectl.yaml", &project_with(rules));
    repo.commit_all("Hold rules");
    repo
}

fn changes_of(said: &RunOutput) -> Vec<Value> {
    said.stdout_json()["result"]["changes"].as_array().cloned().unwrap_or_default()
}

#[test]
fn rule_blocks_its_object_and_no_other() {
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", project_with(&[TEAM_RULE]));
    desk.write_file("pipes/clicks.yaml", kinesis_pipe("clicks", "analytics"));
    let labelled = kinesis_pipe("views", "analytics").replace("name: views", "name: views, labels: {team: data}");
    desk.write_file("pipes/views.yaml", labelled);
    let plan = desk.run_pipectl(&["plan", "--sandbox=live.json"]);
    assert_eq!(plan.code, 0, "{}", plan.all_output());
    let blocked = plan.stdout.lines().find(|line| line.contains("the rule")).unwrap_or_default();
    assert_snapshot!(blocked, @"      the rule `team-label` forbids it: add a team; to except it, add `pipectl/except: team-label` to `metadata.annotations`");
    let refused = desk.run_pipectl(&["plan", "--sandbox=live.json", "--fail-on-refusal"]);
    assert_eq!(refused.code, 5);
    let applied = desk.run_with_env(&["apply", "--sandbox=live.json", "--yes"], &[("P", "secret")]);
    assert_eq!(applied.code, 5, "{}", applied.all_output());
    let live = std::fs::read_to_string(desk.temp_dir.path().join("live.json")).unwrap();
    assert!(live.contains("views") && !live.contains("clicks"), "{live}");
}

#[test]
fn rule_about_a_change_says_nothing_of_others() {
    let repo = applied_repo(&[NO_STOP]);
    assert!(changes_of(&repo.run_pipectl(&["plan", "-o", "json"])).is_empty());
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "  state: stopped"));
    let said = repo.run_pipectl(&["plan", "-o", "json"]);
    let changes = changes_of(&said);
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["verdict"], "blocked");
    let finding = &changes[0]["ruleFindings"][0];
    assert_eq!(finding["rule"], "no-stop");
    assert_eq!(finding["message"], "stops clicks");
    assert_eq!(finding["rulePlace"]["file"], "pipectl.yaml");
    assert_eq!(finding["place"]["file"], "pipes/clicks.yaml");
    assert_eq!(repo.run_pipectl(&["apply", "--yes"]).code, 5);
    assert_eq!(repo.live("clicks", "/state"), "Running");
}

/// The action of these changes is another word than `stop`.
#[test]
fn rule_sees_a_stop_behind_every_other_change() {
    let repo = applied_repo(&["{name: no-stop, deny: change.stops, message: no}"]);
    let stopped = kinesis_manifest("clicks", "", "  state: stopped");
    for (changed, action) in [
        (stopped.replace("name: id, type: UInt64}", "name: id, type: UInt64}, {name: at, type: String}"), "update"),
        (
            stopped
                .replace("metadata:\n", "metadata:\n  previousNames: [clicks]\n")
                .replace("name: clicks\n", "name: c\n"),
            "rename",
        ),
        (stopped.replace("streamName: clicks", "streamName: others"), "replace"),
    ] {
        repo.write_file("pipes/clicks.yaml", &changed);
        let plan = repo.run_successfully(&["plan"]);
        assert!(plan.contains("the rule `no-stop` forbids it"), "{action}: {changed}{plan}");
    }
    // The update pauses the pipe, which runs afterwards.
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "").replace("type: UInt64}", "type: Int64}"));
    let plan = repo.run_successfully(&["plan"]);
    assert!(!plan.contains("no-stop"), "{plan}");
}

#[test]
fn rule_sees_deletions_with_and_without_a_manifest() {
    let repo = applied_repo(&[NO_DELETE]);
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "  state: absent"));
    repo.remove_file("pipes/views.yaml");
    repo.commit_all("Delete both");
    let plan = repo.run_successfully(&["plan", "--prune=git"]);
    assert!(plan.contains("deletes clicks; to except it, add `pipectl/except: no-delete`"), "{plan}");
    let undeclared = "deletes views; to except it, declare it with `state: absent`, and add";
    assert!(plan.contains(undeclared), "{plan}");
    assert_eq!(repo.run_pipectl(&["apply", "--yes", "--prune=git"]).code, 5);
    assert_eq!(repo.live_pipe_names(), ["clicks", "views"]);
    let excepted = "  annotations: {pipectl/except: no-delete}";
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", excepted, "  state: absent"));
    repo.run_pipectl(&["apply", "--yes"]);
    assert_eq!(repo.live_pipe_names(), ["views"]);
}

#[test]
fn rule_that_fails_blocks() {
    let fails = "{name: broken, deny: manifest.spec.settings.none > 1, message: no}";
    let repo = applied_repo(&[fails]);
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "  state: stopped"));
    let plan = repo.run_successfully(&["plan"]);
    assert!(plan.contains("the rule `broken` (pipectl.yaml:4:39) cannot be evaluated"), "{plan}");
    assert_eq!(repo.run_pipectl(&["apply", "--yes"]).code, 5);
}

#[test]
fn object_that_does_not_change_is_a_warning() {
    let repo = applied_repo(&[TEAM_RULE]);
    let plan = repo.run_pipectl(&["plan"]);
    assert!(plan.stderr.contains("warning[rule-violation]: the rule `team-label`"), "{}", plan.all_output());
    assert!(plan.stdout.contains("No changes"), "{}", plan.all_output());
    assert_eq!(repo.run_pipectl(&["apply", "--yes"]).code, 0);
}

#[test]
fn drift_and_status_have_no_rules() {
    let fails = "{name: never, deny: 'true', message: never}";
    let repo = applied_repo(&[fails]);
    for command in ["drift", "status"] {
        let said = repo.run_pipectl(&[command]);
        assert!(!said.all_output().contains("never"), "{}", said.all_output());
    }
}

#[test]
fn block_holds_for_saved_plans_and_digests() {
    let rule = "{name: friday, when: \"now.weekday == 'Friday'\", deny: \"change.action == 'stop'\", message: wait}";
    let repo = applied_repo(&[rule]);
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "  state: stopped"));
    let (thursday, friday) = ("--now=2026-11-26T12:00:00Z", "--now=2026-11-27T12:00:00Z");
    let plan = repo.run_pipectl(&["plan", thursday, "--out", "saved.json", "-o", "json"]).stdout_json();
    let digest = plan["digest"].as_str().unwrap().to_owned();
    for reviewed in [["--plan", "saved.json"], ["--expect", &digest]] {
        let said = repo.run_pipectl(&["apply", "--yes", friday, reviewed[0], reviewed[1]]);
        assert!([5, 6].contains(&said.code), "{}: {}", said.code, said.all_output());
        assert_eq!(repo.live("clicks", "/state"), "Running");
    }
    // What was blocked in review is not done on the day after.
    repo.run_successfully(&["plan", friday, "--out", "blocked.json"]);
    repo.run_pipectl(&["apply", "--yes", thursday, "--plan", "blocked.json"]);
    assert_eq!(repo.live("clicks", "/state"), "Running");
    repo.run_successfully(&["apply", "--yes", thursday, "--plan", "saved.json"]);
    assert_eq!(repo.live("clicks", "/state"), "Stopped");
}

#[test]
fn what_needs_a_forbidden_object_is_blocked_too() {
    let no_endpoint = "{name: no-endpoint, deny: \"manifest.kind == 'ReversePrivateEndpoint'\", message: no endpoints}";
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", project_with(&[no_endpoint]));
    let example = std::fs::read_to_string(WorkDir::examples_dir().join("private-kafka.yaml")).unwrap();
    desk.write_file("pipes/private-kafka.yaml", example);
    let plan = desk.run_pipectl(&["plan", "--sandbox=live.json", "-o", "json"]);
    let changes = changes_of(&plan);
    let words: Vec<&Value> = changes.iter().map(|change| &change["verdict"]).collect();
    assert_eq!(words, ["blocked", "blocked"], "{}", plan.all_output());
    assert!(plan.stdout.contains("which a rule keeps from being created"), "{}", plan.stdout);
    assert_eq!(plan.stdout_json()["result"]["actions"], json!([]));
}

#[test]
fn new_exception_is_a_note_for_the_reviewer() {
    let repo = applied_repo(&[NO_STOP]);
    let excepted = "  annotations: {pipectl/except: no-stop}";
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", excepted, "  state: stopped"));
    repo.commit_all("Stop it");
    let new = ["plan", "--base", "HEAD~1"];
    let note = "`analytics/clicks` excepts itself from `no-stop`";
    let plan = repo.run_successfully(&new);
    assert!(plan.contains(&format!("review: {note}")), "{plan}");
    assert!(plan.contains("rule: the rule `no-stop` forbids it: stops clicks (excepted)"), "{plan}");
    let said = repo.run_pipectl(&["plan", "--base", "HEAD~1", "-o", "json"]).stdout_json();
    assert_eq!(said["result"]["reviewNotes"][0]["code"], "new-exception");
    assert_eq!(said["result"]["reviewNotes"][0]["text"], note);
    assert_eq!(said["result"]["changes"][0]["ruleFindings"][0]["isExcepted"], true);
    for format in ["markdown", "html"] {
        let report = format!("{format}=report.txt");
        repo.run_successfully(&["plan", "--base", "HEAD~1", "--report", &report]);
        let text = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("report.txt")).unwrap();
        assert!(text.contains("excepts itself from"), "{format}: {text}");
    }
    repo.commit_all("Something else");
    let plan = repo.run_successfully(&new);
    assert!(!plan.contains("excepts itself"), "{plan}");
}

#[test]
fn every_report_names_the_rule() {
    let repo = applied_repo(&[NO_STOP]);
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "  state: stopped"));
    for format in ["markdown", "html", "junit", "sarif", "codequality", "github"] {
        let report = format!("{format}=report.txt");
        repo.run_successfully(&["plan", "--report", &report]);
        let text = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("report.txt")).unwrap();
        assert!(text.contains("no-stop"), "{format}: {text}");
        if format == "sarif" {
            let log: Value = serde_json::from_str(&text).unwrap();
            let result = &log["runs"][0]["results"][0];
            assert_eq!((&result["ruleId"], &result["level"]), (&json!("no-stop"), &json!("error")));
            let location = &result["locations"][0]["physicalLocation"];
            assert_eq!(location["artifactLocation"]["uri"], "pipes/clicks.yaml");
        }
    }
}
