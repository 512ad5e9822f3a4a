//! Where a new pipe takes up the topics.

use crate::pipe::restart::Restart;

/// What replacing a Kafka pipe does to the data.
pub(crate) fn sentences(it: &Restart<'_>) -> Vec<String> {
    if let Some(group) = same_group(it) {
        return vec![format!(
            "the new pipe reads with consumer group `{group}` again, and goes on where the group \
             stopped if the brokers still know"
        )];
    }
    match (it.text("offset.strategy"), it.text("offset.timestamp")) {
        (Some("from_beginning"), _) => it.again("the new pipe starts at from_beginning", "rows"),
        (Some("from_latest"), _) => it.missed("the new pipe starts at from_latest", "messages"),
        (Some("from_timestamp"), Some(time)) => {
            it.again(&format!("the new pipe starts at {time} UTC"), "rows from then on that are")
        }
        _ => vec![format!(
            "the new pipe starts where the API chooses, as no `offset` is declared: rows may \
             arrive in {} twice or not at all",
            it.tables.list()
        )],
    }
}

/// A group of the same name over the same topics; one that the API made up goes with its pipe.
fn same_group<'b>(it: &Restart<'b>) -> Option<&'b str> {
    it.unchanged("topics")?;
    it.unchanged("brokers")?;
    it.unchanged("consumerGroup")
}
