//! The API of a run: which key, which organization, which services. Every command that speaks to the API connects here.

mod options;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Result, anyhow, bail};
use model::address::ServiceRef;
use model::live::State;
use model::project::Policy;
use remote::{
    HttpTransport, LookupEntry, Remote, RemoteSettings, RequestRate, SecretProvider, ServiceLookup, Transport, WaitMode,
};

use crate::embedded_sandbox::EmbeddedSandbox;
use crate::exit::UsageError;
use crate::project::ProjectContext;
use crate::run_redaction::run_redaction;
use crate::secrets::SecretResolver;
use crate::{credentials, env_vars};

pub(crate) use self::options::{ConnectOptions, RateLimitOption, RunTimeout};

/// How a command accesses the API.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AccessMode {
    /// The state that an action waits for.
    pub(crate) wait: WaitMode,
    /// Whether the command line allows to wake an idle service.
    pub(crate) can_wake: bool,
    /// Whether the command writes: a command that only reads wakes nothing.
    pub(crate) can_write: bool,
}

/// An organization of the API, or the embedded sandbox. The services are not looked up yet.
pub(crate) struct Account {
    lookup: ServiceLookup,
    organization: String,
    /// Ids of services by the names of the project file.
    pub(crate) aliases: BTreeMap<String, String>,
    rate: Option<RequestRate>,
    keys: usize,
    sandbox: Option<Arc<EmbeddedSandbox>>,
    secrets: SecretResolver,
}

/// When to list the services of an organization.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceListing {
    /// Only if the id of a service is not known in another way.
    IfNeeded,
    /// Always, to see which exist.
    Always,
    /// Always, for their states. A key that may not list them can still use those whose ids are known.
    Preferred,
}

pub(crate) struct FoundServices {
    /// Ids by the names in the lookup.
    pub(crate) ids: BTreeMap<String, String>,
    /// Why the other services could not be found.
    pub(crate) unknown: BTreeMap<ServiceRef, String>,
    /// The services of the organization, as far as they were listed.
    pub(crate) listed: Vec<LookupEntry>,
}

impl Account {
    /// Resolves the key and the organization. Sends nothing if the organization is known.
    pub(crate) async fn open(options: &ConnectOptions, project: &ProjectContext, mode: AccessMode) -> Result<Self> {
        let settings = remote_settings(options, project, mode)?;
        let rate = settings.rate;
        let secrets = SecretResolver::for_project(project, options.sandbox.is_some())?;
        if let Some(file) = &options.sandbox {
            let sandbox = EmbeddedSandbox::open_file(file)?;
            let keys = project.credentials.as_ref().map_or(1, |declared| declared.keys().len());
            return Ok(Self {
                lookup: ServiceLookup::new(sandbox.transports(keys), settings),
                organization: sandbox::ORGANIZATION.to_owned(),
                aliases: sandbox.known_aliases(&project.services),
                rate: rate_of_keys(rate, keys),
                keys,
                sandbox: Some(sandbox),
                secrets,
            });
        }
        let (lookup, keys) = connect_api(options, project, settings)?;
        let organization = resolve_organization(options, project, &lookup).await?;
        if keys > 1 {
            credentials::check_organization(&lookup, &organization).await?;
        }
        let rate = rate_of_keys(rate, keys);
        Ok(Self { lookup, organization, aliases: project.services.clone(), rate, keys, sandbox: None, secrets })
    }

    /// Looks up services by name or id. In the embedded sandbox, every service exists.
    ///
    /// # Errors
    /// When the services must be listed and cannot be. A service that is not there is not an error.
    pub(crate) async fn find_services(
        &self,
        names: &BTreeSet<String>,
        listing: ServiceListing,
    ) -> Result<FoundServices> {
        let known: BTreeMap<&String, String> =
            names.iter().filter_map(|name| Some((name, self.known_id(name)?))).collect();
        let all_known = !names.is_empty() && known.len() == names.len();
        let listed = match listing {
            ServiceListing::IfNeeded if names.is_empty() || all_known => Vec::new(),
            ServiceListing::IfNeeded | ServiceListing::Always => self.list_services().await?,
            ServiceListing::Preferred => match self.list_services().await {
                // The role of a key may not allow the list. Without it only the states are missing.
                Err(_) if all_known => Vec::new(),
                listed => listed?,
            },
        };
        let (mut ids, mut unknown) = (BTreeMap::new(), BTreeMap::new());
        for name in names {
            match known.get(name).map_or_else(|| service_id_by_name(name, &listed), |id| Ok(id.clone())) {
                Ok(id) => drop(ids.insert(name.clone(), id)),
                Err(why) => drop(unknown.insert(ServiceRef::new(name), why)),
            }
        }
        Ok(FoundServices { ids, unknown, listed })
    }

    /// The ids of services that are known without another request.
    pub(crate) fn known_ids<'n>(
        &self,
        names: impl Iterator<Item = &'n String>,
        found: &FoundServices,
    ) -> BTreeMap<String, String> {
        let id = |name| self.known_id(name).or_else(|| service_id_by_name(name, &found.listed).ok());
        names.filter_map(|name| Some((name.clone(), id(name)?))).collect()
    }

    /// Whether the id of a service is known without a request.
    pub(crate) fn knows_service(&self, name: &String) -> bool {
        self.known_id(name).is_some()
    }

    async fn list_services(&self) -> Result<Vec<LookupEntry>> {
        match self.lookup.list_services(&self.organization).await {
            Err(error) if error.is_not_offered() => Err(anyhow!(error)
                .context("the services cannot be listed: name each by its id, in manifests or with --service")),
            listed => Ok(listed?),
        }
    }

    fn known_id(&self, name: &String) -> Option<String> {
        // In another case the id of a service would count as another service.
        let id = self
            .aliases
            .get(name)
            .or_else(|| ServiceRef::is_id(name).then_some(name))
            .map(|id| id.to_ascii_lowercase());
        let Some(sandbox) = &self.sandbox else { return id };
        Some(sandbox.with_world(|world| world.ensure_service(id.as_ref().unwrap_or(name))))
    }

    /// Whether a protection pattern may use the live name of a service, which requires a list of the services.
    pub(crate) fn needs_live_names(&self, policy: &Policy) -> bool {
        let mut services = policy.protect.iter().flatten().filter_map(|pattern| pattern.split_once('/'));
        let is_known =
            |service: &str| service == "*" || ServiceRef::is_id(service) || self.aliases.contains_key(service);
        !self.is_sandbox() && services.any(|(service, _)| !is_known(service))
    }

    /// The ids, aliases and live names of the services, by their labels.
    pub(crate) fn names_of_services(
        &self,
        ids: &BTreeMap<ServiceRef, String>,
        found: &FoundServices,
    ) -> BTreeMap<ServiceRef, BTreeSet<ServiceRef>> {
        let emulated = self.sandbox.as_ref().map(|it| it.with_world(|world| world.service_names())).unwrap_or_default();
        let names = |id: &String| {
            let aliases = self.aliases.iter().chain(&found.ids).filter(|(_, other)| other.eq_ignore_ascii_case(id));
            let live = found.listed.iter().filter(|service| service.id == *id).map(|service| &service.name);
            aliases.map(|(name, _)| name).chain(live).chain(emulated.get(id)).chain([id]).map(ServiceRef::new).collect()
        };
        ids.iter().map(|(label, id)| (label.clone(), names(id))).collect()
    }

    pub(crate) fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// The client for these services.
    pub(crate) fn connect(self, services: BTreeMap<ServiceRef, String>) -> Connection {
        let Self { lookup, organization, rate, keys, sandbox, secrets, .. } = self;
        let secrets = Arc::new(secrets);
        let provider = Arc::clone(&secrets) as Arc<dyn SecretProvider>;
        let remote = lookup.into_remote(organization.clone(), services.clone(), provider);
        Connection { remote, organization, services, rate, keys, secrets, sandbox, listed: BTreeMap::new() }
    }
}

/// The client of a run, for the services that the run is about.
pub(crate) struct Connection {
    pub(crate) remote: Remote,
    pub(crate) organization: String,
    pub(crate) services: BTreeMap<ServiceRef, String>,
    /// The maximum rate of requests; `None` is unlimited.
    pub(crate) rate: Option<RequestRate>,
    /// The number of API keys.
    pub(crate) keys: usize,
    pub(crate) secrets: Arc<SecretResolver>,
    sandbox: Option<Arc<EmbeddedSandbox>>,
    /// The states of services by id, if they were listed to find the ids.
    listed: BTreeMap<String, State>,
}

impl Connection {
    /// Stores the services from a list.
    pub(crate) fn with_listed(self, listed: &[LookupEntry]) -> Self {
        let listed = listed.iter().map(|entry| (entry.id.clone(), entry.state.clone())).collect();
        Self { listed, ..self }
    }

    /// The state of each service, as far as the key may see it.
    pub(crate) async fn service_states(&self) -> BTreeMap<ServiceRef, State> {
        let states = match (&self.sandbox, self.listed.is_empty()) {
            (Some(sandbox), _) => {
                let states = sandbox.with_world(|world| world.service_states());
                states.into_iter().map(|(id, state)| (id, State::new(state))).collect()
            }
            (None, false) => self.listed.clone(),
            // A key that may not list services can still plan.
            (None, true) => self.remote.list_service_states().await.unwrap_or_default(),
        };
        let state = |(label, id): (&ServiceRef, &String)| Some((label.clone(), states.get(id)?.clone()));
        self.services.iter().filter_map(state).collect()
    }

    /// The current time of the API: the embedded sandbox has its own clock.
    #[expect(clippy::disallowed_methods, reason = "an age is told by the real clock")]
    pub(crate) fn current_time(&self) -> SystemTime {
        let inside = self.sandbox.as_ref().map(|it| it.with_world(|world| world.now().to_string()));
        let inside = inside.and_then(|now| humantime::parse_rfc3339_weak(&now).ok());
        inside.unwrap_or_else(SystemTime::now)
    }

    /// Writes the embedded sandbox to its file.
    pub(crate) fn save_sandbox(&self) -> Result<()> {
        self.sandbox.as_ref().map_or(Ok(()), |sandbox| sandbox.save_state())
    }
}

fn remote_settings(options: &ConnectOptions, project: &ProjectContext, mode: AccessMode) -> Result<RemoteSettings> {
    let rate = match (options.rate_limit, &project.rate_limit) {
        (Some(limit), _) => limit.0,
        (None, None) => Some(RequestRate::default()),
        (None, Some(limit)) => {
            let text = format!("{}/{}", limit.requests, limit.per);
            text.parse::<RateLimitOption>().map_err(|how| anyhow!("pipectl.yaml: rateLimit {text}: {how}"))?.0
        }
    };
    let can_wake = mode.can_wake || project.policy.wake_idle.unwrap_or_default();
    Ok(RemoteSettings {
        wait: mode.wait,
        // A woken service costs money, so a command that only reads never wakes one.
        wake_services: can_wake && mode.can_write,
        rate,
        timeout: options.timeout.limit(),
        redaction: run_redaction().clone(),
        ..RemoteSettings::default()
    })
}

/// The requests of all keys together.
fn rate_of_keys(rate: Option<RequestRate>, keys: usize) -> Option<RequestRate> {
    rate.map(|rate| RequestRate { requests: rate.requests.saturating_mul(keys), ..rate })
}

/// Connects to the real API with the keys of the selected environment, and returns the number of keys. Sends nothing
/// yet.
pub(crate) fn connect_api(
    options: &ConnectOptions,
    project: &ProjectContext,
    settings: RemoteSettings,
) -> Result<(ServiceLookup, usize)> {
    let (from, url) = options.api_url();
    remote::parse_api_url(&url).map_err(|why| UsageError(format!("{from}: {why}")))?;
    let mut transports: Vec<Arc<dyn Transport>> = Vec::new();
    for key in credentials::find_credentials(project.credentials.as_ref())? {
        transports.push(Arc::new(HttpTransport::new(&url, key)?));
    }
    let keys = transports.len();
    Ok((ServiceLookup::new(transports, settings), keys))
}

/// The id of the organization: the given one, otherwise the only one of the key.
pub(crate) async fn resolve_organization(
    options: &ConnectOptions,
    project: &ProjectContext,
    lookup: &ServiceLookup,
) -> Result<String> {
    let known = options.organization.clone().or_else(|| project.organization.clone());
    let known = known.or_else(|| env_vars::first_set_variable(&["CLICKHOUSE_ORG_ID", "ORG_ID"]).map(|(_, id)| id));
    if let Some(id) = known {
        return Ok(id);
    }
    let listed = match lookup.list_organizations().await {
        Err(error) if error.is_not_offered() => bail!("the API has no list of organizations: pass --organization"),
        listed => listed?,
    };
    match listed.as_slice() {
        [one] => Ok(one.id.clone()),
        [] => bail!("the API key belongs to no organization"),
        several => {
            let names: Vec<String> = several.iter().map(|entry| format!("{} ({})", entry.id, entry.name)).collect();
            bail!("the API key belongs to several organizations; pass --organization: {}", names.join(", "))
        }
    }
}

fn service_id_by_name(name: &str, services: &[LookupEntry]) -> Result<String, String> {
    let matching: Vec<&LookupEntry> = services.iter().filter(|entry| entry.name == name).collect();
    let list = |texts: Vec<&str>| texts.join(", ");
    match matching.as_slice() {
        [one] => Ok(one.id.clone()),
        [] => {
            let names = list(services.iter().map(|entry| entry.name.as_str()).collect());
            Err(format!("no service is called `{name}`; available: {names}"))
        }
        several => {
            let ids = list(several.iter().map(|entry| entry.id.as_str()).collect());
            Err(format!("several services are called `{name}`; name one by its id: {ids}"))
        }
    }
}
