//! Evaluates the rules of the project for manifests.

use std::collections::{BTreeMap, HashSet};

use clickpipes::api_body::to_body_path;
use clickpipes::manifest::Manifest;
use model::address::{Address, Kind};
use model::desired::{Document, Place, Presence};
use model::diagnostic::{Diagnostic, RelatedPlace, Severity};
use model::path::FieldPath;
use model::project::code;
use model::rule_finding::{EXCEPT_ANNOTATION, RuleFinding};
use model::sanitize::sanitize_line;
use model::suggest::suggest_similar;
use rules::{RuleInput, RuleScope, RuleSet, RuleTime};

use crate::diagnostics::pluralize;
use crate::line_index::LineIndex;
use crate::load_manifests::LoadedManifests;
use crate::project::ProjectContext;

/// Adds the findings of the rules about the manifests, without a plan.
pub(crate) fn check_manifests(declared: &mut LoadedManifests, project: &ProjectContext, now: RuleTime) {
    // A rule that cannot be evaluated is reported where it is written.
    declared.add_project_file(project.file.as_ref().filter(|_| !project.rules.is_empty()));
    let lines = LineIndex::new(&declared.files);
    let environments = [project.environment_name().to_owned()];
    let (mut found, mut failures) = (Vec::new(), FailedRules::default());
    for (manifest, (at, document)) in declared.manifests.iter().zip(declared.objects()) {
        let findings = findings_of_manifest(&project.rules, manifest, &environments, now);
        for finding in findings {
            match finding.rule_place.clone().filter(|_| finding.is_failure) {
                Some(place) => failures.add(place, finding, document),
                None => found.push(finding_diagnostic(&finding, (&at, document), &lines)),
            }
        }
    }
    found.extend(failures.into_diagnostics(&lines));
    declared.diagnostics.extend(found);
    check_exceptions(declared, &project.rules);
}

/// Rules that could not be evaluated, each once for each reason: the mistake is in the rule, and not in the manifests.
#[derive(Default)]
struct FailedRules<'m>(BTreeMap<(Place, bool, String), (RuleFinding, Vec<&'m Document>)>);

impl<'m> FailedRules<'m> {
    fn add(&mut self, place: Place, finding: RuleFinding, document: &'m Document) {
        let key = (place, finding.is_blocking(), finding.message.clone());
        self.0.entry(key).or_insert_with(|| (finding, Vec::new())).1.push(document);
    }

    fn into_diagnostics(self, lines: &LineIndex<'_>) -> Vec<Diagnostic> {
        let diagnostic = |((place, is_blocking, message), (finding, documents)): (
            (Place, bool, String),
            (RuleFinding, Vec<&Document>),
        )| {
            let first = documents[0].origin.start_place().clone();
            let count = pluralize(documents.len(), "manifest");
            Diagnostic {
                code: code::RULE_FAILED,
                rule: Some(finding.rule.clone()),
                address: None,
                severity: if is_blocking { Severity::Error } else { Severity::Warning },
                evidence: None,
                message: format!("the rule `{}` cannot be evaluated for {count}: {message}", finding.rule),
                span: lines.span_to_line_end(&place),
                place,
                path: FieldPath::parse("policy.rules"),
                also: Some(RelatedPlace { place: first, label: "the first manifest".to_owned() }),
                help: Some(format!("correct the rule; to except a manifest, {}", RuleFinding::exception([&finding]))),
                replacement: None,
            }
        };
        self.0.into_iter().map(diagnostic).collect()
    }
}

/// Adds a warning for each exception from a rule that does not exist.
pub(crate) fn check_exceptions(declared: &mut LoadedManifests, rules: &RuleSet) {
    let lines = LineIndex::new(&declared.files);
    let unknown = declared.objects().flat_map(|(at, document)| unknown_exceptions(rules, (&at, document), &lines));
    // The manifests of `forEach` share the content of their document.
    let mut seen = HashSet::new();
    let unknown: Vec<_> = unknown.filter(|it| seen.insert((it.place.clone(), it.message.clone()))).collect();
    declared.diagnostics.extend(unknown);
}

fn findings_of_manifest(
    rules: &RuleSet,
    manifest: &Manifest,
    environments: &[String],
    now: RuleTime,
) -> Vec<RuleFinding> {
    // A rule about manifests does not apply to an object that is deleted.
    if rules.is_empty() || manifest.document.intent.presence == Presence::Absent {
        return Vec::new();
    }
    let input = RuleInput {
        kind: manifest.kind,
        name: manifest.name.as_str(),
        service: manifest.service.as_deref(),
        document: Some(&manifest.document),
        change: None,
        environments,
        now,
    };
    rules.evaluate(&input, RuleScope::Manifest)
}

fn finding_diagnostic(finding: &RuleFinding, declared: (&Address, &Document), lines: &LineIndex<'_>) -> Diagnostic {
    let severity = if finding.is_blocking() { Severity::Error } else { Severity::Warning };
    let help = if finding.is_excepted {
        format!("`{EXCEPT_ANNOTATION}` in `metadata.annotations` excepts this manifest")
    } else {
        format!("to except this manifest, {}", RuleFinding::exception([finding]))
    };
    Diagnostic {
        code: if finding.is_failure { code::RULE_FAILED } else { code::RULE_VIOLATION },
        rule: Some(finding.rule.clone()),
        message: finding.describe_for(&format!("`{}`", sanitize_line(declared.0.name.as_str()))),
        help: Some(help),
        ..diagnostic_at(severity, &finding.path, declared, lines)
    }
}

/// The finding of a rule about an unchanged object: there is nothing to block.
pub(crate) fn unchanged_diagnostic(
    finding: &RuleFinding,
    declared: (&Address, &Document),
    lines: &LineIndex<'_>,
) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, ..finding_diagnostic(finding, declared, lines) }
}

fn unknown_exceptions(rules: &RuleSet, declared: (&Address, &Document), lines: &LineIndex<'_>) -> Vec<Diagnostic> {
    let unknown = rules.unknown_exceptions(declared.1).into_iter().map(|name| {
        let path = FieldPath::parse("metadata.annotations").child(EXCEPT_ANNOTATION);
        let suggestion = suggest_similar(name, rules.names()).map(|meant| format!("did you mean `{meant}`?"));
        Diagnostic {
            code: code::UNKNOWN_RULE,
            message: format!("the project has no rule `{name}`"),
            help: suggestion,
            ..diagnostic_at(Severity::Warning, &path, declared, lines)
        }
    });
    unknown.collect()
}

/// Where a field of a manifest, such as `spec.source`, is written.
pub(crate) fn field_place(kind: Kind, document: &Document, path: &FieldPath) -> Place {
    let body_path = to_body_path(kind, path).unwrap_or_else(|| path.clone());
    document.origin.field_place(&body_path)
}

fn diagnostic_at(
    severity: Severity,
    path: &FieldPath,
    (at, document): (&Address, &Document),
    lines: &LineIndex<'_>,
) -> Diagnostic {
    let place = field_place(at.kind, document, path);
    Diagnostic {
        code: code::RULE_VIOLATION,
        rule: None,
        address: Some(at.clone()),
        severity,
        evidence: None,
        message: String::new(),
        also: RelatedPlace::of_user(&document.origin, &place),
        span: lines.span_to_line_end(&place),
        place,
        path: path.clone(),
        help: None,
        replacement: None,
    }
}
