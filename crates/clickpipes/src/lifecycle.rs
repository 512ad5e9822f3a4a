//! The meaning of the API's lifecycle states: which of them end a wait, and which are stopped.

/// States by the words of the API, and one for every other word.
macro_rules! api_states {
    ($(#[$doc:meta])* $name:ident {
        $(#[$other_doc:meta])* Other,
        $($(#[$state_doc:meta])* $state:ident = $($word:literal)|+,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the words are those of the API")]
        pub enum $name {
            $($(#[$state_doc])* $state,)*
            $(#[$other_doc])* Other(String),
        }

        impl From<&State> for $name {
            fn from(state: &State) -> Self {
                match state.as_str() {
                    $($($word)|+ => Self::$state,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }
    };
}

mod endpoints;
mod health;
mod pipe_state;

pub use self::endpoints::{EndpointState, endpoint_health, release_hint, unusable_note};
pub use self::health::{Health, failure_note, pipe_health};
pub use self::pipe_state::{PipePhase, PipeState};

use serde_json::Value;

use crate::pipe::source::{SourceFamily, SourceKind, source_family};
use crate::semantics::{FieldSemantics, OnChange};
use model::action::RunState;
use model::address::Kind;
use model::live::{Object, State};

fn pipe_phase(object: &Object) -> PipePhase {
    PipeState::from(&object.state).phase()
}

/// The progress of a live object towards the desired state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not settled: check again.
    InProgress,
    /// Arrived.
    Ready,
    /// Arrived, but the platform reports trouble.
    Degraded,
    /// In a failed state.
    Failed,
}

/// The progress of an object towards the desired state. A stream arrives in `Running`, a snapshot
/// in `Completed`, and a stopped database pipe in `Paused`.
pub fn progress_toward(kind: Kind, object: &Object, desired: RunState) -> Progress {
    match kind {
        Kind::ClickPipe => pipe_progress(pipe_phase(object), desired),
        Kind::ReversePrivateEndpoint => match EndpointState::from(&object.state) {
            // A person accepts it on the account of the source, perhaps tomorrow: a run that waited would end with its
            // time.
            EndpointState::Ready | EndpointState::PendingAcceptance => Progress::Ready,
            EndpointState::Failed | EndpointState::Rejected | EndpointState::Expired => Progress::Failed,
            EndpointState::Other(_) => Progress::InProgress,
        },
        // It has no state. Only its values show whether a size is in force.
        Kind::CdcScaling => Progress::Ready,
    }
}

fn pipe_progress(phase: PipePhase, desired: RunState) -> Progress {
    match (phase, desired) {
        // A failed pipe stopped by itself. That ends a wait for it to run, but not a wait for a stop that was sent.
        (PipePhase::PlatformError, _) | (PipePhase::Failed, RunState::Running) => Progress::Failed,
        (PipePhase::Degraded, RunState::Running) => Progress::Degraded,
        (PipePhase::Running | PipePhase::Loading | PipePhase::Finished, RunState::Running)
        // A first copy takes hours, and the API finishes it. A completed pipe accepts no stop, and reads nothing
        // either.
        | (PipePhase::Stopped | PipePhase::Finished, RunState::Stopped) => Progress::Ready,
        _ => Progress::InProgress,
    }
}

/// Whether other objects can use it now.
pub fn is_usable(kind: Kind, object: &Object) -> bool {
    kind != Kind::ReversePrivateEndpoint || EndpointState::from(&object.state) == EndpointState::Ready
}

/// The problem of an object that no request can solve, and the remedy; `None` without a problem.
pub fn trouble_note(kind: Kind, object: &Object) -> Option<&'static str> {
    match kind {
        Kind::ClickPipe if pipe_phase(object) == PipePhase::PlatformError => failure_note(object),
        _ => unusable_note(kind, &object.state),
    }
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

/// Whether the pipe completes after it has read the existing data.
pub(crate) fn is_finite_load(body: &Value) -> bool {
    SourceKind::in_body(body).is_some_and(|(kind, source)| (kind.spec().is_finite_load)(source))
}

/// The reason why a pipe cannot reload its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResyncRefusal {
    /// Its source has no such command.
    UnsupportedSource(&'static str),
    /// It is in a state in which a reload would undo work in progress.
    WrongState(&'static str),
}

/// Whether the pipe can reload its tables. The API accepts the command in any state. In some states it discards a load
/// in progress, so a repeated command costs twice.
pub fn can_resync(object: &Object) -> Result<(), ResyncRefusal> {
    let source = SourceKind::in_body(&object.body);
    let refusal = source.map_or(Some("this version does not know its source"), |(kind, _)| kind.spec().resync_refusal);
    if let Some(reason) = refusal {
        return Err(ResyncRefusal::UnsupportedSource(reason));
    }
    match pipe_phase(object) {
        PipePhase::Loading | PipePhase::Resyncing => Err(ResyncRefusal::WrongState("it is loading its tables already")),
        PipePhase::Starting => {
            Err(ResyncRefusal::WrongState("it is still being created, and will load its tables anyway"))
        }
        PipePhase::Changing | PipePhase::Stopping => {
            Err(ResyncRefusal::WrongState("its state is changing; try again when that is done"))
        }
        PipePhase::Deleting => Err(ResyncRefusal::WrongState("it is being deleted")),
        PipePhase::PlatformError => {
            Err(ResyncRefusal::WrongState("the platform failed; contact ClickHouse support with the pipe's id"))
        }
        _ => Ok(()),
    }
}

/// Whether the pipe has finished the requested reload of its tables.
pub fn resync_progress(object: &Object) -> Progress {
    match pipe_phase(object) {
        PipePhase::Running | PipePhase::Finished => Progress::Ready,
        PipePhase::Degraded => Progress::Degraded,
        PipePhase::Failed | PipePhase::PlatformError => Progress::Failed,
        _ => Progress::InProgress,
    }
}

/// The state command that brings the object to `desired`; `None` if it is there already, about to be, or of a kind that
/// cannot be stopped.
pub fn state_command(kind: Kind, object: &Object, desired: RunState) -> Option<RunState> {
    if !can_stop(kind) {
        return None;
    }
    let phase = pipe_phase(object);
    let stopped = matches!(phase, PipePhase::Stopped | PipePhase::Stopping);
    match desired {
        // `start` is for stopped and failed pipes (schema). On a running one it is a 400, `ClickPipe is already
        // running` (provider issue 604).
        RunState::Running => (stopped || phase == PipePhase::Failed).then_some(desired),
        // A repeated stop is harmless. Its effect on a completed pipe is unknown (clickhousectl issue 926).
        RunState::Stopped => {
            (!stopped && !matches!(phase, PipePhase::Finished | PipePhase::Deleting)).then_some(desired)
        }
    }
}

/// Whether the API can give an object another name.
pub fn can_be_renamed(kind: Kind) -> bool {
    let name = kind.name_path();
    name.is_some_and(|path| FieldSemantics::for_kind(kind).field_at(&path).on_change != OnChange::Replace)
}

/// Whether objects of this kind can be started and stopped.
pub fn can_stop(kind: Kind) -> bool {
    match kind {
        Kind::ClickPipe => true,
        Kind::ReversePrivateEndpoint | Kind::CdcScaling => false,
    }
}

/// Whether the job is complete, so that the object can be neither stopped nor started.
pub fn is_finished(object: &Object) -> bool {
    pipe_phase(object) == PipePhase::Finished
}

/// Whether the API has accepted its deletion, and has not finished it yet.
pub fn is_being_deleted(kind: Kind, object: &Object) -> bool {
    match kind {
        Kind::ClickPipe => pipe_phase(object) == PipePhase::Deleting,
        Kind::ReversePrivateEndpoint => object.state.as_str() == "Deleting",
        Kind::CdcScaling => false,
    }
}

/// Whether the pipe reads its source, or is about to. Objects of other kinds do so as long as they exist.
pub fn reads_source(kind: Kind, object: &Object) -> bool {
    kind != Kind::ClickPipe
        || !matches!(pipe_phase(object), PipePhase::Stopped | PipePhase::Finished | PipePhase::Deleting)
}

/// Whether an edit that needs a paused pipe can be sent now.
pub fn is_stopped(object: &Object) -> bool {
    pipe_phase(object) == PipePhase::Stopped
}

/// The state of a stopped pipe, by its source: database pipes are paused.
pub fn stopped_state_name(body: &Value) -> &'static str {
    source_family(body).unwrap_or(SourceFamily::Stream).stopped_state_name()
}

api_states! {
    /// The state of a service.
    ServiceState {
        /// A state that this version does not know, or that does not matter for pipes.
        Other,
        Running = "running",
        Idle = "idle",
        Awaking = "awaking",
        Starting = "starting",
        Provisioning = "provisioning",
        Stopping = "stopping",
        Stopped = "stopped",
        /// It is being deleted, or is deleted.
        Terminated = "terminating" | "terminated" | "softdeleting" | "softdeleted",
        Failed = "failed",
    }
}

impl ServiceState {
    /// Whether the service does not run again unless somebody starts it.
    pub fn is_down_for_good(&self) -> bool {
        // `Stopping` too: somebody asked for it, and pipectl never starts what somebody stopped.
        matches!(self, Self::Stopping | Self::Stopped | Self::Terminated | Self::Failed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ResyncRefusal, can_resync};
    use model::live::{Id, Object, State};

    pub(super) fn pipe_in_state(state: &str, source: &Value) -> Object {
        let body = json!({"source": source});
        Object { id: Id::new("1"), state: State::new(state), body }
    }

    pub(super) fn kafka_source() -> Value {
        json!({"kafka": {"topics": "t"}, "objectStorage": null})
    }

    pub(super) fn postgres_source(mode: &str) -> Value {
        json!({"postgres": {"settings": {"replicationMode": mode}}})
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
