use serde_json::{Value, json};

use super::{Bench, error, kafka, ok, postgres, refused};
use crate::{Dialect, ORGANIZATION, Options, Quirk, Quirks};

fn scale(bench: &mut Bench, id: &str, body: &Value) -> crate::Response {
    bench.ask("PATCH", &format!("/clickpipes/{id}/scaling"), body)
}

fn size(replicas: i64, cpu: i64, memory: f64) -> Value {
    let memory = if memory < 1.0 { json!(memory) } else { json!(memory.round()) };
    json!({"replicas": replicas, "replicaCpuMillicores": cpu, "replicaMemoryGb": memory})
}

#[test]
fn default_size_is_the_smallest() {
    let mut bench = Bench::plain();
    let id = bench.create(&kafka());
    assert_eq!(bench.read(&id)["scaling"], size(1, 125, 0.5));
}

#[test]
fn partial_body_keeps_the_rest() {
    let mut bench = Bench::plain();
    let mut body = kafka();
    body["scaling"] = json!({"replicas": 2, "replicaCpuMillicores": 250});
    let id = bench.create(&body);
    let scaled = ok(&scale(&mut bench, &id, &json!({"replicas": 40, "replicaMemoryGb": null})));
    assert_eq!(scaled["scaling"], size(40, 250, 0.5));
}

#[test]
fn size_reads_zero_until_it_is_settled() {
    let quirks = Quirks::none().with(Quirk::TransientZeroScaling);
    let mut bench = Bench::with(Options { quirks, ..Options::default() });
    let id = bench.create(&kafka());
    assert_eq!(
        bench.read(&id)["scaling"],
        json!({
            "replicas": 0, "replicaCpuMillicores": 0, "replicaMemoryGb": 0,
        })
    );
    bench.wait(3);
    assert_eq!(bench.read(&id)["scaling"], size(1, 125, 0.5));
    let scaled = ok(&scale(&mut bench, &id, &json!({"replicas": 3})));
    assert_eq!(scaled["scaling"]["replicas"], 0);
    bench.wait(3);
    assert_eq!(bench.read(&id)["scaling"]["replicas"], 3);
}

#[test]
fn two_scalings_in_a_row_do_not_lose_the_first() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    ok(&scale(&mut bench, &id, &json!({"replicas": 3})));
    ok(&scale(&mut bench, &id, &json!({"replicaCpuMillicores": 1000})));
    bench.wait(5);
    assert_eq!(bench.read(&id)["scaling"]["replicas"], 3);
}

#[test]
fn empty_body_is_500() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    assert_eq!(error(&scale(&mut bench, &id, &json!({})), 500), "Internal error");
}

#[test]
fn size_out_of_range_is_400() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    let cases = [
        (json!({"replicas": 0}), "replicas: Not between 1 and 40"),
        (json!({"replicas": 41}), "replicas: Not between 1 and 40"),
        (json!({"replicaCpuMillicores": 100}), "Not between 125 and 2000"),
        (json!({"replicaMemoryGb": 0.25}), "Not between 0.5 and 8"),
        (json!({"cpu": 1}), "scaling.cpu: unknown field"),
    ];
    for (body, text) in cases {
        refused(&scale(&mut bench, &id, &body), 400, text);
        let mut create = kafka();
        create["scaling"] = body;
        refused(&bench.post(&create), 400, text);
    }
    let mut create = kafka();
    create["scaling"] = json!({});
    refused(&bench.post(&create), 400, "scaling: must not be empty");
}

#[test]
fn scaling_of_a_database_pipe_is_400() {
    let mut bench = Bench::new();
    let id = bench.create(&postgres());
    refused(&scale(&mut bench, &id, &json!({"replicas": 1})), 400, "database");
    assert!(bench.read(&id).get("scaling").is_none());
    let mut body = postgres();
    body["scaling"] = json!({"replicas": 1});
    refused(&bench.post(&body), 400, "scaling: is not for database pipes");
}

const CDC: &str = "/clickpipesCdcScaling";

fn cdc_size(cpu: i64, memory: i64) -> Value {
    json!({"replicaCpuMillicores": cpu, "replicaMemoryGb": memory})
}

#[test]
fn cdc_scaling_comes_and_goes_with_database_pipes() {
    let mut bench = Bench::new();
    refused(&bench.ask("GET", CDC, &Value::Null), 404, "NOT_FOUND");
    let id = bench.create(&postgres());
    bench.wait(119);
    refused(&bench.ask("PATCH", CDC, &cdc_size(1000, 4)), 404, "NOT_FOUND");
    bench.wait(1);
    assert_eq!(bench.get(CDC), cdc_size(2000, 8));
    bench.ask("DELETE", &format!("/clickpipes/{id}"), &Value::Null);
    bench.wait(10);
    refused(&bench.ask("GET", CDC, &Value::Null), 404, "NOT_FOUND");
}

#[test]
fn cdc_scaling_shows_the_old_size_until_it_has_propagated() {
    let mut bench = Bench::new();
    bench.create(&postgres());
    bench.wait(120);
    assert_eq!(ok(&bench.ask("PATCH", CDC, &cdc_size(4000, 16))), cdc_size(2000, 8));
    bench.wait(179);
    assert_eq!(bench.get(CDC), cdc_size(2000, 8));
    bench.wait(1);
    assert_eq!(bench.get(CDC), cdc_size(4000, 16));
}

#[test]
fn cdc_scaling_has_steps_and_a_ratio() {
    let mut bench = Bench::new();
    bench.create(&postgres());
    bench.wait(120);
    let cases = [
        (cdc_size(1500, 4), "multiple of 1000"),
        (cdc_size(1000, 6), "multiple of 4"),
        (cdc_size(2000, 4), "four times the number of cores"),
        (cdc_size(33_000, 132), "Not between 1000 and 32000"),
        (json!({"replicaCpuMillicores": 1000}), "replicaMemoryGb: 'undefined'"),
    ];
    for (body, text) in cases {
        refused(&bench.ask("PATCH", CDC, &body), 400, text);
    }
}

#[test]
fn address_of_cdc_scaling_follows_the_dialect() {
    let organization = format!("/v1/organizations/{ORGANIZATION}/clickpipes/cdcScaling");
    for (dialect, of_service, of_organization) in [
        (Dialect::Official, 200, 404),
        (Dialect::ReferencePage, 404, 200),
        (Dialect::Both, 200, 200),
    ] {
        let mut bench = Bench::with(Options { dialect, ..Options::default() });
        bench.create(&postgres());
        bench.wait(120);
        assert_eq!(bench.ask("GET", CDC, &Value::Null).status, of_service);
        assert_eq!(bench.ask_path("GET", &organization, &Value::Null).status, of_organization);
    }
}

#[test]
fn organization_scaling_reaches_every_service() {
    let organization = format!("/v1/organizations/{ORGANIZATION}/clickpipes/cdcScaling");
    let options = Options { dialect: Dialect::Both, rate_limit: None, ..Options::default() };
    let mut bench = Bench::with(options);
    refused(&bench.ask_path("GET", &organization, &Value::Null), 404, "NOT_FOUND");
    let services = ["analytics", "billing"].map(|name| bench.world.ensure_service(name));
    for service in &services {
        bench.service.clone_from(service);
        bench.create(&postgres());
    }
    bench.wait(120);
    ok(&bench.ask_path("PATCH", &organization, &cdc_size(1000, 4)));
    bench.wait(180);
    for service in services {
        bench.service = service;
        assert_eq!(bench.get(CDC), cdc_size(1000, 4));
    }
}
