//! Errors of requests and waits. No variant contains a secret: the API's messages are redacted before.

use std::sync::Arc;
use std::time::Duration;

use model::address::{Address, Kind, ServiceRef};
use model::live::{Id, State};

use crate::transport::Method;

pub(crate) mod api_phrases;
mod hint;
mod rejection;
mod words;

pub use api_phrases::RejectionCause;
pub use hint::{Hint, UnreadyEndpoint};
pub use rejection::{RejectedRequest, RejectionKind, UnexpectedResponse};
use words::{count_objects, format_ids, format_seconds, state_when_seen, still_in_state};

/// The one error type of this crate.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message says what a field is")]
pub enum Error {
    /// The connection cannot even be set up.
    #[error("{0}")]
    Setup(String),
    /// The request got no answer.
    #[error("{method} {path}: {reason}")]
    Transport { method: Method, path: String, reason: String, may_have_arrived: bool },
    /// Nothing was sent, because the server's certificate is not trusted.
    #[error("{method} {path}: {reason}")]
    Untrusted {
        method: Method,
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
    UnknownOutcome { address: Address, cause: Box<Error> },
    /// A create was not answered, and several new objects of that name were found.
    #[error("`{address}` was created more than once: {}", format_ids(ids))]
    DuplicateObjects { address: Address, ids: Vec<Id> },
    /// A create was not answered, and the one new object of that name is not what was sent.
    #[error(
        "`{address}` may or may not have been created: {cause}; a new object has this name (id {id}), and {difference}"
    )]
    OtherObjectFound {
        address: Address,
        /// The id of the other object.
        id: Id,
        /// The difference between the two.
        difference: String,
        cause: Box<Error>,
    },
    /// Somebody interrupted the run during a wait.
    #[error("interrupted")]
    Interrupted,
    /// The time limit of the run passed before the request was sent.
    #[error("not sent, because the time limit of the run has passed")]
    OutOfTime,
    /// An object is to be deleted and re-created, and the run is about to end.
    #[error("less than a minute of the run is left, which is too little to re-create `{address}`")]
    NotEnoughTime { address: Address },
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
    ServiceNotRunning { state: State, waited: Duration },
    /// An object is to be deleted and re-created, and its service cannot create objects now.
    #[error("its service is `{state}`, so it could not be re-created")]
    CannotRecreate { state: State },
    /// The API would not accept the endpoints that an object uses.
    #[error("an endpoint that `{address}` uses is not `Ready`: nothing was sent")]
    EndpointsNotReady { address: Address, endpoints: Vec<UnreadyEndpoint> },
    /// Somebody else created the object after it was planned.
    #[error("somebody else created `{address}` after it was planned")]
    CreatedConcurrently { address: Address },
    /// The API accepted the request, and the object has not settled since.
    #[error("{why} (id {id}): it {}", state_when_seen(last_state.as_ref(), *waited))]
    NotSettled { address: Address, id: Id, last_state: Option<State>, waited: Duration, why: Unsettled },
    /// The API answered a stop, but the pipe continues its load.
    #[error("`{address}` {} after {}", still_in_state(Some(state)), format_seconds(*waited))]
    StopIgnored { address: Address, state: State, waited: Duration },
    /// A wait reached the time limit.
    #[error("`{address}` {} after {}", still_in_state(last_state.as_ref()), format_seconds(*waited))]
    TimedOut { address: Address, last_state: Option<State>, waited: Duration },
    /// The object ended in another state than the desired one.
    #[error("`{address}` is `{state}`")]
    BadState { address: Address, state: State },
    /// The object disappeared during a wait.
    #[error("`{address}` disappeared while pipectl waited for it")]
    Disappeared { address: Address },
    /// A secret could not be resolved.
    #[error("cannot resolve the secret `{reference}` of `{address}`: {reason}")]
    Secret {
        /// The object that needs it.
        address: Box<Address>,
        reference: String,
        reason: String,
    },
    /// A body refers to a reverse private endpoint that does not exist, or is not unique.
    #[error("{} called `{address}`", count_objects("reverse private endpoint", *found))]
    UnknownEndpointReference {
        address: Address,
        /// The number of endpoints or objects with that name.
        found: usize,
    },
    /// A body refers to the DNS name of an endpoint that has none.
    #[error("the reverse private endpoint `{address}` has no DNS name that fits here")]
    EndpointWithoutDnsName { address: Address },
    /// The id of a service is not known.
    #[error("no id is known for the service `{0}`")]
    UnknownService(ServiceRef),
    /// The API refused to create it paused, and running it would read what another pipe reads.
    #[error(
        "{refused}; it is not sent without `startPaused`: the API would start it beside `{reader}`, which reads the same"
    )]
    NotCreatedPaused {
        /// The other pipe.
        reader: Address,
        /// The refusal, which may be about something else.
        refused: Box<RejectedRequest>,
    },
    /// An action is for an object that is not live, or not unique.
    #[error("{} called `{address}`", count_objects("live object", *found))]
    UnknownObject {
        address: Address,
        /// The number of endpoints or objects with that name.
        found: usize,
    },
    /// The API has no request for this action.
    #[error("the API cannot {what} a {}", kind.name())]
    Unsupported { what: &'static str, kind: Kind },
}

/// Why the wait for an accepted request ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsettled {
    /// The time limit of the run passed.
    #[error("accepted, not settled yet")]
    TimedOut,
    /// Somebody interrupted the run.
    #[error("interrupted; the API had accepted it")]
    Interrupted,
}

/// The API does not implement such a request, so it is not sent again.
const NOT_IMPLEMENTED: u16 = 501;

/// The effect of a request that ended with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestFate {
    /// It certainly had no effect. The same request can be sent again.
    NotCarriedOut,
    /// Unknown.
    Unanswered,
    /// It had no effect, and a retry would get the same response; or no request was sent.
    Refused,
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

    /// Whether the request may have taken effect despite the error. Always `false` for a read.
    pub fn is_outcome_unknown(&self) -> bool {
        let (is_write, had_lost_attempt) = match self {
            Self::Transport { method, .. } => (method.is_write(), false),
            Self::Rejected(rejected) => (rejected.method.is_write(), rejected.had_lost_attempt),
            Self::UnexpectedResponse(unexpected) => (unexpected.method.is_write(), false),
            Self::UnknownOutcome { .. } | Self::DuplicateObjects { .. } | Self::OtherObjectFound { .. } => return true,
            _ => return false,
        };
        is_write && (had_lost_attempt || self.fate() == RequestFate::Unanswered)
    }

    pub(crate) fn fate(&self) -> RequestFate {
        match self {
            Self::Transport { may_have_arrived: true, .. } => RequestFate::Unanswered,
            Self::Transport { .. } => RequestFate::NotCarriedOut,
            Self::Rejected(rejected) => match rejected.kind {
                RejectionKind::RateLimited => RequestFate::NotCarriedOut,
                _ if rejected.status == NOT_IMPLEMENTED => RequestFate::Refused,
                // The API fails in the middle of its work, at times after minutes (seen live for creates).
                RejectionKind::ServerError => RequestFate::Unanswered,
                _ => RequestFate::Refused,
            },
            // A gateway gives up after 30 s with a 504, and the API continues with the request. Its 3xx and 4xx come
            // before the request reaches the API.
            Self::UnexpectedResponse(unexpected)
                if !(300..500).contains(&unexpected.status) && unexpected.status != NOT_IMPLEMENTED =>
            {
                RequestFate::Unanswered
            }
            _ => RequestFate::Refused,
        }
    }

    /// The id of the object at `address`, if the API accepted its action and only the wait ended early.
    pub fn accepted_id(&self, address: &Address) -> Option<&Id> {
        match self {
            Self::NotSettled { address: at, id, .. } if at == address => Some(id),
            _ => None,
        }
    }

    /// Whether the live side changed after the plan, so that a new plan is needed.
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::CreatedConcurrently { .. })
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
        matches!(self, Self::Interrupted | Self::NotSettled { why: Unsettled::Interrupted, .. })
    }

    /// The id to give to the API's support.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Rejected(rejected) => rejected.request_id.as_deref(),
            Self::UnexpectedResponse(unexpected) => unexpected.request_id.as_deref(),
            Self::UnknownOutcome { cause, .. } | Self::OtherObjectFound { cause, .. } => cause.request_id(),
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

    /// Whether this API does not support what a request reads.
    // A gateway without the path may answer with its own page.
    pub fn is_not_offered(&self) -> bool {
        let status = match self {
            Self::Rejected(rejected) => rejected.status,
            Self::UnexpectedResponse(unexpected) => unexpected.status,
            _ => return false,
        };
        matches!(status, 404 | 405 | NOT_IMPLEMENTED)
    }

    /// The remedy, where one is known.
    pub fn hint(&self) -> Option<Hint> {
        hint::hint_for_error(self)
    }
}
