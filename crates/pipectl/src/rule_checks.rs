//! Evaluates the rules of the project for what is declared, and for what a plan does.

use clickpipes::api_body::to_body_path;
use clickpipes::manifest::Manifest;
use model::desired::Presence;
use model::diagnostic::{Diagnostic, Severity, SourceFile};
use model::path::FieldPath;
use model::project::code;
use model::rule_finding::RuleFinding;
use model::secret::span_to_line_end;
use model::suggest::suggest_similar;
use rules::{EXCEPT_ANNOTATION, RuleInput, RuleScope, RuleSet, RuleTime};

use crate::load_manifests::LoadedManifests;
use crate::project::ProjectContext;

/// Adds what the rules say about the manifests.
pub(crate) fn check_manifests(declared: &mut LoadedManifests, project: &ProjectContext, now: RuleTime) {
    let rules = &project.rules;
    let environment = project.environment_name();
    declared
        .diagnostics
        .extend(rules.names_about_changes().filter_map(|name| refuse_rule_about_changes(name, project)));
    for manifest in &declared.manifests {
        let files = &declared.files;
        let findings = findings_of_manifest(rules, manifest, environment, now);
        declared.diagnostics.extend(findings.iter().map(|finding| finding_diagnostic(finding, manifest, files)));
        declared.diagnostics.extend(unknown_exceptions(rules, manifest, files));
    }
}

/// A team would rely on a rule that nothing evaluates.
fn refuse_rule_about_changes(name: &str, project: &ProjectContext) -> Option<Diagnostic> {
    let place = project.rule_places.get(name)?.clone();
    Some(Diagnostic {
        code: code::RULE_FAILED,
        rule: Some(name.into()),
        severity: Severity::Error,
        evidence: None,
        message: format!("the rule `{name}` reads `change`: rules about changes are not evaluated yet"),
        span: 0..0,
        place,
        path: FieldPath::parse("policy.rules"),
        also: None,
        help: Some("write it about `manifest`, or take it out".to_owned()),
        replacement: None,
    })
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

fn finding_diagnostic(finding: &RuleFinding, manifest: &Manifest, files: &[SourceFile]) -> Diagnostic {
    let severity = if finding.is_blocking() { Severity::Error } else { Severity::Warning };
    let help = if finding.is_excepted {
        format!("`{EXCEPT_ANNOTATION}` in `metadata.annotations` excepts this manifest")
    } else {
        format!("or except this manifest: add `{EXCEPT_ANNOTATION}: {}` to `metadata.annotations`", finding.rule)
    };
    Diagnostic {
        code: if finding.is_failure { code::RULE_FAILED } else { code::RULE_VIOLATION },
        rule: Some(finding.rule.clone()),
        message: finding.describe(),
        help: Some(help),
        ..diagnostic_at(severity, &finding.path, manifest, files)
    }
}

fn unknown_exceptions(rules: &RuleSet, manifest: &Manifest, files: &[SourceFile]) -> Vec<Diagnostic> {
    let unknown = rules.unknown_exceptions(&manifest.document).into_iter().map(|name| {
        let path = FieldPath::parse("metadata.annotations").child(EXCEPT_ANNOTATION);
        let suggestion = suggest_similar(name, rules.names()).map(|meant| format!("did you mean `{meant}`?"));
        Diagnostic {
            code: code::UNKNOWN_RULE,
            message: format!("the project has no rule `{name}`"),
            help: suggestion,
            ..diagnostic_at(Severity::Warning, &path, manifest, files)
        }
    });
    unknown.collect()
}

fn diagnostic_at(severity: Severity, path: &FieldPath, manifest: &Manifest, files: &[SourceFile]) -> Diagnostic {
    let body_path = to_body_path(manifest.kind, path).unwrap_or_else(|| path.clone());
    let place = manifest.document.origin.field_place(&body_path);
    let text = files.iter().find(|file| file.name == place.file).map_or("", |file| &file.text);
    Diagnostic {
        code: code::RULE_VIOLATION,
        rule: None,
        severity,
        evidence: None,
        message: String::new(),
        span: span_to_line_end(text, &place),
        place,
        path: path.clone(),
        also: None,
        help: None,
        replacement: None,
    }
}
