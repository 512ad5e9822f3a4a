//! What is live, service by service: one that cannot be read hides no other.

use std::collections::BTreeMap;

use anyhow::{Error, Result, anyhow};
use futures_util::future::try_join_all;
use model::address::ServiceRef;
use model::live::Live;
use remote::{ObserveScope, RejectionKind, Remote};

use crate::unreachable::UnreachableService;

/// What was read, and what was not.
#[derive(Default)]
pub(crate) struct ObservedServices {
    /// Everything that was asked for, of the services that could be read.
    pub(crate) live: Live,
    /// The others.
    pub(crate) unreachable: Vec<UnreachableService>,
}

/// Reads all services at the same time. `unknown` are those that have no id, and why.
///
/// # Errors
/// When nothing could be read, or the key is not accepted at all, or somebody ended the run.
pub(super) async fn observe_services(
    remote: &Remote,
    scope: ObserveScope,
    unknown: &BTreeMap<ServiceRef, String>,
) -> Result<ObservedServices> {
    collect_partial(split_by_service(scope).into_iter().map(|(service, scope)| async move {
        let answer = match unknown.get(&service) {
            Some(why) => Err(anyhow!("{why}")),
            None => remote.observe_live(&scope).await.map_err(Error::from),
        };
        (service, answer)
    }))
    .await
}

/// The same, however each service is read.
///
/// # Errors
/// As above.
pub(crate) async fn collect_partial(
    reads: impl Iterator<Item = impl Future<Output = (ServiceRef, Result<Live>)>>,
) -> Result<ObservedServices> {
    let answers = try_join_all(reads.map(|read| async {
        match read.await {
            (_, Err(error)) if is_fatal(&error) => Err(error),
            answered => Ok(answered),
        }
    }));
    let answers = answers.await?;
    let any = answers.iter().any(|(_, answer)| answer.is_ok());
    let mut reading = ObservedServices::default();
    for (service, answer) in answers {
        match answer {
            Ok(live) => reading.live.extend(live),
            Err(error) if any => reading.unreachable.push(UnreachableService::new(service, &error)),
            Err(error) => return Err(error),
        }
    }
    Ok(reading)
}

/// One scope for each service.
fn split_by_service(scope: ObserveScope) -> BTreeMap<ServiceRef, ObserveScope> {
    let mut scopes: BTreeMap<ServiceRef, ObserveScope> = BTreeMap::new();
    for (service, kinds) in scope.kinds {
        scopes.entry(service.clone()).or_default().kinds.insert(service, kinds);
    }
    for (at, blocks) in scope.detail_blocks {
        scopes.entry(at.service.clone()).or_default().detail_blocks.insert(at, blocks);
    }
    scopes
}

/// Whether no other service can be read either.
fn is_fatal(error: &Error) -> bool {
    error
        .downcast_ref::<remote::Error>()
        .is_some_and(|error| error.is_interrupted() || error.rejection_kind() == Some(RejectionKind::Unauthenticated))
}
