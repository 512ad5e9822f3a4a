//! The objects of one kind in one service: what is known of them, and the one list that everybody
//! who waits for one of them shares.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::address::{Kind, Name};
use model::live::{Id, Object, State};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::answer::{Item, items};
use crate::client::{Call, Client};
use crate::deadline::Budget;
use crate::error::Error;
use crate::pace::lock;
use crate::settings::Polling;
use crate::transport::Method;

/// A list of the API, with its lists numbered in the order in which they were asked for.
pub(crate) struct Collection {
    pub(crate) kind: Kind,
    pub(crate) path: String,
    asked: AtomicU64,
    known: Mutex<Known>,
    /// Held by whoever lists the objects because nobody did before.
    first: tokio::sync::Mutex<()>,
    watch: Watch,
}

#[derive(Default)]
struct Known {
    /// When the last list came.
    listed: Option<Instant>,
    objects: BTreeMap<Id, Seen>,
}

/// What was last heard of an object.
#[derive(Clone, Debug)]
struct Seen {
    name: Name,
    state: State,
    /// Lists up to this number were asked for before, and know less.
    since: u64,
    wrote: Wrote,
    /// Why this run has stopped it, as long as it has not started it again.
    pause: Option<Pause>,
}

/// Why a pipe is stopped for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// An action said so.
    Planned,
    /// The API wanted it for an edit, and no action did.
    Wanted,
}

/// What this run did to an object lately, as long as the API may not show it yet.
#[derive(Clone, Copy, Debug, Default)]
struct Wrote {
    /// When an edit was accepted that the object may still answer by resuming.
    edited: Option<Instant>,
    /// When a stop was sent that the object was not seen to follow.
    stopped: Option<Instant>,
}

/// Shared by everybody who waits; who holds `latest` is the one who asks.
struct Watch {
    polling: Polling,
    latest: tokio::sync::Mutex<Option<Snapshot>>,
    pause: Mutex<Duration>,
    hurried: Notify,
}

/// One answer to a list.
#[derive(Clone)]
pub(crate) struct Snapshot {
    number: u64,
    at: Instant,
    pub(crate) objects: Arc<BTreeMap<Id, Item>>,
}

/// What somebody who waits has seen: only a list that was asked for later is news.
#[derive(Clone, Copy)]
pub(crate) struct Ticket {
    number: u64,
    at: Instant,
}

impl Collection {
    pub(crate) fn new(kind: Kind, path: String, polling: Polling) -> Self {
        let watch = Watch {
            polling,
            latest: tokio::sync::Mutex::default(),
            pause: Mutex::new(polling.first),
            hurried: Notify::new(),
        };
        let first = tokio::sync::Mutex::default();
        Self { kind, path, asked: AtomicU64::new(0), known: Mutex::default(), first, watch }
    }

    /// Lists the objects now.
    pub(crate) async fn list(&self, client: &Client) -> Result<Vec<Item>, Error> {
        self.list_by(client, Budget::Run).await
    }

    async fn list_by(&self, client: &Client, budget: Budget) -> Result<Vec<Item>, Error> {
        Ok(self.ask(client, budget).await?.1)
    }

    /// Lists the objects unless that was done before.
    pub(crate) async fn list_once(&self, client: &Client) -> Result<(), Error> {
        self.list_within(client, Duration::MAX, Budget::Run).await
    }

    /// Lists the objects unless that was done so lately.
    pub(crate) async fn list_within(
        &self,
        client: &Client,
        age: Duration,
        budget: Budget,
    ) -> Result<(), Error> {
        let _first = client.guard(budget, self.first.lock()).await?;
        let listed = lock(&self.known).listed;
        let lately = listed.is_some_and(|listed| listed.elapsed() <= age);
        if lately { Ok(()) } else { self.list_by(client, budget).await.map(drop) }
    }

    async fn ask(&self, client: &Client, budget: Budget) -> Result<(u64, Vec<Item>), Error> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let call = Call::new(Method::Get, &self.path).within(budget);
        let items = items(self.kind, &self.path, client.send(call).await?)?;
        self.learn(number, &items);
        Ok((number, items))
    }

    /// What was heard of an object after the list was asked for counts for more than the list.
    fn learn(&self, number: u64, items: &[Item]) {
        let mut known = lock(&self.known);
        known.listed = Some(Instant::now());
        let mut before = std::mem::take(&mut known.objects);
        for Item { name, object } in items {
            let last = before.remove(&object.id);
            let wrote = last.as_ref().map(|seen| seen.wrote).unwrap_or_default();
            let pause = last.as_ref().and_then(|seen| seen.pause);
            let (name, state) = (name.clone(), object.state.clone());
            let heard = Seen { name, state, since: number, wrote, pause };
            let seen = last.filter(|seen| seen.since >= number).unwrap_or(heard);
            known.objects.insert(object.id.clone(), seen);
        }
        before.retain(|_, seen| seen.since >= number);
        known.objects.append(&mut before);
    }

    /// Notes what the answer to a write said.
    pub(crate) fn note(&self, name: &Name, object: &Object) {
        let since = self.asked.load(Ordering::Relaxed);
        let mut known = lock(&self.known);
        let last = known.objects.get(&object.id);
        let wrote = last.map(|seen| seen.wrote).unwrap_or_default();
        let pause = last.and_then(|seen| seen.pause);
        let seen = Seen { name: name.clone(), state: object.state.clone(), since, wrote, pause };
        known.objects.insert(object.id.clone(), seen);
    }

    /// Notes that an edit was accepted.
    pub(crate) fn note_edit(&self, id: &Id) {
        if let Some(seen) = lock(&self.known).objects.get_mut(id) {
            seen.wrote.edited = Some(Instant::now());
        }
    }

    /// Notes that a stop is being sent.
    pub(crate) fn note_stop(&self, id: &Id) {
        if let Some(seen) = lock(&self.known).objects.get_mut(id) {
            seen.wrote.stopped = Some(Instant::now());
        }
    }

    /// Notes why this run stops the object; `None` when it has started it again.
    pub(crate) fn note_pause(&self, id: &Id, pause: Option<Pause>) {
        if let Some(seen) = lock(&self.known).objects.get_mut(id) {
            seen.pause = pause;
        }
    }

    /// Why this run has stopped the object, unless it has started it again.
    pub(crate) fn pause(&self, id: &Id) -> Option<Pause> {
        lock(&self.known).objects.get(id)?.pause
    }

    /// Notes that the object is gone.
    pub(crate) fn forget(&self, id: &Id) {
        lock(&self.known).objects.remove(id);
    }

    /// The objects that bear the name.
    pub(crate) fn ids(&self, name: &Name) -> BTreeSet<Id> {
        let known = lock(&self.known);
        let named = known.objects.iter().filter(|(_, seen)| &seen.name == name);
        named.map(|(id, _)| id.clone()).collect()
    }

    /// The object as it was last heard of, without its body.
    pub(crate) fn last(&self, id: &Id) -> Option<Object> {
        let state = lock(&self.known).objects.get(id)?.state.clone();
        Some(Object { id: id.clone(), state, body: Value::Null })
    }

    /// Notes that the API shows all that was done to the object.
    pub(crate) fn note_calm(&self, id: &Id) {
        if let Some(seen) = lock(&self.known).objects.get_mut(id) {
            seen.wrote = Wrote::default();
        }
    }

    /// When the object was edited, if it may still answer that by resuming.
    pub(crate) fn edited(&self, id: &Id) -> Option<Instant> {
        lock(&self.known).objects.get(id)?.wrote.edited
    }

    /// When the object was sent a stop that it was not yet seen to follow.
    pub(crate) fn stopped(&self, id: &Id) -> Option<Instant> {
        lock(&self.known).objects.get(id)?.wrote.stopped
    }

    /// To be taken when a write was answered: only what is listed afterwards tells its effect.
    pub(crate) fn ticket(&self) -> Ticket {
        *lock(&self.watch.pause) = self.watch.polling.first;
        self.watch.hurried.notify_one();
        Ticket { number: self.asked.load(Ordering::Relaxed), at: Instant::now() }
    }

    /// The next list that is news to the holder of the ticket. Whoever comes first asks for it
    /// when it is due, at `end` at the latest, and everybody else who waits gets the same one.
    pub(crate) async fn next(
        &self,
        client: &Client,
        ticket: &mut Ticket,
        end: Instant,
        budget: Budget,
    ) -> Result<Snapshot, Error> {
        let mut latest = client.guard(budget, self.watch.latest.lock()).await?;
        let news = latest.as_ref().filter(|snapshot| snapshot.number > ticket.number);
        let snapshot = if let Some(snapshot) = news {
            snapshot.clone()
        } else {
            let since = latest.as_ref().map_or(ticket.at, |last| last.at.max(ticket.at));
            client.guard(budget, self.watch.until_due(since, end)).await?;
            let (number, items) = self.ask(client, budget).await?;
            let objects = items.into_iter().map(|item| (item.object.id.clone(), item)).collect();
            let snapshot = Snapshot { number, at: Instant::now(), objects: Arc::new(objects) };
            self.watch.adapt(latest.as_ref(), &snapshot);
            latest.insert(snapshot).clone()
        };
        *ticket = Ticket { number: snapshot.number, at: snapshot.at };
        Ok(snapshot)
    }
}

impl Watch {
    /// Sleeps for the present pause, which somebody may shorten meanwhile. The last look is at
    /// the end.
    async fn until_due(&self, since: Instant, end: Instant) {
        loop {
            let due = (since + *lock(&self.pause)).min(end);
            if Instant::now() >= due {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                () = self.hurried.notified() => {}
            }
        }
    }

    fn adapt(&self, before: Option<&Snapshot>, now: &Snapshot) {
        let moved = before.is_none_or(|before| before.states().ne(now.states()));
        let mut pause = lock(&self.pause);
        *pause = if moved { self.polling.first } else { self.polling.after(*pause) };
    }
}

impl Snapshot {
    fn states(&self) -> impl Iterator<Item = (&Id, &State)> {
        self.objects.iter().map(|(id, item)| (id, &item.object.state))
    }
}

#[cfg(test)]
mod tests {
    use super::{Collection, Id, Item, Kind, Name, Object, Polling, State, Value};

    fn item(id: &str, state: &str) -> Item {
        let object = Object { id: Id::new(id), state: State::new(state), body: Value::Null };
        Item { name: Name::new("orders"), object }
    }

    fn state(collection: &Collection, id: &str) -> Option<String> {
        Some(collection.last(&Id::new(id))?.state.to_string())
    }

    #[test]
    fn an_answer_counts_for_more_than_a_list_that_was_asked_for_before_it() {
        let collection = Collection::new(Kind::ClickPipe, String::new(), Polling::default());
        collection.asked.store(7, super::Ordering::Relaxed);
        let (changed, made) = (item("changed", "Paused"), item("made", "Provisioning"));
        collection.note(&changed.name, &changed.object);
        collection.note(&made.name, &made.object);

        collection.learn(7, &[item("changed", "Running")]);
        assert_eq!(state(&collection, "changed").as_deref(), Some("Paused"));
        assert_eq!(state(&collection, "made").as_deref(), Some("Provisioning"));

        collection.learn(8, &[item("changed", "Running")]);
        assert_eq!(state(&collection, "changed").as_deref(), Some("Running"));
        assert_eq!(state(&collection, "made"), None);
    }
}
