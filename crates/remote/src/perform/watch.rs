//! Waits until an object is where it should be.

use std::time::Duration;

use model::action::RunState;
use model::address::Address;
use model::lifecycle::{self, Standing, standing};
use model::live::{Id, Object, State};
use tokio::time::Instant;

use crate::collection::{Collection, Ticket};
use crate::error::Error;
use crate::remote::Remote;

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
        Ok(Self { remote, collection, at, id, ticket, began, said: began, last: None })
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

    /// Waits until the object has left the state in which it was edited, and has come to rest
    /// elsewhere. `None` if it has not left by then.
    pub(super) async fn resumed(mut self, calm_at: Instant) -> Result<Option<Object>, Error> {
        let end = self.remote.client.deadline.at();
        loop {
            let waits_for_calm = Instant::now() < calm_at;
            let look = if waits_for_calm { calm_at.min(end) } else { end };
            let object = self.look_by(look).await?;
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
            let end = self.remote.client.deadline.at();
            let snapshot = self.collection.next(&self.remote.client, &mut self.ticket, end).await?;
            let Some(item) = snapshot.objects.get(self.id) else { return Ok(()) };
            self.say(&item.object.state);
            self.check_time()?;
        }
    }

    /// The object as the next list shows it. A new object may be missing from the first lists, but
    /// not once it was seen.
    async fn look(&mut self) -> Result<Option<Object>, Error> {
        self.look_by(self.remote.client.deadline.at()).await
    }

    /// The same, no later than that.
    async fn look_by(&mut self, end: Instant) -> Result<Option<Object>, Error> {
        let snapshot = self.collection.next(&self.remote.client, &mut self.ticket, end).await?;
        let object = snapshot.objects.get(self.id).map(|item| item.object.clone());
        match &object {
            Some(object) => self.say(&object.state),
            None if self.last.is_some() => return Err(Error::Gone { at: self.at.clone() }),
            None => {}
        }
        Ok(object)
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

    fn check_time(&self) -> Result<(), Error> {
        if !self.remote.client.deadline.has_passed() {
            return Ok(());
        }
        let (at, last) = (self.at.clone(), self.last.clone());
        Err(Error::TimedOut { at, last, waited: self.began.elapsed() })
    }
}
