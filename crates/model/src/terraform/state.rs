//! The resources of a state, from its root and all its modules.

use std::fmt;

use serde_json::{Map, Value};

/// Deeper modules than these nobody has.
const DEEPEST: usize = 64;

/// One instance of a resource.
pub(super) struct Resource<'s> {
    pub(super) address: String,
    pub(super) kind: &'s str,
    pub(super) values: &'s Map<String, Value>,
}

/// Why a state cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The file that Terraform keeps, in a form of its own.
    StateFile,
    /// A plan.
    Plan,
    /// Nothing of Terraform.
    Other,
    /// A state in which there is nothing.
    Empty,
    /// A state of other things.
    NothingOfOurs {
        /// How many.
        others: usize,
    },
    /// A state of things of which no manifest can be made.
    NoManifest {
        /// What speaks against each.
        why: Vec<String>,
    },
    /// A state whose form is not the documented one.
    Form {
        /// Where.
        at: String,
        /// What should stand there.
        wanted: &'static str,
    },
}

impl std::error::Error for Unreadable {}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const COMMAND: &str =
            "`terraform show -json > state.json` writes the one that is read here";
        match self {
            Self::StateFile => write!(f, "this is Terraform's own state file. {COMMAND}"),
            Self::Plan => write!(f, "this is a plan, not a state. {COMMAND}"),
            Self::Other => write!(f, "this is no state of Terraform. {COMMAND}"),
            Self::Empty => f.write_str(
                "the state is empty. Run `terraform show -json` in the folder and the workspace \
                 whose pipes are meant",
            ),
            Self::NothingOfOurs { others } => write!(
                f,
                "the state holds no pipe, no CDC infrastructure and no reverse private endpoint, \
                 only other things ({others})"
            ),
            Self::NoManifest { why } => {
                write!(f, "no manifest can be made of what is in the state: {}", why.join("; "))
            }
            Self::Form { at, wanted } => {
                write!(
                    f,
                    "the state is not of the form that Terraform prints: `{at}` is not {wanted}"
                )
            }
        }
    }
}

pub(super) fn resources(state: &Value) -> Result<Vec<Resource<'_>>, Unreadable> {
    let top = state.as_object().ok_or(Unreadable::Other)?;
    let has = |key: &str| top.contains_key(key);
    if has("planned_values") || has("resource_changes") {
        return Err(Unreadable::Plan);
    }
    if has("serial") || has("lineage") {
        return Err(Unreadable::StateFile);
    }
    let Some(values) = top.get("values").filter(|values| !values.is_null()) else {
        return Err(if has("format_version") { Unreadable::Empty } else { Unreadable::Other });
    };
    let mut found = Vec::new();
    if let Some(root) = values.get("root_module") {
        module(root, "values.root_module", 0, &mut found)?;
    }
    if found.is_empty() { Err(Unreadable::Empty) } else { Ok(found) }
}

fn module<'s>(
    module: &'s Value,
    at: &str,
    depth: usize,
    found: &mut Vec<Resource<'s>>,
) -> Result<(), Unreadable> {
    if !module.is_object() || depth > DEEPEST {
        return Err(Unreadable::Form { at: at.to_owned(), wanted: "a module" });
    }
    for (index, one) in list(module, "resources", at)?.iter().enumerate() {
        found.extend(resource(one, &format!("{at}.resources.{index}"))?);
    }
    for (index, child) in list(module, "child_modules", at)?.iter().enumerate() {
        self::module(child, &format!("{at}.child_modules.{index}"), depth + 1, found)?;
    }
    Ok(())
}

fn list<'s>(module: &'s Value, key: &str, at: &str) -> Result<&'s [Value], Unreadable> {
    match module.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Unreadable::Form { at: format!("{at}.{key}"), wanted: "a list" }),
    }
}

/// Nothing for what is only looked up, and for what Terraform is about to destroy.
fn resource<'s>(one: &'s Value, at: &str) -> Result<Option<Resource<'s>>, Unreadable> {
    let form = |name: &str, wanted| Unreadable::Form { at: format!("{at}.{name}"), wanted };
    if one["mode"] == "data" || one.get("deposed_key").is_some_and(Value::is_string) {
        return Ok(None);
    }
    let address = one["address"].as_str().ok_or_else(|| form("address", "a text"))?;
    let kind = one["type"].as_str().ok_or_else(|| form("type", "a text"))?;
    let values = one["values"].as_object().ok_or_else(|| form("values", "an object"))?;
    Ok(Some(Resource { address: address.to_owned(), kind, values }))
}
