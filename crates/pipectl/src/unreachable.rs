//! Services that could not be read.

use std::fmt;

use anyhow::Error;
use model::address::ServiceRef;
use serde::Serialize;

use crate::error_report::ErrorReport;
use crate::exit;
use crate::output::{Label, StyledText};

/// A service that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnreachableService {
    pub service: ServiceRef,
    pub error: String,
    /// The id of the request, for ClickHouse support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether the key may not read it.
    #[serde(skip)]
    pub is_auth_error: bool,
}

impl UnreachableService {
    /// Words the error.
    pub fn new(service: ServiceRef, error: &Error) -> Self {
        let ErrorReport { message, hint, request_id, auth, .. } = ErrorReport::from(error);
        Self { service, error: message, request_id, hint, is_auth_error: auth }
    }
}

impl fmt::Display for UnreachableService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: could not be read: {}", self.service, self.error)
    }
}

/// The exit code of a run that could not read every service.
pub fn exit_code(unread: &[UnreachableService]) -> Option<u8> {
    let refused = unread.iter().any(|service| service.is_auth_error);
    (!unread.is_empty()).then_some(if refused { exit::AUTH } else { exit::ERROR })
}

pub fn unreachable_lines(unread: &[UnreachableService]) -> StyledText {
    let mut text = StyledText::new();
    for service in unread {
        text.push(Label::Blocked, service.to_string()).end_line();
    }
    text
}

/// The services as errors, with the fixes.
pub fn unreachable_errors(unread: &[UnreachableService]) -> StyledText {
    let mut text = StyledText::new();
    for service in unread {
        text.push(Label::Delete, "error: ").push_plain(service.to_string()).end_line();
        if let Some(hint) = &service.hint {
            text.push(Label::Heading, "hint: ").push_plain(hint.as_str()).end_line();
        }
    }
    text
}
