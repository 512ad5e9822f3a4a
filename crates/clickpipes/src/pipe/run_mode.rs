//! Whether a pipe ends by itself, and whether it can load its tables anew.

use serde_json::Value;

use model::path::FieldPath;

/// Sources that take the API's command to load everything again.
const RESYNC_SOURCES: [&str; 3] = ["source.postgres", "source.mysql", "source.mongodb"];

/// Sources that are loaded once, whatever their settings say.
const LOADED_ONCE: &str = "source.bigquery";

/// Files are read once unless the pipe is told to go on looking for new ones.
const FILE_SOURCE: &str = "source.objectStorage";

/// Whether the pipe is done when it has read what is there, and then `Completed`.
pub(crate) fn is_finite_load(body: &Value) -> bool {
    let files = source_section(body, FILE_SOURCE);
    let loaded_once = RESYNC_SOURCES.iter().filter_map(|source| source_section(body, source));
    source_section(body, LOADED_ONCE).is_some()
        || files.is_some_and(|files| files["isContinuous"] != Value::Bool(true))
        || loaded_once.into_iter().any(|it| it["settings"]["replicationMode"] == "snapshot")
}

/// Why the API has no command to load this pipe's tables again; `None` where it has.
pub(crate) fn resync_unsupported_reason(body: &Value) -> Option<&'static str> {
    if RESYNC_SOURCES.iter().any(|source| source_section(body, source).is_some()) {
        return None;
    }
    Some(if source_section(body, LOADED_ONCE).is_some() {
        "BigQuery is loaded once and nothing else; to load it again, delete the pipe and create it \
         anew"
    } else if source_section(body, FILE_SOURCE).is_some() {
        "files have no initial load to repeat; to read them again, delete the pipe and create it \
         anew"
    } else {
        "a stream has no initial load to repeat; to read it again, delete the pipe and create it \
         anew with an earlier start"
    })
}

fn source_section<'b>(body: &'b Value, source: &str) -> Option<&'b Value> {
    FieldPath::parse(source).value_in(body).filter(|section| section.is_object())
}
