use serde_json::{Value, json};

use super::{SandboxBench, assert_refused, kafka_body, ok_result};
use crate::{ORGANIZATION, SandboxOptions, ServiceState, World};

#[test]
fn writes_to_an_idle_or_stopped_service_are_424() {
    let mut bench = SandboxBench::new();
    let id = bench.create_pipe(&kafka_body());
    for (state, name) in [(ServiceState::Idle, "idle"), (ServiceState::Stopped, "stopped")] {
        bench.world.set_service_state("analytics", state);
        let creation = format!(
            "FAILED_DEPENDENCY: ClickPipe creation is allowed only when the ClickHouse service \
             is running. Current state: {name}"
        );
        assert_refused(&bench.post_pipe(&kafka_body()), 424, &creation);
        let text = format!("Current state: {name}");
        assert_refused(&bench.patch_pipe(&id, &json!({"name": "x"})), 424, &text);
        assert_refused(&bench.send_command(&id, "stop"), 424, &text);
        for (method, part) in [("PATCH", "scaling"), ("PUT", "settings")] {
            let path = format!("/clickpipes/{id}/{part}");
            assert_refused(&bench.send_request(method, &path, &json!({})), 424, &text);
        }
        bench.read_pipe(&id);
    }
    assert_eq!(bench.send_request("DELETE", &format!("/clickpipes/{id}"), &Value::Null).status, 200);
}

#[test]
fn reads_of_an_idle_service_can_be_rejected() {
    let options = SandboxOptions { idle_refuses_reads: true, ..SandboxOptions::default() };
    let mut bench = SandboxBench::with_options(options);
    let id = bench.create_pipe(&kafka_body());
    bench.world.set_service_state("analytics", ServiceState::Idle);
    let path = format!("/clickpipes/{id}");
    assert_refused(&bench.send_request("GET", "/clickpipes", &Value::Null), 424, "Current state: idle");
    assert_refused(&bench.send_request("GET", &path, &Value::Null), 424, "Current state: idle");
    assert_refused(&bench.send_request("DELETE", &path, &Value::Null), 424, "Current state: idle");
}

fn service_state(bench: &mut SandboxBench) -> Value {
    bench.get_result("")["state"].clone()
}

#[test]
fn awake_wakes_an_idle_service_and_start_does_not() {
    let mut bench = SandboxBench::new();
    bench.world.set_service_state("analytics", ServiceState::Idle);
    ok_result(&bench.send_request("PATCH", "/state", &json!({"command": "start"})));
    assert_eq!(service_state(&mut bench), "idle");
    let awaking = ok_result(&bench.send_request("PATCH", "/state", &json!({"command": "awake"})));
    assert_eq!(awaking["state"], "awaking");
    assert_refused(&bench.post_pipe(&kafka_body()), 424, "Current state: awaking");
    bench.wait_seconds(45);
    assert_eq!(service_state(&mut bench), "running");
    bench.create_pipe(&kafka_body());
}

#[test]
fn stopped_service_is_started_and_not_woken() {
    let mut bench = SandboxBench::new();
    ok_result(&bench.send_request("PATCH", "/state", &json!({"command": "stop"})));
    bench.wait_seconds(20);
    assert_eq!(service_state(&mut bench), "stopped");
    ok_result(&bench.send_request("PATCH", "/state", &json!({"command": "awake"})));
    assert_eq!(service_state(&mut bench), "stopped");
    ok_result(&bench.send_request("PATCH", "/state", &json!({"command": "start"})));
    bench.wait_seconds(60);
    assert_eq!(service_state(&mut bench), "running");
    assert_refused(&bench.send_request("PATCH", "/state", &json!({"command": "nap"})), 400, "command");
}

#[test]
fn organization_and_services_are_listed() {
    let mut bench = SandboxBench::new();
    bench.world.ensure_service("billing");
    let organizations = ok_result(&bench.send_to_path("GET", "/v1/organizations", &Value::Null));
    assert_eq!(organizations[0]["id"], ORGANIZATION);
    let path = format!("/v1/organizations/{ORGANIZATION}/services/");
    let services = ok_result(&bench.send_to_path("GET", &path, &Value::Null));
    let mut names: Vec<_> = services.as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["analytics", "billing"]);
}

#[test]
fn service_id_is_derived_from_its_name() {
    let (mut one, mut other) = (World::new(SandboxOptions::default()), World::new(SandboxOptions::default()));
    assert_eq!(one.ensure_service("analytics"), other.ensure_service("analytics"));
    assert_ne!(one.ensure_service("analytics"), one.ensure_service("billing"));
    let id = "11111111-1111-4111-8111-111111111111";
    assert_eq!(one.ensure_service(id), id);
}
