//! Where a new pipe takes up the topics.

use crate::pipe::replacement_effects::Replacement;

/// What replacing a Kafka pipe does to the data.
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

/// A group of the same name over the same topics; one that the API made up goes with its pipe.
fn unchanged_group<'b>(it: &Replacement<'b>) -> Option<&'b str> {
    it.unchanged_text("topics")?;
    it.unchanged_text("brokers")?;
    it.unchanged_text("consumerGroup")
}
