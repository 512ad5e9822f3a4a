//! Reads what is live: one list per service and kind, and one object where its list says less.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use model::action::Endpoint;
use model::address::{Address, Kind, ServiceRef};
use model::live::{Live, Object};
use serde_json::Value;

use crate::answer::Item;
use crate::cdc_scaling;
use crate::collection::Collection;
use crate::error::{Error, Rejection};
use crate::remote::Remote;
use crate::routes;

/// What to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The kinds that are wanted of each service; of [`ServiceRef::organization`] only
    /// [`Kind::CdcScaling`] has anything to show.
    pub kinds: BTreeMap<ServiceRef, BTreeSet<Kind>>,
    /// The top-level blocks that matter of an object. If its list leaves one of them out, the
    /// object itself is asked for it.
    pub detail: BTreeMap<Address, Vec<String>>,
}

/// The block that has an address of its own.
const SETTINGS: &str = "settings";

pub(crate) async fn observe(remote: &Remote, scope: &Scope) -> Result<Live, Error> {
    let wanted = scope.kinds.iter().flat_map(|(service, kinds)| {
        kinds.iter().map(|kind| observe_kind(remote, scope, service, *kind))
    });
    let mut live = Live::new();
    for (at, object) in try_join_all(wanted).await?.into_iter().flatten() {
        live.entry(at).or_default().objects.push(object);
    }
    for observed in live.values_mut() {
        observed.objects.sort_by(|a, b| a.id.cmp(&b.id));
    }
    Ok(live)
}

async fn observe_kind(
    remote: &Remote,
    scope: &Scope,
    service: &ServiceRef,
    kind: Kind,
) -> Result<Vec<(Address, Object)>, Error> {
    if kind == Kind::CdcScaling {
        let at = Address::singleton(service.clone(), kind);
        let found = cdc_scaling::observe(remote, service).await?;
        return Ok(found.map(|object| (at, object)).into_iter().collect());
    }
    if service.is_organization() {
        return Ok(Vec::new());
    }
    let at = |name| Address::new(service.clone(), kind, name);
    let collection = remote.collection(&at(model::address::Name::new("")))?;
    let items = collection.list(&remote.client).await?;
    let detailed = items.into_iter().map(|Item { name, object }| async {
        let at = at(name);
        let blocks = scope.detail.get(&at).map_or(&[][..], Vec::as_slice);
        let object = detailed(remote, collection, object, blocks).await?;
        Ok((at, object))
    });
    try_join_all(detailed).await
}

/// The object with the blocks that its list left out, as far as the API shows them.
async fn detailed(
    remote: &Remote,
    collection: &Collection,
    mut object: Object,
    blocks: &[String],
) -> Result<Object, Error> {
    if !blocks.iter().any(|block| lacks(&object.body, block)) {
        return Ok(object);
    }
    let path = routes::object(&collection.path, &object.id);
    if let Some(body) = found(remote.client.get(&path).await)? {
        object.body = body;
    }
    if blocks.iter().any(|block| block == SETTINGS) && lacks(&object.body, SETTINGS) {
        let path = routes::part(&path, Endpoint::Settings);
        if let Some(settings) = found(remote.client.get(&path).await)? {
            object.body[SETTINGS] = settings;
        }
    }
    Ok(object)
}

/// An object that was deleted meanwhile, or settings that a pipe does not have, are no error.
fn found(answer: Result<Value, Error>) -> Result<Option<Value>, Error> {
    match answer {
        Err(error) if error.rejection() == Some(Rejection::NotFound) => Ok(None),
        Ok(value) => Ok(Some(value).filter(Value::is_object)),
        Err(error) => Err(error),
    }
}

fn lacks(body: &Value, block: &str) -> bool {
    match body.get(block) {
        None | Some(Value::Null) => true,
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(_) => false,
    }
}
