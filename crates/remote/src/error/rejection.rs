//! Unsuccessful answers: refusals of the API, and answers in another form.

use std::fmt;

use super::{RejectionCause, UnreadyEndpoint};
use crate::transport::Method;

/// A request that the API refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct RejectedRequest {
    pub status: u16,
    pub method: Method,
    pub path: String,
    /// The API's message: redacted, without control characters, truncated.
    pub message: String,
    /// The id to give to the API's support.
    pub request_id: Option<String>,
    /// The class of the refusal.
    pub kind: RejectionKind,
    /// The problem that the message names, if it is a known one.
    pub cause: Option<RejectionCause>,
    /// An earlier attempt of the same request got no answer, and may have been carried out.
    pub had_lost_attempt: bool,
    /// The destination tables of the object, if the API refused it because one has rows.
    pub blocking_tables: Vec<String>,
    /// The endpoints that the object uses and that are not ready.
    pub unready_endpoints: Vec<UnreadyEndpoint>,
}

/// The class of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum RejectionKind {
    /// The key is missing or wrong.
    Unauthenticated,
    /// The role of the key does not allow the request.
    Forbidden,
    NotFound,
    ServiceIdle,
    /// The service is starting after it was idle.
    ServiceWaking,
    ServiceStopped,
    NeedsPause,
    /// The pipe must be paused for this edit, and it is completed, so it cannot be.
    FinishedPipe,
    AlreadyRunning,
    RateLimited,
    /// The request is invalid, or conflicts with live objects.
    InvalidRequest,
    /// The API failed; the request may have been carried out.
    ServerError,
}

/// An answer that does not have the form of the API's answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct UnexpectedResponse {
    pub status: u16,
    pub method: Method,
    pub path: String,
    pub content_type: Option<String>,
    pub problem: String,
    /// The beginning of the answer, without control characters.
    pub excerpt: String,
    /// The id to give to the API's support.
    pub request_id: Option<String>,
}

impl fmt::Display for RejectedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, status, message, .. } = self;
        write!(f, "{method} {path}: {status}")?;
        if !message.is_empty() {
            write!(f, " {message}")?;
        }
        write_request_id(f, self.request_id.as_deref())
    }
}

impl fmt::Display for UnexpectedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, status, problem, .. } = self;
        let content_type = self.content_type.as_deref().unwrap_or("no content type");
        write!(f, "{method} {path}: {status} {problem} ({content_type})")?;
        if !self.excerpt.is_empty() {
            write!(f, ": {}", self.excerpt)?;
        }
        write_request_id(f, self.request_id.as_deref())
    }
}

fn write_request_id(f: &mut fmt::Formatter<'_>, id: Option<&str>) -> fmt::Result {
    id.map_or(Ok(()), |id| write!(f, " (request {id})"))
}
