//! The remedy, for what is known to have one.

use clickpipes::blocking_tables;
use model::address::Kind;

use super::{Error, RejectedRequest, RejectionKind, UnexpectedResponse};
use crate::transport::Method;

pub(super) fn hint_for_error(error: &Error) -> Option<String> {
    let text = match error {
        Error::Rejected(rejected) if !rejected.blocking_tables.is_empty() => {
            return Some(blocking_tables_hint(&rejected.blocking_tables));
        }
        Error::Rejected(rejected) if !rejected.unready_endpoints.is_empty() => {
            return Some(unready_endpoints_hint(&rejected.unready_endpoints));
        }
        Error::Rejected(rejected) => return rejected_hint(rejected).map(str::to_owned),
        Error::UnexpectedResponse(unexpected) => {
            return unexpected_hint(unexpected).map(str::to_owned);
        }
        Error::Untrusted { .. } => {
            "nothing was sent; where a proxy opens the connection, add its CA to the system's (or \
             `SSL_CERT_FILE`); also check the clock"
        }
        Error::Transport { may_have_arrived: false, .. } => {
            "nothing was sent; check the API's URL, the network and the proxy"
        }
        Error::Transport { method, .. } if !method.is_write() => {
            "it was only to read; check the network and the proxy, and try again"
        }
        Error::Transport { .. } => "the request may have been carried out; plan again to see what is live",
        Error::UnknownOutcome { .. } => {
            "the object may still appear; run again in a minute: an object of this name is then \
             adopted instead of being created twice"
        }
        Error::DuplicateObjects { .. } => "delete all but one, or choose one with `metadata.id`, then plan again",
        Error::OutOfTime => "plan again, or allow more time with `--timeout`",
        Error::NotEnoughTime { .. } => "nothing was deleted; allow more time with `--timeout`",
        Error::WakeFailed { cause, .. } => return hint_for_error(cause),
        Error::CannotRecreate { state } if state.as_str() == "idle" => IDLE_HINT,
        Error::ServiceNotRunning { state, .. } | Error::CannotRecreate { state } => not_running_hint(state.as_str()),
        Error::CreatedConcurrently { .. } => "nothing was sent; plan again",
        Error::TimedOut { address: at, last_state: None, .. } if at.kind == Kind::CdcScaling => {
            "there is one only where a database pipe is: declare a pipe beside it, or take it out \
             until there is one"
        }
        Error::TimedOut { .. } => "it may still arrive; plan again later, or allow more time with `--timeout`",
        Error::BadState { state, .. } => return Some(bad_state_hint(state.as_str()).to_owned()),
        Error::Secret { .. } => "nothing was sent; provide the secret and apply again",
        Error::UnknownEndpointReference { found: 0, .. } => {
            "declare it as a ReversePrivateEndpoint, or refer to it by its id"
        }
        Error::UnknownEndpointReference { .. } => "refer to one of them by its id",
        Error::UnknownService(_) => {
            "give its id in the project file, or check its name against the organization's services"
        }
        Error::Setup(_)
        | Error::Interrupted
        | Error::Disappeared { .. }
        | Error::UnknownObject { .. }
        | Error::Unsupported { .. } => return None,
    };
    Some(text.to_owned())
}

fn not_running_hint(state: &str) -> &'static str {
    match state {
        "stopped" | "stopping" => STOPPED_HINT,
        _ => "look at the service in the console, and apply again when it runs",
    }
}

fn bad_state_hint(state: &str) -> &'static str {
    match state {
        "InternalError" => "the platform itself is in trouble; ask its support, with the pipe's id",
        "Rejected" => "the owner of the source turned the connection down",
        "Expired" => "nobody accepted the connection in time; delete it and create it again",
        _ => "the console shows why; correct the manifest and apply again",
    }
}

fn rejected_hint(rejected: &RejectedRequest) -> Option<&'static str> {
    Some(match rejected.kind {
        _ if rejected.had_lost_attempt => {
            "an earlier try of this request got no answer and may have been carried out; plan again"
        }
        RejectionKind::Unauthenticated if rejected.message.contains("JWT authentication") => JWT_HINT,
        RejectionKind::Unauthenticated => "check that the key's id and its secret belong together and have not expired",
        RejectionKind::Forbidden => {
            "the key's role does not allow this; give it a role that may manage ClickPipes in \
             this organization"
        }
        RejectionKind::ServiceIdle => IDLE_HINT,
        RejectionKind::ServiceWaking => "the service is waking; apply again when it runs, or with `--wake`",
        RejectionKind::ServiceStopped => STOPPED_HINT,
        RejectionKind::NeedsPause => {
            "this edit needs a paused pipe: declare `state: stopped`, apply, then edit it and \
             declare `state: running`"
        }
        RejectionKind::RateLimited => {
            "another process uses the same key; give this one a key of its own or a lower \
             `--rate-limit`"
        }
        RejectionKind::ServerError if !rejected.method.is_write() => "the API is in trouble; try again later",
        RejectionKind::ServerError => "the API is in trouble; plan again to see what was carried out",
        RejectionKind::NotFound => {
            return hint_by_message(&rejected.message).or(Some(not_found_hint(rejected.method)));
        }
        RejectionKind::InvalidRequest | RejectionKind::AlreadyRunning => {
            return hint_by_message(&rejected.message);
        }
    })
}

/// Whether the API turned an object down because a table that it is to write holds rows.
pub(super) fn is_about_rows(rejected: &RejectedRequest) -> bool {
    let text = rejected.message.to_lowercase();
    rejected.kind == RejectionKind::InvalidRequest && NOT_EMPTY_PHRASES.iter().any(|words| text.contains(words))
}

fn blocking_tables_hint(tables: &[String]) -> String {
    format!(
        "its tables must hold no rows: drop or rename those that do (`{}`), then apply again",
        blocking_tables::drop_statements(tables)
    )
}

fn unready_endpoints_hint(unready: &[String]) -> String {
    format!(
        "it uses {}: once somebody has accepted the connection on the account of the source, and \
         the endpoint is `Ready`, apply again",
        unready.join(" and ")
    )
}

fn not_found_hint(method: Method) -> &'static str {
    match method {
        Method::Get | Method::Post => "check the ids of the organization and of the service",
        Method::Put | Method::Patch | Method::Delete => "it may have been deleted meanwhile; plan again",
    }
}

const IDLE_HINT: &str = "the service sleeps; apply with `--wake` to have it woken first";

const STOPPED_HINT: &str = "the service was stopped on purpose and is not started from here; start it, \
                       then apply again";

const JWT_HINT: &str = "use an API key: a login token may only read";

/// The API gives no codes for these, so its words have to do.
fn hint_by_message(message: &str) -> Option<&'static str> {
    let text = message.to_lowercase();
    let known = HINTS_BY_PHRASE.iter().find(|(words, _)| words.iter().any(|word| text.contains(word)));
    known.map(|(_, hint)| *hint)
}

const NOT_EMPTY_PHRASES: &[&str] = &["not empty"];

const HINTS_BY_PHRASE: [(&[&str], &str); 8] = [
    (&["jwt authentication"], JWT_HINT),
    (&["current state:"], "the service is not running yet; apply again when it does"),
    (
        &["not enough privileges"],
        "grant the missing privileges to the destination roles; a ClickHouse user may have been \
         left behind by this try: drop it if nothing uses it",
    ),
    (
        NOT_EMPTY_PHRASES,
        "the destination table holds rows, perhaps of a deleted pipe: drop or empty it, or write \
         to another table",
    ),
    (&["ingestion for pipe"], "database pipes have no settings of this kind; they stand below `source`"),
    (
        &["authentication failed", "failed permissions validation", "password is required"],
        "the source does not accept the credentials that it sees; send them along with \
         `--resend-secrets`, and check them at the source",
    ),
    (
        &["assumerole", "is not authorized", "unable to access", "failed to access"],
        "the role or key lacks permissions on the source, or does not trust ClickHouse Cloud",
    ),
    (
        &[
            "does not exist",
            "no such host",
            "dial tcp",
            "failed to establish connection",
            "context deadline",
            "not in valid pem format",
            "does not support",
        ],
        "the API checks the source while it creates a pipe: check its address, its firewall \
         against the API's addresses, and its certificates",
    ),
];

fn unexpected_hint(unexpected: &UnexpectedResponse) -> Option<&'static str> {
    match unexpected.status {
        504 if unexpected.method.is_write() => Some(
            "a gateway gave up before the API did; the request may still be carried out: plan \
             again in a minute",
        ),
        500..=599 => Some("a gateway in front of the API is in trouble; try again later"),
        300..=399 => Some("redirects are not followed; check the API's URL"),
        200..=299 => Some("something between here and the API answers for it; check the API's URL"),
        407 => Some("a proxy wants a login"),
        _ => None,
    }
}
