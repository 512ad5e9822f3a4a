//! The states of a service.

use model::live::State;

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
        // `Stopping` too: somebody asked for it, and pipectl never starts what somebody stopped.
        matches!(self, Self::Stopping | Self::Stopped | Self::Terminated | Self::Failed)
    }
}
