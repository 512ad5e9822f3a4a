//! Every example of the API reference page, as the manifest in `manifests-example/` that sends
//! exactly its body.

use std::sync::{Arc, Mutex};

use crate::support::bench::in_virtual_time;
use crate::support::manifests::{declared, documents};
use model::action::Action;
use pipectl::apply::apply;
use pipectl::interruption::Interruption;
use pipectl::sandboxed::Sandboxed;
use planner::{Limits, Policy, plan};
use remote::{Method, Remote, Request, Secrets, Sending, Settings, Transport};
use secrecy::SecretString;
use serde_json::Value;

/// Notes the body of each create on its way.
struct Recording {
    sandbox: Arc<Sandboxed>,
    bodies: Mutex<Vec<Value>>,
}

impl Transport for Recording {
    fn send(&self, request: Request) -> Sending<'_> {
        if let (Method::Post, Some(body)) = (request.method, &request.body) {
            self.bodies.lock().unwrap().push(serde_json::from_slice(body.expose()).unwrap());
        }
        self.sandbox.send(request)
    }
}

/// The made-up values that stand beside the examples.
struct Examples;

impl Secrets for Examples {
    fn resolve(&self, reference: &Value) -> Result<SecretString, String> {
        let name = reference["fromEnv"].as_str().unwrap();
        let lines = include_str!("../manifests-example/sandbox.env").lines();
        let value = lines.filter_map(|line| line.split_once('=')).find(|(key, _)| *key == name);
        value.map(|(_, value)| SecretString::from(value)).ok_or_else(|| name.to_owned())
    }
}

#[test]
fn each_example_sends_the_body_of_the_page() {
    let page: Vec<Value> =
        serde_json::from_str(include_str!("fixtures/reference_page.json")).unwrap();
    let sent = in_virtual_time(bodies_sent());
    assert_eq!(page.len(), 9);
    for body in page {
        let name = &body["name"];
        let ours = sent.iter().find(|sent| &sent["name"] == name);
        assert_eq!(ours, Some(&body), "{name}");
    }
}

async fn bodies_sent() -> Vec<Value> {
    let desired = declared(&documents("manifests-example")).unwrap();
    let sandbox = Sandboxed::new(sandbox::World::new(sandbox::Options::default()));
    let services = desired.keys().map(|at| {
        let id = sandbox.with(|world| world.ensure_service(at.service.as_str()));
        (at.service.clone(), id)
    });
    let services = services.collect();
    let recording = Arc::new(Recording { sandbox, bodies: Mutex::default() });
    let remote = Remote::new(
        Arc::clone(&recording) as Arc<dyn Transport>,
        sandbox::ORGANIZATION.to_owned(),
        services,
        Arc::new(Examples),
        Settings::default(),
    );
    let plan = plan(&desired, &model::live::Live::new(), None, &Policy::default());
    assert!(plan.actions.iter().any(|action| matches!(action, Action::Create { .. })));
    let approved = plan.approve(&Limits::default()).unwrap();
    for report in apply(&remote, &approved, 64, &Interruption::default(), |_| {}).await {
        assert!(report.error.is_none(), "{report:#?}");
    }
    let bodies = recording.bodies.lock().unwrap();
    bodies.clone()
}
