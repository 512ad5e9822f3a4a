//! Checks of the API: the key, the organization, the services, the limit.

use std::time::Duration;

use clickpipes::service_context;
use model::address::{Kind, ServiceRef};
use model::live::{Live, State};
use remote::{Error, LookupEntry, RemoteSettings};

use super::DoctorFindings;
use super::local::LocalChecks;
use crate::connection::{self, AccessMode, ConnectOptions};
use crate::diagnostics::pluralize;
use crate::error_report::hint_for;
use crate::render::status::explain_service_state;
use crate::run_redaction::run_redaction;
use crate::session::{LiveView, SizeRead};
use crate::{credentials, env_vars};

/// A server that takes longer counts as unreachable.
const CHECK_TIMEOUT: Duration = Duration::from_secs(20);

/// In more services than this pipes are not counted: it would take long.
const MAX_COUNTED: usize = 8;

pub(super) async fn check_api(connect: &ConnectOptions, local: LocalChecks, findings: &mut DoctorFindings) {
    let connect = ConnectOptions { timeout: connect.timeout.at_most(CHECK_TIMEOUT), ..connect.clone() };
    if connect.sandbox.is_some() {
        findings.ok("api", "the sandbox inside the process; no key is used");
        return check_services(&connect, local, findings).await;
    }
    check_address(&connect, findings);
    let Some(ids) = check_keys(&local, findings) else { return };
    if check_organization(&connect, &local, findings).await.is_some() {
        check_services(&connect, local, findings).await;
    }
    for id in &ids {
        findings.redact_key(id);
    }
}

fn check_address(connect: &ConnectOptions, findings: &mut DoctorFindings) {
    let (from, url) = connect.api_url();
    findings.ok("api", format!("{} (from {from})", without_credentials(&url)));
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    if let Some((name, proxy)) = env_vars::first_set_variable(&names) {
        let host = proxy.rsplit_once('@').map_or(proxy.as_str(), |(_, host)| host);
        let host = host.rsplit_once("://").map_or(host, |(_, host)| host);
        findings.ok("proxy", format!("{host} (from {name})"));
    }
}

/// A URL without user, query and fragment: each may contain a password or a token.
fn without_credentials(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host)),
        None => url.rsplit_once('@').map_or(url, |(_, host)| host).to_owned(),
    }
}

/// Checks the keys. Returns their ids, of which only the last characters are shown.
fn check_keys(local: &LocalChecks, findings: &mut DoctorFindings) -> Option<Vec<String>> {
    match credentials::find_credentials(local.project.credentials.as_ref()) {
        Ok(keys) => {
            for key in &keys {
                let what = format!("{} (from {}, with its secret)", redact_key_id(&key.key_id), key.variable);
                findings.ok("key", what);
            }
            Some(keys.into_iter().map(|key| key.key_id).collect())
        }
        Err(error) => {
            let fix = if local.project.credentials.is_some() {
                "set both variables: this environment has `credentials`, so no other key is used"
            } else {
                "set CLICKHOUSE_CLOUD_API_KEY and CLICKHOUSE_CLOUD_API_SECRET, or both of CLICKHOUSE_TOKEN_KEY and \
                 _SECRET, or of KEY_ID and KEY_SECRET: the two are always taken from one pair"
            };
            findings.bad("key", error.to_string(), Some(fix.to_owned()));
            findings.is_key_refused = true;
            None
        }
    }
}

/// The last four characters, where that does not give away most of it.
pub(super) fn redact_key_id(id: &str) -> String {
    let length = id.chars().count();
    let ending: String = id.chars().skip(length.saturating_sub(4)).collect();
    if length < 8 { "…".to_owned() } else { format!("…{ending}") }
}

/// Asks which organization the key belongs to: the smallest question that needs a key.
async fn check_organization(
    connect: &ConnectOptions,
    local: &LocalChecks,
    findings: &mut DoctorFindings,
) -> Option<()> {
    const CHECK: &str = "organization";
    let redaction = run_redaction().clone();
    let settings = RemoteSettings { timeout: connect.timeout.limit(), redaction, ..RemoteSettings::default() };
    let directory = match connection::connect_api(connect, &local.project, settings) {
        Ok((directory, _)) => directory,
        Err(error) => {
            let fix = "see `--api-url` and the system's CA certificates".to_owned();
            findings.bad("reach", format!("{error:#}"), Some(fix));
            return None;
        }
    };
    let known = match directory.list_organizations().await {
        Ok(known) => Some(known),
        Err(error) if error.is_not_offered() => None,
        Err(error) => {
            add_failure("reach", &error, findings);
            return None;
        }
    };
    let what = match &known {
        Some(_) => "the API answers and accepts the key",
        None => "a server answers, but does not list organizations",
    };
    findings.ok("reach", what);
    match (connection::resolve_organization(connect, &local.project, &directory).await, known) {
        (Ok(id), Some(known)) => check_membership(&id, &known, findings),
        (Ok(id), None) => {
            findings.ok(CHECK, id);
            Some(())
        }
        (Err(error), _) => {
            findings.bad(CHECK, format!("{error:#}"), None);
            None
        }
    }
}

/// Whether the organization belongs to the key.
fn check_membership(id: &str, known: &[LookupEntry], findings: &mut DoctorFindings) -> Option<()> {
    const CHECK: &str = "organization";
    if let Some(entry) = known.iter().find(|entry| entry.id == id) {
        findings.ok(CHECK, format!("{} ({id})", entry.name));
        return Some(());
    }
    let names: Vec<String> = known.iter().map(|it| format!("{} ({})", it.id, it.name)).collect();
    let what = format!("the key does not belong to {id}, but to: {}", names.join(", "));
    let fix = "use a key of that organization, or name another with --organization";
    findings.bad(CHECK, what, Some(fix.to_owned()));
    None
}

async fn check_services(connect: &ConnectOptions, local: LocalChecks, findings: &mut DoctorFindings) {
    let LocalChecks { project, declared } = local;
    let declares_nothing = declared.as_ref().is_none_or(|declared| declared.manifests.is_empty());
    let view = match LiveView::open_view(&project, declared, connect, AccessMode::default()).await {
        Ok(view) => view,
        Err(error) => {
            match error.downcast_ref::<Error>() {
                Some(error) if error.is_not_offered() => {
                    let (what, fix) = ("the API does not list services", "name each service by its id");
                    if declares_nothing {
                        findings.warn("services", what, fix);
                    } else {
                        findings.bad("services", what, Some(fix.to_owned()));
                    }
                }
                Some(error) => add_failure("services", error, findings),
                None => findings.bad("services", format!("{error:#}"), None),
            }
            return;
        }
    };
    if !view.service_states.is_empty() && view.service_states.values().all(Option::is_none) {
        let what = "the API does not list services, or not for this key: their states are unknown";
        findings.ok("services", what);
    }
    if view.service_states.len() > MAX_COUNTED {
        for (service, state) in &view.service_states {
            add_service(service, state.as_ref(), None, findings);
        }
    } else {
        for (service, answer) in view.list_by_service(&[Kind::ClickPipe], SizeRead::Optional).await {
            let state = view.service_states.get(&service).and_then(Option::as_ref);
            match answer {
                Ok(live) => {
                    add_service(&service, state, Some(&live), findings);
                    check_identity(&view, &service, findings).await;
                }
                Err(error) => {
                    let what = format!("{service}: {error}");
                    findings.is_key_refused |= error.is_auth_error();
                    findings.bad("service", what, fix_for_error(&error));
                }
            }
        }
    }
    check_rate_limit(&view, findings);
}

/// The principal to grant access at Google Cloud, for pipes without a key. Services elsewhere have none.
async fn check_identity(view: &LiveView, service: &ServiceRef, findings: &mut DoctorFindings) {
    let Ok(context) = view.connection.remote.read_service_context(service).await else { return };
    if context.is_none() {
        let what = format!("{service}: the API returns no Google Cloud identity");
        return findings.ok("identity", what);
    }
    let Some(identity) = context.as_ref().and_then(service_context::workload_identity) else { return };
    match identity.principal {
        Some(principal) if identity.is_ready => {
            findings
                .ok("identity", format!("{service}: pipes with workload identity act as {principal} at Google Cloud"));
        }
        _ => {
            let what = format!("{service}: the Google Cloud identity is not ready");
            let fix = "needed only for `SERVICE_ACCOUNT_WORKLOAD_IDENTITY`; check again later";
            findings.warn("identity", what, fix);
        }
    }
}

fn add_service(service: &ServiceRef, state: Option<&State>, live: Option<&Live>, findings: &mut DoctorFindings) {
    let objects = live.map(|live| live.values().map(|observed| observed.objects.len()).sum());
    let pipes = objects.map(|count: usize| format!(", {}", pluralize(count, "object")));
    let state = state.map(State::as_str).filter(|state| !state.is_empty()).unwrap_or("seen");
    let what = format!("{service}: {state}{}", pipes.unwrap_or_default());
    match (state, explain_service_state(state)) {
        (_, Some(means)) => findings.warn("service", what, means),
        ("failed" | "terminated" | "terminating" | "softdeleted" | "softdeleting", None) => {
            findings.bad("service", what, Some("check it in the console".to_owned()));
        }
        ("degraded", None) => findings.warn("service", what, "check it in the console"),
        _ => findings.ok("service", what),
    }
}

fn check_rate_limit(view: &LiveView, findings: &mut DoctorFindings) {
    let requests = view.connection.remote.request_counts();
    let limit = view.connection.rate.map_or("off".to_owned(), |rate| {
        format!("{} requests in {}", rate.requests, humantime::format_duration(rate.window))
    });
    let what = format!("{limit}; {} sent, {} refused", requests.sent, requests.throttled);
    if requests.throttled == 0 {
        findings.ok("rate limit", what);
    } else {
        let fix = "another process uses the same key; give this one a key of its own, or a lower \
                   `--rate-limit`";
        findings.warn("rate limit", what, fix);
    }
}

fn add_failure(check: &'static str, error: &Error, findings: &mut DoctorFindings) {
    findings.is_key_refused |= error.is_auth_error();
    findings.bad(check, error.to_string(), fix_for_error(error));
}

fn fix_for_error(error: &Error) -> Option<String> {
    match error {
        Error::Transport { reason, .. } => network_fix(reason).map(str::to_owned),
        _ => None,
    }
    .or_else(|| hint_for(error))
}

/// The fix for a network error. Libraries and systems give no codes for these, so the text decides.
fn network_fix(reason: &str) -> Option<&'static str> {
    let reason = reason.to_lowercase();
    let known = NETWORK_FIXES.iter().find(|(words, _)| words.iter().any(|word| reason.contains(word)));
    known.map(|(_, fix)| *fix)
}

const NETWORK_FIXES: [(&[&str], &str); 5] = [
    (
        &["certificate", "unknownissuer", "tls", "handshake"],
        "TLS: where a proxy opens the connection, add its CA to the system's (or `SSL_CERT_FILE`); \
         also check the clock",
    ),
    (
        &["dns error", "failed to lookup", "name or service not known", "name resolution"],
        "the host name does not resolve: check the URL for a typo, the DNS of this machine, and \
         whether a proxy must be set (`HTTPS_PROXY`)",
    ),
    (&["tunnel", "proxy"], "the proxy does not let it through: check `HTTPS_PROXY`, and `NO_PROXY`"),
    (
        &["connection refused"],
        "nothing listens there: check the port of the URL; for the sandbox, that `pipectl sandbox` \
         runs",
    ),
    (
        &["timed out", "deadline", "unreachable"],
        "a firewall may drop the packets: check that this machine can reach the host on its port",
    ),
];

#[cfg(test)]
mod tests {
    use super::{network_fix, redact_key_id};

    #[test]
    fn api_key_is_masked_except_its_end() {
        assert_eq!(redact_key_id("abcdefghij"), "…ghij");
        assert_eq!(redact_key_id("abcdefg"), "…");
        assert_eq!(redact_key_id(""), "…");
    }

    #[test]
    fn network_errors_get_an_explanation() {
        let starts = |reason: &str| network_fix(reason).map(|fix| fix.split(' ').next().unwrap_or(""));
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
