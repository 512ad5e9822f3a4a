//! Pipes that reach their source through an endpoint: by a reference, or by the endpoint's DNS name alone.

use serde_json::Value;

use crate::support::cli::{APPLY, PLAN, WorkDir};
use crate::support::test_repo::TestRepo;

const SECRETS: [(&str, &str); 1] = [("SOURCE_PASSWORD", "s3cr3t")];

/// An endpoint in front of a database, with a DNS name of its own.
fn database_endpoint(state: &str) -> String {
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

fn database_pipe(host: &str) -> String {
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
fn apply(desk: &WorkDir, manifests: &str) {
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
    // The plain name is the same host.
    apply(&desk, &(database_endpoint("present") + &database_pipe("Billing.db.example")));
    desk.write_file("pipes.yaml", manifests.replace("5432", "5433"));
    let plan = desk.run_pipectl(&PLAN);
    assert!(plan.stdout.contains("SOURCE_PASSWORD to billing.db.example:5433"), "{}", plan.stdout);
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

/// Both hosts lead to the endpoint: one by reference, one by the name as text.
fn two_database_pipes() -> String {
    let by_text = database_pipe("billing.db.example").replace("invoices", "receipts");
    database_pipe("{endpoint: billing}") + &by_text
}

#[test]
fn host_reference_follows_a_renamed_endpoint_in_the_same_apply() {
    let desk = WorkDir::new();
    let before = database_endpoint("present") + &two_database_pipes();
    apply(&desk, &before);
    let renamed = before.replace("privateDnsName: billing", "privateDnsName: ledger");
    desk.write_file("pipes.yaml", &renamed);
    let plan = desk.run_pipectl(&PLAN);
    assert!(plan.stdout.contains("\"billing.db.example\" -> \"ledger.db.example\""), "{}", plan.stdout);
    assert!(plan.stdout.contains("SOURCE_PASSWORD to ledger.db.example:5432 for the first time"), "{}", plan.stdout);
    assert!(plan.stdout.contains("`receipts` connects by a name that is taken away"), "{}", plan.stdout);
    let said = desk.run_with_env(&APPLY, &SECRETS);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let writes: Vec<String> = desk.request_log().into_iter().filter(|it| it.0 == "PATCH").map(|it| it.1).collect();
    assert!(
        writes[0].contains("clickpipesReversePrivateEndpoints"),
        "the name exists before a pipe uses it: {writes:?}"
    );
    assert_eq!(live_hosts(&desk), ["billing.db.example", "ledger.db.example"]);
    // Nobody connects by the name of yesterday any longer, so none is named.
    apply(&desk, &renamed.replace("host: billing", "host: ledger"));
    desk.write_file("pipes.yaml", renamed.replace("host: billing", "host: other").replace("ledger", "third"));
    let plan = desk.run_pipectl(&PLAN);
    assert!(!plan.stdout.contains("taken away"), "{}", plan.stdout);
}

fn live_hosts(desk: &WorkDir) -> Vec<String> {
    let pipes = desk.edit_world(|world| world.list_pipes("analytics"));
    let mut hosts: Vec<String> =
        pipes.iter().map(|pipe| pipe["source"]["postgres"]["host"].as_str().unwrap().to_owned()).collect();
    hosts.sort();
    hosts
}

/// The pipe could not follow, and would lose its source.
#[test]
fn endpoint_keeps_its_dns_name_if_the_secret_of_a_pipe_is_missing() {
    let desk = WorkDir::new();
    let before = database_endpoint("present") + &database_pipe("{endpoint: billing}");
    apply(&desk, &before);
    desk.write_file("pipes.yaml", before.replace("privateDnsName: billing", "privateDnsName: ledger"));
    let patches = |desk: &WorkDir| desk.request_log().iter().filter(|it| it.0 == "PATCH").count();
    let earlier = patches(&desk);
    let said = desk.run_pipectl(&APPLY);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stdout.contains("cannot resolve the secret `fromEnv: SOURCE_PASSWORD`"), "{}", said.stdout);
    assert_eq!(patches(&desk), earlier, "{}", said.all_output());
    apply(&desk, &before.replace("privateDnsName: billing", "privateDnsName: ledger"));
    assert_eq!(live_hosts(&desk), ["ledger.db.example"]);
}

#[test]
fn host_reference_follows_a_renamed_endpoint_with_a_base() {
    let repo = TestRepo::new();
    let before = database_endpoint("present") + &database_pipe("{endpoint: billing}");
    apply(&repo.work_dir, &before);
    repo.commit_all("as applied");
    repo.write_file("pipes.yaml", &before.replace("privateDnsName: billing", "privateDnsName: ledger"));
    let said = repo.run_with_env(&["apply", "pipes.yaml", "--yes", "--base", "HEAD"], &SECRETS);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(live_hosts(&repo.work_dir), ["ledger.db.example"]);
}

#[test]
fn pipe_waits_for_a_dns_name_that_only_the_rest_of_the_plan_gives() {
    let desk = WorkDir::new();
    let before = database_endpoint("present") + &database_pipe("{endpoint: billing}");
    apply(&desk, &before);
    desk.write_file("pipes.yaml", before.replace("privateDnsName: billing", "privateDnsName: ledger"));
    let said = desk.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--yes", "--only", "invoices"], &SECRETS);
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert!(said.stdout.contains("only the rest of the plan creates or renames"), "{}", said.all_output());
    assert_eq!(live_hosts(&desk), ["billing.db.example"]);
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
