//! Observes live service by service: one that cannot be read does not hide the others.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::{Error, Result, anyhow};
use clickpipes::exclusive_read::Sharing;
use clickpipes::exclusive_reads::exclusive_reads;
use clickpipes::semantics::{FieldSemantics, dns_names, dns_patterns};
use clickpipes::server_names::ServerNames;
use futures_util::future::try_join_all;
use model::action::RunState;
use model::address::{Address, Kind, ServiceRef};
use model::desired::{Document, Presence};
use model::live::Live;
use planner::ReaderElsewhere;
use remote::{ObserveScope, RejectionKind, Remote};
use serde_json::Value;

use super::Session;
use crate::unreachable::UnreachableService;

/// The result of an observation.
#[derive(Default)]
pub(crate) struct ObservedServices {
    /// The requested objects of the services that could be read.
    pub(crate) live: Live,
    /// The services that could not be read.
    pub(crate) unreachable: Vec<UnreachableService>,
}

impl Session {
    /// Reads the live objects that a plan needs, from the services that can be read.
    pub(super) async fn observe(&self) -> Result<ObservedServices> {
        let (remote, mut scope) = (&self.connection.remote, self.read_scope());
        scope.kinds.retain(|service, _| self.is_reachable(service));
        let mut observed = observe_services(remote, scope.clone(), &self.unknown_services).await?;
        let references = observe_references(remote, &scope, &observed.live, &self.selected_names()).await?;
        observed.live.extend(references);
        Ok(observed)
    }

    /// The names under which selected objects may be live.
    fn selected_names(&self) -> BTreeSet<Address> {
        let names = self.selected.iter().flat_map(|at| {
            let document = &self.desired[at];
            let previous = document.intent.previous_names.iter().chain(&document.dropped_names);
            previous.map(|name| at.with_name(name.clone())).chain([at.clone()])
        });
        names.collect()
    }

    /// The lists to read for the selected objects: one list for each kind in each service.
    pub(super) fn read_scope(&self) -> ObserveScope {
        let mut scope = ObserveScope::default();
        let named_hosts = self.unselected_hosts();
        for at in &self.selected {
            let kinds = scope.kinds.entry(at.service.clone()).or_default();
            kinds.insert(at.kind);
            // An object that others use is not deleted, even if no manifest declares the others.
            kinds.extend(FieldSemantics::referring_kinds(at.kind));
            let document = &self.desired[at];
            let rules = FieldSemantics::for_kind(at.kind);
            kinds.extend(rules.referenced_kinds(&document.body));
            // For a host as text: without a read, a live endpoint would look like one that the rest of the plan
            // creates.
            if !named_hosts.is_empty() {
                let names = rules.all_connected_hosts(&document.body).into_iter().flat_map(|host| dns_patterns(&host));
                kinds.extend(names.filter_map(|name| named_hosts.get(&(&at.service, name))));
            }
            let blocks = document.body.as_object().into_iter().flatten();
            let blocks = blocks.filter(|(_, value)| value.is_object() || value.is_array());
            scope.detail_blocks.insert(at.clone(), blocks.map(|(name, _)| name.clone()).collect());
        }
        // A manifest that was removed since the base is reported if its object is still live.
        let removed = self.base.iter().flatten().map(|(at, _)| at).filter(|at| !self.desired.contains_key(at));
        for at in removed.filter(|at| !self.is_partial && self.connection.services.contains_key(&at.service)) {
            scope.kinds.entry(at.service.clone()).or_default().insert(at.kind);
        }
        for (service, kind) in self.prune_inputs.kinds_to_read() {
            scope.kinds.entry(service.clone()).or_default().insert(kind);
        }
        for at in self.possible_holders(&BTreeSet::new()).into_iter().chain(self.holders_elsewhere.keys()) {
            scope.kinds.entry(at.service.clone()).or_default().insert(at.kind);
        }
        scope
    }

    /// The kinds of the declared objects outside of the selection, by service and DNS name.
    fn unselected_hosts(&self) -> BTreeMap<(&ServiceRef, String), Kind> {
        let others = self.desired.iter().filter(|(at, _)| !self.selected.contains(*at));
        let names = others.flat_map(|(at, document)| {
            let names = dns_names(at.kind, &document.body).into_iter();
            names.map(|name| ((&at.service, name.to_ascii_lowercase()), at.kind))
        });
        names.collect()
    }

    /// Objects outside of the selection that may still read something that a selected object takes over: declared ones,
    /// and the `removed` ones, whose manifest is gone.
    // Their manifests stop or delete them, and only live shows whether that is done. Without a check, both would read.
    // A service is not read only for objects that are not selected.
    pub(super) fn possible_holders<'s>(&'s self, removed: &BTreeSet<&'s Address>) -> Vec<&'s Address> {
        let is_running = |it: &Document| it.intent.presence == Presence::Present(RunState::Running);
        let others = self.desired.iter().filter(|(at, document)| !self.selected.contains(at) && !is_running(document));
        let others = others.map(|(at, document)| (at, Some(document)));
        let mut others = others.chain(removed.iter().map(|at| (*at, None))).peekable();
        if others.peek().is_none() {
            return Vec::new();
        }
        let names = ServerNames::of_objects(self.desired.iter().map(|(at, document)| (at, &*document.body)));
        let reads = |at: &Address, body: &Value| -> Vec<_> {
            let reads = exclusive_reads(at.kind, body, names.seen_from(&at.service)).into_iter();
            reads.filter(|read| read.sharing == Sharing::Broken).map(|read| read.key()).collect()
        };
        let wanted: HashSet<_> = self.selected.iter().flat_map(|at| reads(at, &self.desired[at].body)).collect();
        let may_read = |at: &Address, document: Option<&Document>| {
            let in_base = self.base.as_ref().and_then(|base| base.get(at)).map(|document| &document.body);
            let declared = document.filter(|it| it.intent.presence != Presence::Absent);
            let mut bodies =
                document.into_iter().flat_map(|it| it.earlier_bodies.iter().chain([&it.body])).chain(in_base);
            // A removed manifest provides only the name.
            let is_unknown = declared.is_none() && in_base.is_none();
            is_unknown || bodies.any(|body| reads(at, body).iter().any(|key| wanted.contains(key)))
        };
        if wanted.is_empty() {
            return Vec::new();
        }
        others.filter(|(at, document)| may_read(at, *document)).map(|(at, _)| at).collect()
    }

    /// The live objects of other shards that may own something that an object of this shard takes, removed from `live`.
    pub(super) fn take_readers_elsewhere(&self, live: &mut Cow<'_, Live>) -> Vec<ReaderElsewhere> {
        if self.holders_elsewhere.is_empty() {
            return Vec::new();
        }
        let services: BTreeSet<&ServiceRef> = self.holders_elsewhere.keys().map(|at| &at.service).collect();
        let readers = self.holders_elsewhere.iter().flat_map(|(at, way_out)| {
            let objects = live.get(at).into_iter().flat_map(|found| found.objects.clone());
            objects.map(|object| ReaderElsewhere { address: at.clone(), object, way_out: way_out.clone() })
        });
        let readers = readers.collect();
        // This shard does not plan their services, so they must not look unmanaged here.
        live.to_mut().retain(|at, _| !services.contains(&at.service));
        readers
    }
}

/// Reads all services at the same time. `unknown` are those without an id, with the reason.
///
/// # Errors
/// When nothing could be read, the key is refused everywhere, or a signal ended the run.
async fn observe_services(
    remote: &Remote,
    scope: ObserveScope,
    unknown: &BTreeMap<ServiceRef, String>,
) -> Result<ObservedServices> {
    collect_partial(split_by_service(scope).into_iter().map(|(service, scope)| async move {
        let answer = match unknown.get(&service) {
            Some(why) => Err(anyhow!("{why}")),
            None => remote.observe_live(&scope).await.map_err(Error::from),
        };
        (service, answer)
    }))
    .await
}

/// Reads what live objects reference although no manifest says so. A replacement keeps such a reference, and needs to
/// know whether it can.
async fn observe_references(
    remote: &Remote,
    scope: &ObserveScope,
    live: &Live,
    selected: &BTreeSet<Address>,
) -> Result<Live> {
    let mut unread = ObserveScope::default();
    for (at, observed) in live.iter().filter(|(at, _)| selected.contains(*at)) {
        let rules = FieldSemantics::for_kind(at.kind);
        let kinds = observed.objects.iter().flat_map(|object| rules.referenced_kinds(&object.body));
        let is_read = |kind: &Kind| scope.kinds.get(&at.service).is_some_and(|read| read.contains(kind));
        for kind in kinds.filter(|kind| !is_read(kind)) {
            unread.kinds.entry(at.service.clone()).or_default().insert(kind);
        }
    }
    Ok(remote.observe_live(&unread).await?)
}

/// The same, however each service is read.
pub(crate) async fn collect_partial(
    reads: impl Iterator<Item = impl Future<Output = (ServiceRef, Result<Live>)>>,
) -> Result<ObservedServices> {
    let answers = try_join_all(reads.map(|read| async {
        match read.await {
            // A refused key is refused everywhere, and after an interruption nothing more is read.
            (_, Err(error)) if is_fatal(&error) => Err(error),
            answered => Ok(answered),
        }
    }));
    let answers = answers.await?;
    let any = answers.iter().any(|(_, answer)| answer.is_ok());
    let mut reading = ObservedServices::default();
    for (service, answer) in answers {
        match answer {
            Ok(live) => reading.live.extend(live),
            // Only if another service answered. Otherwise the service is not the cause.
            Err(error) if any => reading.unreachable.push(UnreachableService::new(service, &error)),
            Err(error) => return Err(error),
        }
    }
    Ok(reading)
}

fn split_by_service(scope: ObserveScope) -> BTreeMap<ServiceRef, ObserveScope> {
    let mut scopes: BTreeMap<ServiceRef, ObserveScope> = BTreeMap::new();
    for (service, kinds) in scope.kinds {
        scopes.entry(service.clone()).or_default().kinds.insert(service, kinds);
    }
    for (at, blocks) in scope.detail_blocks {
        scopes.entry(at.service.clone()).or_default().detail_blocks.insert(at, blocks);
    }
    scopes
}

/// Whether the error affects every service.
fn is_fatal(error: &Error) -> bool {
    error
        .downcast_ref::<remote::Error>()
        .is_some_and(|error| error.is_interrupted() || error.rejection_kind() == Some(RejectionKind::Unauthenticated))
}
