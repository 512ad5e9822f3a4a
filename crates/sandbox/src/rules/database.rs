//! Database sources.

use serde_json::Map;

use super::{SourceCheck, mappings};
use crate::api_rule::ApiRule;
use crate::json_body::{is_true, object_field, text_field};

pub(crate) fn validate_postgres(check: &mut SourceCheck<'_>) {
    validate_authentication(check);
    validate_encryption(check);
    validate_replication_slot(check);
    mappings::validate_mappings(check);
}

pub(crate) fn validate_mysql(check: &mut SourceCheck<'_>) {
    validate_authentication(check);
    validate_encryption(check);
    let maria = text_field(check.fields, "type").is_some_and(|kind| kind.ends_with("mariadb"));
    let settings = object_field(check.fields, "settings");
    let mechanism = settings.and_then(|settings| text_field(settings, "replicationMechanism"));
    // `FILE_POS` also needs a feature flag of the organization, which the sandbox does not emulate.
    if maria && mechanism == Some("FILE_POS") {
        check.refuse(ApiRule::MariadbMechanism, "settings.replicationMechanism", "MariaDB supports GTID only");
    }
    mappings::validate_mappings(check);
}

pub(crate) fn validate_mongodb(check: &mut SourceCheck<'_>) {
    let uri = text_field(check.fields, "uri").unwrap_or_default();
    if !uri.starts_with("mongodb://") && !uri.starts_with("mongodb+srv://") {
        check.refuse(ApiRule::MongodbUri, "uri", "must begin with mongodb:// or mongodb+srv://");
    }
    let authority = uri.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    // A login may be in the URI instead.
    if check.has_field("credentials") {
        validate_username(check);
    } else if !authority.contains('@') && !uri.contains("authMechanism=") {
        check.refuse(ApiRule::MongodbLogin, "credentials", "are required unless uri names a user");
    }
    validate_encryption(check);
    mappings::validate_mappings(check);
}

pub(crate) fn validate_bigquery(check: &mut SourceCheck<'_>) {
    if text_field(check.fields, "snapshotStagingPath").is_some_and(|path| !path.starts_with("gs://")) {
        check.refuse(ApiRule::BigqueryStaging, "snapshotStagingPath", "must begin with gs://");
    }
    let by_identity = text_field(check.fields, "authentication") == Some("SERVICE_ACCOUNT_WORKLOAD_IDENTITY");
    check.require_only_when(
        ApiRule::BigqueryAuthentication,
        "credentials",
        !by_identity,
        "SERVICE_ACCOUNT authentication",
    );
    check.require_when(
        ApiRule::BigqueryAuthentication,
        "projectId",
        by_identity,
        "SERVICE_ACCOUNT_WORKLOAD_IDENTITY authentication",
    );
    mappings::validate_mappings(check);
}

fn validate_authentication(check: &mut SourceCheck<'_>) {
    validate_username(check);
    let password = object_field(check.fields, "credentials").and_then(|given| text_field(given, "password")).is_some();
    let role = text_field(check.fields, "iamRole").is_some();
    if text_field(check.fields, "authentication") == Some("IAM_ROLE") {
        if !role {
            check.refuse(ApiRule::DatabaseRole, "iamRole", "is required with IAM_ROLE authentication");
        }
        if password {
            check.refuse(
                ApiRule::DatabaseOtherLogin,
                "credentials.password",
                "must not be given with IAM_ROLE authentication",
            );
        }
        return;
    }
    // These texts were seen live: without a username the API reports the JavaScript value `undefined`.
    if !password {
        check.complaints.refuse_in_words(ApiRule::DatabasePassword, "password is required for basic authentication");
    }
    if role {
        check.refuse(ApiRule::DatabaseOtherLogin, "iamRole", "is only allowed with IAM_ROLE authentication");
    }
}

fn validate_encryption(check: &mut SourceCheck<'_>) {
    let is_encrypted = !is_true(check.fields, "disableTls");
    for field in ["tlsHost", "caCertificate"].iter().filter(|field| text_field(check.fields, field).is_some()) {
        check.refuse_unless(ApiRule::DisabledTls, field, is_encrypted, "TLS");
    }
}

fn validate_username(check: &mut SourceCheck<'_>) {
    let nothing = Map::new();
    let credentials = object_field(check.fields, "credentials").unwrap_or(&nothing);
    if text_field(credentials, "username").is_none() {
        check.refuse(ApiRule::DatabaseUser, "credentials.username", "'undefined' is not accepted, a value is required");
    }
}

fn validate_replication_slot(check: &mut SourceCheck<'_>) {
    let Some(settings) = object_field(check.fields, "settings") else { return };
    if text_field(settings, "replicationSlotName").is_none() {
        return;
    }
    // A slot of one's own has its position already, so it excludes an initial load (refusal seen live).
    if text_field(settings, "replicationMode") != Some("cdc_only") {
        check.refuse(ApiRule::ReplicationSlot, "settings.replicationSlotName", "only valid for cdc_only mode");
    }
    if is_true(settings, "enableFailoverSlots") {
        let text = "is not allowed with a replication slot of one's own";
        check.refuse(ApiRule::FailoverSlot, "settings.enableFailoverSlots", text);
    }
}
