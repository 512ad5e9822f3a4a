//! A script of things that go wrong.

use serde::{Deserialize, Serialize};
use wildmatch::WildMatchPattern;

use crate::routes::normalize_path;

/// The faults that are still to come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FaultScript {
    script: Vec<Fault>,
    requests: u64,
}

/// One fault: when it strikes, what it does, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Which requests it is for.
    pub when: FaultTrigger,
    /// What it does to them.
    pub effect: FaultEffect,
    /// How many requests it strikes before it is used up.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

/// Which requests a fault is for. Requests to `/_sandbox` do not count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultTrigger {
    /// From the request on that is the n-th of the world, the first being 1.
    Request(u64),
    /// Requests of this method (`*` for any) whose path fits the pattern, where `*` stands for
    /// any text. The trailing slash and the query of the path do not matter.
    Route {
        /// The method in capitals, or `*`.
        method: String,
        /// The pattern, such as `*/clickpipes`.
        path: String,
    },
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultEffect {
    /// The connection breaks before anything is done.
    CutBeforeCommit,
    /// Everything is done, and the connection breaks before the answer.
    CutAfterCommit,
    /// 500, and nothing is done.
    InternalError,
    /// 503, and nothing is done.
    Unavailable,
    /// 403, as if the key had lost a permission, and nothing is done.
    Forbidden,
    /// 504 with an HTML page, and nothing is done.
    GatewayTimeout,
    /// 504 with an HTML page, and everything is done.
    GatewayTimeoutAfterCommit,
    /// 504 with an HTML page, and everything is done so many seconds later.
    LateCommit(u64),
    /// 429 with `X-RateLimit-Reset`, in seconds.
    RateLimited(f64),
    /// 429 that does not say for how long.
    RateLimitedWithoutReset,
    /// A create finds its source unreachable.
    SourceUnreachable,
    /// 400 with the whole body in its text, secrets and all, and nothing is done.
    Repeated,
    /// The answer breaks off in the middle.
    TruncatedJson,
    /// 200 with an HTML page; everything is done.
    HtmlAnswer,
    /// The answer takes so many seconds; see [`crate::SandboxResponse::delay`].
    SlowAnswer(u64),
    /// What is deleted stays to be seen for so many seconds.
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

    /// Adds a fault that strikes the next request of this method and path pattern, once.
    pub fn add_once(&mut self, method: &str, path: &str, effect: FaultEffect) {
        let when = FaultTrigger::Route { method: method.to_owned(), path: path.to_owned() };
        self.add(Fault { when, effect, times: 1 });
    }

    /// Adds a fault that strikes once, the n-th request of the world or the next one after it.
    pub fn add_at_request(&mut self, number: u64, effect: FaultEffect) {
        self.add(Fault { when: FaultTrigger::Request(number), effect, times: 1 });
    }

    /// Forgets the rest of the script.
    pub fn clear(&mut self) {
        self.script.clear();
    }

    /// How many requests the world has had; the next one has the number after it.
    pub fn request_count(&self) -> u64 {
        self.requests
    }

    /// Counts a request, and takes what strikes it out of the script.
    pub(crate) fn take_matching(&mut self, method: &str, path: &str) -> Vec<FaultEffect> {
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

/// What the faults of one request change about how it is handled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FaultParameters {
    pub(crate) is_unreachable: bool,
    pub(crate) delete_seconds: u64,
    pub(crate) resume_seconds: u64,
    pub(crate) zero_scaling_seconds: u64,
    pub(crate) list_lag_seconds: u64,
}

impl FaultParameters {
    pub(crate) fn from_effects(effects: &[FaultEffect]) -> Self {
        let mut parameters = Self {
            is_unreachable: false,
            delete_seconds: 3,
            resume_seconds: 2,
            zero_scaling_seconds: 3,
            list_lag_seconds: 0,
        };
        for effect in effects {
            match *effect {
                FaultEffect::SourceUnreachable => parameters.is_unreachable = true,
                FaultEffect::SlowDelete(seconds) => parameters.delete_seconds = seconds,
                FaultEffect::LateResume(seconds) => parameters.resume_seconds = seconds,
                FaultEffect::ZeroScaling(seconds) => parameters.zero_scaling_seconds = seconds,
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
