//! The samples of output in the documentation are what the program prints.

use std::fs;
use std::path::Path;

use model::address::{Address, Kind, Name, ServiceRef};
use model::live::{Id, Object, State};
use pipectl::render::apply_summary;
use pipectl::render::plan::{Context, render};
use pipectl::render::status::{self, PipeStatus, ServiceStatus, StatusReport};
use pipectl::saved_plan::StaleObject;
use pipectl::unreachable::UnreachableService;
use planner::{Policy, plan};
use serde_json::{Value, json};

use crate::support::cli::WorkDir;
use crate::support::{desired, live, pipes};

#[track_caller]
fn assert_sample(page: &str, output: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let page_text = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = output.trim_end().lines().map(str::trim_end).collect();
    assert!(
        page_text.contains(&format!("\n{}\n```", lines.join("\n"))),
        "docs/{page} has another sample than:\n{output}"
    );
}

#[test]
fn plan_with_a_base() {
    let spec = |replicas: u32| {
        format!("  scaling: {{replicas: {replicas}}}\n  settings: {{streaming_max_insert_wait_ms: 500}}")
    };
    let [base, git] = [1, 2].map(|replicas| desired(&pipes::kafka_manifest("clicks", "clicks", "", &spec(replicas))));
    let pipe = pipes::live_kafka_pipe(&json!({"settings": {"streaming_max_insert_wait_ms": 900}}));
    let plan = plan(&git, &live(Kind::ClickPipe, &[pipe]), Some(&base), &Policy::default());
    assert_sample("git.md", &render(&plan, &Context::default()).to_plain());
}

#[test]
fn plan_without_changes() {
    let names: Vec<String> = (0..9).map(|index| format!("pipe-{index}")).collect();
    let manifest = |name: &String| format!("---{}", pipes::kafka_manifest(name, "clicks", "", ""));
    let manifests: Vec<String> = names.iter().map(manifest).collect();
    let manifests = manifests.concat().replacen("    managedTable: true", "    managedTable: true\n    roles: [a]", 1);
    let live_pipe = |(index, name): (usize, &String)| {
        pipes::live_kafka_pipe(&json!({"name": name, "id": format!("00000000-0000-4000-8000-{index:012}")}))
    };
    let live_pipes: Vec<Value> = names.iter().enumerate().map(live_pipe).collect();
    let plan = plan(&desired(&manifests), &live(Kind::ClickPipe, &live_pipes), None, &Policy::default());
    assert_sample("manifests.md", &render(&plan, &Context::default()).to_plain());
}

#[test]
fn plan_of_an_unreachable_service() {
    let git = desired(&pipes::kafka_manifest("clicks", "clicks", "", ""));
    let plan = plan(&git, &live(Kind::ClickPipe, &[]), None, &Policy::default());
    let lake = UnreachableService {
        service: ServiceRef::new("lake"),
        error: "GET /v1/organizations/0c11c4b0-…/services/7d02e6aa-…/clickpipes: 403 FORBIDDEN (request r-1)"
            .to_owned(),
        request_id: None,
        hint: None,
        is_auth_error: true,
    };
    let context = Context { unreachable: vec![lake], requests: 2, ..Context::default() };
    assert_sample("environments.md", &render(&plan, &context).to_plain());
}

#[test]
fn difference_of_two_environments() {
    let dir = WorkDir::new();
    let project = "apiVersion: pipectl/v1
kind: Project
manifests: [pipes]
environments:
  staging: {variables: {kafka_brokers: 'staging.example.com:9092'}}
  prod: {variables: {kafka_brokers: 'prod.example.com:9092'}, policy: {protect: ['*']}}
";
    dir.write_file("pipectl.yaml", project);
    let pipe =
        |name: &str| pipes::kafka_manifest(name, "clicks", "", "").replace("table: clicks", &format!("table: {name}"));
    dir.write_file("pipes/orders.yaml", pipe("orders").replace("b:9092", "${kafka_brokers}"));
    for name in ["clicks", "items", "users", "views"] {
        dir.write_file(&format!("pipes/{name}.yaml"), pipe(name));
    }
    let printed = dir.run_pipectl(&["diff-env", "staging", "prod"]);
    assert_sample("environments.md", &printed.stdout);
}

#[test]
fn stale_object_of_a_saved_plan() {
    let name = Name::new("clicks");
    let stale = StaleObject {
        address: Address::new(ServiceRef::new("analytics"), Kind::ClickPipe, name),
        reasons: vec!["live scaling.replicas is 4, the reviewed plan saw 2".to_owned()],
    };
    assert_sample("review.md", &apply_summary::render_refused(&[stale]).to_plain());
}

#[test]
fn status_of_three_pipes() {
    let now = humantime::parse_rfc3339("2026-03-01T00:00:00Z").unwrap();
    let pipe = |name: &str, state: &str, managed: bool, created: &str, changed: &str, body: Value| {
        let at = Address::new(ServiceRef::new("analytics"), Kind::ClickPipe, Name::new(name));
        let times = json!({"createdAt": created, "updatedAt": changed});
        let body = pipes::merge_values(body, &times);
        let object = Object { id: Id::new("00000000-0000-4000-8000-000000000001"), state: State::new(state), body };
        let shared = clickpipes::pipe_summary::ComputeSize { replicas: 1, millicores: 2000.0, memory_gb: 8.0 };
        PipeStatus::from_live(&at, &object, Some(managed), None, Some(shared))
    };
    let size = |replicas: u32, cpu: u32, memory: f64| json!({"replicas": replicas, "replicaCpuMillicores": cpu, "replicaMemoryGb": memory});
    let destination = |table: &str| json!({"database": "default", "table": table});
    let clicks = json!({
        "source": {"kafka": {"type": "confluent", "topics": "clicks"}}, "destination": destination("clicks"),
        "scaling": size(2, 250, 1.0),
    });
    let old = json!({"source": {"kinesis": {"streamName": "old"}}, "destination": destination("old"), "scaling": size(1, 125, 0.5)});
    let mappings: Vec<Value> =
        (0..12).map(|index| json!({"sourceTable": "t", "targetTable": format!("t{index}")})).collect();
    let orders = json!({"source": {"postgres": {"tableMappings": mappings}}, "destination": {"database": "default"}});
    let pipes = vec![
        pipe("clicks", "Running", true, "2026-01-19T00:00:00Z", "2026-02-26T00:00:00Z", clicks),
        pipe("old-import", "Stopped", false, "2026-02-28T00:00:00Z", "2026-02-28T00:00:00Z", old),
        pipe("orders-cdc", "Snapshot", true, "2026-02-28T22:00:00Z", "2026-02-28T23:55:00Z", orders),
    ];
    let service = ServiceStatus {
        service: "analytics".to_owned(),
        state: Some("running".to_owned()),
        error: None,
        pipes,
        endpoints: Vec::new(),
    };
    assert_sample(
        "operating.md",
        &status::render(&StatusReport { services: vec![service], omitted: 0 }, now).to_plain(),
    );
}
