//! The services that were looked up, by every name that git knows for them.

use std::collections::BTreeMap;

use model::address::{Address, ServiceRef};
use model::selector::AddressPattern;

use super::history_query::{DeclaredKey, ManifestOwner};

/// What each service is called in this run.
pub(crate) struct GitServices {
    labels: BTreeMap<String, ServiceRef>,
    /// The service of manifests that name none.
    default: Option<String>,
}

impl GitServices {
    /// `declared` and `remembered` are ids by name. `ids`, the ids by what the services are called,
    /// gets those that only git remembers.
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

    /// With services that have no id: what git remembers of them is not taken for gone.
    pub(crate) fn with_unknown<'s>(mut self, unknown: impl IntoIterator<Item = &'s ServiceRef>) -> Self {
        let unknown = unknown.into_iter().map(|label| (label.to_string(), label.clone()));
        self.labels.extend(unknown);
        self
    }

    /// The services in which an object that the pattern means could be.
    pub(crate) fn matching_pattern(&self, pattern: &AddressPattern) -> impl Iterator<Item = &ServiceRef> {
        self.labels.values().filter(|service| pattern.can_match_service(service.as_str()))
    }

    pub(super) fn resolve_address(&self, key: &DeclaredKey) -> Option<Address> {
        let service = match &key.owner {
            ManifestOwner::Organization => ServiceRef::for_organization(),
            ManifestOwner::Default => self.labels.get(self.default.as_ref()?)?.clone(),
            ManifestOwner::Service(name) => self.labels.get(name)?.clone(),
        };
        Some(Address::new(service, key.kind, key.name.clone()))
    }
}
