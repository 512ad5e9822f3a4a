//! Creates take effect exactly once, with and without an answer.

use clickpipes::lifecycle::Progress;
use model::action::Action;
use model::address::Kind;
use sandbox::{Fault, FaultEffect, FaultTrigger, SandboxOptions};
use serde_json::json;

use super::bench::{CANARY, RemoteBench, SERVICE, pipe_address, wait_seconds};
use super::fixtures::{kafka_body, postgres_body};
use super::scripted_transport::{cut_answer, ok_answer, raw_answer, scripted_remote};
use crate::{Error, Hint, RemoteSettings, WaitMode};

const LIST_PATH: &str = "*/clickpipes";

#[tokio::test(start_paused = true)]
async fn create_sends_one_request_and_waits_until_running() {
    let bench = RemoteBench::new();
    let performed = bench.create_pipe("orders", kafka_body("orders")).await.unwrap();
    assert_eq!((performed.state.as_str(), performed.progress), ("Running", Progress::Ready));
    assert_eq!(bench.request_statuses("POST", "/clickpipes"), [200]);
    assert!(performed.notes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn create_sends_resolved_secrets() {
    let pipe_of = |state: &str| json!({"id": "p", "name": "orders", "state": state});
    let answers = [ok_answer(&json!([])), ok_answer(&pipe_of("Provisioning")), ok_answer(&json!([pipe_of("Running")]))];
    let (script, remote) = scripted_remote(answers);
    let create = Action::create(pipe_address("orders"), kafka_body("orders"));
    remote.perform_action(&create).await.unwrap();
    let sent = script.sent.lock().unwrap();
    assert_eq!(sent[1].1["source"]["kafka"]["credentials"]["password"], CANARY);
    assert!(!format!("{create:?}").contains(CANARY));
}

#[tokio::test(start_paused = true)]
async fn lost_create_response_is_resolved_by_name() {
    let effects = [
        FaultEffect::CutAfterCommit,
        FaultEffect::GatewayTimeoutAfterCommit,
        FaultEffect::HtmlAnswer,
        FaultEffect::TruncatedJson,
    ];
    for effect in effects {
        let bench = RemoteBench::new();
        bench.create_for_id("orders", kafka_body("orders")).await;
        bench.lock_world().fault_script().add_once("POST", LIST_PATH, effect);
        let performed = bench.create_pipe("orders", kafka_body("orders")).await.unwrap();
        assert_eq!(performed.progress, Progress::Ready, "{effect:?}");
        assert_eq!(performed.notes.len(), 1, "{effect:?}");
        assert_eq!(bench.request_statuses("POST", "/clickpipes").len(), 2, "{effect:?}");
        assert_eq!(bench.pipe_states().await.len(), 2, "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn lost_create_is_resent_after_a_minute_without_the_object() {
    let effects = [
        FaultEffect::CutBeforeCommit,
        FaultEffect::GatewayTimeout,
        FaultEffect::InternalError,
        FaultEffect::Unavailable,
    ];
    for effect in effects {
        let bench = RemoteBench::new();
        bench.create_for_id("clicks", kafka_body("clicks")).await;
        bench.lock_world().fault_script().add_once("POST", LIST_PATH, effect);
        let from = bench.lock_world().request_log().len();
        let performed = bench.create_pipe("orders", kafka_body("orders")).await.unwrap();
        assert_eq!(performed.progress, Progress::Ready, "{effect:?}");
        let note = "a create got no answer, and no object of this name appeared; pipectl sent it again";
        assert_eq!(performed.notes, [note]);
        let posts = creates_after_lists(&bench, from);
        assert_eq!(posts.len(), 2, "{effect:?}");
        assert!((60..75).contains(&(posts[1].0 - posts[0].0)), "{effect:?}: {posts:?}");
        assert!(posts[1].1 >= 3, "{effect:?}: {posts:?}");
        assert_eq!(bench.pipe_states().await.len(), 2, "{effect:?}");
    }
}

/// When each create was sent, in seconds, and after how many lists since the last one.
fn creates_after_lists(bench: &RemoteBench, from: usize) -> Vec<(u64, usize)> {
    let mut lists = 0;
    let mut posts = Vec::new();
    for entry in bench.lock_world().request_log().iter().skip(from) {
        match entry.method.as_str() {
            "POST" => posts.push((entry.received_at.0 / 1000, std::mem::take(&mut lists))),
            _ => lists += 1,
        }
    }
    posts
}

#[tokio::test(start_paused = true)]
async fn lost_create_shown_late_in_lists_is_not_resent() {
    for (effect, lag) in [
        (FaultEffect::CutAfterCommit, 20),
        (FaultEffect::GatewayTimeoutAfterCommit, 50),
        (FaultEffect::TruncatedJson, 58),
    ] {
        let bench = RemoteBench::new();
        bench.lock_world().fault_script().add_once("POST", LIST_PATH, FaultEffect::ListLag(lag));
        bench.lock_world().fault_script().add_once("POST", LIST_PATH, effect);
        let performed = bench.create_pipe("orders", kafka_body("orders")).await.unwrap();
        assert_eq!(performed.progress, Progress::Ready, "{effect:?}");
        assert_eq!(bench.request_statuses("POST", "/clickpipes").len(), 1, "{effect:?}");
        wait_seconds(120).await;
        assert_eq!(bench.pipe_states().await.len(), 1, "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn create_committed_after_gateway_timeout_is_not_resent() {
    let bench = RemoteBench::new();
    bench.lock_world().fault_script().add_once("POST", LIST_PATH, FaultEffect::LateCommit(55));
    let performed = bench.create_pipe("orders", kafka_body("orders")).await.unwrap();
    assert_eq!(performed.progress, Progress::Ready);
    assert_eq!(bench.request_statuses("POST", "/clickpipes"), [504]);
    assert_eq!(bench.pipe_states().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn duplicate_found_after_a_resent_create_is_reported() {
    let bench = RemoteBench::new();
    bench.lock_world().fault_script().add_once("POST", LIST_PATH, FaultEffect::ListLag(80));
    bench.lock_world().fault_script().add_once("POST", LIST_PATH, FaultEffect::CutAfterCommit);
    let error = bench.create_pipe("orders", kafka_body("orders")).await.unwrap_err();
    assert!(matches!(&error, Error::DuplicateObjects { ids, .. } if ids.len() == 2), "{error}");
    assert_eq!(bench.request_statuses("POST", "/clickpipes").len(), 2);
}

/// Where nobody waits for the new object, somebody looks once all the same.
#[tokio::test(start_paused = true)]
async fn duplicate_is_reported_even_with_wait_none() {
    let settings = RemoteSettings { wait: WaitMode::None, ..RemoteSettings::default() };
    let bench = RemoteBench::with_settings(SandboxOptions::with_observed_quirks(), settings);
    bench.lock_world().fault_script().add_once("POST", LIST_PATH, FaultEffect::ListLag(70));
    bench.lock_world().fault_script().add_once("POST", LIST_PATH, FaultEffect::CutAfterCommit);
    let slow_repetition = async {
        wait_seconds(30).await;
        bench.lock_world().fault_script().add_once("POST", LIST_PATH, FaultEffect::SlowAnswer(20));
    };
    let (created, ()) = tokio::join!(bench.create_pipe("orders", kafka_body("orders")), slow_repetition);
    let error = created.unwrap_err();
    assert!(matches!(&error, Error::DuplicateObjects { ids, .. } if ids.len() == 2), "{error}");
}

// An object that no list shows for the whole window looks like one that was never created. The note reports the doubt,
// and later lists show both.
#[tokio::test(start_paused = true)]
async fn duplicate_hidden_from_lists_leaves_a_note() {
    let bench = RemoteBench::new();
    bench.lock_world().fault_script().add_once("POST", LIST_PATH, FaultEffect::ListLag(200));
    bench.lock_world().fault_script().add_once("POST", LIST_PATH, FaultEffect::CutAfterCommit);
    let performed = bench.create_pipe("orders", kafka_body("orders")).await.unwrap();
    assert!(performed.notes[0].contains("pipectl sent it again"), "{:?}", performed.notes);
    assert_eq!(bench.request_statuses("POST", "/clickpipes").len(), 2);
    wait_seconds(200).await;
    assert_eq!(bench.observe_kinds(&[Kind::ClickPipe]).await[&pipe_address("orders")].objects.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn create_error_names_the_tables_that_hold_rows() {
    let bench = RemoteBench::without_rate_limit();
    let id = bench.create_for_id("orders", postgres_body("orders")).await;
    bench.remote.perform_action(&Action::Delete { address: pipe_address("orders"), id }).await.unwrap();
    let error = bench.create_pipe("orders", postgres_body("orders")).await.unwrap_err();
    let tables = ["default.t_users", "default.t_kept"].map(str::to_owned).to_vec();
    assert_eq!(error.hint(), Some(Hint::TablesNotEmpty(tables)));
}

#[tokio::test(start_paused = true)]
async fn unavailable_list_does_not_prove_the_create_failed() {
    let bench = RemoteBench::new();
    bench.pipe_states().await;
    bench.lock_world().fault_script().add_once("POST", LIST_PATH, FaultEffect::CutAfterCommit);
    let when = FaultTrigger::Route { method: "GET".to_owned(), path: LIST_PATH.to_owned() };
    bench.lock_world().fault_script().add(Fault { when, effect: FaultEffect::Unavailable, times: 40 });
    bench.create_pipe("orders", kafka_body("orders")).await.unwrap();
    assert_eq!(bench.request_statuses("POST", "/clickpipes").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn resend_needs_three_lists_in_any_window() {
    let settings = RemoteSettings { adoption_window: std::time::Duration::from_secs(1), ..RemoteSettings::default() };
    let bench = RemoteBench::with_settings(SandboxOptions::with_observed_quirks(), settings);
    bench.pipe_states().await;
    let from = bench.lock_world().request_log().len();
    bench.lock_world().fault_script().add_once("POST", LIST_PATH, FaultEffect::CutBeforeCommit);
    bench.create_pipe("orders", kafka_body("orders")).await.unwrap();
    assert_eq!(creates_after_lists(&bench, from)[1].1, 3);
}

#[tokio::test(start_paused = true)]
async fn name_conflict_after_lost_create_adopts_the_object() {
    let options = SandboxOptions { strict_names: true, ..SandboxOptions::with_observed_quirks() };
    let bench = RemoteBench::with_settings(options, RemoteSettings::default());
    bench.lock_world().fault_script().add_once("POST", LIST_PATH, FaultEffect::ListLag(64));
    bench.lock_world().fault_script().add_once("POST", LIST_PATH, FaultEffect::CutAfterCommit);
    let performed = bench.create_pipe("orders", kafka_body("orders")).await.unwrap();
    assert_eq!(performed.notes.len(), 1);
    assert_eq!(bench.request_statuses("POST", "/clickpipes"), [200, 400]);
    assert_eq!(bench.pipe_states().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn create_without_any_answer_is_sent_twice_at_most() {
    let bench = RemoteBench::new();
    let when = FaultTrigger::Route { method: "POST".to_owned(), path: LIST_PATH.to_owned() };
    bench.lock_world().fault_script().add(Fault { when, effect: FaultEffect::CutBeforeCommit, times: 1000 });
    let error = bench.create_pipe("orders", kafka_body("orders")).await.unwrap_err();
    assert!(error.is_outcome_unknown());
    assert_eq!(bench.request_statuses("POST", "/clickpipes").len(), 2);
    let text = error.to_string().replace(sandbox::ORGANIZATION, "ORG");
    let service = bench.lock_world().ensure_service(SERVICE);
    insta::assert_snapshot!(text.replace(&service, "SERVICE"), @"`analytics/orders` may or may not have been created: POST /v1/organizations/ORG/services/SERVICE/clickpipes: connection reset by peer");
    assert_eq!(error.hint(), Some(Hint::CreateUnanswered));
}

#[tokio::test(start_paused = true)]
async fn two_candidates_after_lost_create_are_an_error() {
    let page = raw_answer(504, "text/html", "<html>Gateway Time-out</html>");
    let twins = json!([
        {"id": "a", "name": "orders", "state": "Running"},
        {"id": "b", "name": "orders", "state": "Running"},
        {"id": "c", "name": "clicks", "state": "Running"},
    ]);
    let (_, remote) = scripted_remote([ok_answer(&json!([])), page, ok_answer(&twins)]);
    let create = Action::create(pipe_address("orders"), kafka_body("orders"));
    let error = remote.perform_action(&create).await.unwrap_err();
    insta::assert_snapshot!(error, @"`analytics/orders` was created more than once: `a`, `b`");
}

// Somebody else creates a pipe of the name just then. The stop that follows would go to it.
#[tokio::test(start_paused = true)]
async fn only_what_was_sent_is_adopted_after_a_lost_create() {
    let sent = kafka_body("orders");
    let with = |pointer: &str, value: serde_json::Value| {
        let mut body = sent.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let cases = [
        (
            with("/source", json!({"kinesis": {"streamName": "orders"}})),
            "it reads from `kinesis`, and the manifest declares `kafka`",
        ),
        (with("/source/kafka/topics", json!("clicks")), "its `source.kafka.topics` is not what was sent"),
        // Spellings that an API may make of what was sent.
        (with("/source/kafka/topics", json!("ORDERS")), ""),
        (with("/destination/table", json!("default.orders")), ""),
        (
            with("/source/kafka", {
                let mut kafka = sent["source"]["kafka"].clone();
                (kafka["topics"], kafka["format"]) = (json!("ORDERS"), json!("Avro"));
                kafka
            }),
            "its `source.kafka.format` is not what was sent",
        ),
        (with("/source", json!({})), "it reads from `unknown`, and the manifest declares `kafka`"),
        (with("/source/kafka/brokers", json!("BROKER.example.com:9092")), ""),
        (with("/source/kafka/credentials", json!(null)), ""),
    ];
    for (found, difference) in cases {
        let live = |state: &str| {
            let mut object = found.clone();
            object["id"] = "p".into();
            object["state"] = state.into();
            ok_answer(&json!([object]))
        };
        let answers = [ok_answer(&json!([])), cut_answer(), live("Running"), live("Running")];
        let (script, remote) = scripted_remote(answers);
        let created = remote.perform_action(&Action::create(pipe_address("orders"), sent.clone())).await;
        match created {
            Ok(created) => assert_eq!((created.notes.len(), difference), (1, "")),
            Err(error) => {
                assert!(error.is_outcome_unknown() && error.hint() == Some(Hint::OtherObjectFound), "{error}");
                assert!(
                    error.to_string().ends_with(&format!("a new object has this name (id p), and {difference}")),
                    "{error}"
                );
                assert_eq!(script.sent.lock().unwrap().len(), 3, "nothing is sent to it");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn throttled_create_is_repeated() {
    let bench = RemoteBench::new();
    let when = FaultTrigger::Route { method: "POST".to_owned(), path: LIST_PATH.to_owned() };
    bench.lock_world().fault_script().add(Fault { when, effect: FaultEffect::RateLimited(2.5), times: 2 });
    bench.create_pipe("orders", kafka_body("orders")).await.unwrap();
    assert_eq!(bench.request_statuses("POST", "/clickpipes"), [429, 429, 200]);
    assert_eq!(bench.remote.request_counts().throttled, 2);
}

#[tokio::test(start_paused = true)]
async fn create_waits_for_pipe_missing_from_lists() {
    let bench = RemoteBench::new();
    bench.lock_world().fault_script().add_once("POST", LIST_PATH, FaultEffect::ListLag(40));
    let performed = bench.create_pipe("orders", kafka_body("orders")).await.unwrap();
    assert_eq!(performed.progress, Progress::Ready);
}

#[tokio::test(start_paused = true)]
async fn create_without_wait_ends_when_accepted() {
    let settings = RemoteSettings { wait: WaitMode::None, ..RemoteSettings::default() };
    let bench = RemoteBench::with_settings(SandboxOptions::with_observed_quirks(), settings);
    let performed = bench.create_pipe("orders", kafka_body("orders")).await.unwrap();
    assert_eq!(performed.progress, Progress::InProgress);
    assert_eq!(performed.state.as_str(), "Provisioning");
}

/// The create of an earlier run shows late, or somebody works at the console, while a person reads
/// the plan.
#[tokio::test(start_paused = true)]
async fn create_fails_if_object_appeared_after_planning() {
    let bench = RemoteBench::without_rate_limit();
    bench.lock_world().fault_script().add_once("POST", LIST_PATH, FaultEffect::ListLag(40));
    let earlier = bench.create_pipe("orders", kafka_body("orders"));
    assert!(tokio::time::timeout(std::time::Duration::from_millis(1), earlier).await.is_err());
    assert!(bench.pipe_states().await.is_empty());
    wait_seconds(90).await;
    let error = bench.create_pipe("orders", kafka_body("orders")).await.unwrap_err();
    insta::assert_snapshot!(error, @"somebody else created `analytics/orders` after it was planned");
    assert_eq!(bench.request_statuses("POST", "/clickpipes"), [200]);
}
