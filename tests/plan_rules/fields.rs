//! What an edit takes, field by field.

use insta::assert_snapshot;
use serde_json::json;

use super::{check, kafka, postgres};
use crate::support::pipes::live_kafka_pipe;

#[test]
fn missing_pipe_is_created_with_one_request() {
    let manifest = kafka("", "  scaling: {replicas: 2}\n  settings: {streaming_max_insert_wait_ms: 5000}");
    assert_snapshot!(check(&manifest, &[]), @r#"
    review: sends `P` to `b:9092` for the first time (`analytics/clicks`)

    analytics                                       1 object
      + clicks                                      create
            Kafka clicks -> default.clicks, JSONEachRow
            sends P to b:9092 for the first time
            data:  no `offset` is set, so the API picks where it starts to read

    Plan: 1 to create, 0 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"create":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"body":{"name":"clicks","source":{"kafka":{"type":"kafka","format":"JSONEachRow","brokers":"b:9092","topics":"clicks","authentication":"PLAIN","credentials":{"username":"u","password":{"fromEnv":"P"}}}},"destination":{"database":"default","table":"clicks","managedTable":true,"tableDefinition":{"engine":{"type":"MergeTree"}},"columns":[{"name":"id","type":"UInt64"}]},"scaling":{"replicas":2},"settings":{"streaming_max_insert_wait_ms":5000}}}}
    "#);
}

#[test]
fn pipe_declared_stopped_is_created_and_stopped() {
    assert_snapshot!(check(&kafka("", "  state: stopped"), &[]), @r#"
    review: sends `P` to `b:9092` for the first time (`analytics/clicks`)

    analytics                                       1 object
      + clicks                                      create
            Kafka clicks -> default.clicks, JSONEachRow
            actions: create stopped, wait until Stopped
            sends P to b:9092 for the first time
            data:  nothing is read until it is started. Then: no `offset` is set, so the API picks where it starts to read
                   an API that does not know `startPaused` starts it: then it reads until it is stopped

    Plan: 1 to create, 0 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"create":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"body":{"name":"clicks","source":{"kafka":{"type":"kafka","format":"JSONEachRow","brokers":"b:9092","topics":"clicks","authentication":"PLAIN","credentials":{"username":"u","password":{"fromEnv":"P"}}}},"destination":{"database":"default","table":"clicks","managedTable":true,"tableDefinition":{"engine":{"type":"MergeTree"}},"columns":[{"name":"id","type":"UInt64"}]},"startPaused":true}}}
    {"setState":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":null,"to":"stopped"}}
    "#);
}

#[test]
fn defaults_and_equivalent_spellings_are_no_change() {
    let manifest = kafka(
        "      exactlyOnce: false\n      reversePrivateEndpointIds: []",
        "  fieldMappings: []\n  scaling: {replicas: 1, replicaCpuMillicores: 125, replicaMemoryGb: 0.5}",
    );
    assert_snapshot!(check(&manifest, &[live_kafka_pipe(&json!({}))]), @"
    No changes. Live pipes match the manifests.  1 unchanged, 0 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; use --base REF to detect changes in git).
    ");
}

#[test]
fn zero_scaling_is_unsettled_and_no_change() {
    let manifest = kafka("", "  scaling: {replicaCpuMillicores: 250, replicaMemoryGb: 1}");
    let zero = json!({"scaling": {"replicaCpuMillicores": 0, "replicaMemoryGb": "0"}});
    assert_snapshot!(check(&manifest, &[live_kafka_pipe(&zero)]), @"
    No changes. Live pipes match the manifests.  1 unchanged, 0 unmanaged.
    Not checked: credentials of 1 object, scaling.replicaCpuMillicores of 1, scaling.replicaMemoryGb of 1 (write-only in the API; use --base REF to detect changes in git).
    ");
}

#[test]
fn connection_edit_also_sends_the_credentials() {
    let manifest = kafka("", "").replace("authentication: PLAIN", "authentication: SCRAM-SHA-256");
    assert_snapshot!(check(&manifest, &[live_kafka_pipe(&json!({}))]), @r#"
    analytics                                       1 object
      ~ clicks                                      update
          ~ source.kafka.authentication                 "PLAIN" -> "SCRAM-SHA-256"
            also sends (required by the API): source.kafka.credentials
            sends P to b:9092

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","via":"resource","body":{"source":{"kafka":{"authentication":"SCRAM-SHA-256","credentials":{"username":"u","password":{"fromEnv":"P"}}}}}}}
    "#);
}

#[test]
fn settings_and_scaling_use_their_own_sub_resources() {
    let manifest = kafka(
        "",
        "  scaling: {replicas: 3, replicaCpuMillicores: 125}\n  settings: {streaming_max_insert_wait_ms: 5000}",
    );
    assert_snapshot!(check(&manifest, &[live_kafka_pipe(&json!({}))]), @r#"
    analytics                                       1 object
      ~ clicks                                      update
          ~ scaling.replicas                            1 -> 3
          + settings.streaming_max_insert_wait_ms       5000
            actions: put settings, patch scaling

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; use --base REF to detect changes in git).
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","via":"settings","body":{"streaming_max_insert_wait_ms":5000}}}
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","via":"scaling","body":{"replicas":3}}}
    "#);
}

#[test]
fn columns_and_field_mappings_are_sent_together() {
    let manifest = kafka("", "  fieldMappings: [{sourceField: key, destinationField: id}]");
    assert_snapshot!(check(&manifest, &[live_kafka_pipe(&json!({}))]), @r#"
    analytics                                       1 object
      ~ clicks                                      update
          ~ fieldMappings                               + key, destinationField id
            also sends (required by the API): destination.columns

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; use --base REF to detect changes in git).
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","via":"resource","body":{"fieldMappings":[{"sourceField":"key","destinationField":"id"}],"destination":{"columns":[{"name":"id","type":"UInt64"}]}}}}
    "#);
}

#[test]
fn immutable_field_change_forces_replacement() {
    let manifest = kafka("      offset: {strategy: from_beginning}", "").replace("topics: clicks", "topics: clicks_v2");
    let live = live_kafka_pipe(&json!({"source": {"kafka": {"offset": {"strategy": "from_beginning"}}}}));
    assert_snapshot!(check(&manifest, &[live]), @r#"
    analytics                                       1 object
      -/+ clicks                                    must be replaced
          ~ source.kafka.topics                         "clicks" -> "clicks_v2"   # forces replacement
            actions: delete, wait until gone, create
            sends P to b:9092
            data:  the new pipe starts at from_beginning: rows already in `default.clicks` are loaded again
                   the new object keeps what the manifest omits: `scaling`
                   the API made these values from the id of the old object, and the new object gets its own: `source.kafka.consumerGroup`
                   the API does not return these fields, and the new object has them only if the manifest declares them: `destination.roles`
                   the API returned no value for these fields, and the new object has them only if the manifest declares them: `destination.tableDefinition.primaryKey`, `source.kafka.sshKeyResourceId`

    Plan: 0 to create, 0 to update, 1 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"delete":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111"}}
    {"create":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"body":{"name":"clicks","source":{"kafka":{"type":"kafka","format":"JSONEachRow","brokers":"b:9092","topics":"clicks_v2","authentication":"PLAIN","credentials":{"username":"u","password":{"fromEnv":"P"}},"offset":{"strategy":"from_beginning"}}},"destination":{"database":"default","table":"clicks","managedTable":true,"tableDefinition":{"engine":{"type":"MergeTree"}},"columns":[{"name":"id","type":"UInt64"}]},"scaling":{"replicas":1,"replicaCpuMillicores":125,"replicaMemoryGb":0.5}}}}
    "#);
}

#[test]
fn source_change_blocks_the_pipe() {
    let manifest = postgres(&["users"], "", "").replace("name: orders-cdc", "name: clicks");
    assert_snapshot!(check(&manifest, &[live_kafka_pipe(&json!({}))]), @"
    analytics                                       1 object
      ! clicks                                      blocked: the live object of this name reads from `kafka`, and the manifest declares `postgres`: use another name, and delete the live object with a manifest that has `state: absent` and no `source`

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    ");
}

#[test]
fn advice_for_another_source_works() {
    let absent = "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {name: clicks, service: analytics}\nspec: {state: absent}\n";
    let plan = check(absent, &[live_kafka_pipe(&json!({}))]);
    assert!(plan.contains("1 to delete"), "{plan}");
}
