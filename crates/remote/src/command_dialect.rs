//! The JSON key under which the server expects a state command.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::error::{Error, RejectionKind, api_phrases};

/// The API's own schema says `command`; the reference page says `action`. Whichever the server was
/// seen to take is kept for the run.
#[derive(Default)]
pub(crate) struct CommandDialect {
    known_key: OnceLock<CommandKey>,
}

/// What the server may call a command.
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
    /// The word to begin with, and the other one where it is not known yet which is right.
    pub(crate) fn keys_to_try(&self) -> (CommandKey, Option<CommandKey>) {
        self.known_key.get().map_or((CommandKey::Command, Some(CommandKey::Action)), |known| (*known, None))
    }

    pub(crate) fn remember_key(&self, key: CommandKey) {
        let _known_already = self.known_key.set(key);
    }
}

pub(crate) fn is_about_command_key(error: &Error) -> bool {
    let Error::Rejected(rejected) = error else { return false };
    let is_invalid = rejected.kind == RejectionKind::InvalidRequest && rejected.status == 400;
    is_invalid && api_phrases::is_about_command_key(&rejected.message)
}
