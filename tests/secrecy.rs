//! A secret goes to the API and nowhere else: not into output, reports, files, logs, errors or
//! panics, whatever command runs and however it fails.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use crate::support::bench::{Bench, CANARY, in_virtual_time};
use crate::support::cli::Said;
use crate::support::manifests::{declared, documents};
use crate::support::repo::{Repo, path};
use crate::support::server::Server;
use remote::{Request, Sending, Transport};
use sandbox::{Effect, Options, World};
use serde_json::json;

/// What every secret here begins with, as it is and in base64.
const MARKS: [&str; 2] = ["canary-", "Y2FuYXJ5L"];

/// Secrets are given to pipectl in each of these ways by turns.
const WAYS: [&str; 3] =
    ["{fromEnv: SECRET_#}", "{fromFile: secrets/#}", "{fromEnv: SECRET_#, encoding: base64}"];

const FORMATS: [&str; 3] = ["text", "json", "markdown"];

const REPORTS: [&str; 8] =
    ["json", "markdown", "github", "gitlab-terraform", "codequality", "sarif", "junit", "html"];

/// A repository with every source and every way to sign in, each secret a canary of its own.
struct Aviary {
    repo: Repo,
    environment: Vec<(String, String)>,
}

impl Aviary {
    fn new() -> Self {
        let repo = Repo::new();
        repo.write(".gitignore", ".pipectl\nsecrets\n");
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
                let way = WAYS[number % WAYS.len()].replace('#', &number.to_string());
                // Characters that are written otherwise in JSON and in URLs.
                let canary = format!("canary-{number}-\"q\" \\ p@ss/w%rd?");
                repo.write(&format!("secrets/{number}"), &format!("{canary}\n"));
                environment.push((format!("SECRET_{number}"), canary));
                manifest.push_str(&way);
                manifest.push_str(part);
            }
            repo.write(&format!("pipes/{name}"), &manifest);
        }
        repo.commit("Every source");
        Self { repo, environment }
    }

    /// Runs against the sandbox of the folder, and looks at all that was said.
    fn run(&self, args: &[&str]) -> Said {
        let path = path();
        let here = [("PATH", path.as_str()), ("PIPECTL_SANDBOX", ".pipectl/sandbox.json")];
        let environment: Vec<_> = borrowed(&self.environment).chain(here).collect();
        let said = self.repo.desk.run_with(args, &environment);
        assert_clean(&args.join(" "), &said.all());
        said
    }

    /// The same in every format, with every report, loudly.
    fn run_in_every_way(&self, args: &[&str]) {
        for format in FORMATS {
            self.run(&[args, &["-o", format, "-vv"]].concat());
        }
        for report in REPORTS {
            let file = format!("--report={report}=reports/{}-{report}", args[0]);
            self.run(&[args, &[&file]].concat());
        }
    }

    /// Lets the next request of this kind fail with an answer that repeats its body.
    fn repeat(&self, method: &str, path: &str) {
        self.repo.world(|world| world.faults().once(method, path, Effect::Repeated));
    }

    /// Looks at every file but those that hold the secrets on purpose.
    fn assert_files_are_clean(&self) {
        let folder = self.repo.desk.folder.path();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() && path != folder.join("secrets") {
                    folders.push(path);
                } else if path.is_file() {
                    let content = fs::read(&path).unwrap();
                    assert_clean(&path.display().to_string(), &String::from_utf8_lossy(&content));
                }
            }
        }
    }
}

fn borrowed(environment: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    environment.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

fn assert_clean(what: &str, text: &str) {
    for mark in MARKS {
        let Some(at) = text.find(mark) else { continue };
        let around = text[..at].chars().rev().take(200).collect::<Vec<_>>();
        let around: String = around.into_iter().rev().collect();
        panic!("{what}: a secret after `{around}`");
    }
}

#[test]
fn no_command_tells_a_secret() {
    let birds = Aviary::new();
    fs::create_dir(birds.repo.desk.folder.path().join("reports")).unwrap();
    birds.run_in_every_way(&["validate", "pipes"]);
    birds.run_in_every_way(&["plan", "pipes", "--diff", "--out", "plan.json"]);
    birds.repeat("POST", "*/clickpipes");
    let partly = birds.run(&["apply", "pipes", "--yes", "-o", "json"]);
    assert_eq!(partly.code, 3, "{}", partly.all());
    assert!(partly.stdout.contains("[redacted]"), "the answer repeated a secret");
    birds.run_in_every_way(&["apply", "pipes", "--yes"]);
    let again = birds.run(&["plan", "pipes", "--detailed-exitcode"]);
    assert_eq!(again.code, 0, "{}", again.all());
    birds.run_in_every_way(&["plan", "pipes", "--base", "HEAD"]);
    birds.run(&["drift", "pipes"]);
    birds.assert_files_are_clean();
}

#[test]
fn no_command_that_looks_around_tells_a_secret() {
    let birds = Aviary::new();
    birds.run(&["apply", "pipes", "--yes"]);
    for format in ["text", "json"] {
        for command in [&["status", "pipes"][..], &["doctor", "pipes"], &["export"]] {
            let said = birds.run(&[command, &["-o", format, "-vv"]].concat());
            assert!(matches!(said.code, 0 | 1), "{command:?}: {}", said.all());
        }
    }
    assert_eq!(birds.run(&["export", "--out", "exported"]).code, 0);
    assert_eq!(birds.run(&["resync", "analytics/mongodb-cdc", "--yes", "-vv"]).code, 0);
    birds.assert_files_are_clean();
}

#[test]
fn a_secret_that_is_sent_again_is_not_told() {
    let birds = Aviary::new();
    birds.run(&["apply", "pipes", "--yes"]);
    birds.repeat("PATCH", "*/clickpipes/*");
    let resend = ["apply", "pipes", "--resend-secrets", "--yes"];
    let partly = birds.run(&[&resend[..], &["-o", "json", "-vv"]].concat());
    assert!(partly.code == 3 && partly.stdout.contains("[redacted]"), "{}", partly.all());
    birds.run(&["plan", "pipes", "--resend-secrets", "--diff", "--out", "plan.json"]);
    assert_eq!(birds.run(&resend).code, 0);
    birds.assert_files_are_clean();
}

#[test]
fn a_source_that_is_asked_for_its_fields_tells_no_secret() {
    let birds = Aviary::new();
    let project = "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n";
    birds.repo.write("pipectl.yaml", project);
    for refused in [false, true] {
        if refused {
            birds.repeat("POST", "*/schemaDiscovery");
        }
        let said = birds.run(&["discover", "analytics/kafka-scram", "-vv"]);
        assert_eq!(said.code, i32::from(refused), "{}", said.all());
    }
    birds.assert_files_are_clean();
}

#[test]
fn what_somebody_else_put_into_an_address_is_not_told() {
    let birds = Aviary::new();
    birds.run(&["apply", "pipes", "--yes"]);
    let uri = "mongodb://reader:canary-live@mongo.example.com/orders";
    let edited = birds.repo.world(|world| {
        world.edit_pipe("analytics", "mongodb-cdc", |pipe| {
            pipe["source"]["mongodb"]["uri"] = json!(uri);
        })
    });
    assert!(edited);
    let plan = birds.run(&["plan", "pipes", "--diff", "--detailed-exitcode"]);
    assert!(plan.code == 2 && plan.stdout.contains("mongo.example.com"), "{}", plan.all());
    birds.run_in_every_way(&["plan", "pipes", "--base", "HEAD", "--out", "plan.json"]);
    birds.run(&["drift", "pipes"]);
    birds.run(&["drift", "pipes", "-o", "json"]);
}

#[test]
fn a_secret_in_a_manifest_is_refused_without_repeating_it() {
    let birds = Aviary::new();
    let text = fs::read_to_string(birds.repo.desk.folder.path().join("pipes/databases.yaml"));
    let mut literal = text.unwrap();
    let from = literal.find("{from").unwrap();
    let to = from + literal[from..].find('}').unwrap() + 1;
    literal.replace_range(from..to, "canary-in-git");
    let folder = tempfile::TempDir::new_in(birds.repo.desk.folder.path()).unwrap();
    let name = format!("{}/wrong.yaml", folder.path().file_name().unwrap().display());
    birds.repo.write(&name, &literal);
    let said = birds.run(&["validate", &name]);
    assert!(said.code == 1 && said.all().contains("fromEnv"), "{}", said.all());
    birds.run(&["validate", &name, "-o", "json", "-vv"]);
    birds.run(&["plan", &name]);
    let wrong = "[".to_owned() + &literal;
    birds.repo.write(&name, &wrong);
    assert_eq!(birds.run(&["validate", &name]).code, 1);
}

#[test]
fn logs_of_the_real_transport_hold_no_secret_and_no_key() {
    let birds = Aviary::new();
    let server = Server::start(1000);
    let mut environment = server.environment();
    environment.push(("PIPECTL_LOG", "trace".to_owned()));
    environment.push(("PIPECTL_RATE_LIMIT", "off".to_owned()));
    let all: Vec<_> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain(borrowed(&birds.environment))
        .collect();
    let fault = json!({
        "when": {"route": {"method": "POST", "path": "*/clickpipes"}},
        "effect": "repeated"
    });
    server.ask("POST", "faults", &fault);
    let said = birds.repo.desk.run_with(&["apply", "pipes", "--yes"], &all);
    assert_eq!(said.code, 3, "{}", said.all());
    assert!(said.stderr.contains("POST"), "it logs: {}", said.stderr);
    assert_clean("apply", &said.all());
    for key in [sandbox::KEY_SECRET, "Basic "] {
        assert!(!said.all().contains(key), "{key} is in the log");
    }
}

/// A transport with a mistake in it: it gives up in the middle of a write, and tells all it has.
struct Panics(Arc<dyn Transport>);

impl Transport for Panics {
    fn send(&self, request: Request) -> Sending<'_> {
        assert!(!request.method.writes(), "cannot send {request:?}");
        self.0.send(request)
    }
}

#[test]
fn a_panic_tells_no_secret() {
    let mut seeds = documents("tests/seeds");
    seeds.retain(|seed| seed["spec"]["source"]["mongodb"].is_object());
    let desired = declared(&seeds).unwrap();
    let world = World::new(Options::default());
    let bench = Bench::through(world, &["analytics"], |transport| Arc::new(Panics(transport)));
    let work = || in_virtual_time(bench.settle(&desired));
    let panic = catch_unwind(AssertUnwindSafe(work)).unwrap_err();
    let said = panic.downcast_ref::<String>().unwrap();
    assert!(said.contains("cannot send Request"), "{said}");
    assert!(!said.contains(CANARY), "{said}");
    assert!(!said.contains(&format!("{:?}", CANARY.as_bytes())[1..20]), "{said}");
}
