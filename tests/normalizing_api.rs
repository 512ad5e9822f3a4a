//! Applying unchanged manifests again sends no second POST and no DELETE, whatever spelling the API answers in.

use std::collections::BTreeSet;

use crate::support::bench::{Bench, actions, in_virtual_time};
use crate::support::cli::{RunOutput, WorkDir};
use crate::support::manifests::{desired_from_documents, documents_to_yaml, read_documents, seed_named};
use crate::support::seeds::SEED_SECRET;
use crate::support::test_repo::{TestRepo, kinesis_manifest};
use clickpipes::semantics::FieldSemantics;
use model::action::Action;
use model::address::{Address, Kind, Name};
use model::desired::Desired;
use model::live::Live;
use model::path::FieldPath;
use planner::{ApprovalLimits, Policy, plan};
use sandbox::{Quirk, Quirks, SandboxOptions};
use serde_json::{Value, json};

fn run_apply(desk: &WorkDir, more: &[&str]) -> RunOutput {
    desk.run_with_env(&[&["apply", "pipes.yaml", "--sandbox", "--yes"], more].concat(), &SEED_SECRET)
}

/// A folder whose sandbox respells values and trims names.
fn dir_with_normalizing_api(documents: &[Value]) -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", documents_to_yaml(documents));
    assert_eq!(desk.run_with_env(&["plan", "pipes.yaml", "--sandbox"], &SEED_SECRET).code, 0);
    desk.edit_world(|world| {
        let quirks = Quirks::all_observed().with_quirk(Quirk::RespelledValues).with_quirk(Quirk::TrimmedNames);
        world.set_options(SandboxOptions { quirks, ..SandboxOptions::default() });
    });
    desk
}

fn count_requests(desk: &WorkDir, method: &str) -> usize {
    desk.request_log().iter().filter(|entry| entry.0 == method && entry.2 == 200).count()
}

#[test]
fn respelled_values_lead_to_no_second_create_and_no_delete() {
    let mut seeds = read_documents("tests/seeds");
    seeds.retain(|seed| seed["kind"] == "ClickPipe" && !seed.to_string().contains("endpoint"));
    for seed in &mut seeds {
        if let Some(kafka) = seed.pointer_mut("/spec/source/kafka") {
            kafka["topics"] = json!("orders, returns");
        }
    }
    let desk = dir_with_normalizing_api(&seeds);
    for _ in 0..3 {
        let said = run_apply(&desk, &[]);
        assert_eq!(said.code, 0, "{}", said.all_output());
    }
    assert_eq!((count_requests(&desk, "POST"), count_requests(&desk, "DELETE")), (seeds.len(), 0));
}

/// The next run knows the pipe again although the API calls it otherwise.
#[test]
fn trimmed_name_is_blocked_and_makes_no_twin() {
    let mut pipe = seed_named("kinesis-user");
    pipe["metadata"]["name"] = json!("alpha ");
    let desk = dir_with_normalizing_api(&[pipe]);
    // The first run creates it, so it did a part.
    for code in [3, 5, 5] {
        let said = run_apply(&desk, &[]);
        assert_eq!(said.code, code, "{}", said.all_output());
        assert!(said.all_output().contains("the API calls it `alpha` ("), "{}", said.all_output());
    }
    assert_eq!((count_requests(&desk, "POST"), count_requests(&desk, "DELETE")), (1, 0));
}

/// Each run would create it again.
#[test]
fn object_that_the_api_calls_otherwise_is_blocked_and_makes_no_twin() {
    let long = "abcdefghij".repeat(7);
    for mut seed in read_documents("tests/seeds").into_iter().filter(|seed| seed["kind"] != "CdcScaling") {
        if seed.to_string().contains("\"endpoint\"") {
            continue;
        }
        let desired = desired_from_documents(std::slice::from_ref(&seed)).unwrap();
        let observed = in_virtual_time(async {
            let bench = Bench::new(&["analytics"]);
            bench.settle(&desired).await.unwrap();
            bench.live(&desired).await
        });
        let (at, found) = observed.first_key_value().unwrap();
        let nameless = if at.kind == Kind::ClickPipe { "add `metadata.id: " } else { "delete it if nothing uses it" };
        for (declared, live, words) in [
            ("cafe\u{301}", "caf\u{e9}", "the API calls it `caf\u{e9}` ("),
            ("\u{ff21}\u{ff22}", "AB", "the API calls it `AB` ("),
            (&*long, &long[..64], "the API calls it `abcdefghij"),
            ("a-long-name", "a-long", "write the name `a-long`"),
            ("a & b", "a &amp; b", "write the name `a &amp; b`"),
            ("orders", "svc-orders", "write the name `svc-orders`"),
            ("***", "", nameless),
        ] {
            seed["metadata"]["name"] = json!(declared);
            let desired = desired_from_documents(std::slice::from_ref(&seed)).unwrap();
            let mut found = found.clone();
            at.kind.name_path().unwrap().set_in(&mut found.objects[0].body, live.into());
            let observed = Live::from([(at.with_name(Name::new(live)), found)]);
            let planned = plan(&desired, &observed, None, &Policy::default());
            let reason = planned.changes[0].reason.as_deref().unwrap_or_default();
            assert!(planned.actions.is_empty() && reason.contains(words), "{at} as {live:?}: {planned:?}");
        }
    }
}

/// No rule of this version knows the spelling.
#[test]
fn unknown_spelling_is_blocked_and_deletes_nothing() {
    let mut pipe = seed_named("kinesis-user");
    pipe["spec"]["source"]["kinesis"]["streamName"] = json!("Order-Stream");
    let desk = dir_with_normalizing_api(&[pipe.clone()]);
    assert_eq!(run_apply(&desk, &[]).code, 0);
    desk.edit_world(|world| {
        let respell = |live: &mut Value| live["source"]["kinesis"]["streamName"] = json!("order-stream");
        assert!(world.edit_pipe("analytics", "kinesis-user", respell));
    });
    for _ in 0..2 {
        let said = run_apply(&desk, &[]);
        assert_eq!(said.code, 5, "{}", said.all_output());
        let words = "the API spells \"Order-Stream\" of `source.kinesis.streamName` as \"order-stream\": write that";
        assert!(said.all_output().contains(words), "{}", said.all_output());
    }
    assert_eq!((count_requests(&desk, "POST"), count_requests(&desk, "DELETE")), (1, 0));
    let allowed = run_apply(&desk, &["--allow-replace=analytics/kinesis-user"]);
    assert_eq!((allowed.code, count_requests(&desk, "DELETE")), (0, 1), "{}", allowed.all_output());
}

/// Nobody can write what a manifest refuses. What can be left out is then not managed.
#[test]
fn spelling_that_no_manifest_can_have_is_not_advised() {
    let leave_out = ": leave the field out, and it stays as it is; if it is another value";
    for (field, declared, live, words) in [
        (
            "streamName",
            json!("clicks"),
            json!("Clicks"),
            "as \"Clicks\": write that; if it is another value".to_owned(),
        ),
        (
            "streamName",
            json!("clicks"),
            json!(""),
            "as \"\", which no manifest can have; if it is another value".to_owned(),
        ),
        (
            "streamName",
            json!("clicks"),
            json!(["clicks"]),
            "which no manifest can have; if it is another value".to_owned(),
        ),
        (
            "streamName",
            json!("clicks"),
            Value::Null,
            "which may be \"clicks\" already; if it is another value".to_owned(),
        ),
        ("useEnhancedFanOut", json!(true), json!(1), format!("as 1, which no manifest can have{leave_out}")),
        ("useEnhancedFanOut", json!(true), Value::Null, format!("which may be true already{leave_out}")),
    ] {
        let mut pipe = seed_named("kinesis-user");
        pipe["spec"]["source"]["kinesis"][field] = declared;
        let desired = desired_from_documents(&[pipe]).unwrap();
        let mut observed = in_virtual_time(async {
            let bench = Bench::new(&["analytics"]);
            bench.settle(&desired).await.unwrap();
            bench.live(&desired).await
        });
        observed.values_mut().next().unwrap().objects[0].body["source"]["kinesis"][field] = live;
        let planned = plan(&desired, &observed, None, &Policy::default());
        let held = planned.block_unsafe_replacements(&ApprovalLimits::default());
        let reason = held.changes[0].reason.as_deref().unwrap_or_default();
        assert!(held.actions.is_empty() && reason.contains(&words), "{field}: {reason}");
    }
}

/// The permission would hold for each apply of the unchanged manifest, and each would delete the pipe.
#[test]
fn permission_in_the_project_file_allows_no_spelling() {
    let mut stream = seed_named("kinesis-user");
    stream["spec"]["source"]["kinesis"]["streamName"] = json!("Order-Stream");
    let mut database = seed_named("postgres-cdc");
    database["spec"]["source"]["postgres"]["tableMappings"][0]["targetTable"] = json!("Users");
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", PERMISSION);
    desk.write_file("pipes.yaml", documents_to_yaml(&[stream.clone(), database]));
    assert_eq!(run_apply(&desk, &[]).code, 0);
    desk.edit_world(|world| {
        assert!(world.edit_pipe("analytics", "kinesis-user", |live| {
            live["source"]["kinesis"]["streamName"] = json!("order-stream");
        }));
        assert!(world.edit_pipe("analytics", "postgres-cdc", |live| {
            live["source"]["postgres"]["tableMappings"][0]["targetTable"] = json!("users");
        }));
        world.advance_clock(std::time::Duration::from_secs(600));
    });
    let patches = count_requests(&desk, "PATCH");
    for _ in 0..2 {
        let said = run_apply(&desk, &[]);
        assert_eq!(said.code, 5, "{}", said.all_output());
        assert_eq!(said.stdout.matches(": write that").count(), 2, "{}", said.all_output());
        assert!(!said.all_output().contains("policy.allowReplace"), "{}", said.all_output());
    }
    assert_eq!((count_requests(&desk, "PATCH"), count_requests(&desk, "DELETE")), (patches, 0));
}

const PERMISSION: &str = "apiVersion: pipectl/v1
kind: Project
manifests: [pipes.yaml]
policy: {allowReplace: [analytics/*]}
";

/// A base tells that it is no spelling: git changed the value.
#[test]
fn permission_in_the_project_file_allows_a_spelling_that_git_changed() {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", PERMISSION);
    let stream = kinesis_manifest("clicks", "", "");
    repo.write_file("pipes.yaml", &stream);
    repo.commit_all("one");
    repo.run_successfully(&["apply", "--yes"]);
    repo.write_file("pipes.yaml", &stream.replace("streamName: clicks", "streamName: Clicks"));
    let said = repo.run_pipectl(&["plan"]);
    assert!(said.stdout.contains("apply will refuse") && said.stdout.contains(": write that"), "{}", said.all_output());
    repo.commit_all("two");
    repo.run_successfully(&["apply", "--yes", "--base", "HEAD~1"]);
    assert_eq!(repo.live_pipe_names(), ["clicks"]);
}

/// The law, for every declared value of every source: whatever the API makes of its text, or if it leaves it out, an
/// apply of the unchanged manifest creates nothing, deletes nothing, and takes no table out of a pipe. It holds without a
/// base, and with one that stays because no apply ends well.
#[test]
fn no_spelling_of_any_field_deletes_or_creates() {
    let (mut wrong, mut covered) = (Vec::new(), BTreeSet::new());
    for seed in read_documents("tests/seeds").iter().filter(|seed| seed["kind"] != "CdcScaling") {
        let desired = desired_from_documents(std::slice::from_ref(seed)).unwrap();
        if desired.values().any(|document| document.body.to_string().contains("\"endpoint\"")) {
            continue;
        }
        let live = in_virtual_time(async {
            let bench = Bench::new(&["analytics"]);
            bench.settle(&desired).await.unwrap();
            bench.live(&desired).await
        });
        let (at, document) = desired.iter().next().unwrap();
        for (path, text) in texts(&document.body, &FieldPath::root()) {
            let field = without_indexes(&path);
            let capitals = text.to_uppercase();
            // The API may keep the old spelling of what git spells otherwise.
            let harm = harmful_actions(&with_text(&desired, &path, &capitals), &live, Some(&desired));
            wrong.extend(harm.map(|harm| format!("{at} {path} {text:?} in capitals: {harm}")));
            if let Some(live) = respelled_live(&live, at, &field, &text, &capitals) {
                let earlier = with_text(&desired, &path, &format!("{text}-earlier"));
                let harm = harmful_actions(&desired, &live, Some(&earlier));
                wrong.extend(harm.map(|harm| format!("{at} {path} {text:?} applied as {capitals:?}: {harm}")));
            }
            for respelled in respellings(&text) {
                if let Some(live) = respelled_live(&live, at, &field, &text, &respelled) {
                    covered.insert(field.to_string());
                    let harm = harmful_actions(&desired, &live, None);
                    wrong.extend(harm.map(|harm| format!("{at} {path} {text:?} as {respelled:?}: {harm}")));
                }
            }
        }
        for (path, value) in plain_values(&document.body, &FieldPath::root()) {
            for answer in other_forms(&value) {
                let mut live = live.clone();
                path.set_in(&mut live.get_mut(at).unwrap().objects[0].body, answer.clone());
                let harm = harmful_actions(&desired, &live, None);
                wrong.extend(harm.map(|harm| format!("{at} {path} {value} as {answer}: {harm}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} spellings do harm:\n{}", wrong.len(), wrong.join("\n"));
    assert!(covered.len() > 60, "only {} fields were respelled: {covered:#?}", covered.len());
}

/// The declared texts that the API answers with, and where they stand.
fn texts(value: &Value, path: &FieldPath) -> Vec<(FieldPath, String)> {
    match value {
        Value::String(text) if text.chars().any(char::is_alphabetic) => vec![(path.clone(), text.clone())],
        Value::Object(fields) if !fields.contains_key("fromEnv") => {
            fields.iter().flat_map(|(name, value)| texts(value, &path.child(name))).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, item)| texts(item, &path.child(index))).collect()
        }
        _ => Vec::new(),
    }
}

/// The values of objects that are no secrets.
fn plain_values(value: &Value, path: &FieldPath) -> Vec<(FieldPath, Value)> {
    let rules = FieldSemantics::for_kind(Kind::ClickPipe).field_at(path);
    match value {
        Value::Object(fields) if !rules.is_secret => {
            let below = fields.iter().flat_map(|(name, value)| plain_values(value, &path.child(name)));
            let is_inside_source = path.segments().len() > 2 && path.segments()[0] == "source";
            below.chain(is_inside_source.then(|| (path.clone(), value.clone()))).collect()
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![(path.clone(), value.clone())],
        _ => Vec::new(),
    }
}

/// No value, and what an API may write for one that is of another type.
fn other_forms(value: &Value) -> Vec<Value> {
    let forms = match value {
        Value::Object(_) => Vec::new(),
        Value::Bool(value) => vec![json!(u8::from(*value))],
        Value::Number(number) => vec![json!([number])],
        text => vec![json!(""), json!([text]), json!({"value": text})],
    };
    [Value::Null].into_iter().chain(forms).collect()
}

fn respellings(text: &str) -> impl Iterator<Item = String> {
    let spellings = [
        text.to_uppercase(),
        text.to_lowercase(),
        format!(" {text} "),
        format!("{text}/"),
        text.replace(['-', '_'], ""),
        text.replace('*', "%2A").replace('-', "%2D").replace('/', "%2f"),
        format!("arn:aws:kinesis:us-east-1:123456789012:stream/{text}"),
        format!("projects/p/topics/{text}"),
        format!("https://www.googleapis.com/compute/v1/{text}"),
    ];
    let spellings: BTreeSet<String> = spellings.into_iter().filter(|spelling| spelling != text).collect();
    spellings.into_iter()
}

/// The manifests with another text in a field.
fn with_text(desired: &Desired, path: &FieldPath, text: &str) -> Desired {
    let mut desired = desired.clone();
    for document in desired.values_mut() {
        let mut body = Value::clone(&document.body);
        *body.pointer_mut(&format!("/{}", path.segments().join("/"))).unwrap() = json!(text);
        document.body = body.into();
    }
    desired
}

fn without_indexes(path: &FieldPath) -> FieldPath {
    let segments = path.segments().iter().filter(|segment| segment.parse::<usize>().is_err());
    segments.fold(FieldPath::root(), |path, segment| path.child(segment))
}

/// The live side with the field spelt otherwise; `None` if the API does not return it.
fn respelled_live(live: &Live, at: &Address, field: &FieldPath, text: &str, respelled: &str) -> Option<Live> {
    let mut live = live.clone();
    let object = live.get_mut(at)?.objects.first_mut()?;
    let places = texts(&object.body, &FieldPath::root()).into_iter();
    let mut places = places.filter(|(path, value)| value == text && without_indexes(path) == *field).peekable();
    places.peek()?;
    for (path, _) in places {
        *object.body.pointer_mut(&format!("/{}", path.segments().join("/")))? = json!(respelled);
    }
    Some(live)
}

/// What an apply would delete, create, or take out of a pipe.
fn harmful_actions(desired: &Desired, live: &Live, base: Option<&Desired>) -> Option<String> {
    let limits = ApprovalLimits::default();
    let plan = plan(desired, live, base, &Policy::default()).block_unsafe_replacements(&limits);
    let harms = plan.actions.iter().any(|action| match action {
        Action::Create { address, .. } | Action::Delete { address, .. } => address.kind != Kind::CdcScaling,
        Action::Update { body, .. } => body.to_string().contains("tableMappingsToRemove"),
        Action::SetState { .. } => false,
    });
    harms.then(|| actions(&plan))
}
