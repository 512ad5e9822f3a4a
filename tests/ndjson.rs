//! Apply for machines that listen: one JSON object on each line, and a summary at the end, however
//! it ends.

#![cfg(unix)]
use crate::support::cli::{Desk, Said};
use crate::support::manifests::documents;
use crate::support::server::Server;
use serde_json::{Value, json};

const APPLY: [&str; 5] = ["apply", "pipes.yaml", "--yes", "-o", "ndjson"];

fn seed(name: &str) -> Value {
    let mut seeds = documents("tests/seeds").into_iter();
    seeds.find(|seed| seed["metadata"]["name"] == name).unwrap()
}

fn desk(documents: &[Value]) -> Desk {
    let desk = Desk::new();
    let texts: Vec<String> = documents.iter().map(|document| format!("{document}\n")).collect();
    desk.write("pipes.yaml", texts.join("---\n"));
    desk
}

fn run(desk: &Desk, args: &[&str]) -> Said {
    desk.run_with(args, &[("SEED_SECRET", "canary-5up3r-s3cr3t")])
}

/// The lines, of which the last is the summary of a run that ended like this.
fn lines(said: &Said, outcome: &str) -> Vec<Value> {
    let lines: Vec<Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["schemaVersion"] == "1.0"), "{}", said.all());
    let summary = lines.last().unwrap();
    assert_eq!(summary["type"], "summary", "{}", said.all());
    assert_eq!((&summary["outcome"], &summary["exitCode"]), (&json!(outcome), &json!(said.code)));
    assert!(summary["errors"].is_array() && !said.all().contains("canary"), "{}", said.all());
    lines
}

fn types(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["type"].as_str().unwrap()).collect()
}

#[test]
fn a_run_is_told_while_it_happens() {
    let desk = desk(&[seed("kinesis-user"), seed("postgres-cdc")]);
    let apply = [&APPLY[..], &["--sandbox"]].concat();
    let lines_of_it = lines(&run(&desk, &apply), "applied");
    assert_eq!(lines_of_it[0]["type"], "plan");
    assert_eq!(lines_of_it[0]["counts"], json!({"create": 2}));
    let objects: Vec<&Value> = lines_of_it.iter().filter(|line| line["type"] == "object").collect();
    let told: Vec<_> = objects.iter().map(|it| (&it["done"], &it["of"])).collect();
    assert_eq!(told, [(&json!(1), &json!(2)), (&json!(2), &json!(2))]);
    assert!(objects.iter().all(|it| it["report"]["outcome"] == "applied"), "{objects:#?}");
    // The first load of a database takes longer than the time between two signs of life.
    assert!(types(&lines_of_it).contains(&"heartbeat"), "{lines_of_it:#?}");
    assert_eq!(lines_of_it.last().unwrap()["counts"], json!({"applied": 2}));

    let again = lines(&run(&desk, &apply), "inSync");
    assert_eq!(types(&again), ["plan", "summary"]);
    assert_eq!(again[0]["unchanged"], 2);
}

#[test]
fn what_goes_wrong_is_told_in_lines_too() {
    let mut lost = seed("pubsub");
    lost["metadata"]["name"] = json!("lost");
    lost["spec"]["source"]["pubsub"]["topic"] = json!("no-such-topic");
    let desk = desk(&[seed("kinesis-user"), lost]);
    let said = run(&desk, &[&APPLY[..], &["--sandbox"]].concat());
    assert_eq!(said.code, 3, "{}", said.all());
    let told = lines(&said, "partly");
    let failed = told.iter().find(|line| line["report"]["outcome"] == "failed").unwrap();
    assert!(failed["report"]["error"]["message"].is_string(), "{failed:#}");

    let unsure = ["apply", "pipes.yaml", "--sandbox", "-o", "ndjson"];
    let told = lines(&run(&desk, &unsure), "error");
    assert!(told.last().unwrap()["errors"][0].as_str().unwrap().contains("--yes"), "{told:#?}");

    desk.write("pipes.yaml", "kind: ClickPipe\n");
    let said = run(&desk, &[&APPLY[..], &["--sandbox"]].concat());
    assert_eq!((said.code, types(&lines(&said, "error"))), (1, vec!["summary"]));
}

#[test]
fn what_a_safety_rule_holds_back_is_told_in_lines_too() {
    let mut gone = seed("kinesis-user");
    let desk = desk(&[gone.clone()]);
    let apply = [&APPLY[..], &["--sandbox"]].concat();
    lines(&run(&desk, &apply), "applied");
    gone["spec"]["protect"] = json!(true);
    gone["spec"]["state"] = json!("absent");
    desk.write("pipes.yaml", gone.to_string());
    let said = run(&desk, &apply);
    assert_eq!(said.code, 5, "{}", said.all());
    assert_eq!(lines(&said, "blocked")[0]["counts"], json!({"blocked": 1}));
}

#[test]
fn an_interruption_is_a_line_and_so_is_what_became_of_everything() {
    let server = Server::start(5);
    let desk = desk(&[seed("kinesis-role"), seed("pubsub-latest")]);
    let run = server.begin(&desk, &[&APPLY[..], &["--parallel=1"]].concat());
    server.until(1, |entry| entry["method"] == "POST");
    run.signal("INT");
    let said = run.end();
    assert_eq!(said.code, 130, "{}", said.all());
    let told = lines(&said, "interrupted");
    assert_eq!(types(&told), ["plan", "interruption", "object", "object", "summary"]);
    assert_eq!(told[4]["counts"], json!({"interrupted": 1, "skipped": 1}));
}

#[test]
fn commands_that_do_not_go_on_for_long_print_no_lines() {
    let desk = desk(&[seed("kinesis-user")]);
    let commands: [&[&str]; 5] = [
        &["plan", "pipes.yaml", "--sandbox"],
        &["validate", "pipes.yaml"],
        &["drift", "pipes.yaml", "--sandbox"],
        &["status", "--sandbox"],
        &["explain", "spec.paused"],
    ];
    for command in commands {
        let said = run(&desk, &[command, &["-o", "ndjson"]].concat());
        assert_eq!(said.code, 64, "{command:?}: {}", said.all());
        assert!(said.stderr.contains("text, json or markdown"), "{}", said.stderr);
        lines(&said, "error");
    }
    let said = run(&desk, &["apply", "pipes.yaml", "--yess", "--output=ndjson"]);
    assert_eq!(said.code, 64, "{}", said.all());
    lines(&said, "error");
}

#[test]
fn a_line_names_its_environment() {
    let desk = desk(&[seed("kinesis-user")]);
    desk.write(
        "pipectl.yaml",
        "apiVersion: pipectl/v1\nkind: Project\nenvironments: {staging: {}, prod: {}}\n",
    );
    let sandbox = "--sandbox=world-{env}.json";
    let said = run(&desk, &[&APPLY[..], &["-e", "staging,prod", sandbox]].concat());
    assert_eq!(said.code, 0, "{}", said.all());
    let told = lines(&said, "applied");
    let (staging, prod) = told.split_at(told.len() / 2);
    for (name, told) in [("staging", staging), ("prod", prod)] {
        assert!(told.iter().all(|line| line["environment"] == name), "{told:#?}");
        assert_eq!(
            (types(told)[0], told.last().unwrap()["outcome"].as_str()),
            ("plan", Some("applied"))
        );
    }
}
