//! What a person reads when something went wrong.

#![cfg(unix)]
use std::sync::Arc;
use std::time::Duration;

use crate::support::bench::{Bench, in_virtual_time};
use crate::support::cli::{RunOutput, WorkDir};
use crate::support::faults::{SERVICES, settled_world};
use crate::support::hide_ids;
use crate::support::manifests::{desired_from_documents, seed_named};
use crate::support::server::SandboxServer;
use insta::assert_snapshot;
use pipectl::apply::ObjectResult;
use pipectl::render::apply_summary;
use remote::{ApiRequest, ApiResponse, Method, ResponseFuture, Transport, TransportError};
use sandbox::{Fault, FaultEffect, FaultTrigger};
use serde_json::{Value, json};

/// A database pipe with an edit that needs a pause, and that the API turns down.
fn edit_that_is_refused() -> (Value, Value) {
    let before = seed_named("postgres-cdc");
    let mut after = before.clone();
    after["spec"]["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(90);
    after["spec"]["source"]["postgres"]["host"] = json!("db.example.invalid");
    (before, after)
}

async fn plan_and_apply(bench: &Bench, documents: &[Value]) -> Vec<ObjectResult> {
    let plan = bench.plan(&desired_from_documents(documents).unwrap()).await;
    bench.apply_plan(plan).await
}

/// The table, with every id alike.
fn summary_table(reports: &[ObjectResult]) -> String {
    let text = apply_summary::render(reports, 0).to_plain();
    hide_ids(&text)
}

#[test]
fn failed_edit_restarts_the_paused_pipe() {
    let (before, after) = edit_that_is_refused();
    let table = in_virtual_time(async {
        let bench = Bench::with_world(settled_world(&[before]).await, &SERVICES);
        let reports = plan_and_apply(&bench, &[after]).await;
        bench.sandbox.with_world(|world| world.advance_clock(Duration::from_secs(60)));
        assert_eq!(bench.world_snapshot().list_pipes(SERVICES[0])[0]["state"], "Running");
        summary_table(&reports)
    });
    assert_snapshot!(table, @"
    failed       analytics/postgres-cdc
                 PATCH /v1/organizations/ID/services/ID/clickpipes/ID: 400 BAD_REQUEST: dial tcp: lookup db.example.invalid: no such host (request ID)
                 hint: the API connects to the source when it creates a pipe: check its address, its certificates, and that its firewall admits the API's addresses
                 1 of 3 done; not started: start
                 it was stopped for the edit, and is started again

    Apply: 0 applied, 1 failed, 0 skipped, 0 unknown.
    ");
}

/// Loses every start.
struct StartDroppingTransport(Arc<dyn Transport>);

impl Transport for StartDroppingTransport {
    fn send(&self, request: ApiRequest) -> ResponseFuture<'_> {
        let body = request.body.as_ref().map(|body| body.expose_bytes().to_vec()).unwrap_or_default();
        if request.method == Method::Patch && body == br#"{"command":"start"}"# {
            return Box::pin(async { Err(TransportError::NotSent("no route to host".to_owned())) });
        }
        self.0.send(request)
    }
}

#[test]
fn pipe_left_stopped_is_reported_first() {
    let (before, after) = edit_that_is_refused();
    let table = in_virtual_time(async {
        let world = settled_world(&[before]).await;
        let bench = Bench::with_transport(world, &SERVICES, |inner| Arc::new(StartDroppingTransport(inner)));
        summary_table(&plan_and_apply(&bench, &[seed_named("kinesis-role"), after]).await)
    });
    assert_snapshot!(table, @"
    STOPPED, not restarted: analytics/postgres-cdc: run apply again, or start it in the console
      it was stopped for an edit, and may still be stopped: PATCH /v1/organizations/ID/services/ID/clickpipes/ID/state: no route to host

    applied      analytics/kinesis-role  Running
    failed       analytics/postgres-cdc  Paused
                 PATCH /v1/organizations/ID/services/ID/clickpipes/ID: 400 BAD_REQUEST: dial tcp: lookup db.example.invalid: no such host (request ID)
                 hint: the API connects to the source when it creates a pipe: check its address, its certificates, and that its firewall admits the API's addresses
                 1 of 3 done; not started: start

    Apply: 1 applied, 1 failed, 0 skipped, 0 unknown.
    ");
}

/// A key that may not do some things any more, as the API says a moment later.
struct RevokedKeyTransport {
    inner: Arc<dyn Transport>,
    is_affected: fn(&ApiRequest) -> bool,
}

impl Transport for RevokedKeyTransport {
    fn send(&self, request: ApiRequest) -> ResponseFuture<'_> {
        if !(self.is_affected)(&request) {
            return self.inner.send(request);
        }
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            let body = json!({"status": 403, "requestId": "r-1", "error": "FORBIDDEN: no access"});
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            Ok(ApiResponse { status: 403, headers, body: body.to_string().into() })
        })
    }
}

/// One pipe is being paused for an edit when the key is refused for another one.
fn apply_with_revoked_key(for_this: fn(&ApiRequest) -> bool) -> (Vec<ObjectResult>, Value) {
    let (mut copy, mut stream) = (seed_named("postgres-cdc"), seed_named("kinesis-role"));
    in_virtual_time(async {
        let world = settled_world(&[copy.clone(), stream.clone()]).await;
        copy["spec"]["source"]["postgres"]["settings"]["syncIntervalSeconds"] = json!(90);
        stream["spec"]["settings"] = json!({"streaming_max_insert_wait_ms": 900});
        let bench = Bench::with_transport(world, &SERVICES, |inner| {
            Arc::new(RevokedKeyTransport { inner, is_affected: for_this })
        });
        let from = bench.journal_len();
        let reports = plan_and_apply(&bench, &[copy, stream]).await;
        let edits = bench.sandbox.with_world(|world| {
            let sent = world.request_log().iter().skip(from).filter(|entry| entry.method == "PATCH");
            sent.filter(|entry| !entry.path.ends_with("/state")).count()
        });
        assert_eq!(edits, 0, "nothing new is sent");
        bench.sandbox.with_world(|world| world.advance_clock(Duration::from_secs(60)));
        let pipes = bench.world_snapshot().list_pipes(SERVICES[0]);
        let state = pipes.iter().find(|pipe| pipe["name"] == "postgres-cdc").unwrap()["state"].clone();
        (reports, state)
    })
}

fn is_settings_update(request: &ApiRequest) -> bool {
    request.method == Method::Put
}

fn is_settings_or_start(request: &ApiRequest) -> bool {
    let body = request.body.as_ref().map(|body| body.expose_bytes().to_vec()).unwrap_or_default();
    is_settings_update(request) || body == br#"{"command":"start"}"#
}

#[test]
fn paused_pipe_is_restarted_when_the_key_is_rejected() {
    let (reports, state) = apply_with_revoked_key(is_settings_update);
    assert_eq!(state, "Running");
    assert_snapshot!(summary_table(&reports), @r"
    failed       analytics/kinesis-role
                 PUT /v1/organizations/ID/services/ID/clickpipes/ID/settings: 403 FORBIDDEN: no access (request r-1)
                 hint: the role of the key does not allow this; every request about ClickPipes, a read too, needs the permission `control-plane:service:manage-clickpipes`: give the key a role that has it
    failed       analytics/postgres-cdc
                 nothing more is sent: the API refused the key
                 1 of 3 done; not started: update, start
                 it was stopped for the edit, and is started again

    Apply: 0 applied, 2 failed, 0 skipped, 0 unknown.
    ");
}

#[test]
fn pipe_left_stopped_by_key_rejection_is_reported_first() {
    let (reports, state) = apply_with_revoked_key(is_settings_or_start);
    assert_eq!(state, "Paused");
    assert_snapshot!(summary_table(&reports), @r"
    STOPPED, not restarted: analytics/postgres-cdc: run apply again, or start it in the console
      it was stopped for an edit, and may still be stopped: PATCH /v1/organizations/ID/services/ID/clickpipes/ID/state: 403 FORBIDDEN: no access (request r-1)

    failed       analytics/kinesis-role
                 PUT /v1/organizations/ID/services/ID/clickpipes/ID/settings: 403 FORBIDDEN: no access (request r-1)
                 hint: the role of the key does not allow this; every request about ClickPipes, a read too, needs the permission `control-plane:service:manage-clickpipes`: give the key a role that has it
    failed       analytics/postgres-cdc  Paused
                 nothing more is sent: the API refused the key
                 1 of 3 done; not started: update, start

    Apply: 0 applied, 2 failed, 0 skipped, 0 unknown.
    ");
}

#[test]
fn dependent_of_a_failed_object_is_skipped() {
    let table = in_virtual_time(async {
        let bench = Bench::new(&SERVICES);
        let when =
            FaultTrigger::Route { method: "POST".to_owned(), path: "*/clickpipesReversePrivateEndpoints".to_owned() };
        let fault = Fault { when, effect: FaultEffect::CutBeforeCommit, times: u32::MAX };
        bench.sandbox.with_world(|world| world.fault_script().add(fault));
        let mut link = seed_named("msk");
        link["metadata"]["name"] = json!("link-a");
        let reports = plan_and_apply(&bench, &[link, seed_named("kafka-scram"), seed_named("kinesis-role")]).await;
        let creates = bench.count_requests(0, |method, path| method == "POST" && path.ends_with("/clickpipes"));
        assert_eq!(creates, 1, "nothing is sent for what cannot be");
        summary_table(&reports)
    });
    assert_snapshot!(table, @r"
    applied      analytics/kinesis-role  Running
    skipped      analytics/kafka-scram
                 it refers to `analytics/link-a`, which has an unknown outcome
    unknown      analytics/link-a
                 `analytics/link-a` may or may not have been created: POST /v1/organizations/ID/services/ID/clickpipesReversePrivateEndpoints: the connection was cut
                 hint: the object may still appear; apply again in a minute: pipectl then adopts it instead of creating a second one

    Apply: 1 applied, 0 failed, 1 skipped, 1 unknown.
    ");
}

/// An endpoint and the pipe that uses it, and a run that cannot delete the pipe: the requests that
/// the endpoint sees, and the table.
fn delete_blocked_by_pipe(edit: impl FnOnce(&mut Value)) -> (usize, String) {
    let (mut link, mut pipe) = (seed_named("msk"), seed_named("kafka-scram"));
    link["metadata"]["name"] = json!("link-a");
    in_virtual_time(async {
        let world = settled_world(&[link.clone(), pipe.clone()]).await;
        let bench = Bench::with_world(world, &SERVICES);
        let when = FaultTrigger::Route { method: "DELETE".to_owned(), path: "*/clickpipes/*".to_owned() };
        let fault = Fault { when, effect: FaultEffect::Repeated, times: u32::MAX };
        bench.sandbox.with_world(|world| world.fault_script().add(fault));
        pipe["spec"]["state"] = json!("absent");
        edit(&mut link);
        let from = bench.journal_len();
        let documents = [link, pipe];
        let reports = plan_and_apply(&bench, &documents).await;
        let writes = bench.count_requests(from, |method, path| {
            method != "GET" && path.contains("/clickpipesReversePrivateEndpoints")
        });
        bench.sandbox.with_world(|world| world.fault_script().clear());
        bench.settle(&desired_from_documents(&documents).unwrap()).await.unwrap();
        (writes, summary_table(&reports))
    })
}

#[test]
fn endpoint_of_a_failed_pipe_is_not_deleted() {
    let (writes, table) = delete_blocked_by_pipe(|link| link["spec"]["state"] = json!("absent"));
    assert_eq!(writes, 0, "{table}");
    assert!(table.contains("`analytics/kafka-scram` still uses it, and failed"), "{table}");
}

#[test]
fn endpoint_of_a_failed_pipe_is_not_replaced() {
    let (writes, table) = delete_blocked_by_pipe(|link| {
        link["spec"]["mskClusterArn"] = json!("arn:aws:kafka:us-east-1:123456789012:cluster/other");
    });
    assert_eq!(writes, 0, "{table}");
    assert!(table.contains("`analytics/kafka-scram` still uses it, and failed"), "{table}");
}

/// Applies a change of the settings, and changes the live pipe before it is read back.
fn edited_during_apply(merge: &Value) -> RunOutput {
    let (server, desk) = (SandboxServer::start(1), WorkDir::new());
    let mut pipe = seed_named("kinesis-user");
    desk.write_file("pipe.yaml", pipe.to_string());
    let apply = ["apply", "pipe.yaml", "--yes"];
    let said = server.run_to_end(&desk, &[&apply[..], &["--wait=none"]].concat());
    assert_eq!(said.code, 0, "{}", said.all_output());
    server.advance_time(300);

    pipe["spec"]["settings"]["streaming_max_insert_wait_ms"] = json!(900);
    desk.write_file("pipe.yaml", pipe.to_string());
    let run = server.spawn_run(&desk, &apply);
    server.wait_for_requests(1, |entry| entry["method"] == "PUT");
    let edit = json!({"service": "analytics", "pipe": "kinesis-user", "merge": merge});
    server.admin_request("POST", "edit", &edit);
    run.wait_for_end()
}

/// Somebody else changed a field that this run did not send.
#[test]
fn read_back_blames_only_what_was_sent() {
    let said = edited_during_apply(&json!({"scaling": {"replicas": 3}}));
    assert_eq!(said.code, 0, "{}", said.all_output());
}

#[test]
fn change_accepted_but_not_applied_is_reported() {
    // As if the API had not done it.
    let said = edited_during_apply(&json!({"settings": {"streaming_max_insert_wait_ms": 500}}));
    assert_eq!(said.code, 3, "{}", said.all_output());
    let (_, table) = said.stdout.split_once("Will send ").unwrap();
    let (_, table) = table.split_once('\n').unwrap();
    assert_snapshot!(table, @r"
    failed       analytics/kinesis-user  Running
                 the API accepted the change, but this is not live as declared: settings.streaming_max_insert_wait_ms

    Apply: 0 applied, 1 failed, 0 skipped, 0 unknown.
    ");
}
