//! What can go wrong between here and the API. No variant holds a secret: what the API said was
//! cleaned before it came here.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use model::address::{Address, Kind, ServiceRef};
use model::live::{Id, State};

use crate::transport::Method;

mod hint;

/// A request or a wait that did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection cannot even be set up.
    #[error("{0}")]
    Setup(String),
    /// There is no answer.
    #[error("{method} {path}: {reason}")]
    Transport {
        /// The request's method.
        method: Method,
        /// The request's path.
        path: String,
        /// What the network said.
        reason: String,
        /// Whether the request may have arrived.
        may_have_arrived: bool,
    },
    /// Nothing was sent, as the server's certificate does not hold.
    #[error("{method} {path}: {reason}")]
    Untrusted {
        /// The request's method.
        method: Method,
        /// The request's path.
        path: String,
        /// What is wrong with the certificate.
        reason: String,
    },
    /// The API said no.
    #[error("{0}")]
    Rejected(Box<RejectedRequest>),
    /// The answer is not one that the API gives.
    #[error("{0}")]
    UnexpectedResponse(Box<UnexpectedResponse>),
    /// A create was not answered, and no new object of that name was found.
    #[error("`{address}` may or may not have been created: {cause}")]
    UnknownOutcome {
        /// The object to be created.
        address: Address,
        /// What came instead of an answer.
        cause: Box<Error>,
    },
    /// A create was not answered, and several new objects of that name were found.
    #[error("`{address}` was created more than once: {}", format_ids(ids))]
    DuplicateObjects {
        /// The object to be created.
        address: Address,
        /// The objects that bear its name and were not there before.
        ids: Vec<Id>,
    },
    /// Somebody ended the run while this was waiting for something.
    #[error("interrupted")]
    Interrupted,
    /// The time of the run was over before this could be sent.
    #[error("not sent, because the time of the run is over")]
    OutOfTime,
    /// An object is to be deleted and made again, and the run is about to end.
    #[error("less than a minute of the run is left, too little to make `{address}` again")]
    NotEnoughTime {
        /// The object.
        address: Address,
    },
    /// A service that sleeps was to be woken for a request. Nothing came of either.
    #[error("service `{service}` could not be woken: {cause}")]
    WakeFailed {
        /// Its id.
        service: String,
        /// Why not. It is the same for everybody who needed the service.
        cause: Arc<Error>,
    },
    /// A service was told to wake, and is not running.
    #[error("it {} after {}", still_in_state(Some(state)), format_seconds(*waited))]
    ServiceNotRunning {
        /// Its state when it was last seen.
        state: State,
        /// For how long it was waited for.
        waited: Duration,
    },
    /// An object is to be deleted and made again, and its service makes nothing now.
    #[error("its service is `{state}`, so it could not be made again")]
    CannotRecreate {
        /// The state of the service.
        state: State,
    },
    /// An object is to be created, and somebody else has done so since it was planned.
    #[error("`{address}` was created by somebody else meanwhile")]
    CreatedConcurrently {
        /// The object to be created.
        address: Address,
    },
    /// The time for waiting is over.
    #[error("`{address}` {} after {}", still_in_state(last_state.as_ref()), format_seconds(*waited))]
    TimedOut {
        /// The object that was waited for.
        address: Address,
        /// Its state when it was last seen.
        last_state: Option<State>,
        /// For how long this one wait went on.
        waited: Duration,
    },
    /// It went somewhere else than it was sent.
    #[error("`{address}` is `{state}`")]
    BadState {
        /// The object that was waited for.
        address: Address,
        /// The state in which it ended.
        state: State,
    },
    /// It disappeared while it was waited for.
    #[error("`{address}` disappeared while it was waited for")]
    Disappeared {
        /// The object that was waited for.
        address: Address,
    },
    /// A secret could not be resolved.
    #[error("cannot resolve the secret `{reference}` of `{address}`: {reason}")]
    Secret {
        /// The object whose body needs it.
        address: Box<Address>,
        /// The reference as it is written in the manifest.
        reference: String,
        /// Why not.
        reason: String,
    },
    /// A body names a reverse private endpoint that its service does not have, or has twice.
    #[error("{} called `{address}`", count_objects("reverse private endpoint", *found))]
    UnknownEndpointReference {
        /// The endpoint that is referred to.
        address: Address,
        /// How many bear that name.
        found: usize,
    },
    /// A service of which no id is known.
    #[error("no id is known for the service `{0}`")]
    UnknownService(ServiceRef),
    /// An action on an object that is not known to be live, or on one of several.
    #[error("{} called `{address}`", count_objects("live object", *found))]
    UnknownObject {
        /// The object.
        address: Address,
        /// How many bear that name.
        found: usize,
    },
    /// An action that its kind has no request for.
    #[error("the API cannot {what} a {}", kind.name())]
    Unsupported {
        /// The verb.
        what: &'static str,
        /// The kind.
        kind: Kind,
    },
}

/// A request that the API turned down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRequest {
    /// The HTTP status.
    pub status: u16,
    /// The request's method.
    pub method: Method,
    /// The request's path.
    pub path: String,
    /// The API's own words, without control characters, cut to a readable length.
    pub message: String,
    /// What to quote to the API's support.
    pub request_id: Option<String>,
    /// What it comes down to.
    pub kind: RejectionKind,
    /// Whether an earlier try of the same request went unanswered, and may have been carried out.
    pub had_lost_attempt: bool,
    /// The tables that are to be written, where what was turned down is that one holds rows.
    pub blocking_tables: Vec<String>,
    /// The endpoints that it is to use and that carry nothing yet, each with its state.
    pub unready_endpoints: Vec<String>,
}

/// Why the API turned a request down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionKind {
    /// The key is missing or wrong.
    Unauthenticated,
    /// The key may not do this.
    Forbidden,
    /// The object is not there.
    NotFound,
    /// The service sleeps.
    ServiceIdle,
    /// The service is on its way from sleep to work.
    ServiceWaking,
    /// The service was stopped by somebody.
    ServiceStopped,
    /// The pipe must be paused for this edit.
    NeedsPause,
    /// The pipe runs already.
    AlreadyRunning,
    /// Too many requests.
    RateLimited,
    /// The request cannot be carried out as it is.
    InvalidRequest,
    /// The API broke; the request may have been carried out.
    ServerError,
}

/// An answer that is not in the API's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnexpectedResponse {
    /// The HTTP status.
    pub status: u16,
    /// The request's method.
    pub method: Method,
    /// The request's path.
    pub path: String,
    /// What the answer claims to be.
    pub content_type: Option<String>,
    /// What is wrong with it.
    pub problem: String,
    /// How it begins, without control characters.
    pub excerpt: String,
    /// What to quote to the API's support.
    pub request_id: Option<String>,
}

impl Error {
    /// Whether the key is the problem, so that no other request can do better.
    pub fn is_auth_error(&self) -> bool {
        let refused = match self {
            Self::WakeFailed { cause, .. } => cause.rejection_kind(),
            other => other.rejection_kind(),
        };
        matches!(refused, Some(RejectionKind::Unauthenticated | RejectionKind::Forbidden))
    }

    /// Whether something may have been changed although this is an error.
    pub fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::Transport { method, may_have_arrived: sent, .. } => *sent && method.is_write(),
            Self::Rejected(rejected) => {
                let is_unsure = rejected.kind == RejectionKind::ServerError || rejected.had_lost_attempt;
                is_unsure && rejected.method.is_write()
            }
            Self::UnexpectedResponse(unexpected) => {
                unexpected.method.is_write() && !(300..500).contains(&unexpected.status)
            }
            Self::UnknownOutcome { .. } | Self::DuplicateObjects { .. } => true,
            Self::Setup(_)
            | Self::Untrusted { .. }
            | Self::Interrupted
            | Self::OutOfTime
            | Self::NotEnoughTime { .. }
            | Self::CreatedConcurrently { .. }
            | Self::WakeFailed { .. }
            | Self::ServiceNotRunning { .. }
            | Self::TimedOut { .. }
            | Self::BadState { .. }
            | Self::Disappeared { .. }
            | Self::Secret { .. }
            | Self::UnknownEndpointReference { .. }
            | Self::UnknownService(_)
            | Self::UnknownObject { .. }
            | Self::CannotRecreate { .. }
            | Self::Unsupported { .. } => false,
        }
    }

    /// The same, where an earlier try of the request went unanswered.
    pub(crate) fn after_lost_attempt(self) -> Self {
        match self {
            Self::Rejected(rejected) => {
                Self::Rejected(Box::new(RejectedRequest { had_lost_attempt: true, ..*rejected }))
            }
            other => other,
        }
    }

    /// The same with the tables that the refused object is to write, if it is about their rows.
    pub(crate) fn with_blocking_tables(self, tables: impl FnOnce() -> Vec<String>) -> Self {
        match self {
            Self::Rejected(rejected) if hint::is_about_rows(&rejected) => {
                Self::Rejected(Box::new(RejectedRequest { blocking_tables: tables(), ..*rejected }))
            }
            other => other,
        }
    }

    /// The same with the endpoints that the refused object is to use and that carry nothing yet.
    pub(crate) fn with_unready_endpoints(self, unready: impl FnOnce() -> Vec<String>) -> Self {
        match self {
            Self::Rejected(rejected) if rejected.kind == RejectionKind::InvalidRequest => {
                Self::Rejected(Box::new(RejectedRequest { unready_endpoints: unready(), ..*rejected }))
            }
            other => other,
        }
    }

    /// Whether somebody ended the run, so that nothing is wrong with this.
    pub fn is_interrupted(&self) -> bool {
        matches!(self, Self::Interrupted)
    }

    /// What to quote to the API's support.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Rejected(rejected) => rejected.request_id.as_deref(),
            Self::UnexpectedResponse(unexpected) => unexpected.request_id.as_deref(),
            Self::UnknownOutcome { cause, .. } => cause.request_id(),
            Self::WakeFailed { cause, .. } => cause.request_id(),
            _ => None,
        }
    }

    /// Why the API said no, if that is what it said.
    pub fn rejection_kind(&self) -> Option<RejectionKind> {
        match self {
            Self::Rejected(rejected) => Some(rejected.kind),
            _ => None,
        }
    }

    /// What a person can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        hint::hint_for_error(self)
    }
}

impl fmt::Display for RejectedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, status, message, .. } = self;
        write!(f, "{method} {path}: {status}")?;
        if !message.is_empty() {
            write!(f, " {message}")?;
        }
        write_request_id(f, self.request_id.as_deref())
    }
}

impl fmt::Display for UnexpectedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, status, problem, .. } = self;
        let content_type = self.content_type.as_deref().unwrap_or("no content type");
        write!(f, "{method} {path}: {status} {problem} ({content_type})")?;
        if !self.excerpt.is_empty() {
            write!(f, ": {}", self.excerpt)?;
        }
        write_request_id(f, self.request_id.as_deref())
    }
}

fn write_request_id(f: &mut fmt::Formatter<'_>, id: Option<&str>) -> fmt::Result {
    id.map_or(Ok(()), |id| write!(f, " (request {id})"))
}

fn format_ids(ids: &[Id]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

fn still_in_state(last: Option<&State>) -> String {
    match last {
        Some(state) if !state.as_str().is_empty() => format!("is still `{state}`"),
        _ => "is still not there".to_owned(),
    }
}

fn format_seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}

fn count_objects(what: &str, found: usize) -> String {
    match found {
        0 => format!("no {what} is"),
        1 => format!("one {what} is"),
        _ => format!("{found} {what}s are"),
    }
}
