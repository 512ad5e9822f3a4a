//! `${name}` in values.

use std::fmt::Write;

use super::{load_with, pipe, said};
use crate::path::Path;

const VARIABLES: &[(&str, &str)] = &[
    ("brokers", "kafka.example.com:9092"),
    ("count", "3"),
    ("flag", "true"),
    ("empty", ""),
    ("nested", "${count}"),
    ("kafka-port", "9092"),
];

#[test]
fn a_variable_is_filled_in() {
    let mut table = String::new();
    for written in [
        "${brokers}",
        "'${brokers}'",
        "x-${count}-${flag}",
        "${count}",
        "\"${count}\"",
        "${flag}",
        "${empty}",
        "${nested}",
        "${kafka-port}",
        "$${count}",
        "a$${count}b${count}",
        "$count $",
        "[\"${count}\", {b: \"${flag}\"}]",
        "|\n        ${count} lines",
        "${brokrs}",
        "${nothing.like.it}",
        "${env:HOME}",
        "${}",
        "${count",
        "${a} ${b}",
    ] {
        let text = pipe("p", "") + "    additional:\n      v: " + written + "\n";
        let loaded = load_with(&[("v.yaml", &text)], VARIABLES);
        let value = loaded
            .manifests
            .first()
            .and_then(|manifest| Path::parse("destination.v").get(&manifest.document.body));
        let shown = match value {
            Some(value) => value.to_string(),
            None => format!("\n{}", said(&loaded.diagnostics)),
        };
        writeln!(table, "{written:?} => {shown}").expect("a string takes it");
    }
    insta::assert_snapshot!(table, @r#"
    "${brokers}" => "kafka.example.com:9092"
    "'${brokers}'" => "kafka.example.com:9092"
    "x-${count}-${flag}" => "x-3-true"
    "${count}" => 3
    "\"${count}\"" => "3"
    "${flag}" => true
    "${empty}" => ""
    "${nested}" => "${count}"
    "${kafka-port}" => 9092
    "$${count}" => "${count}"
    "a$${count}b${count}" => "a${count}b3"
    "$count $" => "$count $"
    "[\"${count}\", {b: \"${flag}\"}]" => ["3",{"b":"true"}]
    "|\n        ${count} lines" => "3 lines\n"
    "${brokrs}" => 
    v.yaml:16:7 warning[unchecked-field] spec.destination.additional.v: `v` is not a field that pipectl knows: it is sent and compared as it stands
    v.yaml:16:10 error[unknown-variable] : there is no variable `brokrs` in this environment
        help: did you mean `${brokers}`?

    "${nothing.like.it}" => 
    v.yaml:16:7 warning[unchecked-field] spec.destination.additional.v: `v` is not a field that pipectl knows: it is sent and compared as it stands
    v.yaml:16:10 error[unknown-variable] : there is no variable `nothing.like.it` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`

    "${env:HOME}" => 
    v.yaml:16:7 warning[unchecked-field] spec.destination.additional.v: `v` is not a field that pipectl knows: it is sent and compared as it stands
    v.yaml:16:10 error[bad-variable] : what stands in `${…}` is not the name of a variable
        help: only variables of the environment can be used; `$${` stands for a plain `${`

    "${}" => 
    v.yaml:16:7 warning[unchecked-field] spec.destination.additional.v: `v` is not a field that pipectl knows: it is sent and compared as it stands
    v.yaml:16:10 error[bad-variable] : what stands in `${…}` is not the name of a variable
        help: only variables of the environment can be used; `$${` stands for a plain `${`

    "${count" => 
    v.yaml:16:7 warning[unchecked-field] spec.destination.additional.v: `v` is not a field that pipectl knows: it is sent and compared as it stands
    v.yaml:16:10 error[bad-variable] : `${` is never closed
        help: write `}` after the name; `$${` stands for a plain `${`

    "${a} ${b}" => 
    v.yaml:16:7 warning[unchecked-field] spec.destination.additional.v: `v` is not a field that pipectl knows: it is sent and compared as it stands
    v.yaml:16:10 error[unknown-variable] : there is no variable `a` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`
    v.yaml:16:10 error[unknown-variable] : there is no variable `b` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`
    "#);
}

#[test]
fn a_variable_can_name_the_object() {
    let loaded = load_with(&[("v.yaml", &pipe("${env}-orders", ""))], &[("env", "prod")]);
    assert_eq!(loaded.manifests[0].name.as_str(), "prod-orders");
    assert_eq!(loaded.manifests[0].document.body["name"], "prod-orders");
}

#[test]
fn a_variable_in_a_secret_is_a_secret_written_down() {
    let text = "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: p, service: s}
spec:
  source:
    objectStorage:
      type: s3
      format: JSONEachRow
      url: https://b.s3.amazonaws.com/x
      authentication: IAM_USER
      accessKey: {accessKeyId: '${id}', secretKey: '${WHICH}'}
  destination: {table: t, managedTable: false, columns: [{name: a, type: String}]}
";
    for which in ["key", "no-such-key"] {
        let text = text.replace("WHICH", which);
        let loaded = load_with(&[("v.yaml", &text)], &[("id", "AKIA"), ("key", "hunter2")]);
        assert_eq!(loaded.manifests, []);
        insta::allow_duplicates! {
            insta::assert_snapshot!(said(&loaded.diagnostics), @"
            v.yaml:11:52 error[literal-secret] spec.source.objectStorage.accessKey.secretKey: a secret is written as a reference, never as its value
                help: write `{fromEnv: P_SECRET_KEY}`; if the file left this machine, change the secret
            ");
        }
    }
}

#[test]
fn what_stands_in_a_field_named_like_a_secret_is_not_quoted() {
    let text = pipe("p", "labels: {password: 'a ${hunter2}', note: '${hunter2}'}");
    let loaded = load_with(&[("v.yaml", &text)], &[]);
    insta::assert_snapshot!(said(&loaded.diagnostics), @"
    v.yaml:6:22 error[unknown-variable] : there is no such variable in this environment
    v.yaml:6:44 error[unknown-variable] : there is no variable `hunter2` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`
    ");
}

#[test]
fn variables_cannot_grow_without_end() {
    let big = "x".repeat(1_000_000);
    let uses = (0..20).map(|n| format!("k{n}: '${{big}}'")).collect::<Vec<_>>().join(", ");
    let text = pipe("p", &format!("labels: {{{uses}}}"));
    let loaded = load_with(&[("v.yaml", &text)], &[("big", &big)]);
    let codes: Vec<&str> = loaded.diagnostics.iter().map(|it| it.code).collect();
    assert_eq!(codes, vec!["too-much-text"; 12]);
}
