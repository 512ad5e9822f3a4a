//! A secret is cut out of every text, in every spelling, and little else is.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::encodings::find_in_output;
use super::{Engine, MIN_SECRET_CHARS, Redaction, RunRedaction, STANDARD, WITHHELD, expose_all};

fn clean(secret: &str, text: &str) -> String {
    let mut redaction = Redaction::default();
    redaction.add_secret(secret, "");
    redaction.redact_text(text)
}

#[test]
fn every_encoding_of_a_secret_is_redacted() {
    let secret = "zü p@ss/\"w\\rd\" <'>";
    for text in [
        r#"zü p@ss/"w\rd" <'>"#,
        r#"zü p@ss/\"w\\rd\" <'>"#,
        r#"z\u00fc p@ss\/\"w\\rd\" \u003c\u0027\u003e"#,
        r#"z\\u00FC p@ss/\\\"w\\\\rd\\\" <'>"#,
        "z%C3%BC%20p%40ss%2F%22w%5Crd%22%20%3C%27%3E",
        "z%c3%bc+p%40ss/%22w%5crd%22+%3c'%3e",
        "zü p@ss/&quot;w\\rd&quot; &lt;&#39;&gt;",
        "z&#xFC; p@ss/&#34;w\\rd&#34; &lt;&apos;&gt;",
        "esO8IHBAc3MvIndccmQiIDwnP",
    ] {
        assert_eq!(clean(secret, &format!("see {text}: no")), "see [redacted]: no", "{text}");
    }
}

#[test]
fn secret_inside_longer_base64_is_redacted() {
    for (before, after) in [("", ""), ("u:", ""), ("user:", "\n"), ("user1:", "!!")] {
        let text = STANDARD.encode(format!("{before}hunter22{after}"));
        let said = format!("Basic {text}");
        let shown = clean("hunter22", &said);
        let hidden = said.len() - shown.replace("[redacted]", "").len();
        // The remaining characters depend on the neighbours, too.
        assert!(shown.contains("[redacted]") && hidden >= 9, "{text}: {shown}");
    }
    assert_eq!(clean("~~~???~~~", "fn5-Pz8_fn5-"), "[redacted]");
}

#[test]
fn prefix_and_suffix_of_a_secret_are_redacted() {
    let secret = "hunter22-and-more";
    assert_eq!(clean(secret, "with hunter22-a... or ...and-more!"), "with [redacted]... or ...[redacted]!");
    assert_eq!(clean(secret, &format!("with {}", &secret[..MIN_SECRET_CHARS])), "with [redacted]");
    assert_eq!(clean(secret, "the hunter and more"), "the hunter and more");
}

#[test]
fn single_lines_of_a_key_are_redacted() {
    let key = "-----BEGIN KEY-----\nMIIBVQIBADANBg\n-----END KEY-----\n";
    assert_eq!(clean(key, "bad line MIIBVQIBADANBg here"), "bad line [redacted] here");
}

#[test]
fn text_containing_a_word_like_secret_is_withheld() {
    assert_eq!(clean("kafka", "source.kafka.topics: wrong"), WITHHELD);
    assert_eq!(clean("a", "cannot read"), WITHHELD);
    assert_eq!(clean("a", "no idle luck"), "no idle luck");
    assert_eq!(clean("", "cannot read"), "cannot read");
    let mut redaction = Redaction::default();
    redaction.add_secret("orders-kafka", r#"{"name":"orders-kafka"}"#);
    assert_eq!(redaction.redact_text("no pipe orders-kafka"), WITHHELD);
    assert_eq!(redaction.redact_text("no such pipe"), "no such pipe");
}

#[test]
fn overlapping_secrets_are_redacted_completely() {
    let mut redaction = Redaction::default();
    redaction.add_secret("secret-0", "");
    redaction.add_secret("secret-0-and-more", "");
    redaction.add_secret("and-more-than-that", "");
    assert_eq!(redaction.redact_text("got secret-0-and-more-than-that."), "got [redacted].");
    assert_eq!(redaction.redact_text("got [redacted]"), "got [redacted]");
}

#[test]
fn output_of_any_format_has_no_secret_and_keeps_its_words() {
    let run = RunRedaction::default();
    let mut request = Redaction::default();
    for secret in ["Hunter-22 <\"x\">", "kafka-prod-1", "warnings", "12345678", "  \"type\": \"x\",\nabcdefgh-1"] {
        request.add_secret(secret, "");
    }
    run.add_request(&request);
    run.add_public_texts(["brokers: kafka-prod-1:9092".into()]);
    for (text, shown) in [
        ("state Hunter-22 <\"x\">.", "state [redacted]."),
        (r#"{"state": "Hunter-22 <\"x\">"}"#, r#"{"state": "[redacted]"}"#),
        (r#"{"state": "Hunter-22 \u003c\"x\"\u003e"}"#, r#"{"state": "[redacted]"}"#),
        ("<b>Hunter-22 &lt;&quot;x&quot;&gt;</b>", "<b>[redacted]</b>"),
        ("SHVudGVyLTIyIDwieCI+", "[redacted]"),
        ("Hunter-22", "Hunter-22"),
        // Words of the manifests, of pipectl and of its formats.
        (r#"{"a": "kafka-prod-1", "warnings": 12345678}"#, r#"{"a": "kafka-prod-1", "warnings": 12345678}"#),
        ("{\n  \"type\": \"x\",\n}", "{\n  \"type\": \"x\",\n}"),
    ] {
        assert_eq!(run.redact_output(text), shown, "{text}");
    }
}

proptest! {
    #[test]
    fn secret_in_an_output_is_found_as_if_each_was_searched(
        secrets in vec("[a-c0-9é \"<%/-]{8,20}", 1..20),
        pieces in vec(("[a-c0-9 \"-]{0,9}", any::<Index>(), 0..4_usize), 0..6),
    ) {
        let mut request = Redaction::default();
        for secret in &secrets {
            request.add_secret(secret, "");
        }
        let run = RunRedaction::default();
        run.add_request(&request);
        let mut text = String::new();
        for (before, at, form) in pieces {
            let secret = at.get(&secrets);
            text += &before;
            text += &match form {
                0 => secret.clone(),
                1 => serde_json::Value::from(secret.as_str()).to_string(),
                2 => STANDARD.encode(secret),
                _ => secret.replace('%', "%25").replace(' ', "+"),
            };
        }
        let all = run.lock();
        let likely = all.likely_cuts(&text);
        for secret in expose_all(&all.cut) {
            prop_assert!(likely.contains(&secret) || find_in_output(&text, secret).is_empty(), "{secret} in {text}");
        }
    }
}

#[test]
fn long_text_is_truncated() {
    let text = format!("hunter22 {}", "ü".repeat(100_000));
    let shown = clean("hunter22", &text);
    assert!(shown.starts_with("[redacted] üü") && shown.len() < 20_000);
}
