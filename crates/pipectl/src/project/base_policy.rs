//! The policy of the base holds too: a change must not lift a limit and use that at once.

use model::diagnostic::SourceFile;
use model::project::{self, Environment, Policy, PolicyRule};
use rules::RuleSet;

use super::ProjectContext;
use crate::settings_diff::{ProjectChanges, changed_settings};

impl ProjectContext {
    /// The environment as another version of the project file writes it.
    pub(super) fn environment_in(&self, source: &SourceFile) -> Option<Environment> {
        let project = project::parse_project(source).0?;
        let chosen = self.origin.as_ref().and_then(|(_, name)| name.as_ref());
        let mut environments = project.environments;
        let chosen = chosen.or(project.defaults.environment.as_ref());
        let found = chosen.and_then(|name| environments.remove(name).or_else(|| self.find_renamed(environments)));
        let found = found.unwrap_or_default();
        Some(Environment { policy: found.policy.clone().with_fallback(project.policy), ..found })
    }

    /// The project with the stricter of both policies, and how the project file changed since the base. Without `hold`,
    /// the policy of this commit holds alone.
    pub(crate) fn with_base_policy(mut self, base: Option<&SourceFile>, hold: bool) -> (Self, ProjectChanges) {
        let mut changes = ProjectChanges::default();
        let Some(base) = base.and_then(|source| self.environment_in(source)) else { return (self, changes) };
        changes.settings = changed_settings(&base, &self.written);
        if hold {
            let stricter = self.policy.clone().stricter_with(&base.policy);
            let base_secrets = base.policy.secrets.unwrap_or_default();
            let lost = base_secrets.iter().any(|entry| self.policy.secrets.iter().flatten().all(|own| own != entry));
            changes.is_policy_held = lost || stricter != self.policy;
            // Where the base is as strict as both together, a change of this commit lifts nothing.
            let is_held = |both, base| Policy::limit_or_default(both) == Policy::limit_or_default(base);
            let keys = [
                ("maxDelete", is_held(stricter.max_delete, base.policy.max_delete)),
                ("maxReplace", is_held(stricter.max_replace, base.policy.max_replace)),
                ("wakeIdle", !base.policy.wake_idle.unwrap_or_default()),
            ];
            changes.held_keys = keys.into_iter().filter(|(_, is_held)| *is_held).map(|(key, _)| key).collect();
            let own_rules = self.policy.rules.take().unwrap_or_default();
            let place =
                |rule: &PolicyRule| self.rule_places.get(&rule.name).filter(|_| own_rules.contains(rule)).cloned();
            self.rules = RuleSet::compile(stricter.rules.as_deref().unwrap_or_default(), place);
            self.policy = stricter;
            self.secret_policy.add(&base_secrets);
        }
        (self, changes)
    }
}
