//! Conflicts between documents.

use super::{load_all, pipe_yaml, render_diagnostics};

fn load_and_render(files: &[(&str, &str)]) -> (String, usize) {
    let loaded = load_all(files);
    (render_diagnostics(&loaded.diagnostics), loaded.manifests.len())
}

#[test]
fn duplicate_identity_is_rejected() {
    let scaling = |metadata: &str| {
        format!(
            "---
apiVersion: pipectl/v1
kind: CdcScaling
metadata: {metadata}
spec: {{replicaCpuMillicores: 1000, replicaMemoryGb: 4}}
"
        )
    };
    let endpoint = "---
apiVersion: pipectl/v1
kind: ReversePrivateEndpoint
metadata: {name: orders, service: s}
spec: {type: VPC_ENDPOINT_SERVICE, vpcEndpointServiceName: x}
";
    let b = format!(
        "{}---\n{}---\n{}{endpoint}{}{}{}{}",
        pipe_yaml("orders", ""),
        pipe_yaml("orders", "").replace("service: s", "service: t"),
        pipe_yaml("orders", "").replace("service: s", ""),
        scaling("{service: s}"),
        scaling("{organization: true}"),
        scaling("{service: s}"),
        scaling("{}"),
    );
    let (said, manifests) = load_and_render(&[("a.yaml", &pipe_yaml("orders", "")), ("b.yaml", &b)]);
    insta::assert_snapshot!(said, @"
    b.yaml:4:9 error[duplicate-identity] metadata.name: the ClickPipe `orders` of service `s` is declared twice
        a.yaml:4:9: first declared here
        help: remove one of the two, or give it another name
    b.yaml:63:1 error[duplicate-identity] metadata: the `CdcScaling` of service `s` is declared twice
        b.yaml:53:1: first declared here
        help: remove one of the two, or give it another name
    ");
    assert_eq!(manifests, 7);
}

#[test]
fn previous_name_conflicts_are_rejected() {
    let a = format!(
        "{}---\n{}---\n{}---\n{}",
        pipe_yaml("orders", "previousNames: [old, older, old]"),
        pipe_yaml("events", "previousNames: [old, orders]"),
        pipe_yaml("other", "previousNames: [orders]").replace("service: s", "service: t"),
        pipe_yaml("own", "previousNames: [own]"),
    );
    let (said, manifests) = load_and_render(&[("a.yaml", &a)]);
    insta::assert_snapshot!(said, @r#"
    a.yaml:21:19 error[previous-name-claimed] metadata.previousNames.0: another manifest claims this previous name too
        a.yaml:6:19: first claimed here
        help: keep it where the object really came from
    a.yaml:21:24 error[previous-name-declared] metadata.previousNames.1: this previous name is still declared by another manifest
        a.yaml:4:9: declared here
        help: take it out of `previousNames`, or remove the other manifest
    a.yaml:51:19 error[previous-name-own] metadata.previousNames.0: the name is listed as a previous name of itself
        help: list only the names that it had before
    "#);
    assert_eq!(manifests, 2);
}

fn mongodb_pipe_yaml(name: &str, table: &str) -> String {
    format!(
        "---
apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: {name}, service: s}}
spec:
  source:
    mongodb:
      uri: mongodb://h/db
      readPreference: primary
      credentials: {{username: u, password: {{fromEnv: P}}}}
      settings: {{replicationMode: cdc}}
      tableMappings:
        - {{sourceDatabaseName: d, sourceCollection: c, targetTable: {table}}}
  destination: {{database: default}}
"
    )
}

#[test]
fn pipes_writing_the_same_table_cause_a_warning() {
    let managed = |name: &str, table: &str| {
        pipe_yaml(name, "")
            .replace(&format!("table: {name}"), &format!("table: {table}"))
            .replace("managedTable: false", "managedTable: true\n    tableDefinition: {engine: {type: MergeTree}}")
    };
    let inserts =
        |name: &str, table: &str| pipe_yaml(name, "").replace(&format!("table: {name}"), &format!("table: {table}"));
    let text = [
        managed("m1", "t"),
        inserts("i1", "t"),
        inserts("i2", "t"),
        managed("m2", "t"),
        managed("m3", "u").replace("database: default", "database: other"),
        managed("m4", "u"),
        managed("m5", "u").replace("service: s", "service: elsewhere"),
        format!("{}  state: absent\n", managed("m6", "u")),
        inserts("i3", "v"),
    ]
    .join("---\n");
    let text = text + &mongodb_pipe_yaml("c1", "v") + &mongodb_pipe_yaml("c2", "w") + &mongodb_pipe_yaml("c3", "w");
    let (said, manifests) = load_and_render(&[("a.yaml", &text)]);
    insta::assert_snapshot!(said, @"
    a.yaml:58:12 warning[same-table] spec.destination.table: another pipe writes the table `default.t` too
        a.yaml:12:12: the other is here
        help: give one of them another table; pipes that only insert share a table with `managedTable: false`
    a.yaml:154:69 warning[same-table] spec.source.mongodb.tableMappings.0.targetTable: another pipe writes the table `default.v` too
        a.yaml:139:12: the other is here
        help: give one of them another table; pipes that only insert share a table with `managedTable: false`
    a.yaml:182:69 warning[same-table] spec.source.mongodb.tableMappings.0.targetTable: another pipe writes the table `default.w` too
        a.yaml:168:69: the other is here
        help: give one of them another table; pipes that only insert share a table with `managedTable: false`
    ");
    assert_eq!(manifests, 12);
}

#[test]
fn duplicate_identity_errors_are_capped_at_1000() {
    let text = pipe_yaml("same", "") + "---\n";
    let (said, manifests) = load_and_render(&[("a.yaml", &text.repeat(1102))]);
    assert_eq!(said.matches("duplicate-identity").count(), 1000);
    assert_eq!(manifests, 1);
}

#[test]
fn manifests_after_problem_limit_are_not_loaded() {
    let broken = pipe_yaml("broken", "").replace("type: s3", "tpye: s3") + "---\n";
    let good = pipe_yaml("good", "");
    let (said, manifests) = load_and_render(&[("a.yaml", &(broken.repeat(1002) + &good))]);
    assert!(said.contains("too-many-problems"));
    assert_eq!(manifests, 0);
}

fn kafka_pipe_yaml(name: &str, brokers: &str) -> String {
    format!(
        "---
apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: {name}, service: s}}
spec:
  source:
    kafka: {{type: msk, format: JSONEachRow, brokers: {brokers}, topics: {name}, authentication: IAM_ROLE, iamRole: 'arn:aws:iam::123456789012:role/r'}}
  destination: {{database: default, table: {name}, managedTable: false, columns: [{{name: a, type: String}}]}}
"
    )
}

#[test]
fn brokers_of_an_endpoint_without_brokers_are_reported() {
    let endpoint = |name: &str, service: &str, spec: &str| {
        format!(
            "---\napiVersion: pipectl/v1\nkind: ReversePrivateEndpoint\nmetadata: {{name: {name}, service: {service}}}\n\
             spec: {{{spec}}}\n"
        )
    };
    let vpc = "type: VPC_ENDPOINT_SERVICE, vpcEndpointServiceName: com.amazonaws.vpce.eu-west-1.vpce-svc-0a";
    let msk = "type: MSK_MULTI_VPC, mskClusterArn: 'arn:aws:kafka:eu-west-1:123456789012:cluster/c/1', \
               mskAuthentication: SASL_IAM";
    let text = [
        endpoint("plain", "s", vpc),
        endpoint("brokers", "s", msk),
        endpoint("brokers", "other", vpc),
        kafka_pipe_yaml("k1", "{endpoint: plain}"),
        kafka_pipe_yaml("k2", "{endpoint: brokers}"),
        kafka_pipe_yaml("k3", "{endpoint: elsewhere}"),
    ]
    .concat();
    let (said, manifests) = load_and_render(&[("a.yaml", &text)]);
    insta::assert_snapshot!(said, @"
    a.yaml:22:65 warning[broker-endpoint] spec.source.kafka.brokers.endpoint: the endpoint `plain` does not lead to an MSK cluster, so it has no brokers
        a.yaml:5:14: its type is here
        help: name an endpoint of type `MSK_MULTI_VPC`, or write the brokers
    ");
    assert_eq!(manifests, 6);
}
