//! The base of a plan, and the commit before the change that is planned: the target branch before a merge.

use anyhow::{Error, Result, anyhow};
use clickpipes::redact_text::redact_messages;
use model::diagnostic::{Diagnostic, Severity, SourceFile};
use model::project::{self, Project};
use model::sanitize::sanitize_line;

use super::{Commit, Repository};
use crate::load_manifests::LoadedManifests;
use crate::project::{PROJECT_FILE, ProjectContext, refuse_secret_variables};
use crate::settings_diff::ProjectChanges;

pub(crate) struct CommitsBefore {
    repository: Repository,
    base: Commit,
    change: Commit,
}

impl CommitsBefore {
    /// The commits for these revisions. Without a revision for the change, or if the base is later, the change is the
    /// base.
    ///
    /// # Errors
    /// When git does not know a revision.
    pub(crate) fn find(project: &ProjectContext, base: &str, change: Option<&str>) -> Result<Self> {
        let repository = Repository::open_containing(&project.manifests)?;
        let base = repository.resolve_commit(base)?;
        let is_hash = |it: &str| it.len() >= 40 && it.bytes().all(|byte| byte.is_ascii_hexdigit());
        // The commit before a push is zeros for a new branch, and gone after a force push.
        let is_known = |it: &&str| !it.is_empty() && (!is_hash(it) || repository.resolve_commit(it).is_ok());
        let change =
            change.filter(is_known).map(|it| repository.resolve_commit(&format!("{}...", it.trim_end_matches("..."))));
        let change = match change.transpose()? {
            // If the base is the later commit, its policy is the newer one.
            Some(change) if !repository.is_ancestor(&change, &base)? => change,
            _ => base.clone(),
        };
        Ok(Self { repository, base, change })
    }

    /// Refuses the variables that held an API key or a secret at these commits.
    ///
    /// # Errors
    /// When git fails, the project file before the change cannot be read, or the current one shows such a variable.
    pub(crate) fn hold_keys(&self, project: &mut ProjectContext) -> Result<()> {
        let change = self.project_at(&self.change)?;
        // If the base is older, the file before the change was reviewed after it.
        let base = self.project_at(&self.base).unwrap_or_default();
        base.iter().chain(&change).try_for_each(|before| project.hold_keys(before))?;
        let shown = &project.shown_env_variables;
        for commit in [&self.base, &self.change].into_iter().filter(|_| !shown.is_empty()) {
            refuse_secret_variables(shown, &self.repository.likely_manifests(commit, |_| true)?)?;
        }
        Ok(())
    }

    /// Applies the policy before the change, unless the change only lifts limits. Its rules apply even then. Returns
    /// the changes of the project file since the base.
    ///
    /// # Errors
    /// When git fails, or the project file before the change cannot be read.
    pub(crate) fn hold_policy(
        &self,
        project: &mut ProjectContext,
        declared: &LoadedManifests,
        is_trusted: bool,
    ) -> Result<ProjectChanges> {
        let file_at = |commit| self.repository.nearest_file_at_commit(commit, PROJECT_FILE);
        // The change is only shown, so an unreadable base does not matter.
        let base = file_at(&self.base).unwrap_or_default();
        let mut changes = base.map(|file| project.changes_since(&file)).unwrap_or_default();
        if is_trusted {
            return Ok(changes);
        }
        match file_at(&self.change)? {
            Some(file) if project.differs_in_limits_alone(&file) && self.has_same_manifests(project, declared)? => {
                project.hold_rules(&parse_policy(&file)?, &mut changes);
            }
            Some(file) => project.hold_policy(&parse_policy(&file)?, &mut changes),
            None => {
                project.hold_defaults(&mut changes);
                // A file that moved here lifts no limit either.
                let gone = self.repository.files_gone_since(&self.change, PROJECT_FILE);
                for file in gone.map_err(|error| unreadable_policy(&error))? {
                    project.hold_policy(&parse_policy(&file)?, &mut changes);
                }
            }
        }
        Ok(changes)
    }

    /// The project file at a commit.
    fn project_at(&self, commit: &Commit) -> Result<Option<Project>> {
        let file = self.repository.nearest_file_at_commit(commit, PROJECT_FILE);
        file.map_err(|error| unreadable_policy(&error))?.map(|file| parse_policy(&file)).transpose()
    }

    /// Whether the change edits no manifest and no template.
    fn has_same_manifests(&self, project: &ProjectContext, declared: &LoadedManifests) -> Result<bool> {
        let mut before = self.repository.manifest_files_at(&self.change)?;
        before.extend(self.repository.templates_elsewhere(&before, &self.change, project)?);
        let is_project = |text: &str| project.file.as_ref().is_some_and(|file| *file.text == *text);
        let mut before: Vec<&str> = before.iter().map(|file| &*file.text).collect();
        let mut now: Vec<&str> = declared.files.iter().map(|file| &*file.text).filter(|it| !is_project(it)).collect();
        // Sorted, because a file that only moves changes no manifest.
        before.sort_unstable();
        now.sort_unstable();
        Ok(before == now)
    }

    /// The commit before the change, if the base is another one.
    pub(crate) fn unapplied(self) -> Option<String> {
        (self.change.hash != self.base.hash).then_some(self.change.hash)
    }
}

/// The policy that a file had before the change.
// Hazard: one wrong word in it, or in a rule, would lift every limit for the change that corrects the word.
fn parse_policy(file: &SourceFile) -> Result<Project> {
    let unreadable = |mistake: &Diagnostic| {
        let mut mistake = [mistake.clone()];
        redact_messages(&mut mistake, std::slice::from_ref(file));
        unreadable_policy(&anyhow!("{}: {}", mistake[0].place, mistake[0].message))
    };
    let project = project::parse_past_project(file).map_err(|mistake| unreadable(&mistake))?;
    match rules::find_rule_problems(file).iter().find(|problem| problem.severity == Severity::Error) {
        Some(mistake) => Err(unreadable(mistake)),
        None => Ok(project),
    }
}

fn unreadable_policy(mistake: &Error) -> Error {
    let message = format!(
        "{mistake:#}: the policy before this change is not known, so nothing is planned. Correct the file in a change of its own, \
         and pass that commit or a later one as `--policy-base`; `--trust-policy` takes the policy of this commit alone"
    );
    anyhow!("{}", sanitize_line(&message))
}
