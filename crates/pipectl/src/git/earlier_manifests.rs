//! The manifests of one earlier commit: those in the folders of the run, and those that may have moved from other
//! folders.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use clickpipes::manifest::{self, LoadContext, Manifest, PastManifests, Templates};
use clickpipes::semantics::FieldSemantics;
use model::address::{Address, Kind, Name, ServiceRef};
use model::desired::{Desired, Document};
use model::diagnostic::{Severity, SourceFile};

use super::declared_key::{DeclaredKey, ManifestOwner};
use super::services::GitServices;
use super::submodules::PastSubmodules;
use super::{Commit, Repository};
use crate::output::Output;
use crate::project::ProjectContext;

/// The manifests of an earlier commit, with the variables of that time.
// A base belongs to an object, not to a path. An object that moved here from another folder has its base there; without
// it, every value that was set by hand would be reverted. So the other folders are searched for objects without a base.
#[derive(Default)]
pub(super) struct EarlierManifests {
    /// The manifests in the folders of the run.
    pub(super) own: Vec<Manifest>,
    /// The objects that a run at that commit declared: a folder that only a later `manifests` lists is not part of it.
    pub(super) applied: BTreeSet<DeclaredKey>,
    /// Manifests in other folders that may declare an object of the run without a manifest in its own folders, or an
    /// object to which the run refers. The current manifest may identify the object in another way (its service by id,
    /// the pipe by `metadata.id`), so only ids are compared.
    pub(super) elsewhere: Vec<Manifest>,
}

/// Names that may identify the earlier manifest of objects that have none in the folders of the run.
struct SoughtObjects<'d> {
    names: BTreeSet<(Kind, &'d Name)>,
    /// The objects to which the run refers.
    referenced: BTreeSet<(Kind, Name)>,
    /// Kinds with an object that is declared by its id: its live name is not known yet.
    pinned_kinds: BTreeSet<Kind>,
}

impl EarlierManifests {
    /// Reads the commit of a revision. `later` are manifests of the commits since, newest first: an object may have another
    /// name there than today.
    ///
    /// # Errors
    /// When git cannot answer, or when a part that may declare an object of the run cannot be read.
    pub(super) fn read_revision(
        repository: &Repository,
        revision: &str,
        (declared, later): (&[Manifest], &[Manifest]),
        project: &ProjectContext,
        output: Output,
    ) -> Result<Self> {
        Self::read(repository, revision, (declared, later), project, Some(output))
    }

    /// Like `read`, but without files that cannot be read: nothing is reverted because of them.
    ///
    /// # Errors
    /// When git fails.
    pub(super) fn read_readable(
        repository: &Repository,
        revision: &str,
        (declared, later): (&[Manifest], &[Manifest]),
        project: &ProjectContext,
    ) -> Result<Self> {
        Self::read(repository, revision, (declared, later), project, None)
    }

    fn read(
        repository: &Repository,
        revision: &str,
        (declared, later): (&[Manifest], &[Manifest]),
        project: &ProjectContext,
        output: Option<Output>,
    ) -> Result<Self> {
        let commit = repository.resolve_commit(revision)?;
        // The manifests of a commit were for the environments of its time. For a new environment they are not a base:
        // its live values existed before git, and nobody changed them since.
        let project_file =
            project.origin.as_ref().map(|(file, _)| repository.file_at_commit(&commit, file)).transpose()?;
        if project_file.flatten().is_some_and(|file| project.is_environment_new_since(&file)) {
            return Ok(Self::default());
        }
        let of_the_time = repository.with_roots_of(&commit, project)?;
        let repository = &repository.with_roots_at(&commit, project)?;
        let submodules = repository.past_submodules(&commit, project)?;
        let files = [repository.tree_files_at(&commit)?, submodules.own.clone()].concat();
        let bindings = repository.bindings_at_commit(project, &commit)?;
        let mut template_files = repository.template_files_at(&files, &commit, project)?;
        add_new_files(&mut template_files, &submodules.own);
        let templates = Templates::read(&template_files);
        let context = bindings.load_context();
        let PastManifests { parsed: mut loaded, is_readable } =
            manifest::parse_past_manifests(&files, context.with_templates(&templates));
        project.rename_services(&mut loaded.manifests, &bindings);
        loaded.diagnostics.retain(|problem| problem.severity == Severity::Error);
        for problem in &mut loaded.diagnostics {
            problem.severity = Severity::Warning;
        }
        let mut all_files = files.clone();
        add_new_files(&mut all_files, &template_files);
        if let Some(output) = output {
            output.print_diagnostics(&loaded.diagnostics, &all_files);
        }
        let was_read = |manifest: &&Manifest| {
            let place = manifest.document.origin.start_place();
            let path = place.file.strip_prefix(&format!("{}:", commit.short));
            path.is_none_or(|path| of_the_time.is_manifest_path(path))
        };
        let applied = loaded.manifests.iter().filter(was_read).flat_map(DeclaredKey::all_from_manifest).collect();
        let mut found = Self { own: loaded.manifests, applied, elsewhere: Vec::new() };
        let sought = SoughtObjects::without_base(declared, later, &found.own);
        if sought.is_empty() {
            if let Some(output) = output {
                submodules.warn_of_unreadable(&commit, output);
            }
            return Ok(found);
        }
        let other_files =
            [repository.manifest_files_elsewhere(&commit, project)?, submodules.files_elsewhere()?].concat();
        let templates = Templates::read(&[template_files, other_files.clone()].concat());
        let broken = found.add_moved(other_files, &sought, context.with_templates(&templates), |moved| {
            project.rename_services(moved, &bindings);
        });
        found.drop_other_services(declared, project);
        if let Some(output) = output {
            let lost = declared.iter().filter(|it| found.lacks(it)).collect::<Vec<_>>();
            refuse_unreadable(&lost, &commit, (is_readable, &broken), &submodules)?;
            submodules.warn_of_unreadable(&commit, output);
        }
        Ok(found)
    }

    /// Adds manifests from other folders that may be needed. Returns the files that cannot be read at all.
    fn add_moved(
        &mut self,
        files: Vec<SourceFile>,
        sought: &SoughtObjects<'_>,
        context: LoadContext<'_>,
        rename_services: impl Fn(&mut [Manifest]),
    ) -> Vec<SourceFile> {
        let mut broken = Vec::new();
        for file in files {
            // Each file on its own: two folders may declare the same object, which would be an error in one set.
            let past = manifest::parse_past_manifests(std::slice::from_ref(&file), context);
            let mut moved = past.parsed.manifests;
            rename_services(&mut moved);
            self.elsewhere.extend(moved.into_iter().filter(|manifest| sought.may_be(manifest)));
            broken.extend((!past.is_readable).then_some(file));
        }
        broken
    }

    /// The owners of all manifests.
    pub(super) fn owners(&self) -> impl Iterator<Item = ManifestOwner> {
        self.own.iter().chain(&self.elsewhere).map(|manifest| DeclaredKey::from_manifest(manifest).owner)
    }

    /// The manifests by address: those of the run together with those that declared one of its names elsewhere, and the
    /// rest.
    pub(super) fn resolve(self, declared: &BTreeSet<Address>, services: &GitServices) -> (Desired, Desired) {
        let mut own = services.resolve_desired(self.own);
        let (mut moved, mut others) = (Desired::new(), Desired::new());
        for (at, document) in services.resolve_each(self.elsewhere) {
            // The folders of the run come first: their manifest is the base, whatever another folder declared.
            if own.contains_key(&at) {
                continue;
            }
            let side = if declared.contains(&at) { &mut moved } else { &mut others };
            add_first(side, at, document);
        }
        own.extend(moved);
        (own, others)
    }

    /// Removes manifests of other services, under any of their names.
    // A name that only the API knows would have to be looked up.
    fn drop_other_services(&mut self, declared: &[Manifest], project: &ProjectContext) {
        let id = |manifest: &Manifest| {
            let name = manifest.service.as_ref()?;
            let id = project.services.get(name).or_else(|| ServiceRef::is_id(name).then_some(name))?;
            Some(id.to_ascii_lowercase())
        };
        let own: BTreeSet<Option<String>> = declared.iter().filter(|it| !it.is_organization_wide).map(id).collect();
        let may_be_own = |it: &Manifest| {
            let other = id(it);
            it.is_organization_wide || other.is_none() || own.contains(&None) || own.contains(&other)
        };
        self.elsewhere.retain(may_be_own);
    }

    /// Whether no readable manifest can be an earlier version of this one.
    fn lacks(&self, manifest: &Manifest) -> bool {
        let names = names_of(manifest);
        let is_same = |other: &Manifest| {
            let pinned = &manifest.document.intent.pinned_id;
            let has_pin = pinned.is_some() && *pinned == other.document.intent.pinned_id;
            has_pin || names_of(other).iter().any(|name| names.contains(name))
        };
        !self.own.iter().chain(&self.elsewhere).any(is_same)
    }
}

fn add_new_files(files: &mut Vec<SourceFile>, more: &[SourceFile]) {
    let new: Vec<_> = more.iter().filter(|file| files.iter().all(|known| known.name != file.name)).cloned().collect();
    files.extend(new);
}

/// Two folders may have declared one object. The first one counts, and protection by any of them counts.
fn add_first(side: &mut Desired, at: Address, document: Document) {
    let is_protected = document.intent.protect;
    side.entry(at).or_insert(document).intent.protect |= is_protected;
}

impl<'d> SoughtObjects<'d> {
    fn without_base(declared: &'d [Manifest], later: &'d [Manifest], base: &[Manifest]) -> Self {
        let known: BTreeSet<DeclaredKey> = base.iter().map(DeclaredKey::from_manifest).collect();
        let (mut names, mut pinned_kinds) = (BTreeSet::new(), BTreeSet::new());
        let lacks_name =
            |manifest: &&Manifest| DeclaredKey::all_from_manifest(manifest).iter().any(|key| !known.contains(key));
        for manifest in declared.iter().filter(lacks_name) {
            names.extend(names_of(manifest));
            pinned_kinds.extend(manifest.document.intent.pinned_id.is_some().then_some(manifest.kind));
        }
        // A rename connects to the name before it:  base a,  later b with previousNames [a],  now b in another folder.
        for manifest in later {
            let earlier = names_of(manifest);
            if earlier.iter().any(|name| names.contains(name)) {
                names.extend(earlier);
            }
        }
        Self { names, referenced: referenced_elsewhere(declared), pinned_kinds }
    }

    fn is_empty(&self) -> bool {
        self.names.is_empty() && self.referenced.is_empty()
    }

    fn may_be(&self, earlier: &Manifest) -> bool {
        let is_pinned = earlier.document.intent.pinned_id.is_some();
        is_pinned
            || self.pinned_kinds.contains(&earlier.kind)
            || self.referenced.contains(&(earlier.kind, earlier.name.clone()))
            || names_of(earlier).iter().any(|name| self.names.contains(name))
    }
}

/// Objects to which manifests refer without declaring them: another job declares them.
// A host that replaces a reference comes from git if it was a name of the endpoint before.
pub(super) fn referenced_elsewhere(declared: &[Manifest]) -> BTreeSet<(Kind, Name)> {
    let referenced =
        declared.iter().flat_map(|it| FieldSemantics::for_kind(it.kind).referenced_objects(&it.document.body));
    let own: BTreeSet<(Kind, &Name)> = declared.iter().map(|it| (it.kind, &it.name)).collect();
    { referenced }.filter(|(kind, name)| !own.contains(&(*kind, name))).collect()
}

fn names_of(manifest: &Manifest) -> BTreeSet<(Kind, &Name)> {
    let names = manifest.document.intent.previous_names.iter().chain([&manifest.name]);
    names.map(|name| (manifest.kind, name)).collect()
}

/// Checks that no object lacks its base because something cannot be read.
///
/// # Errors
/// Names the first object that may lack it.
fn refuse_unreadable(
    lost: &[&Manifest],
    commit: &Commit,
    (is_readable, broken): (bool, &[SourceFile]),
    submodules: &PastSubmodules,
) -> Result<()> {
    const EFFECT: &str = "without it, values that were set by hand would be reverted";
    let Some(first) = lost.first() else { return Ok(()) };
    if !is_readable {
        bail!(
            "some manifests of {} cannot be read, and none of the others declares `{}`: {EFFECT}; name a commit \
             whose manifests can be read",
            commit.label(),
            first.name
        );
    }
    if let Some(path) = submodules.unreadable.first() {
        bail!(
            "cannot read the submodule {path} as it was at {}, and no manifest that can be read declares `{}` there: \
             {EFFECT}; fetch the submodule's history into this clone (`git fetch URL`, with its URL)",
            commit.label(),
            first.name
        );
    }
    // A broken file of another job must not block objects that it does not name.
    let mentioned = broken.iter().find_map(|file| {
        let named = |it: &&&Manifest| names_of(it).iter().any(|(_, name)| file.text.contains(name.as_str()));
        Some((&file.name, lost.iter().find(named)?))
    });
    if let Some((file, lost)) = mentioned {
        bail!(
            "{file} cannot be read, and may declare `{}`: {EFFECT}; name a commit in which it can be read",
            lost.name
        );
    }
    Ok(())
}
