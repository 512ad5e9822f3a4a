//! Runs a program that prints a secret, without a shell and with a time limit.
//
// The output of the program is never shown, and neither is its error output: it may contain the secret as well.

use std::ffi::OsString;
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

// One byte more, to distinguish a secret of the maximum length from a longer output.
const READ_LIMIT: u64 = MAX_SECRET_BYTES as u64 + 1;

/// The time limit of a program. A person may have to touch a security key.
pub(super) const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// The time to read the rest of the output after the program ended.
const OUTPUT_GRACE: Duration = Duration::from_secs(1);

pub(super) struct SecretCommand<'r> {
    /// The program and its arguments.
    pub(super) arguments: &'r [String],
    /// Its working folder; the empty path is that of pipectl.
    pub(super) folder: &'r Path,
    /// All that it gets of the environment.
    pub(super) variables: &'r [(OsString, OsString)],
}

/// Runs the program and returns its output.
///
/// # Errors
/// When it cannot be run, fails, or prints no valid secret. No error quotes its output.
pub(super) fn run_secret_command(it: &SecretCommand<'_>, time_limit: Duration) -> Result<SecretString, String> {
    // With the sandbox, the run's clock is virtual: it would jump past the time limit while the program still runs. So
    // the program gets a runtime with a real clock, in its own thread.
    let here = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("cannot wait for a program: {error}"))?;
        runtime.block_on(run_interruptible(it, time_limit))
    };
    // It blocks the only thread of the run, so nothing else is asked or sent meanwhile.
    let joined = std::thread::scope(|scope| scope.spawn(here).join());
    joined.unwrap_or_else(|_| Err("the program could not be waited for".to_owned()))
}

/// Checks that the program exists, without running it.
///
/// # Errors
/// Where it was not found.
pub(super) fn find_program(program: &str, folder: &Path) -> Result<(), String> {
    if program.contains('/') {
        return is_program(&folder.join(program)).then_some(()).ok_or_else(|| "no such program".into());
    }
    let folders = env_vars::path_of_programs().unwrap_or_default();
    let found = std::env::split_paths(&folders).any(|folder| is_program(&folder.join(program)));
    found.then_some(()).ok_or_else(|| format!("`{program}` is not on PATH"))
}

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
        // The run's own handler cannot act while this thread is waited for.
        () = signals.next() => Err("interrupted".to_owned()),
    }
}

/// Runs the program to its end. It is killed when the future is dropped, at the time limit or after a signal.
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
        // The program ended before its output did: a background process that it started may keep the output open for
        // ever. The complete output of the program itself is in the pipe by now.
        let _ = timeout(OUTPUT_GRACE, stdout.read_to_end(&mut bytes)).await;
    } else if bytes.len() > MAX_SECRET_BYTES {
        // A program that prints without end would never be waited for.
        return secret_from_bytes(&bytes);
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() { secret_from_bytes(&bytes) } else { Err(format!("`{program}` failed: {status}")) }
}

fn build_command(program: &str, it: &SecretCommand<'_>) -> Command {
    // With a working folder set, it depends on the system which folder a relative program path starts from.
    let path = it.folder.join(program);
    let path = Some(path).filter(|_| program.contains('/')).and_then(|it| std::path::absolute(it).ok());
    let mut command = Command::new(path.as_deref().unwrap_or(Path::new(program)));
    command.args(&it.arguments[1..]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    if it.folder != Path::new("") {
        command.current_dir(it.folder);
    }
    // The environment of the run contains the API key and the secrets of other pipes.
    command.env_clear().envs(it.variables.iter().map(|(name, value)| (name, value)));
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
        let (folder, variables) = (Path::new(""), &[("PASSED".into(), "passed".into())]);
        run_secret_command(&SecretCommand { arguments: &words, folder, variables }, patience)
            .map(|secret| secret.expose_secret().to_owned())
    }

    /// The number of checks for the end of the program before the test gives up.
    const LOOKS: usize = 1_000_000;

    /// Whether the process is gone, or a zombie that was not reaped yet.
    fn has_ended(process: &str) -> bool {
        let stat = fs::read_to_string(Path::new("/proc").join(process).join("stat"));
        stat.map_or(true, |stat| stat.contains(") Z "))
    }

    #[test]
    fn secret_command_is_killed_at_the_timeout() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("process");
        let script = format!("echo $$ > {0}.new; mv {0}.new {0}; exec sleep 600", file.display());
        let result = shell(&script, Duration::from_secs(1));
        assert_eq!(result, Err("it took longer than 1s".to_owned()));
        let process = fs::read_to_string(file).unwrap();
        assert!((0..LOOKS).any(|_| has_ended(process.trim())), "it runs still");
        assert_eq!(shell("echo fine", Duration::from_secs(60)), Ok("fine".to_owned()));
    }

    #[test]
    fn secret_command_ignores_background_processes() {
        let result = shell("echo fine; sleep 5 &", Duration::from_secs(60));
        assert_eq!(result, Ok("fine".to_owned()));
    }

    #[test]
    fn secret_command_inherits_only_what_is_passed() {
        let result = shell("echo \"<$HOME$PASSED>\"", Duration::from_secs(60));
        assert_eq!(result, Ok("<passed>".to_owned()));
    }
}
