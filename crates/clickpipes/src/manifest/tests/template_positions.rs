//! Where mistakes in shared values are reported, if the value stands elsewhere than the text that uses it.

use std::fmt::Write;

use insta::assert_snapshot;

use super::templates::{PIPES, TEMPLATE, VARIABLES, problems};
use super::{load_with, render_diagnostics};
use crate::manifest::{EnvironmentDefaults, LoadContext, parse_manifests};
use model::diagnostic::SourceFile;

/// A text of several lines has its variables on lines of their own.
#[test]
fn mistake_in_a_text_of_several_lines_is_at_its_own_line() {
    let mut all = String::new();
    for (title, text) in [
        ("literal", "|\n        a\n        b ${nope} c ${no-pe}\n"),
        ("folded", ">-\n        a,\n\n        ä ${nope}\n"),
        ("plain", "a\n        b $${nope} ${nope\n"),
        ("single quotes", "'a\n        b ${nope}'\n"),
        ("double quotes", "\"a\n        b ${nope}\"\n"),
        ("an escape", "\"a\n        b \\u0024{nope} ${nope}\"\n"),
        ("one line", "a ${nope}\n"),
    ] {
        let format = "      format: JSONEachRow\n";
        let template = TEMPLATE.replace(format, &format!("{format}      consumerGroup: {text}"));
        let with = "with: {topic: \"${each.topic}\", table: \"${each.name}\"}\n";
        let pipes = PIPES.replace(with, &format!("with:\n    table: \"${{each.name}}\"\n    topic: {text}"));
        for (file, (template, pipes)) in [("template", (&*template, PIPES)), ("with", (TEMPLATE, &*pipes))] {
            let loaded = load_with(&[("templates.yaml", template), ("pipes.yaml", pipes)], VARIABLES);
            writeln!(all, "# {title}, {file}\n{}", render_diagnostics(&loaded.diagnostics)).expect("a string takes it");
        }
    }
    assert_snapshot!(all, @"
    # literal, template
    templates.yaml:17:11 error[unknown-variable] : there is no variable `nope` in this environment
        pipes.yaml:9:13: the template is used here
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`
    templates.yaml:17:21 error[unknown-variable] : there is no variable `no-pe` in this environment
        pipes.yaml:9:13: the template is used here
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`

    # literal, with
    pipes.yaml:14:11 error[unknown-variable] : there is no variable `nope` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`
    pipes.yaml:14:21 error[unknown-variable] : there is no variable `no-pe` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`

    # folded, template
    templates.yaml:18:11 error[unknown-variable] : there is no variable `nope` in this environment
        pipes.yaml:9:13: the template is used here
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`

    # folded, with
    pipes.yaml:15:11 error[unknown-variable] : there is no variable `nope` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`

    # plain, template
    templates.yaml:16:20 error[bad-variable] : `${` is never closed
        pipes.yaml:9:13: the template is used here
        help: write `}` after the name; `$${` stands for a plain `${`

    # plain, with
    pipes.yaml:13:20 error[bad-variable] : `${` is never closed
        help: write `}` after the name; `$${` stands for a plain `${`

    # single quotes, template
    templates.yaml:16:11 error[unknown-variable] : there is no variable `nope` in this environment
        pipes.yaml:9:13: the template is used here
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`

    # single quotes, with
    pipes.yaml:13:11 error[unknown-variable] : there is no variable `nope` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`

    # double quotes, template
    templates.yaml:16:11 error[unknown-variable] : there is no variable `nope` in this environment
        pipes.yaml:9:13: the template is used here
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`

    # double quotes, with
    pipes.yaml:13:11 error[unknown-variable] : there is no variable `nope` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`

    # an escape, template
    templates.yaml:15:22 error[unknown-variable] : there is no variable `nope` in this environment
        pipes.yaml:9:13: the template is used here
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`

    # an escape, with
    pipes.yaml:12:12 error[unknown-variable] : there is no variable `nope` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`

    # one line, template
    templates.yaml:15:22 error[unknown-variable] : there is no variable `nope` in this environment
        pipes.yaml:9:13: the template is used here
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`

    # one line, with
    pipes.yaml:12:12 error[unknown-variable] : there is no variable `nope` in this environment
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`
    ");
}

/// An entry that is written elsewhere stands where the list names it.
#[test]
fn entries_by_alias_have_places_of_their_own() {
    let entries = "  - {name: orders, topic: orders_v2}\n  - name: clicks\n    topic: clicks\n";
    let aliased = PIPES.replace(entries, "  - &e {name: orders, topic: orders_v2}\n  - *e\n");
    let names = PIPES.replace(entries, "  - &e orders\n  - *e\n").replace("${each.topic}", "t");
    assert_snapshot!(format!("{}\n{}", problems(&aliased), problems(&names)), @"
    pipes.yaml:6:5 error[duplicate-identity] metadata.name: the ClickPipe `orders-kafka` of service `s` is declared twice
        pipes.yaml:5:9: first declared here
        help: remove one of the two, or give it another name
    pipes.yaml:6:5 warning[same-table] spec.destination.table: another pipe writes the table `default.raw_orders` too
        pipes.yaml:5:9: the other is here
        help: give one of them another table; pipes that only insert share a table with `managedTable: false`

    pipes.yaml:6:5 error[duplicate-identity] metadata.name: the ClickPipe `orders-kafka` of service `s` is declared twice
        pipes.yaml:5:8: first declared here
        help: remove one of the two, or give it another name
    pipes.yaml:6:5 warning[same-table] spec.destination.table: another pipe writes the table `default.raw_orders` too
        pipes.yaml:5:8: the other is here
        help: give one of them another table; pipes that only insert share a table with `managedTable: false`
    ");
}

/// The manifest is right, and the template is: together they are too deep.
#[test]
fn values_that_are_too_deep_are_reported_where_they_are_used() {
    let deep = format!("{}x{}", "[".repeat(58), "]".repeat(58));
    let use_it = |value: &str| format!("    additional: {{a: {{b: {{c: [[[['{value}']]]]}}}}}}\n");
    let with = format!("with: {{topic: t, table: \"${{each.name}}\", deep: {deep}}}");
    let templates = [
        TEMPLATE.replace("  topic: {}\n", "  topic: {}\n  deep: {type: array}\n"),
        TEMPLATE.replace("  topic: {}\n", &format!("  topic: {{}}\n  deep: {{type: array, default: {deep}}}\n")),
    ];
    let templates = templates
        .map(|text| text.replace("    database: default\n", &(use_it("${with.deep}") + "    database: default\n")));
    let [of_with, of_default] = &templates;
    let own = "with: {topic: \"${each.topic}\", table: \"${each.name}\"}";
    let of_entry = PIPES
        .replace("topic: orders_v2}", &format!("topic: orders_v2, deep: {deep}}}"))
        .replace("topic: clicks\n", "topic: clicks\n    deep: x\n")
        + &use_it("${each.deep}");
    let mut all = String::new();
    for (title, template, pipes) in [
        ("with", &**of_with, PIPES.replace(own, &with)),
        ("default of a parameter", &**of_default, PIPES.to_owned()),
        ("entry", TEMPLATE, of_entry),
    ] {
        let loaded = load_with(&[("templates.yaml", template), ("pipes.yaml", &pipes)], VARIABLES);
        writeln!(all, "# {title}\n{}", render_diagnostics(&loaded.diagnostics)).expect("a string takes it");
    }
    assert_snapshot!(all, @"
    # with
    templates.yaml:19:18 warning[unchecked-field] spec.destination.additional.a: `a` is not a field that pipectl knows: it is sent and compared as it stands
        pipes.yaml:9:13: the template is used here
    templates.yaml:19:33 error[yaml-depth] spec.destination.additional.a.b.c.0.0.0.0: nested deeper than 64 levels with the value that is used here
        pipes.yaml:10:107: the value is here

    # default of a parameter
    templates.yaml:19:18 warning[unchecked-field] spec.destination.additional.a: `a` is not a field that pipectl knows: it is sent and compared as it stands
        pipes.yaml:9:13: the template is used here
    templates.yaml:19:33 error[yaml-depth] spec.destination.additional.a.b.c.0.0.0.0: nested deeper than 64 levels with the value that is used here
        pipes.yaml:9:13: the template is used here

    # entry
    pipes.yaml:14:18 warning[unchecked-field] spec.destination.additional.a: `a` is not a field that pipectl knows: it is sent and compared as it stands
        templates.yaml:3:18: it uses the template `prod-kafka`
    pipes.yaml:14:33 error[yaml-depth] spec.destination.additional.a.b.c.0.0.0.0: nested deeper than 64 levels with the value that is used here
        pipes.yaml:5:102: the value is here
    ");
}

/// Nobody uses the template yet. The variables of an environment are not its own, so they are not judged.
#[test]
fn typo_in_a_template_that_nobody_uses_is_reported() {
    let template =
        TEMPLATE.replace("${with.topic}", "${with.topik}").replace("raw_${with.table}", "${each.table}-${ x }");
    let template = template.replace("${brokers}", "${of_another_environment}");
    let loaded = load_with(&[("templates.yaml", &template)], &[]);
    assert_snapshot!(render_diagnostics(&loaded.diagnostics), @"
    templates.yaml:13:15 error[unknown-variable] : this template has no parameter `topik`
        help: did you mean `${with.topic}`?
    templates.yaml:19:12 error[unknown-variable] : a template does not see `forEach`
        help: declare a parameter, and set it under `with` in the manifest
    templates.yaml:19:12 error[bad-variable] : blanks around the name of a variable
        help: write `${name}`, without blanks; `$${` stands for a plain `${`
    ");
}

/// The template has the right field, which is not the one that is missing.
#[test]
fn typo_over_a_field_of_the_template_has_a_suggestion() {
    let typos = "  scaling: {replcas: 4}\n  source: {kafka: {brokrs: \"b:1\"}}\n";
    assert_snapshot!(problems(&(PIPES.replace("  destination:", "  destinatio:") + typos)), @"
    pipes.yaml:11:3 error[unknown-field] spec.destinatio: unknown field `destinatio`
        templates.yaml:3:18: it uses the template `prod-kafka`
        help: did you mean `destination`?
    pipes.yaml:13:13 error[unknown-field] spec.scaling.replcas: unknown field `replcas`
        templates.yaml:3:18: it uses the template `prod-kafka`
        help: did you mean `replicas`?
    pipes.yaml:14:20 error[unknown-field] spec.source.kafka.brokrs: unknown field `brokrs`
        templates.yaml:3:18: it uses the template `prod-kafka`
        help: did you mean `brokers`?
    ");
}

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
