//! An API that turns hostile in the middle of an apply: no output carries its text raw, no key leaves, no object of
//! others is written, and the next apply repairs what is left.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sandbox::{SandboxOptions, World};
use serde_json::{Value, json};

use crate::hostile_text::assert_harmless;
use crate::support::bench::CANARY;
use crate::support::cli::WorkDir;
use crate::support::hostile_server::{Answer, Attack, Effect, HostileServer, Route};
use crate::support::test_repo::kinesis_manifest;

const HOSTILE: &str = "x\u{1b}[2J\n::error::\u{202e}##[add-mask]<script>alert(1)</script>|`](javascript:x)";
const SERVICE: &str = "analytics";

/// The writes of an apply, each with the manifest that needs it.
const WRITES: [(&str, Route); 5] = [
    ("created", CREATE),
    ("renamed", ("PATCH", "*")),
    ("resized", ("PATCH", "scaling")),
    ("halted", ("PATCH", "state")),
    ("doomed", ("DELETE", "*")),
];

const CREATE: Route = ("POST", "clickpipes");

const LIST: Route = ("GET", "clickpipes");

/// The pipe of each manifest but the first, and one that no manifest declares.
fn world_before() -> World {
    let mut world = World::new(SandboxOptions { rate_limit: None, ..SandboxOptions::default() });
    world.ensure_service(SERVICE);
    let server = HostileServer::start(world, None);
    let desk = WorkDir::new();
    for name in ["bystander", "renamed", "resized", "halted", "doomed"] {
        desk.write_file(&format!("pipes/{name}.yaml"), kinesis_manifest(name, "", ""));
    }
    let said = server.run(&desk, &["apply", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    server.world()
}

fn bystander_of(world: &World) -> Value {
    world.list_pipes(SERVICE).into_iter().find(|pipe| pipe["name"] == "bystander").unwrap()
}

fn work_dir_with(manifest: &str) -> WorkDir {
    let text = match manifest {
        "created" | "halted" => kinesis_manifest(manifest, "", "  state: stopped"),
        "renamed" => {
            kinesis_manifest(manifest, "", "").replacen("name: renamed", "name: new\n  previousNames: [renamed]", 1)
        }
        "resized" => kinesis_manifest(manifest, "", "  scaling: {replicas: 3}"),
        _ => kinesis_manifest(manifest, "", "  state: absent"),
    };
    let desk = WorkDir::new();
    desk.write_file("pipes/pipe.yaml", text);
    desk
}

const APPLY: [&str; 4] = ["apply", "--yes", "--allow-delete", "analytics/doomed"];

/// Applies under attack; gives the exit code and the outcome.
fn run_attack(before: &World, attack: &Attack) -> String {
    let what = format!("{}: {} {} {}", attack.manifest, attack.route.0, attack.route.1, attack.what);
    let desk = work_dir_with(attack.manifest);
    let server = HostileServer::start(before.clone(), Some(attack.clone()));
    let said = server.run(&desk, &[&APPLY[..], &["--timeout", "25s", "--report", "markdown=report"]].concat());
    let all = said.all_output();
    assert_harmless(&what, &all);
    let report = std::fs::read_to_string(desk.temp_dir.path().join("report")).unwrap_or_default();
    assert!(!report.contains(['\u{1b}', '\u{202e}']), "{what}: {report:?}");
    for word in ["panicked", sandbox::KEY_SECRET, CANARY] {
        assert!(!all.contains(word) && !report.contains(word), "{what}: {all}");
    }
    check_writes(&what, before, &server.world(), attack.manifest);

    let again = HostileServer::start(server.world(), None);
    let repaired = again.run(&desk, &APPLY);
    assert_eq!(repaired.code, 0, "{what}: {}", repaired.all_output());
    check_writes(&what, before, &again.world(), attack.manifest);
    let outcome = all.lines().find(|line| line.starts_with("Apply:")).unwrap_or("nothing was sent");
    format!("{what}: exit code {}, {outcome}", said.code)
}

/// Fails if anything was written but the pipe of the manifest, or if there are two of it.
fn check_writes(what: &str, before: &World, after: &World, manifest: &str) {
    let own = |world: &World| {
        let pipes = world.list_pipes(SERVICE).into_iter();
        let own = pipes.filter(|pipe| pipe["name"] == manifest || pipe["name"] == "new");
        own.map(|pipe| pipe["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let ids = [own(before), own(after)].concat();
    assert!(own(after).len() <= 1, "{what}: {:?}", own(after));
    let others = ["bystander", "renamed", "resized", "halted", "doomed"].into_iter().filter(|name| *name != manifest);
    for other in others {
        assert!(after.list_pipes(SERVICE).iter().any(|pipe| pipe["name"] == other), "{what}: {other} is gone");
    }
    let new = after.request_log().iter().skip(before.request_log().len());
    for write in new.filter(|entry| entry.method != "GET") {
        let is_own = ids.iter().any(|id| write.path.contains(id)) || write.method == "POST";
        assert!(is_own, "{what}: {} {}", write.method, write.path);
    }
}

fn attack(
    what: impl Into<String>,
    (manifest, route): (&'static str, Route),
    effect: Effect,
    tamper: impl Fn(&mut Answer) + Send + Sync + 'static,
) -> Attack {
    // The plan needs the first list.
    let honest = usize::from(route == LIST);
    Attack { what: what.into(), manifest, route, honest, effect, tamper: Arc::new(tamper) }
}

fn replace_with(status: u16, headers: &str, body: &str) -> impl Fn(&mut Answer) + use<> {
    let (headers, body) = (headers.to_owned(), body.as_bytes().to_vec());
    move |answer| *answer = Answer { status, headers: headers.clone(), body: body.clone() }
}

fn change_member(member: &'static str, value: Value) -> impl Fn(&mut Answer) {
    move |answer| {
        answer.change_result(|result| match result {
            Value::Object(_) => result[member] = value.clone(),
            Value::Array(pipes) => pipes.iter_mut().for_each(|pipe| pipe[member] = value.clone()),
            _ => {}
        });
    }
}

/// Repeats the key, and the secret of a request that carries one.
fn refusal(status: u16, route: Route) -> String {
    let secret = if route == CREATE { CANARY } else { "" };
    let text = format!("{HOSTILE} {secret} {}", sandbox::KEY_SECRET);
    json!({"status": status, "requestId": HOSTILE, "error": text}).to_string()
}

fn refusals(target: (&'static str, Route), elsewhere: &str) -> Vec<Attack> {
    let refuse = |what: String, status: u16, header: &str| {
        attack(what, target, Effect::Nothing, replace_with(status, header, &refusal(status, target.1)))
    };
    let plain = [400, 401, 403, 404].map(|status| refuse(format!("is refused with {status}"), status, ""));
    let pauses = ["86400", "31536000", "soon"].map(|pause| {
        let headers = format!("retry-after: {pause}\r\nx-ratelimit-reset: {pause}\r\n");
        refuse(format!("is asked to wait: {pause}"), 429, &headers)
    });
    let redirects = [302, 307]
        .map(|status| refuse(format!("is redirected with {status}"), status, &format!("location: {elsewhere}/v1\r\n")));
    plain.into_iter().chain(pauses).chain(redirects).collect()
}

/// Answers that hide or misstate what took effect.
fn lies(target: (&'static str, Route), bystander: &Value) -> Vec<Attack> {
    let other = bystander.clone();
    let replaced = attack("gets the pipe of others", target, Effect::Done, move |answer| {
        answer.change_result(|old| *old = if old.is_array() { json!([other]) } else { other.clone() });
    });
    let bodies = [("no JSON", HOSTILE.to_owned()), ("17 MiB", " ".repeat(17 << 20))];
    let results = [("null", Value::Null), ("of a wrong shape", json!([{"a": [HOSTILE]}]))];
    let members = [("id", "of hostile text", json!(HOSTILE)), ("name", "of hostile text", json!(HOSTILE))];
    [replaced].into_iter().chain(replaced_parts(target, bodies, results, members)).collect()
}

/// More answers of that kind: one write and one list get them all.
fn more_lies(target: (&'static str, Route), bystander: &Value) -> Vec<Attack> {
    let bodies = [
        ("half of its JSON", r#"{"status": 200, "result": {"id": "#.to_owned()),
        ("deep JSON", "[".repeat(200_000)),
        ("no envelope", json!([HOSTILE]).to_string()),
        ("nothing", String::new()),
    ];
    let results = [("[]", json!([])), ("7", json!(7)), ("[[]]", json!([[HOSTILE]]))];
    let members = [
        ("id", "..", json!("..")),
        ("id", "with slashes", json!("../../../../organizations")),
        ("id", "7", json!(7)),
        ("id", "of others", bystander["id"].clone()),
        ("name", "of others", json!("bystander")),
        ("state", "of hostile text", json!(HOSTILE)),
        ("state", "[]", json!([])),
    ];
    replaced_parts(target, bodies, results, members)
}

fn replaced_parts<const B: usize, const R: usize, const M: usize>(
    target: (&'static str, Route),
    bodies: [(&str, String); B],
    results: [(&str, Value); R],
    members: [(&'static str, &str, Value); M],
) -> Vec<Attack> {
    let bodies =
        bodies.map(|(what, body)| attack(format!("gets {what}"), target, Effect::Done, replace_with(200, "", &body)));
    let results = results.map(|(what, result)| {
        let change = move |answer: &mut Answer| answer.change_result(|old| *old = result.clone());
        attack(format!("gets the result {what}"), target, Effect::Done, change)
    });
    let members = members.map(|(member, what, value)| {
        attack(format!("gets the {member} {what}"), target, Effect::Done, change_member(member, value))
    });
    bodies.into_iter().chain(results).chain(members).collect()
}

/// Lists in which each pipe has another id every time, and lists without end.
fn changing_lists(manifest: &'static str) -> [Attack; 2] {
    let count = Mutex::new(0);
    let ids = move |answer: &mut Answer| {
        *count.lock().unwrap() += 1;
        let id = format!("7e38dabf-f41d-4315-a715-{:012}", *count.lock().unwrap());
        change_member("id", json!(id))(answer);
    };
    let pages = |answer: &mut Answer| {
        let mut envelope = answer.json();
        envelope["nextPageToken"] = json!("again");
        answer.body = envelope.to_string().into_bytes();
        answer.headers.push_str("link: </v1/organizations>; rel=\"next\"\r\n");
    };
    let target = (manifest, LIST);
    [
        attack("gets other ids each time", target, Effect::Done, ids),
        attack("gets another page", target, Effect::Done, pages),
    ]
}

fn run_attacks(before: &World, attacks: &[Attack]) -> String {
    // A third of the runs wait for their time limit and need no processor meanwhile. The limit is far above what the others
    // need beside all other tests: with 5 s, a busy machine turned a success into "not settled yet".
    const WORKERS: usize = 24;
    let lines = Mutex::new(vec![String::new(); attacks.len()]);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((at, attack)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, attacks.get(at)?)))
                {
                    let line = run_attack(before, attack);
                    lines.lock().unwrap()[at] = line;
                }
            });
        }
    });
    lines.into_inner().unwrap().join("\n")
}

#[test]
fn refusals_and_redirects_of_writes_harm_nothing() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", elsewhere.local_addr().unwrap());
    let attacks: Vec<_> = WRITES.into_iter().flat_map(|target| refusals(target, &address)).collect();
    insta::assert_snapshot!(run_attacks(&world_before(), &attacks));
    elsewhere.set_nonblocking(true).unwrap();
    assert!(elsewhere.accept().is_err(), "a redirect was followed");
}

#[test]
fn answers_that_misstate_a_write_harm_nothing() {
    let before = world_before();
    let bystander = bystander_of(&before);
    let mut attacks: Vec<_> = WRITES.into_iter().flat_map(|target| lies(target, &bystander)).collect();
    attacks.extend(more_lies(WRITES[0], &bystander));
    insta::assert_snapshot!(run_attacks(&before, &attacks));
}

#[test]
fn lists_that_lie_during_an_apply_harm_nothing() {
    let before = world_before();
    let bystander = bystander_of(&before);
    let (created, doomed) = (("created", LIST), ("doomed", LIST));
    let mut attacks = refusals(created, "http://127.0.0.1:1");
    attacks.extend([lies(created, &bystander), more_lies(created, &bystander), lies(doomed, &bystander)].concat());
    attacks.extend(changing_lists("created"));
    insta::assert_snapshot!(run_attacks(&before, &attacks));
}
