//! Creates of endpoints, and of pipes that connect through them.

use clickpipes::lifecycle::Progress;
use model::action::Action;
use model::address::{Kind, Name};
use model::live::{Id, State};
use sandbox::{EndpointStatus, SandboxOptions};
use serde_json::{Value, json};

use super::bench::{RemoteBench, SERVICE, endpoint_address, pipe_address};
use super::fixtures::{endpoint_body, kafka_body, postgres_body};
use super::scripted_transport::{ok_answer, scripted_remote};
use crate::{Error, Hint, RemoteSettings, UnreadyEndpoint, WaitMode};

#[tokio::test(start_paused = true)]
async fn endpoint_pending_acceptance_adds_a_note() {
    let settings = RemoteSettings { wait: WaitMode::None, ..RemoteSettings::default() };
    let bench = RemoteBench::with_settings(SandboxOptions::with_observed_quirks(), settings);
    let create = Action::create(endpoint_address("kafka"), endpoint_body("kafka"));
    let performed = bench.remote.perform_action(&create).await.unwrap();
    assert_eq!(performed.progress, Progress::Ready);
    insta::assert_snapshot!(performed.notes.join("\n"), @"it carries nothing until somebody accepts it on the account of the source");
}

#[tokio::test(start_paused = true)]
async fn endpoint_name_is_resolved_to_its_id() {
    let bench = RemoteBench::new();
    let create = Action::create(endpoint_address("kafka"), endpoint_body("kafka"));
    let made = bench.remote.perform_action(&create).await.unwrap();
    assert!(bench.lock_world().set_endpoint_status(SERVICE, "kafka", EndpointStatus::Ready));
    let mut body = kafka_body("orders");
    body["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "kafka"}]);
    bench.create_pipe("orders", body.clone()).await.unwrap();
    let live = bench.lock_world().list_pipes(SERVICE);
    let ids = &live[0]["source"]["kafka"]["reversePrivateEndpointIds"];
    assert_eq!(*ids, json!([made.id.as_str()]));

    body["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "kafak"}]);
    let error = bench.create_pipe("clicks", body).await.unwrap_err();
    insta::assert_snapshot!(error, @"no reverse private endpoint is called `analytics/kafak`");
    assert_eq!(bench.request_statuses("POST", "/clickpipes"), [200]);
}

#[tokio::test(start_paused = true)]
async fn create_error_explains_pending_endpoint() {
    let bench = RemoteBench::new();
    let create = Action::create(endpoint_address("kafka"), endpoint_body("kafka"));
    bench.remote.perform_action(&create).await.unwrap();
    let mut body = kafka_body("orders");
    body["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "kafka"}]);
    let refused = bench.create_pipe("orders", body.clone()).await.unwrap_err();
    let endpoint = UnreadyEndpoint { name: Name::new("kafka"), state: State::new("PendingAcceptance") };
    assert_eq!(refused.hint(), Some(Hint::EndpointsNotReady(vec![endpoint])));

    assert!(bench.lock_world().set_endpoint_status(SERVICE, "kafka", EndpointStatus::Ready));
    bench.create_pipe("orders", body).await.unwrap();
}

/// It becomes ready by itself.
fn msk_endpoint_body(name: &str) -> Value {
    let mut body = endpoint_body(name);
    body["type"] = json!("MSK_MULTI_VPC");
    body["vpcEndpointServiceName"].take();
    body["mskClusterArn"] = json!("arn:aws:kafka:us-east-1:123456789012:cluster/demo/1a2b");
    body["mskAuthentication"] = json!("SASL_IAM");
    body
}

/// Somebody may create a pipe of the name while an endpoint of the same run becomes ready.
#[tokio::test(start_paused = true)]
async fn pipes_are_listed_again_after_the_wait_for_a_new_endpoint() {
    let options = SandboxOptions { rate_limit: None, ..SandboxOptions::with_observed_quirks() };
    let bench = RemoteBench::with_settings(options, RemoteSettings { rate: None, ..RemoteSettings::default() });
    assert!(bench.pipe_states().await.is_empty());
    let create = Action::create(endpoint_address("kafka"), msk_endpoint_body("kafka"));
    bench.remote.perform_action(&create).await.unwrap();
    let mut body = kafka_body("orders");
    body["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "kafka"}]);
    bench.create_pipe("orders", body).await.unwrap();
    let world = bench.lock_world();
    let of_pipes: Vec<&str> = { world.request_log().iter() }
        .filter(|entry| entry.path.ends_with("/clickpipes"))
        .map(|entry| entry.method.as_str())
        .collect();
    assert_eq!(of_pipes[..3], ["GET", "GET", "POST"], "{of_pipes:?}");
}

/// An earlier run has sent the create of the endpoint, and no more.
#[tokio::test(start_paused = true)]
async fn pipe_create_waits_for_provisioning_endpoint() {
    let options = SandboxOptions { rate_limit: None, ..SandboxOptions::with_observed_quirks() };
    let bench = RemoteBench::with_settings(options, RemoteSettings { rate: None, ..RemoteSettings::default() });
    let create = Action::create(endpoint_address("kafka"), msk_endpoint_body("kafka"));
    let cut = tokio::time::timeout(std::time::Duration::from_millis(1), bench.remote.perform_action(&create));
    assert!(cut.await.is_err());
    let live = bench.observe_kinds(&[Kind::ReversePrivateEndpoint]).await;
    assert_eq!(live[&endpoint_address("kafka")].objects[0].state.as_str(), "Provisioning");
    let mut body = kafka_body("orders");
    body["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "kafka"}]);
    bench.create_pipe("orders", body).await.unwrap();
    assert_eq!(bench.request_statuses("POST", "/clickpipes"), [200]);
}

/// The API may show an endpoint as `Ready` before it shows its DNS names.
#[tokio::test(start_paused = true)]
async fn pipe_create_waits_for_dns_names_of_its_endpoint() {
    let endpoint = |names: &[&str]| json!([{"id": "e", "description": "db", "status": "Ready", "dnsNames": names}]);
    let pipe_of = |state: &str| json!({"id": "p", "name": "orders", "state": state});
    let answers = [
        ok_answer(&json!([])),
        ok_answer(&endpoint(&[])),
        ok_answer(&endpoint(&[])),
        ok_answer(&endpoint(&["vpce.example"])),
        ok_answer(&json!([])),
        ok_answer(&pipe_of("Provisioning")),
        ok_answer(&json!([pipe_of("Running")])),
    ];
    let (script, remote) = scripted_remote(answers);
    let mut body = postgres_body("orders");
    body["source"]["postgres"]["host"] = json!({"endpoint": "db"});
    remote.perform_action(&Action::create(pipe_address("orders"), body)).await.unwrap();
    let sent = script.sent.lock().unwrap();
    let posted = sent.iter().find(|(_, body)| body.get("source").is_some()).unwrap();
    assert_eq!(posted.1["source"]["postgres"]["host"], "vpce.example");
}

/// The body would have no host.
#[tokio::test(start_paused = true)]
async fn pipe_is_not_sent_without_the_host_of_its_endpoint() {
    let nameless =
        || ok_answer(&json!([{"id": "e", "description": "db", "name": "other", "status": "Ready", "dnsNames": [""]}]));
    let (script, remote) = scripted_remote(std::iter::repeat_with(nameless).take(99));
    let mut body = postgres_body("orders");
    body["source"]["postgres"]["host"] = json!({"endpoint": "db"});
    let create = Action::create(pipe_address("orders"), body);
    let error = remote.perform_action(&create).await.unwrap_err();
    assert!(matches!(error, Error::EndpointWithoutDnsName { .. }), "{error}");
    let delete = Action::Delete { address: pipe_address("orders"), id: Id::new("p") };
    let error = remote.check_ready(&delete, &[&create]).await.unwrap_err();
    assert!(matches!(error, Error::EndpointWithoutDnsName { .. }), "{error}");
    assert!(script.sent.lock().unwrap().iter().all(|(head, _)| head.starts_with("GET")));
}
