//! What the API says: the key, the organization, the services, the limit.

use std::time::Duration;

use model::address::ServiceRef;
use model::live::{Live, State};
use remote::{Entry, Error, Settings};

use super::local::Local;
use super::{Finding, Findings};
use crate::cli::ConnectArgs;
use crate::render::diagnostics::plural;
use crate::render::status::asleep;
use crate::session::{Manner, Sight, lookup};
use crate::{credentials, environment};

/// What does not answer for so long is not there.
const PATIENCE: Duration = Duration::from_secs(20);

/// In more services than this pipes are not counted: it would take long.
const MANY: usize = 8;

pub(super) async fn check(connect: &ConnectArgs, local: Local, found: &mut Findings) {
    let connect = ConnectArgs { timeout: connect.timeout.min(PATIENCE), ..connect.clone() };
    if connect.sandbox.is_some() {
        found.add(Finding::ok("api", "the sandbox inside the process; no key is used"));
        return services(&connect, local, found).await;
    }
    address(&connect, found);
    let Some(id) = key(&local, found) else { return };
    if organization(&connect, &local, found).await.is_some() {
        services(&connect, local, found).await;
    }
    found.hide(&id);
}

fn address(connect: &ConnectArgs, found: &mut Findings) {
    let (from, url) = lookup::api_url(connect);
    found.add(Finding::ok("api", format!("{url} (from {from})")));
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    if let Some((name, proxy)) = environment::first(&names) {
        let host = proxy.rsplit_once('@').map_or(proxy.as_str(), |(_, host)| host);
        let host = host.rsplit_once("://").map_or(host, |(_, host)| host);
        found.add(Finding::ok("proxy", format!("{host} (from {name})")));
    }
}

/// The id of the key, which is shown by its end alone.
fn key(local: &Local, found: &mut Findings) -> Option<String> {
    match credentials::named(local.chosen.credentials.as_ref()) {
        Ok((name, key)) => {
            let what = format!("{} (from {name}, with its secret)", masked(&key.key));
            found.add(Finding::ok("key", what));
            Some(key.key)
        }
        Err(error) => {
            let fix = "set CLICKHOUSE_CLOUD_API_KEY and CLICKHOUSE_CLOUD_API_SECRET, or both of \
                       CLICKHOUSE_TOKEN_KEY and _SECRET, or of KEY_ID and KEY_SECRET: the two are \
                       always taken from one pair";
            found.add(Finding::bad("key", error.to_string(), Some(fix.to_owned())));
            found.refused = true;
            None
        }
    }
}

/// The last four characters, where that does not give away most of it.
pub(super) fn masked(id: &str) -> String {
    let length = id.chars().count();
    let shown: String = id.chars().skip(length.saturating_sub(4)).collect();
    if length < 8 { "…".to_owned() } else { format!("…{shown}") }
}

/// Asks which organization the key belongs to: the smallest question that needs a key.
async fn organization(connect: &ConnectArgs, local: &Local, found: &mut Findings) -> Option<()> {
    const CHECK: &str = "organization";
    let settings = Settings { timeout: connect.timeout, ..Settings::default() };
    let directory = match lookup::reach(connect, &local.chosen, settings) {
        Ok(directory) => directory,
        Err(error) => {
            let fix = "see `--api-url` and the system's CA certificates".to_owned();
            found.add(Finding::bad("reach", format!("{error:#}"), Some(fix)));
            return None;
        }
    };
    let known = match directory.organizations().await {
        Ok(known) => known,
        Err(error) => {
            failed("reach", &error, found);
            return None;
        }
    };
    found.add(Finding::ok("reach", "the API answers, and knows the key"));
    match lookup::organization(connect, &local.chosen, &directory).await {
        Ok(id) => belongs(&id, &known, found),
        Err(error) => {
            found.add(Finding::bad(CHECK, format!("{error:#}"), None));
            None
        }
    }
}

/// Whether the organization is one of the key's.
fn belongs(id: &str, known: &[Entry], found: &mut Findings) -> Option<()> {
    const CHECK: &str = "organization";
    if let Some(entry) = known.iter().find(|entry| entry.id == id) {
        found.add(Finding::ok(CHECK, format!("{} ({id})", entry.name)));
        return Some(());
    }
    let names: Vec<String> = known.iter().map(|it| format!("{} ({})", it.id, it.name)).collect();
    let what = format!("the key does not belong to {id}, but to: {}", names.join(", "));
    let fix = "use a key of that organization, or name another with --organization";
    found.add(Finding::bad(CHECK, what, Some(fix.to_owned())));
    None
}

async fn services(connect: &ConnectArgs, local: Local, found: &mut Findings) {
    let Local { chosen, declared } = local;
    let sight = match Sight::open(chosen, declared, connect, Manner::default()).await {
        Ok(sight) => sight,
        Err(error) => {
            match error.downcast_ref::<Error>() {
                Some(error) => failed("services", error, found),
                None => found.add(Finding::bad("services", format!("{error:#}"), None)),
            }
            return;
        }
    };
    if sight.services.len() > MANY {
        for (service, state) in &sight.services {
            found.add(doing(service, state.as_ref(), None));
        }
    } else {
        for (service, answer) in sight.look().await {
            let state = sight.services.get(&service).and_then(Option::as_ref);
            match answer {
                Ok(live) => found.add(doing(&service, state, Some(&live))),
                Err(error) => {
                    let said = format!("{service}: {error}");
                    found.refused |= error.is_auth();
                    found.add(Finding::bad("service", said, fix(&error)));
                }
            }
        }
    }
    rate(&sight, found);
}

fn doing(service: &ServiceRef, state: Option<&State>, live: Option<&Live>) -> Finding {
    let objects = live.map(|live| live.values().map(|observed| observed.objects.len()).sum());
    let pipes = objects.map(|count: usize| format!(", {}", plural(count, "object")));
    let state = state.map(State::as_str).filter(|state| !state.is_empty()).unwrap_or("seen");
    let what = format!("{service}: {state}{}", pipes.unwrap_or_default());
    match (state, asleep(state)) {
        (_, Some(means)) => Finding::warn("service", what, means),
        ("failed" | "terminated" | "terminating" | "softdeleted" | "softdeleting", None) => {
            Finding::bad("service", what, Some("look at it in the console".to_owned()))
        }
        ("degraded", None) => Finding::warn("service", what, "look at it in the console"),
        _ => Finding::ok("service", what),
    }
}

fn rate(sight: &Sight, found: &mut Findings) {
    let requests = sight.remote().requests();
    let limit = sight.rate().map_or("off".to_owned(), |rate| {
        format!("{} requests in {}", rate.requests, humantime::format_duration(rate.per))
    });
    let what = format!("{limit}; {} sent, {} refused", requests.sent, requests.throttled);
    found.add(if requests.throttled == 0 {
        Finding::ok("rate limit", what)
    } else {
        let fix = "another process uses the same key; give this one a key of its own, or a lower \
                   `--rate-limit`";
        Finding::warn("rate limit", what, fix)
    });
}

fn failed(check: &'static str, error: &Error, found: &mut Findings) {
    found.refused |= error.is_auth();
    found.add(Finding::bad(check, error.to_string(), fix(error)));
}

fn fix(error: &Error) -> Option<String> {
    match error {
        Error::Transport { reason, .. } => trouble(reason).map(str::to_owned),
        _ => None,
    }
    .or_else(|| error.hint())
}

/// What a network's words mean. Libraries and systems give no codes for these.
fn trouble(reason: &str) -> Option<&'static str> {
    let reason = reason.to_lowercase();
    let known = TROUBLES.iter().find(|(words, _)| words.iter().any(|word| reason.contains(word)));
    known.map(|(_, fix)| *fix)
}

const TROUBLES: [(&[&str], &str); 5] = [
    (
        &["certificate", "unknownissuer", "tls", "handshake"],
        "TLS: where a proxy opens the connection, add its CA to the system's (or `SSL_CERT_FILE`); \
         also check the clock",
    ),
    (
        &["dns error", "failed to lookup", "name or service not known", "name resolution"],
        "the host has no address here: check the URL for a typo, the DNS of this machine, and \
         whether a proxy must be set (`HTTPS_PROXY`)",
    ),
    (
        &["tunnel", "proxy"],
        "the proxy does not let it through: check `HTTPS_PROXY`, and `NO_PROXY`",
    ),
    (
        &["connection refused"],
        "nothing listens there: check the port of the URL; for the sandbox, that `pipectl sandbox` \
         runs",
    ),
    (
        &["timed out", "deadline", "unreachable"],
        "a firewall may drop what is sent: check that this machine may reach the host on its port",
    ),
];

#[cfg(test)]
mod tests {
    use super::{masked, trouble};

    #[test]
    fn a_key_is_told_by_its_end() {
        assert_eq!(masked("abcdefghij"), "…ghij");
        assert_eq!(masked("abcdefg"), "…");
        assert_eq!(masked(""), "…");
    }

    #[test]
    fn the_trouble_of_a_network_is_explained() {
        let starts = |reason: &str| trouble(reason).map(|fix| fix.split(' ').next().unwrap_or(""));
        for (reason, begins) in [
            ("client error (Connect): invalid peer certificate: UnknownIssuer", Some("TLS:")),
            ("client error (Connect): dns error: failed to lookup address", Some("the")),
            ("client error (Connect): unsuccessful tunnel", Some("the")),
            ("tcp connect error: Connection refused (os error 111)", Some("nothing")),
            ("operation timed out", Some("a")),
            ("something else", None),
        ] {
            assert_eq!(starts(reason), begins, "{reason}");
        }
    }
}
