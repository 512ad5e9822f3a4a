//! The effects of a change on the data, as sentences for the plan. No decision depends on them.
//!
//! The start of each source is described in its own file.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::blocking_tables::{qualified_name, quote_identifier};
use crate::lifecycle::PipeState;
use crate::pipe::replacement_effects::{Replacement, TableNames};
use crate::pipe::source::SourceKind;
use crate::pipe::written_tables::written_tables;
use crate::semantics::FieldSemantics;
use crate::{blocking_tables, lifecycle, pipe, start_paused};
use model::action::Action;
use model::address::Kind;
use model::live::Object;

mod entries;

pub use entries::{ChangedEntry, entry_change_effects};

/// The effects of deleting the live object and creating the desired one, one sentence each.
pub fn replacement_effects(kind: Kind, desired: &Value, live: &Value) -> Vec<String> {
    match kind {
        Kind::ClickPipe => {
            let replacement = Replacement::new(FieldSemantics::for_kind(kind), desired, live);
            let mut effects = replacement.map(|it| it.describe_effects()).unwrap_or_default();
            // The new pipe reads from another slot, if it reads from one at all.
            let kept = pipe::replacement_effects::describe_kept_slot(live);
            effects.extend(
                kept.filter(|sentence| {
                    pipe::replacement_effects::describe_kept_slot(desired).as_ref() != Some(sentence)
                }),
            );
            effects
        }
        Kind::ReversePrivateEndpoint => {
            vec![
                "the new endpoint has a new id and new DNS names, and may need acceptance: until \
                 then pipes that use it cannot reach their source"
                    .to_owned(),
            ]
        }
        Kind::CdcScaling => Vec::new(),
    }
}

/// Changes that are lost between two objects, when the desired one takes over from the live one.
pub fn missed_changes(kind: Kind, desired: &Value, live: &Value) -> Vec<String> {
    let replacement =
        Replacement::new(FieldSemantics::for_kind(kind), desired, live).filter(|_| kind == Kind::ClickPipe);
    replacement.filter(Replacement::misses_changes).map(|it| it.describe_missed_changes()).unwrap_or_default()
}

/// The effects of changing an object that does not exist yet, and that no request can create.
pub fn missing_object_effects(kind: Kind) -> Vec<String> {
    match kind {
        // The API creates it with the first database pipe of a service. No request creates it before.
        Kind::CdcScaling => {
            vec!["waits for the first database pipe to be created".to_owned()]
        }
        Kind::ClickPipe | Kind::ReversePrivateEndpoint => Vec::new(),
    }
}

/// The effects of deleting the live object.
pub fn deletion_effects(kind: Kind, live: &Value) -> Vec<String> {
    match kind {
        Kind::ClickPipe => {
            let tables = TableNames::in_body(live).describe_remaining();
            tables.into_iter().chain(pipe::replacement_effects::describe_kept_slot(live)).collect()
        }
        Kind::ReversePrivateEndpoint => {
            vec!["pipes that use the endpoint can no longer reach their source".to_owned()]
        }
        Kind::CdcScaling => Vec::new(),
    }
}

/// Required changes of the table before the columns of the live pipe become the desired ones, one sentence each. The
/// API changes the inserts of the pipe, and never the table.
pub fn column_effects(kind: Kind, desired: &Value, live: &Value) -> Vec<String> {
    let (tables, is_pipe) = (written_tables(live), kind == Kind::ClickPipe);
    let Some(table) = tables.first().filter(|table| is_pipe && table.mapping.is_none()) else { return Vec::new() };
    let columns = |body: &Value| -> Vec<(String, String)> {
        let text = |column: &Value, key: &str| column[key].as_str().unwrap_or_default().to_owned();
        let columns = body["destination"]["columns"].as_array().into_iter().flatten();
        columns.map(|column| (text(column, "name"), text(column, "type"))).collect()
    };
    let (before, after, name) = (columns(live), columns(desired), qualified_name(table));
    let statement = |(column, of): &(String, String)| {
        let verb = match before.iter().find(|(name, _)| name == column) {
            None => "ADD",
            Some((_, was)) if was != of => "MODIFY",
            Some(_) => return None,
        };
        Some(format!("{verb} COLUMN {} {of}", quote_identifier(column)))
    };
    let alters: Vec<String> = after.iter().filter_map(statement).collect();
    let altered = (!alters.is_empty()).then(|| {
        format!("table `{name}` is not altered: before apply, run `ALTER TABLE {name} {};`", alters.join(", "))
    });
    let removed = before.iter().filter(|(name, _)| after.iter().all(|(other, _)| other != name));
    let removed: Vec<String> = removed.map(|(name, _)| format!("`{name}`")).collect();
    let kept = (!removed.is_empty() && !after.is_empty())
        .then(|| format!("table `{name}` keeps {}, with the default of the column in new rows", removed.join(", ")));
    let new = after.iter().map(|(column, _)| column).filter(|column| before.iter().all(|(name, _)| name != *column));
    altered.into_iter().chain(kept).chain(unmapped_note(new, desired, live)).collect()
}

/// New columns without a live mapping, if git does not manage the mappings.
// The schema says that every column needs a mapping as soon as there is one. A rule covers declared mappings.
fn unmapped_note<'c>(new: impl Iterator<Item = &'c String>, desired: &Value, live: &Value) -> Option<String> {
    let mapped: Vec<&Value> =
        live["fieldMappings"].as_array().into_iter().flatten().map(|mapping| &mapping["destinationField"]).collect();
    if mapped.is_empty() || !desired["fieldMappings"].is_null() {
        return None;
    }
    let unmapped: Vec<String> =
        new.filter(|column| mapped.iter().all(|name| *name != *column)).map(|column| format!("`{column}`")).collect();
    (!unmapped.is_empty()).then(|| {
        format!(
            "no field mapping of the live pipe fills {}, which may stay empty: declare the live `fieldMappings` and \
             those that are missing",
            unmapped.join(", ")
        )
    })
}

/// The effects of creating an object, one sentence each. `earlier_tables` are tables, as `database.table`, that git gave
/// to a pipe before. Whether that pipe ever was live, nobody knows.
pub fn creation_effects(kind: Kind, body: &Value, earlier_tables: &BTreeSet<String>) -> Vec<String> {
    let Some((source_kind, source)) = SourceKind::in_body(body).filter(|_| kind == Kind::ClickPipe) else {
        return Vec::new();
    };
    let mut first_rows = (source_kind.spec().describe_start)(source);
    if start_paused::has_switch(body) {
        first_rows = format!("nothing is read until it is started. Then: {first_rows}");
    }
    let tables = describe_earlier_rows(kind, body, earlier_tables);
    let adds = (body["destination"]["managedTable"] == false)
        .then(|| format!("inserts into {}, which must exist", TableNames::in_body(body).quoted_list()));
    [first_rows].into_iter().chain(adds).chain(tables).collect()
}

// Only about tables that git gave to a pipe before: for each new pipe, a warning about rows that may be there would hide
// the one that matters.
fn describe_earlier_rows(kind: Kind, body: &Value, earlier_tables: &BTreeSet<String>) -> Option<String> {
    let mut earlier = written_tables(body);
    earlier.retain(|table| earlier_tables.contains(&table.full_name()));
    let mut empty = blocking_tables::tables_required_empty(kind, body);
    empty.retain(|name| earlier.iter().any(|table| qualified_name(table) == *name));
    let tables = TableNames::of_tables(&earlier);
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
            "if an earlier pipe left rows in {}, they stay: rows that are read again may be duplicated",
            tables.quoted_list()
        )
    })
}

/// The effect of the stop among these actions; `None` without one. `live` is the object before them.
pub fn stop_effects(live: Option<&Object>, actions: &[Action]) -> Option<String> {
    if !actions.iter().any(Action::is_stop) {
        return None;
    }
    match (live, actions.iter().find_map(created_body)) {
        (_, Some(body)) => Some(describe_initial_run(body).to_owned()),
        (Some(live), None) => describe_interim_stop(live, actions),
        (None, None) => None,
    }
}

fn created_body(action: &Action) -> Option<&Value> {
    match action {
        Action::Create { body, .. } => Some(body),
        Action::Update { .. } | Action::SetState { .. } | Action::Delete { .. } => None,
    }
}

// A create starts the pipe, so a stop comes after it has begun to read.
fn describe_initial_run(body: &Value) -> &'static str {
    if start_paused::has_switch(body) {
        start_paused::FALLBACK_EFFECT
    } else if lifecycle::is_finite_load(body) {
        "the API starts every new pipe: it may load everything before it is stopped"
    } else {
        "the API starts every new pipe: it reads until it is stopped"
    }
}

fn describe_interim_stop(live: &Object, actions: &[Action]) -> Option<String> {
    match PipeState::from(&live.state) {
        // The API answers 200 and drops the stop until then (documentation of the lifecycle).
        PipeState::Provisioning | PipeState::Setup | PipeState::Snapshot | PipeState::Resync => {
            let is_edited = actions.iter().any(|action| matches!(action, Action::Update { .. }));
            // The API's response in this case is unknown: its documentation has a stop only for a running pipe, and
            // Terraform edits no completed pipe.
            let end = if is_edited && lifecycle::is_finite_load(&live.body) {
                ", and then it is `Completed`, and the API may refuse the edit"
            } else {
                ""
            };
            Some(format!("it is in `{}`: the API stops it only when its load is done{end}", live.state))
        }
        PipeState::Paused if actions.last().is_some_and(Action::is_stop) && actions.len() > 1 => {
            Some("the API resumes it to test the edit: it reads until it is stopped again".to_owned())
        }
        _ => None,
    }
}
