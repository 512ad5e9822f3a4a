//! Secrets written as literals.

use super::{PathStep, ValidationPass, code};
use crate::env_name::env_name_of_secret;
use crate::yaml::{PendingDiagnostic, YamlNode};

impl ValidationPass<'_> {
    pub(super) fn report_literal_secret(&mut self, node: &YamlNode) {
        // The value is not quoted, neither in the message nor in the replacement.
        let name = self.suggest_env_name();
        // The value itself must be removed from the file, wherever an alias or a template uses it.
        self.report_problem(|| {
            let message = "a secret is written as a reference, never as its value";
            let reference = format!("{{fromEnv: {name}}}");
            PendingDiagnostic::error(code::LITERAL_SECRET, node.head_span(), message)
                .with_help(format!("write `{reference}`; if the file left this machine, change the secret"))
                .with_replacement(reference)
        });
    }

    /// The name that export would write.
    fn suggest_env_name(&self) -> String {
        let keys = self.steps.iter().filter_map(|step| match step {
            PathStep::Key(key) => Some(*key),
            PathStep::Index(_) => None,
        });
        env_name_of_secret(self.object_name.unwrap_or_default(), &keys.collect::<Vec<_>>())
    }
}
