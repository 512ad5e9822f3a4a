//! The groups of credentials that several sources share.

use schemars::JsonSchema;

use crate::validate::{CrossFieldRule, RuleContext, RuleFinding, custom_rule};
use model::annotations;
use model::diagnostic::Evidence;
use model::path::FieldPath;
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

/// A certificate field holds no private key. A PEM file often contains both, and the API shows certificates to everybody
/// who may read the pipe.
pub(crate) const NO_PRIVATE_KEY: CrossFieldRule =
    custom_rule("private-key-in-certificate", Evidence::Manifest, &["caCertificate"], |scope| {
        private_key(scope, "caCertificate")
    });

/// The same for the certificate of a client, which has its key in a field beside it.
pub(crate) const NO_PRIVATE_KEY_OF_CLIENT: CrossFieldRule =
    custom_rule("private-key-in-certificate", Evidence::Manifest, &["credentials.certificate"], |scope| {
        private_key(scope, "credentials.certificate")
    });

fn private_key(scope: &RuleContext<'_>, field: &str) -> Vec<RuleFinding> {
    let with_key = scope.text_at(field).filter(|text| text.contains("PRIVATE KEY-----"));
    let message = "the text contains a private key, and certificates are sent and shown to everybody";
    let finding = with_key.map(|_| {
        RuleFinding::new(FieldPath::parse(field), message)
            .with_help("keep the `CERTIFICATE` blocks only, and replace the key: it is in git")
    });
    finding.into_iter().collect()
}
