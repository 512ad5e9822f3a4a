//! The phrases that distinguish refusals of the API. No other module searches messages for words.
//!
//! Every row was seen in a response of the API, or is in its reference. A refusal without a matching row keeps the
//! API's message and gets no hint.

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
    /// A destination table has rows.
    TableNotEmpty,
    /// The pipe has no settings of this kind.
    NoSuchSettings,
    /// The source rejects the credentials.
    SourceCredentials,
    /// The role or key lacks permissions on the source.
    SourcePermissions,
    /// The certificate of the source is not trusted, or is for another name.
    SourceCertificate,
    /// The source accepts only TLS.
    SourceNeedsTls,
    /// The API cannot connect to the source.
    SourceUnreachable,
}

#[derive(Clone, Copy)]
enum Meaning {
    /// For an answer with this status.
    Kind(u16, RejectionKind),
    Cause(RejectionCause),
}

/// Phrases in lower case. Of the rows of one meaning, the first that matches counts.
// The API sends one code, such as `BAD_REQUEST`, for many problems, so the text has to decide. It puts other words
// around the phrase: the kind of the source, eight digits of the id, a path. So a phrase is matched anywhere in the
// message.
const PHRASES: [(Meaning, &[&str]); 15] = [
    // Only an idle service may be woken. A stopped one was stopped by a person, on purpose.
    (Meaning::Kind(424, RejectionKind::ServiceIdle), &["current state: idle"]),
    (Meaning::Kind(424, RejectionKind::ServiceWaking), &["current state: awaking", "current state: starting"]),
    (Meaning::Kind(424, RejectionKind::ServiceStopped), &["current state: stopped", "current state: stopping"]),
    // Seen live as the answer to an edit of table mappings. Nothing was changed by it.
    (Meaning::Kind(400, RejectionKind::NeedsPause), &["must be paused to edit"]),
    // Seen live: a start is not idempotent, so a second one gets this although the first has worked.
    (Meaning::Kind(400, RejectionKind::AlreadyRunning), &["clickpipe is already running"]),
    (Meaning::Cause(RejectionCause::LoginToken), &["jwt authentication"]),
    (Meaning::Cause(RejectionCause::ServiceNotReady), &["current state:"]),
    (Meaning::Cause(RejectionCause::MissingPrivileges), &["not enough privileges"]),
    // The whole sentence is not known for certain, so only these two words are matched.
    (Meaning::Cause(RejectionCause::TableNotEmpty), &["not empty"]),
    // The settings endpoint answers so for a database pipe, which has none.
    (Meaning::Cause(RejectionCause::NoSuchSettings), &["ingestion for pipe"]),
    // A create and an edit of the connection log in to the source before they respond. These three mean that the body
    // was well formed, but the source could not be reached with it.
    (
        Meaning::Cause(RejectionCause::SourceCredentials),
        &["authentication failed", "failed permissions validation", "password is required"],
    ),
    (
        Meaning::Cause(RejectionCause::SourcePermissions),
        &["assumerole", "is not authorized", "unable to access", "failed to access"],
    ),
    // The words of Go's TLS client, and the name of the server's variable in the error of MySQL.
    (Meaning::Cause(RejectionCause::SourceCertificate), &["x509:", "not in valid pem format"]),
    (Meaning::Cause(RejectionCause::SourceNeedsTls), &["require_secure_transport"]),
    (
        Meaning::Cause(RejectionCause::SourceUnreachable),
        &[
            "does not exist",
            "no such host",
            "dial tcp",
            "failed to establish connection",
            "context deadline",
            "does not support",
        ],
    ),
];

/// Classifies a refusal by its status; for 400 and 424 by its message as well.
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
        Meaning::Kind(..) => None,
    })
}

fn first_meaning<T>(message: &str, select: impl Fn(Meaning) -> Option<T>) -> Option<T> {
    let text = message.to_lowercase();
    let has_any = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    PHRASES.iter().find_map(|(meaning, phrases)| select(*meaning).filter(|_| has_any(phrases)))
}
