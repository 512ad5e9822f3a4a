//! The destination of a pipe.

use schemars::JsonSchema;
use serde_json::Value;

use crate::validate::{
    RuleContext, RuleFinding, RuleSet, custom_rule, flag_is, forbidden_fields, required_fields, required_fields_iff,
    unique_entries, value_is,
};
use model::annotations;
use model::diagnostic::Evidence;
use model::path::FieldPath;
use model::text::{NonEmptyText, SqlText};

/// The API accepts a change of the columns or of their mappings only with both.
pub(crate) const COLUMNS: &[&str] = &["destination.columns", "fieldMappings"];

/// The destination of a pipe.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Destination {
    /// The database. Always set it: the newer schema of the API requires it, and a default is not
    /// documented.
    #[schemars(transform = annotations::requires_replace)]
    pub database: Option<NonEmptyText>,
    /// The table. Required, except for database pipes: their mappings name the tables.
    #[schemars(transform = annotations::requires_replace)]
    pub table: Option<NonEmptyText>,
    /// If `true`, the pipe creates the table. If `false`, it writes to an existing table. Not for
    /// database pipes.
    #[schemars(transform = annotations::requires_replace)]
    pub managed_table: Option<bool>,
    /// The table that the pipe creates. Required with `managedTable: true`.
    #[schemars(transform = annotations::requires_replace, transform = annotations::defines_table)]
    pub table_definition: Option<TableDefinition>,
    // `Columns are required if field mappings are provided` (clickhousectl issue 763): each requires the other.
    /// The columns, in order. A change affects only the pipe and never alters the table. It is sent
    /// together with the field mappings.
    #[schemars(length(min = 1))]
    pub columns: Option<Vec<DestinationColumn>>,
    // The API creates a database user for each pipe. With roles that lack a grant the creation fails and leaves that
    // user behind (seen live), and no request of this API removes it.
    /// Roles of the database user of the pipe, instead of the default role. The API accepts them
    /// only at creation and never returns them, so drift is not detected. `clickpipes` and
    /// `clickpipes_system` are reserved.
    #[schemars(transform = annotations::requires_replace, transform = annotations::write_only, transform = annotations::unordered_set)]
    pub roles: Option<Vec<NonEmptyText>>,
}

/// One column of the destination.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DestinationColumn {
    /// The column's name.
    pub name: NonEmptyText,
    /// The column's type in ClickHouse, such as `UInt64` or `Nullable(String)`.
    pub r#type: SqlText,
}

/// The table that a pipe creates.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableDefinition {
    /// The table's engine.
    pub engine: Engine,
    /// The columns or SQL expressions that the table is sorted by, in order. An entry has no commas,
    /// and a column of it is not `Nullable`.
    pub sorting_key: Option<Vec<SqlText>>,
    /// The partition key, an SQL expression.
    pub partition_by: Option<SqlText>,
    // It came back as null although the table had one (provider issue 338).
    /// The primary key, an SQL expression. By default, the sorting key.
    #[schemars(transform = annotations::sometimes_returned)]
    pub primary_key: Option<SqlText>,
    /// How long rows are kept, an SQL expression of ClickHouse: the `TTL` of the table.
    #[schemars(transform = annotations::newer_schema)]
    pub ttl: Option<SqlText>,
}

/// The engine of a table.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Engine {
    // The API has returned `MergeTree()` and `MergeTree` for one engine.
    /// The engine's name.
    #[schemars(transform = annotations::engine_name)]
    pub r#type: EngineType,
    /// The version column, for `ReplacingMergeTree`: the row with the greatest value is kept. The
    /// API never returns it.
    #[schemars(transform = annotations::write_only)]
    pub version_column_id: Option<NonEmptyText>,
    /// The columns that are summed, for `SummingMergeTree`. The API never returns them.
    #[schemars(length(min = 1), transform = annotations::write_only, transform = annotations::unordered_set)]
    pub column_ids: Option<Vec<NonEmptyText>>,
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

/// A guess for the value at `path`, which the API does not return: the version column is usually the last column that
/// is not in the sorting key.
pub fn guess_version_column(path: &FieldPath, document: &Value) -> Option<Value> {
    let within = "spec.destination.tableDefinition";
    if *path != FieldPath::parse(within).child("engine").child("versionColumnId") {
        return None;
    }
    let list = |path: FieldPath| path.value_in(document).and_then(Value::as_array).into_iter().flatten();
    let key: Vec<&Value> = list(FieldPath::parse(within).child("sortingKey")).collect();
    let names = list(FieldPath::parse("spec.destination.columns")).filter_map(|it| it.get("name"));
    names.clone().rfind(|name| !key.contains(name)).or_else(|| names.clone().next_back()).cloned()
}

pub(crate) const RULES: RuleSet = RuleSet {
    object_paths: &["spec.destination"],
    rules: &[
        required_fields(
            "managed-table-definition",
            Evidence::Provider,
            &["tableDefinition"],
            flag_is("managedTable", true),
        )
        .with_reason("the pipe needs to know which table to create"),
        forbidden_fields(
            "unmanaged-table-definition",
            Evidence::Ours,
            &["tableDefinition"],
            flag_is("managedTable", false),
        )
        .with_reason("the table exists already and is not changed"),
        required_fields_iff(
            "version-column",
            Evidence::Provider,
            &["tableDefinition.engine.versionColumnId"],
            value_is("tableDefinition.engine.type", &["ReplacingMergeTree"]),
        ),
        custom_rule(
            "replacing-sorting-key",
            Evidence::Provider,
            &["tableDefinition.engine.type", "tableDefinition.sortingKey"],
            replacing_without_key,
        ),
        custom_rule(
            "version-column-unknown",
            Evidence::Provider,
            &["tableDefinition.engine.versionColumnId", "columns"],
            unknown_version_column,
        ),
        custom_rule(
            "summed-columns",
            Evidence::Provider,
            &["tableDefinition.engine.type", "tableDefinition.engine.columnIds"],
            summed_elsewhere,
        ),
        custom_rule(
            "summed-column-unknown",
            Evidence::Provider,
            &["tableDefinition.engine.columnIds", "columns"],
            unknown_summed_columns,
        ),
        unique_entries("duplicate-column", Evidence::Ours, "columns", "name"),
        custom_rule("sorting-key-comma", Evidence::Schema, &["tableDefinition.sortingKey"], several_in_one_entry),
        custom_rule(
            "sorting-key-nullable",
            Evidence::Schema,
            &["tableDefinition.sortingKey", "columns"],
            nullable_sorting_key,
        ),
        custom_rule("reserved-role", Evidence::Schema, &["roles"], reserved_roles),
        custom_rule("system-database", Evidence::Ours, &["database"], system_database),
        custom_rule("dotted-table", Evidence::Ours, &["table"], dotted_destination),
    ],
};

const SORTING_KEY: &str = "tableDefinition.sortingKey";

/// The texts of a list, with their paths.
fn list_texts<'d>(scope: &RuleContext<'d>, path: &'static str) -> impl Iterator<Item = (FieldPath, &'d str)> {
    let entries = scope.list_at(path).iter().enumerate();
    entries.filter_map(move |(at, text)| Some((FieldPath::parse(path).child(at), text.as_str()?)))
}

fn several_in_one_entry(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let with_comma = list_texts(scope, SORTING_KEY).filter(|(_, entry)| entry.contains(','));
    with_comma
        .map(|(path, _)| {
            RuleFinding::new(path, "an entry of the sorting key cannot contain commas")
                .with_help("write one column or expression for each entry")
        })
        .collect()
}

fn nullable_sorting_key(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let is_nullable = |name: &str| {
        let column = scope.list_at("columns").iter().find(|column| column["name"] == name);
        column.and_then(|column| column["type"].as_str()).is_some_and(is_nullable_type)
    };
    let nullable = list_texts(scope, SORTING_KEY).filter(|(_, entry)| is_nullable(entry));
    nullable
        .map(|(path, entry)| {
            RuleFinding::new(path, format!("column `{entry}` is `Nullable`, and a table cannot be sorted by it"))
                .with_help("give the column a type without `Nullable`, or sort by another one")
        })
        .collect()
}

/// `Nullable(String)` or `LowCardinality(Nullable(String))`, with any blanks.
fn is_nullable_type(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    plain.strip_prefix("LowCardinality(").unwrap_or(&plain).starts_with("Nullable(")
}

fn reserved_roles(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let reserved = list_texts(scope, "roles").filter(|(_, role)| ["clickpipes", "clickpipes_system"].contains(role));
    reserved
        .map(|(path, role)| {
            RuleFinding::new(path, format!("the role `{role}` is reserved")).with_help("use a role of your own")
        })
        .collect()
}

/// The server fills these databases itself.
fn system_database(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let is_system = |name: &&str| ["system", "information_schema"].contains(&name.to_lowercase().as_str());
    let found = scope.text_at("database").filter(is_system).map(|name| {
        RuleFinding::new(FieldPath::parse("database"), format!("`{name}` is a system database"))
            .with_help("use a database of your own")
    });
    found.into_iter().collect()
}

fn dotted_destination(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let found = scope.text_at("table").and_then(|name| dotted_table(FieldPath::parse("table"), name));
    found.into_iter().collect()
}

/// A name that was probably meant as database and table.
pub(crate) fn dotted_table(path: FieldPath, name: &str) -> Option<RuleFinding> {
    let finding =
        RuleFinding::new(path, format!("`{name}` is one name with a dot in it, not a database and its table"));
    let help = "write the database under `destination.database`, or take another name";
    name.contains('.').then(|| finding.with_help(help))
}

fn replacing_without_key(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let replacing = scope.text_at("tableDefinition.engine.type") == Some("ReplacingMergeTree");
    let key = "tableDefinition.sortingKey";
    if !replacing || !scope.list_at(key).is_empty() {
        return Vec::new();
    }
    let message = "`ReplacingMergeTree` needs a sorting key: rows that share it replace each other";
    vec![RuleFinding::new(FieldPath::parse(key), message).with_help("name at least one column in `sortingKey`")]
}

fn unknown_version_column(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let path = "tableDefinition.engine.versionColumnId";
    let named = scope.text_at(path).map(|name| (FieldPath::parse(path), name));
    unknown_columns(scope, named)
}

fn summed_elsewhere(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let path = "tableDefinition.engine.columnIds";
    let engine = scope.text_at("tableDefinition.engine.type");
    match engine {
        Some(engine) if engine != "SummingMergeTree" && scope.has_field(path) => {
            let message = format!("`columnIds` is only for `SummingMergeTree`, not for `{engine}`");
            vec![RuleFinding::new(FieldPath::parse(path), message).with_help("remove `columnIds`")]
        }
        _ => Vec::new(),
    }
}

fn unknown_summed_columns(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let path = "tableDefinition.engine.columnIds";
    let entries = scope.list_at(path).iter().enumerate();
    let named = entries.filter_map(|(at, name)| Some((FieldPath::parse(path).child(at), name.as_str()?)));
    unknown_columns(scope, named)
}

/// The named columns that the destination does not have.
fn unknown_columns<'n>(
    scope: &RuleContext<'_>,
    named: impl IntoIterator<Item = (FieldPath, &'n str)>,
) -> Vec<RuleFinding> {
    let columns = scope.list_at("columns");
    let known: Vec<&str> = columns.iter().filter_map(|column| column.get("name")?.as_str()).collect();
    let unknown = named.into_iter().filter(|(_, name)| !columns.is_empty() && !known.contains(name));
    unknown
        .map(|(path, name)| {
            RuleFinding::new(path, format!("`{name}` is not one of the `columns`"))
                .with_help("name a column of the destination")
        })
        .collect()
}
