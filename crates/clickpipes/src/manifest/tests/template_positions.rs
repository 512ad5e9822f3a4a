//! Where mistakes in shared values are reported, if the value stands elsewhere than the text that uses it.

use std::fmt::Write;

use insta::assert_snapshot;

use super::templates::{PIPES, TEMPLATE, VARIABLES, problems};
use super::{load_with, render_diagnostics};
use crate::manifest::{LoadContext, parse_manifests};
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
        pipes.yaml:5:9: the other is here; both have it from templates.yaml:19:12
        help: give one of them another table; pipes that only insert share a table with `managedTable: false`

    pipes.yaml:6:5 error[duplicate-identity] metadata.name: the ClickPipe `orders-kafka` of service `s` is declared twice
        pipes.yaml:5:8: first declared here
        help: remove one of the two, or give it another name
    pipes.yaml:6:5 warning[same-table] spec.destination.table: another pipe writes the table `default.raw_orders` too
        pipes.yaml:5:8: the other is here; both have it from templates.yaml:19:12
        help: give one of them another table; pipes that only insert share a table with `managedTable: false`
    ");
}

/// A key that no entry has is a mistake of the text; a key that one entry lacks is one of that entry.
#[test]
fn key_that_no_entry_has_is_one_mistake() {
    let names =
        PIPES.replace("  - {name: orders, topic: orders_v2}\n  - name: clicks\n    topic: clicks\n", "  [a, b]\n");
    let aliased =
        names.replace("labels: {", "labels: {x: &a x, ").replace("[a, b]", "[*a, {name: b, topic: b}, [c], *a]");
    let mut all = String::new();
    for (title, pipes) in [
        ("misspelt", PIPES.replace("${each.topic}", "${each.topik}")),
        ("only names", names),
        ("alias that lacks it", aliased),
        ("prefix", PIPES.replace("${each.topic}", "${eech.topic}-${topic}")),
    ] {
        writeln!(all, "# {title}\n{}", problems(&pipes)).expect("a string takes it");
    }
    assert_snapshot!(all, @"
    # misspelt
    pipes.yaml:3:68 error[unknown-variable] : no entry of `forEach` has `topik`
        help: did you mean `${each.topic}`?
    pipes.yaml:10:17 error[unknown-variable] : no entry of `forEach` has `topik`
        help: did you mean `${each.topic}`?

    # only names
    pipes.yaml:3:68 error[unknown-variable] : no entry of `forEach` has `topic`
        help: its entries have: `name`
    pipes.yaml:8:17 error[unknown-variable] : no entry of `forEach` has `topic`
        help: its entries have: `name`

    # alias that lacks it
    pipes.yaml:5:4 error[unknown-variable] : this entry of `forEach` has no `topic`
        pipes.yaml:3:77: used here
    pipes.yaml:5:30 error[wrong-type] forEach: an entry of `forEach` must be a mapping or a name
    pipes.yaml:5:34 error[unknown-variable] : this entry of `forEach` has no `topic`
        pipes.yaml:3:77: used here
    pipes.yaml:5:34 error[duplicate-identity] metadata.name: the ClickPipe `x-kafka` of service `s` is declared twice
        pipes.yaml:5:4: first declared here
        help: remove one of the two, or give it another name
    pipes.yaml:5:34 warning[same-table] spec.destination.table: another pipe writes the table `default.raw_x` too
        pipes.yaml:5:4: the other is here; both have it from templates.yaml:19:12
        help: give one of them another table; pipes that only insert share a table with `managedTable: false`

    # prefix
    pipes.yaml:3:68 error[unknown-variable] : there is no variable `eech.topic` in this environment
        help: did you mean `${each.topic}`?
    pipes.yaml:3:68 error[unknown-variable] : there is no variable `topic` in this environment
        help: did you mean `${each.topic}`?
    pipes.yaml:10:17 error[unknown-variable] : there is no variable `eech.topic` in this environment
        help: did you mean `${each.topic}`?
    pipes.yaml:10:17 error[unknown-variable] : there is no variable `topic` in this environment
        help: did you mean `${each.topic}`?
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
    templates.yaml:19:18 warning[unchecked-field] spec.destination.additional.a: `a` is not a field that pipectl knows: it is sent and compared as written
        pipes.yaml:9:13: the template is used here
    templates.yaml:19:33 error[yaml-depth] spec.destination.additional.a.b.c.0.0.0.0: nested deeper than 64 levels with the value that is used here
        pipes.yaml:10:107: the value is here

    # default of a parameter
    templates.yaml:19:18 warning[unchecked-field] spec.destination.additional.a: `a` is not a field that pipectl knows: it is sent and compared as written
        pipes.yaml:9:13: the template is used here
    templates.yaml:19:33 error[yaml-depth] spec.destination.additional.a.b.c.0.0.0.0: nested deeper than 64 levels with the value that is used here
        pipes.yaml:9:13: the template is used here

    # entry
    pipes.yaml:14:18 warning[unchecked-field] spec.destination.additional.a: `a` is not a field that pipectl knows: it is sent and compared as written
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
    templates.yaml:19:12 error[unknown-variable] : a template cannot use `forEach`
        help: declare a parameter, and set it under `with` in the manifest
    templates.yaml:19:12 error[bad-variable] : blanks around the name of a variable
        help: write `${name}`, without blanks; `$${` stands for a plain `${`
    ");
}

/// With the variables of all environments, a name that none of them has is a mistake.
#[test]
fn variable_of_no_environment_is_reported_in_a_template_that_nobody_uses() {
    let template = TEMPLATE.replace("${with.topic}", "${wiht.topic}").replace("${with.table}", "${brr}-${table}");
    let template = template.replace("${brokers}", "${of_another_environment}");
    let variables = std::collections::BTreeMap::from([("bra".to_owned(), String::new())]);
    let other = serde_json::json!({"prod": {"variables": {"of_another_environment": "x", "brrr": "y"}}});
    let others = serde_json::from_value(other).expect("environments");
    let file = |name: &str, text: &str| SourceFile { name: name.into(), text: text.into() };
    let context = LoadContext::from(&variables).with_other_environments(&others);
    let load = |files: &[SourceFile]| render_diagnostics(&parse_manifests(files, context).diagnostics);
    let unused = load(&[file("templates.yaml", &template)]);
    let used = load(&[file("templates.yaml", &template), file("pipes.yaml", PIPES)]);
    assert_snapshot!(format!("{unused}\n# used\n{used}"), @"
    templates.yaml:13:15 error[unknown-variable] : there is no variable `wiht.topic` in any environment
        help: did you mean `${with.topic}`?
    templates.yaml:19:12 error[unknown-variable] : there is no variable `brr` in any environment
        help: did you mean `${bra}`?
    templates.yaml:19:12 error[unknown-variable] : there is no variable `table` in any environment
        help: did you mean `${with.table}`?

    # used
    templates.yaml:12:16 error[unknown-variable] : there is no variable `of_another_environment` in this environment
        pipes.yaml:9:13: the template is used here
        help: declare it under the environment's `variables` in the project file; `$${` stands for a plain `${`
    templates.yaml:13:15 error[unknown-variable] : there is no variable `wiht.topic` in this environment
        pipes.yaml:9:13: the template is used here
        help: did you mean `${with.topic}`?
    templates.yaml:19:12 error[unknown-variable] : there is no variable `brr` in this environment
        pipes.yaml:9:13: the template is used here
        help: did you mean `${bra}`?
    templates.yaml:19:12 error[unknown-variable] : there is no variable `table` in this environment
        pipes.yaml:9:13: the template is used here
        help: did you mean `${with.table}`?
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
