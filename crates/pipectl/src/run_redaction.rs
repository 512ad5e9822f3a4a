//! The secrets of this process. A command may run for several environments, and each may print secrets of another one.

use std::sync::LazyLock;

use remote::RunRedaction;

/// The redaction of everything that is printed or reported.
pub(crate) fn run_redaction() -> &'static RunRedaction {
    static REDACTION: LazyLock<RunRedaction> = LazyLock::new(RunRedaction::default);
    &REDACTION
}
