//! Two environments side by side, from files alone.

use crate::support::cli::{Desk, Said};
use serde_json::{Value, json};

const PROJECT: &str = "apiVersion: pipectl/v1
kind: Project
manifests: [pipes]
environments:
  staging:
    organization: '${env:STAGING_ORG}'
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

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("pipectl.yaml", PROJECT);
    desk.write("pipes/orders.yaml", ORDERS);
    desk
}

fn told(desk: &Desk, args: &[&str]) -> Said {
    let said = desk.run(&[&["diff-env", "staging", "prod"], args].concat());
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(said.stderr, "");
    said
}

/// The fields of the objects that differ, each with both sides.
fn fields(json: &Value) -> Vec<String> {
    let objects = json["result"]["objects"].as_array().unwrap().iter();
    let fields = objects.flat_map(|object| object["fields"].as_array().into_iter().flatten());
    fields.map(|it| format!("{} {} {}", it["path"], it["left"], it["right"])).collect()
}

#[test]
fn what_differs_after_variables_is_told_and_nothing_else() {
    let desk = desk();
    insta::assert_snapshot!(told(&desk, &[]).stdout);
    insta::assert_snapshot!(told(&desk, &["-o", "markdown"]).stdout);
    let json = told(&desk, &["-o", "json"]).json();
    assert_eq!(
        (&json["kind"], &json["outcome"]),
        (&json!("EnvironmentDifferences"), &json!("different"))
    );
    let place = &json["result"]["objects"][0]["fields"][0]["place"];
    assert_eq!((&place["file"], &place["line"]), (&json!("pipes/orders.yaml"), &json!(9)));
}

#[test]
fn a_folder_for_each_is_compared_by_names() {
    let desk = desk();
    let fixed = |text: &str| {
        let text = text.replace("${host}", "h").replace("${state}", "running");
        text.replace("${password}", "P")
    };
    let another = |name: &str| {
        fixed(ORDERS).replace("name: orders", &format!("name: {name}")).replace("shop}", "other}")
    };
    let users = "- {sourceSchemaName: public, sourceTable: users, targetTable: users, excludedColumns: [a, b]}\n        ";
    desk.write("staging/orders.yaml", fixed(ORDERS));
    desk.write("staging/old.yaml", another("old"));
    // Neither the order of entries nor that of what is a set says anything.
    let other = fixed(&ORDERS.replace(users, "")).replace(
        "targetTable: items}",
        "targetTable: items}\n        - {sourceSchemaName: public, sourceTable: users, targetTable: users, excludedColumns: [b, a]}",
    );
    desk.write("prod/orders.yaml", &other);
    desk.write("prod/new.yaml", another("new"));
    let json = told(&desk, &["{env}", "-o", "json"]).json();
    let objects = json["result"]["objects"].as_array().unwrap();
    let sides: Vec<String> =
        objects.iter().map(|it| format!("{} {}", it["at"]["name"], it["declared"])).collect();
    assert_eq!(sides, ["\"new\" \"right\"", "\"old\" \"left\""], "{json:#}");
    assert_eq!(json["result"]["same"], 1);

    desk.write("prod/orders.yaml", other.replace("[b, a]", "[b]"));
    let said = told(&desk, &["{env}"]).stdout;
    assert!(said.contains("public.users -> users: excludedColumns"), "{said}");
    desk.write("prod/orders.yaml", fixed(&ORDERS.replace(users, "")));
    let said = told(&desk, &["{env}"]).stdout;
    assert!(said.contains("- source.postgres.tableMappings"), "{said}");
}

#[test]
fn the_exit_code_tells_if_it_is_asked_to() {
    let desk = desk();
    let code = |args: &[&str]| desk.run(&[&["diff-env"], args].concat()).code;
    assert_eq!(code(&["staging", "prod", "--detailed-exitcode"]), 2);
    assert_eq!(code(&["prod", "prod", "--detailed-exitcode"]), 0);
    let said = desk.run(&["diff-env", "staging", "prd", "-o", "json"]);
    let error = said.json()["errors"][0].as_str().unwrap().to_owned();
    assert_eq!(said.code, 1);
    assert!(
        error.contains("no environment `prd` (did you mean `prod`?); it has: prod, staging"),
        "{error}"
    );
    desk.write("pipes/orders.yaml", ORDERS.replace("${host}", "${hots}"));
    let said = desk.run(&["diff-env", "staging", "prod", "-o", "json"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.all().contains("environment staging"), "{}", said.all());
}

#[test]
fn a_secret_is_compared_by_its_reference_and_never_read() {
    let desk = desk();
    let canary = [("STAGING_PASSWORD", "canary"), ("PROD_PASSWORD", "canary")];
    let said = desk.run_with(&["diff-env", "staging", "prod", "-o", "json"], &canary);
    let password = "\"source.postgres.credentials.password\" \
                    {\"fromEnv\":\"STAGING_PASSWORD\"} {\"fromEnv\":\"PROD_PASSWORD\"}";
    assert!(fields(&said.json()).iter().any(|field| field == password), "{}", said.stdout);
    assert!(!said.all().contains("canary"));
}
