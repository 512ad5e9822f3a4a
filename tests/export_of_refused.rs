//! What no manifest can declare may be live all the same: rules are younger than pipes, and other clients have none. An
//! export leaves it out and says so; what it writes is valid, and plans to nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clickpipes::api_body::build_api_body;
use clickpipes::kinds;
use clickpipes::manifest;
use model::address::{Address, Kind, Name, ServiceRef};
use model::diagnostic::{Severity, SourceFile};
use model::live::{Id, Live, LiveObjects, Object, State};
use model::secret::find_secret_references;
use planner::{Policy, plan};
use porting::export::{ExportedManifest, export_manifests};
use serde_json::{Value, json};

use crate::rule_pairs;

/// The manifest as an API returns it that refuses nothing. It returns no secret.
fn live_from_manifest(document: &Value) -> Live {
    let kind = Kind::from_name(document["kind"].as_str().unwrap()).unwrap();
    let mut body = build_api_body(kind, document.clone());
    for secret in find_secret_references(&body.clone()) {
        secret.path.set_in(&mut body, Value::Null);
    }
    body["state"] = json!("Running");
    let name = document["metadata"]["name"].as_str().map_or_else(|| Name::new(kind.name()), Name::new);
    let at = Address { kind, service: ServiceRef::new("analytics"), name };
    let id = Id::new("00000000-0000-4000-8000-000000000000");
    let object = Object { id, state: State::new("Running"), body };
    Live::from([(at, LiveObjects { objects: vec![object] })])
}

/// What is wrong with the manifest, if something is.
fn complaint_about_export(exported: &ExportedManifest, live: &Live) -> Option<String> {
    let file = SourceFile { name: Arc::from("e.yaml"), text: Arc::from(exported.document.to_string()) };
    let loaded = manifest::parse_manifests(&[file], &BTreeMap::new());
    let error = loaded.diagnostics.iter().find(|problem| problem.severity == Severity::Error);
    if let Some(error) = error {
        return Some(format!("{}: {}", error.path, error.message));
    }
    let again = loaded.manifests.into_iter();
    let again = again.map(|it| (crate::support::manifest_address(&it), it.document)).collect();
    let plan = plan(&again, live, None, &Policy::default());
    let told = plan.changes.iter().map(|it| format!("{:?} {:?} {:?}", it.reason, it.fields, exported.remarks));
    (!plan.has_no_changes()).then(|| told.collect::<Vec<_>>().join("\n"))
}

/// Rules that miss a field, or refuse one that a manifest needs.
const ONLY_COMMENTS: [&str; 19] = [
    "bigquery-project",
    "cdc-scaling-ratio",
    "custom-sorting-key",
    "database-iam-role",
    "duplicate-target-table",
    "empty-sorting-key",
    "endpoint-msk",
    "endpoint-resource",
    "endpoint-service-attachment",
    "endpoint-service-name",
    "kafka-glue-registry",
    "kafka-iam-role",
    "kinesis-avro-registry",
    "managed-table-definition",
    "missing-part",
    "missing-table",
    "mongodb-uri",
    "replacing-sorting-key",
    "storage-iam-role",
];

#[test]
fn what_a_rule_refuses_is_exported_as_a_manifest_that_plans_to_nothing() {
    let (mut wrong, mut written, mut comments) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for (code, document) in rule_pairs::manifests_that_break_a_rule() {
        let errors = kinds::find_problems(Kind::from_name(document["kind"].as_str().unwrap()).unwrap(), &document);
        if errors.iter().all(|problem| problem.severity != Severity::Error) {
            continue;
        }
        let live = live_from_manifest(&document);
        for exported in export_manifests(&live) {
            if exported.blockers.is_empty() {
                wrong.extend(complaint_about_export(&exported, &live).map(|text| format!("{code}: {text}")));
                written.insert(code);
            } else {
                comments.insert(code);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What no manifest is valid without, or what it would have to change, is told and becomes a comment.
    comments.retain(|code| !written.contains(code));
    assert_eq!(comments, BTreeSet::from(ONLY_COMMENTS), "{written:?}");
}
