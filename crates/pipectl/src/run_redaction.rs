//! The secrets of this process. A command may run for several environments, and each may print what another one knows.

use std::sync::LazyLock;

use remote::RunRedaction;

/// What everything that is printed or reported is redacted by.
pub(crate) fn run_redaction() -> &'static RunRedaction {
    static REDACTION: LazyLock<RunRedaction> = LazyLock::new(RunRedaction::default);
    &REDACTION
}
