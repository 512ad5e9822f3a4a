//! Rules that nobody saw the API enforce. Only a strict sandbox refuses what breaks them.

use serde_json::{Value, json};

use crate::api_rule::{ApiRule, RuleEvidence};
use crate::options::SandboxOptions;

use super::rules::{evidence_header, with_source_fields};
use super::{
    SandboxBench, assert_refused, bigquery_body, kafka_body, mongodb_body, postgres_body, s3_body, table_mapping,
};

/// A rule, a path, a body that breaks it, and a part of the refusal.
type Case = (ApiRule, &'static str, Value, &'static str);

const PIPES: &str = "/clickpipes";
const ENDPOINTS: &str = "/clickpipesReversePrivateEndpoints";

fn kafka_with(rule: ApiRule, fields: &Value, text: &'static str) -> Case {
    (rule, PIPES, with_source_fields(kafka_body(), "kafka", fields), text)
}

fn storage_with(rule: ApiRule, fields: &Value, text: &'static str) -> Case {
    (rule, PIPES, with_source_fields(s3_body(), "objectStorage", fields), text)
}

fn postgres_with(rule: ApiRule, fields: &Value, text: &'static str) -> Case {
    (rule, PIPES, with_source_fields(postgres_body(), "postgres", fields), text)
}

/// A pipe with something else at the root, or in the destination.
fn pipe_with(rule: ApiRule, pointer: &str, value: Value, text: &'static str) -> Case {
    let mut body = kafka_body();
    let (around, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(around).unwrap()[name] = value;
    (rule, PIPES, body, text)
}

fn endpoint_with(rule: ApiRule, fields: &Value, text: &'static str) -> Case {
    let mut body = json!({"description": "e", "type": "VPC_ENDPOINT_SERVICE", "vpcEndpointServiceName": "svc"});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    (rule, ENDPOINTS, body, text)
}

fn of_streams() -> Vec<Case> {
    let event_hub = json!({"type": "azureeventhub"});
    vec![
        kafka_with(
            ApiRule::ProtobufEncoding,
            &json!({"format": "Protobuf", "protobufSchema": "message Order {}"}),
            "protobufSchema: must be base64",
        ),
        kafka_with(ApiRule::EventHubLogin, &event_hub, "credentials.connectionString"),
        kafka_with(ApiRule::KafkaListEntry, &json!({"brokers": "a:1,,b:2"}), "empty entry"),
        kafka_with(ApiRule::KafkaUnusedRole, &json!({"iamRole": "arn:x"}), "iamRole: is only allowed"),
        kafka_with(ApiRule::KafkaAvroRegistry, &json!({"format": "AvroConfluent"}), "schemaRegistry: is required"),
    ]
}

fn of_files() -> Vec<Case> {
    let azure = json!({"type": "azureblobstorage", "url": null, "azureContainerName": "c", "connectionString": "x",
        "authentication": "CONNECTION_STRING", "accessKey": null, "iamRole": null});
    let mut empty_url = azure.clone();
    (empty_url["url"], empty_url["path"]) = (json!(""), json!("data/*.json"));
    vec![
        storage_with(ApiRule::AzurePath, &azure, "path: is required"),
        storage_with(ApiRule::AzureEmptyUrl, &empty_url, "url: '' is empty"),
        storage_with(ApiRule::AzureOnly, &json!({"path": "*.json"}), "path: is only allowed"),
        storage_with(ApiRule::StorageUnusedLogin, &json!({"iamRole": "arn:x"}), "iamRole: is only allowed"),
    ]
}

fn of_databases() -> Vec<Case> {
    let mapping = |fields: &Value| {
        let mut mapping = table_mapping("users");
        mapping.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({"tableMappings": [mapping]})
    };
    let keyed = mapping(&json!({"sortingKeys": ["a"]}));
    let excluded = json!({"useCustomSortingKey": true, "sortingKeys": ["a"], "excludedColumns": ["a"]});
    let collection = |name| json!({"sourceDatabaseName": "d", "sourceCollection": name, "targetTable": "t"});
    let shared = json!({"tableMappings": [collection("a"), collection("b")]});
    let mongodb = with_source_fields(mongodb_body(), "mongodb", &shared);
    let plain = json!({"disableTls": true, "tlsHost": "db"});
    let mut scaled = bigquery_body();
    scaled["scaling"] = json!({"replicas": 2});
    let mut anonymous = with_source_fields(mongodb_body(), "mongodb", &json!({"uri": "mongodb://db.example.com"}));
    anonymous["source"]["mongodb"].as_object_mut().unwrap().remove("credentials");
    vec![
        postgres_with(ApiRule::UnusedSortingKeys, &keyed, "sortingKeys: is only allowed"),
        postgres_with(ApiRule::ExcludedSortingKey, &mapping(&excluded), "has an excluded column"),
        postgres_with(ApiRule::DisabledTls, &plain, "tlsHost: is only allowed"),
        (ApiRule::SharedTargetTable, PIPES, mongodb, "is used by another mapping"),
        (ApiRule::BigqueryScaling, PIPES, scaled, "scaling: is not for database pipes"),
        (ApiRule::MongodbLogin, PIPES, anonymous, "credentials: are required unless uri names a user"),
    ]
}

fn of_destinations() -> Vec<Case> {
    let map = |columns: &[&str]| -> Value {
        columns.iter().map(|column| json!({"sourceField": column, "destinationField": column})).collect()
    };
    let column = json!({"name": "id", "type": "UInt64"});
    let columns = json!([column, column, {"name": "message", "type": "String"}]);
    vec![
        pipe_with(ApiRule::EmptyScaling, "/scaling", json!({}), "scaling: must not be empty"),
        pipe_with(ApiRule::UnmappedColumn, "/fieldMappings", map(&["id"]), "must cover every destination column"),
        pipe_with(ApiRule::MappedColumn, "/fieldMappings", map(&["id", "message", "x"]), "not among the columns"),
        pipe_with(ApiRule::DuplicateFieldMapping, "/fieldMappings", map(&["id", "message", "id"]), "two mappings"),
        pipe_with(ApiRule::DuplicateColumn, "/destination/columns", columns, "two columns of one name"),
        pipe_with(ApiRule::UnmanagedTable, "/destination/managedTable", json!(false), "only allowed with managedTable"),
        pipe_with(ApiRule::SystemDatabase, "/destination/database", json!("system"), "is a database of the server"),
        pipe_with(ApiRule::DottedTable, "/destination/table", json!("raw.orders"), "has a dot in it"),
    ]
}

fn of_endpoints() -> Vec<Case> {
    let dns = |names: &[&str]| -> Value { names.iter().map(|name| json!({"privateDnsName": name})).collect() };
    let covered = json!({"customPrivateDnsMappings": dns(&["*.example.com", "db.example.com"])});
    let target = json!({"customPrivateDnsMappings": [{"privateDnsName": "db.example.com", "targetId": "rcfg-1"}]});
    vec![
        endpoint_with(
            ApiRule::EndpointOtherParts,
            &json!({"mskClusterArn": "arn:x"}),
            "mskClusterArn: is only allowed",
        ),
        endpoint_with(ApiRule::EndpointTarget, &target, "targetId is only for VPC_RESOURCE"),
        endpoint_with(ApiRule::EndpointWildcard, &covered, "is covered by a name with a wildcard"),
    ]
}

#[test]
fn unproven_rules_hold_in_a_strict_sandbox_only() {
    let cases = [of_streams(), of_files(), of_databases(), of_destinations(), of_endpoints()].concat();
    for rule in ApiRule::ALL.iter().filter(|rule| rule.evidence() == RuleEvidence::Ours) {
        assert!(cases.iter().any(|(tried, ..)| tried == rule), "{rule:?} has no case");
    }
    for (rule, path, body, text) in cases {
        assert_eq!(SandboxBench::new().send_request("POST", path, &body).status, 200, "{rule:?}");
        let strict = SandboxOptions { strict_rules: true, ..SandboxOptions::default() };
        let response = SandboxBench::with_options(strict).send_request("POST", path, &body);
        assert_refused(&response, 400, text);
        assert_eq!(evidence_header(&response), Some("ours"), "{rule:?}");
    }
}
