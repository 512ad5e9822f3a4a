//! What the API does not tell: git says what changed there, and without git the plan says what it
//! could not compare.

use crate::support::{desired, live};
use insta::assert_snapshot;
use model::address::Kind;
use model::selector::AddressPattern;
use pipectl::render::plan::{Context, render};
use planner::{ApprovalLimits, Plan, Policy, WriteOnlyPolicy, plan};
use serde_json::{Value, json};

/// A Kafka pipe; `kafka` goes below its source, `spec` below its spec.
fn kafka_manifest(credentials: &str, kafka: &str, destination: &str, spec: &str) -> String {
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

const CREDENTIALS: &str = "{username: u, password: {fromEnv: P}}";
const NEWER_CREDENTIALS: &str = "{username: u, password: {fromEnv: P}, version: 2}";

fn live_pipe() -> Value {
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

fn plan_from_base(base: Option<&str>, git: &str, policy: &Policy) -> Plan {
    let base = base.map(desired);
    plan(&desired(git), &live(Kind::ClickPipe, &[live_pipe()]), base.as_ref(), policy)
}

fn plan_text(plan: &Plan) -> String {
    let context = Context::default();
    let text = render(plan, &context).to_plain();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn check_plan(base: &str, git: &str) -> String {
    plan_text(&plan_from_base(Some(base), git, &Policy::default()))
}

#[test]
fn secret_changed_in_git_is_sent_with_its_group() {
    let git = kafka_manifest(NEWER_CREDENTIALS, CREDENTIALS, "", "");
    let plan = plan_from_base(Some(&kafka_manifest(CREDENTIALS, CREDENTIALS, "", "")), &git, &Policy::default());
    assert_snapshot!(plan_text(&plan));
    assert_snapshot!(serde_json::to_string_pretty(&plan).unwrap());
    // The next base knows it.
    assert!(plan_from_base(Some(&git), &git, &Policy::default()).has_no_changes());
}

#[test]
fn unsendable_write_only_change_forces_replacement() {
    let base = kafka_manifest(CREDENTIALS, CREDENTIALS, "roles: [a]", "");
    assert_snapshot!(check_plan(&base, &kafka_manifest(CREDENTIALS, NEWER_CREDENTIALS, "roles: [a]", "")));
    assert_snapshot!(check_plan(&base, &kafka_manifest(CREDENTIALS, CREDENTIALS, "roles: [a, b]", "")));
    let protected = kafka_manifest(CREDENTIALS, CREDENTIALS, "roles: [b]", "  protect: true");
    let plan = plan_from_base(Some(&base), &protected, &Policy::default());
    assert_eq!(plan.count_verdict("blocked"), 1);
    assert!(plan.actions.is_empty());
    let free = kafka_manifest(CREDENTIALS, CREDENTIALS, "roles: [b]", "");
    let limits = ApprovalLimits { max_replace: Some(0), ..ApprovalLimits::default() };
    // It is held back by itself, before the limit counts it.
    let approved = plan_from_base(Some(&base), &free, &Policy::default()).approve(&limits);
    assert!(approved.actions().is_empty() && approved.exceeded_limits().is_empty());
}

#[test]
fn set_order_is_no_change() {
    let base = kafka_manifest(CREDENTIALS, CREDENTIALS, "roles: [a, b]", "");
    let plan =
        plan_from_base(Some(&base), &kafka_manifest(CREDENTIALS, CREDENTIALS, "roles: [b, a]", ""), &Policy::default());
    assert!(plan.has_no_changes(), "{:#?}", plan.changes);
}

#[test]
fn plan_without_base_lists_unchecked_fields() {
    let plan = plan_from_base(None, &kafka_manifest(CREDENTIALS, CREDENTIALS, "roles: [a]", ""), &Policy::default());
    assert_snapshot!(plan_text(&plan));
    assert_snapshot!(serde_json::to_string_pretty(&plan.unchecked).unwrap());
}

#[test]
fn plan_with_base_checks_all_but_new_objects() {
    let git = kafka_manifest(CREDENTIALS, CREDENTIALS, "", "");
    assert!(plan_from_base(Some(&git), &git, &Policy::default()).unchecked.is_empty());
    let adopted = plan(
        &desired(&git),
        &live(Kind::ClickPipe, &[live_pipe()]),
        Some(&model::desired::Desired::new()),
        &Policy::default(),
    );
    assert_eq!(adopted.unchecked.len(), 1);
    assert!(adopted.actions.is_empty());
}

#[test]
fn resent_secret_is_a_change_and_fixed_ones_are_reported() {
    let policy = Policy { resend: vec![AddressPattern::new("analytics/*")], ..Policy::default() };
    assert_snapshot!(plan_text(&plan_from_base(None, &kafka_manifest(CREDENTIALS, CREDENTIALS, "", ""), &policy)));
    let policy = Policy { resend: vec![AddressPattern::new("other/*")], ..Policy::default() };
    assert!(plan_from_base(None, &kafka_manifest(CREDENTIALS, CREDENTIALS, "", ""), &policy).has_no_changes());
}

#[test]
fn write_only_changes_are_assumed_sent_after_apply() {
    let (base, git) =
        (kafka_manifest(CREDENTIALS, CREDENTIALS, "", ""), kafka_manifest(NEWER_CREDENTIALS, CREDENTIALS, "", ""));
    let resend = vec![AddressPattern::new("*")];
    let policy = Policy { write_only: WriteOnlyPolicy::AssumeSent, resend, ..Policy::default() };
    assert!(plan_from_base(Some(&base), &git, &policy).has_no_changes());
}

#[test]
fn removed_field_keeps_its_live_value_and_is_reported() {
    let spec = "
  scaling: {replicas: 2}
  settings: {streaming_max_insert_wait_ms: 500}
  fieldMappings: [{sourceField: id, destinationField: id}]";
    let base = kafka_manifest(CREDENTIALS, CREDENTIALS, "roles: [a]", spec)
        .replace("topics: clicks", "topics: clicks\n      caCertificate: \"-----BEGIN CERTIFICATE-----\"");
    assert_snapshot!(check_plan(&base, &kafka_manifest(CREDENTIALS, CREDENTIALS, "", "")));
}

#[test]
fn unsettled_size_is_sent_only_if_git_changed_it() {
    let sized =
        |replicas: u32| kafka_manifest(CREDENTIALS, CREDENTIALS, "", &format!("  scaling: {{replicas: {replicas}}}"));
    let mut unsettled = live_pipe();
    unsettled["scaling"] = json!({"replicas": 0, "replicaCpuMillicores": 0, "replicaMemoryGb": 0});
    let live = live(Kind::ClickPipe, &[unsettled]);
    let of = |base: &str, git: &str| plan(&desired(git), &live, Some(&desired(base)), &Policy::default()).actions.len();
    assert_eq!(of(&sized(1), &sized(2)), 1);
    assert_eq!(of(&sized(2), &sized(2)), 0);
}
