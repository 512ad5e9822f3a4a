//! An API that takes requests and never answers: every wait for it ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::action::{Action, RunState};
use model::address::{Kind, ServiceRef};
use model::live::Id;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::bench::{OneSecret, SERVICE, pipe, scope};
use super::fixtures::kafka;
use crate::{Remote, Request, Response, Sending, Settings, Transport};

/// Answers lists so many times, and then nothing.
struct Silent(std::sync::atomic::AtomicU64);

impl Transport for Silent {
    fn send(&self, _: Request) -> Sending<'_> {
        let left = self.0.load(std::sync::atomic::Ordering::Relaxed);
        self.0.store(left.saturating_sub(1), std::sync::atomic::Ordering::Relaxed);
        Box::pin(async move {
            if left == 0 {
                std::future::pending::<()>().await;
            }
            let list = json!({"result": [{"id": "p", "name": "clicks", "state": "Running"}]});
            Ok(Response { status: 200, headers: Vec::new(), body: list.to_string().into_bytes() })
        })
    }
}

fn silent_after(lists: u64, timeout: u64) -> Remote {
    let services = BTreeMap::from([(ServiceRef::new(SERVICE), "svc".to_owned())]);
    let settings = Settings { timeout: Duration::from_secs(timeout), ..Settings::default() };
    let transport = Arc::new(Silent(lists.into()));
    Remote::new(transport, "org".to_owned(), services, Arc::new(OneSecret), settings)
}

#[tokio::test(start_paused = true)]
async fn a_read_ends_with_the_run() {
    for (timeout, least, most) in [(20, 20, 25), (900, 480, 905)] {
        let (remote, began) = (silent_after(0, timeout), Instant::now());
        let error = remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap_err();
        let took = began.elapsed().as_secs();
        assert!((least..=most).contains(&took), "{took} s of {timeout}: {error}");
        assert!(error.to_string().ends_with("no answer in time"), "{error}");
        assert!(!error.outcome_unknown());
        assert!(remote.requests().sent >= timeout / 120, "{:?}", remote.requests());
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_is_waited_for_a_little_longer_and_its_outcome_is_unknown() {
    let create = Action::Create { at: pipe("orders"), body: kafka("orders") };
    let stop =
        Action::SetState { at: pipe("clicks"), id: Some(Id::new("p")), to: RunState::Stopped };
    for action in [create, stop] {
        let (remote, began) = (silent_after(1, 20), Instant::now());
        remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap();
        let error = remote.perform(&action).await.unwrap_err();
        let took = began.elapsed().as_secs();
        assert!((30..=40).contains(&took), "{took} s: {error}");
        assert!(error.outcome_unknown(), "{error}");
        let sent = remote.requests().by_method;
        assert_eq!(
            sent.iter().filter(|(method, _)| method.writes()).map(|it| it.1).sum::<u64>(),
            1
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_ends_too() {
    let (remote, began) = (silent_after(0, 20), Instant::now());
    sleep(Duration::from_secs(30)).await;
    remote.resume(&pipe("clicks"), &Id::new("p")).await.unwrap_err();
    assert!(began.elapsed() <= Duration::from_secs(30 + 60 + 30), "{:?}", began.elapsed());
}
