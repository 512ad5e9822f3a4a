//! How a read shows what was sent and what was left out. The official provider takes null, "", false, [] and a default
//! for different values, and refuses an apply whose answer is another one than it has planned.
//!
//! A line of the file is a request and what a read after it shows: the names of fields by how they come back. A name
//! with a slash in front is a JSON pointer, any other one is below the source of the pipe. `facts` are the numbers of the
//! page that has them: it is not part of this repository, and `FIELD_ROWS` and `FACTS` list its rows.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{SandboxBench, ok_result, postgres_body};
use crate::SandboxOptions;

const ROWS: &str = include_str!("echo/rows.jsonl");

/// A pipe of each source, with the least that it needs.
const PIPES: &str = include_str!("echo/pipes.json");

const DATABASE_SETTINGS: &str = "settings/syncIntervalSeconds? settings/pullBatchSize? \
    settings/snapshotNumRowsPerPartition? settings/snapshotNumberOfParallelTables? settings/deleteOnMerge?";

const MAPPING: &str = "tableMappings tableMappings/0/sourceSchemaName tableMappings/0/sourceTable \
    tableMappings/0/targetTable tableMappings/0/excludedColumns? tableMappings/0/useCustomSortingKey? \
    tableMappings/0/sortingKeys? tableMappings/0/tableEngine? tableMappings/0/partitionKey?";

/// Each row of the field tables: section, object, fields. A field with a question mark is shown set and left out, one
/// with an exclamation mark is never returned.
const FIELD_ROWS: &[(&str, &str, &[&str])] = &[
    (
        "1.0",
        "pipe",
        &["/name /scaling/replicas /scaling/replicaCpuMillicores /scaling/replicaMemoryGb /settings? \
        /fieldMappings?"],
    ),
    (
        "1.1",
        "kafka",
        &["type format brokers topics consumerGroup? offset/strategy offset! schemaRegistry/url \
        schemaRegistry! authentication credentials! iamRole? caCertificate? reversePrivateEndpointIds? exactlyOnce?"],
    ),
    (
        "1.2",
        "objectStorage",
        &["type format url? delimiter? compression? isContinuous? queueUrl? skipInitialLoad? \
        startAfter? authentication? accessKey! iamRole? serviceAccountKey! connectionString! path? azureContainerName?"],
    ),
    (
        "1.3",
        "kinesis",
        &["format streamName region iteratorType timestamp? useEnhancedFanOut? authentication accessKey! \
        iamRole?"],
    ),
    (
        "1.4",
        "pubsub",
        &["format projectId topic seekType authentication seekTimestamp? filter? enableOrdering? \
        ackDeadline? serviceAccountKey!"],
    ),
    (
        "1.5",
        "postgres",
        &[
            "type? host database port authentication? iamRole? tlsHost? caCertificate? credentials! \
        settings/replicationMode settings/publicationName? settings/replicationSlotName? \
        settings/allowNullableColumns? settings/initialLoadParallelism? settings/enableFailoverSlots? \
        tableMappings/0/partitionByExpr?",
            DATABASE_SETTINGS,
            MAPPING,
        ],
    ),
    (
        "1.6",
        "mysql",
        &[
            "type? host port authentication? iamRole? tlsHost? caCertificate? credentials! disableTls? \
        skipCertVerification? settings/replicationMode settings/replicationMechanism settings/useCompression? \
        settings/allowNullableColumns? settings/initialLoadParallelism?",
            DATABASE_SETTINGS,
            MAPPING,
        ],
    ),
    (
        "1.7",
        "mongodb",
        &[
            "uri readPreference tlsHost? caCertificate? disableTls? credentials! settings/replicationMode \
        settings/useJsonNativeFormat tableMappings tableMappings/0/sourceDatabaseName tableMappings/0/sourceCollection \
        tableMappings/0/targetTable tableMappings/0/tableEngine?",
            DATABASE_SETTINGS,
        ],
    ),
    (
        "1.8",
        "bigquery",
        &["snapshotStagingPath credentials! settings/replicationMode settings/allowNullableColumns \
        settings/initialLoadParallelism? settings/snapshotNumRowsPerPartition? settings/snapshotNumberOfParallelTables? \
        tableMappings/0/sourceTable tableMappings/1/sourceTable tableMappings/0/excludedColumns? \
        tableMappings/0/sortingKeys? tableMappings/0/useCustomSortingKey tableMappings/0/tableEngine?"],
    ),
    (
        "1.9",
        "pipe",
        &["/destination/database /destination/table? /destination/managedTable? \
        /destination/tableDefinition! /destination/tableDefinition/engine/type \
        /destination/tableDefinition/engine/versionColumnId! /destination/tableDefinition/engine/columnIds! \
        /destination/tableDefinition/sortingKey? /destination/tableDefinition/partitionBy? \
        /destination/tableDefinition/primaryKey? /destination/columns /destination/roles!"],
    ),
    ("1.10", "cdcScaling", &["/replicaCpuMillicores /replicaMemoryGb"]),
    (
        "1.11",
        "endpoint",
        &["/description /type /vpcEndpointServiceName? /vpcResourceConfigurationId? \
        /vpcResourceShareArn? /mskClusterArn? /mskAuthentication? /gcpServiceAttachment? /endpointId! /dnsNames/0! \
        /privateDnsNames/0! /status! /privateDnsNames /customPrivateDnsMappings?"],
    ),
];

/// The other facts about answers, by their numbers. What is missing between them is about a client, or about a refusal.
const FACTS: [&str; 23] = [
    "6.1", "6.2", "6.3", "6.9", "6.10", "6.11", "6.12", "6.16", "6.17", "6.18", "6.19", "6.20", "6.21", "6.22", "6.23",
    "6.24", "6.25", "6.26", "6.27", "6.29", "6.30", "6.31", "6.32",
];

const ENDPOINTS: &str = "/clickpipesReversePrivateEndpoints";
const CDC_SCALING: &str = "/clickpipesCdcScaling";

/// Longer than anything in the sandbox needs to settle.
const REST: u64 = 600;

#[test]
fn reads_show_what_the_official_provider_relies_on() {
    let mut wrong = Vec::new();
    for line in ROWS.lines() {
        let default = SandboxOptions { rate_limit: None, ..SandboxOptions::default() };
        for (mut bench, is_odd) in [(SandboxBench::new(), true), (SandboxBench::with_options(default), false)] {
            let row: Value = serde_json::from_str(&with_endpoint_ids(&mut bench, line)).unwrap();
            let (sent, path) = send_row(&mut bench, &row);
            // Oddities differ from read to read.
            for _ in 0..6 {
                let read = bench.get_result(&path);
                let unexpected = unexpected_fields(row.as_object().unwrap(), &sent, &read, is_odd);
                wrong.extend(unexpected.into_iter().map(|field| format!("{field} in {line}")));
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How the lines show a field: as it was sent, or what a read has for one that was left out.
fn shown_fields() -> BTreeSet<(String, String, bool)> {
    let mut shown = BTreeSet::new();
    for row in ROWS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let kind = ["endpoint", "cdcScaling"].into_iter().find(|kind| row[*kind].is_object());
        let arm = row["pipe"].as_str().or(kind).unwrap();
        for (echo, fields) in row.as_object().unwrap().iter().filter(|(name, _)| !REQUESTS.contains(&name.as_str())) {
            let is_sent = echo.starts_with("asSent") || echo == "is" || echo == "size";
            for name in field_names(fields) {
                let object = if name.starts_with('/') && kind.is_none() { "pipe" } else { arm };
                let both = if echo == "integer" { vec![true, false] } else { vec![is_sent] };
                shown.extend(both.into_iter().map(|is_sent| (object.to_owned(), name.to_owned(), is_sent)));
            }
        }
    }
    shown
}

#[test]
fn each_row_of_the_field_tables_is_shown() {
    let shown = shown_fields();
    let mut missing = Vec::new();
    for (section, object, fields) in FIELD_ROWS {
        for field in fields.iter().flat_map(|fields| fields.split_whitespace()) {
            let name = field.trim_end_matches(['?', '!']);
            let is_shown = |is_sent| shown.contains(&((*object).to_owned(), name.to_owned(), is_sent));
            if !field.ends_with('!') && !is_shown(true) {
                missing.push(format!("{section} {object}: {name} as it was sent"));
            }
            if field.ends_with(['?', '!']) && !is_shown(false) {
                missing.push(format!("{section} {object}: {name} left out"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn each_fact_about_answers_is_shown() {
    let rows = ROWS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let facts: BTreeSet<String> =
        rows.flat_map(|row| field_names(&row["facts"]).into_iter().map(str::to_owned).collect::<Vec<_>>()).collect();
    let missing: Vec<&str> = FACTS.into_iter().filter(|fact| !facts.contains(*fact)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The row with the ids of two endpoints that are ready.
fn with_endpoint_ids(bench: &mut SandboxBench, line: &str) -> String {
    let endpoint = |description: &str| {
        json!({"description": description, "type": "GCP_PSC_SERVICE_ATTACHMENT",
            "gcpServiceAttachment": "projects/p/regions/r/serviceAttachments/s"})
    };
    let line = ["{endpoint 0}", "{endpoint 1}"].into_iter().fold(line.to_owned(), |line, name| {
        if line.contains(name) { line.replace(name, &create_object(bench, ENDPOINTS, &endpoint(name))) } else { line }
    });
    bench.wait_seconds(REST);
    line
}

/// Returns what was sent, and where to read it.
fn send_row(bench: &mut SandboxBench, row: &Value) -> (Value, String) {
    let (sent, path) = if row["endpoint"].is_object() {
        let id = create_object(bench, ENDPOINTS, &row["endpoint"]);
        (row["endpoint"].clone(), format!("{ENDPOINTS}/{id}"))
    } else if row["cdcScaling"].is_object() {
        bench.create_pipe(&postgres_body());
        bench.wait_seconds(REST);
        ok_result(&bench.send_request("PATCH", CDC_SCALING, &row["cdcScaling"]));
        (row["cdcScaling"].clone(), CDC_SCALING.to_owned())
    } else {
        let body = pipe_of_row(row);
        let id = bench.create_pipe(&body);
        (body, format!("/clickpipes/{id}"))
    };
    bench.wait_seconds(REST);
    for request in row["then"].as_array().into_iter().flatten() {
        let [method, below] = [&request[0], &request[1]].map(|text| text.as_str().unwrap());
        ok_result(&bench.send_request(method, &format!("{path}{below}"), &request[2]));
        bench.wait_seconds(REST);
    }
    (sent, path)
}

fn create_object(bench: &mut SandboxBench, path: &str, body: &Value) -> String {
    ok_result(&bench.send_request("POST", path, body))["id"].as_str().unwrap().to_owned()
}

/// The least that its source needs, with the fields of the row.
fn pipe_of_row(row: &Value) -> Value {
    let arm = row["pipe"].as_str().unwrap();
    let mut body = serde_json::from_str::<Value>(PIPES).unwrap()[arm].take();
    merge_into(&mut body, row.get("body").unwrap_or(&json!({})));
    merge_into(&mut body["source"][arm], row.get("source").unwrap_or(&json!({})));
    body
}

/// Null removes a field.
fn merge_into(value: &mut Value, edit: &Value) {
    match (value, edit) {
        (Value::Object(fields), Value::Object(edits)) => {
            for (name, edit) in edits {
                if edit.is_null() {
                    fields.remove(name);
                } else {
                    merge_into(fields.entry(name).or_insert(Value::Null), edit);
                }
            }
        }
        (value, edit) => *value = edit.clone(),
    }
}

/// What of a line is no field.
const REQUESTS: [&str; 7] = ["pipe", "source", "body", "endpoint", "cdcScaling", "then", "facts"];

fn field_names(fields: &Value) -> Vec<&str> {
    match fields {
        Value::Object(values) => values.keys().map(String::as_str).collect(),
        names => names.as_str().unwrap_or_default().split_whitespace().collect(),
    }
}

fn unexpected_fields(row: &Map<String, Value>, sent: &Value, read: &Value, is_odd: bool) -> Vec<String> {
    let mut unexpected = Vec::new();
    for (echo, fields) in row.iter().filter(|(name, _)| !REQUESTS.contains(&name.as_str())) {
        for name in field_names(fields) {
            let arm = row.get("pipe").and_then(Value::as_str).unwrap_or_default();
            let pointer = if name.starts_with('/') { name.to_owned() } else { format!("/source/{arm}/{name}") };
            let shown = read.pointer(&pointer);
            let expected = if echo == "is" { fields.get(name) } else { sent.pointer(&pointer) };
            if !is_echo(echo, expected, shown, is_odd) {
                unexpected.push(format!("{pointer} is {shown:?} and not {echo}"));
            }
        }
    }
    unexpected
}

/// Only a sandbox with oddities returns sizes as texts, engines with parentheses and lists in another order.
fn is_echo(echo: &str, expected: Option<&Value>, shown: Option<&Value>, is_odd: bool) -> bool {
    let is_unset = shown.is_none_or(Value::is_null);
    match echo {
        "asSent" | "is" => expected.is_some() && shown == expected,
        "asSentOrAbsent" => expected.is_some() && (is_unset || shown == expected),
        "asSentInAnyOrder" => {
            expected.zip(shown).is_some_and(|(expected, shown)| has_same_items(expected, shown, is_odd))
        }
        // A number, or a quantity of Kubernetes.
        "size" => shown.is_some_and(|shown| shown.is_number() || is_odd && shown.is_string()),
        // No more than one pair is forgiven.
        "asSentOrWithParentheses" => expected.and_then(Value::as_str).is_some_and(|engine| {
            let shown = shown.and_then(Value::as_str);
            shown == Some(engine) || is_odd && shown == Some(&format!("{engine}()"))
        }),
        "unset" => is_unset,
        "unsetOrEmpty" => {
            is_unset || [json!(""), json!([]), json!({}), json!(false)].iter().any(|it| shown == Some(it))
        }
        "integer" => shown.is_some_and(Value::is_i64),
        "text" => shown.and_then(Value::as_str).is_some_and(|text| !text.is_empty()),
        _ => panic!("no such echo: {echo}"),
    }
}

/// A read may add fields to an item of a list.
fn has_same_items(expected: &Value, shown: &Value, is_any_order: bool) -> bool {
    let (expected, shown) = (expected.as_array().unwrap(), shown.as_array().unwrap());
    let is_within = |item: &Value, shown: &Value| match (item, shown) {
        (Value::Object(item), Value::Object(shown)) => item.iter().all(|(name, value)| shown.get(name) == Some(value)),
        (item, shown) => item == shown,
    };
    let is_shown = |(at, item)| {
        if is_any_order {
            shown.iter().any(|shown| is_within(item, shown))
        } else {
            shown.get(at).is_some_and(|shown| is_within(item, shown))
        }
    };
    expected.len() == shown.len() && expected.iter().enumerate().all(is_shown)
}
