//! Applies faults to requests and their answers.

use std::time::Duration;

use crate::faults::FaultEffect;
use crate::http_types::{ApiRefusal, Delivery, SandboxResponse, wrap_in_envelope};

/// The answer of a fault that prevents the request.
pub(crate) fn fault_response(effects: &[FaultEffect], request_id: &str) -> Option<SandboxResponse> {
    effects.iter().find_map(|effect| {
        let refusal = match *effect {
            FaultEffect::CutBeforeCommit => {
                let cut = SandboxResponse::from_html(500, "cut");
                return Some(SandboxResponse { delivery: Delivery::CutBeforeAnswer, ..cut });
            }
            // The gateway answers in HTML after about 30 s (seen live): a client must survive a body that is
            // not JSON, and must not take the 504 for a failure.
            FaultEffect::GatewayTimeout | FaultEffect::LateCommit(_) => {
                return Some(SandboxResponse::from_html(504, "504 Gateway Timeout"));
            }
            FaultEffect::InternalError => ApiRefusal::internal_error(),
            FaultEffect::Unavailable => {
                ApiRefusal::with_code(503, "SERVICE_UNAVAILABLE", "try again later (sandbox wording)")
            }
            FaultEffect::Forbidden => ApiRefusal::with_code(403, "FORBIDDEN", "no access (sandbox wording)"),
            FaultEffect::Repeated => ApiRefusal::bad_request("cannot accept"),
            FaultEffect::RateLimited(reset) => ApiRefusal::rate_limited(Some(reset)),
            FaultEffect::RateLimitedWithoutReset => ApiRefusal::rate_limited(None),
            _ => return None,
        };
        Some(wrap_in_envelope(Err(refusal), request_id))
    })
}

/// Changes the answer after the request took effect.
pub(crate) fn distort_response(response: &mut SandboxResponse, body: &[u8], effects: &[FaultEffect]) {
    for effect in effects {
        match *effect {
            FaultEffect::CutAfterCommit => response.delivery = Delivery::CutBeforeAnswer,
            FaultEffect::GatewayTimeoutAfterCommit => {
                *response = SandboxResponse::from_html(504, "504 Gateway Timeout");
            }
            FaultEffect::HtmlAnswer => *response = SandboxResponse::from_html(200, "Welcome"),
            FaultEffect::Repeated => echo_request_body(response, body),
            FaultEffect::TruncatedJson => response.body.truncate(response.body.len() / 2),
            FaultEffect::SlowAnswer(seconds) => response.delay = Duration::from_secs(seconds),
            _ => {}
        }
    }
}

// A client must not print this answer as it is: the body contains the secrets that it has just sent.
fn echo_request_body(response: &mut SandboxResponse, body: &[u8]) {
    let mut answer = response.json_body();
    let text = answer["error"].as_str().unwrap_or_default();
    answer["error"] = format!("{text}: {}", String::from_utf8_lossy(body)).into();
    response.body = answer.to_string().into_bytes();
}
