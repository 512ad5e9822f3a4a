//! Evaluates the rules of the project for manifests.

use clickpipes::api_body::to_body_path;
use clickpipes::manifest::Manifest;
use model::address::Kind;
use model::desired::{Document, Place, Presence};
use model::diagnostic::{Diagnostic, Severity};
use model::path::FieldPath;
use model::project::code;
use model::rule_finding::{EXCEPT_ANNOTATION, RuleFinding};
use model::suggest::suggest_similar;
use rules::{RuleInput, RuleScope, RuleSet, RuleTime};

use crate::line_index::LineIndex;
use crate::load_manifests::LoadedManifests;
use crate::project::ProjectContext;

/// Adds what the rules say about the manifests, without a plan.
pub(crate) fn check_manifests(declared: &mut LoadedManifests, project: &ProjectContext, now: RuleTime) {
    let lines = LineIndex::new(&declared.files);
    for manifest in &declared.manifests {
        let findings = findings_of_manifest(&project.rules, manifest, project.environment_name(), now);
        let declaration = (manifest.kind, &manifest.document);
        let found = findings.iter().map(|finding| finding_diagnostic(finding, declaration, &lines));
        declared.diagnostics.extend(found);
    }
    check_exceptions(declared, &project.rules);
}

/// Adds a warning for each exception from a rule that does not exist.
pub(crate) fn check_exceptions(declared: &mut LoadedManifests, rules: &RuleSet) {
    let lines = LineIndex::new(&declared.files);
    let unknown = declared.manifests.iter().flat_map(|manifest| unknown_exceptions(rules, manifest, &lines));
    declared.diagnostics.extend(unknown.collect::<Vec<_>>());
}

fn findings_of_manifest(rules: &RuleSet, manifest: &Manifest, environment: &str, now: RuleTime) -> Vec<RuleFinding> {
    // A rule about manifests wants something of what is to exist.
    if rules.is_empty() || manifest.document.intent.presence == Presence::Absent {
        return Vec::new();
    }
    let input = RuleInput {
        kind: manifest.kind,
        name: manifest.name.as_str(),
        service: manifest.service.as_deref(),
        document: Some(&manifest.document),
        change: None,
        environment,
        now,
    };
    rules.evaluate(&input, RuleScope::Manifest)
}

fn finding_diagnostic(finding: &RuleFinding, declaration: (Kind, &Document), lines: &LineIndex<'_>) -> Diagnostic {
    let severity = if finding.is_blocking() { Severity::Error } else { Severity::Warning };
    let help = if finding.is_excepted {
        format!("`{EXCEPT_ANNOTATION}` in `metadata.annotations` excepts this manifest")
    } else {
        format!("or except this manifest: {}", RuleFinding::exception([finding]))
    };
    Diagnostic {
        code: if finding.is_failure { code::RULE_FAILED } else { code::RULE_VIOLATION },
        rule: Some(finding.rule.clone()),
        message: finding.describe(),
        help: Some(help),
        ..diagnostic_at(severity, &finding.path, declaration, lines)
    }
}

/// What a rule says about an object that does not change: there is nothing to block.
pub(crate) fn unchanged_diagnostic(
    finding: &RuleFinding,
    declaration: (Kind, &Document),
    lines: &LineIndex<'_>,
) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, ..finding_diagnostic(finding, declaration, lines) }
}

fn unknown_exceptions(rules: &RuleSet, manifest: &Manifest, lines: &LineIndex<'_>) -> Vec<Diagnostic> {
    let unknown = rules.unknown_exceptions(&manifest.document).into_iter().map(|name| {
        let path = FieldPath::parse("metadata.annotations").child(EXCEPT_ANNOTATION);
        let suggestion = suggest_similar(name, rules.names()).map(|meant| format!("did you mean `{meant}`?"));
        Diagnostic {
            code: code::UNKNOWN_RULE,
            message: format!("the project has no rule `{name}`"),
            help: suggestion,
            ..diagnostic_at(Severity::Warning, &path, (manifest.kind, &manifest.document), lines)
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
    (kind, document): (Kind, &Document),
    lines: &LineIndex<'_>,
) -> Diagnostic {
    let place = field_place(kind, document, path);
    Diagnostic {
        code: code::RULE_VIOLATION,
        rule: None,
        severity,
        evidence: None,
        message: String::new(),
        span: lines.span_to_line_end(&place),
        place,
        path: path.clone(),
        also: None,
        help: None,
        replacement: None,
    }
}
