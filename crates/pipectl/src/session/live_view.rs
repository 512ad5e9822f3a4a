//! The live side of whole services, with manifests or without any: for commands that look.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Result;
use clickpipes::manifest::Manifest;
use futures_util::future::join_all;
use model::action::RunState;
use model::address::{Address, Kind, ServiceRef};
use model::desired::{Desired, Presence};
use model::live::{Live, Object, State};
use remote::{Error, LookupEntry, ObserveScope, Remote, RemoteSettings, RequestRate, ServiceLookup, Transport};

use super::{AccessMode, remote_settings, resolve_services};
use crate::cli::{ConnectArgs, ManifestArgs};
use crate::embedded_sandbox::EmbeddedSandbox;
use crate::env_vars;
use crate::load_manifests::LoadedManifests;
use crate::output::Output;
use crate::project::ProjectContext;
use crate::secrets::SecretResolver;

/// The services that are looked at, and the client.
pub(crate) struct LiveView {
    /// What manifests declare in these services; `None` where no manifests are at hand.
    pub(crate) declared: Option<Desired>,
    /// The state of each service, where it is known.
    pub(crate) service_states: BTreeMap<ServiceRef, Option<State>>,
    service_labels: ServiceLabels,
    remote: Remote,
    sandbox: Option<Arc<EmbeddedSandbox>>,
    rate: Option<RequestRate>,
}

/// What one service answered.
type ServiceAnswer = (ServiceRef, Result<Live, Error>);

impl LiveView {
    /// Finds out which services are meant: the one that is named, else those of the manifests and of
    /// the environment, else all of the organization.
    pub(crate) async fn open_view(
        project: ProjectContext,
        declared: Option<LoadedManifests>,
        connect: &ConnectArgs,
        mode: AccessMode,
    ) -> Result<Self> {
        let wake = mode.can_wake || project.policy.wake_idle.unwrap_or_default();
        let wake = wake && mode.can_write;
        let settings = RemoteSettings { wait: mode.wait, wake_services: wake, ..remote_settings(connect, &project)? };
        let rate = settings.rate;
        let viewed = ViewedServices::new(connect, &project, declared.as_ref());
        let sandbox = connect.sandbox.as_deref().map(EmbeddedSandbox::open_file).transpose()?;
        let (directory, organization) = if let Some(sandbox) = &sandbox {
            open_in_sandbox(sandbox, &viewed, settings)
        } else {
            let directory = resolve_services::connect_api(connect, &project, settings)?;
            let organization = resolve_services::resolve_organization(connect, &project, &directory).await?;
            (directory, organization)
        };
        let secrets = match &sandbox {
            Some(_) => SecretResolver::for_sandbox(&project.manifests)?,
            None => SecretResolver::default(),
        };
        let secrets = secrets.for_project(&project);
        let aliases = if sandbox.is_some() { BTreeMap::new() } else { project.services };
        let found = list_services(&directory, &organization, &viewed, &aliases).await?;
        let (declared, ids) = match declared {
            Some(declared) => viewed.desired_in_services(declared, &found)?,
            None => (None, BTreeMap::new()),
        };
        let ids = label_services(ids, &found);
        let state = |id: &String| found.states.get(id).cloned();
        let services = ids.iter().map(|(label, id)| (label.clone(), state(id))).collect();
        let names = ServiceLabels::new(&ids, &found, &aliases, viewed.default);
        let remote = directory.into_remote(organization, ids, Arc::new(secrets));
        Ok(Self { declared, service_states: services, service_labels: names, remote, sandbox, rate })
    }

    /// Lists the pipes of every service, and the size that database pipes share where there are any.
    /// A service that cannot be read hides no other.
    pub(crate) async fn list_by_service(&self) -> Vec<ServiceAnswer> {
        join_all(self.service_states.keys().map(|service| self.list_service(service))).await
    }

    async fn list_service(&self, service: &ServiceRef) -> ServiceAnswer {
        let observe = |kind| {
            let kinds = BTreeMap::from([(service.clone(), BTreeSet::from([kind]))]);
            let scope = ObserveScope { kinds, ..ObserveScope::default() };
            async move { self.remote.observe_live(&scope).await }
        };
        let mut live = match observe(Kind::ClickPipe).await {
            Ok(live) => live,
            Err(error) => return (service.clone(), Err(error)),
        };
        let mut objects = live.values().flat_map(|observed| &observed.objects);
        if objects.any(|object| clickpipes::pipe_summary::summarize_pipe(&object.body).shares_size) {
            // Only a column of the table depends on it.
            live.extend(observe(Kind::CdcScaling).await.unwrap_or_default());
        }
        (service.clone(), Ok(live))
    }

    /// Lists the pipes alone, and all of them or none.
    pub(crate) async fn list_pipes(&self) -> Result<Live, Error> {
        let of = |service: &ServiceRef| (service.clone(), BTreeSet::from([Kind::ClickPipe]));
        let kinds = self.service_states.keys().map(of).collect();
        self.remote.observe_live(&ObserveScope { kinds, ..ObserveScope::default() }).await
    }

    /// Where the object of a manifest is, if it is in one of these services.
    pub(crate) fn address_of(&self, manifest: &Manifest) -> Option<Address> {
        let service = self.service_labels.label_for(manifest.service.as_deref())?.clone();
        let named = !manifest.is_organization_wide;
        named.then(|| Address::new(service, manifest.kind, manifest.name.clone()))
    }

    /// What git says of a pipe's state, where it declares the pipe.
    pub(crate) fn declared_state(&self, at: &Address, object: &Object) -> Option<RunState> {
        let intent = &self.declared.as_ref()?.get(at)?.intent;
        if intent.pinned_id.as_ref().is_some_and(|pinned| *pinned != object.id) {
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
    pub(crate) fn rate_limit(&self) -> Option<RequestRate> {
        self.rate
    }

    /// The time, as the API has it: in the sandbox inside the process that is its own.
    #[expect(clippy::disallowed_methods, reason = "an age is told by the real clock")]
    pub(crate) fn current_time(&self) -> SystemTime {
        let inside = self.sandbox.as_ref().map(|it| it.with_world(|world| world.now().to_string()));
        let inside = inside.and_then(|now| humantime::parse_rfc3339_weak(&now).ok());
        inside.unwrap_or_else(SystemTime::now)
    }

    /// Keeps what must outlive the run.
    pub(crate) fn save_sandbox(&self) -> Result<()> {
        self.sandbox.as_ref().map_or(Ok(()), |sandbox| sandbox.save_state())
    }
}

/// What manifests declare. Those of the project file need not be there, nor be sound: what is live
/// can be shown without.
pub(crate) fn load_valid_manifests(
    args: &ManifestArgs,
    project: &ProjectContext,
    output: Output,
) -> Result<Option<LoadedManifests>> {
    if project.manifests.is_empty() {
        return Ok(None);
    }
    let read = LoadedManifests::load_paths(&project.manifests, &project.variables);
    match read.and_then(|declared| declared.require_valid(output)) {
        Ok(declared) => Ok(Some(declared)),
        Err(error) if args.paths.is_empty() => {
            output.print_message_line(format!("note: shown without what is declared: {error:#}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The services as they are named; none are named where all are meant.
struct ViewedServices {
    names: BTreeSet<String>,
    default: Option<String>,
}

impl ViewedServices {
    fn new(connect: &ConnectArgs, project: &ProjectContext, declared: Option<&LoadedManifests>) -> Self {
        if let Some(name) = &connect.service {
            return Self { names: [name.clone()].into(), default: Some(name.clone()) };
        }
        let default = env_vars::read_variable("SERVICE_ID");
        let manifests = declared.iter().flat_map(|declared| &declared.manifests);
        let manifests = manifests.filter(|manifest| !manifest.is_organization_wide);
        let declared = manifests.filter_map(|manifest| manifest.service.clone());
        let names = declared.chain(project.services.keys().cloned()).chain(default.clone()).collect();
        Self { names, default }
    }

    /// What is declared in the services that were found.
    fn desired_in_services(
        &self,
        mut declared: LoadedManifests,
        found: &ListedServices,
    ) -> Result<(Option<Desired>, BTreeMap<ServiceRef, String>)> {
        let default = self.default.as_deref();
        declared.manifests.retain(|manifest| {
            let named = manifest.service.as_deref().or(default);
            !manifest.is_organization_wide && named.is_some_and(|name| found.selected_ids.contains_key(name))
        });
        let (desired, ids) = declared.desired(&found.selected_ids, default)?;
        Ok((Some(desired), ids))
    }
}

/// What manifests may call the services that are looked at.
struct ServiceLabels {
    labels: BTreeMap<String, ServiceRef>,
    /// The service of manifests that name none.
    default: Option<String>,
}

impl ServiceLabels {
    fn new(
        ids: &BTreeMap<ServiceRef, String>,
        found: &ListedServices,
        aliases: &BTreeMap<String, String>,
        default: Option<String>,
    ) -> Self {
        let called: BTreeMap<_, _> = ids.iter().map(|(label, id)| (id, label)).collect();
        let own = ids.values().map(|id| (id, id));
        // What the project file says goes before what the service is called.
        let names = own.chain(&found.all_ids).chain(aliases).chain(&found.selected_ids);
        let labels = names.filter_map(|(name, id)| {
            let label = called.get(id)?;
            Some((name.clone(), (*label).clone()))
        });
        Self { labels: labels.collect(), default }
    }

    fn label_for(&self, name: Option<&str>) -> Option<&ServiceRef> {
        self.labels.get(name.or(self.default.as_deref())?)
    }
}

/// The services that are there.
struct ListedServices {
    /// Ids by the names that people use here.
    selected_ids: BTreeMap<String, String>,
    /// Ids by the names that the services have.
    all_ids: BTreeMap<String, String>,
    /// What each is doing, by id.
    states: BTreeMap<String, State>,
}

fn open_in_sandbox(
    sandbox: &Arc<EmbeddedSandbox>,
    viewed: &ViewedServices,
    settings: RemoteSettings,
) -> (ServiceLookup, String) {
    for name in &viewed.names {
        sandbox.with_world(|world| world.ensure_service(name));
    }
    let transport = Arc::clone(sandbox) as Arc<dyn Transport>;
    (ServiceLookup::new(transport, settings), sandbox::ORGANIZATION.to_owned())
}

/// Looks the services up. A key that may not list them can still look at those whose ids are known.
async fn list_services(
    directory: &ServiceLookup,
    organization: &str,
    viewed: &ViewedServices,
    aliases: &BTreeMap<String, String>,
) -> Result<ListedServices> {
    let known = |name: &String| {
        let id = aliases.get(name).or_else(|| resolve_services::is_uuid(name).then_some(name));
        id.cloned()
    };
    let all_known = !viewed.names.is_empty() && viewed.names.iter().all(|it| known(it).is_some());
    let entries = match directory.list_services(organization).await {
        Ok(entries) => entries,
        Err(_) if all_known => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let mut ids = BTreeMap::new();
    for name in &viewed.names {
        let id = known(name).map_or_else(|| resolve_services::service_id_by_name(name, &entries), Ok)?;
        ids.insert(name.clone(), id);
    }
    let all = ids_by_name(&entries);
    if viewed.names.is_empty() {
        ids.clone_from(&all);
    }
    let states = entries.into_iter().map(|entry| (entry.id, entry.state)).collect();
    Ok(ListedServices { selected_ids: ids, all_ids: all, states })
}

/// Every service by its name; those that share one by their ids.
fn ids_by_name(entries: &[LookupEntry]) -> BTreeMap<String, String> {
    let label = |entry: &LookupEntry| {
        let same = entries.iter().filter(|other| other.name == entry.name).count();
        if same > 1 || entry.name.is_empty() { entry.id.clone() } else { entry.name.clone() }
    };
    entries.iter().map(|entry| (label(entry), entry.id.clone())).collect()
}

/// The services under one label each: that of the manifests, where they name it.
fn label_services(mut ids: BTreeMap<ServiceRef, String>, found: &ListedServices) -> BTreeMap<ServiceRef, String> {
    for (name, id) in &found.selected_ids {
        if !ids.values().any(|known| known == id) {
            ids.insert(ServiceRef::new(name.clone()), id.clone());
        }
    }
    ids
}
