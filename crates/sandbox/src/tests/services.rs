use serde_json::{Value, json};

use super::{Bench, kafka, ok, refused};
use crate::{ORGANIZATION, Options, ServiceState, World};

#[test]
fn writes_to_an_idle_or_stopped_service_are_424() {
    let mut bench = Bench::new();
    let id = bench.create(&kafka());
    for (state, name) in [(ServiceState::Idle, "idle"), (ServiceState::Stopped, "stopped")] {
        bench.world.set_service_state("analytics", state);
        let creation = format!(
            "FAILED_DEPENDENCY: ClickPipe creation is allowed only when the ClickHouse service \
             is running. Current state: {name}"
        );
        refused(&bench.post(&kafka()), 424, &creation);
        let text = format!("Current state: {name}");
        refused(&bench.patch(&id, &json!({"name": "x"})), 424, &text);
        refused(&bench.command(&id, "stop"), 424, &text);
        for (method, part) in [("PATCH", "scaling"), ("PUT", "settings")] {
            let path = format!("/clickpipes/{id}/{part}");
            refused(&bench.ask(method, &path, &json!({})), 424, &text);
        }
        bench.read(&id);
    }
    assert_eq!(bench.ask("DELETE", &format!("/clickpipes/{id}"), &Value::Null).status, 200);
}

#[test]
fn reads_of_an_idle_service_can_be_refused_too() {
    let options = Options { idle_refuses_reads: true, ..Options::default() };
    let mut bench = Bench::with(options);
    let id = bench.create(&kafka());
    bench.world.set_service_state("analytics", ServiceState::Idle);
    let path = format!("/clickpipes/{id}");
    refused(&bench.ask("GET", "/clickpipes", &Value::Null), 424, "Current state: idle");
    refused(&bench.ask("GET", &path, &Value::Null), 424, "Current state: idle");
    refused(&bench.ask("DELETE", &path, &Value::Null), 424, "Current state: idle");
}

fn state(bench: &mut Bench) -> Value {
    bench.get("")["state"].clone()
}

#[test]
fn awake_wakes_an_idle_service_and_start_does_not() {
    let mut bench = Bench::new();
    bench.world.set_service_state("analytics", ServiceState::Idle);
    ok(&bench.ask("PATCH", "/state", &json!({"command": "start"})));
    assert_eq!(state(&mut bench), "idle");
    let awaking = ok(&bench.ask("PATCH", "/state", &json!({"command": "awake"})));
    assert_eq!(awaking["state"], "awaking");
    refused(&bench.post(&kafka()), 424, "Current state: awaking");
    bench.wait(45);
    assert_eq!(state(&mut bench), "running");
    bench.create(&kafka());
}

#[test]
fn stopped_service_is_started_and_not_woken() {
    let mut bench = Bench::new();
    ok(&bench.ask("PATCH", "/state", &json!({"command": "stop"})));
    bench.wait(20);
    assert_eq!(state(&mut bench), "stopped");
    ok(&bench.ask("PATCH", "/state", &json!({"command": "awake"})));
    assert_eq!(state(&mut bench), "stopped");
    ok(&bench.ask("PATCH", "/state", &json!({"command": "start"})));
    bench.wait(60);
    assert_eq!(state(&mut bench), "running");
    refused(&bench.ask("PATCH", "/state", &json!({"command": "nap"})), 400, "command");
}

#[test]
fn organization_and_services_are_listed() {
    let mut bench = Bench::new();
    bench.world.ensure_service("billing");
    let organizations = ok(&bench.ask_path("GET", "/v1/organizations", &Value::Null));
    assert_eq!(organizations[0]["id"], ORGANIZATION);
    let path = format!("/v1/organizations/{ORGANIZATION}/services/");
    let services = ok(&bench.ask_path("GET", &path, &Value::Null));
    let mut names: Vec<_> =
        services.as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["analytics", "billing"]);
}

#[test]
fn service_has_the_id_of_its_name() {
    let (mut one, mut other) = (World::new(Options::default()), World::new(Options::default()));
    assert_eq!(one.ensure_service("analytics"), other.ensure_service("analytics"));
    assert_ne!(one.ensure_service("analytics"), one.ensure_service("billing"));
    let id = "11111111-1111-4111-8111-111111111111";
    assert_eq!(one.ensure_service(id), id);
}
