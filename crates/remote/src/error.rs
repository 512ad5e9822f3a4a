//! Errors of requests and waits. No variant holds a secret: the API's words are redacted before they get here.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use model::address::{Address, Kind, ServiceRef};
use model::live::{Id, State};

use crate::transport::Method;

pub(crate) mod api_phrases;
mod hint;

pub use api_phrases::RejectionCause;
pub use hint::{Hint, UnreadyEndpoint};

/// The one error type of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection cannot even be set up.
    #[error("{0}")]
    Setup(String),
    /// The request got no answer.
    #[error("{method} {path}: {reason}")]
    Transport {
        /// The request's method.
        method: Method,
        /// The request's path.
        path: String,
        /// The message of the network.
        reason: String,
        /// Whether the request may have arrived.
        may_have_arrived: bool,
    },
    /// Nothing was sent, because the server's certificate is not trusted.
    #[error("{method} {path}: {reason}")]
    Untrusted {
        /// The request's method.
        method: Method,
        /// The request's path.
        path: String,
        /// The problem with the certificate.
        reason: String,
    },
    /// The API refused the request.
    #[error("{0}")]
    Rejected(Box<RejectedRequest>),
    /// The answer does not have the form of the API's answers.
    #[error("{0}")]
    UnexpectedResponse(Box<UnexpectedResponse>),
    /// A create was not answered, and no new object of that name was found.
    #[error("`{address}` may or may not have been created: {cause}")]
    UnknownOutcome {
        /// The object to be created.
        address: Address,
        /// The error of the create.
        cause: Box<Error>,
    },
    /// A create was not answered, and several new objects of that name were found.
    #[error("`{address}` was created more than once: {}", format_ids(ids))]
    DuplicateObjects {
        /// The object to be created.
        address: Address,
        /// The new objects of that name.
        ids: Vec<Id>,
    },
    /// Somebody interrupted the run during a wait.
    #[error("interrupted")]
    Interrupted,
    /// The time limit of the run passed before the request was sent.
    #[error("not sent, because the time limit of the run has passed")]
    OutOfTime,
    /// An object is to be deleted and re-created, and the run is about to end.
    #[error("less than a minute of the run is left, which is too little to re-create `{address}`")]
    NotEnoughTime {
        /// The object.
        address: Address,
    },
    /// An idle service could not be woken for a request.
    #[error("service `{service}` could not be woken: {cause}")]
    WakeFailed {
        /// Its id.
        service: String,
        /// The error of the wake-up, shared by all requests that waited for it.
        cause: Arc<Error>,
    },
    /// A service did not start after the command to wake.
    #[error("it {} after {}", still_in_state(Some(state)), format_seconds(*waited))]
    ServiceNotRunning {
        /// Its state when it was last seen.
        state: State,
        /// The length of the wait.
        waited: Duration,
    },
    /// An object is to be deleted and re-created, and its service cannot create objects now.
    #[error("its service is `{state}`, so it could not be re-created")]
    CannotRecreate {
        /// The state of the service.
        state: State,
    },
    /// Somebody else created the object after it was planned.
    #[error("somebody else created `{address}` after it was planned")]
    CreatedConcurrently {
        /// The object to be created.
        address: Address,
    },
    /// A wait reached the time limit.
    #[error("`{address}` {} after {}", still_in_state(last_state.as_ref()), format_seconds(*waited))]
    TimedOut {
        /// The object.
        address: Address,
        /// Its state when it was last seen.
        last_state: Option<State>,
        /// The length of this wait.
        waited: Duration,
    },
    /// The object ended in another state than the desired one.
    #[error("`{address}` is `{state}`")]
    BadState {
        /// The object.
        address: Address,
        /// Its state.
        state: State,
    },
    /// The object disappeared during a wait.
    #[error("`{address}` disappeared while pipectl waited for it")]
    Disappeared {
        /// The object.
        address: Address,
    },
    /// A secret could not be resolved.
    #[error("cannot resolve the secret `{reference}` of `{address}`: {reason}")]
    Secret {
        /// The object that needs it.
        address: Box<Address>,
        /// The reference in the manifest.
        reference: String,
        /// The reason.
        reason: String,
    },
    /// A body refers to a reverse private endpoint that does not exist, or is not unique.
    #[error("{} called `{address}`", count_objects("reverse private endpoint", *found))]
    UnknownEndpointReference {
        /// The endpoint.
        address: Address,
        /// The number of endpoints or objects with that name.
        found: usize,
    },
    /// The id of a service is not known.
    #[error("no id is known for the service `{0}`")]
    UnknownService(ServiceRef),
    /// An action is for an object that is not live, or not unique.
    #[error("{} called `{address}`", count_objects("live object", *found))]
    UnknownObject {
        /// The object.
        address: Address,
        /// The number of endpoints or objects with that name.
        found: usize,
    },
    /// The API has no request for this action.
    #[error("the API cannot {what} a {}", kind.name())]
    Unsupported {
        /// The verb of the action.
        what: &'static str,
        /// The kind.
        kind: Kind,
    },
}

/// A request that the API refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRequest {
    /// The HTTP status.
    pub status: u16,
    /// The request's method.
    pub method: Method,
    /// The request's path.
    pub path: String,
    /// The API's message: redacted, without control characters, truncated.
    pub message: String,
    /// The id to give to the API's support.
    pub request_id: Option<String>,
    /// The class of the refusal.
    pub kind: RejectionKind,
    /// The problem that the message names, if it is a known one.
    pub cause: Option<RejectionCause>,
    /// An earlier attempt of the same request got no answer, and may have been carried out.
    pub had_lost_attempt: bool,
    /// The destination tables of the object, if the API refused it because one holds rows.
    pub blocking_tables: Vec<String>,
    /// The endpoints that the object uses and that are not ready.
    pub unready_endpoints: Vec<UnreadyEndpoint>,
}

/// The class of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionKind {
    /// The key is missing or wrong.
    Unauthenticated,
    /// The role of the key does not allow the request.
    Forbidden,
    /// The object does not exist.
    NotFound,
    /// The service is idle.
    ServiceIdle,
    /// The service is starting after it was idle.
    ServiceWaking,
    /// Somebody stopped the service.
    ServiceStopped,
    /// The pipe must be paused for this edit.
    NeedsPause,
    /// The pipe is already running.
    AlreadyRunning,
    /// Too many requests.
    RateLimited,
    /// The request is invalid, or conflicts with live objects.
    InvalidRequest,
    /// The API failed; the request may have been carried out.
    ServerError,
}

/// An answer that does not have the form of the API's answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnexpectedResponse {
    /// The HTTP status.
    pub status: u16,
    /// The request's method.
    pub method: Method,
    /// The request's path.
    pub path: String,
    /// The content type of the answer.
    pub content_type: Option<String>,
    /// The problem.
    pub problem: String,
    /// The beginning of the answer, without control characters.
    pub excerpt: String,
    /// The id to give to the API's support.
    pub request_id: Option<String>,
}

impl Error {
    /// Whether the API rejects the key, so that every other request would fail, too.
    pub fn is_auth_error(&self) -> bool {
        let refused = match self {
            Self::WakeFailed { cause, .. } => cause.rejection_kind(),
            other => other.rejection_kind(),
        };
        matches!(refused, Some(RejectionKind::Unauthenticated | RejectionKind::Forbidden))
    }

    /// Whether the request may have been carried out despite the error.
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

    /// Marks a refusal that follows an unanswered attempt of the same request.
    pub(crate) fn after_lost_attempt(self) -> Self {
        match self {
            Self::Rejected(rejected) => {
                Self::Rejected(Box::new(RejectedRequest { had_lost_attempt: true, ..*rejected }))
            }
            other => other,
        }
    }

    /// Adds the destination tables to a refusal because of rows in one of them.
    pub(crate) fn with_blocking_tables(self, tables: impl FnOnce() -> Vec<String>) -> Self {
        match self {
            Self::Rejected(rejected)
                if rejected.kind == RejectionKind::InvalidRequest
                    && rejected.cause == Some(RejectionCause::TableNotEmpty) =>
            {
                Self::Rejected(Box::new(RejectedRequest { blocking_tables: tables(), ..*rejected }))
            }
            other => other,
        }
    }

    /// Adds the endpoints that are not ready to the refusal of an object that uses them.
    pub(crate) fn with_unready_endpoints(self, unready: impl FnOnce() -> Vec<UnreadyEndpoint>) -> Self {
        match self {
            Self::Rejected(rejected) if rejected.kind == RejectionKind::InvalidRequest => {
                Self::Rejected(Box::new(RejectedRequest { unready_endpoints: unready(), ..*rejected }))
            }
            other => other,
        }
    }

    /// Whether somebody interrupted the run.
    pub fn is_interrupted(&self) -> bool {
        matches!(self, Self::Interrupted)
    }

    /// The id to give to the API's support.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Rejected(rejected) => rejected.request_id.as_deref(),
            Self::UnexpectedResponse(unexpected) => unexpected.request_id.as_deref(),
            Self::UnknownOutcome { cause, .. } => cause.request_id(),
            Self::WakeFailed { cause, .. } => cause.request_id(),
            _ => None,
        }
    }

    /// The class of the refusal, if the API refused the request.
    pub fn rejection_kind(&self) -> Option<RejectionKind> {
        match self {
            Self::Rejected(rejected) => Some(rejected.kind),
            _ => None,
        }
    }

    /// The remedy, where one is known.
    pub fn hint(&self) -> Option<Hint> {
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
