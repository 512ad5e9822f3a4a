//! What git does not manage stays as it is, whatever is updated or created again.

mod contradictions;
mod every_field;
mod unsendable;

use crate::support::bench::{Bench, CANARY, in_virtual_time};
use crate::support::cli::{RunOutput, WorkDir};
use crate::support::manifests::{desired_from_documents, seed_named};
use crate::support::pipes::sorted_kafka_manifest;
use crate::support::{desired, live};
use clickpipes::semantics::FieldSemantics;
use model::action::Action;
use model::address::Kind;
use model::path::FieldPath;
use planner::{Policy, plan};
use sandbox::{Fault, FaultEffect, FaultTrigger};
use serde_json::{Value, json};

fn kafka(topics: &str, source: &str, spec: &str) -> String {
    sorted_kafka_manifest("b1.example.com:9092", topics, source, spec)
}

fn apply(desk: &WorkDir, manifest: &str, more: &[&str]) -> RunOutput {
    desk.write_file("pipe.yaml", manifest);
    let args = [&["apply", "pipe.yaml", "--sandbox", "--yes"], more].concat();
    desk.run_with_env(&args, &[("SEED_SECRET", CANARY)])
}

fn plan_text(desk: &WorkDir, manifest: &str) -> String {
    desk.write_file("pipe.yaml", manifest);
    desk.run_pipectl(&["plan", "pipe.yaml", "--sandbox"]).stdout
}

fn only_pipe(desk: &WorkDir) -> Value {
    let mut pipes = desk.edit_world(|world| {
        world.advance_clock(std::time::Duration::from_secs(7200));
        world.list_pipes("service-1")
    });
    assert_eq!(pipes.len(), 1, "{pipes:#?}");
    pipes.remove(0)
}

#[test]
fn replacement_keeps_what_the_manifest_omits() {
    let source = "      caCertificate: |\n        -----BEGIN CERTIFICATE-----\n        TUlJQg==\n        \
                  -----END CERTIFICATE-----\n      consumerGroup: team-clicks\n";
    let spec = "  fieldMappings: [{sourceField: click_id, destinationField: id}]\n  scaling: {replicas: 4, \
                replicaCpuMillicores: 1000, replicaMemoryGb: 4}\n  settings: {streaming_max_insert_wait_ms: 9000}\n";
    let desk = WorkDir::new();
    assert_eq!(apply(&desk, &kafka("clicks", source, spec), &[]).code, 0);
    let old = only_pipe(&desk);
    assert!(plan_text(&desk, &kafka("clicks", "", "")).contains("No changes"));
    let said = apply(&desk, &kafka("clicks_v2", "", ""), &["--allow-replace", "service-1/clicks"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let new = only_pipe(&desk);
    assert_ne!(old["id"], new["id"]);
    assert_eq!(new["source"]["kafka"]["topics"], "clicks_v2");
    for path in ["source.kafka.caCertificate", "source.kafka.consumerGroup", "scaling", "settings", "fieldMappings"] {
        let path = FieldPath::parse(path);
        assert!(path.value_in(&new).is_some_and(|value| !value.is_null()), "{path}");
        let rules = FieldSemantics::for_kind(Kind::ClickPipe).field_at(&path);
        let value = |pipe: &Value| rules.normalize_live(path.value_in(pipe).unwrap());
        assert_eq!(value(&old), value(&new), "{path}");
        assert!(said.stdout.contains(&format!("`{path}`")), "{path}: {}", said.stdout);
    }
}

/// It does no harm there, and it does nothing.
#[test]
fn replacement_leaves_the_role_of_another_authentication_behind() {
    let role = "arn:aws:iam::123456789012:role/reader";
    let mut pipe = seed_named("kafka-glue");
    let desk = WorkDir::new();
    let run = |pipe: &Value, more: &[&str]| apply(&desk, &pipe.to_string(), more);
    assert_eq!(run(&pipe, &[]).code, 0);
    let source = pipe.pointer_mut("/spec/source/kafka").unwrap();
    assert_eq!(source["authentication"], "IAM_ROLE");
    source["topics"] = json!("others");
    source["authentication"] = json!("IAM_USER");
    source["credentials"] = json!({"accessKeyId": "AKIA", "secretKey": {"fromEnv": "SEED_SECRET"}});
    source.as_object_mut().unwrap().remove("iamRole");
    let said = run(&pipe, &["--allow-replace", "analytics/kafka-glue"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let sent = desk.edit_world(|world| {
        let posts = world.request_log().iter().filter(|entry| entry.method == "POST");
        posts.map(|entry| json!(entry)["body"]["source"]["kafka"].clone()).collect::<Vec<_>>()
    });
    let roles: Vec<Option<&Value>> = sent.iter().map(|source| source.get("iamRole")).collect();
    assert_eq!(roles, [Some(&json!(role)), None]);
}

#[test]
fn write_only_field_that_git_omits_holds_a_replacement_back() {
    let desk = WorkDir::new();
    let roles = |text: &str| text.replace("managedTable: true", "managedTable: true\n    roles: [writer]");
    assert_eq!(apply(&desk, &roles(&kafka("clicks", "", "")), &[]).code, 0);
    let old = only_pipe(&desk);
    // No table is in the way.
    let moved = kafka("clicks_v2", "", "").replace("table: clicks", "table: clicks_v2");
    let said = apply(&desk, &moved, &[]);
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert!(said.stdout.contains("would lack `destination.roles`"), "{}", said.stdout);
    assert_eq!(only_pipe(&desk)["id"], old["id"]);
    let said = apply(&desk, &roles(&moved), &[]);
    assert_eq!(said.code, 0, "{}", said.all_output());
}

const POSTGRES: &str = r"
apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: shop-cdc, service: service-1}
spec:
  source:
    postgres:
      host: pg.example.com
      port: 5432
      database: shop
      credentials: {username: repl, password: {fromEnv: SEED_SECRET}}
      settings: {replicationMode: cdc}
      tableMappings:
        - {sourceSchemaName: public, sourceTable: orders, targetTable: TARGETMORE}
        - {sourceSchemaName: public, sourceTable: users, targetTable: users}
  destination: {database: default}
";

/// The API omits these from its answers, whatever their value is. Each other field of the pipe can be told.
#[test]
fn boolean_that_the_api_omits_and_git_does_not_declare_holds_a_replacement_back() {
    let pipe = seed_named("postgres-cdc");
    let [known, mut unknown] = [pipe.clone(), pipe];
    for name in ["deleteOnMerge", "enableFailoverSlots"] {
        unknown["spec"]["source"]["postgres"]["settings"].as_object_mut().unwrap().remove(name);
    }
    let lost = |mut manifest: Value| {
        let documents = desired_from_documents(std::slice::from_ref(&manifest)).unwrap();
        let live = in_virtual_time(async {
            let bench = Bench::new(&["analytics"]);
            bench.settle(&documents).await.unwrap();
            let mut live = bench.live(&documents).await;
            let body = &mut live.values_mut().next().unwrap().objects[0].body;
            for name in ["deleteOnMerge", "enableFailoverSlots"] {
                body["source"]["postgres"]["settings"].as_object_mut().unwrap().remove(name);
            }
            live
        });
        manifest["spec"]["source"]["postgres"]["settings"]["snapshotNumRowsPerPartition"] = json!(60_000);
        let plan = plan(&desired_from_documents(&[manifest]).unwrap(), &live, None, &Policy::default());
        assert_eq!(plan.changes[0].verdict.as_str(), "replace");
        plan.changes[0].lost_fields.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(lost(known), Vec::<String>::new());
    let settings = ["deleteOnMerge", "enableFailoverSlots"].map(|name| format!("source.postgres.settings.{name}"));
    assert_eq!(lost(unknown), settings);
}

fn postgres(target: &str, more: &str) -> String {
    POSTGRES.replace("TARGET", target).replace("MORE", more)
}

const ORDERS: &str = r#", tableEngine: MergeTree, useCustomSortingKey: true, sortingKeys: [tenant_id, id], partitionByExpr: "toYYYYMM(created_at)""#;

fn orders(pipe: &Value) -> Value {
    let mappings = pipe["source"]["postgres"]["tableMappings"].as_array().unwrap();
    mappings.iter().find(|mapping| mapping["sourceTable"] == "orders").unwrap().clone()
}

#[test]
fn remap_keeps_what_the_manifest_omits() {
    for (target, more) in [("orders", ", excludedColumns: [note]"), ("orders_v2", "")] {
        let desk = WorkDir::new();
        assert_eq!(apply(&desk, &postgres("orders", ORDERS), &[]).code, 0);
        let old = orders(&only_pipe(&desk));
        assert!(plan_text(&desk, &postgres("orders", "")).contains("No changes"));
        if target == "orders" {
            let said = apply(&desk, &postgres(target, more), &[]);
            assert_eq!(said.code, 5, "{}", said.all_output());
            assert!(said.stdout.contains("`DROP TABLE default.orders;`"), "{}", said.stdout);
            assert_eq!(orders(&only_pipe(&desk)), old);
        }
        desk.edit_world(|world| world.drop_tables("service-1"));
        let said = apply(&desk, &postgres(target, more), &["--allow-replace", "service-1/shop-cdc"]);
        assert_eq!(said.code, 0, "{}", said.all_output());
        assert!(said.stdout.contains("keeps what the manifest omits"), "{}", said.stdout);
        let new = orders(&only_pipe(&desk));
        assert_eq!(new["targetTable"], *target);
        for field in ["tableEngine", "sortingKeys", "useCustomSortingKey", "partitionByExpr"] {
            assert_eq!(old[field], new[field], "{field}");
            assert!(said.stdout.contains(&format!("`{field}`")), "{field}: {}", said.stdout);
        }
    }
}

#[test]
fn list_that_is_sent_whole_keeps_unknown_members() {
    let manifest = "
apiVersion: pipectl/v1
kind: ReversePrivateEndpoint
metadata: {name: link, service: analytics}
spec:
  type: GCP_PSC_SERVICE_ATTACHMENT
  gcpServiceAttachment: projects/p/regions/r/serviceAttachments/link
  customPrivateDnsMappings: [{privateDnsName: b.example.com}, {privateDnsName: a.example.com}]
";
    let endpoint = json!({
        "id": "33333333-3333-4333-8333-333333333333",
        "description": "link",
        "type": "GCP_PSC_SERVICE_ATTACHMENT",
        "gcpServiceAttachment": "projects/p/regions/r/serviceAttachments/link",
        "status": "Ready",
        "customPrivateDnsMappings": [{"privateDnsName": "a.example.com", "novelty": "t-1"}],
    });
    let live = live(Kind::ReversePrivateEndpoint, &[endpoint]);
    let plan = plan(&desired(manifest), &live, None, &Policy::default());
    let body = plan.actions[0].request_body().unwrap();
    let entries = json!([{"privateDnsName": "b.example.com"}, {"privateDnsName": "a.example.com", "novelty": "t-1"}]);
    assert_eq!(body, &json!({"customPrivateDnsMappings": entries}));
    let Action::Update { unproven, .. } = &plan.actions[0] else { panic!("{:?}", plan.actions) };
    assert_eq!(unproven, &[FieldPath::parse("customPrivateDnsMappings.1.novelty")]);
}

#[test]
fn live_pipe_of_another_source_is_not_replaced() {
    let desk = WorkDir::new();
    assert_eq!(apply(&desk, &kafka("clicks", "", ""), &[]).code, 0);
    let old = only_pipe(&desk);
    let other = postgres("orders", "").replace("name: shop-cdc", "name: clicks");
    let said = apply(&desk, &other, &["--allow-replace", "service-1/clicks"]);
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert!(said.stdout.contains("`kafka`") && said.stdout.contains("`postgres`"), "{}", said.stdout);
    assert_eq!(only_pipe(&desk)["id"], old["id"]);
}

/// The manifest does not have it, and the deleted pipe can no longer be asked.
#[test]
fn fields_of_a_pipe_that_could_not_be_created_again_are_printed() {
    let desk = WorkDir::new();
    let spec = "  scaling: {replicas: 4, replicaCpuMillicores: 1000, replicaMemoryGb: 4}\n";
    assert_eq!(apply(&desk, &kafka("clicks", "      consumerGroup: team-clicks\n", spec), &[]).code, 0);
    only_pipe(&desk);
    let path = "*/clickpipes".to_owned();
    let when = FaultTrigger::Route { method: "POST".to_owned(), path };
    let refuse = Fault { when, effect: FaultEffect::SourceUnreachable, times: 100 };
    desk.edit_world(|world| world.fault_script().add(refuse));
    let said = apply(&desk, &kafka("clicks_v2", "", ""), &["--allow-replace", "service-1/clicks"]);
    assert_eq!(said.code, 3, "{}", said.all_output());
    assert!(said.stdout.contains("DELETED, not re-created: service-1/clicks"), "{}", said.stdout);
    let lines = "add this to `spec`:\n    source:\n      kafka:\n        consumerGroup: team-clicks\n    scaling:\n      replicas: 4\n";
    assert!(said.stdout.contains(lines), "{}", said.stdout);
    assert!(!said.all_output().contains(CANARY), "{}", said.all_output());
}

#[test]
fn json_has_the_create_that_was_refused() {
    let desk = WorkDir::new();
    assert_eq!(apply(&desk, &kafka("clicks", "      consumerGroup: team-clicks\n", ""), &[]).code, 0);
    only_pipe(&desk);
    desk.edit_world(|world| world.fault_script().add_once("POST", "*/clickpipes", FaultEffect::SourceUnreachable));
    let said = apply(&desk, &kafka("clicks_v2", "", ""), &["--allow-replace", "service-1/clicks", "-o", "json"]);
    let report = &said.stdout_json()["result"]["reports"][0];
    assert_eq!(report["keptFields"][0], "source.kafka.consumerGroup", "{report:#}");
    let kafka = &report["createBody"]["source"]["kafka"];
    assert_eq!((&kafka["topics"], &kafka["consumerGroup"]), (&json!("clicks_v2"), &json!("team-clicks")));
    assert_eq!(kafka["credentials"]["password"], json!({"fromEnv": "SEED_SECRET"}));
}
