//! Arbitrary responses: nothing panics, every wait ends, nothing is created twice, and a malformed list is not an empty
//! one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::action::{Action, RunState, UpdateVia};
use model::address::{Address, Kind, Name, ServiceRef};
use model::live::Id;
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::bench::{OneSecret, SERVICE, pipe_address, scope_of_kinds};
use super::fixtures::{kafka_body, table_mapping};
use crate::{
    ApiRequest, ApiResponse, Error, Method, Remote, RemoteSettings, ResponseFuture, ServiceLookup, Transport,
    TransportError,
};

type AnyAnswer = Result<ApiResponse, TransportError>;

/// A request and its answer.
#[derive(Clone)]
struct RecordedExchange {
    sent_at: Instant,
    method: Method,
    answer: AnyAnswer,
}

/// Answers with these in a circle.
struct RepeatingTransport {
    answers: Vec<AnyAnswer>,
    exchanges: Mutex<Vec<RecordedExchange>>,
}

impl Transport for RepeatingTransport {
    fn send(&self, request: ApiRequest) -> ResponseFuture<'_> {
        let mut log = self.exchanges.lock().unwrap();
        let answer = self.answers[log.len() % self.answers.len()].clone();
        log.push(RecordedExchange { sent_at: Instant::now(), method: request.method, answer: answer.clone() });
        Box::pin(std::future::ready(answer))
    }
}

impl RepeatingTransport {
    fn new(answers: Vec<AnyAnswer>) -> Arc<Self> {
        Arc::new(Self { answers, exchanges: Mutex::default() })
    }

    fn recorded_exchanges(&self) -> Vec<RecordedExchange> {
        self.exchanges.lock().unwrap().clone()
    }
}

impl RecordedExchange {
    /// The result of a successful answer.
    fn result_value(&self) -> Option<Value> {
        let response = self.answer.as_ref().ok().filter(|it| (200..300).contains(&it.status))?;
        let envelope: Value = serde_json::from_slice(&response.body).ok()?;
        Some(envelope.as_object()?.get("result").cloned().unwrap_or_default())
    }

    /// The objects of a list; `None` if the answer is not a list.
    fn listed_objects(&self) -> Option<Vec<Value>> {
        let Value::Array(objects) = self.result_value()? else { return None };
        objects.iter().all(|object| object["id"].is_string()).then_some(objects)
    }

    /// Whether the request may have taken effect, although its answer was no success.
    fn may_be_carried_out(&self) -> bool {
        match &self.answer {
            Err(TransportError::NotSent(_) | TransportError::Untrusted(_)) => false,
            Err(TransportError::AnswerLost(_)) => true,
            Ok(response) => !(300..500).contains(&response.status),
        }
    }
}

/// An envelope around something like a list or an object.
fn any_envelope() -> impl Strategy<Value = Vec<u8>> {
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
        let mappings = [table_mapping("users")];
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
        json!({"status": 200, "requestId": "r", "result": result, "error": "e"}).to_string().into_bytes()
    })
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let deep = (1_usize..5000).prop_map(|depth| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!("{{\"result\": {open}{close}}}").into_bytes()
    });
    let long = (1_usize..300_000).prop_map(|length| json!({"error": "x".repeat(length)}).to_string().into_bytes());
    let spoilt = (any_envelope(), any::<usize>(), any::<u8>()).prop_map(|(mut bytes, at, byte)| {
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes
    });
    let cut = (any_envelope(), any::<usize>()).prop_map(|(mut bytes, at)| {
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
        8 => any_envelope(),
        2 => text.prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..200),
        2 => spoilt,
        2 => cut,
        1 => deep,
        1 => long,
    ]
}

fn any_response() -> impl Strategy<Value = AnyAnswer> {
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
    (status, headers, any_body()).prop_map(|(status, headers, body)| Ok(ApiResponse { status, headers, body }))
}

fn any_answer() -> impl Strategy<Value = AnyAnswer> {
    prop_oneof![
        9 => any_response(),
        1 => Just(Err(TransportError::AnswerLost("reset".to_owned()))),
        1 => Just(Err(TransportError::NotSent("refused".to_owned()))),
    ]
}

fn repeating_remote(parrot: &Arc<RepeatingTransport>, wake: bool) -> Remote {
    let services = BTreeMap::from([(ServiceRef::new(SERVICE), "svc".to_owned())]);
    let (transport, secrets) = (Arc::clone(parrot), Arc::new(OneSecret));
    let settings = RemoteSettings { wake_services: wake, ..RemoteSettings::default() };
    Remote::new(transport, "org".to_owned(), services, secrets, settings)
}

fn any_action() -> impl Strategy<Value = Action> {
    let (at, id) = (pipe_address("orders"), Id::new("p"));
    let given = || Some(id.clone());
    let edit = json!({"source": {"postgres": {"tableMappingsToAdd": [table_mapping("orders")]}}});
    let update = |via, body| Action::update(at.clone(), given(), via, body);
    let set = |to| Action::SetState { address: at.clone(), id: given(), to };
    let scaling = Address::for_singleton(ServiceRef::new(SERVICE), Kind::CdcScaling);
    let size = json!({"replicaCpuMillicores": 4000, "replicaMemoryGb": 16});
    let size = Action::update(scaling, None, UpdateVia::Resource, size);
    prop_oneof![
        Just(Action::create(pipe_address("orders"), kafka_body("orders"))),
        Just(update(UpdateVia::Resource, edit)),
        Just(update(UpdateVia::Settings, json!({"a": 1}))),
        Just(update(UpdateVia::Scaling, json!({"replicas": 2}))),
        Just(size),
        Just(set(RunState::Running)),
        Just(set(RunState::Stopped)),
        Just(Action::Delete { address: pipe_address("orders"), id }),
    ]
}

fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(work)
}

/// Checks what holds for every answer: the work ends in time, and its error is short and without escape sequences.
fn check_ending(began: Instant, parrot: &RepeatingTransport, error: Option<&Error>) -> Result<(), TestCaseError> {
    let limit = RemoteSettings::default().timeout + Duration::from_secs(120);
    prop_assert!(began.elapsed() <= limit, "{:?}", began.elapsed());
    prop_assert!(parrot.recorded_exchanges().len() <= 1200, "{}", parrot.recorded_exchanges().len());
    if let Some(error) = error {
        let text = format!("{error} {:?}", error.hint());
        prop_assert!(text.chars().count() < 3000 && !text.contains('\u{1b}'), "{text}");
        prop_assert!(!error.is_interrupted());
    }
    Ok(())
}

/// Checks that between two creates, if the first may have taken effect, there was a minute with several lists that
/// showed no new object of the name.
fn check_no_duplicates(log: &[RecordedExchange]) -> Result<(), TestCaseError> {
    let posts: Vec<usize> = (0..log.len()).filter(|&at| log[at].method == Method::Post).collect();
    for pair in posts.windows(2).filter(|pair| log[pair[0]].may_be_carried_out()) {
        let (first, second) = (&log[pair[0]], &log[pair[1]]);
        prop_assert!(second.sent_at - first.sent_at >= RemoteSettings::default().adoption_window);
        let lists = log[pair[0] + 1..pair[1]].iter().filter(|it| it.method == Method::Get);
        prop_assert!(lists.filter_map(RecordedExchange::listed_objects).count() >= 3);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn live_objects_match_the_last_list_response(answers in vec(any_answer(), 1..12)) {
        in_virtual_time(async {
            let (parrot, began) = (RepeatingTransport::new(answers), Instant::now());
            let live = repeating_remote(&parrot, false).observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await;
            if let Ok(live) = &live {
                let listed = parrot.recorded_exchanges().last().and_then(RecordedExchange::listed_objects);
                let found: usize = live.values().map(|observed| observed.objects.len()).sum();
                prop_assert_eq!(listed.map(|objects| objects.len()), Some(found));
            }
            check_ending(began, &parrot, live.err().as_ref())
        })?;
    }

    #[test]
    fn services_match_the_last_list_response(answers in vec(any_answer(), 1..12)) {
        in_virtual_time(async {
            let (parrot, began) = (RepeatingTransport::new(answers), Instant::now());
            let directory = ServiceLookup::new(vec![Arc::clone(&parrot) as Arc<dyn Transport>], RemoteSettings::default());
            let services = directory.list_services("org").await;
            if let Ok(services) = &services {
                let listed = parrot.recorded_exchanges().last().and_then(RecordedExchange::listed_objects);
                prop_assert_eq!(listed.map(|objects| objects.len()), Some(services.len()));
            }
            check_ending(began, &parrot, services.err().as_ref())
        })?;
    }

    #[test]
    fn discovered_fields_match_the_last_response(answers in vec(any_answer(), 1..12)) {
        in_virtual_time(async {
            let (parrot, began) = (RepeatingTransport::new(answers), Instant::now());
            let found = repeating_remote(&parrot, true).discover_source(&pipe_address("orders"), &kafka_body("orders")).await;
            if let Ok(found) = &found {
                let said = parrot.recorded_exchanges().last().and_then(RecordedExchange::result_value);
                prop_assert_eq!(said.as_ref(), Some(found));
            }
            check_ending(began, &parrot, found.err().as_ref())
        })?;
    }

    #[test]
    fn cdc_scaling_matches_the_last_response(answers in vec(any_answer(), 1..12)) {
        in_virtual_time(async {
            let (parrot, began) = (RepeatingTransport::new(answers), Instant::now());
            let live = repeating_remote(&parrot, false).observe_live(&scope_of_kinds(&[Kind::CdcScaling])).await;
            if let Some(observed) = live.as_ref().ok().and_then(|live| live.values().next()) {
                let said = parrot.recorded_exchanges().last().and_then(RecordedExchange::result_value);
                prop_assert_eq!(said.as_ref(), Some(&observed.objects[0].body));
            }
            check_ending(began, &parrot, live.err().as_ref())
        })?;
    }

    #[test]
    fn every_action_ends_for_any_response(
        action in any_action(),
        observed in any::<bool>(),
        wake in any::<bool>(),
        answers in vec(any_answer(), 1..16),
    ) {
        in_virtual_time(async {
            let parrot = RepeatingTransport::new(answers);
            let remote = repeating_remote(&parrot, wake);
            if observed {
                let _ = remote.observe_live(&scope_of_kinds(&[Kind::ClickPipe])).await;
            }
            let (began, sent) = (Instant::now(), parrot.recorded_exchanges().len());
            let performed = remote.perform_action(&action).await;
            let log = parrot.recorded_exchanges().split_off(sent);
            if let (Ok(performed), Action::Create { address, .. }) = (&performed, &action) {
                let named = log.iter().any(|it| it.result_value().is_some_and(|result| {
                    result["id"] == performed.id.as_str() || result.as_array().is_some_and(|all| {
                        all.iter().any(|one| one["id"] == performed.id.as_str())
                    })
                }));
                prop_assert!(named, "{address} has the id `{}` from nowhere", performed.id);
            }
            check_ending(began, &parrot, performed.err().as_ref())?;
            check_no_duplicates(&log)
        })?;
    }

    #[test]
    fn lost_create_is_resent_only_after_the_settle_window(
        lost in vec(any_answer(), 1..3),
        lists in vec(any_answer(), 1..20),
        late in vec(any_answer(), 1..8),
    ) {
        in_virtual_time(async {
            let empty = || Ok(ApiResponse {
                status: 200,
                headers: Vec::new(),
                body: json!({"result": []}).to_string().into_bytes(),
            });
            let quiet = (0..16).map(|_| empty());
            let answers = [empty()].into_iter().chain(lost).chain(lists).chain(quiet).chain(late);
            let (parrot, began) = (RepeatingTransport::new(answers.collect()), Instant::now());
            let create = Action::create(pipe_address("orders"), kafka_body("orders"));
            let performed = repeating_remote(&parrot, true).perform_action(&create).await;
            check_ending(began, &parrot, performed.err().as_ref())?;
            check_no_duplicates(&parrot.recorded_exchanges())
        })?;
    }

    #[test]
    fn resume_ends_within_a_minute(answers in vec(any_answer(), 1..12)) {
        in_virtual_time(async {
            let parrot = RepeatingTransport::new(answers);
            let remote = repeating_remote(&parrot, true);
            remote.cancel_run();
            let began = Instant::now();
            let at = pipe_address("orders").with_name(Name::new("orders"));
            let resumed = remote.resume_pipe(&at, &Id::new("p")).await;
            prop_assert!(began.elapsed() <= Duration::from_secs(61), "{:?}", began.elapsed());
            check_ending(began, &parrot, resumed.err().as_ref())
        })?;
    }
}
