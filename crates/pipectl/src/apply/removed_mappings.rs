//! Restores table mappings that were removed for a change, if the API refuses the new version.
//
//     stop, PATCH remove `orders`       200
//     stop, PATCH add `orders`          400: the column to exclude does not exist
//     PATCH add `orders` as it was      400: the API does not accept a field that it returned
//     PATCH add `orders` as it was      200, without that field: the table is filled as before, with a new snapshot

use clickpipes::mapping_edits::{added_mappings_spec, tables_between, without_unknown_fields};
use model::action::Action;

use super::ApplyRun;
use super::object_result::{MissingMappings, ObjectResult};
use super::object_worker::{RESPONSE_GRACE, StopCause, send_action};

/// The outcome of sending the old mappings again.
pub(super) enum Restored {
    Whole,
    /// The API refused the fields that this version does not know.
    WithoutUnknownFields,
    Failed(String),
}

/// Adds the old mappings again if the API refused the new ones; `None` if there is nothing to add.
pub(super) async fn restore_mappings(run: &ApplyRun<'_>, action: &Action, stop: &StopCause) -> Option<Restored> {
    // Without a refusal, the new mapping may exist: then another one of the same table would be refused.
    let StopCause::Error(error) = stop else { return None };
    let is_refused = error.rejection_kind().is_some() && !error.is_outcome_unknown();
    let restore = action.restore_action().filter(|_| is_refused)?;
    let error = match send_action(run, &restore, RESPONSE_GRACE).await {
        Ok(_) => return Some(Restored::Whole),
        Err(StopCause::Error(error)) => error,
        Err(_) => return Some(Restored::Failed("the API did not answer in time".to_owned())),
    };
    let is_refused = error.rejection_kind().is_some() && !error.is_outcome_unknown();
    // The API may return fields that it does not accept. Without an answer it is not tried: the first attempt may have
    // worked.
    if let (true, Some(reduced)) = (is_refused, without_unknown_part(restore))
        && send_action(run, &reduced, RESPONSE_GRACE).await.is_ok()
    {
        return Some(Restored::WithoutUnknownFields);
    }
    Some(Restored::Failed(error.to_string()))
}

fn without_unknown_part(restore: Action) -> Option<Action> {
    let Action::Update { address, id, via, body, .. } = restore else { return None };
    Some(Action::update(address, id, via, without_unknown_fields(&body)?))
}

/// Reports the mappings that this run removed, and that are not live again as they were.
pub(super) fn record_mappings(report: &mut ObjectResult, actions: &[&Action], restored: Option<Restored>) {
    match restored {
        Some(Restored::Whole) => {
            report.notes.push("the table mappings that were removed are added again as they were".to_owned());
            return;
        }
        Some(Restored::WithoutUnknownFields) => {
            let note = "the table mappings that were removed are added again, without the fields that pipectl does not \
                        know: the API refused them";
            report.notes.push(note.to_owned());
            return;
        }
        Some(Restored::Failed(error)) => {
            report.notes.push(format!("the table mappings that were removed could not be added again: {error}"));
        }
        None => {}
    }
    // The report shows the mappings as a manifest has them, so that somebody can add them again.
    report.missing_mappings = missing_mappings(actions, report.done);
}

fn missing_mappings(actions: &[&Action], done: usize) -> Option<MissingMappings> {
    let (sent, unsent) = actions.split_at(done);
    let tables = tables_between(
        sent.iter().filter_map(|action| action.request_body()),
        unsent.iter().filter_map(|action| action.request_body()),
    );
    if tables.is_empty() {
        return None;
    }
    let quoted: Vec<String> = tables.iter().map(|table| format!("`{table}`")).collect();
    let mut restores = unsent.iter().filter_map(|action| action.restore_action());
    let spec = restores.find_map(|restore| added_mappings_spec(restore.request_body()?));
    let reason = format!("the table mapping of {} was removed, and is not added again yet", quoted.join(", "));
    Some(MissingMappings { reason, spec })
}
