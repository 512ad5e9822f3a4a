//! Waits until an object is where it should be.

use std::time::Duration;

use clickpipes::lifecycle::{self, Progress, progress_toward};
use model::action::RunState;
use model::address::Address;
use model::live::{Id, Object, State};
use tokio::time::Instant;

use crate::deadline::TimeBudget;
use crate::error::Error;
use crate::list_cache::{ListCache, ListCursor, ListSnapshot};
use crate::retry::{self, Idempotency};
use crate::run_context::RunContext;

/// After a write the API may go on reporting the old trouble for a while.
const STALE_STATE_TIME: Duration = Duration::from_secs(30);

/// A wait says that it goes on after this long without a change.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// What somebody waits for.
pub(super) struct ObjectWatch<'a> {
    run: &'a RunContext,
    list_cache: &'a ListCache,
    address: &'a Address,
    id: &'a Id,
    budget: TimeBudget,
    cursor: ListCursor,
    began: Instant,
    last_logged: Instant,
    last_state: Option<State>,
}

impl<'a> ObjectWatch<'a> {
    /// To be called when the write was answered.
    pub(super) fn new(run: &'a RunContext, at: &'a Address, id: &'a Id) -> Result<Self, Error> {
        let collection = run.list_cache(at)?;
        let (ticket, began) = (collection.new_cursor(), Instant::now());
        let budget = TimeBudget::Run;
        Ok(Self {
            run,
            list_cache: collection,
            address: at,
            id,
            budget,
            cursor: ticket,
            began,
            last_logged: began,
            last_state: None,
        })
    }

    pub(super) fn with_budget(self, budget: TimeBudget) -> Self {
        Self { budget, ..self }
    }

    /// Waits until the object has settled in the state that is wanted. What it was `before` the
    /// write counts as news only after a while.
    pub(super) async fn until_settled(
        mut self,
        desired_state: RunState,
        before: Option<&State>,
    ) -> Result<Object, Error> {
        let mut fresh = before.is_none();
        loop {
            let Some(object) = self.next_object().await? else {
                self.check_time()?;
                continue;
            };
            fresh |= Some(&object.state) != before || self.began.elapsed() >= STALE_STATE_TIME;
            match progress_toward(self.address.kind, &object, desired_state) {
                Progress::Ready | Progress::Degraded => return Ok(object),
                Progress::Failed if fresh => {
                    return Err(Error::BadState { address: self.address.clone(), state: object.state });
                }
                Progress::Failed | Progress::InProgress => self.check_time()?,
            }
        }
    }

    /// Waits until the object has loaded its tables anew. For a while the API may go on reporting
    /// what it was `before`, which is no end.
    pub(super) async fn until_loaded(mut self, before: Option<&State>) -> Result<Object, Error> {
        let mut fresh = before.is_none();
        loop {
            let Some(object) = self.next_object().await? else {
                self.check_time()?;
                continue;
            };
            fresh |= Some(&object.state) != before || self.began.elapsed() >= STALE_STATE_TIME;
            match lifecycle::resync_progress(&object) {
                Progress::Ready | Progress::Degraded if fresh => return Ok(object),
                Progress::Failed if fresh => {
                    return Err(Error::BadState { address: self.address.clone(), state: object.state });
                }
                Progress::Ready | Progress::Degraded | Progress::Failed | Progress::InProgress => {
                    self.check_time()?;
                }
            }
        }
    }

    /// Waits until the object has left the state in which it was edited, and has come to rest
    /// elsewhere. `None` if it has not left by then.
    pub(super) async fn until_resumed(mut self, resume_deadline: Instant) -> Result<Option<Object>, Error> {
        loop {
            let end =
                if Instant::now() < resume_deadline { resume_deadline.min(self.end_time()) } else { self.end_time() };
            let object = self.next_object_by(end).await?;
            let left = object.filter(|object| !lifecycle::is_stopped(object));
            match left.map(|object| (progress_toward(self.address.kind, &object, RunState::Running), object)) {
                Some((Progress::InProgress, _)) => {}
                Some((_, object)) => return Ok(Some(object)),
                None if Instant::now() >= resume_deadline => return Ok(None),
                None => {}
            }
            self.check_time()?;
        }
    }

    /// Waits until the object is no longer listed.
    pub(super) async fn until_deleted(mut self) -> Result<(), Error> {
        loop {
            if let Some(snapshot) = self.next_list(self.end_time()).await? {
                let Some(item) = snapshot.objects.get(self.id) else { return Ok(()) };
                self.log_state(&item.object.state);
            }
            self.check_time()?;
        }
    }

    /// The object as the next list shows it. A new object may be missing from the first lists, but
    /// not once it was seen.
    pub(super) async fn next_object(&mut self) -> Result<Option<Object>, Error> {
        self.next_object_by(self.end_time()).await
    }

    /// The same, no later than that.
    async fn next_object_by(&mut self, end: Instant) -> Result<Option<Object>, Error> {
        let Some(snapshot) = self.next_list(end).await? else { return Ok(None) };
        let object = snapshot.objects.get(self.id).map(|item| item.object.clone());
        match &object {
            Some(object) => self.log_state(&object.state),
            None if self.last_state.is_some() => {
                return Err(Error::Disappeared { address: self.address.clone() });
            }
            None => {}
        }
        Ok(object)
    }

    /// The next list; `None` if it cannot be had at present, which ends no wait.
    async fn next_list(&mut self, end: Instant) -> Result<Option<ListSnapshot>, Error> {
        let client = &self.run.client;
        match self.list_cache.next_snapshot(client, &mut self.cursor, end, self.budget).await {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(error) if retry::can_retry(Idempotency::Safe, &error) => {
                tracing::warn!(at = %self.address, %error, "cannot look; will look again");
                self.check_time().map_err(|_| error).map(|()| None)
            }
            Err(Error::OutOfTime) => Err(self.timeout_error()),
            Err(error) => Err(error),
        }
    }

    fn log_state(&mut self, state: &State) {
        let quiet = self.last_state.as_ref() == Some(state) && self.last_logged.elapsed() < HEARTBEAT;
        if !quiet {
            let waited = self.began.elapsed().as_secs();
            tracing::info!(at = %self.address, %state, waited, "waiting");
            self.last_logged = Instant::now();
        }
        self.last_state = Some(state.clone());
    }

    fn end_time(&self) -> Instant {
        self.run.client.end_time(self.budget)
    }

    pub(super) fn check_time(&self) -> Result<(), Error> {
        if Instant::now() < self.end_time() { Ok(()) } else { Err(self.timeout_error()) }
    }

    fn timeout_error(&self) -> Error {
        let (at, last) = (self.address.clone(), self.last_state.clone());
        Error::TimedOut { address: at, last_state: last, waited: self.began.elapsed() }
    }
}
