//! Manifests of the project that are not part of the run.
//
// Hazard: a file that is planned alone changes, renames or deletes the object of a file that is not read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clickpipes::manifest::{self, IdentifiedManifests, Manifest};
use model::address::{Address, ServiceRef};
use model::desired::Desired;
use model::diagnostic::SourceFile;
use model::sanitize::sanitize_line;

use crate::load_manifests::{DeclaredTwice, labelled_address, service_labels};
use crate::manifest_files;
use crate::project::ProjectContext;

const MAYBE_TAKEN: &str = "an object of this run may be declared in a file that cannot be read";
const NO_SERVICE: &str = ", which names no service; set `metadata.service` there or pass --service";

/// The manifests of the project that are not part of the run. Only their identity is read and valid.
#[derive(Default)]
pub(crate) struct DeclaredElsewhere {
    manifests: Vec<Manifest>,
    /// The files of the run that are files of the project, too.
    project_files: BTreeSet<Arc<str>>,
}

impl DeclaredElsewhere {
    /// Reads the files of the project that are not in `files`.
    ///
    /// # Errors
    /// When one of them cannot be read: it may declare an object of the run.
    pub(crate) fn read(files: &[SourceFile], project: &ProjectContext) -> Result<Self> {
        let mut found = Self::default();
        if !project.has_named_manifests() {
            return Ok(found);
        }
        let canonical = |file: &SourceFile| fs::canonicalize(&*file.name).ok();
        let own: BTreeMap<PathBuf, &SourceFile> =
            files.iter().filter_map(|file| Some((canonical(file)?, file))).collect();
        for file in manifest_files::read_what_is_there(&project.all_manifest_paths).context(MAYBE_TAKEN)? {
            if let Some(own) = canonical(&file).and_then(|path| own.get(&path)) {
                found.project_files.insert(Arc::clone(&own.name));
            } else if !project.is_of_other_environment(&file.name) {
                found.add_file(&file, project)?;
            }
        }
        Ok(found)
    }

    fn add_file(&mut self, file: &SourceFile, project: &ProjectContext) -> Result<()> {
        let IdentifiedManifests { manifests, has_unidentified } =
            manifest::identify_manifests(file, project.load_context());
        if has_unidentified {
            bail!("{MAYBE_TAKEN}: `pipectl validate {}` says what is wrong with it", sanitize_line(&file.name));
        }
        self.manifests.extend(manifests.into_iter().map(|identified| identified.manifest));
        Ok(())
    }

    pub(crate) fn service_names(&self) -> BTreeSet<String> {
        self.manifests.iter().filter_map(|manifest| manifest.service.clone()).collect()
    }

    /// The manifests by address. `ids` are the ids of all services by name, and `own_ids` those of the run.
    ///
    /// # Errors
    /// When one of them and a file of the project declare the same object. A file outside the project may repeat a
    /// manifest of it, as the output of `pipectl render` does.
    pub(crate) fn by_address(
        self,
        desired: &Desired,
        (ids, own_ids): (&BTreeMap<String, String>, &BTreeMap<String, String>),
        default: Option<&str>,
    ) -> Result<Desired> {
        let labels = service_labels(own_ids);
        let own_services: BTreeSet<&ServiceRef> =
            desired.keys().map(|at| &at.service).filter(|service| !service.is_organization()).collect();
        let mut found = Desired::new();
        for manifest in self.manifests {
            let at = labelled_address(&manifest, (ids, &labels), default);
            let is_of_any = !manifest.is_organization_wide && manifest.service.as_deref().or(default).is_none();
            // The manifest names no service, so it may belong to each service of the run.
            let of_service = |service: &ServiceRef| Address { service: service.clone(), ..at.clone() };
            let may_be: Vec<Address> =
                if is_of_any { own_services.iter().copied().map(of_service).collect() } else { vec![at] };
            for at in may_be {
                let own = desired.get(&at).map(|own| own.origin.start_place());
                if let Some(own) = own.filter(|place| self.project_files.contains(&place.file)) {
                    let other = manifest.document.origin.start_place().clone();
                    let twice = DeclaredTwice(at, [own.clone(), other]);
                    bail!("{twice}{}", if is_of_any { NO_SERVICE } else { "" });
                }
                // One manifest per object is enough.
                found.entry(at).or_insert_with(|| manifest.document.clone());
            }
        }
        Ok(found)
    }
}
