//! Where secrets come from: variables, files and programs; when they are read, and when not.

use std::fs;
use std::path::PathBuf;

use crate::support::cli::{Desk, Said};
use crate::support::server::Server;

const CANARY: &str = "canary-5up3r-s3cr3t";

fn pipe(name: &str, password: &str) -> String {
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

const PROJECT: &str = "apiVersion: pipectl/v1
kind: Project
manifests: [pipes]
policy: {secretCommands: [./vault]}
";

/// A desk with a program that counts its runs and prints a secret to both streams.
fn desk(password: &str, prints: &str) -> Desk {
    let desk = Desk::new();
    desk.write("pipectl.yaml", PROJECT);
    desk.write("pipes/orders.yaml", pipe("orders", password) + &pipe("refunds", password));
    program(&desk, &format!("#!/bin/sh\necho run >> runs\necho {CANARY} >&2\n{prints}\n"));
    desk
}

fn program(desk: &Desk, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = desk.write("vault", script);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn runs(desk: &Desk) -> usize {
    fs::read_to_string(desk.folder.path().join("runs")).unwrap_or_default().lines().count()
}

fn run(desk: &Desk, args: &[&str]) -> Said {
    let path = [("PATH", "/usr/bin:/bin"), ("PIPECTL_SANDBOX", ".pipectl/sandbox.json")];
    let said = desk.run_with(args, &path);
    assert!(!said.all().contains(CANARY), "{}", said.all());
    said
}

#[test]
fn a_program_that_is_allowed_runs_once_and_only_for_apply() {
    let desk = desk("{fromCommand: [./vault, read, 'a; b']}", &format!("echo {CANARY}"));
    for args in [&["validate"][..], &["plan", "--diff"], &["plan", "-o", "json"], &["drift"]] {
        assert_eq!(run(&desk, args).code, 0, "{args:?}");
    }
    assert_eq!(runs(&desk), 0, "nothing but apply runs a program");
    let applied = run(&desk, &["apply", "--yes"]);
    assert_eq!((applied.code, runs(&desk)), (0, 1), "{}", applied.all());
    assert_eq!(run(&desk, &["plan", "--detailed-exitcode"]).code, 0);
    assert_eq!((run(&desk, &["apply", "--yes"]).code, runs(&desk)), (0, 1), "nothing is sent");
}

#[test]
fn a_program_that_is_not_allowed_does_not_run() {
    let desk = desk("{fromCommand: [./vault]}", &format!("echo {CANARY}"));
    let elsewhere = PROJECT.replace("[./vault]", "[vault, /vault, ./vault2]");
    for project in [PROJECT.replace("policy: {secretCommands: [./vault]}\n", ""), elsewhere] {
        desk.write("pipectl.yaml", project);
        let said = run(&desk, &["apply", "--yes"]);
        assert_eq!((said.code, runs(&desk)), (1, 0), "{}", said.all());
        assert!(said.all().contains("policy.secretCommands"), "{}", said.all());
    }
}

#[test]
fn a_program_that_fails_is_not_quoted() {
    let cases = [
        (format!("echo {CANARY}; exit 3"), "exit status: 3"),
        (format!("echo {CANARY}; printf '\\377'"), "not text in UTF-8"),
        (format!("yes {CANARY} | head -c 70000"), "more than 65536 bytes"),
        ("true".to_owned(), "it is empty"),
    ];
    for (prints, why) in cases {
        let desk = desk("{fromCommand: [./vault]}", &prints);
        let said = run(&desk, &["apply", "--yes", "-vv"]);
        assert_eq!((said.code, runs(&desk)), (1, 1), "{prints}: {}", said.all());
        assert!(said.all().contains(why), "{prints}: {}", said.all());
    }
    let desk = desk("{fromCommand: [./vault]}", "true");
    fs::remove_file(desk.folder.path().join("vault")).unwrap();
    let said = run(&desk, &["apply", "--yes"]);
    assert!(said.all().contains("cannot run `./vault`"), "{}", said.all());
}

#[test]
fn a_file_that_is_no_secret_is_not_quoted() {
    let desk = desk("{fromFile: key, encoding: base64}", "true");
    let cases: [(Vec<u8>, &str); 4] = [
        ([CANARY.as_bytes(), b"\xff"].concat(), "not text in UTF-8"),
        ([CANARY.as_bytes(), b"\0"].concat(), "holds a NUL"),
        (CANARY.repeat(4000).into_bytes(), "more than 65536 bytes"),
        (b"\n".to_vec(), "it is empty"),
    ];
    for (content, why) in cases {
        desk.write("key", content);
        let said = run(&desk, &["apply", "--yes", "-vv"]);
        assert!(said.code == 1 && said.all().contains(why), "{why}: {}", said.all());
        assert!(said.all().contains("file key"), "{}", said.all());
    }
    fs::remove_file(desk.folder.path().join("key")).unwrap();
    fs::create_dir(desk.folder.path().join("key")).unwrap();
    let said = run(&desk, &["apply", "--yes"]);
    assert!(said.code == 1 && said.all().contains("directory"), "{}", said.all());
}

/// Whoever reads from a pipe waits until somebody writes, and hears no signal.
#[test]
fn a_file_that_may_never_end_is_not_read() {
    let desk = desk("{fromFile: key}", "true");
    let made = std::process::Command::new("mkfifo").arg(desk.folder.path().join("key")).status();
    assert!(made.unwrap().success());
    let commands = [&["apply", "--yes"][..], &["validate", "--check-secrets"]];
    for said in commands.map(|args| run(&desk, args)) {
        assert!(said.code == 1 && said.all().contains("a pipe or a device"), "{}", said.all());
    }
}

#[test]
fn paths_start_from_the_folder_of_the_project_file() {
    for password in ["{fromFile: key}", "{fromCommand: [./vault, key]}"] {
        let desk = desk(password, "cat \"$1\"");
        desk.write("key", CANARY);
        desk.write("below/none", "");
        let said = desk.run_in("below", &["validate", "--check-secrets"], &[]);
        assert_eq!(said.code, 0, "{}", said.all());
        let said = desk.run_in("below", &["apply", "--yes", "--sandbox"], &[("PATH", "/bin")]);
        assert_eq!(said.code, 0, "{}", said.all());
    }
}

#[test]
fn a_program_is_not_told_the_key() {
    let project = format!(
        "{PROJECT}environments:
  prod: {{credentials: {{key: {{fromEnv: PROD_KEY}}, secret: {{fromEnv: PROD_SECRET}}}}}}\n"
    );
    let desk = desk("{fromCommand: [./vault]}", "env > told; echo x");
    desk.write("pipectl.yaml", project);
    let keys = ["CLICKHOUSE_CLOUD_API_SECRET", "KEY_ID", "PROD_KEY", "PROD_SECRET"];
    let environment = [&keys.map(|name| (name, CANARY))[..], &[("VAULT_TOKEN", "t")]].concat();
    let args = ["apply", "--yes", "--sandbox", "-e", "prod"];
    let said = desk.run_with(&args, &environment);
    assert_eq!(said.code, 0, "{}", said.all());
    let told = fs::read_to_string(desk.folder.path().join("told")).unwrap();
    assert!(told.contains("VAULT_TOKEN=t") && !told.contains(CANARY), "{told}");
}

/// Pasted ones have a line break at their end.
#[test]
fn a_variable_is_read_as_a_file_is() {
    let desk = desk("{fromEnv: P}", "true");
    for (value, why) in [("\r\n", "it is empty"), ("", "P is not set")] {
        let said = desk.run_with(&["validate", "--check-secrets"], &[("P", value)]);
        assert!(said.code == 1 && said.all().contains(why), "{}", said.all());
    }
}

#[test]
fn a_plan_is_the_same_without_any_secret_and_writes_nothing() {
    let desk = desk("{fromEnv: PASSWORD}", "true");
    let plan = |environment: &[(&str, &str)], args: &[&str]| {
        let args = [&["plan", "--sandbox"][..], args].concat();
        let said = desk.run_with(&args, environment);
        assert_eq!(said.code, 0, "{}", said.all());
        said.stdout
    };
    for args in [&["--diff"][..], &["-o", "json"], &["-o", "markdown"]] {
        assert_eq!(plan(&[], args), plan(&[("PASSWORD", CANARY)], args));
    }
    let journal = desk.journal();
    assert!(!journal.is_empty());
    for (method, path, _) in journal {
        assert_eq!(method, "GET", "{path}");
    }
}

/// Every example, planned with a key that may write and every secret, and with a key that may only
/// read and none.
#[test]
fn a_key_that_may_only_read_and_no_secret_show_the_same_plan() {
    let server = Server::start(1000);
    let desk = Desk::new();
    for file in ["postgres.yaml", "mysql.yaml", "mongodb.yaml", "kafka.yaml", "bigquery.yaml"] {
        let text = fs::read_to_string(Desk::examples().join(file)).unwrap();
        desk.write(&format!("pipes/{file}"), text);
    }
    let reader = |(name, value): (&'static str, String)| match name {
        "CLICKHOUSE_CLOUD_API_KEY" => (name, sandbox::READ_ONLY_KEY_ID.to_owned()),
        "CLICKHOUSE_CLOUD_API_SECRET" => (name, sandbox::READ_ONLY_KEY_SECRET.to_owned()),
        _ => (name, value),
    };
    let names = ["POSTGRES_PASSWORD", "MYSQL_PASSWORD", "MONGODB_PASSWORD", "KAFKA_PASSWORD"];
    let secrets = names.map(|name| (name, CANARY.to_owned()));
    let writer: Vec<_> = server.environment().into_iter().chain(secrets).collect();
    let reader: Vec<_> = server.environment().into_iter().map(reader).collect();
    let plan = |environment: &[(&'static str, String)]| {
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let said = desk.run_with(&["plan", "pipes", "--detailed-exitcode"], &environment);
        assert_eq!(said.code, 2, "{}", said.all());
        said.stdout
    };
    assert_eq!(plan(&writer), plan(&reader));
    assert!(server.journal().iter().all(|entry| entry["method"] == "GET"));
}

/// Everything that can be looked at without running anything, and what is wrong with it.
#[test]
fn what_would_not_resolve_is_told_by_its_place() {
    let desk = desk("{fromEnv: PASSWORD}", "true");
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
    desk.write("pipectl.yaml", PROJECT.replace("[./vault]", "[./vault, ./gone, gone]"));
    desk.write("key", CANARY);
    desk.write("large", CANARY.repeat(4000));
    desk.write("binary", [CANARY.as_bytes(), b"\xff"].concat());
    let pipes = elsewhere.map(|(name, password, _)| pipe(name, password));
    desk.write("pipes/elsewhere.yaml", pipes.concat());
    let gone = pipe("gone", "{fromEnv: GONE}").replace("spec:\n", "spec:\n  state: absent\n");
    desk.write("pipes/gone.yaml", gone);

    let validated = run(&desk, &["validate", "--check-secrets", "-o", "json"]);
    assert_eq!(validated.code, 1, "{}", validated.all());
    let problems = validated.json()["result"]["diagnostics"].as_array().unwrap().clone();
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

    let planned = run(&desk, &["plan", "--check-secrets", "--only", "orders"]);
    assert_eq!(planned.code, 1, "{}", planned.all());
    assert!(planned.stdout.contains("1 to create"), "the plan is shown all the same");
    let shown = "the secret `fromEnv: PASSWORD` cannot be resolved here: environment variable \
                 PASSWORD is not set";
    assert!(planned.stderr.contains(shown), "{}", planned.stderr);
    assert!(planned.stderr.contains("pipes/orders.yaml:12:39"), "{}", planned.stderr);
    let sarif = run(&desk, &["plan", "--check-secrets", "--report", "sarif=-"]);
    assert!(sarif.stdout.contains("unresolved-secret"), "{}", sarif.stdout);
    let json = run(&desk, &["plan", "--check-secrets", "-o", "json", "--only", "orders"]).json();
    assert!(json["errors"][0].as_str().unwrap().contains(shown), "{json:#}");
    assert_eq!(run(&desk, &["plan"]).code, 0);
    assert_eq!(run(&desk, &["validate"]).code, 0);
    assert_eq!(runs(&desk), 0, "nothing was run");

    let set = [("PASSWORD", CANARY), ("PATH", "/usr/bin:/bin")];
    let fine = desk.run_with(&["validate", "--check-secrets", "pipes/orders.yaml"], &set);
    assert_eq!(fine.code, 0, "{}", fine.all());
    assert!(!fine.all().contains(CANARY));
}

/// A field that is newer than pipectl, whose value the API tells as it stands.
mod untyped {
    use sandbox::UnknownFields;
    use serde_json::json;

    use super::{CANARY, PROJECT, pipe};
    use crate::support::repo::Repo;

    const TOKEN: [(&str, &str); 1] = [("TOKEN", CANARY)];

    fn manifest(token: &str, rest: &str) -> String {
        let more = format!("      topics: orders\n      additional: {{token: {token}{rest}}}\n");
        pipe("orders", "{fromEnv: P}").replace("      topics: orders\n", &more)
    }

    /// The pipe is live, with its token for everybody to read.
    fn live(manifest: &str) -> Repo {
        let repo = Repo::new();
        repo.write("pipectl.yaml", PROJECT);
        repo.write("pipes/orders.yaml", &pipe("orders", "{fromEnv: P}"));
        repo.commit("Before");
        assert_eq!(repo.run(&["plan"]).code, 0);
        repo.desk.world(|world| {
            let mut options = world.options().clone();
            options.unknown_fields = UnknownFields::Accept;
            world.set_options(options);
        });
        repo.write("pipes/orders.yaml", manifest);
        repo.commit("Declare a token");
        let said = repo.run_with(&["apply", "--yes"], &TOKEN);
        assert_eq!(said.code, 0, "{}", said.all());
        let told = repo.desk.world(|world| world.pipes("analytics"));
        assert!(json!(told).to_string().contains(CANARY), "the test shows nothing");
        repo
    }

    /// Everything that tells of the difference between git and live.
    fn told(repo: &Repo, base: &str) -> String {
        let reports = ["markdown", "html", "sarif", "junit", "github", "codequality"];
        let reports = reports.map(|format| format!("--report={format}=-")).join(" ");
        let reports: Vec<&str> = reports.split(' ').collect();
        let commands: [&[&str]; 6] = [
            &["plan", "--diff"],
            &["plan", "--diff", "--base", base],
            &["plan", "-o", "json"],
            &["plan", "-o", "json", "--base", base],
            &["drift", "-o", "json"],
            &[&["plan"][..], &reports].concat(),
        ];
        let said = commands.map(|command| {
            let said = repo.run_with(command, &TOKEN);
            assert_eq!(said.code, 0, "{command:?}: {}", said.all());
            assert!(!said.all().contains(CANARY), "{command:?}: {}", said.all());
            said.all()
        });
        said.concat()
    }

    #[test]
    fn a_reference_makes_a_secret_of_it() {
        let repo = live(&manifest("{fromEnv: TOKEN}", ", mode: fast"));
        let plan = ["plan", "--detailed-exitcode"];
        assert_eq!(repo.run(&plan).code, 0, "what it stands for is not compared");
        told(&repo, "HEAD");
        repo.edit_live("orders", "/source/kafka/token", json!(format!("{CANARY}-rotated")));
        assert_eq!(repo.run(&plan).code, 0, "what it stands for is not compared");
    }

    #[test]
    fn it_stays_one_beside_what_differs_and_when_it_is_declared_no_more() {
        let list = "more: [{name: a, token: {fromEnv: TOKEN}}]";
        let repo = live(&manifest("{fromEnv: TOKEN}", &format!(", {list}")));
        repo.write(
            "pipes/orders.yaml",
            &manifest("{fromEnv: TOKEN}", &format!(", {}", list.replace("name: a", "name: b"))),
        );
        repo.commit("Another name");
        assert!(told(&repo, "HEAD~1").contains("more"));
        repo.write("pipes/orders.yaml", &pipe("orders", "{fromEnv: P}"));
        repo.commit("No token");
        assert!(told(&repo, "HEAD~1").contains("token"));
        repo.remove("pipes/orders.yaml");
        repo.write("pipes/other.yaml", &pipe("other", "{fromEnv: P}"));
        repo.commit("No pipe");
        let said = repo.run(&["plan", "--prune=git", "--diff", "-o", "json"]);
        assert!(said.stdout.contains("delete") && !said.all().contains(CANARY), "{}", said.all());
    }
}
