//! The objects of a plan, with the exclusive sources that each has, gives up and takes.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use clickpipes::exclusive_read::{ExclusiveRead, Sharing};
use clickpipes::exclusive_reads::exclusive_claims;
use clickpipes::server_names::ServerNames;
use clickpipes::{lifecycle, start_paused};
use model::action::{Action, RunState, UpdateVia};
use model::address::Address;
use model::desired::{Desired, Presence};
use model::live::{Id, Live, Object};
use serde_json::Value;

use crate::change::{Change, Verdict};
use crate::inputs::ReaderElsewhere;
use crate::order::actions_by_object;
use crate::plan::Plan;
use crate::references::live_objects;

type Claims = BTreeMap<ClaimKey, ExclusiveRead>;

type ClaimKey = (&'static str, String, String);

/// How long an object keeps what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Term {
    /// From then on.
    Lasting,
    /// Until it is stopped, as the plan does in the end.
    UntilStopped,
    /// Until its stop, if the API does not know how to create it paused.
    UnlessPaused,
}

/// The role of an object in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing<'p> {
    /// A manifest declares it, or it is pruned.
    Managed,
    /// No manifest declares it.
    Unmanaged,
    /// It belongs to another shard. Contains the required step before this shard can take over its source.
    Elsewhere(&'p str),
}

/// An object before and after a plan.
pub(super) struct Party<'p> {
    /// The declared address, if there is one.
    pub(super) at: &'p Address,
    pub(super) live: Option<&'p Object>,
    /// `None` if it does not change.
    pub(super) change: Option<&'p Change>,
    pub(super) actions: Vec<&'p Action>,
    /// An object that waits for another one cannot go first.
    pub(super) can_go_first: bool,
    pub(super) standing: Standing<'p>,
    holds: Claims,
    wants: Claims,
    pub(super) term: Term,
    /// The body with the sources that it takes.
    body: Option<Cow<'p, Value>>,
}

impl<'p> Party<'p> {
    fn new(at: &'p Address, live: Option<&'p Object>, names: &ServerNames) -> Self {
        // A stopped pipe has nothing: another one may read its slot or queue meanwhile.
        let reading = live.filter(|object| lifecycle::reads_source(at.kind, object));
        let holds = reading.map(|object| claims(at, &object.body, names)).unwrap_or_default();
        Self {
            at,
            live,
            change: None,
            actions: Vec::new(),
            can_go_first: false,
            standing: Standing::Managed,
            holds,
            wants: Claims::new(),
            term: Term::Lasting,
            body: None,
        }
    }

    /// A blocked object takes the declared sources.
    fn with_change(mut self, change: &'p Change, desired: &'p Desired, names: &ServerNames) -> Self {
        self.change = Some(change);
        (self.body, self.term) = if self.is_blocked() {
            let declared = desired.get(self.at);
            let running = Presence::Present(RunState::Running);
            let declared = declared.filter(|document| document.intent.presence == running);
            (declared.map(|document| Cow::Borrowed(&*document.body)), Term::Lasting)
        } else {
            self.body_after()
        };
        self.wants = self.body.as_ref().map(|body| claims(self.at, body, names)).unwrap_or_default();
        // A pipe that reads only until its stop does harm only where exactly one object may read.
        self.wants.retain(|_, read| self.term == Term::Lasting || read.sharing == Sharing::Broken);
        self
    }

    /// The body with which it reads after the plan, or until the plan stops it. The API starts each new database pipe,
    /// and a paused one resumes by itself when its tables change.
    fn body_after(&self) -> (Option<Cow<'p, Value>>, Term) {
        let mut is_running = self.live.is_some_and(|object| lifecycle::reads_source(self.at.kind, object));
        let (mut body, mut brief) = (self.live.map(|object| Cow::Borrowed(&object.body)), None);
        for action in &self.actions {
            match action {
                Action::Delete { .. } => (body, is_running, brief) = (None, false, None),
                Action::Create { body: created, .. } => {
                    (body, is_running) = (Some(Cow::Borrowed(&**created)), true);
                    let has_switch = start_paused::has_switch(created);
                    brief = Some(if has_switch { Term::UnlessPaused } else { Term::UntilStopped });
                }
                Action::SetState { to, .. } => is_running = *to == RunState::Running,
                Action::Update { via: UpdateVia::Resource, body: sent, .. } => {
                    overlay(body.get_or_insert(Cow::Owned(Value::Null)).to_mut(), sent);
                    brief = Some(Term::UntilStopped);
                }
                // Settings and sizes are not part of the source.
                Action::Update { .. } => {}
            }
        }
        let is_stopped_last = matches!(self.actions.last(), Some(Action::SetState { .. }));
        match brief.filter(|_| is_stopped_last) {
            _ if is_running => (body, Term::Lasting),
            Some(term) => (body, term),
            None => (None, Term::UntilStopped),
        }
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.change.is_some_and(|change| change.verdict.is_blocked())
    }

    pub(super) fn is_pruned(&self) -> bool {
        self.change.is_some_and(|change| change.place.is_none())
    }

    pub(super) fn has_verdict(&self, verdict: &Verdict) -> bool {
        self.change.is_some_and(|change| change.verdict == *verdict)
    }

    /// The sources that it begins to read, with the body that contains them. Sources that it has already are not
    /// decided here.
    pub(super) fn takes(&self) -> impl Iterator<Item = (&ClaimKey, &ExclusiveRead, &Value)> {
        let new = self.wants.iter().filter(|(key, _)| !self.holds.contains_key(key));
        new.filter_map(|(key, read)| Some((key, read, self.body.as_deref()?)))
    }

    /// Whether it gives up what it has now.
    pub(super) fn gives(&self, key: &ClaimKey) -> bool {
        self.change.is_some() && !(self.term == Term::Lasting && self.wants.contains_key(key))
    }

    /// The live object; null without one.
    pub(super) fn live_body(&self) -> &'p Value {
        self.live.map_or(&Value::Null, |object| &object.body)
    }

    /// The body that it has after the plan.
    pub(super) fn lasting_body(&self) -> Option<&Value> {
        self.body.as_deref().filter(|_| self.term == Term::Lasting)
    }
}

/// All objects, and the holders of each source.
pub(super) struct Parties<'p> {
    /// Objects that change come first, in the order of the plan.
    pub(super) all: Vec<Party<'p>>,
    holders: HashMap<ClaimKey, Vec<usize>>,
    first_claimants: HashMap<ClaimKey, usize>,
}

impl<'p> Parties<'p> {
    pub(super) fn new(plan: &'p Plan, desired: &'p Desired, live: &'p Live, elsewhere: &'p [ReaderElsewhere]) -> Self {
        let objects = || live_objects(live);
        let declared = desired.iter().filter(|(_, document)| document.intent.presence != Presence::Absent);
        let declared = declared.map(|(at, document)| (at, &*document.body));
        let names = ServerNames::of_objects(declared.chain(objects().map(|(at, object)| (at, &object.body))));
        let mut actions = actions_by_object(&plan.actions);
        let by_id: HashMap<&Id, &Object> = objects().map(|(_, object)| (&object.id, object)).collect();
        let waiting: HashSet<&Address> = plan.delete_after.iter().map(|entry| &entry.address).collect();
        let mut all: Vec<Party<'_>> = Vec::new();
        for change in &plan.changes {
            let live = change.id.as_ref().and_then(|id| by_id.get(id).copied());
            let actions = actions.remove(&change.address).unwrap_or_default();
            // Without an action it does not change, and gives nothing up.
            let can_go_first = !actions.is_empty() && !waiting.contains(&change.address);
            let party = Party { actions, can_go_first, ..Party::new(&change.address, live, &names) };
            all.push(party.with_change(change, desired, &names));
        }
        let changed: HashSet<&Id> = plan.changes.iter().filter_map(|change| change.id.as_ref()).collect();
        let unmanaged: HashSet<&Id> = plan.unmanaged.iter().map(|other| &other.id).collect();
        for (at, object) in objects().filter(|(_, object)| !changed.contains(&object.id)) {
            let standing = if unmanaged.contains(&object.id) { Standing::Unmanaged } else { Standing::Managed };
            all.push(Party { standing, ..Party::new(at, Some(object), &names) });
        }
        all.extend(elsewhere.iter().map(|ReaderElsewhere { address, object, way_out }| {
            let standing = Standing::Elsewhere(way_out);
            Party { standing, ..Party::new(address, Some(object), &names) }
        }));
        Self::index(all)
    }

    fn index(all: Vec<Party<'p>>) -> Self {
        let (mut holders, mut first_claimants) = (HashMap::<_, Vec<usize>>::new(), HashMap::<_, usize>::new());
        for (index, party) in all.iter().enumerate() {
            for key in party.holds.keys() {
                holders.entry(key.clone()).or_default().push(index);
            }
            let strict = party.takes().filter(|(_, read, _)| read.sharing == Sharing::Broken && !party.is_blocked());
            for (key, ..) in strict {
                let first = first_claimants.entry(key.clone()).or_insert(index);
                // An object that keeps reading goes before one that is stopped again; then the address decides, so that
                // a plan is always the same.
                if (party.term, party.at) < (all[*first].term, all[*first].at) {
                    *first = index;
                }
            }
        }
        Self { all, holders, first_claimants }
    }

    /// The other objects that have it now.
    pub(super) fn holders_beside<'s>(
        &'s self,
        party: &'s Party<'p>,
        key: &ClaimKey,
    ) -> impl Iterator<Item = &'s Party<'p>> {
        let holders = self.holders.get(key).into_iter().flatten().map(|index| &self.all[*index]);
        holders.filter(|other| other.live.map(|it| &it.id) != party.live.map(|it| &it.id))
    }

    /// The other object that takes it with this plan, if that one comes first.
    pub(super) fn first_claimant_beside(&self, party: &Party<'p>, key: &ClaimKey) -> Option<&Party<'p>> {
        let first = &self.all[*self.first_claimants.get(key)?];
        (first.at != party.at).then_some(first)
    }
}

fn claims(at: &Address, body: &Value, names: &ServerNames) -> Claims {
    let claims = exclusive_claims(at.kind, body, names.seen_from(&at.service));
    claims.into_iter().map(|read| (read.key(), read)).collect()
}

/// Overlays the live body with the sent one.
fn overlay(body: &mut Value, sent: &Value) {
    let (Value::Object(fields), Value::Object(sent)) = (&mut *body, sent) else {
        *body = sent.clone();
        return;
    };
    for (name, value) in sent {
        overlay(fields.entry(name).or_insert(Value::Null), value);
    }
}
