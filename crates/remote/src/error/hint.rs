//! Remedies as values. The caller that prints an error words them, because only it knows its flags.

use model::address::{Kind, Name};
use model::live::State;

use super::api_phrases::RejectionCause;
use super::{Error, RejectedRequest, RejectionKind, UnexpectedResponse, Unsettled};
use crate::transport::Method;

/// A situation with a known remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Hint {
    /// Nothing was sent: the server's certificate is not trusted.
    CertificateNotTrusted,
    /// Nothing was sent: the API cannot be reached.
    ApiUnreachable,
    ReadUnanswered,
    WriteUnanswered,
    /// An earlier attempt of a refused write got no answer.
    EarlierAttemptUnanswered,
    /// A create got no answer, and its object was not found.
    CreateUnanswered,
    DuplicateObjects,
    /// The new object of the name is not what was sent.
    OtherObjectFound,
    RunTimeOver,
    /// Too little time is left to delete an object and create it again.
    NoTimeToReplace,
    StillInProgress,
    /// The API stops a database pipe only when its load is done.
    StopsAfterLoad,
    /// CDC scaling exists only together with a database pipe.
    ScalingNeedsDatabasePipe,
    ServiceIdle,
    /// The service is starting after it was idle.
    ServiceWaking,
    ServiceStopped,
    /// The service is in another state in which it accepts no requests.
    ServiceNotRunning,
    CreatedConcurrently,
    /// The platform reports an error of its own.
    PlatformError,
    /// The owner of the source rejected the private connection.
    ConnectionRejected,
    /// Nobody accepted the private connection in time.
    ConnectionExpired,
    /// The object failed; only the console shows the reason.
    ObjectFailed,
    SecretMissing,
    EndpointUndeclared,
    /// The endpoint has no DNS name yet, or none of the kind that is needed.
    EndpointWithoutDnsName,
    /// A manifest refers to an endpoint by a name that several have.
    EndpointAmbiguous,
    ServiceUnknown,
    KeyRejected,
    /// The role of the key does not allow the request.
    KeyForbidden,
    EditNeedsPause,
    /// The pipe must be paused for this edit, and cannot be, because it is completed.
    EditOfFinishedPipe,
    /// Another process uses up the rate limit of the key.
    RateLimited,
    ApiFailedToRead,
    ApiFailedToWrite,
    /// A path with the configured ids does not exist.
    WrongIds,
    ObjectGone,
    /// A gateway gave up on a write before the API answered.
    GatewayTimeout,
    GatewayError,
    Redirected,
    /// Something other than the API answered.
    NotTheApi,
    ProxyLogin,
    /// These destination tables must be empty; each is written as in SQL.
    TablesNotEmpty(Vec<String>),
    EndpointsNotReady(Vec<UnreadyEndpoint>),
    /// The API's message names the problem.
    Rejection(RejectionCause),
}

/// A reverse private endpoint that carries no traffic yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadyEndpoint {
    /// Its name.
    pub name: Name,
    /// Its state when it was last seen.
    pub state: State,
}

pub(super) fn hint_for_error(error: &Error) -> Option<Hint> {
    Some(match error {
        Error::Rejected(rejected) => return rejected_hint(rejected),
        Error::UnexpectedResponse(unexpected) => return unexpected_hint(unexpected),
        Error::Untrusted { .. } => Hint::CertificateNotTrusted,
        Error::Transport { may_have_arrived: false, .. } => Hint::ApiUnreachable,
        Error::Transport { method, .. } if !method.is_write() => Hint::ReadUnanswered,
        Error::Transport { .. } => Hint::WriteUnanswered,
        Error::UnknownOutcome { .. } => Hint::CreateUnanswered,
        Error::DuplicateObjects { .. } => Hint::DuplicateObjects,
        Error::OtherObjectFound { .. } => Hint::OtherObjectFound,
        Error::OutOfTime => Hint::RunTimeOver,
        Error::NotEnoughTime { .. } => Hint::NoTimeToReplace,
        Error::EndpointsNotReady { endpoints, .. } => Hint::EndpointsNotReady(endpoints.clone()),
        Error::WakeFailed { cause, .. } => return hint_for_error(cause),
        Error::CannotRecreate { state } if state.as_str() == "idle" => Hint::ServiceIdle,
        Error::ServiceNotRunning { state, .. } | Error::CannotRecreate { state } => match state.as_str() {
            "stopped" | "stopping" => Hint::ServiceStopped,
            _ => Hint::ServiceNotRunning,
        },
        Error::CreatedConcurrently { .. } => Hint::CreatedConcurrently,
        // The API creates this object with the first database pipe of the service, and with no request before.
        Error::TimedOut { address: at, last_state: None, .. } if at.kind == Kind::CdcScaling => {
            Hint::ScalingNeedsDatabasePipe
        }
        Error::TimedOut { .. } | Error::NotSettled { why: Unsettled::TimedOut, .. } => Hint::StillInProgress,
        Error::StopIgnored { .. } => Hint::StopsAfterLoad,
        Error::BadState { state, .. } => match state.as_str() {
            "InternalError" => Hint::PlatformError,
            "Rejected" => Hint::ConnectionRejected,
            "Expired" => Hint::ConnectionExpired,
            _ => Hint::ObjectFailed,
        },
        Error::Secret { .. } => Hint::SecretMissing,
        Error::UnknownEndpointReference { found: 0, .. } => Hint::EndpointUndeclared,
        Error::UnknownEndpointReference { .. } => Hint::EndpointAmbiguous,
        Error::EndpointWithoutDnsName { .. } => Hint::EndpointWithoutDnsName,
        Error::UnknownService(_) => Hint::ServiceUnknown,
        Error::Setup(_)
        | Error::Interrupted
        | Error::NotSettled { why: Unsettled::Interrupted, .. }
        | Error::Disappeared { .. }
        | Error::UnknownObject { .. }
        | Error::NotCreatedPaused { .. }
        | Error::Unsupported { .. } => return None,
    })
}

fn rejected_hint(rejected: &RejectedRequest) -> Option<Hint> {
    let RejectedRequest { method, kind, cause, blocking_tables, unready_endpoints, .. } = rejected;
    if !blocking_tables.is_empty() {
        return Some(Hint::TablesNotEmpty(blocking_tables.clone()));
    }
    if !unready_endpoints.is_empty() {
        return Some(Hint::EndpointsNotReady(unready_endpoints.clone()));
    }
    // Before the class of the refusal: the API may refuse the retry because of what the lost attempt did.
    if rejected.had_lost_attempt {
        return Some(Hint::EarlierAttemptUnanswered);
    }
    Some(match kind {
        RejectionKind::Unauthenticated if *cause == Some(RejectionCause::LoginToken) => {
            Hint::Rejection(RejectionCause::LoginToken)
        }
        RejectionKind::Unauthenticated => Hint::KeyRejected,
        RejectionKind::Forbidden => Hint::KeyForbidden,
        RejectionKind::ServiceIdle => Hint::ServiceIdle,
        RejectionKind::ServiceWaking => Hint::ServiceWaking,
        RejectionKind::ServiceStopped => Hint::ServiceStopped,
        RejectionKind::NeedsPause => Hint::EditNeedsPause,
        RejectionKind::FinishedPipe => Hint::EditOfFinishedPipe,
        RejectionKind::RateLimited => Hint::RateLimited,
        RejectionKind::ServerError if method.is_write() => Hint::ApiFailedToWrite,
        RejectionKind::ServerError => Hint::ApiFailedToRead,
        RejectionKind::NotFound => cause.map_or(not_found_hint(*method), Hint::Rejection),
        RejectionKind::InvalidRequest | RejectionKind::AlreadyRunning => Hint::Rejection((*cause)?),
    })
}

fn not_found_hint(method: Method) -> Hint {
    match method {
        Method::Get | Method::Post => Hint::WrongIds,
        Method::Put | Method::Patch | Method::Delete => Hint::ObjectGone,
    }
}

fn unexpected_hint(unexpected: &UnexpectedResponse) -> Option<Hint> {
    match unexpected.status {
        504 if unexpected.method.is_write() => Some(Hint::GatewayTimeout),
        500..=599 => Some(Hint::GatewayError),
        300..=399 => Some(Hint::Redirected),
        200..=299 => Some(Hint::NotTheApi),
        407 => Some(Hint::ProxyLogin),
        _ => None,
    }
}
