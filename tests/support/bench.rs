//! The real client on a world in memory, in virtual time.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use model::action::Action;
use model::address::{Kind, ServiceRef};
use model::desired::Desired;
use model::live::Live;
use model::selector::ObjectName;
use pipectl::apply::{OBJECTS_PER_KEY, ObjectResult, Outcome, apply_plan};
use pipectl::embedded_sandbox::EmbeddedSandbox;
use pipectl::interruption::Interruption;
use planner::{ApprovalLimits, Plan, Policy, plan};
use remote::{
    ApiRequest, Method, ObserveScope, Remote, RemoteSettings, ResponseFuture, SecretProvider, ServiceLookup, Transport,
};
use sandbox::{LeftoverTables, SandboxOptions, World};
use secrecy::SecretString;
use serde_json::Value;

/// The value of every secret in these tests.
pub(crate) const CANARY: &str = "canary-5up3r-s3cr3t";

/// Runs `work` on a clock that jumps whenever everything waits.
pub(crate) fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(work)
}

/// A client and the world that it speaks to.
pub(crate) struct Bench {
    pub(crate) sandbox: Arc<EmbeddedSandbox>,
    pub(crate) remote: Remote,
    pub(crate) interruption: Interruption,
}

impl Drop for Bench {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.sandbox.with_world(|world| super::conformance::check_requests(world));
        }
    }
}

impl Bench {
    /// A new world with these services, in which no table with rows is filled by another pipe or mapping.
    pub(crate) fn new(services: &[&str]) -> Self {
        let leftover_tables = LeftoverTables::RefusedToAll;
        let mut world = World::new(SandboxOptions { leftover_tables, ..SandboxOptions::with_observed_quirks() });
        for service in services {
            world.ensure_service(service);
        }
        Self::with_world(world, services)
    }

    /// A client without memory on a world that is already there.
    pub(crate) fn with_world(world: World, services: &[&str]) -> Self {
        Self::with_transport(world, services, |transport| transport)
    }

    /// The same, with something between the client and the world.
    pub(crate) fn with_transport(
        world: World,
        services: &[&str],
        between: impl FnOnce(Arc<dyn Transport>) -> Arc<dyn Transport>,
    ) -> Self {
        let dropping = |sandbox| Arc::new(TableDroppingTransport(sandbox)) as Arc<dyn Transport>;
        Self::connect(world, services, |sandbox| vec![between(dropping(sandbox))])
    }

    /// A client with so many keys.
    pub(crate) fn with_keys(services: &[&str], keys: usize) -> Self {
        Self::connect(World::new(SandboxOptions::with_observed_quirks()), services, |sandbox| sandbox.transports(keys))
    }

    /// A client on a world in which nobody drops the tables of deleted pipes and removed mappings.
    pub(crate) fn with_kept_tables(world: World, services: &[&str]) -> Self {
        Self::connect(world, services, |sandbox| vec![sandbox])
    }

    fn connect(
        mut world: World,
        services: &[&str],
        transports: impl FnOnce(Arc<EmbeddedSandbox>) -> Vec<Arc<dyn Transport>>,
    ) -> Self {
        // What came before counts against the rate limit for a while.
        world.advance_clock(Duration::from_secs(30));
        let ids: BTreeMap<ServiceRef, String> =
            services.iter().map(|name| (ServiceRef::new(*name), world.ensure_service(name))).collect();
        let sandbox = EmbeddedSandbox::new(world);
        let lookup = ServiceLookup::new(transports(Arc::clone(&sandbox)), RemoteSettings::default());
        let organization = sandbox::ORGANIZATION.to_owned();
        let remote = lookup.into_remote(organization, ids, Arc::new(CanarySecrets));
        Self { sandbox, remote, interruption: Interruption::default() }
    }

    /// The world as it is now.
    pub(crate) fn world_snapshot(&self) -> World {
        self.sandbox.with_world(|world| world.clone())
    }

    pub(crate) async fn live(&self, desired: &Desired) -> Live {
        self.remote.observe_live(&scope_of_desired(desired)).await.unwrap()
    }

    pub(crate) async fn plan(&self, desired: &Desired) -> Plan {
        plan(desired, &self.live(desired).await, None, &Policy::default())
    }

    pub(crate) async fn apply_plan(&self, plan: Plan) -> Vec<ObjectResult> {
        // The tables are dropped, so nothing can be lost.
        let limits = ApprovalLimits { allow_replace: vec![ObjectName::Glob("*".into())], ..ApprovalLimits::default() };
        let approved = plan.approve(&limits);
        apply_plan(&self.remote, &approved, OBJECTS_PER_KEY, &self.interruption, |_| {}).await
    }

    /// Plans and applies. Anything that is not applied is an error.
    pub(crate) async fn settle(&self, desired: &Desired) -> Result<Plan, String> {
        let plan = self.plan(desired).await;
        let blocked: Vec<_> = plan.blocked_changes().filter_map(|change| change.reason.clone()).collect();
        if !blocked.is_empty() {
            return Err(blocked.join("; "));
        }
        let reports = self.apply_plan(plan.clone()).await;
        let failed = reports.into_iter().find(|report| report.outcome != Outcome::Applied);
        match failed {
            Some(report) => Err(format!("{:?}\n{}", report.error, actions(&plan))),
            None => Ok(plan),
        }
    }

    /// Every write that was refused, from journal entry `from` on. That a pipe runs already is how
    /// the API says yes to a start.
    pub(crate) fn refused_writes(&self, from: usize) -> Vec<String> {
        self.sandbox.with_world(|world| {
            let entries = world.request_log().iter().skip(from);
            let refused = entries
                .filter(|entry| entry.method != "GET" && (400..500).contains(&entry.status))
                .map(|entry| format!("{entry:?}"));
            refused.filter(|entry| !entry.contains("is already running")).collect()
        })
    }

    pub(crate) fn journal_len(&self) -> usize {
        self.sandbox.with_world(|world| world.request_log().len())
    }

    /// How many requests of a method the world has seen from entry `from` on.
    pub(crate) fn count_requests(&self, from: usize, wanted: impl Fn(&str, &str) -> bool) -> usize {
        self.sandbox.with_world(|world| {
            let entries = world.request_log().iter().skip(from);
            entries.filter(|entry| wanted(&entry.method, &entry.path)).count()
        })
    }
}

/// Everything of the kinds that are declared, and the endpoints that pipes may refer to.
pub(crate) fn scope_of_desired(desired: &Desired) -> ObserveScope {
    let mut scope = ObserveScope::default();
    for at in desired.keys() {
        scope.kinds.entry(at.service.clone()).or_default().insert(at.kind);
    }
    for kinds in scope.kinds.values_mut() {
        kinds.insert(Kind::ReversePrivateEndpoint);
    }
    scope
}

/// Drops the tables that a deleted pipe or a removed mapping leaves behind, as the plan tells people to.
struct TableDroppingTransport(Arc<EmbeddedSandbox>);

impl Transport for TableDroppingTransport {
    fn send(&self, request: ApiRequest) -> ResponseFuture<'_> {
        let deletes = request.method == Method::Delete || removes_mappings(&request);
        Box::pin(async move {
            let response = self.0.send(request).await;
            if deletes {
                self.0.with_world(|world| {
                    for service in ["analytics", "clickstream", "lake"] {
                        world.drop_tables(service);
                    }
                });
            }
            response
        })
    }
}

fn removes_mappings(request: &ApiRequest) -> bool {
    let body = request.body.as_ref().map_or(&[][..], |body| body.expose_bytes());
    String::from_utf8_lossy(body).contains("tableMappingsToRemove")
}

struct CanarySecrets;

impl SecretProvider for CanarySecrets {
    fn resolve_secret(&self, _: &Value) -> Result<SecretString, String> {
        Ok(SecretString::from(CANARY))
    }
}

/// The requests of a plan, a line each.
pub(crate) fn actions(plan: &Plan) -> String {
    let lines = plan.actions.iter().map(|action| serde_json::to_string(action).unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// The bodies of a plan's updates of whole objects.
pub(crate) fn update_bodies(plan: &Plan) -> impl Iterator<Item = &Value> {
    plan.actions.iter().filter_map(|action| match action {
        Action::Update { via: model::action::UpdateVia::Resource, body, .. } => Some(body),
        _ => None,
    })
}
