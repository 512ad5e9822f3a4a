//! Converts the fields that the API finds in a source to columns, and writes them into a manifest.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use clickpipes::manifest::{self, LoadContext, Manifest};
use clickpipes::pipe::SourceKind;
use clickpipes::redact_text::redact_messages;
use model::diagnostic::{Diagnostic, Severity, SourceFile};
use model::yaml::{self, PendingDiagnostics, YamlNode};

mod column_yaml;
mod edit;
#[cfg(test)]
mod tests;

pub use edit::{EditRefused, ExistingColumns, write_columns};

// ClickHouse refuses `Nullable` around these types.
const NEVER_NULLABLE_TYPES: [&str; 9] =
    ["Array", "Map", "Tuple", "Nested", "JSON", "Object", "Variant", "Dynamic", "AggregateFunction"];

/// The columns and mappings for all fields of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoveredSchema {
    /// The columns, in the order of the source.
    pub columns: Vec<DiscoveredColumn>,
    /// The column of each field; empty if all names are the same.
    pub field_mappings: Vec<DiscoveredMapping>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiscoveredColumn {
    /// The name, which needs no quotes in SQL.
    pub name: String,
    /// The type in ClickHouse.
    pub r#type: String,
}

/// A field of the source, and its column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoveredMapping {
    /// The field.
    pub source_field: String,
    /// The column.
    pub destination_field: String,
}

#[derive(Deserialize)]
struct DiscoveryAnswer {
    fields: Vec<DiscoveredField>,
}

#[derive(Deserialize)]
struct DiscoveredField {
    name: String,
    r#type: String,
    optional: Option<bool>,
}

impl DiscoveredSchema {
    /// The columns as YAML for `destination`, and the mappings for `spec`.
    pub fn to_yaml(&self) -> String {
        column_yaml::render_yaml(self)
    }
}

/// Reads a file in which the columns may still be missing. Mistakes in the destination and the mappings are not
/// reported, and do not invalidate the manifest.
pub fn load_drafts<'c>(file: &SourceFile, context: impl Into<LoadContext<'c>>) -> (Vec<Manifest>, Vec<Diagnostic>) {
    let (manifests, mut problems) = manifest::parse_drafts(file, context);
    problems.retain(|problem| {
        let path: Vec<&str> = problem.path.segments().iter().map(String::as_str).collect();
        !matches!(path.as_slice(), ["spec", "destination" | "fieldMappings", ..])
    });
    redact_messages(&mut problems, std::slice::from_ref(file));
    (manifests, problems)
}

/// The body of a schema discovery for the source of a pipe.
///
/// # Errors
/// The reason why the API discovers no fields in this source.
pub fn build_request(body: &Value) -> Result<Value, String> {
    if let Some((kind, source)) = SourceKind::in_body(body).filter(|(kind, _)| kind.spec().discoverable) {
        return Ok(json!({"source": {kind.spec().key: source}}));
    }
    let given = body["source"].as_object().and_then(|source| source.keys().next());
    Err(match given {
        Some(name) => format!(
            "a pipe from {name} declares no columns: each of its tables is carried over with the \
             columns that it has"
        ),
        None => "the manifest declares no source".to_owned(),
    })
}

/// Converts the answer of the API.
///
/// # Errors
/// If the answer has another form or contains no field.
pub fn parse_answer(answer: &Value) -> Result<DiscoveredSchema, String> {
    let DiscoveryAnswer { fields } = DiscoveryAnswer::deserialize(answer).map_err(|error| error.to_string())?;
    if fields.is_empty() {
        return Err("the API found no field: perhaps the source holds no data yet".to_owned());
    }
    let mut taken = BTreeSet::new();
    let mut pairs = Vec::new();
    for field in fields {
        let name = unused_name(&sanitize_name(&field.name), &mut taken);
        let nullable = field.optional.unwrap_or(false);
        let r#type = if nullable { to_nullable_type(&field.r#type) } else { field.r#type };
        pairs.push((field.name, DiscoveredColumn { name, r#type }));
    }
    let renamed = pairs.iter().any(|(field, column)| *field != column.name);
    let mapping = |(field, column): &(String, DiscoveredColumn)| DiscoveredMapping {
        source_field: field.clone(),
        destination_field: column.name.clone(),
    };
    // One renamed field needs mappings for all columns.
    let field_mappings = if renamed { pairs.iter().map(mapping).collect() } else { Vec::new() };
    Ok(DiscoveredSchema { columns: pairs.into_iter().map(|(_, column)| column).collect(), field_mappings })
}

/// `true` if an edit changed only the columns and mappings of the document that begins on this line, and added no
/// error.
// The edit works on bytes. This check reads the result again, in case a position was wrong in an unusual style of YAML.
pub fn is_faithful_edit<'c>(
    before: &SourceFile,
    after: &SourceFile,
    context: impl Into<LoadContext<'c>>,
    line: u32,
) -> bool {
    let context = context.into();
    let errors = |file| -> BTreeSet<(String, &str)> {
        let (_, problems) = manifest::parse_drafts(file, context);
        let errors = problems.iter().filter(|it| it.severity == Severity::Error);
        let errors = errors.filter(|it| !is_unfinished_destination(it));
        errors.map(|it| (it.path.to_string(), it.code)).collect()
    };
    without_columns(&before.text, line) == without_columns(&after.text, line)
        && errors(after).is_subset(&errors(before))
}

fn is_unfinished_destination(problem: &Diagnostic) -> bool {
    // The author may add the table later. Mistakes in the columns come from the edit.
    let path: Vec<&str> = problem.path.segments().iter().map(String::as_str).collect();
    matches!(path.as_slice(), ["spec", "destination", field, ..] if *field != "columns")
}

/// The documents of a file, without the columns and mappings of the one that begins on this line.
fn without_columns(text: &str, line: u32) -> Vec<Value> {
    let documents = yaml::read_documents(text, &mut PendingDiagnostics::default()).into_iter();
    let strip_columns = |root: YamlNode| {
        let mut value = root.to_json();
        if root.head_span().line == line && value["spec"].is_object() {
            let spec = &mut value["spec"];
            spec["fieldMappings"].take();
            if spec["destination"].is_null() {
                spec["destination"] = json!({});
            }
            if spec["destination"].is_object() {
                spec["destination"]["columns"].take();
            }
        }
        value
    };
    documents.map(|document| strip_columns(document.root)).collect()
}

fn to_nullable_type(column_type: &str) -> String {
    let outer = column_type.split('(').next().unwrap_or(column_type).trim();
    if outer == "Nullable" || NEVER_NULLABLE_TYPES.contains(&outer) {
        return column_type.to_owned();
    }
    // ClickHouse takes `LowCardinality(Nullable(…))`, and not the other way round.
    match column_type.strip_prefix("LowCardinality(").and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => format!("LowCardinality({})", to_nullable_type(inner)),
        None => format!("Nullable({column_type})"),
    }
}

/// A name that needs no quotes in SQL: `user.name` becomes `user_name`.
fn sanitize_name(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    let kept: String = name.chars().map(kept).collect();
    if kept.starts_with(|c: char| c.is_ascii_digit()) || kept.is_empty() { format!("_{kept}") } else { kept }
}

/// The name, with a number if it is in use.
fn unused_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    // Two fields may differ only in characters that were replaced, such as `a.b` and `a-b`.
    let found = names.find(|name| !taken.contains(name)).unwrap_or_default();
    taken.insert(found.clone());
    found
}
