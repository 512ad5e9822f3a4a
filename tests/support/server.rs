//! `pipectl sandbox` on a free port, and runs of the binary that can be sent signals.

use std::ffi::OsStr;
#[cfg(unix)]
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use super::cli::{RunOutput, WorkDir};
#[cfg(unix)]
use super::terminal;

/// So often the journal is looked at before a test gives up.
const MAX_POLLS: usize = 100_000;

/// So long a run may take to end before a test gives up.
const END_TIMEOUT: Duration = Duration::from_secs(60);

/// A sandbox in a process of its own, which ends with the test.
pub(crate) struct SandboxServer {
    process: Child,
    address: String,
    /// Its speech goes on being read, so that it never blocks.
    _stderr: BufReader<ChildStderr>,
}

impl SandboxServer {
    /// Its time runs so many times as fast as the real one.
    pub(crate) fn start(speed: u32) -> Self {
        Self::start_with_services(speed, &["analytics"])
    }

    /// The same with these services.
    pub(crate) fn start_with_services(speed: u32, services: &[&str]) -> Self {
        Self::start_with_options(speed, services, &[])
    }

    /// The same with more options.
    pub(crate) fn start_with_options(speed: u32, services: &[&str], more: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_pipectl"))
            .args(["sandbox", "--listen", "127.0.0.1:0", "--speed", &speed.to_string()])
            .args(services.iter().flat_map(|service| ["--service", service]))
            .args(more)
            .env_clear()
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut speech = BufReader::new(process.stderr.take().unwrap());
        let address = read_until(&mut speech, "http://");
        let address = address.split("http://").nth(1).unwrap();
        let address = address.trim_end().trim_end_matches("/v1").to_owned();
        // The last of its greeting.
        read_until(&mut speech, &format!("service {}", services.last().unwrap()));
        Self { process, address, _stderr: speech }
    }

    /// What a run has to know of it.
    pub(crate) fn client_environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("PIPECTL_API_URL", format!("http://{}/v1", self.address)),
            ("CLICKHOUSE_CLOUD_API_KEY", sandbox::KEY_ID.to_owned()),
            ("CLICKHOUSE_CLOUD_API_SECRET", sandbox::KEY_SECRET.to_owned()),
            ("CLICKHOUSE_ORG_ID", sandbox::ORGANIZATION.to_owned()),
            ("SEED_SECRET", super::bench::CANARY.to_owned()),
        ]
    }

    /// Asks the sandbox about itself.
    pub(crate) fn admin_request(&self, method: &str, what: &str, body: &Value) -> Value {
        let (status, answer) = self.exchange(method, &format!("/_sandbox/{what}"), body);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Sends a request as any client of the API may. Returns the status and the body.
    pub(crate) fn exchange(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (host, length) = (&self.address, body.len());
        let key = sandbox::basic_authorization(sandbox::KEY_ID, sandbox::KEY_SECRET);
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: {key}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap())
    }

    /// Lets time pass.
    pub(crate) fn advance_time(&self, seconds: u32) {
        self.admin_request("POST", "advance", &json!({ "seconds": seconds }));
    }

    /// The requests so far: method, path, body, status.
    pub(crate) fn request_log(&self) -> Vec<Value> {
        self.admin_request("GET", "journal", &Value::Null).as_array().unwrap().clone()
    }

    /// How many of the requests so far are of this kind, and were carried out.
    pub(crate) fn count_requests(&self, wanted: impl Fn(&Value) -> bool) -> usize {
        self.request_log().iter().filter(|entry| entry["status"] == 200 && wanted(entry)).count()
    }

    /// Looks until so many requests of this kind were carried out.
    pub(crate) fn wait_for_requests(&self, count: usize, wanted: impl Fn(&Value) -> bool) {
        let seen = (0..MAX_POLLS).any(|_| self.count_requests(&wanted) >= count);
        assert!(seen, "{:#?}", self.request_log());
    }

    /// Looks until a request of this kind was answered with the status.
    pub(crate) fn wait_for_status(&self, status: u16, wanted: impl Fn(&Value) -> bool) {
        let is_there = || self.request_log().iter().any(|entry| entry["status"] == status && wanted(entry));
        assert!((0..MAX_POLLS).any(|_| is_there()), "{:#?}", self.request_log());
    }

    /// Begins a run in the folder of the desk.
    pub(crate) fn spawn_run(&self, desk: &WorkDir, args: &[&str]) -> RunningProcess {
        let mut process = pipectl_command(desk, args, &self.client_environment())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = process.stderr.take().unwrap();
        RunningProcess::new(process, stderr)
    }

    #[cfg(unix)]
    /// Begins a run at a terminal, and gives its keyboard.
    pub(crate) fn spawn_at_terminal(
        &self,
        desk: &WorkDir,
        args: &[&str],
        environment: &[(&str, &str)],
    ) -> (RunningProcess, File) {
        let (keyboard, line) = terminal::open_terminal();
        let process = pipectl_command(desk, args, &self.client_environment())
            .envs(environment.iter().copied())
            .stdin(line.try_clone().unwrap())
            .stderr(line)
            .spawn()
            .unwrap();
        (RunningProcess::new(process, terminal::TerminalScreen(keyboard.try_clone().unwrap())), keyboard)
    }

    /// A run from its beginning to its end.
    pub(crate) fn run_to_end(&self, desk: &WorkDir, args: &[&str]) -> RunOutput {
        self.spawn_run(desk, args).wait_for_end()
    }
}

impl SandboxServer {
    /// Asks it to end, as a supervisor does, and waits until it has.
    #[cfg(unix)]
    pub(crate) fn terminate(mut self) -> bool {
        let id = self.process.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().unwrap();
        self.process.wait().unwrap().success()
    }
}

impl Drop for SandboxServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A run under way.
pub(crate) struct RunningProcess {
    process: Child,
    stderr: BufReader<Box<dyn Read + Send>>,
    output_so_far: String,
}

impl RunningProcess {
    fn new(process: Child, stderr: impl Read + Send + 'static) -> Self {
        Self { process, stderr: BufReader::new(Box::new(stderr)), output_so_far: String::new() }
    }

    /// Sends a signal: `INT`, `TERM`.
    pub(crate) fn send_signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Sends a signal twice, with nothing in between.
    pub(crate) fn send_signal_twice(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Sends a signal again and again until it ends.
    pub(crate) fn send_signal_until_end(mut self, name: &str) -> RunOutput {
        while self.process.try_wait().unwrap().is_none() {
            self.send_signal(name);
        }
        self.wait_for_end()
    }

    /// Reads on until it says this.
    pub(crate) fn wait_for_output(&mut self, words: &str) {
        let from = self.output_so_far.len();
        while !self.output_so_far[from..].contains(words) {
            let more = self.stderr.fill_buf().unwrap();
            assert!(!more.is_empty(), "no `{words}` in {}", self.output_so_far);
            let length = more.len();
            self.output_so_far.push_str(&String::from_utf8_lossy(more));
            self.stderr.consume(length);
        }
    }

    /// Ends it as the system does that runs out of memory.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait_for_end(mut self) -> RunOutput {
        let (ended, told) = mpsc::channel();
        let id = self.process.id();
        let waiting = std::thread::spawn(move || {
            let mut stderr = self.output_so_far;
            self.stderr.read_to_string(&mut stderr).unwrap();
            let output = self.process.wait_with_output().unwrap();
            // Nobody may be waiting any more.
            let _ = ended.send(());
            let code = output.status.code().unwrap_or(-1);
            RunOutput { code, stdout: String::from_utf8(output.stdout).unwrap(), stderr }
        });
        if told.recv_timeout(END_TIMEOUT).is_err() {
            let _ = Command::new("kill").args(["-KILL", &id.to_string()]).status();
            panic!("it did not end: {}", waiting.join().unwrap().all_output());
        }
        waiting.join().unwrap()
    }
}

fn pipectl_command(desk: &WorkDir, args: &[&str], environment: &[(&str, impl AsRef<OsStr>)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipectl"));
    command.current_dir(desk.temp_dir.path()).args(args).env_clear();
    command.envs(environment.iter().map(|(name, value)| (name, value))).stdout(Stdio::piped());
    command
}

/// The lines up to the one with these words.
fn read_until(speech: &mut impl BufRead, words: &str) -> String {
    let mut heard = String::new();
    loop {
        let mut line = String::new();
        assert!(speech.read_line(&mut line).unwrap() > 0, "no `{words}` in {heard}");
        heard.push_str(&line);
        if line.contains(words) {
            return heard;
        }
    }
}
