//! Every example of the API reference page, as the manifest in `manifests-example/` that sends
//! exactly its body.

use std::sync::{Arc, Mutex};

use crate::support::bench::in_virtual_time;
use crate::support::manifests::{desired_from_documents, read_documents};
use model::action::Action;
use pipectl::apply::apply_plan;
use pipectl::embedded_sandbox::EmbeddedSandbox;
use pipectl::interruption::Interruption;
use planner::{ApprovalLimits, Policy, plan};
use remote::{ApiRequest, Method, Remote, RemoteSettings, ResponseFuture, SecretProvider, Transport};
use secrecy::SecretString;
use serde_json::Value;

/// Notes the body of each create on its way.
struct RecordingTransport {
    sandbox: Arc<EmbeddedSandbox>,
    bodies: Mutex<Vec<Value>>,
}

impl Transport for RecordingTransport {
    fn send(&self, request: ApiRequest) -> ResponseFuture<'_> {
        if let (Method::Post, Some(body)) = (request.method, &request.body) {
            self.bodies.lock().unwrap().push(serde_json::from_slice(body.expose_bytes()).unwrap());
        }
        self.sandbox.send(request)
    }
}

/// The made-up values that stand beside the examples.
struct ExampleSecrets;

impl SecretProvider for ExampleSecrets {
    fn resolve_secret(&self, reference: &Value) -> Result<SecretString, String> {
        let name = reference["fromEnv"].as_str().unwrap();
        let lines = include_str!("../manifests-example/sandbox.env").lines();
        let value = lines.filter_map(|line| line.split_once('=')).find(|(key, _)| *key == name);
        value.map(|(_, value)| SecretString::from(value)).ok_or_else(|| name.to_owned())
    }
}

#[test]
fn examples_send_the_bodies_of_the_reference_page() {
    let page: Vec<Value> = serde_json::from_str(include_str!("fixtures/reference_page.json")).unwrap();
    let sent = in_virtual_time(bodies_sent());
    assert_eq!(page.len(), 9);
    for body in page {
        let name = &body["name"];
        let ours = sent.iter().find(|sent| &sent["name"] == name);
        assert_eq!(ours, Some(&body), "{name}");
    }
}

async fn bodies_sent() -> Vec<Value> {
    let desired = desired_from_documents(&read_documents("manifests-example")).unwrap();
    let sandbox = EmbeddedSandbox::new(sandbox::World::new(sandbox::SandboxOptions::default()));
    let services = desired.keys().map(|at| {
        let id = sandbox.with_world(|world| world.ensure_service(at.service.as_str()));
        (at.service.clone(), id)
    });
    let services = services.collect();
    let recording = Arc::new(RecordingTransport { sandbox, bodies: Mutex::default() });
    let remote = Remote::new(
        Arc::clone(&recording) as Arc<dyn Transport>,
        sandbox::ORGANIZATION.to_owned(),
        services,
        Arc::new(ExampleSecrets),
        RemoteSettings::default(),
    );
    let plan = plan(&desired, &model::live::Live::new(), None, &Policy::default());
    assert!(plan.actions.iter().any(|action| matches!(action, Action::Create { .. })));
    let approved = plan.approve(&ApprovalLimits::default());
    for report in apply_plan(&remote, &approved, 64, &Interruption::default(), |_| {}).await {
        assert!(report.error.is_none(), "{report:#?}");
    }
    let bodies = recording.bodies.lock().unwrap();
    bodies.clone()
}
