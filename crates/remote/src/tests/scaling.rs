//! The size of database pipes, on either of the two paths that are told of it.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join;
use model::action::{Action, Endpoint};
use model::address::{Address, Kind, ServiceRef};
use model::lifecycle::Standing;
use sandbox::{Dialect, Options};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::bench::{Bench, SERVICE};
use super::fixtures::postgres;
use crate::{Error, Performed, Scope, Settings};

const SERVICE_LEVEL: &str = "/clickpipesCdcScaling";
const ORGANIZATION_LEVEL: &str = "/clickpipes/cdcScaling";

fn size() -> Value {
    json!({"replicaCpuMillicores": 4000, "replicaMemoryGb": 16})
}

async fn resize(bench: &Bench, service: ServiceRef) -> Result<Performed, Error> {
    let at = Address::singleton(service, Kind::CdcScaling);
    let via = Endpoint::Resource;
    bench.remote.perform(&Action::Update { at, id: None, via, body: size() }).await
}

async fn observed(bench: &Bench, service: ServiceRef) -> Option<Value> {
    let kinds = BTreeMap::from([(service.clone(), BTreeSet::from([Kind::CdcScaling]))]);
    let live = bench.remote.observe(&Scope { kinds, ..Scope::default() }).await.unwrap();
    let at = Address::singleton(service, Kind::CdcScaling);
    Some(live.get(&at)?.objects[0].body["replicaCpuMillicores"].clone())
}

#[tokio::test(start_paused = true)]
async fn there_is_nothing_to_see_before_the_first_database_pipe() {
    let bench = Bench::new();
    assert_eq!(observed(&bench, ServiceRef::new(SERVICE)).await, None);
    bench.created("orders", postgres("orders")).await;
    assert_eq!(observed(&bench, ServiceRef::new(SERVICE)).await, Some(json!(2000)));
}

#[tokio::test(start_paused = true)]
async fn a_size_that_nothing_has_says_what_it_waits_for() {
    let bench = Bench::new();
    let error = resize(&bench, ServiceRef::new(SERVICE)).await.unwrap_err();
    insta::assert_snapshot!(error.hint().unwrap(), @"there is one only where a database pipe is: declare a pipe beside it, or take it out until there is one");
}

#[tokio::test(start_paused = true)]
async fn a_size_waits_for_the_first_database_pipe_and_until_it_is_in_force() {
    let bench = Bench::new();
    let began = Instant::now();
    let (created, resized) =
        join(bench.create("orders", postgres("orders")), resize(&bench, ServiceRef::new(SERVICE)))
            .await;
    created.unwrap();
    assert_eq!(resized.unwrap().standing, Standing::Settled);
    assert!(began.elapsed().as_secs() > 300, "{:?}", began.elapsed());
    assert_eq!(observed(&bench, ServiceRef::new(SERVICE)).await, Some(json!(4000)));
    let tries = bench.asked("PATCH", SERVICE_LEVEL);
    assert_eq!(tries.last(), Some(&200));
    assert_eq!(tries.iter().filter(|status| **status == 200).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_size_that_has_nothing_to_apply_to_ends_with_the_run() {
    let bench = Bench::new();
    let error = resize(&bench, ServiceRef::new(SERVICE)).await.unwrap_err();
    insta::assert_snapshot!(error, @"`analytics/CdcScaling` is still not there after 900 s");
}

#[tokio::test(start_paused = true)]
async fn the_path_of_the_reference_page_is_found_and_kept() {
    let options = Options { dialect: Dialect::ReferencePage, ..Options::default() };
    let bench = Bench::with(options, Settings::default());
    bench.created("orders", postgres("orders")).await;
    resize(&bench, ServiceRef::new(SERVICE)).await.unwrap();
    assert_eq!(bench.asked("PATCH", SERVICE_LEVEL), [404]);
    assert_eq!(bench.asked("PATCH", ORGANIZATION_LEVEL), [200]);
    assert!(bench.asked("GET", SERVICE_LEVEL).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_size_of_an_organization_has_one_path() {
    let options = Options { dialect: Dialect::Both, ..Options::default() };
    let bench = Bench::with(options, Settings::default());
    bench.created("orders", postgres("orders")).await;
    resize(&bench, ServiceRef::organization()).await.unwrap();
    assert_eq!(observed(&bench, ServiceRef::organization()).await, Some(json!(4000)));
    assert!(bench.asked("PATCH", SERVICE_LEVEL).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_size_cannot_be_deleted() {
    let bench = Bench::new();
    let at = Address::singleton(ServiceRef::new(SERVICE), Kind::CdcScaling);
    let delete = Action::Delete { at, id: model::live::Id::new("x") };
    let error = bench.remote.perform(&delete).await.unwrap_err();
    insta::assert_snapshot!(error, @"the API cannot delete a CdcScaling");
}
