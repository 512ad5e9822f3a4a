//! Several environments in one run: each with its own organization, key and files, and none of them
//! hides another.

use crate::support::cli::WorkDir;
use crate::support::server::SandboxServer;

const PROJECT: &str = "apiVersion: pipectl/v1
kind: Project
manifests: [pipes]
environments:
  staging:
    variables: {stream: staging-clicks}
    credentials: {key: {fromEnv: STAGING_KEY}, secret: {fromEnv: STAGING_SECRET}}
  prod:
    variables: {stream: '${env:PIPECTL_VAR_PROD_STREAM}'}
    credentials: {key: {fromEnv: PROD_KEY}, secret: {fromEnv: PROD_SECRET}}
";

const PIPE: &str = "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: clicks, service: analytics}
spec:
  source:
    kinesis:
      format: JSONEachRow
      streamName: '${stream}'
      region: us-east-1
      iteratorType: LATEST
      authentication: IAM_ROLE
      iamRole: arn:aws:iam::123456789012:role/reader
  destination: {database: default, table: t, managedTable: true, tableDefinition: {engine: {type: MergeTree}}, columns: [{name: id, type: UInt64}]}
";

const BOTH: [&str; 4] = ["-e", "staging", "-e", "prod"];

const WORLDS: &str = "--sandbox=.pipectl/{env}.json";

const STREAM: (&str, &str) = ("PIPECTL_VAR_PROD_STREAM", "prod-clicks");

fn project_dir() -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", PROJECT);
    desk.write_file("pipes/clicks.yaml", PIPE);
    desk
}

#[test]
fn each_environment_runs_on_its_own() {
    let desk = project_dir();
    let run = |args: &[&str]| desk.run_with_env(&[args, &BOTH, &[WORLDS]].concat(), &[STREAM]);
    let plan = run(&["plan", "--diff", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.all_output());
    let (staging, prod) = plan.stdout.split_once("Environment: prod\n").unwrap();
    assert!(staging.starts_with("Environment: staging\n"), "{staging}");
    assert!(staging.contains("streamName: staging-clicks"), "{staging}");
    assert!(prod.contains("streamName: prod-clicks"), "{prod}");
    assert_eq!(run(&["apply", "--yes"]).code, 0);
    let again = run(&["plan", "--detailed-exitcode", "-o", "json"]);
    let json = again.stdout_json();
    assert_eq!((again.code, &json["exitCode"]), (0, &0.into()), "{}", again.all_output());
    assert_eq!(json["schemaVersion"], "1.0");
    for name in ["staging", "prod"] {
        assert_eq!(json["environments"][name]["kind"], "Plan");
        assert_eq!(json["environments"][name]["outcome"], "inSync");
    }
    assert_eq!(run(&["drift"]).code, 0);
}

#[test]
fn environments_from_variable_are_deduplicated() {
    let environment = [STREAM, ("PIPECTL_ENV", "staging,prod,staging")];
    let said = project_dir().run_with_env(&["validate", "-o", "json"], &environment);
    let json = said.stdout_json();
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(json["environments"].as_object().unwrap().len(), 2);
    let comment = project_dir().run_with_env(&["validate", "-o", "markdown"], &environment);
    for words in ["## staging\n", "## prod\n", "pipectl:validate-staging", "pipectl:validate-prod"] {
        assert_eq!(comment.stdout.matches(words).count(), 1, "{}", comment.stdout);
    }
}

/// GitHub refuses a comment of more than 65,536 characters.
#[test]
fn comment_about_several_environments_is_no_longer_than_one() {
    let desk = project_dir();
    let names: Vec<String> = (0..300).map(|number| format!("clicks-{number}")).collect();
    let each = format!("{}forEach: [{}]\n", PIPE.replace("name: clicks", "name: '${each.name}'"), names.join(", "));
    desk.write_file("pipes/clicks.yaml", each.replace("table: t,", "table: 't-${each.name}',"));
    let said = desk.run_with_env(&[&["plan", "-o", "markdown"][..], &BOTH, &[WORLDS]].concat(), &[STREAM]);
    let (staging, prod) = said.stdout.split_once("## prod\n").unwrap_or_default();
    for comment in [staging, prod] {
        let length = comment.chars().count();
        assert!((20_000..=30_100).contains(&length) && comment.contains("Omitted because"), "{length}");
    }
}

#[test]
fn failing_environment_does_not_stop_the_others() {
    let desk = project_dir();
    let said = desk.run_pipectl(&["plan", "-e", "prod,staging", WORLDS, "-o", "json"]);
    let json = said.stdout_json();
    assert_eq!((said.code, &json["exitCode"]), (1, &1.into()), "{}", said.all_output());
    assert!(said.stderr.contains("prod: ended with exit code 1"), "{}", said.stderr);
    let error = json["environments"]["prod"]["errors"][0].as_str().unwrap();
    assert!(error.contains("PIPECTL_VAR_PROD_STREAM is not set"), "{error}");
    assert_eq!(json["environments"]["staging"]["outcome"], "changes");
}

/// A name that does not exist stops all of them, before one is applied.
#[test]
fn every_name_is_checked_before_the_first_run() {
    let desk = project_dir();
    for (command, names) in [("apply", "staging,nope"), ("plan", "staging,nope,prod")] {
        let more: &[&str] = if command == "apply" { &["--yes"] } else { &[] };
        let said = desk.run_pipectl(&[&[command, "-e", names, WORLDS], more].concat());
        let why = "pipectl.yaml has no environment `nope`; it has: ";
        assert!(said.code == 64 && said.stderr.contains(why), "{}", said.all_output());
        assert!(!said.stdout.contains("staging"), "{}", said.all_output());
    }
    assert!(!desk.temp_dir.path().join(".pipectl/staging.json").exists());
}

/// Hazard: a generic key is at hand, and the policy of no environment would hold.
#[test]
fn run_outside_of_all_environments_is_refused() {
    let desk = project_dir();
    for args in
        [&["plan"][..], &["apply", "--yes"], &["drift"], &["status"], &["export"], &["resync", "analytics/clicks"]]
    {
        let said = desk.run_pipectl(&[args, &["--sandbox"]].concat());
        let why =
            "which environment? pipectl.yaml declares prod, staging: pass `--env prod`, or set `defaults.environment`";
        assert!(said.code == 64 && said.stderr.contains(why), "{args:?}: {}", said.all_output());
    }
    assert!(!desk.temp_dir.path().join(".pipectl").exists(), "nothing was done");
    desk.write_file("pipectl.yaml", format!("{PROJECT}defaults: {{environment: staging}}\n"));
    assert_eq!(desk.run_pipectl(&["plan", "--sandbox"]).code, 0);
}

#[test]
fn environments_must_not_share_files() {
    let desk = project_dir();
    let shared: [&[&str]; 6] = [
        &["plan", "--sandbox"],
        &["plan", WORLDS, "--out", "plan.json"],
        &["plan", WORLDS, "--report", "json=plan.json"],
        &["plan", WORLDS, "--report", "json=-"],
        &["apply", "--yes", WORLDS, "--plan", "plan.json"],
        &["apply", "--yes", WORLDS, "--expect", "0123"],
    ];
    for args in shared {
        let said = desk.run_with_env(&[args, &BOTH, &["-o", "json"]].concat(), &[STREAM]);
        assert_eq!(said.code, 64, "{args:?}: {}", said.all_output());
        assert_eq!(said.stdout_json()["outcome"], "error");
    }
    let organization = ["plan", "--organization", sandbox::ORGANIZATION];
    assert_eq!(desk.run_pipectl(&[&organization[..], &BOTH].concat()).code, 64);
    assert_eq!(desk.run_pipectl(&[&["status", "--sandbox"][..], &BOTH].concat()).code, 64);
    let own = ["plan", WORLDS, "--out", "out-{env}.json", "--report", "json=report-{env}.json"];
    let said = desk.run_with_env(&[&own[..], &BOTH].concat(), &[STREAM]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    for file in ["out-staging.json", "out-prod.json", "report-staging.json", "report-prod.json"] {
        assert!(desk.temp_dir.path().join(file).is_file(), "{file}");
    }
    let reviewed = ["apply", "--plan", "out-{env}.json", WORLDS];
    assert_eq!(desk.run_with_env(&[&reviewed[..], &BOTH].concat(), &[STREAM]).code, 0);
}

#[test]
fn status_and_doctor_run_in_each_environment() {
    let desk = project_dir();
    let run = |args: &[&str]| desk.run_with_env(&[args, &BOTH, &[WORLDS]].concat(), &[STREAM]);
    assert_eq!(desk.run_pipectl(&["apply", "--yes", "-e", "staging", WORLDS]).code, 0);
    let said = run(&["status", "--detailed-exitcode", "-o", "json"]);
    assert_eq!(said.code, 2, "{}", said.all_output());
    for (name, state) in [("staging", "Running"), ("prod", "")] {
        let status = &said.stdout_json()["environments"][name];
        assert_eq!(status["kind"], "Status");
        assert_eq!(status["result"]["services"][0]["pipes"][0]["state"], state, "{status}");
    }
    let said = run(&["doctor"]);
    assert!(said.stdout.contains("Environment: prod\n"), "{}", said.all_output());
    assert_eq!(run(&["status", "--watch", "--until", "settled"]).code, 64);
}

#[test]
fn each_environment_uses_its_own_key() {
    let (desk, server) = (project_dir(), SandboxServer::start(1000));
    let mut environment = server.client_environment();
    environment.extend([
        ("PIPECTL_VAR_PROD_STREAM", "prod-clicks".to_owned()),
        ("STAGING_KEY", sandbox::KEY_ID.to_owned()),
        ("STAGING_SECRET", sandbox::KEY_SECRET.to_owned()),
        ("PROD_KEY", sandbox::KEY_ID.to_owned()),
    ]);
    let run = |environment: &[(&str, String)]| {
        let environment: Vec<_> = environment.iter().map(|(n, v)| (*n, v.as_str())).collect();
        desk.run_with_env(&[&["plan", "-o", "json"][..], &BOTH].concat(), &environment)
    };
    // The key that all share is there and right, and is not the one that prod declares.
    let half = run(&environment);
    assert_eq!(half.code, 4, "{}", half.all_output());
    let error = &half.stdout_json()["environments"]["prod"]["errors"][0];
    assert_eq!(error, "PROD_KEY is set and PROD_SECRET is not");
    environment.push(("PROD_SECRET", "wrong".to_owned()));
    let wrong = run(&environment);
    assert_eq!(wrong.code, 4, "{}", wrong.all_output());
    assert_eq!(wrong.stdout_json()["environments"]["staging"]["outcome"], "changes");
}

/// A key of the project has no effect where the environment sets it itself, so the message names the one that has.
#[test]
fn refusal_names_the_policy_that_holds_the_limit() {
    let dir = project_dir();
    dir.write_file("pipes/clicks.yaml", PIPE.replace("${stream}", "clicks"));
    let project = |own: &str, all: &str| {
        format!(
            "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\ndefaults: {{environment: prod}}\n\
             environments: {{prod: {{policy: {{{own}}}}}}}\npolicy: {{{all}}}\n"
        )
    };
    dir.write_file("pipectl.yaml", project("", ""));
    assert_eq!(dir.run_pipectl(&["apply", "--sandbox", "--yes"]).code, 0);
    dir.write_file(
        "pipes/clicks.yaml",
        PIPE.replace("${stream}", "clicks").replace("spec:\n", "spec:\n  state: absent\n"),
    );
    for (own, all, key) in [
        ("", "maxDelete: 0", "`policy.maxDelete`"),
        ("maxDelete: 0", "", "`environments.prod.policy.maxDelete`"),
        ("maxDelete: 0", "maxDelete: 1", "`environments.prod.policy.maxDelete`"),
    ] {
        dir.write_file("pipectl.yaml", project(own, all));
        let (plan, apply) =
            (dir.run_pipectl(&["plan", "--sandbox"]), dir.run_pipectl(&["apply", "--sandbox", "--yes"]));
        for said in [plan, apply] {
            assert!(said.all_output().contains(&format!("raise {key} to 1 in pipectl.yaml")), "{}", said.all_output());
        }
    }
    dir.write_file("pipectl.yaml", project("maxDelete: 1", ""));
    assert_eq!(dir.run_pipectl(&["apply", "--sandbox", "--yes"]).code, 0);
}
