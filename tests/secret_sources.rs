//! Where secrets come from: variables, files and programs; when they are read, and when not.

use std::fs;
use std::path::PathBuf;

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::server::SandboxServer;

pub(crate) const CANARY: &str = "canary-5up3r-s3cr3t";

pub(crate) fn pipe_manifest(name: &str, password: &str) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: {name}, service: analytics}}
spec:
  source:
    kafka:
      type: kafka
      format: JSONEachRow
      brokers: kafka.example.com:9092
      topics: orders
      authentication: PLAIN
      credentials: {{username: ingest, password: {password}}}
  destination: {{database: default, table: {name}, managedTable: true, tableDefinition: {{engine: {{type: MergeTree}}}}, columns: [{{name: id, type: UInt64}}]}}
---
"
    )
}

pub(crate) const PROJECT: &str = "apiVersion: pipectl/v1
kind: Project
manifests: [pipes]
policy: {secretCommands: [./vault]}
";

/// A desk with a program that counts its runs and prints a secret to both streams.
fn dir_with_program(password: &str, prints: &str) -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", PROJECT);
    desk.write_file("pipes/orders.yaml", pipe_manifest("orders", password) + &pipe_manifest("refunds", password));
    write_program(&desk, &format!("#!/bin/sh\necho run >> runs\necho {CANARY} >&2\n{prints}\n"));
    desk
}

fn write_program(desk: &WorkDir, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = desk.write_file("vault", script);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn count_program_runs(desk: &WorkDir) -> usize {
    fs::read_to_string(desk.temp_dir.path().join("runs")).unwrap_or_default().lines().count()
}

fn run_pipectl(desk: &WorkDir, args: &[&str]) -> RunOutput {
    let path = [("PATH", "/usr/bin:/bin"), ("PIPECTL_SANDBOX", ".pipectl/sandbox.json")];
    let said = desk.run_with_env(args, &path);
    assert!(!said.all_output().contains(CANARY), "{}", said.all_output());
    said
}

#[test]
fn allowed_secret_command_runs_once_and_only_for_apply() {
    let desk = dir_with_program("{fromCommand: [./vault, read, 'a; b']}", &format!("echo {CANARY}"));
    for args in [&["validate"][..], &["plan", "--diff"], &["plan", "-o", "json"], &["drift"]] {
        assert_eq!(run_pipectl(&desk, args).code, 0, "{args:?}");
    }
    assert_eq!(count_program_runs(&desk), 0, "nothing but apply runs a program");
    let applied = run_pipectl(&desk, &["apply", "--yes"]);
    assert_eq!((applied.code, count_program_runs(&desk)), (0, 1), "{}", applied.all_output());
    assert_eq!(run_pipectl(&desk, &["plan", "--detailed-exitcode"]).code, 0);
    assert_eq!((run_pipectl(&desk, &["apply", "--yes"]).code, count_program_runs(&desk)), (0, 1), "nothing is sent");
}

#[test]
fn secret_command_not_allowed_does_not_run() {
    let desk = dir_with_program("{fromCommand: [./vault]}", &format!("echo {CANARY}"));
    let elsewhere = PROJECT.replace("[./vault]", "[vault, /vault, ./vault2]");
    for project in [PROJECT.replace("policy: {secretCommands: [./vault]}\n", ""), elsewhere] {
        desk.write_file("pipectl.yaml", project);
        let said = run_pipectl(&desk, &["apply", "--yes"]);
        assert_eq!((said.code, count_program_runs(&desk)), (1, 0), "{}", said.all_output());
        assert!(said.all_output().contains("policy.secretCommands"), "{}", said.all_output());
    }
}

#[test]
fn secret_command_gets_listed_variables_and_no_api_key() {
    let desk = dir_with_program("{fromCommand: [./vault]}", "env >> seen; echo fine");
    let keys = "credentials: {key: {fromEnv: PROD_KEY}, secret: {fromEnv: PROD_SECRET}}";
    let environments = format!("defaults: {{environment: dev}}\nenvironments: {{dev: {{}}, prod: {{{keys}}}}}\n");
    let policy = "policy: {secretCommands: [./vault], secretCommandVariables: ['VAULT_*', '*KEY*', '*SECRET*']}\n";
    desk.write_file("pipectl.yaml", format!("{}{policy}{environments}", PROJECT.split("policy").next().unwrap()));
    let environment = [
        ("PATH", "/usr/bin:/bin"),
        ("PIPECTL_SANDBOX", ".pipectl/sandbox.json"),
        ("VAULT_TOKEN", "one"),
        ("OTHER_TOKEN", "two"),
        ("CLICKHOUSE_CLOUD_API_KEY", "three"),
        ("CLICKHOUSE_CLOUD_API_SECRET", "four"),
        ("PROD_KEY", "five"),
        ("PROD_SECRET", "six"),
    ];
    let said = desk.run_with_env(&["apply", "--yes"], &environment);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let seen = fs::read_to_string(desk.temp_dir.path().join("seen")).unwrap();
    let names: Vec<&str> = seen.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert!(names.contains(&"VAULT_TOKEN") && names.contains(&"PATH"), "{names:?}");
    for hidden in environment.iter().skip(3) {
        assert!(!names.contains(&hidden.0), "{names:?}");
    }
}

#[test]
fn manifest_does_not_get_an_api_key() {
    let desk = WorkDir::new();
    let keys = "credentials: {key: {fromEnv: PROD_KEY}, secret: {fromEnv: PROD_SECRET}}";
    let head = PROJECT.split("policy").next().unwrap();
    desk.write_file(
        "pipectl.yaml",
        format!("{head}defaults: {{environment: dev}}\nenvironments: {{dev: {{}}, prod: {{{keys}}}}}\n"),
    );
    for name in ["CLICKHOUSE_CLOUD_API_SECRET", "KEY_SECRET", "PROD_SECRET"] {
        desk.write_file("pipes/orders.yaml", pipe_manifest("orders", &format!("{{fromEnv: {name}}}")));
        for args in [
            &["validate"][..],
            &["validate", "--check-secrets"],
            &["plan", "--sandbox"],
            &["apply", "--yes", "--sandbox"],
        ] {
            let said = desk.run_with_env(args, &[(name, CANARY)]);
            assert_eq!(said.code, 1, "{args:?}: {}", said.all_output());
            assert_eq!(said.stderr.matches("error[unresolved-secret]").count(), 1, "{args:?}: {}", said.stderr);
            assert!(said.all_output().contains("holds the API key of pipectl"), "{}", said.all_output());
            assert!(!said.all_output().contains(CANARY), "{}", said.all_output());
        }
    }
}

#[test]
fn relative_secret_file_stays_in_the_project() {
    let desk = WorkDir::new();
    desk.write_file("outside.key", CANARY);
    desk.write_file("project/pipectl.yaml", PROJECT);
    std::os::unix::fs::symlink("../outside.key", desk.temp_dir.path().join("project/linked.key")).unwrap();
    for path in ["linked.key", "../outside.key", "../missing.key", "pipes/../../outside.key"] {
        desk.write_file("project/pipes/orders.yaml", pipe_manifest("orders", &format!("{{fromFile: {path}}}")));
        for args in [&["validate", "--check-secrets"][..], &["apply", "--yes", "--sandbox"]] {
            let said = desk.run_in_subfolder("project", args, &[]);
            assert_eq!(said.code, 1, "{path} {args:?}: {}", said.all_output());
            assert!(said.all_output().contains("outside the project's folder"), "{path}: {}", said.all_output());
            assert!(!said.all_output().contains(CANARY), "{path}: {}", said.all_output());
        }
    }
    // Of the machine's other files nobody learns which are there.
    for path in ["/etc", "/nowhere/at/all"] {
        desk.write_file("project/pipes/orders.yaml", pipe_manifest("orders", &format!("{{fromFile: {path}}}")));
        let said = desk.run_in_subfolder("project", &["validate", "--check-secrets"], &[]);
        let words = format!("file {path}: it cannot be read as a secret\n");
        assert!(said.stderr.contains(&words), "{}", said.all_output());
    }
}

/// A relative folder on `PATH`, or an empty one, is a folder of the tree.
#[test]
fn secret_command_is_not_taken_from_the_tree() {
    let desk = dir_with_program("{fromCommand: [vault]}", "echo secret");
    let project = fs::read_to_string(desk.temp_dir.path().join("pipectl.yaml")).unwrap().replace("./vault", "vault");
    desk.write_file("pipectl.yaml", &project);
    for folders in [".", "", "./"] {
        let path = format!("{folders}:/usr/bin:/bin");
        for args in [&["apply", "--yes", "--sandbox"][..], &["validate", "--check-secrets"]] {
            let said = desk.run_with_env(args, &[("PATH", &path)]);
            assert_eq!((said.code, count_program_runs(&desk)), (1, 0), "{folders}: {}", said.all_output());
        }
    }
}

#[test]
fn failing_secret_command_output_is_not_printed() {
    let cases = [
        (format!("echo {CANARY}; exit 3"), "exit status: 3"),
        (format!("echo {CANARY}; printf '\\377'"), "not text in UTF-8"),
        (format!("yes {CANARY} | head -c 70000"), "more than 65536 bytes"),
        ("true".to_owned(), "it is empty"),
    ];
    for (prints, why) in cases {
        let desk = dir_with_program("{fromCommand: [./vault]}", &prints);
        let said = run_pipectl(&desk, &["apply", "--yes", "-vv"]);
        assert_eq!((said.code, count_program_runs(&desk)), (1, 1), "{prints}: {}", said.all_output());
        assert!(said.all_output().contains(why), "{prints}: {}", said.all_output());
    }
    let desk = dir_with_program("{fromCommand: [./vault]}", "true");
    fs::remove_file(desk.temp_dir.path().join("vault")).unwrap();
    let said = run_pipectl(&desk, &["apply", "--yes"]);
    assert!(said.all_output().contains("cannot run `./vault`"), "{}", said.all_output());
}

#[test]
fn invalid_secret_file_content_is_not_printed() {
    let desk = dir_with_program("{fromFile: key, encoding: base64}", "true");
    let cases: [(Vec<u8>, &str); 4] = [
        ([CANARY.as_bytes(), b"\xff"].concat(), "not text in UTF-8"),
        ([CANARY.as_bytes(), b"\0"].concat(), "contains a NUL"),
        (CANARY.repeat(4000).into_bytes(), "more than 65536 bytes"),
        (b"\n".to_vec(), "it is empty"),
    ];
    for (content, why) in cases {
        desk.write_file("key", content);
        let said = run_pipectl(&desk, &["apply", "--yes", "-vv"]);
        assert!(said.code == 1 && said.all_output().contains(why), "{why}: {}", said.all_output());
        assert!(said.all_output().contains("file key"), "{}", said.all_output());
    }
    fs::remove_file(desk.temp_dir.path().join("key")).unwrap();
    fs::create_dir(desk.temp_dir.path().join("key")).unwrap();
    let said = run_pipectl(&desk, &["apply", "--yes"]);
    assert!(said.code == 1 && said.all_output().contains("directory"), "{}", said.all_output());
}

/// Whoever reads from a pipe waits until somebody writes, and hears no signal.
#[test]
fn secret_file_must_not_be_a_named_pipe() {
    let desk = dir_with_program("{fromFile: key}", "true");
    let made = std::process::Command::new("mkfifo").arg(desk.temp_dir.path().join("key")).status();
    assert!(made.unwrap().success());
    let commands = [&["apply", "--yes"][..], &["validate", "--check-secrets"]];
    for said in commands.map(|args| run_pipectl(&desk, args)) {
        assert!(said.code == 1 && said.all_output().contains("a pipe or a device"), "{}", said.all_output());
    }
}

#[test]
fn secret_paths_are_relative_to_the_project_file() {
    for password in ["{fromFile: key}", "{fromCommand: [./vault, key]}"] {
        let desk = dir_with_program(password, "cat \"$1\"");
        desk.write_file("key", CANARY);
        desk.write_file("below/none", "");
        let said = desk.run_in_subfolder("below", &["validate", "--check-secrets"], &[]);
        assert_eq!(said.code, 0, "{}", said.all_output());
        let said = desk.run_in_subfolder("below", &["apply", "--yes", "--sandbox"], &[("PATH", "/bin")]);
        assert_eq!(said.code, 0, "{}", said.all_output());
    }
}

#[test]
fn secret_command_does_not_see_api_keys() {
    let policy = "[./vault], secretCommandVariables: [VAULT_*]";
    let project = PROJECT.replace("[./vault]", policy);
    let project = format!(
        "{project}environments:
  prod: {{credentials: {{key: {{fromEnv: PROD_KEY}}, secret: {{fromEnv: PROD_SECRET}}}}}}\n"
    );
    let desk = dir_with_program("{fromCommand: [./vault]}", "env > told; echo x");
    desk.write_file("pipectl.yaml", project);
    let keys = ["CLICKHOUSE_CLOUD_API_SECRET", "KEY_ID", "PROD_KEY", "PROD_SECRET"];
    let environment = [&keys.map(|name| (name, CANARY))[..], &[("VAULT_TOKEN", "t")]].concat();
    let args = ["apply", "--yes", "--sandbox", "-e", "prod"];
    let said = desk.run_with_env(&args, &environment);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let told = fs::read_to_string(desk.temp_dir.path().join("told")).unwrap();
    assert!(told.contains("VAULT_TOKEN=t") && !told.contains(CANARY), "{told}");
}

/// Pasted ones have a line break at their end.
#[test]
fn env_secret_of_only_a_line_break_is_empty() {
    let desk = dir_with_program("{fromEnv: P}", "true");
    for (value, why) in [("\r\n", "it is empty"), ("", "P is not set")] {
        let said = desk.run_with_env(&["validate", "--check-secrets"], &[("P", value)]);
        assert!(said.code == 1 && said.all_output().contains(why), "{}", said.all_output());
    }
}

#[test]
fn plan_without_secrets_is_the_same_and_only_reads() {
    let desk = dir_with_program("{fromEnv: PASSWORD}", "true");
    let plan = |environment: &[(&str, &str)], args: &[&str]| {
        let args = [&["plan", "--sandbox"][..], args].concat();
        let said = desk.run_with_env(&args, environment);
        assert_eq!(said.code, 0, "{}", said.all_output());
        said.stdout
    };
    for args in [&["--diff"][..], &["-o", "json"], &["-o", "markdown"]] {
        assert_eq!(plan(&[], args), plan(&[("PASSWORD", CANARY)], args));
    }
    let journal = desk.request_log();
    assert!(!journal.is_empty());
    for (method, path, _) in journal {
        assert_eq!(method, "GET", "{path}");
    }
}

/// Every example, planned with a key that may write and every secret, and with a key that may only
/// read and none.
#[test]
fn plan_with_read_only_key_is_the_same() {
    let server = SandboxServer::start(1000);
    let desk = WorkDir::new();
    for file in ["postgres.yaml", "mysql.yaml", "mongodb.yaml", "kafka.yaml", "bigquery.yaml"] {
        let text = fs::read_to_string(WorkDir::examples_dir().join(file)).unwrap();
        desk.write_file(&format!("pipes/{file}"), text);
    }
    let reader = |(name, value): (&'static str, String)| match name {
        "CLICKHOUSE_CLOUD_API_KEY" => (name, sandbox::READ_ONLY_KEY_ID.to_owned()),
        "CLICKHOUSE_CLOUD_API_SECRET" => (name, sandbox::READ_ONLY_KEY_SECRET.to_owned()),
        _ => (name, value),
    };
    let names = ["POSTGRES_PASSWORD", "MYSQL_PASSWORD", "MONGODB_PASSWORD", "KAFKA_PASSWORD"];
    let secrets = names.map(|name| (name, CANARY.to_owned()));
    let writer: Vec<_> = server.client_environment().into_iter().chain(secrets).collect();
    let reader: Vec<_> = server.client_environment().into_iter().map(reader).collect();
    let plan = |environment: &[(&'static str, String)]| {
        let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let said = desk.run_with_env(&["plan", "pipes", "--detailed-exitcode"], &environment);
        assert_eq!(said.code, 2, "{}", said.all_output());
        said.stdout
    };
    assert_eq!(plan(&writer), plan(&reader));
    assert!(server.request_log().iter().all(|entry| entry["method"] == "GET"));
}

/// Everything that can be looked at without running anything, and what is wrong with it.
#[test]
fn check_secrets_reports_unresolvable_secrets_with_position() {
    let desk = dir_with_program("{fromEnv: PASSWORD}", "true");
    let elsewhere = [
        ("command", "{fromCommand: [./vault]}", ""),
        ("forbidden", "{fromCommand: [other]}", "policy.secretCommands"),
        ("missing", "{fromCommand: [./gone]}", "no such program"),
        ("unfound", "{fromCommand: [gone]}", "`gone` is not on PATH"),
        ("file", "{fromFile: key}", ""),
        ("nofile", "{fromFile: nokey}", "No such file"),
        ("large", "{fromFile: large}", "more than 65536 bytes"),
        ("binary", "{fromFile: binary}", "not text in UTF-8"),
    ];
    desk.write_file("pipectl.yaml", PROJECT.replace("[./vault]", "[./vault, ./gone, gone]"));
    desk.write_file("key", CANARY);
    desk.write_file("large", CANARY.repeat(4000));
    desk.write_file("binary", [CANARY.as_bytes(), b"\xff"].concat());
    let pipes = elsewhere.map(|(name, password, _)| pipe_manifest(name, password));
    desk.write_file("pipes/elsewhere.yaml", pipes.concat());
    let gone = pipe_manifest("gone", "{fromEnv: GONE}").replace("spec:\n", "spec:\n  state: absent\n");
    desk.write_file("pipes/gone.yaml", gone);

    let validated = run_pipectl(&desk, &["validate", "--check-secrets", "-o", "json"]);
    assert_eq!(validated.code, 1, "{}", validated.all_output());
    let problems = validated.stdout_json()["result"]["diagnostics"].as_array().unwrap().clone();
    let told: Vec<String> = problems
        .iter()
        .filter(|it| it["code"] == "unresolved-secret")
        .map(|it| format!("{}:{}: {}", it["place"]["file"], it["place"]["line"], it["message"]))
        .collect();
    let bad: Vec<_> = elsewhere.iter().filter(|(_, _, why)| !why.is_empty()).collect();
    assert_eq!(told.len(), bad.len() + 2, "{told:#?}");
    for (_, _, why) in bad {
        assert!(told.iter().any(|it| it.contains(why)), "{why}: {told:#?}");
    }
    assert!(told.iter().any(|it| it.starts_with("\"pipes/orders.yaml\":12: ")), "{told:#?}");

    let planned = run_pipectl(&desk, &["plan", "--check-secrets", "--only", "orders"]);
    assert_eq!(planned.code, 1, "{}", planned.all_output());
    assert!(planned.stdout.contains("1 to create"), "the plan is shown all the same");
    let shown = "the secret `fromEnv: PASSWORD` cannot be resolved here: environment variable \
                 PASSWORD is not set";
    assert!(planned.stderr.contains(shown), "{}", planned.stderr);
    assert!(planned.stderr.contains("pipes/orders.yaml:12:39"), "{}", planned.stderr);
    let sarif = run_pipectl(&desk, &["plan", "--check-secrets", "--report", "sarif=-"]);
    assert!(sarif.stdout.contains("unresolved-secret"), "{}", sarif.stdout);
    let json = run_pipectl(&desk, &["plan", "--check-secrets", "-o", "json", "--only", "orders"]).stdout_json();
    assert!(json["errors"][0].as_str().unwrap().contains(shown), "{json:#}");
    assert_eq!(run_pipectl(&desk, &["plan"]).code, 0);
    assert_eq!(run_pipectl(&desk, &["validate"]).code, 0);
    assert_eq!(count_program_runs(&desk), 0, "nothing was run");

    let set = [("PASSWORD", CANARY), ("PATH", "/usr/bin:/bin")];
    let fine = desk.run_with_env(&["validate", "--check-secrets", "pipes/orders.yaml"], &set);
    assert_eq!(fine.code, 0, "{}", fine.all_output());
    assert!(!fine.all_output().contains(CANARY));
}
