//! Everything that a plan depends on.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use clickpipes::pipe::written_tables::written_table_names;
use clickpipes::secrets::policy::SecretPolicy;
use clickpipes::semantics::FieldSemantics;
use model::address::{Address, Kind, Name, ServiceRef};
use model::desired::{Desired, Document, Presence};
use model::live::{Id, Live, Object, State};
use model::selector::AddressPattern;
use serde_json::Value;

use crate::block_reason::ProtectedBy;
use crate::references::{self, LiveHosts, LiveReferences, ObjectsById};
use crate::renamed_hosts::RenamedHost;
use crate::sent_secrets::SecretPair;

/// Options of a plan beyond the declared objects.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Objects that are never deleted or replaced, whatever their manifests contain.
    pub protect: Vec<AddressPattern>,
    /// Other names of the services: ids, aliases and live names. A pattern may use any of them.
    pub service_names: BTreeMap<ServiceRef, BTreeSet<ServiceRef>>,
    /// Objects that the target branch of a pull request declares since the merge base. A merge keeps them.
    pub added_by_target: BTreeSet<Address>,
    /// The manifests before the planned change, if their protection differs from that of the base.
    pub before_change: Option<Desired>,
    /// Objects that the planned change no longer declares, and that the base did not declare yet.
    pub removed_by_change: BTreeSet<Address>,
    /// Objects whose manifests a commit removed, as far as git was asked for them.
    pub removed_by_git: BTreeSet<Address>,
    /// Tables that git took from an object once, as `database.table`: the rows of its object may have stayed.
    pub left_tables: BTreeMap<ServiceRef, BTreeSet<String>>,
    /// Manifests of the project that are not part of the run.
    pub declared_elsewhere: Desired,
    /// Manifests in folders that are not part of the run.
    pub other_folders: OtherFolders,
    /// Objects that stay stopped if somebody stopped them since the base.
    pub keep_stopped: Vec<AddressPattern>,
    /// The kinds that the API of a service does not support: their live state is unknown, and they cannot be changed.
    pub kinds_not_offered: BTreeSet<(ServiceRef, Kind)>,
    /// Objects whose secrets are sent again, although git does not show a change.
    pub resend: Vec<AddressPattern>,
    /// The hosts that may receive a secret.
    pub secrets: SecretPolicy,
    /// Objects of other shards that have something that an object of this shard may take over.
    pub readers_elsewhere: Vec<ReaderElsewhere>,
    /// How to treat changes of write-only fields.
    pub write_only: WriteOnlyPolicy,
    /// How to treat sizes that the API has not settled.
    pub unsettled: UnsettledPolicy,
}

/// The manifests of folders that are not part of the run. An object may have moved from there, or to there.
#[derive(Clone, Debug, Default)]
pub struct OtherFolders {
    /// Manifests of the base that may declare objects of the run, or objects to which these refer.
    pub base: Desired,
    /// The bodies of such objects in the commits after the base.
    pub after_base: BTreeMap<Address, Vec<Arc<Value>>>,
    /// Ids that the manifests of today pin.
    pub pinned: BTreeSet<Id>,
}

/// A live object of another part of the run.
#[derive(Clone, Debug)]
pub struct ReaderElsewhere {
    /// Its address.
    pub address: Address,
    /// The object.
    pub object: Object,
    /// The required step before this shard can take over.
    pub way_out: String,
}

impl Policy {
    pub(crate) fn protected_by(&self, address: &Address) -> Option<ProtectedBy> {
        let addresses = self.addresses_of(address);
        let pattern = self.protect.iter().find(|pattern| addresses.iter().any(|at| pattern.matches(at)));
        pattern.map(|pattern| ProtectedBy::Project(pattern.to_string()))
    }

    /// The protection of a live object with these names, in the project file or before this change.
    pub(crate) fn protection_with_base(&self, own: &[Address], id: &Id, base: &BaseClaims<'_>) -> Option<ProtectedBy> {
        let before =
            base.before_change.iter().flat_map(|before| before.manifests_of(own, Some(id))).collect::<Vec<_>>();
        let base = base.manifests_of(own, Some(id));
        let judged = if before.is_empty() { &base } else { &before };
        if judged.iter().any(|(_, was)| was.intent.protect) {
            return Some(ProtectedBy::Base);
        }
        let earlier = base.into_iter().chain(before).flat_map(|(at, was)| all_names(at, was));
        own.iter().cloned().chain(earlier).find_map(|at| self.protected_by(&at))
    }

    /// Whether the API does not support objects of its kind.
    pub(crate) fn is_not_offered(&self, address: &Address) -> bool {
        self.kinds_not_offered.contains(&(address.service.clone(), address.kind))
    }

    /// Whether it stays stopped if somebody stopped it.
    pub(crate) fn keeps_stopped(&self, address: &Address) -> bool {
        let addresses = self.addresses_of(address);
        self.keep_stopped.iter().any(|pattern| addresses.iter().any(|at| pattern.matches(at)))
    }

    /// The address under every name of its service.
    fn addresses_of(&self, address: &Address) -> Vec<Address> {
        let names = self.service_names.get(&address.service).into_iter().flatten().chain([&address.service]);
        names.map(|service| Address { service: service.clone(), ..address.clone() }).collect()
    }
}

/// The live objects that no manifest declares.
#[derive(Default)]
pub(crate) struct UndeclaredObjects<'a> {
    pub(crate) by_name: ObjectsByLetters<'a>,
    /// By the tables that they write. An object without a table, or with a masked one, is among those of no letters.
    pub(crate) by_tables: ObjectsByLetters<'a>,
}

type ObjectsByLetters<'a> = HashMap<(&'a ServiceRef, Kind, String), Vec<(&'a Address, &'a Object)>>;

/// How to treat a change of a write-only field, which live cannot show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteOnlyPolicy {
    /// Send it.
    #[default]
    Send,
    /// Assume that it was sent, for a comparison right after apply.
    AssumeSent,
}

/// How to treat a declared size that the API reports as zero: a change of scale may be in progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnsettledPolicy {
    /// Report the object, so that it is read again.
    #[default]
    ReadAgain,
    /// Send the size: reading again did not help.
    Send,
}

/// The manifests of the base, with all identifiers of their objects.
pub(crate) struct BaseClaims<'a> {
    /// Those of the run, then those of other folders.
    sides: [Option<&'a Desired>; 2],
    by_pinned_id: HashMap<&'a Id, Vec<(&'a Address, &'a Document)>>,
    by_previous_name: HashMap<Address, Vec<(&'a Address, &'a Document)>>,
    /// The manifests before this change, if those protect.
    before_change: Option<Box<Self>>,
}

impl<'a> BaseClaims<'a> {
    pub(crate) fn new(base: Option<&'a Desired>, policy: &'a Policy) -> Self {
        let before = policy.before_change.as_ref().map(|before| Box::new(Self::of_sides([Some(before), None])));
        let base = Self::of_sides([base, base.map(|_| &policy.other_folders.base)]);
        Self { before_change: before, ..base }
    }

    fn of_sides(sides: [Option<&'a Desired>; 2]) -> Self {
        let (by_pinned_id, by_previous_name) = (HashMap::new(), HashMap::new());
        let mut claims = Self { sides, by_pinned_id, by_previous_name, before_change: None };
        for (at, was) in sides.into_iter().flatten().flatten() {
            was.intent.pinned_id.iter().for_each(|id| claims.by_pinned_id.entry(id).or_default().push((at, was)));
            for name in &was.intent.previous_names {
                claims.by_previous_name.entry(at.with_name(name.clone())).or_default().push((at, was));
            }
        }
        claims
    }

    /// The manifests of these names, then those that claim a name or the live object.
    fn manifests_of(&self, names: &[Address], id: Option<&Id>) -> Vec<(&'a Address, &'a Document)> {
        let sides = self.sides.into_iter().flatten();
        let by_name = sides.flat_map(|side| names.iter().filter_map(|at| side.get_key_value(at)));
        let by_pin = id.and_then(|id| self.by_pinned_id.get(id)).into_iter().flatten();
        let by_previous_name = names.iter().filter_map(|at| self.by_previous_name.get(at)).flatten();
        by_name.chain(by_pin.chain(by_previous_name).copied()).collect()
    }
}

/// The names that a manifest claims, previous names included.
pub(crate) fn all_names(address: &Address, document: &Document) -> impl Iterator<Item = Address> {
    let previous = document.intent.previous_names.iter().map(|name| address.with_name(name.clone()));
    previous.chain([address.clone()])
}

pub(crate) struct PlanInputs<'a> {
    pub(crate) desired: &'a Desired,
    pub(crate) live: &'a Live,
    pub(crate) base: Option<&'a Desired>,
    pub(crate) policy: &'a Policy,
    /// Objects being replaced: their id changes, and with it every reference to them.
    pub(crate) replaced: BTreeSet<Address>,
    /// Objects that get other DNS names, with the referrers whose hosts change with them.
    pub(crate) renamed_hosts: BTreeMap<Address, RenamedHost>,
    /// All live objects.
    pub(crate) by_id: &'a ObjectsById<'a>,
    /// All live objects that have DNS names, by these.
    pub(crate) hosts: &'a LiveHosts<'a>,
    /// The live objects to which a manifest leads.
    pub(crate) claimed: BTreeSet<&'a Id>,
    /// The other ones. Each create looks there.
    pub(crate) undeclared_objects: OnceCell<UndeclaredObjects<'a>>,
    /// Secrets that are known to reach a host.
    pub(crate) known_pairs: OnceCell<BTreeSet<SecretPair>>,
    /// The manifests of the base by other identifiers of their objects.
    pub(crate) base_claims: OnceCell<BaseClaims<'a>>,
}

impl<'a> PlanInputs<'a> {
    pub(crate) fn new(
        (desired, live): (&'a Desired, &'a Live),
        base: Option<&'a Desired>,
        policy: &'a Policy,
        (by_id, hosts): (&'a ObjectsById<'a>, &'a LiveHosts<'a>),
    ) -> Self {
        Self {
            desired,
            live,
            base,
            policy,
            replaced: BTreeSet::new(),
            renamed_hosts: BTreeMap::new(),
            by_id,
            hosts,
            claimed: BTreeSet::new(),
            undeclared_objects: OnceCell::new(),
            known_pairs: OnceCell::new(),
            base_claims: OnceCell::new(),
        }
    }

    /// The body with live values in place of references, as they are after the plan: ids and hosts.
    pub(crate) fn resolve_references<'b>(
        &self,
        address: &Address,
        body: &'b Value,
        live: Option<&Value>,
    ) -> Cow<'b, Value> {
        let kept = |at: &Address| self.find_live(at).filter(|_| !self.replaced.contains(at));
        let find = |at: &Address| self.renamed_hosts.get(at).map(|host| &host.after).or_else(|| kept(at));
        resolve_body(address, body, live, find)
    }

    /// The body with live values in place of references, as they are now.
    // For earlier versions in git. Resolved with the names after the plan, they would equal the desired version, and
    // the live host would look like a change by hand.
    pub(crate) fn resolve_past_references<'b>(
        &self,
        address: &Address,
        body: &'b Value,
        live: &Value,
    ) -> Cow<'b, Value> {
        resolve_body(address, body, Some(live), |at| self.find_live(at))
    }

    /// Earlier values of the references in a manifest, from git and live: the DNS names that the object had in git, and
    /// ids of objects that are gone.
    //
    //     base    endpoint a.example, pipe: host {endpoint: …}
    //     git     endpoint b.example
    //     apply   the endpoint is renamed, then the pipe fails: it still connects to a.example
    //     again   live a.example was declared by git. As a change by hand, it would stay cut off
    pub(crate) fn earlier_references(&self, address: &Address, body: &Value, live: &Value) -> Vec<Value> {
        let rules = FieldSemantics::for_kind(address.kind);
        if !references::has_reference(rules, body) {
            return Vec::new();
        }
        let connected = LiveReferences { service: &address.service, hosts: self.hosts }.of(rules, live);
        let gone = connected.iter().filter(|(kind, id)| !self.by_id.contains_key(&(&address.service, *kind, id)));
        let gone: Vec<&Id> = gone.map(|(_, id)| id).collect();
        let mut found = Vec::new();
        for other in references::body_references(rules, body, &address.service) {
            let now = self.find_live(&other);
            let past = |body: Value, id: Id| Object { id, state: State::default(), body };
            let id = || now.map_or_else(|| Id::new(""), |object| object.id.clone());
            let elsewhere = &self.policy.other_folders;
            let in_base = self.base.and_then(|base| base.get(&other)).or_else(|| elsewhere.base.get(&other));
            let in_base = in_base.map(|document| &document.body);
            let later = self.desired.get(&other).into_iter().flat_map(|document| &document.earlier_bodies);
            let later = later.chain(elsewhere.after_base.get(&other).into_iter().flatten());
            let in_git =
                in_base.into_iter().map(|it| &**it).chain(later.map(|it| &**it)).map(|it| past(it.clone(), id()));
            let body_now = || now.map(|object| object.body.clone()).unwrap_or_default();
            let dead = gone.iter().map(|id| past(body_now(), Id::clone(id)));
            for object in in_git.chain(dead) {
                let find = |at: &Address| if at == &other { Some(&object) } else { self.find_live(at) };
                found.push(resolve_body(address, body, Some(live), find).into_owned());
            }
        }
        found
    }

    pub(crate) fn find_live(&self, at: &Address) -> Option<&Object> {
        let pinned = || self.desired.get(at).and_then(|document| document.intent.pinned_id.as_ref());
        match self.live.get(at)?.objects.as_slice() {
            [object] => Some(object),
            several => {
                let pinned = pinned()?;
                several.iter().find(|object| &object.id == pinned)
            }
        }
    }

    /// The document of the object in the base, under any of its names: the current one, the live one, a previous one,
    /// or a name from the base itself. `live` is the object, if there is one.
    pub(crate) fn base_document(
        &self,
        address: &Address,
        document: &Document,
        (live, renamed_from): (Option<&Object>, Option<&Name>),
    ) -> Option<&'a Document> {
        self.base_manifest(address, document, (live, renamed_from)).filter(|it| it.intent.presence != Presence::Absent)
    }

    /// The same, even if the base declares it absent.
    fn base_manifest(
        &self,
        address: &Address,
        document: &Document,
        (live, renamed_from): (Option<&Object>, Option<&Name>),
    ) -> Option<&'a Document> {
        self.base?;
        let names = own_names(address, document, renamed_from);
        let found = self.base_claims().manifests_of(&names, live.map(|object| &object.id));
        // A name that another manifest declares now is the base of that one.
        let is_own = |at: &Address| names.contains(at) || live.is_some() && !self.desired.contains_key(at);
        found.into_iter().find(|(at, _)| is_own(at)).map(|(_, found)| found)
    }

    /// The tables in which an earlier object may have left rows: those that git took from one, and those that the base
    /// gives to this one, which is not live.
    pub(crate) fn earlier_tables(&self, address: &Address, document: &Document) -> BTreeSet<String> {
        let in_base = self.base_manifest(address, document, (None, None)).map(|base| written_table_names(&base.body));
        let left = self.policy.left_tables.get(&address.service).into_iter().flatten().cloned();
        left.chain(in_base.into_iter().flatten()).collect()
    }

    fn base_claims(&self) -> &BaseClaims<'a> {
        self.base_claims.get_or_init(|| BaseClaims::new(self.base, self.policy))
    }

    /// Whether the target branch of the pull request removed the object, and this branch did not change it.
    pub(crate) fn is_removed_by_target(&self, address: &Address, document: &Document) -> bool {
        let is_gone = document.target.as_ref().is_some_and(|target| target.presence == Presence::Absent);
        let base = self.base.and_then(|base| base.get(address));
        is_gone && base.is_some_and(|base| !document.differs_from(base))
    }

    /// The protection of a live object. Every name of the object is checked, in git and live, and in the base as well:
    /// neither a rename nor the removal of `protect` in the same change lifts the protection.
    pub(crate) fn protected_by(
        &self,
        address: &Address,
        document: &Document,
        (live, renamed_from): (&Object, Option<&Name>),
    ) -> Option<ProtectedBy> {
        if document.intent.protect {
            return Some(ProtectedBy::Manifest);
        }
        let own = own_names(address, document, renamed_from);
        self.policy.protection_with_base(&own, &live.id, self.base_claims())
    }
}

/// The names of a declared object, today's first. `renamed_from` is the live one, if that is another.
fn own_names(address: &Address, document: &Document, renamed_from: Option<&Name>) -> Vec<Address> {
    let names = [Some(&address.name), renamed_from].into_iter().flatten().chain(&document.intent.previous_names);
    names.chain(&document.dropped_names).map(|name| address.with_name(name.clone())).collect()
}

fn resolve_body<'b, 'o>(
    address: &Address,
    body: &'b Value,
    live: Option<&Value>,
    find: impl Fn(&Address) -> Option<&'o Object>,
) -> Cow<'b, Value> {
    let rules = FieldSemantics::for_kind(address.kind);
    // Most bodies have none, and a copy of each is a tenth of a plan.
    if !references::has_reference(rules, body) {
        return Cow::Borrowed(body);
    }
    let find = |kind, name| find(&Address::new(address.service.clone(), kind, name));
    Cow::Owned(references::resolve_references(rules, body, live, &find))
}
