//! Speaks HTTP to the ClickPipes API: observes what is live, and performs one action at a time.
//!
//! Nothing here compares desired with live. URLs occur only in `routes`. Secrets enter a request
//! just before it is sent, and leave no trace in what is logged or reported.

mod cancellation;
mod cdc_scaling;
mod client;
mod deadline;
mod decode;
mod envelope;
mod error;
mod http;
mod list_cache;
mod lookup;
mod observe;
mod perform;
mod rate_limiter;
mod redact;
mod remote;
mod retry;
mod routes;
mod secret;
mod settings;
mod timeouts;
mod transport;
mod wake;

pub use client::RequestCounts;
pub use error::{Error, Hint, RejectedRequest, RejectionCause, RejectionKind, UnexpectedResponse, UnreadyEndpoint};
pub use http::{ApiCredentials, HttpTransport};
pub use lookup::{LookupEntry, ServiceLookup};
pub use observe::ObserveScope;
pub use perform::PerformedAction;
pub use rate_limiter::PausePermit;
pub use remote::Remote;
pub use secret::SecretProvider;
pub use settings::{Polling, RemoteSettings, RequestRate, WaitMode};
pub use transport::{ApiRequest, ApiResponse, Method, RequestBody, ResponseFuture, Transport, TransportError};

#[cfg(test)]
mod tests;
