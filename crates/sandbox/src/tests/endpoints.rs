use serde_json::{Value, json};

use super::{Bench, kafka, ok, refused};
use crate::EndpointStatus;

const PATH: &str = "/clickpipesReversePrivateEndpoints";

fn google(description: &str) -> Value {
    json!({
        "description": description,
        "type": "GCP_PSC_SERVICE_ATTACHMENT",
        "gcpServiceAttachment": "projects/p/regions/r/serviceAttachments/s",
    })
}

fn amazon() -> Value {
    json!({
        "description": "amazon",
        "type": "VPC_ENDPOINT_SERVICE",
        "vpcEndpointServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-1",
        "customPrivateDnsMappings": [{"privateDnsName": "*.example.com"}],
    })
}

fn create(bench: &mut Bench, body: &Value) -> String {
    ok(&bench.ask("POST", PATH, body))["id"].as_str().unwrap().to_owned()
}

fn status(bench: &mut Bench, id: &str) -> Value {
    bench.get(&format!("{PATH}/{id}"))["status"].clone()
}

#[test]
fn endpoint_is_provisioned_and_ready_or_waits_for_acceptance() {
    let mut bench = Bench::new();
    let (google, amazon) = (create(&mut bench, &google("g")), create(&mut bench, &amazon()));
    assert_eq!(status(&mut bench, &google), "Provisioning");
    bench.wait(45);
    assert_eq!(status(&mut bench, &google), "Ready");
    assert_eq!(status(&mut bench, &amazon), "PendingAcceptance");
    let ready = EndpointStatus::Ready;
    assert!(bench.world.set_endpoint_status("analytics", "amazon", ready));
    assert_eq!(status(&mut bench, &amazon), "Ready");
    let read = bench.get(&format!("{PATH}/{amazon}"));
    assert!(read["endpointId"].as_str().unwrap().starts_with("vpce-"));
    assert_eq!(read["privateDnsNames"], json!(["*.example.com"]));
    assert_eq!(read["mskClusterArn"], Value::Null);
    assert_eq!(bench.get(PATH).as_array().unwrap().len(), 2);
}

#[test]
fn deleted_endpoint_is_deleting_then_404() {
    let mut bench = Bench::new();
    let id = create(&mut bench, &google("g"));
    let path = format!("{PATH}/{id}");
    assert_eq!(bench.ask("DELETE", &path, &Value::Null).status, 200);
    assert_eq!(status(&mut bench, &id), "Deleting");
    bench.wait(30);
    refused(&bench.ask("GET", &path, &Value::Null), 404, "NOT_FOUND");
    refused(&bench.ask("DELETE", &path, &Value::Null), 404, "NOT_FOUND");
}

#[test]
fn fields_of_the_type_are_required() {
    let mut bench = Bench::new();
    let cases = [
        ("VPC_ENDPOINT_SERVICE", "vpcEndpointServiceName"),
        ("VPC_RESOURCE", "vpcResourceShareArn"),
        ("MSK_MULTI_VPC", "mskAuthentication"),
        ("GCP_PSC_SERVICE_ATTACHMENT", "gcpServiceAttachment"),
    ];
    for (kind, field) in cases {
        let body = json!({"description": "x", "type": kind});
        refused(&bench.ask("POST", PATH, &body), 400, &format!("{field}: is required with {kind}"));
    }
    let mut body = google("g");
    body["gcpServiceAttachment"] = json!("my-service");
    refused(&bench.ask("POST", PATH, &body), 400, "gcpServiceAttachment");
}

#[test]
fn description_has_at_most_255_characters() {
    let mut bench = Bench::new();
    refused(&bench.ask("POST", PATH, &google(&"x".repeat(256))), 400, "at most 255");
    refused(&bench.ask("POST", PATH, &google("")), 400, "description: '' is empty");
    create(&mut bench, &google(&"x".repeat(255)));
}

#[test]
fn private_dns_names_are_unique_and_not_for_msk() {
    let mut bench = Bench::new();
    create(&mut bench, &amazon());
    refused(&bench.ask("POST", PATH, &amazon()), 400, "is used already");
    let mut wild = google("g");
    wild["customPrivateDnsMappings"] = json!([{"privateDnsName": "a.*.example.com"}]);
    refused(&bench.ask("POST", PATH, &wild), 400, "wildcard");
    let mut msk = json!({
        "description": "msk", "type": "MSK_MULTI_VPC", "mskClusterArn": "arn:x",
        "mskAuthentication": "SASL_IAM",
        "customPrivateDnsMappings": [{"privateDnsName": "x.example.com"}],
    });
    refused(&bench.ask("POST", PATH, &msk), 400, "is not for MSK_MULTI_VPC");
    msk["customPrivateDnsMappings"] = json!([]);
    let id = create(&mut bench, &msk);
    let names = json!({"customPrivateDnsMappings": [{"privateDnsName": "x.example.com"}]});
    let patched = bench.ask("PATCH", &format!("{PATH}/{id}"), &names);
    refused(&patched, 400, "is not for MSK_MULTI_VPC");
}

#[test]
fn patch_replaces_the_names_and_passes_over_the_rest() {
    let mut bench = Bench::new();
    let id = create(&mut bench, &amazon());
    let path = format!("{PATH}/{id}");
    let names = json!([{"privateDnsName": "*.example.com"}, {"privateDnsName": "b.example.com"}]);
    let body = json!({"customPrivateDnsMappings": names, "description": "new"});
    let patched = ok(&bench.ask("PATCH", &path, &body));
    assert_eq!(patched["customPrivateDnsMappings"], names);
    assert_eq!(patched["description"], "amazon");
    let cleared = ok(&bench.ask("PATCH", &path, &json!({"customPrivateDnsMappings": []})));
    assert_eq!(cleared["customPrivateDnsMappings"], json!([]));
}

#[test]
fn pipe_needs_an_endpoint_that_is_ready() {
    let mut bench = Bench::new();
    let id = create(&mut bench, &google("g"));
    let mut body = kafka();
    body["source"]["kafka"]["reversePrivateEndpointIds"] = json!([id]);
    refused(&bench.post(&body), 400, "is not ready");
    bench.wait(45);
    let pipe = bench.create(&body);
    assert_eq!(bench.read(&pipe)["source"]["kafka"]["reversePrivateEndpointIds"], json!([id]));
    let unknown = json!(["11111111-1111-4111-8111-111111111111"]);
    let patch = json!({"source": {"kafka": {"reversePrivateEndpointIds": unknown}}});
    refused(&bench.patch(&pipe, &patch), 400, "does not exist");
}
