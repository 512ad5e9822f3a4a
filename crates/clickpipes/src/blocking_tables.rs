//! Tables that a deleted object leaves behind, and that block a new object while they have rows.
//!
//! The API reports this only on the create, when the old object is gone, and offers no earlier check. So the plan must
//! know it before: otherwise the old object is gone, and no new one can replace it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::pipe::replacement_effects::Replacement;
use crate::pipe::source::SourceKind;
use crate::pipe::written_tables::{WriteMode, WrittenTable, written_tables};
use crate::semantics::FieldSemantics;
use model::address::Kind;
use model::path::FieldPath;

/// The tables that must be empty before the desired object can be created.
pub fn tables_required_empty(kind: Kind, desired: &Value) -> Vec<String> {
    match kind {
        Kind::ClickPipe => created_tables(desired),
        Kind::ReversePrivateEndpoint | Kind::CdcScaling => Vec::new(),
    }
}

/// Whether rows that arrive between the two objects are lost: the new one starts at its creation, and takes no first
/// copy.
pub fn misses_changes(kind: Kind, desired: &Value, live: &Value) -> bool {
    let rules = FieldSemantics::for_kind(kind);
    kind == Kind::ClickPipe && Replacement::new(rules, desired, live).is_some_and(|it| it.misses_changes())
}

/// The tables of the entries that the update adds, as far as the live object writes them now.
pub fn find_tables_added_again(kind: Kind, body: &Value, added: &[&Value], live: &Value) -> Vec<String> {
    if kind != Kind::ClickPipe || added.is_empty() || takes_no_copy(body) {
        return Vec::new();
    }
    // The tables that the live pipe writes have rows by now. The API cannot be asked about others.
    let written: BTreeSet<String> = written_tables(live).iter().map(qualified_name).collect();
    let targets: BTreeSet<&str> = added.iter().filter_map(|mapping| mapping["targetTable"].as_str()).collect();
    let tables = written_tables(body).into_iter().filter(|table| targets.contains(table.name));
    tables.map(|table| qualified_name(&table)).filter(|table| written.contains(table)).collect()
}

/// The reason why the entries could be lost, and the remedy.
pub fn added_tables_warning(tables: &[String]) -> String {
    format!(
        "the removed table mapping leaves {} with all rows, and the API adds a mapping only if its table is empty; use \
         another target, or stop the pipe and drop or rename its tables first (`{}`)",
        tables.join(", "),
        drop_statements(tables)
    )
}

/// The required empty tables that the live object writes, and leaves behind with rows.
pub fn find_blocking_tables(kind: Kind, desired: &Value, live: &Value) -> Vec<String> {
    let written: Vec<String> = written_tables(live).iter().map(qualified_name).collect();
    let mut tables = tables_required_empty(kind, desired);
    tables.retain(|table| written.contains(table));
    tables
}

/// The tables that the desired object starts to write, that must be empty, and that the other live object writes.
pub fn find_filled_tables(kind: Kind, desired: &Value, live: &Value, other: &Value) -> Vec<String> {
    let desired = &in_live_database(desired, live);
    let own = find_blocking_tables(kind, desired, live);
    let mut tables = find_blocking_tables(kind, desired, other);
    tables.retain(|table| !own.contains(table));
    tables
}

/// Whether the desired object no longer writes a table of the live one.
pub fn gives_up_table(table: &str, desired: &Value, live: &Value) -> bool {
    written_tables(&in_live_database(desired, live)).iter().all(|other| qualified_name(other) != table)
}

/// The desired object. A manifest may omit the database, which then stays.
fn in_live_database<'b>(desired: &'b Value, live: &Value) -> Cow<'b, Value> {
    let database = &live["destination"]["database"];
    if !desired["destination"]["database"].is_null() || database.is_null() || !desired["destination"].is_object() {
        return Cow::Borrowed(desired);
    }
    let mut whole = desired.clone();
    whole["destination"]["database"] = database.clone();
    Cow::Owned(whole)
}

/// The reason why the object could be lost, and the remedy.
pub fn blocking_tables_warning(tables: &[String]) -> String {
    format!(
        "the deleted pipe leaves {} with all rows, and the API creates the new one only if its tables are empty; use \
         another target, or stop the pipe and drop or rename its tables first (`{}`)",
        tables.join(", "),
        drop_statements(tables)
    )
}

/// The tables of both objects whose declared definition differs from the live one. An existing table is never altered.
pub fn find_redefined_tables(kind: Kind, desired: &Value, live: &Value) -> Vec<String> {
    if kind != Kind::ClickPipe {
        return Vec::new();
    }
    let rules = FieldSemantics::for_kind(kind);
    let old_tables: HashMap<String, FieldPath> =
        written_tables(live).into_iter().map(|table| (qualified_name(&table), table.path)).collect();
    let redefined = written_tables(desired).into_iter().filter(|table| {
        let Some(old) = old_tables.get(&qualified_name(table)) else { return false };
        let (Some(block), Some(old)) = (table.path.parent(), old.parent()) else { return false };
        let differs = |(name, field): (&str, &FieldSemantics)| {
            let declared = block.child(name).value_in(desired).filter(|_| field.defines_table);
            declared.is_some_and(|declared| !field.matches_live(declared, old.child(name).value_in(live)))
        };
        table.write_mode != WriteMode::InsertOnly && rules.field_at(&block).child_fields().any(differs)
    });
    redefined.map(|table| qualified_name(&table)).collect()
}

/// The note that existing tables keep their definition.
pub fn redefined_tables_note(tables: &[String]) -> Option<String> {
    let quoted: Vec<String> = tables.iter().map(|table| format!("`{table}`")).collect();
    let (many, verb) = if tables.len() == 1 { ("table", "exists") } else { ("tables", "exist") };
    let quoted = quoted.join(", ");
    // Without the advice to drop it: `cdc_only` takes no first copy, and its rows would be lost.
    let sentence = || format!("{many} {quoted} already {verb}: the new definition takes effect only in a new table");
    (!tables.is_empty()).then(sentence)
}

/// The statements that drop the tables.
pub fn drop_statements(tables: &[String]) -> String {
    let statements: Vec<String> = tables.iter().map(|table| format!("DROP TABLE {table};")).collect();
    statements.join(" ")
}

/// The tables that the pipe creates. A pipe that inserts into a table of somebody else adds to its rows, and so does
/// one that takes no first copy.
fn created_tables(body: &Value) -> Vec<String> {
    let tables = written_tables(body).into_iter().filter(|table| match table.write_mode {
        WriteMode::Managed => true,
        WriteMode::Mirror => !takes_no_copy(body),
        WriteMode::InsertOnly => false,
    });
    tables.map(|table| qualified_name(&table)).collect()
}

fn takes_no_copy(body: &Value) -> bool {
    SourceKind::in_body(body).is_some_and(|(_, source)| source["settings"]["replicationMode"] == "cdc_only")
}

pub(crate) fn qualified_name(table: &WrittenTable<'_>) -> String {
    format!("{}.{}", quote_identifier(table.database_or_default()), quote_identifier(table.name))
}

/// A quoted name in SQL.
pub(crate) fn quote_identifier(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.starts_with(|c: char| !c.is_ascii_digit()) && name.chars().all(plain) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{drop_statements, find_blocking_tables, find_redefined_tables, tables_required_empty};
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
    fn only_a_managed_table_blocks_a_stream() {
        let stream = json!({"source": {"kafka": {}}, "destination": {"table": "a", "managedTable": false}});
        assert_eq!(find_blocking_tables(ClickPipe, &stream, &database_pipe(None, &["a"])), [""; 0]);
        let managed = json!({"source": {"kafka": {}}, "destination": {"table": "a", "managedTable": true}});
        assert_eq!(find_blocking_tables(ClickPipe, &managed, &stream), ["default.a"]);
        assert_eq!(find_blocking_tables(ClickPipe, &database_pipe(None, &["a"]), &stream), ["default.a"]);
    }

    #[test]
    fn only_a_table_of_both_can_keep_its_definition() {
        let with_engine = |target: &str, engine: &str| {
            let mapping = json!({"sourceTable": "t", "targetTable": target, "tableEngine": engine});
            json!({"source": {"mysql": {"tableMappings": [mapping]}}, "destination": {"database": "default"}})
        };
        let live = with_engine("a", "MergeTree");
        assert_eq!(find_redefined_tables(ClickPipe, &with_engine("a", "Null"), &live), ["default.a"]);
        assert_eq!(find_redefined_tables(ClickPipe, &with_engine("a", "MergeTree"), &live), [""; 0]);
        assert_eq!(find_redefined_tables(ClickPipe, &with_engine("b", "Null"), &live), [""; 0]);
        assert_eq!(find_redefined_tables(ClickPipe, &database_pipe(None, &["a"]), &live), [""; 0]);
        let stream = |managed: bool, key: &str| {
            let definition = json!({"engine": {"type": "MergeTree"}, "sortingKey": [key]});
            let destination = json!({"table": "a", "managedTable": managed, "tableDefinition": definition});
            json!({"source": {"kafka": {}}, "destination": destination})
        };
        assert_eq!(find_redefined_tables(ClickPipe, &stream(true, "b"), &stream(true, "a")), ["default.a"]);
        assert_eq!(find_redefined_tables(ClickPipe, &stream(true, "a"), &stream(true, "a")), [""; 0]);
        assert_eq!(find_redefined_tables(ClickPipe, &stream(false, "b"), &stream(true, "a")), [""; 0]);
    }

    #[test]
    fn unusual_table_names_are_quoted_in_drop() {
        let tables = tables_required_empty(ClickPipe, &database_pipe(Some("my-db"), &["1st", "say \"hi\"", "fine"]));
        let said = r#"DROP TABLE "my-db"."1st"; DROP TABLE "my-db"."say \"hi\""; DROP TABLE "my-db".fine;"#;
        assert_eq!(drop_statements(&tables), said);
    }
}
