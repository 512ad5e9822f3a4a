//! Finds the API key: a pair of environment variables, never arguments.
//
// Arguments are visible to every user of the machine, in the list of processes and in the shell's history.

use model::project::{CredentialVariables as Declared, PROJECT_FILE};
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

/// The key in the variables that the environment declares; without a declaration, in the first pair that is set.
///
/// # Errors
/// When no pair is set, or only one half of a pair.
// With declared variables no others are tried: the fallback could be the key of another environment. Half of a pair is
// an error for the same reason: half of one pair with half of another mixes the keys of two accounts.
pub(crate) fn find_credentials(declared: Option<&Declared>) -> Result<ApiCredentials, MissingKey> {
    find_with_variable(declared).map(|(_, credentials)| credentials)
}

/// The key, and the name of the variable of its id.
///
/// # Errors
/// As above.
pub(crate) fn find_with_variable(declared: Option<&Declared>) -> Result<(String, ApiCredentials), MissingKey> {
    if let Some(Declared { key, secret }) = declared {
        let pair = (key.from_env.as_str(), secret.from_env.as_str());
        return read_key_pair(pair)?.ok_or_else(|| {
            let (key, secret) = pair;
            MissingKey(format!("no API key: {key} and {secret} are not set; {PROJECT_FILE} takes it from there"))
        });
    }
    for family in KEY_VARIABLES {
        if let Some(found) = read_key_pair(family)? {
            return Ok(found);
        }
    }
    let how = "no API key: set CLICKHOUSE_CLOUD_API_KEY and CLICKHOUSE_CLOUD_API_SECRET, or try \
               without an account with --sandbox";
    Err(MissingKey(how.to_owned()))
}

fn read_key_pair((key_name, secret_name): (&str, &str)) -> Result<Option<(String, ApiCredentials)>, MissingKey> {
    let half = |set: &str, unset: &str| Err(MissingKey(format!("{set} is set and {unset} is not")));
    match (env_vars::read_variable(key_name), env_vars::read_secret(secret_name)) {
        (Some(key), Some(secret)) => Ok(Some((key_name.to_owned(), ApiCredentials { key_id: key, secret }))),
        (Some(_), None) => half(key_name, secret_name),
        (None, Some(_)) => half(secret_name, key_name),
        (None, None) => Ok(None),
    }
}
