//! The client of the ClickPipes API: it observes live objects, and performs one action at a time.
//!
//! This crate does not compare desired with live. URLs occur only in `routes`. Secrets enter a request just before it
//! is sent, and are redacted from logs and errors.

mod cdc_scaling;
mod client;
mod command_dialect;
mod deadline;
mod decode;
mod documented_requests;
mod envelope;
mod error;
mod http;
mod list_cache;
mod lookup;
mod named_entries;
mod observe;
mod perform;
mod performed_action;
mod rate_limiter;
mod redact;
mod remote;
mod retry;
mod routes;
mod run_context;
mod secret;
mod settings;
mod timeouts;
mod transport;
mod wait;
mod wake;
mod wake_ups;

pub use client::RequestCounts;
pub use documented_requests::compare_requests;
pub use error::{
    Error, Hint, RejectedRequest, RejectionCause, RejectionKind, UnexpectedResponse, UnreadyEndpoint, Unsettled,
};
pub use http::{ApiCredentials, HttpTransport, parse_api_url};
pub use lookup::ServiceLookup;
pub use named_entries::LookupEntry;
pub use observe::ObserveScope;
pub use performed_action::PerformedAction;
pub use rate_limiter::PausePermit;
pub use redact::RunRedaction;
pub use remote::Remote;
pub use secret::SecretProvider;
pub use settings::{Polling, RemoteSettings, RequestRate, WaitMode};
pub use transport::{ApiRequest, ApiResponse, Method, RequestBody, ResponseFuture, Transport, TransportError};

#[cfg(test)]
mod tests;
