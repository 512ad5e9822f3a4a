//! Tables that a deleted object leaves behind, and into which the API does not let a new one write
//! while they hold rows.
//!
//! The API tells so only when it is asked to make the new object, and has no way to ask before. So
//! whoever replaces an object must know it beforehand: else the old one is gone, and no new one
//! takes its place.

use serde_json::Value;

use crate::pipe::written_tables::{WriteMode, WrittenTable, written_tables};
use model::address::Kind;

/// The tables that must hold no rows before the desired object can be made.
pub fn tables_required_empty(kind: Kind, desired: &Value) -> Vec<String> {
    match kind {
        Kind::ClickPipe => mirrored_tables(desired),
        Kind::ReversePrivateEndpoint | Kind::CdcScaling => Vec::new(),
    }
}

/// Those of them that the live object writes, and leaves behind with rows in them.
pub fn find_blocking_tables(kind: Kind, desired: &Value, live: &Value) -> Vec<String> {
    let written: Vec<String> = written_tables(live).iter().map(qualified_name).collect();
    let mut tables = tables_required_empty(kind, desired);
    tables.retain(|table| written.contains(table));
    tables
}

/// Why the object could be lost, and what to do before.
pub fn blocking_tables_warning(tables: &[String]) -> String {
    format!(
        "deleting it keeps {} and all rows, and the API re-creates it only if they are empty: \
         stop the pipe and drop or rename its tables first (`{}`)",
        tables.join(", "),
        drop_statements(tables)
    )
}

/// The statements that drop the tables.
pub fn drop_statements(tables: &[String]) -> String {
    let statements: Vec<String> = tables.iter().map(|table| format!("DROP TABLE {table};")).collect();
    statements.join(" ")
}

/// Only copies of a database need empty tables: other sources add to what is there.
fn mirrored_tables(body: &Value) -> Vec<String> {
    let tables = written_tables(body).into_iter();
    tables.filter(|table| table.write_mode == WriteMode::Mirror).map(|table| qualified_name(&table)).collect()
}

fn qualified_name(table: &WrittenTable<'_>) -> String {
    format!("{}.{}", quote_identifier(table.database_or_default()), quote_identifier(table.name))
}

/// A name as SQL takes it.
fn quote_identifier(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.starts_with(|c: char| !c.is_ascii_digit()) && name.chars().all(plain) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{drop_statements, find_blocking_tables, tables_required_empty};
    use model::address::Kind::{ClickPipe, ReversePrivateEndpoint};

    fn database_pipe(database: Option<&str>, tables: &[&str]) -> Value {
        let mappings: Vec<Value> =
            tables.iter().map(|table| json!({"sourceTable": "t", "targetTable": table})).collect();
        json!({
            "source": {"mysql": {"tableMappings": mappings}, "kafka": null},
            "destination": database.map(|it| json!({"database": it})).unwrap_or(json!({})),
        })
    }

    #[test]
    fn only_tables_written_by_both_are_blocking() {
        let (before, after) = (database_pipe(Some("default"), &["a", "b"]), database_pipe(None, &["b", "c"]));
        assert_eq!(find_blocking_tables(ClickPipe, &after, &before), ["default.b"]);
        assert_eq!(find_blocking_tables(ClickPipe, &database_pipe(Some("other"), &["a"]), &before), [""; 0]);
        assert_eq!(tables_required_empty(ClickPipe, &after), ["default.b", "default.c"]);
        assert_eq!(tables_required_empty(ReversePrivateEndpoint, &after), [""; 0]);
    }

    #[test]
    fn stream_is_not_blocked_by_existing_rows() {
        let stream = json!({"source": {"kafka": {}}, "destination": {"table": "a"}});
        assert_eq!(find_blocking_tables(ClickPipe, &stream, &database_pipe(None, &["a"])), [""; 0]);
        assert_eq!(find_blocking_tables(ClickPipe, &database_pipe(None, &["a"]), &stream), ["default.a"]);
    }

    #[test]
    fn unusual_table_names_are_quoted_in_drop() {
        let tables = tables_required_empty(ClickPipe, &database_pipe(Some("my-db"), &["1st", "say \"hi\"", "fine"]));
        let said = r#"DROP TABLE "my-db"."1st"; DROP TABLE "my-db"."say \"hi\""; DROP TABLE "my-db".fine;"#;
        assert_eq!(drop_statements(&tables), said);
    }
}
