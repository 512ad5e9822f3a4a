//! Performs one action: sends the request and waits for its effect.

use std::collections::BTreeSet;
use std::time::Duration;

use clickpipes::lifecycle;
use clickpipes::lifecycle::{EndpointState, Progress};
use clickpipes::semantics::{FieldSemantics, dns_names, dns_patterns};
use model::action::{Action, RunState};
use model::address::{Address, Kind};
use model::live::{Id, Object, State};
use model::path::FieldPath;
use serde_json::Value;
use tokio::time::Instant;
use watch::ObjectWatch;

use crate::client::RequestSpec;
use crate::deadline::TimeBudget;
use crate::error::{Error, RejectionKind, UnreadyEndpoint};
use crate::performed_action::PerformedAction;
use crate::run_context::RunContext;
use crate::secret;
use crate::secret::{EndpointReference, FilledBody};
use crate::transport::Method;
use crate::{cdc_scaling, routes};

mod create;
mod pause_and_retry;
mod resume;
mod start_stop;
mod uncertain_write;
mod update;
mod verify_effect;
mod watch;

pub(crate) async fn perform_action(run: &RunContext, action: &Action) -> Result<PerformedAction, Error> {
    // A refusal need not name the endpoint that it is about. So the error lists those that were not ready.
    let unready = || action.request_body().map_or_else(Vec::new, |body| unready_endpoints(run, action.address(), body));
    dispatch_action(run, action).await.map_err(|error| error.with_unready_endpoints(unready))
}

/// The endpoints that a body refers to and that were not ready when they were last seen.
fn unready_endpoints(run: &RunContext, at: &Address, body: &Value) -> Vec<UnreadyEndpoint> {
    let seen = |endpoint: &Address| {
        let id = run.resolve_id(endpoint, None).ok()?;
        run.list_cache(endpoint).ok()?.last_seen(&id)
    };
    let descriptions = secret::endpoint_references(at, body).into_iter().filter_map(|reference| {
        let endpoint = reference.address;
        let object = seen(&endpoint).filter(|object| EndpointState::from(&object.state) != EndpointState::Ready)?;
        Some(UnreadyEndpoint { name: endpoint.name, state: object.state })
    });
    descriptions.collect()
}

/// Checks that the API would accept the endpoints that a body refers to: after a delete it is too late.
pub(crate) async fn ensure_endpoints_ready(run: &RunContext, at: &Address, body: &Value) -> Result<(), Error> {
    for reference in secret::endpoint_references(at, body) {
        let endpoint = &reference.address;
        run.list_cache(endpoint)?.ensure_listed(&run.client, TimeBudget::Run).await?;
        let id = run.endpoint_id(endpoint)?;
        wait_until_usable(run, &reference, &id).await?;
        run.resolve_reference(&reference)?;
    }
    refuse_unready_endpoints(run, at, body)?;
    let endpoints = unready_endpoints_by_host(run, at, body).await?;
    if endpoints.is_empty() { Ok(()) } else { Err(Error::EndpointsNotReady { address: at.clone(), endpoints }) }
}

/// The endpoints that are not ready and whose DNS names a body has as text. The plan knows only those that a manifest
/// declares, because it lists the endpoints of a service only if something refers to them.
async fn unready_endpoints_by_host(
    run: &RunContext,
    at: &Address,
    body: &Value,
) -> Result<Vec<UnreadyEndpoint>, Error> {
    let hosts = FieldSemantics::for_kind(at.kind).all_connected_hosts(body);
    let wanted: BTreeSet<String> = hosts.iter().flat_map(|host| dns_patterns(host)).collect();
    let kind = Kind::ReversePrivateEndpoint;
    let Ok(list_cache) = run.list_cache(&Address { kind, ..at.clone() }) else { return Ok(Vec::new()) };
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    match list_cache.ensure_listed(&run.client, TimeBudget::Run).await {
        // An API without endpoints has none that is not ready.
        Err(error) if error.is_not_offered() => return Ok(Vec::new()),
        listed => listed?,
    }
    let seen = list_cache.all_seen().into_iter();
    let unready = seen.filter(|(_, endpoint)| {
        let mut names = dns_names(kind, &endpoint.body).into_iter();
        !lifecycle::is_usable(kind, endpoint) && names.any(|name| wanted.contains(&name.to_ascii_lowercase()))
    });
    Ok(unready.map(|(name, endpoint)| UnreadyEndpoint { name, state: endpoint.state }).collect())
}

// The API refuses some pipes whose endpoint nobody accepted. It accepts others, which then read nothing.
fn refuse_unready_endpoints(run: &RunContext, at: &Address, body: &Value) -> Result<(), Error> {
    let endpoints = unready_endpoints(run, at, body);
    if endpoints.is_empty() { Ok(()) } else { Err(Error::EndpointsNotReady { address: at.clone(), endpoints }) }
}

async fn dispatch_action(run: &RunContext, action: &Action) -> Result<PerformedAction, Error> {
    if let (Kind::CdcScaling, Some(body)) = (action.address().kind, action.request_body()) {
        return cdc_scaling::update_scaling(run, &action.address().service, body).await;
    }
    match action {
        Action::Create { address: at, body, paused_beside, unproven } => {
            create::create_object(run, at, body, paused_beside.as_ref(), unproven).await
        }
        Action::Update { address: at, id, via, body, restore: _, unproven } => {
            let id = run.resolve_id(at, id.as_ref())?;
            update::update_with_unproven(run, at, &id, *via, (body, unproven)).await
        }
        Action::SetState { address: at, id, to } => {
            let id = run.resolve_id(at, id.as_ref())?;
            match to {
                RunState::Running => start_stop::start_object(run, at, &id).await,
                RunState::Stopped => start_stop::stop_object(run, at, &id).await,
            }
        }
        Action::Delete { address: at, id } => delete_object(run, at, id).await,
    }
}

/// The body without the fields that only an answer of the API has shown, if the API refused the body and there are such.
//
// Hazard: a newer API answers with a field that it computes and takes in no request. Sent back in the body of a
// replacement, or of a table mapping that is added again, it is refused when the old one is gone.
//
//     DELETE                         200
//     POST with the field            400, in words that nobody documents
//     POST without the field         200
fn without_unproven(error: &Error, body: &Value, unproven: &[FieldPath]) -> Option<Value> {
    let is_refused = matches!(error, Error::Rejected(refused) if refused.kind == RejectionKind::InvalidRequest);
    (is_refused && !unproven.is_empty()).then(|| {
        let mut proven = body.clone();
        for path in unproven {
            path.prune_in(&mut proven);
        }
        proven
    })
}

fn left_out_note(unproven: &[FieldPath], done: &str) -> String {
    let names: Vec<String> = unproven.iter().map(|path| format!("`{path}`")).collect();
    format!("the API refused {} and {done} without", names.join(", "))
}

/// Waits for an object that is being created, perhaps by an earlier run; `false` if that is not needed.
async fn wait_until_created(run: &RunContext, at: &Address, id: &Id) -> Result<bool, Error> {
    let in_progress =
        |object: &Object| lifecycle::progress_toward(at.kind, object, RunState::Running) == Progress::InProgress;
    let is_awaited = run.list_cache(at)?.last_seen(id).as_ref().is_some_and(in_progress);
    if is_awaited {
        ObjectWatch::new(run, at, id)?.until_settled(RunState::Running, None).await?;
    }
    Ok(is_awaited)
}

/// Waits until an endpoint has settled and has its names; `false` if that is not needed.
async fn wait_until_usable(run: &RunContext, reference: &EndpointReference<'_>, id: &Id) -> Result<bool, Error> {
    let at = &reference.address;
    let was_created = wait_until_created(run, at, id).await?;
    let seen = run.list_cache(at)?.last_seen(id);
    // Somebody may have accepted it since it was seen.
    if seen.is_some_and(|object| !lifecycle::is_usable(at.kind, &object)) {
        ObjectWatch::new(run, at, id)?.next_object().await?;
    }
    let was_named = wait_until_named(run, reference, id).await?;
    Ok(was_created || was_named)
}

/// Time within which an endpoint that is ready gets its DNS names.
const NAMED_WITHIN: Duration = Duration::from_secs(2 * 60);

/// Waits until an endpoint has the names that a reference needs; `false` if that is not needed.
// The API may return `Ready` before it returns the DNS names.
async fn wait_until_named(run: &RunContext, reference: &EndpointReference<'_>, id: &Id) -> Result<bool, Error> {
    let is_missing = || matches!(run.resolve_reference(reference), Err(Error::EndpointWithoutDnsName { .. }));
    let (mut watch, end) = (ObjectWatch::new(run, &reference.address, id)?, Instant::now() + NAMED_WITHIN);
    let mut has_waited = false;
    // It ends without its own error: the next step reports which name is missing.
    while is_missing() && Instant::now() < end {
        watch.next_object().await?;
        has_waited = true;
    }
    Ok(has_waited)
}

// It waits for the endpoints of the body: the API refuses a pipe whose endpoint is still being created.
pub(crate) async fn fill_references(run: &RunContext, at: &Address, body: &Value) -> Result<FilledBody, Error> {
    for reference in secret::endpoint_references(at, body) {
        let endpoint = &reference.address;
        run.list_cache(endpoint)?.ensure_listed(&run.client, TimeBudget::Run).await?;
        // Filling reports endpoints that are missing, or not unique.
        let Ok(id) = run.resolve_id(endpoint, None) else { continue };
        if wait_until_usable(run, &reference, &id).await? {
            run.list_cache(at)?.note_wait();
        }
    }
    refuse_unready_endpoints(run, at, body)?;
    let filled = secret::fill_body(at, body, run.secrets.as_ref(), |reference| run.resolve_reference(reference))?;
    run.client.run_redaction.add_request(&filled.redaction);
    Ok(filled)
}

pub(crate) use resume::resume_pipe;
pub(crate) use start_stop::resync_pipe;

/// Deletes an object and waits until no list shows it.
//
// The API acknowledges a delete at once and performs it later; a managed Pub/Sub subscription was seen to be deleted 22
// to 24 seconds after the response. The next action (the create of a replacement, the delete of the endpoint that the
// pipe used) is refused, or harms the old object, while it still exists. So the wait is part of the action.
async fn delete_object(run: &RunContext, at: &Address, id: &Id) -> Result<PerformedAction, Error> {
    if at.kind == Kind::CdcScaling {
        return Err(Error::Unsupported { what: "delete", kind: at.kind });
    }
    let list_cache = run.list_cache(at)?;
    let path = routes::object_url(&list_cache.path, id);
    let budget = run.budget_for(at);
    let answer = run.client.send(RequestSpec::new(Method::Delete, &path).with_budget(budget).with_object(at)).await;
    // Whoever deleted it may have created another one of the name.
    list_cache.note_wait();
    match answer {
        Ok(_) => ObjectWatch::new(run, at, id)?.with_budget(budget).until_deleted().await?,
        // Somebody else deleted it, or an earlier attempt whose response was lost did. Either way it does not exist.
        Err(error) if error.rejection_kind() == Some(RejectionKind::NotFound) => {}
        Err(error) => return Err(error),
    }
    list_cache.forget_object(id);
    run.note_deleted(at, id);
    Ok(PerformedAction {
        id: id.clone(),
        state: State::default(),
        progress: Progress::Ready,
        notes: Vec::new(),
        live: None,
    })
}
