#![allow(clippy::allow_attributes, clippy::unwrap_used, reason = "a test that fails here fails")]

use insta::assert_snapshot;
use model::address::{Kind, Name};
use model::desired::{Document, FieldPlaces, Intent, Origin, Place};
use model::diagnostic::SourceFile;
use model::project::{PolicyRule, RuleLevel};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::metering::StepBudget;
use crate::{RuleInput, RuleScope, RuleSet, RuleTime, find_rule_problems};

/// 2026-11-27, a Friday.
const FRIDAY: u64 = 1_795_795_200;

fn rule(deny: &str) -> PolicyRule {
    PolicyRule {
        name: "r".to_owned(),
        level: RuleLevel::Error,
        when: None,
        deny: deny.to_owned(),
        message: "no".to_owned(),
    }
}

fn document(body: Value, annotation: &str) -> Document {
    let annotations = [("pipectl/except".to_owned(), annotation.to_owned())].into();
    let labels = [("team".to_owned(), "data".to_owned())].into();
    let start = Place { file: "a.yaml".into(), line: 1, column: 1 };
    Document {
        body: body.into(),
        intent: Intent { labels, annotations, ..Intent::default() },
        origin: Origin::new(start, FieldPlaces::default()),
        earlier_bodies: Vec::new(),
        earlier_states: Vec::new(),
        earlier_names: Vec::new(),
        dropped_names: Vec::new(),
        target: None,
    }
}

fn evaluate_for(rule: PolicyRule, document: &Document) -> Vec<String> {
    let change = json!({"action": "update", "replaces": false});
    let name = Name::new("orders");
    let input = RuleInput {
        kind: Kind::ClickPipe,
        name: name.as_str(),
        service: Some("analytics"),
        document: Some(document),
        change: Some(&change),
        environments: &["prod".to_owned()],
        now: RuleTime::from_unix_seconds(FRIDAY),
    };
    let mut rules = RuleSet::compile(&[rule], |_| None);
    rules.budget = StepBudget::new(100_000);
    rules.evaluate(&input, RuleScope::Change).iter().map(model::rule_finding::RuleFinding::describe).collect()
}

fn evaluate(deny: &str) -> String {
    let body = json!({"name": "orders", "scaling": {"replicas": 2}, "tables": [{"name": "a"}, {"name": "b"}]});
    evaluate_for(rule(deny), &document(body, "")).join("\n")
}

fn is_denied(deny: &str) -> bool {
    match evaluate(deny).as_str() {
        "" => false,
        "the rule `r` forbids it: no" => true,
        other => panic!("{deny}: {other}"),
    }
}

#[test]
fn expressions_see_manifest_labels_environment_time_and_change() {
    for (deny, expected) in [
        ("manifest.kind == 'ClickPipe' && manifest.metadata.name == 'orders'", true),
        ("manifest.metadata.service == 'analytics' && manifest.spec.state == 'running'", true),
        ("manifest.spec.scaling.replicas > 1 && manifest.spec.scaling.replicas + 1 == 3", true),
        ("has(manifest.spec.name)", false),
        ("has(labels.team) && labels.team == manifest.metadata.labels['team']", true),
        ("environment in ['prod', 'staging']", true),
        ("now.weekday == 'Friday' && now.hour == 16 && now.text == '2026-11-27T16:00:00Z'", true),
        ("change.action == 'update' && !change.replaces", true),
        ("manifest.spec.tables.exists(t, t.name == 'b')", true),
        ("manifest.spec.tables.all(t, t.name == 'b')", false),
        ("manifest.spec.tables.exists_one(t, t.name == 'b')", true),
        ("manifest.spec.tables.filter(t, t.name == 'b').size() == 1", true),
        ("manifest.spec.tables.map(t, t.name + '!') == ['a!', 'b!']", true),
        ("manifest.metadata.name.matches('^[a-z][a-z0-9-]{0,62}$')", true),
        ("manifest.metadata.name.startsWith('x') || manifest.metadata.name.endsWith('s')", true),
    ] {
        assert_eq!(is_denied(deny), expected, "{deny}");
    }
}

#[test]
fn failure_of_a_rule_is_a_violation_with_the_way_out() {
    assert_snapshot!(evaluate("manifest.spec.settings.size > 1"), @"the rule `r` cannot be evaluated: `deny`: there is no `settings`; test with `has(….settings)` or `'settings' in …` first");
    assert_snapshot!(evaluate("labels.team + 1 == 2"), @"the rule `r` cannot be evaluated: `deny`: `add` does not take values of the types `string` and `int`");
    assert_snapshot!(evaluate("labels.team"), @"the rule `r` cannot be evaluated: `deny`: it is a value of the type `string` and not `true` or `false`");
    assert_snapshot!(evaluate("manifest.spec.tables[7].name == 'a'"), @"the rule `r` cannot be evaluated: `deny`: an index is beyond the end of its list; test `size(…)` first");
    assert_snapshot!(evaluate("manifest.metadata.name.matches('(')"), @"the rule `r` cannot be evaluated: `deny`: no valid pattern for `matches`: found open group without closing ')'");
    assert_snapshot!(evaluate("1 / 0 == 1"), @"the rule `r` cannot be evaluated: `deny`: it divides by zero");
}

#[test]
fn message_contains_values() {
    let with_value = PolicyRule {
        message: "{{ manifest.spec.replicas }} replicas of {{labels.team}}, {{ labels.missing }}".to_owned(),
        ..rule("manifest.spec.replicas > 4")
    };
    let found = evaluate_for(with_value, &document(json!({"replicas": 6}), ""));
    assert_eq!(found, ["the rule `r` forbids it: 6 replicas of data, ?"]);
}

/// A manifest without a project file.
const NO_ENVIRONMENT: &[String] = &[String::new()];

fn input_of(document: &Document) -> RuleInput<'_> {
    RuleInput {
        kind: Kind::ClickPipe,
        name: "orders",
        service: None,
        document: Some(document),
        change: None,
        environments: NO_ENVIRONMENT,
        now: RuleTime::from_unix_seconds(FRIDAY),
    }
}

#[test]
fn annotation_excepts_from_the_named_rules() {
    for (annotation, is_excepted) in [("r", true), ("other, r", true), ("", false), ("other", false), ("rr", false)] {
        let document = document(json!({}), annotation);
        let input = input_of(&document);
        let rules = RuleSet::compile(&[rule("true")], |_| None);
        let found = rules.evaluate(&input, RuleScope::Manifest);
        assert_eq!((found.len(), found[0].is_excepted, found[0].is_blocking()), (1, is_excepted, !is_excepted));
    }
}

#[test]
fn rule_about_changes_needs_a_plan() {
    let document = document(json!({}), "");
    let input = input_of(&document);
    let about_change = PolicyRule { when: Some("change.replaces".to_owned()), ..rule("true") };
    let rules = RuleSet::compile(&[rule("true"), about_change], |_| None);
    assert_eq!(rules.evaluate(&input, RuleScope::Manifest).len(), 1);
    assert_eq!(rules.evaluate(&input, RuleScope::Deletion).len(), 1);
    assert_eq!(rules.evaluate(&input, RuleScope::Change).len(), 2);
}

fn problems(rules: &str) -> String {
    let text = format!("policy:\n  rules:\n{rules}");
    let file = SourceFile { name: "pipectl.yaml".into(), text: text.into() };
    let lines = find_rule_problems(&file).into_iter().map(|it| {
        let help = it.help.map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{} {}: {}{help} [{}]", it.place, it.code, it.message, &file.text[it.span])
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn mistakes_in_rules_have_places() {
    assert_snapshot!(problems(r#"
  - {name: a, deny: "manifst.kind == 'X'", message: m}
  - {name: a, deny: manifest.kind ==, message: m}
  - name: c
    when: environment == 'prod' && enviroment != ''
    deny: |
      manifest.kind == 'ClickPipe' &&
      manifest.metadata.name.startWith('x')
    message: 'is {{ lables.team }}'
  - name: d
    deny: >-
      has(labels.team) &&
      tem == 'x'
    message: 'open {{ labels'
"#), @"
    pipectl.yaml:4:22 bad-rule: there is no variable `manifst` (did you mean `manifest`?) [manifst.kind == 'X']
    pipectl.yaml:5:36 bad-rule: the expression ends too early [=]
    pipectl.yaml:5:12 duplicate-rule: there is another rule `a` [a]
    pipectl.yaml:7:36 bad-rule: there is no variable `enviroment` (did you mean `environment`?) [enviroment != '']
    pipectl.yaml:10:30 bad-rule: there is no function `startWith` (did you mean `startsWith`?) [startWith('x')]
    pipectl.yaml:11:21 bad-rule: there is no variable `lables` (did you mean `labels`?) [lables.team }}]
    pipectl.yaml:15:7 bad-rule: there is no variable `tem` (there are `manifest`, `labels`, `environment`, `now`, `change`) [tem == 'x']
    pipectl.yaml:16:20 bad-rule: `{{` without `}}` [{{ labels]
    ");
}

#[test]
fn end_of_an_expression_is_its_last_letter_in_every_form_of_yaml() {
    for (written, place) in [
        ("labels.a == 'x' &&", "4:28"),
        ("labels.a ==\n      'x' &&   # why", "5:12"),
        ("\"labels.a == 'x' &&  \"", "4:29"),
        ("\"labels.a == \\\"x\\\" &&\"", "4:31"),
        ("'labels.a == ''x'' &&'", "4:31"),
        ("\"labels.a ==\n      'x' &&\n\n      \"", "5:12"),
        ("|\n      labels.a == 'x' &&\n        (\n\n", "6:9"),
        ("|-\n      labels.a == 'é' &&\n", "5:24"),
        ("|+\n      labels.a == 'x' &&\n\n\n", "5:24"),
        (">\n      labels.a == 'x'\n      && (\n\n", "6:10"),
        (">-  # why\n      labels.a == 'x' &&\n\n", "5:24"),
        // A quote of the expression, and not of YAML.
        ("|\n      \"x\" == labels.a &&\n", "5:24"),
        (">-\n      'x' ==\n      labels.a &&\n", "6:17"),
    ] {
        let rule = format!("  - name: a\n    deny: {written}\n    message: m\n");
        let found = problems(&rule);
        assert!(
            found.starts_with(&format!("pipectl.yaml:{place} bad-rule: the expression ends too early [")),
            "{rule}{found}"
        );
    }
    assert_snapshot!(
        problems("  - name: a\n    deny: 'true'\n    message: |\n      is {{ labels.a ==\n      }}, no\n"),
        @"pipectl.yaml:6:23 bad-rule: the expression ends too early [=]"
    );
    assert_snapshot!(
        problems("  - name: a\n    deny: 'labels.a == ''x'' && tem'\n    message: m\n"),
        @"pipectl.yaml:4:33 bad-rule: there is no variable `tem` (there are `manifest`, `labels`, `environment`, `now`, `change`) [tem]"
    );
}

#[test]
fn words_that_no_object_has_are_mistakes() {
    let problem = |text: &str| {
        let found = crate::rule_set::parse_condition(text)?;
        Some(format!("{}: {} ({})", &text[found.offset..], found.message, found.help?))
    };
    for (text, expected) in [
        ("change.action == 'craete'", "craete': `change.action` is never `craete` (did you mean `create`?)"),
        ("'friday' == now.weekday", "friday' == now.weekday: `now.weekday` is never `friday` (did you mean `Friday`?)"),
        (
            "manifest.kind in ['ClickPipe', 'Clickpipe']",
            "Clickpipe']: `manifest.kind` is never `Clickpipe` (did you mean `ClickPipe`?)",
        ),
        ("!change.replace", "replace: `change` has no member `replace` (did you mean `replaces`?)"),
        ("[1].all(a, now.weekdy != '')", "weekdy != ''): `now` has no member `weekdy` (did you mean `weekday`?)"),
        (
            "has(manifest.metadata.team)",
            "team): `manifest.metadata` has no member `team` (there are `name`, `service`, `labels`, `annotations`)",
        ),
    ] {
        assert_eq!(problem(text).as_deref(), Some(expected));
    }
    // An equal word stands in an earlier literal, comment, member or loop.
    for (text, rest) in [
        ("labels.type == 'pipe' &&\nmanifest.kind == 'pipe'", "pipe'"),
        ("labels.day == 'friday' && // friday\nnow.weekday == 'friday'", "friday'"),
        ("labels.day == 'the foo bar' &&\nfoo.x == 1", "foo.x == 1"),
        ("has(labels.env) && // env\nenv == 'dev'", "env == 'dev'"),
        ("labels['tem'] == \"tem\" && tem == labels.tem", "tem == labels.tem"),
        ("['é'].all(tem, tem == 'x') && tem == 'y'", "tem == 'y'"),
        ("'x.startWith(y)' == labels.x && labels.y.startWith('x')", "startWith('x')"),
        ("'now.weekdy' == labels.x && has(now.weekdy)", "weekdy)"),
        ("labels.action == 'change.actoin' && change.actoin == 'x'", "actoin == 'x'"),
        ("'craete' in labels && change.action in ['create', r'craete']", "craete']"),
        ("sise(labels) == 1 && 'sise' == labels.x", "sise(labels) == 1 && 'sise' == labels.x"),
    ] {
        let found = crate::rule_set::parse_condition(text).unwrap();
        assert!(text[found.offset..] == *rest, "{text}: {found:?}");
    }
    for text in ["[1].all(change, change == 1)", "labels.kind == 'X'", "manifest.spec.state in ['absent']"] {
        assert_eq!(crate::rule_set::parse_condition(text), None, "{text}");
    }
}

/// Its name is on another line than what has the mistake.
#[test]
fn rule_that_cannot_be_evaluated_has_the_place_of_its_expression() {
    let rules =
        "policy:\n  rules:\n  - name: r\n    deny: |-\n      manifest.spec.scaling.replicas > 2\n    message: m\n";
    let with_when =
        "  - {name: w, when: \"labels.x == ''\", deny: 'true', message: m}\n  - {name: d, deny: 'true', message: m}\n";
    let file = SourceFile { name: "pipectl.yaml".into(), text: format!("{rules}{with_when}").into() };
    let places = crate::find_rule_places(&file, "");
    let rules = [
        rule("manifest.spec.scaling.replicas > 2"),
        PolicyRule { name: "w".to_owned(), when: Some("labels.x == ''".to_owned()), ..rule("true") },
        PolicyRule { name: "d".to_owned(), ..rule("true") },
    ];
    let rules = RuleSet::compile(&rules, |rule| places.get(&rule.name).cloned());
    let document = document(json!({}), "");
    let found = rules.evaluate(&input_of(&document), RuleScope::Manifest);
    let found: Vec<_> = found.iter().map(|it| (it.is_failure, it.rule_place.as_ref().unwrap().to_string())).collect();
    let expected = [(true, "pipectl.yaml:5:7"), (true, "pipectl.yaml:7:22"), (false, "pipectl.yaml:8:12")];
    assert_eq!(found, expected.map(|(is_failure, place)| (is_failure, place.to_owned())));
}

#[test]
fn constant_that_is_no_condition_is_a_mistake_in_the_rule() {
    for text in ["1 + 1", "'a'", "1 / 0 == 1", "[1]"] {
        assert!(crate::rule_set::parse_condition(text).is_some(), "{text}");
    }
    for text in ["true", "1 == 2", "[1].all(a, a > 0)", "'a'.matches('a')"] {
        assert_eq!(crate::rule_set::parse_condition(text), None, "{text}");
    }
}

#[test]
fn operators_of_other_languages_are_named() {
    for (text, meant) in [
        ("environment = 'prod'", "`==`"),
        ("has(labels.team) & environment == ''", "`&&`"),
        ("has(labels.team) | environment == ''", "`||`"),
        ("has(labels.team) and environment == ''", "`&&`"),
        ("has(labels.team) or environment == ''", "`||`"),
    ] {
        let problem = crate::rule_set::parse_condition(text).unwrap();
        assert!(problem.help.as_ref().is_some_and(|help| help.contains(meant)), "{text}: {problem:?}");
    }
}

#[test]
fn warning_does_not_forbid() {
    let warning = PolicyRule { level: RuleLevel::Warning, ..rule("true") };
    assert_eq!(evaluate_for(warning, &document(json!({}), "")), ["the rule `r` warns: no"]);
}

#[test]
fn expression_is_small_and_flat() {
    let long = format!("manifest.kind == '{}'", "x".repeat(2000));
    let deep = format!("{}true{}", "[".repeat(100), "]".repeat(100));
    let chain = format!("manifest{}", ".a".repeat(300));
    let wide = format!("[{}] == []", vec!["1"; 900].join(","));
    let loops = "[1].all(a, [1].all(b, [1].all(c, true)))";
    for text in [&*long, &deep, &chain, &wide, loops, "now.x{a: 1} == 1", "true true", ""] {
        assert!(crate::rule_set::parse_condition(text).is_some(), "{text}");
    }
    assert_eq!(crate::rule_set::parse_condition("[1].all(a, [a].all(b, b > 0))"), None);
    for (open, close) in [("(", ")"), ("{1:", "}"), ("a(", ")"), ("a[", "]"), ("-", ""), ("a?b:", "c")] {
        let count = 1900 / (open.len() + close.len());
        // Must not overflow the stack.
        let _ = crate::rule_set::parse_condition(&format!("{}1{}", open.repeat(count), close.repeat(count)));
    }
}

#[test]
fn loops_end_within_bounds() {
    let entries: Vec<Value> = (0..2_000).map(|number| json!({"name": format!("table-{number}")})).collect();
    let big = document(json!({"tables": entries}), "");
    let sum = "a + ".repeat(30) + "a";
    for (deny, is_bounded) in [
        ("manifest.spec.tables.all(t, t.name != '')", true),
        ("manifest.spec.tables.map(t, t.name).exists(n, n == 'table-7')", true),
        ("manifest.spec.tables.all(t, manifest.spec.tables.all(u, true))", false),
        ("manifest.spec.tables.exists(t, manifest.spec.tables.exists(u, u.name == ''))", false),
        ("manifest.spec.tables.all(t, manifest == manifest)", false),
        ("manifest.spec.tables.filter(t, t in manifest.spec.tables).size() > 0", false),
        (&format!("[['x']].map(a, {sum}).map(a, {sum}).map(a, {sum}).map(a, {sum}).size() == 1"), false),
    ] {
        assert_eq!(crate::rule_set::parse_condition(deny), None);
        let found = evaluate_for(rule(deny), &big);
        let is_refused = found.iter().any(|it| it.contains("too many steps"));
        assert_eq!(!is_refused, is_bounded, "{deny}: {found:?}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser_or_the_evaluation(
        words in prop::collection::vec(prop_oneof![
            Just("manifest"), Just(".spec"), Just(".all("), Just("x"), Just(","), Just(")"), Just("("), Just("["),
            Just("]"), Just("{"), Just("}"), Just("'a'"), Just("\""), Just("\\"), Just("1"), Just("-9223372036854775808"),
            Just("1u"), Just("+"), Just("&&"), Just("?"), Just(":"), Just("=="), Just("in"), Just("has("), Just("\u{e9}"),
            Just(".map(x,"), Just("-"), Just("`"), Just("b'"), Just("."), Just("labels"), Just("size("), Just("!"),
        ], 0..24),
    ) {
        let text = words.concat();
        // Neither may panic.
        let _ = crate::rule_set::parse_condition(&text);
        let found = evaluate_for(rule(&text), &document(json!({"a": [1, {"b": "c"}]}), ""));
        prop_assert!(found.len() <= 1);
    }
}
