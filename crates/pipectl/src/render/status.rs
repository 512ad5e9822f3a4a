//! State and health of live pipes: a table for each service.

mod groups;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use clickpipes::lifecycle::{self, Health, ServiceState};
use clickpipes::pipe_summary::{self, ComputeSize};
use clickpipes::semantics::{FieldSemantics, dns_names, dns_patterns};
use model::action::RunState;
use model::address::{Address, Kind, ServiceRef};
use model::live::{Id, Live, Object, State};
use model::path::{VisitedPath, visit_texts};
use serde::Serialize;

use crate::diagnostics::pluralize;
use crate::escape::{markdown_code, markdown_sentence, sanitize_line, truncate_chars};
use crate::output::{Label, StyledText};

pub(crate) use self::groups::GroupedStatus;
use self::table::NameStyle;

#[derive(Debug, Default, Serialize)]
pub struct StatusReport {
    /// By name.
    pub services: Vec<ServiceStatus>,
    /// Pipes without a problem that are left out.
    #[serde(rename = "healthyOmitted", skip_serializing_if = "is_zero")]
    pub omitted: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[derive(Debug, Serialize)]
pub struct ServiceStatus {
    /// Its name.
    pub service: String,
    /// Its state, if it is known.
    pub state: Option<String>,
    /// Why its pipes could not be read.
    pub error: Option<String>,
    /// Its pipes, by name.
    pub pipes: Vec<PipeStatus>,
    /// Endpoints that pipes cannot use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<EndpointStatus>,
}

/// An endpoint that pipes cannot use.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointStatus {
    pub address: Address,
    pub id: String,
    /// Its state, in the API's words.
    pub state: String,
    pub health: Health,
    /// The meaning of the state, and the remedy.
    pub note: String,
    /// The live pipes that refer to it.
    pub used_by: Vec<Address>,
}

/// The endpoints of a service that pipes cannot use.
pub fn unusable_endpoints(live: &Live) -> Vec<EndpointStatus> {
    let endpoints = live.iter().filter(|(at, _)| at.kind == Kind::ReversePrivateEndpoint);
    let objects = endpoints.flat_map(|(at, observed)| observed.objects.iter().map(move |object| (at, object)));
    let unusable: Vec<_> =
        objects.filter_map(|(at, object)| Some((at, object, lifecycle::endpoint_health(object)?))).collect();
    let mut users: BTreeMap<&Id, BTreeSet<&Address>> =
        unusable.iter().map(|(_, object, _)| (&object.id, BTreeSet::new())).collect();
    let names = unusable.iter().flat_map(|(at, object, _)| {
        let names = dns_names(at.kind, &object.body).into_iter();
        names.map(|name| ((&at.service, name.to_ascii_lowercase()), &object.id))
    });
    let names: BTreeMap<(&ServiceRef, String), &Id> = names.collect();
    for (at, observed) in live.iter().filter(|(at, _)| at.kind == Kind::ClickPipe) {
        for pipe in &observed.objects {
            let mut add_to = |id: &Id| {
                if let Some(pipes) = users.get_mut(id) {
                    pipes.insert(at);
                }
            };
            // An id may be in a field that pipectl does not know.
            visit_texts(&pipe.body, &VisitedPath::root(), &mut |_, text| add_to(&Id::new(text)));
            // A database pipe has the DNS name of the endpoint alone.
            let hosts = FieldSemantics::for_kind(at.kind).all_connected_hosts(&pipe.body);
            let patterns = hosts.iter().flat_map(|host| dns_patterns(host));
            patterns.filter_map(|name| names.get(&(&at.service, name)).copied()).for_each(add_to);
        }
    }
    // What nothing refers to may end.
    let is_ending = |object: &Object| lifecycle::is_being_deleted(Kind::ReversePrivateEndpoint, object);
    let reported = unusable.into_iter().filter(|(_, object, _)| !is_ending(object) || !users[&object.id].is_empty());
    let statuses = reported.map(|(at, object, (health, note))| EndpointStatus {
        address: at.clone(),
        id: object.id.to_string(),
        state: object.state.to_string(),
        health,
        note: note.to_owned(),
        used_by: users[&object.id].iter().map(|at| (*at).clone()).collect(),
    });
    statuses.collect()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PipeStatus {
    pub address: Address,
    /// Its id; `None` if it is declared and not live.
    pub id: Option<String>,
    /// Its state, in the API's words.
    pub state: String,
    pub health: Health,
    /// The reason for the health; empty if the state says it.
    pub note: String,
    /// Whether a manifest declares it; `None` without manifests.
    pub managed: Option<bool>,
    pub source: String,
    /// The tables that it writes.
    pub tables: Vec<String>,
    pub size: Option<ComputeSize>,
    /// Whether it shares the size with the other database pipes.
    pub shares_size: bool,
    /// When it was created.
    pub created_at: Option<String>,
    /// When it was last changed.
    pub updated_at: Option<String>,
}

impl PipeStatus {
    /// A live pipe; `managed` and `declared` come from git.
    pub fn from_live(
        at: &Address,
        object: &Object,
        managed: Option<bool>,
        declared: Option<RunState>,
        shared: Option<ComputeSize>,
    ) -> Self {
        let overview = pipe_summary::summarize_pipe(&object.body);
        let (health, note) = lifecycle::pipe_health(object, declared);
        Self {
            address: at.clone(),
            id: Some(object.id.to_string()),
            state: object.state.to_string(),
            health,
            note: note.to_owned(),
            managed,
            source: overview.source,
            tables: overview.tables,
            size: if overview.shares_size { shared } else { overview.size },
            shares_size: overview.shares_size,
            created_at: overview.created_at,
            updated_at: overview.updated_at,
        }
    }

    /// A pipe that is declared and not live.
    pub fn for_missing(at: &Address) -> Self {
        Self {
            address: at.clone(),
            id: None,
            state: String::new(),
            health: Health::Warning,
            note: "declared but not live".to_owned(),
            managed: Some(true),
            source: String::new(),
            tables: Vec::new(),
            size: None,
            shares_size: false,
            created_at: None,
            updated_at: None,
        }
    }
}

/// The size that the database pipes of a service share.
pub fn find_shared_size(live: &Live) -> Option<ComputeSize> {
    let mut sizes = live.iter().filter(|(at, _)| at.kind == Kind::CdcScaling);
    pipe_summary::shared_size(&sizes.next()?.1.objects.first()?.body)
}

impl StatusReport {
    pub fn all_pipes(&self) -> impl Iterator<Item = &PipeStatus> {
        self.services.iter().flat_map(|service| &service.pipes)
    }

    /// Omits pipes without a problem, and services without any problem.
    pub fn omit_healthy(&mut self) {
        let before = self.all_pipes().count();
        for service in &mut self.services {
            service.pipes.retain(|pipe| matches!(pipe.health, Health::Warning | Health::Bad));
        }
        self.omitted += before - self.all_pipes().count();
        self.services.retain(|it| !it.pipes.is_empty() || !it.endpoints.is_empty() || it.error.is_some());
    }

    /// The number of pipes with this health.
    pub fn count_with_health(&self, health: Health) -> usize {
        self.all_pipes().filter(|pipe| pipe.health == health).count()
    }

    /// Whether a pipe has a warning or a bad health.
    pub fn is_unhealthy(&self) -> bool {
        let endpoints = self.services.iter().any(|service| !service.endpoints.is_empty());
        endpoints || self.count_with_health(Health::Warning) + self.count_with_health(Health::Bad) > 0
    }

    /// Services that could not be read, with the error.
    pub fn read_errors(&self) -> Vec<String> {
        let failed = |it: &ServiceStatus| Some(format!("{}: {}", it.service, it.error.as_ref()?));
        self.services.iter().filter_map(failed).collect()
    }
}

pub fn health_word(health: Health) -> &'static str {
    match health {
        Health::Ok => "ok",
        Health::Moving => "moving",
        Health::Warning => "warning",
        Health::Bad => "bad",
    }
}

pub fn render(status: &StatusReport, now: SystemTime) -> StyledText {
    let mut text = StyledText::new();
    for service in &status.services {
        push_service_heading(&mut text, service);
        if service.error.is_none() {
            let pipes: Vec<&PipeStatus> = service.pipes.iter().collect();
            table::push_pipe_table(&mut text, &pipes, NameStyle::NameOnly, now);
        }
        push_service_notes(&mut text, service);
        text.end_line();
    }
    text.push(Label::Heading, status_counts(status)).end_line();
    text
}

pub fn render_status_markdown(status: &StatusReport, now: SystemTime) -> String {
    let section = |service: &ServiceStatus| {
        let pipes: Vec<&PipeStatus> = service.pipes.iter().collect();
        let table = if service.error.is_none() {
            table::pipe_table_markdown(&pipes, NameStyle::NameOnly, now)
        } else {
            String::new()
        };
        service_section_markdown(service, &table)
    };
    let sections: String = status.services.iter().map(section).collect();
    format!("{sections}{}\n", status_counts(status))
}

fn service_section_markdown(service: &ServiceStatus, table: &str) -> String {
    let state = service.state.as_deref().map(|state| format!(", {}", markdown_code(state))).unwrap_or_default();
    let error = service.error.as_deref().map(|error| format!("Could not be read: {}\n\n", markdown_code(error)));
    let error = error.unwrap_or_default();
    let endpoints = service.endpoints.iter().map(|it| format!("- {}\n", markdown_sentence(&endpoint_line(it))));
    let endpoints = endpoints.collect::<Vec<_>>().concat();
    let gap = if endpoints.is_empty() { "" } else { "\n" };
    format!("### {}{state}\n\n{error}{table}{endpoints}{gap}", markdown_code(&service.service))
}

/// Why a service could not be read, and the endpoints that its pipes cannot use.
fn push_service_notes(text: &mut StyledText, service: &ServiceStatus) {
    if let Some(error) = &service.error {
        text.push(Label::Delete, "  could not be read: ").push_plain(error.clone()).end_line();
    }
    for endpoint in &service.endpoints {
        text.push(table::health_label(endpoint.health), format!("  {}", endpoint_line(endpoint))).end_line();
    }
}

fn endpoint_line(endpoint: &EndpointStatus) -> String {
    let users: Vec<String> = endpoint.used_by.iter().map(|at| at.name.to_string()).collect();
    let users = if users.is_empty() { String::new() } else { format!("; used by {}", users.join(", ")) };
    let (name, state, health) = (&endpoint.address.name, &endpoint.state, health_word(endpoint.health));
    sanitize_line(&format!("endpoint {name}  {state}  {health}: {}{users}", endpoint.note))
}

fn push_service_heading(text: &mut StyledText, service: &ServiceStatus) {
    text.push(Label::Name, sanitize_line(&service.service));
    if let Some(state) = &service.state {
        text.push(Label::Dim, format!("  {}", sanitize_line(state)));
        if let Some(means) = explain_service_state(state) {
            text.push(Label::Update, format!(": {means}"));
        }
    }
    text.end_line();
}

/// The effect of a service's state on its pipes.
pub fn explain_service_state(state: &str) -> Option<&'static str> {
    match ServiceState::from(&State::new(state)) {
        ServiceState::Idle => Some("`apply` wakes it only with `--wake`"),
        ServiceState::Stopped | ServiceState::Stopping => Some("stopped by a user; `apply` never starts it"),
        ServiceState::Awaking | ServiceState::Starting | ServiceState::Provisioning => Some("starting up"),
        _ => None,
    }
}

fn status_counts(status: &StatusReport) -> String {
    let pipes: Vec<_> = status.all_pipes().collect();
    let counts = match (pipes.len(), status.omitted) {
        (_, 0) => health_counts(&pipes),
        (0, omitted) => format!("0 of {} with a problem", pluralize(omitted, "pipe")),
        (shown, omitted) => {
            let all = pluralize(shown + omitted, "pipe");
            format!("{shown} of {all} with a problem: {}", count_healths(&pipes, &[Health::Warning, Health::Bad]))
        }
    };
    let unmanaged = status.all_pipes().filter(|pipe| pipe.managed == Some(false)).count();
    let endpoints: usize = status.services.iter().map(|service| service.endpoints.len()).sum();
    let unread = status.read_errors().len();
    let more = [
        (unmanaged > 0).then(|| format!("  {unmanaged} unmanaged.")),
        (endpoints > 0).then(|| format!("  {} with a problem.", pluralize(endpoints, "endpoint"))),
        (unread > 0).then(|| format!("  {} could not be read.", pluralize(unread, "service"))),
    ];
    let more: String = more.into_iter().flatten().collect();
    format!("Status: {counts}.{more}")
}

/// `3 pipes: 2 ok, 0 moving, 1 warning, 0 bad`.
fn health_counts(pipes: &[&PipeStatus]) -> String {
    let healths = [Health::Ok, Health::Moving, Health::Warning, Health::Bad];
    format!("{}: {}", pluralize(pipes.len(), "pipe"), count_healths(pipes, &healths))
}

fn count_healths(pipes: &[&PipeStatus], healths: &[Health]) -> String {
    let count = |health: &Health| pipes.iter().filter(|pipe| pipe.health == *health).count();
    let counts: Vec<_> = healths.iter().map(|health| format!("{} {}", count(health), health_word(*health))).collect();
    counts.join(", ")
}

/// State and health in one line, for `--watch`.
pub fn pipe_summary_line(pipe: &PipeStatus) -> String {
    let state = if pipe.id.is_none() { "not live" } else { &pipe.state };
    let note = if pipe.note.is_empty() { String::new() } else { format!(": {}", pipe.note) };
    truncate_chars(&sanitize_line(&format!("{state} ({}{note})", health_word(pipe.health))), 200)
}
