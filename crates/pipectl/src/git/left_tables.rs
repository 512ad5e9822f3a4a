//! Tables of new objects that git took from others: their rows may have stayed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use clickpipes::manifest::Manifest;
use clickpipes::pipe::written_tables::written_table_names;
use model::address::ServiceRef;
use model::desired::Presence;

use super::Repository;
use super::declared_key::{DeclaredKey, ManifestOwner};
use super::earlier_manifests::EarlierManifests;
use super::history::Walk;
use super::manifest_at::{ManifestArchive, WrittenNames};
use super::services::GitServices;
use crate::project::ProjectContext;

/// Tables as `database.table`, before the ids of their services are known.
#[derive(Default)]
pub(super) struct LeftTables(BTreeSet<(ManifestOwner, String)>);

impl LeftTables {
    /// The tables in the known services.
    pub(super) fn resolve(&self, services: &GitServices) -> BTreeMap<ServiceRef, BTreeSet<String>> {
        let mut found: BTreeMap<ServiceRef, BTreeSet<String>> = BTreeMap::new();
        for (owner, table) in &self.0 {
            let Some(service) = services.resolve_service(owner) else { continue };
            found.entry(service).or_default().insert(table.clone());
        }
        found
    }
}

/// The tables of manifests that the base does not have, as far as some commit, or the change since the base, took them
/// from a manifest.
// The answer is a note of a plan, so a history that cannot be read is no error.
pub(super) fn find_left_tables(
    repository: &Repository,
    declared: &[Manifest],
    base: Option<&EarlierManifests>,
    project: &ProjectContext,
) -> Result<LeftTables> {
    let is_present = |manifest: &&Manifest| manifest.document.intent.presence != Presence::Absent;
    let base = || base.iter().flat_map(|base| &base.own).filter(is_present);
    let in_base: BTreeSet<DeclaredKey> = base().map(DeclaredKey::from_manifest).collect();
    let is_new = |manifest: &&Manifest| !in_base.contains(&DeclaredKey::from_manifest(manifest));
    let new: Vec<&Manifest> = declared.iter().filter(is_present).filter(is_new).collect();
    let tables: BTreeSet<String> = new.iter().flat_map(|it| written_table_names(&it.document.body)).collect();
    if tables.is_empty() {
        return Ok(LeftTables::default());
    }
    let now = tables_by_key(declared.iter().filter(is_present));
    let taken = tables_by_key(base()).into_iter().filter(|pair| tables.contains(&pair.1) && !now.contains(pair));
    let mut found: BTreeSet<_> = taken.map(|(key, table)| (key.owner, table)).collect();
    let Ok(steps) = repository.read_history(project, Walk::All) else { return Ok(LeftTables(found)) };
    // A template may name the table by the name of the object.
    let names = tables.iter().map(|table| table.split_once('.').map_or(table.as_str(), |(_, name)| name));
    let written = WrittenNames::new(names.chain(new.iter().map(|manifest| manifest.name.as_str())));
    let mut archive = ManifestArchive::open_archive(repository, project)?;
    for step in &steps {
        if !archive.is_any_mentioned(&step.old_hashes, &written)? {
            continue;
        }
        let before = archive.declared_at(&format!("{}^", step.hash), &step.old_hashes)?;
        let after = archive.declared_at(&step.hash, &step.new_hashes)?;
        for (key, state) in before.iter().flat_map(|declared| declared.iter()) {
            let is_kept = |table: &String| {
                after.iter().any(|declared| declared.get(key).is_some_and(|now| now.tables.contains(table)))
            };
            let taken = state.tables.iter().filter(|table| tables.contains(*table) && !is_kept(table));
            found.extend(taken.map(|table| (key.owner.clone(), table.clone())));
        }
    }
    Ok(LeftTables(found))
}

/// Each table with each name of a manifest that writes it.
fn tables_by_key<'m>(manifests: impl Iterator<Item = &'m Manifest>) -> BTreeSet<(DeclaredKey, String)> {
    let pairs = manifests.flat_map(|manifest| {
        let tables = written_table_names(&manifest.document.body);
        let keys = DeclaredKey::all_from_manifest(manifest).into_iter();
        keys.flat_map(move |key| tables.clone().into_iter().map(move |table| (key.clone(), table)))
    });
    pairs.collect()
}
