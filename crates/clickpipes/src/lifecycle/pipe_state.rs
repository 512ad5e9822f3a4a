//! The states of a pipe, and their meanings.

use model::live::State;

api_states! {
    /// The state of a pipe.
    PipeState {
        /// A state that this version does not know.
        Other,
        /// Also a pipe for which the API returns no state yet.
        Unknown = "" | "Unknown",
        Provisioning = "Provisioning",
        Setup = "Setup",
        Snapshot = "Snapshot",
        Running = "Running",
        Modifying = "Modifying",
        Resync = "Resync",
        Pausing = "Pausing",
        Paused = "Paused",
        Stopping = "Stopping",
        Stopped = "Stopped",
        Completed = "Completed",
        Degraded = "Degraded",
        Failed = "Failed",
        InternalError = "InternalError",
        /// Acknowledged, and not carried out yet: clients of the API test for it.
        Deleting = "Deleting",
    }
}

/// The meaning of a pipe's state. Every question about states asks for the phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PipePhase {
    /// The pipe is being created.
    Starting,
    /// The initial load is in progress.
    Loading,
    /// The pipe works.
    Running,
    /// The pipe works, but the platform reports trouble.
    Degraded,
    /// The tables are being loaded again.
    Resyncing,
    /// An edit is in progress.
    Changing,
    /// The pipe is about to stop.
    Stopping,
    /// The pipe is stopped or paused.
    Stopped,
    /// The pipe has completed, and can be neither stopped nor started.
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
            // A state of a newer API is neither settled nor failed, so a wait continues until its time is over.
            Self::Other(_) => PipePhase::Other,
        }
    }
}
