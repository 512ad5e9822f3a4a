//! The arms that replicate a database.

use serde_json::Map;

use super::{Arm, mappings};
use crate::body::{is_true, object, text};

pub(crate) fn check_postgres(arm: &mut Arm<'_>) {
    check_authentication(arm);
    check_replication_slot(arm);
    mappings::check(arm);
}

pub(crate) fn check_mysql(arm: &mut Arm<'_>) {
    check_authentication(arm);
    let maria = text(arm.fields, "type").is_some_and(|kind| kind.ends_with("mariadb"));
    let settings = object(arm.fields, "settings");
    let mechanism = settings.and_then(|settings| text(settings, "replicationMechanism"));
    if maria && mechanism == Some("FILE_POS") {
        arm.say("settings.replicationMechanism", "MariaDB supports GTID only");
    }
    mappings::check(arm);
}

pub(crate) fn check_mongodb(arm: &mut Arm<'_>) {
    let uri = text(arm.fields, "uri").unwrap_or_default();
    if !uri.starts_with("mongodb://") && !uri.starts_with("mongodb+srv://") {
        arm.say("uri", "must begin with mongodb:// or mongodb+srv://");
    }
    if arm.given("credentials") {
        check_username(arm);
    }
    mappings::check(arm);
}

pub(crate) fn check_bigquery(arm: &mut Arm<'_>) {
    if text(arm.fields, "snapshotStagingPath").is_some_and(|path| !path.starts_with("gs://")) {
        arm.say("snapshotStagingPath", "must begin with gs://");
    }
    mappings::check(arm);
}

fn check_authentication(arm: &mut Arm<'_>) {
    check_username(arm);
    let password =
        object(arm.fields, "credentials").and_then(|given| text(given, "password")).is_some();
    let role = text(arm.fields, "iamRole").is_some();
    if text(arm.fields, "authentication") == Some("IAM_ROLE") {
        if !role {
            arm.say("iamRole", "is required with IAM_ROLE authentication");
        }
        if password {
            arm.say("credentials.password", "must not be given with IAM_ROLE authentication");
        }
        return;
    }
    if !password {
        arm.complaints.quote("password is required for basic authentication");
    }
    if role {
        arm.say("iamRole", "is only allowed with IAM_ROLE authentication");
    }
}

fn check_username(arm: &mut Arm<'_>) {
    let nothing = Map::new();
    let credentials = object(arm.fields, "credentials").unwrap_or(&nothing);
    if text(credentials, "username").is_none() {
        arm.say("credentials.username", "'undefined' is not accepted, a value is required");
    }
}

fn check_replication_slot(arm: &mut Arm<'_>) {
    let Some(settings) = object(arm.fields, "settings") else { return };
    if text(settings, "replicationSlotName").is_none() {
        return;
    }
    if text(settings, "replicationMode") != Some("cdc_only") {
        arm.say("settings.replicationSlotName", "only valid for cdc_only mode");
    }
    if is_true(settings, "enableFailoverSlots") {
        let text = "is not allowed with a replication slot of one's own";
        arm.say("settings.enableFailoverSlots", text);
    }
}
