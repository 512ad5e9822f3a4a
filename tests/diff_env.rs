//! Two environments side by side, from files alone.

use crate::support::cli::{RunOutput, WorkDir};
use serde_json::{Value, json};

const PROJECT: &str = "apiVersion: pipectl/v1
kind: Project
manifests: [pipes]
environments:
  staging:
    organization: '${env:PIPECTL_VAR_STAGING_ORG}'
    credentials: {key: {fromEnv: STAGING_KEY}, secret: {fromEnv: CLOUD_SECRET}}
    services: {analytics: 9e2f1c04-5a71-4d0b-9c7e-2f30a8d1b6aa}
    variables: {host: db.staging.example.com, columns: b, state: stopped, password: STAGING_PASSWORD}
  prod:
    credentials: {key: {fromEnv: PROD_KEY}, secret: {fromEnv: CLOUD_SECRET}}
    services: {analytics: 1d6f0a52-8c3b-4e7a-b9d4-6a5c2e8f7b10}
    variables: {host: db.example.com, columns: b, state: running, password: PROD_PASSWORD}
    policy: {protect: ['*']}
policy: {maxDelete: 1}
";

const ORDERS: &str = "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: orders, service: analytics}
spec:
  state: ${state}
  source:
    postgres:
      type: postgres
      host: ${host}
      port: 5432
      database: shop
      credentials: {username: reader, password: {fromEnv: '${password}'}}
      settings: {replicationMode: cdc}
      tableMappings:
        - {sourceSchemaName: public, sourceTable: users, targetTable: users, excludedColumns: [a, b]}
        - {sourceSchemaName: public, sourceTable: items, targetTable: items}
  destination: {database: shop}
";

fn project_dir() -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", PROJECT);
    desk.write_file("pipes/orders.yaml", ORDERS);
    desk
}

fn run_diff_env(desk: &WorkDir, args: &[&str]) -> RunOutput {
    let said = desk.run_pipectl(&[&["diff-env", "staging", "prod"], args].concat());
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(said.stderr, "");
    said
}

/// The fields of the objects that differ, each with both sides.
fn field_lines(json: &Value) -> Vec<String> {
    let objects = json["result"]["objects"].as_array().unwrap().iter();
    let fields = objects.flat_map(|object| object["fields"].as_array().into_iter().flatten());
    fields.map(|it| format!("{} {} {}", it["path"], it["left"], it["right"])).collect()
}

#[test]
fn diff_env_shows_differences_after_variables() {
    let desk = project_dir();
    insta::assert_snapshot!(run_diff_env(&desk, &[]).stdout);
    insta::assert_snapshot!(run_diff_env(&desk, &["-o", "markdown"]).stdout);
    let json = run_diff_env(&desk, &["-o", "json"]).stdout_json();
    assert_eq!((&json["kind"], &json["outcome"]), (&json!("EnvironmentDifferences"), &json!("different")));
    let place = &json["result"]["objects"][0]["fields"][0]["place"];
    assert_eq!((&place["file"], &place["line"]), (&json!("pipes/orders.yaml"), &json!(9)));
}

#[test]
fn diff_env_compares_environment_folders_by_name() {
    let desk = project_dir();
    let fixed = |text: &str| {
        let text = text.replace("${host}", "h").replace("${state}", "running");
        text.replace("${password}", "P")
    };
    let another =
        |name: &str| fixed(ORDERS).replace("name: orders", &format!("name: {name}")).replace("shop}", "other}");
    let users =
        "- {sourceSchemaName: public, sourceTable: users, targetTable: users, excludedColumns: [a, b]}\n        ";
    desk.write_file("staging/orders.yaml", fixed(ORDERS));
    desk.write_file("staging/old.yaml", another("old"));
    // Neither the order of entries nor that of what is a set says anything.
    let other = fixed(&ORDERS.replace(users, "")).replace(
        "targetTable: items}",
        "targetTable: items}\n        - {sourceSchemaName: public, sourceTable: users, targetTable: users, excludedColumns: [b, a]}",
    );
    desk.write_file("prod/orders.yaml", &other);
    desk.write_file("prod/new.yaml", another("new"));
    let json = run_diff_env(&desk, &["{env}", "-o", "json"]).stdout_json();
    let objects = json["result"]["objects"].as_array().unwrap();
    let sides: Vec<String> = objects.iter().map(|it| format!("{} {}", it["address"]["name"], it["declared"])).collect();
    assert_eq!(sides, ["\"new\" \"right\"", "\"old\" \"left\""], "{json:#}");
    assert_eq!(json["result"]["same"], 1);

    desk.write_file("prod/orders.yaml", other.replace("[b, a]", "[b]"));
    let said = run_diff_env(&desk, &["{env}"]).stdout;
    assert!(said.contains("public.users -> users: excludedColumns"), "{said}");
    desk.write_file("prod/orders.yaml", fixed(&ORDERS.replace(users, "")));
    let said = run_diff_env(&desk, &["{env}"]).stdout;
    assert!(said.contains("- source.postgres.tableMappings"), "{said}");
}

#[test]
fn diff_env_sets_the_exit_code() {
    let desk = project_dir();
    let code = |args: &[&str]| desk.run_pipectl(&[&["diff-env"], args].concat()).code;
    assert_eq!(code(&["staging", "prod", "--detailed-exitcode"]), 2);
    assert_eq!(code(&["prod", "prod", "--detailed-exitcode"]), 0);
    let said = desk.run_pipectl(&["diff-env", "staging", "prd", "-o", "json"]);
    let error = said.stdout_json()["errors"][0].as_str().unwrap().to_owned();
    assert_eq!(said.code, 64);
    assert!(error.contains("no environment `prd` (did you mean `prod`?); it has: prod, staging"), "{error}");
    desk.write_file("pipes/orders.yaml", ORDERS.replace("${host}", "${hots}"));
    let said = desk.run_pipectl(&["diff-env", "staging", "prod", "-o", "json"]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.all_output().contains("environment staging"), "{}", said.all_output());
}

#[test]
fn diff_env_compares_secret_references_without_reading() {
    let desk = project_dir();
    let canary = [("STAGING_PASSWORD", "canary"), ("PROD_PASSWORD", "canary")];
    let said = desk.run_with_env(&["diff-env", "staging", "prod", "-o", "json"], &canary);
    let password = "\"source.postgres.credentials.password\" \
                    {\"fromEnv\":\"STAGING_PASSWORD\"} {\"fromEnv\":\"PROD_PASSWORD\"}";
    assert!(field_lines(&said.stdout_json()).iter().any(|field| field == password), "{}", said.stdout);
    assert!(!said.all_output().contains("canary"));
}
