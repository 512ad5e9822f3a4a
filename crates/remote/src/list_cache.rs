//! Shared list cache and poll for the objects of one kind in one service.
//
// All waits for objects of the service share one list request per interval; fifty waiting pipes cost as many requests
// as one. Order is the hazard: the response to a PATCH may arrive after a list that was requested before it, and that
// list would restore the old state. So lists are numbered when they are requested, and an object ignores every list
// that is older than its last own response.

mod cached_objects;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clickpipes::semantics::FieldSemantics;
use model::address::{Kind, Name};
use model::live::{Id, Object, State};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

pub(crate) use self::cached_objects::PauseReason;
use self::cached_objects::{Cache, CachedObject, OwnWrites};
use crate::client::{Client, RequestSpec};
use crate::deadline::TimeBudget;
use crate::decode::{DecodedObject, decode_list};
use crate::error::Error;
use crate::rate_limiter::lock_ignoring_poison;
use crate::settings::Polling;
use crate::transport::Method;

/// The objects of one kind in one service. Lists are numbered in the order of their requests.
pub(crate) struct ListCache {
    pub(crate) kind: Kind,
    pub(crate) path: String,
    /// Whether other objects reference these.
    is_referenced: bool,
    lists_requested: AtomicU64,
    cache: Mutex<Cache>,
    /// Lock: the first caller lists the objects, the others use its list.
    first_list: tokio::sync::Mutex<()>,
    poll: ListPoll,
}

/// The poll that all waits share. The holder of `latest` sends the request.
struct ListPoll {
    polling: Polling,
    latest: tokio::sync::Mutex<Option<ListSnapshot>>,
    interval: Mutex<Duration>,
    poll_now: Notify,
}

#[derive(Clone)]
pub(crate) struct ListSnapshot {
    number: u64,
    taken_at: Instant,
    pub(crate) objects: Arc<BTreeMap<Id, DecodedObject>>,
}

/// The last list that a waiter has seen, or the moment of its write: only lists requested later are news.
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
        let is_referenced = FieldSemantics::referring_kinds(kind).next().is_some();
        Self {
            kind,
            path,
            is_referenced,
            lists_requested: AtomicU64::new(0),
            cache: Mutex::default(),
            first_list,
            poll,
        }
    }

    pub(crate) async fn list_objects(&self, client: &Client) -> Result<Vec<DecodedObject>, Error> {
        self.list_with_budget(client, TimeBudget::Run).await
    }

    async fn list_with_budget(&self, client: &Client, budget: TimeBudget) -> Result<Vec<DecodedObject>, Error> {
        Ok(self.request_list(client, budget).await?.1)
    }

    /// Lists the objects for a plan, and remembers the known ones.
    pub(crate) async fn list_for_plan(&self, client: &Client) -> Result<Vec<DecodedObject>, Error> {
        let items = self.list_objects(client).await?;
        let ids = items.iter().map(|item| item.object.id.clone()).collect();
        lock_ignoring_poison(&self.cache).known_ids = Some(ids);
        Ok(items)
    }

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

    /// Lists the objects again, unless the last list is younger than `moment` and no wait was noted since. `false` if
    /// it sent a request.
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

    /// Notes that the run waited for something: the lists so far are too old for a create.
    pub(crate) fn note_wait(&self) {
        lock_ignoring_poison(&self.cache).outdated_list = self.lists_requested.load(Ordering::Relaxed);
    }

    /// Whether the object is one of the plan, or one that this run created.
    pub(crate) fn is_known(&self, id: &Id) -> bool {
        lock_ignoring_poison(&self.cache).known_ids.as_ref().is_some_and(|known| known.contains(id))
    }

    /// The objects with the name that neither the plan nor this run knows.
    pub(crate) fn unplanned_ids(&self, name: &Name) -> BTreeSet<Id> {
        let mut ids = self.ids_named(name);
        ids.retain(|id| !self.is_known(id));
        ids
    }

    async fn request_list(&self, client: &Client, budget: TimeBudget) -> Result<(u64, Vec<DecodedObject>), Error> {
        let number = self.lists_requested.fetch_add(1, Ordering::Relaxed) + 1;
        let call = RequestSpec::new(Method::Get, &self.path).with_budget(budget);
        let mut items = decode_list(self.kind, &self.path, client.send(call).await?)?;
        for item in &mut items {
            client.run_redaction.redact_object(self.kind, &mut item.object);
        }
        self.merge_list(number, &items);
        Ok((number, items))
    }

    /// Merges a list. Information about an object that is newer than the request of the list stays.
    fn merge_list(&self, number: u64, items: &[DecodedObject]) {
        let mut cache = lock_ignoring_poison(&self.cache);
        cache.listed_at = Some(Instant::now());
        cache.last_list = cache.last_list.max(number);
        cache.ids_by_name.clear();
        let mut before = std::mem::take(&mut cache.objects);
        for DecodedObject { name, object } in items {
            let last = before.remove(&object.id);
            let listed = self.seen_object(name, object, number);
            let seen = last.filter(|seen| seen.list_number >= number).unwrap_or(listed);
            cache.insert_object(&object.id, seen);
        }
        // An object that the list lacks is gone, unless it was created after the list was requested.
        for (id, seen) in before.into_iter().filter(|(_, seen)| seen.list_number >= number) {
            cache.insert_object(&id, seen);
        }
    }

    /// Notes the object in the answer to a write.
    pub(crate) fn note_object(&self, name: &Name, object: &Object) {
        let since = self.lists_requested.load(Ordering::Relaxed);
        let mut cache = lock_ignoring_poison(&self.cache);
        let seen = self.seen_object(name, object, since);
        cache.insert_object(&object.id, seen);
        if let Some(known) = &mut cache.known_ids {
            known.insert(object.id.clone());
        }
    }

    pub(crate) fn note_edit(&self, id: &Id) {
        self.note_write(id, |writes| writes.edited_at = Some(Instant::now()));
    }

    pub(crate) fn note_stop(&self, id: &Id) {
        self.note_write(id, |writes| writes.stop_sent_at = Some(Instant::now()));
    }

    /// `None` when this run has started the object again.
    pub(crate) fn note_pause(&self, id: &Id, pause_reason: Option<PauseReason>) {
        self.note_write(id, |writes| writes.pause_reason = pause_reason);
    }

    fn note_write(&self, id: &Id, note: impl FnOnce(&mut OwnWrites)) {
        note(lock_ignoring_poison(&self.cache).own_writes.entry(id.clone()).or_default());
    }

    pub(crate) fn pause_reason(&self, id: &Id) -> Option<PauseReason> {
        lock_ignoring_poison(&self.cache).own_writes(id).pause_reason
    }

    pub(crate) fn forget_object(&self, id: &Id) {
        let mut cache = lock_ignoring_poison(&self.cache);
        cache.remove_object(id);
        cache.own_writes.remove(id);
    }

    pub(crate) fn ids_named(&self, name: &Name) -> BTreeSet<Id> {
        lock_ignoring_poison(&self.cache).ids_by_name.get(name).cloned().unwrap_or_default()
    }

    /// The object with its last known state. It has a body only if others can reference it.
    pub(crate) fn last_seen(&self, id: &Id) -> Option<Object> {
        let CachedObject { state, body, .. } = lock_ignoring_poison(&self.cache).objects.get(id)?.clone();
        Some(Object { id: id.clone(), state, body })
    }

    /// The objects of the last lists, as [`ListCache::last_seen`] shows each.
    pub(crate) fn all_seen(&self) -> Vec<(Name, Object)> {
        let cache = lock_ignoring_poison(&self.cache);
        let objects = cache.objects.iter().map(|(id, CachedObject { name, state, body, .. })| {
            (name.clone(), Object { id: id.clone(), state: state.clone(), body: body.clone() })
        });
        objects.collect()
    }

    fn seen_object(&self, name: &Name, object: &Object, list_number: u64) -> CachedObject {
        let body = if self.is_referenced { object.body.clone() } else { Value::Null };
        CachedObject { name: name.clone(), state: object.state.clone(), body, list_number }
    }

    /// Notes that lists show all writes to the object.
    pub(crate) fn clear_pending_write(&self, id: &Id) {
        self.note_write(id, |writes| (writes.edited_at, writes.stop_sent_at) = (None, None));
    }

    /// The time of the last edit, if the API may still resume the pipe because of it.
    pub(crate) fn edited_at(&self, id: &Id) -> Option<Instant> {
        lock_ignoring_poison(&self.cache).own_writes(id).edited_at
    }

    /// The time of the last stop, if no list shows it yet.
    pub(crate) fn stop_sent_at(&self, id: &Id) -> Option<Instant> {
        lock_ignoring_poison(&self.cache).own_writes(id).stop_sent_at
    }

    /// A cursor from now on. Take it when a write was answered: only later lists show its effect.
    pub(crate) fn new_cursor(&self) -> ListCursor {
        // Something has just changed, so the poll starts over with its shortest interval.
        let objects = lock_ignoring_poison(&self.cache).objects.len();
        *lock_ignoring_poison(&self.poll.interval) = self.poll.polling.first_interval(objects);
        self.poll.poll_now.notify_one();
        ListCursor { number: self.lists_requested.load(Ordering::Relaxed), taken_at: Instant::now() }
    }

    /// The next list after the cursor. The first waiter requests it when it is due, at `end` at the latest; all other
    /// waiters get the same one.
    pub(crate) async fn next_snapshot(
        &self,
        client: &Client,
        cursor: &mut ListCursor,
        end: Instant,
        budget: TimeBudget,
    ) -> Result<ListSnapshot, Error> {
        // The lock is held while this caller sleeps and requests. So all others wait for the one request.
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
    /// Waits for the current interval, or until `end`.
    async fn wait_until_due(&self, since: Instant, end: Instant) {
        // A new cursor shortens the interval while others sleep for the long one, so they are woken to check it again.
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
        let first = self.polling.first_interval(now.objects.len());
        // While an object changes, the list is read often. Otherwise the interval grows: a first load can take hours,
        // and its polls count against the same rate limit as the work on other pipes.
        *interval = if moved { first } else { self.polling.next_interval(*interval) };
    }
}

impl ListSnapshot {
    fn object_states(&self) -> impl Iterator<Item = (&Id, &State)> {
        self.objects.iter().map(|(id, item)| (id, &item.object.state))
    }
}

#[cfg(test)]
mod tests {
    use super::{DecodedObject, Id, Kind, ListCache, Name, Object, PauseReason, Polling, State, Value};

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

    #[test]
    fn list_without_the_object_does_not_forget_who_paused_it() {
        let collection = ListCache::new(Kind::ClickPipe, String::new(), Polling::default());
        let pipe = item("a", "Running");
        collection.merge_list(1, std::slice::from_ref(&pipe));
        collection.note_pause(&pipe.object.id, Some(PauseReason::NeededForEdit));
        collection.merge_list(2, &[]);
        collection.merge_list(3, std::slice::from_ref(&pipe));
        assert_eq!(collection.pause_reason(&pipe.object.id), Some(PauseReason::NeededForEdit));
        collection.forget_object(&pipe.object.id);
        assert_eq!(collection.pause_reason(&pipe.object.id), None);
    }

    #[test]
    fn renamed_object_is_found_by_its_new_name_only() {
        let collection = ListCache::new(Kind::ClickPipe, String::new(), Polling::default());
        let DecodedObject { name, object } = item("a", "Running");
        collection.note_object(&name, &object);
        collection.note_object(&Name::new("renamed"), &object);
        assert_eq!(collection.ids_named(&name).len(), 0);
        assert_eq!(collection.ids_named(&Name::new("renamed")).len(), 1);
        collection.forget_object(&object.id);
        assert_eq!(collection.ids_named(&Name::new("renamed")).len(), 0);
    }
}
