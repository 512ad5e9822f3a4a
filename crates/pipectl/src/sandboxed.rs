//! The sandbox inside the process: the real client, with the embedded API in place of the network.
//!
//! Time is tokio's pausable clock. When every task waits, it jumps to the next moment at which
//! something is due, so that minutes of provisioning take no time at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use remote::{Request, Response, Sending, Transport, TransportError};
use sandbox::{Fate, World};
use tokio::time::Instant;

/// What a request takes on its way there and back.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// A world, its file, and how far its clock has followed ours.
pub struct Sandboxed {
    inner: Mutex<Inner>,
    authorization: String,
}

struct Inner {
    world: World,
    file: Option<PathBuf>,
    seen: Instant,
}

impl Sandboxed {
    /// A world that lives as long as the process.
    pub fn new(world: World) -> Arc<Self> {
        Self::keeping(world, None)
    }

    /// The world in `file`, or a new one that will be kept there.
    ///
    /// # Errors
    /// When the file cannot be read or is not a world.
    pub fn open(file: &Path) -> Result<Arc<Self>> {
        Ok(Self::keeping(load(file)?, Some(file.to_owned())))
    }

    fn keeping(world: World, file: Option<PathBuf>) -> Arc<Self> {
        let inner = Mutex::new(Inner { world, file, seen: Instant::now() });
        let authorization = sandbox::basic_authorization(sandbox::KEY_ID, sandbox::KEY_SECRET);
        Arc::new(Self { inner, authorization })
    }

    /// Looks into the world, or changes it behind the client's back.
    pub fn with<T>(&self, f: impl FnOnce(&mut World) -> T) -> T {
        let mut inner = self.lock();
        inner.follow_the_clock();
        f(&mut inner.world)
    }

    /// Writes the world to its file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self) -> Result<()> {
        self.lock().save()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, request: &Request) -> Result<sandbox::Response, TransportError> {
        let mut inner = self.lock();
        inner.follow_the_clock();
        let response = inner.world.handle(&sandbox::Request {
            method: request.method.as_str().to_owned(),
            path: request.path.clone(),
            authorization: Some(self.authorization.clone()),
            body: request.body.as_ref().map(|body| body.expose().to_vec()).unwrap_or_default(),
        });
        if request.method.writes() {
            inner.save().map_err(|error| TransportError::Interrupted(format!("{error:#}")))?;
        }
        Ok(response)
    }
}

impl Inner {
    fn follow_the_clock(&mut self) {
        let now = Instant::now();
        let passed = now.duration_since(self.seen);
        self.seen = now;
        self.world.advance(passed);
    }

    fn save(&self) -> Result<()> {
        self.file.as_deref().map_or(Ok(()), |file| store(file, &self.world))
    }
}

/// The world in `file`, or a new one.
///
/// # Errors
/// When the file cannot be read or is not a world.
pub fn load(file: &Path) -> Result<World> {
    if !file.exists() {
        return Ok(World::new(sandbox::Options::default()));
    }
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut world: World = serde_json::from_str(&text).with_context(|| {
        format!("{} does not hold a sandbox; delete it to start anew", file.display())
    })?;
    world.advance(age(file));
    Ok(world)
}

/// The time between two runs passes in the sandbox, too.
#[expect(clippy::disallowed_methods, reason = "a file's age is told by the real clock")]
fn age(file: &Path) -> Duration {
    let written = fs::metadata(file).and_then(|file| file.modified());
    let passed = written.ok().and_then(|at| std::time::SystemTime::now().duration_since(at).ok());
    passed.unwrap_or_default()
}

/// Writes the world: beside the file first and then into its place, so that a crash leaves the old
/// world or the new one.
///
/// # Errors
/// When the file cannot be written.
pub fn store(file: &Path, world: &World) -> Result<()> {
    let failed = || format!("cannot write {}", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(failed)?;
    }
    let fresh = file.with_extension("json.new");
    let text = serde_json::to_string(world).with_context(failed)?;
    fs::write(&fresh, text).with_context(failed)?;
    fs::rename(&fresh, file).with_context(failed)
}

impl Transport for Sandboxed {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            tokio::time::sleep(ROUND_TRIP).await;
            let response = self.handle(&request)?;
            tokio::time::sleep(response.took).await;
            match response.fate {
                Fate::CutBeforeAnswer => {
                    Err(TransportError::Interrupted("the connection was cut".to_owned()))
                }
                Fate::Answered => Ok(Response {
                    status: response.status,
                    headers: response.headers,
                    body: response.body,
                }),
            }
        })
    }
}
