//! The project file: environments, aliases of services, variables, and what is allowed.

use crate::support::cli::WorkDir;
use crate::support::test_repo::kinesis_manifest;

const PROJECT: &str = "apiVersion: pipectl/v1
kind: Project
manifests: [pipes]
defaults: {environment: staging}
environments:
  staging:
    variables: {stream: staging-clicks, role: 'arn:aws:iam::${env:PIPECTL_VAR_ACCOUNT}:role/reader'}
  prod:
    variables: {stream: prod-clicks, role: 'arn:aws:iam::210987654321:role/reader'}
    policy: {protect: ['*/clicks-0']}
policy: {maxDelete: 1}
";

fn pipe_manifest(n: usize, state: &str) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: clicks-{n}, service: analytics}}
spec:
  state: {state}
  source:
    kinesis:
      format: JSONEachRow
      streamName: '${{stream}}'
      region: us-east-1
      iteratorType: LATEST
      authentication: IAM_ROLE
      iamRole: ${{role}}
  destination: {{database: default, table: t{n}, managedTable: true, tableDefinition: {{engine: {{type: MergeTree}}}}, columns: [{{name: id, type: UInt64}}]}}
---
"
    )
}

fn project_dir(state: &str) -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", PROJECT);
    desk.write_file("pipes/all.yaml", pipe_manifest(0, state) + &pipe_manifest(1, state));
    desk
}

const ACCOUNT: [(&str, &str); 1] = [("PIPECTL_VAR_ACCOUNT", "123456789012")];

#[test]
fn environment_sets_variables_and_manifest_paths() {
    let desk = project_dir("running");
    let staging = desk.run_with_env(&["plan", "--sandbox", "--diff"], &ACCOUNT);
    assert!(staging.stdout.contains("streamName: staging-clicks"), "{}", staging.all_output());
    assert!(staging.stdout.contains("arn:aws:iam::123456789012:role/reader"), "{}", staging.all_output());
    let prod = desk.run_pipectl(&["plan", "--sandbox", "--diff", "-e", "prod"]);
    assert!(prod.stdout.contains("streamName: prod-clicks"), "{}", prod.all_output());
}

#[test]
fn missing_environment_variable_or_path_is_named() {
    let desk = project_dir("running");
    let said = desk.run_pipectl(&["plan", "--sandbox", "-e", "qa"]);
    assert_eq!(said.code, 64);
    assert!(said.stderr.contains("no environment `qa`; it has: prod, staging"), "{}", said.stderr);
    let said = desk.run_pipectl(&["validate"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("environment variable PIPECTL_VAR_ACCOUNT is not set"), "{}", said.stderr);
    desk.write_file("pipectl.yaml", PROJECT.replace("stream: staging-clicks, ", ""));
    let said = desk.run_with_env(&["validate"], &ACCOUNT);
    assert!(
        said.stderr.contains("unknown-variable") && said.stderr.contains("--> pipes/all.yaml:9:19"),
        "{}",
        said.stderr
    );
    let bare = WorkDir::new();
    for command in ["plan", "drift"] {
        let said = bare.run_pipectl(&[command, "--sandbox"]);
        assert!(said.stderr.contains("which manifests?") && said.stderr.contains("`pipectl export"), "{}", said.stderr);
    }
}

#[test]
fn bad_references_in_the_project_file_have_positions() {
    let desk = project_dir("running");
    let bad = PROJECT.replace("stream: staging-clicks", "stream: 'x-${b}', plain: '$${b}', z: '${z'");
    desk.write_file("pipectl.yaml", bad);
    let said = desk.run_with_env(&["validate"], &ACCOUNT);
    assert_eq!(said.code, 1, "{}", said.all_output());
    for told in ["pipectl.yaml:7:25", "pipectl.yaml:7:54", "`${b}` means nothing", "`$${` stands for"] {
        assert!(said.stderr.contains(told), "{told}: {}", said.stderr);
    }
    assert_eq!(said.stderr.matches("error[bad-variable]").count(), 2, "{}", said.stderr);
    desk.write_file("pipectl.yaml", PROJECT.replace("stream: staging-clicks", "stream: 'a$${b}'"));
    let said = desk.run_with_env(&["plan", "--sandbox", "--diff"], &ACCOUNT);
    assert!(said.stdout.contains("streamName: a${b}"), "{}", said.all_output());
}

#[test]
fn unset_env_variables_are_reported_together() {
    let desk = project_dir("running");
    let services =
        "services: {analytics: '${env:PIPECTL_VAR_SERVICE_ID}'}\n    variables: {stream: '${env:PIPECTL_VAR_STREAM}'";
    desk.write_file("pipectl.yaml", PROJECT.replace("variables: {stream: staging-clicks", services));
    let said = desk.run_pipectl(&["plan", "--sandbox"]);
    for told in [
        "PIPECTL_VAR_SERVICE_ID is not set",
        "pipectl.yaml:7:27",
        "PIPECTL_VAR_STREAM is not set",
        "pipectl.yaml:8:25",
        "PIPECTL_VAR_ACCOUNT is not set",
        "pipectl.yaml:8:60",
    ] {
        assert!(said.code == 1 && said.stderr.contains(told), "{told}: {}", said.stderr);
    }
    // Where services are is nothing to `validate`.
    let set = [ACCOUNT[0], ("PIPECTL_VAR_STREAM", "clicks")];
    let said = desk.run_with_env(&["validate"], &set);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(desk.run_with_env(&["plan", "--sandbox"], &set).code, 1);
}

#[test]
fn project_file_gets_no_secret_of_the_environment() {
    let desk = project_dir("running");
    let with = |name: &str| {
        let role = format!("arn:aws:iam::${{env:{name}}}:role/reader");
        desk.write_file("pipectl.yaml", PROJECT.replace("arn:aws:iam::${env:PIPECTL_VAR_ACCOUNT}:role/reader", &role));
    };
    let canary = "123456789012";
    for name in ["ORDERS_PASSWORD", "CLICKHOUSE_CLOUD_API_SECRET", "PROD_SECRET"] {
        with(name);
        for args in [&["plan", "--sandbox", "--diff"][..], &["validate"], &["diff-env", "staging", "prod"]] {
            let said = desk.run_with_env(args, &[(name, canary)]);
            assert!(!said.all_output().contains(canary), "{name} {args:?}: {}", said.all_output());
        }
        let said = desk.run_with_env(&["plan", "--sandbox"], &[(name, canary)]);
        assert!(said.code == 1 && said.stderr.contains("variable-not-allowed"), "{}", said.all_output());
    }
    with("ORDERS_PASSWORD");
    let allow = ["plan", "--sandbox", "--diff", "--allow-env", "ORDERS_PASSWORD"];
    let said = desk.run_with_env(&allow, &[("ORDERS_PASSWORD", canary)]);
    assert!(said.code == 0 && said.stdout.contains(canary), "{}", said.all_output());
    with("KEY_SECRET");
    let said = desk.run_with_env(&["plan", "--sandbox", "--allow-env", "KEY_SECRET"], &[("KEY_SECRET", canary)]);
    assert!(said.code == 1 && !said.all_output().contains(canary), "{}", said.all_output());
}

#[test]
fn variable_is_not_shown_and_secret_at_once() {
    let desk = project_dir("running");
    let secret = "accessKey: {accessKeyId: key, secretKey: {fromEnv: PIPECTL_VAR_ACCOUNT}}";
    let manifest = std::fs::read_to_string(desk.temp_dir.path().join("pipes/all.yaml")).unwrap();
    assert!(manifest.contains("authentication: IAM_ROLE"), "{manifest}");
    let manifest = manifest.replace("authentication: IAM_ROLE", &format!("authentication: IAM_USER\n      {secret}"));
    let lines = manifest.lines().filter(|line| !line.contains("iamRole"));
    desk.write_file("pipes/all.yaml", lines.collect::<Vec<_>>().join("\n"));
    for args in [&["plan", "--sandbox"][..], &["validate"]] {
        let said = desk.run_with_env(args, &ACCOUNT);
        assert!(said.code == 1 && said.stderr.contains("so it is not secret"), "{}", said.all_output());
    }
}

#[test]
fn max_delete_and_protection_block_deletions() {
    let desk = project_dir("running");
    let apply = |environment: &str, more: &[&str]| {
        desk.run_with_env(&[&["apply", "--sandbox", "--yes", "-e", environment], more].concat(), &ACCOUNT)
    };
    let live_pipes = || -> Vec<String> {
        let pipes = desk.edit_world(|world| world.list_pipes("analytics"));
        pipes.iter().map(|pipe| pipe["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(apply("staging", &[]).code, 0);
    desk.write_file("pipes/all.yaml", pipe_manifest(0, "absent") + &pipe_manifest(1, "absent"));
    let staging = apply("staging", &[]);
    assert_eq!(staging.code, 5, "{}", staging.all_output());
    assert!(staging.stderr.contains("--allow-delete analytics/clicks-0"), "{}", staging.all_output());
    assert_eq!(live_pipes().len(), 2);
    let prod = apply("prod", &[]);
    assert_eq!(prod.code, 5, "{}", prod.all_output());
    assert!(prod.stdout.contains("! clicks-0") && prod.stdout.contains("Apply: 1 applied"), "{}", prod.all_output());
    assert_eq!(live_pipes(), ["clicks-0"]);
    assert_eq!(apply("staging", &["--allow-delete", "glob:analytics/*"]).code, 0);
    assert!(live_pipes().is_empty());
}

#[test]
fn misspelled_environment_gets_a_suggestion() {
    let desk = WorkDir::new();
    let project = "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n";
    desk.write_file("pipectl.yaml", format!("{project}environments: {{staging: {{}}, prod: {{}}}}\n"));
    let said = desk.run_pipectl(&["validate", "-e", "stagin"]);
    let told = "no environment `stagin` (did you mean `staging`?); it has: prod, staging";
    assert!(said.code == 64 && said.stderr.contains(told), "{}", said.all_output());
    desk.write_file("pipectl.yaml", project);
    let said = desk.run_pipectl(&["validate", "-e", "prod"]);
    assert!(said.stderr.contains("no environment `prod`; it declares none"), "{}", said.all_output());
}

/// Shells read `{a,b}`, and patterns do not: a guard with it would guard nothing, without a word.
#[test]
fn braces_in_a_pattern_are_told() {
    let desk = project_dir("running");
    let policy = "policy: {maxDelete: 1, protect: ['*/{a,b}', 'c'], secrets: {'{P,Q}_*': ['{x,y}.example.com']}}";
    desk.write_file("pipectl.yaml", PROJECT.replace("policy: {maxDelete: 1}", policy).replace("clicks-0", "{d,e}"));
    let env = [("PIPECTL_VAR_ACCOUNT", "1")];
    let said = desk.run_with_env(&["validate"], &env);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(said.all_output().matches("warning[braces-in-pattern]").count(), 4, "{}", said.all_output());
    for flag in ["--only", "--exclude"] {
        let said = desk.run_with_env(&["plan", "--sandbox", flag, "analytics/{clicks-0,clicks-1}"], &env);
        assert!(said.code == 64 && said.stderr.contains("name each alternative"), "{}", said.all_output());
    }
    for pattern in ["pipes/{a,b}.yaml", "pipes/*.yaml"] {
        desk.write_file("pipectl.yaml", PROJECT.replace("[pipes]", &format!("['{pattern}']")));
        for command in [&["validate"][..], &["validate", pattern]] {
            let said = desk.run_with_env(command, &env);
            assert!(
                said.code != 0 && said.stderr.contains("patterns are not supported: name the folder"),
                "{}",
                said.stderr
            );
        }
    }
}

/// Its protection would not hold, and nobody would hear of it.
#[test]
fn project_file_between_the_run_and_its_manifests_is_not_passed_by() {
    let desk = WorkDir::new();
    let project = "apiVersion: pipectl/v1\nkind: Project\npolicy: {protect: ['*']}\n";
    desk.write_file("team/pipectl.yaml", project);
    desk.write_file("team/pipes/clicks.yaml", kinesis_manifest("clicks", "", ""));
    std::os::unix::fs::symlink("team/pipes", desk.temp_dir.path().join("link")).unwrap();
    let own = " has a project file of its own, team/pipectl.yaml";
    for with_project_above in [false, true] {
        if with_project_above {
            desk.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n");
        }
        for (command, path) in [("plan", "team/pipes"), ("apply", "team"), ("drift", "."), ("apply", "link")] {
            let said = desk.run_pipectl(&[command, path, "--sandbox"]);
            assert!(said.code == 64 && said.stderr.contains(own), "{command} {path}: {}", said.all_output());
        }
    }
}
