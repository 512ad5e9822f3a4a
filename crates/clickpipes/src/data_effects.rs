//! What a change does to the data, in sentences.
//!
//! How a source starts over is said beside the source; here is what all of them share. A sentence
//! is for people: nothing is decided by it.

use serde_json::Value;

use crate::pipe;
use crate::pipe::replacement_effects::{Replacement, TableNames};
use crate::semantics::FieldSemantics;
use model::address::Kind;

mod entries;
mod stops;

pub use entries::{ChangedEntry, entry_change_effects};
pub use stops::stop_effects;

/// Deleting the live object and making it again as desired.
pub fn replacement_effects(kind: Kind, desired: &Value, live: &Value) -> Vec<String> {
    match kind {
        Kind::ClickPipe => Replacement::new(FieldSemantics::for_kind(kind), desired, live)
            .map(|it| it.describe_effects())
            .unwrap_or_default(),
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

/// Changing an object that is not there yet, and that nobody makes.
pub fn missing_object_effects(kind: Kind) -> Vec<String> {
    match kind {
        Kind::CdcScaling => {
            vec!["waits for the first database pipe to be created".to_owned()]
        }
        Kind::ClickPipe | Kind::ReversePrivateEndpoint => Vec::new(),
    }
}

/// Deleting the live object for good.
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
