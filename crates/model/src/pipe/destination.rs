//! Where a pipe writes.

use schemars::JsonSchema;
use serde_json::Value;

use super::additional::Additional;
use crate::check::{Finding, Rule, RuleSet, Scope, custom, flag, is};
use crate::mark;
use crate::path::Path;
use crate::text::Text;

/// The API takes a change of the columns or of their mappings only with both.
pub(crate) const COLUMNS: &[&str] = &["destination.columns", "fieldMappings"];

/// Where a pipe writes.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Destination {
    /// The database. Best always given: whether the API has a default is not documented.
    #[schemars(transform = mark::immutable)]
    pub database: Option<Text>,
    /// The table. Needed for every pipe but database pipes, whose mappings name theirs.
    #[schemars(transform = mark::immutable)]
    pub table: Option<Text>,
    /// Whether the pipe makes the table (`true`) or writes into one that is there (`false`). Not
    /// for database pipes.
    #[schemars(transform = mark::immutable)]
    pub managed_table: Option<bool>,
    /// The table that the pipe makes. Needed with `managedTable: true`.
    #[schemars(transform = mark::immutable)]
    pub table_definition: Option<TableDefinition>,
    /// The columns, in order. A change is one of the pipe alone: it never alters the table. Sent
    /// together with the field mappings.
    #[schemars(length(min = 1), transform = mark::travels_with(COLUMNS))]
    pub columns: Option<Vec<Column>>,
    /// Roles of the database user that the pipe writes as, in place of the default role. Given
    /// only when the pipe is made, and never returned: a change outside git goes unnoticed.
    #[schemars(transform = mark::immutable, transform = mark::never_echoed, transform = mark::set)]
    pub roles: Option<Vec<Text>>,
    /// Fields that are newer than this program: sent and compared as they stand, and not checked.
    pub additional: Option<Additional>,
}

/// One column of the destination.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Column {
    /// The column's name.
    pub name: Text,
    /// The column's type in ClickHouse, such as `UInt64` or `Nullable(String)`.
    pub r#type: Text,
}

/// The table that a pipe makes.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableDefinition {
    /// The table's engine.
    pub engine: Engine,
    /// The columns that the table is sorted by, in order.
    pub sorting_key: Option<Vec<Text>>,
    /// The partition key, an SQL expression.
    pub partition_by: Option<Text>,
    /// The primary key, an SQL expression. The sorting key is taken when it is left out.
    #[schemars(transform = mark::sometimes_echoed)]
    pub primary_key: Option<Text>,
}

/// The engine of a table.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Engine {
    /// The engine's name.
    #[schemars(transform = mark::engine_name)]
    pub r#type: EngineType,
    /// The column whose greatest value wins, for `ReplacingMergeTree`. The API never returns it.
    #[schemars(transform = mark::never_echoed)]
    pub version_column_id: Option<Text>,
    /// The columns that are summed, for `SummingMergeTree`. The API never returns them.
    #[schemars(length(min = 1), transform = mark::never_echoed, transform = mark::set)]
    pub column_ids: Option<Vec<Text>>,
}

/// An engine of a table.
#[derive(JsonSchema)]
pub enum EngineType {
    /// Keeps every row.
    MergeTree,
    /// Keeps the newest of the rows that have the same sorting key.
    ReplacingMergeTree,
    /// Adds up the rows that have the same sorting key.
    SummingMergeTree,
    /// Keeps nothing, and feeds the materialized views that read from it.
    Null,
}

/// What probably stands at `path`, which the API does not return: the column that tells which row is
/// newer is mostly the last one that the table is not sorted by.
pub(crate) fn likely(path: &Path, document: &Value) -> Option<Value> {
    let within = "spec.destination.tableDefinition";
    if *path != Path::parse(within).child("engine").child("versionColumnId") {
        return None;
    }
    let list = |path: Path| path.get(document).and_then(Value::as_array).into_iter().flatten();
    let key: Vec<&Value> = list(Path::parse(within).child("sortingKey")).collect();
    let names = list(Path::parse("spec.destination.columns")).filter_map(|it| it.get("name"));
    names.clone().rfind(|name| !key.contains(name)).or_else(|| names.clone().next_back()).cloned()
}

pub(crate) const RULES: RuleSet = RuleSet {
    at: &["spec.destination"],
    rules: &[
        Rule::needed("managed-table-definition", &["tableDefinition"], flag("managedTable", true))
            .because("the pipe has to know which table to make"),
        Rule::refused(
            "unmanaged-table-definition",
            &["tableDefinition"],
            flag("managedTable", false),
        )
        .because("the table is there already, and stays as it is")
        .warning(),
        Rule::needed_iff(
            "version-column",
            &["tableDefinition.engine.versionColumnId"],
            is("tableDefinition.engine.type", &["ReplacingMergeTree"]),
        ),
        custom(
            "replacing-sorting-key",
            &["tableDefinition.engine.type", "tableDefinition.sortingKey"],
            replacing_without_key,
        ),
        custom(
            "version-column-unknown",
            &["tableDefinition.engine.versionColumnId", "columns"],
            unknown_version_column,
        ),
        custom(
            "summed-columns",
            &["tableDefinition.engine.type", "tableDefinition.engine.columnIds"],
            summed_elsewhere,
        ),
        custom(
            "summed-column-unknown",
            &["tableDefinition.engine.columnIds", "columns"],
            unknown_summed_columns,
        ),
        Rule::unique("duplicate-column", "columns", "name"),
    ],
};

fn replacing_without_key(scope: &Scope<'_>) -> Vec<Finding> {
    let replacing = scope.text("tableDefinition.engine.type") == Some("ReplacingMergeTree");
    let key = "tableDefinition.sortingKey";
    if !replacing || !scope.list(key).is_empty() {
        return Vec::new();
    }
    let message = "`ReplacingMergeTree` needs a sorting key: rows that share it replace each other";
    vec![Finding::new(Path::parse(key), message).help("name at least one column in `sortingKey`")]
}

fn unknown_version_column(scope: &Scope<'_>) -> Vec<Finding> {
    let path = "tableDefinition.engine.versionColumnId";
    let named = scope.text(path).map(|name| (Path::parse(path), name));
    unknown_columns(scope, named)
}

fn summed_elsewhere(scope: &Scope<'_>) -> Vec<Finding> {
    let path = "tableDefinition.engine.columnIds";
    let engine = scope.text("tableDefinition.engine.type");
    match engine {
        Some(engine) if engine != "SummingMergeTree" && scope.has(path) => {
            let message = format!("`columnIds` is only for `SummingMergeTree`, not for `{engine}`");
            vec![Finding::new(Path::parse(path), message).help("remove `columnIds`")]
        }
        _ => Vec::new(),
    }
}

fn unknown_summed_columns(scope: &Scope<'_>) -> Vec<Finding> {
    let path = "tableDefinition.engine.columnIds";
    let entries = scope.list(path).iter().enumerate();
    let named =
        entries.filter_map(|(at, name)| Some((Path::parse(path).child(at), name.as_str()?)));
    unknown_columns(scope, named)
}

/// Those of the named columns that the destination does not have.
fn unknown_columns<'n>(
    scope: &Scope<'_>,
    named: impl IntoIterator<Item = (Path, &'n str)>,
) -> Vec<Finding> {
    let columns = scope.list("columns");
    let known: Vec<&str> =
        columns.iter().filter_map(|column| column.get("name")?.as_str()).collect();
    let unknown =
        named.into_iter().filter(|(_, name)| !columns.is_empty() && !known.contains(name));
    unknown
        .map(|(path, name)| {
            Finding::new(path, format!("`{name}` is not one of the `columns`"))
                .help("name a column of the destination")
        })
        .collect()
}
