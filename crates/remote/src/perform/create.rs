//! Makes an object, and no twin of it.

use std::collections::BTreeSet;
use std::time::Duration;

use model::action::RunState;
use model::address::{Address, Kind};
use model::leftover;
use model::live::{Id, Object};
use serde_json::Value;
use tokio::time::Instant;

use super::Performed;
use super::watch::Watch;
use crate::answer;
use crate::client::Call;
use crate::collection::{Collection, Snapshot, Ticket};
use crate::deadline::Budget;
use crate::error::Error;
use crate::remote::Remote;
use crate::retry::{self, Twice};
use crate::settings::Wait;
use crate::transport::Method;

pub(super) async fn create(
    remote: &Remote,
    at: &Address,
    body: &Value,
) -> Result<Performed, Error> {
    let collection = remote.collection(at)?;
    let budget = remote.budget(at);
    let before = before(remote, collection, at, budget).await?;
    let maker = Maker { remote, collection, at, before, budget };
    let made = maker.make(body).await;
    let Made { object, note } =
        made.map_err(|error| error.about_tables(|| leftover::wanted_empty(at.kind, body)))?;
    collection.note(&at.name, &object);
    remote.note_made(at, &object.id);
    let mut performed = if remote.settings.wait == Wait::None && at.kind == Kind::ClickPipe {
        Performed::new(at, &object, RunState::Running)
    } else {
        // Endpoints are waited for in any case, because the pipes that a plan makes next refer
        // to them.
        let watch = Watch::new(remote, at, &object.id)?.within(budget);
        Performed::seen(at, watch.settled(RunState::Running, None).await?, RunState::Running)
    };
    if let Some(note) = note {
        maker.refuse_twins().await?;
        performed.notes.push(note.to_owned());
    }
    Ok(performed)
}

/// A plan may wait long for its approval. What was made meanwhile would get a twin.
const FRESH: Duration = Duration::from_secs(60);

/// The objects that bear the name already; an error if they are more than the plan knew of.
async fn before(
    remote: &Remote,
    collection: &Collection,
    at: &Address,
    budget: Budget,
) -> Result<BTreeSet<Id>, Error> {
    collection.list_once(&remote.client).await?;
    let known = collection.ids(&at.name);
    collection.list_within(&remote.client, FRESH, budget).await?;
    let found = collection.ids(&at.name);
    if found.is_subset(&known) { Ok(found) } else { Err(Error::Appeared { at: at.clone() }) }
}

/// An object, and how it came about if there was doubt.
struct Made {
    object: Object,
    note: Option<&'static str>,
}

const ADOPTED: &str =
    "the create was not answered; the new object of this name was found and taken for it";

const REPEATED: &str =
    "a create was not answered, and no object of this name appeared; it was sent again";

/// A create whose answer is lost was lost for good when so many lists do not show its object.
const SEVERAL: usize = 3;

/// The API has no way to make sure that a create is carried out once. So a create of which the
/// outcome is not known is not simply repeated: what bears its name now, and did not before, is it.
struct Maker<'a> {
    remote: &'a Remote,
    collection: &'a Collection,
    at: &'a Address,
    before: BTreeSet<Id>,
    budget: Budget,
}

/// What a look for the object came to.
enum Search {
    Found(Object),
    /// No list of the whole time shows it.
    Missing,
    /// It could not be looked for long enough.
    Open,
}

impl Maker<'_> {
    async fn make(&self, body: &Value) -> Result<Made, Error> {
        let mut doubt = None;
        loop {
            let error = match self.post(body).await {
                Ok(object) => {
                    let note = doubt.is_some().then_some(REPEATED);
                    return Ok(Made { object, note });
                }
                Err(error) if error.outcome_unknown() => error,
                Err(error) => match doubt {
                    None => return Err(error),
                    Some(cause) => return self.refused(error, cause).await,
                },
            };
            tracing::warn!(at = %self.at, %error, "create was not answered; looking for its object");
            match self.search().await? {
                Search::Found(object) => return Ok(Made { object, note: Some(ADOPTED) }),
                Search::Missing => doubt = Some(error),
                Search::Open => return Err(self.unknown(error)),
            }
        }
    }

    async fn post(&self, body: &Value) -> Result<Object, Error> {
        let filled = self.remote.fill(self.at, body).await?;
        let path = &self.collection.path;
        let call = Call::new(Method::Post, path).with(&filled).within(self.budget);
        let result = self.remote.client.send(call).await?;
        Ok(answer::item(self.at.kind, Method::Post, path, result)?.object)
    }

    /// Looks for as long as the object may take to appear.
    async fn search(&self) -> Result<Search, Error> {
        let client = &self.remote.client;
        let (began, mut ticket, mut lists) = (Instant::now(), self.collection.ticket(), 0);
        loop {
            let deadline = client.end(self.budget);
            let over = began + self.remote.settings.adoption;
            let end = if Instant::now() < over { over.min(deadline) } else { deadline };
            let asked = match self.list(&mut ticket, end).await {
                Ok(Some(snapshot)) => {
                    if let Some(object) = self.new_in(&snapshot)? {
                        return Ok(Search::Found(object));
                    }
                    lists += 1;
                    true
                }
                Ok(None) => false,
                Err(_) => return Ok(Search::Open),
            };
            if asked && lists >= SEVERAL && Instant::now() >= over {
                return Ok(Search::Missing);
            }
            if Instant::now() >= deadline {
                return Ok(Search::Open);
            }
        }
    }

    /// The next list; `None` if it cannot be had at present.
    async fn list(&self, ticket: &mut Ticket, end: Instant) -> Result<Option<Snapshot>, Error> {
        match self.collection.next(&self.remote.client, ticket, end, self.budget).await {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(error) if retry::may_repeat(Twice::Harmless, &error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The one object that bears the name and did not before.
    fn new_in(&self, snapshot: &Snapshot) -> Result<Option<Object>, Error> {
        let named = snapshot.objects.values().filter(|item| item.name == self.at.name);
        let new = named.map(|item| &item.object).filter(|it| !self.before.contains(&it.id));
        match new.collect::<Vec<_>>().as_slice() {
            [] => Ok(None),
            [one] => Ok(Some((*one).clone())),
            several => Err(self.twins(several.iter().map(|object| object.id.clone()).collect())),
        }
    }

    /// A refusal after a create without an answer may be about that one's object.
    async fn refused(&self, error: Error, cause: Error) -> Result<Made, Error> {
        if matches!(error, Error::Interrupted | Error::OutOfTime) {
            return Err(self.unknown(cause));
        }
        match self.search().await? {
            Search::Found(object) => Ok(Made { object, note: Some(ADOPTED) }),
            Search::Missing | Search::Open => Err(error.after_a_lost_try()),
        }
    }

    /// After a doubtful create the name must be borne by one new object only. Where nobody waited
    /// for the object, nobody has looked since. What cannot be seen now, the next plan shows.
    async fn refuse_twins(&self) -> Result<(), Error> {
        if self.remote.settings.wait == Wait::None {
            let _unseen = self.collection.list(&self.remote.client).await;
        }
        let ids: Vec<Id> =
            self.collection.ids(&self.at.name).difference(&self.before).cloned().collect();
        if ids.len() > 1 { Err(self.twins(ids)) } else { Ok(()) }
    }

    fn twins(&self, ids: Vec<Id>) -> Error {
        Error::Twins { at: self.at.clone(), ids }
    }

    fn unknown(&self, cause: Error) -> Error {
        Error::UnknownOutcome { at: self.at.clone(), cause: Box::new(cause) }
    }
}
