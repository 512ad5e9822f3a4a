//! What a shell is told while somebody types.

use crate::support::cli::Desk;

fn pipe(name: &str, service: &str) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: {name}, service: {service}}}
spec:
  source:
    kinesis: {{format: JSONEachRow, streamName: s, region: r, iteratorType: LATEST, authentication: IAM_ROLE, iamRole: 'arn:aws:iam::1:role/r'}}
  destination: {{database: default, table: t, managedTable: true, tableDefinition: {{engine: {{type: MergeTree}}}}, columns: [{{name: id, type: UInt64}}]}}
"
    )
}

const PROJECT: &str = "apiVersion: pipectl/v1
kind: Project
manifests: [pipes]
environments:
  staging: {variables: {service: playground}}
  prod: {variables: {service: analytics}}
defaults: {environment: staging}
";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("pipectl.yaml", PROJECT);
    desk.write("pipes/orders.yaml", pipe("orders", "'${service}'"));
    desk.write("pipes/clicks.yaml", pipe("clicks", "lake"));
    desk
}

/// What the shell offers for the last word.
fn offered(desk: &Desk, shell: &str, words: &[&str]) -> Vec<String> {
    let line = [&["--", "pipectl"], words].concat();
    let index = words.len().to_string();
    let environment = [("PIPECTL_COMPLETE", shell), ("_CLAP_COMPLETE_INDEX", &index)];
    let said = desk.run_with(&line, &environment);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{}", said.all());
    let value = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
    said.stdout.lines().map(value).filter(|line| !line.starts_with('-')).collect()
}

#[test]
fn the_names_of_pipes_are_offered_wherever_one_is_wanted() {
    let desk = desk();
    for shell in ["bash", "zsh", "fish"] {
        for words in [
            &["resync", ""][..],
            &["plan", "--only", ""],
            &["status", "--exclude", ""],
            &["apply", "--allow-replace", ""],
            &["apply", "--allow-delete", ""],
        ] {
            let names = offered(&desk, shell, words);
            assert_eq!(names, ["lake/clicks", "playground/orders"], "{shell} {words:?}");
        }
    }
    assert_eq!(offered(&desk, "bash", &["resync", "la"]), ["lake/clicks"]);
}

#[test]
fn they_are_those_of_the_environment_and_of_the_files_that_are_named() {
    let desk = desk();
    for words in [&["resync", "-e", "prod", ""][..], &["resync", "--env=prod", ""]] {
        assert_eq!(offered(&desk, "bash", words), ["analytics/orders", "lake/clicks"]);
    }
    let words = ["plan", "pipes/clicks.yaml", "--only", ""];
    assert_eq!(offered(&desk, "bash", &words), ["lake/clicks"]);
    assert_eq!(offered(&desk, "bash", &["plan", "-e", ""]), ["prod", "staging"]);
}

#[test]
fn fields_and_commands_are_offered_too() {
    let desk = Desk::new();
    let fields = offered(&desk, "bash", &["explain", "source.kafka.off"]);
    assert_eq!(
        fields,
        ["source.kafka.offset", "source.kafka.offset.strategy", "source.kafka.offset.timestamp"]
    );
    assert_eq!(offered(&desk, "bash", &["resy"]), ["resync"]);
}

#[test]
fn nothing_is_offered_and_nothing_said_where_something_is_wrong() {
    let desk = desk();
    desk.write("pipes/orders.yaml", "not: [yaml");
    assert_eq!(offered(&desk, "bash", &["resync", ""]), ["lake/clicks"]);
    desk.write("pipectl.yaml", "kind: [");
    assert!(offered(&desk, "bash", &["resync", ""]).is_empty());
}
