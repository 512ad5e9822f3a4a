//! Tables that a deleted object leaves behind, and into which the API does not let a new one write
//! while they hold rows.
//!
//! The API tells so only when it is asked to make the new object, and has no way to ask before. So
//! whoever replaces an object must know it beforehand: else the old one is gone, and no new one
//! takes its place.

use serde_json::Value;

use crate::address::Kind;

/// Where a pipe writes that names no database.
pub(crate) const DEFAULT: &str = "default";

/// The tables that must hold no rows before the desired object can be made.
pub fn wanted_empty(kind: Kind, desired: &Value) -> Vec<String> {
    match kind {
        Kind::ClickPipe => mirrored(desired),
        Kind::ReversePrivateEndpoint | Kind::CdcScaling => Vec::new(),
    }
}

/// Those of them that the live object writes, and leaves behind with rows in them.
pub fn in_the_way(kind: Kind, desired: &Value, live: &Value) -> Vec<String> {
    let written = written(live);
    let mut wanted = wanted_empty(kind, desired);
    wanted.retain(|table| written.contains(table));
    wanted
}

/// Why the object could be lost, and what to do before.
pub fn warning(tables: &[String]) -> String {
    format!(
        "deleting it leaves {} with all rows, and the API makes it again only when they hold none: \
         stop it, and drop or rename its tables first (`{}`)",
        tables.join(", "),
        drops(tables)
    )
}

/// The statements that drop the tables.
pub fn drops(tables: &[String]) -> String {
    let drops: Vec<String> = tables.iter().map(|table| format!("DROP TABLE {table};")).collect();
    drops.join(" ")
}

/// The tables that copies of a database are kept in. Only these are wanted empty: other sources
/// add to what is there.
fn mirrored(body: &Value) -> Vec<String> {
    let sources = body["source"].as_object().into_iter().flat_map(|arms| arms.values());
    let mappings = sources.filter_map(|source| source["tableMappings"].as_array()).flatten();
    let names = mappings.filter_map(|mapping| mapping["targetTable"].as_str());
    names.map(|name| in_database(body, name)).collect()
}

fn written(body: &Value) -> Vec<String> {
    let own = body["destination"]["table"].as_str().filter(|name| !name.is_empty());
    own.map(|name| in_database(body, name)).into_iter().chain(mirrored(body)).collect()
}

fn in_database(body: &Value, table: &str) -> String {
    let database = body["destination"]["database"].as_str().filter(|name| !name.is_empty());
    format!("{}.{}", identifier(database.unwrap_or(DEFAULT)), identifier(table))
}

/// A name as SQL takes it.
fn identifier(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.starts_with(|c: char| !c.is_ascii_digit()) && name.chars().all(plain) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{drops, in_the_way, wanted_empty};
    use crate::address::Kind::{ClickPipe, ReversePrivateEndpoint};

    fn copy(database: Option<&str>, tables: &[&str]) -> Value {
        let mappings: Vec<Value> =
            tables.iter().map(|table| json!({"sourceTable": "t", "targetTable": table})).collect();
        json!({
            "source": {"mysql": {"tableMappings": mappings}, "kafka": null},
            "destination": database.map(|it| json!({"database": it})).unwrap_or(json!({})),
        })
    }

    #[test]
    fn only_tables_that_both_write_are_in_the_way() {
        let (before, after) = (copy(Some("default"), &["a", "b"]), copy(None, &["b", "c"]));
        assert_eq!(in_the_way(ClickPipe, &after, &before), ["default.b"]);
        assert_eq!(in_the_way(ClickPipe, &copy(Some("other"), &["a"]), &before), [""; 0]);
        assert_eq!(wanted_empty(ClickPipe, &after), ["default.b", "default.c"]);
        assert_eq!(wanted_empty(ReversePrivateEndpoint, &after), [""; 0]);
    }

    #[test]
    fn a_stream_adds_to_the_rows_that_are_there() {
        let stream = json!({"source": {"kafka": {}}, "destination": {"table": "a"}});
        assert_eq!(in_the_way(ClickPipe, &stream, &copy(None, &["a"])), [""; 0]);
        assert_eq!(in_the_way(ClickPipe, &copy(None, &["a"]), &stream), ["default.a"]);
    }

    #[test]
    fn a_name_that_is_no_word_is_quoted() {
        let tables = wanted_empty(ClickPipe, &copy(Some("my-db"), &["1st", "say \"hi\"", "fine"]));
        let said = r#"DROP TABLE "my-db"."1st"; DROP TABLE "my-db"."say \"hi\""; DROP TABLE "my-db".fine;"#;
        assert_eq!(drops(&tables), said);
    }
}
