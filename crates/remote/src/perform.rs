//! Carries out one action: the request, the wait, and the oddities of both.

use std::sync::OnceLock;

use clickpipes::lifecycle::{self, Progress};
use model::action::{Action, RunState};
use model::address::{Address, Kind};
use model::live::{Id, Object, State};
use serde_json::{Value, json};

use crate::cdc_scaling;
use crate::error::{Error, RejectionKind, UnreadyEndpoint, api_phrases};
use crate::remote::Remote;
use crate::secret;

mod create;
mod delete;
mod pause_and_retry;
mod resume;
mod start_stop;
mod uncertain_write;
mod update;
mod verify_effect;
mod watch;

/// What became of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct PerformedAction {
    /// The object; for sizes that have no id, the service or organization.
    pub id: Id,
    /// Its state when it was last seen.
    pub state: State,
    /// What that state means; `Moving` where nobody waited.
    pub progress: Progress,
    /// What a person should know although nothing went wrong.
    pub notes: Vec<String>,
    /// The object as it was seen after the write, to be compared with what was wanted; `None`
    /// where nobody had to look. The answer to the write itself does not count: the API may
    /// accept what it does not carry out.
    pub live: Option<Object>,
}

pub(crate) async fn perform_action(remote: &Remote, action: &Action) -> Result<PerformedAction, Error> {
    let unready =
        || action.request_body().map_or_else(Vec::new, |body| unready_endpoints(remote, action.address(), body));
    dispatch_action(remote, action).await.map_err(|error| error.with_unready_endpoints(unready))
}

/// The endpoints that a body names and that carry nothing yet, as far as they were seen.
fn unready_endpoints(remote: &Remote, at: &Address, body: &Value) -> Vec<UnreadyEndpoint> {
    let seen = |endpoint: &Address| {
        let id = remote.resolve_id(endpoint, None).ok()?;
        remote.list_cache(endpoint).ok()?.last_seen(&id)
    };
    let descriptions = secret::referenced_endpoints(at, body).into_iter().filter_map(|endpoint| {
        let object = seen(&endpoint).filter(|object| object.state.as_str() != "Ready")?;
        Some(UnreadyEndpoint { name: endpoint.name, state: object.state })
    });
    descriptions.collect()
}

async fn dispatch_action(remote: &Remote, action: &Action) -> Result<PerformedAction, Error> {
    match action {
        Action::Create { address: at, body } | Action::Update { address: at, body, .. }
            if at.kind == Kind::CdcScaling =>
        {
            cdc_scaling::update_scaling(remote, &at.service, body).await
        }
        Action::Create { address: at, body } => create::create_object(remote, at, body).await,
        Action::Update { address: at, id, via, body } => {
            let id = remote.resolve_id(at, id.as_ref())?;
            update::update_object(remote, at, &id, *via, body).await
        }
        Action::SetState { address: at, id, to } => {
            let id = remote.resolve_id(at, id.as_ref())?;
            match to {
                RunState::Running => start_stop::start_object(remote, at, &id).await,
                RunState::Stopped => start_stop::stop_object(remote, at, &id).await,
            }
        }
        Action::Delete { address: at, id } => delete::delete_object(remote, at, id).await,
    }
}

/// Waits for an object that is still being made, perhaps by an earlier run.
pub(crate) async fn wait_until_created(remote: &Remote, at: &Address, id: &Id) -> Result<(), Error> {
    let in_progress =
        |object: &Object| lifecycle::progress_toward(at.kind, object, RunState::Running) == Progress::InProgress;
    if remote.list_cache(at)?.last_seen(id).as_ref().is_some_and(in_progress) {
        watch::ObjectWatch::new(remote, at, id)?.until_settled(RunState::Running, None).await?;
    }
    Ok(())
}

pub(crate) use resume::resume_pipe;
pub(crate) use start_stop::resync_pipe;

impl PerformedAction {
    pub(crate) fn new(at: &Address, object: &Object, desired_state: RunState) -> Self {
        Self {
            id: object.id.clone(),
            state: object.state.clone(),
            progress: lifecycle::progress_toward(at.kind, object, desired_state),
            notes: lifecycle::attention_note(at.kind, object).map(str::to_owned).into_iter().collect(),
            live: None,
        }
    }

    /// The same for an object that a list has just shown.
    pub(crate) fn from_listed(at: &Address, object: Object, desired_state: RunState) -> Self {
        let performed = Self::new(at, &object, desired_state);
        Self { live: Some(object), ..performed }
    }
}

/// The API's own schema says `command`; the reference page says `action`. Whichever the server was
/// seen to take is kept for the run.
#[derive(Default)]
pub(crate) struct CommandDialect {
    known_key: OnceLock<CommandKey>,
}

/// What the server may call a command.
#[derive(Clone, Copy)]
enum CommandKey {
    Command,
    Action,
}

impl CommandKey {
    fn command_body(self, command: &str) -> Value {
        let key = match self {
            Self::Command => "command",
            Self::Action => "action",
        };
        json!({ key: command })
    }
}

impl CommandDialect {
    /// The word to begin with, and the other one where it is not known yet which is right.
    fn keys_to_try(&self) -> (CommandKey, Option<CommandKey>) {
        self.known_key.get().map_or((CommandKey::Command, Some(CommandKey::Action)), |known| (*known, None))
    }

    fn remember_key(&self, key: CommandKey) {
        let _known_already = self.known_key.set(key);
    }
}

fn is_about_command_key(error: &Error) -> bool {
    let Error::Rejected(rejected) = error else { return false };
    let is_invalid = rejected.kind == RejectionKind::InvalidRequest && rejected.status == 400;
    is_invalid && api_phrases::is_about_command_key(&rejected.message)
}
