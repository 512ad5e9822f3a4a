//! The states of a pipe and their durations. The order is that of the API, the seconds are ours.

use serde::{Deserialize, Serialize};

use crate::contract::source::ApiSource;

/// The state of a pipe, in the spelling of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the API's and say all that is known")]
pub enum EmulatedPipeState {
    Unknown,
    Provisioning,
    Setup,
    Snapshot,
    Running,
    Degraded,
    Pausing,
    Paused,
    Modifying,
    Resync,
    Stopping,
    Stopped,
    Failed,
    Completed,
    InternalError,
    Deleting,
}

/// States with the second in which each begins.
pub(crate) type StateSchedule = Vec<(u64, EmulatedPipeState)>;

/// The property of a pipe that decides on its states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PipeMode {
    /// Streaming, and object storage that is read continuously.
    Continuous,
    /// Object storage that is read once.
    OneShot,
    /// A database: first load, then changes.
    Cdc,
    /// A database: changes only.
    CdcOnly,
    /// A database: first load only.
    Snapshot,
}

impl PipeMode {
    pub(crate) fn for_source(source: ApiSource, mode: Option<&str>, continuous: bool) -> Self {
        match (source, mode) {
            (_, Some("snapshot")) => Self::Snapshot,
            (_, Some("cdc_only")) => Self::CdcOnly,
            _ if source.is_database() => Self::Cdc,
            (ApiSource::ObjectStorage, _) if !continuous => Self::OneShot,
            _ => Self::Continuous,
        }
    }

    fn is_database(self) -> bool {
        matches!(self, Self::Cdc | Self::CdcOnly | Self::Snapshot)
    }

    fn final_state(self) -> EmulatedPipeState {
        match self {
            Self::OneShot | Self::Snapshot => EmulatedPipeState::Completed,
            Self::Continuous | Self::Cdc | Self::CdcOnly => EmulatedPipeState::Running,
        }
    }
}

// The first database pipe of a service brings its CDC infrastructure, which takes minutes in reality.
pub(crate) const FIRST_DATABASE_PIPE: u64 = 120;
const DATABASE_PIPE: u64 = 10;
const PIPE: u64 = 30;
const SETUP: u64 = 5;
const SNAPSHOT: u64 = 10;
const ONE_SHOT: u64 = 5;
const SWAP: u64 = 5;
// The answer to a command only acknowledges it and may show the old state: a client has to poll.
const NOTICE: u64 = 1;
const COMMAND: u64 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CdcInfrastructure {
    Missing,
    Present,
}

pub(crate) fn creation_schedule(course: PipeMode, infrastructure: CdcInfrastructure) -> StateSchedule {
    let database = match infrastructure {
        CdcInfrastructure::Missing => FIRST_DATABASE_PIPE,
        CdcInfrastructure::Present => DATABASE_PIPE,
    };
    let loaded = database + SETUP + SNAPSHOT;
    let mut path = vec![(0, EmulatedPipeState::Provisioning)];
    path.extend(match course {
        PipeMode::Continuous => vec![(PIPE, EmulatedPipeState::Running)],
        PipeMode::OneShot => {
            vec![(PIPE, EmulatedPipeState::Running), (PIPE + ONE_SHOT, EmulatedPipeState::Completed)]
        }
        PipeMode::CdcOnly => {
            vec![(database, EmulatedPipeState::Setup), (database + SETUP, EmulatedPipeState::Running)]
        }
        PipeMode::Cdc | PipeMode::Snapshot => vec![
            (database, EmulatedPipeState::Setup),
            (database + SETUP, EmulatedPipeState::Snapshot),
            (loaded, course.final_state()),
        ],
    });
    path
}

/// The states of a pipe that is created paused.
pub(crate) fn paused_creation_schedule() -> StateSchedule {
    vec![(0, EmulatedPipeState::Provisioning), (PIPE, EmulatedPipeState::Stopped)]
}

pub(crate) fn stop_schedule(course: PipeMode) -> StateSchedule {
    // The API pauses database pipes and stops the others; a client has to accept both words for one command.
    let (passing, reached) = if course.is_database() {
        (EmulatedPipeState::Pausing, EmulatedPipeState::Paused)
    } else {
        (EmulatedPipeState::Stopping, EmulatedPipeState::Stopped)
    };
    vec![(NOTICE, passing), (NOTICE + COMMAND, reached)]
}

pub(crate) fn start_schedule(course: PipeMode) -> StateSchedule {
    let running = NOTICE + COMMAND;
    match course {
        PipeMode::Continuous => {
            vec![(NOTICE, EmulatedPipeState::Provisioning), (running, EmulatedPipeState::Running)]
        }
        PipeMode::OneShot => vec![
            (NOTICE, EmulatedPipeState::Provisioning),
            (running, EmulatedPipeState::Running),
            (running + ONE_SHOT, EmulatedPipeState::Completed),
        ],
        // Replication continues where it stopped: no second load.
        PipeMode::Cdc | PipeMode::CdcOnly => vec![(COMMAND, EmulatedPipeState::Running)],
        PipeMode::Snapshot => {
            vec![(COMMAND, EmulatedPipeState::Snapshot), (COMMAND + SNAPSHOT, EmulatedPipeState::Completed)]
        }
    }
}

pub(crate) fn resync_schedule(course: PipeMode) -> StateSchedule {
    // The API loads into `_resync` tables, then swaps them with the originals.
    let loaded = NOTICE + SNAPSHOT;
    vec![
        (NOTICE, EmulatedPipeState::Snapshot),
        (loaded, EmulatedPipeState::Resync),
        (loaded + SWAP, course.final_state()),
    ]
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct MappingEdit {
    pub(crate) has_additions: bool,
    pub(crate) has_removals: bool,
}

/// The states of a paused database pipe that resumes by itself after an edit.
pub(crate) fn resume_schedule(course: PipeMode, edit: MappingEdit, delay: u64) -> StateSchedule {
    let mut path = StateSchedule::new();
    let mut now = delay;
    // The states are documented: `Modifying` while tables are removed, `Snapshot` while added ones load. Their order is
    // ours.
    if edit.has_removals {
        path.push((now, EmulatedPipeState::Modifying));
        now = now.saturating_add(SWAP);
    }
    if course == PipeMode::Snapshot || (edit.has_additions && course != PipeMode::CdcOnly) {
        path.push((now, EmulatedPipeState::Snapshot));
        now = now.saturating_add(SNAPSHOT);
    }
    path.push((now, course.final_state()));
    path
}

pub(crate) fn is_already_running(state: EmulatedPipeState) -> bool {
    use EmulatedPipeState::{Degraded, Modifying, Provisioning, Resync, Running, Setup, Snapshot};
    // The refusal of `start` is proven for Running only.
    matches!(state, Running | Provisioning | Setup | Snapshot | Degraded | Modifying | Resync)
}

/// Whether a database pipe ignores an accepted stop: it obeys only while it follows its source.
pub(crate) fn drops_stop(state: EmulatedPipeState) -> bool {
    use EmulatedPipeState::{Modifying, Provisioning, Resync, Setup, Snapshot, Unknown};
    matches!(state, Unknown | Provisioning | Setup | Snapshot | Modifying | Resync)
}

pub(crate) fn is_already_stopped(state: EmulatedPipeState) -> bool {
    matches!(state, EmulatedPipeState::Stopped | EmulatedPipeState::Paused)
}

#[cfg(test)]
mod tests {
    use EmulatedPipeState::{Completed, Modifying, Provisioning, Running, Setup, Snapshot};

    use super::*;

    #[test]
    fn cdc_only_takes_no_snapshot() {
        let path = creation_schedule(PipeMode::CdcOnly, CdcInfrastructure::Present);
        assert_eq!(path, [(0, Provisioning), (10, Setup), (15, Running)]);
    }

    #[test]
    fn first_database_pipe_of_a_service_takes_longer() {
        let path = creation_schedule(PipeMode::Snapshot, CdcInfrastructure::Missing);
        assert_eq!(path, [(0, Provisioning), (120, Setup), (125, Snapshot), (135, Completed)]);
    }

    #[test]
    fn mapping_edit_removes_then_loads() {
        let edit = MappingEdit { has_additions: true, has_removals: true };
        let path = resume_schedule(PipeMode::Cdc, edit, 2);
        assert_eq!(path, [(2, Modifying), (7, Snapshot), (17, Running)]);
    }
}
