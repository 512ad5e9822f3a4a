//! Laws of rendering: the order of files does not matter, and plain manifests say what the shared ones said.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::render_diagnostics;
use crate::manifest::{
    EnvironmentDefaults, LoadContext, Manifest, ParsedManifests, PlainManifest, parse_manifests, render_manifests,
};
use model::diagnostic::{Diagnostic, SourceFile};

/// Values of fields, right ones and wrong ones: a mistake must stay the same mistake.
fn field_value(own: &'static [&str]) -> impl Strategy<Value = &'static str> {
    let plain = ["1", "0", "-1", "'2'", "true", "x", "'a$${b'", "'${size}'", "'s_${size}'", "[1, 2]", "{a: 1}"];
    select([&plain[..], own].concat())
}

// In a template it is an error, also if no manifest uses it.
const IN_MANIFEST: &[&str] = &["null"];
const IN_TEMPLATE: &[&str] = &["'${with.count}'", "'${with.word}'", "'t_${with.word}'"];

/// A part of a `spec`, in flow style.
fn spec_part(own: &'static [&str], destination: &'static [(&str, &str)]) -> impl Strategy<Value = String> {
    let fields = |names: &[&'static str]| btree_map(select(names.to_vec()), field_value(own), 0..3);
    let scaling = fields(&["replicas", "replicaCpuMillicores", "replicaMemoryGb"]);
    let others = fields(&["table", "database", "managedTable", "roles"]);
    // What is absent is no default.
    let states = if destination.is_empty() { vec!["running", "stopped"] } else { vec!["running", "stopped", "absent"] };
    let state = option::of(select(states));
    (scaling, others, state).prop_map(|(scaling, others, state)| {
        let text = |fields: BTreeMap<&str, &str>| {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            format!("{{{}}}", fields.join(", "))
        };
        let destination = destination.iter().copied().chain(others).collect();
        let scaling = if scaling.is_empty() { String::new() } else { format!(", scaling: {}", text(scaling)) };
        let state = state.map(|state| format!(", state: {state}")).unwrap_or_default();
        format!("destination: {}{scaling}{state}", text(destination))
    })
}

const TABLE: &[(&str, &str)] =
    &[("database", "default"), ("table", "t"), ("managedTable", "false"), ("columns", "[{name: a, type: String}]")];

const SOURCE: &str = "source: {objectStorage: {type: s3, format: JSONEachRow, url: 'https://b.s3.amazonaws.com/x'}}";

fn template_text(name: &str, part: &str) -> String {
    format!(
        "---
apiVersion: pipectl/v1
kind: Template
metadata: {{name: {name}}}
parameters: {{count: {{type: integer, default: 2}}, word: {{default: w}}}}
spec: {{{SOURCE}, {part}}}
"
    )
}

/// One pipe, or one for each entry.
fn pipe_text(number: usize, entries: Option<&[&str]>, shared: &str, part: &str) -> String {
    let list = entries.map(|it| format!("forEach: [{}]", it.join(", "))).unwrap_or_default();
    let name = if list.is_empty() { format!("p{number}") } else { format!("p{number}-${{each.name}}") };
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: \"{name}\", service: s}}
{list}
spec: {{{shared}, {part}}}
"
    )
}

/// A file with templates, a file for each pipe or list of pipes, and a project file with defaults.
fn project_files() -> impl Strategy<Value = (Vec<SourceFile>, String)> {
    let entries = vec(select(vec!["a", "b", "c", "'a$${b'", "{name: d, size: 3}"]), 1..4);
    let count = select(vec!["1", "3", "'${size}'"]);
    let pipe = (select(vec!["one", "two", "none"]), option::of(entries), spec_part(IN_MANIFEST, TABLE), count);
    let template = spec_part(IN_TEMPLATE, TABLE);
    let parts = (vec(template, 2), vec(pipe, 1..4), spec_part(&[], &[]));
    parts.prop_map(|(templates, pipes, defaults)| {
        let templates = ["one", "two"].iter().zip(&templates).map(|(name, part)| template_text(name, part));
        let mut files = vec![source_file("templates.yaml", templates.collect())];
        for (number, (template, entries, part, count)) in pipes.into_iter().enumerate() {
            let shared = match template {
                "none" => SOURCE.to_owned(),
                _ => format!("template: {template}, with: {{count: {count}}}"),
            };
            let text = pipe_text(number, entries.as_deref(), &shared, &part);
            files.push(source_file(&format!("pipe-{number}.yaml"), text));
        }
        (files, format!("environments: {{dev: {{defaults: {{ClickPipe: {{spec: {{{defaults}}}}}}}}}}}\n"))
    })
}

fn source_file(name: &str, text: String) -> SourceFile {
    SourceFile { name: name.into(), text: text.into() }
}

fn with_context<T>(defaults: &str, load: impl FnOnce(LoadContext<'_>) -> T) -> T {
    let variables: BTreeMap<String, String> = [("size".to_owned(), "3".to_owned())].into();
    let defaults = EnvironmentDefaults::read(&source_file("pipectl.yaml", defaults.to_owned()), "dev");
    load(LoadContext::from(&variables).with_defaults(&defaults))
}

/// What was loaded, without places.
fn contents(parsed: &ParsedManifests) -> Vec<String> {
    let content = |it: &Manifest| {
        let Manifest { kind, service, name, document, .. } = it;
        format!("{kind:?} {service:?} {name} {} {:?}", *document.body, document.intent)
    };
    let mut contents: Vec<String> = parsed.manifests.iter().map(content).collect();
    contents.sort();
    contents
}

/// What is wrong, once: a mistake in a template counts for each manifest that uses it.
fn messages(diagnostics: &[Diagnostic]) -> Vec<String> {
    let mut said: Vec<String> =
        diagnostics.iter().map(|it| format!("{} {} {}", it.code, it.path, it.message)).collect();
    said.sort();
    said.dedup();
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn order_of_files_does_not_matter((files, defaults) in project_files(), seed in any::<prop::sample::Index>()) {
        let mut shuffled = files.clone();
        shuffled.rotate_left(seed.index(files.len()));
        shuffled.swap(0, seed.index(files.len()));
        with_context(&defaults, |context| {
            prop_assert_eq!(render_manifests(&shuffled, context), render_manifests(&files, context));
            let (one, other) = (parse_manifests(&files, context), parse_manifests(&shuffled, context));
            prop_assert_eq!(contents(&one), contents(&other));
            prop_assert_eq!(messages(&one.diagnostics), messages(&other.diagnostics));
            Ok(())
        })?;
    }

    #[test]
    fn plain_manifests_are_valid_like_the_shared_ones((files, defaults) in project_files()) {
        let (shared, rendered) =
            with_context(&defaults, |context| (parse_manifests(&files, context), render_manifests(&files, context)));
        let as_file = |(number, it): (usize, &PlainManifest)| {
            source_file(&format!("{number}.yaml"), it.document.to_string())
        };
        let plain_files: Vec<SourceFile> = rendered.iter().enumerate().map(as_file).collect();
        // In the environment that they were rendered for.
        let (plain, again) = with_context(&defaults, |context| {
            (parse_manifests(&plain_files, context), render_manifests(&plain_files, context))
        });
        prop_assert_eq!(contents(&plain), contents(&shared));
        // A field of a template that every manifest replaces is wrong in the template only.
        let is_of_manifest = |it: &&Diagnostic| &*it.place.file != "templates.yaml" || it.also.is_some();
        // Rendering removes a `null` that takes nothing out.
        let is_left = |it: &&Diagnostic| is_of_manifest(it) && it.code != "null-value";
        let of_manifests: Vec<_> = shared.diagnostics.iter().filter(is_left).cloned().collect();
        prop_assert_eq!(
            messages(&plain.diagnostics), messages(&of_manifests),
            "{}\n{}", render_diagnostics(&plain.diagnostics), render_diagnostics(&shared.diagnostics)
        );
        // A plain manifest comes to itself.
        let again: Vec<_> = again.into_iter().map(|it| it.document).collect();
        prop_assert_eq!(again, rendered.into_iter().map(|it| it.document).collect::<Vec<_>>());
    }
}

/// A default that a manifest takes out, or a mapping of defaults that is empty, moves no field of a plain manifest.
#[test]
fn plain_manifest_keeps_the_order_of_its_fields() {
    let own = "destination: {database: null, table: t}";
    let fields: Vec<String> = TABLE.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let template = format!("destination: {{{}}}", fields.join(", "));
    for default in ["{}", "{database: x}", "{database: x, roles: [r]}"] {
        let defaults =
            format!("environments: {{dev: {{defaults: {{ClickPipe: {{spec: {{destination: {default}}}}}}}}}}}\n");
        let files = [
            source_file("templates.yaml", template_text("one", &template)),
            source_file("pipe.yaml", pipe_text(0, None, "template: one", own)),
        ];
        with_context(&defaults, |context| {
            let rendered = render_manifests(&files, context);
            let plain = source_file("plain.yaml", rendered[0].document.to_string());
            let again = render_manifests(std::slice::from_ref(&plain), context);
            assert_eq!(again[0].document.to_string(), plain.text.to_string(), "{default}");
        });
    }
}
