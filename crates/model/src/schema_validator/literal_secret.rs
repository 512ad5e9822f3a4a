//! Secrets written as literals.

use super::{PathStep, ValidationPass, code};
use crate::yaml::{PendingDiagnostic, YamlNode};

/// `spec`, `source` and the kind of source begin the path of every secret.
const LEADING_SEGMENTS: usize = 3;

impl ValidationPass<'_> {
    pub(super) fn report_literal_secret(&mut self, node: &YamlNode) {
        // Nothing of the value is quoted, neither in the message nor in the replacement.
        let name = self.suggest_env_name();
        // The value itself has to leave the file, wherever an alias or a template takes it to.
        self.report_problem(|| {
            let message = "a secret is written as a reference, never as its value";
            let reference = format!("{{fromEnv: {name}}}");
            PendingDiagnostic::error(code::LITERAL_SECRET, node.head_span(), message)
                .with_help(format!("write `{reference}`; if the file left this machine, change the secret"))
                .with_replacement(reference)
        });
    }

    /// A variable name of the object, the purpose and the field: `orders-kafka` and
    /// `spec.source.kafka.credentials.password` give `ORDERS_KAFKA_PASSWORD`.
    fn suggest_env_name(&self) -> String {
        let keys: Vec<&str> = self
            .steps
            .iter()
            .filter_map(|step| match step {
                PathStep::Key(key) => Some(*key),
                PathStep::Index(_) => None,
            })
            .collect();
        let field = keys.last().copied().unwrap_or_default();
        // The last two keys are the group of credentials and the field. The keys between distinguish several
        // passwords of one pipe, such as that of the schema registry.
        let purpose = keys.get(LEADING_SEGMENTS..keys.len().saturating_sub(2)).unwrap_or_default();
        let words = self.object_name.into_iter().chain(purpose.iter().copied()).chain([field]);
        words.map(screaming_snake_case).collect::<Vec<_>>().join("_")
    }
}

/// `secretKey` as `SECRET_KEY`, `orders-kafka` as `ORDERS_KAFKA`.
fn screaming_snake_case(word: &str) -> String {
    let mut screamed = String::with_capacity(word.len() + 4);
    let mut after_lower = false;
    for c in word.chars() {
        if after_lower && c.is_ascii_uppercase() {
            screamed.push('_');
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        screamed.push(if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    }
    screamed
}
