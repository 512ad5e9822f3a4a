use serde_json::{Value, json};

use super::{SandboxBench, assert_refused, error_text, kafka_body, ok_result, postgres_body};
use crate::{ApiDialect, ORGANIZATION, Quirk, Quirks, SandboxOptions};

fn patch_scaling(bench: &mut SandboxBench, id: &str, body: &Value) -> crate::SandboxResponse {
    bench.send_request("PATCH", &format!("/clickpipes/{id}/scaling"), body)
}

fn pipe_size(replicas: i64, cpu: i64, memory: f64) -> Value {
    let memory = if memory < 1.0 { json!(memory) } else { json!(memory.round()) };
    json!({"replicas": replicas, "replicaCpuMillicores": cpu, "replicaMemoryGb": memory})
}

#[test]
fn default_size_is_the_smallest() {
    let mut bench = SandboxBench::without_quirks();
    let id = bench.create_pipe(&kafka_body());
    assert_eq!(bench.read_pipe(&id)["scaling"], pipe_size(1, 125, 0.5));
}

#[test]
fn partial_scaling_keeps_the_other_values() {
    let mut bench = SandboxBench::without_quirks();
    let mut body = kafka_body();
    body["scaling"] = json!({"replicas": 2, "replicaCpuMillicores": 250});
    let id = bench.create_pipe(&body);
    let scaled = ok_result(&patch_scaling(&mut bench, &id, &json!({"replicas": 40, "replicaMemoryGb": null})));
    assert_eq!(scaled["scaling"], pipe_size(40, 250, 0.5));
}

#[test]
fn size_reads_zero_until_it_is_settled() {
    let quirks = Quirks::none().with_quirk(Quirk::TransientZeroScaling);
    let mut bench = SandboxBench::with_options(SandboxOptions { quirks, ..SandboxOptions::default() });
    let id = bench.create_pipe(&kafka_body());
    assert_eq!(
        bench.read_pipe(&id)["scaling"],
        json!({
            "replicas": 0, "replicaCpuMillicores": 0, "replicaMemoryGb": 0,
        })
    );
    bench.wait_seconds(3);
    assert_eq!(bench.read_pipe(&id)["scaling"], pipe_size(1, 125, 0.5));
    let scaled = ok_result(&patch_scaling(&mut bench, &id, &json!({"replicas": 3})));
    assert_eq!(scaled["scaling"]["replicas"], 0);
    bench.wait_seconds(3);
    assert_eq!(bench.read_pipe(&id)["scaling"]["replicas"], 3);
}

#[test]
fn consecutive_scalings_are_both_applied() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    ok_result(&patch_scaling(&mut bench, &id, &json!({"replicas": 3})));
    ok_result(&patch_scaling(&mut bench, &id, &json!({"replicaCpuMillicores": 1000})));
    bench.wait_seconds(5);
    assert_eq!(bench.read_pipe(&id)["scaling"]["replicas"], 3);
}

#[test]
fn empty_scaling_body_is_500() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    assert_eq!(error_text(&patch_scaling(&mut bench, &id, &json!({})), 500), "Internal error");
}

#[test]
fn size_out_of_range_is_400() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    let cases = [
        (json!({"replicas": 0}), "replicas: Not between 1 and 40"),
        (json!({"replicas": 41}), "replicas: Not between 1 and 40"),
        (json!({"replicaCpuMillicores": 100}), "Not between 125 and 2000"),
        (json!({"replicaMemoryGb": 0.25}), "Not between 0.5 and 8"),
        (json!({"cpu": 1}), "scaling.cpu: unknown field"),
    ];
    for (body, text) in cases {
        assert_refused(&patch_scaling(&mut bench, &id, &body), 400, text);
        let mut create = kafka_body();
        create["scaling"] = body;
        assert_refused(&bench.post_pipe(&create), 400, text);
    }
}

#[test]
fn scaling_of_a_database_pipe_is_400() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&postgres_body());
    assert_refused(&patch_scaling(&mut bench, &id, &json!({"replicas": 1})), 400, "database");
    assert!(bench.read_pipe(&id).get("scaling").is_none());
    let mut body = postgres_body();
    body["scaling"] = json!({"replicas": 1});
    assert_refused(&bench.post_pipe(&body), 400, "scaling: is not for database pipes");
}

const CDC_SCALING_PATH: &str = "/clickpipesCdcScaling";

fn cdc_size(cpu: i64, memory: i64) -> Value {
    json!({"replicaCpuMillicores": cpu, "replicaMemoryGb": memory})
}

#[test]
fn cdc_scaling_exists_only_with_database_pipes() {
    let mut bench = SandboxBench::new();
    assert_refused(&bench.send_request("GET", CDC_SCALING_PATH, &Value::Null), 404, "NOT_FOUND");
    let id = bench.create_pipe(&postgres_body());
    bench.wait_seconds(119);
    assert_refused(&bench.send_request("PATCH", CDC_SCALING_PATH, &cdc_size(1000, 4)), 404, "NOT_FOUND");
    bench.wait_seconds(1);
    assert_eq!(bench.get_result(CDC_SCALING_PATH), cdc_size(2000, 8));
    bench.send_request("DELETE", &format!("/clickpipes/{id}"), &Value::Null);
    bench.wait_seconds(10);
    assert_refused(&bench.send_request("GET", CDC_SCALING_PATH, &Value::Null), 404, "NOT_FOUND");
}

#[test]
fn cdc_scaling_shows_the_old_size_for_three_minutes() {
    let mut bench = SandboxBench::new();
    bench.create_pipe(&postgres_body());
    bench.wait_seconds(120);
    assert_eq!(ok_result(&bench.send_request("PATCH", CDC_SCALING_PATH, &cdc_size(4000, 16))), cdc_size(2000, 8));
    bench.wait_seconds(179);
    assert_eq!(bench.get_result(CDC_SCALING_PATH), cdc_size(2000, 8));
    bench.wait_seconds(1);
    assert_eq!(bench.get_result(CDC_SCALING_PATH), cdc_size(4000, 16));
}

#[test]
fn cdc_scaling_validates_steps_and_ratio() {
    let mut bench = SandboxBench::new();
    bench.create_pipe(&postgres_body());
    bench.wait_seconds(120);
    let cases = [
        (cdc_size(1500, 4), "multiple of 1000"),
        (cdc_size(1000, 6), "multiple of 4"),
        (cdc_size(2000, 4), "four times the number of cores"),
        (cdc_size(33_000, 132), "Not between 1000 and 32000"),
        (json!({"replicaCpuMillicores": 1000}), "replicaMemoryGb: 'undefined'"),
    ];
    for (body, text) in cases {
        assert_refused(&bench.send_request("PATCH", CDC_SCALING_PATH, &body), 400, text);
    }
}

#[test]
fn cdc_scaling_path_follows_the_dialect() {
    let organization = format!("/v1/organizations/{ORGANIZATION}/clickpipes/cdcScaling");
    for (dialect, of_service, of_organization) in
        [(ApiDialect::Official, 200, 404), (ApiDialect::ReferencePage, 404, 200), (ApiDialect::Both, 200, 200)]
    {
        let mut bench = SandboxBench::with_options(SandboxOptions { dialect, ..SandboxOptions::default() });
        bench.create_pipe(&postgres_body());
        bench.wait_seconds(120);
        assert_eq!(bench.send_request("GET", CDC_SCALING_PATH, &Value::Null).status, of_service);
        assert_eq!(bench.send_to_path("GET", &organization, &Value::Null).status, of_organization);
    }
}

#[test]
fn organization_scaling_reaches_every_service() {
    let organization = format!("/v1/organizations/{ORGANIZATION}/clickpipes/cdcScaling");
    let options = SandboxOptions { dialect: ApiDialect::Both, rate_limit: None, ..SandboxOptions::default() };
    let mut bench = SandboxBench::with_options(options);
    assert_refused(&bench.send_to_path("GET", &organization, &Value::Null), 404, "NOT_FOUND");
    let services = ["analytics", "billing"].map(|name| bench.world.ensure_service(name));
    for service in &services {
        bench.service.clone_from(service);
        bench.create_pipe(&postgres_body());
    }
    bench.wait_seconds(120);
    ok_result(&bench.send_to_path("PATCH", &organization, &cdc_size(1000, 4)));
    bench.wait_seconds(180);
    for service in services {
        bench.service = service;
        assert_eq!(bench.get_result(CDC_SCALING_PATH), cdc_size(1000, 4));
    }
}
