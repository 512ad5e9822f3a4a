//! Defaults of an environment that do not fit a manifest: which places are named.

use std::fmt::Write;

use insta::assert_snapshot;

use super::render_diagnostics;
use super::templates::{PIPES, TEMPLATE, VARIABLES};
use crate::manifest::{EnvironmentDefaults, LoadContext, parse_manifests};
use model::diagnostic::SourceFile;

/// A default that does not fit is left out, and the message about what is missing then names it.
#[test]
fn default_that_does_not_fit_is_named() {
    let file = |name: &str, text: &str| SourceFile { name: name.into(), text: text.into() };
    let project = file(
        "pipectl.yaml",
        "environments:\n  dev:\n    defaults:\n      CdcScaling:\n        spec: {replicaMemoryGb: 4, replicaCpuMillicores: 1000}\n",
    );
    let defaults = EnvironmentDefaults::read(&project, "dev");
    let variables = std::collections::BTreeMap::new();
    let scaling =
        "apiVersion: pipectl/v1\nkind: CdcScaling\nmetadata: {service: s}\nspec: {replicaCpuMillicores: 2000}\n";
    let context = LoadContext::from(&variables).with_defaults(&defaults);
    assert_snapshot!(render_diagnostics(&parse_manifests(&[file("scaling.yaml", scaling)], context).diagnostics), @"
    scaling.yaml:4:1 error[missing-field] spec.replicaMemoryGb: missing field `replicaMemoryGb`
        pipectl.yaml:5:33: the default does not fit here, and is left out
        help: `replicaMemoryGb`: The memory, in gigabytes: always four per core.
    ");
}

/// A rule over two fields names the manifest and the default, whichever of both it is about.
#[test]
fn rule_over_a_field_and_a_default_names_both() {
    let file = |name: &str, text: String| SourceFile { name: name.into(), text: text.into() };
    let pipe = |kafka: &str, destination: &str| {
        format!(
            "{{source: {{kafka: {{format: JSONEachRow, brokers: 'k.example.com:9092', topics: t, {kafka}}}}}, \
             destination: {{database: d, table: t, columns: [{{name: id, type: UInt64}}], {destination}}}}}"
        )
    };
    let login = "credentials: {username: u, password: {fromEnv: P}}";
    let table = "managedTable: true, tableDefinition: {engine: {type: MergeTree}}";
    let mut all = String::new();
    for (kind, defaults, spec) in [
        ("CdcScaling", "{replicaCpuMillicores: 2000}", "{replicaMemoryGb: 4}".to_owned()),
        ("CdcScaling", "{replicaMemoryGb: 4}", "{replicaCpuMillicores: 2000}".to_owned()),
        ("CdcScaling", "{replicaCpuMillicores: 2000, replicaMemoryGb: 8}", "{replicaMemoryGb: 4}".to_owned()),
        ("ClickPipe", "{source: {kafka: {authentication: IAM_ROLE}}}", pipe(&format!("type: msk, {login}"), table)),
        (
            "ClickPipe",
            "{source: {kafka: {type: confluent}}}",
            pipe("authentication: IAM_ROLE, iamRole: 'arn:aws:iam::123456789012:role/x'", table),
        ),
        (
            "ClickPipe",
            "{destination: {managedTable: false}}",
            pipe(
                &format!("type: confluent, authentication: PLAIN, {login}"),
                "tableDefinition: {engine: {type: MergeTree}}",
            ),
        ),
    ] {
        let project = format!("environments:\n  dev:\n    defaults:\n      {kind}:\n        spec: {defaults}\n");
        let defaults = EnvironmentDefaults::read(&file("pipectl.yaml", project), "dev");
        let name = if kind == "ClickPipe" { "name: k, " } else { "" };
        let manifest = format!("apiVersion: pipectl/v1\nkind: {kind}\nmetadata: {{{name}service: s}}\nspec: {spec}\n");
        let variables = std::collections::BTreeMap::new();
        let context = LoadContext::from(&variables).with_defaults(&defaults);
        let loaded = parse_manifests(&[file("m.yaml", manifest)], context);
        writeln!(all, "{}", render_diagnostics(&loaded.diagnostics)).expect("a string takes it");
    }
    assert_snapshot!(all, @"
    m.yaml:4:25 error[cdc-scaling-ratio] spec.replicaMemoryGb: `replicaMemoryGb: 4` does not fit `replicaCpuMillicores: 2000`: the API wants four gigabytes for each core
        pipectl.yaml:5:38: with this default
        help: write `replicaMemoryGb: 8`

    m.yaml:4:1 error[missing-field] spec.replicaMemoryGb: missing field `replicaMemoryGb`
        pipectl.yaml:5:33: the default does not fit here, and is left out
        help: `replicaMemoryGb`: The memory, in gigabytes: always four per core.

    m.yaml:4:25 error[cdc-scaling-ratio] spec.replicaMemoryGb: `replicaMemoryGb: 4` does not fit `replicaCpuMillicores: 2000`: the API wants four gigabytes for each core
        pipectl.yaml:5:38: with this default
        help: write `replicaMemoryGb: 8`

    m.yaml:4:17 error[kafka-iam-role] spec.source.kafka.iamRole: `iamRole` is needed for `authentication: IAM_ROLE`
        pipectl.yaml:5:49: with this default
        help: add `iamRole`
    m.yaml:4:99 error[kafka-no-credentials] spec.source.kafka.credentials: `credentials` is only for `authentication: PLAIN` or `SCRAM-SHA-256` or `SCRAM-SHA-512` or `IAM_USER` or `MUTUAL_TLS`
        pipectl.yaml:5:49: with this default
        help: remove `credentials`

    m.yaml:4:104 error[kafka-authentication] spec.source.kafka.authentication: `authentication: IAM_ROLE` does not go with `type: confluent`
        pipectl.yaml:5:39: with this default
        help: `type: confluent` takes `PLAIN`, `MUTUAL_TLS`

    m.yaml:4:256 warning[unmanaged-table-definition] spec.destination.tableDefinition: `tableDefinition` is not for `managedTable: false`: the table exists already and is not changed
        pipectl.yaml:5:44: with this default
        help: remove `tableDefinition`
    ");
}

/// The field of the manifest is one of its template: three places are named.
#[test]
fn rule_over_a_field_of_a_template_and_a_default_names_the_manifest_too() {
    let file = |name: &str, text: &str| SourceFile { name: name.into(), text: text.into() };
    let project = file(
        "pipectl.yaml",
        "environments:\n  dev:\n    defaults:\n      ClickPipe:\n        spec: {source: {kafka: {type: confluent}}}\n",
    );
    let template =
        TEMPLATE.replace("      type: confluent\n", "").replace("authentication: PLAIN", "authentication: IAM_ROLE");
    let defaults = EnvironmentDefaults::read(&project, "dev");
    let variables = VARIABLES.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let context = LoadContext::from(&variables).with_defaults(&defaults);
    let loaded = parse_manifests(&[file("templates.yaml", &template), file("pipes.yaml", PIPES)], context);
    assert_snapshot!(render_diagnostics(&loaded.diagnostics), @"
    templates.yaml:10:5 error[kafka-iam-role] spec.source.kafka.iamRole: `iamRole` is needed for `authentication: IAM_ROLE`
        pipes.yaml:9:13: the template is used here
        help: add `iamRole`
    templates.yaml:14:23 error[kafka-authentication] spec.source.kafka.authentication: `authentication: IAM_ROLE` does not go with `type: confluent`
        pipes.yaml:5:6: used here, with the default at pipectl.yaml:5:39
        help: `type: confluent` takes `PLAIN`, `MUTUAL_TLS`
    templates.yaml:15:7 error[kafka-no-credentials] spec.source.kafka.credentials: `credentials` is only for `authentication: PLAIN` or `SCRAM-SHA-256` or `SCRAM-SHA-512` or `IAM_USER` or `MUTUAL_TLS`
        pipes.yaml:9:13: the template is used here
        help: remove `credentials`
    ");
}
