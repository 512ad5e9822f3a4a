//! Reads live objects: one list per service and kind, and single objects that their list shows incompletely.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use model::action::UpdateVia;
use model::address::{Address, Kind, ServiceRef};
use model::live::{Live, Object};
use serde_json::Value;

use crate::cdc_scaling;
use crate::decode::DecodedObject;
use crate::error::Error;
use crate::list_cache::ListCache;
use crate::rate_limiter::lock_ignoring_poison;
use crate::routes;
use crate::run_context::RunContext;

/// The part of the live side that a run needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObserveScope {
    /// The kinds to list in each service. [`ServiceRef::for_organization`] only has [`Kind::CdcScaling`].
    pub kinds: BTreeMap<ServiceRef, BTreeSet<Kind>>,
    /// The top-level blocks that a manifest declares. If the list leaves one out, the object is read on its own.
    pub detail_blocks: BTreeMap<Address, Vec<String>>,
}

/// The block with its own URL.
const SETTINGS_BLOCK: &str = "settings";

pub(crate) async fn observe_scope(run: &RunContext, scope: &ObserveScope) -> Result<Live, Error> {
    let observations = scope
        .kinds
        .iter()
        .flat_map(|(service, kinds)| kinds.iter().map(|kind| observe_kind(run, scope, service, *kind)));
    let mut live = Live::new();
    for (at, object) in try_join_all(observations).await?.into_iter().flatten() {
        live.entry(at).or_default().objects.push(object);
    }
    // The API does not document an order of its lists. Without one, the same objects could give different plans.
    for observed in live.values_mut() {
        observed.objects.sort_by(|a, b| a.id.cmp(&b.id));
    }
    Ok(live)
}

async fn observe_kind(
    run: &RunContext,
    scope: &ObserveScope,
    service: &ServiceRef,
    kind: Kind,
) -> Result<Vec<(Address, Object)>, Error> {
    if kind == Kind::CdcScaling {
        let at = Address::for_singleton(service.clone(), kind);
        let found = cdc_scaling::observe_scaling(run, service).await?;
        return Ok(found.map(|object| (at, object)).into_iter().collect());
    }
    if service.is_organization() {
        return Ok(Vec::new());
    }
    let at = |name| Address::new(service.clone(), kind, name);
    let list_cache = run.list_cache(&at(model::address::Name::new("")))?;
    let items = match list_cache.list_for_plan(&run.client).await {
        // The reference page has no path for these. A plan must know that: with only an empty list, it would create
        // what a manifest declares.
        Err(error) if kind == Kind::ReversePrivateEndpoint && error.is_not_offered() => {
            lock_ignoring_poison(&run.missing_lists).insert((service.clone(), kind));
            Vec::new()
        }
        items => items?,
    };
    let detailed = items.into_iter().map(|DecodedObject { name, object }| async {
        let at = at(name);
        let blocks = scope.detail_blocks.get(&at).map_or(&[][..], Vec::as_slice);
        let object = fetch_details(run, list_cache, object, blocks).await?;
        Ok((at, object))
    });
    try_join_all(detailed).await
}

/// The object with the blocks that its list omitted, as far as the API returns them.
// The schema says that a list shows an object completely, which has not been proven for the live API. Two more requests
// per object are the exception: at 10 requests in 10 seconds, one for each of 100 pipes would take a minute and a half.
async fn fetch_details(
    run: &RunContext,
    list_cache: &ListCache,
    mut object: Object,
    blocks: &[String],
) -> Result<Object, Error> {
    if !blocks.iter().any(|block| is_block_missing(&object.body, block)) {
        return Ok(object);
    }
    let path = routes::object_url(&list_cache.path, &object.id);
    if let Some(body) = ignore_not_found(run.client.get(&path).await)? {
        object.body = body;
    }
    if blocks.iter().any(|block| block == SETTINGS_BLOCK) && is_block_missing(&object.body, SETTINGS_BLOCK) {
        let path = routes::part_url(&path, UpdateVia::Settings);
        if let Some(settings) = ignore_not_found(run.client.get(&path).await)? {
            object.body[SETTINGS_BLOCK] = settings;
        }
    }
    Ok(object)
}

fn ignore_not_found(answer: Result<Value, Error>) -> Result<Option<Value>, Error> {
    match answer {
        // The object was deleted meanwhile, or is a database pipe, which has no settings.
        Err(error) if error.is_not_offered() => Ok(None),
        Ok(value) => Ok(Some(value).filter(Value::is_object)),
        Err(error) => Err(error),
    }
}

fn is_block_missing(body: &Value, block: &str) -> bool {
    match body.get(block) {
        None | Some(Value::Null) => true,
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(_) => false,
    }
}
