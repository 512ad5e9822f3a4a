//! What a shell is told while somebody types.

use crate::support::cli::WorkDir;
use crate::support::pipes::kinesis_pipe;

const PROJECT: &str = "apiVersion: pipectl/v1
kind: Project
manifests: [pipes]
environments:
  staging: {variables: {service: playground}}
  prod: {variables: {service: analytics}}
defaults: {environment: staging}
";

fn project_dir() -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", PROJECT);
    desk.write_file("pipes/orders.yaml", kinesis_pipe("orders", "'${service}'"));
    desk.write_file("pipes/clicks.yaml", kinesis_pipe("clicks", "lake"));
    desk
}

/// What the shell offers for the last word.
fn shell_completions(desk: &WorkDir, shell: &str, words: &[&str]) -> Vec<String> {
    let line = [&["--", "pipectl"], words].concat();
    let index = words.len().to_string();
    let environment = [("PIPECTL_COMPLETE", shell), ("_CLAP_COMPLETE_INDEX", &index)];
    let said = desk.run_with_env(&line, &environment);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{}", said.all_output());
    let value = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
    said.stdout.lines().map(value).filter(|line| !line.starts_with('-')).collect()
}

#[test]
fn completion_offers_pipe_names() {
    let desk = project_dir();
    for shell in ["bash", "zsh", "fish"] {
        for words in [
            &["resync", ""][..],
            &["plan", "--only", ""],
            &["status", "--exclude", ""],
            &["apply", "--allow-replace", ""],
            &["apply", "--allow-delete", ""],
        ] {
            let names = shell_completions(&desk, shell, words);
            assert_eq!(names, ["lake/clicks", "playground/orders"], "{shell} {words:?}");
        }
    }
    assert_eq!(shell_completions(&desk, "bash", &["resync", "la"]), ["lake/clicks"]);
}

#[test]
fn completion_follows_environment_and_given_files() {
    let desk = project_dir();
    for words in [&["resync", "-e", "prod", ""][..], &["resync", "--env=prod", ""]] {
        assert_eq!(shell_completions(&desk, "bash", words), ["analytics/orders", "lake/clicks"]);
    }
    let words = ["plan", "pipes/clicks.yaml", "--only", ""];
    assert_eq!(shell_completions(&desk, "bash", &words), ["lake/clicks"]);
    assert_eq!(shell_completions(&desk, "bash", &["plan", "-e", ""]), ["prod", "staging"]);
}

#[test]
fn completion_offers_fields_and_commands() {
    let desk = WorkDir::new();
    let fields = shell_completions(&desk, "bash", &["explain", "source.kafka.off"]);
    assert!(fields.iter().all(|field| field.starts_with("source.kafka.offset")), "{fields:?}");
    let fields = shell_completions(&desk, "bash", &["explain", "source.kafka.offset.s"]);
    assert_eq!(fields, ["source.kafka.offset.strategy"]);
    assert_eq!(shell_completions(&desk, "bash", &["resy"]), ["resync"]);
}

#[test]
fn completion_is_silent_on_invalid_files() {
    let desk = project_dir();
    desk.write_file("pipes/orders.yaml", "not: [yaml");
    assert_eq!(shell_completions(&desk, "bash", &["resync", ""]), ["lake/clicks"]);
    desk.write_file("pipectl.yaml", "kind: [");
    assert!(shell_completions(&desk, "bash", &["resync", ""]).is_empty());
}
