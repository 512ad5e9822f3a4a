//! An API that answers some requests of a run honestly, from a sandbox, and tampers with the others.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sandbox::{SandboxRequest, World};
use serde_json::Value;

use super::bench::CANARY;
use super::cli::{RunOutput, WorkDir};

/// Passes with each request, so that everything settles before the next one.
const STEP: Duration = Duration::from_secs(30);

/// An answer on its way to the client.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn change_result(&mut self, change: impl FnOnce(&mut Value)) {
        let mut envelope = self.json();
        change(&mut envelope["result"]);
        self.body = envelope.to_string().into_bytes();
    }
}

pub(crate) type Tamper = Arc<dyn Fn(&mut Answer) + Send + Sync>;

/// Whether the request that gets the hostile answer takes effect.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Effect {
    Done,
    Nothing,
}

/// A kind of request: its method, and the last segment of its path, in which `*` is an id.
pub(crate) type Route = (&'static str, &'static str);

#[derive(Clone)]
pub(crate) struct Attack {
    pub(crate) what: String,
    /// The manifest that is applied.
    pub(crate) manifest: &'static str,
    pub(crate) route: Route,
    /// So many requests of this kind are answered honestly; all later ones are attacked.
    pub(crate) honest: usize,
    pub(crate) effect: Effect,
    pub(crate) tamper: Tamper,
}

pub(crate) struct HostileServer {
    address: String,
    world: Arc<Mutex<World>>,
}

impl HostileServer {
    /// Serves the world until the test ends.
    pub(crate) fn start(world: World, attack: Option<Attack>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let world = Arc::new(Mutex::new(world));
        let (served, seen) = (Arc::clone(&world), Arc::new(Mutex::new(0)));
        let attack = attack.map(Arc::new);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let Ok(connection) = connection else { return };
                let (world, attack, seen) = (Arc::clone(&served), attack.clone(), Arc::clone(&seen));
                std::thread::spawn(move || answer_connection(connection, &world, attack.as_deref(), &seen));
            }
        });
        Self { address, world }
    }

    pub(crate) fn run(&self, desk: &WorkDir, args: &[&str]) -> RunOutput {
        desk.run_with_env(
            &[args, &["pipes", "--rate-limit", "off", "--api-url", &self.address]].concat(),
            &[
                ("CLICKHOUSE_CLOUD_API_KEY", sandbox::KEY_ID),
                ("CLICKHOUSE_CLOUD_API_SECRET", sandbox::KEY_SECRET),
                ("CLICKHOUSE_ORG_ID", sandbox::ORGANIZATION),
                ("GITHUB_ACTIONS", "true"),
                ("P", CANARY),
            ],
        )
    }

    pub(crate) fn world(&self) -> World {
        self.world.lock().unwrap().clone()
    }
}

fn answer_connection(mut connection: TcpStream, world: &Mutex<World>, attack: Option<&Attack>, seen: &Mutex<usize>) {
    let Some(request) = read_request(&mut connection) else { return };
    let attack = attack.filter(|attack| is_target(attack, &request)).filter(|attack| {
        let mut seen = seen.lock().unwrap();
        *seen += 1;
        *seen > attack.honest
    });
    let mut answer = Answer { status: 0, headers: String::new(), body: Vec::new() };
    if attack.is_none_or(|attack| attack.effect == Effect::Done) {
        let mut world = world.lock().unwrap();
        world.advance_clock(STEP);
        let honest = world.handle_request(&request);
        answer = Answer { status: honest.status, headers: String::new(), body: honest.body };
    }
    if let Some(attack) = attack {
        (attack.tamper)(&mut answer);
    }
    let Answer { status, headers, body } = answer;
    let head = format!("HTTP/1.1 {status} Some\r\ncontent-type: application/json\r\n{headers}connection: close");
    // A client may hang up on an answer that is too long.
    let _ = write!(connection, "{head}\r\ncontent-length: {}\r\n\r\n", body.len());
    let _ = connection.write_all(&body);
}

fn is_target(attack: &Attack, request: &SandboxRequest) -> bool {
    let last = request.path.rsplit('/').next().unwrap_or_default();
    let is_pipe = request.path.contains("/clickpipes") && last.len() == 36;
    request.method == attack.route.0 && (attack.route.1 == last || attack.route.1 == "*" && is_pipe)
}

fn read_request(connection: &mut TcpStream) -> Option<SandboxRequest> {
    let mut text = Vec::new();
    let mut chunk = [0; 16_384];
    loop {
        let length = connection.read(&mut chunk).ok().filter(|length| *length > 0)?;
        text.extend_from_slice(&chunk[..length]);
        let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&text[..end]).into_owned();
        let header = |wanted: &str| {
            let pairs = head.lines().filter_map(|line| line.split_once(": "));
            pairs.filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.to_owned()).next()
        };
        let wanted = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        if text.len() < end + 4 + wanted {
            continue;
        }
        let mut words = head.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let body = text[end + 4..].to_vec();
        return Some(SandboxRequest { method, path, authorization: header("authorization"), body });
    }
}
