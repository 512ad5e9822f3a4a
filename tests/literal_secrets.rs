//! A secret that somebody wrote into a file is not printed, whatever way it takes and whatever else is wrong on its
//! line.

use crate::support::cli::{RunOutput, WorkDir};

const CANARY: &str = "Zk7canaryQ9x";

/// Every command and format that reads manifests and prints.
const COMMANDS: [&[&str]; 9] = [
    &["validate", "m"],
    &["validate", "m", "-o", "json"],
    &["validate", "m", "--report=sarif=r", "--report=codequality=q", "--report=junit=j", "--report=github=g"],
    &["plan", "m", "--sandbox"],
    &["plan", "m", "--sandbox", "--diff", "-vv"],
    &["plan", "m", "--sandbox", "-o", "json"],
    &["plan", "m", "--sandbox", "-o", "markdown", "--report=html=h"],
    &["render", "m"],
    &["render", "m", "-o", "json"],
];

/// The template `t`, which takes a password from its user.
const TEMPLATE: &str = r#"apiVersion: pipectl/v1
kind: Template
metadata: {name: t}
parameters: {pw: {}, topic: {default: t}}
spec:
  source: {kafka: {type: confluent, brokers: "b:9092", topics: "${with.topic}", format: JSONEachRow, authentication: PLAIN, credentials: {username: a, password: "${with.pw}"}}}
  destination: {database: default, table: a, managedTable: true, tableDefinition: {engine: {type: MergeTree}, sortingKey: [id]}, columns: [{name: id, type: UInt64}]}
"#;

fn user(name: &str, spec: &str) -> String {
    format!("apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: {name}, service: analytics}}\nspec: {spec}\n")
}

/// A Kafka pipe with these words in its source.
fn kafka_pipe(more: &str) -> String {
    user(
        "k",
        &format!(
            "\n  source:\n    kafka: {{type: confluent, topics: t, format: JSONEachRow, authentication: PLAIN, {more}}}\n  destination: {{database: default, table: a, managedTable: true, tableDefinition: {{engine: {{type: MergeTree}}, sortingKey: [id]}}, columns: [{{name: id, type: UInt64}}]}}"
        ),
    )
}

const SIGN_IN: &str = "credentials: {username: a, password: {fromEnv: KP}}";

/// Writes each document into a file of its own, runs every command, each of which fails, and returns what `validate`
/// says.
fn assert_refused_without_printing(documents: &[&str]) -> RunOutput {
    let folder = WorkDir::new();
    for (number, document) in documents.iter().enumerate() {
        folder.write_file(&format!("m/{number}.yaml"), document);
    }
    for command in COMMANDS {
        let said = folder.run_with_env(command, &[("KP", "x")]);
        assert_eq!(said.code, 1, "{command:?} {documents:#?}: {}", said.all_output());
        assert!(!said.all_output().contains(CANARY), "{command:?}: {}", said.all_output());
        for report in ["r", "q", "j", "g", "h"] {
            let text = std::fs::read_to_string(folder.temp_dir.path().join(report)).unwrap_or_default();
            assert!(!text.contains(CANARY), "{command:?} {report}: {text}");
        }
    }
    folder.run_pipectl(&["validate", "m"])
}

/// The same, if each document but the template, which is the first, has a mistake that is quoted.
fn assert_each_refused_without_printing(documents: &[String]) {
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    let said = assert_refused_without_printing(&documents);
    for number in 1..documents.len() {
        assert!(said.stderr.contains(&format!("--> m/{number}.yaml:")), "{number}: {}", said.stderr);
    }
}

fn literal_places(said: &RunOutput) -> Vec<&str> {
    let mut places = Vec::new();
    let mut lines = said.stderr.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("error[literal-secret]") {
            places.extend(lines.next().and_then(|place| place.trim().strip_prefix("--> ")));
        }
    }
    places
}

#[test]
fn literal_of_a_user_is_reported_at_its_own_place() {
    let one = user("b", &format!("{{template: t, with: {{pw: {CANARY}}}}}"));
    let other = user("c", &format!("{{template: t, with: {{pw: {CANARY}2}}}}"));
    let entries = format!(
        "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: \"${{each.name}}\", service: analytics}}\nforEach:\n  - {{name: d, pw: {CANARY}}}\n  - {{name: e, pw: {CANARY}}}\nspec: {{template: t, with: {{pw: \"${{each.pw}}\"}}}}\n"
    );
    let said = assert_refused_without_printing(&[TEMPLATE, &one, &other, &entries]);
    assert_eq!(literal_places(&said), ["m/1.yaml:4:32", "m/2.yaml:4:32", "m/3.yaml:5:19", "m/3.yaml:6:19"]);
    assert!(said.stderr.contains("{pw: {fromEnv: B_PASSWORD}"), "{}", said.stderr);
    let said = assert_refused_without_printing(&[TEMPLATE, &user("b", "{template: t, with: {}}")]);
    assert!(said.stderr.contains("missing-parameter") && literal_places(&said).is_empty(), "{}", said.stderr);
    // The default of a parameter is at fault itself.
    let template = TEMPLATE.replace("pw: {}", &format!("pw: {{default: {CANARY}}}"));
    let said = assert_refused_without_printing(&[&template, &user("b", "{template: t}")]);
    assert_eq!(literal_places(&said), ["m/0.yaml:4:28"]);
}

#[test]
fn reference_from_the_message_is_the_fix() {
    let folder = WorkDir::new();
    let pipe = user("b", "{template: t, with: {pw: {fromEnv: B_PASSWORD}}}");
    folder.write_file("m/m.yaml", [TEMPLATE, &pipe].join("---\n"));
    let said = folder.run_pipectl(&["validate", "m"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
}

#[test]
fn line_with_a_literal_for_a_template_is_quoted_without_it() {
    let mut documents = vec![TEMPLATE.to_owned()];
    for spec in [
        "{template: t, with: {pw: CANARY, topik: x}}",
        "{template: t, with: {pwd: CANARY}}",
        "{template: t, with: {topic: [5], pw: CANARY}}",
        "{template: tt, with: {pw: CANARY}}",
        "{template: t, with: {pw: CANARY}, destinatoin: {}}",
        "{template: t, with: {pw: 'CANARY', topic: '${nope}'}}",
    ] {
        documents.push(user("b", &spec.replace("CANARY", CANARY)));
    }
    for entries in [
        "[{name: a, pw: CANARY}, {name: a, pw: CANARY}]",
        "[{nme: a, pw: CANARY}]",
        // An entry that is the secret, which no key says.
        "[CANARY, CANARY]",
    ] {
        let (name, pw) = if entries.starts_with("[C") { ("x", "name") } else { ("${each.name}", "pw") };
        documents.push(format!(
            "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: \"{name}\", service: analytics}}\nforEach: {}\nspec: {{template: t, with: {{pw: \"${{each.{pw}}}\"}}}}\n",
            entries.replace("CANARY", CANARY)
        ));
    }
    assert_each_refused_without_printing(&documents);
    let template = TEMPLATE.replace("pw: {}", &format!("pw: {{default: {CANARY}, typ: x}}"));
    assert_refused_without_printing(&[&template, &user("b", "{template: t}")]);
}

#[test]
fn value_of_an_unknown_field_of_credentials_is_not_quoted() {
    let mut documents = vec![TEMPLATE.to_owned()];
    for key in ["pass", "pwd", "key", "saslJaasConfig", "user"] {
        let flow = format!("brokers: \"b:9092\", credentials: {{username: a, {key}: {CANARY}}}");
        documents.push(kafka_pipe(&flow));
        let block = kafka_pipe("brokers: \"b:9092\"").replace(
            "kafka: {type: confluent, topics: t, format: JSONEachRow, authentication: PLAIN, brokers: \"b:9092\"}",
            &format!(
                "kafka:\n      type: confluent\n      credentials:\n        username: a\n        {key}: {CANARY}\n        password: {{fromEnv: KP}}"
            ),
        );
        documents.push(block);
    }
    assert_each_refused_without_printing(&documents);
}

#[test]
fn canary_pipe_is_valid_without_canary() {
    let folder = WorkDir::new();
    folder.write_file("m/m.yaml", kafka_pipe(&format!("brokers: \"b:9092\", {SIGN_IN}")));
    assert_eq!(folder.run_pipectl(&["validate", "m"]).code, 0);
}

/// A canary as long and as odd as a real secret, in every place that expects none.
#[test]
fn secret_where_none_is_expected_is_refused_without_printing() {
    let mut documents = vec![TEMPLATE.to_owned()];
    for more in [
        // Under `additional`, by the name of the field or of a group, at any depth, also as a number.
        "brokers: \"b:9092\", additional: {password: CANARY}",
        "brokers: \"b:9092\", additional: {passwords: [CANARY]}",
        "brokers: \"b:9092\", additional: {http: {apiKeys: [CANARY]}}",
        "brokers: \"b:9092\", additional: {header: \"Authorization: Bearer CANARY\"}",
        "brokers: \"b:9092\", additional: {a: {b: [{apiToken: CANARY}]}}",
        "brokers: \"b:9092\", additional: {clientSecret: {value: CANARY}}",
        "brokers: \"b:9092\", additional: {tokens: [CANARY]}",
        "brokers: \"b:9092\", additional: {schemaRegistry: {authToken: CANARY}}",
        // By the form of the text, in any field.
        "brokers: \"b:9092\", additional: {a: [\"-----BEGIN PRIVATE KEY-----\\nCANARY\\n-----END PRIVATE KEY-----\"]}",
        "brokers: \"SASL://user:CANARY@b:9092\"",
        "brokers: \"b0:9092,SASL://user:CANARY@b:9092\"",
        "brokers: \"b:9092\", schemaRegistry: {url: \"https://u:CANARY@r\", authentication: PLAIN, credentials: {username: a, password: {fromEnv: KP}}}",
        "brokers: \"b:9092\", consumerGroup: \"Endpoint=sb://h/;SharedAccessKey=CANARY\"",
        "brokers: \"b:9092\", caCertificate: \"-----BEGIN PRIVATE KEY-----\\nCANARY\"",
        // In the place of a name.
        "brokers: \"b:9092\", credentials: {username: a, password: {fromEnv: \"my CANARY\"}}",
        "brokers: \"b:9092\", credentials: {username: a, password: {fromFile: \"CANARY\\nmore\"}}",
        "brokers: \"b:9092\", credentials: {username: a, password: {fromCommand: \"CANARY\"}}",
        "brokers: \"b:9092\", credentials: {username: a, password: {fromCommand: [curl, \"https://u:CANARY@h\"]}}",
        "brokers: \"b:9092\", credentials: {username: a, password: {fromCommand: [vault, read, --token, CANARY, --password=CANARY]}}",
        "brokers: \"b:9092\", credentials: {username: a, password: {fromCommand: [mysql, -pCANARY]}}",
        "brokers: \"b:9092\", credentials: {username: a, password: {fromCommand: [curl, -H, \"Authorization: Bearer CANARY\"]}}",
        "brokers: \"b:9092\", schemaRegistry: {url: \"https://CANARY@r\"}",
        "brokers: \"b:9092\", additional: {props: [{name: password, value: CANARY}]}",
        "brokers: \"b:9092\", additional: {secrets: {a: CANARY}}",
        "brokers: \"b:9092\", additional: {http: {tokens: {kafka: {a: [CANARY]}}}}",
        "brokers: \"b:9092\", credentials: {username: a, password: {fromCommand: [curl, -b, session=CANARY, \"https://h\"]}}",
        "brokers: \"b:9092\", additional: {headers: {Authorization: CANARY}}",
        "brokers: \"b:9092\", additional: {config: sasl.password=CANARY}",
        "brokers: \"b:9092\", consumerGroup: ghp_CANARY0123456789",
        "brokers: \"u:CANARY@b:9092\"",
        "brokers: \"b:9092\", schemaRegistry: {url: \"https://r/x#access_token=CANARY\"}",
    ] {
        documents.push(kafka_pipe(&more.replace("CANARY", CANARY)));
    }
    let storage = "{source: {objectStorage: {type: s3, format: JSONEachRow, URL}}, destination: {database: default, table: a, managedTable: false, columns: [{name: id, type: UInt64}]}}";
    for url in [
        "url: \"https://b.s3.amazonaws.com/p?sig=CANARY\"",
        "url: \"https://b.s3.amazonaws.com/p?X-Amz-Signature=CANARY\"",
    ] {
        documents.push(user("s", &storage.replace("URL", &url.replace("CANARY", CANARY))));
    }
    for map in ["labels: {token: CANARY}", "annotations: {team/api-key: CANARY}", "labels: {password: hunter2CANARY}"] {
        let pipe = kafka_pipe(&format!("brokers: \"b:9092\", {SIGN_IN}"));
        documents.push(
            pipe.replace("service: analytics", &format!("service: analytics, {}", map.replace("CANARY", CANARY))),
        );
    }
    assert_each_refused_without_printing(&documents);
}

#[test]
fn secret_in_a_shared_part_is_refused_also_where_nothing_uses_it() {
    let template = |spec: &str| {
        format!(
            "apiVersion: pipectl/v1\nkind: Template\nmetadata: {{name: u}}\nparameters: {{x: {{}}}}\nspec: {spec}\n"
        )
    };
    // Nobody uses the template, or the manifest replaces its field.
    let replaced = user("r", "{template: u, with: {x: a}, source: {kafka: {brokers: \"b:9092\"}}}");
    for (spec, documents) in [
        ("{source: {kafka: {credentials: {password: CANARY}}}}", vec![]),
        ("{source: {kafka: {additional: {apiToken: CANARY}}}}", vec![]),
        ("{source: {kafka: {brokers: \"SASL://u:CANARY@b\"}}}", vec![replaced]),
    ] {
        let template = template(&spec.replace("CANARY", CANARY));
        let documents: Vec<&str> = [&*template].into_iter().chain(documents.iter().map(String::as_str)).collect();
        let said = assert_refused_without_printing(&documents);
        assert!(literal_places(&said).iter().any(|place| place.starts_with("m/0.yaml:5:")), "{}", said.stderr);
    }
    // A value for no field: of an entry, of a parameter, of its default.
    let entries = "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {name: \"${each.name}\", service: analytics}\nforEach: [{name: a, password: CANARY}]\nspec: {template: t, with: {pw: {fromEnv: KP}}}\n";
    for (document, place) in [
        (entries.replace("CANARY", CANARY), "m/1.yaml:4:31"),
        (
            user("b", &format!("{{template: t, with: {{pw: {{fromEnv: KP}}, topic: \"SASL://u:{CANARY}@b\"}}}}")),
            "m/1.yaml:4:54",
        ),
        (
            format!(
                "apiVersion: pipectl/v1\nkind: Template\nmetadata: {{name: u}}\nparameters: {{token: {{default: {CANARY}}}}}\nspec: {{}}\n"
            ),
            "m/1.yaml:4:31",
        ),
    ] {
        let said = assert_refused_without_printing(&[TEMPLATE, &document]);
        assert_eq!(literal_places(&said), [place], "{}", said.stderr);
    }
}

#[test]
fn secret_in_the_defaults_of_any_environment_is_refused() {
    for defaults in [
        "{source: {kafka: {additional: {apiToken: CANARY}}}}",
        "{source: {kafka: {credentials: {password: CANARY}}}}",
        "{source: {kafka: {brokers: \"SASL://u:CANARY@b\"}}}",
    ] {
        let folder = WorkDir::new();
        let defaults = defaults.replace("CANARY", CANARY);
        folder.write_file(
            "pipectl.yaml",
            format!("apiVersion: pipectl/v1\nkind: Project\nmanifests: [m]\nenvironments:\n  dev: {{}}\n  prod: {{defaults: {{ClickPipe: {{spec: {defaults}}}}}}}\n"),
        );
        folder.write_file("m/m.yaml", kafka_pipe(&format!("brokers: \"b:9092\", {SIGN_IN}")));
        for command in
            [&["validate", "--env", "dev"][..], &["render", "--env", "prod"], &["plan", "--sandbox", "--env", "prod"]]
        {
            let said = folder.run_with_env(command, &[("KP", "x")]);
            assert_eq!(said.code, 1, "{}", said.all_output());
            assert_eq!(literal_places(&said).len(), 1, "{}", said.stderr);
            assert!(literal_places(&said)[0].starts_with("pipectl.yaml:6:"), "{}", said.stderr);
            assert!(!said.all_output().contains(CANARY), "{}", said.all_output());
        }
    }
}

#[test]
fn honest_values_that_sound_like_secrets_stay_valid() {
    let folder = WorkDir::new();
    let pipe = kafka_pipe(
        "brokers: \"token:9092,secret.example.com:9092\", consumerGroup: password-reset, credentials: {username: secret, password: {fromEnv: prod.kafka-password}}, \
         additional: {tokenUrl: \"https://login.example.com/token\", accessKeyId: AKIA, passwordRotation: true, maxTokens: 5, tokens: 100, features: [tokens], clientSecret: {fromEnv: KP}, \
         secrets: {provider: vault, name: kafka2024, db: PROD_DB_PASSWORD, of: kafka-prod-2, path: prod/kafka2/x, key: {fromEnv: KP}}, \
         registry: {credentials: {login: svc2024ab}}, limits: {tokens: {max: 100, type: RS256jwt, of: kafka}}, note: \"ask a@b: c\"}",
    );
    let pipe = pipe.replace("topics: t,", "topics: passwords,").replace(
        "{name: id, type: UInt64}",
        "{name: id, type: UInt64}, {name: password, type: \"Enum8('token' = 1)\"}, {name: token, type: String}",
    );
    folder.write_file("m/a.yaml", pipe);
    let storage = "{source: {objectStorage: {type: s3, format: JSONEachRow, url: \"https://b.s3.amazonaws.com/a:b@c/token=x/part-?.json\"}}, destination: {database: default, table: b, managedTable: false, columns: [{name: id, type: UInt64}]}}";
    folder.write_file("m/b.yaml", user("s", storage));
    // The names of variables are no secrets, also under names that sound like one.
    folder.write_file("m/t.yaml", TEMPLATE);
    folder.write_file("m/c.yaml", "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {name: \"${each.name}\", service: analytics, labels: {password-owner: team, token: kafka, secret: kafka2024, apiToken: v2, secret-owner: team-a}, annotations: {token: \"rotated on 2026-11-30 by team-a\", password: \"op://vault/kafka2024db/password\", team/secret-id: 3fa85f64-5717-4562-b3fc-2c963f66afa6}}\nforEach: [{name: a, password: kafka_pw}]\nspec: {template: t, with: {pw: {fromEnv: \"${each.password}\"}}, destination: {table: c}}\n");
    let said = folder.run_pipectl(&["validate", "m"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
}

#[test]
fn key_that_swallowed_a_secret_is_named_in_no_message() {
    let mut documents = vec![TEMPLATE.to_owned()];
    for credentials in [
        "{username: a, password CANARY}",
        "{username: a, password=CANARY}",
        "{username: a, password:CANARY}",
        "{username: a, password = CANARY}",
        "{username: a, password\tCANARY}",
        "{username: a, \"password CANARY\"}",
        "{username: a, 'password=CANARY'}",
        "{username: a, \"password\\x20CANARY\": {fromEnv: KP}}",
        "{username: a, password `CANARY: {fromEnv: KP}}",
        "{username: a, pasword CANARY}",
        "{username: a, Password CANARY: {fromEnv: KP}}",
        "{username: a, db password CANARY: {fromEnv: KP}}",
        "{username: a, pw CANARY}",
        "{username: a, password-CANARY}",
        "{username: a, CANARY}",
        "{username: a, ? password CANARY}",
        "{username: a, password CANARY: {fromEnv: ~}}",
        "{username: a, password CANARY: 1, password CANARY: 2}",
        "{username: a, password: {fromEnv CANARY}}",
        "{username: a, additional: {password CANARY: 1}}",
        "{username: a, additional: {password=CANARY: {fromEnv: KP}}}",
        "{username: a, password: {fromEnv: KP}, additional: {token: {fromEnv CANARY}}}",
        "{username: a, password: {fromEnv: KP}, additional: {clientSecret: {fromEnv=CANARY}}}",
        "{username: a, password: {fromEnv: KP}, additional: {apiKey: {fromEnv:CANARY}}}",
        "{username: a, password: {fromEnv: KP}, additional: {KAFKA_PASSWORD: {fromFile CANARY: 1}}}",
        "{username: a, password: {fromEnv: KP}, additional: {token: {value CANARY}}}",
        "{username: a, password: {fromEnv: KP}, additional: {secret: {CANARY}}}",
        "{username: a, password: {fromEnv: KP}, additional: {token: {fromEnv: [CANARY]}}}",
        "{username: a, password: {fromEnv: KP}, additional: {token: {fromFile: {CANARY: 1}}}}",
        "{username: a, secret: {fromEnv CANARY}}",
        "{username: a, token: {CANARY}}",
        "{<<: {password CANARY}, username: a}",
    ] {
        documents.push(kafka_pipe(&format!("brokers: \"b:9092\", credentials: {credentials}")));
    }
    for field in ["password CANARY: 1", "apiToken=CANARY", "\"my secretKey CANARY\": x"] {
        documents.push(kafka_pipe(&format!("brokers: \"b:9092\", {field}, {SIGN_IN}")));
    }
    documents.push(user("b", "{template: t, with: {pw CANARY}}"));
    // The help lists what the entries have.
    let entries = user("c", "{template: t, with: {pw: {fromEnv: \"${each.nope}\"}}}");
    documents.push(format!("{entries}forEach: [{{name: x, pw CANARY}}]\n"));
    let documents: Vec<String> = documents.iter().map(|it| it.replace("CANARY", CANARY)).collect();
    assert_each_refused_without_printing(&documents);
    let folder = WorkDir::new();
    folder.write_file(
        "pipectl.yaml",
        format!(
            "apiVersion: pipectl/v1\nkind: Project\nenvironments: {{dev: {{credentials: {{keySecret {CANARY}}}}}}}\napiKey {CANARY}: 3\n"
        ),
    );
    let said = folder.run_pipectl(&["validate"]);
    assert!(said.code == 1 && !said.all_output().contains(CANARY), "{}", said.all_output());
    std::fs::remove_file(folder.temp_dir.path().join("pipectl.yaml")).unwrap();
    folder.write_file(
        "a.yaml",
        kafka_pipe(&format!("brokers: \"b:9092\", topics orders: x, credentials: {{username: a, password {CANARY}}}")),
    );
    let said = folder.run_pipectl(&["validate", "a.yaml"]);
    for name in ["password", "topics"] {
        assert!(said.stderr.contains(&format!("a colon is missing after `{name}`")), "{}", said.stderr);
    }
}

#[test]
fn secret_in_an_expression_of_a_rule_is_named_in_no_message() {
    let head = "apiVersion: pipectl/v1\nkind: Project\nmanifests: [m.yaml]\n";
    for expression in
        ["password CANARY", "my password is CANARY", "password == CANARY", "labels.token + CANARY(", "pw: CANARY"]
    {
        for field in ["when", "deny"] {
            let other = if field == "when" { "deny: 'true', " } else { "" };
            let rule = format!("{{name: a, {other}message: m, {field}: \"{}\"}}", expression.replace("CANARY", CANARY));
            let folder = WorkDir::new();
            folder.write_file("m.yaml", kafka_pipe(&format!("brokers: \"b:9092\", {SIGN_IN}")));
            folder.write_file("pipectl.yaml", format!("{head}policy:\n  rules:\n    - {rule}\n"));
            for command in [&["validate"][..], &["plan", "--sandbox", "-o", "json"]] {
                let said = folder.run_pipectl(command);
                assert_eq!(said.code, 1, "{rule}: {}", said.all_output());
                assert!(!said.all_output().contains(CANARY), "{rule}: {}", said.all_output());
            }
        }
    }
}
