//! The first position of a new pipe in its topics.

use serde_json::Value;

use crate::pipe::replacement_effects::Replacement;
use crate::pipe::source::text_at;

/// The first messages that a new Kafka pipe reads.
pub(crate) fn describe_start(source: &Value) -> String {
    let start = match (source["offset"]["strategy"].as_str(), source["offset"]["timestamp"].as_str()) {
        (Some("from_beginning"), _) => "reads every message that the brokers still hold (`from_beginning`)".to_owned(),
        (Some("from_latest"), _) => {
            "reads messages from now on (`from_latest`): earlier ones are not loaded".to_owned()
        }
        (Some("from_timestamp"), Some(time)) => format!("reads messages from {time} UTC on"),
        _ => "no `offset` is set, so the API picks where it starts to read".to_owned(),
    };
    match text_at(source, "consumerGroup") {
        group if group.is_empty() => start,
        group => format!("{start}; offsets that consumer group `{group}` committed come first"),
    }
}

/// The effects of replacing a Kafka pipe on the data.
pub(crate) fn describe_replacement(it: &Replacement<'_>) -> Vec<String> {
    if let Some(group) = unchanged_group(it) {
        return vec![format!(
            "the new pipe resumes from the committed offsets of consumer group `{group}`, if the \
             brokers still have them"
        )];
    }
    match (it.text_at("offset.strategy"), it.text_at("offset.timestamp")) {
        (Some("from_beginning"), _) => it.describe_repeated_rows("the new pipe starts at from_beginning", "rows"),
        (Some("from_latest"), _) => it.describe_missed_rows("the new pipe starts at from_latest", "messages"),
        (Some("from_timestamp"), Some(time)) => {
            it.describe_repeated_rows(&format!("the new pipe starts at {time} UTC"), "rows from then on that are")
        }
        _ => vec![format!(
            "no `offset` is set, so the API picks the start: rows in {} may be duplicated or \
             missing",
            it.tables.quoted_list()
        )],
    }
}

/// A group with the same name and the same topics; a group that the API generated disappears with its pipe.
fn unchanged_group<'b>(it: &Replacement<'b>) -> Option<&'b str> {
    it.unchanged_text("topics")?;
    it.unchanged_text("brokers")?;
    it.unchanged_text("consumerGroup")
}
