//! What holds for pipes of every source, and for the other kinds.

use serde_json::json;

use super::Case;
use super::good::{bigquery, cdc_scaling, endpoint, kafka, kinesis, postgres, s3};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![
        ("previous-name-own", kafka(), json!({"metadata.previousNames": ["old", "orders"]})),
        ("look-alike-name", kafka(), json!({"metadata.name": "\u{43e}rders"})),
        ("look-alike-name", endpoint(), json!({"metadata.service": "analytics "})),
        ("service-and-organization", cdc_scaling(), json!({"metadata.organization": true})),
        ("cdc-scaling-ratio", cdc_scaling(), json!({"spec.replicaMemoryGb": 8})),
        ("missing-part", kafka(), json!({"spec.destination": null})),
        (
            "missing-part",
            endpoint(),
            json!({
                "spec.type": null, "spec.mskClusterArn": null, "spec.mskAuthentication": null,
            }),
        ),
        ("source-kind", kafka(), json!({"spec.source.kafka": null})),
        (
            "source-kind",
            postgres(),
            json!({"spec.source.mongodb": super::good::mongodb()["spec"]["source"]["mongodb"]}),
        ),
        ("scaling-concurrency", s3(), json!({"spec.scaling.concurrency": 2})),
        ("unchecked-field", kafka(), json!({"spec.source.kafka.additional.newField": {"a": 1}})),
        ("unchecked-field", kafka(), json!({"spec.settings.additional.new_setting": 1})),
        ("unchecked-value", s3(), json!({"spec.source.objectStorage.additional.compression": "newer"})),
        ("unchecked-field", kafka(), json!({"spec.additional.newField": 1})),
        ("unchecked-field", kafka(), json!({"spec.scaling": {"additional": {"newField": 1}}})),
        ("unchecked-field", kafka(), json!({"spec.destination.columns.0.additional": {"newField": 1}})),
        ("unchecked-field", postgres(), json!({"spec.source.postgres.tableMappings.0.additional": {"newField": 1}})),
        ("unchecked-field", endpoint(), json!({"spec.additional.newField": 1})),
        ("unchecked-field", kafka(), json!({"spec.source": {"additional": {"newSource": {"a": 1}}}})),
        ("additional-mark", kafka(), json!({"spec.source.kafka.additionalCreateOnly": ["topics"]})),
        ("additional-mark", kafka(), json!({"spec.source.kafka.additionalNotReturned": ["newField"]})),
        ("additional-mark", postgres(), json!({"spec.source.postgres.additionalNotReturned": ["tableMappings.*.x"]})),
        ("known-additional-field", s3(), json!({"spec.source.objectStorage.additional.compression": "gzip"})),
        ("known-additional-field", kafka(), json!({"spec.source.kafka.additional.topics": "others"})),
        ("known-additional-field", kafka(), json!({"spec.source.kafka.additional.Brokers": "evil.example:9092"})),
        ("known-additional-field", kafka(), json!({"spec.source.kafka.additional.authentication": "NEWER"})),
        ("known-additional-field", postgres(), json!({"spec.source.postgres.additional.settings.pullBatchSize": 1})),
    ];
    cases.extend(databases());
    cases.extend(destinations());
    cases.extend(settings());
    cases.extend(endpoints());
    cases
}

fn databases() -> Vec<Case> {
    vec![
        ("database-pipe-table", postgres(), json!({"spec.destination.table": "orders"})),
        ("database-pipe-table", postgres(), json!({"spec.destination.columns": [{"name": "id", "type": "UInt64"}]})),
        (
            "database-pipe-field-mappings",
            postgres(),
            json!({"spec.fieldMappings": [{"sourceField": "a", "destinationField": "a"}]}),
        ),
        ("database-pipe-scaling", postgres(), json!({"spec.scaling.replicas": 2})),
        ("bigquery-scaling", bigquery(), json!({"spec.scaling.replicas": 2})),
        ("database-pipe-settings", postgres(), json!({"spec.settings.clickhouse_parallel_view_processing": true})),
    ]
}

fn destinations() -> Vec<Case> {
    const ENGINE: &str = "spec.destination.tableDefinition.engine";
    vec![
        ("missing-table", kafka(), json!({"spec.destination.table": null})),
        ("missing-table", kafka(), json!({"spec.destination.columns": null})),
        ("missing-table", kafka(), json!({"spec.destination.managedTable": null})),
        ("sorting-key-comma", kafka(), json!({"spec.destination.tableDefinition.sortingKey": ["id, message"]})),
        (
            "sorting-key-nullable",
            kafka(),
            json!({"spec.destination.columns.0.type": "Nullable(UInt64)", "spec.destination.tableDefinition.sortingKey": ["id"]}),
        ),
        (
            "sorting-key-nullable",
            kafka(),
            json!({
                "spec.destination.columns.0.type": "LowCardinality( Nullable(String))",
                "spec.destination.tableDefinition.sortingKey": ["id"],
            }),
        ),
        ("masked-value", kafka(), json!({"spec.source.kafka.topics": "[REDACTED]"})),
        ("masked-value", kafka(), json!({"spec.source.kafka.topics": "REDACTED"})),
        ("system-database", kafka(), json!({"spec.destination.database": "INFORMATION_SCHEMA"})),
        ("dotted-table", kafka(), json!({"spec.destination.table": "raw.orders"})),
        ("reserved-role", kafka(), json!({"spec.destination.roles": ["clickpipes_system"]})),
        ("managed-table-definition", kafka(), json!({"spec.destination.tableDefinition": null})),
        ("unmanaged-table-definition", kafka(), json!({"spec.destination.managedTable": false})),
        ("version-column", kafka(), json!({ENGINE: {"type": "ReplacingMergeTree"}})),
        ("version-column", kafka(), json!({ENGINE: {"type": "MergeTree", "versionColumnId": "id"}})),
        (
            "version-column-unknown",
            kafka(),
            json!({ENGINE: {"type": "ReplacingMergeTree", "versionColumnId": "version"}}),
        ),
        (
            "replacing-sorting-key",
            kafka(),
            json!({
                ENGINE: {"type": "ReplacingMergeTree", "versionColumnId": "id"},
                "spec.destination.tableDefinition.sortingKey": [],
            }),
        ),
        ("summed-columns", kafka(), json!({ENGINE: {"type": "MergeTree", "columnIds": ["id"]}})),
        ("summed-column-unknown", kafka(), json!({ENGINE: {"type": "SummingMergeTree", "columnIds": ["id", "total"]}})),
        (
            "duplicate-column",
            kafka(),
            json!({"spec.destination.columns": [
                {"name": "id", "type": "UInt64"}, {"name": "id", "type": "String"},
            ]}),
        ),
        ("unmapped-column", kafka(), json!({"spec.fieldMappings": [{"sourceField": "id", "destinationField": "id"}]})),
        (
            "mapped-column-unknown",
            kafka(),
            json!({"spec.fieldMappings": [
                {"sourceField": "id", "destinationField": "id"},
                {"sourceField": "note", "destinationField": "note"},
                {"sourceField": "x", "destinationField": "x"},
            ]}),
        ),
        (
            "duplicate-field-mapping",
            kafka(),
            json!({"spec.fieldMappings": [
                {"sourceField": "id", "destinationField": "id"},
                {"sourceField": "note", "destinationField": "note"},
                {"sourceField": "x", "destinationField": "note"},
            ]}),
        ),
    ]
}

fn settings() -> Vec<Case> {
    vec![
        ("setting-of-streams", s3(), json!({"spec.settings.streaming_max_insert_wait_ms": 500})),
        ("setting-of-object-storage", kafka(), json!({"spec.settings.clickhouse_max_threads": 0})),
        ("setting-of-kafka", kinesis(), json!({"spec.settings.kafka_read_committed": false})),
    ]
}

fn endpoints() -> Vec<Case> {
    vec![
        (
            "endpoint-dns-target",
            endpoint(),
            json!({
                "spec.type": "VPC_ENDPOINT_SERVICE",
                "spec.vpcEndpointServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-1",
                "spec.mskClusterArn": null, "spec.mskAuthentication": null,
                "spec.customPrivateDnsMappings": [{"privateDnsName": "a.example.com", "targetId": "rcfg-1"}],
            }),
        ),
        ("endpoint-msk", endpoint(), json!({"spec.mskAuthentication": null})),
        (
            "endpoint-other-type",
            endpoint(),
            json!({"spec.vpcEndpointServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-1"}),
        ),
        ("endpoint-other-type", endpoint(), json!({"spec.vpcResourceConfigurationId": "rcfg-1"})),
        (
            "endpoint-other-type",
            endpoint(),
            json!({"spec.gcpServiceAttachment": "projects/p/regions/r/serviceAttachments/s"}),
        ),
        (
            "endpoint-other-type",
            endpoint(),
            json!({"spec": {
                "type": "VPC_ENDPOINT_SERVICE",
                "vpcEndpointServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-1",
                "mskAuthentication": "SASL_IAM",
            }}),
        ),
        ("endpoint-service-name", endpoint(), json!({"spec": {"type": "VPC_ENDPOINT_SERVICE"}})),
        (
            "endpoint-resource",
            endpoint(),
            json!({"spec": {"type": "VPC_RESOURCE", "vpcResourceConfigurationId": "rcfg-1"}}),
        ),
        ("endpoint-service-attachment", endpoint(), json!({"spec": {"type": "GCP_PSC_SERVICE_ATTACHMENT"}})),
        (
            "endpoint-msk-dns",
            endpoint(),
            json!({"spec.customPrivateDnsMappings": [{"privateDnsName": "*.example.com"}]}),
        ),
        (
            "dns-wildcard-overlap",
            endpoint(),
            json!({"spec": {
                "type": "VPC_ENDPOINT_SERVICE",
                "vpcEndpointServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-1",
                "customPrivateDnsMappings": [
                    {"privateDnsName": "db.example.com"}, {"privateDnsName": "*.example.com"},
                    {"privateDnsName": "db.example.org"},
                ],
            }}),
        ),
        (
            "duplicate-dns-name",
            endpoint(),
            json!({"spec": {
                "type": "VPC_ENDPOINT_SERVICE",
                "vpcEndpointServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-1",
                "customPrivateDnsMappings": [
                    {"privateDnsName": "db.example.com"}, {"privateDnsName": "db.example.com"},
                ],
            }}),
        ),
    ]
}
