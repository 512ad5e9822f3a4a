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
        sent: bool,
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
    Rejected(Box<Rejected>),
    /// The answer is not one that the API gives.
    #[error("{0}")]
    Unexpected(Box<Unexpected>),
    /// A create was not answered, and no new object of that name was found.
    #[error("`{at}` may or may not have been created: {cause}")]
    UnknownOutcome {
        /// The object to be created.
        at: Address,
        /// What came instead of an answer.
        cause: Box<Error>,
    },
    /// A create was not answered, and several new objects of that name were found.
    #[error("`{at}` was created more than once: {}", list(ids))]
    Twins {
        /// The object to be created.
        at: Address,
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
    #[error("less than a minute of the run is left, too little to make `{at}` again")]
    TooLate {
        /// The object.
        at: Address,
    },
    /// A service that sleeps was to be woken for a request. Nothing came of either.
    #[error("service `{service}` could not be woken: {cause}")]
    NotWoken {
        /// Its id.
        service: String,
        /// Why not. It is the same for everybody who needed the service.
        cause: Arc<Error>,
    },
    /// A service was told to wake, and is not running.
    #[error("it {} after {}", still(Some(state)), seconds(*waited))]
    Asleep {
        /// Its state when it was last seen.
        state: State,
        /// For how long it was waited for.
        waited: Duration,
    },
    /// An object is to be deleted and made again, and its service makes nothing now.
    #[error("its service is `{state}`, so it could not be made again")]
    NotRunning {
        /// The state of the service.
        state: State,
    },
    /// An object is to be created, and somebody else has done so since it was planned.
    #[error("`{at}` was created by somebody else meanwhile")]
    Appeared {
        /// The object to be created.
        at: Address,
    },
    /// The time for waiting is over.
    #[error("`{at}` {} after {}", still(last.as_ref()), seconds(*waited))]
    TimedOut {
        /// The object that was waited for.
        at: Address,
        /// Its state when it was last seen.
        last: Option<State>,
        /// For how long this one wait went on.
        waited: Duration,
    },
    /// It went somewhere else than it was sent.
    #[error("`{at}` is `{state}`")]
    Troubled {
        /// The object that was waited for.
        at: Address,
        /// The state in which it ended.
        state: State,
    },
    /// It disappeared while it was waited for.
    #[error("`{at}` disappeared while it was waited for")]
    Gone {
        /// The object that was waited for.
        at: Address,
    },
    /// A secret could not be resolved.
    #[error("cannot resolve the secret `{reference}` of `{at}`: {reason}")]
    Secret {
        /// The object whose body needs it.
        at: Box<Address>,
        /// The reference as it is written in the manifest.
        reference: String,
        /// Why not.
        reason: String,
    },
    /// A body names a reverse private endpoint that its service does not have, or has twice.
    #[error("{} called `{at}`", count("reverse private endpoint", *found))]
    UnknownEndpointReference {
        /// The endpoint that is referred to.
        at: Address,
        /// How many bear that name.
        found: usize,
    },
    /// A service of which no id is known.
    #[error("no id is known for the service `{0}`")]
    UnknownService(ServiceRef),
    /// An action on an object that is not known to be live, or on one of several.
    #[error("{} called `{at}`", count("live object", *found))]
    UnknownObject {
        /// The object.
        at: Address,
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
pub struct Rejected {
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
    pub kind: Rejection,
    /// Whether an earlier try of the same request went unanswered, and may have been carried out.
    pub repeated: bool,
    /// The tables that are to be written, where what was turned down is that one holds rows.
    pub in_the_way: Vec<String>,
    /// The endpoints that it is to use and that carry nothing yet, each with its state.
    pub unready: Vec<String>,
}

/// Why the API turned a request down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// The key is missing or wrong.
    Unauthenticated,
    /// The key may not do this.
    Forbidden,
    /// The object is not there.
    NotFound,
    /// The service sleeps.
    Idle,
    /// The service is on its way from sleep to work.
    Waking,
    /// The service was stopped by somebody.
    Stopped,
    /// The pipe must be paused for this edit.
    NeedsPause,
    /// The pipe runs already.
    AlreadyRunning,
    /// Too many requests.
    Throttled,
    /// The request cannot be carried out as it is.
    Invalid,
    /// The API broke; the request may have been carried out.
    Broken,
}

/// An answer that is not in the API's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unexpected {
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
    pub fn is_auth(&self) -> bool {
        let refused = match self {
            Self::NotWoken { cause, .. } => cause.rejection(),
            other => other.rejection(),
        };
        matches!(refused, Some(Rejection::Unauthenticated | Rejection::Forbidden))
    }

    /// Whether something may have been changed although this is an error.
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Self::Transport { method, sent, .. } => *sent && method.writes(),
            Self::Rejected(rejected) => {
                let unsure = rejected.kind == Rejection::Broken || rejected.repeated;
                unsure && rejected.method.writes()
            }
            Self::Unexpected(unexpected) => {
                unexpected.method.writes() && !(300..500).contains(&unexpected.status)
            }
            Self::UnknownOutcome { .. } | Self::Twins { .. } => true,
            Self::Setup(_)
            | Self::Untrusted { .. }
            | Self::Interrupted
            | Self::OutOfTime
            | Self::TooLate { .. }
            | Self::Appeared { .. }
            | Self::NotWoken { .. }
            | Self::Asleep { .. }
            | Self::TimedOut { .. }
            | Self::Troubled { .. }
            | Self::Gone { .. }
            | Self::Secret { .. }
            | Self::UnknownEndpointReference { .. }
            | Self::UnknownService(_)
            | Self::UnknownObject { .. }
            | Self::NotRunning { .. }
            | Self::Unsupported { .. } => false,
        }
    }

    /// The same, where an earlier try of the request went unanswered.
    pub(crate) fn after_a_lost_try(self) -> Self {
        match self {
            Self::Rejected(rejected) => {
                Self::Rejected(Box::new(Rejected { repeated: true, ..*rejected }))
            }
            other => other,
        }
    }

    /// The same with the tables that the refused object is to write, if it is about their rows.
    pub(crate) fn about_tables(self, tables: impl FnOnce() -> Vec<String>) -> Self {
        match self {
            Self::Rejected(rejected) if hint::is_about_rows(&rejected) => {
                Self::Rejected(Box::new(Rejected { in_the_way: tables(), ..*rejected }))
            }
            other => other,
        }
    }

    /// The same with the endpoints that the refused object is to use and that carry nothing yet.
    pub(crate) fn about_endpoints(self, unready: impl FnOnce() -> Vec<String>) -> Self {
        match self {
            Self::Rejected(rejected) if rejected.kind == Rejection::Invalid => {
                Self::Rejected(Box::new(Rejected { unready: unready(), ..*rejected }))
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
            Self::Unexpected(unexpected) => unexpected.request_id.as_deref(),
            Self::UnknownOutcome { cause, .. } => cause.request_id(),
            Self::NotWoken { cause, .. } => cause.request_id(),
            _ => None,
        }
    }

    /// Why the API said no, if that is what it said.
    pub fn rejection(&self) -> Option<Rejection> {
        match self {
            Self::Rejected(rejected) => Some(rejected.kind),
            _ => None,
        }
    }

    /// What a person can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        hint::hint(self)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, status, message, .. } = self;
        write!(f, "{method} {path}: {status}")?;
        if !message.is_empty() {
            write!(f, " {message}")?;
        }
        request(f, self.request_id.as_deref())
    }
}

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, status, problem, .. } = self;
        let content_type = self.content_type.as_deref().unwrap_or("no content type");
        write!(f, "{method} {path}: {status} {problem} ({content_type})")?;
        if !self.excerpt.is_empty() {
            write!(f, ": {}", self.excerpt)?;
        }
        request(f, self.request_id.as_deref())
    }
}

fn request(f: &mut fmt::Formatter<'_>, id: Option<&str>) -> fmt::Result {
    id.map_or(Ok(()), |id| write!(f, " (request {id})"))
}

fn list(ids: &[Id]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

fn still(last: Option<&State>) -> String {
    match last {
        Some(state) if !state.as_str().is_empty() => format!("is still `{state}`"),
        _ => "is still not there".to_owned(),
    }
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}

fn count(what: &str, found: usize) -> String {
    match found {
        0 => format!("no {what} is"),
        1 => format!("one {what} is"),
        _ => format!("{found} {what}s are"),
    }
}
