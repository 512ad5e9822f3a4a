//! Waits until an object is where it should be.

use std::time::Duration;

use model::action::RunState;
use model::address::Address;
use model::lifecycle::{self, Standing, standing};
use model::live::{Id, Object, State};
use tokio::time::Instant;

use crate::collection::{Collection, Snapshot, Ticket};
use crate::deadline::Budget;
use crate::error::Error;
use crate::remote::Remote;
use crate::retry::{self, Twice};

/// After a write the API may go on reporting the old trouble for a while.
const PATIENCE: Duration = Duration::from_secs(30);

/// A wait says that it goes on after this long without a change.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// What somebody waits for.
pub(super) struct Watch<'a> {
    remote: &'a Remote,
    collection: &'a Collection,
    at: &'a Address,
    id: &'a Id,
    budget: Budget,
    ticket: Ticket,
    began: Instant,
    said: Instant,
    last: Option<State>,
}

impl<'a> Watch<'a> {
    /// To be called when the write was answered.
    pub(super) fn new(remote: &'a Remote, at: &'a Address, id: &'a Id) -> Result<Self, Error> {
        let collection = remote.collection(at)?;
        let (ticket, began) = (collection.ticket(), Instant::now());
        let budget = Budget::Run;
        Ok(Self { remote, collection, at, id, budget, ticket, began, said: began, last: None })
    }

    pub(super) fn within(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    /// Waits until the object has settled in the state that is wanted. What it was `before` the
    /// write counts as news only after a while.
    pub(super) async fn settled(
        mut self,
        want: RunState,
        before: Option<&State>,
    ) -> Result<Object, Error> {
        let mut fresh = before.is_none();
        loop {
            let Some(object) = self.look().await? else {
                self.check_time()?;
                continue;
            };
            fresh |= Some(&object.state) != before || self.began.elapsed() >= PATIENCE;
            match standing(self.at.kind, &object, want) {
                Standing::Settled | Standing::Impaired => return Ok(object),
                Standing::Troubled if fresh => {
                    return Err(Error::Troubled { at: self.at.clone(), state: object.state });
                }
                Standing::Troubled | Standing::Moving => self.check_time()?,
            }
        }
    }

    /// Waits until the object has loaded its tables anew. For a while the API may go on reporting
    /// what it was `before`, which is no end.
    pub(super) async fn loaded(mut self, before: Option<&State>) -> Result<Object, Error> {
        let mut fresh = before.is_none();
        loop {
            let Some(object) = self.look().await? else {
                self.check_time()?;
                continue;
            };
            fresh |= Some(&object.state) != before || self.began.elapsed() >= PATIENCE;
            match lifecycle::has_loaded(&object) {
                Standing::Settled | Standing::Impaired if fresh => return Ok(object),
                Standing::Troubled if fresh => {
                    return Err(Error::Troubled { at: self.at.clone(), state: object.state });
                }
                Standing::Settled | Standing::Impaired | Standing::Troubled | Standing::Moving => {
                    self.check_time()?;
                }
            }
        }
    }

    /// Waits until the object has left the state in which it was edited, and has come to rest
    /// elsewhere. `None` if it has not left by then.
    pub(super) async fn resumed(mut self, calm_at: Instant) -> Result<Option<Object>, Error> {
        loop {
            let end = if Instant::now() < calm_at { calm_at.min(self.end()) } else { self.end() };
            let object = self.look_by(end).await?;
            let left = object.filter(|object| !lifecycle::is_stopped(object));
            match left.map(|object| (standing(self.at.kind, &object, RunState::Running), object)) {
                Some((Standing::Moving, _)) => {}
                Some((_, object)) => return Ok(Some(object)),
                None if Instant::now() >= calm_at => return Ok(None),
                None => {}
            }
            self.check_time()?;
        }
    }

    /// Waits until the object is no longer listed.
    pub(super) async fn gone(mut self) -> Result<(), Error> {
        loop {
            if let Some(snapshot) = self.list(self.end()).await? {
                let Some(item) = snapshot.objects.get(self.id) else { return Ok(()) };
                self.say(&item.object.state);
            }
            self.check_time()?;
        }
    }

    /// The object as the next list shows it. A new object may be missing from the first lists, but
    /// not once it was seen.
    pub(super) async fn look(&mut self) -> Result<Option<Object>, Error> {
        self.look_by(self.end()).await
    }

    /// The same, no later than that.
    async fn look_by(&mut self, end: Instant) -> Result<Option<Object>, Error> {
        let Some(snapshot) = self.list(end).await? else { return Ok(None) };
        let object = snapshot.objects.get(self.id).map(|item| item.object.clone());
        match &object {
            Some(object) => self.say(&object.state),
            None if self.last.is_some() => return Err(Error::Gone { at: self.at.clone() }),
            None => {}
        }
        Ok(object)
    }

    /// The next list; `None` if it cannot be had at present, which ends no wait.
    async fn list(&mut self, end: Instant) -> Result<Option<Snapshot>, Error> {
        let client = &self.remote.client;
        match self.collection.next(client, &mut self.ticket, end, self.budget).await {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(error) if retry::may_repeat(Twice::Harmless, &error) => {
                tracing::warn!(at = %self.at, %error, "cannot look; will look again");
                self.check_time().map_err(|_| error).map(|()| None)
            }
            Err(Error::OutOfTime) => Err(self.timed_out()),
            Err(error) => Err(error),
        }
    }

    fn say(&mut self, state: &State) {
        let quiet = self.last.as_ref() == Some(state) && self.said.elapsed() < HEARTBEAT;
        if !quiet {
            let waited = self.began.elapsed().as_secs();
            tracing::info!(at = %self.at, %state, waited, "waiting");
            self.said = Instant::now();
        }
        self.last = Some(state.clone());
    }

    fn end(&self) -> Instant {
        self.remote.client.end(self.budget)
    }

    pub(super) fn check_time(&self) -> Result<(), Error> {
        if Instant::now() < self.end() { Ok(()) } else { Err(self.timed_out()) }
    }

    fn timed_out(&self) -> Error {
        let (at, last) = (self.at.clone(), self.last.clone());
        Error::TimedOut { at, last, waited: self.began.elapsed() }
    }
}
