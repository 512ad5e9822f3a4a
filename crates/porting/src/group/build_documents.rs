//! The two documents of a group: a template, and a manifest with `forEach`.

use serde_json::{Map, Value, json};

use super::group_parameters::{GroupParameters, ParameterUse};
use super::manifest_leaves::LeafType;
use crate::export::{ExportedManifest, escape_text};
use model::path::FieldPath;

pub(super) struct GroupDocuments {
    pub(super) template: Value,
    pub(super) document: Value,
}

/// `None` without members.
pub(super) fn build_documents(
    template_name: &str,
    members: &[ExportedManifest],
    group: &GroupParameters,
) -> Option<GroupDocuments> {
    let mut first = members.first()?.document.clone();
    let spec_path = FieldPath::parse("spec");
    let (mut declared, mut with) = (Map::new(), Map::new());
    for parameter_use in &group.uses {
        let parameter = group.parameters.get(parameter_use.parameter)?;
        let is_in_template = parameter_use.path.is_within(&spec_path);
        // A template sees only its parameters, and the document only its entry.
        let scope = if is_in_template { "with" } else { "each" };
        parameter_use.path.set_in(&mut first, used_text(parameter_use, scope, &parameter.name));
        if is_in_template {
            declared.insert(parameter.name.clone(), parameter_type(&parameter.values));
            with.insert(parameter.name.clone(), Value::from(format!("${{each.{}}}", parameter.name)));
        }
    }
    let mut template = json!({
        "apiVersion": first["apiVersion"],
        "kind": "Template",
        "metadata": { "name": template_name },
    });
    if !declared.is_empty() {
        template["parameters"] = declared.into();
    }
    template["spec"] = first["spec"].take();
    let mut spec = json!({ "template": template_name });
    if !with.is_empty() {
        spec["with"] = with.into();
    }
    let document = json!({
        "apiVersion": first["apiVersion"],
        "kind": first["kind"],
        "metadata": first["metadata"],
        "forEach": entries(members.len(), group),
        "spec": spec,
    });
    Some(GroupDocuments { template, document })
}

fn used_text(parameter_use: &ParameterUse, scope: &str, name: &str) -> Value {
    let (before, after) = (escape_text(&parameter_use.before), escape_text(&parameter_use.after));
    Value::from(format!("{before}${{{scope}.{name}}}{after}"))
}

/// Texts are the default.
fn parameter_type(values: &[Value]) -> Value {
    let mut types = values.iter().map(LeafType::of_value);
    match types.next() {
        Some(LeafType::Number) if values.iter().all(|value| value.is_i64() || value.is_u64()) => {
            json!({"type": "integer"})
        }
        Some(LeafType::Number) => json!({"type": "number"}),
        Some(LeafType::Bool) => json!({"type": "boolean"}),
        Some(LeafType::List) => json!({"type": "array"}),
        Some(LeafType::Text | LeafType::Empty) | None => json!({}),
    }
}

fn entries(count: usize, group: &GroupParameters) -> Vec<Value> {
    let entries = (0..count).map(|at| match group.parameters.as_slice() {
        // A name is short for an entry with only a name.
        [only] if only.name == "name" => only.values[at].clone(),
        parameters => {
            parameters.iter().map(|it| (it.name.clone(), it.values[at].clone())).collect::<Map<_, _>>().into()
        }
    });
    entries.collect()
}
