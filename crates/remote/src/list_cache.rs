//! Shared list cache and poll for the objects of one kind in one service.
//
// Everybody who waits for an object of the service shares one list request per interval; fifty waiting pipes cost as
// many requests as one. Order is the hazard: an answer to a PATCH may arrive after a list that was asked for before
// it, and that list would bring the old state back. So lists are numbered when they are asked for, and an object
// ignores every list that is older than its last own answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::address::{Kind, Name};
use model::live::{Id, Object, State};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::client::{Client, RequestSpec};
use crate::deadline::TimeBudget;
use crate::decode::{DecodedObject, decode_list};
use crate::error::Error;
use crate::rate_limiter::lock_ignoring_poison;
use crate::settings::Polling;
use crate::transport::Method;

/// A list of the API, with its lists numbered in the order in which they were asked for.
pub(crate) struct ListCache {
    pub(crate) kind: Kind,
    pub(crate) path: String,
    lists_requested: AtomicU64,
    cache: Mutex<Cache>,
    /// Held by whoever lists the objects because nobody did before.
    first_list: tokio::sync::Mutex<()>,
    poll: ListPoll,
}

#[derive(Default)]
struct Cache {
    /// When the last list came.
    listed_at: Option<Instant>,
    /// The number of the last list that came.
    last_list: u64,
    /// Lists up to this number say too little: something was waited for since.
    outdated_list: u64,
    /// What the plan knew of, and what this run made.
    known_ids: Option<BTreeSet<Id>>,
    objects: BTreeMap<Id, CachedObject>,
}

/// An object as last seen in a list or in an answer.
#[derive(Clone, Debug)]
struct CachedObject {
    name: Name,
    state: State,
    /// Lists up to this number were asked for before, and know less.
    list_number: u64,
    pending_write: PendingWrite,
    /// Why this run has stopped it, as long as it has not started it again.
    pause_reason: Option<PauseReason>,
}

/// Why a pipe is stopped for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PauseReason {
    /// An action said so.
    PlannedAction,
    /// The API wanted it for an edit, and no action did.
    NeededForEdit,
}

/// What this run did to an object lately, as long as the API may not show it yet.
#[derive(Clone, Copy, Debug, Default)]
struct PendingWrite {
    /// When an edit was accepted that the object may still answer by resuming.
    edited_at: Option<Instant>,
    /// When a stop was sent that the object was not seen to follow.
    stop_sent_at: Option<Instant>,
}

/// Shared by everybody who waits; who holds `latest` is the one who asks.
struct ListPoll {
    polling: Polling,
    latest: tokio::sync::Mutex<Option<ListSnapshot>>,
    interval: Mutex<Duration>,
    poll_now: Notify,
}

/// One answer to a list.
#[derive(Clone)]
pub(crate) struct ListSnapshot {
    number: u64,
    taken_at: Instant,
    pub(crate) objects: Arc<BTreeMap<Id, DecodedObject>>,
}

/// What somebody who waits has seen: only a list that was asked for later is news.
#[derive(Clone, Copy)]
pub(crate) struct ListCursor {
    number: u64,
    taken_at: Instant,
}

impl ListCache {
    pub(crate) fn new(kind: Kind, path: String, polling: Polling) -> Self {
        let poll = ListPoll {
            polling,
            latest: tokio::sync::Mutex::default(),
            interval: Mutex::new(polling.initial_interval),
            poll_now: Notify::new(),
        };
        let first_list = tokio::sync::Mutex::default();
        Self { kind, path, lists_requested: AtomicU64::new(0), cache: Mutex::default(), first_list, poll }
    }

    /// Lists the objects now.
    pub(crate) async fn list_objects(&self, client: &Client) -> Result<Vec<DecodedObject>, Error> {
        self.list_with_budget(client, TimeBudget::Run).await
    }

    async fn list_with_budget(&self, client: &Client, budget: TimeBudget) -> Result<Vec<DecodedObject>, Error> {
        Ok(self.request_list(client, budget).await?.1)
    }

    /// Lists the objects that a plan is made from.
    pub(crate) async fn list_for_plan(&self, client: &Client) -> Result<Vec<DecodedObject>, Error> {
        let items = self.list_objects(client).await?;
        let ids = items.iter().map(|item| item.object.id.clone()).collect();
        lock_ignoring_poison(&self.cache).known_ids = Some(ids);
        Ok(items)
    }

    /// Lists the objects unless that was done before.
    pub(crate) async fn ensure_listed(&self, client: &Client, budget: TimeBudget) -> Result<(), Error> {
        let _first = client.run_interruptible(budget, self.first_list.lock()).await?;
        if lock_ignoring_poison(&self.cache).listed_at.is_some() {
            return Ok(());
        }
        self.list_with_budget(client, budget).await?;
        let mut cache = lock_ignoring_poison(&self.cache);
        let ids = cache.objects.keys().cloned().collect();
        cache.known_ids.get_or_insert(ids);
        Ok(())
    }

    /// Lists the objects again unless that was done after this moment; `false` if it took a request.
    pub(crate) async fn refresh_after(
        &self,
        client: &Client,
        moment: Option<Instant>,
        budget: TimeBudget,
    ) -> Result<bool, Error> {
        let _first = client.run_interruptible(budget, self.first_list.lock()).await?;
        let is_fresh = {
            let cache = lock_ignoring_poison(&self.cache);
            cache.listed_at.is_some() && cache.listed_at >= moment && cache.last_list > cache.outdated_list
        };
        if is_fresh {
            return Ok(true);
        }
        self.list_with_budget(client, budget).await.map(|_| false)
    }

    /// Notes that something was waited for: what was listed until now may have changed since.
    pub(crate) fn note_wait(&self) {
        lock_ignoring_poison(&self.cache).outdated_list = self.lists_requested.load(Ordering::Relaxed);
    }

    /// The objects of the name of which neither the plan nor this run knew.
    pub(crate) fn unplanned_ids(&self, name: &Name) -> BTreeSet<Id> {
        let mut ids = self.ids_named(name);
        let cache = lock_ignoring_poison(&self.cache);
        ids.retain(|id| cache.known_ids.as_ref().is_some_and(|known| !known.contains(id)));
        ids
    }

    async fn request_list(&self, client: &Client, budget: TimeBudget) -> Result<(u64, Vec<DecodedObject>), Error> {
        let number = self.lists_requested.fetch_add(1, Ordering::Relaxed) + 1;
        let call = RequestSpec::new(Method::Get, &self.path).with_budget(budget);
        let items = decode_list(self.kind, &self.path, client.send(call).await?)?;
        self.merge_list(number, &items);
        Ok((number, items))
    }

    /// What was heard of an object after the list was asked for counts for more than the list.
    fn merge_list(&self, number: u64, items: &[DecodedObject]) {
        let mut cache = lock_ignoring_poison(&self.cache);
        cache.listed_at = Some(Instant::now());
        cache.last_list = cache.last_list.max(number);
        let mut before = std::mem::take(&mut cache.objects);
        for DecodedObject { name, object } in items {
            let last = before.remove(&object.id);
            let wrote = last.as_ref().map(|seen| seen.pending_write).unwrap_or_default();
            let pause = last.as_ref().and_then(|seen| seen.pause_reason);
            let (name, state) = (name.clone(), object.state.clone());
            let listed = CachedObject { name, state, list_number: number, pending_write: wrote, pause_reason: pause };
            let seen = last.filter(|seen| seen.list_number >= number).unwrap_or(listed);
            cache.objects.insert(object.id.clone(), seen);
        }
        before.retain(|_, seen| seen.list_number >= number);
        cache.objects.append(&mut before);
    }

    /// Notes what the answer to a write said.
    pub(crate) fn note_object(&self, name: &Name, object: &Object) {
        let since = self.lists_requested.load(Ordering::Relaxed);
        let mut cache = lock_ignoring_poison(&self.cache);
        let last = cache.objects.get(&object.id);
        let wrote = last.map(|seen| seen.pending_write).unwrap_or_default();
        let pause = last.and_then(|seen| seen.pause_reason);
        let seen = CachedObject {
            name: name.clone(),
            state: object.state.clone(),
            list_number: since,
            pending_write: wrote,
            pause_reason: pause,
        };
        cache.objects.insert(object.id.clone(), seen);
        if let Some(known) = &mut cache.known_ids {
            known.insert(object.id.clone());
        }
    }

    /// Notes that an edit was accepted.
    pub(crate) fn note_edit(&self, id: &Id) {
        if let Some(seen) = lock_ignoring_poison(&self.cache).objects.get_mut(id) {
            seen.pending_write.edited_at = Some(Instant::now());
        }
    }

    /// Notes that a stop is being sent.
    pub(crate) fn note_stop(&self, id: &Id) {
        if let Some(seen) = lock_ignoring_poison(&self.cache).objects.get_mut(id) {
            seen.pending_write.stop_sent_at = Some(Instant::now());
        }
    }

    /// Notes why this run stops the object; `None` when it has started it again.
    pub(crate) fn note_pause(&self, id: &Id, pause_reason: Option<PauseReason>) {
        if let Some(seen) = lock_ignoring_poison(&self.cache).objects.get_mut(id) {
            seen.pause_reason = pause_reason;
        }
    }

    /// Why this run has stopped the object, unless it has started it again.
    pub(crate) fn pause_reason(&self, id: &Id) -> Option<PauseReason> {
        lock_ignoring_poison(&self.cache).objects.get(id)?.pause_reason
    }

    /// Notes that the object is gone.
    pub(crate) fn forget_object(&self, id: &Id) {
        lock_ignoring_poison(&self.cache).objects.remove(id);
    }

    /// The objects that bear the name.
    pub(crate) fn ids_named(&self, name: &Name) -> BTreeSet<Id> {
        let cache = lock_ignoring_poison(&self.cache);
        let named = cache.objects.iter().filter(|(_, seen)| &seen.name == name);
        named.map(|(id, _)| id.clone()).collect()
    }

    /// The object as it was last heard of, without its body.
    pub(crate) fn last_seen(&self, id: &Id) -> Option<Object> {
        let state = lock_ignoring_poison(&self.cache).objects.get(id)?.state.clone();
        Some(Object { id: id.clone(), state, body: Value::Null })
    }

    /// Notes that the API shows all that was done to the object.
    pub(crate) fn clear_pending_write(&self, id: &Id) {
        if let Some(seen) = lock_ignoring_poison(&self.cache).objects.get_mut(id) {
            seen.pending_write = PendingWrite::default();
        }
    }

    /// When the object was edited, if it may still answer that by resuming.
    pub(crate) fn edited_at(&self, id: &Id) -> Option<Instant> {
        lock_ignoring_poison(&self.cache).objects.get(id)?.pending_write.edited_at
    }

    /// When the object was sent a stop that it was not yet seen to follow.
    pub(crate) fn stop_sent_at(&self, id: &Id) -> Option<Instant> {
        lock_ignoring_poison(&self.cache).objects.get(id)?.pending_write.stop_sent_at
    }

    /// To be taken when a write was answered: only what is listed afterwards tells its effect.
    pub(crate) fn new_cursor(&self) -> ListCursor {
        *lock_ignoring_poison(&self.poll.interval) = self.poll.polling.initial_interval;
        self.poll.poll_now.notify_one();
        ListCursor { number: self.lists_requested.load(Ordering::Relaxed), taken_at: Instant::now() }
    }

    /// The next list that is news to the holder of the ticket. Whoever comes first asks for it
    /// when it is due, at `end` at the latest, and everybody else who waits gets the same one.
    pub(crate) async fn next_snapshot(
        &self,
        client: &Client,
        cursor: &mut ListCursor,
        end: Instant,
        budget: TimeBudget,
    ) -> Result<ListSnapshot, Error> {
        let mut latest = client.run_interruptible(budget, self.poll.latest.lock()).await?;
        let news = latest.as_ref().filter(|snapshot| snapshot.number > cursor.number);
        let snapshot = if let Some(snapshot) = news {
            snapshot.clone()
        } else {
            let since = latest.as_ref().map_or(cursor.taken_at, |last| last.taken_at.max(cursor.taken_at));
            client.run_interruptible(budget, self.poll.wait_until_due(since, end)).await?;
            let (number, items) = self.request_list(client, budget).await?;
            let objects = items.into_iter().map(|item| (item.object.id.clone(), item)).collect();
            let snapshot = ListSnapshot { number, taken_at: Instant::now(), objects: Arc::new(objects) };
            self.poll.adapt_interval(latest.as_ref(), &snapshot);
            latest.insert(snapshot).clone()
        };
        *cursor = ListCursor { number: snapshot.number, taken_at: snapshot.taken_at };
        Ok(snapshot)
    }
}

impl ListPoll {
    /// Sleeps for the present pause, which somebody may shorten meanwhile. The last look is at
    /// the end.
    async fn wait_until_due(&self, since: Instant, end: Instant) {
        loop {
            let due = (since + *lock_ignoring_poison(&self.interval)).min(end);
            if Instant::now() >= due {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                () = self.poll_now.notified() => {}
            }
        }
    }

    fn adapt_interval(&self, before: Option<&ListSnapshot>, now: &ListSnapshot) {
        let moved = before.is_none_or(|before| before.object_states().ne(now.object_states()));
        let mut interval = lock_ignoring_poison(&self.interval);
        *interval = if moved { self.polling.initial_interval } else { self.polling.next_interval(*interval) };
    }
}

impl ListSnapshot {
    fn object_states(&self) -> impl Iterator<Item = (&Id, &State)> {
        self.objects.iter().map(|(id, item)| (id, &item.object.state))
    }
}

#[cfg(test)]
mod tests {
    use super::{DecodedObject, Id, Kind, ListCache, Name, Object, Polling, State, Value};

    fn item(id: &str, state: &str) -> DecodedObject {
        let object = Object { id: Id::new(id), state: State::new(state), body: Value::Null };
        DecodedObject { name: Name::new("orders"), object }
    }

    fn state(collection: &ListCache, id: &str) -> Option<String> {
        Some(collection.last_seen(&Id::new(id))?.state.to_string())
    }

    #[test]
    fn an_answer_counts_for_more_than_a_list_that_was_asked_for_before_it() {
        let collection = ListCache::new(Kind::ClickPipe, String::new(), Polling::default());
        collection.lists_requested.store(7, super::Ordering::Relaxed);
        let (changed, made) = (item("changed", "Paused"), item("made", "Provisioning"));
        collection.note_object(&changed.name, &changed.object);
        collection.note_object(&made.name, &made.object);

        collection.merge_list(7, &[item("changed", "Running")]);
        assert_eq!(state(&collection, "changed").as_deref(), Some("Paused"));
        assert_eq!(state(&collection, "made").as_deref(), Some("Provisioning"));

        collection.merge_list(8, &[item("changed", "Running")]);
        assert_eq!(state(&collection, "changed").as_deref(), Some("Running"));
        assert_eq!(state(&collection, "made"), None);
    }
}
