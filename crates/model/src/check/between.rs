//! The forms that rules between fields take.

use serde_json::Value;

use super::{Finding, Problem, Scope};
use crate::address::Kind;
use crate::diagnostic::Severity;
use crate::path::Path;
use crate::reference::Node;

mod say;
mod when;

pub(crate) use when::{When, flag, has, is, is_not};

/// Rules about the objects at some places of a document. `*` is every entry of a list.
pub(crate) struct RuleSet {
    pub(crate) at: &'static [&'static str],
    pub(crate) rules: &'static [Rule],
}

/// One rule. Its paths are from the object that it is about.
pub(crate) struct Rule {
    pub(crate) code: &'static str,
    severity: Severity,
    check: Check,
    because: &'static str,
    help: &'static str,
}

type Run = fn(&Scope<'_>) -> Vec<Finding>;

enum Check {
    Needed(&'static [&'static str], When),
    Refused(&'static [&'static str], When),
    NeededIff(&'static [&'static str], When),
    Allowed { field: &'static str, by: &'static str, table: Table },
    ExactlyOne(&'static [&'static str]),
    Unique { list: &'static str, by: &'static str },
    Custom { reads: &'static [&'static str], run: Run },
}

/// Which values of one field go with each value of another.
pub(crate) type Table = &'static [(&'static str, &'static [&'static str])];

/// A rule of a shape of its own, which reads these paths.
pub(crate) const fn custom(code: &'static str, reads: &'static [&'static str], run: Run) -> Rule {
    Rule::new(code, Check::Custom { reads, run })
}

impl Rule {
    const fn new(code: &'static str, check: Check) -> Self {
        Self { code, severity: Severity::Error, check, because: "", help: "" }
    }

    /// The fields must be there then.
    pub(crate) const fn needed(
        code: &'static str,
        fields: &'static [&'static str],
        when: When,
    ) -> Self {
        Self::new(code, Check::Needed(fields, when))
    }

    /// The fields must not be there then.
    pub(crate) const fn refused(
        code: &'static str,
        fields: &'static [&'static str],
        when: When,
    ) -> Self {
        Self::new(code, Check::Refused(fields, when))
    }

    /// The fields must be there then, and only then.
    pub(crate) const fn needed_iff(
        code: &'static str,
        fields: &'static [&'static str],
        when: When,
    ) -> Self {
        Self::new(code, Check::NeededIff(fields, when))
    }

    /// The value of `by` decides which values `field` may have.
    pub(crate) const fn allowed(
        code: &'static str,
        field: &'static str,
        by: &'static str,
        table: Table,
    ) -> Self {
        Self::new(code, Check::Allowed { field, by, table })
    }

    /// One of the fields must be there, and no second.
    pub(crate) const fn exactly_one(code: &'static str, fields: &'static [&'static str]) -> Self {
        Self::new(code, Check::ExactlyOne(fields))
    }

    /// No two entries of `list` have the same text at `by`.
    pub(crate) const fn unique(code: &'static str, list: &'static str, by: &'static str) -> Self {
        Self::new(code, Check::Unique { list, by })
    }

    /// Why the rule is there, for the end of its message.
    pub(crate) const fn because(mut self, because: &'static str) -> Self {
        self.because = because;
        self
    }

    /// What to do about it, where the rule knows better than its form.
    pub(crate) const fn help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    /// Doubtful rather than wrong.
    pub(crate) const fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    fn findings(&self, scope: &Scope<'_>) -> Vec<Finding> {
        match &self.check {
            Check::Needed(fields, when) => needed(scope, fields, when, Some(true)),
            Check::Refused(fields, when) => present(scope, fields, when, Some(true), say::refused),
            Check::NeededIff(fields, when) => {
                let mut found = needed(scope, fields, when, Some(true));
                found.extend(present(scope, fields, when, Some(false), say::only_for));
                found
            }
            Check::Allowed { field, by, table } => allowed(scope, field, by, table),
            Check::ExactlyOne(fields) => exactly_one(scope, fields),
            Check::Unique { list, by } => unique(scope, list, by),
            Check::Custom { reads, run } => {
                if reads.iter().any(|path| scope.has(path)) {
                    run(scope)
                } else {
                    Vec::new()
                }
            }
        }
    }
}

fn needed(scope: &Scope<'_>, fields: &[&str], when: &When, then: Option<bool>) -> Vec<Finding> {
    if when.holds(scope) != then {
        return Vec::new();
    }
    let missing = fields.iter().filter(|field| scope.lacks(field));
    missing.map(|field| say::needed(field, when)).collect()
}

fn present(
    scope: &Scope<'_>,
    fields: &[&str],
    when: &When,
    then: Option<bool>,
    say: fn(&str, &When) -> Finding,
) -> Vec<Finding> {
    if when.holds(scope) != then {
        return Vec::new();
    }
    fields.iter().filter(|field| scope.says(field)).map(|field| say(field, when)).collect()
}

fn allowed(scope: &Scope<'_>, field: &str, by: &str, table: Table) -> Vec<Finding> {
    let value = |path| scope.setting(path).ok().flatten().and_then(Value::as_str);
    let (Some(chosen), Some(decider)) = (value(field), value(by)) else { return Vec::new() };
    let row = table.iter().find(|(value, _)| *value == decider);
    match row {
        Some((_, values)) if !values.contains(&chosen) => {
            vec![say::not_allowed((field, chosen), (by, decider), values)]
        }
        _ => Vec::new(),
    }
}

fn exactly_one(scope: &Scope<'_>, fields: &[&str]) -> Vec<Finding> {
    let mut present = fields.iter().filter(|field| scope.has(field));
    let Some(first) = present.next() else { return vec![say::none_of(fields)] };
    present.map(|second| say::second_of(first, second)).collect()
}

fn unique(scope: &Scope<'_>, list: &str, by: &str) -> Vec<Finding> {
    let by = Path::parse(by);
    let texts: Vec<Option<&str>> =
        scope.list(list).iter().map(|entry| by.get(entry)?.as_str()).collect();
    let mut seen = std::collections::BTreeSet::new();
    let entries = texts.into_iter().enumerate();
    let twice =
        entries.filter_map(|(at, text)| Some((at, text?))).filter(|(_, t)| !seen.insert(*t));
    twice.map(|(at, text)| say::twice(list, at, &by, text)).collect()
}

impl RuleSet {
    pub(super) fn problems(&self, kind: Kind, document: &Value) -> Vec<Problem> {
        let places = self.at.iter().flat_map(|at| places(kind, document, at));
        places.flat_map(|(at, scope)| self.judge(&at, &scope)).collect()
    }

    fn judge(&self, at: &Path, scope: &Scope<'_>) -> Vec<Problem> {
        let found = self.rules.iter().map(|rule| (rule, rule.findings(scope)));
        found
            .flat_map(|(rule, found)| found.into_iter().map(|finding| rule.problem(at, finding)))
            .collect()
    }
}

impl Rule {
    fn problem(&self, at: &Path, finding: Finding) -> Problem {
        let Finding { path, mut message, help } = finding;
        if !self.because.is_empty() {
            message = format!("{message}: {}", self.because);
        }
        let own = (!self.help.is_empty()).then(|| self.help.to_owned());
        Problem {
            code: self.code,
            severity: self.severity,
            path: at.join(&path),
            message,
            help: own.or(help),
        }
    }
}

/// The objects at a place, each with its path.
fn places<'d>(kind: Kind, document: &'d Value, at: &str) -> Vec<(Path, Scope<'d>)> {
    let Some(node) = Node::document(kind).at(at) else { return Vec::new() };
    let mut found = vec![(Path::root(), document)];
    for segment in Path::parse(at).segments() {
        found = found.into_iter().flat_map(|(path, value)| step(&path, value, segment)).collect();
    }
    let objects = found.into_iter().filter(|(_, value)| value.is_object());
    objects.map(|(path, value)| (path, Scope::new(value, node.clone()))).collect()
}

fn step<'d>(path: &Path, value: &'d Value, segment: &str) -> Vec<(Path, &'d Value)> {
    if segment == "*" {
        let entries = value.as_array().into_iter().flatten().enumerate();
        return entries.map(|(at, entry)| (path.child(at), entry)).collect();
    }
    value.get(segment).map(|value| (path.child(segment), value)).into_iter().collect()
}

#[cfg(test)]
impl Rule {
    /// Every path that the rule reads.
    pub(crate) fn paths(&self) -> Vec<String> {
        let own: Vec<&str> = match &self.check {
            Check::Needed(fields, when)
            | Check::Refused(fields, when)
            | Check::NeededIff(fields, when) => {
                fields.iter().chain(when.paths()).copied().collect()
            }
            Check::Allowed { field, by, .. } => vec![field, by],
            Check::ExactlyOne(fields) => fields.to_vec(),
            Check::Unique { list, by } => return vec![format!("{list}.*.{by}")],
            Check::Custom { reads, .. } => reads.to_vec(),
        };
        own.into_iter().map(str::to_owned).collect()
    }
}
