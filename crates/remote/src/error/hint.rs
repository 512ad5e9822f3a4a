//! The remedy, for what is known to have one.

use model::address::Kind;
use model::leftover;

use super::{Error, Rejected, Rejection, Unexpected};
use crate::transport::Method;

pub(super) fn hint(error: &Error) -> Option<String> {
    let text = match error {
        Error::Rejected(rejected) if !rejected.in_the_way.is_empty() => {
            return Some(rows(&rejected.in_the_way));
        }
        Error::Rejected(rejected) if !rejected.unready.is_empty() => {
            return Some(endpoints(&rejected.unready));
        }
        Error::Rejected(rejected) => return rejected_hint(rejected).map(str::to_owned),
        Error::Unexpected(unexpected) => return unexpected_hint(unexpected).map(str::to_owned),
        Error::Untrusted { .. } => {
            "nothing was sent; where a proxy opens the connection, add its CA to the system's (or \
             `SSL_CERT_FILE`); also check the clock"
        }
        Error::Transport { sent: false, .. } => {
            "nothing was sent; check the API's URL, the network and the proxy"
        }
        Error::Transport { method, .. } if !method.writes() => {
            "it was only to read; check the network and the proxy, and try again"
        }
        Error::Transport { .. } => {
            "the request may have been carried out; plan again to see what is live"
        }
        Error::UnknownOutcome { .. } => {
            "the object may still appear; run again in a minute: an object of this name is then \
             adopted instead of being created twice"
        }
        Error::Twins { .. } => {
            "delete all but one, or choose one with `metadata.id`, then plan again"
        }
        Error::OutOfTime => "plan again, or allow more time with `--timeout`",
        Error::TooLate { .. } => "nothing was deleted; allow more time with `--timeout`",
        Error::NotWoken { cause, .. } => return hint(cause),
        Error::NotRunning { state } if state.as_str() == "idle" => IDLE,
        Error::Asleep { state, .. } | Error::NotRunning { state } => asleep(state.as_str()),
        Error::Appeared { .. } => "nothing was sent; plan again",
        Error::TimedOut { at, last: None, .. } if at.kind == Kind::CdcScaling => {
            "there is one only where a database pipe is: declare a pipe beside it, or take it out \
             until there is one"
        }
        Error::TimedOut { .. } => {
            "it may still arrive; plan again later, or allow more time with `--timeout`"
        }
        Error::Troubled { state, .. } => return Some(trouble(state.as_str()).to_owned()),
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
        | Error::Gone { .. }
        | Error::UnknownObject { .. }
        | Error::Unsupported { .. } => return None,
    };
    Some(text.to_owned())
}

fn asleep(state: &str) -> &'static str {
    match state {
        "stopped" | "stopping" => STOPPED,
        _ => "look at the service in the console, and apply again when it runs",
    }
}

fn trouble(state: &str) -> &'static str {
    match state {
        "InternalError" => "the platform itself is in trouble; ask its support, with the pipe's id",
        "Rejected" => "the owner of the source turned the connection down",
        "Expired" => "nobody accepted the connection in time; delete it and create it again",
        _ => "the console shows why; correct the manifest and apply again",
    }
}

fn rejected_hint(rejected: &Rejected) -> Option<&'static str> {
    Some(match rejected.kind {
        _ if rejected.repeated => {
            "an earlier try of this request got no answer and may have been carried out; plan again"
        }
        Rejection::Unauthenticated if rejected.message.contains("JWT authentication") => JWT,
        Rejection::Unauthenticated => {
            "check that the key's id and its secret belong together and have not expired"
        }
        Rejection::Forbidden => {
            "the key's role does not allow this; give it a role that may manage ClickPipes in \
             this organization"
        }
        Rejection::Idle => IDLE,
        Rejection::Waking => "the service is waking; apply again when it runs, or with `--wake`",
        Rejection::Stopped => STOPPED,
        Rejection::NeedsPause => {
            "this edit needs a paused pipe: declare `state: stopped`, apply, then edit it and \
             declare `state: running`"
        }
        Rejection::Throttled => {
            "another process uses the same key; give this one a key of its own or a lower \
             `--rate-limit`"
        }
        Rejection::Broken if !rejected.method.writes() => "the API is in trouble; try again later",
        Rejection::Broken => "the API is in trouble; plan again to see what was carried out",
        Rejection::NotFound => return phrase(&rejected.message).or(Some(missing(rejected.method))),
        Rejection::Invalid | Rejection::AlreadyRunning => return phrase(&rejected.message),
    })
}

/// Whether the API turned an object down because a table that it is to write holds rows.
pub(super) fn is_about_rows(rejected: &Rejected) -> bool {
    let text = rejected.message.to_lowercase();
    rejected.kind == Rejection::Invalid && ROWS.iter().any(|words| text.contains(words))
}

fn rows(tables: &[String]) -> String {
    format!(
        "its tables must hold no rows: drop or rename those that do (`{}`), then apply again",
        leftover::drops(tables)
    )
}

fn endpoints(unready: &[String]) -> String {
    format!(
        "it uses {}: once somebody has accepted the connection on the account of the source, and \
         the endpoint is `Ready`, apply again",
        unready.join(" and ")
    )
}

fn missing(method: Method) -> &'static str {
    match method {
        Method::Get | Method::Post => "check the ids of the organization and of the service",
        Method::Put | Method::Patch | Method::Delete => {
            "it may have been deleted meanwhile; plan again"
        }
    }
}

const IDLE: &str = "the service sleeps; apply with `--wake` to have it woken first";

const STOPPED: &str = "the service was stopped on purpose and is not started from here; start it, \
                       then apply again";

const JWT: &str = "use an API key: a login token may only read";

/// The API gives no codes for these, so its words have to do.
fn phrase(message: &str) -> Option<&'static str> {
    let text = message.to_lowercase();
    let known = PHRASES.iter().find(|(words, _)| words.iter().any(|word| text.contains(word)));
    known.map(|(_, hint)| *hint)
}

const ROWS: &[&str] = &["not empty"];

const PHRASES: [(&[&str], &str); 8] = [
    (&["jwt authentication"], JWT),
    (&["current state:"], "the service is not running yet; apply again when it does"),
    (
        &["not enough privileges"],
        "grant the missing privileges to the destination roles; a ClickHouse user may have been \
         left behind by this try: drop it if nothing uses it",
    ),
    (
        ROWS,
        "the destination table holds rows, perhaps of a deleted pipe: drop or empty it, or write \
         to another table",
    ),
    (
        &["ingestion for pipe"],
        "database pipes have no settings of this kind; they stand below `source`",
    ),
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

fn unexpected_hint(unexpected: &Unexpected) -> Option<&'static str> {
    match unexpected.status {
        504 if unexpected.method.writes() => Some(
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
