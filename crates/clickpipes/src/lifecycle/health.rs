//! The health of pipes, for `status`.

use serde::Serialize;
use serde_json::Value;

use model::action::RunState;
use model::live::Object;

use super::{DEGRADED_NOTE, PipePhase, is_finite_load, pipe_phase};
use crate::pipe::source::{SourceFamily, source_family};

/// The health of a pipe for its operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Health {
    /// As expected.
    Ok,
    /// Changing its state: check again.
    Moving,
    /// Not as expected, but not broken.
    Warning,
    /// Broken: somebody has to act.
    Bad,
}

/// The health of a pipe, and the reason; the text is empty if the state is clear.
///
/// `declared` is the desired state in git, if there is one. Whether a completed pipe is healthy depends on the source:
/// files that are read once complete, a stream never does.
pub fn pipe_health(object: &Object, declared: Option<RunState>) -> (Health, &'static str) {
    let is_finite = is_finite_load(&object.body);
    let health_when_stopped = match declared {
        Some(RunState::Running) => (Health::Warning, "it is stopped, though it is declared running"),
        Some(RunState::Stopped) => (Health::Ok, "stopped, as declared"),
        None => (Health::Ok, "stopped"),
    };
    match pipe_phase(object) {
        PipePhase::Failed | PipePhase::PlatformError => (Health::Bad, failure_note(object).unwrap_or_default()),
        PipePhase::Running | PipePhase::Loading | PipePhase::Degraded if declared == Some(RunState::Stopped) => {
            (Health::Warning, "it runs, though it is declared stopped")
        }
        PipePhase::Degraded => (Health::Warning, DEGRADED_NOTE),
        PipePhase::Running => (Health::Ok, if is_finite { "loading" } else { "" }),
        // A first load may take hours, so nobody has to act.
        PipePhase::Loading => (Health::Ok, "initial load"),
        PipePhase::Finished if is_finite => (Health::Ok, "done"),
        // It may be a source that is read once.
        PipePhase::Finished if source_family(&object.body).is_none() => (Health::Ok, "it is completed"),
        PipePhase::Finished => (Health::Warning, "completed, although its source is continuous"),
        PipePhase::Stopped => health_when_stopped,
        PipePhase::Resyncing => (Health::Moving, "swapping in the reloaded tables"),
        PipePhase::Starting | PipePhase::Changing | PipePhase::Stopping => (Health::Moving, ""),
        PipePhase::Deleting => (Health::Moving, "being deleted"),
        PipePhase::Other => (Health::Warning, "a state that this version does not know"),
    }
}

/// The problem of a broken pipe, and the remedy.
pub fn failure_note(object: &Object) -> Option<&'static str> {
    match pipe_phase(object) {
        PipePhase::Failed => Some(failed_note(&object.body)),
        PipePhase::PlatformError => Some("the platform failed; contact ClickHouse support with the pipe's id"),
        _ => None,
    }
}

/// The place of the reason for a failure, and how to continue. It depends on the source.
fn failed_note(body: &Value) -> &'static str {
    match source_family(body) {
        Some(SourceFamily::Database) => {
            "it stopped by itself; the console shows why. When that is fixed, apply starts it, and `resync` loads its tables again"
        }
        Some(SourceFamily::Stream | SourceFamily::Files) => {
            "it stopped by itself; the console and the table with the suffix `_clickpipes_error` show why"
        }
        None => "it stopped by itself; the console shows why",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Health, RunState, pipe_health};
    use crate::lifecycle::tests::{kafka_source, pipe_in_state, postgres_source};

    #[test]
    fn health_of_completed_pipe_depends_on_source() {
        let completed = |source: &Value| pipe_health(&pipe_in_state("Completed", source), None).0;
        for source in [
            json!({"objectStorage": {"url": "s3://b"}}),
            json!({"objectStorage": {"isContinuous": false}}),
            json!({"bigquery": {}}),
            postgres_source("snapshot"),
            json!({"mongodb": {"settings": {"replicationMode": "snapshot"}}}),
            // A source of a later version.
            json!({"pigeon": {}}),
        ] {
            assert_eq!(completed(&source), Health::Ok, "{source}");
        }
        for source in [kafka_source(), postgres_source("cdc"), json!({"objectStorage": {"isContinuous": true}})] {
            assert_eq!(completed(&source), Health::Warning, "{source}");
        }
    }

    #[test]
    fn health_compares_live_state_with_declared_state() {
        let declared = [None, Some(RunState::Running), Some(RunState::Stopped)];
        let health = |state| declared.map(|declared| pipe_health(&pipe_in_state(state, &kafka_source()), declared).0);
        for state in ["Stopped", "Paused"] {
            assert_eq!(health(state), [Health::Ok, Health::Warning, Health::Ok], "{state}");
        }
        for state in ["Running", "Snapshot"] {
            assert_eq!(health(state), [Health::Ok, Health::Ok, Health::Warning], "{state}");
        }
        assert_eq!(health("Degraded"), [Health::Warning; 3]);
        assert_eq!(health("Tired"), [Health::Warning; 3]);
        for state in ["Failed", "InternalError"] {
            assert_eq!(health(state), [Health::Bad; 3], "{state}");
        }
        for state in ["Provisioning", "Setup", "Resync", "Modifying", "Stopping", "Pausing", "Deleting", ""] {
            assert_eq!(health(state), [Health::Moving; 3], "{state}");
        }
    }
}
