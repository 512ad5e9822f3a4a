//! The rules of the project, evaluated for a plan.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use clickpipes::secrets::host::SecretHost;
use model::action::Action;
use model::address::Address;
use model::desired::{Desired, Document, Presence};
use model::diagnostic::{Diagnostic, SourceFile};
use model::path::FieldPath;
use model::rule_finding::{EXCEPT_ANNOTATION, RuleFinding};
use model::secret::SecretSource;
use planner::{Change, Plan, SentSecret, Verdict};
use rules::{RuleInput, RuleScope, RuleSet, RuleTime, excepted_rules};
use serde_json::{Value, json};

use super::Session;
use crate::line_index::LineIndex;
use crate::load_manifests::LoadedManifests;
use crate::output::Output;
use crate::plan_view::{self, RuleException};
use crate::project::ProjectContext;
use crate::rule_checks;

/// The rules, and their context besides objects.
#[derive(Debug)]
pub(super) struct PlanRules {
    rules: RuleSet,
    /// The name of the environment, and its names in the base.
    environments: Vec<String>,
    now: RuleTime,
    /// Findings about objects that the plan does not change.
    unchanged: OnceCell<Vec<Diagnostic>>,
}

impl Session {
    /// The plan in which the rules block forbidden changes.
    pub(super) fn judge_plan(&self, plan: Plan) -> Plan {
        let Some(rules) = &self.rules else { return plan };
        let (plan, unchanged) = rules.judge_plan(plan, (&self.desired, &self.selected), &self.files);
        rules.unchanged.get_or_init(|| unchanged);
        plan
    }

    fn rule_warnings(&self) -> &[Diagnostic] {
        self.rules.as_ref().and_then(|rules| rules.unchanged.get()).map_or(&[], Vec::as_slice)
    }

    pub(super) fn new_exceptions(&self) -> Vec<RuleException> {
        let (Some(rules), Some(base)) = (&self.rules, &self.base) else { return Vec::new() };
        rules.new_exceptions(base, (&self.desired, &self.selected))
    }

    /// Prints the findings about unchanged objects, and notes about objects that are not pruned.
    pub(crate) fn print_warnings(&self, plan: &Plan, output: Output) {
        output.print_diagnostics(self.rule_warnings(), &self.files);
        self.warn_not_pruned(plan, output);
    }

    /// Warnings about the files.
    pub(crate) fn manifest_warnings(&self) -> Vec<Diagnostic> {
        [&self.warnings, self.rule_warnings()].concat()
    }
}

impl PlanRules {
    /// Takes the rules of the project, and warns of exceptions from rules that do not exist.
    pub(super) fn take(project: &mut ProjectContext, declared: &mut LoadedManifests, now: RuleTime) -> Self {
        rule_checks::check_exceptions(declared, &project.rules);
        let mut environments = vec![project.environment_name().to_owned()];
        environments.extend(project.earlier_environments.iter().cloned());
        Self { rules: std::mem::take(&mut project.rules), environments, now, unchanged: OnceCell::new() }
    }

    /// The plan with blocked changes, and the findings about selected objects that do not change.
    fn judge_plan(
        &self,
        plan: Plan,
        (desired, selected): (&Desired, &BTreeSet<Address>),
        files: &[SourceFile],
    ) -> (Plan, Vec<Diagnostic>) {
        if self.rules.is_empty() {
            return (plan, Vec::new());
        }
        let mut actions: BTreeMap<&Address, Vec<&Action>> = BTreeMap::new();
        for action in &plan.actions {
            actions.entry(action.address()).or_default().push(action);
        }
        let mut findings = BTreeMap::new();
        for change in &plan.changes {
            let at = &change.address;
            let found = self.evaluate(at, desired.get(at), Some((change, actions.remove(at).unwrap_or_default())));
            findings.insert(at.clone(), found);
        }
        let (mut unchanged, lines) = (Vec::new(), LineIndex::new(files));
        for (at, document) in desired.iter().filter(|(at, _)| selected.contains(at) && !findings.contains_key(at)) {
            let found = self.evaluate(at, Some(document), None);
            unchanged.extend(found.iter().map(|it| rule_checks::unchanged_diagnostic(it, (at, document), &lines)));
        }
        (plan.with_rule_findings(findings), unchanged)
    }

    fn evaluate(
        &self,
        at: &Address,
        document: Option<&Document>,
        change: Option<(&Change, Vec<&Action>)>,
    ) -> Vec<RuleFinding> {
        // A blocked object is not changed, so rules about changes do not apply.
        let change = change.filter(|(change, _)| !matches!(change.verdict, Verdict::Blocked(_)));
        let is_present = document.is_some_and(|document| document.intent.presence != Presence::Absent);
        let scope = match (is_present, &change) {
            (true, Some(_)) => RuleScope::Change,
            (true, None) => RuleScope::Manifest,
            (false, Some(_)) => RuleScope::Deletion,
            (false, None) => return Vec::new(),
        };
        let change = change.map(|(change, actions)| change_values(change, &actions));
        let input = RuleInput {
            kind: at.kind,
            name: at.name.as_str(),
            service: (!at.service.is_organization()).then_some(at.service.as_str()),
            document,
            change: change.as_ref(),
            environments: &self.environments,
            now: self.now,
        };
        let mut findings = self.rules.evaluate(&input, scope);
        for finding in &mut findings {
            finding.place = document.map(|document| rule_checks::field_place(at.kind, document, &finding.path));
        }
        findings
    }

    /// The exceptions of selected objects that the base does not have. No rule judges them, so a person must.
    fn new_exceptions(
        &self,
        base: &Desired,
        (desired, selected): (&Desired, &BTreeSet<Address>),
    ) -> Vec<RuleException> {
        let declared = desired.iter().filter(|(at, _)| selected.contains(at));
        let exceptions = declared.filter_map(|(at, document)| {
            let before = base.get(at).map(excepted_rules).unwrap_or_default();
            let is_new = |name: &&str| !before.contains(name) && self.rules.names().any(|known| known == *name);
            let new: Vec<String> = excepted_rules(document).into_iter().filter(is_new).map(str::to_owned).collect();
            let path = FieldPath::parse("metadata.annotations").child(EXCEPT_ANNOTATION);
            let place = rule_checks::field_place(at.kind, document, &path);
            (!new.is_empty()).then(|| RuleException { address: at.clone(), rules: new, place })
        });
        exceptions.collect()
    }
}

/// `change`, as rules see it.
fn change_values(change: &Change, actions: &[&Action]) -> Value {
    let fields: BTreeSet<String> = change.fields.iter().map(|field| field.path.to_string()).collect();
    // The action is one word, and another change hides a stop from it.
    let state = change.fields.iter().find(|field| Some(&field.path) == change.address.kind.state_path().as_ref());
    let state = state.and_then(|field| field.after.as_ref()?.as_str());
    json!({
        "action": plan_view::action_word(change, actions),
        "fields": fields,
        "replaces": change.verdict == Verdict::Replace,
        "renames": change.renamed_from.is_some(),
        "deletes": change.verdict == Verdict::Delete,
        "starts": state == Some("running"),
        "stops": state == Some("stopped"),
        "secrets": change.secrets.iter().map(secret_values).collect::<Vec<_>>(),
    })
}

/// A secret by the name that `policy.secrets` has for it.
fn secret_values(sent: &SentSecret) -> Value {
    let name = SecretSource::from_reference(&sent.from).map(|source| source.policy_name());
    let hosts: Vec<String> = sent.to.iter().map(SecretHost::compared_text).collect();
    json!({"name": name, "hosts": hosts, "new": sent.new})
}
