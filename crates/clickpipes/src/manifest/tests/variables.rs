//! Variables in values.

use std::fmt::Write;

use super::{load_with, pipe_yaml, render_diagnostics};
use model::path::FieldPath;

const VARIABLES: &[(&str, &str)] = &[
    ("brokers", "kafka.example.com:9092"),
    ("count", "3"),
    ("flag", "true"),
    ("empty", ""),
    ("nested", "${count}"),
    ("kafka-port", "9092"),
];

#[test]
fn variables_are_substituted() {
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
        "${ count }",
        "{'a-${count}': 1}",
        "{'a-$${count}': 1}",
        "${count",
        "${a} ${b}",
    ] {
        let text = pipe_yaml("p", "") + "    additional:\n      v: " + written + "\n";
        let loaded = load_with(&[("v.yaml", &text)], VARIABLES);
        let value = loaded
            .manifests
            .first()
            .and_then(|manifest| FieldPath::parse("destination.v").value_in(&manifest.document.body));
        let shown = match value {
            Some(value) => value.to_string(),
            None => format!("\n{}", render_diagnostics(&loaded.diagnostics)),
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
    v.yaml:16:7 warning[unchecked-field] spec.destination.additional.v: `v` is not a field that pipectl knows: it is sent and compared as written
    v.yaml:16:10 error[unknown-variable] : there is no variable `brokrs` in this environment
        help: did you mean `${brokers}`?

    "${nothing.like.it}" => 
    v.yaml:16:7 warning[unchecked-field] spec.destination.additional.v: `v` is not a field that pipectl knows: it is sent and compared as written
    v.yaml:16:10 error[unknown-variable] : there is no variable `nothing.like.it` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`

    "${env:HOME}" => 
    v.yaml:16:7 warning[unchecked-field] spec.destination.additional.v: `v` is not a field that pipectl knows: it is sent and compared as written
    v.yaml:16:10 error[bad-variable] : the content of `${…}` is not the name of a variable
        help: write the name of a variable, such as `${stage}`; `$${` stands for a plain `${`

    "${}" => 
    v.yaml:16:7 warning[unchecked-field] spec.destination.additional.v: `v` is not a field that pipectl knows: it is sent and compared as written
    v.yaml:16:10 error[bad-variable] : the content of `${…}` is not the name of a variable
        help: write the name of a variable, such as `${stage}`; `$${` stands for a plain `${`

    "${ count }" => 
    v.yaml:16:7 warning[unchecked-field] spec.destination.additional.v: `v` is not a field that pipectl knows: it is sent and compared as written
    v.yaml:16:10 error[bad-variable] : blanks around the name of a variable
        help: write `${name}`, without blanks; `$${` stands for a plain `${`

    "{'a-${count}': 1}" => 
    v.yaml:16:7 warning[unchecked-field] spec.destination.additional.v: `v` is not a field that pipectl knows: it is sent and compared as written
    v.yaml:16:11 error[bad-variable] : `${…}` in a key is not replaced
        help: write the key itself; only values can contain variables

    "{'a-$${count}': 1}" => {"a-$${count}":1}
    "${count" => 
    v.yaml:16:7 warning[unchecked-field] spec.destination.additional.v: `v` is not a field that pipectl knows: it is sent and compared as written
    v.yaml:16:10 error[bad-variable] : `${` is never closed
        help: write `}` after the name; `$${` stands for a plain `${`

    "${a} ${b}" => 
    v.yaml:16:7 warning[unchecked-field] spec.destination.additional.v: `v` is not a field that pipectl knows: it is sent and compared as written
    v.yaml:16:10 error[unknown-variable] : there is no variable `a` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`
    v.yaml:16:10 error[unknown-variable] : there is no variable `b` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`
    "#);
}

#[test]
fn variable_can_be_used_in_the_object_name() {
    let loaded = load_with(&[("v.yaml", &pipe_yaml("${env}-orders", ""))], &[("env", "prod")]);
    assert_eq!(loaded.manifests[0].name.as_str(), "prod-orders");
    assert_eq!(loaded.manifests[0].document.body["name"], "prod-orders");
}

#[test]
fn variable_in_a_secret_field_is_rejected() {
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
    let problems = ["key", "no-such-key"].map(|which| {
        let text = text.replace("WHICH", which);
        let loaded = load_with(&[("v.yaml", &text)], &[("id", "AKIA"), ("key", "hunter2")]);
        assert_eq!(loaded.manifests, []);
        render_diagnostics(&loaded.diagnostics)
    });
    insta::assert_snapshot!(problems.concat(), @"
    v.yaml:11:52 error[literal-secret] spec.source.objectStorage.accessKey.secretKey: a secret is written as a reference, never as its value
        help: write `{fromEnv: P_SECRET_KEY}`; if the file left this machine, change the secret
    v.yaml:11:52 error[unknown-variable] : there is no such variable in this environment
        help: a secret is written as a reference such as `{fromEnv: NAME}`
    ");
}

#[test]
fn variable_in_secret_like_field_is_not_quoted() {
    let text = pipe_yaml("p", "labels: {password: 'a ${hunter2}', note: '${hunter2}'}");
    let loaded = load_with(&[("v.yaml", &text)], &[]);
    insta::assert_snapshot!(render_diagnostics(&loaded.diagnostics), @"
    v.yaml:6:22 error[unknown-variable] : there is no such variable in this environment
        help: a secret is written as a reference such as `{fromEnv: NAME}`
    v.yaml:6:44 error[unknown-variable] : there is no variable `hunter2` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`
    ");
}

#[test]
fn variable_expansion_is_limited() {
    let big = "x".repeat(1_000_000);
    let uses = (0..20).map(|n| format!("k{n}: '${{big}}'")).collect::<Vec<_>>().join(", ");
    let text = pipe_yaml("p", &format!("labels: {{{uses}}}"));
    let loaded = load_with(&[("v.yaml", &text)], &[("big", &big)]);
    let codes: Vec<&str> = loaded.diagnostics.iter().map(|it| it.code).collect();
    assert_eq!(codes, vec!["too-much-text"; 12]);
}
