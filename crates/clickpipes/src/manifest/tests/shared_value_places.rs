//! Mistakes whose cause stands elsewhere than the text that has them: a value of an entry within a longer text, a `null`, a
//! value that two manifests share, a variable in the place of a secret.

use std::fmt::Write;

use insta::assert_snapshot;

use super::render_diagnostics;
use super::templates::{PIPES, TEMPLATE, VARIABLES, load, problems};
use crate::manifest::{EnvironmentDefaults, LoadContext, parse_manifests};
use model::diagnostic::SourceFile;

fn problems_with(template: &str, pipes: &str, defaults: &str) -> String {
    let file = |name: &str, text: &str| SourceFile { name: name.into(), text: text.into() };
    let project = file("pipectl.yaml", &format!("environments:\n  dev:\n    defaults: {defaults}\n"));
    let defaults = EnvironmentDefaults::read(&project, "dev");
    let variables = VARIABLES.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let context = LoadContext::from(&variables).with_defaults(&defaults);
    let files = [file("templates.yaml", template), file("pipes.yaml", pipes)];
    render_diagnostics(&parse_manifests(&files, context).diagnostics)
}

#[test]
fn value_within_a_longer_text_is_named() {
    let list = PIPES.replace("topic: clicks\n", "topic: [clicks]\n");
    let version = PIPES.replace("topic: clicks\n", "topic: 1.10\n");
    let in_with = |with: &str| PIPES.replace("topic: \"${each.topic}\",", &format!("topic: \"{with}\","));
    let json = TEMPLATE.replace("format: JSONEachRow", "format: \"JSON${with.topic}\"");
    let by_default = json.replace("  topic: {}\n", "  topic: {default: x}\n");
    let entry = PIPES.replace("topic: clicks\n", "topic: \"${each.name}\"\n");
    let own = format!("{PIPES}    tableDefinition: {{engine: {{type: \"Merge${{each.topic}}\"}}}}\n");
    // The message does not quote the text, so it is the same for both entries.
    let role =
        TEMPLATE.replace("authentication: PLAIN", "authentication: IAM_ROLE\n      iamRole: \"arn-${with.topic}\"");
    let role = role.replace("      credentials: {username: ingest, password: {fromEnv: KAFKA_PASSWORD}}\n", "");
    let mut all = String::new();
    for (title, template, pipes) in [
        ("list in a text", TEMPLATE, list.replace("topic: \"${each.topic}\",", "topic: \"a-${each.topic}\",")),
        ("number in a text", TEMPLATE, version.replace("topic: \"${each.topic}\",", "topic: \"a-${each.topic}\",")),
        ("list in a text of the template", &json, list.replace("{topic: \"${each.topic}\"}}", "{topic: x}}")),
        ("text of the template", &json, PIPES.to_owned()),
        ("text of the template with a text of `with`", &json, in_with("b-${each.topic}")),
        ("text of the template with a default", &by_default, in_with("x").replace("topic: \"x\", ", "")),
        ("text of the template, and one message", &role, PIPES.to_owned()),
        ("text of the manifest", TEMPLATE, own),
        ("key of an entry in an entry", TEMPLATE, entry),
    ] {
        writeln!(all, "# {title}\n{}", problems_with(template, &pipes, "{}")).expect("a string takes it");
    }
    assert_snapshot!(all, @"
    # list in a text
    pipes.yaml:7:13 error[wrong-type] metadata.labels.topic: expected text, found a list
        pipes.yaml:3:68: used here
    pipes.yaml:10:17 error[bad-variable] : `${each.topic}` is a list or a mapping, which cannot be a part of a text
        pipes.yaml:7:13: its value is here

    # number in a text
    pipes.yaml:7:12 error[wrong-type] metadata.labels.topic: expected text, found a number with a fraction
        pipes.yaml:3:68: used here
        help: put it in quotes
    pipes.yaml:10:17 error[bad-variable] : `${each.topic}` is a number, and a text would not keep its spelling
        pipes.yaml:7:12: its value is here
        help: put the number in quotes: `1.10` without them is 1.1

    # list in a text of the template
    templates.yaml:14:15 error[bad-value] spec.source.kafka.format: `JSONorders_v2` is not a value of this field
        pipes.yaml:5:27: a part of the text is from here
        help: it is one of `JSONEachRow`, `Avro`, `AvroConfluent`, `Protobuf`
    pipes.yaml:7:13 error[wrong-type] spec.with.topic: the parameter `topic` takes a text
        templates.yaml:5:3: declared here

    # text of the template
    templates.yaml:14:15 error[bad-value] spec.source.kafka.format: `JSONorders_v2` is not a value of this field
        pipes.yaml:5:27: a part of the text is from here
        help: it is one of `JSONEachRow`, `Avro`, `AvroConfluent`, `Protobuf`
    templates.yaml:14:15 error[bad-value] spec.source.kafka.format: `JSONclicks` is not a value of this field
        pipes.yaml:7:12: a part of the text is from here
        help: it is one of `JSONEachRow`, `Avro`, `AvroConfluent`, `Protobuf`

    # text of the template with a text of `with`
    templates.yaml:14:15 error[bad-value] spec.source.kafka.format: `JSONb-orders_v2` is not a value of this field
        pipes.yaml:5:27: a part of the text is from here
        help: it is one of `JSONEachRow`, `Avro`, `AvroConfluent`, `Protobuf`
    templates.yaml:14:15 error[bad-value] spec.source.kafka.format: `JSONb-clicks` is not a value of this field
        pipes.yaml:7:12: a part of the text is from here
        help: it is one of `JSONEachRow`, `Avro`, `AvroConfluent`, `Protobuf`

    # text of the template with a default
    templates.yaml:14:15 error[bad-value] spec.source.kafka.format: `JSONx` is not a value of this field
        pipes.yaml:9:13: the template is used here
        help: it is one of `JSONEachRow`, `Avro`, `AvroConfluent`, `Protobuf`

    # text of the template, and one message
    templates.yaml:15:23 error[kafka-authentication] spec.source.kafka.authentication: `authentication: IAM_ROLE` does not go with `type: confluent`
        pipes.yaml:9:13: the template is used here
        help: `type: confluent` takes `PLAIN`, `MUTUAL_TLS`
    templates.yaml:16:16 error[bad-pattern] spec.source.kafka.iamRole: the text does not have the right form
        pipes.yaml:5:27: a part of the text is from here
        help: expected an ARN, `arn:aws:…`
    templates.yaml:16:16 error[bad-pattern] spec.source.kafka.iamRole: the text does not have the right form
        pipes.yaml:7:12: a part of the text is from here
        help: expected an ARN, `arn:aws:…`

    # text of the manifest
    pipes.yaml:13:38 error[bad-value] spec.destination.tableDefinition.engine.type: `Mergeorders_v2` is not a value of this field
        pipes.yaml:5:27: a part of the text is from here
        help: it is one of `MergeTree`, `ReplacingMergeTree`, `SummingMergeTree`, `Null`
    pipes.yaml:13:38 error[bad-value] spec.destination.tableDefinition.engine.type: `Mergeclicks` is not a value of this field
        pipes.yaml:7:12: a part of the text is from here
        help: it is one of `MergeTree`, `ReplacingMergeTree`, `SummingMergeTree`, `Null`

    # key of an entry in an entry
    pipes.yaml:7:12 error[unknown-variable] : an entry of `forEach` cannot use other entries or its own keys
        help: write the value itself, or a variable of the environment
    ");
}

#[test]
fn null_that_takes_out_a_needed_field_is_named() {
    let own = |fields: &str| PIPES.replace("  destination:\n", &format!("{fields}  destination:\n"));
    let destination = PIPES.replace(
        "  destination:\n    columns: [{name: id, type: UInt64}, {name: at, type: DateTime}]\n",
        "  destination: null\n",
    );
    let scaling = "apiVersion: pipectl/v1\nkind: CdcScaling\nmetadata: {service: s}\nspec: {replicaMemoryGb: 4, replicaCpuMillicores: null}\n";
    let mut all = String::new();
    for (title, pipes, defaults) in [
        ("a part", &*destination, "{}"),
        ("fields", &own("  source: {kafka: {brokers: null,\n    credentials: null}}\n"), "{}"),
        ("all of a part", &own("  source: {kafka: null}\n"), "{}"),
        ("a default", scaling, "{CdcScaling: {spec: {replicaCpuMillicores: 1000}}}"),
    ] {
        writeln!(all, "# {title}\n{}", problems_with(TEMPLATE, pipes, defaults)).expect("a string takes it");
    }
    assert_snapshot!(all, @"
    # a part
    pipes.yaml:11:16 error[missing-part] spec.destination: `destination` is needed unless `state: absent`
        templates.yaml:3:18: it uses the template `prod-kafka`
        help: remove the `null`, or give the field a value

    # fields
    pipes.yaml:11:29 error[missing-field] spec.source.kafka.brokers: missing field `brokers`
        templates.yaml:3:18: it uses the template `prod-kafka`
        help: remove the `null`, or give the field a value
    pipes.yaml:12:18 error[kafka-no-credentials] spec.source.kafka.credentials: `credentials` is needed for `authentication: PLAIN` or `SCRAM-SHA-256` or `SCRAM-SHA-512` or `IAM_USER` or `MUTUAL_TLS`
        templates.yaml:3:18: it uses the template `prod-kafka`
        help: remove the `null`, or give the field a value

    # all of a part
    pipes.yaml:11:19 error[missing-part] spec.source: `source` is needed unless `state: absent`
        templates.yaml:3:18: it uses the template `prod-kafka`
        help: remove the `null`, or give the field a value

    # a default
    pipes.yaml:4:50 error[missing-field] spec.replicaCpuMillicores: missing field `replicaCpuMillicores`
        help: remove the `null`, or give the field a value
    ");
}

#[test]
fn value_that_two_manifests_share_is_named() {
    let template = TEMPLATE.replace("table: raw_${with.table}", "table: same");
    let group = "{ClickPipe: {spec: {source: {kafka: {consumerGroup: '${size}'}}}}}";
    let topic = PIPES.replace("topic: \"${each.topic}\",", "topic: x,");
    let other = PIPES
        .replace("forEach:\n  - {name: orders, topic: orders_v2}\n  - name: clicks\n    topic: clicks\n", "")
        .replace("${each.name}", "views")
        .replace("${each.topic}", "views");
    let two = format!(
        "{other}---\n{}",
        other.replace("views", "users").replace("    columns", "    table: same\n    columns")
    );
    let mut all = String::new();
    for (title, template, pipes, defaults) in [
        ("template", &*template, PIPES, "{}"),
        ("default", TEMPLATE, &*topic, group),
        ("one of the two", &template, &two, "{}"),
    ] {
        writeln!(all, "# {title}\n{}", problems_with(template, pipes, defaults)).expect("a string takes it");
    }
    assert_snapshot!(all, @"
    # template
    pipes.yaml:6:5 warning[same-table] spec.destination.table: another pipe writes the table `default.same` too
        pipes.yaml:5:6: the other is here; both have it from templates.yaml:19:12
        help: give one of them another table; pipes that only insert share a table with `managedTable: false`

    # default
    pipes.yaml:6:5 warning[shared-consumer-group] spec.source.kafka.consumerGroup: `s/orders-kafka` and `s/clicks-kafka` share the consumer group `3` and a topic, so each table gets a part of the rows
        pipes.yaml:5:6: the other is here; both have it from pipectl.yaml:3:67
        help: give each its own

    # one of the two
    pipes.yaml:17:12 warning[same-table] spec.destination.table: another pipe writes the table `default.same` too
        templates.yaml:19:12: the other is here; it is that of pipes.yaml:5:13
        help: give one of them another table; pipes that only insert share a table with `managedTable: false`
    ");
}

/// A text that is a variable and nothing else is no literal, also if there is no such variable.
#[test]
fn unknown_variable_in_a_secret_field_is_named() {
    let template = TEMPLATE
        .replace("  topic: {}\n", "  topic: {}\n  login: {}\n")
        .replace("{fromEnv: KAFKA_PASSWORD}", "\"${with.login}\"");
    let mut all = String::new();
    for login in
        ["\"${siez}\"", "{fromEnv: \"${siez}\"}", "{fromEnv: \"${each.topc}\"}", "\"hunter${siez}\"", "hunter2"]
    {
        let pipes = PIPES.replace("with: {", &format!("with: {{login: {login}, "));
        writeln!(all, "# {login}\n{}", problems_with(&template, &pipes, "{}")).expect("a string takes it");
    }
    let own = "  source: {kafka: {credentials: {password: \"${siez}\"}}}\n  destination:\n";
    writeln!(all, "# own\n{}", problems(&PIPES.replace("  destination:\n", own))).expect("a string takes it");
    assert_snapshot!(all, @r#"
    # "${siez}"
    pipes.yaml:10:17 error[unknown-variable] : there is no variable `siez` in this environment
        help: did you mean `${size}`?

    # {fromEnv: "${siez}"}
    pipes.yaml:10:27 error[unknown-variable] : there is no variable `siez` in this environment
        help: did you mean `${size}`?

    # {fromEnv: "${each.topc}"}
    pipes.yaml:10:27 error[unknown-variable] : no entry of `forEach` has `topc`
        help: did you mean `${each.topic}`?

    # "hunter${siez}"
    pipes.yaml:10:17 error[literal-secret] spec.source.kafka.credentials.password: a secret is written as a reference, never as its value
        templates.yaml:17:49: used here
        help: write `{fromEnv: ORDERS_KAFKA_PASSWORD}`; if the file left this machine, change the secret

    # hunter2
    pipes.yaml:10:17 error[literal-secret] spec.source.kafka.credentials.password: a secret is written as a reference, never as its value
        templates.yaml:17:49: used here
        help: write `{fromEnv: ORDERS_KAFKA_PASSWORD}`; if the file left this machine, change the secret

    # own
    pipes.yaml:11:44 error[unknown-variable] : there is no such variable in this environment
        help: did you mean `${size}`?
    "#);
}

/// The line of the template is right. The one that is wrong stands in an entry, in `with` or in a default.
#[test]
fn value_that_is_empty_is_named() {
    let template = TEMPLATE.replace("  topic: {}\n", "  topic: {}\n  columns: {type: array}\n");
    let template = template.replace("columns: [{name: id, type: UInt64}]", "columns: ${with.columns}");
    let by_default = template.replace("{type: array}", "{type: array, default: []}");
    let pipes = PIPES.split("  destination:").next().unwrap_or_default();
    let with = |value: &str| pipes.replace("with: {", &format!("with: {{columns: {value}, "));
    let entry = with("'${each.columns}'").replace("orders_v2}", "orders_v2, columns: [{name: id, type: UInt64}]}");
    let entry = entry.replace("topic: clicks\n", "topic: clicks\n    columns: []\n");
    let mut all = String::new();
    for (title, template, pipes) in
        [("with", &template, &with("[]")), ("entry", &template, &entry), ("default", &by_default, &pipes.to_owned())]
    {
        writeln!(all, "# {title}\n{}", problems_with(template, pipes, "{}")).expect("a string takes it");
    }
    assert_snapshot!(all, @"
    # with
    pipes.yaml:10:19 error[bad-length] spec.destination.columns: there are no entries, and at least one is needed
        templates.yaml:23:14: used here

    # entry
    pipes.yaml:8:14 error[bad-length] spec.destination.columns: there are no entries, and at least one is needed
        templates.yaml:23:14: used here

    # default
    templates.yaml:6:35 error[bad-length] spec.destination.columns: there are no entries, and at least one is needed
        pipes.yaml:9:13: the template is used here
    ");
}

/// The value of this environment is not that of the others.
#[test]
fn fix_does_not_put_a_value_in_the_place_of_a_variable() {
    let scaling = |replicas: &str| format!("{PIPES}  scaling: {{replicas: {replicas}}}\n");
    let word = "    tableDefinition: {engine: {type: \"MergeTree${size}\"}}\n    columns";
    for (pipes, help, fix) in [
        (scaling("\"${size}\""), "write the variable without quotes, on a line of its own", None),
        (scaling("\"3\""), "write it without quotes", Some("3")),
        (PIPES.replace("    columns", word), "did you mean `MergeTree`?", None),
    ] {
        let found = load(&pipes).diagnostics;
        let says: Vec<_> = found.iter().map(|it| (it.help.as_deref(), it.replacement.as_deref())).collect();
        let is_right =
            |(says, put): &(Option<&str>, Option<&str>)| says.is_some_and(|it| it.starts_with(help)) && *put == fix;
        assert!(says.iter().any(is_right) && says.iter().all(|(_, put)| *put == fix), "{says:?}");
    }
}
