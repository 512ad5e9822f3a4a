//! What the API's lifecycle states mean: which of them end a wait, and which are stopped.

mod endpoints;

pub use self::endpoints::{EndpointState, endpoint_health, is_broken, unusable_note};

use serde::Serialize;
use serde_json::Value;

use crate::pipe::source::{SourceFamily, SourceKind, source_family};
use model::action::RunState;
use model::address::Kind;
use model::live::{Object, State};

/// The state of a pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words are those of the API")]
pub enum PipeState {
    /// Also a pipe for which the API returns no state yet.
    Unknown,
    Provisioning,
    Setup,
    Snapshot,
    Running,
    Modifying,
    Resync,
    Pausing,
    Paused,
    Stopping,
    Stopped,
    Completed,
    Degraded,
    Failed,
    InternalError,
    /// Acknowledged, and not carried out yet: clients of the API test for it.
    Deleting,
    /// A state that this version does not know.
    Other(String),
}

impl From<&State> for PipeState {
    fn from(state: &State) -> Self {
        match state.as_str() {
            "" | "Unknown" => Self::Unknown,
            "Provisioning" => Self::Provisioning,
            "Setup" => Self::Setup,
            "Snapshot" => Self::Snapshot,
            "Running" => Self::Running,
            "Modifying" => Self::Modifying,
            "Resync" => Self::Resync,
            "Pausing" => Self::Pausing,
            "Paused" => Self::Paused,
            "Stopping" => Self::Stopping,
            "Stopped" => Self::Stopped,
            "Completed" => Self::Completed,
            "Degraded" => Self::Degraded,
            "Failed" => Self::Failed,
            "InternalError" => Self::InternalError,
            "Deleting" => Self::Deleting,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// The meaning of a pipe's state. Every question about states asks for the phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PipePhase {
    /// The pipe is being created.
    Starting,
    /// The initial load is under way.
    Loading,
    /// The pipe works.
    Running,
    /// The pipe works, but the platform reports trouble.
    Degraded,
    /// The tables are being loaded again.
    Resyncing,
    /// An edit is under way.
    Changing,
    /// The pipe is about to stop.
    Stopping,
    /// The pipe is stopped or paused.
    Stopped,
    /// The pipe has done its work, and can be neither stopped nor started.
    Finished,
    /// The pipe stopped by itself.
    Failed,
    /// The platform failed.
    PlatformError,
    /// The pipe is about to be gone.
    Deleting,
    /// This version does not know the state.
    Other,
}

impl PipeState {
    /// The table of states. The sets are those of section "states" of `docs/sandbox.md`.
    pub fn phase(&self) -> PipePhase {
        match self {
            Self::Unknown | Self::Provisioning | Self::Setup => PipePhase::Starting,
            Self::Snapshot => PipePhase::Loading,
            Self::Running => PipePhase::Running,
            Self::Degraded => PipePhase::Degraded,
            Self::Resync => PipePhase::Resyncing,
            Self::Modifying => PipePhase::Changing,
            Self::Pausing | Self::Stopping => PipePhase::Stopping,
            Self::Paused | Self::Stopped => PipePhase::Stopped,
            Self::Completed => PipePhase::Finished,
            Self::Failed => PipePhase::Failed,
            Self::InternalError => PipePhase::PlatformError,
            Self::Deleting => PipePhase::Deleting,
            Self::Other(_) => PipePhase::Other,
        }
    }
}

fn pipe_phase(object: &Object) -> PipePhase {
    PipeState::from(&object.state).phase()
}

/// The state of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words are those of the API")]
pub enum ServiceState {
    Running,
    Idle,
    Awaking,
    Starting,
    Provisioning,
    Stopping,
    Stopped,
    /// It is being deleted, or is deleted.
    Terminated,
    Failed,
    /// A state that this version does not know, or that does not matter for pipes.
    Other(String),
}

impl From<&State> for ServiceState {
    fn from(state: &State) -> Self {
        match state.as_str() {
            "running" => Self::Running,
            "idle" => Self::Idle,
            "awaking" => Self::Awaking,
            "starting" => Self::Starting,
            "provisioning" => Self::Provisioning,
            "stopping" => Self::Stopping,
            "stopped" => Self::Stopped,
            "terminating" | "terminated" | "softdeleting" | "softdeleted" => Self::Terminated,
            "failed" => Self::Failed,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl ServiceState {
    /// Whether the service does not run again unless somebody starts it.
    pub fn is_down_for_good(&self) -> bool {
        matches!(self, Self::Stopping | Self::Stopped | Self::Terminated | Self::Failed)
    }
}

/// The progress of a live object towards the desired state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Still on its way: look again.
    InProgress,
    /// Arrived.
    Ready,
    /// Arrived, but the platform reports trouble.
    Degraded,
    /// Arrived in a state that nobody wants.
    Failed,
}

/// The progress of an object towards the desired state. A stream arrives in `Running`, a snapshot
/// in `Completed`, and a stopped database pipe in `Paused`.
pub fn progress_toward(kind: Kind, object: &Object, desired: RunState) -> Progress {
    match kind {
        Kind::ClickPipe => pipe_progress(pipe_phase(object), desired),
        Kind::ReversePrivateEndpoint => match EndpointState::from(&object.state) {
            EndpointState::Ready | EndpointState::PendingAcceptance => Progress::Ready,
            EndpointState::Failed | EndpointState::Rejected | EndpointState::Expired => Progress::Failed,
            EndpointState::Other(_) => Progress::InProgress,
        },
        Kind::CdcScaling => Progress::Ready,
    }
}

fn pipe_progress(phase: PipePhase, desired: RunState) -> Progress {
    match (phase, desired) {
        (PipePhase::PlatformError, _) | (PipePhase::Failed, RunState::Running) => Progress::Failed,
        (PipePhase::Degraded, RunState::Running) => Progress::Degraded,
        (PipePhase::Running | PipePhase::Loading | PipePhase::Finished, RunState::Running)
        | (PipePhase::Stopped | PipePhase::Finished, RunState::Stopped) => Progress::Ready,
        _ => Progress::InProgress,
    }
}

/// Whether other objects can use it now.
pub fn is_usable(kind: Kind, object: &Object) -> bool {
    kind != Kind::ReversePrivateEndpoint || EndpointState::from(&object.state) == EndpointState::Ready
}

/// A note for people on an object that has arrived.
pub fn attention_note(kind: Kind, object: &Object) -> Option<&'static str> {
    match kind {
        Kind::ClickPipe if pipe_phase(object) == PipePhase::Degraded => Some(DEGRADED_NOTE),
        Kind::ReversePrivateEndpoint if EndpointState::from(&object.state) == EndpointState::PendingAcceptance => {
            Some("it carries nothing until somebody accepts it on the account of the source")
        }
        _ => None,
    }
}

const DEGRADED_NOTE: &str = "it runs, but the platform reports trouble";

/// How well a pipe does, for somebody who looks after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Health {
    /// As it should be.
    Ok,
    /// On its way: look again.
    Moving,
    /// Not as it should be, though nothing is broken.
    Warning,
    /// Broken: somebody has to act.
    Bad,
}

/// How well a pipe does, and why; the words are empty where the state says it all.
///
/// `declared` is what git says of it, if it says anything. Whether an end is a good one depends on
/// the source: files that are read once are done in `Completed`, a stream never is.
pub fn pipe_health(object: &Object, declared: Option<RunState>) -> (Health, &'static str) {
    let is_finite = is_finite_load(&object.body);
    let health_when_stopped = match declared {
        Some(RunState::Running) => (Health::Warning, "it is stopped, though it is declared running"),
        Some(RunState::Stopped) => (Health::Ok, "stopped, as declared"),
        None => (Health::Ok, "stopped"),
    };
    match pipe_phase(object) {
        PipePhase::Failed => (Health::Bad, failed_note(&object.body)),
        PipePhase::PlatformError => (Health::Bad, "the platform is in trouble; ask its support, with the pipe's id"),
        PipePhase::Running | PipePhase::Loading | PipePhase::Degraded if declared == Some(RunState::Stopped) => {
            (Health::Warning, "it runs, though it is declared stopped")
        }
        PipePhase::Degraded => (Health::Warning, DEGRADED_NOTE),
        PipePhase::Running => (Health::Ok, if is_finite { "loading" } else { "" }),
        PipePhase::Loading => (Health::Ok, "initial load"),
        PipePhase::Finished if is_finite => (Health::Ok, "done"),
        PipePhase::Finished => (Health::Warning, "it has ended, though its source goes on"),
        PipePhase::Stopped => health_when_stopped,
        PipePhase::Resyncing => (Health::Moving, "swapping in what was loaded anew"),
        PipePhase::Starting | PipePhase::Changing | PipePhase::Stopping => (Health::Moving, ""),
        PipePhase::Deleting => (Health::Moving, "being deleted"),
        PipePhase::Other => (Health::Warning, "a state that this version does not know"),
    }
}

/// Where the reason of a failure is, and how the pipe goes on. It depends on the source.
fn failed_note(body: &Value) -> &'static str {
    match source_family(body) {
        Some(SourceFamily::Database) => {
            "it stopped by itself; the console shows why. When that is mended, apply starts it, and `resync` loads its tables again"
        }
        Some(SourceFamily::Stream | SourceFamily::Files) => {
            "it stopped by itself; the console and the table with the suffix `_clickpipes_error` show why"
        }
        None => "it stopped by itself; the console shows why",
    }
}

/// Whether the pipe completes when it has read what is there.
pub(crate) fn is_finite_load(body: &Value) -> bool {
    SourceKind::in_body(body).is_some_and(|(kind, source)| (kind.spec().is_finite_load)(source))
}

/// Why a pipe cannot load its tables anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResyncRefusal {
    /// Its source has no such command.
    UnsupportedSource(&'static str),
    /// It is in a state in which that would undo what is under way.
    WrongState(&'static str),
}

/// Whether the pipe can load its tables anew. The API would take the command in any state. In some
/// of them it throws away a load that is under way, so that a command sent twice costs twice.
pub fn can_resync(object: &Object) -> Result<(), ResyncRefusal> {
    let source = SourceKind::in_body(&object.body);
    let refusal = source.map_or(Some("this version does not know its source"), |(kind, _)| kind.spec().resync_refusal);
    if let Some(reason) = refusal {
        return Err(ResyncRefusal::UnsupportedSource(reason));
    }
    match pipe_phase(object) {
        PipePhase::Loading | PipePhase::Resyncing => Err(ResyncRefusal::WrongState("it is loading its tables already")),
        PipePhase::Starting => {
            Err(ResyncRefusal::WrongState("it is still being made, and will load its tables anyway"))
        }
        PipePhase::Changing | PipePhase::Stopping => {
            Err(ResyncRefusal::WrongState("it is on its way to another state; try again when it is there"))
        }
        PipePhase::Deleting => Err(ResyncRefusal::WrongState("it is being deleted")),
        PipePhase::PlatformError => {
            Err(ResyncRefusal::WrongState("the platform is in trouble; ask its support, with the pipe's id"))
        }
        _ => Ok(()),
    }
}

/// Whether the pipe has come to the end of loading its tables, having been told to.
pub fn resync_progress(object: &Object) -> Progress {
    match pipe_phase(object) {
        PipePhase::Running | PipePhase::Finished => Progress::Ready,
        PipePhase::Degraded => Progress::Degraded,
        PipePhase::Failed | PipePhase::PlatformError => Progress::Failed,
        _ => Progress::InProgress,
    }
}

/// The state command that would bring the object to `want`; `None` where it is there already, on
/// its way, or of a kind that cannot be stopped.
pub fn state_command(kind: Kind, object: &Object, desired: RunState) -> Option<RunState> {
    if !can_stop(kind) {
        return None;
    }
    let phase = pipe_phase(object);
    let stopped = matches!(phase, PipePhase::Stopped | PipePhase::Stopping);
    match desired {
        RunState::Running => (stopped || phase == PipePhase::Failed).then_some(desired),
        RunState::Stopped => {
            (!stopped && !matches!(phase, PipePhase::Finished | PipePhase::Deleting)).then_some(desired)
        }
    }
}

/// Whether objects of this kind can be started and stopped.
pub fn can_stop(kind: Kind) -> bool {
    match kind {
        Kind::ClickPipe => true,
        Kind::ReversePrivateEndpoint | Kind::CdcScaling => false,
    }
}

/// Whether the job is done for good, so that the object can be neither stopped nor started.
pub fn is_finished(object: &Object) -> bool {
    pipe_phase(object) == PipePhase::Finished
}

/// Whether the pipe reads its source, or is about to. Other objects do so for as long as they exist.
pub fn reads_source(kind: Kind, object: &Object) -> bool {
    kind != Kind::ClickPipe
        || !matches!(pipe_phase(object), PipePhase::Stopped | PipePhase::Finished | PipePhase::Deleting)
}

/// Whether an edit that needs a paused pipe can be sent as things are.
pub fn is_stopped(object: &Object) -> bool {
    pipe_phase(object) == PipePhase::Stopped
}

/// The state that a stopped pipe is in, by what it reads from: database pipes are paused.
pub fn stopped_state_name(body: &Value) -> &'static str {
    source_family(body).unwrap_or(SourceFamily::Stream).stopped_state_name()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Health, ResyncRefusal, RunState, can_resync, pipe_health};
    use model::live::{Id, Object, State};

    fn pipe_in_state(state: &str, source: &Value) -> Object {
        let body = json!({"source": source});
        Object { id: Id::new("1"), state: State::new(state), body }
    }

    fn kafka_source() -> Value {
        json!({"kafka": {"topics": "t"}, "objectStorage": null})
    }

    fn postgres_source(mode: &str) -> Value {
        json!({"postgres": {"settings": {"replicationMode": mode}}})
    }

    #[test]
    fn health_of_completed_pipe_depends_on_source() {
        let completed = |source: &Value| pipe_health(&pipe_in_state("Completed", source), None).0;
        for source in [
            json!({"objectStorage": {"url": "s3://b"}}),
            json!({"objectStorage": {"isContinuous": false}}),
            json!({"bigquery": {}}),
            postgres_source("snapshot"),
            json!({"mongodb": {"settings": {"replicationMode": "snapshot"}}}),
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
        let told = |state| declared.map(|declared| pipe_health(&pipe_in_state(state, &kafka_source()), declared).0);
        for state in ["Stopped", "Paused"] {
            assert_eq!(told(state), [Health::Ok, Health::Warning, Health::Ok], "{state}");
        }
        for state in ["Running", "Snapshot"] {
            assert_eq!(told(state), [Health::Ok, Health::Ok, Health::Warning], "{state}");
        }
        assert_eq!(told("Degraded"), [Health::Warning; 3]);
        assert_eq!(told("Tired"), [Health::Warning; 3]);
        for state in ["Failed", "InternalError"] {
            assert_eq!(told(state), [Health::Bad; 3], "{state}");
        }
        for state in ["Provisioning", "Setup", "Resync", "Modifying", "Stopping", "Pausing", "Deleting", ""] {
            assert_eq!(told(state), [Health::Moving; 3], "{state}");
        }
    }

    #[test]
    fn only_settled_database_pipes_can_resync() {
        let may = |state: &str, source: &Value| can_resync(&pipe_in_state(state, source));
        for source in [postgres_source("cdc"), json!({"mysql": {}}), json!({"mongodb": {}})] {
            for state in ["Running", "Paused", "Stopped", "Completed", "Failed", "Degraded"] {
                assert_eq!(may(state, &source), Ok(()), "{state}");
            }
            for state in ["Snapshot", "Resync", "Setup", "Provisioning", "Pausing", "Modifying", "Deleting"] {
                assert!(matches!(may(state, &source), Err(ResyncRefusal::WrongState(_))), "{state}");
            }
        }
        for source in [kafka_source(), json!({"bigquery": {}}), json!({"objectStorage": {}})] {
            assert!(matches!(may("Running", &source), Err(ResyncRefusal::UnsupportedSource(_))), "{source}");
        }
    }
}
