//! What is shared is checked also where nothing uses it, and all files are bounded together.

use super::{load_all, render_diagnostics};
use crate::manifest::find_default_problems;
use model::diagnostic::{Diagnostic, SourceFile};

const KAFKA: &str = "kafka: {type: confluent, brokers: 'b:9092', topics: t, format: JSONEachRow, authentication: PLAIN, credentials: {username: a, password: {fromEnv: P}}}";

fn template(parameters: &str, spec: &str) -> String {
    format!(
        "apiVersion: pipectl/v1\nkind: Template\nmetadata: {{name: t}}\nparameters: {{{parameters}}}\nspec: {{{spec}}}\n"
    )
}

fn user(head: &str, spec: &str) -> String {
    format!("apiVersion: pipectl/v1\nkind: ClickPipe\n{head}\nspec: {{{spec}}}\n")
}

fn places(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics.iter().map(|it| format!("{} {}", it.code, it.place)).collect()
}

#[test]
fn fields_of_an_unused_template_are_checked() {
    let unused = template("n: {type: integer}", "scaling: {replica: '${with.n}'}, state: walking, source: {kafak: {}}");
    let found = load_all(&[("t.yaml", &unused)]).diagnostics;
    assert_eq!(
        places(&found),
        ["unknown-field t.yaml:5:18", "bad-value t.yaml:5:48", "unknown-field t.yaml:5:66"],
        "{}",
        render_diagnostics(&found)
    );
}

#[test]
fn template_field_that_a_manifest_replaces_is_checked() {
    let replaced = template("", "scaling: {replicas: many}, destination: {table: a}");
    let pipe = user(
        "metadata: {name: a, service: s}",
        &format!(
            "template: t, source: {{{KAFKA}}}, scaling: {{replicas: 2}}, destination: {{database: d, managedTable: true, tableDefinition: {{engine: {{type: MergeTree}}}}, columns: [{{name: id, type: UInt64}}]}}"
        ),
    );
    let found = load_all(&[("t.yaml", &replaced), ("m.yaml", &pipe)]).diagnostics;
    assert_eq!(places(&found), ["wrong-type t.yaml:5:28"], "{}", render_diagnostics(&found));
}

#[test]
fn manifest_with_a_broken_template_shows_its_own_mistakes() {
    let broken = template("n: {type: integer, default: x}", "scaling: {replicas: '${with.n}'}");
    let other = template("", "{}").replace("name: t", "name: other");
    // That the template is broken is reported at the template.
    for (template, code) in [(broken, None), (other, Some("unknown-template"))] {
        let pipe = user("metadata: {name: a, service: s, lables: {}}", "template: t, destination: {tabel: a}");
        let found = load_all(&[("t.yaml", &template), ("m.yaml", &pipe)]).diagnostics;
        let codes: Vec<&str> = found.iter().filter(|it| &*it.place.file == "m.yaml").map(|it| it.code).collect();
        let expected: Vec<&str> = [Some("unknown-field"), code, Some("unknown-field")].into_iter().flatten().collect();
        assert_eq!(codes, expected, "{}", render_diagnostics(&found));
    }
}

#[test]
fn names_that_could_not_be_formed_are_not_duplicates() {
    let pipes = user("metadata: {name: '${each.nam}', service: s}\nforEach: [{name: a}, {name: b}]", "template: t");
    let found = load_all(&[("t.yaml", &template("", "protect: true")), ("m.yaml", &pipes)]).diagnostics;
    let named = found.iter().filter(|it| matches!(it.code, "duplicate-identity" | "unknown-variable"));
    assert_eq!(named.map(|it| it.code).collect::<Vec<_>>(), ["unknown-variable"], "{}", render_diagnostics(&found));
}

#[test]
fn misspelt_source_of_a_default_is_reported_for_every_environment() {
    let text = "apiVersion: pipectl/v1\nkind: Project\nenvironments:\n  dev: {defaults: {ClickPipe: {spec: {source: {kafak: {offset: {strategy: from_latest}}}}}}}\n  prod: {defaults: {ClickPipe: {spec: {scaling: {replicas: many}}}}}\n";
    let found = find_default_problems(&SourceFile { name: "pipectl.yaml".into(), text: text.into() });
    let found: Vec<_> = found.iter().map(|it| format!("{} {} {}", it.code, it.place, it.path)).collect();
    assert_eq!(
        found,
        [
            "unknown-field pipectl.yaml:4:48 environments.dev.defaults.ClickPipe.spec.source.kafak",
            "wrong-type pipectl.yaml:5:60 environments.prod.defaults.ClickPipe.spec.scaling.replicas",
        ]
    );
}

#[test]
fn files_are_bounded_together_with_one_error_at_the_file_that_is_too_much() {
    let list = |count: usize| (0..count).map(|at| format!("n{at}")).collect::<Vec<_>>().join(", ");
    // Each file stays within the bound of a file.
    let pipes = user(
        &format!("metadata: {{name: '${{each.name}}', service: s}}\nforEach: [{}]", list(1000)),
        &format!("a: [{}]", list(400)),
    );
    let files = ["a.yaml", "b.yaml", "c.yaml", "d.yaml"].map(|name| (name, pipes.as_str()));
    let loaded = load_all(&files);
    assert!(loaded.manifests.is_empty());
    assert_eq!(places(&loaded.diagnostics), ["yaml-too-large c.yaml:4:1"]);
}
