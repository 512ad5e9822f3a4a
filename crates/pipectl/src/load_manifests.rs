//! From paths to what is declared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clickpipes::manifest::{self, Manifest};
use model::address::{Address, ServiceRef};
use model::desired::Desired;
use model::diagnostic::{Diagnostic, Severity, SourceFile};

use crate::diagnostics::pluralize;
use crate::manifest_files::{self, ManifestFiles};
use crate::output::Output;

/// The manifests under some paths, and what is wrong with them.
pub struct LoadedManifests {
    /// Those without errors.
    pub manifests: Vec<Manifest>,
    /// What is wrong, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
    /// What was read.
    pub files: Vec<SourceFile>,
}

/// Manifests with errors in them.
pub struct InvalidManifests(pub LoadedManifests);

impl fmt::Display for InvalidManifests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = pluralize(self.0.error_count(), "error");
        write!(f, "the manifests have {errors}; nothing was sent")
    }
}

impl fmt::Debug for InvalidManifests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for InvalidManifests {}

impl LoadedManifests {
    /// Reads and checks everything under `paths`. `variables` are the texts of variables.
    ///
    /// # Errors
    /// When something cannot be read. What is wrong *in* a file is a diagnostic.
    pub fn load_paths(paths: &[PathBuf], variables: &BTreeMap<String, String>) -> Result<Self> {
        let ManifestFiles { files, warnings } = manifest_files::read_manifest_files(paths)?;
        let mut declared = Self::from_files(files, variables);
        declared.diagnostics.splice(0..0, warnings);
        if declared.manifests.is_empty() && declared.diagnostics.is_empty() {
            bail!("no manifest in {}: it is empty", paths[0].display());
        }
        Ok(declared)
    }

    /// Checks files that were read.
    pub fn from_files(files: Vec<SourceFile>, variables: &BTreeMap<String, String>) -> Self {
        let loaded = manifest::parse_manifests(&files, variables);
        Self { manifests: loaded.manifests, diagnostics: loaded.diagnostics, files }
    }

    /// How many problems forbid going on.
    pub fn error_count(&self) -> usize {
        self.diagnostics.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    /// Prints every problem to stderr, and goes on only if none is an error.
    ///
    /// # Errors
    /// When there is one.
    pub fn require_valid(self, output: Output) -> Result<Self> {
        output.print_diagnostics(&self.diagnostics, &self.files);
        match self.error_count() {
            0 => Ok(self),
            _ => Err(InvalidManifests(self).into()),
        }
    }

    /// The services as the manifests name them.
    ///
    /// # Errors
    /// Names every manifest that names none, when there is no default.
    pub fn service_names(&self, default: Option<&str>) -> Result<BTreeSet<String>> {
        let of_service = || self.manifests.iter().filter(|manifest| !manifest.is_organization_wide);
        let without_service: Vec<String> = of_service()
            .filter(|manifest| manifest.service.is_none() && default.is_none())
            .map(|manifest| format!("{}: {}", manifest.document.origin.start_place(), manifest.name))
            .collect();
        if !without_service.is_empty() {
            bail!("no service for these; set `metadata.service` or pass --service:\n{}", without_service.join("\n"));
        }
        let named = of_service().filter_map(|manifest| manifest.service.as_deref().or(default));
        Ok(named.map(str::to_owned).collect())
    }

    /// What is declared, by address, and the services that have an id. Two names of one id are one
    /// service; a service without an id is called as its manifests call it.
    ///
    /// # Errors
    /// When two manifests turn out to be about one object.
    pub fn desired(
        self,
        ids: &BTreeMap<String, String>,
        default: Option<&str>,
    ) -> Result<(Desired, BTreeMap<ServiceRef, String>)> {
        let labels = service_labels(ids);
        let mut desired = Desired::new();
        for manifest in self.manifests {
            let service = if manifest.is_organization_wide {
                ServiceRef::for_organization()
            } else {
                let named = manifest.service.as_deref().or(default).unwrap_or_default();
                let label = ids.get(named).and_then(|id| labels.get(id));
                label.cloned().unwrap_or_else(|| ServiceRef::new(named))
            };
            let at = Address::new(service, manifest.kind, manifest.name);
            let place = manifest.document.origin.start_place().clone();
            if let Some(other) = desired.insert(at.clone(), manifest.document) {
                bail!("{place}: {at} is also declared at {}", other.origin.start_place());
            }
        }
        let services = labels.into_iter().map(|(id, label)| (label, id)).collect();
        Ok((desired, services))
    }
}

/// One label for each service: the first name that is not its id.
fn service_labels(ids: &BTreeMap<String, String>) -> BTreeMap<String, ServiceRef> {
    let mut labels = BTreeMap::new();
    for (name, id) in ids {
        let label = labels.entry(id.clone()).or_insert_with(|| ServiceRef::new(name.clone()));
        if label.as_str() == id {
            *label = ServiceRef::new(name.clone());
        }
    }
    labels
}
