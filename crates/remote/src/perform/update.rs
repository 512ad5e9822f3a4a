//! Updates fields of an object.

use clickpipes::lifecycle::PipeState;
use clickpipes::semantics::FieldSemantics;
use model::action::{RunState, UpdateVia};
use model::address::Address;
use model::live::{Id, Object, State};
use model::path::FieldPath;
use serde_json::Value;

use super::pause_and_retry::{needs_pause, pause_and_retry};
use super::start_stop::can_be_started;
use super::uncertain_write::UncertainWrite;
use super::verify_effect::{EffectSeen, verify_effect};
use super::watch::ObjectWatch;
use super::{left_out_note, without_unproven};
use crate::client::RequestSpec;
use crate::deadline::TimeBudget;
use crate::decode;
use crate::error::Error;
use crate::performed_action::PerformedAction;
use crate::routes;
use crate::run_context::RunContext;
use crate::settings::WaitMode;
use crate::transport::Method;

/// Updates the object, if need be without what only an answer of the API has shown.
pub(super) async fn update_with_unproven(
    run: &RunContext,
    at: &Address,
    id: &Id,
    via: UpdateVia,
    (body, unproven): (&Value, &[FieldPath]),
) -> Result<PerformedAction, Error> {
    let updated = update_object(run, at, id, via, body).await;
    match updated.as_ref().err().and_then(|error| without_unproven(error, body, unproven)) {
        Some(proven) => {
            let mut updated = update_object(run, at, id, via, &proven).await?;
            updated.notes.push(left_out_note(unproven, "changed the object"));
            Ok(updated)
        }
        None => updated,
    }
}

async fn update_object(
    run: &RunContext,
    at: &Address,
    id: &Id,
    via: UpdateVia,
    body: &Value,
) -> Result<PerformedAction, Error> {
    let edit = || send_and_wait(run, at, id, via, body);
    match edit().await {
        Err(refused) if needs_pause(&refused) => pause_and_retry(run, at, id, refused, edit).await,
        other => other,
    }
}

async fn send_and_wait(
    run: &RunContext,
    at: &Address,
    id: &Id,
    via: UpdateVia,
    body: &Value,
) -> Result<PerformedAction, Error> {
    let list_cache = run.list_cache(at)?;
    let before = list_cache.last_seen(id);
    let may_resume = before.as_ref().is_some_and(|before| would_resume(at, before, via, body));
    let sent = send_until_effective(run, at, id, via, body).await;
    // Also after a lost response: if the edit took effect, the API still resumes the pipe.
    if may_resume && sent.as_ref().err().is_none_or(Error::is_outcome_unknown) {
        list_cache.note_edit(id);
    }
    let SentUpdate { object, note } = sent?;
    let object = object.or_else(|| before.clone()).unwrap_or_else(|| unknown_object(id));
    list_cache.note_object(&at.name, &object);
    // A pipe that was stopped need not run after the edit: the start or stop that follows waits for it.
    let stays = before.as_ref().is_some_and(|before| can_be_started(at, before));
    let mut performed = if stays || run.settings.wait == WaitMode::None {
        PerformedAction::new(at, &object, RunState::Running)
    } else {
        let before = before.map(|before| before.state);
        let mut watch = ObjectWatch::new(run, at, id)?;
        let object = watch.until_settled(RunState::Running, before.as_ref()).await?;
        PerformedAction::from_listed(at, object, RunState::Running)
    };
    performed.notes.extend(note.map(str::to_owned));
    Ok(performed)
}

struct SentUpdate {
    /// The object in the response; `None` for settings, whose response contains only them.
    object: Option<Object>,
    note: Option<&'static str>,
}

const FOUND_NOTE: &str = "the update got no answer; the live object shows that it took effect";

/// Whether the API resumes the pipe by itself after this edit.
fn would_resume(at: &Address, before: &Object, via: UpdateVia, body: &Value) -> bool {
    // The API runs a paused database pipe to test an edit (seen live). Only database pipes are `Paused`; a rename is
    // not tested.
    let name = at.kind.name_path();
    let edits = |field: &String| name.as_ref().and_then(FieldPath::last_segment) != Some(field);
    let fields = body.as_object().into_iter().flatten();
    via == UpdateVia::Resource
        && PipeState::from(&before.state) == PipeState::Paused
        && fields.map(|(field, _)| field).any(edits)
}

/// Sends the update until it is answered, or a list shows its effect.
// Settings and sizes are idempotent, so their retries are the client's. An edit of the object is not: the API refuses
// to add a mapping that exists, and to edit a pipe that resumed because of the first attempt.
async fn send_until_effective(
    run: &RunContext,
    at: &Address,
    id: &Id,
    via: UpdateVia,
    body: &Value,
) -> Result<SentUpdate, Error> {
    let mut uncertain_write = UncertainWrite::new(run, at, id, TimeBudget::Run);
    loop {
        let error = match send_request(run, at, id, via, body).await {
            Ok(object) => return Ok(SentUpdate { object, note: None }),
            Err(error) => error,
        };
        if !uncertain_write.should_check_effect(&error) || via != UpdateVia::Resource {
            return Err(error);
        }
        let rules = FieldSemantics::for_kind(at.kind);
        // `NotReadable` counts as not in force. A password that is sent twice does no harm; one that is lost cuts the
        // pipe off.
        let in_force = |live: &Object| verify_effect(rules, body, &live.body) == EffectSeen::Yes;
        if let Some(object) = uncertain_write.check_effect(error, in_force).await? {
            return Ok(SentUpdate { object: Some(object), note: Some(FOUND_NOTE) });
        }
    }
}

async fn send_request(
    run: &RunContext,
    at: &Address,
    id: &Id,
    via: UpdateVia,
    body: &Value,
) -> Result<Option<Object>, Error> {
    let list_cache = run.list_cache(at)?;
    let filled = super::fill_references(run, at, body).await?;
    let path = routes::part_url(&routes::object_url(&list_cache.path, id), via);
    let (method, call) = match via {
        UpdateVia::Settings => (Method::Put, RequestSpec::new(Method::Put, &path)),
        UpdateVia::Scaling => (Method::Patch, RequestSpec::new(Method::Patch, &path)),
        UpdateVia::Resource => (Method::Patch, RequestSpec::new(Method::Patch, &path).at_most_once()),
    };
    let result = run.client.send(call.with_body(&filled)).await?;
    // The answer to settings contains only settings. An answer in another form does not undo the edit either: the next
    // list shows the object.
    let item = decode::decode_object(at.kind, method, &path, result).ok();
    let mut object = item.map(|item| item.object).filter(|object| &object.id == id);
    if let Some(object) = &mut object {
        run.client.run_redaction.redact_object(at.kind, object);
    }
    Ok(object)
}

fn unknown_object(id: &Id) -> Object {
    Object { id: id.clone(), state: State::default(), body: Value::Null }
}
