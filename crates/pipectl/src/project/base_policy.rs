//! The policy before a change applies too: a change must not lift a limit and use that at once.
//
// "Before the change" is the target branch before a merge, and not the base, the last commit that was applied. If an
// apply is blocked, the base stays, and with its limits nobody could ever lift the block:
//
//     1  applied: maxDelete 1                          base 1
//     2  removes two manifests: blocked by 1           base 1
//     3  only raises maxDelete to 2                    base 1, before the change 2: it lifts a limit and does not use
// it,
//                                                      so its own limit applies, and the deletes of 2 are done
//
// Several changes may be merged before one apply. Each is checked against the state before its own push:
//
//     2  removes two manifests and raises maxDelete    its plan and its apply: blocked by 1
//     3  anything else                                 checked against 2: its plan shows both deletes to its reviewer

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use model::diagnostic::SourceFile;
use model::path::FieldPath;
use model::project::{self, Environment, Policy, PolicyRule, Project};
use model::yaml::{PendingDiagnostics, read_documents};
use rules::RuleSet;
use serde_json::Value;

use super::{PROJECT_FILE, ProjectContext};
use crate::settings_diff::{ProjectChanges, SettingDiff, changed_settings};

impl ProjectContext {
    /// The environment as another version of the project file writes it.
    pub(super) fn environment_in(&self, source: &SourceFile) -> Option<Environment> {
        let project = project::parse_past_project(source).ok()?;
        let chosen = self.origin.as_ref().and_then(|(_, name)| name.as_ref());
        let mut environments = project.environments;
        let chosen = chosen.or(project.defaults.environment.as_ref());
        let found = chosen.and_then(|name| environments.remove(name).or_else(|| self.find_renamed(environments)));
        let found = found.unwrap_or_default();
        Some(Environment { policy: found.policy.clone().with_fallback(project.policy), ..found })
    }

    /// Whether `--env` names an environment that another version of the project file lacks, while the current one
    /// contains all of that version. With another default or a new name, the environment may be an old one: its base
    /// and its protection must apply.
    pub(crate) fn is_environment_new_since(&self, source: &SourceFile) -> bool {
        let Ok(project) = project::parse_past_project(source) else { return false };
        let mut were = project.environments.keys();
        self.is_environment_named && were.len() > 0 && were.all(|name| self.other_environments.contains_key(name))
    }

    /// The environments of the base, by name, whose policy applies to this run: the one of the same name, or removed
    /// ones, and without `--env` the former default.
    // Hazard: another word in `defaults.environment`, or another name of the environment, would lift its whole policy.
    fn environments_that_hold(&self, base: &Project) -> BTreeMap<String, Environment> {
        let chosen = self.environment_name();
        let has_same = base.environments.contains_key(chosen);
        let is_gone = |name: &str| !chosen.is_empty() && !has_same && !self.other_environments.contains_key(name);
        let was_default = base.defaults.environment.as_deref().filter(|_| !self.is_environment_named);
        let named = base
            .environments
            .iter()
            .filter(|(name, _)| *name == chosen || is_gone(name) || Some(name.as_str()) == was_default);
        let mut found: BTreeMap<_, _> =
            named.filter(|(_, was)| self.may_be_own(was)).map(|(name, was)| (name.clone(), was.clone())).collect();
        if found.is_empty() {
            found.insert(chosen.to_owned(), Environment::default());
        }
        for environment in found.values_mut() {
            environment.policy = std::mem::take(&mut environment.policy).with_fallback(base.policy.clone());
        }
        found
    }

    pub(crate) fn changes_since(&self, source: &SourceFile) -> ProjectChanges {
        let mut changes = ProjectChanges::default();
        let Ok(base) = project::parse_past_project(source) else { return changes };
        let same = self.environment_in(source).unwrap_or_default();
        changes.settings = changed_settings(&same, &self.written);
        changes.grave_paths = self.grave_paths(&same, &changes.settings);
        if base.defaults.environment != self.default_environment {
            let value = |name: &Option<String>| name.clone().map(Value::from);
            let (left, right) = (value(&base.defaults.environment), value(&self.default_environment));
            changes.settings.insert(0, SettingDiff { path: FieldPath::parse("defaults.environment"), left, right });
        }
        let chosen = self.environment_name();
        let is_gone = |name: &&String| *name != chosen && !self.other_environments.contains_key(*name);
        changes.gone_environments = base.environments.keys().filter(is_gone).cloned().collect();
        for (name, settings) in self.changed_credentials(&base) {
            // The keys of a new environment are used only when somebody runs it.
            if base.environments.contains_key(name) {
                changes.grave_paths.extend(settings.iter().map(|setting| setting.path.clone()));
            }
            changes.settings.extend(settings);
        }
        changes
    }

    /// The changed settings of this environment that allow more than before, or select other API keys.
    fn grave_paths(&self, base: &Environment, settings: &[SettingDiff]) -> BTreeSet<FieldPath> {
        let policy = self.written.policy.clone().stricter_with(&base.policy);
        let stricter = Environment { policy, ..self.written.clone() };
        let weaker: BTreeSet<FieldPath> =
            changed_settings(&self.written, &stricter).into_iter().map(|setting| setting.path).collect();
        let [secrets, replacements] = ["policy.secrets", "policy.allowReplace"].map(FieldPath::parse);
        let is_grave = |setting: &&SettingDiff| match setting.path.segments() {
            // All entries apply, so a new one allows nothing more.
            _ if setting.path.is_within(&secrets) => setting.left.is_some(),
            // The base does not restrict the names on this list: they are for the apply of the same change.
            _ if setting.path == replacements => has_new_entry(setting),
            [first, ..] => first == "credentials" || weaker.contains(&setting.path),
            [] => false,
        };
        settings.iter().filter(is_grave).map(|setting| setting.path.clone()).collect()
    }

    /// Takes the stricter of this policy and that of the project file before the change.
    pub(crate) fn hold_policy(&mut self, before: &Project, changes: &mut ProjectChanges) {
        self.hold_policies(self.environments_that_hold(before), changes);
    }

    /// Adds the rules of the project file before the change.
    pub(crate) fn hold_rules(&mut self, before: &Project, changes: &mut ProjectChanges) {
        let own = self.policy.clone();
        for (name, Environment { policy: base, .. }) in self.environments_that_hold(before) {
            let rules = Policy { rules: base.rules, ..Policy::default() };
            self.policy = std::mem::take(&mut self.policy).with_fallback(rules);
            self.earlier_environments.extend(Some(name).filter(|name| name != self.environment_name()));
        }
        changes.is_policy_held |= self.policy != own;
        self.compile_rules(&own);
    }

    /// Takes the stricter of this policy and of the defaults: before the change there was no project file.
    // Hazard: a pull request could add the file that allows its own changes.
    pub(crate) fn hold_defaults(&mut self, changes: &mut ProjectChanges) {
        if self.file.is_some() {
            let defaults = BTreeMap::from([(self.environment_name().to_owned(), Environment::default())]);
            self.hold_policies(defaults, changes);
        }
    }

    /// Whether the project file differs from another version only in limits and permissions.
    pub(crate) fn differs_in_limits_alone(&self, before: &SourceFile) -> bool {
        self.file.as_ref().is_some_and(|now| without_limits(now) == without_limits(before))
    }

    fn hold_policies(&mut self, environments: BTreeMap<String, Environment>, changes: &mut ProjectChanges) {
        let own = self.policy.clone();
        // If the base is as strict as both together, a change of this commit lifts nothing.
        let is_held = |both, base| Policy::limit_or_default(both) == Policy::limit_or_default(base);
        for (name, Environment { policy: base, .. }) in environments {
            let stricter = std::mem::take(&mut self.policy).stricter_with(&base);
            let keys = [
                ("maxDelete", is_held(stricter.max_delete, base.max_delete)),
                ("maxReplace", is_held(stricter.max_replace, base.max_replace)),
                ("wakeIdle", !base.wake_idle.unwrap_or_default()),
            ];
            changes.held_keys.extend(keys.into_iter().filter(|(_, is_held)| *is_held).map(|(key, _)| key));
            let base_secrets = base.secrets.unwrap_or_default();
            let lost = base_secrets.iter().any(|entry| own.secrets.iter().flatten().all(|own| own != entry));
            changes.is_policy_held |= lost || stricter != own;
            self.secret_policy.add(&base_secrets);
            self.policy = stricter;
            self.earlier_environments.extend(Some(name).filter(|name| name != self.environment_name()));
        }
        self.compile_rules(&own);
    }

    /// The rules that apply. Only rules that are also in the current project file have a place in it.
    fn compile_rules(&mut self, own: &Policy) {
        let is_own = |rule: &PolicyRule| own.rules.iter().flatten().any(|it| it == rule);
        let place = |rule: &PolicyRule| self.rule_places.get(&rule.name).filter(|_| is_own(rule)).cloned();
        self.rules = RuleSet::compile(self.policy.rules.as_deref().unwrap_or_default(), place);
    }

    /// The changes of the `credentials` of other environments since the base.
    fn changed_credentials<'p>(&'p self, base: &'p Project) -> Vec<(&'p String, Vec<SettingDiff>)> {
        let chosen = self.environment_name();
        let names: BTreeSet<&String> = base.environments.keys().chain(self.other_environments.keys()).collect();
        let credentials = |environments: &BTreeMap<String, Environment>, name: &String| Environment {
            credentials: environments.get(name).and_then(|environment| environment.credentials.clone()),
            ..Environment::default()
        };
        let changed = names.into_iter().filter(|name| *name != chosen).map(|name| {
            let sides = [&base.environments, &self.other_environments].map(|side| credentials(side, name));
            let of_name = FieldPath::root().child("environments").child(name);
            let settings = changed_settings(&sides[0], &sides[1]).into_iter();
            (name, settings.map(|setting| SettingDiff { path: of_name.join(&setting.path), ..setting }).collect())
        });
        changed.collect()
    }

    /// Also refuses the variables with an API key in an earlier version of the project file.
    ///
    /// # Errors
    /// Names the first one that this version shows.
    pub(crate) fn hold_keys(&mut self, before: &Project) -> Result<()> {
        self.env_access.add_keys_of(before);
        match self.shown_env_variables.iter().find(|name| self.env_access.is_key(name)) {
            Some(name) => bail!("{PROJECT_FILE}: `${{env:{name}}}` holds an API key at the base: it is not shown"),
            None => Ok(()),
        }
    }
}

/// The project file without keys that only allow or forbid.
// `prune` keys stay: to prune more uses the limits, and does not only lift them.
fn without_limits(source: &SourceFile) -> Vec<Value> {
    let strip = |owner: &mut Value| {
        let Some(policy) = owner.get_mut("policy").and_then(Value::as_object_mut) else { return };
        policy.retain(|key, _| key.starts_with("prune"));
        let is_empty = policy.is_empty();
        owner.as_object_mut().filter(|_| is_empty).map(|owner| owner.remove("policy"));
    };
    let mut documents: Vec<Value> = Vec::new();
    for document in read_documents(&source.text, &mut PendingDiagnostics::default()) {
        let mut project = document.root.to_json();
        strip(&mut project);
        let environments = project.get_mut("environments").and_then(Value::as_object_mut);
        environments.into_iter().flat_map(|all| all.values_mut()).for_each(strip);
        documents.push(project);
    }
    documents
}

fn has_new_entry(setting: &SettingDiff) -> bool {
    let entries = |side: &Option<Value>| side.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    let before = entries(&setting.left);
    entries(&setting.right).iter().any(|entry| !before.contains(entry))
}
