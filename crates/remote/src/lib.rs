//! Speaks HTTP to the ClickPipes API: observes what is live, and performs one action at a time.
//!
//! Nothing here compares desired with live. URLs occur only in `routes`. Secrets enter a request
//! just before it is sent, and leave no trace in what is logged or reported.

mod answer;
mod cdc_scaling;
mod client;
mod collection;
mod deadline;
mod directory;
mod envelope;
mod error;
mod http;
mod interrupt;
mod observe;
mod pace;
mod patience;
mod perform;
mod redact;
mod remote;
mod retry;
mod routes;
mod secret;
mod settings;
mod transport;
mod wake;

pub use client::Requests;
pub use directory::{Directory, Entry};
pub use error::{Error, Rejected, Rejection, Unexpected};
pub use http::{Credentials, Http};
pub use observe::Scope;
pub use pace::Pausing;
pub use perform::Performed;
pub use remote::Remote;
pub use secret::Secrets;
pub use settings::{Polling, Rate, Settings, Wait};
pub use transport::{Body, Method, Request, Response, Sending, Transport, TransportError};

#[cfg(test)]
mod tests;
