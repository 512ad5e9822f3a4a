//! Secrets are hidden, and little else.

mod any_text;

use super::TextRedactor;

fn redact_secrets(text: &str) -> String {
    TextRedactor::for_texts(std::iter::once(text)).redact(text, [])
}

/// `hunter2` is hidden, and positions stay.
#[track_caller]
fn assert_masked(text: &str) {
    let masked = redact_secrets(text);
    assert!(!masked.contains("hunter2") && masked.len() == text.len(), "{text:?} {masked:?}");
}

#[track_caller]
fn assert_visible(text: &str) {
    let shown = redact_secrets(text);
    assert!(shown.contains("visible"), "{text:?} {shown:?}");
}

/// Every text after redaction, with a line between them.
fn redacted_texts(texts: &[&str]) -> String {
    let mut all = String::new();
    for text in texts {
        let masked = redact_secrets(text);
        assert_eq!(masked.len(), text.len());
        all.push_str(masked.trim_end_matches('\n'));
        all.push_str("\n--\n");
    }
    all
}

#[test]
fn single_line_secrets_are_masked() {
    let masked = redacted_texts(&[
        "password: hunter2\n",
        "  password:   hunter2 # really\nuser: me\n",
        "- password: hunter2\n  username: me\n",
        "password:hunter2\n",
        "{\"password\": \"hunter2\", \"user\": \"me\"}\n",
        "{\"password\":\"hunter2\"}\n",
        "'password' : 'it''s hunter2'\nuser: me\n",
        "credentials: {username: me, password: hunter2, version: 3}\n",
        "password: 'hunter2\nsecretKey: 'hunter2\n",
        "password: &p hunter2\nb: *p\n",
        "password: !!str hunter2\n",
        "password: &hunter2\n",
        "? password\n: hunter2\n",
        "password: hünter2\nuser: mé\n",
        "password: hunter2\r\nuser: me\r\n",
        "uri: mongodb://me:hunter2@host/db\n",
        "uri: mongodb+srv://me:hun/ter@2@host:27017/db?x=y # note\n",
        "uri: mongodb://host:27017/db\n",
        "\tpassword: hunter2\n\t}{ broken: [\n",
        "topic: passwords\npasswordless: true\n",
        "# password: hunter2\n  user: me\n",
        "password:",
        ":",
    ]);
    insta::assert_snapshot!(masked, @"
    password: *******
    --
      password:   ****************
    user: me
    --
    - password: *******
      username: me
    --
    ****************
    --
    *************************************
    --
    **********************
    --
    'password' : ***************
    user: me
    --
    credentials: *********************************************
    --
    password: ********
    secretKey: ********
    --
    password: **********
    b: *p
    --
    password: *************
    --
    password: ********
    --
    ? ********
    *********
    --
    password: ********
    user: mé
    --
    password: *******
    user: me
    --
    uri: mongodb://me:*******@host/db
    --
    uri: mongodb+srv://me:*********@host:27017/db?x=y #*****
    --
    uri: mongodb://host:27017/db
    --
    	password: *******
    	}{ broken: [
    --
    topic: passwords
    passwordless: true
    --
    *******************
      user: me
    --
    password:
    --
    :
    --
    ");
}

#[test]
fn secrets_in_odd_places_are_masked() {
    for text in [
        "notes: &p hunter2\npassword: *p\n",
        "notes: &p |\n  hunter2\n  more\npassword: *p\n",
        "list: [&p hunter2]\npassword: *p\n",
        "credentials: hunter2\n",
        "credentials: [me, hunter2]\n",
        "credentials:\n  - hunter2\n",
        "credentials:\n  hunter2\n",
        "accessKey: \"AKIA/hunter2\"\n",
        "password hunter2\n",
        "  - password = hunter2\n",
        "additional: {apiToken: hunter2}\n",
        "additional:\n  client_secret: hunter2\n",
        "additional:\n  tokens: [hunter2]\n",
        "topic: [a # the password is hunter2\n",
        "topic: a # hunter2\n",
        "credentials: {username: a, pasword: {fromEnv: P}}  # hunter2\n",
        "credentials: {username: a, password hunter2}\n",
        "credentials: {password hunter2, username: a}\n",
        "url: https://h/x?a=b&sig=hunter2&c=d\n",
        "url: 'https://h/x?X-Amz-Signature=hunter2'\n",
        "kafka: {key: hunter2\n",
        "kafka: {topics: a, key: hunter2}\n",
        "kafka:\n  - Key: hunter2\n",
        "kafka:\n  sasl:\n    - hunter2\n",
    ] {
        assert_masked(text);
    }
    for text in [
        "notes: &p visible\nother: *p\n",
        "credentials: {username: visible}\n",
        "credentials:\n  username: visible\n",
        "policy: {secretCommands: [visible]}\n",
        "url: https://h/x?a=visible\n",
        "name: key of visible\n",
        "sortingKeys: [key, visible]\n",
        "kafka:\n  key: {fromEnv: visible}\n",
        "each: {key: a}\ntopic: visible\n",
    ] {
        assert_visible(text);
    }
}

#[test]
fn multi_line_secrets_are_masked() {
    let masked = redacted_texts(&[
        "pasword: hunter2\nPASSWORD: hunter2\npass_word: hunter2\n",
        "password:\n  hunter2\n  and more\nuser: me\n",
        "password:\n  - hunter2\nuser: me\n",
        "password:\n- hunter2\nuser: me\n",
        "privateKey: |\n  MIIE\n  abcd\n\n  efgh\ncertificate: x\n",
        "privateKey: |\nMIIE\nabcd=\ncertificate: x\n",
        "- privateKey: >-\n    MIIE\n  other: x\n",
        "password: \"hunter\n  2\"\nuser: me\n",
        "password: \"hunter2\nuser: me\n",
        "password: hunter\n  2\nuser: me\n",
        "note: the -----BEGIN PRIVATE KEY-----\n MIIE\n -----END PRIVATE KEY-----\nb: c\n",
        "password: \"",
        "password: {",
        "password: |",
    ]);
    insta::assert_snapshot!(masked, @r#"
    pasword: *******
    PASSWORD: *******
    pass_word: *******
    --
    password:
      *******
      ********
    user: me
    --
    password:
      - *******
    user: me
    --
    password:
    - *******
    user: me
    --
    privateKey: |
      ****
      ****

      ****
    certificate: x
    --
    privateKey: |
    ****
    *****
    certificate: x
    --
    - privateKey: >-
        ****
      other: x
    --
    password: *******
      **
    user: me
    --
    password: ********
    user: me
    --
    password: ******
      *
    user: me
    --
    note: *******************************
    *****
    *-----********************
    b: c
    --
    password: "
    --
    password: {
    --
    password: |
    --
    "#);
}

#[test]
fn only_real_secret_references_stay_visible() {
    let masked = redacted_texts(&[
        "password: {fromEnv: KAFKA_PASSWORD, version: 2}\n",
        "password: {\"fromFile\": \"/run/secret\"}\n",
        "password: {version: 3, fromCommand: [op, read, x]}\n",
        "password: {hunter2}\nuser: me\n",
        "password: {fromEnv: A, hunter2: b}\n",
        "password: {fromEnv: A\n",
        "password:\n  fromEnv: KAFKA_PASSWORD\n  version: 2\nuser: me\n",
        "serviceAccountKey: {serviceAccountFile: hunter2}\n",
        "serviceAccountKey: {serviceAccountFile: {fromFile: key.json}}\n",
        "serviceAccountKey:\n  serviceAccountFile:\n    fromFile: key.json\n",
    ]);
    insta::assert_snapshot!(masked, @r#"
    password: {fromEnv: KAFKA_PASSWORD, version: 2}
    --
    password: {"fromFile": "/run/secret"}
    --
    password: {version: 3, fromCommand: [op, read, x]}
    --
    password: *********
    user: me
    --
    password: ************************
    --
    password: {fromEnv: A
    --
    password:
      fromEnv: KAFKA_PASSWORD
      version: 2
    user: me
    --
    serviceAccountKey: *****************************
    --
    serviceAccountKey: {serviceAccountFile: {fromFile: key.json}}
    --
    serviceAccountKey:
      serviceAccountFile:
        fromFile: key.json
    --
    "#);
}

#[test]
fn mask_keeps_length_of_hostile_text() {
    for piece in [
        "password: {",
        "password: \"",
        "password: '\n",
        "password: |\n ",
        "password:\n",
        "{password: {fromEnv: ",
        "a://b:c@",
        "password: {fromEnv: {fromEnv: \"",
        "::::",
        "-----BEGIN PRIVATE KEY-----\n",
    ] {
        let text = piece.repeat(300_000 / piece.len());
        assert_eq!(redact_secrets(&text).len(), text.len(), "{piece}");
    }
}

#[test]
fn literals_without_a_key_of_their_own_are_masked() {
    for text in [
        "credentials:\n  username: u\n  hunter2\n",
        "credentials:\n  hunter2\n  username: u\n",
        "credentials:\n  username: u\n  - hunter2\n",
        "  credentials:\n    username: u\n\n    \"hunter2\"\n  topic: t\n",
        "credentials: {username: u, hunter2}\n",
        "credentials: {hunter2, username: u}\n",
        "accessKey:\n  accessKeyId: a\n  hunter2\n",
        "additional: hunter2\n",
        "additional: [hunter2]\n",
        "additional: [{path: source.kafka.clientSecret, value: hunter2}]\n",
        "additional:\n- path: source.kafka.clientSecret\n  value: hunter2\n",
        "additional:\n  - path: source.kafka.clientSecret\n    value: hunter2\n",
        "additional:\n  - hunter2\n",
        "additional: |\n  hunter2\n",
        "{additional: [hunter2], a: b}\n",
        "credentials: {username: u, additional: {token: {fromEnv hunter2}}}\n",
        "credentials: {username: u, secret: {fromEnv=hunter2}}\n",
        "credentials:\n  username: u\n  token: {hunter2}\n",
        "additional: {token: {fromEnv: [hunter2]}}\n",
        "additional: {token: {fromFile: {hunter2: 1}}}\n",
        "additional:\n  token:\n    fromEnv:\n      hunter2: 1\n",
    ] {
        let masked = redact_secrets(text);
        assert!(!masked.contains("hunter2"), "{text}{masked}");
    }
    for text in [
        "credentials:\n  username: u\n  password:\n    fromCommand: [vault, kv/orders]\n",
        "credentials: {username: u, password: {fromCommand: [vault, kv/orders]}}\n",
        "credentials: {username: u, additional: {token: {fromEnv: KP, version: 2}}}\n",
        "additional: {newField: 3, other: a}\n",
        "additional:\n  newField: 3\n  other: a\n",
    ] {
        assert_eq!(redact_secrets(text), text);
    }
}
