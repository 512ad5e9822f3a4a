//! The live side of whole services, with manifests or without any: for commands that only read.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow};
use clickpipes::manifest::Manifest;
use futures_util::future::join_all;
use model::action::RunState;
use model::address::{Address, Kind, ServiceRef};
use model::desired::{Desired, Presence};
use model::live::{Live, Object, State};
use remote::{Error, LookupEntry, ObserveScope, Remote};

use crate::connection::{AccessMode, Account, ConnectOptions, Connection, FoundServices, ServiceListing};
use crate::load_manifests::LoadedManifests;
use crate::project::ProjectContext;

/// The services of a run, and the client.
pub(crate) struct LiveView {
    pub(crate) connection: Connection,
    /// The declared objects of these services; `None` without manifests.
    pub(crate) declared: Option<Desired>,
    /// The state of each service, where it is known.
    pub(crate) service_states: BTreeMap<ServiceRef, Option<State>>,
    service_labels: ServiceLabels,
}

/// The handling of an unreadable CDC scaling.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SizeRead {
    /// It is omitted.
    Optional,
    /// The service counts as unreachable.
    Required,
}

type ServiceAnswer = (ServiceRef, Result<Live, Error>);

impl LiveView {
    /// Finds the services: the given one, else those of the manifests and of the environment, else all of the
    /// organization.
    pub(crate) async fn open_view(
        project: &ProjectContext,
        declared: Option<LoadedManifests>,
        connect: &ConnectOptions,
        mode: AccessMode,
    ) -> Result<Self> {
        let names = viewed_services(connect, project, declared.as_ref());
        Self::open_services(project, declared, connect, mode, names).await
    }

    /// Opens a view of these services, or of all services of the organization if the list is empty.
    pub(crate) async fn open_services(
        project: &ProjectContext,
        declared: Option<LoadedManifests>,
        connect: &ConnectOptions,
        mode: AccessMode,
        names: BTreeSet<String>,
    ) -> Result<Self> {
        let default = connect.default_service();
        let account = Account::open(connect, project, mode).await?;
        let mut found = account.find_services(&names, ServiceListing::Preferred).await?;
        if let Some((_, why)) = found.unknown.pop_first() {
            return Err(anyhow!(why));
        }
        let all_ids = ids_by_name(&found.listed);
        if names.is_empty() {
            found.ids.clone_from(&all_ids);
        }
        let (declared, ids) = match declared {
            Some(declared) => desired_in_services(declared, &found, default.as_deref())?,
            None => (None, BTreeMap::new()),
        };
        let ids = label_services(ids, &found.ids);
        let states: BTreeMap<&String, &State> = found.listed.iter().map(|entry| (&entry.id, &entry.state)).collect();
        let state = |id: &String| states.get(id).map(|state| (*state).clone());
        let service_states = ids.iter().map(|(label, id)| (label.clone(), state(id))).collect();
        // The names of the project file take precedence over those of the services.
        let names = all_ids.iter().chain(&account.aliases).chain(&found.ids);
        let service_labels = ServiceLabels::new(&ids, names, default);
        Ok(Self { connection: account.connect(ids), declared, service_states, service_labels })
    }

    /// Lists the objects of these kinds in every service, and the CDC scaling where there is any.
    /// A service that cannot be read does not hide the others.
    pub(crate) async fn list_by_service(&self, kinds: &[Kind], size: SizeRead) -> Vec<ServiceAnswer> {
        let list = |service| async move {
            (ServiceRef::clone(service), list_objects(&self.connection.remote, service, kinds, size).await)
        };
        join_all(self.service_states.keys().map(list)).await
    }

    /// Lists only the pipes. Fails if any service cannot be read.
    pub(crate) async fn list_pipes(&self) -> Result<Live, Error> {
        let of = |service: &ServiceRef| (service.clone(), BTreeSet::from([Kind::ClickPipe]));
        let kinds = self.service_states.keys().map(of).collect();
        self.connection.remote.observe_live(&ObserveScope { kinds, ..ObserveScope::default() }).await
    }

    /// The address of a manifest's object, if it is in one of these services.
    pub(crate) fn address_of(&self, manifest: &Manifest) -> Option<Address> {
        let service = self.service_labels.label_for(manifest.service.as_deref())?.clone();
        let named = !manifest.is_organization_wide;
        named.then(|| Address::new(service, manifest.kind, manifest.name.clone()))
    }

    /// The state that git declares for a pipe, if it declares the pipe.
    pub(crate) fn declared_state(&self, at: &Address, object: &Object) -> Option<RunState> {
        let intent = &self.declared.as_ref()?.get(at)?.intent;
        // Several pipes may have the name, and only the pinned one is declared.
        if intent.pinned_id.as_ref().is_some_and(|pinned| *pinned != object.id) {
            return None;
        }
        match intent.presence {
            Presence::Present(state) => Some(state),
            Presence::Absent => None,
        }
    }
}

async fn list_objects(remote: &Remote, service: &ServiceRef, kinds: &[Kind], size: SizeRead) -> Result<Live, Error> {
    let observe = |kinds: &[Kind]| {
        let kinds = BTreeMap::from([(service.clone(), kinds.iter().copied().collect())]);
        let scope = ObserveScope { kinds, ..ObserveScope::default() };
        async move { remote.observe_live(&scope).await }
    };
    let mut live = observe(kinds).await?;
    if size == SizeRead::Optional {
        // For a view of pipes, endpoints are extra: the pipes are shown without them too.
        live.extend(observe(&[Kind::ReversePrivateEndpoint]).await.unwrap_or_default());
    }
    let mut objects = live.values().flat_map(|observed| &observed.objects);
    if objects.any(|object| clickpipes::pipe_summary::summarize_pipe(&object.body).shares_size) {
        match (observe(&[Kind::CdcScaling]).await, size) {
            (Err(error), SizeRead::Required) => return Err(error),
            (scaling, _) => live.extend(scaling.unwrap_or_default()),
        }
    }
    Ok(live)
}

/// The services by their given names; all services have no names.
fn viewed_services(
    connect: &ConnectOptions,
    project: &ProjectContext,
    declared: Option<&LoadedManifests>,
) -> BTreeSet<String> {
    if let Some(name) = &connect.service {
        return [name.clone()].into();
    }
    let manifests = declared.iter().flat_map(|declared| &declared.manifests);
    let manifests = manifests.filter(|manifest| !manifest.is_organization_wide);
    let declared = manifests.filter_map(|manifest| manifest.service.clone());
    declared.chain(project.services.keys().cloned()).chain(connect.default_service()).collect()
}

fn desired_in_services(
    mut declared: LoadedManifests,
    found: &FoundServices,
    default: Option<&str>,
) -> Result<(Option<Desired>, BTreeMap<ServiceRef, String>)> {
    declared.manifests.retain(|manifest| {
        let named = manifest.service.as_deref().or(default);
        !manifest.is_organization_wide && named.is_some_and(|name| found.ids.contains_key(name))
    });
    let (desired, ids) = declared.desired(&found.ids, default)?;
    Ok((Some(desired), ids))
}

/// The names that manifests may use for the services of a run.
struct ServiceLabels {
    labels: BTreeMap<String, ServiceRef>,
    /// The service of manifests that name none.
    default: Option<String>,
}

impl ServiceLabels {
    fn new<'n>(
        ids: &'n BTreeMap<ServiceRef, String>,
        names: impl Iterator<Item = (&'n String, &'n String)>,
        default: Option<String>,
    ) -> Self {
        let called: BTreeMap<_, _> = ids.iter().map(|(label, id)| (id, label)).collect();
        let own = ids.values().map(|id| (id, id));
        let labels = own.chain(names).filter_map(|(name, id)| Some((name.clone(), (*called.get(id)?).clone())));
        Self { labels: labels.collect(), default }
    }

    fn label_for(&self, name: Option<&str>) -> Option<&ServiceRef> {
        self.labels.get(name.or(self.default.as_deref())?)
    }
}

/// Every service by its name; those that share one by their ids.
fn ids_by_name(entries: &[LookupEntry]) -> BTreeMap<String, String> {
    let label = |entry: &LookupEntry| {
        let same = entries.iter().filter(|other| other.name == entry.name).count();
        if same > 1 || entry.name.is_empty() { entry.id.clone() } else { entry.name.clone() }
    };
    entries.iter().map(|entry| (label(entry), entry.id.clone())).collect()
}

/// Gives each service one label: the name in the manifests, if they name it.
fn label_services(
    mut ids: BTreeMap<ServiceRef, String>,
    named: &BTreeMap<String, String>,
) -> BTreeMap<ServiceRef, String> {
    for (name, id) in named {
        if !ids.values().any(|known| known == id) {
            ids.insert(ServiceRef::new(name.clone()), id.clone());
        }
    }
    ids
}
