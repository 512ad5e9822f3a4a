//! The services of a run, by every name that manifests in git use for them.

use std::collections::BTreeMap;

use clickpipes::manifest::Manifest;
use model::address::{Address, ServiceRef};
use model::desired::{Desired, Document};
use model::selector::AddressPattern;

use super::declared_key::{DeclaredKey, ManifestOwner};

/// The label of each service in this run.
pub(crate) struct GitServices {
    labels: BTreeMap<String, ServiceRef>,
    /// The service of manifests without `metadata.service`.
    default: Option<String>,
}

impl GitServices {
    /// `declared` and `remembered` are ids by name, of current and of earlier manifests. Services that only git knows
    /// are added to `ids`, the ids by label.
    // Two names of one id are one service. With a label each, an object would be at two addresses: declared at one,
    // removed at the other.
    pub(crate) fn new(
        declared: &BTreeMap<String, String>,
        remembered: &BTreeMap<String, String>,
        ids: &mut BTreeMap<ServiceRef, String>,
        default: Option<String>,
    ) -> Self {
        let mut labels = BTreeMap::new();
        for (name, id) in declared.iter().chain(remembered) {
            let called = ids.iter().find(|(_, other)| *other == id).map(|(label, _)| label.clone());
            let label = called.unwrap_or_else(|| ServiceRef::new(name.clone()));
            ids.insert(label.clone(), id.clone());
            labels.insert(name.clone(), label);
        }
        Self { labels, default }
    }

    /// Adds services without a known id.
    // Manifests at `HEAD` may name them: without a label, their objects would count as not declared.
    pub(crate) fn with_unknown<'s>(mut self, unknown: impl IntoIterator<Item = &'s ServiceRef>) -> Self {
        let unknown = unknown.into_iter().map(|label| (label.to_string(), label.clone()));
        self.labels.extend(unknown);
        self
    }

    /// The services in which the pattern may match an object.
    pub(crate) fn matching_pattern(&self, pattern: &AddressPattern) -> impl Iterator<Item = &ServiceRef> {
        self.labels.values().filter(|service| pattern.can_match_service(service.as_str()))
    }

    pub(super) fn resolve_address(&self, key: &DeclaredKey) -> Option<Address> {
        Some(Address::new(self.resolve_service(&key.owner)?, key.kind, key.name.clone()))
    }

    pub(super) fn resolve_service(&self, owner: &ManifestOwner) -> Option<ServiceRef> {
        Some(match owner {
            ManifestOwner::Organization => ServiceRef::for_organization(),
            ManifestOwner::Default => self.labels.get(self.default.as_ref()?)?.clone(),
            ManifestOwner::Service(name) => self.labels.get(name)?.clone(),
        })
    }

    /// The manifests by address, without those of services that the run does not know.
    pub(super) fn resolve_desired(&self, manifests: Vec<Manifest>) -> Desired {
        self.resolve_each(manifests).collect()
    }

    /// The same, where several manifests may have one address.
    pub(super) fn resolve_each(&self, manifests: Vec<Manifest>) -> impl Iterator<Item = (Address, Document)> {
        manifests.into_iter().filter_map(|manifest| {
            Some((self.resolve_address(&DeclaredKey::from_manifest(&manifest))?, manifest.document))
        })
    }
}
