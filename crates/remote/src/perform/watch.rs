//! Waits until an object is in its desired state.

use std::time::Duration;

use clickpipes::lifecycle::{self, PipePhase, PipeState, Progress, progress_toward};
use model::action::RunState;
use model::address::Address;
use model::live::{Id, Object, State};
use tokio::time::Instant;

use crate::deadline::TimeBudget;
use crate::error::{Error, Unsettled};
use crate::list_cache::{ListCache, ListCursor, ListSnapshot};
use crate::retry::{self, Idempotency};
use crate::run_context::RunContext;
use crate::wait::{Verdict, Watch, wait_until};

/// Time after a write in which lists may still show a failure from before it.
const STALE_STATE_TIME: Duration = Duration::from_secs(30);

/// A wait without a change of state logs a line after this time.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// A wait for one object.
pub(super) struct ObjectWatch<'a> {
    run: &'a RunContext,
    list_cache: &'a ListCache,
    address: &'a Address,
    id: &'a Id,
    budget: TimeBudget,
    cursor: ListCursor,
    began: Instant,
    /// The next read is due by then, or at the end of the time if that is earlier.
    next_look_by: Option<Instant>,
    last_logged: Instant,
    last_state: Option<State>,
}

impl<'a> ObjectWatch<'a> {
    /// Create it when the write was answered: only lists requested after that count.
    pub(super) fn new(run: &'a RunContext, at: &'a Address, id: &'a Id) -> Result<Self, Error> {
        let list_cache = run.list_cache(at)?;
        let (cursor, began) = (list_cache.new_cursor(), Instant::now());
        Ok(Self {
            run,
            list_cache,
            address: at,
            id,
            budget: TimeBudget::Run,
            cursor,
            began,
            next_look_by: None,
            last_logged: began,
            last_state: None,
        })
    }

    pub(super) fn with_budget(self, budget: TimeBudget) -> Self {
        Self { budget, ..self }
    }

    /// Waits until the object has settled in the desired state. A failure equal to the state `before` the write counts
    /// only after [`STALE_STATE_TIME`].
    pub(super) async fn until_settled(
        &mut self,
        desired_state: RunState,
        before: Option<&State>,
    ) -> Result<Object, Error> {
        let kind = self.address.kind;
        self.until_ready(before, |object, _| progress_toward(kind, object, desired_state)).await
    }

    /// Waits until the object has reloaded its tables. The state `before` the resync counts as the end only after
    /// [`STALE_STATE_TIME`].
    pub(super) async fn until_loaded(&mut self, before: Option<&State>) -> Result<Object, Error> {
        self.until_ready(before, |object, is_fresh| match lifecycle::resync_progress(object) {
            Progress::Ready | Progress::Degraded if !is_fresh => Progress::InProgress,
            progress => progress,
        })
        .await
    }

    async fn until_ready(
        &mut self,
        before: Option<&State>,
        progress: impl Fn(&Object, bool) -> Progress,
    ) -> Result<Object, Error> {
        let (address, began) = (self.address, self.began);
        let mut is_fresh = before.is_none();
        self.until_judged(|object| {
            // A failed pipe that was just started still reads Failed in the first lists. That is the old failure, not a
            // new one.
            is_fresh |= Some(&object.state) != before || began.elapsed() >= STALE_STATE_TIME;
            match progress(&object, is_fresh) {
                Progress::Ready | Progress::Degraded => Verdict::Reached(object),
                Progress::Failed if is_fresh => {
                    Verdict::Hopeless(Error::BadState { address: address.clone(), state: object.state })
                }
                Progress::Failed | Progress::InProgress => Verdict::LookAgain,
            }
        })
        .await
    }

    /// Waits until the object is stopped; `None` if it runs although a stop was answered, so that the stop must be sent
    /// again. See `start_stop::stop_until_stopped`.
    pub(super) async fn until_stopped(&mut self) -> Result<Option<Object>, Error> {
        let (address, began, mut was_loading) = (self.address, self.began, false);
        self.until_judged(|object| {
            let phase = PipeState::from(&object.state).phase();
            was_loading |= is_loading(&object.state);
            let had_time = was_loading || began.elapsed() >= STOPS_WITHIN;
            match progress_toward(address.kind, &object, RunState::Stopped) {
                Progress::Ready | Progress::Degraded => Verdict::Reached(Some(object)),
                Progress::Failed => {
                    Verdict::Hopeless(Error::BadState { address: address.clone(), state: object.state })
                }
                // The API answers 200 to a stop of a pipe that loads, drops it, and continues when the load is done.
                Progress::InProgress if phase == PipePhase::Running && had_time => Verdict::Reached(None),
                Progress::InProgress => Verdict::LookAgain,
            }
        })
        .await
    }

    /// Waits until the object has left the stopped state and settled elsewhere; `None` if it is still stopped at
    /// `resume_deadline`.
    pub(super) async fn until_resumed(mut self, resume_deadline: Instant) -> Result<Option<Object>, Error> {
        let kind = self.address.kind;
        self.next_look_by = Some(resume_deadline);
        wait_until(&mut self, |object| {
            let left = object.filter(|object| !lifecycle::is_stopped(object));
            match left.map(|object| (progress_toward(kind, &object, RunState::Running), object)) {
                Some((Progress::InProgress, _)) => Verdict::LookAgain,
                Some((_, object)) => Verdict::Reached(Some(object)),
                None if Instant::now() >= resume_deadline => Verdict::Reached(None),
                None => Verdict::LookAgain,
            }
        })
        .await
    }

    pub(super) async fn until_deleted(mut self) -> Result<(), Error> {
        wait_until(&mut self, |object| match object {
            Some(_) => Verdict::LookAgain,
            None => Verdict::Reached(()),
        })
        .await
    }

    /// A new object may be missing from the first lists, but not once it was seen.
    async fn until_judged<T>(&mut self, mut judge: impl FnMut(Object) -> Verdict<T>) -> Result<T, Error> {
        let (address, mut was_seen) = (self.address, self.last_state.is_some());
        wait_until(self, |object| match object {
            Some(object) => {
                was_seen = true;
                judge(object)
            }
            // The list and the answer to a POST come from different places: for some seconds the list may be the older
            // one.
            None if was_seen => Verdict::Hopeless(Error::Disappeared { address: address.clone() }),
            None => Verdict::LookAgain,
        })
        .await
    }

    pub(super) async fn next_object(&mut self) -> Result<Option<Object>, Error> {
        let was_seen = self.last_state.is_some();
        match self.look().await? {
            Some(None) if was_seen => Err(Error::Disappeared { address: self.address.clone() }),
            seen => Ok(seen.flatten()),
        }
    }

    /// The next list; `None` if it failed for now, which does not end the wait.
    async fn next_list(&mut self) -> Result<Option<ListSnapshot>, Error> {
        let (client, end) = (&self.run.client, self.end_time());
        // Once that moment has passed, it must not make every further list due at once.
        let due_by = self.next_look_by.filter(|by| Instant::now() < *by).map_or(end, |by| by.min(end));
        match self.list_cache.next_snapshot(client, &mut self.cursor, due_by, self.budget).await {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(error) if retry::can_retry(Idempotency::Safe, &error) => {
                tracing::warn!(at = %self.address, %error, "cannot look; will look again");
                // At the end of the time the failure is the error: it is more precise than "not settled".
                self.check_time().map_err(|_| error).map(|()| None)
            }
            Err(Error::OutOfTime) => Err(self.unsettled_error(Unsettled::TimedOut)),
            Err(Error::Interrupted) => Err(self.unsettled_error(Unsettled::Interrupted)),
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
        if Instant::now() < self.end_time() { Ok(()) } else { Err(self.unsettled_error(Unsettled::TimedOut)) }
    }

    fn unsettled_error(&self, why: Unsettled) -> Error {
        let (address, id, last_state) = (self.address.clone(), self.id.clone(), self.last_state.clone());
        Error::NotSettled { address, id, last_state, waited: self.began.elapsed(), why }
    }
}

impl Watch for ObjectWatch<'_> {
    /// `None` is an object that the list does not show.
    type Seen = Option<Object>;

    async fn look(&mut self) -> Result<Option<Self::Seen>, Error> {
        let Some(snapshot) = self.next_list().await? else { return Ok(None) };
        let object = snapshot.objects.get(self.id).map(|item| item.object.clone());
        if let Some(object) = &object {
            self.log_state(&object.state);
        }
        Ok(Some(object))
    }

    /// The list itself waits until it is due.
    async fn wait_for_next(&mut self) -> Result<(), Error> {
        self.check_time()
    }
}

/// Time within which lists show a stop. Before that, a pipe that reads Running may be about to stop.
pub(super) const STOPS_WITHIN: Duration = Duration::from_secs(10);

/// Whether a database pipe ignores a stop in this state.
pub(super) fn is_loading(state: &State) -> bool {
    let phase = PipeState::from(state).phase();
    matches!(phase, PipePhase::Starting | PipePhase::Loading | PipePhase::Changing | PipePhase::Resyncing)
}
