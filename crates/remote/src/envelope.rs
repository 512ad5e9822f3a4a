//! The form that every answer of the API has: `{status, requestId, result}` or
//! `{status, requestId, error}`. Gateways in front of it answer with something else.

use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Rejected, Rejection, Unexpected};
use crate::redact::Redaction;
use crate::transport::{Method, Response};

/// The longest text of the API that an error repeats, in characters.
const LONGEST_MESSAGE: usize = 1000;

/// How much of an unexpected answer an error shows, in characters.
const LONGEST_EXCERPT: usize = 200;

/// What a good answer holds.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    /// `Null` where there is none.
    pub(crate) result: Value,
    pub(crate) request_id: Option<String>,
}

/// Takes an answer out of its envelope.
pub(crate) fn open(
    method: Method,
    path: &str,
    response: &Response,
    redactions: &[&Redaction],
) -> Result<Opened, Error> {
    let answer = Answer { method, path, response, redactions };
    if method == Method::Delete && response.status == 200 && response.body.is_empty() {
        return Ok(Opened::default());
    }
    match serde_json::from_slice::<Value>(&response.body) {
        Ok(mut envelope @ Value::Object(_)) if (200..300).contains(&response.status) => {
            let request_id = request_id(&envelope);
            Ok(Opened { result: envelope["result"].take(), request_id })
        }
        Ok(envelope @ Value::Object(_)) if response.status >= 400 => {
            Err(Error::Rejected(Box::new(answer.rejected(&envelope))))
        }
        _ if is_plain(response.status) => Err(Error::Rejected(Box::new(answer.turned_away()))),
        Ok(envelope) => Err(answer.unexpected("is no envelope", request_id(&envelope))),
        Err(error) if error.is_eof() && !response.body.is_empty() => {
            Err(answer.unexpected("is cut short", None))
        }
        Err(_) => Err(answer.unexpected("is not JSON", None)),
    }
}

/// Whether the status says it all, whoever says so: a gateway may turn a request away before the
/// API sees it, and does so in a form of its own.
fn is_plain(status: u16) -> bool {
    matches!(status, 401 | 403 | 429)
}

/// What says more than this is a time of day, not a length of time.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the API wants to be left alone, in fractions of a second, in whole ones, or until a
/// date. Where two headers tell, the longer time is kept.
pub(crate) fn pause(response: &Response) -> Option<Duration> {
    ["x-ratelimit-reset", "retry-after"]
        .iter()
        .filter_map(|name| response.header(name))
        .filter_map(|wanted| seconds(wanted).or_else(|| until(wanted, response)))
        .filter(|pause| *pause <= LONGEST_PAUSE)
        .max()
}

fn seconds(wanted: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(wanted.trim().parse().ok()?).ok()
}

/// By the clock of who answers: that of this machine may be wrong.
fn until(date: &str, response: &Response) -> Option<Duration> {
    let time = |date: &str| httpdate::parse_http_date(date).ok();
    time(date)?.duration_since(time(response.header("date")?)?).ok()
}

/// The result is not what was asked for.
pub(crate) fn malformed(method: Method, path: &str, problem: &str) -> Error {
    Error::Unexpected(Box::new(Unexpected {
        status: 200,
        method,
        path: path.to_owned(),
        content_type: Some("application/json".to_owned()),
        problem: problem.to_owned(),
        // The result may hold what must not be printed, so none of it is shown.
        excerpt: String::new(),
        request_id: None,
    }))
}

struct Answer<'a> {
    method: Method,
    path: &'a str,
    response: &'a Response,
    redactions: &'a [&'a Redaction],
}

impl Answer<'_> {
    fn rejected(&self, envelope: &Value) -> Rejected {
        let said = match &envelope["error"] {
            Value::String(text) => text.clone(),
            Value::Null => envelope["message"].as_str().unwrap_or_default().to_owned(),
            other => other.to_string(),
        };
        let message = self.printable(&said, LONGEST_MESSAGE);
        Rejected {
            status: self.response.status,
            method: self.method,
            path: self.path.to_owned(),
            // What is shown may lack words that tell what happened.
            kind: kind(self.response.status, &said),
            message,
            request_id: request_id(envelope).map(|id| self.printable(&id, LONGEST_EXCERPT)),
            repeated: false,
            in_the_way: Vec::new(),
            unready: Vec::new(),
        }
    }

    fn turned_away(&self) -> Rejected {
        let text = String::from_utf8_lossy(&self.response.body);
        let message = self.printable(&text, LONGEST_EXCERPT);
        Rejected { message, ..self.rejected(&Value::Null) }
    }

    fn unexpected(&self, problem: &str, request_id: Option<String>) -> Error {
        let text = String::from_utf8_lossy(&self.response.body);
        // JSON of a good status may be live objects, which must not be printed.
        let hidden = self.response.status < 300 && text.trim_start().starts_with(['{', '[']);
        let text = if hidden { "" } else { &text };
        Error::Unexpected(Box::new(Unexpected {
            status: self.response.status,
            method: self.method,
            path: self.path.to_owned(),
            content_type: self
                .response
                .header("content-type")
                .map(|value| self.printable(value, LONGEST_EXCERPT)),
            problem: problem.to_owned(),
            excerpt: self.printable(text, LONGEST_EXCERPT),
            request_id: request_id.map(|id| self.printable(&id, LONGEST_EXCERPT)),
        }))
    }

    /// Without secrets, on one line, of bounded length.
    fn printable(&self, text: &str, longest: usize) -> String {
        let clean = |text: String, redaction: &&Redaction| redaction.clean(&text);
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

/// The API has few codes, so some of its words have to be understood.
fn kind(status: u16, message: &str) -> Rejection {
    let says = |words: &str| message.contains(words);
    match status {
        401 => Rejection::Unauthenticated,
        403 => Rejection::Forbidden,
        404 => Rejection::NotFound,
        424 if says("Current state: idle") => Rejection::Idle,
        424 if says("Current state: awaking") || says("Current state: starting") => {
            Rejection::Waking
        }
        424 if says("Current state: stopped") || says("Current state: stopping") => {
            Rejection::Stopped
        }
        429 => Rejection::Throttled,
        400 if says("must be paused to edit") => Rejection::NeedsPause,
        400 if says("ClickPipe is already running") => Rejection::AlreadyRunning,
        500.. => Rejection::Broken,
        _ => Rejection::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Duration, Method, Redaction, Response, open, pause};
    use crate::error::{Error, Rejection};

    fn response(status: u16, content_type: &str, body: &str) -> Response {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Response { status, headers, body: body.into() }
    }

    fn error(status: u16, content_type: &str, body: &str) -> Error {
        let mut redaction = Redaction::default();
        redaction.hide("hunter22", "");
        let response = response(status, content_type, body);
        open(Method::Post, "/v1/x", &response, &[&redaction]).unwrap_err()
    }

    fn json_error(status: u16, text: &str) -> Error {
        let body = json!({"status": status, "requestId": "7f3a", "error": text});
        error(status, "application/json", &body.to_string())
    }

    #[test]
    fn an_envelope_is_opened() {
        let body = r#"{"status": 200, "requestId": "1", "result": [1]}"#;
        let result = open(Method::Get, "/v1/x", &response(200, "application/json", body), &[]);
        let opened = result.unwrap();
        assert_eq!((opened.result, opened.request_id.as_deref()), (json!([1]), Some("1")));
        let nothing = response(200, "", "");
        assert!(open(Method::Delete, "/v1/x", &nothing, &[]).is_ok());
        assert!(open(Method::Get, "/v1/x", &nothing, &[]).is_err());
    }

    #[test]
    fn what_the_api_says_is_repeated_on_one_line_without_secrets() {
        let error = json_error(400, "BAD_REQUEST: cannot log in\n\twith `hunter22`\u{1b}[31m");
        insta::assert_snapshot!(error, @"POST /v1/x: 400 BAD_REQUEST: cannot log in with `[redacted]` [31m (request 7f3a)");
        assert_eq!(error.request_id(), Some("7f3a"));
        assert!(!format!("{error:?}").contains("hunter22"));
    }

    #[test]
    fn a_gateway_is_told_from_the_api() {
        let page = "<html>\n<body>504 Gateway Time-out for hunter22</body></html>";
        insta::assert_snapshot!(error(504, "text/html", page), @"POST /v1/x: 504 is not JSON (text/html): <html> <body>504 Gateway Time-out for [redacted]</body></html>");
        insta::assert_snapshot!(error(502, "application/json", "{\"error\": \"x"), @r#"POST /v1/x: 502 is cut short (application/json): {"error": "x"#);
        insta::assert_snapshot!(error(200, "application/json", "[\"canary\"]"), @"POST /v1/x: 200 is no envelope (application/json)");
        insta::assert_snapshot!(error(200, "text/html", "<html>Log in</html>"), @"POST /v1/x: 200 is not JSON (text/html): <html>Log in</html>");
        insta::assert_snapshot!(error(500, "application/json", "{\"error\": {\"a\": 1}}"), @r#"POST /v1/x: 500 {"a":1}"#);
    }

    #[test]
    fn a_gateway_that_turns_a_request_away_is_understood() {
        let page = "<html>for hunter22</html>";
        insta::assert_snapshot!(error(429, "text/html", page), @"POST /v1/x: 429 <html>for [redacted]</html>");
        insta::assert_snapshot!(error(403, "", ""), @"POST /v1/x: 403");
        let kind = |status| error(status, "text/html", page).rejection();
        assert_eq!(kind(401), Some(Rejection::Unauthenticated));
        assert_eq!(kind(403), Some(Rejection::Forbidden));
        assert_eq!(kind(429), Some(Rejection::Throttled));
        // Whether an object is there, only the API can say.
        assert_eq!(kind(404), None);
    }

    #[test]
    fn a_long_message_is_cut() {
        let error = json_error(400, &"ü".repeat(5000)).to_string();
        assert_eq!(error.chars().filter(|c| *c == 'ü').count(), 1000);
    }

    #[test]
    fn known_rejections_are_told_apart() {
        let kind = |status, text| json_error(status, text).rejection().unwrap();
        assert_eq!(kind(401, ""), Rejection::Unauthenticated);
        assert_eq!(kind(403, ""), Rejection::Forbidden);
        assert_eq!(kind(404, ""), Rejection::NotFound);
        assert_eq!(kind(429, ""), Rejection::Throttled);
        assert_eq!(kind(424, "running. Current state: idle"), Rejection::Idle);
        assert_eq!(kind(424, "running. Current state: stopped"), Rejection::Stopped);
        assert_eq!(kind(424, "running. Current state: stopping"), Rejection::Stopped);
        assert_eq!(kind(424, "running. Current state: awaking"), Rejection::Waking);
        assert_eq!(kind(424, "running. Current state: degraded"), Rejection::Invalid);
        assert_eq!(kind(400, "Postgres ClickPipe must be paused to edit"), Rejection::NeedsPause);
        assert_eq!(kind(400, "1a2b ClickPipe is already running"), Rejection::AlreadyRunning);
        assert_eq!(kind(400, "brokers: ''"), Rejection::Invalid);
        assert_eq!(kind(500, "Internal error"), Rejection::Broken);
    }

    #[test]
    fn the_pause_is_read_from_either_header() {
        let pause = |headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            pause(&Response { status: 429, headers: headers.collect(), body: vec![] })
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
