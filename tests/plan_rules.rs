//! One test for each rule of the planner, on what a person reads.

#![allow(clippy::allow_attributes, clippy::unwrap_used, reason = "a test that fails here fails")]

mod support;

use insta::assert_snapshot;
use model::address::Kind;
use model::live::Live;
use model::pattern::Pattern;
use pipectl::render::plan::{Context, render};
use planner::{Policy, plan};
use serde_json::{Value, json};
use support::{desired, live};

/// The plan as it is printed, followed by the requests in it.
fn shown(manifests: &str, live: &Live, policy: &Policy) -> String {
    let plan = plan(&desired(manifests), live, None, policy);
    let mut text = render(&plan, &Context::default()).to_plain();
    for action in &plan.actions {
        text.push_str(&serde_json::to_string(action).unwrap());
        text.push('\n');
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn check(manifests: &str, pipes: &[Value]) -> String {
    shown(manifests, &live(Kind::ClickPipe, pipes), &Policy::default())
}

/// A small Kafka pipe; `extra` goes below its spec, `kafka` below its source.
fn kafka(kafka: &str, extra: &str) -> String {
    format!(
        "
apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: clicks, service: analytics}}
spec:
  source:
    kafka:
      type: kafka
      format: JSONEachRow
      brokers: b:9092
      topics: clicks
      authentication: PLAIN
      credentials: {{username: u, password: {{fromEnv: P}}}}
{kafka}
  destination:
    database: default
    table: clicks
    managedTable: true
    tableDefinition: {{engine: {{type: MergeTree}}}}
    columns: [{{name: id, type: UInt64}}]
{extra}
"
    )
}

fn live_kafka(changes: &Value) -> Value {
    merged(
        json!({
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
        }),
        changes,
    )
}

fn postgres(tables: &[&str], postgres: &str, spec: &str) -> String {
    let tables: Vec<String> = tables
        .iter()
        .map(|table| {
            format!(
                "        - {{sourceSchemaName: public, sourceTable: {table}, targetTable: {table}}}"
            )
        })
        .collect();
    let tables = tables.join("\n");
    format!(
        "
apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: orders-cdc, service: analytics}}
spec:
{spec}
  source:
    postgres:
      host: db
      port: 5432
      database: shop
      credentials: {{username: u, password: {{fromEnv: P}}}}
      settings: {{replicationMode: cdc}}
{postgres}
      tableMappings:
{tables}
  destination: {{database: default}}
"
    )
}

fn live_postgres(tables: &[&str], changes: &Value) -> Value {
    let tables: Vec<Value> = tables
        .iter()
        .map(|table| {
            json!({"sourceSchemaName": "public", "sourceTable": table, "targetTable": table,
                   "excludedColumns": [], "useCustomSortingKey": null, "sortingKeys": [],
                   "tableEngine": "ReplacingMergeTree", "partitionKey": ""})
        })
        .collect();
    merged(
        json!({
            "id": "22222222-2222-4222-8222-222222222222",
            "name": "orders-cdc",
            "state": "Running",
            "source": {"postgres": {
                "type": "postgres", "host": "db", "port": 5432, "database": "shop",
                "authentication": "", "tlsHost": "", "caCertificate": "",
                "settings": {"replicationMode": "cdc", "syncIntervalSeconds": 60,
                             "pullBatchSize": 100_000, "publicationName": ""},
                "tableMappings": tables
            }},
            "destination": {"database": "default"}
        }),
        changes,
    )
}

/// `base` with the values of `changes` put over it.
fn merged(mut base: Value, changes: &Value) -> Value {
    match (&mut base, changes) {
        (Value::Object(base), Value::Object(changes)) => {
            for (name, change) in changes {
                let old = base.remove(name).unwrap_or(Value::Null);
                base.insert(name.clone(), merged(old, change));
            }
        }
        (_, Value::Null) => {}
        (base, change) => *base = change.clone(),
    }
    base
}

#[test]
fn what_is_not_live_is_created_with_one_request() {
    let manifest =
        kafka("", "  scaling: {replicas: 2}\n  settings: {streaming_max_insert_wait_ms: 5000}");
    assert_snapshot!(check(&manifest, &[]), @r#"
    analytics                                       1 object
      + clicks                                      create
            sends: source.kafka.credentials.password from env P

    Plan: 1 to create, 0 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"create":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"body":{"name":"clicks","source":{"kafka":{"type":"kafka","format":"JSONEachRow","brokers":"b:9092","topics":"clicks","authentication":"PLAIN","credentials":{"username":"u","password":{"fromEnv":"P"}}}},"destination":{"database":"default","table":"clicks","managedTable":true,"tableDefinition":{"engine":{"type":"MergeTree"}},"columns":[{"name":"id","type":"UInt64"}]},"scaling":{"replicas":2},"settings":{"streaming_max_insert_wait_ms":5000}}}}
    "#);
}

#[test]
fn a_pipe_that_should_be_stopped_is_created_and_stopped() {
    assert_snapshot!(check(&kafka("", "  state: stopped"), &[]), @r#"
    analytics                                       1 object
      + clicks                                      create
            actions: create, stop, wait until Stopped
            sends: source.kafka.credentials.password from env P

    Plan: 1 to create, 0 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"create":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"body":{"name":"clicks","source":{"kafka":{"type":"kafka","format":"JSONEachRow","brokers":"b:9092","topics":"clicks","authentication":"PLAIN","credentials":{"username":"u","password":{"fromEnv":"P"}}}},"destination":{"database":"default","table":"clicks","managedTable":true,"tableDefinition":{"engine":{"type":"MergeTree"}},"columns":[{"name":"id","type":"UInt64"}]}}}}
    {"setState":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":null,"to":"stopped"}}
    "#);
}

#[test]
fn server_defaults_and_other_spellings_are_no_change() {
    let manifest = kafka(
        "      exactlyOnce: false\n      reversePrivateEndpointIds: []",
        "  fieldMappings: []\n  scaling: {replicas: 1, replicaCpuMillicores: 125, replicaMemoryGb: 0.5}",
    );
    assert_snapshot!(check(&manifest, &[live_kafka(&json!({}))]), @"
    No changes: what can be compared is as declared.  1 unchanged, 0 unmanaged.
    Not compared: credentials of 1 object, which the API does not tell; --base REF tells what git changed.
    ");
}

#[test]
fn scaling_that_reads_zero_is_not_settled_and_no_change() {
    let manifest = kafka("", "  scaling: {replicaCpuMillicores: 250, replicaMemoryGb: 1}");
    let zero = json!({"scaling": {"replicaCpuMillicores": 0, "replicaMemoryGb": "0"}});
    assert_snapshot!(check(&manifest, &[live_kafka(&zero)]), @"
    No changes: what can be compared is as declared.  1 unchanged, 0 unmanaged.
    Not compared: credentials of 1 object, scaling.replicaCpuMillicores of 1, scaling.replicaMemoryGb of 1, which the API does not tell; --base REF tells what git changed.
    ");
}

#[test]
fn an_edit_of_the_connection_carries_the_credentials() {
    let manifest = kafka("", "").replace("authentication: PLAIN", "authentication: SCRAM-SHA-256");
    assert_snapshot!(check(&manifest, &[live_kafka(&json!({}))]), @r#"
    analytics                                       1 object
      ~ clicks                                      update
          ~ source.kafka.authentication                 "PLAIN" -> "SCRAM-SHA-256"
            sends along: source.kafka.credentials
            sends: source.kafka.credentials.password from env P

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","via":"resource","body":{"source":{"kafka":{"authentication":"SCRAM-SHA-256","credentials":{"username":"u","password":{"fromEnv":"P"}}}}}}}
    "#);
}

#[test]
fn settings_and_scaling_go_to_their_own_endpoints() {
    let manifest = kafka(
        "",
        "  scaling: {replicas: 3, replicaCpuMillicores: 125}\n  settings: {streaming_max_insert_wait_ms: 5000}",
    );
    assert_snapshot!(check(&manifest, &[live_kafka(&json!({}))]), @r#"
    analytics                                       1 object
      ~ clicks                                      update
          ~ scaling.replicas                            1 -> 3
          + settings.streaming_max_insert_wait_ms       5000
            actions: put settings, patch scaling

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not compared: credentials of 1 object, which the API does not tell; --base REF tells what git changed.
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","via":"settings","body":{"streaming_max_insert_wait_ms":5000}}}
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","via":"scaling","body":{"replicas":3}}}
    "#);
}

#[test]
fn columns_and_field_mappings_travel_together() {
    let manifest = kafka("", "  fieldMappings: [{sourceField: key, destinationField: id}]");
    assert_snapshot!(check(&manifest, &[live_kafka(&json!({}))]), @r#"
    analytics                                       1 object
      ~ clicks                                      update
          ~ fieldMappings                               [] -> [{"sourceField":"key","destinationField":"id"}]
            sends along: destination.columns

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not compared: credentials of 1 object, which the API does not tell; --base REF tells what git changed.
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","via":"resource","body":{"fieldMappings":[{"sourceField":"key","destinationField":"id"}],"destination":{"columns":[{"name":"id","type":"UInt64"}]}}}}
    "#);
}

#[test]
fn a_field_that_cannot_change_forces_replacement() {
    let manifest = kafka("      offset: {strategy: from_beginning}", "")
        .replace("topics: clicks", "topics: clicks_v2");
    let live =
        live_kafka(&json!({"source": {"kafka": {"offset": {"strategy": "from_beginning"}}}}));
    assert_snapshot!(check(&manifest, &[live]), @r#"
    analytics                                       1 object
      -/+ clicks                                    must be replaced
          ~ source.kafka.topics                         "clicks" -> "clicks_v2"   # forces replacement
            actions: delete, wait until gone, create
            sends: source.kafka.credentials.password from env P
            data:  the new pipe starts at from_beginning: rows already in `default.clicks` arrive again

    Plan: 0 to create, 0 to update, 1 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"delete":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111"}}
    {"create":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"body":{"name":"clicks","source":{"kafka":{"type":"kafka","format":"JSONEachRow","brokers":"b:9092","topics":"clicks_v2","authentication":"PLAIN","credentials":{"username":"u","password":{"fromEnv":"P"}},"offset":{"strategy":"from_beginning"}}},"destination":{"database":"default","table":"clicks","managedTable":true,"tableDefinition":{"engine":{"type":"MergeTree"}},"columns":[{"name":"id","type":"UInt64"}]}}}}
    "#);
}

#[test]
fn another_source_forces_replacement() {
    let manifest = postgres(&["users"], "", "").replace("name: orders-cdc", "name: clicks");
    assert_snapshot!(check(&manifest, &[live_kafka(&json!({}))]), @r#"
    analytics                                       1 object
      -/+ clicks                                    must be replaced
          + source.postgres                             {"host":"db","port":5432,"database":"shop","credentials":{"…   # forces replacement
            actions: delete, wait until gone, create
            sends: source.postgres.credentials.password from env P
            data:  table `default.users` stays when the old pipe goes, and the first copy wants it empty: empty or drop it before
                   the new pipe makes the first copy again, from the start
                   table `default.clicks` stays; drop it yourself if it is not wanted

    Plan: 0 to create, 0 to update, 1 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"delete":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111"}}
    {"create":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"body":{"name":"clicks","source":{"postgres":{"host":"db","port":5432,"database":"shop","credentials":{"username":"u","password":{"fromEnv":"P"}},"settings":{"replicationMode":"cdc"},"tableMappings":[{"sourceSchemaName":"public","sourceTable":"users","targetTable":"users"}]}},"destination":{"database":"default"}}}}
    "#);
}

#[test]
fn a_rename_is_one_patch() {
    let manifest =
        kafka("", "").replace("{name: clicks,", "{name: clicks-v2, previousNames: [clicks],");
    assert_snapshot!(check(&manifest, &[live_kafka(&json!({}))]), @r#"
    analytics                                       1 object
      ~ clicks-v2                                   rename, until now `clicks`

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 to rename.  0 unchanged, 0 unmanaged.
    Not compared: credentials of 1 object, which the API does not tell; --base REF tells what git changed.
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks-v2"},"id":"11111111-1111-4111-8111-111111111111","via":"resource","body":{"name":"clicks-v2"}}}
    "#);
}

#[test]
fn a_rename_next_to_its_old_self_is_blocked() {
    let manifest = kafka("", "").replace("{name: clicks,", "{name: new, previousNames: [clicks],");
    let new = live_kafka(&json!({"name": "new", "id": "33333333-3333-4333-8333-333333333333"}));
    assert_snapshot!(check(&manifest, &[live_kafka(&json!({})), new]), @"
    analytics                                       1 object
      ! new                                         blocked: it is live, and so is its previous name `clicks`: delete one of the two, or take `clicks` out of `previousNames`

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 1 unmanaged.
    ");
}

#[test]
fn a_table_is_added_while_the_pipe_is_paused() {
    let manifest = postgres(&["users", "refunds"], "", "");
    assert_snapshot!(check(&manifest, &[live_postgres(&["users"], &json!({}))]), @r#"
    analytics                                       1 object
      ~ orders-cdc                                  update, paused for the edit
          + source.postgres.tableMappings               public.refunds -> refunds
            actions: stop, wait until Paused, patch, wait until Running
            data:  first snapshot of `public.refunds` into `refunds`, unless the pipe is `cdc_only`; other tables keep their position

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not compared: credentials of 1 object, which the API does not tell; --base REF tells what git changed.
    {"setState":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"stopped"}}
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","via":"resource","body":{"source":{"postgres":{"tableMappingsToAdd":[{"sourceSchemaName":"public","sourceTable":"refunds","targetTable":"refunds"}]}}}}}
    {"setState":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"running"}}
    "#);
}

#[test]
fn a_table_is_removed_by_its_names() {
    let manifest = postgres(&["users"], "", "");
    assert_snapshot!(check(&manifest, &[live_postgres(&["refunds", "users"], &json!({}))]), @r#"
    analytics                                       1 object
      ~ orders-cdc                                  update, paused for the edit
          - source.postgres.tableMappings               public.refunds -> refunds
            actions: stop, wait until Paused, patch, wait until Running
            data:  `public.refunds` is no longer read; table `refunds` stays with the rows that it has

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not compared: credentials of 1 object, which the API does not tell; --base REF tells what git changed.
    {"setState":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"stopped"}}
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","via":"resource","body":{"source":{"postgres":{"tableMappingsToRemove":[{"sourceSchemaName":"public","sourceTable":"refunds","targetTable":"refunds"}]}}}}}
    {"setState":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"running"}}
    "#);
}

#[test]
fn an_edited_table_is_removed_first_and_added_later() {
    let manifest = postgres(&["users", "refunds"], "", "")
        .replace("targetTable: refunds", "targetTable: refunds, excludedColumns: [secret_note]");
    let live = live_postgres(&["refunds", "users"], &json!({}));
    assert_snapshot!(check(&manifest, &[live]), @r#"
    analytics                                       1 object
      ~ orders-cdc                                  update, paused for the edit
          ~ source.postgres.tableMappings               public.refunds -> refunds: excludedColumns [] -> ["secret_note"]
            actions: stop, wait until Paused, patch, stop, wait until Paused, patch, wait until Running
            data:  `public.refunds` is removed and added again, with a new snapshot into `refunds`: empty or drop that table before

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not compared: credentials of 1 object, which the API does not tell; --base REF tells what git changed.
    {"setState":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"stopped"}}
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","via":"resource","body":{"source":{"postgres":{"tableMappingsToRemove":[{"sourceSchemaName":"public","sourceTable":"refunds","targetTable":"refunds"}]}}}}}
    {"setState":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"stopped"}}
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","via":"resource","body":{"source":{"postgres":{"tableMappingsToAdd":[{"sourceSchemaName":"public","sourceTable":"refunds","targetTable":"refunds","excludedColumns":["secret_note"]}]}}}}}
    {"setState":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"running"}}
    "#);
}

#[test]
fn editing_the_only_table_forces_replacement() {
    let manifest = postgres(&["users"], "", "")
        .replace("targetTable: users", "targetTable: users, excludedColumns: [a]");
    let live = live_postgres(&["users"], &json!({}));
    assert_snapshot!(check(&manifest, &[live]), @r#"
    analytics                                       1 object
      -/+ orders-cdc                                must be replaced
          ~ source.postgres.tableMappings               public.users -> users: excludedColumns [] -> ["a"]   # forces replacement
            actions: delete, wait until gone, create
            sends: source.postgres.credentials.password from env P
            data:  table `default.users` stays when the old pipe goes, and the first copy wants it empty: empty or drop it before
                   the new pipe makes the first copy again, from the start

    Plan: 0 to create, 0 to update, 1 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"delete":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222"}}
    {"create":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"body":{"name":"orders-cdc","source":{"postgres":{"host":"db","port":5432,"database":"shop","credentials":{"username":"u","password":{"fromEnv":"P"}},"settings":{"replicationMode":"cdc"},"tableMappings":[{"sourceSchemaName":"public","sourceTable":"users","targetTable":"users","excludedColumns":["a"]}]}},"destination":{"database":"default"}}}}
    "#);
}

#[test]
fn an_edit_of_a_stopped_pipe_leaves_it_stopped() {
    let manifest = postgres(&["users", "refunds"], "", "  state: stopped");
    let live = live_postgres(&["users"], &json!({"state": "Paused"}));
    assert_snapshot!(check(&manifest, &[live]), @r#"
    analytics                                       1 object
      ~ orders-cdc                                  update
          + source.postgres.tableMappings               public.refunds -> refunds
            actions: patch, stop, wait until Paused
            data:  first snapshot of `public.refunds` into `refunds`, unless the pipe is `cdc_only`; other tables keep their position

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not compared: credentials of 1 object, which the API does not tell; --base REF tells what git changed.
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","via":"resource","body":{"source":{"postgres":{"tableMappingsToAdd":[{"sourceSchemaName":"public","sourceTable":"refunds","targetTable":"refunds"}]}}}}}
    {"setState":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"stopped"}}
    "#);
}

#[test]
fn a_new_host_carries_the_credentials_and_no_table() {
    let manifest = postgres(&["users"], "", "").replace("host: db", "host: db2");
    assert_snapshot!(check(&manifest, &[live_postgres(&["users"], &json!({}))]), @r#"
    analytics                                       1 object
      ~ orders-cdc                                  update
          ~ source.postgres.host                        "db" -> "db2"
            sends along: source.postgres.credentials
            sends: source.postgres.credentials.password from env P

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","via":"resource","body":{"source":{"postgres":{"host":"db2","credentials":{"username":"u","password":{"fromEnv":"P"}}}}}}}
    "#);
}

#[test]
fn authentication_of_postgres_forces_replacement() {
    let manifest = postgres(
        &["users"],
        "      authentication: IAM_ROLE\n      iamRole: arn:aws:iam::123456789012:role/r",
        "",
    )
    .replace(", password: {fromEnv: P}", "");
    assert_snapshot!(check(&manifest, &[live_postgres(&["users"], &json!({"source": {"postgres": {"authentication": "basic"}}}))]), @r#"
    analytics                                       1 object
      -/+ orders-cdc                                must be replaced
          ~ source.postgres.authentication              "basic" -> "IAM_ROLE"   # forces replacement
          + source.postgres.iamRole                     "arn:aws:iam::123456789012:role/r"   # forces replacement
            actions: delete, wait until gone, create
            data:  table `default.users` stays when the old pipe goes, and the first copy wants it empty: empty or drop it before
                   the new pipe makes the first copy again, from the start

    Plan: 0 to create, 0 to update, 1 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"delete":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222"}}
    {"create":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"body":{"name":"orders-cdc","source":{"postgres":{"host":"db","port":5432,"database":"shop","credentials":{"username":"u"},"settings":{"replicationMode":"cdc"},"authentication":"IAM_ROLE","iamRole":"arn:aws:iam::123456789012:role/r","tableMappings":[{"sourceSchemaName":"public","sourceTable":"users","targetTable":"users"}]}},"destination":{"database":"default"}}}}
    "#);
}

#[test]
fn stopping_and_starting_are_single_requests() {
    let stop = check(&kafka("", "  state: stopped"), &[live_kafka(&json!({}))]);
    assert_snapshot!(stop, @r#"
    analytics                                       1 object
      ~ clicks                                      stop
            actions: stop, wait until Stopped

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not compared: credentials of 1 object, which the API does not tell; --base REF tells what git changed.
    {"setState":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","to":"stopped"}}
    "#);
    let start = check(&kafka("", ""), &[live_kafka(&json!({"state": "Stopped"}))]);
    assert_snapshot!(start, @r#"
    analytics                                       1 object
      ~ clicks                                      start
            actions: start, wait until Running

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not compared: credentials of 1 object, which the API does not tell; --base REF tells what git changed.
    {"setState":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","to":"running"}}
    "#);
}

#[test]
fn a_failed_pipe_is_started_again() {
    assert_snapshot!(check(&kafka("", ""), &[live_kafka(&json!({"state": "Failed"}))]), @r#"
    analytics                                       1 object
      ~ clicks                                      start
            actions: start, wait until Running

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not compared: credentials of 1 object, which the API does not tell; --base REF tells what git changed.
    {"setState":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","to":"running"}}
    "#);
}

#[test]
fn a_finished_pipe_is_left_alone() {
    for state in ["", "  state: stopped"] {
        let plan = check(&kafka("", state), &[live_kafka(&json!({"state": "Completed"}))]);
        assert!(plan.contains("No changes"), "{plan}");
    }
}

#[test]
fn a_tombstone_deletes_and_then_rests() {
    let manifest = postgres(&["users"], "", "  state: absent");
    assert_snapshot!(check(&manifest, &[live_postgres(&["users"], &json!({}))]), @r#"
    analytics                                       1 object
      - orders-cdc                                  delete (state: absent)
            actions: delete, wait until gone
            data:  table `default.users` stays; drop it yourself if it is not wanted

    Plan: 0 to create, 0 to update, 0 to replace, 1 to delete.  0 unchanged, 0 unmanaged.
    {"delete":{"at":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222"}}
    "#);
    assert!(check(&manifest, &[]).contains("No changes"));
}

#[test]
fn a_protected_pipe_is_neither_deleted_nor_replaced() {
    let absent = kafka("", "  state: absent\n  protect: true");
    assert_snapshot!(check(&absent, &[live_kafka(&json!({}))]), @"
    analytics                                       1 object
      ! clicks                                      blocked: it is protected: take `protect` off before deleting it

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    ");
    let replace = kafka("", "  protect: true").replace("topics: clicks", "topics: other");
    assert_snapshot!(check(&replace, &[live_kafka(&json!({}))]), @r#"
    analytics                                       1 object
      ! clicks                                      blocked: it is protected, and this change would delete it and make it again: take `protect` off, or undo the change that forces replacement
          ~ source.kafka.topics                         "clicks" -> "other"   # forces replacement

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    "#);
}

#[test]
fn protection_by_policy_needs_no_word_in_the_manifest() {
    let policy = Policy { protect: vec![Pattern::new("analytics/*")], ..Policy::default() };
    let manifest = kafka("", "  state: absent");
    let live = live(Kind::ClickPipe, &[live_kafka(&json!({}))]);
    assert_snapshot!(shown(&manifest, &live, &policy), @"
    analytics                                       1 object
      ! clicks                                      blocked: it is protected: take `protect` off before deleting it

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    ");
}

#[test]
fn two_live_pipes_of_one_name_block() {
    let twin = json!({"id": "99999999-9999-4999-8999-999999999999", "createdAt": "2026-01-02T00:00:00.000000Z"});
    let live =
        [live_kafka(&json!({"createdAt": "2026-01-01T00:00:00.000000Z"})), live_kafka(&twin)];
    assert_snapshot!(check(&kafka("", ""), &live), @"
    analytics                                       1 object
      ! clicks                                      blocked: several live objects have this name: 11111111-1111-4111-8111-111111111111 (made 2026-01-01T00:00:00.000000Z), 99999999-9999-4999-8999-999999999999 (made 2026-01-02T00:00:00.000000Z); pick one with `metadata.id`, or delete the others

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    ");
    let pinned = kafka("", "  scaling: {replicas: 4}").replace(
        "service: analytics",
        "service: analytics, id: 99999999-9999-4999-8999-999999999999",
    );
    assert_snapshot!(check(&pinned, &live), @r#"
    analytics                                       1 object
      ~ clicks                                      update
          ~ scaling.replicas                            1 -> 4

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 1 unmanaged.
    Not compared: credentials of 1 object, which the API does not tell; --base REF tells what git changed.
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"99999999-9999-4999-8999-999999999999","via":"scaling","body":{"replicas":4}}}
    "#);
}

#[test]
fn a_pinned_id_that_is_not_live_blocks() {
    let pinned = kafka("", "").replace(
        "service: analytics",
        "service: analytics, id: 99999999-9999-4999-8999-999999999999",
    );
    assert_snapshot!(check(&pinned, &[live_kafka(&json!({}))]), @"
    analytics                                       1 object
      ! clicks                                      blocked: `metadata.id` says 99999999-9999-4999-8999-999999999999, but no live object of the service has that id

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    ");
}

#[test]
fn what_nobody_declares_is_counted_and_left_alone() {
    let other =
        live_kafka(&json!({"name": "by-hand", "id": "33333333-3333-4333-8333-333333333333"}));
    assert_snapshot!(check(&kafka("", ""), &[live_kafka(&json!({})), other]), @"
    No changes: what can be compared is as declared.  1 unchanged, 1 unmanaged.
    Not compared: credentials of 1 object, which the API does not tell; --base REF tells what git changed.
    ");
}

const ENDPOINT: &str = "
apiVersion: pipectl/v1
kind: ReversePrivateEndpoint
metadata: {name: link, service: analytics}
spec: {type: VPC_ENDPOINT_SERVICE, vpcEndpointServiceName: com.amazonaws.vpce.x}
---
";

#[test]
fn an_endpoint_is_made_before_the_pipe_that_refers_to_it() {
    let manifest = kafka("      reversePrivateEndpointIds: [{endpoint: link}]", "");
    assert_snapshot!(check(&format!("{ENDPOINT}{manifest}"), &[]), @r#"
    analytics                                       2 objects
      + endpoint link                               create
      + clicks                                      create
            sends: source.kafka.credentials.password from env P

    Plan: 2 to create, 0 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"create":{"at":{"service":"analytics","kind":"ReversePrivateEndpoint","name":"link"},"body":{"description":"link","type":"VPC_ENDPOINT_SERVICE","vpcEndpointServiceName":"com.amazonaws.vpce.x"}}}
    {"create":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"body":{"name":"clicks","source":{"kafka":{"type":"kafka","format":"JSONEachRow","brokers":"b:9092","topics":"clicks","authentication":"PLAIN","credentials":{"username":"u","password":{"fromEnv":"P"}},"reversePrivateEndpointIds":[{"endpoint":"link"}]}},"destination":{"database":"default","table":"clicks","managedTable":true,"tableDefinition":{"engine":{"type":"MergeTree"}},"columns":[{"name":"id","type":"UInt64"}]}}}}
    "#);
}

#[test]
fn a_reference_to_a_live_endpoint_is_its_id() {
    let manifest = kafka("      reversePrivateEndpointIds: [{endpoint: link}]", "");
    let id = "44444444-4444-4444-8444-444444444444";
    let endpoint = json!({"id": id, "description": "link", "type": "VPC_ENDPOINT_SERVICE",
        "vpcEndpointServiceName": "com.amazonaws.vpce.x", "status": "Ready"});
    let pipe = live_kafka(&json!({"source": {"kafka": {"reversePrivateEndpointIds": [id]}}}));
    let mut both = live(Kind::ReversePrivateEndpoint, &[endpoint]);
    both.extend(live(Kind::ClickPipe, &[pipe]));
    let plan = shown(&format!("{ENDPOINT}{manifest}"), &both, &Policy::default());
    assert_snapshot!(plan, @"
    No changes: what can be compared is as declared.  2 unchanged, 0 unmanaged.
    Not compared: credentials of 1 object, which the API does not tell; --base REF tells what git changed.
    ");
}

#[test]
fn a_pipe_follows_an_endpoint_that_is_replaced() {
    let manifest = kafka("      reversePrivateEndpointIds: [{endpoint: link}]", "");
    let id = "44444444-4444-4444-8444-444444444444";
    let endpoint = json!({"id": id, "description": "link", "type": "VPC_ENDPOINT_SERVICE",
        "vpcEndpointServiceName": "com.amazonaws.vpce.old", "status": "Ready"});
    let pipe = live_kafka(&json!({"source": {"kafka": {"reversePrivateEndpointIds": [id]}}}));
    let mut both = live(Kind::ReversePrivateEndpoint, &[endpoint]);
    both.extend(live(Kind::ClickPipe, &[pipe]));
    let plan = shown(&format!("{ENDPOINT}{manifest}"), &both, &Policy::default());
    assert_snapshot!(plan, @r#"
    analytics                                       2 objects
      -/+ endpoint link                             must be replaced
          ~ vpcEndpointServiceName                      "com.amazonaws.vpce.old" -> "com.amazonaws.vpce.x"   # forces replacement
            actions: delete, wait until gone, create
            data:  the new endpoint has another id and other DNS names, and may wait for acceptance: pipes that use the old one cannot reach their source until then
      ~ clicks                                      update
          ~ source.kafka.reversePrivateEndpointIds      ["44444444-4444-4444-8444-444444444444"] -> [{"endpoint":"link"}]
            sends along: source.kafka.authentication, source.kafka.credentials
            sends: source.kafka.credentials.password from env P

    Plan: 0 to create, 1 to update, 1 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"delete":{"at":{"service":"analytics","kind":"ReversePrivateEndpoint","name":"link"},"id":"44444444-4444-4444-8444-444444444444"}}
    {"create":{"at":{"service":"analytics","kind":"ReversePrivateEndpoint","name":"link"},"body":{"description":"link","type":"VPC_ENDPOINT_SERVICE","vpcEndpointServiceName":"com.amazonaws.vpce.x"}}}
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","via":"resource","body":{"source":{"kafka":{"reversePrivateEndpointIds":[{"endpoint":"link"}],"authentication":"PLAIN","credentials":{"username":"u","password":{"fromEnv":"P"}}}}}}}
    "#);
}

#[test]
fn a_reference_to_nothing_blocks() {
    let manifest = kafka("      reversePrivateEndpointIds: [{endpoint: nowhere}]", "");
    assert_snapshot!(check(&manifest, &[]), @"
    analytics                                       1 object
      ! clicks                                      blocked: it refers to analytics/nowhere, which is neither live nor declared

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    ");
}

#[test]
fn an_endpoint_changes_its_names_in_place_and_nothing_else() {
    let manifest = ENDPOINT.trim_end_matches("---\n").replace(
        "com.amazonaws.vpce.x}",
        "com.amazonaws.vpce.x, customPrivateDnsMappings: [{privateDnsName: kafka.example.com}]}",
    );
    let endpoint = json!({"id": "44444444-4444-4444-8444-444444444444", "description": "link",
        "type": "VPC_ENDPOINT_SERVICE", "vpcEndpointServiceName": "com.amazonaws.vpce.x",
        "status": "Ready"});
    let live = live(Kind::ReversePrivateEndpoint, &[endpoint]);
    assert_snapshot!(shown(&manifest, &live, &Policy::default()), @r#"
    analytics                                       1 object
      ~ endpoint link                               update
          + customPrivateDnsMappings                    kafka.example.com

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"update":{"at":{"service":"analytics","kind":"ReversePrivateEndpoint","name":"link"},"id":"44444444-4444-4444-8444-444444444444","via":"resource","body":{"customPrivateDnsMappings":[{"privateDnsName":"kafka.example.com"}]}}}
    "#);
    let moved = manifest.replace("vpce.x", "vpce.y");
    assert_snapshot!(shown(&moved, &live, &Policy::default()), @r#"
    analytics                                       1 object
      -/+ endpoint link                             must be replaced
          ~ vpcEndpointServiceName                      "com.amazonaws.vpce.x" -> "com.amazonaws.vpce.y"   # forces replacement
          + customPrivateDnsMappings                    kafka.example.com
            actions: delete, wait until gone, create
            data:  the new endpoint has another id and other DNS names, and may wait for acceptance: pipes that use the old one cannot reach their source until then

    Plan: 0 to create, 0 to update, 1 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"delete":{"at":{"service":"analytics","kind":"ReversePrivateEndpoint","name":"link"},"id":"44444444-4444-4444-8444-444444444444"}}
    {"create":{"at":{"service":"analytics","kind":"ReversePrivateEndpoint","name":"link"},"body":{"description":"link","type":"VPC_ENDPOINT_SERVICE","vpcEndpointServiceName":"com.amazonaws.vpce.y","customPrivateDnsMappings":[{"privateDnsName":"kafka.example.com"}]}}}
    "#);
}

#[test]
fn scaling_of_database_pipes_is_always_sent_whole() {
    let manifest = "
apiVersion: pipectl/v1
kind: CdcScaling
metadata: {service: analytics}
spec: {replicaCpuMillicores: 4000, replicaMemoryGb: 16}
";
    let scaling =
        live(Kind::CdcScaling, &[json!({"replicaCpuMillicores": 2000, "replicaMemoryGb": 8})]);
    assert_snapshot!(shown(manifest, &scaling, &Policy::default()), @r#"
    analytics                                       1 object
      ~ CdcScaling                                  update
          ~ replicaCpuMillicores                        2000 -> 4000
          ~ replicaMemoryGb                             8 -> 16

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"update":{"at":{"service":"analytics","kind":"CdcScaling","name":"CdcScaling"},"id":"00000000-0000-4000-8000-000000000001","via":"resource","body":{"replicaCpuMillicores":4000,"replicaMemoryGb":16}}}
    "#);
    assert_snapshot!(shown(manifest, &Live::new(), &Policy::default()), @r#"
    analytics                                       1 object
      ~ CdcScaling                                  update

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"update":{"at":{"service":"analytics","kind":"CdcScaling","name":"CdcScaling"},"id":null,"via":"resource","body":{"replicaCpuMillicores":4000,"replicaMemoryGb":16}}}
    "#);
}
