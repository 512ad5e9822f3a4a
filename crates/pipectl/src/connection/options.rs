//! Command line options for the API.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use remote::RequestRate;

use crate::env_vars;

/// The default address of the API.
const API_URL: &str = "https://api.clickhouse.cloud/v1";

/// Command line options for the API. Keys come from environment variables only.
#[derive(Clone, Debug)]
pub(crate) struct ConnectOptions {
    pub(crate) api_url: Option<String>,
    pub(crate) organization: Option<String>,
    /// The service of manifests that name none.
    pub(crate) service: Option<String>,
    /// The file of the embedded sandbox, in place of the API.
    pub(crate) sandbox: Option<PathBuf>,
    pub(crate) rate_limit: Option<RateLimitOption>,
    pub(crate) timeout: RunTimeout,
}

impl ConnectOptions {
    /// The address of the API, and the setting that it comes from.
    pub(crate) fn api_url(&self) -> (&'static str, String) {
        let flag = self.api_url.clone().map(|url| ("--api-url or PIPECTL_API_URL", url));
        flag.or_else(|| env_vars::first_set_variable(&["CLICKHOUSE_API_URL"]))
            .unwrap_or_else(|| ("the default", API_URL.to_owned()))
    }

    pub(crate) fn default_service(&self) -> Option<String> {
        self.service.clone().or_else(|| env_vars::read_variable("SERVICE_ID"))
    }
}

/// The longest time that the whole run may wait and retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunTimeout {
    /// The time on the command line.
    pub(crate) chosen: Option<Duration>,
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// The default timeout for a large plan, as a multiple of the time that the rate limit needs for its requests alone.
// The other half is for the lists that show when an object has settled: they use the same limit.
const TIME_PER_PLAN: f64 = 2.0;

impl RunTimeout {
    pub(crate) fn limit(self) -> Duration {
        self.chosen.unwrap_or(DEFAULT_TIMEOUT)
    }

    /// The limit for the actions of a plan whose requests take this long at least.
    pub(crate) fn limit_for_plan(self, seconds: f64) -> Duration {
        self.chosen.unwrap_or_else(|| DEFAULT_TIMEOUT + Duration::from_secs_f64(TIME_PER_PLAN * seconds))
    }

    pub(crate) fn at_most(self, limit: Duration) -> Self {
        Self { chosen: Some(self.limit().min(limit)) }
    }
}

/// A request rate; `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLimitOption(pub(crate) Option<RequestRate>);

impl FromStr for RateLimitOption {
    type Err = &'static str;

    /// Reads `10/10s`, or `off`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self(None));
        }
        let parsed = text.split_once('/').and_then(|(requests, per)| {
            let (requests, per) = (requests.parse().ok()?, humantime::parse_duration(per).ok()?);
            (requests > 0 && !per.is_zero()).then_some(RequestRate { requests, window: per })
        });
        parsed.map(|rate| Self(Some(rate))).ok_or("write requests and a time, such as 10/10s, or off")
    }
}
