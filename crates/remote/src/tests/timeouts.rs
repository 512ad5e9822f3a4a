//! An API that takes requests and never answers: every wait for it ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::action::{Action, RunState};
use model::address::{Kind, ServiceRef};
use model::live::Id;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::bench::{OneSecret, SERVICE, pipe_address, scope_of_kinds};
use super::fixtures::kafka_body;
use crate::{ApiRequest, ApiResponse, Remote, RemoteSettings, ResponseFuture, Transport};

/// Answers this many lists, and then nothing.
struct SilentTransport(std::sync::atomic::AtomicU64);

impl Transport for SilentTransport {
    fn send(&self, _: ApiRequest) -> ResponseFuture<'_> {
        let left = self.0.load(std::sync::atomic::Ordering::Relaxed);
        self.0.store(left.saturating_sub(1), std::sync::atomic::Ordering::Relaxed);
        Box::pin(async move {
            if left == 0 {
                std::future::pending::<()>().await;
            }
            let list = json!({"result": [{"id": "p", "name": "clicks", "state": "Running"}]});
            Ok(ApiResponse { status: 200, headers: Vec::new(), body: list.to_string().into_bytes() })
        })
    }
}

fn remote_silent_after(lists: u64, timeout: u64) -> Remote {
    let services = BTreeMap::from([(ServiceRef::new(SERVICE), "svc".to_owned())]);
    let settings = RemoteSettings { timeout: Duration::from_secs(timeout), ..RemoteSettings::default() };
    let transport = Arc::new(SilentTransport(lists.into()));
    Remote::new(transport, "org".to_owned(), services, Arc::new(OneSecret), settings)
}

#[tokio::test(start_paused = true)]
async fn unanswered_read_ends_at_the_timeout() {
    for (timeout, least, most) in [(20, 20, 25), (900, 480, 905)] {
        let (remote, began) = (remote_silent_after(0, timeout), Instant::now());
        let error = remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap_err();
        let took = began.elapsed().as_secs();
        assert!((least..=most).contains(&took), "{took} s of {timeout}: {error}");
        assert!(error.to_string().ends_with("no answer in time"), "{error}");
        assert!(!error.is_outcome_unknown());
        assert!(remote.request_counts().sent >= timeout / 120, "{:?}", remote.request_counts());
    }
}

#[tokio::test(start_paused = true)]
async fn unanswered_write_gets_extra_time_and_unknown_outcome() {
    let create = Action::create(pipe_address("orders"), kafka_body("orders"));
    let stop = Action::SetState { address: pipe_address("clicks"), id: Some(Id::new("p")), to: RunState::Stopped };
    for action in [create, stop] {
        let (remote, began) = (remote_silent_after(1, 20), Instant::now());
        remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await.unwrap();
        let error = remote.perform_action(&action).await.unwrap_err();
        let took = began.elapsed().as_secs();
        assert!((30..=40).contains(&took), "{took} s: {error}");
        assert!(error.is_outcome_unknown(), "{error}");
        let sent = remote.request_counts().by_method;
        assert_eq!(sent.iter().filter(|(method, _)| method.is_write()).map(|it| it.1).sum::<u64>(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn unanswered_resume_ends_within_its_budget() {
    let (remote, began) = (remote_silent_after(0, 20), Instant::now());
    sleep(Duration::from_secs(30)).await;
    remote.resume_pipe(&pipe_address("clicks"), &Id::new("p")).await.unwrap_err();
    assert!(began.elapsed() <= Duration::from_secs(30 + 60 + 30), "{:?}", began.elapsed());
}
