//! Names of environment variables for secrets.

use std::collections::BTreeSet;

use model::path::FieldPath;

/// The names in use, so that no two secrets share a variable.
#[derive(Clone, Debug, Default)]
pub struct EnvNames(BTreeSet<String>);

impl EnvNames {
    /// Takes a name out of use.
    pub(crate) fn reserve_name(&mut self, name: &str) {
        self.0.insert(name.to_owned());
    }

    /// `ORDERS_KAFKA_PASSWORD` for the password of `orders-kafka`, with a number if that is in use.
    pub fn unique_name(&mut self, owner: &str, field: &FieldPath) -> String {
        let (base, mut count) = (build_env_name(owner, field), 1);
        let mut name = base.clone();
        while !self.0.insert(name.clone()) {
            count += 1;
            name = format!("{base}_{count}");
        }
        name
    }
}

/// Groups of secrets, whose names add nothing to those of the secrets.
const SECRET_GROUPS: &[&str] = &["credentials", "accessKey", "serviceAccountKey"];

fn build_env_name(owner: &str, field: &FieldPath) -> String {
    // Without `spec`, `source` and the kind of source, which all secrets of a pipe share.
    let segments: Vec<&String> = field.segments().iter().skip(3).collect();
    let last = segments.len().saturating_sub(1);
    let is_group = |at: usize, name: &str| at < last && SECRET_GROUPS.contains(&name);
    let kept = segments.into_iter().enumerate().filter(|(at, name)| !is_group(*at, name));
    let kept = kept.map(|(_, name)| name);
    let text = std::iter::once(owner.to_owned()).chain(kept.map(|segment| to_snake_case(segment)));
    let text: String = text.collect::<Vec<_>>().join("_").to_ascii_uppercase();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("_");
    // A shell takes no variable that begins with a digit.
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { format!("PIPE_{name}") }
}

fn to_snake_case(name: &str) -> String {
    let parts = name.chars().map(|c| match c {
        c if c.is_ascii_uppercase() => format!("_{}", c.to_ascii_lowercase()),
        c => c.to_string(),
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::EnvNames;
    use model::path::FieldPath;

    #[test]
    fn env_variable_names_are_valid_and_unique() {
        let mut variables = EnvNames::default();
        let password = FieldPath::parse("spec.source.kafka.credentials.password");
        let key = FieldPath::parse("spec.source.objectStorage.accessKey.secretKey");
        let named = |owner, field| (owner, field);
        let told = [
            named("orders-kafka", &password),
            named("orders kafka", &password),
            named("2024/логи", &password),
            named("lake", &key),
        ];
        assert_eq!(
            told.map(|(owner, field)| variables.unique_name(owner, field)),
            ["ORDERS_KAFKA_PASSWORD", "ORDERS_KAFKA_PASSWORD_2", "PIPE_2024_PASSWORD", "LAKE_SECRET_KEY",]
        );
    }
}
