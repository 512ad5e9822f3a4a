//! The effects of a change on the data, as sentences for the plan. No decision depends on them.
//!
//! How a source starts over is described beside the source.

use serde_json::Value;

use crate::pipe;
use crate::pipe::replacement_effects::{Replacement, TableNames};
use crate::semantics::FieldSemantics;
use model::address::Kind;

mod columns;
mod creations;
mod entries;
mod stops;

pub use columns::column_effects;
pub use creations::creation_effects;
pub use entries::{ChangedEntry, entry_change_effects};
pub use stops::stop_effects;

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

/// What nobody reads between two objects, where the desired one takes over from the live one.
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
