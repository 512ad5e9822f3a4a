//! Small pipes, declared and live: what most rules of a plan are about.

use serde_json::{Value, json};

/// The document of a pipe.
pub(crate) fn pipe_document(name: &str, service: &str, spec: &str) -> String {
    format!("apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: {name}, service: {service}}}\nspec:\n{spec}\n")
}

/// A declared Kafka pipe; `source` goes below its source, `spec` below its spec.
pub(crate) fn kafka_manifest(name: &str, topics: &str, source: &str, spec: &str) -> String {
    let spec = format!(
        "  source:
    kafka:
      type: kafka
      format: JSONEachRow
      brokers: b:9092
      topics: {topics}
      authentication: PLAIN
      credentials: {{username: u, password: {{fromEnv: P}}}}
{source}
  destination:
    database: default
    table: clicks
    managedTable: true
    tableDefinition: {{engine: {{type: MergeTree}}}}
    columns: [{{name: id, type: UInt64}}]
{spec}"
    );
    format!("\n{}", pipe_document(name, "analytics", &spec))
}

/// A declared Kafka pipe `clicks` of a service of its own, whose table has a sorting key.
pub(crate) fn sorted_kafka_manifest(brokers: &str, topics: &str, source: &str, spec: &str) -> String {
    kafka_manifest("clicks", &format!("\"{topics}\""), source, spec)
        .replace("brokers: b:9092", &format!("brokers: \"{brokers}\""))
        .replace("service: analytics", "service: service-1")
        .replace("{username: u, password: {fromEnv: P}}", "{username: app, password: {fromEnv: SEED_SECRET}}")
        .replace("{engine: {type: MergeTree}}", "{engine: {type: MergeTree}, sortingKey: [id]}")
}

/// The Kafka pipe `clicks` as the API tells it, with these changes.
pub(crate) fn live_kafka_pipe(changes: &Value) -> Value {
    let pipe = json!({
        "id": "11111111-1111-4111-8111-111111111111",
        "name": "clicks",
        "state": "Running",
        "source": {
            "kafka": {
                "type": "kafka", "format": "JSONEachRow", "brokers": "b:9092",
                "topics": "clicks", "authentication": "PLAIN",
                "consumerGroup": "clickpipes-11111111", "reversePrivateEndpointIds": null
            },
            "postgres": null
        },
        "destination": {
            "database": "default", "table": "clicks", "managedTable": true,
            "tableDefinition": {"engine": {"type": "MergeTree()"}},
            "columns": [{"name": "id", "type": "UInt64"}]
        },
        "fieldMappings": [],
        "settings": {},
        "scaling": {"replicas": 1, "replicaCpuMillicores": "125m", "replicaMemoryGb": "512Mi"}
    });
    merge_values(pipe, changes)
}

/// A declared Postgres pipe that copies these tables; `source` and `spec` as above.
pub(crate) fn postgres_manifest(name: &str, tables: &[&str], source: &str, spec: &str) -> String {
    let mappings: Vec<String> = tables.iter().map(|table| table_mapping(table)).collect();
    let mappings = mappings.join("\n");
    let spec = format!(
        "{spec}
  source:
    postgres:
      host: db
      port: 5432
      database: shop
      credentials: {{username: u, password: {{fromEnv: P}}}}
      settings: {{replicationMode: cdc}}
{source}
      tableMappings:
{mappings}
  destination: {{database: default}}"
    );
    format!("\n{}", pipe_document(name, "analytics", &spec))
}

fn table_mapping(table: &str) -> String {
    format!("        - {{sourceSchemaName: public, sourceTable: {table}, targetTable: {table}}}")
}

/// The Postgres pipe as the API tells it: tables and their engines, and these changes.
pub(crate) fn live_postgres_pipe(name: &str, tables: &[(&str, &str)], changes: &Value) -> Value {
    let mappings: Vec<Value> = tables
        .iter()
        .map(|(table, engine)| {
            json!({"sourceSchemaName": "public", "sourceTable": table, "targetTable": table,
                   "excludedColumns": [], "useCustomSortingKey": null, "sortingKeys": [],
                   "tableEngine": engine, "partitionKey": ""})
        })
        .collect();
    let pipe = json!({
        "id": "22222222-2222-4222-8222-222222222222",
        "name": name,
        "state": "Running",
        "source": {"postgres": {
            "type": "postgres", "host": "db", "port": 5432, "database": "shop",
            "authentication": "", "tlsHost": "", "caCertificate": "",
            "settings": {"replicationMode": "cdc", "syncIntervalSeconds": 60,
                         "pullBatchSize": 100_000, "publicationName": ""},
            "tableMappings": mappings
        }},
        "destination": {"database": "default"}
    });
    merge_values(pipe, changes)
}

/// `base` with the values of `changes` put over it.
pub(crate) fn merge_values(mut base: Value, changes: &Value) -> Value {
    match (&mut base, changes) {
        (Value::Object(base), Value::Object(changes)) => {
            for (name, change) in changes {
                let old = base.remove(name).unwrap_or(Value::Null);
                base.insert(name.clone(), merge_values(old, change));
            }
        }
        (_, Value::Null) => {}
        (base, change) => *base = change.clone(),
    }
    base
}

/// A small pipe of any service, without a secret.
pub(crate) fn kinesis_pipe(name: &str, service: &str) -> String {
    let spec = format!(
        "  source:
    kinesis: {{format: JSONEachRow, streamName: {name}, region: us-east-1, iteratorType: LATEST, authentication: IAM_ROLE, iamRole: 'arn:aws:iam::123456789012:role/reader'}}
  destination: {{database: default, table: {name}, managedTable: true, tableDefinition: {{engine: {{type: MergeTree}}}}, columns: [{{name: id, type: UInt64}}]}}
  fieldMappings: [{{sourceField: id, destinationField: id}}]"
    );
    pipe_document(name, service, &spec)
}

/// A document of a pipe that reads object storage by this queue.
pub(crate) fn queue_pipe(name: &str, queue: &str, spec: &str) -> String {
    let spec = format!(
        "  source:
    objectStorage:
      type: s3
      url: https://lake.s3.eu-west-1.amazonaws.com/{name}/**/*.json
      format: JSONEachRow
      isContinuous: true
      queueUrl: https://sqs.eu-west-1.amazonaws.com/123456789012/{queue}
      authentication: IAM_ROLE
      iamRole: arn:aws:iam::123456789012:role/lake
  destination:
    database: default
    table: {name}
    managedTable: true
    tableDefinition: {{engine: {{type: MergeTree}}}}
    columns: [{{name: id, type: UInt64}}]
{spec}"
    );
    format!("---\n{}", pipe_document(name, "analytics", &spec))
}

/// A document of a Postgres pipe that reads the slot `shop_slot` of this host.
pub(crate) fn slot_pipe(name: &str, host: &str) -> String {
    let spec = format!(
        "  source:
    postgres:
      host: {host}
      port: 5432
      database: shop
      credentials: {{username: repl, password: {{fromEnv: PG_PASSWORD}}}}
      settings: {{replicationMode: cdc_only, publicationName: pub, replicationSlotName: shop_slot}}
      tableMappings: [{{sourceSchemaName: public, sourceTable: {name}, targetTable: {name}}}]
  destination: {{database: default}}"
    );
    format!("---\n{}", pipe_document(name, "analytics", &spec))
}

/// A document of a MySQL pipe with this server id.
pub(crate) fn server_pipe(name: &str, server_id: u32) -> String {
    let spec = format!(
        "  source:
    mysql:
      host: mysql.example.com
      port: 3306
      serverId: {server_id}
      credentials: {{username: repl, password: {{fromEnv: PG_PASSWORD}}}}
      settings: {{replicationMode: cdc, replicationMechanism: GTID}}
      tableMappings: [{{sourceSchemaName: shop, sourceTable: {name}, targetTable: {name}}}]
  destination: {{database: default}}"
    );
    format!("---\n{}", pipe_document(name, "analytics", &spec))
}
