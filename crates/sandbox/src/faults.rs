//! Scripted faults.

use serde::{Deserialize, Serialize};
use wildmatch::WildMatchPattern;

use crate::routes::normalize_path;

/// The pending faults, and the number of requests so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FaultScript {
    script: Vec<Fault>,
    requests: u64,
}

/// One fault: a condition, an effect and a count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The requests that it affects.
    pub when: FaultTrigger,
    /// The effect on them.
    pub effect: FaultEffect,
    /// The number of requests that it affects; 1 if unset.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

/// The condition of a fault. Requests to `/_sandbox` do not count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultTrigger {
    /// The n-th request of the world, or a later one. Counts from 1.
    Request(u64),
    /// Requests with this method (`*` for any) and a path that matches the pattern, in which `*` is any text. The
    /// trailing slash and the query of the path are ignored.
    Route {
        /// The method in capitals, or `*`.
        method: String,
        /// The pattern, such as `*/clickpipes`.
        path: String,
    },
}

/// The effect of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultEffect {
    /// The connection breaks and the request has no effect.
    CutBeforeCommit,
    /// The request takes effect, and the connection breaks before the answer.
    CutAfterCommit,
    /// 500, without an effect.
    InternalError,
    /// 503, without an effect.
    Unavailable,
    /// 403, as if the key had lost a permission, without an effect.
    Forbidden,
    /// 504 with an HTML page, without an effect.
    GatewayTimeout,
    /// 504 with an HTML page, and the request takes effect.
    GatewayTimeoutAfterCommit,
    /// 504 with an HTML page, and the request takes effect after this many seconds. A create that takes minutes ends
    /// like this: a client that lists at once does not find the pipe yet.
    LateCommit(u64),
    /// 429 with `X-RateLimit-Reset`, in seconds.
    RateLimited(f64),
    /// 429 without the header.
    RateLimitedWithoutReset,
    /// A create finds its source unreachable.
    SourceUnreachable,
    /// 400 with the whole request body in its text, including secrets, and without an effect.
    Repeated,
    /// The answer breaks off in the middle.
    TruncatedJson,
    /// 200 with an HTML page; the request takes effect.
    HtmlAnswer,
    /// The response takes this many seconds; see [`crate::SandboxResponse::delay`].
    SlowAnswer(u64),
    /// A deleted pipe stays visible for so many seconds.
    SlowDelete(u64),
    /// A paused pipe resumes so many seconds after an edit.
    LateResume(u64),
    /// Scaling reads zero for so many seconds.
    ZeroScaling(u64),
    /// A new pipe is missing from lists for so many seconds; a read by id finds it.
    ListLag(u64),
}

impl FaultScript {
    /// Adds a fault to the script.
    pub fn add(&mut self, fault: Fault) {
        self.script.push(fault);
    }

    /// Adds a fault for the next request with this method and path pattern.
    pub fn add_once(&mut self, method: &str, path: &str, effect: FaultEffect) {
        let when = FaultTrigger::Route { method: method.to_owned(), path: path.to_owned() };
        self.add(Fault { when, effect, times: 1 });
    }

    /// Adds a fault for the n-th request of the world.
    pub fn add_at_request(&mut self, number: u64, effect: FaultEffect) {
        self.add(Fault { when: FaultTrigger::Request(number), effect, times: 1 });
    }

    /// Removes all pending faults.
    pub fn clear(&mut self) {
        self.script.clear();
    }

    /// The number of requests so far, without those to `/_sandbox`.
    pub fn request_count(&self) -> u64 {
        self.requests
    }

    /// Counts a request, and takes its effects from the script.
    pub(crate) fn take_matching(&mut self, method: &str, path: &str) -> Vec<FaultEffect> {
        // Every request counts, also one that a fault cuts off: the script of a test names requests by their number.
        self.requests += 1;
        let requests = self.requests;
        let mut effects = Vec::new();
        for fault in &mut self.script {
            if fault.times > 0 && fault.when.matches_request(requests, method, path) {
                fault.times -= 1;
                effects.push(fault.effect);
            }
        }
        self.script.retain(|fault| fault.times > 0);
        effects
    }
}

impl FaultTrigger {
    fn matches_request(&self, number: u64, method: &str, path: &str) -> bool {
        match self {
            // Not `==`: with a higher count the fault affects the requests that follow.
            Self::Request(wanted) => number >= *wanted,
            Self::Route { method: wanted, path: pattern } => {
                (wanted == "*" || wanted == method) && matches_pattern(normalize_path(pattern), normalize_path(path))
            }
        }
    }
}

fn matches_pattern(pattern: &str, text: &str) -> bool {
    // A `?` in a path starts a query; it must not match any character.
    WildMatchPattern::<'*', '\0'>::new(pattern).matches(text)
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct FaultParameters {
    pub(crate) is_unreachable: bool,
    pub(crate) delete_seconds: u64,
    pub(crate) resume_seconds: u64,
    pub(crate) zero_scaling_seconds: Option<u64>,
    pub(crate) list_lag_seconds: u64,
}

impl FaultParameters {
    pub(crate) fn from_effects(effects: &[FaultEffect]) -> Self {
        let mut parameters = Self {
            is_unreachable: false,
            // A delete and a resume take a moment even without a fault, because the API only acknowledges them.
            delete_seconds: 3,
            resume_seconds: 2,
            zero_scaling_seconds: None,
            list_lag_seconds: 0,
        };
        for effect in effects {
            match *effect {
                FaultEffect::SourceUnreachable => parameters.is_unreachable = true,
                FaultEffect::SlowDelete(seconds) => parameters.delete_seconds = seconds,
                FaultEffect::LateResume(seconds) => parameters.resume_seconds = seconds,
                FaultEffect::ZeroScaling(seconds) => parameters.zero_scaling_seconds = Some(seconds),
                FaultEffect::ListLag(seconds) => parameters.list_lag_seconds = seconds,
                _ => {}
            }
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_in_route_pattern_matches_any_text() {
        assert!(matches_pattern("*/clickpipes", "/v1/organizations/o/services/s/clickpipes"));
        assert!(!matches_pattern("*/clickpipes", "/v1/organizations/o/services/s/clickpipes/p"));
        assert!(matches_pattern("*/clickpipes/*/state", "/v1/s/clickpipes/p/state"));
        assert!(!matches_pattern("*/clickpipes/*/state", "/v1/s/clickpipes/state"));
        assert!(matches_pattern("/v1/*/services/*", "/v1/o/services/s"));
        assert!(matches_pattern("*", "anything"));
        assert!(!matches_pattern("/v1", "/v1/x"));
        assert!(!matches_pattern("/v?", "/v1"));
    }

    #[test]
    fn fault_applies_once() {
        let mut faults = FaultScript::default();
        faults.add_once("POST", "*/clickpipes/", FaultEffect::InternalError);
        faults.add_at_request(3, FaultEffect::Unavailable);
        assert_eq!(faults.take_matching("GET", "/x/clickpipes"), []);
        assert_eq!(faults.take_matching("POST", "/x/clickpipes"), [FaultEffect::InternalError]);
        assert_eq!(faults.take_matching("POST", "/x/clickpipes"), [FaultEffect::Unavailable]);
        assert_eq!(faults.take_matching("POST", "/x/clickpipes"), []);
    }

    #[test]
    fn fault_can_be_parsed_from_json() {
        let text = r#"{"when": {"route": {"method": "POST", "path": "*/clickpipes"}},
                       "effect": {"listLag": 20}}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(fault.effect, FaultEffect::ListLag(20));
        assert_eq!(fault.times, 1);
    }
}
