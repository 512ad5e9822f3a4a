//! What `validate` says about a rule between fields, the sandbox does: a proven rule is an error, and refused; one that is
//! only ours is a warning, and refused by a strict sandbox alone.
//!
//! The manifests are those with which the rules themselves are tested: each breaks one rule.

use clickpipes::api_body::build_api_body;
use clickpipes::kinds;
use clickpipes::validate::{Breach, Problem, RuleGrade};
use model::address::Kind;
use model::diagnostic::{Evidence, Severity};
use model::path::FieldPath;
use sandbox::{
    EVIDENCE_HEADER, KEY_ID, KEY_SECRET, ORGANIZATION, SandboxOptions, SandboxRequest, SandboxResponse, World,
    basic_authorization,
};
use serde_json::{Value, json};

#[path = "../crates/clickpipes/tests/all/cross_field/good.rs"]
mod good;
#[path = "../crates/clickpipes/tests/all/cross_field/pipes.rs"]
mod pipes;
#[path = "../crates/clickpipes/tests/all/cross_field/sources.rs"]
mod sources;

type Case = (&'static str, Value, Value);

/// A manifest that breaks one rule about the API, and what `validate` says about it.
struct BrokenManifest {
    code: &'static str,
    document: Value,
    problem: Problem,
    evidence: Evidence,
}

fn kind_of(document: &Value) -> Kind {
    Kind::from_name(document["kind"].as_str().unwrap()).unwrap()
}

/// Null takes a field away.
fn edited(document: &Value, edits: &Value) -> Value {
    let mut document = document.clone();
    for (path, value) in edits.as_object().unwrap() {
        let path = FieldPath::parse(path);
        path.set_in(&mut document, value.clone());
        if value.is_null() {
            let around = format!("/{}", path.parent().unwrap().segments().join("/"));
            let object = document.pointer_mut(&around).and_then(Value::as_object_mut).unwrap();
            object.remove(path.last_segment().unwrap());
        }
    }
    document
}

/// Each manifest breaks the rule of this code.
pub(crate) fn manifests_that_break_a_rule() -> Vec<(&'static str, Value)> {
    let cases = pipes::cases().into_iter().chain(sources::cases());
    cases.map(|(code, document, edits)| (code, edited(&document, &edits))).collect()
}

/// Rules about manifests alone have no counterpart in the API.
fn manifests_that_break_a_rule_of_the_api() -> Vec<BrokenManifest> {
    let broken = manifests_that_break_a_rule().into_iter().filter_map(|(code, document)| {
        let problem = kinds::find_problems(kind_of(&document), &document).into_iter().next();
        let problem = problem.unwrap_or_else(|| panic!("nothing breaks {code}: {document}"));
        let evidence = problem.evidence.filter(|evidence| *evidence != Evidence::Manifest)?;
        Some(BrokenManifest { code, document, problem, evidence })
    });
    broken.collect()
}

/// The body that pipectl would send, if it sent one: with a text in place of each secret.
fn body_to_send(document: &Value) -> Value {
    fn resolve(value: &mut Value) {
        match value {
            Value::Object(fields) if fields.contains_key("fromEnv") || fields.contains_key("fromFile") => {
                *value = json!("secret");
            }
            Value::Object(fields) => fields.values_mut().for_each(resolve),
            Value::Array(items) => items.iter_mut().for_each(resolve),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut body = build_api_body(kind_of(document), document.clone());
    resolve(&mut body);
    body
}

/// What a new sandbox answers to the request that makes the object.
fn response_to(document: &Value, is_strict: bool) -> SandboxResponse {
    let mut world = World::new(SandboxOptions { strict_rules: is_strict, ..SandboxOptions::default() });
    let service = world.ensure_service("analytics");
    let send = |world: &mut World, method: &str, path: &str, document: &Value| {
        world.handle_request(&SandboxRequest {
            method: method.to_owned(),
            path: format!("/v1/organizations/{ORGANIZATION}/services/{service}/{path}"),
            authorization: Some(basic_authorization(KEY_ID, KEY_SECRET)),
            body: body_to_send(document).to_string().into_bytes(),
        })
    };
    match kind_of(document) {
        Kind::ClickPipe => send(&mut world, "POST", "clickpipes", document),
        Kind::ReversePrivateEndpoint => send(&mut world, "POST", "clickpipesReversePrivateEndpoints", document),
        Kind::CdcScaling => {
            // It exists once a database pipe does.
            assert_eq!(send(&mut world, "POST", "clickpipes", &good::postgres()).status, 200);
            world.advance_clock(std::time::Duration::from_secs(600));
            send(&mut world, "PATCH", "clickpipesCdcScaling", document)
        }
    }
}

fn evidence_word(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Schema => "schema",
        Evidence::Live => "live",
        Evidence::Provider => "provider",
        Evidence::Ours => "ours",
        Evidence::Manifest => unreachable!("the API knows no manifests"),
    }
}

/// What is wrong with a response, if something is.
fn complaint_about(response: &SandboxResponse, refused_by: Option<Evidence>) -> Option<String> {
    let header = response.headers.iter().find(|(name, _)| name == EVIDENCE_HEADER).map(|(_, words)| words.as_str());
    let expected = refused_by.map_or((200, None), |evidence| (400, Some(evidence_word(evidence))));
    let text = response.json_body()["error"].to_string();
    ((response.status, header) != expected).then(|| format!("{} {header:?}, not {expected:?}: {text}", response.status))
}

#[test]
fn sandbox_accepts_each_manifest_before_it_is_broken() {
    for document in good::all().into_iter().filter(|document| document["spec"]["state"] != "absent") {
        for is_strict in [false, true] {
            assert_eq!(complaint_about(&response_to(&document, is_strict), None), None, "{document}");
        }
    }
}

#[test]
fn sandbox_grades_each_rule_as_validate_does() {
    let mut wrong = Vec::new();
    for BrokenManifest { code, document, problem, evidence } in manifests_that_break_a_rule_of_the_api() {
        let is_proven = evidence != Evidence::Ours;
        assert_eq!(problem.severity == Severity::Error, is_proven, "{code}");
        let by_default = complaint_about(&response_to(&document, false), is_proven.then_some(evidence));
        let strictly = complaint_about(&response_to(&document, true), Some(evidence));
        wrong.extend(by_default.map(|text| format!("{code}: {text}")));
        wrong.extend(strictly.map(|text| format!("{code}, strictly: {text}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A new rule needs a manifest that breaks it, and so a rule of the sandbox.
#[test]
fn each_way_to_break_a_rule_has_its_pair() {
    let tried = manifests_that_break_a_rule_of_the_api();
    let rules = kinds::rule_grades().filter(|rule| rule.evidence != Evidence::Manifest);
    let ways = rules.flat_map(|rule| rule.breaches.iter().map(|breach| (rule.clone(), *breach)).collect::<Vec<_>>());
    let missing: Vec<String> = ways
        .filter(|(rule, breach)| !tried.iter().any(|broken| breaks(broken, rule, *breach)))
        .map(|(rule, breach)| format!("{} {:?}: {breach:?}", rule.code, rule.fields))
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// Whether a manifest breaks this rule, and not another one with its code, in this way.
fn breaks(broken: &BrokenManifest, rule: &RuleGrade, breach: Breach) -> bool {
    let BrokenManifest { code, document, problem, .. } = broken;
    let is_of_rule = |field: &String| problem.path.to_string().ends_with(field);
    *code == rule.code
        && match (breach, problem.path.value_in(document)) {
            (Breach::Other, _) => true,
            (Breach::FieldGiven, Some(_)) | (Breach::FieldMissing, None) => rule.fields.iter().any(is_of_rule),
            (Breach::FieldGiven, None) | (Breach::FieldMissing, Some(_)) => false,
        }
}
