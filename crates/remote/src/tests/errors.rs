//! The messages and hints of errors.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::action::Action;
use model::address::Kind;
use model::live::Id;
use sandbox::{READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET, SandboxOptions, ServiceState};
use serde_json::json;

use super::bench::{CANARY, OneSecret, RemoteBench, SERVICE, pipe_address, scope_of_kinds};
use super::fixtures::kafka_body;
use super::scripted_transport::{cut_answer, ok_answer, raw_answer, refusal_answer, scripted_remote};
use crate::{ApiCredentials, Error, Hint, HttpTransport, RejectionKind, RemoteSettings, ServiceLookup, Transport};

/// The error of a create that gets this answer, with its hint.
async fn refused_create(status: u16, text: &str) -> String {
    let (_, remote) = scripted_remote([ok_answer(&json!([])), refusal_answer(status, text)]);
    error_and_hint(&remote.perform_action(&create_action()).await.unwrap_err())
}

fn create_action() -> Action {
    Action::create(pipe_address("orders"), kafka_body("orders"))
}

fn error_and_hint(error: &Error) -> String {
    match error.hint() {
        Some(hint) => format!("{error}\nhint: {hint:?}"),
        None => error.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn api_errors_come_with_a_hint() {
    insta::assert_snapshot!(refused_create(401, "UNAUTHORIZED: bad key").await, @"
    POST /v1/organizations/org/services/svc/clickpipes: 401 UNAUTHORIZED: bad key (request r-2)
    hint: KeyRejected
    ");
    insta::assert_snapshot!(refused_create(403, "FORBIDDEN: no").await, @"
    POST /v1/organizations/org/services/svc/clickpipes: 403 FORBIDDEN: no (request r-2)
    hint: KeyForbidden
    ");
    insta::assert_snapshot!(refused_create(400, "BAD_REQUEST: not available for JWT authentication").await, @"
    POST /v1/organizations/org/services/svc/clickpipes: 400 BAD_REQUEST: not available for JWT authentication (request r-2)
    hint: Rejection(LoginToken)
    ");
    insta::assert_snapshot!(refused_create(400, "BAD_REQUEST: ClickHouse validation failed: Not enough privileges (497)").await, @"
    POST /v1/organizations/org/services/svc/clickpipes: 400 BAD_REQUEST: ClickHouse validation failed: Not enough privileges (497) (request r-2)
    hint: Rejection(MissingPrivileges)
    ");
    insta::assert_snapshot!(refused_create(400, "BAD_REQUEST: destination table exists and is not empty").await, @r#"
    POST /v1/organizations/org/services/svc/clickpipes: 400 BAD_REQUEST: destination table exists and is not empty (request r-2)
    hint: TablesNotEmpty(["default.orders"])
    "#);
    insta::assert_snapshot!(refused_create(400, "BAD_REQUEST: dial tcp: no such host").await, @"
    POST /v1/organizations/org/services/svc/clickpipes: 400 BAD_REQUEST: dial tcp: no such host (request r-2)
    hint: Rejection(SourceUnreachable)
    ");
    insta::assert_snapshot!(refused_create(400, "BAD_REQUEST: AssumeRole is not authorized").await, @"
    POST /v1/organizations/org/services/svc/clickpipes: 400 BAD_REQUEST: AssumeRole is not authorized (request r-2)
    hint: Rejection(SourcePermissions)
    ");
    insta::assert_snapshot!(refused_create(400, "BAD_REQUEST: brokers: ''").await, @"POST /v1/organizations/org/services/svc/clickpipes: 400 BAD_REQUEST: brokers: '' (request r-2)");
}

#[tokio::test(start_paused = true)]
async fn failed_read_hint_suggests_a_retry() {
    for last in [cut_answer, || refusal_answer(500, "Internal error")] {
        let (_, remote) = scripted_remote((0..9).map(|_| last()));
        let error = remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap_err();
        let hint = error.hint().unwrap();
        assert!(matches!(hint, Hint::ReadUnanswered | Hint::ApiFailedToRead), "{error}: {hint:?}");
    }
}

// A gateway answers 429 with a page of its own, without the API's envelope.
#[tokio::test(start_paused = true)]
async fn throttling_by_api_or_gateway_is_retried() {
    let page = || raw_answer(429, "text/html", "<html>Too many requests</html>");
    let made = json!({"id": "n", "name": "orders", "state": "Running"});
    let read = [page(), raw_answer(429, "", ""), ok_answer(&json!([]))];
    // Whoever waited looks again before a create.
    let create = [page(), ok_answer(&json!([])), ok_answer(&made), ok_answer(&json!([made]))];
    let (_, remote) = scripted_remote(read.into_iter().chain(create));
    remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap();
    remote.perform_action(&create_action()).await.unwrap();
    assert_eq!(remote.request_counts().throttled, 3);
}

#[tokio::test(start_paused = true)]
async fn idle_and_stopped_service_errors_are_distinguished() {
    let bench = RemoteBench::new();
    for (state, kind, hint) in [
        (ServiceState::Idle, RejectionKind::ServiceIdle, Hint::ServiceIdle),
        (ServiceState::Stopped, RejectionKind::ServiceStopped, Hint::ServiceStopped),
    ] {
        bench.lock_world().set_service_state(SERVICE, state);
        let error = bench.create_pipe("orders", kafka_body("orders")).await.unwrap_err();
        assert_eq!(error.rejection_kind(), Some(kind));
        assert_eq!(error.hint(), Some(hint));
        assert!(!error.is_outcome_unknown());
    }
}

#[tokio::test(start_paused = true)]
async fn read_only_key_fails_after_one_request() {
    let (id, secret) = (READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET);
    let bench = RemoteBench::with_key(id, secret, SandboxOptions::with_observed_quirks(), RemoteSettings::default());
    let error = bench.create_pipe("orders", kafka_body("orders")).await.unwrap_err();
    assert!(error.is_auth_error());
    assert_eq!(bench.request_statuses("POST", "/clickpipes"), [403]);
}

#[tokio::test(start_paused = true)]
async fn endless_throttling_ends_at_the_timeout() {
    let began = tokio::time::Instant::now();
    let (_, remote) = scripted_remote((0..200).map(|_| refusal_answer(429, "TOO_MANY_REQUESTS: slow down")));
    let error = remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap_err();
    assert!(began.elapsed() <= RemoteSettings::default().timeout);
    insta::assert_snapshot!(error_and_hint(&error), @"
    GET /v1/organizations/org/services/svc/clickpipes: 429 TOO_MANY_REQUESTS: slow down (request r-2)
    hint: RateLimited
    ");
}

#[tokio::test(start_paused = true)]
async fn gateway_timeout_leaves_delete_outcome_unknown() {
    let page = || raw_answer(504, "text/html", "<html><h1>Gateway Time-out</h1></html>");
    let list = json!([{"id": "p", "name": "orders", "state": "Stopped"}]);
    let (_, remote) = scripted_remote([ok_answer(&list)].into_iter().chain((0..20).map(|_| page())));
    remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap();
    let delete = Action::Delete { address: pipe_address("orders"), id: Id::new("p") };
    let error = remote.perform_action(&delete).await.unwrap_err();
    insta::assert_snapshot!(error_and_hint(&error), @"
    DELETE /v1/organizations/org/services/svc/clickpipes/p: 504 is not JSON (text/html): <html><h1>Gateway Time-out</h1></html>
    hint: GatewayTimeout
    ");
    assert!(error.is_outcome_unknown());
}

#[tokio::test(start_paused = true)]
async fn missing_secret_prevents_the_request() {
    let bench = RemoteBench::new();
    let mut body = kafka_body("orders");
    body["source"]["kafka"]["credentials"]["password"] = json!({"fromEnv": "ORDERS_PASSWORD"});
    let error = bench.create_pipe("orders", body).await.unwrap_err();
    insta::assert_snapshot!(error_and_hint(&error), @"
    cannot resolve the secret `fromEnv: ORDERS_PASSWORD` of `analytics/orders`: the variable is not set
    hint: SecretMissing
    ");
    assert!(bench.request_statuses("POST", "/clickpipes").is_empty());
}

#[tokio::test(start_paused = true)]
async fn lookup_finds_organizations_and_services() {
    let (script, _) = scripted_remote([
        ok_answer(&json!([{"id": "org", "name": "Acme"}])),
        ok_answer(&json!([{"id": "svc", "name": "analytics", "state": "idle"}])),
        ok_answer(&json!([])),
    ]);
    let directory = ServiceLookup::new(vec![script], RemoteSettings::default());
    let organizations = directory.list_organizations().await.unwrap();
    assert_eq!((organizations[0].id.as_str(), organizations[0].name.as_str()), ("org", "Acme"));
    let services = directory.list_services("org").await.unwrap();
    assert_eq!(services[0].state.as_str(), "idle");
    let ids = BTreeMap::from([(pipe_address("x").service, services[0].id.clone())]);
    let remote = directory.into_remote("org".to_owned(), ids, Arc::new(OneSecret));
    remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap();
    assert_eq!(remote.request_counts().sent, 3);
}

/// A key is revoked during a run that has another one. The API did nothing for it, so even a POST is sent again.
#[tokio::test(start_paused = true)]
async fn requests_of_a_refused_key_are_sent_with_the_other_one() {
    let (refused, _) = scripted_remote([refusal_answer(401, "UNAUTHORIZED: bad key")]);
    let (accepted, _) = scripted_remote([ok_answer(&json!([])), ok_answer(&json!([{"id": "org", "name": "Acme"}]))]);
    let transports: Vec<Arc<dyn Transport>> = vec![Arc::clone(&refused) as _, Arc::clone(&accepted) as _];
    let lookup = ServiceLookup::new(transports, RemoteSettings::default());
    lookup.list_services("org").await.unwrap();
    assert_eq!(lookup.list_organizations().await.unwrap().len(), 1);
    assert_eq!((refused.sent.lock().unwrap().len(), accepted.sent.lock().unwrap().len()), (1, 2));
    assert_eq!((lookup.request_counts().sent, lookup.request_counts().repeated), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn the_last_refused_key_ends_the_run() {
    let refusal = || scripted_remote([refusal_answer(401, "UNAUTHORIZED: bad key")]).0;
    let keys = [refusal(), refusal()];
    let transports = keys.iter().map(|key| Arc::clone(key) as Arc<dyn Transport>).collect();
    let lookup = ServiceLookup::new(transports, RemoteSettings::default());
    for _ in 0..3 {
        let error = lookup.list_services("org").await.unwrap_err();
        assert_eq!(error.rejection_kind(), Some(RejectionKind::Unauthenticated));
    }
    assert!(keys.iter().all(|key| key.sent.lock().unwrap().len() == 1), "no request after the last refusal");
}

#[test]
fn plain_http_is_rejected_and_debug_hides_the_secret() {
    let credentials = ApiCredentials { variable: "KEY".to_owned(), key_id: "id".to_owned(), secret: "canary".into() };
    assert!(!format!("{credentials:?}").contains("canary"));
    let error = HttpTransport::new("http://api.example.com", credentials).err().unwrap();
    insta::assert_snapshot!(error, @"API URL: plain `http` is only allowed to this machine");
}

#[tokio::test(start_paused = true)]
async fn secret_of_one_request_is_hidden_in_the_answers_to_all() {
    let echo = format!("cannot log in with `{CANARY}`");
    let made = json!({"id": "n", "name": "orders", "state": "Running", "lastError": echo, "more": [{"text": echo}]});
    let (_, remote) = scripted_remote([
        ok_answer(&json!([])),
        ok_answer(&made),
        ok_answer(&json!([made])),
        // Another request, which carries no secret.
        refusal_answer(400, &format!("BAD_REQUEST: {echo}")),
    ]);
    let performed = remote.perform_action(&create_action()).await.unwrap();
    let live = performed.live.unwrap().body;
    assert_eq!(live["lastError"], "cannot log in with `[redacted]`");
    assert_eq!(live["more"][0]["text"], "cannot log in with `[redacted]`");
    assert_eq!(live["name"], "orders");
    let other = Action::Delete { address: pipe_address("orders"), id: Id::new("n") };
    let error = remote.perform_action(&other).await.unwrap_err().to_string();
    assert!(error.ends_with("400 BAD_REQUEST: cannot log in with `[redacted]` (request r-2)"), "{error}");
}
