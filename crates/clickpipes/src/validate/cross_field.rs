//! The kinds of rules between fields.

use serde_json::Value;

use super::{Breach, Problem, RuleContext, RuleFinding};
use model::diagnostic::{Evidence, Severity};
use model::path::{FieldPath, VisitedPath, split_first_segment, value_at};
use model::schema_validator::FieldNode;

mod condition;
mod messages;

pub(crate) use condition::{RuleCondition, flag_is, holds, value_is, value_is_not};

/// Rules for the objects at these paths of a document. `*` matches every entry of a list.
pub(crate) struct RuleSet {
    pub(crate) object_paths: &'static [&'static str],
    pub(crate) rules: &'static [CrossFieldRule],
}

/// A rule. Its paths are relative to the object.
pub(crate) struct CrossFieldRule {
    pub(crate) code: &'static str,
    pub(crate) evidence: Evidence,
    is_harmless: bool,
    /// The field whose known words require these of the fields.
    required_by_word: (&'static str, &'static [&'static str]),
    requirement: Requirement,
    reason: &'static str,
    help: &'static str,
}

type CustomRuleFn = fn(&RuleContext<'_>) -> Vec<RuleFinding>;

enum Requirement {
    Required(&'static [&'static str], RuleCondition),
    Forbidden(&'static [&'static str], RuleCondition),
    OnlyFor(&'static [&'static str], RuleCondition),
    RequiredIff(&'static [&'static str], RuleCondition),
    AllowedValues { field: &'static str, by: &'static str, table: AllowedValueTable },
    ExactlyOne(&'static [&'static str]),
    UniqueEntries { list: &'static str, by: &'static str },
    Custom { read_paths: &'static [&'static str], run: CustomRuleFn },
}

/// For each value of one field, the allowed values of another.
pub(crate) type AllowedValueTable = &'static [(&'static str, &'static [&'static str])];

/// Rules about fields that depend on a condition.
macro_rules! conditional_rules {
    ($($(#[$doc:meta])* $name:ident => $requirement:ident;)*) => {
        $(
            $(#[$doc])*
            pub(crate) const fn $name(
                code: &'static str,
                evidence: Evidence,
                fields: &'static [&'static str],
                when: RuleCondition,
            ) -> CrossFieldRule {
                CrossFieldRule::new(code, evidence, Requirement::$requirement(fields, when))
            }
        )*
    };
}

conditional_rules! {
    /// The fields are required while the condition holds.
    required_fields => Required;
    /// The fields are forbidden while the condition holds.
    forbidden_fields => Forbidden;
    /// The fields are forbidden unless the condition holds.
    fields_only_for => OnlyFor;
    /// The fields are required while the condition holds, and forbidden otherwise.
    required_fields_iff => RequiredIff;
}

/// The value of `by` decides which values `field` may have.
pub(crate) const fn allowed_values(
    code: &'static str,
    evidence: Evidence,
    field: &'static str,
    by: &'static str,
    table: AllowedValueTable,
) -> CrossFieldRule {
    CrossFieldRule::new(code, evidence, Requirement::AllowedValues { field, by, table })
}

/// Exactly one of the fields is present.
pub(crate) const fn exactly_one_of(
    code: &'static str,
    evidence: Evidence,
    fields: &'static [&'static str],
) -> CrossFieldRule {
    CrossFieldRule::new(code, evidence, Requirement::ExactlyOne(fields))
}

/// No two entries of `list` have the same text at `by`.
pub(crate) const fn unique_entries(
    code: &'static str,
    evidence: Evidence,
    list: &'static str,
    by: &'static str,
) -> CrossFieldRule {
    CrossFieldRule::new(code, evidence, Requirement::UniqueEntries { list, by })
}

/// A rule with its own code. It runs only if one of the paths that it reads is present, and none of them has a word
/// that pipectl does not know.
pub(crate) const fn custom_rule(
    code: &'static str,
    evidence: Evidence,
    reads: &'static [&'static str],
    run: CustomRuleFn,
) -> CrossFieldRule {
    CrossFieldRule::new(code, evidence, Requirement::Custom { read_paths: reads, run })
}

impl CrossFieldRule {
    const fn new(code: &'static str, evidence: Evidence, requirement: Requirement) -> Self {
        Self { code, evidence, is_harmless: false, required_by_word: ("", &[]), requirement, reason: "", help: "" }
    }

    /// The reason for the rule, appended to its message.
    pub(crate) const fn with_reason(mut self, because: &'static str) -> Self {
        self.reason = because;
        self
    }

    /// The fix, instead of the usual one of this kind of rule.
    pub(crate) const fn with_help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    /// The words of `by` that pipectl knows require these of the fields. A newer one may not.
    pub(crate) const fn required_by_word(mut self, by: &'static str, fields: &'static [&'static str]) -> Self {
        self.required_by_word = (by, fields);
        self
    }

    /// A rule about manifests alone is a warning if a violation does no harm.
    pub(crate) const fn into_warning(mut self) -> Self {
        // The evidence grades every rule about the API, here and in the sandbox.
        assert!(matches!(self.evidence, Evidence::Manifest));
        self.is_harmless = true;
        self
    }

    // Refusing what the API accepts is worse than letting the API refuse: a rule that only we know is never an error.
    pub(crate) const fn severity(&self) -> Severity {
        match self.evidence {
            Evidence::Ours => Severity::Warning,
            Evidence::Manifest if self.is_harmless => Severity::Warning,
            Evidence::Schema | Evidence::Live | Evidence::Provider | Evidence::Manifest => Severity::Error,
        }
    }

    fn check_required(&self, scope: &RuleContext<'_>, fields: &[&str], when: &RuleCondition) -> Vec<RuleFinding> {
        let (by, decided) = self.required_by_word;
        let is_decided = |field: &str| decided.contains(&field) && scope.is_under_additional(by);
        let missing = fields.iter().filter(|field| scope.is_missing(field) && !is_decided(field));
        let found: Vec<_> = missing.collect();
        // Checked after the fields, because the condition costs more.
        if found.is_empty() || when.evaluate_on(scope) != Some(true) {
            return Vec::new();
        }
        found.into_iter().map(|field| messages::field_required(field, when)).collect()
    }

    fn collect_findings(&self, scope: &RuleContext<'_>) -> Vec<RuleFinding> {
        match &self.requirement {
            Requirement::Required(fields, when) => self.check_required(scope, fields, when),
            Requirement::Forbidden(fields, when) => {
                check_forbidden(scope, fields, when, Some(true), messages::field_forbidden)
            }
            Requirement::OnlyFor(fields, when) => {
                check_forbidden(scope, fields, when, Some(false), messages::field_only_allowed_for)
            }
            Requirement::RequiredIff(fields, when) => {
                let mut found = self.check_required(scope, fields, when);
                found.extend(check_forbidden(scope, fields, when, Some(false), messages::field_only_allowed_for));
                found
            }
            Requirement::AllowedValues { field, by, table } => check_allowed_values(scope, field, by, table),
            Requirement::ExactlyOne(fields) => check_exactly_one(scope, fields),
            Requirement::UniqueEntries { list, by } => check_unique(scope, list, by),
            Requirement::Custom { read_paths: reads, run } => {
                let found = if reads.iter().any(|path| scope.has_field(path)) { run(scope) } else { Vec::new() };
                // Few rules are violated, and this check costs more than most rules.
                let is_unclear = !found.is_empty() && reads.iter().any(|path| scope.is_under_additional(path));
                if is_unclear { Vec::new() } else { found }
            }
        }
    }
}

fn check_forbidden(
    scope: &RuleContext<'_>,
    fields: &[&str],
    when: &RuleCondition,
    then: Option<bool>,
    say: fn(&str, &RuleCondition) -> RuleFinding,
) -> Vec<RuleFinding> {
    // Few of these fields are ever given, and the condition costs more than to see that none is.
    let given: Vec<_> = fields.iter().filter(|field| scope.has_nonempty(field)).collect();
    if given.is_empty() || when.evaluate_on(scope) != then {
        return Vec::new();
    }
    given.into_iter().map(|field| say(field, when)).collect()
}

fn check_allowed_values(scope: &RuleContext<'_>, field: &str, by: &str, table: AllowedValueTable) -> Vec<RuleFinding> {
    let value = |path| scope.effective_value(path).ok().flatten().and_then(Value::as_str);
    let (Some(chosen), Some(decider)) = (value(field), value(by)) else { return Vec::new() };
    let row = table.iter().find(|(value, _)| *value == decider);
    match row {
        Some((_, values)) if !values.contains(&chosen) => {
            vec![messages::value_not_allowed((field, chosen), (by, decider), values)]
        }
        _ => Vec::new(),
    }
}

fn check_exactly_one(scope: &RuleContext<'_>, fields: &[&str]) -> Vec<RuleFinding> {
    let mut present = fields.iter().filter(|field| scope.has_field(field));
    // A field that this version does not know may be the one.
    if present.clone().next().is_none() && scope.has_additional_fields() {
        return Vec::new();
    }
    let Some(first) = present.next() else { return vec![messages::no_field_present(fields)] };
    present.map(|second| messages::second_field_present(first, second)).collect()
}

fn check_unique(scope: &RuleContext<'_>, list: &str, by: &str) -> Vec<RuleFinding> {
    let by = FieldPath::parse(by);
    let texts: Vec<Option<&str>> = scope.list_at(list).iter().map(|entry| by.value_in(entry)?.as_str()).collect();
    let mut seen = std::collections::BTreeSet::new();
    let entries = texts.into_iter().enumerate();
    let twice = entries.filter_map(|(at, text)| Some((at, text?))).filter(|(_, t)| !seen.insert(*t));
    twice.map(|(at, text)| messages::duplicate_entry(list, at, &by, text)).collect()
}

impl RuleSet {
    pub(super) fn find_problems(&self, fields: &'static FieldNode, document: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        for at in self.object_paths {
            let mut check = |path: &VisitedPath<'_>, object| {
                if let Some(node) = fields.descendant(at) {
                    self.check_object(path, &RuleContext::new(object, node), &mut problems);
                }
            };
            visit_objects(document, Some(*at).filter(|at| !at.is_empty()), &VisitedPath::root(), &mut check);
        }
        problems
    }

    fn check_object(&self, at: &VisitedPath<'_>, scope: &RuleContext<'_>, problems: &mut Vec<Problem>) {
        for rule in self.rules {
            problems.extend(rule.collect_findings(scope).into_iter().map(|finding| rule.to_problem(at, finding)));
        }
    }
}

impl CrossFieldRule {
    fn to_problem(&self, at: &VisitedPath<'_>, finding: RuleFinding) -> Problem {
        let RuleFinding { path, mut message, help } = finding;
        if !self.reason.is_empty() {
            message = format!("{message}: {}", self.reason);
        }
        let own = (!self.help.is_empty()).then(|| self.help.to_owned());
        Problem {
            code: self.code,
            severity: self.severity(),
            evidence: Some(self.evidence),
            path: at.to_field_path().join(&path),
            message,
            help: own.or(help),
            is_idle: matches!(self.requirement, Requirement::OnlyFor(..) | Requirement::Forbidden(..)),
        }
    }
}

/// Visits the objects at `rest`, a path in the dotted form relative to `value`.
fn visit_objects<'d>(
    value: &'d Value,
    rest: Option<&str>,
    at: &VisitedPath<'_>,
    visit: &mut impl FnMut(&VisitedPath<'_>, &'d Value),
) {
    let Some(rest) = rest else {
        if value.is_object() {
            visit(at, value);
        }
        return;
    };
    let (segment, below) = split_first_segment(rest);
    if segment == "*" {
        for (index, entry) in value.as_array().into_iter().flatten().enumerate() {
            visit_objects(entry, below, &at.index(index), visit);
        }
    } else if let Some(field) = value_at(value, segment) {
        visit_objects(field, below, &at.key(segment), visit);
    }
}

impl CrossFieldRule {
    pub(crate) const fn breaches(&self) -> &'static [Breach] {
        match &self.requirement {
            Requirement::Required(..) => &[Breach::FieldMissing],
            Requirement::Forbidden(..) | Requirement::OnlyFor(..) => &[Breach::FieldGiven],
            Requirement::RequiredIff(..) => &[Breach::FieldMissing, Breach::FieldGiven],
            Requirement::AllowedValues { .. }
            | Requirement::ExactlyOne(_)
            | Requirement::UniqueEntries { .. }
            | Requirement::Custom { .. } => &[Breach::Other],
        }
    }

    /// Every path that the rule reads.
    pub(crate) fn field_paths(&self) -> Vec<String> {
        let own: Vec<&str> = match &self.requirement {
            Requirement::Required(fields, when)
            | Requirement::Forbidden(fields, when)
            | Requirement::OnlyFor(fields, when)
            | Requirement::RequiredIff(fields, when) => fields.iter().chain(when.field_paths()).copied().collect(),
            Requirement::AllowedValues { field, by, .. } => vec![field, by],
            Requirement::ExactlyOne(fields) => fields.to_vec(),
            Requirement::UniqueEntries { list, by } => return vec![format!("{list}.*.{by}")],
            Requirement::Custom { read_paths: reads, .. } => reads.to_vec(),
        };
        own.into_iter().map(str::to_owned).collect()
    }
}
