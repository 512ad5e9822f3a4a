//! The states of a pipe and how long each lasts. Durations are ours, their order is the API's.

use serde::{Deserialize, Serialize};

use crate::contract::source::Source;

/// The state of a pipe, spelt as the API spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the API's and say all that is known")]
pub enum PipeState {
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
}

/// States with the second from which each holds.
pub(crate) type Path = Vec<(u64, PipeState)>;

/// What decides about the way a pipe takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
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

impl Course {
    pub(crate) fn of(source: Source, mode: Option<&str>, continuous: bool) -> Self {
        match (source, mode) {
            (Source::Bigquery, _) | (_, Some("snapshot")) => Self::Snapshot,
            (_, Some("cdc_only")) => Self::CdcOnly,
            _ if source.is_database() => Self::Cdc,
            (Source::ObjectStorage, _) if !continuous => Self::OneShot,
            _ => Self::Continuous,
        }
    }

    fn is_database(self) -> bool {
        matches!(self, Self::Cdc | Self::CdcOnly | Self::Snapshot)
    }

    /// Where the pipe is when nothing is left to do but to follow the source.
    fn end(self) -> PipeState {
        match self {
            Self::OneShot | Self::Snapshot => PipeState::Completed,
            Self::Continuous | Self::Cdc | Self::CdcOnly => PipeState::Running,
        }
    }
}

/// Seconds until the first database pipe of a service is provisioned.
pub(crate) const FIRST_DATABASE_PIPE: u64 = 120;
const DATABASE_PIPE: u64 = 10;
const PIPE: u64 = 30;
const SETUP: u64 = 5;
const SNAPSHOT: u64 = 10;
const ONE_SHOT: u64 = 5;
const SWAP: u64 = 5;
/// The answer to a command still shows the old state.
const NOTICE: u64 = 1;
const COMMAND: u64 = 5;

/// Whether a service has database pipes already, which makes the next one quicker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Infrastructure {
    Missing,
    Present,
}

pub(crate) fn created(course: Course, infrastructure: Infrastructure) -> Path {
    let database = match infrastructure {
        Infrastructure::Missing => FIRST_DATABASE_PIPE,
        Infrastructure::Present => DATABASE_PIPE,
    };
    let loaded = database + SETUP + SNAPSHOT;
    let mut path = vec![(0, PipeState::Provisioning)];
    path.extend(match course {
        Course::Continuous => vec![(PIPE, PipeState::Running)],
        Course::OneShot => {
            vec![(PIPE, PipeState::Running), (PIPE + ONE_SHOT, PipeState::Completed)]
        }
        Course::CdcOnly => {
            vec![(database, PipeState::Setup), (database + SETUP, PipeState::Running)]
        }
        Course::Cdc | Course::Snapshot => vec![
            (database, PipeState::Setup),
            (database + SETUP, PipeState::Snapshot),
            (loaded, course.end()),
        ],
    });
    path
}

pub(crate) fn stopped(course: Course) -> Path {
    let (passing, reached) = if course.is_database() {
        (PipeState::Pausing, PipeState::Paused)
    } else {
        (PipeState::Stopping, PipeState::Stopped)
    };
    vec![(NOTICE, passing), (NOTICE + COMMAND, reached)]
}

pub(crate) fn started(course: Course) -> Path {
    let running = NOTICE + COMMAND;
    match course {
        Course::Continuous => {
            vec![(NOTICE, PipeState::Provisioning), (running, PipeState::Running)]
        }
        Course::OneShot => vec![
            (NOTICE, PipeState::Provisioning),
            (running, PipeState::Running),
            (running + ONE_SHOT, PipeState::Completed),
        ],
        Course::Cdc | Course::CdcOnly => vec![(COMMAND, PipeState::Running)],
        Course::Snapshot => {
            vec![(COMMAND, PipeState::Snapshot), (COMMAND + SNAPSHOT, PipeState::Completed)]
        }
    }
}

pub(crate) fn resynced(course: Course) -> Path {
    let loaded = NOTICE + SNAPSHOT;
    vec![(NOTICE, PipeState::Snapshot), (loaded, PipeState::Resync), (loaded + SWAP, course.end())]
}

/// What an edit of a paused database pipe did to its tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) adds: bool,
    pub(crate) removes: bool,
}

/// The way back to work that a paused database pipe takes by itself after an edit.
pub(crate) fn resumed(course: Course, edit: Edit, delay: u64) -> Path {
    let mut path = Path::new();
    let mut now = delay;
    if edit.removes {
        path.push((now, PipeState::Modifying));
        now = now.saturating_add(SWAP);
    }
    if course == Course::Snapshot || (edit.adds && course != Course::CdcOnly) {
        path.push((now, PipeState::Snapshot));
        now = now.saturating_add(SNAPSHOT);
    }
    path.push((now, course.end()));
    path
}

/// Whether `start` finds nothing to do. Proven for `Running` only; the others are our reading.
pub(crate) fn already_running(state: PipeState) -> bool {
    use PipeState::{Degraded, Modifying, Provisioning, Resync, Running, Setup, Snapshot};
    matches!(state, Running | Provisioning | Setup | Snapshot | Degraded | Modifying | Resync)
}

/// Whether `stop` finds nothing to do.
pub(crate) fn already_stopped(state: PipeState) -> bool {
    matches!(state, PipeState::Stopped | PipeState::Paused)
}

#[cfg(test)]
mod tests {
    use PipeState::{Completed, Modifying, Provisioning, Running, Setup, Snapshot};

    use super::*;

    #[test]
    fn cdc_only_takes_no_snapshot() {
        let path = created(Course::CdcOnly, Infrastructure::Present);
        assert_eq!(path, [(0, Provisioning), (10, Setup), (15, Running)]);
    }

    #[test]
    fn the_first_database_pipe_of_a_service_takes_longer() {
        let path = created(Course::Snapshot, Infrastructure::Missing);
        assert_eq!(path, [(0, Provisioning), (120, Setup), (125, Snapshot), (135, Completed)]);
    }

    #[test]
    fn an_edit_of_mappings_removes_then_loads() {
        let edit = Edit { adds: true, removes: true };
        let path = resumed(Course::Cdc, edit, 2);
        assert_eq!(path, [(2, Modifying), (7, Snapshot), (17, Running)]);
    }
}
