//! Checks shared parts of manifests separately: templates, the values for them, entries of `forEach`, defaults of
//! environments. Otherwise a part that no manifest uses, or whose value a manifest replaces, would not be checked.

use std::collections::{BTreeMap, BTreeSet};

use super::Problem;
use super::project_bound::ProjectBound;
use super::templates::Template;
use super::variable_scope::Scope;
use super::variables::VariableExpander;
use crate::kinds::{self, manifest_fields};
use crate::validate::literal_secrets::{find_in_named_values, find_in_shared_part};
use model::address::Kind;
use model::diagnostic::{Diagnostic, SourceFile};
use model::path::FieldPath;
use model::secret::is_secret_source_key;
use model::yaml::{self, PendingDiagnostic, PendingDiagnostics, Span, YamlContent, YamlEntry, YamlNode};

/// The mistakes in the fields of a template.
// `variables` are those of all environments, if they are known.
pub(super) fn check_template(
    template: &Template,
    variables: Option<&BTreeMap<String, String>>,
    remarks: &mut PendingDiagnostics,
) {
    let spec =
        YamlEntry { key: "spec".to_owned(), span: template.spec.span, value: template.spec.clone(), merged: false };
    let part = YamlNode::new(template.spec.span, YamlContent::Map(vec![spec]));
    check_part(likely_kind(&template.spec), &part, &FieldPath::root(), remarks);
    check_variables(template, variables, remarks);
    let names = names_in_references(&template.spec);
    for (name, default) in template.defaults() {
        let value = serde_json::json!({ name: default.to_json() });
        for problem in find_in_named_values(&value, &FieldPath::root(), &|name| names.contains(name)) {
            let below = FieldPath::root().child(name);
            let span = problem.path.relative_to(&below).map_or(default.span, |path| default.span_at(&path));
            let path = FieldPath::parse("parameters").join(&problem.path);
            remarks.push(to_remark(Problem { path, ..problem }, span));
        }
    }
}

/// The mistakes in the variables of a template, except those that depend on the environment of the run.
fn check_variables(
    template: &Template,
    variables: Option<&BTreeMap<String, String>>,
    remarks: &mut PendingDiagnostics,
) {
    let bound = ProjectBound::default();
    let mut expander = VariableExpander::for_any_environment(variables, &bound);
    for (_, default) in template.defaults() {
        expander.expand_variables(&mut default.clone(), Scope::ParameterDefault, remarks);
    }
    // Each manifest has its own values.
    let open = |name: &String| (name.clone(), YamlNode::new(template.name_span, YamlContent::Unreadable));
    let values = template.parameters.keys().map(open).collect();
    expander.expand_variables(&mut template.spec.clone(), Scope::Template(&values), remarks);
}

/// The kind that has most of the fields of a template.
pub fn likely_kind(spec: &YamlNode) -> Kind {
    let known = |kind: &Kind| {
        let fields = manifest_fields(*kind).child_field("spec");
        spec.entries().iter().filter(|it| fields.is_some_and(|fields| fields.child_field(&it.key).is_some())).count()
    };
    // `state` alone is a field of every kind, and most templates are of pipes.
    Kind::ALL.into_iter().max_by_key(|kind| (known(kind), *kind == Kind::ClickPipe)).unwrap_or(Kind::ClickPipe)
}

/// The mistakes in the defaults of every environment of a project file.
pub fn find_default_problems(file: &SourceFile) -> Vec<Diagnostic> {
    let mut remarks = PendingDiagnostics::default();
    for document in yaml::read_documents(&file.text, &mut PendingDiagnostics::default()) {
        let environments = document.root.node_at(&["environments"]).map_or(&[][..], YamlNode::entries);
        for environment in environments {
            let at = FieldPath::parse("environments").child(&environment.key).child("defaults");
            let defaults = environment.value.node_at(&["defaults"]).map_or(&[][..], YamlNode::entries);
            for entry in defaults {
                if let Some(kind) = Kind::from_name(&entry.key) {
                    check_part(kind, &entry.value, &at.child(&entry.key), &mut remarks);
                }
            }
        }
    }
    remarks.into_vec().into_iter().map(|remark| remark.into_diagnostic(&file.name)).collect()
}

/// Checks a part of a manifest of this kind, which stands at `at`.
pub(super) fn check_part(kind: Kind, part: &YamlNode, at: &FieldPath, remarks: &mut PendingDiagnostics) {
    let mut found = PendingDiagnostics::default();
    kinds::manifest_validator(kind).validate_part(part, &mut found);
    for problem in find_in_shared_part(manifest_fields(kind), &part.to_json()) {
        let span = part.span_at(&problem.path);
        found.push(to_remark(problem, span));
    }
    for remark in found.into_vec() {
        let path = at.join(&remark.path);
        remarks.push(remark.with_path(path));
    }
}

/// Reports secrets in the entries of `forEach` and in the values for the parameters of a template, even if they are not
/// used. `template` is the `spec` of the template that the document names.
pub(super) fn check_shared_values(root: &YamlNode, template: Option<&YamlNode>, remarks: &mut PendingDiagnostics) {
    let entries = root.node_at(&["forEach"]);
    let with = root.node_at(&["spec", "with"]);
    if entries.is_none() && with.is_none() {
        return;
    }
    let mut names = names_in_references(root);
    names.extend(template.map(names_in_references).unwrap_or_default());
    // A parameter may be used as the name of a variable: then its values are such names, too.
    for entry in
        with.map_or(&[][..], YamlNode::entries).iter().filter(|entry| names.contains(&entry.key)).collect::<Vec<_>>()
    {
        collect_variables(&entry.value, &mut names);
    }
    let entries = entries.map_or(&[][..], YamlNode::items).iter().enumerate();
    let entries = entries.map(|(index, entry)| (entry, FieldPath::parse("forEach").child(index)));
    let values = with.map(|with| (with, FieldPath::parse("spec.with")));
    for (values, at) in values.into_iter().chain(entries) {
        for problem in find_in_named_values(&values.to_json(), &at, &|name| names.contains(name)) {
            let span = root.span_at(&problem.path);
            remarks.push(to_remark(problem, span));
        }
    }
}

/// The last parts of the names of variables in references to secrets: `variable` of `{fromEnv: "${with.variable}"}`.
/// Such a value is a name and not a secret.
fn names_in_references(node: &YamlNode) -> BTreeSet<String> {
    fn visit(node: &YamlNode, is_inside: bool, names: &mut BTreeSet<String>) {
        if is_inside {
            return collect_variables(node, names);
        }
        node.items().iter().for_each(|item| visit(item, false, names));
        node.entries().iter().for_each(|entry| visit(&entry.value, is_secret_source_key(&entry.key), names));
    }
    let mut names = BTreeSet::new();
    visit(node, false, &mut names);
    names
}

fn collect_variables(node: &YamlNode, names: &mut BTreeSet<String>) {
    let variables = node.as_text().into_iter().flat_map(|text| text.split("${").skip(1));
    let last_parts = variables.filter_map(|rest| rest.split_once('}')?.0.rsplit('.').next());
    names.extend(last_parts.map(str::to_owned));
    node.child_nodes().for_each(|child| collect_variables(child, names));
}

fn to_remark(problem: Problem, span: Span) -> PendingDiagnostic {
    let remark = PendingDiagnostic::error(problem.code, span, problem.message).with_path(problem.path);
    PendingDiagnostic { help: problem.help, ..remark }
}
