//! The sandbox inside the process: the real client on an emulated API.
//!
//! Time is tokio's paused clock. When every task waits, it jumps to the next timer, so minutes of provisioning take no
//! time.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use remote::{ApiRequest, ApiResponse, ResponseFuture, Transport, TransportError};
use sandbox::{Delivery, World};
use tokio::time::Instant;

use crate::files;

/// The time of a request and its response.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// A transport to a world of the sandbox, kept in a file or only in memory.
pub struct EmbeddedSandbox {
    inner: Mutex<SandboxState>,
}

/// The sandbox, through one of its keys.
struct KeyTransport {
    sandbox: Arc<EmbeddedSandbox>,
    key_id: String,
}

struct SandboxState {
    world: World,
    file: Option<PathBuf>,
    last_advanced: Instant,
    /// Writes since the file was written.
    unsaved_writes: usize,
}

impl EmbeddedSandbox {
    /// A transport to a world that is not saved.
    pub fn new(world: World) -> Arc<Self> {
        Self::with_file(world, None)
    }

    /// A transport to the world in `file`, or to a new one that is saved there.
    pub fn open_file(file: &Path) -> Result<Arc<Self>> {
        Ok(Self::with_file(load_world(file)?, Some(file.to_owned())))
    }

    fn with_file(world: World, file: Option<PathBuf>) -> Arc<Self> {
        let inner = Mutex::new(SandboxState { world, file, last_advanced: Instant::now(), unsaved_writes: 0 });
        Arc::new(Self { inner })
    }

    /// A transport for each of so many keys.
    pub fn transports(self: &Arc<Self>, keys: usize) -> Vec<Arc<dyn Transport>> {
        let transport = |index| KeyTransport { sandbox: Arc::clone(self), key_id: sandbox::nth_key_id(index) };
        (0..keys).map(|index| Arc::new(transport(index)) as Arc<dyn Transport>).collect()
    }

    /// Reads the world, or changes it outside the client.
    pub fn with_world<T>(&self, f: impl FnOnce(&mut World) -> T) -> T {
        let mut inner = self.lock_state();
        inner.advance_clock();
        f(&mut inner.world)
    }

    /// The aliases of services that are here. An alias of a real service is the name of an emulated one.
    pub(crate) fn known_aliases(&self, aliases: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let services = self.with_world(|world| world.service_names());
        let known = aliases.iter().filter(|(_, id)| services.contains_key(&id.to_ascii_lowercase()));
        known.map(|(name, id)| (name.clone(), id.clone())).collect()
    }

    /// Writes the world to its file.
    pub fn save_state(&self) -> Result<()> {
        self.lock_state().save_state()
    }

    fn lock_state(&self) -> MutexGuard<'_, SandboxState> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle_request(&self, key_id: &str, request: &ApiRequest) -> Result<sandbox::SandboxResponse, TransportError> {
        let mut inner = self.lock_state();
        inner.advance_clock();
        let response = inner.world.handle_request(&sandbox::SandboxRequest {
            method: request.method.as_str().to_owned(),
            path: request.path.clone(),
            authorization: Some(sandbox::basic_authorization(key_id, sandbox::KEY_SECRET)),
            body: request.body.as_ref().map(|body| body.expose_bytes().to_vec()).unwrap_or_default(),
        });
        if request.method.is_write() {
            // The request took effect in memory only. The client treats this as a lost response, and checks before it
            // repeats anything.
            inner.save_after_write().map_err(|error| TransportError::AnswerLost(format!("{error:#}")))?;
        }
        Ok(response)
    }
}

impl SandboxState {
    fn advance_clock(&mut self) {
        let now = Instant::now();
        let passed = now.duration_since(self.last_advanced);
        self.last_advanced = now;
        self.world.advance_clock(passed);
    }

    /// The world is saved after writes, not at the end, because a killed run has still changed it. A large world is
    /// saved only after every few writes, because each save writes all of it.
    fn save_after_write(&mut self) -> Result<()> {
        /// A run that is killed loses one in so many writes at most, and none in a small world.
        const LOSABLE_SHARE: usize = 64;
        self.unsaved_writes += 1;
        if self.unsaved_writes * LOSABLE_SHARE < self.world.pipe_count() {
            return Ok(());
        }
        self.unsaved_writes = 0;
        self.save_state()
    }

    fn save_state(&self) -> Result<()> {
        self.file.as_deref().map_or(Ok(()), |file| store_world(file, &self.world))
    }
}

/// The world in `file`, or a new one.
pub fn load_world(file: &Path) -> Result<World> {
    if !file.exists() {
        return Ok(World::new(sandbox::SandboxOptions::default()));
    }
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut world: World = serde_json::from_str(&text)
        .with_context(|| format!("{} does not contain a sandbox; delete it to start over", file.display()))?;
    world.advance_clock(file_age(file));
    Ok(world)
}

// The sandbox also counts the time between two runs: the next run finishes what this one started.
#[expect(clippy::disallowed_methods, reason = "a file's age is told by the real clock")]
fn file_age(file: &Path) -> Duration {
    let written = fs::metadata(file).and_then(|file| file.modified());
    let passed = written.ok().and_then(|at| std::time::SystemTime::now().duration_since(at).ok());
    passed.unwrap_or_default()
}

pub fn store_world(file: &Path, world: &World) -> Result<()> {
    let text = serde_json::to_string(world).with_context(|| format!("cannot write {}", file.display()))?;
    files::write_private_file(file, &text)
}

impl EmbeddedSandbox {
    async fn exchange_request(&self, key_id: &str, request: ApiRequest) -> Result<ApiResponse, TransportError> {
        tokio::time::sleep(ROUND_TRIP).await;
        let response = self.handle_request(key_id, &request)?;
        tokio::time::sleep(response.delay).await;
        match response.delivery {
            Delivery::CutBeforeAnswer => Err(TransportError::AnswerLost("the connection was cut".to_owned())),
            Delivery::Answered => {
                Ok(ApiResponse { status: response.status, headers: response.headers, body: response.body })
            }
        }
    }
}

impl Transport for EmbeddedSandbox {
    fn send(&self, request: ApiRequest) -> ResponseFuture<'_> {
        Box::pin(self.exchange_request(sandbox::KEY_ID, request))
    }
}

impl Transport for KeyTransport {
    fn send(&self, request: ApiRequest) -> ResponseFuture<'_> {
        Box::pin(self.sandbox.exchange_request(&self.key_id, request))
    }

    fn key_name(&self) -> Option<&str> {
        Some(&self.key_id)
    }
}
