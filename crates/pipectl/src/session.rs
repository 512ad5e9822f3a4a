//! One run against one API: what is declared, and the client that speaks about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use model::address::Address;
use model::desired::{Desired, Document};
use model::diagnostic::Diagnostic;
use model::pattern::Pattern;
use planner::{Plan, Policy, plan};
use remote::{Directory, Entry, Http, Rate, Remote, Scope, Settings, Transport, Wait};

use crate::cli::{ConnectArgs, ManifestArgs, RateLimit, SelectArgs};
use crate::declared::Declared;
use crate::output::Output;
use crate::project::{self, Chosen};
use crate::render::plan::Context;
use crate::sandboxed::Sandboxed;
use crate::secrets::Resolver;
use crate::select::Selection;
use crate::{credentials, environment};

/// The default address of the API.
const API_URL: &str = "https://api.clickhouse.cloud/v1";

/// What is declared, what of it is meant, and the client.
pub(crate) struct Session {
    desired: Desired,
    warnings: Vec<Diagnostic>,
    meant: BTreeSet<Address>,
    partial: bool,
    remote: Remote,
    sandbox: Option<Arc<Sandboxed>>,
    rate: Option<Rate>,
    policy: model::project::Policy,
}

/// How a command deals with the live side.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// What an action waits for.
    pub(crate) wait: Wait,
    /// Whether an idle service may be woken, whatever the project file says.
    pub(crate) wake: bool,
    /// Whether the command writes at all: one that only looks wakes nothing.
    pub(crate) writes: bool,
}

impl Session {
    /// Reads the manifests and gets ready to speak to the API. Nothing is sent unless the
    /// manifests are sound and something must be looked up.
    pub(crate) async fn open(
        manifests: &ManifestArgs,
        select: &SelectArgs,
        connect: &ConnectArgs,
        manner: Manner,
        output: Output,
    ) -> Result<Self> {
        let selection = Selection::new(select)?;
        let chosen = project::choose(manifests, output)?;
        let wake = manner.wake || chosen.policy.wake_idle.unwrap_or_default();
        let wake = wake && manner.writes;
        let settings = Settings { wait: manner.wait, wake, ..settings(connect, &chosen)? };
        let rate = settings.rate;
        let declared = Declared::read(&chosen.manifests, &chosen.variables)?.sound(output)?;
        let warnings = declared.diagnostics.clone();
        let default = connect.service.clone().or_else(|| environment::variable("SERVICE_ID"));
        let named = declared.services(default.as_deref())?;
        let sandbox = connect.sandbox.as_deref().map(Sandboxed::open).transpose()?;
        let (directory, organization, ids) = match &sandbox {
            Some(sandbox) => inside(sandbox, &named, settings),
            None => outside(connect, &chosen, &named, settings).await?,
        };
        let (desired, services) = declared.desired(&ids, default.as_deref())?;
        let secrets = match &sandbox {
            Some(_) => Resolver::for_sandbox(&chosen.manifests)?,
            None => Resolver::default(),
        };
        let remote = directory.into_remote(organization, services, Arc::new(secrets));
        let meant = selection.of(&desired)?;
        let partial = !selection.is_all();
        Ok(Self { desired, warnings, meant, partial, remote, sandbox, rate, policy: chosen.policy })
    }

    /// Observes the live side and compares.
    pub(crate) async fn plan(&self) -> Result<Plan> {
        let live = self.remote.observe(&self.scope()).await?;
        let protect = self.policy.protect.iter().flatten().map(Pattern::new).collect();
        let plan = plan(&self.desired, &live, None, &Policy { protect });
        Ok(if self.partial { plan.narrowed(|at| self.meant.contains(at)) } else { plan })
    }

    /// What else a plan's text says.
    pub(crate) fn context(&self, diff: bool) -> Context {
        let requests = self.remote.requests();
        Context {
            partial: self.partial.then_some((self.meant.len(), self.desired.len())),
            // What the API turned away for now was sent again.
            requests: usize::try_from(requests.sent - requests.throttled).unwrap_or(usize::MAX),
            rate: self.rate.map(|rate| (rate.requests, rate.per.as_secs_f64())),
            diff,
        }
    }

    /// What the project file allows.
    pub(crate) fn policy(&self) -> &model::project::Policy {
        &self.policy
    }

    /// The declared objects that are meant.
    pub(crate) fn meant(&self) -> Vec<(Address, &Document)> {
        let meant = self.desired.iter().filter(|(at, _)| self.meant.contains(*at));
        meant.map(|(at, document)| (at.clone(), document)).collect()
    }

    /// What is doubtful in the files, though it stops nothing.
    pub(crate) fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The client.
    pub(crate) fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Keeps what must outlive the run.
    pub(crate) fn close(&self) -> Result<()> {
        self.sandbox.as_ref().map_or(Ok(()), |sandbox| sandbox.save())
    }

    /// What has to be read to plan what is meant: one list for each kind in each service.
    fn scope(&self) -> Scope {
        let mut scope = Scope::default();
        for at in &self.meant {
            let kinds = scope.kinds.entry(at.service.clone()).or_default();
            kinds.insert(at.kind);
            let document = &self.desired[at];
            kinds.extend(model::rules::Rules::of(at.kind).kinds_referred(&document.body));
            let blocks = document.body.as_object().into_iter().flatten();
            let blocks = blocks.filter(|(_, value)| value.is_object() || value.is_array());
            scope.detail.insert(at.clone(), blocks.map(|(name, _)| name.clone()).collect());
        }
        scope
    }
}

type Found = (Directory, String, BTreeMap<String, String>);

/// In the sandbox inside the process every service that the manifests name exists.
fn inside(sandbox: &Arc<Sandboxed>, named: &BTreeSet<String>, settings: Settings) -> Found {
    let ids = named.iter().map(|name| {
        let id = sandbox.with(|world| world.ensure_service(name));
        (name.clone(), id)
    });
    let ids = ids.collect();
    let directory = Directory::new(Arc::clone(sandbox) as Arc<dyn Transport>, settings);
    (directory, sandbox::ORGANIZATION.to_owned(), ids)
}

async fn outside(
    connect: &ConnectArgs,
    chosen: &Chosen,
    named: &BTreeSet<String>,
    settings: Settings,
) -> Result<Found> {
    let url = connect
        .api_url
        .clone()
        .or_else(|| environment::variable("CLICKHOUSE_API_URL"))
        .unwrap_or_else(|| API_URL.to_owned());
    let transport = Http::new(&url, credentials::find()?)?;
    let directory = Directory::new(Arc::new(transport), settings);
    let organization = connect.organization.clone().or_else(|| chosen.organization.clone());
    let organization = match organization.or_else(organization_from_environment) {
        Some(id) => id,
        None => only_organization(&directory.organizations().await?)?,
    };
    let mut ids = BTreeMap::new();
    let mut unknown = Vec::new();
    for name in named {
        match chosen.services.get(name).or_else(|| is_uuid(name).then_some(name)) {
            Some(id) => _ = ids.insert(name.clone(), id.clone()),
            None => unknown.push(name),
        }
    }
    if !unknown.is_empty() {
        let services = directory.services(&organization).await?;
        for name in unknown {
            ids.insert(name.clone(), service_called(name, &services)?);
        }
    }
    Ok((directory, organization, ids))
}

fn organization_from_environment() -> Option<String> {
    environment::first(&["CLICKHOUSE_ORG_ID", "ORG_ID"]).map(|(_, id)| id)
}

fn only_organization(found: &[Entry]) -> Result<String> {
    match found {
        [one] => Ok(one.id.clone()),
        [] => bail!("the API key belongs to no organization"),
        several => {
            let names: Vec<String> =
                several.iter().map(|entry| format!("{} ({})", entry.id, entry.name)).collect();
            bail!(
                "the API key belongs to several organizations; pass --organization: {}",
                names.join(", ")
            )
        }
    }
}

fn service_called(name: &str, services: &[Entry]) -> Result<String> {
    let called: Vec<&Entry> = services.iter().filter(|entry| entry.name == name).collect();
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

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

fn settings(connect: &ConnectArgs, chosen: &Chosen) -> Result<Settings> {
    let project = |limit: &model::project::RateLimit| {
        let text = format!("{}/{}", limit.requests, limit.per);
        RateLimit::parse(&text).map_err(|how| anyhow!("pipectl.yaml: rateLimit {text}: {how}"))
    };
    let rate = match (connect.rate_limit, &chosen.rate_limit) {
        (Some(limit), _) => limit.0,
        (None, Some(limit)) => project(limit)?.0,
        (None, None) => Some(Rate::default()),
    };
    Ok(Settings { rate, timeout: connect.timeout, ..Settings::default() })
}
