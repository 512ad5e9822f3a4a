//! The form that every answer of the API has: `{status, requestId, result}` or
//! `{status, requestId, error}`. Gateways in front of it answer with something else.

use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, RejectedRequest, UnexpectedResponse, api_phrases};
use crate::redact::Redaction;
use crate::transport::{ApiResponse, Method};

/// The longest text of the API that an error repeats, in characters.
const MAX_MESSAGE_CHARS: usize = 1000;

/// How much of an unexpected answer an error shows, in characters.
const MAX_EXCERPT_CHARS: usize = 200;

/// The contents of a successful answer.
#[derive(Debug, Default)]
pub(crate) struct DecodedAnswer {
    /// `Null` if the answer has none, as after a delete.
    pub(crate) result: Value,
    pub(crate) request_id: Option<String>,
}

pub(crate) fn decode_envelope(
    method: Method,
    path: &str,
    response: &ApiResponse,
    redactions: &[&Redaction],
) -> Result<DecodedAnswer, Error> {
    let context = ResponseContext { method, path, response, redactions };
    // A delete has no result, so an empty answer lacks nothing. An empty answer to a read is cut short.
    if method == Method::Delete && response.status == 200 && response.body.is_empty() {
        return Ok(DecodedAnswer::default());
    }
    match serde_json::from_slice::<Value>(&response.body) {
        Ok(mut envelope @ Value::Object(_)) if (200..300).contains(&response.status) => {
            let request_id = request_id(&envelope);
            Ok(DecodedAnswer { result: envelope["result"].take(), request_id })
        }
        Ok(envelope @ Value::Object(_)) if response.status >= 400 => {
            Err(Error::Rejected(Box::new(context.rejected_request(&envelope))))
        }
        _ if is_status_enough(response.status) => Err(Error::Rejected(Box::new(context.gateway_rejection()))),
        Ok(envelope) => Err(context.unexpected_error("is not an envelope", request_id(&envelope))),
        Err(error) if error.is_eof() && !response.body.is_empty() => {
            Err(context.unexpected_error("is cut short", None))
        }
        Err(_) => Err(context.unexpected_error("is not JSON", None)),
    }
}

fn is_status_enough(status: u16) -> bool {
    // A gateway may refuse a request before the API sees it, with its own page. These three statuses mean the same from
    // both. 404 does not: only the API knows that an object does not exist, and "gone" ends waits.
    matches!(status, 401 | 403 | 429)
}

// `x-ratelimit-reset` was seen to be a duration, in seconds. Other APIs put a Unix time under that name: as a duration,
// it would stop the run for decades.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The delay that the API asks for after a 429: seconds (`3.25`), or the time until a date. If both headers give one,
/// the longer.
// Clients of the API read `x-ratelimit-reset`. `retry-after` was not seen from the API, but a gateway may send it.
pub(crate) fn retry_after(response: &ApiResponse) -> Option<Duration> {
    ["x-ratelimit-reset", "retry-after"]
        .iter()
        .filter_map(|name| response.header(name))
        .filter_map(|wanted| parse_seconds(wanted).or_else(|| duration_until(wanted, response)))
        .filter(|pause| *pause <= MAX_RETRY_AFTER)
        .max()
}

fn parse_seconds(wanted: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(wanted.trim().parse().ok()?).ok()
}

fn duration_until(date: &str, response: &ApiResponse) -> Option<Duration> {
    // By the server's clock: the one of this machine may be wrong.
    let time = |date: &str| httpdate::parse_http_date(date).ok();
    time(date)?.duration_since(time(response.header("date")?)?).ok()
}

/// The error of a successful answer whose result has the wrong form.
pub(crate) fn malformed_result(method: Method, path: &str, problem: &str) -> Error {
    Error::UnexpectedResponse(Box::new(UnexpectedResponse {
        status: 200,
        method,
        path: path.to_owned(),
        content_type: Some("application/json".to_owned()),
        problem: problem.to_owned(),
        // The result may contain live objects with secrets in them, so none of it is shown.
        excerpt: String::new(),
        request_id: None,
    }))
}

struct ResponseContext<'a> {
    method: Method,
    path: &'a str,
    response: &'a ApiResponse,
    redactions: &'a [&'a Redaction],
}

impl ResponseContext<'_> {
    fn rejected_request(&self, envelope: &Value) -> RejectedRequest {
        let api_message = match &envelope["error"] {
            Value::String(text) => text.clone(),
            Value::Null => envelope["message"].as_str().unwrap_or_default().to_owned(),
            other => other.to_string(),
        };
        let message = self.sanitize_text(&api_message, MAX_MESSAGE_CHARS);
        RejectedRequest {
            status: self.response.status,
            method: self.method,
            path: self.path.to_owned(),
            // From the text before redaction: the phrase may be in the withheld part.
            kind: api_phrases::rejection_kind(self.response.status, &api_message),
            cause: api_phrases::rejection_cause(&api_message),
            message,
            request_id: request_id(envelope).map(|id| self.sanitize_text(&id, MAX_EXCERPT_CHARS)),
            had_lost_attempt: false,
            blocking_tables: Vec::new(),
            unready_endpoints: Vec::new(),
        }
    }

    fn gateway_rejection(&self) -> RejectedRequest {
        let text = String::from_utf8_lossy(&self.response.body);
        let message = self.sanitize_text(&text, MAX_EXCERPT_CHARS);
        RejectedRequest { message, ..self.rejected_request(&Value::Null) }
    }

    fn unexpected_error(&self, problem: &str, request_id: Option<String>) -> Error {
        let text = String::from_utf8_lossy(&self.response.body);
        // JSON with a good status may be live objects, which can contain secrets.
        let hidden = self.response.status < 300 && text.trim_start().starts_with(['{', '[']);
        let text = if hidden { "" } else { &text };
        Error::UnexpectedResponse(Box::new(UnexpectedResponse {
            status: self.response.status,
            method: self.method,
            path: self.path.to_owned(),
            content_type: self
                .response
                .header("content-type")
                .map(|value| self.sanitize_text(value, MAX_EXCERPT_CHARS)),
            problem: problem.to_owned(),
            excerpt: self.sanitize_text(text, MAX_EXCERPT_CHARS),
            request_id: request_id.map(|id| self.sanitize_text(&id, MAX_EXCERPT_CHARS)),
        }))
    }

    /// Redacts secrets, joins lines and truncates to `longest` characters.
    fn sanitize_text(&self, text: &str, longest: usize) -> String {
        // Redaction comes first: a secret of several lines is not found any more once the lines are joined. Control
        // characters go because the text is a stranger's, and could drive the terminal.
        let clean = |text: String, redaction: &&Redaction| redaction.redact_text(&text);
        let clean = self.redactions.iter().fold(text.to_owned(), clean);
        let words = clean.split(|c: char| c.is_whitespace() || c.is_control());
        let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(longest) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }
}

fn request_id(envelope: &Value) -> Option<String> {
    Some(envelope.get("requestId")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ApiResponse, Duration, Method, Redaction, decode_envelope, retry_after};
    use crate::error::{Error, RejectionKind};

    fn response(status: u16, content_type: &str, body: &str) -> ApiResponse {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        ApiResponse { status, headers, body: body.into() }
    }

    fn error(status: u16, content_type: &str, body: &str) -> Error {
        let mut redaction = Redaction::default();
        redaction.add_secret("hunter22", "");
        let response = response(status, content_type, body);
        decode_envelope(Method::Post, "/v1/x", &response, &[&redaction]).unwrap_err()
    }

    fn json_error(status: u16, text: &str) -> Error {
        let body = json!({"status": status, "requestId": "7f3a", "error": text});
        error(status, "application/json", &body.to_string())
    }

    #[test]
    fn response_envelope_is_decoded() {
        let body = r#"{"status": 200, "requestId": "1", "result": [1]}"#;
        let result = decode_envelope(Method::Get, "/v1/x", &response(200, "application/json", body), &[]);
        let opened = result.unwrap();
        assert_eq!((opened.result, opened.request_id.as_deref()), (json!([1]), Some("1")));
        let nothing = response(200, "", "");
        assert!(decode_envelope(Method::Delete, "/v1/x", &nothing, &[]).is_ok());
        assert!(decode_envelope(Method::Get, "/v1/x", &nothing, &[]).is_err());
    }

    #[test]
    fn api_error_is_shown_on_one_line_without_secrets() {
        let error = json_error(400, "BAD_REQUEST: cannot log in\n\twith `hunter22`\u{1b}[31m");
        insta::assert_snapshot!(error, @"POST /v1/x: 400 BAD_REQUEST: cannot log in with `[redacted]` [31m (request 7f3a)");
        assert_eq!(error.request_id(), Some("7f3a"));
        assert!(!format!("{error:?}").contains("hunter22"));
    }

    #[test]
    fn gateway_errors_are_distinguished_from_api_errors() {
        let page = "<html>\n<body>504 Gateway Time-out for hunter22</body></html>";
        insta::assert_snapshot!(error(504, "text/html", page), @"POST /v1/x: 504 is not JSON (text/html): <html> <body>504 Gateway Time-out for [redacted]</body></html>");
        insta::assert_snapshot!(error(502, "application/json", "{\"error\": \"x"), @r#"POST /v1/x: 502 is cut short (application/json): {"error": "x"#);
        insta::assert_snapshot!(error(200, "application/json", "[\"canary\"]"), @"POST /v1/x: 200 is not an envelope (application/json)");
        insta::assert_snapshot!(error(200, "text/html", "<html>Log in</html>"), @"POST /v1/x: 200 is not JSON (text/html): <html>Log in</html>");
        insta::assert_snapshot!(error(500, "application/json", "{\"error\": {\"a\": 1}}"), @r#"POST /v1/x: 500 {"a":1}"#);
    }

    #[test]
    fn gateway_rejections_are_classified_by_status() {
        let page = "<html>for hunter22</html>";
        insta::assert_snapshot!(error(429, "text/html", page), @"POST /v1/x: 429 <html>for [redacted]</html>");
        insta::assert_snapshot!(error(403, "", ""), @"POST /v1/x: 403");
        let kind = |status| error(status, "text/html", page).rejection_kind();
        assert_eq!(kind(401), Some(RejectionKind::Unauthenticated));
        assert_eq!(kind(403), Some(RejectionKind::Forbidden));
        assert_eq!(kind(429), Some(RejectionKind::RateLimited));
        // Only the API knows whether an object exists.
        assert_eq!(kind(404), None);
    }

    #[test]
    fn long_error_message_is_truncated() {
        let error = json_error(400, &"ü".repeat(5000)).to_string();
        assert_eq!(error.chars().filter(|c| *c == 'ü').count(), 1000);
    }

    #[test]
    fn api_rejections_are_classified() {
        let kind = |status, text| json_error(status, text).rejection_kind().unwrap();
        assert_eq!(kind(401, ""), RejectionKind::Unauthenticated);
        assert_eq!(kind(403, ""), RejectionKind::Forbidden);
        assert_eq!(kind(404, ""), RejectionKind::NotFound);
        assert_eq!(kind(429, ""), RejectionKind::RateLimited);
        assert_eq!(kind(424, "running. Current state: idle"), RejectionKind::ServiceIdle);
        assert_eq!(kind(424, "running. Current state: stopped"), RejectionKind::ServiceStopped);
        assert_eq!(kind(424, "running. Current state: stopping"), RejectionKind::ServiceStopped);
        assert_eq!(kind(424, "running. Current state: awaking"), RejectionKind::ServiceWaking);
        assert_eq!(kind(424, "running. Current state: degraded"), RejectionKind::InvalidRequest);
        assert_eq!(kind(400, "Postgres ClickPipe must be paused to edit"), RejectionKind::NeedsPause);
        assert_eq!(kind(400, "1a2b ClickPipe is already running"), RejectionKind::AlreadyRunning);
        assert_eq!(kind(400, "brokers: ''"), RejectionKind::InvalidRequest);
        assert_eq!(kind(500, "Internal error"), RejectionKind::ServerError);
    }

    #[test]
    fn retry_delay_is_read_from_either_header() {
        let pause = |headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            retry_after(&ApiResponse { status: 429, headers: headers.collect(), body: vec![] })
        };
        assert_eq!(pause(&[("x-ratelimit-reset", "3.25")]), Some(Duration::from_millis(3250)));
        assert_eq!(pause(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        let both = [("x-ratelimit-reset", "soon"), ("retry-after", "7")];
        assert_eq!(pause(&both), Some(Duration::from_secs(7)));
        let both = [("x-ratelimit-reset", "1.5"), ("retry-after", "7")];
        assert_eq!(pause(&both), Some(Duration::from_secs(7)));
        let (now, then) = ("Fri, 27 Nov 2026 07:00:00 GMT", "Fri, 27 Nov 2026 07:00:09 GMT");
        assert_eq!(pause(&[("date", now), ("retry-after", then)]), Some(Duration::from_secs(9)));
        assert_eq!(pause(&[("date", then), ("retry-after", now)]), None);
        assert_eq!(pause(&[("retry-after", then)]), None);
        assert_eq!(pause(&[("x-ratelimit-reset", "1790000000")]), None);
        assert_eq!(pause(&[("x-ratelimit-reset", "-1")]), None);
        assert_eq!(pause(&[("x-ratelimit-reset", "inf")]), None);
    }
}
