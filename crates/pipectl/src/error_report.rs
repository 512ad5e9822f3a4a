//! The single form in which API errors are reported, and the only place with the text of their remedies.

use clickpipes::blocking_tables;
use remote::{Error, Hint, RejectionCause, UnreadyEndpoint};
use serde::Serialize;

use crate::error_code;

/// An error with its remedy. It contains no secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorReport {
    /// What kind of error it is, for programs.
    pub code: &'static str,
    pub message: String,
    /// The remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The API's id of the request, for its support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Whether the API rejects the key.
    pub auth: bool,
    /// Whether the live objects changed since the plan.
    #[serde(skip)]
    pub is_stale: bool,
    /// Whether a safety rule blocks the object now.
    #[serde(skip)]
    pub is_blocked: bool,
}

impl From<&Error> for ErrorReport {
    fn from(error: &Error) -> Self {
        Self {
            code: error_code::api_error_code(error),
            message: error.to_string(),
            hint: hint_for(error),
            request_id: error.request_id().map(str::to_owned),
            auth: error.is_auth_error(),
            is_stale: error.is_stale(),
            is_blocked: false,
        }
    }
}

impl From<&anyhow::Error> for ErrorReport {
    fn from(error: &anyhow::Error) -> Self {
        let message = format!("{error:#}");
        match error.downcast_ref::<Error>() {
            Some(remote) => Self { message, ..Self::from(remote) },
            None => Self::new(error_code::OTHER, &message),
        }
    }
}

impl From<&clap::Error> for ErrorReport {
    /// clap prints `error: MESSAGE`, tips, and the usage.
    fn from(error: &clap::Error) -> Self {
        let text = error.to_string();
        let mut paragraphs = text.split("\n\n");
        let message = paragraphs.next().unwrap_or_default();
        let message = message.strip_prefix("error: ").unwrap_or(message);
        let tips = text.lines().filter_map(|line| line.trim_start().strip_prefix("tip: "));
        let hint = tips.collect::<Vec<_>>().join("; ");
        Self { hint: Some(hint).filter(|hint| !hint.is_empty()), ..Self::new(error_code::USAGE, message) }
    }
}

impl ErrorReport {
    /// An error that is not related to the API.
    pub fn new(code: &'static str, message: &str) -> Self {
        Self {
            code,
            message: message.to_owned(),
            hint: None,
            request_id: None,
            auth: false,
            is_stale: false,
            is_blocked: false,
        }
    }
}

/// The remedy in words, where one is known.
pub fn hint_for(error: &Error) -> Option<String> {
    error.hint().as_ref().map(hint_text)
}

fn hint_text(hint: &Hint) -> String {
    let text = match hint {
        Hint::TablesNotEmpty(tables) => return tables_not_empty_text(tables),
        Hint::EndpointsNotReady(endpoints) => return endpoints_not_ready_text(endpoints),
        Hint::Rejection(cause) => rejection_text(*cause),
        Hint::CertificateNotTrusted => {
            "nothing was sent; if a proxy intercepts TLS, add its CA to the system's (or `SSL_CERT_FILE`); also check the \
             clock"
        }
        Hint::ApiUnreachable => "nothing was sent; check the API's URL, the network and the proxy",
        Hint::ReadUnanswered => "nothing was changed; check the network and the proxy, and try again",
        Hint::WriteUnanswered => "the request may have been carried out; plan again to see what is live",
        Hint::EarlierAttemptUnanswered => {
            "an earlier attempt of this request failed without a clear answer and may have been carried out; plan again"
        }
        Hint::CreateUnanswered => {
            "the object may still appear; apply again in a minute: pipectl then adopts it instead of creating a second one"
        }
        Hint::DuplicateObjects => "delete all but one, or choose one with `metadata.id`, then plan again",
        Hint::OtherObjectFound => "nothing was sent to that object; plan again: the plan compares it with the manifest",
        Hint::RunTimeOver => "plan again, or allow more time with `--timeout`",
        Hint::NoTimeToReplace => "nothing was deleted; allow more time with `--timeout`",
        Hint::StopsAfterLoad => {
            "the API stops it only when its load is done: apply again then, or allow more time with `--timeout`"
        }
        Hint::StillInProgress => "it may still finish; plan again later, or allow more time with `--timeout`",
        Hint::ScalingNeedsDatabasePipe => {
            "CDC scaling exists only in a service with a database pipe: apply again when one is live, or remove this manifest until then"
        }
        Hint::ServiceIdle | Hint::ServiceWaking | Hint::ServiceStopped | Hint::ServiceNotRunning => service_text(hint),
        Hint::CreatedConcurrently => "no second one was created; plan again",
        Hint::PlatformError => "the platform failed; contact ClickHouse support with the id of the pipe",
        Hint::ConnectionRejected => "the owner of the source rejected the connection",
        Hint::ConnectionExpired => "nobody accepted the connection in time; delete it and create it again",
        Hint::ObjectFailed => "the console shows the reason; correct the manifest and apply again",
        Hint::SecretMissing => "nothing was sent; provide the secret and run the command again",
        Hint::EndpointUndeclared => "declare it as a ReversePrivateEndpoint, or refer to it by its id",
        Hint::EndpointWithoutDnsName => {
            "nothing was sent; apply again later, or write the host itself; only an `MSK_MULTI_VPC` endpoint has brokers, and \
             their ports, from `firstPort` on, end at 65535"
        }
        Hint::EndpointAmbiguous => "refer to one of them by its id",
        Hint::ServiceUnknown => "set its id in the project file, or check its name in the organization",
        Hint::KeyRejected => "check that the id and the secret of the key belong together and have not expired",
        Hint::KeyForbidden => {
            "the role of the key does not allow this; every request about ClickPipes, a read too, needs the permission \
             `control-plane:service:manage-clickpipes`: give the key a role that has it"
        }
        Hint::EditNeedsPause => {
            "this edit needs a paused pipe: set `state: stopped`, apply, then edit it and set `state: running`"
        }
        Hint::EditOfFinishedPipe => {
            "a completed pipe cannot be paused for this edit: declare another pipe for a new table, or delete this one \
             (`state: absent`), apply, and declare it again"
        }
        Hint::RateLimited => {
            "another process uses the same key; use a key of its own for this one, or a lower `--rate-limit`"
        }
        Hint::ApiFailedToRead => "the API failed; try again later",
        Hint::ApiFailedToWrite => "the API failed; plan again to see what was carried out",
        Hint::WrongIds => "check the ids of the organization and of the service",
        Hint::ObjectGone => "somebody may have deleted it; plan again",
        Hint::GatewayTimeout | Hint::GatewayError | Hint::Redirected | Hint::NotTheApi | Hint::ProxyLogin => {
            between_text(hint)
        }
    };
    text.to_owned()
}

fn service_text(hint: &Hint) -> &'static str {
    match hint {
        Hint::ServiceIdle => "the service is idle; `--wake` wakes it first",
        Hint::ServiceWaking => "the service is starting; try again when it runs, or pass `--wake` to wait for it",
        Hint::ServiceStopped => {
            "somebody stopped the service, and pipectl does not start it; start it, then apply again"
        }
        _ => "check the service in the console, and apply again when it runs",
    }
}

/// The remedy for an error of something between pipectl and the API.
fn between_text(hint: &Hint) -> &'static str {
    match hint {
        Hint::GatewayTimeout => {
            "a gateway gave up before the API answered; the request may still be carried out: plan again in a minute"
        }
        Hint::GatewayError => "a gateway in front of the API failed; try again later",
        Hint::Redirected => "pipectl does not follow redirects; check the API's URL",
        Hint::ProxyLogin => "the proxy requires a login",
        _ => "something other than the API answered; check the API's URL",
    }
}

fn tables_not_empty_text(tables: &[String]) -> String {
    let drop = blocking_tables::drop_statements(tables);
    format!("the destination tables must be empty: drop or rename those with rows (`{drop}`), then apply again")
}

fn endpoints_not_ready_text(endpoints: &[UnreadyEndpoint]) -> String {
    let label = |it: &UnreadyEndpoint| format!("`{}`, which is `{}`", it.name, it.state);
    let endpoints: Vec<String> = endpoints.iter().map(label).collect();
    format!(
        "the pipe uses {}: accept the connection in the account of the source, wait until the endpoint is `Ready`, and \
         apply again",
        endpoints.join(" and ")
    )
}

fn rejection_text(cause: RejectionCause) -> &'static str {
    match cause {
        RejectionCause::LoginToken => "use an API key: a login token can only read",
        RejectionCause::ServiceNotReady => "the service is not running yet; apply again when it does",
        RejectionCause::MissingPrivileges => {
            "grant the missing privileges to the destination roles; this attempt may have left a ClickHouse user behind: \
             drop it if nothing uses it"
        }
        RejectionCause::TableNotEmpty => {
            "the destination table contains rows, perhaps of a deleted pipe: drop or empty it, or write to another table"
        }
        RejectionCause::NoSuchSettings => "database pipes have no such settings; theirs are below `source`",
        RejectionCause::SourceCredentials => {
            "the API checks a changed connection with the credentials of the same request: declare `credentials` if the \
             manifest has none; otherwise check their values, and send them again with `--resend-secrets`"
        }
        RejectionCause::SourcePermissions => {
            "the role or key lacks permissions on the source, or does not trust ClickHouse Cloud"
        }
        RejectionCause::SourceCertificate => {
            "the API does not trust the certificate of the source: declare its CA in `caCertificate`, or, if the \
             certificate is for another name, that name in `tlsHost`"
        }
        RejectionCause::SourceNeedsTls => "the source accepts only TLS: remove `disableTls: true`",
        RejectionCause::SourceUnreachable => {
            "the API connects to the source when it creates a pipe: check its address, its certificates, and that its \
             firewall admits the API's addresses"
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use model::address::Name;
    use model::live::State;

    use super::{Hint, RejectionCause, UnreadyEndpoint, hint_text};
    use crate::cli::Cli;

    /// Reads this file, so that a hint which is added later is covered, too.
    #[test]
    fn flags_in_hints_exist() {
        let command = Cli::command();
        let names = |command: &clap::Command| -> Vec<String> {
            command.get_arguments().filter_map(|it| it.get_long().map(str::to_owned)).collect()
        };
        let known: Vec<String> = command.get_subcommands().chain([&command]).flat_map(names).collect();
        let (wording, _tests) = include_str!("error_report.rs").split_once("#[cfg(test)]").unwrap();
        let flags: Vec<&str> = wording.split('`').filter_map(|word| word.strip_prefix("--")).collect();
        assert!(flags.len() >= 5, "{flags:?}");
        for flag in flags {
            assert!(known.iter().any(|name| name == flag), "--{flag}");
        }
    }

    #[test]
    fn hints_with_data_name_tables_and_endpoints() {
        let tables = Hint::TablesNotEmpty(vec!["default.users".to_owned(), "default.orders".to_owned()]);
        insta::assert_snapshot!(hint_text(&tables), @"the destination tables must be empty: drop or rename those with rows (`DROP TABLE default.users; DROP TABLE default.orders;`), then apply again");
        let endpoint = |name: &str, state: &str| UnreadyEndpoint { name: Name::new(name), state: State::new(state) };
        let endpoints =
            Hint::EndpointsNotReady(vec![endpoint("kafka", "PendingAcceptance"), endpoint("msk", "Provisioning")]);
        insta::assert_snapshot!(hint_text(&endpoints), @"the pipe uses `kafka`, which is `PendingAcceptance` and `msk`, which is `Provisioning`: accept the connection in the account of the source, wait until the endpoint is `Ready`, and apply again");
        insta::assert_snapshot!(hint_text(&Hint::Rejection(RejectionCause::LoginToken)), @"use an API key: a login token can only read");
    }
}
