//! One request out, one response in. What carries them can be a socket or a world in memory.

use std::fmt;
use std::pin::Pin;

use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::Value;

/// Carries one request and brings its response. It does not retry, redirect or pace.
pub trait Transport: Send + Sync {
    /// Sends the request; an answer of any status is a response.
    fn send(&self, request: ApiRequest) -> ResponseFuture<'_>;

    /// The secrets that go with every request, so that no answer repeats them to anybody.
    fn carried_secrets(&self) -> Vec<SecretString> {
        Vec::new()
    }
}

/// A request on its way.
pub type ResponseFuture<'a> = Pin<Box<dyn Future<Output = Result<ApiResponse, TransportError>> + Send + 'a>>;

/// The methods that the API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes an object: the only method that must not be repeated blindly.
    Post,
    /// Writes settings.
    Put,
    /// Changes an object.
    Patch,
    /// Deletes an object.
    Delete,
}

impl Method {
    /// The word on the wire.
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

/// What is to be sent. Who sends it is the transport's affair.
#[derive(Clone, Debug)]
pub struct ApiRequest {
    /// The method.
    pub method: Method,
    /// The path below the host, version included.
    pub path: String,
    /// The JSON to send, if any.
    pub body: Option<RequestBody>,
}

/// JSON with its secrets filled in. `Debug` shows none of it, and the memory is wiped on drop.
#[derive(Clone)]
pub struct RequestBody(SecretSlice<u8>);

impl RequestBody {
    /// Writes the value as JSON.
    pub fn new(value: &Value) -> Self {
        Self(value.to_string().into_bytes().into())
    }

    /// The bytes to put on the wire; they may hold secrets.
    pub fn expose_bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body([redacted])")
    }
}

/// What came back, whatever its status.
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

/// Live objects can hold what must not be printed, so the body stays out of it.
impl fmt::Debug for ApiResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// The request never left: no address, no connection, no TLS.
    NotSent(String),
    /// The request never left: nobody vouches for the server, nor will at another try.
    Untrusted(String),
    /// The request may have arrived; its answer did not.
    AnswerLost(String),
}

impl TransportError {
    /// What went wrong, for a person.
    pub fn reason(&self) -> &str {
        match self {
            Self::NotSent(reason) | Self::Untrusted(reason) | Self::AnswerLost(reason) => reason,
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for TransportError {}

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
