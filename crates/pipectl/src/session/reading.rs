//! What is live, service by service: one that cannot be read hides no other.

use std::collections::BTreeMap;

use anyhow::{Error, Result, anyhow};
use futures_util::future::try_join_all;
use model::address::ServiceRef;
use model::live::Live;
use remote::{Rejection, Remote, Scope};

use crate::render::unread::Unread;

/// What was read, and what was not.
#[derive(Default)]
pub(crate) struct Reading {
    /// Everything that was asked for, of the services that could be read.
    pub(crate) live: Live,
    /// The others.
    pub(crate) unread: Vec<Unread>,
}

/// Reads all services at the same time. `unknown` are those that have no id, and why.
///
/// # Errors
/// When nothing could be read, or the key is not accepted at all, or somebody ended the run.
pub(super) async fn read(
    remote: &Remote,
    scope: Scope,
    unknown: &BTreeMap<ServiceRef, String>,
) -> Result<Reading> {
    gather(by_service(scope).into_iter().map(|(service, scope)| async move {
        let answer = match unknown.get(&service) {
            Some(why) => Err(anyhow!("{why}")),
            None => remote.observe(&scope).await.map_err(Error::from),
        };
        (service, answer)
    }))
    .await
}

/// The same, however each service is read.
///
/// # Errors
/// As above.
pub(crate) async fn gather(
    reads: impl Iterator<Item = impl Future<Output = (ServiceRef, Result<Live>)>>,
) -> Result<Reading> {
    let answers = try_join_all(reads.map(|read| async {
        match read.await {
            (_, Err(error)) if concerns_all(&error) => Err(error),
            answered => Ok(answered),
        }
    }));
    let answers = answers.await?;
    let any = answers.iter().any(|(_, answer)| answer.is_ok());
    let mut reading = Reading::default();
    for (service, answer) in answers {
        match answer {
            Ok(live) => reading.live.extend(live),
            Err(error) if any => reading.unread.push(Unread::new(service, &error)),
            Err(error) => return Err(error),
        }
    }
    Ok(reading)
}

/// One scope for each service.
fn by_service(scope: Scope) -> BTreeMap<ServiceRef, Scope> {
    let mut scopes: BTreeMap<ServiceRef, Scope> = BTreeMap::new();
    for (service, kinds) in scope.kinds {
        scopes.entry(service.clone()).or_default().kinds.insert(service, kinds);
    }
    for (at, blocks) in scope.detail {
        scopes.entry(at.service.clone()).or_default().detail.insert(at, blocks);
    }
    scopes
}

/// Whether no other service can be read either.
fn concerns_all(error: &Error) -> bool {
    error.downcast_ref::<remote::Error>().is_some_and(|error| {
        error.is_interrupted() || error.rejection() == Some(Rejection::Unauthenticated)
    })
}
