//! Names of declared objects, before the ids of their services are known.

use clickpipes::manifest::Manifest;
use model::address::{Kind, Name};

/// The owner of an object, as its manifest names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ManifestOwner {
    Organization,
    /// The default service of the run: the manifest names none.
    Default,
    Service(String),
}

/// A name of a declared object, before the id of its service is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DeclaredKey {
    pub(super) owner: ManifestOwner,
    pub(super) kind: Kind,
    pub(super) name: Name,
}

impl DeclaredKey {
    pub(super) fn from_manifest(manifest: &Manifest) -> Self {
        let owner = match (manifest.is_organization_wide, &manifest.service) {
            (true, _) => ManifestOwner::Organization,
            (false, Some(name)) => ManifestOwner::Service(name.clone()),
            (false, None) => ManifestOwner::Default,
        };
        Self { owner, kind: manifest.kind, name: manifest.name.clone() }
    }

    /// The name of the manifest's object and its previous names.
    pub(super) fn all_from_manifest(manifest: &Manifest) -> Vec<Self> {
        let own = Self::from_manifest(manifest);
        let previous = manifest.document.intent.previous_names.iter();
        let previous = previous.map(|name| Self { name: name.clone(), ..own.clone() });
        previous.chain([own.clone()]).collect()
    }
}
