use serde_json::{Value, json};

use super::{SandboxBench, assert_refused, kafka_body, ok_result};
use crate::EndpointStatus;

const PATH: &str = "/clickpipesReversePrivateEndpoints";

fn google_endpoint(description: &str) -> Value {
    json!({
        "description": description,
        "type": "GCP_PSC_SERVICE_ATTACHMENT",
        "gcpServiceAttachment": "projects/p/regions/r/serviceAttachments/s",
    })
}

fn amazon_endpoint() -> Value {
    json!({
        "description": "amazon",
        "type": "VPC_ENDPOINT_SERVICE",
        "vpcEndpointServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-1",
        "customPrivateDnsMappings": [{"privateDnsName": "*.example.com"}],
    })
}

fn create_endpoint(bench: &mut SandboxBench, body: &Value) -> String {
    ok_result(&bench.send_request("POST", PATH, body))["id"].as_str().unwrap().to_owned()
}

fn endpoint_status(bench: &mut SandboxBench, id: &str) -> Value {
    bench.get_result(&format!("{PATH}/{id}"))["status"].clone()
}

#[test]
fn new_endpoint_becomes_ready_or_pending_acceptance() {
    let mut bench = SandboxBench::new();
    let (google, amazon) =
        (create_endpoint(&mut bench, &google_endpoint("g")), create_endpoint(&mut bench, &amazon_endpoint()));
    assert_eq!(endpoint_status(&mut bench, &google), "Provisioning");
    bench.wait_seconds(45);
    assert_eq!(endpoint_status(&mut bench, &google), "Ready");
    assert_eq!(endpoint_status(&mut bench, &amazon), "PendingAcceptance");
    let ready = EndpointStatus::Ready;
    assert!(bench.world.set_endpoint_status("analytics", "amazon", ready));
    assert_eq!(endpoint_status(&mut bench, &amazon), "Ready");
    let read = bench.get_result(&format!("{PATH}/{amazon}"));
    assert!(read["endpointId"].as_str().unwrap().starts_with("vpce-"));
    assert_eq!(read["privateDnsNames"], json!(["*.example.com"]));
    assert_eq!(read["mskClusterArn"], Value::Null);
    assert_eq!(bench.get_result(PATH).as_array().unwrap().len(), 2);
}

#[test]
fn deleted_endpoint_is_deleting_then_404() {
    let mut bench = SandboxBench::new();
    let id = create_endpoint(&mut bench, &google_endpoint("g"));
    let path = format!("{PATH}/{id}");
    assert_eq!(bench.send_request("DELETE", &path, &Value::Null).status, 200);
    assert_eq!(endpoint_status(&mut bench, &id), "Deleting");
    bench.wait_seconds(30);
    assert_refused(&bench.send_request("GET", &path, &Value::Null), 404, "NOT_FOUND");
    assert_refused(&bench.send_request("DELETE", &path, &Value::Null), 404, "NOT_FOUND");
}

#[test]
fn endpoint_type_requires_its_fields() {
    let mut bench = SandboxBench::new();
    let cases = [
        ("VPC_ENDPOINT_SERVICE", "vpcEndpointServiceName"),
        ("VPC_RESOURCE", "vpcResourceShareArn"),
        ("MSK_MULTI_VPC", "mskAuthentication"),
        ("GCP_PSC_SERVICE_ATTACHMENT", "gcpServiceAttachment"),
    ];
    for (kind, field) in cases {
        let body = json!({"description": "x", "type": kind});
        assert_refused(&bench.send_request("POST", PATH, &body), 400, &format!("{field}: is required with {kind}"));
    }
    let mut body = google_endpoint("g");
    body["gcpServiceAttachment"] = json!("my-service");
    assert_refused(&bench.send_request("POST", PATH, &body), 400, "gcpServiceAttachment");
}

#[test]
fn description_has_at_most_255_characters() {
    let mut bench = SandboxBench::new();
    assert_refused(&bench.send_request("POST", PATH, &google_endpoint(&"x".repeat(256))), 400, "at most 255");
    assert_refused(&bench.send_request("POST", PATH, &google_endpoint("")), 400, "description: '' is empty");
    create_endpoint(&mut bench, &google_endpoint(&"x".repeat(255)));
}

#[test]
fn private_dns_names_are_unique_and_not_for_msk() {
    let mut bench = SandboxBench::new();
    create_endpoint(&mut bench, &amazon_endpoint());
    assert_refused(&bench.send_request("POST", PATH, &amazon_endpoint()), 400, "is used already");
    let mut wild = google_endpoint("g");
    wild["customPrivateDnsMappings"] = json!([{"privateDnsName": "a.*.example.com"}]);
    assert_refused(&bench.send_request("POST", PATH, &wild), 400, "wildcard");
    let mut msk = json!({
        "description": "msk", "type": "MSK_MULTI_VPC", "mskClusterArn": "arn:x",
        "mskAuthentication": "SASL_IAM",
        "customPrivateDnsMappings": [{"privateDnsName": "x.example.com"}],
    });
    assert_refused(&bench.send_request("POST", PATH, &msk), 400, "is not for MSK_MULTI_VPC");
    msk["customPrivateDnsMappings"] = json!([]);
    let id = create_endpoint(&mut bench, &msk);
    let names = json!({"customPrivateDnsMappings": [{"privateDnsName": "x.example.com"}]});
    let patched = bench.send_request("PATCH", &format!("{PATH}/{id}"), &names);
    assert_refused(&patched, 400, "is not for MSK_MULTI_VPC");
}

#[test]
fn patch_replaces_dns_names_and_ignores_other_fields() {
    let mut bench = SandboxBench::new();
    let id = create_endpoint(&mut bench, &amazon_endpoint());
    let path = format!("{PATH}/{id}");
    let names = json!([{"privateDnsName": "*.example.com"}, {"privateDnsName": "b.example.com"}]);
    let body = json!({"customPrivateDnsMappings": names, "description": "new"});
    let patched = ok_result(&bench.send_request("PATCH", &path, &body));
    assert_eq!(patched["customPrivateDnsMappings"], names);
    assert_eq!(patched["description"], "amazon");
    let cleared = ok_result(&bench.send_request("PATCH", &path, &json!({"customPrivateDnsMappings": []})));
    assert_eq!(cleared["customPrivateDnsMappings"], json!([]));
}

#[test]
fn pipe_needs_a_ready_endpoint() {
    let mut bench = SandboxBench::new();
    let id = create_endpoint(&mut bench, &google_endpoint("g"));
    let mut body = kafka_body();
    body["source"]["kafka"]["reversePrivateEndpointIds"] = json!([id]);
    assert_refused(&bench.post_pipe(&body), 400, "is not ready");
    bench.wait_seconds(45);
    let pipe = bench.create_pipe(&body);
    assert_eq!(bench.read_pipe(&pipe)["source"]["kafka"]["reversePrivateEndpointIds"], json!([id]));
    let unknown = json!(["11111111-1111-4111-8111-111111111111"]);
    let patch = json!({"source": {"kafka": {"reversePrivateEndpointIds": unknown}}});
    assert_refused(&bench.patch_pipe(&pipe, &patch), 400, "does not exist");
}

/// Whoever sends the list without what somebody else put into it takes that away.
#[test]
fn list_that_is_sent_whole_loses_what_it_does_not_name() {
    let mut bench = SandboxBench::new();
    let id = create_endpoint(&mut bench, &amazon_endpoint());
    let path = format!("{PATH}/{id}");
    let mapping = json!({"privateDnsName": "a.example.com", "targetId": "t-1"});
    let put = |bench: &mut SandboxBench, mapping: &Value| {
        ok_result(&bench.send_request("PATCH", &path, &json!({"customPrivateDnsMappings": [mapping]})))
    };
    assert_eq!(put(&mut bench, &mapping)["customPrivateDnsMappings"], json!([mapping]));
    let bare = json!({"privateDnsName": "a.example.com"});
    assert_eq!(put(&mut bench, &bare)["customPrivateDnsMappings"], json!([bare]));
}

#[test]
fn msk_endpoint_has_one_private_name_for_each_broker() {
    let mut bench = SandboxBench::new();
    let body = json!({
        "description": "msk",
        "type": "MSK_MULTI_VPC",
        "mskClusterArn": "arn:aws:kafka:us-east-1:123456789012:cluster/demo/1a2b",
        "mskAuthentication": "SASL_IAM",
    });
    let id = create_endpoint(&mut bench, &body);
    let names = bench.get_result(&format!("{PATH}/{id}"))["privateDnsNames"].clone();
    let expected = ["b-1", "b-2", "b-3"].map(|broker| format!("{broker}.demo.kafka.sandbox.example"));
    assert_eq!(names, json!(expected));
}
