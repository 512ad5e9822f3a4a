//! Requests and responses, independent of a transport.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api_rule::RuleEvidence;

/// The header of a 400 with the evidence for the violated rule: `schema, live`. Only the sandbox has it.
pub const EVIDENCE_HEADER: &str = "x-sandbox-evidence";

/// A request without its transport.
#[derive(Debug, Clone, Default)]
pub struct SandboxRequest {
    /// The method in capitals.
    pub method: String,
    /// The path from the first slash on; a query string is ignored.
    pub path: String,
    /// The value of the `Authorization` header.
    pub authorization: Option<String>,
    /// The raw body, empty when there is none.
    pub body: Vec<u8>,
}

/// A response for the transport to send.
#[derive(Debug, Clone)]
pub struct SandboxResponse {
    /// The HTTP status.
    pub status: u16,
    /// Header names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Vec<u8>,
    /// If the client gets the response.
    pub delivery: Delivery,
    /// The virtual time that the response takes; the server waits for it.
    pub delay: Duration,
}

/// The delivery of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The response is sent.
    Answered,
    /// The connection breaks before the response. The request may have taken effect.
    CutBeforeAnswer,
}

impl SandboxResponse {
    pub(crate) fn from_json(status: u16, body: &Value) -> Self {
        Self::with_body(status, "application/json; charset=utf-8", body.to_string().into_bytes())
    }

    pub(crate) fn from_html(status: u16, title: &str) -> Self {
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n\
             <body><h1>{title}</h1><p>This page is not JSON.</p></body></html>\n"
        );
        Self::with_body(status, "text/html", page.into_bytes())
    }

    /// The body as JSON; null if it is not JSON.
    pub fn json_body(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn with_body(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, body, delivery: Delivery::Answered, delay: Duration::ZERO }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiRefusal {
    pub(crate) status: u16,
    pub(crate) text: String,
    /// Seconds for the `X-RateLimit-Reset` header.
    pub(crate) reset_seconds: Option<f64>,
    /// The evidence for the violated rules.
    pub(crate) evidence: BTreeSet<RuleEvidence>,
}

/// The `result` of a response, none for a DELETE, or an error.
pub(crate) type ApiResult = Result<Option<Value>, ApiRefusal>;

impl ApiRefusal {
    pub(crate) fn bad_request(text: impl AsRef<str>) -> Self {
        Self::with_code(400, "BAD_REQUEST", text.as_ref())
    }

    pub(crate) fn not_found(text: impl AsRef<str>) -> Self {
        Self::with_code(404, "NOT_FOUND", text.as_ref())
    }

    pub(crate) fn with_code(status: u16, code: &str, text: &str) -> Self {
        Self { status, text: format!("{code}: {text}"), reset_seconds: None, evidence: BTreeSet::new() }
    }

    pub(crate) fn internal_error() -> Self {
        // The only error text without a code (seen live).
        Self { status: 500, text: "Internal error".to_owned(), reset_seconds: None, evidence: BTreeSet::new() }
    }

    pub(crate) fn rate_limited(reset_seconds: Option<f64>) -> Self {
        Self { reset_seconds, ..Self::with_code(429, "TOO_MANY_REQUESTS", "rate limit exceeded (sandbox wording)") }
    }
}

pub(crate) fn wrap_in_envelope(answer: ApiResult, request_id: &str) -> SandboxResponse {
    match answer {
        // 200 for every success, also for a create; clients treat any other status as an error.
        Ok(Some(result)) => {
            SandboxResponse::from_json(200, &json!({"status": 200, "requestId": request_id, "result": result}))
        }
        Ok(None) => SandboxResponse::from_json(200, &json!({"status": 200, "requestId": request_id})),
        Err(refusal) => refusal_response(&refusal, request_id),
    }
}

fn refusal_response(refusal: &ApiRefusal, request_id: &str) -> SandboxResponse {
    let ApiRefusal { status, text, reset_seconds: reset, evidence } = refusal;
    let body = json!({"status": status, "requestId": request_id, "error": text});
    let mut response = SandboxResponse::from_json(*status, &body);
    // The official provider reads seconds with a fraction from this header. No `Retry-After` is known.
    if let Some(seconds) = reset {
        response.headers.push(("x-ratelimit-reset".to_owned(), seconds.to_string()));
    }
    // A header, because clients of the API may show or compare the error text.
    if !evidence.is_empty() {
        let words: Vec<&str> = evidence.iter().map(|each| each.word()).collect();
        response.headers.push((EVIDENCE_HEADER.to_owned(), words.join(", ")));
    }
    response
}
