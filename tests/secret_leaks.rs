//! A secret goes to the API and nowhere else: not into output, reports, files, logs, errors or
//! panics, whatever command runs and however it fails.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use crate::support::bench::{Bench, CANARY, in_virtual_time};
use crate::support::cli::{RunOutput, WorkDir};
use crate::support::hostile_server::{Attack, Effect, HostileServer};
use crate::support::manifests::{desired_from_documents, read_documents};
use crate::support::server::SandboxServer;
use crate::support::test_repo::{TestRepo, kinesis_manifest, path_variable};
use remote::{ApiRequest, ResponseFuture, Transport};
use sandbox::{FaultEffect, SandboxOptions, World};
use serde_json::json;

/// What every secret here begins with, as it is and in base64.
const SECRET_PREFIXES: [&str; 2] = ["canary-", "Y2FuYXJ5L"];

/// Secrets are given to pipectl in each of these ways by turns.
const SECRET_SOURCES: [&str; 3] =
    ["{fromEnv: SECRET_#}", "{fromFile: secrets/#}", "{fromEnv: SECRET_#, encoding: base64}"];

const FORMATS: [&str; 3] = ["text", "json", "markdown"];

const REPORTS: [&str; 8] = ["json", "markdown", "github", "gitlab-terraform", "codequality", "sarif", "junit", "html"];

/// A repository with every source and every way to sign in, each secret a canary of its own.
struct CanaryRepo {
    repo: TestRepo,
    environment: Vec<(String, String)>,
}

impl CanaryRepo {
    fn new() -> Self {
        let repo = TestRepo::new();
        repo.write_file(".gitignore", ".pipectl\nsecrets\n");
        let mut environment = Vec::new();
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/seeds");
        for seed in fs::read_dir(seeds).unwrap().map(|entry| entry.unwrap().path()) {
            let name = seed.file_name().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&seed).unwrap();
            let text = text.replace("{endpoint: link-a}", "");
            let mut parts = text.split("{fromEnv: SEED_SECRET}");
            let mut manifest = parts.next().unwrap().to_owned();
            for part in parts {
                let number = environment.len();
                let way = SECRET_SOURCES[number % SECRET_SOURCES.len()].replace('#', &number.to_string());
                // Characters that are written otherwise in JSON and in URLs.
                let canary = format!("canary-{number}-\"q\" \\ p@ss/w%rd?");
                repo.write_file(&format!("secrets/{number}"), &format!("{canary}\n"));
                environment.push((format!("SECRET_{number}"), canary));
                manifest.push_str(&way);
                manifest.push_str(part);
            }
            repo.write_file(&format!("pipes/{name}"), &manifest);
        }
        repo.commit_all("Every source");
        Self { repo, environment }
    }

    /// Runs against the sandbox of the folder, and looks at all that was said.
    fn run_pipectl(&self, args: &[&str]) -> RunOutput {
        let path = path_variable();
        let here = [("PATH", path.as_str()), ("PIPECTL_SANDBOX", ".pipectl/sandbox.json")];
        let environment: Vec<_> = borrow_pairs(&self.environment).chain(here).collect();
        let said = self.repo.work_dir.run_with_env(args, &environment);
        assert_clean(&args.join(" "), &said.all_output());
        said
    }

    /// The same in every format, with every report, loudly.
    fn run_in_all_formats(&self, args: &[&str]) {
        for format in FORMATS {
            self.run_pipectl(&[args, &["-o", format, "-vv"]].concat());
        }
        for report in REPORTS {
            let file = format!("--report={report}=reports/{}-{report}", args[0]);
            self.run_pipectl(&[args, &[&file]].concat());
        }
    }

    /// Lets the next request of this kind fail with an answer that repeats its body.
    fn fail_next_with_body(&self, method: &str, path: &str) {
        self.repo.edit_world(|world| world.fault_script().add_once(method, path, FaultEffect::Repeated));
    }

    /// Looks at every file but those that hold the secrets on purpose.
    fn assert_files_are_clean(&self) {
        self.assert_files_are_clean_except(&["secrets"]);
    }

    fn assert_files_are_clean_except(&self, skipped_folders: &[&str]) {
        let folder = self.repo.work_dir.temp_dir.path();
        let is_skipped = |path: &Path| skipped_folders.iter().any(|skipped| path == folder.join(skipped));
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() && !is_skipped(&path) {
                    folders.push(path);
                } else if path.is_file() {
                    let content = fs::read(&path).unwrap();
                    assert_clean(&path.display().to_string(), &String::from_utf8_lossy(&content));
                }
            }
        }
    }
}

fn borrow_pairs(environment: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    environment.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

fn assert_clean(what: &str, text: &str) {
    for mark in SECRET_PREFIXES {
        let Some(at) = text.find(mark) else { continue };
        let around = text[..at].chars().rev().take(200).collect::<Vec<_>>();
        let around: String = around.into_iter().rev().collect();
        panic!("{what}: a secret after `{around}`");
    }
}

#[test]
fn validate_plan_and_apply_print_no_secret() {
    let birds = CanaryRepo::new();
    fs::create_dir(birds.repo.work_dir.temp_dir.path().join("reports")).unwrap();
    birds.run_in_all_formats(&["validate", "pipes"]);
    birds.run_in_all_formats(&["plan", "pipes", "--diff", "--out", "plan.json"]);
    birds.fail_next_with_body("POST", "*/clickpipes");
    let partly = birds.run_pipectl(&["apply", "pipes", "--yes", "-o", "json"]);
    assert_eq!(partly.code, 3, "{}", partly.all_output());
    assert!(partly.stdout.contains("[redacted]"), "the answer repeated a secret");
    birds.run_in_all_formats(&["apply", "pipes", "--yes"]);
    let again = birds.run_pipectl(&["plan", "pipes", "--detailed-exitcode"]);
    assert_eq!(again.code, 0, "{}", again.all_output());
    birds.run_in_all_formats(&["plan", "pipes", "--base", "HEAD"]);
    birds.run_pipectl(&["drift", "pipes"]);
    birds.assert_files_are_clean();
}

#[test]
fn status_doctor_export_and_resync_print_no_secret() {
    let birds = CanaryRepo::new();
    birds.run_pipectl(&["apply", "pipes", "--yes"]);
    for format in ["text", "json"] {
        for command in [&["status", "pipes"][..], &["doctor", "pipes"], &["export"]] {
            let said = birds.run_pipectl(&[command, &["-o", format, "-vv"]].concat());
            assert!(matches!(said.code, 0 | 1), "{command:?}: {}", said.all_output());
        }
    }
    assert_eq!(birds.run_pipectl(&["export", "--out", "exported"]).code, 0);
    assert_eq!(birds.run_pipectl(&["resync", "analytics/mongodb-cdc", "--yes", "-vv"]).code, 0);
    birds.assert_files_are_clean();
}

#[test]
fn resent_secret_is_not_printed() {
    let birds = CanaryRepo::new();
    birds.run_pipectl(&["apply", "pipes", "--yes"]);
    birds.fail_next_with_body("PATCH", "*/clickpipes/*");
    let resend = ["apply", "pipes", "--resend-secrets", "--yes"];
    let partly = birds.run_pipectl(&[&resend[..], &["-o", "json", "-vv"]].concat());
    assert!(partly.code == 3 && partly.stdout.contains("[redacted]"), "{}", partly.all_output());
    birds.run_pipectl(&["plan", "pipes", "--resend-secrets", "--diff", "--out", "plan.json"]);
    assert_eq!(birds.run_pipectl(&resend).code, 0);
    birds.assert_files_are_clean();
}

#[test]
fn discover_prints_no_secret() {
    let birds = CanaryRepo::new();
    let project = "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n";
    birds.repo.write_file("pipectl.yaml", project);
    for refused in [false, true] {
        if refused {
            birds.fail_next_with_body("POST", "*/schemaDiscovery");
        }
        let said = birds.run_pipectl(&["discover", "analytics/kafka-scram", "--yes", "-vv"]);
        assert_eq!(said.code, i32::from(refused), "{}", said.all_output());
    }
    birds.assert_files_are_clean();
}

#[test]
fn password_in_a_live_uri_is_not_printed() {
    let birds = CanaryRepo::new();
    birds.run_pipectl(&["apply", "pipes", "--yes"]);
    let uri = "mongodb://reader:canary-live@mongo.example.com/orders";
    let edited = birds.repo.edit_world(|world| {
        world.edit_pipe("analytics", "mongodb-cdc", |pipe| {
            pipe["source"]["mongodb"]["uri"] = json!(uri);
        })
    });
    assert!(edited);
    let plan = birds.run_pipectl(&["plan", "pipes", "--diff", "--detailed-exitcode"]);
    assert!(plan.code == 2 && plan.stdout.contains("mongo.example.com"), "{}", plan.all_output());
    birds.run_in_all_formats(&["plan", "pipes", "--base", "HEAD", "--out", "plan.json"]);
    birds.run_pipectl(&["drift", "pipes"]);
    birds.run_pipectl(&["drift", "pipes", "-o", "json"]);
    // The sandbox has the live URI, of course.
    birds.assert_files_are_clean_except(&["secrets", ".pipectl"]);
}

#[test]
fn literal_secret_is_rejected_without_printing_it() {
    let birds = CanaryRepo::new();
    let text = fs::read_to_string(birds.repo.work_dir.temp_dir.path().join("pipes/databases.yaml"));
    let mut literal = text.unwrap();
    let from = literal.find("{from").unwrap();
    let to = from + literal[from..].find('}').unwrap() + 1;
    literal.replace_range(from..to, "canary-in-git");
    let folder = tempfile::TempDir::new_in(birds.repo.work_dir.temp_dir.path()).unwrap();
    let name = format!("{}/wrong.yaml", folder.path().file_name().unwrap().display());
    birds.repo.write_file(&name, &literal);
    let said = birds.run_pipectl(&["validate", &name]);
    assert!(said.code == 1 && said.all_output().contains("fromEnv"), "{}", said.all_output());
    birds.run_pipectl(&["validate", &name, "-o", "json", "-vv"]);
    birds.run_pipectl(&["plan", &name]);
    let wrong = "[".to_owned() + &literal;
    birds.repo.write_file(&name, &wrong);
    assert_eq!(birds.run_pipectl(&["validate", &name]).code, 1);
}

#[test]
fn trace_logs_contain_no_secret_and_no_key() {
    let birds = CanaryRepo::new();
    let server = SandboxServer::start(1000);
    let mut environment = server.client_environment();
    environment.push(("PIPECTL_LOG", "trace".to_owned()));
    environment.push(("PIPECTL_RATE_LIMIT", "off".to_owned()));
    let all: Vec<_> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain(borrow_pairs(&birds.environment))
        .collect();
    let fault = json!({
        "when": {"route": {"method": "POST", "path": "*/clickpipes"}},
        "effect": "repeated"
    });
    server.admin_request("POST", "faults", &fault);
    let said = birds.repo.work_dir.run_with_env(&["apply", "pipes", "--yes"], &all);
    assert_eq!(said.code, 3, "{}", said.all_output());
    assert!(said.stderr.contains("POST"), "it logs: {}", said.stderr);
    assert_clean("apply", &said.all_output());
    for key in [sandbox::KEY_SECRET, "Basic "] {
        assert!(!said.all_output().contains(key), "{key} is in the log");
    }
}

// A log shows what no other output does, such as the id of a request that succeeds, also of the first one.
#[test]
fn secret_that_an_answer_repeats_is_not_logged() {
    const LISTS: [(&str, &str); 2] = [("GET", "services"), ("GET", "clickpipes")];
    // Only apply reads the secrets of manifests. Every command has the key.
    for (args, secret) in [
        (&["plan", "-vv"][..], sandbox::KEY_SECRET),
        (&["apply", "--yes", "-vv"], sandbox::KEY_SECRET),
        (&["apply", "--yes", "-vv"], CANARY),
    ] {
        for route in LISTS {
            let attack = Attack {
                what: String::new(),
                manifest: "",
                route,
                honest: 0,
                effect: Effect::Done,
                tamper: Arc::new(move |answer| {
                    let mut envelope = answer.json();
                    envelope["requestId"] = json!(secret);
                    answer.body = envelope.to_string().into_bytes();
                }),
            };
            let mut world = World::new(SandboxOptions::default());
            world.ensure_service("analytics");
            let desk = WorkDir::new();
            desk.write_file("pipes/pipe.yaml", kinesis_manifest("clicks", "", ""));
            let said = HostileServer::start(world, Some(attack)).run(&desk, args);
            assert_eq!(said.code, 0, "{}", said.all_output());
            assert!(said.stderr.contains("[redacted]"), "{args:?} {route:?}: {}", said.stderr);
            assert!(!said.all_output().contains(secret), "{args:?} {route:?}: {}", said.stderr);
        }
    }
}

/// A transport with a mistake in it: it gives up in the middle of a write, and tells all it has.
struct PanickingTransport(Arc<dyn Transport>);

impl Transport for PanickingTransport {
    fn send(&self, request: ApiRequest) -> ResponseFuture<'_> {
        assert!(!request.method.is_write(), "cannot send {request:?}");
        self.0.send(request)
    }
}

#[test]
fn panic_message_contains_no_secret() {
    let mut seeds = read_documents("tests/seeds");
    seeds.retain(|seed| seed["spec"]["source"]["mongodb"].is_object());
    let desired = desired_from_documents(&seeds).unwrap();
    let world = World::new(SandboxOptions::default());
    let bench = Bench::with_transport(world, &["analytics"], |transport| Arc::new(PanickingTransport(transport)));
    let work = || in_virtual_time(bench.settle(&desired));
    let panic = catch_unwind(AssertUnwindSafe(work)).unwrap_err();
    let said = panic.downcast_ref::<String>().unwrap();
    assert!(said.contains("cannot send ApiRequest"), "{said}");
    assert!(!said.contains(CANARY), "{said}");
    assert!(!said.contains(&format!("{:?}", CANARY.as_bytes())[1..20]), "{said}");
}

// The API may show a secret anywhere: in a known field, in a state, in the objects of another environment.
#[test]
fn secret_of_any_environment_is_hidden_in_known_fields_and_states() {
    const SECRETS: [(&str, &str); 4] = [
        ("STAGING_PW", "canary-Staging-1"),
        ("PROD_PW", "canary-Prod-2"),
        ("PROD_KEY", "key-of-prod"),
        ("PROD_KEY_SECRET", "canary-ApiKey-3"),
    ];
    let desk = WorkDir::new();
    let folder = desk.temp_dir.path().to_owned();
    desk.write_file(
        "pipectl.yaml",
        "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\nenvironments:\n  \
         staging: {variables: {secret: STAGING_PW}}\n  prod: {variables: {secret: PROD_PW}, credentials: \
         {key: {fromEnv: PROD_KEY}, secret: {fromEnv: PROD_KEY_SECRET}}}\n",
    );
    let pipe = |name: &str, group: &str| {
        format!(
            "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: {name}, service: analytics}}\nspec:\n  source:\n    \
             kafka: {{type: kafka, format: JSONEachRow, brokers: 'b:9092', topics: t, consumerGroup: {group}, authentication: PLAIN, \
             credentials: {{username: u, password: {{fromEnv: '${{secret}}'}}}}}}\n  \
             destination: {{database: default, table: {name}, managedTable: true, tableDefinition: {{engine: {{type: MergeTree}}}}, \
             columns: [{{name: id, type: UInt64}}]}}\n"
        )
    };
    desk.write_file("pipes/clicks.yaml", pipe("clicks", "g"));
    desk.write_file("pipes/views.yaml", pipe("views", "g"));
    let run = |args: &[&str]| {
        let common = ["-e", "staging,prod", "--sandbox=.pipectl/{env}.json"];
        desk.run_with_env(&[args, &common].concat(), &SECRETS)
    };
    let first = run(&["apply", "--yes"]);
    assert_eq!(first.code, 0, "{}", first.all_output());
    let assert_hidden = |format: &str, text: &str| {
        assert_clean(format, text);
        assert!(text.contains("[redacted]") || text.contains("redacted&#93;"), "{format} shows the fields: {text}");
    };
    for (number, format) in ["text", "json", "markdown", "ndjson"].into_iter().enumerate() {
        // Each environment has the secret of staging, which runs first, or one of the other.
        let of_staging = ["canary-Staging-1", "canary-Prod-2", "canary-ApiKey-3"][number % 3];
        for (environment, secret) in [("staging", of_staging), ("prod", "canary-Staging-1")] {
            let file = folder.join(format!(".pipectl/{environment}.json"));
            let mut world: World = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
            let edit = |body: &mut serde_json::Value| body["source"]["kafka"]["consumerGroup"] = json!(secret);
            assert!(world.edit_pipe("analytics", "clicks", edit));
            fs::write(file, serde_json::to_string(&world).unwrap()).unwrap();
        }
        desk.write_file(
            "pipes/views.yaml",
            pipe("views", "g").replace("UInt64}", &format!("UInt64}}, {{name: c{number}, type: String}}")),
        );
        let reports: Vec<String> = ["json", "markdown", "html", "github", "junit", "sarif"]
            .map(|it| format!("--report={it}={it}-{{env}}"))
            .to_vec();
        let reports: Vec<&str> = reports.iter().map(String::as_str).collect();
        let said = run(&[&["apply", "--yes", "-vv", "-o", format][..], &reports].concat());
        assert_clean(format, &said.all_output());
        if format != "ndjson" {
            assert_hidden(format, &said.stdout);
        }
        for (report, environment) in
            ["json", "markdown", "html"].into_iter().flat_map(|it| [(it, "staging"), (it, "prod")])
        {
            let text = fs::read_to_string(folder.join(format!("{report}-{environment}"))).unwrap();
            assert_hidden(report, &text);
        }
    }
}
