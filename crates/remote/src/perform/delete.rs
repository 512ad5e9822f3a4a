//! Deletes an object and waits until no list shows it.
//
// The API acknowledges a delete at once and carries it out later; a managed Pub/Sub subscription was seen to be
// deleted 22 to 24 seconds after the answer. Whatever follows (the create of a replacement, the delete of the
// endpoint that the pipe used) is refused, or harms the old object, while it is still there. So the wait is part of
// the action.

use clickpipes::lifecycle::Progress;
use model::address::{Address, Kind};
use model::live::{Id, State};

use super::watch::ObjectWatch;
use crate::client::RequestSpec;
use crate::error::{Error, RejectionKind};
use crate::performed_action::PerformedAction;
use crate::routes;
use crate::run_context::RunContext;
use crate::transport::Method;

pub(super) async fn delete_object(run: &RunContext, at: &Address, id: &Id) -> Result<PerformedAction, Error> {
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
        // Somebody else deleted it, or an earlier attempt whose answer was lost. Either way it does not exist.
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
