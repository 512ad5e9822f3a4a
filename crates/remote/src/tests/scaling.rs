//! Tests of CDC scaling, on the path of the service and on that of the organization.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clickpipes::lifecycle::Progress;
use futures_util::future::join;
use model::action::{Action, UpdateVia};
use model::address::{Address, Kind, ServiceRef};
use model::live::Object;
use sandbox::{ApiDialect, SandboxOptions};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::bench::{RemoteBench, SERVICE};
use super::fixtures::postgres_body;
use crate::{Error, Hint, ObserveScope, PerformedAction, RemoteSettings};

const SERVICE_LEVEL: &str = "/clickpipesCdcScaling";
const ORGANIZATION_LEVEL: &str = "/clickpipes/cdcScaling";

fn scaling_size() -> Value {
    json!({"replicaCpuMillicores": 4000, "replicaMemoryGb": 16})
}

async fn resize_service(bench: &RemoteBench, service: ServiceRef) -> Result<PerformedAction, Error> {
    let at = Address::for_singleton(service, Kind::CdcScaling);
    let via = UpdateVia::Resource;
    bench.remote.perform_action(&Action::update(at, None, via, scaling_size())).await
}

async fn observed_cpu(bench: &RemoteBench, service: ServiceRef) -> Option<Value> {
    Some(observed_scaling(bench, service).await?.body["replicaCpuMillicores"].clone())
}

async fn observed_scaling(bench: &RemoteBench, service: ServiceRef) -> Option<Object> {
    let kinds = BTreeMap::from([(service.clone(), BTreeSet::from([Kind::CdcScaling]))]);
    let mut live = bench.remote.observe_live(&ObserveScope { kinds, ..ObserveScope::default() }).await.unwrap();
    let at = Address::for_singleton(service, Kind::CdcScaling);
    live.remove(&at)?.objects.pop()
}

#[tokio::test(start_paused = true)]
async fn cdc_scaling_is_missing_before_first_database_pipe() {
    let bench = RemoteBench::new();
    assert_eq!(observed_cpu(&bench, ServiceRef::new(SERVICE)).await, None);
    bench.create_for_id("orders", postgres_body("orders")).await;
    assert_eq!(observed_cpu(&bench, ServiceRef::new(SERVICE)).await, Some(json!(2000)));
}

#[tokio::test(start_paused = true)]
async fn missing_cdc_scaling_error_has_a_hint() {
    let bench = RemoteBench::new();
    let error = resize_service(&bench, ServiceRef::new(SERVICE)).await.unwrap_err();
    assert_eq!(error.hint(), Some(Hint::ScalingNeedsDatabasePipe));
}

#[tokio::test(start_paused = true)]
async fn cdc_scaling_waits_for_first_pipe_and_for_its_effect() {
    let bench = RemoteBench::new();
    let began = Instant::now();
    let (created, resized) =
        join(bench.create_pipe("orders", postgres_body("orders")), resize_service(&bench, ServiceRef::new(SERVICE)))
            .await;
    created.unwrap();
    assert_eq!(resized.unwrap().progress, Progress::Ready);
    assert!(began.elapsed().as_secs() > 300, "{:?}", began.elapsed());
    assert_eq!(observed_cpu(&bench, ServiceRef::new(SERVICE)).await, Some(json!(4000)));
    let tries = bench.request_statuses("PATCH", SERVICE_LEVEL);
    assert_eq!(tries.last(), Some(&200));
    assert_eq!(tries.iter().filter(|status| **status == 200).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn cdc_scaling_without_a_pipe_fails_at_the_timeout() {
    let bench = RemoteBench::new();
    let error = resize_service(&bench, ServiceRef::new(SERVICE)).await.unwrap_err();
    insta::assert_snapshot!(error, @"`analytics/CdcScaling` is still not there after 900 s");
}

// The first database pipe loaded until the end of the run: the size was not begun, and nothing is wrong with it.
#[tokio::test(start_paused = true)]
async fn cdc_scaling_is_not_begun_after_the_end_of_the_run() {
    let settings = RemoteSettings { timeout: Duration::ZERO, ..RemoteSettings::default() };
    let bench = RemoteBench::with_settings(SandboxOptions::default(), settings);
    let error = resize_service(&bench, ServiceRef::new(SERVICE)).await.unwrap_err();
    assert!(matches!(error, Error::OutOfTime), "{error}");
    assert!(bench.request_statuses("PATCH", SERVICE_LEVEL).is_empty());
}

#[tokio::test(start_paused = true)]
async fn cdc_scaling_falls_back_to_the_organization_path() {
    let options = SandboxOptions { dialect: ApiDialect::ReferencePage, ..SandboxOptions::with_observed_quirks() };
    let bench = RemoteBench::with_settings(options, RemoteSettings::default());
    bench.create_for_id("orders", postgres_body("orders")).await;
    resize_service(&bench, ServiceRef::new(SERVICE)).await.unwrap();
    assert_eq!(bench.request_statuses("PATCH", SERVICE_LEVEL), [404]);
    assert_eq!(bench.request_statuses("PATCH", ORGANIZATION_LEVEL), [200]);
    assert!(bench.request_statuses("GET", SERVICE_LEVEL).is_empty());
}

/// The object of all services has the id of the organization, so that a plan sees that it is one.
#[tokio::test(start_paused = true)]
async fn scaling_of_the_organization_is_one_object_in_each_service() {
    for (dialect, is_one) in [(ApiDialect::ReferencePage, true), (ApiDialect::Both, false)] {
        let options = SandboxOptions { dialect, ..SandboxOptions::with_observed_quirks() };
        let bench = RemoteBench::with_settings(options, RemoteSettings::default());
        bench.create_for_id("orders", postgres_body("orders")).await;
        let of_service = observed_scaling(&bench, ServiceRef::new(SERVICE)).await.unwrap();
        let of_organization = observed_scaling(&bench, ServiceRef::for_organization()).await.unwrap();
        assert_eq!(of_service.id == of_organization.id, is_one, "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn organization_scaling_uses_one_path() {
    let options = SandboxOptions { dialect: ApiDialect::Both, ..SandboxOptions::with_observed_quirks() };
    let bench = RemoteBench::with_settings(options, RemoteSettings::default());
    bench.create_for_id("orders", postgres_body("orders")).await;
    resize_service(&bench, ServiceRef::for_organization()).await.unwrap();
    assert_eq!(observed_cpu(&bench, ServiceRef::for_organization()).await, Some(json!(4000)));
    assert!(bench.request_statuses("PATCH", SERVICE_LEVEL).is_empty());
}

#[tokio::test(start_paused = true)]
async fn cdc_scaling_cannot_be_deleted() {
    let bench = RemoteBench::new();
    let at = Address::for_singleton(ServiceRef::new(SERVICE), Kind::CdcScaling);
    let delete = Action::Delete { address: at, id: model::live::Id::new("x") };
    let error = bench.remote.perform_action(&delete).await.unwrap_err();
    insta::assert_snapshot!(error, @"the API cannot delete a CdcScaling");
}
