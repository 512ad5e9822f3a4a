//! Finds the API keys: pairs of environment variables, never arguments.
//
// Arguments are visible to every user of the machine, in the list of processes and in the shell's history.

use model::project::{CredentialVariables, Credentials, PROJECT_FILE};
use remote::ApiCredentials;

use crate::env_vars;

/// The pairs of variables, in the order of preference.
// The first is that of the official CLI and of newer releases of the Terraform provider, the second that of older ones.
const KEY_VARIABLES: [(&str, &str); 3] = [
    ("CLICKHOUSE_CLOUD_API_KEY", "CLICKHOUSE_CLOUD_API_SECRET"),
    ("CLICKHOUSE_TOKEN_KEY", "CLICKHOUSE_TOKEN_SECRET"),
    ("KEY_ID", "KEY_SECRET"),
];

/// The variables of all pairs. They are removed from the environment of programs that print secrets.
pub(crate) fn key_variables() -> impl Iterator<Item = &'static str> {
    KEY_VARIABLES.into_iter().flat_map(|(key, secret)| [key, secret])
}

/// No API key is set. The exit code is that of a refused key.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct MissingKey(String);

/// The keys in the variables that the environment declares, at least one; without a declaration, the one in the first
/// pair that is set.
///
/// # Errors
/// When no pair is set, only one half of a pair, or the same key twice.
// With declared variables no others are tried: the fallback could be the key of another environment. Half of a pair is
// an error for the same reason: half of one pair with half of another mixes the keys of two accounts.
pub(crate) fn find_credentials(declared: Option<&Credentials>) -> Result<Vec<ApiCredentials>, MissingKey> {
    if let Some(declared) = declared {
        let keys = declared.keys().iter().map(read_declared_key).collect::<Result<Vec<_>, _>>()?;
        return refuse_repeated_key(keys);
    }
    for family in KEY_VARIABLES {
        if let Some(found) = read_key_pair(family)? {
            return Ok(vec![found]);
        }
    }
    let how = "no API key: set CLICKHOUSE_CLOUD_API_KEY and CLICKHOUSE_CLOUD_API_SECRET, or try \
               without an account with --sandbox";
    Err(MissingKey(how.to_owned()))
}

fn read_declared_key(CredentialVariables { key, secret }: &CredentialVariables) -> Result<ApiCredentials, MissingKey> {
    let pair = (key.from_env.as_str(), secret.from_env.as_str());
    read_key_pair(pair)?.ok_or_else(|| {
        let (key, secret) = pair;
        MissingKey(format!("no API key: {key} and {secret} are not set; {PROJECT_FILE} takes it from there"))
    })
}

// The limit of a key that counts twice would be overrun at once.
fn refuse_repeated_key(keys: Vec<ApiCredentials>) -> Result<Vec<ApiCredentials>, MissingKey> {
    for (index, key) in keys.iter().enumerate() {
        if let Some(earlier) = keys[..index].iter().find(|earlier| earlier.key_id == key.key_id) {
            let (one, other) = (&earlier.variable, &key.variable);
            return Err(MissingKey(format!("{one} and {other} hold the same API key: list each key once")));
        }
    }
    Ok(keys)
}

fn read_key_pair((key_name, secret_name): (&str, &str)) -> Result<Option<ApiCredentials>, MissingKey> {
    let half = |set: &str, unset: &str| Err(MissingKey(format!("{set} is set and {unset} is not")));
    match (env_vars::read_variable(key_name), env_vars::read_secret(secret_name)) {
        (Some(key), Some(secret)) => Ok(Some(ApiCredentials { variable: key_name.to_owned(), key_id: key, secret })),
        (Some(_), None) => half(key_name, secret_name),
        (None, Some(_)) => half(secret_name, key_name),
        (None, None) => Ok(None),
    }
}
