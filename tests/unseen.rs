//! What the API does not tell: git says what changed there, and without git the plan says what it
//! could not compare.

use crate::support::{desired, live};
use insta::assert_snapshot;
use model::address::Kind;
use model::pattern::Pattern;
use pipectl::render::plan::{Context, render};
use planner::{Limits, Plan, Policy, UnseenChanges, plan};
use serde_json::{Value, json};

/// A Kafka pipe; `kafka` goes below its source, `spec` below its spec.
fn kafka(credentials: &str, kafka: &str, destination: &str, spec: &str) -> String {
    format!(
        "
apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: clicks, service: analytics}}
spec:
  source:
    kafka:
      type: kafka
      format: AvroConfluent
      brokers: b:9092
      topics: clicks
      authentication: PLAIN
      credentials: {credentials}
      schemaRegistry: {{url: https://r.example.com, authentication: PLAIN, credentials: {kafka}}}
  destination:
    database: default
    table: clicks
    managedTable: true
    tableDefinition: {{engine: {{type: MergeTree}}}}
    columns: [{{name: id, type: UInt64}}]
    {destination}
{spec}
"
    )
}

const LOGIN: &str = "{username: u, password: {fromEnv: P}}";
const NEWER: &str = "{username: u, password: {fromEnv: P}, version: 2}";

fn pipe() -> Value {
    json!({
        "id": "11111111-1111-4111-8111-111111111111", "name": "clicks", "state": "Running",
        "source": {"kafka": {
            "type": "kafka", "format": "AvroConfluent", "brokers": "b:9092", "topics": "clicks",
            "authentication": "PLAIN", "caCertificate": "-----BEGIN CERTIFICATE-----",
            "schemaRegistry": {"url": "https://r.example.com", "authentication": "PLAIN"}
        }},
        "destination": {
            "database": "default", "table": "clicks", "managedTable": true,
            "tableDefinition": {"engine": {"type": "MergeTree"}},
            "columns": [{"name": "id", "type": "UInt64"}]
        },
        "settings": {"streaming_max_insert_wait_ms": 500},
        "scaling": {"replicas": 2, "replicaCpuMillicores": 125, "replicaMemoryGb": 0.5},
        "fieldMappings": [{"sourceField": "id", "destinationField": "id"}]
    })
}

fn planned(base: Option<&str>, git: &str, policy: &Policy) -> Plan {
    let base = base.map(desired);
    plan(&desired(git), &live(Kind::ClickPipe, &[pipe()]), base.as_ref(), policy)
}

fn text(plan: &Plan) -> String {
    let context = Context::default();
    let text = render(plan, &context).to_plain();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn check(base: &str, git: &str) -> String {
    text(&planned(Some(base), git, &Policy::default()))
}

#[test]
fn a_secret_that_git_changed_is_sent_with_its_group() {
    let git = kafka(NEWER, LOGIN, "", "");
    let plan = planned(Some(&kafka(LOGIN, LOGIN, "", "")), &git, &Policy::default());
    assert_snapshot!(text(&plan));
    assert_snapshot!(serde_json::to_string_pretty(&plan).unwrap());
    // The next base knows it.
    assert!(planned(Some(&git), &git, &Policy::default()).is_empty());
}

#[test]
fn what_cannot_be_sent_to_a_live_pipe_forces_a_replacement() {
    let base = kafka(LOGIN, LOGIN, "roles: [a]", "");
    assert_snapshot!(check(&base, &kafka(LOGIN, NEWER, "roles: [a]", "")));
    assert_snapshot!(check(&base, &kafka(LOGIN, LOGIN, "roles: [a, b]", "")));
    let protected = kafka(LOGIN, LOGIN, "roles: [b]", "  protect: true");
    let plan = planned(Some(&base), &protected, &Policy::default());
    assert_eq!(plan.count("blocked"), 1);
    assert!(plan.actions.is_empty());
    let free = kafka(LOGIN, LOGIN, "roles: [b]", "");
    let limits = Limits { max_replace: Some(0), ..Limits::default() };
    assert!(planned(Some(&base), &free, &Policy::default()).approve(&limits).is_err());
}

#[test]
fn the_order_of_a_set_is_no_change() {
    let base = kafka(LOGIN, LOGIN, "roles: [a, b]", "");
    let plan = planned(Some(&base), &kafka(LOGIN, LOGIN, "roles: [b, a]", ""), &Policy::default());
    assert!(plan.is_empty(), "{:#?}", plan.changes);
}

#[test]
fn without_a_base_the_plan_says_what_it_could_not_compare() {
    let plan = planned(None, &kafka(LOGIN, LOGIN, "roles: [a]", ""), &Policy::default());
    assert_snapshot!(text(&plan));
    assert_snapshot!(serde_json::to_string_pretty(&plan.not_compared).unwrap());
}

#[test]
fn with_a_base_everything_is_compared_but_in_what_is_new_to_git() {
    let git = kafka(LOGIN, LOGIN, "", "");
    assert!(planned(Some(&git), &git, &Policy::default()).not_compared.is_empty());
    let adopted = plan(
        &desired(&git),
        &live(Kind::ClickPipe, &[pipe()]),
        Some(&model::desired::Desired::new()),
        &Policy::default(),
    );
    assert_eq!(adopted.not_compared.len(), 1);
    assert!(adopted.actions.is_empty());
}

#[test]
fn a_resent_secret_is_a_change_and_one_that_cannot_be_resent_is_told() {
    let policy = Policy { resend: vec![Pattern::new("analytics/*")], ..Policy::default() };
    assert_snapshot!(text(&planned(None, &kafka(LOGIN, LOGIN, "", ""), &policy)));
    let policy = Policy { resend: vec![Pattern::new("other/*")], ..Policy::default() };
    assert!(planned(None, &kafka(LOGIN, LOGIN, "", ""), &policy).is_empty());
}

#[test]
fn after_an_apply_the_unseen_is_taken_for_made() {
    let (base, git) = (kafka(LOGIN, LOGIN, "", ""), kafka(NEWER, LOGIN, "", ""));
    let resend = vec![Pattern::new("*")];
    let policy = Policy { unseen: UnseenChanges::TakenForMade, resend, ..Policy::default() };
    assert!(planned(Some(&base), &git, &policy).is_empty());
}

#[test]
fn what_is_taken_out_of_a_manifest_stays_and_is_told() {
    let spec = "
  scaling: {replicas: 2}
  settings: {streaming_max_insert_wait_ms: 500}
  fieldMappings: [{sourceField: id, destinationField: id}]";
    let base = kafka(LOGIN, LOGIN, "roles: [a]", spec).replace(
        "topics: clicks",
        "topics: clicks\n      caCertificate: \"-----BEGIN CERTIFICATE-----\"",
    );
    assert_snapshot!(check(&base, &kafka(LOGIN, LOGIN, "", "")));
}

#[test]
fn a_size_that_has_not_settled_yet_is_sent_when_git_changed_it() {
    let sized =
        |replicas: u32| kafka(LOGIN, LOGIN, "", &format!("  scaling: {{replicas: {replicas}}}"));
    let mut unsettled = pipe();
    unsettled["scaling"] = json!({"replicas": 0, "replicaCpuMillicores": 0, "replicaMemoryGb": 0});
    let live = live(Kind::ClickPipe, &[unsettled]);
    let of = |base: &str, git: &str| {
        plan(&desired(git), &live, Some(&desired(base)), &Policy::default()).actions.len()
    };
    assert_eq!(of(&sized(1), &sized(2)), 1);
    assert_eq!(of(&sized(2), &sized(2)), 0);
}
