//! Opens a session: the manifests, their versions in git, the services that they name, and the client.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Result, bail};
use model::address::ServiceRef;
use model::desired::Desired;
use model::project::PruneMode;
use model::selector::AddressPattern;
use planner::{OtherFolders, Policy};

use crate::connection::{AccessMode, Account, ConnectOptions, FoundServices, ServiceListing};
use crate::context::CommandContext;
use crate::declared_elsewhere::DeclaredElsewhere;
use crate::git::{self, CommitsBefore, GitHistory, GitQuery, GitServices, PlanCommits, Repository};
use crate::load_manifests::LoadedManifests;
use crate::project::{self, ProjectContext};
use crate::run_redaction::run_redaction;
use crate::saved_plan::PlanTarget;
use crate::secrets::SecretResolver;
use crate::settings_diff::ProjectChanges;

use super::plan_rules::PlanRules;
use super::prune_inputs::{self, PruneInputs};
use super::{DriftRevisions, GitOptions, ScopeOptions, Session};

impl Session {
    /// Reads the manifests and prepares the connection. Nothing is sent unless the manifests are valid and something
    /// must be looked up.
    pub(crate) async fn open_for_plan(
        context: &CommandContext,
        scope: &ScopeOptions,
        git: &GitOptions,
        mode: AccessMode,
    ) -> Result<Self> {
        let output = context.output;
        let mut project = project::load_with_manifests(&scope.paths, context)?;
        let before = git.base.as_ref().map(|base| CommitsBefore::find(&project, base, git.policy_base.as_deref()));
        let before = before.transpose()?;
        if let Some(before) = before.as_ref().filter(|_| !git.trust_policy) {
            // Before any manifest is read: a change must not make the variable of the API key a secret of a pipe.
            before.hold_keys(&mut project)?;
        }
        let mut declared = LoadedManifests::load_project(&project)?;
        if mode.can_write {
            hide_secrets_of_later_runs(context, &project, scope.connect.sandbox.is_some())?;
        }
        let project_changes =
            before.as_ref().map(|before| before.hold_policy(&mut project, &declared, git.trust_policy));
        let project_changes = project_changes.transpose()?.unwrap_or_default();
        let rules = Some(PlanRules::take(&mut project, &mut declared, context.now));
        let declared = declared.require_valid(output)?;
        let elsewhere = DeclaredElsewhere::read(declared.manifest_files(), &project)?;
        let prune = prune_inputs::effective_prune(git, &project, &scope.selection, output)?;
        let query = GitQuery {
            base: git.base.clone(),
            before_change: before.and_then(CommitsBefore::unapplied),
            changed_since: git.changed_since.clone(),
            needs_removals: prune == PruneMode::Git,
        };
        let history = GitHistory::query_git(&query, &declared.manifests, &project, output)?;
        let declared = (declared, elsewhere);
        let session = Self::connect_session(project, declared, (history, prune), scope, mode).await?;
        Ok(Self { resend_secrets: resend_patterns(git, &session)?, project_changes, rules, ..session })
    }

    /// Opens a session that only compares live with git: with the manifests of a revision, of `HEAD`, or of the working
    /// folder if there is no repository. Returns a text for the compared side.
    pub(crate) async fn open_for_drift(
        context: &CommandContext,
        scope: &ScopeOptions,
        DriftRevisions { compared, last_applied }: &DriftRevisions,
    ) -> Result<(Self, String)> {
        let project = project::load_with_manifests(&scope.paths, context)?;
        let repository = match compared.as_ref().or(last_applied.as_ref()) {
            Some(_) => Some(Repository::open_containing(&project.manifests)?),
            None => Repository::find_containing(&project.manifests)?,
        };
        git::warn_of_missing_in(&project.manifests, context.output);
        let mut commits = None;
        let (declared, against) = if let Some(repository) = repository {
            let commit = repository.resolve_commit(compared.as_deref().unwrap_or("HEAD"))?;
            let bindings = repository.bindings_at_commit(&project, &commit)?;
            let files = repository.manifest_files_at(&commit)?;
            let templates = repository.templates_elsewhere(&files, &commit, &project)?;
            let mut declared = LoadedManifests::from_files(files, templates, bindings.load_context());
            declared.refuse_shown_secrets(&project);
            project.rename_services(&mut declared.manifests, &bindings);
            if declared.files.is_empty() {
                bail!("no manifest in {} of {}", project.manifests[0].display(), commit.short);
            }
            let label = commit.label();
            commits =
                Some(PlanCommits { base: label.clone(), head: label.clone(), unapplied: None, target_branch: None });
            (declared, label)
        } else {
            let declared = LoadedManifests::load_project(&project)?;
            (declared, "the files, which are not in a git repository".to_owned())
        };
        let declared = declared.require_valid(context.output)?;
        let query = GitQuery { base: last_applied.clone(), ..GitQuery::default() };
        let history = match last_applied {
            Some(_) => GitHistory::query_git(&query, &declared.manifests, &project, context.output)?,
            None => GitHistory::default(),
        };
        let history = (history, PruneMode::Never);
        // Nothing is sent, so no object of another file can be changed.
        let declared = (declared, DeclaredElsewhere::default());
        let session = Self::connect_session(project, declared, history, scope, AccessMode::default()).await?;
        // Without an earlier commit, every difference was made outside git.
        let base = session.base.or_else(|| Some(session.desired.clone()));
        Ok((Self { base, commits, ..session }, against))
    }

    async fn connect_session(
        project: ProjectContext,
        (declared, elsewhere): (LoadedManifests, DeclaredElsewhere),
        (mut history, prune): (GitHistory, PruneMode),
        ScopeOptions { selection, connect, shard, .. }: &ScopeOptions,
        mode: AccessMode,
    ) -> Result<Self> {
        let (warnings, files) = (declared.diagnostics.clone(), declared.files.clone());
        run_redaction().add_public_texts(files.iter().map(|file| Arc::clone(&file.text)));
        mode.can_write.then(|| hide_secrets(&declared, &project, connect.sandbox.is_some())).transpose()?;
        let found_objects =
            FoundObjects::find((declared, elsewhere), (&history, prune), &project, (connect, mode)).await?;
        let FoundObjects { mut desired, declared_elsewhere, account, found, ids, services } = found_objects;
        history.add_earlier_bodies(&mut desired, &services);
        let (base, other_folders) = history.take_base(&desired, &services);
        let policy_from_git = policy_from_git(&mut history, &mut desired, base.as_ref(), &services, other_folders);
        let policy_from_git = Policy { declared_elsewhere, ..policy_from_git };
        let service_names = account.names_of_services(&ids, &found);
        let connection = account.connect(ids).with_listed(&found.listed);
        let target = PlanTarget {
            organization: connection.organization.clone(),
            services: connection.services.iter().map(|(label, id)| (label.to_string(), id.clone())).collect(),
        };
        let mut selected = selection.select_addresses(&desired, prune != PruneMode::Never)?;
        let since = history.take_since(&desired, &services);
        if let Some(since) = &since {
            selected.retain(|at| since.get(at).is_none_or(|was| was.differs_from(&desired[at])));
        }
        let session = Self {
            connection,
            selected,
            is_partial: !selection.selects_all() || since.is_some(),
            target,
            service_names,
            unknown_services: found.unknown,
            unreachable: OnceCell::new(),
            in_other_shards: BTreeSet::new(),
            holders_elsewhere: BTreeMap::new(),
            base,
            policy_from_git,
            prune_inputs: PruneInputs::new(prune, &project.policy, &history, &services),
            policy: project.policy,
            environment_policy_keys: project.environment_policy_keys,
            desired,
            warnings,
            files,
            secret_policy: project.secret_policy,
            project_file: project.file.map(|file| file.name),
            project_changes: ProjectChanges::default(),
            resend_secrets: Vec::new(),
            rules: None,
            commits: history.take_commits(),
            timeout: connect.timeout,
        };
        Ok(match shard {
            Some(shard) => session.narrow_to_shard(*shard),
            None => session,
        })
    }
}

/// The declared objects, and the services that they and the commits name.
struct FoundObjects {
    desired: Desired,
    declared_elsewhere: Desired,
    account: Account,
    found: FoundServices,
    ids: BTreeMap<ServiceRef, String>,
    services: GitServices,
}

impl FoundObjects {
    async fn find(
        (declared, elsewhere): (LoadedManifests, DeclaredElsewhere),
        (history, prune): (&GitHistory, PruneMode),
        project: &ProjectContext,
        (connect, mode): (&ConnectOptions, AccessMode),
    ) -> Result<Self> {
        let default = connect.default_service();
        let names = declared.service_names(default.as_deref())?;
        let names_elsewhere = elsewhere.service_names();
        let names_in_history: BTreeSet<String> =
            prune_inputs::services_in_scope(prune, project).chain(history.service_names(default.as_deref())).collect();
        let account = Account::open(connect, project, mode).await?;
        let (found, ids_in_history) =
            find_services(&account, project, &names, [&names_in_history, &names_elsewhere]).await?;
        let (desired, mut ids) = declared.desired(&found.ids, default.as_deref())?;
        let all_ids = account.known_ids(names.union(&names_elsewhere), &found);
        let declared_elsewhere = elsewhere.by_address(&desired, (&all_ids, &found.ids), default.as_deref())?;
        let services = GitServices::new(&found.ids, &ids_in_history, &mut ids, default);
        let services = services.with_unknown(found.unknown.keys());
        Ok(Self { desired, declared_elsewhere, account, found, ids, services })
    }
}

/// The facts from the commits about the declared objects, for the planner.
fn policy_from_git(
    history: &mut GitHistory,
    desired: &mut Desired,
    base: Option<&Desired>,
    services: &GitServices,
    other_folders: OtherFolders,
) -> Policy {
    let (before_change, removed_by_change) = history.take_before_change(desired, base, services);
    let added_by_target = history.add_target_versions(desired, base, services);
    let left_tables = history.left_tables(services);
    let removed_by_git = history.removed_addresses(services);
    Policy {
        added_by_target,
        before_change,
        removed_by_change,
        left_tables,
        removed_by_git,
        other_folders,
        ..Policy::default()
    }
}

/// Redacts secrets that the runs of other environments will send: a response to this run may contain them, too.
fn hide_secrets_of_later_runs(context: &CommandContext, project: &ProjectContext, is_sandbox: bool) -> Result<()> {
    for name in &context.environment.later_environments {
        let Some(bindings) = project.bindings_of_other(name) else { continue };
        let (paths, all) = (&project.manifests, &project.all_manifest_paths);
        // The run of that environment reports the errors.
        if let Ok(declared) = LoadedManifests::load_paths(paths, all, bindings.load_context()) {
            hide_secrets(&declared, project, is_sandbox)?;
        }
    }
    Ok(())
}

/// Redacts the secrets that apply will send, before the first response can repeat one.
// Only a run that writes sends secrets, so other runs need not be able to read them.
fn hide_secrets(declared: &LoadedManifests, project: &ProjectContext, is_sandbox: bool) -> Result<()> {
    let bodies = declared.manifests.iter().map(|manifest| &*manifest.document.body);
    run_redaction().hide_secrets(bodies, &SecretResolver::for_project(project, is_sandbox)?);
    Ok(())
}

/// The services of the current manifests, and the ids of those that earlier manifests name.
//
// A service of an earlier commit may be gone, and its name may belong to another one now. So only the list of the
// organization confirms an id in history, except in the sandbox, where a name always has the same id.
async fn find_services(
    account: &Account,
    project: &ProjectContext,
    names: &BTreeSet<String>,
    [names_in_history, names_elsewhere]: [&BTreeSet<String>; 2],
) -> Result<(FoundServices, BTreeMap<String, String>)> {
    let all_declared = account.is_sandbox() || names_in_history.is_subset(names);
    // Other files may use another name for a service, which only the list shows.
    let needs_list =
        account.needs_live_names(&project.policy) || names_elsewhere.iter().any(|name| !account.knows_service(name));
    let listing = match all_declared {
        false => ServiceListing::Always,
        true if needs_list => ServiceListing::Preferred,
        true => ServiceListing::IfNeeded,
    };
    let mut found = account.find_services(&(names | names_in_history), listing).await?;
    found.unknown.retain(|service, _| names.contains(service.as_str()));
    let is_live = |id: &String| account.is_sandbox() || found.listed.iter().any(|service| service.id == *id);
    let in_history = found.ids.iter().filter(|(name, id)| names_in_history.contains(*name) && is_live(id));
    let ids_in_history = in_history.map(|(name, id)| (name.clone(), id.clone())).collect();
    found.ids.retain(|name, _| names.contains(name));
    Ok((found, ids_in_history))
}

/// The patterns of objects whose secrets are sent again. A name without an object must not look like "nothing to do".
fn resend_patterns(git: &GitOptions, session: &Session) -> Result<Vec<AddressPattern>> {
    let unmatched = git.resend_secrets.iter().find(|pattern| {
        let mut known = session.selected.iter().chain(&session.in_other_shards);
        !known.any(|at| pattern.matches(at))
    });
    match unmatched {
        Some(lost) => bail!("--resend-secrets={lost}: no declared object has that name"),
        None => Ok(git.resend_secrets.clone()),
    }
}
