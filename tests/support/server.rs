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

use super::cli::{Desk, Said};
#[cfg(unix)]
use super::terminal;

/// So often the journal is looked at before a test gives up.
const LOOKS: usize = 100_000;

/// So long a run may take to end before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sandbox in a process of its own, which ends with the test.
pub(crate) struct Server {
    process: Child,
    address: String,
    /// Its speech goes on being read, so that it never blocks.
    _speech: BufReader<ChildStderr>,
}

impl Server {
    /// Its time runs so many times as fast as the real one.
    pub(crate) fn start(speed: u32) -> Self {
        Self::serving(speed, &["analytics"])
    }

    /// The same with these services.
    pub(crate) fn serving(speed: u32, services: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_pipectl"))
            .args(["sandbox", "--listen", "127.0.0.1:0", "--speed", &speed.to_string()])
            .args(services.iter().flat_map(|service| ["--service", service]))
            .env_clear()
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut speech = BufReader::new(process.stderr.take().unwrap());
        let address = line_with(&mut speech, "http://");
        let address = address.split("http://").nth(1).unwrap();
        let address = address.trim_end().trim_end_matches("/v1").to_owned();
        // The last of its greeting.
        line_with(&mut speech, &format!("service {}", services.last().unwrap()));
        Self { process, address, _speech: speech }
    }

    /// What a run has to know of it.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("PIPECTL_API_URL", format!("http://{}/v1", self.address)),
            ("CLICKHOUSE_CLOUD_API_KEY", sandbox::KEY_ID.to_owned()),
            ("CLICKHOUSE_CLOUD_API_SECRET", sandbox::KEY_SECRET.to_owned()),
            ("CLICKHOUSE_ORG_ID", sandbox::ORGANIZATION.to_owned()),
            ("SEED_SECRET", super::bench::CANARY.to_owned()),
        ]
    }

    /// Asks the sandbox about itself.
    pub(crate) fn ask(&self, method: &str, what: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (host, length) = (&self.address, body.len());
        write!(
            stream,
            "{method} /_sandbox/{what} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str(body).unwrap()
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, seconds: u32) {
        self.ask("POST", "advance", &json!({ "seconds": seconds }));
    }

    /// The requests so far: method, path, body, status.
    pub(crate) fn journal(&self) -> Vec<Value> {
        self.ask("GET", "journal", &Value::Null).as_array().unwrap().clone()
    }

    /// How many of the requests so far are of this kind, and were carried out.
    pub(crate) fn count(&self, wanted: impl Fn(&Value) -> bool) -> usize {
        self.journal().iter().filter(|entry| entry["status"] == 200 && wanted(entry)).count()
    }

    /// Looks until so many requests of this kind were carried out.
    pub(crate) fn until(&self, count: usize, wanted: impl Fn(&Value) -> bool) {
        let seen = (0..LOOKS).any(|_| self.count(&wanted) >= count);
        assert!(seen, "{:#?}", self.journal());
    }

    /// Begins a run in the folder of the desk.
    pub(crate) fn begin(&self, desk: &Desk, args: &[&str]) -> Run {
        let mut process = command(desk, args, &self.environment())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = process.stderr.take().unwrap();
        Run::new(process, stderr)
    }

    #[cfg(unix)]
    /// Begins a run at a terminal, and gives its keyboard.
    pub(crate) fn begin_at_terminal(&self, desk: &Desk, args: &[&str]) -> (Run, File) {
        let (keyboard, line) = terminal::open();
        let process = command(desk, args, &self.environment())
            .stdin(line.try_clone().unwrap())
            .stderr(line)
            .spawn()
            .unwrap();
        (Run::new(process, terminal::Screen(keyboard.try_clone().unwrap())), keyboard)
    }

    /// A run from its beginning to its end.
    pub(crate) fn run(&self, desk: &Desk, args: &[&str]) -> Said {
        self.begin(desk, args).end()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A run under way.
pub(crate) struct Run {
    process: Child,
    stderr: BufReader<Box<dyn Read + Send>>,
    heard: String,
}

impl Run {
    fn new(process: Child, stderr: impl Read + Send + 'static) -> Self {
        Self { process, stderr: BufReader::new(Box::new(stderr)), heard: String::new() }
    }

    /// Sends a signal: `INT`, `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Reads on until it says this.
    pub(crate) fn hear(&mut self, words: &str) {
        let from = self.heard.len();
        while !self.heard[from..].contains(words) {
            let more = self.stderr.fill_buf().unwrap();
            assert!(!more.is_empty(), "no `{words}` in {}", self.heard);
            let length = more.len();
            self.heard.push_str(&String::from_utf8_lossy(more));
            self.stderr.consume(length);
        }
    }

    /// Ends it as the system does that runs out of memory.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) fn end(mut self) -> Said {
        let (ended, told) = mpsc::channel();
        let id = self.process.id();
        let waiting = std::thread::spawn(move || {
            let mut stderr = self.heard;
            self.stderr.read_to_string(&mut stderr).unwrap();
            let output = self.process.wait_with_output().unwrap();
            // Nobody may be waiting any more.
            let _ = ended.send(());
            let code = output.status.code().unwrap_or(-1);
            Said { code, stdout: String::from_utf8(output.stdout).unwrap(), stderr }
        });
        if told.recv_timeout(PATIENCE).is_err() {
            let _ = Command::new("kill").args(["-KILL", &id.to_string()]).status();
            panic!("it did not end: {}", waiting.join().unwrap().all());
        }
        waiting.join().unwrap()
    }
}

fn command(desk: &Desk, args: &[&str], environment: &[(&str, impl AsRef<OsStr>)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipectl"));
    command.current_dir(desk.folder.path()).args(args).env_clear();
    command.envs(environment.iter().map(|(name, value)| (name, value))).stdout(Stdio::piped());
    command
}

/// The lines up to the one with these words.
fn line_with(speech: &mut impl BufRead, words: &str) -> String {
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
