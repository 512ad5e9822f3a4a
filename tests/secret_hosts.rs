//! Which secret reaches which host: told in every format, new pairs first, and held by `policy.secrets`.

use serde_json::json;

use crate::support::cli::WorkDir;
use crate::support::test_repo::{TestRepo, postgres_manifest};

/// One pipe that is live, and committed.
fn applied_repo() -> TestRepo {
    let repo = TestRepo::new();
    repo.write_file("pipes/orders.yaml", &postgres_manifest("orders", "pg.corp.example", ""));
    repo.commit_all("Copy the orders");
    let said = repo.run_with_env(&["apply", "pipes", "--yes"], &[("PROD_PG_PASSWORD", "secret")]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    repo
}

const NEW_PAIR: &str = "sends PROD_PG_PASSWORD to evil.example:5432 for the first time";

#[test]
fn moved_host_is_told_in_every_format() {
    let repo = applied_repo();
    repo.write_file(
        "pipes/orders.yaml",
        &postgres_manifest("orders", "evil.example", "      skipCertVerification: true"),
    );
    repo.commit_all("Move the database");
    for base in [&["--base", "HEAD~1"][..], &[]] {
        let reports = ["--report", "markdown=plan.md", "--report", "github=notes", "--report", "html=plan.html"];
        let text = repo.run_successfully(&[&["plan", "pipes"][..], base, &reports].concat());
        assert!(text.contains(NEW_PAIR), "{text}");
        assert!(
            text.contains("review: weakens TLS of `analytics/orders`: `source.postgres.skipCertVerification`"),
            "{text}"
        );
        let head = text.lines().next().unwrap();
        assert!(head.starts_with("organization ") && text.contains("analytics ("), "{text}");
        let read = |file: &str| std::fs::read_to_string(repo.work_dir.temp_dir.path().join(file)).unwrap();
        let comment = read("plan.md");
        let before_table = comment.split("| | object").next().unwrap();
        assert!(before_table.contains("⚠️ sends <code>PROD&#95;PG&#95;PASSWORD</code> to"), "{comment}");
        assert!(before_table.contains("weakens TLS of"), "{comment}");
        assert!(read("plan.html").contains("for the first time"));
        let warnings: Vec<String> =
            read("notes").lines().filter(|line| line.starts_with("::warning")).map(str::to_owned).collect();
        assert!(warnings.iter().any(|line| line.contains("title=new-secret-host")), "{warnings:?}");
        assert!(warnings.iter().any(|line| line.contains("title=weakened-tls")), "{warnings:?}");
        let json = repo.run_successfully(&[&["plan", "pipes", "-o", "json"][..], base].concat());
        let plan: serde_json::Value = serde_json::from_str(&json).unwrap();
        let change = &plan["result"]["changes"][0];
        let sent = change["secrets"].as_array().unwrap().iter().find(|it| it["from"]["fromEnv"] == "PROD_PG_PASSWORD");
        assert_eq!(
            (&sent.unwrap()["to"], &sent.unwrap()["new"]),
            (&json!(["evil.example:5432"]), &json!(true)),
            "{plan}"
        );
        assert_eq!(change["weakenedTls"], json!(["source.postgres.skipCertVerification"]));
    }
}

#[test]
fn pair_of_the_base_is_not_new() {
    let repo = applied_repo();
    repo.write_file("pipes/refunds.yaml", &postgres_manifest("refunds", "pg.corp.example", ""));
    repo.commit_all("Copy the refunds");
    let text = repo.run_successfully(&["plan", "pipes", "--base", "HEAD~1"]);
    assert!(text.contains("sends PROD_PG_PASSWORD to pg.corp.example:5432\n"), "{text}");
    assert!(!text.contains("review:"), "{text}");
}

#[test]
fn drift_of_the_host_under_a_resent_secret_is_told() {
    let repo = applied_repo();
    repo.edit_live_pipe("orders", "/source/postgres/host", json!("evil.example"));
    let text = repo.run_successfully(&["plan", "pipes", "--base", "HEAD", "--resend-secrets"]);
    assert!(text.contains(NEW_PAIR), "{text}");
}

#[test]
fn policy_holds_secrets_from_other_hosts() {
    let repo = applied_repo();
    let project = |hosts: &str| {
        let policy = format!("policy: {{secrets: {{'PROD_PG_*': [{hosts}]}}}}\n");
        repo.write_file("pipectl.yaml", &format!("apiVersion: pipectl/v1\nkind: Project\n{policy}"));
    };
    project("'*.corp.example'");
    repo.commit_all("Say where passwords go");
    repo.write_file("pipes/orders.yaml", &postgres_manifest("orders", "evil.example", ""));
    // Whoever moves the host in a pull request can also change the policy in it.
    project("'*'");
    repo.commit_all("Move the database");
    let writes = repo.count_writes();
    let password = [("PROD_PG_PASSWORD", "secret")];
    let said = repo.run_with_env(&["apply", "pipes", "--yes", "--base", "HEAD~1"], &password);
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert!(said.stdout.contains("it would send `PROD_PG_PASSWORD` to `evil.example:5432`"), "{}", said.stdout);
    assert!(said.stdout.contains("allows `PROD_PG_*` only for `*.corp.example`"), "{}", said.stdout);
    assert_eq!(repo.count_writes(), writes);
    let trusted = ["apply", "pipes", "--yes", "--base", "HEAD~1", "--trust-policy"];
    let said = repo.run_with_env(&trusted, &password);
    assert_eq!(said.code, 0, "{}", said.all_output());
}

#[test]
fn secrets_are_listed_with_their_hosts() {
    let desk = WorkDir::new();
    let two = postgres_manifest("orders", "pg.corp.example", "") + &postgres_manifest("refunds", "db.corp.example", "");
    let odd = "{fromEnv: A.b-c}";
    desk.write_file("pipes.yaml", two + &postgres_manifest("odd", "h", "").replace("{fromEnv: PROD_PG_PASSWORD}", odd));
    let listed = desk.run_pipectl(&["secrets", "list", "pipes.yaml"]);
    assert_eq!(listed.code, 0, "{}", listed.all_output());
    let line = "PROD_PG_PASSWORD -> db.corp.example:5432, pg.corp.example:5432\n    analytics/orders  source.postgres.credentials.password  pipes.yaml:";
    assert!(listed.stdout.contains(line), "{}", listed.stdout);
    let commands = desk.run_pipectl(&["secrets", "list", "pipes.yaml", "--gh"]).stdout;
    insta::assert_snapshot!(commands, @r"
    # not a variable: A.b-c
    gh secret set PROD_PG_PASSWORD --env production
    # and below `env` of the step that applies, in a job with `environment: production`:
    #   PROD_PG_PASSWORD: ${{ secrets.PROD_PG_PASSWORD }}
    ");
    let json = desk.run_pipectl(&["secrets", "list", "pipes.yaml", "-o", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["result"]["secrets"][1]["to"], json!(["db.corp.example:5432", "pg.corp.example:5432"]));
}

#[test]
fn another_endpoint_before_the_same_brokers_is_told() {
    let manifest = |endpoint: &str| {
        let id = format!("{endpoint}0000000-0000-4000-8000-000000000000");
        format!(
            "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: clicks, service: analytics}}
spec:
  source:
    kafka: {{type: kafka, format: JSONEachRow, brokers: 'b:9092', topics: t, authentication: PLAIN,
      reversePrivateEndpointIds: [{id}], credentials: {{username: u, password: {{fromEnv: KAFKA_PASSWORD}}}}}}
  destination: {{database: default, table: t, managedTable: true, tableDefinition: {{engine: {{type: MergeTree}}}}, columns: [{{name: id, type: UInt64}}]}}
"
        )
    };
    let repo = TestRepo::new();
    for endpoint in ["a", "b"] {
        repo.write_file("pipes/clicks.yaml", &manifest(endpoint));
        repo.commit_all(endpoint);
    }
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD~1"]);
    let line = "sends KAFKA_PASSWORD to b:9092, endpoint b0000000-0000-4000-8000-000000000000";
    assert!(plan.contains(&format!("{line} for the first time")), "{plan}");
}

#[test]
fn another_spelling_of_a_host_is_allowed_and_no_new_pair() {
    let repo = applied_repo();
    let policy = "policy: {secrets: {'PROD_PG_*': ['PG.corp.example.:5432', '8.0.0.1']}}\n";
    repo.write_file("pipectl.yaml", &format!("apiVersion: pipectl/v1\nkind: Project\n{policy}"));
    repo.commit_all("Say where passwords go");
    // The spelling alone would change nothing.
    let respelt = postgres_manifest("orders", "PG.Corp.Example.", "").replace("cdc,", "cdc, pullBatchSize: 777,");
    repo.write_file("pipes/orders.yaml", &respelt);
    repo.commit_all("Write the host otherwise");
    for base in [&["--base", "HEAD~1"][..], &[]] {
        let plan = repo.run_successfully(&[&["plan", "pipes", "--resend-secrets"][..], base].concat());
        assert!(plan.contains("sends PROD_PG_PASSWORD to pg.corp.example:5432\n"), "{plan}");
        assert!(!plan.contains("review:"), "{plan}");
    }
    repo.write_file("pipes/orders.yaml", &postgres_manifest("orders", "'010.0.0.1'", ""));
    let said = repo.run_with_env(&["plan", "pipes"], &[]);
    assert!(said.stdout.contains("it would send `PROD_PG_PASSWORD` to `010.0.0.1:5432`"), "{}", said.all_output());
}

/// In the request of a create, an endpoint has a name, and live and an update have its id. It is one receiver: otherwise a
/// rule lets the create pass and forbids every update, and each replacement sends the secret "for the first time".
#[test]
fn endpoint_on_the_way_has_one_name_in_every_request() {
    let endpoint = "apiVersion: pipectl/v1
kind: ReversePrivateEndpoint
metadata: {name: link, service: analytics}
spec: {type: GCP_PSC_SERVICE_ATTACHMENT, gcpServiceAttachment: projects/p/regions/us-central1/serviceAttachments/x}
";
    let pipe = "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: clicks, service: analytics}
spec:
  source:
    kafka: {type: kafka, format: JSONEachRow, brokers: 'b.example.com:9092', topics: t, authentication: PLAIN,
      reversePrivateEndpointIds: [{endpoint: link}], credentials: {username: u, password: {fromEnv: KAFKA_PASSWORD}}}
  destination: {database: default, table: t, managedTable: true, tableDefinition: {engine: {type: MergeTree}}, columns: [{name: id, type: UInt64}]}
";
    let rule =
        r#"!change.secrets.all(s, s.hosts.all(h, h.endsWith(".example.com") || h.startsWith("endpoint \"link\"")))"#;
    let rules = format!("policy: {{rules: [{{name: stay, deny: '{rule}', message: leaves}}]}}\n");
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", &format!("apiVersion: pipectl/v1\nkind: Project\n{rules}"));
    repo.write_file("pipes/link.yaml", endpoint);
    repo.write_file("pipes/clicks.yaml", pipe);
    repo.commit_all("Begin");
    let to = "sends KAFKA_PASSWORD to b.example.com:9092, endpoint link";
    let created = repo.run_successfully(&["plan", "pipes"]);
    assert!(created.contains(&format!("{to} for the first time\n")), "{created}");
    let said = repo.run_with_env(&["apply", "pipes", "--yes"], &[("KAFKA_PASSWORD", "s3cr3t")]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let resent = repo.run_successfully(&["plan", "pipes", "--resend-secrets"]);
    assert!(resent.contains(&format!("{to}\n")), "{resent}");
    for change in [("username: u", "username: v"), ("topics: t", "topics: t2")] {
        repo.write_file("pipes/clicks.yaml", &pipe.replace(change.0, change.1));
        let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD"]);
        assert!(plan.contains(&format!("{to}\n")) && !plan.contains("forbids"), "{plan}");
    }
    // Under its name another endpoint follows, so the pair is new.
    repo.write_file("pipes/clicks.yaml", pipe);
    repo.write_file("pipes/link.yaml", &endpoint.replace("Attachments/x", "Attachments/y"));
    let plan = repo.run_pipectl(&["plan", "pipes", "--base", "HEAD"]).stdout;
    assert!(plan.contains(&format!("{to} for the first time\n")), "{plan}");
}
