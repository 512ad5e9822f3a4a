//! The API key: always a pair from one family of variables, never from the command line.

use anyhow::{Result, anyhow, bail};
use model::project::Credentials as Declared;
use remote::Credentials;

use crate::environment;
use crate::project::NAME;

/// The families of variables, first match first.
const FAMILIES: [(&str, &str); 3] = [
    ("CLICKHOUSE_CLOUD_API_KEY", "CLICKHOUSE_CLOUD_API_SECRET"),
    ("CLICKHOUSE_TOKEN_KEY", "CLICKHOUSE_TOKEN_SECRET"),
    ("KEY_ID", "KEY_SECRET"),
];

/// Finds the key: in the variables that the environment declares, and then in no others.
///
/// # Errors
/// Names the variables when none is set, and the missing half when a pair is incomplete: half of
/// one family with half of another is how keys of two accounts get mixed.
pub(crate) fn find(declared: Option<&Declared>) -> Result<Credentials> {
    named(declared).map(|(_, credentials)| credentials)
}

/// The same, with the variable that the key's id is from.
///
/// # Errors
/// As above.
pub(crate) fn named(declared: Option<&Declared>) -> Result<(String, Credentials)> {
    if let Some(Declared { key, secret }) = declared {
        let pair = (key.from_env.as_str(), secret.from_env.as_str());
        return read(pair)?.ok_or_else(|| {
            anyhow!("no API key: {} and {} are not set; {NAME} takes it from there", pair.0, pair.1)
        });
    }
    for family in FAMILIES {
        if let Some(found) = read(family)? {
            return Ok(found);
        }
    }
    bail!(
        "no API key: set CLICKHOUSE_CLOUD_API_KEY and CLICKHOUSE_CLOUD_API_SECRET, or try without \
         an account with --sandbox"
    )
}

/// Both halves, or neither.
fn read((key_name, secret_name): (&str, &str)) -> Result<Option<(String, Credentials)>> {
    match (environment::variable(key_name), environment::secret(secret_name)) {
        (Some(key), Some(secret)) => Ok(Some((key_name.to_owned(), Credentials { key, secret }))),
        (Some(_), None) => bail!("{key_name} is set and {secret_name} is not"),
        (None, Some(_)) => bail!("{secret_name} is set and {key_name} is not"),
        (None, None) => Ok(None),
    }
}
