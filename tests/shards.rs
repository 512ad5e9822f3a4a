//! One run that several machines share: each works on the services of its part.

use std::collections::{BTreeMap, BTreeSet};

use model::yaml::{PendingDiagnostics, read_documents};
use serde_json::Value;

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::pipes::slot_pipe;
use crate::support::pipes::{kafka_manifest, kinesis_pipe};
use crate::support::test_repo::{TestRepo, kinesis_manifest};

const SERVICES: usize = 12;
const SHARDS: usize = 4;

fn desk_with_services() -> WorkDir {
    let desk = WorkDir::new();
    for n in 0..SERVICES {
        desk.write_file(
            &format!("pipes/orders-{n}.yaml"),
            kinesis_pipe(&format!("orders{n}"), &format!("service-{n}")),
        );
    }
    desk
}

fn run_shard(desk: &WorkDir, args: &[&str], number: usize) -> RunOutput {
    let shard = format!("--shard={number}/{SHARDS}");
    desk.run_pipectl(&[args, &["pipes", "--sandbox=world.json", &shard]].concat())
}

fn services_of(plan: &Value, list: &str) -> Vec<String> {
    let entries = plan["result"][list].as_array().unwrap().iter();
    entries.map(|change| change["address"]["service"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn shards_together_are_the_whole_run() {
    let desk = desk_with_services();
    let mut seen = Vec::new();
    for number in 1..=SHARDS {
        let plan = run_shard(&desk, &["plan", "-o", "json"], number);
        let json = plan.stdout_json();
        assert_eq!((plan.code, &json["shard"]), (0, &format!("{number}/{SHARDS}").into()), "{}", plan.all_output());
        seen.extend(services_of(&json, "changes"));
    }
    assert_eq!(seen.len(), SERVICES, "{seen:?}");
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), SERVICES, "each service is in one shard: {seen:?}");
    for number in 1..=SHARDS {
        assert_eq!(run_shard(&desk, &["apply", "--yes"], number).code, 0);
    }
    let whole = desk.run_pipectl(&["plan", "pipes", "--sandbox=world.json", "--detailed-exitcode"]);
    assert_eq!(whole.code, 0, "{}", whole.all_output());
}

#[test]
fn a_shard_is_named_in_every_format() {
    let desk = desk_with_services();
    let comment = run_shard(&desk, &["plan", "-o", "markdown", "--report-key=prod"], 2);
    assert!(comment.stdout.contains("pipectl:prod-2-of-4"), "{}", comment.stdout);
    assert!(comment.stdout.contains(", shard 2/4"), "{}", comment.stdout);
    let text = run_shard(&desk, &["plan"], 2);
    assert!(text.stdout.contains(&format!("of {SERVICES} objects included")), "{}", text.stdout);
}

#[test]
fn a_shard_of_nothing_is_in_sync() {
    let desk = WorkDir::new();
    desk.write_file("pipes/orders.yaml", kinesis_pipe("orders", "analytics"));
    let codes = |args: &[&str]| -> Vec<i32> {
        let runs = (1..=SHARDS).map(|number| run_shard(&desk, args, number).code);

        runs.collect()
    };
    let mut planned = codes(&["plan", "--detailed-exitcode"]);
    planned.sort_unstable();
    assert_eq!(planned, [0, 0, 0, 2]);
    assert_eq!(codes(&["plan", "--detailed-exitcode", "--only=orders"]).iter().sum::<i32>(), 2);
}

/// Runs every shard and gives the files with their JSON, in a folder of the desk.
fn write_shards(desk: &WorkDir, command: &[&str]) -> Vec<String> {
    let files = (1..=SHARDS).map(|number| {
        let file = format!("shard-{number}.json");
        run_shard(desk, &[command, &[&format!("--report=json={file}")]].concat(), number);
        file
    });
    files.collect()
}

fn merge(desk: &WorkDir, args: &[&str], files: &[String]) -> RunOutput {
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    desk.run_pipectl(&[&["report", "merge"], args, &files].concat())
}

#[test]
fn shards_merge_into_one_comment_page_and_exit_code() {
    let desk = desk_with_services();
    let files = write_shards(&desk, &["plan", "--detailed-exitcode"]);
    let reports = ["--report=markdown=all.md", "--report=html=all.html", "--report-key=prod", "-o", "json"];
    let merged = merge(&desk, &reports, &files);
    assert_eq!(merged.code, 2, "{}", merged.all_output());
    let json = merged.stdout_json();
    assert_eq!(json["exitCode"], 2);
    assert_eq!(json["result"]["counts"], serde_json::json!({"create": SERVICES}));
    let read = |name: &str| std::fs::read_to_string(desk.temp_dir.path().join(name)).unwrap();
    let (comment, page) = (read("all.md"), read("all.html"));
    assert!(comment.starts_with("### pipectl: 4 runs: 12 create\n"), "{comment}");
    assert!(comment.contains("<!-- pipectl:prod -->"), "{comment}");
    for n in 0..SERVICES {
        let object = format!("service-{n}/orders{n}");
        assert!(comment.contains(&object) && page.contains(&object), "{object}: {comment}");
    }
    write_shards(&desk, &["apply", "--yes"]);
    let done = merge(&desk, &[], &files);
    assert!(done.stdout.ends_with("4 runs: 12 applied\n"), "{}", done.stdout);
    assert_eq!(done.code, 0);
}

#[test]
fn merged_comment_shows_where_secrets_go() {
    let desk = WorkDir::new();
    desk.write_file("pipes/orders.yaml", kafka_manifest("orders", "orders", "", ""));
    let files = write_shards(&desk, &["plan"]);
    let merged = merge(&desk, &["-o", "markdown"], &files);
    assert!(merged.stdout.contains("sends <code>P</code> to"), "{}", merged.stdout);
}

/// GitHub refuses a comment that is too long.
#[test]
fn notes_of_a_merged_comment_leave_room_for_the_objects() {
    let desk = desk_with_services();
    let files = write_shards(&desk, &["plan"]);
    let mut crowded: Value =
        serde_json::from_str(&std::fs::read_to_string(desk.temp_dir.path().join(&files[0])).unwrap()).unwrap();
    let note = |number: usize| serde_json::json!({"code": "project-change", "text": format!("note {number} {}", "x".repeat(300))});
    crowded["result"]["reviewNotes"] = (0..500).map(note).collect();
    desk.write_file(&files[0], crowded.to_string());
    desk.write_file(&files[1], r#"{"schemaVersion": "1.0", "kind": "Plan", "outcome": "error", "exitCode": 4, "shard": "2/4", "errors": ["the API refuses the key"]}"#);
    let merged = merge(&desk, &["-o", "markdown"], &files);
    assert!(merged.stdout.chars().count() <= 65_536, "{}", merged.stdout.chars().count());
    for words in ["the API refuses the key", "note 0 ", "more: **the log of the run shows all**", "orders0"] {
        assert!(merged.stdout.contains(words), "{words}: {}", merged.stdout);
    }
    // Nor do those of one run hide the gravest of another one.
    let mut other: Value =
        serde_json::from_str(&std::fs::read_to_string(desk.temp_dir.path().join(&files[2])).unwrap()).unwrap();
    other["result"]["reviewNotes"] = serde_json::json!([{"code": "secret-host", "text": "sends KEY to evil.example"}]);
    desk.write_file(&files[2], other.to_string());
    let merged = merge(&desk, &["-o", "markdown"], &files);
    assert!(merged.stdout.contains("sends KEY to evil.example"), "{}", merged.stdout);
}

#[test]
fn a_missing_shard_is_no_success() {
    let desk = desk_with_services();
    let files = write_shards(&desk, &["plan"]);
    let merged = merge(&desk, &[], &files[1..]);
    assert_eq!(merged.code, 1, "{}", merged.all_output());
    assert!(merged.stderr.contains("shards are missing") && merged.stderr.contains("1/4"), "{}", merged.stderr);
}

#[test]
fn what_failed_in_one_shard_is_in_the_merged_comment() {
    let desk = desk_with_services();
    let files = write_shards(&desk, &["plan"]);
    desk.write_file(&files[1], r#"{"schemaVersion": "1.0", "kind": "Plan", "outcome": "error", "exitCode": 4, "shard": "2/4", "errors": ["the API refuses the key"]}"#);
    let merged = merge(&desk, &["-o", "markdown"], &files);
    assert_eq!(merged.code, 4, "{}", merged.all_output());
    assert!(merged.stdout.contains("the API refuses the key"), "{}", merged.stdout);
}

#[test]
fn environments_merge_too_and_other_documents_do_not() {
    let desk = desk_with_services();
    write_shards(&desk, &["plan"]);
    let drift = desk.run_pipectl(&["status", "pipes", "--sandbox=world.json", "-o", "json"]);
    desk.write_file("status.json", &drift.stdout);
    for (wrong, why) in [("status.json", "of kind Status"), ("pipes/orders-0.yaml", "not a JSON document")] {
        let merged = merge(&desk, &[], &[wrong.to_owned()]);
        assert_eq!(merged.code, 1, "{}", merged.all_output());
        assert!(merged.stderr.contains(why), "{}", merged.stderr);
    }
    desk.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nenvironments: {dev: {}, prod: {}}\n");
    let both = desk.run_pipectl(&["plan", "pipes", "-e", "dev,prod", "--sandbox={env}.json", "-o", "json"]);
    desk.write_file("both.json", &both.stdout);
    let merged = merge(&desk, &[], &["both.json".to_owned()]);
    assert!(merged.stdout.contains("\n2 runs: 24 create\n"), "{}", merged.all_output());
    assert_eq!(merge(&desk, &["--report=sarif=x"], &["both.json".to_owned()]).code, 64);
}

#[test]
fn wrong_shards_are_usage_errors() {
    let desk = desk_with_services();
    for wrong in ["0/4", "5/4", "four"] {
        let run = desk.run_pipectl(&["plan", "pipes", "--sandbox=world.json", "--shard", wrong]);
        assert_eq!(run.code, 64, "{wrong}: {}", run.all_output());
    }
}

/// The other half of a move may be in another shard, which may fail or come later.
#[test]
fn a_pipe_that_moves_to_another_shard_is_not_pruned() {
    let services: Vec<String> = (0..SERVICES).map(|n| format!("service-{n}")).collect();
    for target in &services[1..] {
        let repo = TestRepo::new();
        repo.write_file("pipes/orders.yaml", &kinesis_pipe("orders", &services[0]));
        repo.commit_all("orders");
        assert_eq!(repo.run_pipectl(&["apply", "pipes", "--yes"]).code, 0);
        repo.write_file("pipes/orders.yaml", &kinesis_pipe("orders", target));
        repo.write_file("pipes/other.yaml", &kinesis_pipe("other", &services[0]));
        repo.commit_all("moved");
        let runs = (1..=SHARDS).map(|number| {
            let shard = format!("--shard={number}/{SHARDS}");
            repo.run_pipectl(&["plan", "pipes", "--prune=git", "-o", "json", &shard])
        });
        let runs: Vec<RunOutput> = runs.collect();
        let of_target = |run: &RunOutput| services_of(&run.stdout_json(), "changes").contains(target);
        let of_source = |run: &RunOutput| services_of(&run.stdout_json(), "changes").contains(&services[0]);
        let deleting = runs.iter().find(|run| of_source(run)).unwrap();
        if of_target(deleting) {
            continue;
        }
        let json = deleting.stdout_json();
        let verdicts: Vec<&Value> =
            json["result"]["changes"].as_array().unwrap().iter().map(|change| &change["verdict"]).collect();
        assert_eq!(verdicts, ["create"], "{json:#}");
        assert!(deleting.stderr.contains("in a service of another shard"), "{}", deleting.all_output());
        return;
    }
    unreachable!("all services are in one shard");
}

/// The shard of each service.
fn shards_of_services() -> BTreeMap<String, usize> {
    let desk = desk_with_services();
    let services = |number| services_of(&run_shard(&desk, &["plan", "-o", "json"], number).stdout_json(), "changes");
    (1..=SHARDS).flat_map(|number| services(number).into_iter().map(move |service| (service, number))).collect()
}

/// What only one pipe can read: before the other shard made its pipe let go of it, both would read.
#[test]
fn pipe_does_not_take_what_one_of_another_shard_still_reads() {
    let shards = shards_of_services();
    let (giver, giver_shard) = shards.first_key_value().unwrap();
    let (taker, taker_shard) = shards.iter().find(|(_, shard)| *shard != giver_shard).unwrap();
    let pipe = |service: &str| slot_pipe("web", "pg.example.com").replace("analytics", service);
    let run = |repo: &TestRepo, command: &[&str], shard: &usize| {
        let shard = format!("--shard={shard}/{SHARDS}");
        repo.run_with_env(&[command, &["pipes", &shard]].concat(), &[("PG_PASSWORD", "s3cr3t")])
    };
    let uses = format!("`{giver}/web` uses the replication slot `shop_slot`, and two cannot share it:");
    let applied = || {
        let repo = TestRepo::new();
        repo.write_file("pipes/web.yaml", &pipe(giver));
        repo.commit_all("A reader");
        assert_eq!(run(&repo, &["apply", "--yes"], giver_shard).code, 0);
        repo
    };
    for state in ["absent", "stopped"] {
        let repo = applied();
        repo.write_file("pipes/web.yaml", &format!("{}  state: {state}\n{}", pipe(giver), pipe(taker)));
        repo.commit_all("Another reader");
        let first = run(&repo, &["apply", "--yes"], taker_shard);
        let words = format!("{uses} shard {giver_shard}/{SHARDS} stops or deletes that one: apply it first");
        assert!(first.code == 5 && first.stdout.contains(&words), "{}", first.all_output());
        for shard in [giver_shard, taker_shard] {
            let said = run(&repo, &["apply", "--yes"], shard);
            assert_eq!(said.code, 0, "{}", said.all_output());
        }
        let settled = run(&repo, &["plan", "--detailed-exitcode"], taker_shard);
        assert!(settled.code == 0 && !settled.stdout.contains(giver.as_str()), "{}", settled.all_output());
    }
    let repo = applied();
    repo.write_file("pipes/web.yaml", &pipe(taker));
    repo.commit_all("Moved");
    for command in [&["plan", "--prune=git"][..], &["plan", "--base=HEAD~1"]] {
        let moved = run(&repo, command, taker_shard);
        let words = format!("{uses} a pipe that moves to another shard is kept, so delete that one");
        assert!(moved.stdout.contains(&words), "{}", moved.all_output());
    }
}

/// The shell lines of the recipes, run with the variables of each system.
#[cfg(unix)]
#[test]
fn recipes_count_shards_from_1() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/many-pipes.md")).unwrap();
    let run_line = |begin: &str, variables: &[(&str, &str)]| {
        let line = page.lines().map(|line| line.trim().trim_start_matches("- ")).find(|line| line.starts_with(begin));
        let script = format!("pipectl() {{ printf '%s ' \"$@\"; }}; {}", line.unwrap().trim_start_matches("exec "));
        let run = std::process::Command::new("bash").args(["-c", &script]).envs(variables.iter().copied()).output();
        String::from_utf8(run.unwrap().stdout).unwrap()
    };
    let gitlab = run_line("pipectl plan --shard \"$CI", &[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "4")]);
    assert_eq!(gitlab, "plan --shard 4/4 --report json=shard-4.json ");
    let kubernetes = run_line("exec pipectl", &[("JOB_COMPLETION_INDEX", "0")]);
    assert_eq!(kubernetes, "apply --yes --shard 1/4 --report json=/reports/shard-0.json ");
}

#[test]
fn recipes_are_yaml() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/many-pipes.md")).unwrap();
    let blocks: Vec<&str> = page.split("```yaml\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 4);
    for block in blocks {
        let mut problems = PendingDiagnostics::default();
        read_documents(block, &mut problems);
        assert_eq!(problems.error_count(), 0, "{block}");
    }
}

/// Whoever reads it must see what a comment of one run says: the commits, the digest, and what nobody declares.
#[test]
fn merged_comment_has_base_digest_and_unmanaged_objects() {
    let repo = TestRepo::new();
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    repo.write_file("other/stranger.yaml", &kinesis_manifest("stranger", "", ""));
    repo.run_successfully(&["apply", "pipes", "other", "--yes"]);
    repo.remove_file("other/stranger.yaml");
    let base = repo.commit_all("Begin");
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
    repo.commit_all("Add orders");
    let reports = ["--report=json=prod.json", "--report=markdown=one.md", "--report=html=one.html"];
    repo.run_successfully(&[&["plan", "pipes", "--base", &base][..], &reports].concat());
    let merged = ["--report=markdown=all.md", "--report=html=all.html"];
    let said = repo.work_dir.run_pipectl(&[&["report", "merge", "prod.json"][..], &merged].concat());
    assert_eq!(said.code, 0, "{}", said.all_output());
    let read = |name: &str| std::fs::read_to_string(repo.work_dir.temp_dir.path().join(name)).unwrap();
    let (one, all, page) = (read("one.md"), read("all.md"), read("all.html"));
    let digest = one.split("Digest: <code>").nth(1).and_then(|rest| rest.split("</code>").next()).unwrap();
    for words in
        ["(Begin)", "(Add orders)", digest, "1 unchanged, 1 unmanaged.", "1 unmanaged: live, not in git", "/stranger"]
    {
        assert!(one.contains(words) && all.contains(words), "{words}: {one}\n{all}");
    }
    assert!(page.contains("(Add orders)") && page.contains("/stranger"), "{page}");
}
