//! Finds endpoints of one service that share a DNS name: a name can resolve to only one endpoint.

use std::collections::HashMap;

use super::super::draft::DraftManifest;
use super::super::draft_places::DraftPlaces;
use super::super::{Manifest, code};
use super::Conflicts;
use crate::network_address::canonical_host;
use crate::reverse_private_endpoint::own_dns_names;
use crate::semantics::dns_patterns;
use model::address::{Kind, ServiceRef};
use model::desired::Presence;
use model::diagnostic::Severity;
use model::path::FieldPath;
use model::yaml::PendingDiagnostic;

/// The first endpoint that has a name.
#[derive(Clone)]
struct Owner {
    index: usize,
    path: FieldPath,
    name: String,
}

/// The names of a service, in one spelling, with the endpoints that have them.
#[derive(Default)]
struct NameOwners {
    exact: HashMap<(Option<ServiceRef>, String), Owner>,
    /// By each wildcard that would cover the name.
    covered: HashMap<(Option<ServiceRef>, String), Owner>,
}

impl NameOwners {
    /// Another endpoint with the name, a wildcard over it, or a name below it if it is a wildcard.
    fn find_other(&self, service: Option<&ServiceRef>, name: &str, index: usize) -> Option<&Owner> {
        let key = |name: String| (service.cloned(), name);
        let same = dns_patterns(name).into_iter().filter_map(|pattern| self.exact.get(&key(pattern)));
        // The same name twice in one endpoint is reported separately.
        same.chain(self.covered.get(&key(name.to_owned()))).find(|owner| owner.index != index)
    }

    fn insert_name(&mut self, service: Option<&ServiceRef>, name: &str, owner: &Owner) {
        for pattern in dns_patterns(name).into_iter().skip(1) {
            self.covered.entry((service.cloned(), pattern)).or_insert_with(|| owner.clone());
        }
        self.exact.entry((service.cloned(), name.to_owned())).or_insert_with(|| owner.clone());
    }
}

pub(super) fn find_shared_dns_names(all: &[DraftManifest], places: &DraftPlaces<'_>, conflicts: &mut Conflicts) {
    let mut owners = NameOwners::default();
    for (index, declared) in all.iter().enumerate() {
        let Manifest { kind, document, .. } = &declared.manifest;
        if *kind != Kind::ReversePrivateEndpoint || document.intent.presence == Presence::Absent {
            continue;
        }
        let service = declared.address().map(|at| at.service);
        for (at, written) in own_dns_names(&document.body) {
            let (path, name) = (FieldPath::parse("spec").join(&at), canonical_host(written));
            if let Some(other) = owners.find_other(service.as_ref(), &name, index) {
                conflicts.push(index, Severity::Warning, || {
                    let message = if canonical_host(&other.name) == name {
                        format!("another endpoint of the service has the DNS name `{written}` too")
                    } else {
                        format!("`{written}` and `{}` of another endpoint of the service overlap", other.name)
                    };
                    let remark = |span| {
                        PendingDiagnostic::warning(code::SHARED_DNS_NAME, span, message.as_str())
                            .with_help("a name leads to one endpoint: remove one of the two")
                    };
                    let first = &all[other.index];
                    places.related_diagnostic(remark, (declared, &path), (first, &other.path, "the other is here"))
                });
            }
            owners.insert_name(service.as_ref(), &name, &Owner { index, path, name: written.to_owned() });
        }
    }
}
