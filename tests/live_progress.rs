//! What apply shows on a terminal while it works.

#![cfg(unix)]

use crate::support::cli::WorkDir;
use crate::support::manifests::{documents_to_yaml, seeds_named};
use crate::support::server::SandboxServer;

const APPLY: [&str; 3] = ["apply", "pipes.yaml", "--yes"];

fn run_at_terminal(environment: &[(&str, &str)]) -> String {
    let server = SandboxServer::start(20);
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", documents_to_yaml(&seeds_named(&["kinesis-role", "kafka-msk-role"])));
    let (run, _keyboard) = server.spawn_at_terminal(&desk, &APPLY, environment);
    let said = run.wait_for_end();
    assert_eq!(said.code, 0, "{}", said.all_output());
    said.stderr
}

/// What is left on the screen at the end. Only the commands that the display uses are known here.
fn screen(output: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in output.replace("\r\n", "\n").split_inclusive('\n') {
        let mut text = line.trim_end_matches('\n');
        while let Some((up, rest)) = text.strip_prefix("\u{1b}[").and_then(|text| text.split_once("F\u{1b}[J")) {
            lines.truncate(lines.len() - up.parse::<usize>().unwrap());
            text = rest;
        }
        if line.ends_with('\n') || !text.is_empty() {
            lines.push(text.to_owned());
        }
    }
    lines
}

#[test]
fn terminal_shows_each_object_in_place() {
    let output = run_at_terminal(&[("TERM", "xterm")]);
    assert!(output.contains("  creating, "), "{output:?}");
    assert!(output.contains(" of 2 done after "), "{output:?}");
    assert!(output.contains("; 2 requests left, about 2s at 10 requests / 10 s"), "{output:?}");
    // The summary on stdout says the rest.
    assert_eq!(screen(&output), Vec::<String>::new(), "{output:?}");
}

#[test]
fn lines_are_not_drawn_where_they_would_stay() {
    for environment in [&[("TERM", "dumb")], &[("NO_COLOR", "1")], &[("CI", "true")]] {
        let output = run_at_terminal(&[&[("TERM", "xterm")][..], environment].concat());
        assert!(!output.contains("\u{1b}[J") && output.contains("2/2 applied"), "{environment:?}: {output:?}");
    }
}
