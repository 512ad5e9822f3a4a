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

/// What the zero hides may be drift, so the object is read again, whatever the base says.
#[test]
fn unsettled_size_is_read_again_with_a_base_and_for_a_replacement() {
    let sized = kafka_manifest(CREDENTIALS, CREDENTIALS, "", "  scaling: {replicas: 2}");
    let bigger = sized.replace("replicas: 2", "replicas: 3");
    let unsized_pipe = kafka_manifest(CREDENTIALS, CREDENTIALS, "", "");
    let moved = unsized_pipe.replace("topics: clicks", "topics: other");
    let unsettled_count = |base: Option<&str>, git: &str, replicas: u32| {
        let mut pipe = live_pipe();
        pipe["scaling"] = json!({"replicas": replicas, "replicaCpuMillicores": 125, "replicaMemoryGb": 0.5});
        let base = base.map(desired);
        let live = live(Kind::ClickPipe, &[pipe]);
        plan(&desired(git), &live, base.as_ref(), &Policy::default()).unsettled.len()
    };
    for (base, git) in [(Some(&sized), &sized), (Some(&sized), &bigger), (None, &moved), (Some(&unsized_pipe), &moved)]
    {
        assert_eq!(unsettled_count(base.map(String::as_str), git, 0), 1, "{git}");
        assert_eq!(unsettled_count(base.map(String::as_str), git, 2), 0, "{git}");
    }
}

#[test]
fn registry_whose_secret_git_does_not_know_holds_a_replacement_back() {
    let manifest = kafka_manifest(CREDENTIALS, CREDENTIALS, "", "").replace("topics: clicks", "topics: other");
    let without: String = manifest
        .lines()
        .filter(|line| !line.contains("schemaRegistry"))
        .fold(String::new(), |text, line| text + line + "\n");
    let registry = |git: &str| {
        let plan = plan_from_base(None, git, &Policy::default());
        let change = &plan.changes[0];
        let paths = change.lost_fields.iter().map(ToString::to_string).filter(|path| path.contains("schemaRegistry"));
        (paths.collect::<Vec<_>>(), change.data_effects.join("\n"))
    };
    let (lost, said) = registry(&without);
    assert_eq!(lost, ["source.kafka.schemaRegistry.credentials"], "{said}");
    let reason = "loses these fields, as the API does not return all that they need: `source.kafka.schemaRegistry`";
    assert!(said.contains(reason) && !said.contains("does not fit"), "{said}");
    assert_eq!(registry(&manifest).0, [""; 0]);
}

#[test]
fn replacement_keeps_nothing_that_names_a_removed_column() {
    let mut pipe = live_pipe();
    let columns = ["id", "at", "at_day"].map(|name| json!({"name": name, "type": "UInt64"}));
    pipe["destination"]["columns"] = json!(columns);
    pipe["destination"]["tableDefinition"] = json!({
        "engine": {"type": "MergeTree"}, "sortingKey": ["at", "id"], "partitionBy": "toYYYYMM(at)", "primaryKey": "id",
        "ttl": "at_day + 1"
    });
    pipe["fieldMappings"] = json!([
        {"sourceField": "a", "destinationField": "id"}, {"sourceField": "b", "destinationField": "at"}
    ]);
    let day = "{name: id, type: UInt64}, {name: at_day, type: UInt64}";
    let git = kafka_manifest(CREDENTIALS, CREDENTIALS, "", "")
        .replace("topics: clicks", "topics: other")
        .replace("{name: id, type: UInt64}", day);
    let plan = plan(&desired(&git), &live(Kind::ClickPipe, &[pipe]), None, &Policy::default());
    let sent = serde_json::to_value(&plan.actions).unwrap().to_string();
    assert!(
        sent.contains("at_day + 1") && sent.contains("primaryKey") && sent.contains(r#""sourceField":"a""#),
        "{sent}"
    );
    assert!(!sent.contains("sortingKey") && !sent.contains("partitionBy"), "{sent}");
    assert!(!sent.contains(r#""destinationField":"at""#), "{sent}");
    let said = plan.changes[0].data_effects.join("\n");
    let lost = said.lines().find(|line| line.contains("does not fit any more")).unwrap_or_default();
    for path in ["tableDefinition.sortingKey", "tableDefinition.partitionBy", "fieldMappings"] {
        assert!(lost.contains(path), "{path}: {said}");
    }
}
