//! Listens for termination signals in a thread of its own.
//
// One thread listens from the first run to the end of the process. A listener per run would lose a signal that comes
// between two environments. A listener on the main runtime would not see the second signal while a blocking read (a
// question on the terminal, a secret's program) holds the only thread.

use std::io::{self, Write as _};
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use tokio::signal;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::exit;

/// Signals within this time of the first are the same request.
//
// `timeout` sends SIGTERM to the process and then to its group; Ctrl-C reaches the whole group, and a wrapper such as
// `npx` sends it on. The second one came microseconds later, and ended a run that had just deleted a pipe to create it
// again, without a word about it.
const SAME_REQUEST: Duration = Duration::from_secs(1);

static SIGNALLED: LazyLock<Result<watch::Receiver<bool>, String>> =
    LazyLock::new(|| start_listener().map_err(|error| error.to_string()));

/// Becomes true with the first signal.
pub(super) fn signal_receiver() -> Result<watch::Receiver<bool>, &'static str> {
    SIGNALLED.as_ref().map(Clone::clone).map_err(String::as_str)
}

fn start_listener() -> io::Result<watch::Receiver<bool>> {
    let (sender, receiver) = watch::channel(false);
    let (ready, listens) = mpsc::channel();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if let Err(error) = run_listener(&sender, &ready) {
            // `start_listener` waits for this message.
            let _ = ready.send(Err(error));
        }
    })?;
    listens.recv().map_err(io::Error::other)??;
    Ok(receiver)
}

fn run_listener(sender: &watch::Sender<bool>, ready: &mpsc::Sender<io::Result<()>>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut signals = Signals::new()?;
        // Not earlier: a signal that comes before the handlers are set would end the process.
        let _ = ready.send(Ok(()));
        signals.next().await;
        let first = Instant::now();
        sender.send_replace(true);
        while first.elapsed() < SAME_REQUEST {
            signals.next().await;
        }
        exit_immediately()
    })
}

#[expect(clippy::exit, reason = "whoever asks twice does not want to wait for anything")]
fn exit_immediately() -> ! {
    // A closed stderr must not keep the process.
    let _ = writeln!(
        io::stderr(),
        "aborted: what was in progress may or may not be done, and no report is written; plan again to see what is live"
    );
    std::process::exit(i32::from(exit::INTERRUPTED))
}

#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: signal::unix::Signal,
    terminate: signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn next(&mut self) {
        // No signal can be received. To return would look like a signal, and end the run.
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
