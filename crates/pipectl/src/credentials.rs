//! Finds the API keys: pairs of environment variables, never arguments.
//
// Arguments are visible to every user of the machine, in the list of processes and in the shell's history.

use anyhow::{Result, bail};
use model::project::{CredentialVariables, Credentials, PROJECT_FILE};
use remote::{ApiCredentials, ServiceLookup};
use secrecy::SecretString;

use crate::env_vars;

/// The pairs of variables, in the order of preference.
// The official CLI and newer releases of the Terraform provider use the first, older releases the second.
const KEY_VARIABLES: [(&str, &str); 3] = [
    ("CLICKHOUSE_CLOUD_API_KEY", "CLICKHOUSE_CLOUD_API_SECRET"),
    ("CLICKHOUSE_TOKEN_KEY", "CLICKHOUSE_TOKEN_SECRET"),
    ("KEY_ID", "KEY_SECRET"),
];

/// The variables of all pairs. They are removed from the environment of programs that print secrets.
pub(crate) fn key_variables() -> impl Iterator<Item = &'static str> {
    KEY_VARIABLES.into_iter().flat_map(|(key, secret)| [key, secret])
}

/// No API key is set. The exit code is the same as for a refused key.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct MissingKey(String);

/// The keys in the variables that the environment declares, at least one; without a declaration, the key in the first
/// pair that is set.
///
/// # Errors
/// When no pair is set, only one half of a pair, or the same key twice.
// If the environment declares variables, no others are read: a fallback could be the key of another environment. For
// the same reason half a pair is an error: two halves could belong to different accounts.
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

/// The secrets of all API keys in variables that are set: the declared and the common variables.
pub(crate) fn find_key_secrets<'c>(
    declared: impl Iterator<Item = &'c Credentials>,
) -> impl Iterator<Item = SecretString> {
    let declared = declared.flat_map(Credentials::keys).map(|key| key.secret.from_env.as_str());
    declared.chain(KEY_VARIABLES.map(|(_, secret)| secret)).filter_map(env_vars::read_secret)
}

fn read_declared_key(CredentialVariables { key, secret }: &CredentialVariables) -> Result<ApiCredentials, MissingKey> {
    let pair = (key.from_env.as_str(), secret.from_env.as_str());
    read_key_pair(pair)?.ok_or_else(|| {
        let (key, secret) = pair;
        MissingKey(format!(
            "no API key: {key} and {secret}, which {PROJECT_FILE} names for this environment, are not set"
        ))
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

/// Refuses a key of another organization, where there are several keys.
///
/// # Errors
/// When a key belongs to another organization, or the API refuses it.
// Hazard: such a key does not see the pipes of this organization, so some responses would say that all of them are
// gone.
pub(crate) async fn check_organization(lookup: &ServiceLookup, organization: &str) -> Result<()> {
    for (variable, organizations) in lookup.list_organizations_by_key().await {
        match organizations {
            Ok(entries) if entries.iter().any(|entry| entry.id.eq_ignore_ascii_case(organization)) => {}
            Ok(_) => bail!(
                "the API key in {variable} does not belong to the organization {organization}: the keys of an \
                 environment must be of one organization"
            ),
            // Without this list, the API does not show the organization of a key.
            Err(error) if error.is_not_offered() => return Ok(()),
            Err(error) => return Err(anyhow::Error::new(error).context(format!("the API key in {variable}"))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use remote::{ApiRequest, ApiResponse, RemoteSettings, ResponseFuture, ServiceLookup, Transport};
    use serde_json::json;

    use super::check_organization;

    /// An API that answers one key with a status and these organizations.
    struct KeyOf(&'static str, u16, &'static [&'static str]);

    impl Transport for KeyOf {
        fn send(&self, _: ApiRequest) -> ResponseFuture<'_> {
            let entries: Vec<_> = self.2.iter().map(|id| json!({"id": id, "name": id})).collect();
            let body = match self.1 {
                200 => json!({"status": 200, "requestId": "r", "result": entries}),
                status => json!({"status": status, "requestId": "r", "error": "no"}),
            };
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            let response = ApiResponse { status: self.1, headers, body: body.to_string().into_bytes() };
            Box::pin(std::future::ready(Ok(response)))
        }

        fn key_name(&self) -> Option<&str> {
            Some(self.0)
        }
    }

    async fn check(keys: impl IntoIterator<Item = KeyOf>) -> String {
        let transports = keys.into_iter().map(|key| Arc::new(key) as Arc<dyn Transport>).collect();
        let lookup = ServiceLookup::new(transports, RemoteSettings::default());
        check_organization(&lookup, "acme").await.map_or_else(|error| format!("{error:#}"), |()| "fine".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn keys_of_several_organizations_are_refused() {
        let own = || KeyOf("KEY_1", 200, &["acme"]);
        assert_eq!(check([own(), KeyOf("KEY_2", 200, &["other", "ACME"])]).await, "fine");
        insta::assert_snapshot!(check([own(), KeyOf("KEY_2", 200, &["other"])]).await, @"the API key in KEY_2 does not belong to the organization acme: the keys of an environment must be of one organization");
        insta::assert_snapshot!(check([own(), KeyOf("KEY_2", 401, &[])]).await, @"the API key in KEY_2: GET /v1/organizations: 401 no (request r)");
        // An API without the list.
        for status in [404, 405, 501] {
            assert_eq!(check([KeyOf("KEY_1", status, &[]), KeyOf("KEY_2", status, &[])]).await, "fine");
        }
    }
}
