//! Templates that cannot be used, and what their users are told.

use insta::assert_snapshot;

use super::templates::{PIPES, TEMPLATE, VARIABLES};
use super::{load_with, render_diagnostics};
use crate::manifest::{LoadContext, Templates, parse_manifests, parse_past_manifests};
use model::diagnostic::SourceFile;

/// What is reported if the file of the templates is validated with its user, and without.
fn problems_with_templates(title: &str, templates: String) -> String {
    let loaded = load_with(&[("templates.yaml", &templates), ("pipes.yaml", PIPES)], VARIABLES);
    assert_eq!(loaded.manifests.len(), if title == "another document" { 2 } else { 0 }, "{title}");
    let past = parse_past_manifests(
        &[("templates.yaml", templates.as_str()), ("pipes.yaml", PIPES)]
            .map(|(name, text)| SourceFile { name: name.into(), text: text.into() }),
        &VARIABLES.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    );
    assert!(!past.is_readable, "{title}");
    // Where the file of the templates is not validated, each user names it.
    let templates = Templates::read(&[SourceFile { name: "templates.yaml".into(), text: templates.into() }]);
    let variables = std::collections::BTreeMap::new();
    let context = LoadContext::from(&variables).with_templates(&templates);
    let users = [SourceFile { name: "pipes.yaml".into(), text: PIPES.into() }];
    let alone = parse_manifests(&users, context).diagnostics;
    let alone: Vec<_> = alone.into_iter().filter(|it| it.code != "unknown-variable").collect();
    let (both, alone) = (render_diagnostics(&loaded.diagnostics), render_diagnostics(&alone));
    format!("# {title}\n{both}## alone\n{alone}\n")
}

/// A manifest names the template, whose file or document cannot be read: only the cause is reported.
#[test]
fn template_that_cannot_be_read_is_one_mistake() {
    let deep = format!("  x: {}x{}\n", "[".repeat(70), "]".repeat(70));
    let mut all = String::new();
    for (title, templates) in [
        ("syntax", TEMPLATE.to_owned() + "  x: [1\n"),
        ("too deep", TEMPLATE.to_owned() + &deep),
        ("tab", TEMPLATE.to_owned() + "\tx: 1\n"),
        ("character", TEMPLATE.to_owned() + "  x: \u{1}\n"),
        ("another document", format!("{TEMPLATE}---\na: [1\n")),
        ("no spec", TEMPLATE.split("spec:").next().unwrap_or_default().to_owned()),
        ("no name", TEMPLATE.replace("metadata: {name: prod-kafka}", "metadata: {}")),
        ("error of its own", TEMPLATE.replace("spec:\n", "spec:\n  template: other\n")),
        ("misspelt kind", TEMPLATE.replace("kind: Template", "kind: Tmplate")),
        ("another one of the name", format!("{TEMPLATE}---\n{TEMPLATE}")),
    ] {
        all += &problems_with_templates(title, templates);
    }
    assert_snapshot!(all, @"
    # syntax
    templates.yaml:24:6 error[yaml-syntax] : a `{` or `[` is never closed
        help: close what `{` or `[` opened, with commas between the entries
    ## alone
    pipes.yaml:9:13 error[broken-template] spec.template: the template `prod-kafka` is not found, and one that may have this name cannot be read
        templates.yaml:24:6: the mistake is here

    # too deep
    templates.yaml:24:70 error[yaml-depth] : nested deeper than 64 levels, counting what aliases stand for
    ## alone
    pipes.yaml:9:13 error[broken-template] spec.template: the template `prod-kafka` is not found, and one that may have this name cannot be read
        templates.yaml:24:70: the mistake is here

    # tab
    templates.yaml:24:2 error[yaml-tab] : a tab where YAML allows only spaces
        help: indent with spaces, and put one after `:` and `-`
    ## alone
    pipes.yaml:9:13 error[broken-template] spec.template: the template `prod-kafka` is not found, and one that may have this name cannot be read
        templates.yaml:24:2: the mistake is here

    # character
    templates.yaml:24:6 error[yaml-character] : the character U+0001 is not allowed in YAML
        help: if this is not a text file, remove it; in double quotes it is written as an escape
    ## alone
    pipes.yaml:9:13 error[broken-template] spec.template: the template `prod-kafka` is not found, and one that may have this name cannot be read
        templates.yaml:24:6: the mistake is here

    # another document
    templates.yaml:25:4 error[yaml-syntax] : a `{` or `[` is never closed
        help: close what `{` or `[` opened, with commas between the entries
    ## alone

    # no spec
    templates.yaml:1:1 error[missing-field] spec: missing field `spec`
        help: `spec`: A part of the `spec` of manifests, with their fields.
    ## alone
    pipes.yaml:9:13 error[broken-template] spec.template: the template `prod-kafka` is not found, and one that may have this name cannot be read
        templates.yaml:1:1: the mistake is here

    # no name
    templates.yaml:3:1 error[missing-field] metadata.name: missing field `name`
        help: `name`: The name that manifests use under `spec.template`.
    ## alone
    pipes.yaml:9:13 error[broken-template] spec.template: the template `prod-kafka` is not found, and one that may have this name cannot be read
        templates.yaml:3:1: the mistake is here

    # error of its own
    templates.yaml:9:3 error[nested-template] spec.template: a template cannot use another template
        help: write its fields here
    ## alone
    pipes.yaml:9:13 error[broken-template] spec.template: the template `prod-kafka` has errors
        templates.yaml:9:3: the mistake is here

    # misspelt kind
    templates.yaml:2:7 error[unknown-kind] kind: there is no kind `Tmplate`
        help: did you mean `Template`?
    ## alone
    pipes.yaml:9:13 error[broken-template] spec.template: the template `prod-kafka` has errors
        templates.yaml:2:7: the mistake is here

    # another one of the name
    templates.yaml:27:18 error[duplicate-template] metadata.name: the template `prod-kafka` is declared twice
        templates.yaml:3:18: first declared here
        help: remove one of the two, or give it another name
    ## alone
    pipes.yaml:9:13 error[broken-template] spec.template: the template `prod-kafka` has errors
        templates.yaml:27:18: the mistake is here
    ");
}

/// A template is recognized by what it has, so that its users are not told that there is none.
#[test]
fn template_without_a_part_of_its_head_is_one_mistake() {
    let mut all = String::new();
    for (title, templates) in [
        ("misspelt `spec`", TEMPLATE.replace("spec:\n", "sepc:\n")),
        ("variable in the name", TEMPLATE.replace("prod-kafka", "\"${brokers}\"")),
        ("no kind", TEMPLATE.replace("kind: Template\n", "")),
    ] {
        all += &problems_with_templates(title, templates);
    }
    assert_snapshot!(all, @"
    # misspelt `spec`
    templates.yaml:8:1 error[unknown-field] sepc: unknown field `sepc`
        help: did you mean `spec`?
    ## alone
    pipes.yaml:9:13 error[broken-template] spec.template: the template `prod-kafka` is not found, and one that may have this name cannot be read
        templates.yaml:8:1: the mistake is here

    # variable in the name
    templates.yaml:3:18 error[bad-variable] metadata.name: the name of a template cannot contain variables: it is read before they are known
        help: write the name itself
    ## alone
    pipes.yaml:9:13 error[broken-template] spec.template: the template `prod-kafka` is not found, and one that may have this name cannot be read
        templates.yaml:3:18: the mistake is here

    # no kind
    templates.yaml:1:1 error[unknown-kind] kind: a document with parameters is a template, and this one has no `kind`
        help: add `kind: Template`
    ## alone
    pipes.yaml:9:13 error[broken-template] spec.template: the template `prod-kafka` has errors
        templates.yaml:1:1: the mistake is here
    ");
}
