//! The API key: always a pair from one family of variables, never from the command line.

use std::fmt;

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

/// The variables of all families: programs that are run have no need of them.
pub(crate) fn variables() -> impl Iterator<Item = &'static str> {
    FAMILIES.into_iter().flat_map(|(key, secret)| [key, secret])
}

/// There is no key to come with, so nobody was asked. To the caller it is the same as a refused one.
#[derive(Debug)]
pub(crate) struct NoKey(String);

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoKey {}

/// Finds the key: in the variables that the environment declares, and then in no others.
///
/// # Errors
/// Names the variables when none is set, and the missing half when a pair is incomplete: half of
/// one family with half of another is how keys of two accounts get mixed.
pub(crate) fn find(declared: Option<&Declared>) -> Result<Credentials, NoKey> {
    named(declared).map(|(_, credentials)| credentials)
}

/// The same, with the variable that the key's id is from.
///
/// # Errors
/// As above.
pub(crate) fn named(declared: Option<&Declared>) -> Result<(String, Credentials), NoKey> {
    if let Some(Declared { key, secret }) = declared {
        let pair = (key.from_env.as_str(), secret.from_env.as_str());
        return read(pair)?.ok_or_else(|| {
            let (key, secret) = pair;
            NoKey(format!("no API key: {key} and {secret} are not set; {NAME} takes it from there"))
        });
    }
    for family in FAMILIES {
        if let Some(found) = read(family)? {
            return Ok(found);
        }
    }
    let how = "no API key: set CLICKHOUSE_CLOUD_API_KEY and CLICKHOUSE_CLOUD_API_SECRET, or try \
               without an account with --sandbox";
    Err(NoKey(how.to_owned()))
}

/// Both halves, or neither.
fn read((key_name, secret_name): (&str, &str)) -> Result<Option<(String, Credentials)>, NoKey> {
    let half = |set: &str, unset: &str| Err(NoKey(format!("{set} is set and {unset} is not")));
    match (environment::variable(key_name), environment::secret(secret_name)) {
        (Some(key), Some(secret)) => Ok(Some((key_name.to_owned(), Credentials { key, secret }))),
        (Some(_), None) => half(key_name, secret_name),
        (None, Some(_)) => half(secret_name, key_name),
        (None, None) => Ok(None),
    }
}
