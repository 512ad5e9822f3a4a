//! The API key: always a pair from one family of variables, never from the command line.

use anyhow::{Result, bail};
use remote::Credentials;

use crate::environment;

/// The families of variables, first match first.
const FAMILIES: [(&str, &str); 3] = [
    ("CLICKHOUSE_CLOUD_API_KEY", "CLICKHOUSE_CLOUD_API_SECRET"),
    ("CLICKHOUSE_TOKEN_KEY", "CLICKHOUSE_TOKEN_SECRET"),
    ("KEY_ID", "KEY_SECRET"),
];

/// Finds the key.
///
/// # Errors
/// Names the variables when none is set, and the missing half when a pair is incomplete: half of
/// one family with half of another is how keys of two accounts get mixed.
pub(crate) fn find() -> Result<Credentials> {
    named().map(|(_, credentials)| credentials)
}

/// The same, with the variable that the key's id is from.
///
/// # Errors
/// As above.
pub(crate) fn named() -> Result<(&'static str, Credentials)> {
    for (key_name, secret_name) in FAMILIES {
        match (environment::variable(key_name), environment::secret(secret_name)) {
            (Some(key), Some(secret)) => {
                return Ok((key_name, Credentials { key, secret }));
            }
            (Some(_), None) => bail!("{key_name} is set and {secret_name} is not"),
            (None, Some(_)) => bail!("{secret_name} is set and {key_name} is not"),
            (None, None) => {}
        }
    }
    bail!(
        "no API key: set CLICKHOUSE_CLOUD_API_KEY and CLICKHOUSE_CLOUD_API_SECRET, or try without \
         an account with --sandbox"
    )
}
