//! Whatever is answered: nothing panics, everything ends, nothing is made twice, and what is not a
//! list is not taken for an empty one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::action::{Action, Endpoint, RunState};
use model::address::{Address, Kind, Name, ServiceRef};
use model::live::Id;
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::bench::{OneSecret, SERVICE, pipe, scope};
use super::fixtures::{kafka, mapping};
use crate::{
    Directory, Error, Method, Remote, Request, Response, Sending, Settings, Transport,
    TransportError,
};

type Answer = Result<Response, TransportError>;

/// One request as it was answered.
#[derive(Clone)]
struct Exchange {
    at: Instant,
    method: Method,
    answer: Answer,
}

/// Gives these answers again and again.
struct Parrot {
    answers: Vec<Answer>,
    log: Mutex<Vec<Exchange>>,
}

impl Transport for Parrot {
    fn send(&self, request: Request) -> Sending<'_> {
        let mut log = self.log.lock().unwrap();
        let answer = self.answers[log.len() % self.answers.len()].clone();
        log.push(Exchange { at: Instant::now(), method: request.method, answer: answer.clone() });
        Box::pin(std::future::ready(answer))
    }
}

impl Parrot {
    fn new(answers: Vec<Answer>) -> Arc<Self> {
        Arc::new(Self { answers, log: Mutex::default() })
    }

    fn log(&self) -> Vec<Exchange> {
        self.log.lock().unwrap().clone()
    }
}

impl Exchange {
    /// The result of a good answer.
    fn result(&self) -> Option<Value> {
        let response = self.answer.as_ref().ok().filter(|it| (200..300).contains(&it.status))?;
        let envelope: Value = serde_json::from_slice(&response.body).ok()?;
        Some(envelope.as_object()?.get("result").cloned().unwrap_or_default())
    }

    /// The objects of a list; `None` if it is none.
    fn objects(&self) -> Option<Vec<Value>> {
        let Value::Array(objects) = self.result()? else { return None };
        objects.iter().all(|object| object["id"].is_string()).then_some(objects)
    }

    /// Whether the request may have been carried out although it was not answered properly.
    fn is_doubtful(&self) -> bool {
        match &self.answer {
            Err(TransportError::Unsent(_) | TransportError::Untrusted(_)) => false,
            Err(TransportError::Interrupted(_)) => true,
            Ok(response) => !(300..500).contains(&response.status),
        }
    }
}

/// The body of an envelope around something like a list or an object.
fn envelope() -> impl Strategy<Value = Vec<u8>> {
    let state = prop_oneof![
        Just("Running"),
        Just("Paused"),
        Just("Stopped"),
        Just("Failed"),
        Just("Snapshot"),
        Just("Pausing"),
        Just("Nonsense"),
        Just(""),
    ];
    let name = prop_oneof![Just("orders"), Just("clicks"), Just("")];
    let id = prop_oneof![Just("p"), Just("q"), Just("../x"), Just("")];
    let object = (id, name, state).prop_map(|(id, name, state)| {
        let mappings = [mapping("users")];
        let source = json!({"postgres": {"tableMappings": mappings}});
        json!({"id": id, "name": name, "state": state, "source": source, "settings": null})
    });
    let odd = prop_oneof![
        Just(json!(null)),
        Just(json!({})),
        Just(json!("")),
        Just(json!(7)),
        Just(json!([null])),
        Just(json!([{}])),
        Just(json!([{"id": 7}])),
        Just(json!([[[]]])),
        Just(json!({"id": "p", "state": {}})),
        Just(json!({"id": "p", "name": []})),
    ];
    let result = prop_oneof![
        4 => vec(object.clone(), 0..4).prop_map(Value::from),
        3 => object,
        2 => odd,
    ];
    result.prop_map(|result| {
        json!({"status": 200, "requestId": "r", "result": result, "error": "e"})
            .to_string()
            .into_bytes()
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let deep = (1_usize..5000).prop_map(|depth| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!("{{\"result\": {open}{close}}}").into_bytes()
    });
    let long = (1_usize..300_000)
        .prop_map(|length| json!({"error": "x".repeat(length)}).to_string().into_bytes());
    let spoilt = (envelope(), any::<usize>(), any::<u8>()).prop_map(|(mut bytes, at, byte)| {
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes
    });
    let cut = (envelope(), any::<usize>()).prop_map(|(mut bytes, at)| {
        bytes.truncate(at % bytes.len());
        bytes
    });
    let text = prop_oneof![
        Just("<html>504 Gateway Time-out</html>"),
        Just(""),
        Just("null"),
        Just("[]"),
        Just("{\"error\": \"Postgres ClickPipe must be paused to edit\"}"),
        Just("{\"error\": \"1a2b3c4d ClickPipe is already running\"}"),
        Just("{\"error\": \"Current state: idle\"}"),
        Just("{\"error\": \"command: unknown field\"}"),
        Just("{\"error\": {\"a\": [1]}}"),
    ];
    prop_oneof![
        8 => envelope(),
        2 => text.prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..200),
        2 => spoilt,
        2 => cut,
        1 => deep,
        1 => long,
    ]
}

fn response() -> impl Strategy<Value = Answer> {
    let status = prop_oneof![
        8 => Just(200_u16), 1 => Just(400), 1 => Just(404), 1 => Just(424), 1 => Just(429),
        1 => Just(500), 1 => Just(504), 1 => 100_u16..600,
    ];
    let number = prop_oneof![
        Just("1.5".to_owned()),
        Just("-1".to_owned()),
        Just("1e300".to_owned()),
        Just("NaN".to_owned()),
        Just("1790000000".to_owned()),
        Just("soon".to_owned()),
        ".{0,9}",
    ];
    let header = prop_oneof![Just("x-ratelimit-reset"), Just("retry-after"), Just("content-type")];
    let headers = vec((header.prop_map(str::to_owned), number), 0..3);
    (status, headers, body())
        .prop_map(|(status, headers, body)| Ok(Response { status, headers, body }))
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        9 => response(),
        1 => Just(Err(TransportError::Interrupted("reset".to_owned()))),
        1 => Just(Err(TransportError::Unsent("refused".to_owned()))),
    ]
}

fn remote(parrot: &Arc<Parrot>, wake: bool) -> Remote {
    let services = BTreeMap::from([(ServiceRef::new(SERVICE), "svc".to_owned())]);
    let (transport, secrets) = (Arc::clone(parrot), Arc::new(OneSecret));
    let settings = Settings { wake, ..Settings::default() };
    Remote::new(transport, "org".to_owned(), services, secrets, settings)
}

fn actions() -> impl Strategy<Value = Action> {
    let (at, id) = (pipe("orders"), Id::new("p"));
    let given = || Some(id.clone());
    let edit = json!({"source": {"postgres": {"tableMappingsToAdd": [mapping("orders")]}}});
    let update = |via, body| Action::Update { at: at.clone(), id: given(), via, body };
    let set = |to| Action::SetState { at: at.clone(), id: given(), to };
    let size = Action::Update {
        at: Address::singleton(ServiceRef::new(SERVICE), Kind::CdcScaling),
        id: None,
        via: Endpoint::Resource,
        body: json!({"replicaCpuMillicores": 4000, "replicaMemoryGb": 16}),
    };
    prop_oneof![
        Just(Action::Create { at: pipe("orders"), body: kafka("orders") }),
        Just(update(Endpoint::Resource, edit)),
        Just(update(Endpoint::Settings, json!({"a": 1}))),
        Just(update(Endpoint::Scaling, json!({"replicas": 2}))),
        Just(size),
        Just(set(RunState::Running)),
        Just(set(RunState::Stopped)),
        Just(Action::Delete { at: pipe("orders"), id }),
    ]
}

/// Runs `work` on a clock that stands still but for the waits.
fn run<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(work)
}

/// What no answer may change: the work ends in time, and its error is fit to print.
fn ends(began: Instant, parrot: &Parrot, error: Option<&Error>) -> Result<(), TestCaseError> {
    let limit = Settings::default().timeout + Duration::from_secs(120);
    prop_assert!(began.elapsed() <= limit, "{:?}", began.elapsed());
    prop_assert!(parrot.log().len() <= 1200, "{}", parrot.log().len());
    if let Some(error) = error {
        let text = format!("{error} {}", error.hint().unwrap_or_default());
        prop_assert!(text.chars().count() < 3000 && !text.contains('\u{1b}'), "{text}");
        prop_assert!(!error.is_interrupted());
    }
    Ok(())
}

/// Between two creates of which the first may have been carried out there was a minute, and
/// several lists without a new object of the name.
fn no_twins(log: &[Exchange]) -> Result<(), TestCaseError> {
    let posts: Vec<usize> = (0..log.len()).filter(|&at| log[at].method == Method::Post).collect();
    for pair in posts.windows(2).filter(|pair| log[pair[0]].is_doubtful()) {
        let (first, second) = (&log[pair[0]], &log[pair[1]]);
        prop_assert!(second.at - first.at >= Settings::default().adoption);
        let lists = log[pair[0] + 1..pair[1]].iter().filter(|it| it.method == Method::Get);
        prop_assert!(lists.filter_map(Exchange::objects).count() >= 3);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn only_a_list_is_taken_for_what_is_live(answers in vec(answer(), 1..12)) {
        run(async {
            let (parrot, began) = (Parrot::new(answers), Instant::now());
            let live = remote(&parrot, false).observe(&scope(&[Kind::ClickPipe])).await;
            if let Ok(live) = &live {
                let listed = parrot.log().last().and_then(Exchange::objects);
                let found: usize = live.values().map(|observed| observed.objects.len()).sum();
                prop_assert_eq!(listed.map(|objects| objects.len()), Some(found));
            }
            ends(began, &parrot, live.err().as_ref())
        })?;
    }

    #[test]
    fn only_a_list_is_taken_for_what_there_is(answers in vec(answer(), 1..12)) {
        run(async {
            let (parrot, began) = (Parrot::new(answers), Instant::now());
            let directory = Directory::new(Arc::clone(&parrot) as Arc<dyn Transport>, Settings::default());
            let services = directory.services("org").await;
            if let Ok(services) = &services {
                let listed = parrot.log().last().and_then(Exchange::objects);
                prop_assert_eq!(listed.map(|objects| objects.len()), Some(services.len()));
            }
            ends(began, &parrot, services.err().as_ref())
        })?;
    }

    #[test]
    fn only_an_answer_is_taken_for_what_a_source_holds(answers in vec(answer(), 1..12)) {
        run(async {
            let (parrot, began) = (Parrot::new(answers), Instant::now());
            let found = remote(&parrot, true).discover(&pipe("orders"), &kafka("orders")).await;
            if let Ok(found) = &found {
                let said = parrot.log().last().and_then(Exchange::result);
                prop_assert_eq!(said.as_ref(), Some(found));
            }
            ends(began, &parrot, found.err().as_ref())
        })?;
    }

    #[test]
    fn only_an_answer_is_taken_for_a_size(answers in vec(answer(), 1..12)) {
        run(async {
            let (parrot, began) = (Parrot::new(answers), Instant::now());
            let live = remote(&parrot, false).observe(&scope(&[Kind::CdcScaling])).await;
            if let Some(observed) = live.as_ref().ok().and_then(|live| live.values().next()) {
                let said = parrot.log().last().and_then(Exchange::result);
                prop_assert_eq!(said.as_ref(), Some(&observed.objects[0].body));
            }
            ends(began, &parrot, live.err().as_ref())
        })?;
    }

    #[test]
    fn every_action_ends(
        action in actions(),
        observed in any::<bool>(),
        wake in any::<bool>(),
        answers in vec(answer(), 1..16),
    ) {
        run(async {
            let parrot = Parrot::new(answers);
            let remote = remote(&parrot, wake);
            if observed {
                let _ = remote.observe(&scope(&[Kind::ClickPipe])).await;
            }
            let (began, sent) = (Instant::now(), parrot.log().len());
            let performed = remote.perform(&action).await;
            let log = parrot.log().split_off(sent);
            if let (Ok(performed), Action::Create { at, .. }) = (&performed, &action) {
                let named = log.iter().any(|it| it.result().is_some_and(|result| {
                    result["id"] == performed.id.as_str() || result.as_array().is_some_and(|all| {
                        all.iter().any(|one| one["id"] == performed.id.as_str())
                    })
                }));
                prop_assert!(named, "{at} has the id `{}` from nowhere", performed.id);
            }
            ends(began, &parrot, performed.err().as_ref())?;
            no_twins(&log)
        })?;
    }

    #[test]
    fn a_lost_create_has_no_twin(
        lost in vec(answer(), 1..3),
        lists in vec(answer(), 1..20),
        late in vec(answer(), 1..8),
    ) {
        run(async {
            let empty = || Ok(Response {
                status: 200,
                headers: Vec::new(),
                body: json!({"result": []}).to_string().into_bytes(),
            });
            let quiet = (0..16).map(|_| empty());
            let answers = [empty()].into_iter().chain(lost).chain(lists).chain(quiet).chain(late);
            let (parrot, began) = (Parrot::new(answers.collect()), Instant::now());
            let create = Action::Create { at: pipe("orders"), body: kafka("orders") };
            let performed = remote(&parrot, true).perform(&create).await;
            ends(began, &parrot, performed.err().as_ref())?;
            no_twins(&parrot.log())
        })?;
    }

    #[test]
    fn a_resume_ends_within_its_minute(answers in vec(answer(), 1..12)) {
        run(async {
            let parrot = Parrot::new(answers);
            let remote = remote(&parrot, true);
            remote.interrupt();
            let began = Instant::now();
            let at = pipe("orders").renamed(Name::new("orders"));
            let resumed = remote.resume(&at, &Id::new("p")).await;
            prop_assert!(began.elapsed() <= Duration::from_secs(61), "{:?}", began.elapsed());
            ends(began, &parrot, resumed.err().as_ref())
        })?;
    }
}
