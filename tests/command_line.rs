//! Exit codes, bad input and secrecy, on the real binary.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::doc_regions::repository_file;

const PIPE: &str = "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: clicks, service: analytics}
spec:
  source:
    kafka:
      type: kafka
      format: JSONEachRow
      brokers: b:9092
      topics: clicks
      authentication: PLAIN
      credentials: {username: u, password: {fromEnv: KAFKA_PASSWORD}}
  destination: {database: default, table: clicks, managedTable: true, tableDefinition: {engine: {type: MergeTree}}, columns: [{name: id, type: UInt64}]}
";

const KEY: [(&str, &str); 4] = [
    ("CLICKHOUSE_CLOUD_API_KEY", "key"),
    ("CLICKHOUSE_CLOUD_API_SECRET", "canary-of-the-key"),
    ("CLICKHOUSE_ORG_ID", "0c11c4b0-05ed-4a0b-9b0c-5a4db0c50000"),
    ("KAFKA_PASSWORD", "canary-of-the-pipe"),
];

fn assert_refused(said: &RunOutput, code: i32, words: &str) {
    assert_eq!(said.code, code, "{}", said.all_output());
    assert!(said.stderr.contains(words), "no `{words}` in {}", said.stderr);
    assert!(!said.all_output().contains("canary"), "{}", said.all_output());
}

/// Every command with arguments that parse, and the formats that it has beside text.
const COMMAND_FORMATS: [(&[&str], &[&str]); 21] = [
    (&["init", "new"], &["json"]),
    (&["validate", "no.yaml"], &["json", "markdown"]),
    (&["fmt", "no.yaml"], &["json"]),
    (&["plan", "no.yaml"], &["json", "markdown"]),
    (&["apply", "no.yaml"], &["json", "markdown", "ndjson"]),
    (&["drift", "no.yaml"], &["json", "markdown"]),
    (&["status", "no.yaml"], &["json", "markdown"]),
    (&["resync", "analytics/no", "--sandbox=world.json"], &["json"]),
    (&["doctor", "--sandbox=world.json"], &["json", "markdown"]),
    (&["export", "--sandbox=world.json"], &["json"]),
    (&["diff-env", "staging", "prod"], &["json", "markdown"]),
    (&["render", "no.yaml"], &["json"]),
    (&["discover", "analytics/no"], &["json"]),
    (&["schema"], &["json"]),
    (&["secrets", "list"], &["json"]),
    (&["ci", "base"], &["json"]),
    (&["report", "merge", "no.json"], &["json", "markdown"]),
    (&["explain", "spec.paused"], &["json"]),
    // Refused on its own account, so that it does not serve.
    (&["sandbox", "--speed=0"], &[]),
    (&["completions", "bash"], &[]),
    (&["man"], &[]),
];

#[test]
fn commands_refuse_formats_that_they_do_not_have() {
    let desk = WorkDir::new();
    let help = desk.run_pipectl(&["--help"]).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let mut listed: Vec<&str> = listed.filter_map(|line| line.split_whitespace().next()).collect();
    let mut walked: Vec<&str> = COMMAND_FORMATS.iter().map(|(command, _)| command[0]).collect();
    listed.sort_unstable();
    walked.sort_unstable();
    assert_eq!(listed, walked);
    for (command, formats) in COMMAND_FORMATS {
        let supported: Vec<String> = ["text"].iter().chain(formats).map(|it| format!("-o {it}")).collect();
        let supported = format!("it supports {}", supported.join(", "));
        for format in ["text", "json", "markdown", "ndjson"] {
            let said = desk.run_pipectl(&[command, &["-o", format]].concat());
            let is_refused = format != "text" && !formats.contains(&format);
            assert_eq!(said.stderr.contains(&supported), is_refused, "{command:?}: {}", said.stderr);
            if is_refused {
                assert_eq!(said.code, 64, "{command:?} {format}: {}", said.all_output());
            }
            if format == "json" {
                let printed: Result<serde_json::Value, _> = serde_json::from_str(&said.stdout);
                assert!(printed.is_ok(), "{command:?}: {}", said.all_output());
            }
        }
    }
}

#[test]
fn invalid_files_are_rejected_and_nothing_is_sent() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE);
    let bomb: String = ('b'..='j').fold("a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, c| {
        let before = char::from(c as u8 - 1);
        let entries = vec![format!("*{before}"); 10].join(",");
        format!("{text}{c}: &{c} [{entries}]\n")
    });
    let deep = "[".repeat(100_000);
    let files: [(&str, Vec<u8>, &str); 9] = [
        ("prose.yaml", b"this is { not: [yaml".to_vec(), "yaml-syntax"),
        ("binary.yaml", vec![0xff, 0xfe, 0x00, 0x01, 0x80], "not text"),
        ("nul.yaml", b"a: \0b\n".to_vec(), "U+0000"),
        ("bomb.yaml", bomb.into_bytes(), "yaml-too-large"),
        ("deep.yaml", deep.into_bytes(), "error"),
        ("huge.yaml", vec![b'#'; 100 * 1024 * 1024], "larger than 8 MiB"),
        ("twice.yaml", PIPE.replace("kind: ClickPipe", "kind: ClickPipe\nkind: ClickPipe").into_bytes(), "duplicate"),
        ("other.yaml", b"apiVersion: apps/v1\nkind: Deployment\n".to_vec(), "error"),
        ("list.yaml", b"- 1\n- 2\n".to_vec(), "error"),
    ];
    for (name, content, words) in files {
        desk.write_file(name, content);
        for command in [&["validate", name][..], &["plan", name, "--sandbox"], &["apply", name, "--sandbox", "--yes"]] {
            assert_refused(&desk.run_pipectl(command), 1, words);
        }
        fs::remove_file(desk.temp_dir.path().join(name)).unwrap();
    }
    let rules = "    - {name: r, deny: 'false', message: m}\n".repeat(60_000);
    desk.write_file("pipectl.yaml", format!("apiVersion: pipectl/v1\nkind: Project\npolicy:\n  rules:\n{rules}"));
    assert_refused(&desk.run_pipectl(&["validate", "pipe.yaml"]), 1, "pipectl.yaml is larger than 1 MiB");
    assert!(!desk.temp_dir.path().join(".pipectl").exists(), "nothing was sent, not even to the sandbox");
}

#[test]
fn paths_without_manifests_are_errors() {
    let desk = WorkDir::new();
    fs::create_dir(desk.temp_dir.path().join("empty")).unwrap();
    desk.write_file("blank.yaml", "# nothing here\n");
    assert_refused(&desk.run_pipectl(&["plan", "empty", "--sandbox"]), 1, "no manifest in empty");
    assert_refused(&desk.run_pipectl(&["plan", "missing", "--sandbox"]), 1, "cannot read missing");
    assert_refused(&desk.run_pipectl(&["plan", "blank.yaml", "--sandbox"]), 1, "no manifest in blank.yaml");
}

#[test]
fn man_page_and_completions_cover_every_command() {
    let desk = WorkDir::new();
    let manual = desk.run_pipectl(&["man"]);
    assert_eq!(manual.code, 0, "{}", manual.all_output());
    let help = desk.run_pipectl(&["--help"]).stdout;
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    let (listed, _) = listed.split_once("\n\n").unwrap();
    let commands: Vec<&str> = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let commands: Vec<&str> = commands.into_iter().filter(|command| !command.is_empty()).collect();
    assert!(commands.len() > 10, "{help}");
    for command in commands {
        assert!(
            manual.stdout.contains(&format!("pipectl\\-{}(1)\n", command.replace('-', "\\-"))),
            "the manual lacks {command}"
        );
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = desk.run_pipectl(&["completions", shell]);
        assert_eq!(script.code, 0, "{}", script.all_output());
        assert!(script.stdout.contains("PIPECTL_COMPLETE"), "{shell}: {}", script.stdout);
    }
    assert_eq!(desk.run_pipectl(&["completions", "cmd"]).code, 64);
}

#[test]
fn file_given_twice_is_read_once() {
    let desk = WorkDir::new();
    desk.write_file("pipes/pipe.yaml", PIPE);
    let said = desk.run_pipectl(&["validate", "pipes", "./pipes/pipe.yaml", "pipes/../pipes"]);
    assert_eq!(said.stdout, "1 manifest in 1 file: valid\n", "{}", said.stderr);
}

#[test]
fn standard_input_is_read_as_a_file() {
    let said = WorkDir::new().run_with_stdin(&["validate", "-"], &[], PIPE);
    assert_eq!((said.code, said.stdout.as_str()), (0, "1 manifest in 1 file: valid\n"), "{}", said.stderr);
}

#[test]
fn apply_without_terminal_needs_yes() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE);
    let said = desk.run_with_env(&["apply", "pipe.yaml", "--sandbox"], &KEY);
    assert_refused(&said, 1, "--yes");
    assert!(desk.request_log().iter().all(|(method, ..)| method == "GET"));
}

#[test]
fn only_apply_needs_secrets_and_names_missing_ones() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE);
    assert_eq!(desk.run_pipectl(&["plan", "pipe.yaml", "--sandbox", "--detailed-exitcode"]).code, 2);
    let said = desk.run_pipectl(&["apply", "pipe.yaml", "--sandbox", "--yes"]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.all_output().contains("environment variable KAFKA_PASSWORD is not set"), "{}", said.all_output());
}

#[test]
fn incomplete_api_key_pair_is_an_error() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE);
    assert_refused(&desk.run_pipectl(&["plan", "pipe.yaml"]), 4, "CLICKHOUSE_CLOUD_API_KEY");
    let half =
        desk.run_with_env(&["plan", "pipe.yaml"], &[("CLICKHOUSE_CLOUD_API_KEY", "k"), ("KEY_SECRET", "canary")]);
    assert_refused(&half, 4, "CLICKHOUSE_CLOUD_API_SECRET is not");
}

/// Answers every connection with the same bytes.
fn spawn_fixed_server(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming().take(40) {
            let Ok(mut connection) = connection else { return };
            let mut request = [0; 4096];
            let _ = connection.read(&mut request);
            let _ = connection.write_all(bytes);
        }
    });
    format!("http://{address}")
}

fn plan_against(url: &str) -> RunOutput {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE.replace("service: analytics", "service: 5a1c0000-0000-4000-8000-000000000001"));
    desk.run_with_env(&["plan", "pipe.yaml", "--api-url", url, "--timeout", "1s", "--rate-limit", "off", "-vv"], &KEY)
}

#[test]
fn unusable_api_gives_a_clear_error() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    assert_refused(&plan_against(&closed), 1, "error");
    let html = spawn_fixed_server(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 20\r\nconnection: close\r\n\r\n<html>hello</html>\r\n");
    assert_refused(&plan_against(&html), 1, "text/html");
    let cut = spawn_fixed_server(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20\r\nconnection: close\r\n\r\n{\"status\":200,\"resul");
    assert_refused(&plan_against(&cut), 1, "cut short");
    assert_refused(&plan_against("http://api.example.com"), 64, "only allowed to this machine");
}

#[test]
fn rejected_api_key_exits_with_4() {
    let url = spawn_fixed_server(b"HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: 73\r\nconnection: close\r\n\r\n{\"status\":401,\"requestId\":\"r-1\",\"error\":\"UNAUTHORIZED: no such key\"     }");
    let said = plan_against(&url);
    assert_refused(&said, 4, "r-1");
}

#[test]
fn no_secret_is_in_any_output() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE);
    for args in [
        &["validate", "pipe.yaml", "-vv"][..],
        &["plan", "pipe.yaml", "--sandbox", "-vv", "--diff"],
        &["plan", "pipe.yaml", "--sandbox", "-vv", "-o", "json"],
        &["apply", "pipe.yaml", "--sandbox", "--yes", "-vv", "--diff"],
        &["apply", "pipe.yaml", "--sandbox", "--yes", "-vv", "-o", "json"],
    ] {
        let said = desk.run_with_env(args, &KEY);
        assert_eq!(said.code, 0, "{}", said.all_output());
        assert!(!said.all_output().contains("canary"), "{args:?}: {}", said.all_output());
    }
    let world = fs::read_to_string(desk.temp_dir.path().join(".pipectl/sandbox.json")).unwrap();
    assert!(!world.contains("canary"), "the sandbox forgets secrets, too");
}

#[test]
fn literal_secret_is_rejected_and_not_repeated() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE.replace("{fromEnv: KAFKA_PASSWORD}", "canary-written-out"));
    let said = desk.run_pipectl(&["validate", "pipe.yaml"]);
    assert_refused(&said, 1, "fromEnv");
    assert_refused(&said, 1, "literal-secret");
}

#[test]
fn json_names_the_outcome_of_success_and_error() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE);
    desk.write_file("broken.yaml", PIPE.replace("topics: clicks", "topcis: clicks"));
    let run = |args: &[&str]| desk.run_with_env(args, &KEY).stdout_json()["outcome"].clone();
    assert_eq!(run(&["validate", "pipe.yaml", "-o", "json"]), "valid");
    assert_eq!(run(&["validate", "broken.yaml", "-o", "json"]), "invalid");
    assert_eq!(run(&["plan", "broken.yaml", "--sandbox", "-o", "json"]), "error");
    assert_eq!(run(&["plan", "pipe.yaml", "--sandbox", "-o", "json"]), "changes");
    assert_eq!(run(&["apply", "pipe.yaml", "--sandbox", "-o", "json"]), "error");
    assert_eq!(run(&["apply", "pipe.yaml", "--sandbox", "--yes", "-o", "json"]), "applied");
    assert_eq!(run(&["apply", "pipe.yaml", "--sandbox", "--yes", "-o", "json"]), "inSync");
    assert_eq!(run(&["plan", "pipe.yaml", "--sandbox", "-o", "json"]), "inSync");
    assert_eq!(run(&["explain", "source.kafka.topics", "-o", "json"]), "found");
}

#[test]
fn selection_matching_nothing_is_an_error() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE);
    assert_refused(&desk.run_pipectl(&["plan", "pipe.yaml", "--sandbox", "--only", "clacks"]), 1, "selected");
    let said = desk.run_pipectl(&["plan", "pipe.yaml", "--sandbox", "--only", "analytics/cl*"]);
    assert!(said.stdout.contains("1 to create") && !said.stdout.contains("Partial"), "{}", said.all_output());
}

#[test]
fn failed_object_leaves_others_applied_with_exit_3() {
    let desk = WorkDir::new();
    let other = PIPE
        .replace("name: clicks", "name: lost")
        .replace("b:9092", "broker.invalid:9092")
        .replace("table: clicks", "table: lost");
    desk.write_file("pipes.yaml", format!("{PIPE}---\n{other}"));
    let said = desk.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--yes"], &KEY);
    assert_eq!(said.code, 3, "{}", said.all_output());
    assert!(said.stdout.contains("Apply: 1 applied, 1 failed, 0 skipped, 0 unknown."), "{}", said.stdout);
    let again = desk.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--yes"], &KEY);
    assert_eq!(again.code, 1, "{}", again.all_output());
}

#[test]
fn idle_service_is_woken_only_with_wake_flag() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE);
    desk.run_pipectl(&["plan", "pipe.yaml", "--sandbox"]);
    desk.edit_world(|world| world.set_service_state("analytics", sandbox::ServiceState::Idle));
    let asleep = desk.run_with_env(&["apply", "pipe.yaml", "--sandbox", "--yes"], &KEY);
    assert_eq!(asleep.code, 5, "{}", asleep.all_output());
    assert!(asleep.stdout.contains("--wake"), "{}", asleep.all_output());
    let woken = desk.run_with_env(&["apply", "pipe.yaml", "--sandbox", "--yes", "--wake"], &KEY);
    assert_eq!(woken.code, 0, "{}", woken.all_output());
    desk.edit_world(|world| world.set_service_state("analytics", sandbox::ServiceState::Stopped));
    desk.write_file("pipe.yaml", PIPE.replace("spec:", "spec:\n  state: stopped"));
    let stopped = desk.run_with_env(&["apply", "pipe.yaml", "--sandbox", "--yes", "--wake"], &KEY);
    assert_eq!(stopped.code, 5, "{}", stopped.all_output());
    let journal = desk.request_log();
    let wakes = journal.iter().filter(|(_, path, _)| path.ends_with("/state") && !path.contains("/clickpipes/"));
    assert_eq!(wakes.count(), 1, "the idle service was woken once, the stopped one never");
}

#[test]
fn deletion_of_protected_pipe_exits_with_5() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", PIPE);
    assert_eq!(desk.run_with_env(&["apply", "pipe.yaml", "--sandbox", "--yes"], &KEY).code, 0);
    desk.write_file("pipe.yaml", PIPE.replace("spec:", "spec:\n  state: absent\n  protect: true"));
    let said = desk.run_with_env(&["apply", "pipe.yaml", "--sandbox", "--yes"], &KEY);
    assert_eq!(said.code, 5, "{}", said.all_output());
}

#[test]
fn code_of_a_message_is_explained_with_the_address_of_its_page() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {}\nspec: {colour: red}\n");
    let said = desk.run_pipectl(&["validate", "pipe.yaml", "--report", "sarif=found.json"]);
    assert_eq!(said.code, 1);
    let text = fs::read_to_string(desk.temp_dir.path().join("found.json")).unwrap();
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rules = found["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(!rules.is_empty());
    let addresses = |found: &[serde_json::Value], name: &str| -> BTreeSet<(String, String)> {
        found.iter().map(|it| (it[name].to_string(), it["helpUri"].to_string())).collect()
    };
    let json = desk.run_pipectl(&["validate", "pipe.yaml", "-o", "json"]).stdout_json();
    assert_eq!(addresses(json["result"]["diagnostics"].as_array().unwrap(), "code"), addresses(rules, "id"));
    for rule in rules {
        let code = rule["id"].as_str().unwrap();
        let explained = desk.run_pipectl(&["explain", code, "-o", "json"]).stdout_json();
        assert_eq!(explained["result"]["helpUri"], rule["helpUri"], "{code}");
        let address = rule["helpUri"].as_str().unwrap();
        assert!(address.starts_with("https://") && address.contains("/docs/errors.md#"), "{address}");
        assert!(desk.run_pipectl(&["explain", code]).stdout.contains(address), "{code}");
    }
    assert_eq!(desk.run_pipectl(&["explain", "no-such-code"]).code, 1);
    let said = desk.run_pipectl(&["validate", "pipe.yaml"]).stderr;
    assert_eq!(said.matches("try `pipectl explain ").count(), 1, "{said}");
}

#[test]
fn explained_field_leads_to_its_row() {
    let desk = WorkDir::new();
    let page = fs::read_to_string(repository_file("docs/reference.md")).unwrap();
    for (field, heading) in [
        ("source.kafka.topics", "specsourcekafka"),
        ("source.kafka.offset", "specsourcekafkaoffset"),
        ("destination.columns.name", "specdestinationcolumns"),
        ("CdcScaling.metadata.service", "metadata-1"),
        ("ReversePrivateEndpoint.type", "spec-2"),
        ("Project.policy.maxDelete", "policy"),
        ("Project.manifests", "project"),
        ("ClickPipe", "spec"),
    ] {
        let said = desk.run_pipectl(&["explain", field]);
        let address = format!("/docs/reference.md#{heading}\n");
        assert!(said.stdout.ends_with(&address), "{field}: {}", said.stdout);
        let json = desk.run_pipectl(&["explain", field, "-o", "json"]).stdout_json();
        assert!(said.stdout.contains(json["result"]["helpUri"].as_str().unwrap()), "{field}: {json}");
        let slug = |line: &str| line.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "");
        let is_heading = |line: &&str| line.starts_with("##") && slug(line) == heading.split('-').next().unwrap();
        let nth = heading.split_once('-').map_or(0, |(_, nth)| nth.parse::<usize>().unwrap());
        assert!(page.lines().filter(is_heading).nth(nth).is_some(), "{field}");
    }
}
