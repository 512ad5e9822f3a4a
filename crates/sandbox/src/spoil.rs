//! What faults make of a request and of its answer.

use std::time::Duration;

use crate::faults::Effect;
use crate::message::{Fate, Refusal, Response, envelope};

/// The answer of a fault that lets nothing be done.
pub(crate) fn refused_outright(effects: &[Effect], request_id: &str) -> Option<Response> {
    effects.iter().find_map(|effect| {
        let refusal = match *effect {
            Effect::CutBeforeCommit => return Some(cut(Response::html(500, "cut"))),
            Effect::GatewayTimeout | Effect::LateCommit(_) => {
                return Some(Response::html(504, "504 Gateway Timeout"));
            }
            Effect::InternalError => Refusal::internal_error(),
            Effect::Unavailable => {
                Refusal::coded(503, "SERVICE_UNAVAILABLE", "try again later (sandbox wording)")
            }
            Effect::Forbidden => Refusal::coded(403, "FORBIDDEN", "no access (sandbox wording)"),
            Effect::Repeated => Refusal::bad_request("cannot accept"),
            Effect::RateLimited(reset) => Refusal::rate_limited(Some(reset)),
            Effect::RateLimitedWithoutReset => Refusal::rate_limited(None),
            _ => return None,
        };
        Some(envelope(Err(refusal), request_id))
    })
}

/// What faults do to an answer to a request with this body, after everything is done.
pub(crate) fn spoil(response: &mut Response, body: &[u8], effects: &[Effect]) {
    for effect in effects {
        match *effect {
            Effect::CutAfterCommit => response.fate = Fate::CutBeforeAnswer,
            Effect::GatewayTimeoutAfterCommit => {
                *response = Response::html(504, "504 Gateway Timeout");
            }
            Effect::HtmlAnswer => *response = Response::html(200, "Welcome"),
            Effect::Repeated => repeat(response, body),
            Effect::TruncatedJson => response.body.truncate(response.body.len() / 2),
            Effect::SlowAnswer(seconds) => response.took = Duration::from_secs(seconds),
            _ => {}
        }
    }
}

/// Puts the body into the text of the refusal.
fn repeat(response: &mut Response, body: &[u8]) {
    let mut answer = response.json_body();
    let text = answer["error"].as_str().unwrap_or_default();
    answer["error"] = format!("{text}: {}", String::from_utf8_lossy(body)).into();
    response.body = answer.to_string().into_bytes();
}

fn cut(mut response: Response) -> Response {
    response.fate = Fate::CutBeforeAnswer;
    response
}
