//! Reads the resources of a state, from the root module and all others.

use serde_json::{Map, Value};

// Modules are read by recursion: a prepared state must not overflow the stack.
const MAX_MODULE_DEPTH: usize = 64;

pub(super) struct TerraformResource<'s> {
    pub(super) address: String,
    pub(super) resource_type: &'s str,
    pub(super) values: &'s Map<String, Value>,
    /// The sensitive attributes, as `true` in the place of their values; `None` if the state does not mark all of them.
    pub(super) sensitive: Option<&'s Value>,
}

/// The reason why a state cannot be converted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message says what a field is")]
pub enum TerraformStateError {
    /// A `terraform.tfstate` file of another version than 4.
    #[error("this is a state file of an old version of Terraform. {COMMAND}")]
    OldStateFile,
    #[error("this is a Terraform plan, not a state. {COMMAND}")]
    Plan,
    #[error("this is not a Terraform state. {COMMAND}")]
    NotTerraform,
    #[error("the state is empty. Run `terraform show -json` in the folder and the workspace whose pipes are meant")]
    EmptyState,
    #[error(
        "the state holds no pipe, no CDC infrastructure and no reverse private endpoint, only other things \
         ({unmanaged_count})"
    )]
    NoManagedResource { unmanaged_count: usize },
    /// A state with resources of ClickPipes that cannot become manifests.
    #[error("no manifest can be made of what is in the state: {}", reasons.join("; "))]
    NoUsableResource { reasons: Vec<String> },
    /// A state that does not have the documented format.
    #[error("the state is not of the form that Terraform prints: `{path}` is not {expected}")]
    UnexpectedShape { path: String, expected: &'static str },
}

const COMMAND: &str = "Write one with `terraform show -json > state.json`";

pub(super) fn list_resources(state: &Value) -> Result<Vec<TerraformResource<'_>>, TerraformStateError> {
    let top = state.as_object().ok_or(TerraformStateError::NotTerraform)?;
    let has = |key: &str| top.contains_key(key);
    // A plan has no `values`, so it would pass for an empty state.
    if has("planned_values") || has("resource_changes") {
        return Err(TerraformStateError::Plan);
    }
    // Only a state file has these keys. The output of `terraform show` has `format_version` instead.
    if has("serial") || has("lineage") {
        return list_state_file(top);
    }
    let Some(values) = top.get("values").filter(|values| !values.is_null()) else {
        return Err(if has("format_version") {
            TerraformStateError::EmptyState
        } else {
            TerraformStateError::NotTerraform
        });
    };
    let mut found = Vec::new();
    if let Some(root) = values.get("root_module") {
        collect_module(root, "values.root_module", 0, &mut found)?;
    }
    if found.is_empty() { Err(TerraformStateError::EmptyState) } else { Ok(found) }
}

/// The resources of a `terraform.tfstate` file, as `terraform state pull` prints it, too. Version 4 is that of Terraform
/// 0.12 and later, and of `OpenTofu`.
fn list_state_file(top: &Map<String, Value>) -> Result<Vec<TerraformResource<'_>>, TerraformStateError> {
    if top.get("version").and_then(Value::as_u64) != Some(4) {
        return Err(TerraformStateError::OldStateFile);
    }
    let unexpected = |path: String, expected: &'static str| TerraformStateError::UnexpectedShape { path, expected };
    let resources = top.get("resources").and_then(Value::as_array);
    let mut found = Vec::new();
    for (at, one) in resources.ok_or_else(|| unexpected("resources".to_owned(), "a list"))?.iter().enumerate() {
        if one["mode"] == "data" {
            continue;
        }
        let text =
            |name: &str| one[name].as_str().ok_or_else(|| unexpected(format!("resources.{at}.{name}"), "a text"));
        let (resource_type, name) = (text("type")?, text("name")?);
        let module = one["module"].as_str().map(|module| format!("{module}.")).unwrap_or_default();
        for (index, instance) in list_field(one, "instances", &format!("resources.{at}"))?.iter().enumerate() {
            // Terraform is about to destroy a deposed object, so it must not be adopted.
            if instance.get("deposed").is_some_and(Value::is_string) {
                continue;
            }
            let values = instance["attributes"].as_object();
            let path = || format!("resources.{at}.instances.{index}.attributes");
            let values = values.ok_or_else(|| unexpected(path(), "an object"))?;
            let key = instance.get("index_key").map(|key| format!("[{key}]")).unwrap_or_default();
            found.push(TerraformResource {
                address: format!("{module}{resource_type}.{name}{key}"),
                resource_type,
                values,
                // `sensitive_attributes` lists what was marked in the configuration, and not what the provider marks.
                sensitive: None,
            });
        }
    }
    if found.is_empty() { Err(TerraformStateError::EmptyState) } else { Ok(found) }
}

fn collect_module<'s>(
    module: &'s Value,
    path: &str,
    depth: usize,
    found: &mut Vec<TerraformResource<'s>>,
) -> Result<(), TerraformStateError> {
    if !module.is_object() || depth > MAX_MODULE_DEPTH {
        return Err(TerraformStateError::UnexpectedShape { path: path.to_owned(), expected: "a module" });
    }
    for (index, one) in list_field(module, "resources", path)?.iter().enumerate() {
        found.extend(parse_resource(one, &format!("{path}.resources.{index}"))?);
    }
    for (index, child) in list_field(module, "child_modules", path)?.iter().enumerate() {
        collect_module(child, &format!("{path}.child_modules.{index}"), depth + 1, found)?;
    }
    Ok(())
}

fn has_mark(marks: &Value) -> bool {
    match marks {
        Value::Array(items) => items.iter().any(has_mark),
        Value::Object(fields) => fields.values().any(has_mark),
        other => *other == true,
    }
}

fn list_field<'s>(module: &'s Value, key: &str, path: &str) -> Result<&'s [Value], TerraformStateError> {
    match module.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(TerraformStateError::UnexpectedShape { path: format!("{path}.{key}"), expected: "a list" }),
    }
}

fn parse_resource<'s>(one: &'s Value, path: &str) -> Result<Option<TerraformResource<'s>>, TerraformStateError> {
    let shape_error =
        |name: &str, wanted| TerraformStateError::UnexpectedShape { path: format!("{path}.{name}"), expected: wanted };
    // Terraform only reads a data source, and is about to destroy a deposed object.
    if one["mode"] == "data" || one.get("deposed_key").is_some_and(Value::is_string) {
        return Ok(None);
    }
    let address = one["address"].as_str().ok_or_else(|| shape_error("address", "a text"))?;
    let kind = one["type"].as_str().ok_or_else(|| shape_error("type", "a text"))?;
    let values = one["values"].as_object().ok_or_else(|| shape_error("values", "an object"))?;
    // If nothing is marked, an older Terraform may have set no marks.
    let sensitive = one.get("sensitive_values").filter(|marks| has_mark(marks));
    Ok(Some(TerraformResource { address: address.to_owned(), resource_type: kind, values, sensitive }))
}
