//! Pipes that reach their source through an endpoint: by a reference, or by the endpoint's DNS name alone.

use serde_json::Value;

use crate::support::cli::{APPLY, PLAN, WorkDir};

pub(crate) const SECRETS: [(&str, &str); 1] = [("SOURCE_PASSWORD", "s3cr3t")];

/// An endpoint in front of a database, with a DNS name of its own.
pub(crate) fn database_endpoint(state: &str) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: ReversePrivateEndpoint
metadata: {{name: billing, service: analytics}}
spec:
  state: {state}
  type: GCP_PSC_SERVICE_ATTACHMENT
  gcpServiceAttachment: projects/p/regions/r/serviceAttachments/billing
  customPrivateDnsMappings: [{{privateDnsName: billing.db.example}}]
"
    )
}

pub(crate) fn database_pipe(host: &str) -> String {
    format!(
        "---
apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: invoices, service: analytics}}
spec:
  source:
    postgres:
      host: {host}
      port: 5432
      database: billing
      credentials: {{username: reader, password: {{fromEnv: SOURCE_PASSWORD}}}}
      settings: {{replicationMode: cdc}}
      tableMappings: [{{sourceSchemaName: public, sourceTable: invoices, targetTable: invoices}}]
  destination: {{database: default}}
"
    )
}

const BROKERS: &str = "apiVersion: pipectl/v1
kind: ReversePrivateEndpoint
metadata: {name: events, service: analytics}
spec:
  type: MSK_MULTI_VPC
  mskClusterArn: arn:aws:kafka:eu-west-1:123456789012:cluster/events/1a2b
  mskAuthentication: SASL_SCRAM
---
apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: clicks, service: analytics}
spec:
  source:
    kafka:
      type: msk
      format: JSONEachRow
      brokers: {endpoint: events}
      topics: clicks
      authentication: SCRAM-SHA-512
      credentials: {username: reader, password: {fromEnv: SOURCE_PASSWORD}}
      reversePrivateEndpointIds: [{endpoint: events}]
  destination:
    database: default
    table: clicks
    managedTable: true
    tableDefinition: {engine: {type: MergeTree}}
    columns: [{name: id, type: UInt64}]
";

#[track_caller]
pub(crate) fn apply(desk: &WorkDir, manifests: &str) {
    desk.write_file("pipes.yaml", manifests);
    let said = desk.run_with_env(&APPLY, &SECRETS);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let said = desk.run_with_env(&PLAN, &SECRETS);
    assert_eq!(said.code, 0, "{}", said.all_output());
}

fn live_source(desk: &WorkDir, kind: &str) -> Value {
    desk.edit_world(|world| world.list_pipes("analytics")[0]["source"][kind].clone())
}

#[test]
fn host_reference_becomes_the_dns_name_in_one_apply() {
    let desk = WorkDir::new();
    let manifests = database_endpoint("present") + &database_pipe("{endpoint: billing}");
    desk.write_file("pipes.yaml", &manifests);
    let plan = desk.run_pipectl(&PLAN);
    assert!(plan.stdout.contains("SOURCE_PASSWORD to endpoint billing:5432"), "{}", plan.stdout);
    apply(&desk, &manifests);
    assert_eq!(live_source(&desk, "postgres")["host"], "billing.db.example");
    // Known or not, the pair is not new once it is live.
    let resent = desk.run_pipectl(&[&PLAN[..], &["--resend-secrets"]].concat());
    assert!(
        resent.stdout.contains("SOURCE_PASSWORD to endpoint billing (billing.db.example:5432)\n"),
        "{}",
        resent.stdout
    );
    assert!(!resent.stdout.contains("first time"), "{}", resent.stdout);
    // The plain name is the same host.
    apply(&desk, &(database_endpoint("present") + &database_pipe("Billing.db.example")));
    desk.write_file("pipes.yaml", manifests.replace("5432", "5433"));
    let plan = desk.run_pipectl(&PLAN);
    assert!(plan.stdout.contains("SOURCE_PASSWORD to endpoint billing (billing.db.example:5433)"), "{}", plan.stdout);
    assert!(!plan.stdout.contains("host:"), "{}", plan.stdout);
}

#[test]
fn broker_reference_becomes_one_broker_for_each_private_name() {
    let desk = WorkDir::new();
    apply(&desk, BROKERS);
    let names = ["b-1", "b-2", "b-3"].map(|broker| format!("{broker}.events.kafka.sandbox.example"));
    let expected = format!("{}:14001,{}:14002,{}:14003", names[0], names[1], names[2]);
    assert_eq!(live_source(&desk, "kafka")["brokers"], expected.as_str());
    // Some of the brokers are as good as all. Other ports are not.
    apply(&desk, &BROKERS.replace("brokers: {endpoint: events}", &format!("brokers: '{expected}'")));
    desk.write_file(
        "pipes.yaml",
        BROKERS.replace("{endpoint: events}\n      topics", "{endpoint: events, firstPort: 9096}\n      topics"),
    );
    let plan = desk.run_pipectl(&PLAN);
    assert!(plan.stdout.contains("must be replaced"), "{}", plan.stdout);
}

/// The manifest does not say where the secret leads, and live does.
#[test]
fn endpoint_stays_while_a_pipe_uses_its_dns_name_in_a_secret() {
    let secrets = [("SOURCE_URI", "mongodb://reader:s3cr3t@billing.db.example:27017/")];
    let pipe = database_pipe("billing.db.example")
        .replace("postgres:\n      host: billing.db.example\n      port: 5432\n      database: billing\n", "mongodb:\n")
        .replace(
            "credentials: {username: reader, password: {fromEnv: SOURCE_PASSWORD}}",
            "uri: {fromEnv: SOURCE_URI}\n      readPreference: primary",
        )
        .replace("sourceSchemaName: public, sourceTable", "sourceDatabaseName: billing, sourceCollection");
    for shown in [None, Some("mongodb://reader:[REDACTED]@billing.db.example:27017/")] {
        let desk = WorkDir::new();
        desk.write_file("pipes.yaml", database_endpoint("present") + &pipe);
        let said = desk.run_with_env(&APPLY, &secrets);
        assert_eq!(said.code, 0, "{}", said.all_output());
        if let Some(shown) = shown {
            desk.edit_world(|world| {
                let mask = |live: &mut Value| live["source"]["mongodb"]["uri"] = shown.into();
                assert!(world.edit_pipe("analytics", "invoices", mask));
            });
        }
        desk.write_file("pipes.yaml", database_endpoint("absent") + &pipe);
        let said = desk.run_with_env(&APPLY, &secrets);
        assert_eq!(said.code, 5, "{shown:?}: {}", said.all_output());
        assert!(said.stdout.contains("`analytics/invoices` still uses it after this plan"), "{}", said.all_output());
    }
}

#[test]
fn endpoint_stays_while_a_pipe_uses_its_dns_name() {
    for host in ["billing.db.example", "billing.db.example."] {
        let desk = WorkDir::new();
        let pipe = database_pipe(host);
        // The host is only a name here, and the endpoint comes first all the same.
        apply(&desk, &(database_endpoint("present") + &pipe));
        desk.write_file("pipes.yaml", database_endpoint("absent") + &pipe);
        let said = desk.run_with_env(&APPLY, &SECRETS);
        assert!(
            said.all_output().contains("`analytics/invoices` still uses it after this plan"),
            "{}",
            said.all_output()
        );
        assert_eq!(desk.edit_world(|world| world.list_pipes("analytics").len()), 1);
        // A pipe that moves to another host lets go of it.
        apply(&desk, &(database_endpoint("absent") + &database_pipe("other.db.example")));
    }
}

#[test]
fn reference_to_an_unknown_endpoint_blocks_the_pipe() {
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", database_pipe("{endpoint: biling}"));
    let said = desk.run_pipectl(&PLAN);
    assert!(said.stdout.contains("biling"), "{}", said.all_output());
    assert!(said.stdout.contains("blocked"), "{}", said.all_output());
}

#[test]
fn exported_pipe_behind_an_endpoint_plans_to_nothing() {
    let desk = WorkDir::new();
    apply(&desk, &(database_endpoint("present") + &database_pipe("{endpoint: billing}")));
    let said = desk.run_pipectl(&["export", "--sandbox", "--out", "exported"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let said = desk.run_pipectl(&["plan", "exported", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
}

#[test]
fn policy_allows_an_endpoint_by_its_name_and_by_its_dns_name() {
    let desk = WorkDir::new();
    let manifests = database_endpoint("present") + &database_pipe("{endpoint: billing}");
    desk.write_file("pipes.yaml", &manifests);
    let refuses = |pattern: &str| {
        let policy = format!("policy: {{secrets: {{SOURCE_PASSWORD: ['{pattern}']}}}}\n");
        desk.write_file("pipectl.yaml", format!("apiVersion: pipectl/v1\nkind: Project\n{policy}"));
        let plan = desk.run_pipectl(&[&PLAN[..], &["--resend-secrets"]].concat());
        plan.stdout.contains("it would send `SOURCE_PASSWORD` to `endpoint billing")
    };
    for (pattern, is_refused) in [("endpoint billing", false), ("*.db.example", true), ("endpoint other", true)] {
        assert_eq!(refuses(pattern), is_refused, "{pattern}");
    }
    desk.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\n");
    apply(&desk, &manifests);
    for (pattern, is_refused) in
        [("endpoint billing:5432", false), ("*.db.example", false), ("endpoint other", true), ("evil.example", true)]
    {
        assert_eq!(refuses(pattern), is_refused, "{pattern}");
    }
}

/// The API hides the whole address of a pipe, which may be a name of the endpoint.
#[test]
fn endpoint_is_kept_while_the_address_of_a_pipe_is_hidden() {
    let desk = WorkDir::new();
    apply(&desk, &(database_endpoint("present") + &database_pipe("billing.db.example")));
    let hide = |pipe: &mut Value| pipe["source"]["postgres"]["host"] = "[REDACTED]".into();
    assert!(desk.edit_world(|world| world.edit_pipe("analytics", "invoices", hide)));
    for more in [String::new(), database_pipe("billing.db.example")] {
        desk.write_file("pipes.yaml", database_endpoint("absent") + &more);
        let said = desk.run_with_env(&APPLY, &SECRETS);
        assert_eq!(said.code, 5, "{}", said.all_output());
        let words = "the API does not return where `analytics/invoices` connects";
        assert!(said.stdout.contains(words), "{}", said.all_output());
    }
    assert!(desk.request_log().iter().all(|(method, ..)| method != "DELETE"));
}

/// The endpoint is live and is not selected: it is looked at, and passes for none that the plan would create.
#[test]
fn selected_pipe_is_created_behind_a_live_endpoint() {
    let desk = WorkDir::new();
    apply(&desk, &database_endpoint("present"));
    desk.write_file("pipes.yaml", database_endpoint("present") + &database_pipe("billing.db.example"));
    let plan = [&PLAN[..], &["--only=analytics/invoices"]].concat();
    let said = desk.run_with_env(&plan, &SECRETS);
    assert!(said.code == 2 && said.stdout.contains("create"), "{}", said.all_output());
    desk.edit_world(|world| world.set_endpoint_status("analytics", "billing", sandbox::EndpointStatus::Failed));
    let said = desk.run_with_env(&plan, &SECRETS);
    assert!(said.stdout.contains("\n      it uses `billing`, which is `Failed`"), "{}", said.all_output());
}
