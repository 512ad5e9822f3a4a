//! Objects that are new since the base, and that an earlier commit declared: their rows may have stayed.

use std::collections::BTreeSet;

use anyhow::Result;
use clickpipes::manifest::Manifest;
use model::address::Name;
use model::desired::Presence;

use super::Repository;
use super::declared_key::DeclaredKey;
use super::earlier_manifests::EarlierManifests;
use super::history::Walk;
use super::history_query::removed_keys;
use super::manifest_at::{ManifestArchive, WrittenNames};
use crate::project::ProjectContext;

/// The names among the declared ones that the base does not declare, and that some commit removed.
// The answer is a note of a plan, so a history that cannot be read is no error.
pub(super) fn find_removed_once(
    repository: &Repository,
    declared: &[Manifest],
    base: &EarlierManifests,
    project: &ProjectContext,
) -> Result<BTreeSet<DeclaredKey>> {
    let in_base: BTreeSet<DeclaredKey> = base.own.iter().map(DeclaredKey::from_manifest).collect();
    let is_new = |manifest: &&Manifest| {
        let is_present = manifest.document.intent.presence != Presence::Absent;
        is_present && !manifest.kind.is_singleton() && !in_base.contains(&DeclaredKey::from_manifest(manifest))
    };
    let new: BTreeSet<&Name> = declared.iter().filter(is_new).map(|manifest| &manifest.name).collect();
    if new.is_empty() {
        return Ok(BTreeSet::new());
    }
    let written = WrittenNames::new(new.iter().copied());
    let Ok(steps) = repository.read_history(project, Walk::All) else { return Ok(BTreeSet::new()) };
    let mut archive = ManifestArchive::open_archive(repository, project)?;
    let mut found = BTreeSet::new();
    for step in &steps {
        if archive.is_any_mentioned(&step.old_hashes, &written)? {
            found.extend(removed_keys(&mut archive, step)?.into_keys().filter(|key| new.contains(&key.name)));
        }
    }
    Ok(found)
}
