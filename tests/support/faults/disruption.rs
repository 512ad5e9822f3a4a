//! What can happen to a run at any of its requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use model::desired::Desired;
use pipectl::interruption::Interruption;
use remote::{ApiRequest, ResponseFuture, Transport};
use sandbox::{Fault, FaultEffect, FaultTrigger, World};
use tokio::sync::Notify;

use super::{SERVICES, lost_pipes, pipes_left_stopped, run_apply};
use crate::support::bench::Bench;

/// How long an interrupted run may go on.
const LAST_MOMENT: Duration = Duration::from_secs(7);

/// Something that happens at a request.
#[derive(Clone, Debug)]
pub(crate) enum Disruption {
    /// The API's side of it, for so many requests in a row.
    Fault { effects: Vec<FaultEffect>, times: u32 },
    /// The process is gone before the request is sent.
    KilledBefore,
    /// The process is gone before the answer comes.
    KilledAfter,
    /// Somebody asks the process to end.
    Interrupted,
}

impl Disruption {
    /// Whether it makes a difference to such a request.
    pub(crate) fn affects_request(&self, method: &str, path: &str) -> bool {
        let Self::Fault { effects, .. } = self else { return true };
        let creates = method == "POST";
        effects.iter().all(|effect| match effect {
            FaultEffect::SlowDelete(_) => method == "DELETE",
            FaultEffect::LateResume(_) => method == "PATCH",
            FaultEffect::ZeroScaling(_) => creates || path.ends_with("/scaling"),
            FaultEffect::LateCommit(_) => method != "GET",
            FaultEffect::ListLag(_) | FaultEffect::SourceUnreachable => creates,
            _ => true,
        })
    }

    /// For how long it may hide what was made from whoever looks for it.
    pub(crate) fn hidden_seconds(&self) -> u64 {
        let Self::Fault { effects, .. } = self else { return 0 };
        let seconds = effects.iter().map(|effect| match effect {
            FaultEffect::ListLag(seconds) | FaultEffect::LateCommit(seconds) => *seconds,
            _ => 0,
        });
        seconds.sum()
    }

    /// Whether it ends the process before its time, so that nobody looks any more.
    pub(crate) fn ends_process(&self) -> bool {
        !matches!(self, Self::Fault { .. })
    }

    /// That world, if this is to happen to its n-th request from now on beside something else.
    pub(crate) fn add_to_world(&self, world: &World, nth: u64) -> World {
        match self {
            Self::Fault { effects, times } => world_with_fault(world, effects, *times, nth),
            Self::KilledBefore | Self::KilledAfter | Self::Interrupted => world.clone(),
        }
    }

    /// A run on that world in which this happens to the n-th request. Gives what the run said, and
    /// the world after it.
    pub(crate) async fn run_disrupted(
        &self,
        world: &World,
        desired: &Desired,
        nth: u64,
    ) -> Result<(String, World), String> {
        match self {
            Self::Fault { effects, times } => {
                let bench = Bench::with_world(world_with_fault(world, effects, *times, nth), &SERVICES);
                let said = run_apply(&bench, desired).await.err().unwrap_or_default();
                check_losses_reported(world, bench.world_snapshot(), desired, &said)?;
                Ok((said, bench.world_snapshot()))
            }
            Self::KilledBefore => Ok(run_killed(world, desired, nth, RequestTrap::before_request).await),
            Self::KilledAfter => Ok(run_killed(world, desired, nth, RequestTrap::after_request).await),
            Self::Interrupted => run_interrupted(world, desired, nth).await,
        }
    }
}

fn world_with_fault(world: &World, effects: &[FaultEffect], times: u32, nth: u64) -> World {
    let mut world = world.clone();
    let first = world.fault_script().request_count() + nth;
    for effect in effects {
        world.fault_script().add(Fault { when: FaultTrigger::Request(first), effect: *effect, times });
    }
    world
}

/// Between a client and its world: something happens at the n-th request.
struct RequestTrap {
    inner: Arc<dyn Transport>,
    remaining: AtomicU64,
    /// Whether the request still arrives.
    forwards_request: bool,
    triggered: Arc<Notify>,
}

impl RequestTrap {
    fn before_request(inner: Arc<dyn Transport>, nth: u64, triggered: Arc<Notify>) -> Self {
        Self { inner, remaining: AtomicU64::new(nth), forwards_request: false, triggered }
    }

    fn after_request(inner: Arc<dyn Transport>, nth: u64, sprung: Arc<Notify>) -> Self {
        Self { forwards_request: true, ..Self::before_request(inner, nth, sprung) }
    }
}

impl Transport for RequestTrap {
    fn send(&self, request: ApiRequest) -> ResponseFuture<'_> {
        Box::pin(async move {
            let left = self.remaining.load(Ordering::Relaxed);
            self.remaining.store(left.saturating_sub(1), Ordering::Relaxed);
            if left > 1 {
                return self.inner.send(request).await;
            }
            if left == 1 && self.forwards_request {
                // Nobody will ever hear of it.
                let _ = self.inner.send(request).await;
            }
            self.triggered.notify_one();
            std::future::pending().await
        })
    }
}

async fn run_killed(
    world: &World,
    desired: &Desired,
    nth: u64,
    trap: impl FnOnce(Arc<dyn Transport>, u64, Arc<Notify>) -> RequestTrap,
) -> (String, World) {
    let sprung = Arc::new(Notify::new());
    let bench =
        Bench::with_transport(world.clone(), &SERVICES, |inner| Arc::new(trap(inner, nth, Arc::clone(&sprung))));
    let run = std::pin::pin!(run_apply(&bench, desired));
    let dead = std::pin::pin!(sprung.notified());
    let said = match select(run, dead).await {
        Either::Left((outcome, _)) => outcome.err().unwrap_or_default(),
        Either::Right(_) => "killed".to_owned(),
    };
    (said, bench.world_snapshot())
}

/// Raises an interruption at the n-th request.
struct InterruptingTransport {
    inner: Arc<dyn Transport>,
    remaining: AtomicU64,
    interruption: Interruption,
}

impl Transport for InterruptingTransport {
    fn send(&self, request: ApiRequest) -> ResponseFuture<'_> {
        if self.remaining.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.interruption.raise();
        }
        self.inner.send(request)
    }
}

/// Whether the report on the pipe has one of these fields.
fn is_reported(said: &str, name: &str, fields: &[&str]) -> bool {
    let of_it = |line: &&str| line.contains(&format!("\"{name}\""));
    said.lines().find(of_it).is_some_and(|line| fields.iter().any(|field| line.contains(field)))
}

/// It must be over soon, and no pipe may be left stopped.
async fn run_interrupted(world: &World, desired: &Desired, nth: u64) -> Result<(String, World), String> {
    let interruption = Interruption::default();
    let bell = |inner| {
        let left = AtomicU64::new(nth);
        Arc::new(InterruptingTransport { inner, remaining: left, interruption: interruption.clone() })
            as Arc<dyn Transport>
    };
    let mut bench = Bench::with_transport(world.clone(), &SERVICES, bell);
    bench.interruption = interruption;
    let said = run_apply(&bench, desired).await.err().unwrap_or_default();
    if !bench.interruption.is_raised() {
        return Ok((said, bench.world_snapshot()));
    }
    let took = bench.interruption.wait_until_raised().await.elapsed();
    if took > LAST_MOMENT {
        return Err(format!("it took {took:?} to come to an end: {said}"));
    }
    check_losses_reported(world, bench.world_snapshot(), desired, &said)?;
    Ok((said, bench.world_snapshot()))
}

/// Whatever was deleted to be created again is created, and what was paused runs, or the report says that it does not.
pub(crate) fn check_losses_reported(before: &World, after: World, desired: &Desired, said: &str) -> Result<(), String> {
    let mut lost = lost_pipes(before, &after, desired);
    lost.retain(|name| !is_reported(said, name, &["notRecreated", "missingMappings"]));
    if !lost.is_empty() {
        return Err(format!("lost in silence: {}: {said}", lost.join(", ")));
    }
    let mut left = pipes_left_stopped(before, after, desired);
    left.retain(|name| !is_reported(said, name, &["leftStopped", "notRecreated", "missingMappings"]));
    if left.is_empty() { Ok(()) } else { Err(format!("left stopped in silence: {}: {said}", left.join(", "))) }
}

/// What can happen to any one request.
const SINGLE_EFFECTS: [FaultEffect; 19] = [
    FaultEffect::CutBeforeCommit,
    FaultEffect::CutAfterCommit,
    FaultEffect::InternalError,
    FaultEffect::Unavailable,
    FaultEffect::Forbidden,
    FaultEffect::GatewayTimeout,
    FaultEffect::GatewayTimeoutAfterCommit,
    FaultEffect::LateCommit(45),
    FaultEffect::RateLimited(2.5),
    FaultEffect::RateLimitedWithoutReset,
    FaultEffect::TruncatedJson,
    FaultEffect::HtmlAnswer,
    FaultEffect::SlowAnswer(35),
    FaultEffect::SourceUnreachable,
    FaultEffect::SlowDelete(60),
    FaultEffect::LateResume(30),
    FaultEffect::ZeroScaling(60),
    FaultEffect::ListLag(20),
    FaultEffect::ListLag(90),
];

/// What can go on for longer than anybody tries again.
const LASTING_EFFECTS: [FaultEffect; 6] = [
    FaultEffect::CutBeforeCommit,
    FaultEffect::CutAfterCommit,
    FaultEffect::InternalError,
    FaultEffect::GatewayTimeoutAfterCommit,
    FaultEffect::RateLimitedWithoutReset,
    FaultEffect::HtmlAnswer,
];

/// Creates whose answer is lost, and whose object is not to be seen at first.
const HIDDEN_CREATES: [[FaultEffect; 2]; 3] = [
    [FaultEffect::CutAfterCommit, FaultEffect::ListLag(20)],
    [FaultEffect::GatewayTimeoutAfterCommit, FaultEffect::ListLag(40)],
    [FaultEffect::TruncatedJson, FaultEffect::ListLag(20)],
];

/// Every kind of trouble.
pub(crate) fn all_disruptions() -> Vec<Disruption> {
    let single = SINGLE_EFFECTS.iter().map(|effect| fault_disruption(&[*effect], 1));
    let lasting = LASTING_EFFECTS.iter().map(|effect| fault_disruption(&[*effect], 40));
    let hidden = HIDDEN_CREATES.iter().map(|effects| fault_disruption(effects, 1));
    let process = [Disruption::KilledBefore, Disruption::KilledAfter, Disruption::Interrupted];
    single.chain(lasting).chain(hidden).chain(process).collect()
}

fn fault_disruption(effects: &[FaultEffect], times: u32) -> Disruption {
    Disruption::Fault { effects: effects.to_vec(), times }
}
