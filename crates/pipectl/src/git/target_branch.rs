//! Changes of the target branch of a pull request since the merge base.
//!
//! They are live already, and a merge keeps them. Without this, they would look like changes outside git.

use std::collections::BTreeSet;

use anyhow::Result;
use clickpipes::manifest::Manifest;
use model::address::Address;
use model::desired::{Desired, Presence, TargetVersions};

use super::Repository;
use super::declared_key::DeclaredKey;
use super::earlier_manifests::EarlierManifests;
use super::history_query::all_addresses;
use super::manifest_at::manifests_between;
use super::services::GitServices;
use crate::output::Output;
use crate::project::ProjectContext;

pub(super) struct TargetBranch {
    /// The manifests at its tip.
    pub(super) tip: EarlierManifests,
    /// The manifests of its commits since the base, newest first.
    since_base: Vec<Manifest>,
}

impl TargetBranch {
    /// The branch that `REV...` names; `None` if it did not move since the merge base, or if the base is not a merge
    /// base.
    ///
    /// # Errors
    /// When git fails.
    pub(super) fn read_moved(
        repository: &Repository,
        base: &str,
        declared: &[Manifest],
        project: &ProjectContext,
        output: Output,
    ) -> Result<Option<Self>> {
        let Some(name) = base.strip_suffix("...") else { return Ok(None) };
        let (base, tip) = (repository.resolve_commit(base)?, repository.resolve_commit(name)?);
        // It did not move, so its versions are those of the base.
        if base.hash == tip.hash {
            return Ok(None);
        }
        let since_base = manifests_between(repository, &base.hash, &[&tip.hash], project)?;
        Ok(Some(Self {
            tip: EarlierManifests::read_revision(repository, &tip.hash, (declared, &[]), project, output)?,
            since_base,
        }))
    }

    /// Gives each declared object the versions that it had on the branch. Returns the objects that the branch added.
    pub(super) fn add_versions(
        self,
        desired: &mut Desired,
        base: &Desired,
        services: &GitServices,
    ) -> BTreeSet<Address> {
        let (tip, _) = self.tip.resolve(&all_addresses(desired), services);
        for (at, document) in desired.iter_mut().filter(|(at, _)| base.contains_key(at)) {
            let now = tip.get(at);
            let presence = now.map_or(Presence::Absent, |now| now.intent.presence);
            let bodies = now.map(|now| now.body.clone()).into_iter().collect();
            document.target = Some(TargetVersions { presence, bodies });
        }
        for manifest in self.since_base {
            let at = services.resolve_address(&DeclaredKey::from_manifest(&manifest));
            let document = at.and_then(|at| desired.get_mut(&at));
            if let Some(target) = document.and_then(|document| document.target.as_mut()) {
                target.bodies.push(manifest.document.body);
            }
        }
        let added = tip.into_iter().filter(|(at, document)| {
            document.intent.presence != Presence::Absent && !base.contains_key(at) && !desired.contains_key(at)
        });
        added.map(|(at, _)| at).collect()
    }
}
