//! References that contain the secret itself, and not the name of its place: a text that is not a variable, a pasted
//! key as the name of a file, arguments of a program.

use serde_json::Value;

use crate::secrets::forms::{SecretForm, is_known_token, tokens};
use crate::secrets::names::{is_login_header, is_login_scheme, is_plain_name, is_secret_option, is_secret_value_name};
use model::secret::SecretSource;

/// Whether a reference to a secret contains the secret itself: a text in place of the name of a variable, a pasted key
/// as the name of a file.
pub(crate) fn is_secret_reference_literal(reference: &Value) -> bool {
    match SecretSource::from_reference(reference) {
        Some(SecretSource::Env(name)) => !is_variable(name),
        Some(SecretSource::File(path)) => path.contains(['\n', '\r']) || SecretForm::of_text(path).is_some(),
        Some(SecretSource::Command(words)) => !secret_arguments(&words).is_empty(),
        // Its name, its path or its words have another type.
        None => {
            let is_no_text = |source: &Value| source.is_array() || source.is_object() || source.is_number();
            let is_misplaced = |key: &str| reference.get(key).is_some_and(is_no_text);
            is_misplaced("fromEnv")
                || is_misplaced("fromFile")
                || reference.get("fromCommand").is_some_and(|words| words.is_string() || words.is_object())
        }
    }
}

/// Whether a text can be the name of an environment variable. No real one is as long as a token.
fn is_variable(name: &str) -> bool {
    const LONGEST: usize = 128;
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    // An empty name is refused by the schema.
    name.len() <= LONGEST && tokens(name).is_empty() && name.chars().all(is_word)
}

/// The values of a program option.
#[derive(Clone, Copy)]
enum Takes {
    Password,
    /// Only in the same word: `mysql -p name` asks for the password, and the word is a database.
    GluedPassword,
    /// `user:password`
    Login,
    /// `name=value`, or the name of a file.
    Cookie,
}

/// Programs, their options without dashes, and the values of those.
const PROGRAM_OPTIONS: &[(&str, &str, Takes)] = &[
    ("sshpass docker podman mongosh", "p", Takes::Password),
    ("ldapsearch", "w", Takes::Password),
    ("redis-cli", "a", Takes::Password),
    ("mysql mysqldump mariadb 7z", "p", Takes::GluedPassword),
    ("curl http https xh", "u U a user proxy-user auth", Takes::Login),
    ("curl", "b cookie", Takes::Cookie),
];

/// An option without its dashes, and the possible value.
struct OptionValue<'w> {
    name: &'w str,
    value: &'w str,
    /// There is nothing between a letter and its value: `-phunter2`.
    is_glued: bool,
}

/// The arguments that are or contain a secret: `--token=…`, `--token …`, `-H "X-Vault-Token: …"`, `-phunter2`,
/// `PASSWORD=…`.
pub(crate) fn secret_arguments(words: &[&str]) -> Vec<usize> {
    (0..words.len()).filter(|at| is_secret_argument(&words[..*at], words[*at])).collect()
}

fn is_secret_argument(before: &[&str], word: &str) -> bool {
    let previous = before.last().copied().unwrap_or_default();
    is_secret_word(word)
        || option_values(previous, word).any(|option| option.is_secret(before))
        // A header that was split at its blanks.
        || is_login_scheme(previous) && !is_place_of_secret(word)
        || previous.strip_suffix(':').is_some_and(|name| is_secret_split_header(name, word))
        // A script for a shell is one word with blanks in it.
        || word.trim().contains(char::is_whitespace) && {
            let words: Vec<&str> = word.split_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
            !secret_arguments(&words).is_empty()
        }
}

/// The options that a word may be the value of, or contain.
fn option_values<'w>(previous: &'w str, word: &'w str) -> impl Iterator<Item = OptionValue<'w>> {
    let name = |word: &'w str| word.starts_with('-').then(|| word.trim_start_matches('-'));
    let apart = name(previous).map(|name| (name, word));
    let joined = name(word).and_then(|option| option.split_once(['=', ':']));
    let letter = word.strip_prefix('-').and_then(|option| option.chars().next()).filter(|letter| *letter != '-');
    let glued = letter.map(|letter| word[1..].split_at(letter.len_utf8()));
    let option = |is_glued| move |(name, value)| OptionValue { name, value, is_glued };
    apart.into_iter().chain(joined).map(option(false)).chain(glued.map(option(true)))
}

impl OptionValue<'_> {
    fn is_secret(&self, before: &[&str]) -> bool {
        let Self { name, value, is_glued } = *self;
        let is_run = |programs: &str| {
            let mut file_names = before.iter().map(|word| word.rsplit('/').next().unwrap_or(word));
            file_names.any(|name| programs.split(' ').any(|program| program == name))
        };
        let is_of_program = PROGRAM_OPTIONS.iter().any(|(programs, options, takes)| {
            options.split(' ').any(|option| option == name) && self.is_taken_secret(*takes) && is_run(programs)
        });
        is_of_program
            || matches!(name, "H" | "header")
                && value.split_once(':').is_some_and(|(name, value)| is_secret_header(name, value))
            || is_glued && name == "p" && is_mixed_password(value)
            || !is_glued && is_secret_option(name) && !is_place_of_secret(value)
    }

    fn is_taken_secret(&self, takes: Takes) -> bool {
        let value = self.value;
        // `docker run -p 80:80` is about ports.
        let is_ports = value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'));
        let is_behind = |pair: &str, sign| pair.split_once(sign).is_some_and(|(_, secret)| !is_place_of_secret(secret));
        match takes {
            Takes::GluedPassword if !self.is_glued => false,
            Takes::Password | Takes::GluedPassword => !is_ports && !is_place_of_secret(value),
            Takes::Login => is_behind(value, ':'),
            Takes::Cookie => !is_place_of_secret(value) && value.split(';').any(|cookie| is_behind(cookie, '=')),
        }
    }
}

/// Whether a word is or contains a secret, with any prefix.
fn is_secret_word(word: &str) -> bool {
    // `vault write auth/approle/login secret_id=…`: for AWS `--secret-id` is a name.
    let is_secret_name = |name: &str| is_plain_name(name) && (is_secret_option(name) || name == "secret_id");
    let mut form = word.split(['&', ';']).filter(|_| !word.starts_with('-')).filter_map(|pair| pair.split_once('='));
    form.any(|(name, value)| is_secret_name(name) && !is_place_of_secret(value))
        || word.split_once(": ").is_some_and(|(name, value)| is_secret_header(name, value))
        || has_secret_member(word)
        // The form of OpenSSL.
        || word.strip_prefix("pass:").is_some_and(|password| !is_place_of_secret(password))
        || SecretForm::of_text(word).is_some()
}

/// Whether a text of JSON has a secret: `{"password": "…"}`.
fn has_secret_member(text: &str) -> bool {
    let parts: Vec<&str> = text.split('"').collect();
    parts.windows(3).any(|part| {
        part[1].trim() == ":" && is_plain_name(part[0]) && is_secret_value_name(part[0]) && !is_place_of_secret(part[2])
    })
}

fn is_secret_header(name: &str, value: &str) -> bool {
    let (name, value) = (name.trim(), value.trim());
    let is_variable = value.rsplit(' ').next().is_some_and(|last| last.starts_with(['$', '@', '{']));
    is_plain_name(name)
        && !value.is_empty()
        && !is_variable
        && (is_login_header(name) || is_secret_value_name(name) || !tokens(value).is_empty())
}

/// `{password: x}` of a query language is none.
fn is_secret_split_header(name: &str, value: &str) -> bool {
    (name.contains('-') || is_login_header(name)) && !is_login_scheme(value) && is_secret_header(name, value)
}

/// Whether a value names the place of the secret: a path, a variable, standard input, another option.
pub(crate) fn is_place_of_secret(value: &str) -> bool {
    const MARKS: &[&str] = &["-", "@", "$", "{", "env:", "file:", "fd:", "./", "../", "~/"];
    let is_path_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"/-_.".contains(&byte);
    let is_lower_path = value.contains('/') && value.bytes().all(is_path_byte);
    value.is_empty()
        || MARKS.iter().any(|mark| value.starts_with(mark))
        || value.contains("://") && SecretForm::of_text(value).is_none()
        || is_lower_path
        || matches!(value, "true" | "false" | "yes" | "no" | "stdin" | "prompt" | "ask")
}

/// `-phunter2`. A word behind `-p` is the rest of a long option (`-profile`), and a number is a port.
fn is_mixed_password(rest: &str) -> bool {
    const SHORTEST: usize = 6;
    let has = |is_kind: fn(&u8) -> bool| rest.bytes().any(|byte| is_kind(&byte));
    let is_open = !rest.contains(['=', ':', '/']);
    rest.len() >= SHORTEST && is_open && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) || is_known_token(rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_secret_reference_literal, secret_arguments};

    fn is_secret(line: &str) -> bool {
        // A bar separates the words.
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
            "curl|-b|session=hunter2|https://h",
            "curl|-bsession=hunter2|https://h",
            "curl|--cookie|a=b; session=hunter2|https://h",
            "curl|--cookie=session=hunter2|https://h",
            "sh|-c|curl -b 'session=hunter2' https://h",
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
            "curl|-b|cookies.txt|-c|cookies.txt|https://h",
            "curl|-b|$COOKIE|https://h",
            "curl|--cookie|session=$SESSION|https://h",
            "curl|-b|./a=b.txt|https://h",
            "http|-b|https://h/x|a=b",
            "git|checkout|-b|name=x",
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
            (json!({"fromEnv": ["hunter2"]}), true),
            (json!({"fromFile": {"hunter2": 1}}), true),
            (json!({"fromEnv": null}), false),
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
