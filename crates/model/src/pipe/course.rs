//! Whether a pipe ends by itself, and whether it can load its tables anew.

use serde_json::Value;

use crate::path::Path;

/// Sources that take the API's command to load everything again.
const RESYNCED: [&str; 3] = ["source.postgres", "source.mysql", "source.mongodb"];

/// Sources that are loaded once, whatever their settings say.
const ONCE: &str = "source.bigquery";

/// Files are read once unless the pipe is told to go on looking for new ones.
const FILES: &str = "source.objectStorage";

/// Whether the pipe is done when it has read what is there, and then `Completed`.
pub(crate) fn ends_by_itself(body: &Value) -> bool {
    let files = section(body, FILES);
    let loaded_once = RESYNCED.iter().filter_map(|source| section(body, source));
    section(body, ONCE).is_some()
        || files.is_some_and(|files| files["isContinuous"] != Value::Bool(true))
        || loaded_once.into_iter().any(|it| it["settings"]["replicationMode"] == "snapshot")
}

/// Why the API has no command to load this pipe's tables again; `None` where it has.
pub(crate) fn no_resync(body: &Value) -> Option<&'static str> {
    if RESYNCED.iter().any(|source| section(body, source).is_some()) {
        return None;
    }
    Some(if section(body, ONCE).is_some() {
        "BigQuery is loaded once and nothing else; to load it again, delete the pipe and create it \
         anew"
    } else if section(body, FILES).is_some() {
        "files have no initial load to repeat; to read them again, delete the pipe and create it \
         anew"
    } else {
        "a stream has no initial load to repeat; to read it again, delete the pipe and create it \
         anew with an earlier start"
    })
}

fn section<'b>(body: &'b Value, source: &str) -> Option<&'b Value> {
    Path::parse(source).get(body).filter(|section| section.is_object())
}
