//! The API has few error codes. This is the only table of the phrases by which its refusals are told apart.
//!
//! Every row was seen in an answer of the API, or stands in its reference. A refusal that no row knows keeps the API's own words.

use super::RejectionKind;

/// The problem behind a refused request, as far as the API's message names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionCause {
    /// The key is a login token, which may only read.
    LoginToken,
    /// The service is in a state in which it accepts no pipes.
    ServiceNotReady,
    /// The destination roles lack privileges.
    MissingPrivileges,
    /// A destination table holds rows.
    TableNotEmpty,
    /// The pipe has no settings of this kind.
    NoSuchSettings,
    /// The source rejects the credentials.
    SourceCredentials,
    /// The role or key lacks permissions on the source.
    SourcePermissions,
    /// The API cannot connect to the source.
    SourceUnreachable,
}

#[derive(Clone, Copy)]
enum Meaning {
    /// For an answer with this status.
    Kind(u16, RejectionKind),
    Cause(RejectionCause),
    /// The server knows the state command under another key.
    CommandKey,
}

/// In lower case; the first row that matches counts.
const PHRASES: [(Meaning, &[&str]); 14] = [
    (Meaning::Kind(424, RejectionKind::ServiceIdle), &["current state: idle"]),
    (Meaning::Kind(424, RejectionKind::ServiceWaking), &["current state: awaking", "current state: starting"]),
    (Meaning::Kind(424, RejectionKind::ServiceStopped), &["current state: stopped", "current state: stopping"]),
    (Meaning::Kind(400, RejectionKind::NeedsPause), &["must be paused to edit"]),
    (Meaning::Kind(400, RejectionKind::AlreadyRunning), &["clickpipe is already running"]),
    (Meaning::Cause(RejectionCause::LoginToken), &["jwt authentication"]),
    (Meaning::Cause(RejectionCause::ServiceNotReady), &["current state:"]),
    (Meaning::Cause(RejectionCause::MissingPrivileges), &["not enough privileges"]),
    (Meaning::Cause(RejectionCause::TableNotEmpty), &["not empty"]),
    (Meaning::Cause(RejectionCause::NoSuchSettings), &["ingestion for pipe"]),
    (
        Meaning::Cause(RejectionCause::SourceCredentials),
        &["authentication failed", "failed permissions validation", "password is required"],
    ),
    (
        Meaning::Cause(RejectionCause::SourcePermissions),
        &["assumerole", "is not authorized", "unable to access", "failed to access"],
    ),
    (
        Meaning::Cause(RejectionCause::SourceUnreachable),
        &[
            "does not exist",
            "no such host",
            "dial tcp",
            "failed to establish connection",
            "context deadline",
            "not in valid pem format",
            "does not support",
        ],
    ),
    (Meaning::CommandKey, &["command", "action", "unknown field", "body", "property"]),
];

/// Classifies a refusal by its status, and by its message where the status leaves it open.
pub(crate) fn rejection_kind(status: u16, message: &str) -> RejectionKind {
    match status {
        401 => RejectionKind::Unauthenticated,
        403 => RejectionKind::Forbidden,
        404 => RejectionKind::NotFound,
        429 => RejectionKind::RateLimited,
        500.. => RejectionKind::ServerError,
        _ => first_meaning(message, |meaning| match meaning {
            Meaning::Kind(when, kind) if when == status => Some(kind),
            _ => None,
        })
        .unwrap_or(RejectionKind::InvalidRequest),
    }
}

pub(crate) fn rejection_cause(message: &str) -> Option<RejectionCause> {
    first_meaning(message, |meaning| match meaning {
        Meaning::Cause(cause) => Some(cause),
        _ => None,
    })
}

/// Whether a refused state command is worth another attempt under the other key.
pub(crate) fn is_about_command_key(message: &str) -> bool {
    first_meaning(message, |meaning| matches!(meaning, Meaning::CommandKey).then_some(())).is_some()
}

fn first_meaning<T>(message: &str, select: impl Fn(Meaning) -> Option<T>) -> Option<T> {
    let text = message.to_lowercase();
    let has_any = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    PHRASES.iter().find_map(|(meaning, phrases)| select(*meaning).filter(|_| has_any(phrases)))
}
