//! References that hold the secret itself, and not the name of its place: a text that is no variable, a pasted key as the
//! name of a file, arguments of a program.

use serde_json::Value;

use crate::secret_forms::{SecretForm, tokens};
use crate::secret_names::{is_known_token, is_secret_value_name, strip_punctuation};
use model::secret::SecretSource;

/// Whether a reference to a secret holds the secret itself: a text where the name of a variable belongs, a pasted key as
/// the name of a file.
pub(crate) fn is_secret_reference_literal(reference: &Value) -> bool {
    let is_one_text = |key: &str| reference.get(key).is_some_and(Value::is_string);
    match SecretSource::from_reference(reference) {
        Some(SecretSource::Env(name)) => !is_variable(name),
        Some(SecretSource::File(path)) => path.contains(['\n', '\r']) || SecretForm::of_text(path).is_some(),
        Some(SecretSource::Command(words)) => !secret_arguments(&words).is_empty(),
        None => is_one_text("fromCommand"),
    }
}

/// Whether a text can be the name of an environment variable. No real one is as long as a token.
fn is_variable(name: &str) -> bool {
    const LONGEST: usize = 128;
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    // An empty name is refused by the schema.
    name.len() <= LONGEST && tokens(name).is_empty() && name.chars().all(is_word)
}

/// Programs that take a password behind a letter: the letter, and whether the password may be a word of its own.
const PASSWORD_LETTERS: &[(&str, char, bool)] = &[
    ("sshpass", 'p', true),
    ("docker", 'p', true),
    ("podman", 'p', true),
    ("mongosh", 'p', true),
    ("ldapsearch", 'w', true),
    ("redis-cli", 'a', true),
    // `mysql -p name` asks for the password, and the word is a database.
    ("mysql", 'p', false),
    ("mysqldump", 'p', false),
    ("mariadb", 'p', false),
    ("7z", 'p', false),
];

/// Programs that take `user:password` behind one of [`LOGIN_OPTIONS`].
const LOGIN_PROGRAMS: &[&str] = &["curl", "http", "https", "xh"];
const LOGIN_OPTIONS: &[&str] = &["u", "U", "a", "user", "proxy-user", "auth"];

/// The arguments that are or contain a secret: `--token=…`, `--token …`, `-H "X-Vault-Token: …"`, `-phunter2`,
/// `PASSWORD=…`.
pub(crate) fn secret_arguments(words: &[&str]) -> Vec<usize> {
    let is_secret_at = |at: usize| {
        let (before, word) = (at.checked_sub(1).map(|before| words[before]), words[at]);
        is_secret_word(word)
            || before.is_some_and(|before| is_secret_behind(before, word))
            || words[..at].iter().any(|program| is_secret_for_program(file_name(program), before, word))
            // What a shell is to run is one word.
            || word.trim().contains(char::is_whitespace) && has_secret_argument(word)
    };
    (0..words.len()).filter(|at| is_secret_at(*at)).collect()
}

fn has_secret_argument(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().map(without_quotes).collect();
    !secret_arguments(&words).is_empty()
}

fn is_secret_word(word: &str) -> bool {
    let option = word.strip_prefix('-').map(|option| option.trim_start_matches('-'));
    let in_option = option
        .and_then(|option| option.split_once(['=', ':']))
        .is_some_and(|(name, value)| is_secret_behind(&format!("--{name}"), value));
    // `vault write auth/approle/login secret_id=…`: for AWS `--secret-id` is a name.
    let is_secret_name = |name: &str| is_word(name) && (is_secret_option(name) || name == "secret_id");
    let in_form = option.is_none()
        && word
            .split(['&', ';'])
            .filter_map(|pair| pair.split_once('='))
            .any(|(name, value)| is_secret_name(name) && !is_place_of_secret(value));
    in_option
        || in_form
        || word.split_once(": ").is_some_and(|(name, value)| is_secret_header(name, value))
        || word.strip_prefix("-H").is_some_and(is_header_with_secret)
        || word.strip_prefix("-p").is_some_and(is_mixed_password)
        || has_secret_member(word)
        // Of OpenSSL.
        || word.strip_prefix("pass:").is_some_and(|password| !is_place_of_secret(password))
        || SecretForm::of_text(word).is_some()
}

fn is_login_header(name: &str) -> bool {
    ["authorization", "proxy-authorization", "cookie"].iter().any(|it| name.eq_ignore_ascii_case(it))
}

/// Whether a text of JSON has a secret: `{"password": "…"}`.
fn has_secret_member(text: &str) -> bool {
    let parts: Vec<&str> = text.split('"').collect();
    parts.windows(3).any(|part| {
        part[1].trim() == ":" && is_word(part[0]) && is_secret_value_name(part[0]) && !is_place_of_secret(part[2])
    })
}

fn is_scheme(word: &str) -> bool {
    ["bearer", "basic"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
}

fn is_word(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Whether a word is the secret of the option before it.
fn is_secret_behind(before: &str, word: &str) -> bool {
    match before {
        _ if before.starts_with('-') && matches!(before.trim_start_matches('-'), "H" | "header") => {
            is_header_with_secret(word)
        }
        // A header that was split at its blanks.
        _ if is_scheme(before) => !is_place_of_secret(word),
        // `{password: x}` of a query language is none.
        _ if before.ends_with(':') => {
            let name = before.trim_end_matches(':');
            !is_scheme(word) && (name.contains('-') || is_login_header(name)) && is_secret_header(name, word)
        }
        _ => before.strip_prefix("-").is_some_and(is_secret_option) && !is_place_of_secret(word),
    }
}

fn is_secret_for_program(program: &str, before: Option<&str>, word: &str) -> bool {
    let is_login = LOGIN_PROGRAMS.contains(&program) && {
        let option = |word: &'_ str| word.starts_with('-').then(|| word.trim_start_matches('-').to_owned());
        let is_behind = before.and_then(option).is_some_and(|before| LOGIN_OPTIONS.contains(&&*before));
        let glued = option(word).and_then(|word| {
            let rest = LOGIN_OPTIONS.iter().rev().find_map(|name| word.strip_prefix(name))?;
            Some(rest.trim_start_matches('=').to_owned())
        });
        let login = if is_behind { Some(word.to_owned()) } else { glued };
        let login = login.as_deref();
        login.and_then(|login| login.split_once(':')).is_some_and(|(_, password)| !is_place_of_secret(password))
    };
    let has_letter = |(name, letter, may_be_apart): &(&str, char, bool)| {
        let option = format!("-{letter}");
        let glued = word.strip_prefix(&option).filter(|rest| !rest.is_empty());
        let is_behind = *may_be_apart && before == Some(&*option);
        let value = if is_behind { Some(word) } else { glued };
        // `docker run -p 80:80` is about ports.
        let is_ports = |value: &str| value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'));
        *name == program && value.is_some_and(|value| !is_place_of_secret(value) && !is_ports(value))
    };
    is_login || PASSWORD_LETTERS.iter().any(has_letter)
}

/// The name of an option that a secret follows. `--secret NAME` and `--show-token NAME` take the name of one.
fn is_secret_option(name: &str) -> bool {
    const ASKS: &[&str] = &["no", "show", "with", "print", "get", "include", "read", "only", "use"];
    let name = name.trim_start_matches('-').to_ascii_lowercase();
    let first = name.split(['-', '_']).next().unwrap_or_default();
    is_secret_value_name(&name)
        && !ASKS.contains(&first)
        && !name.ends_with("file")
        && !matches!(&*strip_punctuation(&name, ""), "secret" | "credential" | "signature")
}

/// Whether a value says where the secret is: a path, a variable, standard input, another option.
fn is_place_of_secret(value: &str) -> bool {
    const MARKS: &[&str] = &["-", "@", "$", "{", "env:", "file:", "fd:", "./", "../", "~/"];
    let is_path_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"/-_.".contains(&byte);
    let is_lower_path = value.contains('/') && value.bytes().all(is_path_byte);
    value.is_empty()
        || MARKS.iter().any(|mark| value.starts_with(mark))
        || value.contains("://") && SecretForm::of_text(value).is_none()
        || is_lower_path
        || matches!(value, "true" | "false" | "yes" | "no" | "stdin" | "prompt" | "ask")
}

fn is_header_with_secret(header: &str) -> bool {
    header.split_once(':').is_some_and(|(name, value)| is_secret_header(name, value))
}

fn is_secret_header(name: &str, value: &str) -> bool {
    let (name, value) = (name.trim(), value.trim());
    let is_variable = value.rsplit(' ').next().is_some_and(|last| last.starts_with(['$', '@', '{']));
    is_word(name)
        && !value.is_empty()
        && !is_variable
        && (is_login_header(name) || is_secret_value_name(name) || !tokens(value).is_empty())
}

/// `-phunter2`. A word behind `-p` is the rest of a long option (`-profile`), and a number is a port.
fn is_mixed_password(rest: &str) -> bool {
    const SHORTEST: usize = 6;
    let has = |is_kind: fn(&u8) -> bool| rest.bytes().any(|byte| is_kind(&byte));
    let is_open = !rest.contains(['=', ':', '/']);
    rest.len() >= SHORTEST && is_open && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) || is_known_token(rest)
}

fn without_quotes(word: &str) -> &str {
    word.trim_matches(['"', '\''])
}

fn file_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_secret_reference_literal, secret_arguments};

    fn is_secret(line: &str) -> bool {
        // A bar stands between words.
        !secret_arguments(&line.split('|').collect::<Vec<_>>()).is_empty()
    }

    #[test]
    fn secret_among_arguments_is_found() {
        for line in [
            "vault|read|--token|hunter2",
            "vault|read|-token=hunter2",
            "vault|read|--token=hunter2",
            "vault|login|-method=userpass|username=u|password=hunter2",
            "vault|write|auth/approle/login|role_id=r|secret_id=3fa85f64-5717-4562-b3fc-2c963f66afa6",
            "env|VAULT_TOKEN=hunter2|vault|read|x",
            "op|read|x|--client-secret|Hunter2",
            "s3cmd|--secret_key|wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "curl|-H|Authorization: Bearer x",
            "curl|-H|Authorization:hunter2",
            "curl|-HX-Vault-Token: hunter2",
            "curl|--header=X-Vault-Token: hunter2",
            "curl|--header|PRIVATE-TOKEN:hunter2",
            "curl|-u|user:hunter2",
            "curl|-uuser:hunter2",
            "/usr/bin/curl|--user=user:hunter2",
            "curl|https://hunter22TOKEN@h/x",
            "curl|https://h/x#access_token=hunter2",
            "mysql|-phunter",
            "program|-phunter2",
            "program|--password|x",
            "sshpass|-p|hunter",
            "redis-cli|-a|hunter",
            "sh|-c|vault read --token hunter2 secret/x",
            "sh|-c|curl -H 'X-Vault-Token: hunter2' https://h",
            "git|clone|https://ghp_0123456789abcdefABCD@github.com/x",
            "echo|glpat-0123456789abcdefABCD",
            "curl|-d|{\"user\": \"u\", \"password\": \"hunter2\"}|https://h",
            "openssl|enc|-d|-passin|pass:hunter2|-in|x",
            "program|--token:hunter2",
            "curl|-d|user=a&password=hunter2|https://h",
            "sh|-c|curl -H 'Authorization: Bearer hunter2' https://h",
            "sh|-c|export TOKEN=hunter2; vault read x",
        ] {
            assert!(is_secret(line), "{line}");
        }
    }

    #[test]
    fn name_or_place_of_a_secret_is_no_secret() {
        for line in [
            "vault|kv|get|-field=password|secret/kafka",
            "vault|read|--token-file|/run/vault.token",
            "vault|read|--token-file=token.txt",
            "vault|read|--token|./vault.token",
            "vault|read|--token|@vault.token",
            "vault|read|--token|-",
            "vault|login|password=@file",
            "aws|secretsmanager|get-secret-value|--secret-id|prod/db|--query|SecretString|--output|text",
            "aws|secretsmanager|get-secret-value|--secret-id|3fa85f64-5717-4562-b3fc-2c963f66afa6",
            "aws|ssm|get-parameter|--with-decryption|--name|/prod/db/password",
            "gcloud|secrets|versions|access|latest|--secret=kafka-password|--project=p1",
            "gcloud|secrets|versions|access|latest|--secret|kafka-password",
            "az|keyvault|secret|show|--name|kafka|--vault-name|prod|--query|value|-o|tsv",
            "op|read|op://vault/kafka/password",
            "op|read|--key-file=keys/op|--format=json",
            "op|item|get|kafka|--fields|label=password|--reveal",
            "bw|get|password|kafka",
            "pass|show|kafka/prod",
            "gopass|show|--password|kafka/prod",
            "lpass|show|kafka|--password",
            "keepassxc-cli|show|-s|-a|Password|db.kdbx|kafka",
            "secret-tool|lookup|password|kafka",
            "security|find-generic-password|-s|kafka|-w",
            "sops|decrypt|--extract|[\"kafka\"][\"password\"]|secrets.yaml",
            "jq|-r|.password == \"x\"|f.json",
            "kubectl|get|secret|kafka|-o|jsonpath={.data.password}",
            "kubectl|get|secret|kafka|--template={{.data.token}}",
            "akeyless|get-secret-value|--name|/prod/password",
            "doppler|secrets|get|DB_PASSWORD|--plain",
            "infisical|secrets|get|TOKEN|--token=$INFISICAL_TOKEN",
            "conjur|variable|get|-i|prod/password",
            "openssl|enc|-d|-pass|env:PASS|-in|secret.enc",
            "openssl|enc|-d|-pass|file:key|-pbkdf2|-in|secret.enc",
            "gpg|--passphrase-file|key|--decrypt|secret.gpg",
            "gh|auth|token|--hostname|github.com",
            "curl|-H|Authorization: Bearer $TOKEN",
            "curl|-H|Accept: application/json|https://me@corp.example/x",
            "docker|run|-p|8080:80|-u|1000:1000|image|token",
            "docker|run|-u|postgres:postgres|image",
            "kubectl|--show-token|kafka",
            "program|-profile|prod2|-p8080|-p|prod2|--port=80",
            "git|clone|git@github.com:x/y",
            "git|clone|ssh://git@host/x",
            "git|show|0a4d55a8d778e5022fab701977c5d840bbc486d0:key",
            "psql|postgres://reader@h:5432/db",
            "sh|-c|vault read --token $TOKEN secret/x",
            "sh|-c|vault read -field=password secret/x",
            "aws|ssm|get-parameters|--query|{token: Parameters[0].Value, password: Parameters[1].Value}",
            "yq|.password = .token|f.yaml",
            "psql|-c|select password from tokens where name = 'kafka'",
            "gcloud|--format|value(payload.data)|--secret|kafka-token",
            "docker|image:latest|-v|secret:/run/secret",
        ] {
            assert!(!is_secret(line), "{line}");
        }
    }

    #[test]
    fn reference_that_holds_the_secret_is_told_from_a_name() {
        for (reference, is_literal) in [
            (json!({"fromEnv": "my secret text"}), true),
            (json!({"fromEnv": "hunter2!"}), true),
            (json!({"fromEnv": "a/b+c=="}), true),
            (json!({"fromEnv": "eyJhbGciOi.eyJzdWIi.c2ln"}), true),
            (json!({"fromFile": "-----BEGIN PRIVATE KEY-----\nMII"}), true),
            (json!({"fromCommand": "hunter2 or so"}), true),
            (json!({"fromCommand": ["curl", "https://u:p@h/x"]}), true),
            (json!({"fromCommand": ["vault", "read", "--token=hunter2"]}), true),
            (json!({"fromCommand": ["curl", "-H", "X-Vault-Token: hunter2"]}), true),
            (json!({"fromCommand": ["curl", "-H", "Authorization: Bearer hunter2"]}), true),
            (json!({"fromEnv": "ghp_0123456789abcdefABCD"}), true),
            (json!({"fromCommand": ["op", "read", "--key-file=keys/op", "--format=json"]}), false),
            (json!({"fromEnv": "KAFKA_PASSWORD"}), false),
            (json!({"fromEnv": "prod.kafka-password"}), false),
            (json!({"fromFile": "keys/my key.json"}), false),
            (json!({"fromCommand": ["vault", "kv", "get", "-field=password", "secret/kafka"]}), false),
        ] {
            assert_eq!(is_secret_reference_literal(&reference), is_literal, "{reference}");
        }
    }
}
