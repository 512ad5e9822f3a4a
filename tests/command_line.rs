//! Exit codes, bad input and secrecy, on the real binary.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::cli::{Desk, Said};

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

fn refused(said: &Said, code: i32, words: &str) {
    assert_eq!(said.code, code, "{}", said.all());
    assert!(said.stderr.contains(words), "no `{words}` in {}", said.stderr);
    assert!(!said.all().contains("canary"), "{}", said.all());
}

#[test]
fn a_typo_on_the_command_line_is_never_read_as_changes() {
    let desk = Desk::new();
    for args in [&["plan", "x.yaml", "--detailed-exit-code"][..], &["paln"], &[], &["plan"]] {
        assert_eq!(desk.run(args).code, 64, "{args:?}");
    }
    for (flag, value) in [("--timeout", "soon"), ("--rate-limit", "10"), ("--wait", "x")] {
        let said = desk.run(&["apply", "x.yaml", "--sandbox", flag, value]);
        assert_eq!(said.code, 64, "{}", said.all());
    }
    assert_eq!(desk.run(&["plan", "--nonsense", "-o", "json"]).json()["outcome"], "error");
    assert_eq!(desk.run(&["--help"]).code, 0);
    assert_eq!(desk.run(&["--version"]).code, 0);
    assert!(desk.run(&["--help"]).stdout.contains("64   usage"));
}

#[test]
fn bad_files_are_refused_and_nothing_is_sent() {
    let desk = Desk::new();
    desk.write("pipe.yaml", PIPE);
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
        (
            "twice.yaml",
            PIPE.replace("kind: ClickPipe", "kind: ClickPipe\nkind: ClickPipe").into_bytes(),
            "duplicate",
        ),
        ("other.yaml", b"apiVersion: apps/v1\nkind: Deployment\n".to_vec(), "error"),
        ("list.yaml", b"- 1\n- 2\n".to_vec(), "error"),
    ];
    for (name, content, words) in files {
        desk.write(name, content);
        for command in [
            &["validate", name][..],
            &["plan", name, "--sandbox"],
            &["apply", name, "--sandbox", "--yes"],
        ] {
            refused(&desk.run(command), 1, words);
        }
        fs::remove_file(desk.folder.path().join(name)).unwrap();
    }
    assert!(
        !desk.folder.path().join(".pipectl").exists(),
        "nothing was sent, not even to the sandbox"
    );
}

#[test]
fn paths_without_manifests_are_mistakes() {
    let desk = Desk::new();
    fs::create_dir(desk.folder.path().join("empty")).unwrap();
    desk.write("blank.yaml", "# nothing here\n");
    refused(&desk.run(&["plan", "empty", "--sandbox"]), 1, "no manifest in empty");
    refused(&desk.run(&["plan", "missing", "--sandbox"]), 1, "cannot read missing");
    refused(&desk.run(&["plan", "blank.yaml", "--sandbox"]), 1, "no manifest in blank.yaml");
}

#[test]
fn shells_and_manuals_know_every_command() {
    let desk = Desk::new();
    let manual = desk.run(&["man"]);
    assert_eq!(manual.code, 0, "{}", manual.all());
    for command in ["validate", "plan", "apply", "explain", "sandbox"] {
        assert!(manual.stdout.contains(command), "the manual lacks {command}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = desk.run(&["completions", shell]);
        assert_eq!(script.code, 0, "{}", script.all());
        assert!(script.stdout.contains("PIPECTL_COMPLETE"), "{shell}: {}", script.stdout);
    }
    assert_eq!(desk.run(&["completions", "cmd"]).code, 64);
}

#[test]
fn a_file_counts_once_however_it_is_named() {
    let desk = Desk::new();
    desk.write("pipes/pipe.yaml", PIPE);
    let said = desk.run(&["validate", "pipes", "./pipes/pipe.yaml", "pipes/../pipes"]);
    assert_eq!(said.stdout, "1 manifest in 1 file: valid\n", "{}", said.stderr);
}

#[test]
fn standard_input_is_a_file() {
    let said = Desk::new().run_reading(&["validate", "-"], &[], PIPE);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (0, "1 manifest in 1 file: valid\n"),
        "{}",
        said.stderr
    );
}

#[test]
fn without_a_terminal_apply_needs_a_yes() {
    let desk = Desk::new();
    desk.write("pipe.yaml", PIPE);
    let said = desk.run_with(&["apply", "pipe.yaml", "--sandbox"], &KEY);
    refused(&said, 1, "--yes");
    assert!(desk.journal().iter().all(|(method, ..)| method == "GET"));
}

#[test]
fn a_plan_needs_no_secret_and_apply_names_the_missing_one() {
    let desk = Desk::new();
    desk.write("pipe.yaml", PIPE);
    assert_eq!(desk.run(&["plan", "pipe.yaml", "--sandbox", "--detailed-exitcode"]).code, 2);
    let said = desk.run(&["apply", "pipe.yaml", "--sandbox", "--yes"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(
        said.all().contains("environment variable KAFKA_PASSWORD is not set"),
        "{}",
        said.all()
    );
}

#[test]
fn keys_come_in_pairs_of_one_family() {
    let desk = Desk::new();
    desk.write("pipe.yaml", PIPE);
    refused(&desk.run(&["plan", "pipe.yaml"]), 4, "CLICKHOUSE_CLOUD_API_KEY");
    let half = desk.run_with(
        &["plan", "pipe.yaml"],
        &[("CLICKHOUSE_CLOUD_API_KEY", "k"), ("KEY_SECRET", "canary")],
    );
    refused(&half, 4, "CLICKHOUSE_CLOUD_API_SECRET is not");
}

/// Answers every connection with the same bytes.
fn answering(bytes: &'static [u8]) -> String {
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

fn plan_against(url: &str) -> Said {
    let desk = Desk::new();
    desk.write(
        "pipe.yaml",
        PIPE.replace("service: analytics", "service: 5a1c0000-0000-4000-8000-000000000001"),
    );
    desk.run_with(
        &["plan", "pipe.yaml", "--api-url", url, "--timeout", "1s", "--rate-limit", "off", "-vv"],
        &KEY,
    )
}

#[test]
fn an_api_that_is_none_gives_a_clear_error() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    refused(&plan_against(&closed), 1, "error");
    let html = answering(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 20\r\nconnection: close\r\n\r\n<html>hello</html>\r\n");
    refused(&plan_against(&html), 1, "text/html");
    let cut = answering(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20\r\nconnection: close\r\n\r\n{\"status\":200,\"resul");
    refused(&plan_against(&cut), 1, "cut short");
    refused(&plan_against("http://api.example.com"), 1, "only allowed to this machine");
}

#[test]
fn a_refused_key_has_a_code_of_its_own() {
    let url = answering(b"HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: 73\r\nconnection: close\r\n\r\n{\"status\":401,\"requestId\":\"r-1\",\"error\":\"UNAUTHORIZED: no such key\"     }");
    let said = plan_against(&url);
    refused(&said, 4, "r-1");
}

#[test]
fn no_secret_is_in_any_output() {
    let desk = Desk::new();
    desk.write("pipe.yaml", PIPE);
    for args in [
        &["validate", "pipe.yaml", "-vv"][..],
        &["plan", "pipe.yaml", "--sandbox", "-vv", "--diff"],
        &["plan", "pipe.yaml", "--sandbox", "-vv", "-o", "json"],
        &["apply", "pipe.yaml", "--sandbox", "--yes", "-vv", "--diff"],
        &["apply", "pipe.yaml", "--sandbox", "--yes", "-vv", "-o", "json"],
    ] {
        let said = desk.run_with(args, &KEY);
        assert_eq!(said.code, 0, "{}", said.all());
        assert!(!said.all().contains("canary"), "{args:?}: {}", said.all());
    }
    let world = fs::read_to_string(desk.folder.path().join(".pipectl/sandbox.json")).unwrap();
    assert!(!world.contains("canary"), "the sandbox forgets secrets, too");
}

#[test]
fn a_secret_written_out_is_refused_and_not_repeated() {
    let desk = Desk::new();
    desk.write("pipe.yaml", PIPE.replace("{fromEnv: KAFKA_PASSWORD}", "canary-written-out"));
    let said = desk.run(&["validate", "pipe.yaml"]);
    refused(&said, 1, "fromEnv");
    refused(&said, 1, "literal-secret");
}

#[test]
fn json_is_printed_in_every_outcome() {
    let desk = Desk::new();
    desk.write("pipe.yaml", PIPE);
    desk.write("broken.yaml", PIPE.replace("topics: clicks", "topcis: clicks"));
    let run = |args: &[&str]| desk.run_with(args, &KEY).json()["outcome"].clone();
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
fn a_selection_of_nothing_is_a_mistake() {
    let desk = Desk::new();
    desk.write("pipe.yaml", PIPE);
    refused(&desk.run(&["plan", "pipe.yaml", "--sandbox", "--only", "clacks"]), 1, "selected");
    let said = desk.run(&["plan", "pipe.yaml", "--sandbox", "--only", "analytics/cl*"]);
    assert!(said.stdout.contains("partial: 1 of 1"), "{}", said.all());
}

#[test]
fn a_failure_leaves_the_rest_to_be_done_and_says_so() {
    let desk = Desk::new();
    let other = PIPE
        .replace("name: clicks", "name: lost")
        .replace("b:9092", "broker.invalid:9092")
        .replace("table: clicks", "table: lost");
    desk.write("pipes.yaml", format!("{PIPE}---\n{other}"));
    let said = desk.run_with(&["apply", "pipes.yaml", "--sandbox", "--yes"], &KEY);
    assert_eq!(said.code, 3, "{}", said.all());
    assert!(
        said.stdout.contains("Apply: 1 applied, 1 failed, 0 skipped, 0 unknown."),
        "{}",
        said.stdout
    );
    let again = desk.run_with(&["apply", "pipes.yaml", "--sandbox", "--yes"], &KEY);
    assert_eq!(again.code, 1, "{}", again.all());
}

#[test]
fn an_idle_service_is_woken_only_when_asked() {
    let desk = Desk::new();
    desk.write("pipe.yaml", PIPE);
    desk.run(&["plan", "pipe.yaml", "--sandbox"]);
    desk.world(|world| world.set_service_state("analytics", sandbox::ServiceState::Idle));
    let asleep = desk.run_with(&["apply", "pipe.yaml", "--sandbox", "--yes"], &KEY);
    assert_eq!(asleep.code, 1, "{}", asleep.all());
    assert!(asleep.stdout.contains("--wake"), "{}", asleep.all());
    let woken = desk.run_with(&["apply", "pipe.yaml", "--sandbox", "--yes", "--wake"], &KEY);
    assert_eq!(woken.code, 0, "{}", woken.all());
    desk.world(|world| world.set_service_state("analytics", sandbox::ServiceState::Stopped));
    desk.write("pipe.yaml", PIPE.replace("spec:", "spec:\n  state: stopped"));
    let stopped = desk.run_with(&["apply", "pipe.yaml", "--sandbox", "--yes", "--wake"], &KEY);
    assert_eq!(stopped.code, 1, "{}", stopped.all());
    let journal = desk.journal();
    let wakes = journal
        .iter()
        .filter(|(_, path, _)| path.ends_with("/state") && !path.contains("/clickpipes/"));
    assert_eq!(wakes.count(), 1, "the idle service was woken once, the stopped one never");
}

#[test]
fn what_is_protected_is_blocked_with_a_code_of_its_own() {
    let desk = Desk::new();
    desk.write("pipe.yaml", PIPE);
    assert_eq!(desk.run_with(&["apply", "pipe.yaml", "--sandbox", "--yes"], &KEY).code, 0);
    desk.write("pipe.yaml", PIPE.replace("spec:", "spec:\n  state: absent\n  protect: true"));
    let said = desk.run_with(&["apply", "pipe.yaml", "--sandbox", "--yes"], &KEY);
    assert_eq!(said.code, 5, "{}", said.all());
}

/// A pipeline sets a variable for each input that nobody filled in.
#[test]
fn a_variable_that_is_empty_says_nothing() {
    let desk = Desk::new();
    desk.write("pipe.yaml", fs::read_to_string(Desk::examples().join("kafka.yaml")).unwrap());
    let mut seen = 0;
    for command in ["validate", "plan", "apply", "status", "drift", "export", "doctor"] {
        let help = desk.run(&[command, "--help"]).stdout;
        let names = help.split("[env: ").skip(1).filter_map(|it| it.split('=').next());
        let empty: Vec<(&str, &str)> = names.map(|name| (name, "")).collect();
        seen += empty.len();
        let args = if command == "export" { &[command][..] } else { &[command, "pipe.yaml"] };
        let plain = desk.run(args);
        let said = desk.run_with(args, &empty);
        assert_eq!((said.code, said.all()), (plain.code, plain.all()), "{command}");
    }
    assert!(seen > 80, "{seen}");
}

#[test]
fn what_is_yes_or_no_may_be_one_or_zero() {
    let desk = Desk::new();
    desk.write("pipe.yaml", fs::read_to_string(Desk::examples().join("kafka.yaml")).unwrap());
    let changes = |value| {
        let environment = [("PIPECTL_DETAILED_EXITCODE", value)];
        desk.run_with(&["plan", "pipe.yaml", "--sandbox"], &environment).code
    };
    assert_eq!(["1", "true", "yes", "0", "false", "no"].map(changes), [2, 2, 2, 0, 0, 0]);
    assert_eq!(changes("perhaps"), 64);
}
