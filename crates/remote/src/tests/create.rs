//! Creating exactly once, whatever becomes of the answer.

use model::action::Action;
use model::address::{Address, Kind, Name, ServiceRef};
use model::lifecycle::Standing;
use sandbox::{Effect, EndpointStatus, Fault, Options, When};
use serde_json::json;

use super::bench::{Bench, CANARY, SERVICE, pass, pipe};
use super::fixtures::{endpoint, kafka, postgres};
use super::script::{answer, ok, scripted};
use crate::{Error, Settings, Wait};

const LIST: &str = "*/clickpipes";

#[tokio::test(start_paused = true)]
async fn a_create_is_one_request_and_waits_until_the_pipe_runs() {
    let bench = Bench::new();
    let performed = bench.create("orders", kafka("orders")).await.unwrap();
    assert_eq!((performed.state.as_str(), performed.standing), ("Running", Standing::Settled));
    assert_eq!(bench.asked("POST", "/clickpipes"), [200]);
    assert!(performed.notes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn secrets_are_filled_in_on_the_wire() {
    let pipe_of = |state: &str| json!({"id": "p", "name": "orders", "state": state});
    let answers = [ok(&json!([])), ok(&pipe_of("Provisioning")), ok(&json!([pipe_of("Running")]))];
    let (script, remote) = scripted(answers);
    let create = Action::Create { at: pipe("orders"), body: kafka("orders") };
    remote.perform(&create).await.unwrap();
    let sent = script.sent.lock().unwrap();
    assert_eq!(sent[1].1["source"]["kafka"]["credentials"]["password"], CANARY);
    assert!(!format!("{create:?}").contains(CANARY));
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_is_lost_is_found_by_its_name() {
    let effects = [
        Effect::CutAfterCommit,
        Effect::GatewayTimeoutAfterCommit,
        Effect::HtmlAnswer,
        Effect::TruncatedJson,
    ];
    for effect in effects {
        let bench = Bench::new();
        bench.created("orders", kafka("orders")).await;
        bench.world().faults().once("POST", LIST, effect);
        let performed = bench.create("orders", kafka("orders")).await.unwrap();
        assert_eq!(performed.standing, Standing::Settled, "{effect:?}");
        assert_eq!(performed.notes.len(), 1, "{effect:?}");
        assert_eq!(bench.asked("POST", "/clickpipes").len(), 2, "{effect:?}");
        assert_eq!(bench.states().await.len(), 2, "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_was_lost_is_sent_again_after_a_minute_of_lists_without_it() {
    let effects = [
        Effect::CutBeforeCommit,
        Effect::GatewayTimeout,
        Effect::InternalError,
        Effect::Unavailable,
    ];
    for effect in effects {
        let bench = Bench::new();
        bench.created("clicks", kafka("clicks")).await;
        bench.world().faults().once("POST", LIST, effect);
        let from = bench.world().journal().len();
        let performed = bench.create("orders", kafka("orders")).await.unwrap();
        assert_eq!(performed.standing, Standing::Settled, "{effect:?}");
        let note =
            "a create was not answered, and no object of this name appeared; it was sent again";
        assert_eq!(performed.notes, [note]);
        let posts = posts(&bench, from);
        assert_eq!(posts.len(), 2, "{effect:?}");
        assert!((60..75).contains(&(posts[1].0 - posts[0].0)), "{effect:?}: {posts:?}");
        assert!(posts[1].1 >= 3, "{effect:?}: {posts:?}");
        assert_eq!(bench.states().await.len(), 2, "{effect:?}");
    }
}

/// When each create was sent, in seconds, and after how many lists since the last one.
fn posts(bench: &Bench, from: usize) -> Vec<(u64, usize)> {
    let mut lists = 0;
    let mut posts = Vec::new();
    for entry in bench.world().journal().iter().skip(from) {
        match entry.method.as_str() {
            "POST" => posts.push((entry.at.0 / 1000, std::mem::take(&mut lists))),
            _ => lists += 1,
        }
    }
    posts
}

#[tokio::test(start_paused = true)]
async fn a_lost_create_that_lists_show_late_has_no_twin() {
    for (effect, lag) in [
        (Effect::CutAfterCommit, 20),
        (Effect::GatewayTimeoutAfterCommit, 50),
        (Effect::TruncatedJson, 58),
    ] {
        let bench = Bench::new();
        bench.world().faults().once("POST", LIST, Effect::ListLag(lag));
        bench.world().faults().once("POST", LIST, effect);
        let performed = bench.create("orders", kafka("orders")).await.unwrap();
        assert_eq!(performed.standing, Standing::Settled, "{effect:?}");
        assert_eq!(bench.asked("POST", "/clickpipes").len(), 1, "{effect:?}");
        pass(120).await;
        assert_eq!(bench.states().await.len(), 1, "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_carried_out_long_after_the_gateway_gave_up_has_no_twin() {
    let bench = Bench::new();
    bench.world().faults().once("POST", LIST, Effect::LateCommit(55));
    let performed = bench.create("orders", kafka("orders")).await.unwrap();
    assert_eq!(performed.standing, Standing::Settled);
    assert_eq!(bench.asked("POST", "/clickpipes"), [504]);
    assert_eq!(bench.states().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_twin_that_appears_after_the_settle_window_is_reported() {
    let bench = Bench::new();
    bench.world().faults().once("POST", LIST, Effect::ListLag(80));
    bench.world().faults().once("POST", LIST, Effect::CutAfterCommit);
    let error = bench.create("orders", kafka("orders")).await.unwrap_err();
    assert!(matches!(&error, Error::Twins { ids, .. } if ids.len() == 2), "{error}");
    assert_eq!(bench.asked("POST", "/clickpipes").len(), 2);
}

/// Where nobody waits for the new object, somebody looks once all the same.
#[tokio::test(start_paused = true)]
async fn a_twin_is_reported_even_where_nobody_waits() {
    let settings = Settings { wait: Wait::None, ..Settings::default() };
    let bench = Bench::with(Options::default(), settings);
    bench.world().faults().once("POST", LIST, Effect::ListLag(70));
    bench.world().faults().once("POST", LIST, Effect::CutAfterCommit);
    let slow_repetition = async {
        pass(30).await;
        bench.world().faults().once("POST", LIST, Effect::SlowAnswer(20));
    };
    let (created, ()) = tokio::join!(bench.create("orders", kafka("orders")), slow_repetition);
    let error = created.unwrap_err();
    assert!(matches!(&error, Error::Twins { ids, .. } if ids.len() == 2), "{error}");
}

/// What no list shows for so long cannot be told from what was never made. The note says that
/// there was doubt, and everybody who looks later sees two.
#[tokio::test(start_paused = true)]
async fn a_twin_that_no_list_shows_in_time_is_live_beside_a_note() {
    let bench = Bench::new();
    bench.world().faults().once("POST", LIST, Effect::ListLag(200));
    bench.world().faults().once("POST", LIST, Effect::CutAfterCommit);
    let performed = bench.create("orders", kafka("orders")).await.unwrap();
    assert!(performed.notes[0].contains("it was sent again"), "{:?}", performed.notes);
    assert_eq!(bench.asked("POST", "/clickpipes").len(), 2);
    pass(200).await;
    assert_eq!(bench.observe(&[Kind::ClickPipe]).await[&pipe("orders")].objects.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_because_of_rows_names_the_tables() {
    let bench = Bench::unlimited();
    let id = bench.created("orders", postgres("orders")).await;
    bench.remote.perform(&Action::Delete { at: pipe("orders"), id }).await.unwrap();
    let error = bench.create("orders", postgres("orders")).await.unwrap_err();
    insta::assert_snapshot!(error.hint().unwrap(), @"its tables must hold no rows: drop or rename those that do (`DROP TABLE default.t_users; DROP TABLE default.t_kept;`), then apply again");
}

#[tokio::test(start_paused = true)]
async fn an_outage_while_a_lost_create_is_looked_for_is_no_proof_that_it_is_missing() {
    let bench = Bench::new();
    bench.states().await;
    bench.world().faults().once("POST", LIST, Effect::CutAfterCommit);
    let when = When::Route { method: "GET".to_owned(), path: LIST.to_owned() };
    bench.world().faults().add(Fault { when, effect: Effect::Unavailable, times: 40 });
    bench.create("orders", kafka("orders")).await.unwrap();
    assert_eq!(bench.asked("POST", "/clickpipes").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn several_lists_are_needed_however_short_the_window_is() {
    let settings = Settings { adoption: std::time::Duration::from_secs(1), ..Settings::default() };
    let bench = Bench::with(Options::default(), settings);
    bench.states().await;
    let from = bench.world().journal().len();
    bench.world().faults().once("POST", LIST, Effect::CutBeforeCommit);
    bench.create("orders", kafka("orders")).await.unwrap();
    assert_eq!(posts(&bench, from)[1].1, 3);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_lost_create_may_be_about_its_object() {
    let options = Options { strict_names: true, ..Options::default() };
    let bench = Bench::with(options, Settings::default());
    bench.world().faults().once("POST", LIST, Effect::ListLag(64));
    bench.world().faults().once("POST", LIST, Effect::CutAfterCommit);
    let performed = bench.create("orders", kafka("orders")).await.unwrap();
    assert_eq!(performed.notes.len(), 1);
    assert_eq!(bench.asked("POST", "/clickpipes"), [200, 400]);
    assert_eq!(bench.states().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_never_answered_ends_with_the_run_and_its_remedy() {
    let bench = Bench::new();
    let when = When::Route { method: "POST".to_owned(), path: LIST.to_owned() };
    bench.world().faults().add(Fault { when, effect: Effect::CutBeforeCommit, times: 1000 });
    let began = tokio::time::Instant::now();
    let error = bench.create("orders", kafka("orders")).await.unwrap_err();
    assert_eq!(began.elapsed().as_secs(), Settings::default().timeout.as_secs());
    assert!(error.outcome_unknown());
    assert!(bench.asked("POST", "/clickpipes").len() <= 15);
    let text = error.to_string().replace(sandbox::ORGANIZATION, "ORG");
    let service = bench.world().ensure_service(SERVICE);
    insta::assert_snapshot!(text.replace(&service, "SERVICE"), @"`analytics/orders` may or may not have been created: POST /v1/organizations/ORG/services/SERVICE/clickpipes: connection reset by peer");
    insta::assert_snapshot!(error.hint().unwrap_or_default(), @"the object may still appear; run again in a minute: an object of this name is then adopted instead of being created twice");
}

#[tokio::test(start_paused = true)]
async fn two_new_objects_of_the_name_are_not_chosen_between() {
    let page = answer(504, "text/html", "<html>Gateway Time-out</html>");
    let twins = json!([
        {"id": "a", "name": "orders", "state": "Running"},
        {"id": "b", "name": "orders", "state": "Running"},
        {"id": "c", "name": "clicks", "state": "Running"},
    ]);
    let (_, remote) = scripted([ok(&json!([])), page, ok(&twins)]);
    let create = Action::Create { at: pipe("orders"), body: kafka("orders") };
    let error = remote.perform(&create).await.unwrap_err();
    insta::assert_snapshot!(error, @"`analytics/orders` was created more than once: `a`, `b`");
}

#[tokio::test(start_paused = true)]
async fn a_create_that_was_throttled_was_not_carried_out_and_is_repeated() {
    let bench = Bench::new();
    let when = When::Route { method: "POST".to_owned(), path: LIST.to_owned() };
    bench.world().faults().add(Fault { when, effect: Effect::RateLimited(2.5), times: 2 });
    bench.create("orders", kafka("orders")).await.unwrap();
    assert_eq!(bench.asked("POST", "/clickpipes"), [429, 429, 200]);
    assert_eq!(bench.remote.requests().throttled, 2);
}

#[tokio::test(start_paused = true)]
async fn a_new_pipe_may_be_missing_from_lists_at_first() {
    let bench = Bench::new();
    bench.world().faults().once("POST", LIST, Effect::ListLag(40));
    let performed = bench.create("orders", kafka("orders")).await.unwrap();
    assert_eq!(performed.standing, Standing::Settled);
}

#[tokio::test(start_paused = true)]
async fn without_waiting_a_create_ends_when_it_is_accepted() {
    let settings = Settings { wait: Wait::None, ..Settings::default() };
    let bench = Bench::with(Options::default(), settings);
    let performed = bench.create("orders", kafka("orders")).await.unwrap();
    assert_eq!(performed.standing, Standing::Moving);
    assert_eq!(performed.state.as_str(), "Provisioning");
}

fn endpoint_at(name: &str) -> Address {
    Address::new(ServiceRef::new(SERVICE), Kind::ReversePrivateEndpoint, Name::new(name))
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_somebody_has_to_accept_says_so() {
    let settings = Settings { wait: Wait::None, ..Settings::default() };
    let bench = Bench::with(Options::default(), settings);
    let create = Action::Create { at: endpoint_at("kafka"), body: endpoint("kafka") };
    let performed = bench.remote.perform(&create).await.unwrap();
    assert_eq!(performed.standing, Standing::Settled);
    insta::assert_snapshot!(performed.notes.join("\n"), @"it carries nothing until somebody accepts it on the account of the source");
}

#[tokio::test(start_paused = true)]
async fn a_pipe_refers_to_an_endpoint_by_its_name() {
    let bench = Bench::new();
    let create = Action::Create { at: endpoint_at("kafka"), body: endpoint("kafka") };
    let made = bench.remote.perform(&create).await.unwrap();
    assert!(bench.world().set_endpoint_status(SERVICE, "kafka", EndpointStatus::Ready));
    let mut body = kafka("orders");
    body["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "kafka"}]);
    bench.create("orders", body.clone()).await.unwrap();
    let live = bench.world().pipes(SERVICE);
    let ids = &live[0]["source"]["kafka"]["reversePrivateEndpointIds"];
    assert_eq!(*ids, json!([made.id.as_str()]));

    body["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "kafak"}]);
    let error = bench.create("clicks", body).await.unwrap_err();
    insta::assert_snapshot!(error, @"no reverse private endpoint is called `analytics/kafak`");
    assert_eq!(bench.asked("POST", "/clickpipes"), [200]);
}

#[tokio::test(start_paused = true)]
async fn a_pipe_that_is_refused_for_its_endpoint_says_what_the_endpoint_waits_for() {
    let bench = Bench::new();
    let create = Action::Create { at: endpoint_at("kafka"), body: endpoint("kafka") };
    bench.remote.perform(&create).await.unwrap();
    let mut body = kafka("orders");
    body["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "kafka"}]);
    let refused = bench.create("orders", body.clone()).await.unwrap_err();
    insta::assert_snapshot!(refused.hint().unwrap(), @"it uses `kafka`, which is `PendingAcceptance`: once somebody has accepted the connection on the account of the source, and the endpoint is `Ready`, apply again");

    assert!(bench.world().set_endpoint_status(SERVICE, "kafka", EndpointStatus::Ready));
    bench.create("orders", body).await.unwrap();
}

/// The create of an earlier run shows late, or somebody works at the console, while a person reads
/// the plan.
#[tokio::test(start_paused = true)]
async fn what_appeared_while_a_plan_was_approved_gets_no_twin() {
    let bench = Bench::unlimited();
    bench.world().faults().once("POST", LIST, Effect::ListLag(40));
    let earlier = bench.create("orders", kafka("orders"));
    assert!(tokio::time::timeout(std::time::Duration::from_millis(1), earlier).await.is_err());
    assert!(bench.states().await.is_empty());
    pass(90).await;
    let error = bench.create("orders", kafka("orders")).await.unwrap_err();
    insta::assert_snapshot!(error, @"`analytics/orders` was created by somebody else meanwhile");
    assert_eq!(bench.asked("POST", "/clickpipes"), [200]);
}

/// An earlier run has sent the create of the endpoint, and no more.
#[tokio::test(start_paused = true)]
async fn a_pipe_waits_for_an_endpoint_that_is_still_being_made() {
    let options = Options { rate_limit: None, ..Options::default() };
    let bench = Bench::with(options, Settings { rate: None, ..Settings::default() });
    let mut made = endpoint("kafka");
    made["type"] = json!("MSK_MULTI_VPC");
    made["vpcEndpointServiceName"].take();
    made["mskClusterArn"] = json!("arn:aws:kafka:us-east-1:123456789012:cluster/demo/1a2b");
    made["mskAuthentication"] = json!("SASL_IAM");
    let create = Action::Create { at: endpoint_at("kafka"), body: made };
    let cut =
        tokio::time::timeout(std::time::Duration::from_millis(1), bench.remote.perform(&create));
    assert!(cut.await.is_err());
    let live = bench.observe(&[Kind::ReversePrivateEndpoint]).await;
    assert_eq!(live[&endpoint_at("kafka")].objects[0].state.as_str(), "Provisioning");
    let mut body = kafka("orders");
    body["source"]["kafka"]["reversePrivateEndpointIds"] = json!([{"endpoint": "kafka"}]);
    bench.create("orders", body).await.unwrap();
    assert_eq!(bench.asked("POST", "/clickpipes"), [200]);
}
