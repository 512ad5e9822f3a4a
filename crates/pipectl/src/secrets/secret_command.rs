//! Secrets that a program prints. It runs without a shell, for a bounded time, and nothing of what
//! it prints is ever shown: its complaints may hold the secret, too.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::{MAX_SECRET_BYTES, secret_from_bytes};
use crate::env_vars;
use crate::interruption::Signals;

/// Of what is too long to be a secret, a little too much is read.
const READ_LIMIT: u64 = MAX_SECRET_BYTES as u64 + 1;

/// So long a program may take. Somebody may have to touch a key.
pub(super) const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// What a program may hold its output open for when it has ended and left something running.
const OUTPUT_GRACE: Duration = Duration::from_secs(1);

/// A program to be run.
pub(super) struct SecretCommand<'r> {
    /// The program and its arguments.
    pub(super) arguments: &'r [String],
    /// The folder that it runs in; the empty path is the working folder.
    pub(super) folder: &'r Path,
    /// Variables that it does not get.
    pub(super) hidden_variables: &'r [String],
}

/// Runs the program and takes what it prints.
///
/// # Errors
/// Says how it ended, and nothing of what it printed.
pub(super) fn run_secret_command(it: &SecretCommand<'_>, time_limit: Duration) -> Result<SecretString, String> {
    // Time is virtual against the sandbox, and a program takes real time.
    let here = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("cannot wait for a program: {error}"))?;
        runtime.block_on(run_interruptible(it, time_limit))
    };
    let joined = std::thread::scope(|scope| scope.spawn(here).join());
    joined.unwrap_or_else(|_| Err("the program could not be waited for".to_owned()))
}

/// Whether the program is there, without running it.
///
/// # Errors
/// Says where it is missing.
pub(super) fn find_program(program: &str, folder: &Path) -> Result<(), String> {
    if program.contains('/') {
        return is_program(&folder.join(program)).then_some(()).ok_or_else(|| "no such program".into());
    }
    let folders = env_vars::read_variable("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).any(|folder| is_program(&folder.join(program)));
    found.then_some(()).ok_or_else(|| format!("`{program}` is not on PATH"))
}

/// Whether it can be run, as far as that shows without trying.
fn is_program(path: &Path) -> bool {
    let Ok(found) = path.metadata() else { return false };
    #[cfg(unix)]
    let may_run = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let may_run = true;
    found.is_file() && may_run
}

async fn run_interruptible(it: &SecretCommand<'_>, time_limit: Duration) -> Result<SecretString, String> {
    let mut signals = Signals::new().map_err(|error| error.to_string())?;
    tokio::select! {
        printed = timeout(time_limit, capture_secret(it)) => {
            printed.unwrap_or_else(|_| Err(format!("it took longer than {time_limit:?}")))
        }
        () = signals.next() => Err("interrupted".to_owned()),
    }
}

/// Ends the program when nobody waits for it any more.
async fn capture_secret(it: &SecretCommand<'_>) -> Result<SecretString, String> {
    let program = it.arguments.first().ok_or("no program is named")?;
    let child = build_command(program, it).spawn();
    let mut child = child.map_err(|error| format!("cannot run `{program}`: {error}"))?;
    let mut stdout = child.stdout.take().ok_or("its output cannot be read")?.take(READ_LIMIT);
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SECRET_BYTES + 1));
    let early = tokio::select! {
        read = stdout.read_to_end(&mut bytes) => read.map(|_| None),
        status = child.wait() => status.map(Some),
    };
    if early.map_err(|error| error.to_string())?.is_some() {
        // All that it printed is there; what it left running may hold the output open for good.
        let _ = timeout(OUTPUT_GRACE, stdout.read_to_end(&mut bytes)).await;
    } else if bytes.len() > MAX_SECRET_BYTES {
        // It may never come to an end by itself.
        return secret_from_bytes(&bytes);
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() { secret_from_bytes(&bytes) } else { Err(format!("`{program}` failed: {status}")) }
}

fn build_command(program: &str, it: &SecretCommand<'_>) -> Command {
    // Else it is up to the system which folder a path would start from.
    let path = it.folder.join(program);
    let path = Some(path).filter(|_| program.contains('/')).and_then(|it| std::path::absolute(it).ok());
    let mut command = Command::new(path.as_deref().unwrap_or(Path::new(program)));
    command.args(&it.arguments[1..]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    if it.folder != Path::new("") {
        command.current_dir(it.folder);
    }
    it.hidden_variables.iter().for_each(|name| {
        command.env_remove(name);
    });
    command.kill_on_drop(true);
    command
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    use secrecy::ExposeSecret;
    use tempfile::TempDir;

    use super::{SecretCommand, run_secret_command};

    fn shell(script: &str, patience: Duration) -> Result<String, String> {
        let words = ["/bin/sh", "-c", script].map(str::to_owned);
        let (folder, without) = (Path::new(""), &["HOME".to_owned()]);
        run_secret_command(&SecretCommand { arguments: &words, folder, hidden_variables: without }, patience)
            .map(|secret| secret.expose_secret().to_owned())
    }

    /// So often it is looked whether the program has ended, before the test gives up.
    const LOOKS: usize = 1_000_000;

    /// Ended, though perhaps not yet taken leave of.
    fn has_ended(process: &str) -> bool {
        let stat = fs::read_to_string(Path::new("/proc").join(process).join("stat"));
        stat.map_or(true, |stat| stat.contains(") Z "))
    }

    #[test]
    fn secret_command_is_killed_at_the_timeout() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("process");
        let script = format!("echo $$ > {0}.new; mv {0}.new {0}; exec sleep 600", file.display());
        let told = shell(&script, Duration::from_secs(1));
        assert_eq!(told, Err("it took longer than 1s".to_owned()));
        let process = fs::read_to_string(file).unwrap();
        assert!((0..LOOKS).any(|_| has_ended(process.trim())), "it runs still");
        assert_eq!(shell("echo fine", Duration::from_secs(60)), Ok("fine".to_owned()));
    }

    #[test]
    fn secret_command_ignores_background_processes() {
        let told = shell("echo fine; sleep 5 &", Duration::from_secs(60));
        assert_eq!(told, Ok("fine".to_owned()));
    }

    #[test]
    fn secret_command_does_not_inherit_hidden_variables() {
        let told = shell("echo \"<$HOME>\"", Duration::from_secs(60));
        assert_eq!(told, Ok("<>".to_owned()));
    }
}
