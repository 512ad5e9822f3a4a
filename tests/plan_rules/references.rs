//! Endpoints, the pipes that refer to them, and the size that database pipes share.

use insta::assert_snapshot;
use model::address::Kind;
use model::live::Live;
use planner::Policy;
use serde_json::json;

use super::{check, kafka, shown};
use crate::support::live;
use crate::support::pipes::live_kafka_pipe;

const ENDPOINT: &str = "
apiVersion: pipectl/v1
kind: ReversePrivateEndpoint
metadata: {name: link, service: analytics}
spec: {type: VPC_ENDPOINT_SERVICE, vpcEndpointServiceName: com.amazonaws.vpce.x}
---
";

#[test]
fn endpoint_is_created_before_its_pipe() {
    let manifest = kafka("      reversePrivateEndpointIds: [{endpoint: link}]", "");
    assert_snapshot!(check(&format!("{ENDPOINT}{manifest}"), &[]), @r#"
    review: sends `P` to `b:9092, endpoint link` for the first time (`analytics/clicks`)

    analytics                                       2 objects
      + endpoint link                               create
          + description                                 "link"
          + type                                        "VPC_ENDPOINT_SERVICE"
          + vpcEndpointServiceName                      "com.amazonaws.vpce.x"
      + clicks                                      create
            Kafka clicks -> default.clicks, JSONEachRow
            sends P to b:9092, endpoint link for the first time
            data:  no `offset` is set, so the API picks where it starts to read

    Plan: 2 to create, 0 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"create":{"address":{"service":"analytics","kind":"ReversePrivateEndpoint","name":"link"},"body":{"description":"link","type":"VPC_ENDPOINT_SERVICE","vpcEndpointServiceName":"com.amazonaws.vpce.x"}}}
    {"create":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"body":{"name":"clicks","source":{"kafka":{"type":"kafka","format":"JSONEachRow","brokers":"b:9092","topics":"clicks","authentication":"PLAIN","credentials":{"username":"u","password":{"fromEnv":"P"}},"reversePrivateEndpointIds":[{"endpoint":"link"}]}},"destination":{"database":"default","table":"clicks","managedTable":true,"tableDefinition":{"engine":{"type":"MergeTree"}},"columns":[{"name":"id","type":"UInt64"}]}}}}
    "#);
}

#[test]
fn live_endpoint_id_matches_its_reference() {
    let manifest = kafka("      reversePrivateEndpointIds: [{endpoint: link}]", "");
    let id = "44444444-4444-4444-8444-444444444444";
    let endpoint = json!({"id": id, "description": "link", "type": "VPC_ENDPOINT_SERVICE",
        "vpcEndpointServiceName": "com.amazonaws.vpce.x", "status": "Ready"});
    let pipe = live_kafka_pipe(&json!({"source": {"kafka": {"reversePrivateEndpointIds": [id]}}}));
    let mut both = live(Kind::ReversePrivateEndpoint, &[endpoint]);
    both.extend(live(Kind::ClickPipe, &[pipe]));
    let plan = shown(&format!("{ENDPOINT}{manifest}"), &both, &Policy::default());
    assert_snapshot!(plan, @"
    No changes. Live pipes match the manifests.  2 unchanged, 0 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; use --base REF to detect changes in git).
    ");
}

#[test]
fn pipe_is_updated_after_its_endpoint_is_replaced() {
    let manifest = kafka("      reversePrivateEndpointIds: [{endpoint: link}]", "");
    let id = "44444444-4444-4444-8444-444444444444";
    let endpoint = json!({"id": id, "description": "link", "type": "VPC_ENDPOINT_SERVICE",
        "vpcEndpointServiceName": "com.amazonaws.vpce.old", "status": "Ready"});
    let pipe = live_kafka_pipe(&json!({"source": {"kafka": {"reversePrivateEndpointIds": [id]}}}));
    let mut both = live(Kind::ReversePrivateEndpoint, &[endpoint]);
    both.extend(live(Kind::ClickPipe, &[pipe]));
    let plan = shown(&format!("{ENDPOINT}{manifest}"), &both, &Policy::default());
    assert_snapshot!(plan, @r#"
    review: sends `P` to `b:9092, endpoint link` for the first time (`analytics/clicks`)

    analytics                                       2 objects
      -/+ endpoint link                             must be replaced
          ~ vpcEndpointServiceName                      "com.amazonaws.vpce.old" -> "com.amazonaws.vpce.x"   # forces replacement
            actions: delete, wait until gone, create
            data:  the new endpoint has a new id and new DNS names, and may need acceptance: until then pipes that use it cannot reach their source
      ~ clicks                                      update
          ~ source.kafka.reversePrivateEndpointIds      - "44444444-4444-4444-8444-444444444444", + {"endpoint":"link"}
            also sends (required by the API): source.kafka.authentication, source.kafka.credentials
            sends P to b:9092, endpoint link for the first time

    Plan: 0 to create, 1 to update, 1 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"delete":{"address":{"service":"analytics","kind":"ReversePrivateEndpoint","name":"link"},"id":"44444444-4444-4444-8444-444444444444"}}
    {"create":{"address":{"service":"analytics","kind":"ReversePrivateEndpoint","name":"link"},"body":{"description":"link","type":"VPC_ENDPOINT_SERVICE","vpcEndpointServiceName":"com.amazonaws.vpce.x"}}}
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","via":"resource","body":{"source":{"kafka":{"reversePrivateEndpointIds":[{"endpoint":"link"}],"authentication":"PLAIN","credentials":{"username":"u","password":{"fromEnv":"P"}}}}}}}
    "#);
}

#[test]
fn reference_to_unknown_endpoint_blocks_the_pipe() {
    let manifest = kafka("      reversePrivateEndpointIds: [{endpoint: nowhere}]", "");
    assert_snapshot!(check(&manifest, &[]), @"
    analytics                                       1 object
      ! clicks                                      blocked: it references analytics/nowhere, which is neither live nor declared

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    ");
}

#[test]
fn reference_to_absent_endpoint_blocks_the_pipe() {
    let endpoint = ENDPOINT.replace("spec: {", "spec: {state: absent, ");
    let manifest = kafka("      reversePrivateEndpointIds: [{endpoint: link}]", "");
    assert_snapshot!(check(&format!("{endpoint}{manifest}"), &[]), @"
    analytics                                       2 objects
      ! clicks                                      blocked: it references analytics/link, which is declared with `state: absent`: remove the reference or the `state: absent`

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  1 unchanged, 0 unmanaged.
    ");
}

#[test]
fn endpoint_only_updates_dns_names_in_place() {
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
    {"update":{"address":{"service":"analytics","kind":"ReversePrivateEndpoint","name":"link"},"id":"44444444-4444-4444-8444-444444444444","via":"resource","body":{"customPrivateDnsMappings":[{"privateDnsName":"kafka.example.com"}]}}}
    "#);
    let moved = manifest.replace("vpce.x", "vpce.y");
    assert_snapshot!(shown(&moved, &live, &Policy::default()), @r#"
    analytics                                       1 object
      -/+ endpoint link                             must be replaced
          ~ vpcEndpointServiceName                      "com.amazonaws.vpce.x" -> "com.amazonaws.vpce.y"   # forces replacement
          + customPrivateDnsMappings                    kafka.example.com
            actions: delete, wait until gone, create
            data:  the new endpoint has a new id and new DNS names, and may need acceptance: until then pipes that use it cannot reach their source

    Plan: 0 to create, 0 to update, 1 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"delete":{"address":{"service":"analytics","kind":"ReversePrivateEndpoint","name":"link"},"id":"44444444-4444-4444-8444-444444444444"}}
    {"create":{"address":{"service":"analytics","kind":"ReversePrivateEndpoint","name":"link"},"body":{"description":"link","type":"VPC_ENDPOINT_SERVICE","vpcEndpointServiceName":"com.amazonaws.vpce.y","customPrivateDnsMappings":[{"privateDnsName":"kafka.example.com"}]}}}
    "#);
}

#[test]
fn cdc_scaling_is_always_sent_completely() {
    let manifest = "
apiVersion: pipectl/v1
kind: CdcScaling
metadata: {service: analytics}
spec: {replicaCpuMillicores: 4000, replicaMemoryGb: 16}
";
    let scaling = live(Kind::CdcScaling, &[json!({"replicaCpuMillicores": 2000, "replicaMemoryGb": 8})]);
    assert_snapshot!(shown(manifest, &scaling, &Policy::default()), @r#"
    analytics                                       1 object
      ~ CdcScaling                                  update
          ~ replicaCpuMillicores                        2000 -> 4000
          ~ replicaMemoryGb                             8 -> 16

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"update":{"address":{"service":"analytics","kind":"CdcScaling","name":"CdcScaling"},"id":"00000000-0000-4000-8000-000000000001","via":"resource","body":{"replicaCpuMillicores":4000,"replicaMemoryGb":16}}}
    "#);
    assert_snapshot!(shown(manifest, &Live::new(), &Policy::default()), @r#"
    analytics                                       1 object
      ~ CdcScaling                                  update
          + replicaCpuMillicores                        4000
          + replicaMemoryGb                             16
            data:  waits for the first database pipe to be created

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"update":{"address":{"service":"analytics","kind":"CdcScaling","name":"CdcScaling"},"id":null,"via":"resource","body":{"replicaCpuMillicores":4000,"replicaMemoryGb":16}}}
    "#);
}
