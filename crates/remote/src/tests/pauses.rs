//! Edits that the API takes from a paused pipe only, and the pipe runs.

use std::time::Duration;

use model::action::{Action, Endpoint, RunState};
use model::address::Kind;
use model::live::Id;
use sandbox::{Effect, Fault, Options, PipeState, Quirk, Quirks, When};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::bench::{Bench, SERVICE, pass, pipe, scope};
use super::fixtures::{mapping, postgres};
use super::script::{Answer, ok, refusal, scripted};
use crate::{Error, Rejection, Settings};

const REFUSAL: &str = "BAD_REQUEST: Postgres ClickPipe must be paused to edit";

fn more() -> Value {
    json!({"source": {"postgres": {"tableMappingsToAdd": [mapping("orders")]}}})
}

fn update() -> Action {
    Action::Update { at: pipe("orders"), id: None, via: Endpoint::Resource, body: more() }
}

async fn running(quirks: Quirks) -> Bench {
    let options = Options { rate_limit: None, quirks, ..Options::default() };
    let bench = Bench::with(options, Settings { rate: None, ..Settings::default() });
    bench.created("orders", postgres("orders")).await;
    pass(60).await;
    bench.states().await;
    bench
}

fn ends_running(bench: &Bench) -> bool {
    let mut world = bench.world();
    world.advance(Duration::from_secs(120));
    world.pipes(SERVICE)[0]["state"] == "Running"
}

fn tables(bench: &Bench) -> usize {
    bench.world().pipes(SERVICE)[0]["source"]["postgres"]["tableMappings"].as_array().unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn the_pipe_is_stopped_and_the_edit_is_sent_once_more() {
    let edit = ["PATCH tableMappingsToAdd 400", "stop 200", "PATCH tableMappingsToAdd 200"];
    let started = [&edit[..], &["start 200"]].concat();
    let resumes = Quirks::all();
    for (quirks, writes) in [(resumes, edit.to_vec()), (Quirks::none(), started)] {
        let bench = running(quirks).await;
        let from = bench.world().journal().len();
        let updated = bench.remote.perform(&update()).await.unwrap();
        assert_eq!(bench.writes(from), writes);
        assert!(updated.notes.iter().any(|note| note.contains("wanted a pause")), "{updated:?}");
        assert!(updated.live.is_some(), "it was looked at");
        assert_eq!(bench.remote.stopped(&update()), None);
        assert_eq!(tables(&bench), 3);
        assert!(ends_running(&bench));
    }
}

#[tokio::test(start_paused = true)]
async fn any_field_may_want_a_pause() {
    let bench = running(Quirks::all().with(Quirk::EditsNeedPause)).await;
    let body = json!({"source": {"postgres": {"credentials":
        {"username": "user", "password": {"fromEnv": "CANARY"}}}}});
    let from = bench.world().journal().len();
    bench.update("orders", Endpoint::Resource, body).await.unwrap();
    assert_eq!(bench.writes(from), ["PATCH credentials 400", "stop 200", "PATCH credentials 200"]);
    assert!(ends_running(&bench));
}

/// What an action has stopped is started by an action, too.
#[tokio::test(start_paused = true)]
async fn a_pipe_that_somebody_has_started_again_is_stopped_again() {
    let bench = running(Quirks::none()).await;
    bench.set_state("orders", RunState::Stopped).await.unwrap();
    bench.world().set_pipe_state(SERVICE, "orders", PipeState::Running);
    let from = bench.world().journal().len();
    bench.remote.perform(&update()).await.unwrap();
    let edit = ["PATCH tableMappingsToAdd 400", "stop 200", "PATCH tableMappingsToAdd 200"];
    assert_eq!(bench.writes(from), edit);
    assert!(bench.remote.stopped(&update()).is_some());
    bench.set_state("orders", RunState::Running).await.unwrap();
    assert_eq!(bench.remote.stopped(&update()), None);
    assert!(ends_running(&bench));
}

async fn refused(answers: Vec<Answer>) -> (usize, Error, Option<Id>) {
    let list = |state: &str| ok(&json!([{"id": "p", "name": "orders", "state": state}]));
    let before = [list("Running"), refusal(400, REFUSAL)];
    let (script, remote) = scripted(before.into_iter().chain(answers));
    remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap();
    let error = remote.perform(&update()).await.unwrap_err();
    let sent = script.sent.lock().unwrap().len();
    (sent, error, remote.stopped(&update()))
}

#[tokio::test(start_paused = true)]
async fn an_edit_is_never_sent_a_third_time_and_the_stop_is_known() {
    let paused = json!({"id": "p", "name": "orders", "state": "Paused"});
    let stopped = || [ok(&paused), ok(&json!([paused]))];
    let known = Some(Id::new("p"));
    let again = stopped().into_iter().chain([refusal(400, REFUSAL)]).collect();
    let (sent, error, left) = refused(again).await;
    assert_eq!((sent, error.rejection(), left), (5, Some(Rejection::NeedsPause), known.clone()));
    let lost_key = vec![ok(&paused), refusal(401, "UNAUTHORIZED: no")];
    let (sent, error, left) = refused(lost_key).await;
    assert_eq!((sent, error.is_auth(), left), (4, true, known));
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_turned_down_has_stopped_nothing() {
    let (sent, error, left) = refused(vec![refusal(403, "FORBIDDEN: no")]).await;
    assert_eq!((sent, error.is_auth(), left), (3, true, None));
}

#[tokio::test(start_paused = true)]
async fn whenever_it_ends_early_the_pipe_can_be_started_again() {
    let mut stopped = 0;
    for after in (0..24_000).step_by(250) {
        let bench = running(Quirks::none()).await;
        let when = When::Route { method: "PATCH".to_owned(), path: "*".to_owned() };
        bench.world().faults().add(Fault { when, effect: Effect::SlowAnswer(1), times: 9 });
        let _dropped = timeout(Duration::from_millis(after), bench.remote.perform(&update())).await;
        bench.remote.interrupt();
        if let Some(id) = bench.remote.stopped(&update()) {
            stopped += 1;
            bench.remote.resume(&pipe("orders"), &id).await.unwrap();
            assert_eq!(bench.remote.stopped(&update()), None);
        }
        assert!(ends_running(&bench), "{after}");
    }
    assert!(stopped > 20, "{stopped}");
}

#[tokio::test(start_paused = true)]
async fn a_pipe_that_is_paused_already_is_left_alone() {
    let list = ok(&json!([{"id": "p", "name": "orders", "state": "Paused"}]));
    let again = ok(&json!([{"id": "p", "name": "orders", "state": "Paused"}]));
    let (script, remote) = scripted([list, refusal(400, REFUSAL), again]);
    remote.observe(&scope(&[Kind::ClickPipe])).await.unwrap();
    let error = remote.perform(&update()).await.unwrap_err();
    assert_eq!(error.rejection(), Some(Rejection::NeedsPause));
    assert_eq!((script.sent.lock().unwrap().len(), remote.stopped(&update())), (3, None));
}
