//! The project file: environments, aliases of services, variables, and what is allowed.

use crate::support::cli::Desk;

const PROJECT: &str = "apiVersion: pipectl/v1
kind: Project
manifests: [pipes]
defaults: {environment: staging}
environments:
  staging:
    variables: {stream: staging-clicks, role: 'arn:aws:iam::${env:ACCOUNT}:role/reader'}
  prod:
    variables: {stream: prod-clicks, role: 'arn:aws:iam::210987654321:role/reader'}
    policy: {protect: ['*/clicks-0']}
policy: {maxDelete: 1}
";

fn pipe(n: usize, state: &str) -> String {
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

fn desk(state: &str) -> Desk {
    let desk = Desk::new();
    desk.write("pipectl.yaml", PROJECT);
    desk.write("pipes/all.yaml", pipe(0, state) + &pipe(1, state));
    desk
}

const ACCOUNT: [(&str, &str); 1] = [("ACCOUNT", "123456789012")];

#[test]
fn the_environment_gives_variables_and_paths() {
    let desk = desk("running");
    let staging = desk.run_with(&["plan", "--sandbox", "--diff"], &ACCOUNT);
    assert!(staging.stdout.contains("streamName: staging-clicks"), "{}", staging.all());
    assert!(staging.stdout.contains("arn:aws:iam::123456789012:role/reader"), "{}", staging.all());
    let prod = desk.run(&["plan", "--sandbox", "--diff", "-e", "prod"]);
    assert!(prod.stdout.contains("streamName: prod-clicks"), "{}", prod.all());
}

#[test]
fn what_is_missing_is_named() {
    let desk = desk("running");
    let said = desk.run(&["plan", "--sandbox", "-e", "qa"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("no environment `qa`; it has: prod, staging"), "{}", said.stderr);
    let said = desk.run(&["validate"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("environment variable ACCOUNT is not set"), "{}", said.stderr);
    desk.write("pipectl.yaml", PROJECT.replace("stream: staging-clicks, ", ""));
    let said = desk.run_with(&["validate"], &ACCOUNT);
    assert!(
        said.stderr.contains("unknown-variable") && said.stderr.contains("--> pipes/all.yaml:9:19"),
        "{}",
        said.stderr
    );
    let bare = Desk::new();
    assert!(bare.run(&["plan", "--sandbox"]).stderr.contains("which manifests?"));
}

#[test]
fn a_text_of_the_project_file_that_stands_for_nothing_is_refused_where_it_is() {
    let desk = desk("running");
    let bad =
        PROJECT.replace("stream: staging-clicks", "stream: 'x-${b}', plain: '$${b}', z: '${z'");
    desk.write("pipectl.yaml", bad);
    let said = desk.run_with(&["validate"], &ACCOUNT);
    assert_eq!(said.code, 1, "{}", said.all());
    for told in ["pipectl.yaml:7:25", "pipectl.yaml:7:54", "`${b}` stands for", "`$${` stands for"]
    {
        assert!(said.stderr.contains(told), "{told}: {}", said.stderr);
    }
    assert_eq!(said.stderr.matches("bad-variable").count(), 2, "{}", said.stderr);
    desk.write("pipectl.yaml", PROJECT.replace("stream: staging-clicks", "stream: 'a$${b}'"));
    let said = desk.run_with(&["plan", "--sandbox", "--diff"], &ACCOUNT);
    assert!(said.stdout.contains("streamName: a${b}"), "{}", said.all());
}

#[test]
fn what_is_not_set_is_told_with_its_place_and_all_at_once() {
    let desk = desk("running");
    let services =
        "services: {analytics: '${env:SERVICE_ID}'}\n    variables: {stream: '${env:STREAM}'";
    desk.write("pipectl.yaml", PROJECT.replace("variables: {stream: staging-clicks", services));
    let said = desk.run(&["plan", "--sandbox"]);
    for told in [
        "SERVICE_ID is not set",
        "pipectl.yaml:7:27",
        "STREAM is not set",
        "pipectl.yaml:8:25",
        "ACCOUNT is not set",
        "pipectl.yaml:8:48",
    ] {
        assert!(said.code == 1 && said.stderr.contains(told), "{told}: {}", said.stderr);
    }
    // Where services are is nothing to `validate`.
    let set = [ACCOUNT[0], ("STREAM", "clicks")];
    let said = desk.run_with(&["validate"], &set);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(desk.run_with(&["plan", "--sandbox"], &set).code, 1);
}

#[test]
fn limits_and_protection_hold() {
    let desk = desk("running");
    let apply = |environment: &str, more: &[&str]| {
        desk.run_with(
            &[&["apply", "--sandbox", "--yes", "-e", environment], more].concat(),
            &ACCOUNT,
        )
    };
    assert_eq!(apply("staging", &[]).code, 0);
    desk.write("pipes/all.yaml", pipe(0, "absent") + &pipe(1, "absent"));
    let staging = apply("staging", &[]);
    assert_eq!(staging.code, 5, "{}", staging.all());
    assert!(staging.stderr.contains("--allow-delete analytics/clicks-0"), "{}", staging.all());
    let prod = apply("prod", &[]);
    assert_eq!(prod.code, 5, "{}", prod.all());
    assert!(
        prod.stdout.contains("! clicks-0") && prod.stdout.contains("Apply: 1 applied"),
        "{}",
        prod.all()
    );
    assert_eq!(apply("staging", &["--allow-delete", "analytics/*"]).code, 0);
}

#[test]
fn an_environment_that_is_misspelt_is_told_which_was_meant() {
    let desk = Desk::new();
    let project = "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n";
    desk.write("pipectl.yaml", format!("{project}environments: {{staging: {{}}, prod: {{}}}}\n"));
    let said = desk.run(&["validate", "-e", "stagin"]);
    let told = "no environment `stagin` (did you mean `staging`?); it has: prod, staging";
    assert!(said.code == 1 && said.stderr.contains(told), "{}", said.all());
    desk.write("pipectl.yaml", project);
    let said = desk.run(&["validate", "-e", "prod"]);
    assert!(said.stderr.contains("no environment `prod`; it has: none"), "{}", said.all());
}
