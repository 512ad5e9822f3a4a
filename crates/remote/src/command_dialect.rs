//! The JSON key under which the server expects a state command.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::error::{Error, RejectionKind};

/// The accepted key, known after the first successful command.
#[derive(Default)]
pub(crate) struct CommandDialect {
    known_key: OnceLock<CommandKey>,
}

#[derive(Clone, Copy)]
pub(crate) enum CommandKey {
    Command,
    Action,
}

impl CommandKey {
    pub(crate) fn command_body(self, command: &str) -> Value {
        let key = match self {
            Self::Command => "command",
            Self::Action => "action",
        };
        json!({ key: command })
    }
}

impl CommandDialect {
    /// The key to send first, and the second one while none is known.
    // The schema, the released clients and observations of the live API agree on `command`; only the reference page
    // uses `action`. So `command` goes first, and a server of the other kind costs one refused request in a run.
    pub(crate) fn keys_to_try(&self) -> (CommandKey, Option<CommandKey>) {
        self.known_key.get().map_or((CommandKey::Command, Some(CommandKey::Action)), |known| (*known, None))
    }

    pub(crate) fn remember_key(&self, key: CommandKey) {
        let _known_already = self.known_key.set(key);
    }
}

/// Whether the server may have expected the other key. The text of the error is not used, because its wording is
/// unknown.
// A command that is refused in these ways was refused as a whole, so sending it under the other key repeats nothing. An
// old gateway may refuse what it does not know with a page of its own.
pub(crate) fn may_be_about_command_key(error: &Error) -> bool {
    match error {
        Error::Rejected(rejected) if matches!(rejected.status, 400 | 422) => {
            rejected.kind == RejectionKind::InvalidRequest
        }
        Error::Rejected(rejected) => is_unknown_request(rejected.status),
        Error::UnexpectedResponse(unexpected) => is_unknown_request(unexpected.status),
        _ => false,
    }
}

/// Not found, method not allowed, unsupported media type, not implemented.
fn is_unknown_request(status: u16) -> bool {
    matches!(status, 404 | 405 | 415 | 501)
}
