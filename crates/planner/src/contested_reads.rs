//! What only one object can have, and another live object has already: a queue, a slot, a name.
//
// Manifests are held against each other when they are loaded. Here what the plan begins to read is held against what
// live objects read now. An object that the plan deletes or stops is no obstacle: it goes first.

mod meanwhile;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use clickpipes::blocking_tables;
use clickpipes::data_effects;
use clickpipes::exclusive_read::{ExclusiveRead, Sharing};
use clickpipes::exclusive_reads::{DNS_NAME, contested_dns_name, exclusive_claims, is_sharing_harmful};
use clickpipes::lifecycle;
use clickpipes::semantics::{FieldSemantics, OnChange, dns_patterns};
use clickpipes::server_names::ServerNames;
use model::action::{Action, RunState, UpdateVia};
use model::address::{Address, ServiceRef};
use model::desired::{Desired, Presence};
use model::live::{Id, Live, Object};
use model::path::FieldPath;
use serde_json::Value;

use self::meanwhile::CreatedReaders;
use crate::block_reason::BlockReason;
use crate::change::{Change, Verdict};
use crate::handover::Handover;
use crate::object_plan::can_be_renamed;
use crate::plan::Plan;
use crate::read_conflict::{ReadConflict, ReadConflictCause};
use crate::references::connected_hosts;
use crate::{handover_steps, order, still_used};

type LiveObject<'l> = (&'l Address, &'l Object);

type ReadKey = (&'static str, String, String);

/// Who reads what, before the plan and after it.
struct Readers<'p> {
    plan: &'p Plan,
    desired: &'p Desired,
    names: ServerNames,
    objects: HashMap<&'p Id, &'p Object>,
    /// The live objects that read it now.
    by_read: HashMap<ReadKey, Vec<LiveObject<'p>>>,
    changes: HashMap<&'p Id, &'p Change>,
    actions: HashMap<&'p Address, Vec<&'p Action>>,
    unmanaged: BTreeSet<&'p Id>,
    unmanaged_by_service: HashMap<&'p ServiceRef, Vec<LiveObject<'p>>>,
    /// Deletions that wait for other objects.
    waiting: BTreeSet<&'p Address>,
    live: Vec<LiveObject<'p>>,
    hosts_in_use: OnceCell<BTreeSet<(&'p ServiceRef, String)>>,
    created_by_read: OnceCell<CreatedReaders<'p>>,
}

/// What is to be done about what two objects read.
#[derive(Default)]
struct Findings {
    blocked: BTreeMap<Address, BlockReason>,
    warnings: BTreeMap<Address, Vec<String>>,
    handovers: Vec<Handover>,
}

/// Lets objects take over from each other what only one can read, blocks what would take it from an object that stays,
/// and warns where each would get a part.
pub(crate) fn settle_contested_reads(plan: &mut Plan, desired: &Desired, live: &Live) {
    if plan.changes.is_empty() {
        return;
    }
    let mut found = Findings::default();
    let readers = Readers::new(plan, desired, live);
    for change in &plan.changes {
        readers.settle(change, &mut found);
    }
    for change in &mut plan.changes {
        change.data_effects.extend(found.warnings.remove(&change.address).into_iter().flatten());
    }
    handover_steps::add_handovers(plan, found.handovers, &mut found.blocked);
    let is_kept = |at: &Address| !found.blocked.contains_key(at);
    still_used::block_made_outside(plan, is_kept, BlockReason::NameNotGiven);
    still_used::block_changes(plan, &found.blocked);
    if !plan.handovers.is_empty() {
        plan.actions = order::sort_actions(std::mem::take(&mut plan.actions), &plan.delete_after, &plan.handovers);
    }
}

impl<'p> Readers<'p> {
    fn new(plan: &'p Plan, desired: &'p Desired, live: &'p Live) -> Self {
        let all = || live.iter().flat_map(|(at, observed)| observed.objects.iter().map(move |object| (at, object)));
        let declared = desired.iter().filter(|(_, document)| document.intent.presence != Presence::Absent);
        let declared = declared.map(|(at, document)| (at, &*document.body));
        let mut readers = Self {
            plan,
            desired,
            names: ServerNames::of_objects(declared.chain(all().map(|(at, object)| (at, &object.body)))),
            objects: all().map(|(_, object)| (&object.id, object)).collect(),
            by_read: HashMap::new(),
            changes: plan.changes.iter().filter_map(|change| Some((change.id.as_ref()?, change))).collect(),
            actions: HashMap::new(),
            unmanaged: plan.unmanaged.iter().map(|other| &other.id).collect(),
            unmanaged_by_service: HashMap::new(),
            waiting: plan.delete_after.iter().map(|entry| &entry.address).collect(),
            live: all().collect(),
            hosts_in_use: OnceCell::new(),
            created_by_read: OnceCell::new(),
        };
        for action in &plan.actions {
            readers.actions.entry(action.address()).or_default().push(action);
        }
        for (at, object) in all() {
            for read in readers.reads_now(at, object) {
                readers.by_read.entry(read.key()).or_default().push((at, object));
            }
            if readers.unmanaged.contains(&object.id) {
                readers.unmanaged_by_service.entry(&at.service).or_default().push((at, object));
            }
        }
        readers
    }

    fn reads_of(&self, at: &Address, body: &Value) -> Vec<ExclusiveRead> {
        exclusive_claims(at.kind, body, self.names.seen_from(&at.service))
    }

    fn reads_now(&self, at: &Address, object: &Object) -> Vec<ExclusiveRead> {
        if lifecycle::reads_source(at.kind, object) { self.reads_of(at, &object.body) } else { Vec::new() }
    }

    fn live_object(&self, change: &Change) -> Option<&'p Object> {
        self.objects.get(change.id.as_ref()?).copied()
    }

    /// The object as it reads after the plan; `None` if it reads nothing then.
    fn reader_after(&self, change: &Change) -> Option<Cow<'p, Value>> {
        let live = self.live_object(change);
        let mut is_running = live.is_some_and(|object| lifecycle::reads_source(change.address.kind, object));
        let mut body = live.map(|object| Cow::Borrowed(&object.body));
        for action in self.actions.get(&change.address).into_iter().flatten() {
            match action {
                Action::Delete { .. } => (body, is_running) = (None, false),
                Action::Create { body: created, .. } => (body, is_running) = (Some(Cow::Borrowed(&**created)), true),
                Action::SetState { to, .. } => is_running = *to == RunState::Running,
                Action::Update { via: UpdateVia::Resource, body: sent, .. } => {
                    overlay(body.get_or_insert(Cow::Owned(Value::Null)).to_mut(), sent);
                }
                Action::Update { .. } => {}
            }
        }
        body.filter(|_| is_running)
    }

    /// What the object would read, had the plan its way. What is blocked is as declared.
    fn wanted(&self, change: &Change) -> Option<Cow<'p, Value>> {
        if !matches!(change.verdict, Verdict::Blocked(_)) {
            return self.reader_after(change);
        }
        let document = self.desired.get(&change.address)?;
        let is_running = document.intent.presence == Presence::Present(RunState::Running);
        is_running.then(|| Cow::Borrowed(&*document.body))
    }

    fn settle(&self, change: &Change, found: &mut Findings) {
        let at = &change.address;
        let Some(body) = self.wanted(change) else { return self.settle_meanwhile(change, found) };
        let is_blocked = matches!(change.verdict, Verdict::Blocked(_));
        let own = self.live_object(change);
        let had: BTreeSet<_> = own.into_iter().flat_map(|own| self.reads_now(at, own)).map(|read| read.key()).collect();
        // What it reads already is not for this plan to settle.
        for read in self.reads_of(at, &body).into_iter().filter(|read| !had.contains(&read.key())) {
            let others = self.by_read.get(&read.key()).into_iter().flatten();
            for (other_at, other) in others.filter(|(_, other)| Some(&other.id) != change.id.as_ref()) {
                let harmful = is_sharing_harmful(&read, (&at.service, &body), (&other_at.service, &other.body));
                if harmful {
                    self.settle_read((change, &body), &read, (other_at, other), found);
                }
            }
        }
        if !is_blocked && let Some(warning) = self.contested_name(at, &body, own) {
            found.warnings.entry(at.clone()).or_default().push(warning);
        }
    }

    fn settle_read(
        &self,
        (change, body): (&Change, &Value),
        read: &ExclusiveRead,
        other: LiveObject<'_>,
        found: &mut Findings,
    ) {
        let at = change.address.clone();
        let is_strict = read.sharing == Sharing::Broken;
        let will_give = self.changes.get(&other.1.id).copied().filter(|it| self.wants_to_give(it, read));
        let goes_first = |giver: &&Change| self.can_go_first(giver) && !self.leaves_gap(change, giver, read);
        if let Some(giver) = will_give.filter(goes_first) {
            // A message that both read is read again by none. But a pruned pipe goes only when its successor is there.
            if is_strict || giver.place.is_some() {
                let tables = if is_strict { self.tables_left(change, body, giver) } else { Vec::new() };
                // A replacement tells its own losses. What is only started goes on where it stopped.
                let is_new = change.verdict == Verdict::Create;
                let losses =
                    if is_new { data_effects::missed_changes(at.kind, body, &other.1.body) } else { Vec::new() };
                let (giver, name) = (giver.address.clone(), read.name.clone());
                let handover = Handover { giver, taker: at.clone(), what: read.what, name, is_strict, losses };
                if !tables.is_empty() {
                    let reason = handover.conflict(&handover.giver, ReadConflictCause::TablesLeft(tables));
                    found.blocked.insert(at, reason);
                }
                // The topics of a consumer group have one name.
                found.handovers.extend((!found.handovers.contains(&handover)).then_some(handover));
            }
            return;
        }
        if matches!(change.verdict, Verdict::Blocked(_)) {
            return;
        }
        if let Some(giver) = will_give.filter(|giver| read.what == DNS_NAME && !has_own_reason(giver)) {
            let conflict = |other: &Address, cause| ReadConflict {
                what: read.what,
                name: read.name.clone(),
                other: other.clone(),
                cause,
            };
            let cause = ReadConflictCause::MovesLater { may_be_renamed: is_same_connection(&at, body, other.1) };
            found.blocked.insert(
                giver.address.clone(),
                BlockReason::ContestedRead(conflict(&at, ReadConflictCause::TakerBlocked)),
            );
            found.blocked.insert(at, BlockReason::ContestedRead(conflict(&giver.address, cause)));
        } else if is_strict {
            found.blocked.entry(at).or_insert_with_key(|at| self.stays(at, read, other));
        } else if self.unmanaged.contains(&other.1.id) {
            let told = found.warnings.entry(at).or_default();
            told.extend(told.is_empty().then(|| shared_read_warning(read, other.0)));
        }
    }

    fn stays(&self, reader: &Address, read: &ExclusiveRead, (at, object): LiveObject<'_>) -> BlockReason {
        let (what, name) = (read.what, read.name.clone());
        let other = self.changes.get(&object.id).map_or(at, |change| &change.address).clone();
        let cause = if self.unmanaged.contains(&object.id) {
            ReadConflictCause::NotDeclared {
                may_be_renamed: other.service == reader.service,
                can_be_renamed: can_be_renamed(other.kind),
            }
        } else {
            ReadConflictCause::OtherStays
        };
        BlockReason::ContestedRead(ReadConflict { what, name, other, cause })
    }

    /// The tables that a deleted giver leaves behind, and that keep the taker from being created.
    fn tables_left(&self, taker: &Change, body: &Value, giver: &Change) -> Vec<String> {
        let is_followed = giver.verdict == Verdict::Delete && taker.verdict == Verdict::Create;
        let Some(live) = self.live_object(giver).filter(|_| is_followed) else { return Vec::new() };
        if giver.address.service != taker.address.service {
            return Vec::new();
        }
        blocking_tables::find_blocking_tables(taker.address.kind, body, &live.body)
    }

    /// Whether an object that has it now is not to have it.
    fn wants_to_give(&self, change: &Change, read: &ExclusiveRead) -> bool {
        let keeps =
            |body: Cow<'_, Value>| self.reads_of(&change.address, &body).iter().any(|other| other.key() == read.key());
        !self.wanted(change).is_some_and(keeps)
    }

    /// What waits for something else cannot go first.
    fn can_go_first(&self, change: &Change) -> bool {
        self.actions.contains_key(&change.address) && !self.waiting.contains(&change.address)
    }

    /// Whether a DNS name by which others connect would lead nowhere until the taker is there, or for good: a name goes
    /// back to an object that lost it, and not to one that is deleted.
    fn leaves_gap(&self, taker: &Change, giver: &Change, read: &ExclusiveRead) -> bool {
        let is_there = || self.live_object(taker).is_some_and(|own| lifecycle::is_usable(taker.address.kind, own));
        let is_sure = || taker.verdict != Verdict::Replace && giver.verdict != Verdict::Delete && is_there();
        read.what == DNS_NAME
            && !is_sure()
            && self.hosts_in_use().contains(&(&taker.address.service, read.name.clone()))
    }

    /// The names that lead to the hosts by which live objects connect, also after the plan.
    fn hosts_in_use(&self) -> &BTreeSet<(&'p ServiceRef, String)> {
        self.hosts_in_use.get_or_init(|| {
            let mut in_use = BTreeSet::new();
            for (at, object) in &self.live {
                let actions = self.changes.get(&object.id).and_then(|change| self.actions.get(&change.address));
                let rules = FieldSemantics::for_kind(at.kind);
                let sent = actions.into_iter().flatten().filter_map(|action| action.request_body());
                let mut hosts: Vec<String> = sent.flat_map(|body| connected_hosts(rules, body)).collect();
                let is_deleted = actions.is_some_and(|all| all.iter().any(|it| matches!(it, Action::Delete { .. })));
                if hosts.is_empty() && !is_deleted {
                    hosts = connected_hosts(rules, &object.body);
                }
                in_use.extend(hosts.iter().flat_map(|host| dns_patterns(host)).map(|name| (&at.service, name)));
            }
            in_use
        })
    }

    /// A warning if an unmanaged endpoint has a DNS name, too.
    fn contested_name(&self, at: &Address, body: &Value, own: Option<&Object>) -> Option<String> {
        let others = self.unmanaged_by_service.get(&at.service)?.iter().filter(|(other, _)| other.kind == at.kind);
        { others }.find_map(|(other, object)| {
            let name = contested_dns_name(at.kind, body, own.map(|own| &own.body), &object.body)?;
            Some(shared_name_warning(other, &name))
        })
    }
}

/// Whether something else than its use keeps an object from giving a name up.
fn has_own_reason(giver: &Change) -> bool {
    matches!(&giver.verdict, Verdict::Blocked(reason) if !matches!(reason, BlockReason::StillUsed(_)))
}

/// Whether the live object has all that only a new object could change, other than its name.
fn is_same_connection(at: &Address, body: &Value, live: &Object) -> bool {
    let rules = FieldSemantics::for_kind(at.kind);
    let name = at.kind.name_path();
    let is_name = |field: &String| name.as_ref().and_then(FieldPath::last_segment) == Some(field);
    let fixed = body
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(field, _)| rules.child_field(field).on_change == OnChange::Replace && !is_name(field));
    { fixed }.all(|(field, value)| live.body.get(field) == Some(value))
}

/// Puts what is sent over what is live.
fn overlay(body: &mut Value, sent: &Value) {
    let (Value::Object(fields), Value::Object(sent)) = (&mut *body, sent) else {
        *body = sent.clone();
        return;
    };
    for (name, value) in sent {
        overlay(fields.entry(name).or_insert(Value::Null), value);
    }
}

fn shared_read_warning(read: &ExclusiveRead, reader: &Address) -> String {
    format!(
        "`{reader}`, which no manifest declares, has the {} `{}` too: each table gets a part of the rows",
        read.what, read.name
    )
}

fn shared_name_warning(other: &Address, name: &str) -> String {
    format!("`{other}`, which no manifest declares, has the DNS name `{name}` too: a name leads to one endpoint")
}
