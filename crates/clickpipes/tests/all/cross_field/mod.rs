//! Every rule between fields: a good manifest, the least edit that breaks the rule, and its code.

use std::collections::BTreeSet;

use clickpipes::kinds;
use jsonschema::Validator;
use model::address::Kind;
use model::path::FieldPath;
use serde_json::{Value, json};

mod good;
mod pipes;
mod sources;

/// A code, the good manifest to begin with, and edits by path; null takes a field away.
type Case = (&'static str, Value, Value);

fn cases() -> Vec<Case> {
    let mut cases = pipes::cases();
    cases.extend(sources::cases());
    cases
}

fn kind(document: &Value) -> Kind {
    Kind::from_name(document["kind"].as_str().expect("a text")).expect("a kind")
}

fn validator(kind: Kind) -> Validator {
    jsonschema::validator_for(kinds::manifest_schema(kind)).expect("a good schema")
}

fn edited(document: &Value, edits: &Value) -> Value {
    let mut document = document.clone();
    for (path, value) in edits.as_object().expect("edits by path") {
        let path = FieldPath::parse(path);
        path.set_in(&mut document, value.clone());
        if value.is_null() {
            remove(&mut document, &path);
        }
    }
    document
}

fn remove(document: &mut Value, path: &FieldPath) {
    let parent = path.parent().expect("a field");
    let pointer = format!("/{}", parent.segments().join("/"));
    let object = document.pointer_mut(&pointer).and_then(Value::as_object_mut).expect("an object");
    object.remove(path.last_segment().expect("a field"));
}

fn report(document: &Value) -> String {
    let problems = kinds::find_problems(kind(document), document);
    let lines = problems.iter().map(|problem| {
        let help = problem.help.as_deref().unwrap_or("-");
        format!("{}: {}: {}\n  help: {help}\n", problem.path, problem.code, problem.message)
    });
    lines.collect()
}

#[test]
fn valid_manifests_have_no_problems() {
    for document in good::all() {
        let errors: Vec<String> = validator(kind(&document)).iter_errors(&document).map(|it| it.to_string()).collect();
        assert!(errors.is_empty(), "{document}: {errors:?}");
        assert_eq!(report(&document), "", "{document}");
    }
}

#[test]
fn each_invalid_edit_breaks_exactly_one_rule() {
    for (code, document, edits) in cases() {
        let document = edited(&document, &edits);
        let found: BTreeSet<&str> = kinds::find_problems(kind(&document), &document).iter().map(|it| it.code).collect();
        assert_eq!(found, BTreeSet::from([code]), "{edits}\n{}", report(&document));
        assert!(validator(kind(&document)).is_valid(&document), "the schema says it: {edits}");
    }
}

/// A change of an entry is sent with its list, so a mark that makes it a replacement would be ignored.
#[test]
fn field_of_a_list_entry_is_not_create_only() {
    let column = json!({"spec.destination.columns.0.additional": {"newer": 1}});
    let mapping = json!({"spec.source.postgres.tableMappings.0.additional": {"newer": 1}});
    let name = json!({"privateDnsName": "a.example", "additional": {"newer": 1}});
    for (document, field, around, mark) in [
        (good::kafka(), &column, "spec.destination.columns.0", "newer"),
        (good::kafka(), &column, "spec.destination", "columns.*.newer"),
        (good::postgres(), &mapping, "spec.source.postgres.tableMappings.0", "newer"),
        (good::postgres(), &mapping, "spec.source.postgres", "tableMappings.*.newer"),
        (
            good::endpoint(),
            &json!({"spec.customPrivateDnsMappings": [name]}),
            "spec",
            "customPrivateDnsMappings.*.newer",
        ),
        (good::kafka(), &json!({"spec.additional": {"list": [{"newer": 1}]}}), "spec", "list.*.newer"),
    ] {
        for (list, is_refused) in [("additionalCreateOnly", true), ("additionalNotReturned", false)] {
            let marked = edited(&edited(&document, field), &json!({format!("{around}.{list}"): [mark]}));
            let problems = kinds::find_problems(kind(&marked), &marked);
            assert_eq!(problems.iter().any(|it| it.code == "additional-mark"), is_refused, "{around}.{list}");
        }
    }
}

#[test]
fn every_cross_field_rule_has_a_case() {
    let tried: BTreeSet<&str> = cases().iter().map(|(code, ..)| *code).collect();
    let all: BTreeSet<&str> = kinds::problem_codes().into_iter().collect();
    assert_eq!(tried, all);
}

#[test]
fn problems_have_a_path_and_a_message() {
    for (code, document, edits) in cases() {
        let document = edited(&document, &edits);
        for problem in kinds::find_problems(kind(&document), &document) {
            let around = problem.path.parent().expect("a field");
            assert!(around.value_in(&document).is_some(), "{code}: {}", problem.path);
            let sentence = !problem.message.ends_with('.') && !problem.message.is_empty();
            assert!(sentence, "{code}: {}", problem.message);
            let first = problem.message.chars().next().expect("a message");
            assert!(!first.is_uppercase(), "{code}: {}", problem.message);
        }
    }
}

#[test]
fn empty_list_counts_as_missing() {
    let mapping = "spec.source.postgres.tableMappings.0.sortingKeys";
    for (document, path) in [
        (good::postgres(), mapping),
        (good::postgres(), "spec.fieldMappings"),
        (good::endpoint(), "spec.customPrivateDnsMappings"),
    ] {
        let mut document = document;
        FieldPath::parse(path).set_in(&mut document, Value::Array(Vec::new()));
        assert_eq!(report(&document), "", "{path}");
    }
}

#[test]
fn wrong_value_types_never_panic_a_rule() {
    for document in good::all() {
        for wrong in [Value::Null, 7.into(), "x".into(), Value::Array(Vec::new())] {
            for path in paths(&document) {
                let mut broken = document.clone();
                path.set_in(&mut broken, wrong.clone());
                kinds::find_problems(kind(&document), &broken);
            }
        }
    }
}

/// Every path of a document.
fn paths(document: &Value) -> Vec<FieldPath> {
    fn visit(value: &Value, at: &FieldPath, paths: &mut Vec<FieldPath>) {
        paths.push(at.clone());
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| visit(value, &at.child(name), paths));
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items.for_each(|(index, value)| visit(value, &at.child(index), paths));
            }
            _ => {}
        }
    }
    let mut paths = Vec::new();
    for part in ["metadata", "spec"] {
        visit(&document[part], &FieldPath::parse(part), &mut paths);
    }
    paths
}

/// What people read, for a few of the cases.
#[test]
fn messages_explain_problem_and_fix() {
    let mut read = String::new();
    for code in [
        "kafka-authentication",
        "kafka-credentials",
        "kafka-offset-timestamp",
        "database-pipe-table",
        "unmapped-column",
        "queue-url",
        "source-kind",
        "cdc-scaling-ratio",
        "duplicate-target-table",
        "scaling-concurrency",
        "literal-secret",
        "kafka-redpanda-mutual-tls",
        "missing-part",
        "unchecked-field",
    ] {
        let (_, document, edits) = cases().into_iter().find(|(of, ..)| *of == code).expect("a case of the code");
        read.push_str(&report(&edited(&document, &edits)));
    }
    insta::assert_snapshot!(read, @"
    spec.source.kafka.authentication: kafka-authentication: `authentication: IAM_ROLE` does not go with `type: kafka`
      help: `type: kafka` takes `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, `MUTUAL_TLS`
    spec.source.kafka.credentials.connectionString: kafka-credentials: `connectionString` is needed for `authentication: PLAIN` of `type: azureeventhub`
      help: add `connectionString`
    spec.source.kafka.credentials.username: kafka-credentials: `username` is not for `authentication: PLAIN` of `type: azureeventhub`
      help: remove `username`
    spec.source.kafka.offset.timestamp: kafka-offset-timestamp: `offset.timestamp` is needed for `offset.strategy: from_timestamp`
      help: add `offset.timestamp`
    spec.destination.table: database-pipe-table: `destination.table` is not for database pipes: each table mapping creates a table of its own
      help: remove `destination.table`
    spec.fieldMappings: unmapped-column: column `note` has no field mapping: the schema of the API says that every column needs one, and examples of its official provider leave some out
      help: add `{sourceField: note, destinationField: note}`
    spec.source.objectStorage.queueUrl: queue-url: not the form of a queue of this storage
      help: the form is `https://sqs.us-east-1.amazonaws.com/123456789012/NAME`
    spec.source: source-kind: exactly one is needed, and none is set: a pipe reads one source
      help: add one of `kafka`, `kinesis`, `objectStorage`, `pubsub`, `postgres`, `mysql`, `mongodb`, `bigquery`
    spec.replicaMemoryGb: cdc-scaling-ratio: `replicaMemoryGb: 8` does not fit `replicaCpuMillicores: 4000`: the API wants four gigabytes for each core
      help: write `replicaMemoryGb: 16`
    spec.source.postgres.tableMappings.1.targetTable: duplicate-target-table: `targetTable: users` occurs twice in `tableMappings`: two mappings cannot share a table
      help: -
    spec.scaling.concurrency: scaling-concurrency: `concurrency` is deprecated in the API, and now a setting
      help: write `settings: {object_storage_concurrency: …}` instead
    spec.source.kafka.caCertificate: literal-secret: the text contains a private key
      help: keep the `CERTIFICATE` blocks only; a key goes into a field that takes a reference such as `{fromEnv: NAME}`; if the file left this machine, change the secret
    spec.source.kafka.authentication: kafka-redpanda-mutual-tls: the API refuses `MUTUAL_TLS` for `type: redpanda`, although its schema lists it
      help: write `type: kafka`, which reaches the same brokers
    spec.destination: missing-part: `destination` is needed unless `state: absent`
      help: add `destination`
    spec.source.kafka.additional.newField: unchecked-field: `newField` is not a field that pipectl knows: it is sent and compared as written
      help: -
    ");
}
