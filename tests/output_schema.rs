//! The published schema of the JSON output. Every document that the other tests parse is validated against it, too.

use crate::support::cli::{WorkDir, assert_published_shape};
use crate::support::manifests::{documents_to_yaml, seeds_named};
use serde_json::{Value, json};

fn published_schema() -> Value {
    let printed = WorkDir::new().run_pipectl(&["schema", "output"]);
    assert_eq!(printed.code, 0, "{}", printed.all_output());
    serde_json::from_str(&printed.stdout).unwrap()
}

#[test]
fn every_command_prints_a_published_document() {
    let dir = WorkDir::new();
    let documents = seeds_named(&["kinesis-user", "postgres-cdc"]);
    dir.write_file("pipes.yaml", documents_to_yaml(&documents));
    dir.write_file("invalid.yaml", "kind: ClickPipe\n");
    dir.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes.yaml]\n");
    let runs: [(&str, &[&str]); 12] = [
        ("Init", &["init", "new"]),
        ("Validation", &["validate", "pipes.yaml"]),
        ("Validation", &["validate", "invalid.yaml"]),
        ("Plan", &["plan", "pipes.yaml", "--sandbox"]),
        ("Plan", &["plan", "missing.yaml", "--sandbox"]),
        ("Apply", &["apply", "pipes.yaml", "--sandbox", "--yes"]),
        ("Drift", &["drift", "pipes.yaml", "--sandbox"]),
        ("Status", &["status", "pipes.yaml", "--sandbox"]),
        ("Doctor", &["doctor", "pipes.yaml", "--sandbox"]),
        ("Explanation", &["explain", "ClickPipe.spec.source.kafka.topics"]),
        ("EffectiveValues", &["explain", "scaling", "--effective"]),
        ("Usage", &["plan", "--no-such-flag"]),
    ];
    for (kind, args) in runs {
        let args = [args, &["-o", "json"]].concat();
        let printed = dir.run_with_env(&args, &[("SEED_SECRET", "s3cr3t")]);
        assert_eq!(printed.stdout_json()["kind"], kind, "{args:?}: {}", printed.all_output());
    }
}

#[test]
fn schema_describes_every_kind_of_document() {
    let schema = published_schema();
    let kinds = &schema["$defs"]["document"]["properties"]["kind"]["enum"];
    for kind in ["Plan", "Apply", "Drift", "Validation", "Status", "Resync", "Doctor", "Init", "Export", "Discovery"] {
        assert!(kinds.as_array().unwrap().contains(&json!(kind)), "{kind}");
    }
}

#[test]
#[should_panic(expected = "leftAlone")]
fn schema_refuses_unpublished_keys() {
    let plan = json!({"actions": [], "changes": [], "inSync": [], "unmanaged": [], "leftAlone": []});
    let document = json!({"schemaVersion": "1.0", "kind": "Plan", "outcome": "inSync", "result": plan, "errors": []});
    assert_published_shape(&document);
}
