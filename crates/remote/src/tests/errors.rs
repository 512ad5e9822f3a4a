//! What a person reads when it goes wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::action::Action;
use model::address::Kind;
use sandbox::{Options, READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET, ServiceState};
use serde_json::json;

use super::bench::{Bench, OneSecret, SERVICE, pipe, scope};
use super::fixtures::kafka;
use super::script::{answer, cut, ok, refusal, scripted};
use crate::{Credentials, Directory, Error, Http, Rejection, Settings};

/// The error of a create that gets this answer, with its hint.
async fn refused(status: u16, text: &str) -> String {
    let (_, remote) = scripted([ok(&json!([])), refusal(status, text)]);
    told(&remote.perform(&create()).await.unwrap_err())
}

fn create() -> Action {
    Action::Create { at: pipe("orders"), body: kafka("orders") }
}

fn told(error: &Error) -> String {
    match error.hint() {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_comes_with_its_remedy() {
    insta::assert_snapshot!(refused(401, "UNAUTHORIZED: bad key").await, @"
    POST /v1/organizations/org/services/svc/clickpipes: 401 UNAUTHORIZED: bad key (request r-2)
    hint: check that the key's id and its secret belong together and have not expired
    ");
    insta::assert_snapshot!(refused(403, "FORBIDDEN: no").await, @"
    POST /v1/organizations/org/services/svc/clickpipes: 403 FORBIDDEN: no (request r-2)
    hint: the key's role does not allow this; give it a role that may manage ClickPipes in this organization
    ");
    insta::assert_snapshot!(refused(400, "BAD_REQUEST: not available for JWT authentication").await, @"
    POST /v1/organizations/org/services/svc/clickpipes: 400 BAD_REQUEST: not available for JWT authentication (request r-2)
    hint: use an API key: a login token may only read
    ");
    insta::assert_snapshot!(refused(400, "BAD_REQUEST: ClickHouse validation failed: Not enough privileges (497)").await, @"
    POST /v1/organizations/org/services/svc/clickpipes: 400 BAD_REQUEST: ClickHouse validation failed: Not enough privileges (497) (request r-2)
    hint: grant the missing privileges to the destination roles; a ClickHouse user may have been left behind by this try: drop it if nothing uses it
    ");
    insta::assert_snapshot!(refused(400, "BAD_REQUEST: destination table exists and is not empty").await, @"
    POST /v1/organizations/org/services/svc/clickpipes: 400 BAD_REQUEST: destination table exists and is not empty (request r-2)
    hint: the destination table holds rows, perhaps of a deleted pipe: drop or empty it, or write to another table
    ");
    insta::assert_snapshot!(refused(400, "BAD_REQUEST: dial tcp: no such host").await, @"
    POST /v1/organizations/org/services/svc/clickpipes: 400 BAD_REQUEST: dial tcp: no such host (request r-2)
    hint: the API checks the source while it creates a pipe: check its address, its firewall against the API's addresses, and its certificates
    ");
    insta::assert_snapshot!(refused(400, "BAD_REQUEST: AssumeRole is not authorized").await, @"
    POST /v1/organizations/org/services/svc/clickpipes: 400 BAD_REQUEST: AssumeRole is not authorized (request r-2)
    hint: the role or key lacks permissions on the source, or does not trust ClickHouse Cloud
    ");
    insta::assert_snapshot!(refused(400, "BAD_REQUEST: brokers: ''").await, @"POST /v1/organizations/org/services/svc/clickpipes: 400 BAD_REQUEST: brokers: '' (request r-2)");
}

#[tokio::test(start_paused = true)]
async fn a_read_that_failed_has_changed_nothing() {
    for last in [cut, || refusal(500, "Internal error")] {
        let (_, remote) = scripted((0..9).map(|_| last()));
        let error = remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap_err();
        let hint = error.hint().unwrap();
        assert!(hint.contains("try again") && !hint.contains("carried out"), "{error}: {hint}");
    }
}

/// A gateway speaks for itself, and not in the API's form.
#[tokio::test(start_paused = true)]
async fn a_throttled_request_is_no_failure_whoever_throttles_it() {
    let page = || answer(429, "text/html", "<html>Too many requests</html>");
    let made = json!({"id": "n", "name": "orders", "state": "Running"});
    let read = [page(), answer(429, "", ""), ok(&json!([]))];
    let (_, remote) = scripted(read.into_iter().chain([page(), ok(&made), ok(&json!([made]))]));
    remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap();
    remote.perform(&create()).await.unwrap();
    assert_eq!(remote.requests().throttled, 3);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_run_is_told_apart() {
    let bench = Bench::new();
    for (state, kind) in
        [(ServiceState::Idle, Rejection::Idle), (ServiceState::Stopped, Rejection::Stopped)]
    {
        bench.world().set_service_state(SERVICE, state);
        let error = bench.create("orders", kafka("orders")).await.unwrap_err();
        assert_eq!(error.rejection(), Some(kind));
        assert!(error.hint().is_some());
        assert!(!error.outcome_unknown());
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_may_only_read_is_told_at_once() {
    let (id, secret) = (READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET);
    let bench = Bench::as_key(id, secret, Options::default(), Settings::default());
    let error = bench.create("orders", kafka("orders")).await.unwrap_err();
    assert!(error.is_auth());
    assert_eq!(bench.asked("POST", "/clickpipes"), [403]);
}

#[tokio::test(start_paused = true)]
async fn throttling_that_never_ends_ends_with_the_run() {
    let began = tokio::time::Instant::now();
    let (_, remote) = scripted((0..200).map(|_| refusal(429, "TOO_MANY_REQUESTS: slow down")));
    let error = remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap_err();
    assert!(began.elapsed() <= Settings::default().timeout);
    insta::assert_snapshot!(told(&error), @"
    GET /v1/organizations/org/services/svc/clickpipes: 429 TOO_MANY_REQUESTS: slow down (request r-2)
    hint: another process uses the same key; give this one a key of its own or a lower `--rate-limit`
    ");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_gives_up_is_no_answer() {
    let page = || answer(504, "text/html", "<html><h1>Gateway Time-out</h1></html>");
    let list = json!([{"id": "p", "name": "orders", "state": "Stopped"}]);
    let (_, remote) = scripted([ok(&list)].into_iter().chain((0..20).map(|_| page())));
    remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap();
    let delete = Action::Delete { at: pipe("orders"), id: model::live::Id::new("p") };
    let error = remote.perform(&delete).await.unwrap_err();
    insta::assert_snapshot!(told(&error), @"
    DELETE /v1/organizations/org/services/svc/clickpipes/p: 504 is not JSON (text/html): <html><h1>Gateway Time-out</h1></html>
    hint: a gateway gave up before the API did; the request may still be carried out: plan again in a minute
    ");
    assert!(error.outcome_unknown());
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_sends_nothing() {
    let bench = Bench::new();
    let mut body = kafka("orders");
    body["source"]["kafka"]["credentials"]["password"] = json!({"fromEnv": "ORDERS_PASSWORD"});
    let error = bench.create("orders", body).await.unwrap_err();
    insta::assert_snapshot!(told(&error), @"
    cannot resolve the secret `fromEnv: ORDERS_PASSWORD` of `analytics/orders`: the variable is not set
    hint: nothing was sent; provide the secret and apply again
    ");
    assert!(bench.asked("POST", "/clickpipes").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_directory_finds_the_way_to_a_remote() {
    let (script, _) = scripted([
        ok(&json!([{"id": "org", "name": "Acme"}])),
        ok(&json!([{"id": "svc", "name": "analytics", "state": "idle"}])),
        ok(&json!([])),
    ]);
    let directory = Directory::new(script, Settings::default());
    let organizations = directory.organizations().await.unwrap();
    assert_eq!((organizations[0].id.as_str(), organizations[0].name.as_str()), ("org", "Acme"));
    let services = directory.services("org").await.unwrap();
    assert_eq!(services[0].state.as_str(), "idle");
    let ids = BTreeMap::from([(pipe("x").service, services[0].id.clone())]);
    let remote = directory.into_remote("org".to_owned(), ids, Arc::new(OneSecret));
    remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap();
    assert_eq!(remote.requests().sent, 3);
}

#[test]
fn credentials_and_urls_are_checked_before_anything_is_sent() {
    let credentials = Credentials { key: "id".to_owned(), secret: "canary".into() };
    assert!(!format!("{credentials:?}").contains("canary"));
    let error = Http::new("http://api.example.com", credentials).err().unwrap();
    insta::assert_snapshot!(error, @"API URL: plain `http` is only allowed to this machine");
}
