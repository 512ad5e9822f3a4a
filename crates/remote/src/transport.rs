//! The interface to the network. The embedded sandbox implements it in memory.

use std::fmt;
use std::pin::Pin;

use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::Value;

/// Sends one request and returns its response. It must not retry, redirect or wait for the rate limit.
pub trait Transport: Send + Sync {
    /// Sends the request. A response of any status is `Ok`.
    fn send(&self, request: ApiRequest) -> ResponseFuture<'_>;

    /// The name of the key for messages, such as its environment variable; `None` if there is only one.
    fn key_name(&self) -> Option<&str> {
        None
    }

    /// The secrets that every request carries, to be redacted from answers.
    fn carried_secrets(&self) -> Vec<SecretString> {
        Vec::new()
    }
}

/// The future response to a request.
pub type ResponseFuture<'a> = Pin<Box<dyn Future<Output = Result<ApiResponse, TransportError>> + Send + 'a>>;

/// The methods that the API accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates an object. A repeated POST creates another one.
    Post,
    /// Writes settings.
    Put,
    /// Changes an object.
    Patch,
    /// Deletes an object.
    Delete,
}

impl Method {
    /// The word in the request line, such as `GET`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether the request may change something.
    pub fn is_write(self) -> bool {
        self != Self::Get
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request without host and credentials, which the transport adds.
#[derive(Clone, Debug)]
pub struct ApiRequest {
    /// The method.
    pub method: Method,
    /// The path below the host, version included.
    pub path: String,
    /// The JSON to send; `None` for a request without a body.
    pub body: Option<RequestBody>,
}

/// JSON with the values of its secrets. `Debug` hides it, and its memory is wiped on drop.
#[derive(Clone)]
pub struct RequestBody(SecretSlice<u8>);

impl RequestBody {
    /// Serializes the value as JSON.
    pub fn new(value: &Value) -> Self {
        Self(value.to_string().into_bytes().into())
    }

    /// The bytes to send. They may contain secrets.
    pub fn expose_bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body([redacted])")
    }
}

/// A response of any status.
#[derive(Clone)]
pub struct ApiResponse {
    /// The HTTP status.
    pub status: u16,
    /// Headers, their names in lower case. `content-type`, `date`, `retry-after` and
    /// `x-ratelimit-reset` are read; others may be left out.
    pub headers: Vec<(String, String)>,
    /// The body after decompression.
    pub body: Vec<u8>,
}

impl ApiResponse {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

// A live object may contain secrets, so a log of the response does not show the body.
impl fmt::Debug for ApiResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The reason why there is no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.reason())]
pub enum TransportError {
    /// The request was not sent: no address, no connection, no TLS. Another attempt may work.
    NotSent(String),
    /// The request was not sent, because the server's certificate is not trusted. Another attempt does not help.
    Untrusted(String),
    /// The request may have arrived; its answer did not. A write may have taken effect.
    AnswerLost(String),
}

impl TransportError {
    /// The message of the network library.
    pub fn reason(&self) -> &str {
        match self {
            Self::NotSent(reason) | Self::Untrusted(reason) | Self::AnswerLost(reason) => reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ApiRequest, ApiResponse, Method, RequestBody};

    #[test]
    fn debug_output_hides_bodies() {
        let body = Some(RequestBody::new(&json!({"password": "canary"})));
        let request = ApiRequest { method: Method::Post, path: "/v1/x".into(), body };
        let response = ApiResponse { status: 200, headers: vec![], body: b"canary".to_vec() };
        let shown = format!("{request:?} {response:?}");
        assert!(shown.contains("POST") || shown.contains("Post"));
        assert!(!shown.contains("canary"), "{shown}");
    }
}
