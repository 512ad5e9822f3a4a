//! What a new pipe reads first, and what it finds in its tables.

use serde_json::Value;

use crate::blocking_tables;
use crate::pipe::replacement_effects::TableNames;
use crate::pipe::source::SourceKind;
use crate::start_paused;
use model::address::Kind;

/// The effects of creating an object, one sentence each. `is_recreated` says that an earlier one of this name may have
/// left tables behind: the base declares it, and it is not live. Whether it ever was, nobody knows.
pub fn creation_effects(kind: Kind, body: &Value, is_recreated: bool) -> Vec<String> {
    let Some((source_kind, source)) = SourceKind::in_body(body).filter(|_| kind == Kind::ClickPipe) else {
        return Vec::new();
    };
    let mut first_rows = (source_kind.spec().describe_start)(source);
    if start_paused::has_switch(body) {
        first_rows = format!("nothing is read until it is started. Then: {first_rows}");
    }
    // Only then: for each new pipe, a warning about rows that may be there would hide the one that matters.
    let tables = if is_recreated { describe_earlier_rows(kind, body) } else { None };
    let adds = (body["destination"]["managedTable"] == false)
        .then(|| format!("inserts into {}, which must exist", TableNames::in_body(body).quoted_list()));
    [first_rows].into_iter().chain(adds).chain(tables).collect()
}

fn describe_earlier_rows(kind: Kind, body: &Value) -> Option<String> {
    let empty = blocking_tables::tables_required_empty(kind, body);
    let tables = TableNames::in_body(body);
    if !empty.is_empty() {
        return Some(format!(
            "if an earlier pipe left rows, they stay, and the API creates the pipe only if {} {} empty (`{}`)",
            tables.quoted_list(),
            if empty.len() == 1 { "is" } else { "are" },
            blocking_tables::drop_statements(&empty)
        ));
    }
    (!tables.names.is_empty()).then(|| {
        format!(
            "if an earlier pipe left rows in {}, they stay: what is read again may be there twice",
            tables.quoted_list()
        )
    })
}
