//! Stable codes of errors that end a command or the work on an object. docs/reports.md lists them.

use remote::Error;

/// The command line is wrong.
pub(crate) const USAGE: &str = "usage";
/// A signal ended it.
pub(crate) const INTERRUPTED: &str = "interrupted";
/// There is no API key.
pub(crate) const MISSING_KEY: &str = "missing-key";
pub(crate) const INVALID_MANIFESTS: &str = "invalid-manifests";
pub(crate) const INVALID_PROJECT: &str = "invalid-project";
pub(crate) const NO_MANIFESTS: &str = "no-manifests";
/// The API accepted the change, and it is not live as declared.
pub(crate) const NOT_APPLIED: &str = "not-applied";
/// An error without a code of its own.
pub(crate) const OTHER: &str = "error";

/// The code of an error of the API or of the connection to it.
pub(crate) fn api_error_code(error: &Error) -> &'static str {
    match error {
        error if error.is_auth_error() => "key-refused",
        error if error.is_interrupted() => INTERRUPTED,
        Error::Setup(_) | Error::Transport { .. } | Error::Untrusted { .. } => "no-connection",
        Error::Rejected(_) | Error::NotCreatedPaused { .. } => "rejected",
        Error::UnexpectedResponse(_) => "unexpected-response",
        Error::UnknownOutcome { .. } | Error::OtherObjectFound { .. } => "unknown-outcome",
        Error::DuplicateObjects { .. } => "duplicate-objects",
        Error::OutOfTime | Error::NotEnoughTime { .. } | Error::TimedOut { .. } => "out-of-time",
        Error::NotSettled { .. } | Error::StopIgnored { .. } => "not-settled",
        Error::WakeFailed { .. } | Error::ServiceNotRunning { .. } | Error::CannotRecreate { .. } => {
            "service-not-running"
        }
        Error::EndpointsNotReady { .. }
        | Error::UnknownEndpointReference { .. }
        | Error::EndpointWithoutDnsName { .. } => "endpoint",
        Error::CreatedConcurrently { .. } => "stale",
        Error::BadState { .. } => "bad-state",
        Error::Disappeared { .. } | Error::UnknownObject { .. } | Error::UnknownService(_) => "not-found",
        Error::Secret { .. } => "secret",
        Error::Interrupted | Error::Unsupported { .. } => OTHER,
    }
}

#[cfg(test)]
mod tests {
    /// Reads this file, so that a code which is added later is covered, too.
    #[test]
    fn docs_list_every_code() {
        let (source, _tests) = include_str!("error_code.rs").split_once("#[cfg(test)]").unwrap();
        let page = include_str!("../../../docs/reports.md");
        let codes: Vec<&str> = source.split('"').skip(1).step_by(2).collect();
        assert!(codes.len() > 15, "{codes:?}");
        for code in codes {
            assert!(page.contains(&format!("| `{code}` |")), "{code}");
        }
    }
}
