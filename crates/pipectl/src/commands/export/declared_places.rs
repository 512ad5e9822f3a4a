//! Objects that existing manifests already declare: export does not write them again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use clickpipes::manifest::{self, Manifest, Templates};
use model::address::{Address, ServiceRef};
use model::desired::Place;
use porting::export::ExportedManifest as Exported;

use crate::manifest_files;
use crate::project::ProjectContext;
use crate::session::LiveView;

#[derive(Default)]
pub(super) struct DeclaredPlaces(BTreeMap<Address, Place>);

impl DeclaredPlaces {
    pub(super) fn new(manifests: &[Manifest], view: &LiveView) -> Self {
        let at =
            |manifest: &Manifest| Some((view.address_of(manifest)?, manifest.document.origin.start_place().clone()));
        Self(manifests.iter().filter_map(at).collect())
    }

    pub(super) fn get(&self, at: &Address) -> Option<&Place> {
        self.0.get(at)
    }

    /// The exported objects that are already declared, each with its place.
    pub(super) fn declared_places<'e>(
        &self,
        exported: impl IntoIterator<Item = &'e Exported>,
    ) -> Vec<(Address, Place)> {
        let place = |exported: &Exported| Some((exported.address.clone(), self.get(&exported.address)?.clone()));
        exported.into_iter().filter_map(place).collect()
    }

    pub(super) fn in_other_file(&self, at: &Address, file: &Path) -> Option<&Place> {
        self.get(at).filter(|place| !is_same_file(Path::new(&*place.file), file))
    }
}

/// The objects that existing manifests declare.
#[derive(Default)]
pub(super) struct ExistingManifests {
    pub(super) manifests: Vec<Manifest>,
    pub(super) template_names: BTreeSet<String>,
}

impl ExistingManifests {
    /// The manifests in the folder and of the project, with errors in them or without.
    pub(super) fn load_drafts(folder: Option<&Path>, project: &ProjectContext) -> Self {
        let folder = folder.map(Path::to_owned).into_iter();
        let paths: Vec<PathBuf> = folder.chain(project.all_manifest_paths.clone()).collect();
        let files = manifest_files::read_readable(&paths);
        let templates = Templates::read(&files);
        let context = project.load_context().with_templates(&templates);
        let manifests = files.iter().flat_map(|file| manifest::parse_drafts(file, context).0).collect();
        Self { manifests, template_names: templates.names().map(str::to_owned).collect() }
    }

    /// The services that the manifests name by id.
    pub(super) fn service_ids(&self) -> BTreeSet<String> {
        let named = self.manifests.iter().filter_map(|manifest| manifest.service.clone());
        named.filter(|name| ServiceRef::is_id(name)).collect()
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| fs::canonicalize(path).ok();
    one == other || whole(one).is_some_and(|one| whole(other) == Some(one))
}
