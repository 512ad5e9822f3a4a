//! Which organization and which services are meant, by name or by id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Result, bail};
use model::address::ServiceRef;
use remote::{HttpTransport, LookupEntry, RemoteSettings, ServiceLookup, Transport};

use crate::cli::ConnectArgs;
use crate::embedded_sandbox::EmbeddedSandbox;
use crate::project::ProjectContext;
use crate::{credentials, env_vars};

/// The default address of the API.
const API_URL: &str = "https://api.clickhouse.cloud/v1";

/// The services that are spoken of.
#[derive(Default)]
pub(super) struct ServiceNames {
    /// Those that must be there: manifests declare something in them.
    pub(super) declared: BTreeSet<String>,
    /// Those that git remembers, which may be gone.
    pub(super) from_history: BTreeSet<String>,
}

/// Whom to speak to, and about what.
pub(super) struct ResolvedServices {
    pub(super) directory: ServiceLookup,
    pub(super) organization: String,
    /// The ids of the services that must be there, by name.
    pub(super) declared: BTreeMap<String, String>,
    /// Why the rest of them could not be found.
    pub(super) unknown_services: BTreeMap<ServiceRef, String>,
    /// The ids of those that are remembered and there still, by name.
    pub(super) from_history: BTreeMap<String, String>,
}

/// In the sandbox inside the process every service exists.
pub(super) fn resolve_in_sandbox(
    sandbox: &Arc<EmbeddedSandbox>,
    named: &ServiceNames,
    settings: RemoteSettings,
) -> ResolvedServices {
    let id = |name: &String| (name.clone(), sandbox.with_world(|world| world.ensure_service(name)));
    ResolvedServices {
        directory: ServiceLookup::new(Arc::clone(sandbox) as Arc<dyn Transport>, settings),
        organization: sandbox::ORGANIZATION.to_owned(),
        declared: named.declared.iter().map(id).collect(),
        unknown_services: BTreeMap::new(),
        from_history: named.from_history.iter().map(id).collect(),
    }
}

/// On the real API services are looked up where an id is not known.
pub(super) async fn resolve_in_api(
    connect: &ConnectArgs,
    project: &ProjectContext,
    named: &ServiceNames,
    settings: RemoteSettings,
) -> Result<ResolvedServices> {
    let directory = connect_api(connect, project, settings)?;
    let organization = resolve_organization(connect, project, &directory).await?;
    let known = |name: &String| {
        let id = project.services.get(name).or_else(|| is_uuid(name).then_some(name));
        id.cloned()
    };
    let needs_lookup = named.declared.iter().any(|name| known(name).is_none());
    let services = if needs_lookup || !named.from_history.is_subset(&named.declared) {
        directory.list_services(&organization).await?
    } else {
        Vec::new()
    };
    let id = |name: &String| known(name).map_or_else(|| service_id_by_name(name, &services), Ok);
    let (mut declared, mut unknown) = (BTreeMap::new(), BTreeMap::new());
    for name in &named.declared {
        match id(name) {
            Ok(id) => {
                declared.insert(name.clone(), id);
            }
            Err(why) => {
                unknown.insert(ServiceRef::new(name), why.to_string());
            }
        }
    }
    let remembered = named.from_history.iter().filter_map(|name| {
        let id = id(name).ok()?;
        services.iter().any(|service| service.id == id).then(|| (name.clone(), id))
    });
    let remembered = remembered.collect();
    Ok(ResolvedServices { directory, organization, declared, unknown_services: unknown, from_history: remembered })
}

/// Speaks to the real API, with the key of the chosen environment. Nothing is sent yet.
pub(crate) fn connect_api(
    connect: &ConnectArgs,
    project: &ProjectContext,
    settings: RemoteSettings,
) -> Result<ServiceLookup> {
    let (_, url) = api_url(connect);
    let transport = HttpTransport::new(&url, credentials::find_credentials(project.credentials.as_ref())?)?;
    Ok(ServiceLookup::new(Arc::new(transport), settings))
}

/// The address of the API, and what says so.
pub(crate) fn api_url(connect: &ConnectArgs) -> (&'static str, String) {
    let flag = connect.api_url.clone().map(|url| ("--api-url or PIPECTL_API_URL", url));
    flag.or_else(|| env_vars::first_set_variable(&["CLICKHOUSE_API_URL"]))
        .unwrap_or_else(|| ("the default", API_URL.to_owned()))
}

/// The organization's id: the one that is named, else the key's only one.
pub(crate) async fn resolve_organization(
    connect: &ConnectArgs,
    project: &ProjectContext,
    directory: &ServiceLookup,
) -> Result<String> {
    let named = connect.organization.clone().or_else(|| project.organization.clone());
    match named.or_else(organization_from_environment) {
        Some(id) => Ok(id),
        None => only_organization(&directory.list_organizations().await?),
    }
}

fn organization_from_environment() -> Option<String> {
    env_vars::first_set_variable(&["CLICKHOUSE_ORG_ID", "ORG_ID"]).map(|(_, id)| id)
}

fn only_organization(found: &[LookupEntry]) -> Result<String> {
    match found {
        [one] => Ok(one.id.clone()),
        [] => bail!("the API key belongs to no organization"),
        several => {
            let names: Vec<String> = several.iter().map(|entry| format!("{} ({})", entry.id, entry.name)).collect();
            bail!("the API key belongs to several organizations; pass --organization: {}", names.join(", "))
        }
    }
}

pub(super) fn service_id_by_name(name: &str, services: &[LookupEntry]) -> Result<String> {
    let called: Vec<&LookupEntry> = services.iter().filter(|entry| entry.name == name).collect();
    match called.as_slice() {
        [one] => Ok(one.id.clone()),
        [] => {
            let names: Vec<&str> = services.iter().map(|entry| entry.name.as_str()).collect();
            bail!("no service is called `{name}`; there are: {}", names.join(", "))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|entry| entry.id.as_str()).collect();
            bail!("several services are called `{name}`; name one by its id: {}", ids.join(", "))
        }
    }
}

pub(super) fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}
