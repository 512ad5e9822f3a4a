//! Loads manifests from paths and gives each declared object its address.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Result, bail};
use clickpipes::manifest::{self, EnvironmentDefaults, LoadContext, Manifest, PlainManifest, Templates};
use clickpipes::redact_text::redact_messages;
use model::address::{Address, ServiceRef};
use model::desired::{Desired, Document, Place};
use model::diagnostic::{Diagnostic, Severity, SourceFile};
use model::secret::{SecretSource, find_secret_references, unresolved_secret};

use crate::diagnostics::pluralize;
use crate::manifest_files::{self, ManifestFiles};
use crate::output::Output;
use crate::project::{self, ProjectContext};

#[derive(Debug)]
pub struct LoadedManifests {
    /// The manifests without errors.
    pub manifests: Vec<Manifest>,
    /// Errors and warnings, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
    pub files: Vec<SourceFile>,
    /// The warnings about the project file. They are printed already, and belong into reports.
    project_warnings: Vec<Diagnostic>,
    /// The number of files, from the first on, that contain the manifests. The others were read for their templates.
    manifest_file_count: usize,
}

/// The error for manifests with errors. Their diagnostics are printed already.
#[derive(Debug, thiserror::Error)]
#[error("the manifests have {}", pluralize(.0.error_count(), "error"))]
pub struct InvalidManifests(pub LoadedManifests);

impl LoadedManifests {
    /// Reads and validates the manifests of a project.
    ///
    /// # Errors
    /// When a path cannot be read. Mistakes *in* a file are diagnostics.
    pub(crate) fn load_project(project: &ProjectContext) -> Result<Self> {
        let all = &project.all_manifest_paths;
        if !project.shown_env_variables.is_empty() && project.manifests != *all {
            // Before anything is read that could show the value.
            project::refuse_secret_variables(&project.shown_env_variables, &manifest_files::read_readable(all))?;
        }
        let mut declared = Self::load_paths(&project.manifests, all, project.load_context())?;
        declared.refuse_shown_secrets(project);
        Ok(Self { project_warnings: project.warnings.clone(), ..declared })
    }

    /// The declared objects. Only a connection knows the service of a manifest that names none.
    pub(crate) fn objects(&self) -> impl Iterator<Item = (Address, &Document)> {
        self.manifests.iter().map(|manifest| {
            let service = match &manifest.service {
                _ if manifest.is_organization_wide => ServiceRef::for_organization(),
                Some(service) => ServiceRef::new(service.clone()),
                None => ServiceRef::new("(default service)"),
            };
            (Address::new(service, manifest.kind, manifest.name.clone()), &manifest.document)
        })
    }

    /// Refuses a secret in a variable whose value the project file shows, and in a variable with an API key.
    pub(crate) fn refuse_shown_secrets(&mut self, project: &ProjectContext) {
        let (shown, keys) = (&project.shown_env_variables, &project.env_access.key_variables);
        let texts: LazyCell<BTreeMap<&str, &str>, _> =
            LazyCell::new(|| self.files.iter().map(|file| (&*file.name, &*file.text)).collect());
        let mut found = Vec::new();
        for document in self.manifests.iter().map(|manifest| &manifest.document) {
            for secret in find_secret_references(&document.body) {
                let Some(SecretSource::Env(name)) = SecretSource::from_reference(&secret.from) else { continue };
                let why = if keys.contains(name) {
                    "this variable holds the API key of pipectl: it is sent to no source"
                } else if shown.contains(name) {
                    "the project file shows this variable with `${env:…}`, so it is not secret"
                } else {
                    continue;
                };
                let place = document.origin.field_place(&secret.path);
                let text = texts.get(&*place.file).copied().unwrap_or_default();
                found.push(unresolved_secret(document, &secret, why, text));
            }
        }
        self.diagnostics.extend(found);
    }

    /// Reads and validates the manifests under `paths`. Their templates may also be under `all`, the paths of the
    /// project.
    ///
    /// # Errors
    /// When a path cannot be read. Mistakes *in* a file are diagnostics.
    pub fn load_paths(paths: &[PathBuf], all: &[PathBuf], context: LoadContext<'_>) -> Result<Self> {
        let ManifestFiles { files, warnings } = manifest_files::read_manifest_files(paths)?;
        let templates = if paths == all { Vec::new() } else { manifest_files::read_templates_elsewhere(&files, all) };
        let mut declared = Self::from_files(files, templates, context);
        // A link that was not followed may be the reason for all that comes after.
        declared.diagnostics.splice(0..0, warnings);
        if declared.manifests.is_empty() && declared.diagnostics.is_empty() {
            let has_templates = !Templates::read(&declared.files).is_empty();
            let why = if has_templates { "only templates, which no manifest uses" } else { "it is empty" };
            bail!("no manifest in {}: {why}", paths[0].display());
        }
        Ok(declared)
    }

    /// Validates files that were read. Those of `templates` are read for their templates only.
    pub fn from_files(mut files: Vec<SourceFile>, templates: Vec<SourceFile>, context: LoadContext<'_>) -> Self {
        let mut loaded = if templates.is_empty() {
            manifest::parse_manifests(&files, context)
        } else {
            let all = Templates::read(&[files.clone(), templates.clone()].concat());
            manifest::parse_manifests(&files, context.with_templates(&all))
        };
        let manifest_file_count = files.len();
        // Messages quote lines of templates, too.
        files.extend(templates);
        files.extend(context.defaults.and_then(EnvironmentDefaults::file).cloned());
        redact_messages(&mut loaded.diagnostics, &files);
        Self {
            manifests: loaded.manifests,
            diagnostics: loaded.diagnostics,
            files,
            project_warnings: Vec::new(),
            manifest_file_count,
        }
    }

    pub(crate) fn add_project_file(&mut self, file: Option<&SourceFile>) {
        let is_new = |file: &&SourceFile| self.files.iter().all(|known| known.name != file.name);
        self.files.extend(file.filter(is_new).cloned());
    }

    pub(crate) fn manifest_files(&self) -> &[SourceFile] {
        &self.files[..self.manifest_file_count]
    }

    /// The number of files that were loaded, without those of templates elsewhere and without the project file.
    pub fn file_count(&self) -> usize {
        self.manifest_file_count
    }

    /// The manifests without templates, `forEach` and variables.
    pub fn to_plain_manifests(&self, context: LoadContext<'_>) -> Vec<PlainManifest> {
        let templates = Templates::read(&self.files);
        manifest::render_manifests(self.manifest_files(), context.with_templates(&templates))
    }

    /// The number of errors. Warnings do not count.
    pub fn error_count(&self) -> usize {
        self.diagnostics.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    /// Adds the warnings about the project file to those in reports. Call it after the others are printed.
    pub(crate) fn add_project_warnings(&mut self) {
        self.diagnostics.splice(0..0, std::mem::take(&mut self.project_warnings));
    }

    /// Prints all diagnostics to stderr.
    ///
    /// # Errors
    /// [`InvalidManifests`] when one of them is an error.
    pub fn require_valid(mut self, output: Output) -> Result<Self> {
        output.print_diagnostics(&self.diagnostics, &self.files);
        self.add_project_warnings();
        match self.error_count() {
            0 => Ok(self),
            _ => Err(InvalidManifests(self).into()),
        }
    }

    /// The names of services in the manifests, with `default` for manifests that name none.
    ///
    /// # Errors
    /// When there is no default and manifests name no service; the message lists them all.
    pub fn service_names(&self, default: Option<&str>) -> Result<BTreeSet<String>> {
        let of_service = || self.manifests.iter().filter(|manifest| !manifest.is_organization_wide);
        let without_service: Vec<String> = of_service()
            .filter(|manifest| manifest.service.is_none() && default.is_none())
            .map(|manifest| format!("{}: {}", manifest.document.origin.start_place(), manifest.name))
            .collect();
        if !without_service.is_empty() {
            bail!(
                "these manifests name no service; set `metadata.service` or pass --service:\n{}",
                without_service.join("\n")
            );
        }
        let named = of_service().filter_map(|manifest| manifest.service.as_deref().or(default));
        Ok(named.map(str::to_owned).collect())
    }

    /// The declared objects by address, and the ids of services by label. `ids` are ids by name; a service without an
    /// id keeps its name as label.
    ///
    /// # Errors
    /// When two manifests declare one object.
    pub fn desired(
        self,
        ids: &BTreeMap<String, String>,
        default: Option<&str>,
    ) -> Result<(Desired, BTreeMap<ServiceRef, String>)> {
        // Two names of one id are one service. Only here, with the ids known, it shows that two manifests declare one
        // object.
        let labels = service_labels(ids);
        let mut desired = Desired::new();
        for manifest in self.manifests {
            let at = labelled_address(&manifest, (ids, &labels), default);
            let place = manifest.document.origin.start_place().clone();
            if let Some(other) = desired.insert(at.clone(), manifest.document) {
                bail!(DeclaredTwice(at, [place, other.origin.start_place().clone()]));
            }
        }
        let services = labels.into_iter().map(|(id, label)| (label, id)).collect();
        Ok((desired, services))
    }
}

/// The error for two manifests of one object.
#[derive(Debug, thiserror::Error)]
#[error("{}: `duplicate-identity`: {} is also declared at {}", .1[0], .0, .1[1])]
pub(crate) struct DeclaredTwice(pub(crate) Address, pub(crate) [Place; 2]);

/// The address of a manifest, under the label of its service. `ids` are ids by name.
pub(crate) fn labelled_address(
    manifest: &Manifest,
    (ids, labels): (&BTreeMap<String, String>, &BTreeMap<String, ServiceRef>),
    default: Option<&str>,
) -> Address {
    let service = if manifest.is_organization_wide {
        ServiceRef::for_organization()
    } else {
        let named = manifest.service.as_deref().or(default).unwrap_or_default();
        let label = ids.get(named).and_then(|id| labels.get(id));
        label.cloned().unwrap_or_else(|| ServiceRef::new(named))
    };
    Address::new(service, manifest.kind, manifest.name.clone())
}

/// One label for each service: the first name that is not its id.
pub(crate) fn service_labels(ids: &BTreeMap<String, String>) -> BTreeMap<String, ServiceRef> {
    let mut labels = BTreeMap::new();
    for (name, id) in ids {
        let label = labels.entry(id.clone()).or_insert_with(|| ServiceRef::new(name.clone()));
        if label.as_str().eq_ignore_ascii_case(id) {
            *label = ServiceRef::new(name.clone());
        }
    }
    labels
}
