//! SARIF 2.1.0, for code scanners: problems in files, violations of rules of the project, and review notes of the plan.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use model::address::Address;
use model::desired::Place;
use model::diagnostic::{Diagnostic, Severity};
use model::rule_finding::RuleFinding;
use serde_json::{Value, json};

use super::code_quality::stable_fingerprint;
use super::findings::{ReportFinding, message_with_help, plan_findings};
use super::repo_paths::RepoPaths;
use super::run_report::ReportView;
use crate::code_help::CodeHelp;
use crate::escape::sanitize_line;

const SCHEMA_URL: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Every diagnostic and every finding as a result, every code that occurs as a rule.
pub(super) fn render_sarif(view: &ReportView<'_>, paths: &RepoPaths) -> String {
    let run = view.run;
    let changes = view.objects.iter().filter_map(|object| object.change);
    let findings: Vec<(&Address, &RuleFinding)> =
        changes.flat_map(|change| change.rule_findings.iter().map(|finding| (&change.address, finding))).collect();
    let rules = findings.iter().map(|(_, finding)| &*finding.rule);
    let plan_findings = plan_findings(view);
    let of_plan = plan_findings.iter().map(|finding| finding.code);
    let codes: BTreeSet<&str> = run.diagnostics.iter().map(rule_id).chain(rules).chain(of_plan).collect();
    let codes: Vec<&str> = codes.into_iter().collect();
    let problems = run.diagnostics.iter().map(|problem| result_json(problem, &codes, paths));
    let of_rules = findings.into_iter().map(|finding| rule_finding_json(finding, &codes, paths));
    let of_plan = plan_findings.iter().filter_map(|finding| plan_finding_json(finding, &codes, paths));
    let results: Vec<Value> = problems.chain(of_rules).chain(of_plan).collect();
    let failures = run.run_errors().into_iter().map(|error| json!({"level": "error", "message": {"text": error}}));
    let log = json!({
        "$schema": SCHEMA_URL,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "pipectl",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule_json(code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": run.run_errors().is_empty(),
                "toolExecutionNotifications": failures.collect::<Vec<_>>(),
            }],
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

/// The rule of the project that is violated, or the code.
fn rule_id(problem: &Diagnostic) -> &str {
    problem.rule.as_deref().unwrap_or(problem.code)
}

fn rule_json(code: &str) -> Value {
    match CodeHelp::find(code) {
        Some(help) => json!({
            "id": code,
            "shortDescription": {"text": help.meaning},
            "help": {"text": help.fix},
            "helpUri": help.help_uri,
        }),
        None => json!({"id": code, "shortDescription": {"text": code}, "help": {"text": ""}}),
    }
}

fn result_json(problem: &Diagnostic, codes: &[&str], paths: &RepoPaths) -> Value {
    // Many manifests violate a rule at one place of their template.
    let object = problem.address.as_ref().map(|object| format!("\n{object}")).unwrap_or_default();
    let identity = format!("{}\n{}\n{}\n{}{object}", problem.code, problem.place.file, problem.path, problem.message);
    let mut result = json!({
        "ruleId": rule_id(problem),
        "ruleIndex": codes.iter().position(|code| *code == rule_id(problem)),
        "level": match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "message": {"text": sanitize_line(&message_with_help(problem))},
        "locations": location_json(&problem.place, paths).into_iter().collect::<Vec<_>>(),
        "partialFingerprints": {"pipectl/v1": stable_fingerprint(&identity)},
    });
    if let Some(also) = &problem.also
        && let Some(mut location) = location_json(&also.place, paths)
    {
        location["message"] = json!({"text": sanitize_line(&also.label)});
        result["relatedLocations"] = json!([location]);
    }
    result
}

/// A finding of a rule about a change.
fn rule_finding_json((object, finding): (&Address, &RuleFinding), codes: &[&str], paths: &RepoPaths) -> Value {
    let file = finding.place.as_ref().map_or("", |place| &place.file);
    let identity = format!("{}\n{file}\n{}\n{}\n{object}", finding.rule, finding.path, finding.message);
    json!({
        "ruleId": &*finding.rule,
        "ruleIndex": codes.iter().position(|code| *code == &*finding.rule),
        "level": if finding.is_blocking() { "error" } else { "warning" },
        "message": {"text": sanitize_line(&finding.describe_for(&format!("`{object}`")))},
        "locations": finding.place.iter().filter_map(|place| location_json(place, paths)).collect::<Vec<_>>(),
        "partialFingerprints": {"pipectl/v1": stable_fingerprint(&identity)},
    })
}

/// A review note of the plan. Code scanners accept no result without a place.
fn plan_finding_json(finding: &ReportFinding, codes: &[&str], paths: &RepoPaths) -> Option<Value> {
    let location = location_json(finding.any_place()?, paths)?;
    let ReportFinding { code, title, message, .. } = finding;
    let text = if title == code { message.clone() } else { format!("{title}: {message}") };
    let identity = [code, finding.subject.as_str()].join("\n");
    Some(json!({
        "ruleId": finding.code,
        "ruleIndex": codes.iter().position(|code| *code == finding.code),
        "level": finding.level.as_str(),
        "message": {"text": sanitize_line(&text)},
        "locations": [location],
        "partialFingerprints": {"pipectl/v1": stable_fingerprint(&identity)},
    }))
}

fn location_json(place: &Place, paths: &RepoPaths) -> Option<Value> {
    let file = paths.report_path(&place.file)?;
    Some(json!({"physicalLocation": {
        "artifactLocation": {"uri": path_to_uri(&file)},
        "region": {"startLine": place.line, "startColumn": place.column},
    }}))
}

/// A path as a URI.
fn path_to_uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    if path.starts_with('/') { format!("file://{out}") } else { out }
}
