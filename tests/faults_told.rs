//! What a person reads when something went wrong.

#![cfg(unix)]
use std::sync::Arc;
use std::time::Duration;

use crate::support::bench::{Bench, in_virtual_time};
use crate::support::cli::Desk;
use crate::support::faults::{SERVICES, settled};
use crate::support::manifests::{declared, documents};
use crate::support::server::Server;
use insta::assert_snapshot;
use pipectl::apply::Report;
use pipectl::render::results;
use remote::{Method, Request, Response, Sending, Transport, TransportError};
use sandbox::{Effect, Fault, When};
use serde_json::{Value, json};

fn seed(name: &str) -> Value {
    let mut seeds = documents("tests/seeds").into_iter();
    seeds.find(|seed| seed["metadata"]["name"] == name).unwrap()
}

/// A database pipe with an edit that needs a pause, and that the API turns down.
fn refused_edit() -> (Value, Value) {
    let before = seed("postgres-cdc");
    let mut after = before.clone();
    after["spec"]["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(90);
    after["spec"]["source"]["postgres"]["host"] = json!("db.example.invalid");
    (before, after)
}

async fn applied(bench: &Bench, documents: &[Value]) -> Vec<Report> {
    let plan = bench.plan(&declared(documents).unwrap()).await;
    bench.apply(plan).await
}

/// The table, with every id alike.
fn table(reports: &[Report]) -> String {
    let text = results::render(reports).to_plain();
    let words = text.split_inclusive([' ', '/', ')', '\n']);
    let hidden = |word: &str| {
        let id: String = word.chars().filter(|c| c.is_ascii_hexdigit() || *c == '-').collect();
        if id.len() == 36 { word.replace(&id, "ID") } else { word.to_owned() }
    };
    words.map(hidden).collect()
}

#[test]
fn a_pipe_runs_again_after_an_edit_that_failed() {
    let (before, after) = refused_edit();
    let table = in_virtual_time(async {
        let bench = Bench::on(settled(&[before]).await, &SERVICES);
        let reports = applied(&bench, &[after]).await;
        bench.sandbox.with(|world| world.advance(Duration::from_secs(60)));
        assert_eq!(bench.world().pipes(SERVICES[0])[0]["state"], "Running");
        table(&reports)
    });
    assert_snapshot!(table, @r"
    failed       analytics/postgres-cdc
                 PATCH /v1/organizations/ID/services/ID/clickpipes/ID: 400 BAD_REQUEST: dial tcp: lookup db.example.invalid: no such host (request ID)
                 hint: the API checks the source while it creates a pipe: check its address, its firewall against the API's addresses, and its certificates
                 1 of 3 done; not begun: start
                 it was stopped for the edit, and is started again

    Apply: 0 applied, 1 failed, 0 skipped, 0 unknown.
    ");
}

/// Loses every start.
struct NoStart(Arc<dyn Transport>);

impl Transport for NoStart {
    fn send(&self, request: Request) -> Sending<'_> {
        let body = request.body.as_ref().map(|body| body.expose().to_vec()).unwrap_or_default();
        if request.method == Method::Patch && body == br#"{"command":"start"}"# {
            return Box::pin(async { Err(TransportError::Unsent("no route to host".to_owned())) });
        }
        self.0.send(request)
    }
}

#[test]
fn a_pipe_that_is_left_stopped_is_told_before_everything_else() {
    let (before, after) = refused_edit();
    let table = in_virtual_time(async {
        let world = settled(&[before]).await;
        let bench = Bench::through(world, &SERVICES, |inner| Arc::new(NoStart(inner)));
        table(&applied(&bench, &[seed("kinesis-role"), after]).await)
    });
    assert_snapshot!(table, @r"
    STOPPED: analytics/postgres-cdc was stopped for an edit and may still be: it could not be started again
      PATCH /v1/organizations/ID/services/ID/clickpipes/ID/state: no route to host
      hint: apply again, or start it in the console

    applied      analytics/kinesis-role  Running
    failed       analytics/postgres-cdc  Paused
                 PATCH /v1/organizations/ID/services/ID/clickpipes/ID: 400 BAD_REQUEST: dial tcp: lookup db.example.invalid: no such host (request ID)
                 hint: the API checks the source while it creates a pipe: check its address, its firewall against the API's addresses, and its certificates
                 1 of 3 done; not begun: start

    Apply: 1 applied, 1 failed, 0 skipped, 0 unknown.
    ");
}

/// A key that may not do some things any more, as the API says a moment later.
struct Revoked {
    inner: Arc<dyn Transport>,
    for_this: fn(&Request) -> bool,
}

impl Transport for Revoked {
    fn send(&self, request: Request) -> Sending<'_> {
        if !(self.for_this)(&request) {
            return self.inner.send(request);
        }
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            let body = json!({"status": 403, "requestId": "r-1", "error": "FORBIDDEN: no access"});
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            Ok(Response { status: 403, headers, body: body.to_string().into() })
        })
    }
}

/// One pipe is being paused for an edit when the key is refused for another one.
fn refused_meanwhile(for_this: fn(&Request) -> bool) -> (Vec<Report>, Value) {
    let (mut copy, mut stream) = (seed("postgres-cdc"), seed("kinesis-role"));
    in_virtual_time(async {
        let world = settled(&[copy.clone(), stream.clone()]).await;
        copy["spec"]["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(90);
        stream["spec"]["settings"] = json!({"streaming_max_insert_wait_ms": 900});
        let bench = Bench::through(world, &SERVICES, |inner| Arc::new(Revoked { inner, for_this }));
        let from = bench.journal_len();
        let reports = applied(&bench, &[copy, stream]).await;
        let edits = bench.sandbox.with(|world| {
            let sent = world.journal().iter().skip(from).filter(|entry| entry.method == "PATCH");
            sent.filter(|entry| !entry.path.ends_with("/state")).count()
        });
        assert_eq!(edits, 0, "nothing new is sent");
        bench.sandbox.with(|world| world.advance(Duration::from_secs(60)));
        let pipes = bench.world().pipes(SERVICES[0]);
        let state =
            pipes.iter().find(|pipe| pipe["name"] == "postgres-cdc").unwrap()["state"].clone();
        (reports, state)
    })
}

fn sets(request: &Request) -> bool {
    request.method == Method::Put
}

fn sets_or_starts(request: &Request) -> bool {
    let body = request.body.as_ref().map(|body| body.expose().to_vec()).unwrap_or_default();
    sets(request) || body == br#"{"command":"start"}"#
}

#[test]
fn a_pipe_that_is_paused_when_the_key_is_refused_runs_again() {
    let (reports, state) = refused_meanwhile(sets);
    assert_eq!(state, "Running");
    assert_snapshot!(table(&reports), @r"
    failed       analytics/kinesis-role
                 PUT /v1/organizations/ID/services/ID/clickpipes/ID/settings: 403 FORBIDDEN: no access (request r-1)
                 hint: the key's role does not allow this; give it a role that may manage ClickPipes in this organization
    failed       analytics/postgres-cdc
                 nothing more is sent: the API refused the key
                 1 of 3 done; not begun: update, start
                 it was stopped for the edit, and is started again

    Apply: 0 applied, 2 failed, 0 skipped, 0 unknown.
    ");
}

#[test]
fn or_that_it_does_not_is_told_first() {
    let (reports, state) = refused_meanwhile(sets_or_starts);
    assert_eq!(state, "Paused");
    assert_snapshot!(table(&reports), @r"
    STOPPED: analytics/postgres-cdc was stopped for an edit and may still be: it could not be started again
      PATCH /v1/organizations/ID/services/ID/clickpipes/ID/state: 403 FORBIDDEN: no access (request r-1)
      hint: apply again, or start it in the console

    failed       analytics/kinesis-role
                 PUT /v1/organizations/ID/services/ID/clickpipes/ID/settings: 403 FORBIDDEN: no access (request r-1)
                 hint: the key's role does not allow this; give it a role that may manage ClickPipes in this organization
    failed       analytics/postgres-cdc  Paused
                 nothing more is sent: the API refused the key
                 1 of 3 done; not begun: update, start

    Apply: 0 applied, 2 failed, 0 skipped, 0 unknown.
    ");
}

#[test]
fn what_refers_to_something_that_failed_is_not_begun() {
    let table = in_virtual_time(async {
        let bench = Bench::new(&SERVICES);
        let when = When::Route {
            method: "POST".to_owned(),
            path: "*/clickpipesReversePrivateEndpoints".to_owned(),
        };
        let fault = Fault { when, effect: Effect::CutBeforeCommit, times: u32::MAX };
        bench.sandbox.with(|world| world.faults().add(fault));
        let mut link = seed("msk");
        link["metadata"]["name"] = json!("link-a");
        let reports = applied(&bench, &[link, seed("kafka-scram"), seed("kinesis-role")]).await;
        let creates =
            bench.requests(0, |method, path| method == "POST" && path.ends_with("/clickpipes"));
        assert_eq!(creates, 1, "nothing is sent for what cannot be");
        table(&reports)
    });
    assert_snapshot!(table, @r"
    applied      analytics/kinesis-role  Running
    skipped      analytics/kafka-scram
                 it refers to `analytics/link-a`, which has an unknown outcome
    unknown      analytics/link-a
                 `analytics/link-a` may or may not have been created: POST /v1/organizations/ID/services/ID/clickpipesReversePrivateEndpoints: the connection was cut
                 hint: the object may still appear; run again in a minute: an object of this name is then adopted instead of being created twice

    Apply: 1 applied, 0 failed, 1 skipped, 1 unknown.
    ");
}

/// An endpoint and the pipe that uses it, and a run that cannot delete the pipe: the requests that
/// the endpoint sees, and the table.
fn with_a_pipe_that_stays(edit: impl FnOnce(&mut Value)) -> (usize, String) {
    let (mut link, mut pipe) = (seed("msk"), seed("kafka-scram"));
    link["metadata"]["name"] = json!("link-a");
    in_virtual_time(async {
        let world = settled(&[link.clone(), pipe.clone()]).await;
        let bench = Bench::on(world, &SERVICES);
        let when = When::Route { method: "DELETE".to_owned(), path: "*/clickpipes/*".to_owned() };
        let fault = Fault { when, effect: Effect::Repeated, times: u32::MAX };
        bench.sandbox.with(|world| world.faults().add(fault));
        pipe["spec"]["state"] = json!("absent");
        edit(&mut link);
        let from = bench.journal_len();
        let documents = [link, pipe];
        let reports = applied(&bench, &documents).await;
        let writes = bench.requests(from, |method, path| {
            method != "GET" && path.contains("/clickpipesReversePrivateEndpoints")
        });
        bench.sandbox.with(|world| world.faults().clear());
        bench.settle(&declared(&documents).unwrap()).await.unwrap();
        (writes, table(&reports))
    })
}

#[test]
fn an_endpoint_is_not_deleted_while_a_pipe_uses_it_still() {
    let (writes, table) = with_a_pipe_that_stays(|link| link["spec"]["state"] = json!("absent"));
    assert_eq!(writes, 0, "{table}");
    assert!(table.contains("`analytics/kafka-scram` still uses it, and failed"), "{table}");
}

#[test]
fn nor_while_a_pipe_uses_it_to_which_nothing_is_done() {
    let (mut link, pipe) = (seed("msk"), seed("kafka-scram"));
    link["metadata"]["name"] = json!("link-a");
    let table = in_virtual_time(async {
        let bench = Bench::on(settled(&[link.clone(), pipe.clone()]).await, &SERVICES);
        link["spec"]["state"] = json!("absent");
        let table = table(&applied(&bench, &[link, pipe]).await);
        assert_eq!(bench.requests(0, |method, _| method == "DELETE"), 0, "{table}");
        table
    });
    let why = "`analytics/kafka-scram` still uses it, and is left as it is";
    assert!(table.contains(why), "{table}");
}

#[test]
fn nor_is_it_replaced() {
    let (writes, table) = with_a_pipe_that_stays(|link| {
        link["spec"]["mskClusterArn"] = json!("arn:aws:kafka:us-east-1:123456789012:cluster/other");
    });
    assert_eq!(writes, 0, "{table}");
    assert!(table.contains("`analytics/kafka-scram` still uses it, and failed"), "{table}");
}

#[test]
fn what_the_api_accepts_and_does_not_do_is_told() {
    let (server, desk) = (Server::start(1), Desk::new());
    let mut pipe = seed("kinesis-user");
    desk.write("pipe.yaml", pipe.to_string());
    let apply = ["apply", "pipe.yaml", "--yes"];
    let said = server.run(&desk, &[&apply[..], &["--wait=none"]].concat());
    assert_eq!(said.code, 0, "{}", said.all());
    server.advance(300);

    pipe["spec"]["settings"]["streaming_max_insert_wait_ms"] = json!(900);
    desk.write("pipe.yaml", pipe.to_string());
    let run = server.begin(&desk, &apply);
    server.until(1, |entry| entry["method"] == "PUT");
    // As if the API had not done it.
    let merge = json!({"settings": {"streaming_max_insert_wait_ms": 500}});
    let edit = json!({"service": "analytics", "pipe": "kinesis-user", "merge": merge});
    server.ask("POST", "edit", &edit);
    let said = run.end();
    assert_eq!(said.code, 3, "{}", said.all());
    let (_, table) = said.stdout.split_once("Cost:").unwrap();
    let (_, table) = table.split_once('\n').unwrap();
    assert_snapshot!(table, @r"
    failed       analytics/kinesis-user  Running
                 the API accepted the change, but this is not live as declared: settings.streaming_max_insert_wait_ms

    Apply: 0 applied, 1 failed, 0 skipped, 0 unknown.
    ");
}
