//! Sources that only one pipe can read: a queue, a replication slot. The second reader takes rows away from the first.

use std::collections::BTreeSet;

use model::address::{Kind, ServiceRef};
use model::path::FieldPath;
use serde_json::Value;

use crate::exclusive_read::{ExclusiveRead, Sharing};
use crate::network_address::canonical_host;
use crate::pipe::source::SourceKind;
use crate::pipe::written_tables::written_tables;
use crate::reverse_private_endpoint::own_dns_names;
use crate::semantics::{chosen_dns_names, dns_patterns};
use crate::server_names::ServersOfService;

/// The exclusive sources of an object, from a body of the API or the `spec` of a manifest. Sources that are read once,
/// such as a snapshot, do not count.
pub fn exclusive_reads(kind: Kind, body: &Value, servers: ServersOfService<'_>) -> Vec<ExclusiveRead> {
    match kind {
        Kind::ClickPipe => {
            let Some((source, fields)) = SourceKind::in_body(body) else { return Vec::new() };
            if (source.spec().is_finite_load)(fields) {
                return Vec::new();
            }
            let prefix = FieldPath::parse("source").child(source.spec().key);
            let below = |read: ExclusiveRead| ExclusiveRead { path: prefix.join(&read.path), ..read };
            (source.spec().exclusive_reads)(fields, servers).into_iter().map(below).collect()
        }
        Kind::ReversePrivateEndpoint => crate::reverse_private_endpoint::exclusive_reads(body),
        Kind::CdcScaling => Vec::new(),
    }
}

/// The exclusive properties of a live object: its exclusive sources, and its DNS names.
// Two manifests with one DNS name are a warning. The API refuses the second live one, in any order of requests: it has
// no exchange.
pub fn exclusive_claims(kind: Kind, body: &Value, servers: ServersOfService<'_>) -> Vec<ExclusiveRead> {
    let names = chosen_dns_names(kind, body).into_iter().map(|name| ExclusiveRead {
        what: DNS_NAME,
        name: name.to_ascii_lowercase(),
        location: servers.service_name(),
        path: FieldPath::root(),
        sharing: Sharing::Broken,
    });
    exclusive_reads(kind, body, servers).into_iter().chain(names).collect()
}

/// The word for a DNS name of an endpoint.
pub const DNS_NAME: &str = "DNS name";

/// Whether two pipes that share `read` disturb each other; each with its service.
pub fn is_sharing_harmful(
    read: &ExclusiveRead,
    (service, one): (&ServiceRef, &Value),
    (other_service, other): (&ServiceRef, &Value),
) -> bool {
    let tables = |body| -> BTreeSet<(String, String)> {
        let tables = written_tables(body).into_iter();
        tables.map(|table| (table.database_or_default().to_owned(), table.name.to_owned())).collect()
    };
    read.sharing == Sharing::Broken || service != other_service || tables(one) != tables(other)
}

/// The name that two endpoints of one service would share, unless the first had it before.
pub fn contested_dns_name(kind: Kind, body: &Value, before: Option<&Value>, other: &Value) -> Option<String> {
    if kind != Kind::ReversePrivateEndpoint {
        return None;
    }
    let names = |body| own_dns_names(body).into_iter().map(|(_, name)| canonical_host(name));
    let had: BTreeSet<String> = before.into_iter().flat_map(names).collect();
    let others: Vec<String> = names(other).collect();
    let mut new = names(body).filter(|name| !had.contains(name));
    new.find(|name| others.iter().any(|other| leads_to_one(name, other)))
}

/// Whether the names are equal, or one is a wildcard for the other.
fn leads_to_one(one: &str, other: &str) -> bool {
    let covers = |wildcard: &str, name: &str| dns_patterns(name).iter().any(|pattern| pattern == wildcard);
    covers(one, other) || covers(other, one)
}
