//! Pipes that are created paused.
//
// A pipe that is created running and stopped afterwards has read for half a minute by then, and those rows are
// unwanted. Newer versions of the API have a switch for this, but not for databases.

use serde_json::Value;

use crate::pipe::source::{SourceFamily, source_family};

const SWITCH: &str = "startPaused";

/// The effect if the API does not know the switch.
pub const FALLBACK_EFFECT: &str =
    "an API that does not know `startPaused` starts it: then it reads until it is stopped";

/// The body of a new pipe that is declared stopped.
pub fn with_switch(body: &Value) -> Value {
    let mut body = body.clone();
    // The newer schema refuses the switch for database pipes.
    if let (Some(SourceFamily::Stream | SourceFamily::Files), Some(fields)) =
        (source_family(&body), body.as_object_mut())
    {
        fields.insert(SWITCH.to_owned(), Value::Bool(true));
    }
    body
}

/// Whether a body has the switch.
pub fn has_switch(body: &Value) -> bool {
    body.get(SWITCH).is_some()
}

/// The same body without the switch, if it has it.
pub fn without_switch(body: &Value) -> Option<Value> {
    let mut body = body.clone();
    body.as_object_mut()?.remove(SWITCH).map(|_| body)
}
