//! The server behind a host. A private name has another meaning in each service.
//
//     service eu   endpoint db: db.internal ── server 1      pipe: host db.internal, or {endpoint: db}
//     service us   endpoint db: db.internal ── server 2      pipe: the same text, but another server

use std::collections::HashMap;
use std::net::IpAddr;

use model::address::{Address, Kind, Name, ServiceRef};
use serde_json::Value;

use crate::network_address::canonical_host;
use crate::reverse_private_endpoint::connection_target;
use crate::semantics::{dns_names, dns_patterns};

/// Ends of names that no public resolver answers: RFC 6762, RFC 8375, and `.internal` as ICANN reserved it.
const PRIVATE_ENDS: &[&str] = &[
    ".internal",
    ".local",
    ".localdomain",
    ".home.arpa",
    ".lan",
    ".corp",
    ".home",
    ".private",
    ".intranet",
    ".localhost",
    ".test",
];

/// The endpoints of each service, by their DNS names, with their targets.
#[derive(Default)]
pub struct ServerNames(HashMap<ServiceRef, EndpointsOfService>);

#[derive(Default)]
struct EndpointsOfService {
    by_name: HashMap<String, Name>,
    /// The attachment, endpoint service or cluster behind each endpoint.
    targets: HashMap<Name, String>,
}

impl ServerNames {
    /// The names of these objects. If two have the same name, it resolves to the first.
    pub fn of_objects<'a>(objects: impl IntoIterator<Item = (&'a Address, &'a Value)>) -> Self {
        let mut names = Self::default();
        for (at, body) in objects {
            // Most objects are pipes.
            if at.kind != Kind::ReversePrivateEndpoint {
                continue;
            }
            let of_service = names.0.entry(at.service.clone()).or_default();
            for name in dns_names(at.kind, body) {
                of_service.by_name.entry(canonical_host(name)).or_insert_with(|| at.name.clone());
            }
            of_service.targets.extend(connection_target(body).map(|target| (at.name.clone(), target.to_owned())));
        }
        names
    }

    /// The names as seen from a service.
    pub fn seen_from<'a>(&'a self, service: &'a ServiceRef) -> ServersOfService<'a> {
        ServersOfService { service, endpoints: self.0.get(service), is_by_target: false }
    }
}

/// The servers behind the hosts of one service.
#[derive(Clone, Copy)]
pub struct ServersOfService<'a> {
    service: &'a ServiceRef,
    endpoints: Option<&'a EndpointsOfService>,
    is_by_target: bool,
}

impl ServersOfService<'_> {
    /// The same, with endpoints of one target as one server.
    // This is likely, but not certain: behind one attachment there may be several servers.
    pub(crate) fn by_target(self) -> Self {
        Self { is_by_target: true, ..self }
    }

    pub(crate) fn endpoint_of_name(self, host: &str) -> Option<String> {
        Some(self.endpoint_key(self.endpoints?.by_name.get(&canonical_host(host))?.as_str()))
    }

    /// The service: DNS names are unique within one.
    pub(crate) fn service_name(self) -> String {
        self.service.to_string()
    }

    /// An endpoint of the service.
    // No host name has a blank, so none can pass for an endpoint.
    pub(crate) fn endpoint_key(self, name: &str) -> String {
        let endpoints = self.endpoints.filter(|_| self.is_by_target);
        match endpoints.and_then(|endpoints| endpoints.targets.get(&Name::new(name))) {
            Some(target) => format!("target {target}"),
            None => format!("endpoint {name} of {}", self.service),
        }
    }

    /// The server behind a host without a port: equal for all its spellings.
    pub(crate) fn server_of(self, host: &str) -> String {
        if let Some(endpoint) = self.endpoint_of_name(host) {
            return endpoint;
        }
        let host = canonical_host(host);
        // The names under a wildcard may belong to several servers.
        let is_private = || is_private_host(&host) || dns_patterns(&host).iter().any(|it| self.has_name(it));
        if is_private() { format!("{host} in {}", self.service) } else { host }
    }

    fn has_name(self, name: &str) -> bool {
        self.endpoints.is_some_and(|endpoints| endpoints.by_name.contains_key(name))
    }
}

/// Whether a host in its canonical spelling resolves only inside of a network.
fn is_private_host(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local(),
        Err(_) => !host.contains('.') || PRIVATE_ENDS.iter().any(|end| host.ends_with(end)),
    }
}
