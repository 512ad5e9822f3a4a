//! The live side of whole services, with manifests or without any: for commands that look.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Result;
use futures_util::future::join_all;
use model::action::RunState;
use model::address::{Address, Kind, ServiceRef};
use model::desired::{Desired, Presence};
use model::live::{Live, Object, State};
use model::manifest::Manifest;
use remote::{Directory, Entry, Error, Rate, Remote, Scope, Settings, Transport};

use super::{Manner, lookup, settings};
use crate::cli::{ConnectArgs, ManifestArgs};
use crate::declared::Declared;
use crate::environment;
use crate::output::Output;
use crate::project::Chosen;
use crate::sandboxed::Sandboxed;
use crate::secrets::Resolver;

/// The services that are looked at, and the client.
pub(crate) struct Sight {
    /// What manifests declare in these services; `None` where no manifests are at hand.
    pub(crate) declared: Option<Desired>,
    /// The state of each service, where it is known.
    pub(crate) services: BTreeMap<ServiceRef, Option<State>>,
    names: Names,
    remote: Remote,
    sandbox: Option<Arc<Sandboxed>>,
    rate: Option<Rate>,
}

/// What one service answered.
type Answer = (ServiceRef, Result<Live, Error>);

impl Sight {
    /// Finds out which services are meant: the one that is named, else those of the manifests and of
    /// the environment, else all of the organization.
    pub(crate) async fn open(
        chosen: Chosen,
        declared: Option<Declared>,
        connect: &ConnectArgs,
        manner: Manner,
    ) -> Result<Self> {
        let wake = manner.wake || chosen.policy.wake_idle.unwrap_or_default();
        let wake = wake && manner.writes;
        let settings = Settings { wait: manner.wait, wake, ..settings(connect, &chosen)? };
        let rate = settings.rate;
        let wanted = Wanted::new(connect, &chosen, declared.as_ref());
        let sandbox = connect.sandbox.as_deref().map(Sandboxed::open).transpose()?;
        let (directory, organization) = if let Some(sandbox) = &sandbox {
            inside(sandbox, &wanted, settings)
        } else {
            let directory = lookup::reach(connect, &chosen, settings)?;
            let organization = lookup::organization(connect, &chosen, &directory).await?;
            (directory, organization)
        };
        let secrets = match &sandbox {
            Some(_) => Resolver::for_sandbox(&chosen.manifests)?,
            None => Resolver::default(),
        };
        let secrets = secrets.within(&chosen);
        let aliases = if sandbox.is_some() { BTreeMap::new() } else { chosen.services };
        let found = found(&directory, &organization, &wanted, &aliases).await?;
        let (declared, ids) = match declared {
            Some(declared) => wanted.desired(declared, &found)?,
            None => (None, BTreeMap::new()),
        };
        let ids = labelled(ids, &found);
        let state = |id: &String| found.states.get(id).cloned();
        let services = ids.iter().map(|(label, id)| (label.clone(), state(id))).collect();
        let names = Names::new(&ids, &found, &aliases, wanted.default);
        let remote = directory.into_remote(organization, ids, Arc::new(secrets));
        Ok(Self { declared, services, names, remote, sandbox, rate })
    }

    /// Lists the pipes of every service, and the size that database pipes share where there are any.
    /// A service that cannot be read hides no other.
    pub(crate) async fn look(&self) -> Vec<Answer> {
        join_all(self.services.keys().map(|service| self.look_at(service))).await
    }

    async fn look_at(&self, service: &ServiceRef) -> Answer {
        let observe = |kind| {
            let kinds = BTreeMap::from([(service.clone(), BTreeSet::from([kind]))]);
            let scope = Scope { kinds, ..Scope::default() };
            async move { self.remote.observe(&scope).await }
        };
        let mut live = match observe(Kind::ClickPipe).await {
            Ok(live) => live,
            Err(error) => return (service.clone(), Err(error)),
        };
        let mut objects = live.values().flat_map(|observed| &observed.objects);
        if objects.any(|object| model::overview::of(&object.body).shares_size) {
            // Only a column of the table depends on it.
            live.extend(observe(Kind::CdcScaling).await.unwrap_or_default());
        }
        (service.clone(), Ok(live))
    }

    /// Lists the pipes alone, and all of them or none.
    pub(crate) async fn pipes(&self) -> Result<Live, Error> {
        let of = |service: &ServiceRef| (service.clone(), BTreeSet::from([Kind::ClickPipe]));
        let kinds = self.services.keys().map(of).collect();
        self.remote.observe(&Scope { kinds, ..Scope::default() }).await
    }

    /// Where the object of a manifest is, if it is in one of these services.
    pub(crate) fn address(&self, manifest: &Manifest) -> Option<Address> {
        let service = self.names.service(manifest.service.as_deref())?.clone();
        let named = !manifest.organization;
        named.then(|| Address::new(service, manifest.kind, manifest.name.clone()))
    }

    /// What git says of a pipe's state, where it declares the pipe.
    pub(crate) fn wants(&self, at: &Address, object: &Object) -> Option<RunState> {
        let intent = &self.declared.as_ref()?.get(at)?.intent;
        if intent.pinned.as_ref().is_some_and(|pinned| *pinned != object.id) {
            return None;
        }
        match intent.presence {
            Presence::Present(state) => Some(state),
            Presence::Absent => None,
        }
    }

    /// The client.
    pub(crate) fn remote(&self) -> &Remote {
        &self.remote
    }

    /// How many requests are sent at most; `None` is as fast as it goes.
    pub(crate) fn rate(&self) -> Option<Rate> {
        self.rate
    }

    /// The time, as the API has it: in the sandbox inside the process that is its own.
    #[expect(clippy::disallowed_methods, reason = "an age is told by the real clock")]
    pub(crate) fn now(&self) -> SystemTime {
        let inside = self.sandbox.as_ref().map(|it| it.with(|world| world.now().to_string()));
        let inside = inside.and_then(|now| humantime::parse_rfc3339_weak(&now).ok());
        inside.unwrap_or_else(SystemTime::now)
    }

    /// Keeps what must outlive the run.
    pub(crate) fn close(&self) -> Result<()> {
        self.sandbox.as_ref().map_or(Ok(()), |sandbox| sandbox.save())
    }
}

/// What manifests declare. Those of the project file need not be there, nor be sound: what is live
/// can be shown without.
pub(crate) fn declared(
    args: &ManifestArgs,
    chosen: &Chosen,
    output: Output,
) -> Result<Option<Declared>> {
    if chosen.manifests.is_empty() {
        return Ok(None);
    }
    let read = Declared::read(&chosen.manifests, &chosen.variables);
    match read.and_then(|declared| declared.sound(output)) {
        Ok(declared) => Ok(Some(declared)),
        Err(error) if args.paths.is_empty() => {
            output.say(format!("note: shown without what is declared: {error:#}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The services as they are named; none are named where all are meant.
struct Wanted {
    names: BTreeSet<String>,
    default: Option<String>,
}

impl Wanted {
    fn new(connect: &ConnectArgs, chosen: &Chosen, declared: Option<&Declared>) -> Self {
        if let Some(name) = &connect.service {
            return Self { names: [name.clone()].into(), default: Some(name.clone()) };
        }
        let default = environment::variable("SERVICE_ID");
        let manifests = declared.iter().flat_map(|declared| &declared.manifests);
        let manifests = manifests.filter(|manifest| !manifest.organization);
        let declared = manifests.filter_map(|manifest| manifest.service.clone());
        let names =
            declared.chain(chosen.services.keys().cloned()).chain(default.clone()).collect();
        Self { names, default }
    }

    /// What is declared in the services that were found.
    fn desired(
        &self,
        mut declared: Declared,
        found: &Found,
    ) -> Result<(Option<Desired>, BTreeMap<ServiceRef, String>)> {
        let default = self.default.as_deref();
        declared.manifests.retain(|manifest| {
            let named = manifest.service.as_deref().or(default);
            !manifest.organization && named.is_some_and(|name| found.ids.contains_key(name))
        });
        let (desired, ids) = declared.desired(&found.ids, default)?;
        Ok((Some(desired), ids))
    }
}

/// What manifests may call the services that are looked at.
struct Names {
    labels: BTreeMap<String, ServiceRef>,
    /// The service of manifests that name none.
    default: Option<String>,
}

impl Names {
    fn new(
        ids: &BTreeMap<ServiceRef, String>,
        found: &Found,
        aliases: &BTreeMap<String, String>,
        default: Option<String>,
    ) -> Self {
        let called: BTreeMap<_, _> = ids.iter().map(|(label, id)| (id, label)).collect();
        let own = ids.values().map(|id| (id, id));
        // What the project file says goes before what the service is called.
        let names = own.chain(&found.all).chain(aliases).chain(&found.ids);
        let labels = names.filter_map(|(name, id)| {
            let label = called.get(id)?;
            Some((name.clone(), (*label).clone()))
        });
        Self { labels: labels.collect(), default }
    }

    fn service(&self, name: Option<&str>) -> Option<&ServiceRef> {
        self.labels.get(name.or(self.default.as_deref())?)
    }
}

/// The services that are there.
struct Found {
    /// Ids by the names that people use here.
    ids: BTreeMap<String, String>,
    /// Ids by the names that the services have.
    all: BTreeMap<String, String>,
    /// What each is doing, by id.
    states: BTreeMap<String, State>,
}

fn inside(sandbox: &Arc<Sandboxed>, wanted: &Wanted, settings: Settings) -> (Directory, String) {
    for name in &wanted.names {
        sandbox.with(|world| world.ensure_service(name));
    }
    let transport = Arc::clone(sandbox) as Arc<dyn Transport>;
    (Directory::new(transport, settings), sandbox::ORGANIZATION.to_owned())
}

/// Looks the services up. A key that may not list them can still look at those whose ids are known.
async fn found(
    directory: &Directory,
    organization: &str,
    wanted: &Wanted,
    aliases: &BTreeMap<String, String>,
) -> Result<Found> {
    let known = |name: &String| {
        let id = aliases.get(name).or_else(|| lookup::is_uuid(name).then_some(name));
        id.cloned()
    };
    let all_known = !wanted.names.is_empty() && wanted.names.iter().all(|it| known(it).is_some());
    let entries = match directory.services(organization).await {
        Ok(entries) => entries,
        Err(_) if all_known => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let mut ids = BTreeMap::new();
    for name in &wanted.names {
        let id = known(name).map_or_else(|| lookup::service_called(name, &entries), Ok)?;
        ids.insert(name.clone(), id);
    }
    let all = all(&entries);
    if wanted.names.is_empty() {
        ids.clone_from(&all);
    }
    let states = entries.into_iter().map(|entry| (entry.id, entry.state)).collect();
    Ok(Found { ids, all, states })
}

/// Every service by its name; those that share one by their ids.
fn all(entries: &[Entry]) -> BTreeMap<String, String> {
    let label = |entry: &Entry| {
        let same = entries.iter().filter(|other| other.name == entry.name).count();
        if same > 1 || entry.name.is_empty() { entry.id.clone() } else { entry.name.clone() }
    };
    entries.iter().map(|entry| (label(entry), entry.id.clone())).collect()
}

/// The services under one label each: that of the manifests, where they name it.
fn labelled(mut ids: BTreeMap<ServiceRef, String>, found: &Found) -> BTreeMap<ServiceRef, String> {
    for (name, id) in &found.ids {
        if !ids.values().any(|known| known == id) {
            ids.insert(ServiceRef::new(name.clone()), id.clone());
        }
    }
    ids
}
