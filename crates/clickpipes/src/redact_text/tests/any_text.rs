//! Secrets in texts of any form, and in keys.

use proptest::prelude::*;

use super::{assert_masked, assert_visible, redact_secrets};

fn secret_lines() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("password".to_owned()),
        Just("secretKey: ".to_owned()),
        Just(": ".to_owned()),
        Just("|\n".to_owned()),
        Just("fromEnv".to_owned()),
        Just("://".to_owned()),
        "[\\[\\]{},:'\"&*!|>#@ \\-\\n\\t]{1,3}",
        "[a-zé]{1,4}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn mask_keeps_length_and_line_breaks(text in secret_lines()) {
        let masked = redact_secrets(&text);
        prop_assert_eq!(masked.len(), text.len());
        let breaks = |text: &str| -> Vec<usize> {
            text.match_indices('\n').map(|(at, _)| at).collect()
        };
        prop_assert_eq!(breaks(&masked), breaks(&text));
    }

    #[test]
    fn simple_secret_values_are_always_masked(
        indent in 0..6_usize,
        dash in any::<bool>(),
        quote in prop::sample::select(vec!["", "\"", "'"]),
        before in "[a-z]{1,5}: [a-z]{1,5}\n",
    ) {
        let canary = "canary7";
        let dash = if dash { "- " } else { "" };
        let line = format!("{}{dash}password: {quote}{canary}{quote}\n", " ".repeat(indent));
        let masked = redact_secrets(&format!("{before}{line}after: x\n"));
        prop_assert!(!masked.contains(canary), "{}", masked);
        prop_assert!(masked.ends_with("after: x\n"), "{}", masked);
    }
}

/// YAML ends the value, or takes it for something else, and quotes the line.
#[test]
fn literals_that_look_like_another_part_of_yaml_are_masked() {
    for text in [
        "password: |hunter2\nuser: me\n",
        "password: >hunter2\nuser: me\n",
        "password: |- hunter2\nuser: me\n",
        "credentials: {pass: >2hunter2, user: me}\n",
        "credentials: {username: u, \"pasword\": |hunter2}\n",
        "credentials:\n    password:\n  hunter2\n  user: me\n",
        "credentials:\n    pass:\n  hunter2\n",
        "    token:\n  hunter2\nuser: me\n",
        "password: {fromEnv: hunter2: y}\n",
        "password:\n  fromEnv: hunter2: y\n",
        "kafka:\n  ? password\n    hunter2\n  : x\n",
        "kafka:\n  password\n    hunter2\n",
    ] {
        assert_masked(text);
    }
    for text in [
        "password:\n  fromEnv: A\nvisible: 1\n",
        "password: {fromCommand: [vault, 'a: visible']}\n",
        "? topic\n  visible\n",
        "password: |\n  x\nvisible: 1\n",
        "access key\nvisible: 1\n",
        "topics: [access key]\nvisible: 1\n",
    ] {
        assert_visible(text);
    }
}

/// A key of several words, or with another character behind the name of a secret: it swallowed the secret.
#[test]
fn secret_in_a_key_of_several_words_is_masked() {
    let keys = [
        "my password hunter2",
        "db password = hunter2",
        "password;hunter2",
        "my-password>hunter2",
        "password->hunter2",
        "password\u{a0}hunter2",
        "password：hunter2",
        "password|hunter2",
        "password/hunter2",
        "password(hunter2)",
        "password\"hunter2\"",
        "password.hunter2",
        "kafka.password hunter2",
        "kafka.password=hunter2",
        "&a password hunter2",
        "!!str password hunter2",
        "the client secret is hunter2",
        "api key hunter2",
        "my private key = hunter2",
        "Access Key hunter2",
        "connection string hunter2",
        "credentials hunter2",
        "hunter2 password",
        "password_hunter2",
        "password-hunter2",
        "hunter2_password;x",
        "basicAuth hunter2",
        "Basic hunter2",
        "password,hunter2",
    ];
    let forms = |key: &str| {
        [
            format!("kafka:\n  {key}\n"),
            format!("kafka:\n  {key}: x\n"),
            format!("kafka: {{topics: a, {key}}}\n"),
            format!("kafka: {{{key}, topics: a}}\n"),
            format!("kafka: [{key}]\n"),
            format!("kafka:\n  - {key}\n"),
            format!("kafka:\n  ? {key}\n"),
            format!("kafka:\n  '{key}': x\n"),
        ]
    };
    let rules = |key: &str| [format!("- deny: \"{key}\"\n"), format!("- {{when: {key}, name: a}}\n")];
    let rules = ["password hunter2", "my password is hunter2", "password: hunter2"].into_iter().flat_map(rules);
    for text in keys.iter().flat_map(|key| forms(key)).chain(rules) {
        assert_masked(&text);
    }
    for text in [
        "deny: labels.team == 'visible'\n",
        "columns: [{name: token, type: visible}]\n",
        "- {name: password_hash, type: visible}\n",
        "topics: [password]\nvisible: 1\n",
        "topics: passwords # old\nvisible: 1\n",
        "passwordless: true\nvisible: 1\n",
        "tokenTopic: orders\nvisible: 1\n",
        "sortingKeys:\n  - token\n  - visible\n",
        "visible_key: the password of orders\n",
        "credentials: {usrname: visible, password: {fromEnv: KP}}\n",
    ] {
        assert_visible(text);
    }
}
