//! Carries out one action: the request, the wait, and the oddities of both.

use std::sync::OnceLock;

use model::action::{Action, RunState};
use model::address::{Address, Kind};
use model::lifecycle::{self, Standing};
use model::live::{Id, Object, State};
use serde_json::{Value, json};

use crate::cdc_scaling;
use crate::error::{Error, Rejection};
use crate::remote::Remote;
use crate::secret;

mod create;
mod delete;
mod lost;
mod paused;
mod resume;
mod shown;
mod state;
mod update;
mod watch;

/// What became of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Performed {
    /// The object; for sizes that have no id, the service or organization.
    pub id: Id,
    /// Its state when it was last seen.
    pub state: State,
    /// What that state means; `Moving` where nobody waited.
    pub standing: Standing,
    /// What a person should know although nothing went wrong.
    pub notes: Vec<String>,
    /// The object as it was seen after the write, to be compared with what was wanted; `None`
    /// where nobody had to look. The answer to the write itself does not count: the API may
    /// accept what it does not carry out.
    pub live: Option<Object>,
}

pub(crate) async fn perform(remote: &Remote, action: &Action) -> Result<Performed, Error> {
    let unready = || action.body().map_or_else(Vec::new, |body| unready(remote, action.at(), body));
    carried_out(remote, action).await.map_err(|error| error.about_endpoints(unready))
}

/// The endpoints that a body names and that carry nothing yet, as far as they were seen.
fn unready(remote: &Remote, at: &Address, body: &Value) -> Vec<String> {
    let seen = |endpoint: &Address| {
        let id = remote.id(endpoint, None).ok()?;
        remote.collection(endpoint).ok()?.last(&id)
    };
    let told = secret::endpoints(at, body).into_iter().filter_map(|endpoint| {
        let object = seen(&endpoint).filter(|object| object.state.as_str() != "Ready")?;
        Some(format!("`{}`, which is `{}`", endpoint.name, object.state))
    });
    told.collect()
}

async fn carried_out(remote: &Remote, action: &Action) -> Result<Performed, Error> {
    match action {
        Action::Create { at, body } | Action::Update { at, body, .. }
            if at.kind == Kind::CdcScaling =>
        {
            cdc_scaling::update(remote, &at.service, body).await
        }
        Action::Create { at, body } => create::create(remote, at, body).await,
        Action::Update { at, id, via, body } => {
            let id = remote.id(at, id.as_ref())?;
            update::update(remote, at, &id, *via, body).await
        }
        Action::SetState { at, id, to } => {
            let id = remote.id(at, id.as_ref())?;
            match to {
                RunState::Running => state::start(remote, at, &id).await,
                RunState::Stopped => state::stop(remote, at, &id).await,
            }
        }
        Action::Delete { at, id } => delete::delete(remote, at, id).await,
    }
}

/// Waits for an object that is still being made, perhaps by an earlier run.
pub(crate) async fn made(remote: &Remote, at: &Address, id: &Id) -> Result<(), Error> {
    let moves = |object: &Object| {
        lifecycle::standing(at.kind, object, RunState::Running) == Standing::Moving
    };
    if remote.collection(at)?.last(id).as_ref().is_some_and(moves) {
        watch::Watch::new(remote, at, id)?.settled(RunState::Running, None).await?;
    }
    Ok(())
}

pub(crate) use resume::resume;
pub(crate) use state::resync;

impl Performed {
    pub(crate) fn new(at: &Address, object: &Object, want: RunState) -> Self {
        Self {
            id: object.id.clone(),
            state: object.state.clone(),
            standing: lifecycle::standing(at.kind, object, want),
            notes: lifecycle::attention(at.kind, object).map(str::to_owned).into_iter().collect(),
            live: None,
        }
    }

    /// The same for an object that a list has just shown.
    pub(crate) fn seen(at: &Address, object: Object, want: RunState) -> Self {
        let performed = Self::new(at, &object, want);
        Self { live: Some(object), ..performed }
    }
}

/// The API's own schema says `command`; the reference page says `action`. Whichever the server was
/// seen to take is kept for the run.
#[derive(Default)]
pub(crate) struct Wording {
    known: OnceLock<Word>,
}

/// What the server may call a command.
#[derive(Clone, Copy)]
enum Word {
    Command,
    Action,
}

impl Word {
    fn body(self, command: &str) -> Value {
        let key = match self {
            Self::Command => "command",
            Self::Action => "action",
        };
        json!({ key: command })
    }
}

impl Wording {
    /// The word to begin with, and the other one where it is not known yet which is right.
    fn to_try(&self) -> (Word, Option<Word>) {
        self.known.get().map_or((Word::Command, Some(Word::Action)), |known| (*known, None))
    }

    fn keep(&self, word: Word) {
        let _known_already = self.known.set(word);
    }
}

/// Whether the same command is worth another try in the other wording.
fn is_about_the_word(error: &Error) -> bool {
    let Error::Rejected(rejected) = error else { return false };
    let text = rejected.message.to_lowercase();
    let about_the_body = ["command", "action", "unknown field", "body", "property"];
    rejected.kind == Rejection::Invalid
        && rejected.status == 400
        && about_the_body.iter().any(|word| text.contains(word))
}
