//! What can happen to a run at any of its requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use model::desired::Desired;
use pipectl::interruption::Interruption;
use remote::{Request, Sending, Transport};
use sandbox::{Effect, Fault, When, World};
use tokio::sync::Notify;

use super::{SERVICES, left_stopped, run};
use crate::support::bench::Bench;

/// How long an interrupted run may go on.
const LAST_MOMENT: Duration = Duration::from_secs(7);

/// Something that happens at a request.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// The API's side of it, for so many requests in a row.
    Fault { effects: Vec<Effect>, times: u32 },
    /// The process is gone before the request is sent.
    KilledBefore,
    /// The process is gone before the answer comes.
    KilledAfter,
    /// Somebody asks the process to end.
    Interrupted,
}

impl Trouble {
    /// Whether it makes a difference to such a request.
    pub(crate) fn concerns(&self, method: &str, path: &str) -> bool {
        let Self::Fault { effects, .. } = self else { return true };
        let creates = method == "POST";
        effects.iter().all(|effect| match effect {
            Effect::SlowDelete(_) => method == "DELETE",
            Effect::LateResume(_) => method == "PATCH",
            Effect::ZeroScaling(_) => creates || path.ends_with("/scaling"),
            Effect::LateCommit(_) => method != "GET",
            Effect::ListLag(_) | Effect::SourceUnreachable => creates,
            _ => true,
        })
    }

    /// For how long it may hide what was made from whoever looks for it.
    pub(crate) fn hides(&self) -> u64 {
        let Self::Fault { effects, .. } = self else { return 0 };
        let seconds = effects.iter().map(|effect| match effect {
            Effect::ListLag(seconds) | Effect::LateCommit(seconds) => *seconds,
            _ => 0,
        });
        seconds.sum()
    }

    /// Whether it ends the process before its time, so that nobody looks any more.
    pub(crate) fn ends_the_run(&self) -> bool {
        !matches!(self, Self::Fault { .. })
    }

    /// That world, if this is to happen to its n-th request from now on beside something else.
    pub(crate) fn lies_in_wait(&self, world: &World, nth: u64) -> World {
        match self {
            Self::Fault { effects, times } => striking(world, effects, *times, nth),
            Self::KilledBefore | Self::KilledAfter | Self::Interrupted => world.clone(),
        }
    }

    /// A run on that world in which this happens to the n-th request. Gives what the run said, and
    /// the world after it.
    pub(crate) async fn disturbs(
        &self,
        world: &World,
        desired: &Desired,
        nth: u64,
    ) -> Result<(String, World), String> {
        match self {
            Self::Fault { effects, times } => {
                let bench = Bench::on(striking(world, effects, *times, nth), &SERVICES);
                let said = run(&bench, desired).await.err().unwrap_or_default();
                Ok((said, bench.world()))
            }
            Self::KilledBefore => Ok(killed(world, desired, nth, Trap::before).await),
            Self::KilledAfter => Ok(killed(world, desired, nth, Trap::after).await),
            Self::Interrupted => interrupted(world, desired, nth).await,
        }
    }
}

fn striking(world: &World, effects: &[Effect], times: u32, nth: u64) -> World {
    let mut world = world.clone();
    let first = world.faults().requests() + nth;
    for effect in effects {
        world.faults().add(Fault { when: When::Request(first), effect: *effect, times });
    }
    world
}

/// Between a client and its world: something happens at the n-th request.
struct Trap {
    inner: Arc<dyn Transport>,
    left: AtomicU64,
    /// Whether the request still arrives.
    arrives: bool,
    sprung: Arc<Notify>,
}

impl Trap {
    fn before(inner: Arc<dyn Transport>, nth: u64, sprung: Arc<Notify>) -> Self {
        Self { inner, left: AtomicU64::new(nth), arrives: false, sprung }
    }

    fn after(inner: Arc<dyn Transport>, nth: u64, sprung: Arc<Notify>) -> Self {
        Self { arrives: true, ..Self::before(inner, nth, sprung) }
    }
}

impl Transport for Trap {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            let left = self.left.load(Ordering::Relaxed);
            self.left.store(left.saturating_sub(1), Ordering::Relaxed);
            if left > 1 {
                return self.inner.send(request).await;
            }
            if left == 1 && self.arrives {
                // Nobody will ever hear of it.
                let _ = self.inner.send(request).await;
            }
            self.sprung.notify_one();
            std::future::pending().await
        })
    }
}

async fn killed(
    world: &World,
    desired: &Desired,
    nth: u64,
    trap: impl FnOnce(Arc<dyn Transport>, u64, Arc<Notify>) -> Trap,
) -> (String, World) {
    let sprung = Arc::new(Notify::new());
    let bench = Bench::through(world.clone(), &SERVICES, |inner| {
        Arc::new(trap(inner, nth, Arc::clone(&sprung)))
    });
    let run = std::pin::pin!(run(&bench, desired));
    let dead = std::pin::pin!(sprung.notified());
    let said = match select(run, dead).await {
        Either::Left((outcome, _)) => outcome.err().unwrap_or_default(),
        Either::Right(_) => "killed".to_owned(),
    };
    (said, bench.world())
}

/// Raises an interruption at the n-th request.
struct Bell {
    inner: Arc<dyn Transport>,
    left: AtomicU64,
    interruption: Interruption,
}

impl Transport for Bell {
    fn send(&self, request: Request) -> Sending<'_> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.interruption.raise();
        }
        self.inner.send(request)
    }
}

/// It must be over soon, and no pipe may be left stopped.
async fn interrupted(
    world: &World,
    desired: &Desired,
    nth: u64,
) -> Result<(String, World), String> {
    let interruption = Interruption::default();
    let bell = |inner| {
        let left = AtomicU64::new(nth);
        Arc::new(Bell { inner, left, interruption: interruption.clone() }) as Arc<dyn Transport>
    };
    let mut bench = Bench::through(world.clone(), &SERVICES, bell);
    bench.interruption = interruption;
    let said = run(&bench, desired).await.err().unwrap_or_default();
    if !bench.interruption.is_raised() {
        return Ok((said, bench.world()));
    }
    let took = bench.interruption.raised().await.elapsed();
    if took > LAST_MOMENT {
        return Err(format!("it took {took:?} to come to an end: {said}"));
    }
    // There may be no time for it; then it is told.
    let mut left = left_stopped(world, bench.world(), desired);
    left.retain(|name| {
        let of_it = |line: &&str| line.contains(&format!("\"{name}\""));
        !said.lines().find(of_it).is_some_and(|line| line.contains("leftStopped"))
    });
    match left.as_slice() {
        [] => Ok((said, bench.world())),
        pipes => Err(format!("left stopped in silence: {}: {said}", pipes.join(", "))),
    }
}

/// What can happen to any one request.
const SINGLE: [Effect; 19] = [
    Effect::CutBeforeCommit,
    Effect::CutAfterCommit,
    Effect::InternalError,
    Effect::Unavailable,
    Effect::Forbidden,
    Effect::GatewayTimeout,
    Effect::GatewayTimeoutAfterCommit,
    Effect::LateCommit(45),
    Effect::RateLimited(2.5),
    Effect::RateLimitedWithoutReset,
    Effect::TruncatedJson,
    Effect::HtmlAnswer,
    Effect::SlowAnswer(35),
    Effect::SourceUnreachable,
    Effect::SlowDelete(60),
    Effect::LateResume(30),
    Effect::ZeroScaling(60),
    Effect::ListLag(20),
    Effect::ListLag(90),
];

/// What can go on for longer than anybody tries again.
const LASTING: [Effect; 6] = [
    Effect::CutBeforeCommit,
    Effect::CutAfterCommit,
    Effect::InternalError,
    Effect::GatewayTimeoutAfterCommit,
    Effect::RateLimitedWithoutReset,
    Effect::HtmlAnswer,
];

/// Creates whose answer is lost, and whose object is not to be seen at first.
const HIDDEN: [[Effect; 2]; 3] = [
    [Effect::CutAfterCommit, Effect::ListLag(20)],
    [Effect::GatewayTimeoutAfterCommit, Effect::ListLag(40)],
    [Effect::TruncatedJson, Effect::ListLag(20)],
];

/// Every kind of trouble.
pub(crate) fn troubles() -> Vec<Trouble> {
    let single = SINGLE.iter().map(|effect| fault(&[*effect], 1));
    let lasting = LASTING.iter().map(|effect| fault(&[*effect], 40));
    let hidden = HIDDEN.iter().map(|effects| fault(effects, 1));
    let process = [Trouble::KilledBefore, Trouble::KilledAfter, Trouble::Interrupted];
    single.chain(lasting).chain(hidden).chain(process).collect()
}

fn fault(effects: &[Effect], times: u32) -> Trouble {
    Trouble::Fault { effects: effects.to_vec(), times }
}
