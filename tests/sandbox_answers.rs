//! Each kind of answer of the sandbox against its response schema, wherever `PIPECTL_OPENAPI` names a copy of it, or
//! several.

use std::time::Duration;

use jsonschema::Validator;
use sandbox::{KEY_ID, KEY_SECRET, ORGANIZATION, SandboxOptions, SandboxRequest, World, basic_authorization};
use serde_json::{Value, json};

use crate::support::conformance;

/// A pipe of each source.
const PIPES: &str = include_str!("../crates/sandbox/src/tests/echo/pipes.json");

/// What an answer shows although the schema wants something else, with the evidence.
const EXCEPTIONS: &[(&str, &str)] = &[
    // Seen live, and the official provider takes an empty list for another value than none.
    ("/reversePrivateEndpointIds", "null is not of type \"array\""),
    // The provider shows it, and no schema has it.
    ("/mysql/type", "\"planetscalevitess\" is not one of"),
];

/// Members that an answer may lack although the schema has them.
const ABSENT: &[&str] = &[
    // Only of streams and object storage.
    "scaling",
    // Of services with another autoscaling, with an encryption, in an account of the customer, or by choice.
    "minReplicas",
    "maxReplicas",
    "replicaMemoryGb",
    "minTotalMemoryGb",
    "maxTotalMemoryGb",
    "encryptionKey",
    "encryptionAssumedRoleIdentifier",
    "encryptionRoleId",
    "hasTransparentDataEncryption",
    "transparentDataEncryptionKeyId",
    "byocId",
    "profile",
    "complianceType",
    "enableCoreDumps",
    "scalingSchedule",
];

/// An edition of the schema, and the world that answers by it.
struct AnswerCheck {
    document: Value,
    world: World,
    service: String,
    found: Vec<String>,
}

impl AnswerCheck {
    fn load_from_env() -> Vec<Self> {
        let files = std::env::var_os("PIPECTL_OPENAPI").unwrap_or_default();
        let files = std::env::split_paths(&files).filter(|file| !file.as_os_str().is_empty());
        files.map(|file| Self::new(&std::fs::read_to_string(file).unwrap())).collect()
    }

    fn new(text: &str) -> Self {
        let mut document: Value = serde_json::from_str(text).unwrap();
        relax_unions(&mut document["components"]);
        conformance::close_objects(&mut document["components"]["schemas"]);
        let newer_fields = document["components"]["schemas"].get("ClickPipesServiceContext").is_some();
        let mut world = World::new(SandboxOptions { rate_limit: None, newer_fields, ..SandboxOptions::default() });
        let service = world.ensure_service("analytics");
        Self { document, world, service, found: Vec::new() }
    }

    /// The result of a request, held against the schema of its path.
    fn request(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let template =
            |text: &str| text.replace("{organizationId}", ORGANIZATION).replace("{serviceId}", &self.service);
        let answer = self.world.handle_request(&SandboxRequest {
            method: method.to_owned(),
            path: format!("/v1{}", template(path)),
            authorization: Some(basic_authorization(KEY_ID, KEY_SECRET)),
            body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
        });
        let answer = answer.json_body();
        assert_eq!(answer["status"], 200, "{method} {path}: {answer}");
        self.check_answer(method, path, &answer);
        answer["result"].clone()
    }

    fn check_answer(&mut self, method: &str, path: &str, answer: &Value) {
        let is_id = |part: &str| part.len() == 36 && part.contains('-');
        let fits = |template: &str| {
            let parts = template.strip_prefix("/v1").unwrap_or(template).split('/');
            parts.clone().count() == path.split('/').count()
                && parts
                    .zip(path.split('/'))
                    .all(|(known, part)| known == part || known.starts_with('{') && is_id(part))
        };
        let mut paths = self.document["paths"].as_object().unwrap().iter();
        let operation = paths.find(|(template, _)| fits(template));
        let (_, operation) = operation.unwrap_or_else(|| panic!("no path {path}"));
        let response = &operation[method.to_lowercase()]["responses"]["200"]["content"]["application/json"]["schema"];
        let mut schema = response.clone();
        schema["components"] = self.document["components"].clone();
        let validator: Validator = jsonschema::validator_for(&schema).unwrap();
        let problems = validator.iter_errors(answer).map(|error| format!("{}: {error}", error.instance_path()));
        let is_excepted =
            |text: &str| EXCEPTIONS.iter().any(|(at, words)| text.contains(&format!("{at}: ")) && text.contains(words));
        let problems = problems.filter(|text| !is_excepted(text));
        self.found.extend(problems.map(|text| format!("{method} {path}{text}")));
        let result = response["properties"]["result"].clone();
        let items = answer["result"].as_array().cloned().unwrap_or_else(|| vec![answer["result"].clone()]);
        let item_schema = if answer["result"].is_array() { &result["items"] } else { &result };
        for item in &items {
            self.check_members(&format!("{method} {path}"), item_schema, item);
        }
    }

    /// No schema says which members a pipe has: clients read each of them.
    fn check_members(&mut self, at: &str, schema: &Value, item: &Value) {
        // A map holds what somebody has set.
        let named = schema["$ref"].as_str().filter(|name| !name.ends_with("/ClickPipeSettings"));
        let Some(name) = named.and_then(|it| it.rsplit('/').next()) else { return };
        let known = self.document["components"]["schemas"][name]["properties"].as_object().unwrap();
        let missing = known.keys().filter(|member| item.get(member).is_none() && !ABSENT.contains(&member.as_str()));
        let unknown = item.as_object().unwrap().keys().filter(|member| !known.contains_key(*member));
        self.found.extend(missing.map(|member| format!("{at}: {name} without `{member}`")));
        self.found.extend(unknown.map(|member| format!("{at}: {name} has no `{member}`")));
    }
}

/// A value may fit several branches, as some require nothing. What may be null is looked into when it is not, so that a
/// problem is told by its own place. A nullable choice of words does not list null.
fn relax_unions(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::Array(choice)) = fields.remove("oneOf") {
                let others: Vec<&Value> = choice.iter().filter(|branch| branch["type"] != "null").collect();
                match others.as_slice() {
                    [only] if choice.len() > 1 => {
                        fields.insert("if".to_owned(), json!({"not": {"type": "null"}}));
                        fields.insert("then".to_owned(), (*only).clone());
                    }
                    _ => drop(fields.insert("anyOf".to_owned(), choice.into())),
                }
            }
            let is_nullable =
                fields.get("type").and_then(Value::as_array).is_some_and(|it| it.contains(&json!("null")));
            if let Some(Value::Array(words)) = fields.get_mut("enum").filter(|_| is_nullable) {
                words.push(Value::Null);
                words.dedup();
            }
            fields.values_mut().for_each(relax_unions);
        }
        Value::Array(items) => items.iter_mut().for_each(relax_unions),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn endpoint_bodies() -> [Value; 4] {
    [
        json!({"type": "VPC_ENDPOINT_SERVICE", "vpcEndpointServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-1"}),
        json!({"type": "VPC_RESOURCE", "vpcResourceConfigurationId": "rcfg-1",
               "vpcResourceShareArn": "arn:aws:ram:us-east-1:123456789012:resource-share/1",
               "customPrivateDnsMappings": [{"privateDnsName": "db.example.com"}]}),
        json!({"type": "MSK_MULTI_VPC", "mskClusterArn": "arn:aws:kafka:us-east-1:123456789012:cluster/c/1",
               "mskAuthentication": "SASL_IAM"}),
        json!({"type": "GCP_PSC_SERVICE_ATTACHMENT",
               "gcpServiceAttachment": "projects/my-project/regions/us-central1/serviceAttachments/a"}),
    ]
}

#[test]
fn answers_of_every_kind_fit_the_official_schema() {
    const SERVICE: &str = "/organizations/{organizationId}/services/{serviceId}";
    for mut check in AnswerCheck::load_from_env() {
        let service = SERVICE.replace("{organizationId}", ORGANIZATION).replace("{serviceId}", &check.service);
        let nothing = Value::Null;
        check.request("GET", "/organizations", &nothing);
        check.request("GET", &format!("/organizations/{ORGANIZATION}/services"), &nothing);
        check.request("GET", &service, &nothing);
        check.request("PATCH", &format!("{service}/state"), &json!({"command": "start"}));
        let pipes: Value = serde_json::from_str(PIPES).unwrap();
        for (source, body) in pipes.as_object().unwrap() {
            let created = check.request("POST", &format!("{service}/clickpipes"), body);
            let pipe = format!("{service}/clickpipes/{}", created["id"].as_str().unwrap());
            check.world.advance_clock(Duration::from_secs(300));
            check.request("GET", &pipe, &nothing);
            check.request("PATCH", &pipe, &json!({"name": source}));
            if created["scaling"].is_object() {
                check.request("PATCH", &format!("{pipe}/scaling"), &json!({"replicas": 2}));
                check.request(
                    "PUT",
                    &format!("{pipe}/settings"),
                    &json!({"clickhouse_parallel_view_processing": true}),
                );
                check.request("GET", &format!("{pipe}/settings"), &nothing);
            }
            if source != "bigquery" {
                check.request("PATCH", &format!("{pipe}/state"), &json!({"command": "stop"}));
            }
        }
        check.request("GET", &format!("{service}/clickpipes"), &nothing);
        let scaling = format!("{service}/clickpipesCdcScaling");
        check.request("GET", &scaling, &nothing);
        check.request("PATCH", &scaling, &json!({"replicaCpuMillicores": 4000, "replicaMemoryGb": 16}));
        for mut body in endpoint_bodies() {
            body["description"] = body["type"].clone();
            let created = check.request("POST", &format!("{service}/clickpipesReversePrivateEndpoints"), &body);
            let endpoint = format!("{service}/clickpipesReversePrivateEndpoints/{}", created["id"].as_str().unwrap());
            check.request("GET", &endpoint, &nothing);
        }
        check.request("GET", &format!("{service}/clickpipesReversePrivateEndpoints"), &nothing);
        if check.world.options().newer_fields {
            check.request("GET", &format!("{service}/clickpipes/context"), &nothing);
        }
        assert!(check.found.is_empty(), "{}", check.found.join("\n"));
    }
}
