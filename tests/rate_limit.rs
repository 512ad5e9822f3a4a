//! Many creates within the API's rate limit, in virtual time.

use std::time::Duration;

use crate::support::bench::{Bench, in_virtual_time};
use crate::support::manifests::{desired_from_documents, read_documents};
use serde_json::{Value, json};

const PIPES: usize = 200;

/// What the API grants each key: so many requests in any window of that length.
const REQUESTS: usize = 10;
const WINDOW: Duration = Duration::from_secs(10);

fn kinesis_pipes() -> Vec<Value> {
    let seeds = read_documents("tests/seeds");
    let seed = seeds.iter().find(|seed| seed["metadata"]["name"] == "kinesis-user").unwrap();
    let pipe = |n: usize| {
        let mut pipe = seed.clone();
        pipe["metadata"]["name"] = json!(format!("pipe-{n}"));
        pipe["spec"]["destination"]["table"] = json!(format!("table_{n}"));
        pipe
    };
    (0..PIPES).map(pipe).collect()
}

#[test]
fn two_hundred_creates_use_the_full_rate_limit() {
    creates_use_the_full_rate_limit_of(1);
}

#[test]
fn five_keys_create_in_a_fifth_of_the_time() {
    creates_use_the_full_rate_limit_of(5);
}

fn creates_use_the_full_rate_limit_of(keys: usize) {
    let most = keys * REQUESTS;
    in_virtual_time(async {
        let bench = Bench::with_keys(&["analytics"], keys);
        let desired = desired_from_documents(&kinesis_pipes()).unwrap();
        bench.settle(&desired).await.unwrap();
        assert!(bench.plan(&desired).await.has_no_changes());

        let world = bench.world_snapshot();
        let journal = world.request_log();
        assert!(journal.iter().all(|entry| entry.status == 200), "{journal:#?}");
        let creates = journal.iter().filter(|entry| entry.method == "POST");
        assert_eq!(creates.count(), PIPES);

        let since_first = |entry: &sandbox::LoggedRequest| entry.received_at.0 - journal[0].received_at.0;
        let times: Vec<Duration> = journal.iter().map(since_first).map(Duration::from_millis).collect();
        let busiest = times.iter().map(|from| count_in_window(&times, *from)).max().unwrap();
        assert!(busiest <= most, "{busiest} requests in one window");

        // The limit alone takes this long for the requests up to the last create.
        let last = journal.iter().rposition(|entry| entry.method == "POST").unwrap();
        let windows = u32::try_from(last / most).unwrap();
        let floor = WINDOW * windows;
        let spare = WINDOW + floor / 20;
        assert!(times[last] <= floor + spare, "{:?} instead of {floor:?}", times[last]);
        // Looking how they do takes no more than a few requests beside that.
        assert!(last <= PIPES + PIPES / 4, "{last} requests up to the last create");
    });
}

fn count_in_window(times: &[Duration], from: Duration) -> usize {
    times.iter().filter(|at| (from..from + WINDOW).contains(*at)).count()
}
