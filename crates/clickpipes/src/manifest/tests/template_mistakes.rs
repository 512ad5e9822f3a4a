//! Mistakes in templates and in what uses them: where they are reported, and what they name.

use std::fmt::Write;

use insta::assert_snapshot;

use super::templates::{PIPES, TEMPLATE, VARIABLES, problems};
use super::{load_with, render_diagnostics};

#[test]
fn mistakes_are_at_the_line_that_is_wrong_and_name_the_other() {
    let mut all = String::new();
    for (title, from, to) in [
        ("unknown template", "template: prod-kafka", "template: prod-kafk"),
        ("no template", "  template: prod-kafka\n", ""),
        ("unknown parameter", "table: \"${each.name}\"", "tabel: x"),
        ("missing key of an entry", "{name: orders, topic: orders_v2}", "{name: orders, topc: orders_v2}"),
        ("no such variable", "${each.topic}", "${eech.topic}"),
        ("template's name in a manifest", "${each.topic}", "${with.topic}"),
        (
            "wrong value from `with`",
            "columns: [{name: id, type: UInt64}, {name: at, type: DateTime}]",
            "managedTable: 3",
        ),
        ("unknown own field", "    columns:", "    colums:"),
        ("`with` is a list", "with: {topic: \"${each.topic}\", table: \"${each.name}\"}", "with: [x]"),
        ("two entries of one name", "name: clicks", "name: orders"),
        ("no entries", "  - {name: orders, topic: orders_v2}\n  - name: clicks\n    topic: clicks\n", "  []\n"),
        ("not a list", "  - {name: orders, topic: orders_v2}\n  - name: clicks\n    topic: clicks\n", "  x\n"),
        ("an entry is a list", "{name: orders, topic: orders_v2}", "[orders]"),
        ("a list in a text", "{name: orders,", "{name: [orders],"),
        ("value that its field refuses", "table: \"${each.name}\"", "table: \"${each.name}\", replicas: 1000"),
        (
            "forEach is missing",
            "forEach:\n  - {name: orders, topic: orders_v2}\n  - name: clicks\n    topic: clicks\n",
            "",
        ),
    ] {
        assert!(PIPES.contains(from), "{title}");
        writeln!(all, "# {title}\n{}", problems(&PIPES.replace(from, to))).expect("a string takes it");
    }
    assert_snapshot!(all, @"
    # unknown template
    pipes.yaml:9:13 error[unknown-template] spec.template: there is no template `prod-kafk`
        help: did you mean `prod-kafka`?

    # no template
    pipes.yaml:8:1 error[missing-part] spec.source: `source` is needed unless `state: absent`
        help: add `source`
    pipes.yaml:9:3 error[unknown-template] spec.with: `with` is for a template, and the manifest names none
        help: add `template: NAME` beside it

    # unknown parameter
    pipes.yaml:10:3 error[missing-parameter] spec.with: `with` lacks the parameter `table` of the template `prod-kafka`
        templates.yaml:6:3: declared here
    pipes.yaml:10:34 error[unknown-parameter] spec.with.tabel: the template `prod-kafka` has no parameter `tabel`
        templates.yaml:3:18: the template is here
        help: did you mean `table`?

    # missing key of an entry
    pipes.yaml:5:6 error[unknown-variable] : this entry of `forEach` has no `topic`
        pipes.yaml:3:68: used here
        help: did you mean `topc`?

    # no such variable
    pipes.yaml:3:68 error[unknown-variable] : there is no variable `eech.topic` in this environment
        help: did you mean `${each.topic}`?
    pipes.yaml:10:17 error[unknown-variable] : there is no variable `eech.topic` in this environment
        help: did you mean `${each.topic}`?

    # template's name in a manifest
    pipes.yaml:3:68 error[unknown-variable] : only a template can use `${with.…}`
    pipes.yaml:10:17 error[unknown-variable] : only a template can use `${with.…}`

    # wrong value from `with`
    pipes.yaml:12:19 error[wrong-type] spec.destination.managedTable: expected `true` or `false`, found a whole number
        templates.yaml:3:18: it uses the template `prod-kafka`

    # unknown own field
    pipes.yaml:12:5 error[unknown-field] spec.destination.colums: unknown field `colums`
        templates.yaml:3:18: it uses the template `prod-kafka`
        help: did you mean `columns`?

    # `with` is a list
    pipes.yaml:10:10 error[wrong-type] spec.with: `with` must be a mapping of parameters to values
        templates.yaml:3:18: it uses the template `prod-kafka`

    # two entries of one name
    pipes.yaml:6:5 error[duplicate-identity] metadata.name: the ClickPipe `orders-kafka` of service `s` is declared twice
        pipes.yaml:5:6: first declared here
        help: remove one of the two, or give it another name
    pipes.yaml:6:5 warning[same-table] spec.destination.table: another pipe writes the table `default.raw_orders` too
        pipes.yaml:5:6: the other is here; both have it from templates.yaml:19:12
        help: give one of them another table; pipes that only insert share a table with `managedTable: false`

    # no entries
    pipes.yaml:4:1 warning[empty-for-each] : this declares nothing
        help: add an entry, or remove the document

    # not a list
    pipes.yaml:5:3 error[wrong-type] forEach: `forEach` must be a list

    # an entry is a list
    pipes.yaml:5:6 error[wrong-type] forEach: an entry of `forEach` must be a mapping or a name

    # a list in a text
    pipes.yaml:3:18 error[bad-variable] : `${each.name}` is a list or a mapping, which cannot be a part of a text
        pipes.yaml:5:13: its value is here
    pipes.yaml:5:13 error[wrong-type] spec.with.table: the parameter `table` takes a text
        templates.yaml:6:3: declared here

    # value that its field refuses
    pipes.yaml:10:67 error[out-of-range] spec.scaling.replicas: 1000 is out of range
        templates.yaml:23:23: used here
        help: allowed: from 1 to 40

    # forEach is missing
    pipes.yaml:3:18 error[unknown-variable] : `${each.…}` needs `forEach` in the manifest
    pipes.yaml:3:68 error[unknown-variable] : `${each.…}` needs `forEach` in the manifest
    pipes.yaml:6:17 error[unknown-variable] : `${each.…}` needs `forEach` in the manifest
    pipes.yaml:6:41 error[unknown-variable] : `${each.…}` needs `forEach` in the manifest
    ");
}

#[test]
fn misspelt_or_misplaced_shared_field_is_named() {
    let mut all = String::new();
    for (from, to) in [
        ("forEach:", "foreach:"),
        ("  template:", "  tempalte:"),
        ("  template: prod-kafka", "  tempalte: one-of-another-file"),
        ("  with:", "  wiht:"),
        ("spec:\n  template: prod-kafka\n", "template: prod-kafka\nspec:\n"),
        ("spec:\n", "spec:\n  forEach: [a]\n"),
        ("spec:\n", "source: {kafka: {}}\nspec:\n"),
        ("spec:\n", "name: a\nspec:\n"),
        ("spec:\n", "other: a\nspec:\n  other: b\n"),
    ] {
        // Each misspelt text with `${each.…}` is a mistake of its own.
        let pipes = PIPES.replace(from, to).replace("${each.name}", "a").replace("${each.topic}", "a");
        let found = problems(&pipes.replace("  - name: clicks\n    topic: clicks\n", ""));
        writeln!(all, "# {}\n{found}", to.replace('\n', " ")).expect("a string takes it");
    }
    let of_metadata =
        PIPES.replace("  template: prod-kafka\n", "").replace("service: s,", "service: s, template: prod-kafka,");
    writeln!(all, "# metadata\n{}", problems(&of_metadata)).expect("a string takes it");
    assert_snapshot!(all, @"
    # foreach:
    pipes.yaml:4:1 error[unknown-field] foreach: unknown field `foreach`
        help: did you mean `forEach`?

    #   tempalte:
    pipes.yaml:7:3 error[unknown-field] spec.tempalte: unknown field `tempalte`
        help: did you mean `template`?

    #   tempalte: one-of-another-file
    pipes.yaml:7:3 error[unknown-field] spec.tempalte: unknown field `tempalte`
        help: did you mean `template`?

    #   wiht:
    pipes.yaml:8:3 error[unknown-field] spec.wiht: unknown field `wiht`
        help: did you mean `with`?

    # template: prod-kafka spec: 
    pipes.yaml:6:1 error[unknown-field] template: `template` is not a field of this mapping
        help: write it under `spec`

    # spec:   forEach: [a] 
    pipes.yaml:7:3 error[unknown-field] spec.forEach: `forEach` is not a field of this mapping
        templates.yaml:3:18: it uses the template `prod-kafka`
        help: write it beside `spec`

    # source: {kafka: {}} spec: 
    pipes.yaml:6:1 error[unknown-field] source: `source` is not a field of this mapping
        templates.yaml:3:18: it uses the template `prod-kafka`
        help: write it under `spec`

    # name: a spec: 
    pipes.yaml:6:1 error[unknown-field] name: `name` is not a field of this mapping
        templates.yaml:3:18: it uses the template `prod-kafka`
        help: write it under `metadata`

    # other: a spec:   other: b 
    pipes.yaml:6:1 error[unknown-field] other: unknown field `other`
        templates.yaml:3:18: it uses the template `prod-kafka`
        help: known fields: `apiVersion`, `kind`, `metadata`, `spec`, `forEach`
    pipes.yaml:8:3 error[unknown-field] spec.other: unknown field `other`
        templates.yaml:3:18: it uses the template `prod-kafka`
        help: known fields: `state`, `protect`, `source`, `destination`, `fieldMappings`, `scaling`, `settings`, `template`, `with`; one newer than pipectl goes under `additional`

    # metadata
    pipes.yaml:3:52 error[unknown-field] metadata.template: `template` is not a field of this mapping
        help: write it under `spec`
    ");
}

#[test]
fn mistakes_of_a_template_are_reported_once_and_name_a_user() {
    let mut all = String::new();
    for (title, from, to) in [
        ("unknown field", "      format: JSONEachRow", "      fromat: JSONEachRow"),
        ("wrong type", "managedTable: true", "managedTable: 1"),
        ("unknown parameter", "${with.topic}", "${with.topik}"),
        ("entry of the manifest", "${with.topic}", "${each.topic}"),
        ("literal secret", "{fromEnv: KAFKA_PASSWORD}", "hunter2"),
        ("nested", "  source:\n", "  template: other\n  source:\n"),
        ("unknown key", "parameters:", "paramters:"),
        ("default of another type", "default: 1", "default: one"),
        ("default of a parameter by another", "default: 1", "default: \"${with.topic}\""),
        ("unknown type", "type: integer", "type: int"),
        ("name of a parameter", "  topic: {}", "  'a topic': {default: x}\n  topic: {}"),
        (
            "two of one name",
            "  scaling: {",
            "---\napiVersion: pipectl/v1\nkind: Template\nmetadata: {name: prod-kafka}\nspec: {x: 1}\n#",
        ),
        ("misspelt kind", "kind: Template", "kind: Tempalte"),
        (
            "list of a default",
            "  replicas: {type: integer, default: 1}\nspec:\n  source:\n    kafka:\n",
            "  replicas: {type: integer, default: 1}\n  ids: {type: array, default: [x]}\nspec:\n  source:\n    kafka:\n\
             \x20     reversePrivateEndpointIds: \"${with.ids}\"\n",
        ),
    ] {
        assert!(TEMPLATE.contains(from), "{title}");
        let template = TEMPLATE.replace(from, to);
        let loaded = load_with(&[("templates.yaml", &template), ("pipes.yaml", PIPES)], VARIABLES);
        writeln!(all, "# {title}\n{}", render_diagnostics(&loaded.diagnostics)).expect("a string takes it");
    }
    assert_snapshot!(all, @"
    # unknown field
    templates.yaml:14:7 error[unknown-field] spec.source.kafka.fromat: unknown field `fromat`
        pipes.yaml:9:13: the template is used here
        help: did you mean `format`?

    # wrong type
    templates.yaml:20:19 error[wrong-type] spec.destination.managedTable: expected `true` or `false`, found a whole number
        pipes.yaml:9:13: the template is used here

    # unknown parameter
    templates.yaml:13:15 error[unknown-variable] : this template has no parameter `topik`
        pipes.yaml:9:13: the template is used here
        help: did you mean `${with.topic}`?

    # entry of the manifest
    templates.yaml:13:15 error[unknown-variable] : a template cannot use `forEach`
        pipes.yaml:9:13: the template is used here
        help: declare a parameter, and set it under `with` in the manifest

    # literal secret
    templates.yaml:16:49 error[literal-secret] spec.source.kafka.credentials.password: a secret is written as a reference, never as its value
        pipes.yaml:9:13: the template is used here
        help: write `{fromEnv: ORDERS_KAFKA_PASSWORD}`; if the file left this machine, change the secret

    # nested
    templates.yaml:9:3 error[nested-template] spec.template: a template cannot use another template
        help: write its fields here

    # unknown key
    templates.yaml:4:1 error[unknown-field] paramters: unknown field `paramters`
        help: did you mean `parameters`?

    # default of another type
    templates.yaml:7:38 error[wrong-type] parameters.replicas.default: the default of this parameter is not a whole number

    # default of a parameter by another
    templates.yaml:7:38 error[unknown-variable] : the default of a parameter cannot use other parameters or `forEach`
        pipes.yaml:9:13: the template is used here

    # unknown type
    templates.yaml:7:20 error[bad-value] parameters.replicas.type: `int` is not a value of this field
        help: it is one of `string`, `integer`, `number`, `boolean`, `array`, `object`

    # name of a parameter
    templates.yaml:5:3 error[parameter-name] parameters.a topic: the name of a parameter has only letters, digits, `_`, `-` and `.`

    # two of one name
    templates.yaml:26:18 error[duplicate-template] metadata.name: the template `prod-kafka` is declared twice
        templates.yaml:3:18: first declared here
        help: remove one of the two, or give it another name

    # misspelt kind
    templates.yaml:2:7 error[unknown-kind] kind: there is no kind `Tempalte`
        help: did you mean `Template`?

    # list of a default
    templates.yaml:8:32 error[bad-pattern] spec.source.kafka.reversePrivateEndpointIds.0: the text does not have the right form
        pipes.yaml:9:13: the template is used here
        help: expected a UUID
    ");
}
