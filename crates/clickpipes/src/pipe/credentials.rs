//! The groups of credentials that several sources share.

use schemars::JsonSchema;

use model::annotations;
use model::secret::{Secret, TextOrSecret};

/// A user of a database.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Login {
    /// The user to connect as.
    pub username: TextOrSecret,
    /// The user's password.
    pub password: Option<Secret>,
    /// Increase it to re-send the credentials after a rotation.
    #[schemars(range(min = 1), transform = annotations::local_only)]
    pub version: Option<i64>,
}

/// A key of an IAM user.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessKey {
    /// The key's id.
    pub access_key_id: TextOrSecret,
    /// The key's secret half.
    pub secret_key: Secret,
    /// Increase it to re-send the key after a rotation.
    #[schemars(range(min = 1), transform = annotations::local_only)]
    pub version: Option<i64>,
}

/// A key of a Google Cloud service account.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceAccount {
    /// The JSON key file, base64-encoded. A reference to the plain file needs `encoding: base64`.
    pub service_account_file: Secret,
    /// Increase it to re-send the key after a rotation.
    #[schemars(range(min = 1), transform = annotations::local_only)]
    pub version: Option<i64>,
}
