//! Names of environment variables for secrets.

use std::collections::BTreeSet;

use crate::path::Path;

/// The variables that are named already.
#[derive(Clone, Debug, Default)]
pub struct Variables(BTreeSet<String>);

impl Variables {
    /// `ORDERS_KAFKA_PASSWORD` for the password of `orders-kafka`, or with a number behind it where
    /// that is taken.
    pub fn name(&mut self, owner: &str, field: &Path) -> String {
        let (base, mut count) = (variable(owner, field), 1);
        let mut name = base.clone();
        while !self.0.insert(name.clone()) {
            count += 1;
            name = format!("{base}_{count}");
        }
        name
    }
}

/// What secrets stand in, which tells nothing that their own names do not.
const GROUPS: &[&str] = &["credentials", "accessKey", "serviceAccountKey"];

/// From the field only what tells it apart: neither where it stands nor what it is grouped with.
fn variable(owner: &str, field: &Path) -> String {
    let segments: Vec<&String> = field.segments().iter().skip(3).collect();
    let last = segments.len().saturating_sub(1);
    let is_group = |at: usize, name: &str| at < last && GROUPS.contains(&name);
    let told = segments.into_iter().enumerate().filter(|(at, name)| !is_group(*at, name));
    let told = told.map(|(_, name)| name);
    let text = std::iter::once(owner.to_owned()).chain(told.map(|segment| snake(segment)));
    let text: String = text.collect::<Vec<_>>().join("_").to_ascii_uppercase();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("_");
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { format!("PIPE_{name}") }
}

fn snake(name: &str) -> String {
    let parts = name.chars().map(|c| match c {
        c if c.is_ascii_uppercase() => format!("_{}", c.to_ascii_lowercase()),
        c => c.to_string(),
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::Variables;
    use crate::path::Path;

    #[test]
    fn names_are_valid_and_nothing_has_the_name_of_another() {
        let mut variables = Variables::default();
        let password = Path::parse("spec.source.kafka.credentials.password");
        let key = Path::parse("spec.source.objectStorage.accessKey.secretKey");
        let named = |owner, field| (owner, field);
        let told = [
            named("orders-kafka", &password),
            named("orders kafka", &password),
            named("2024/логи", &password),
            named("lake", &key),
        ];
        assert_eq!(
            told.map(|(owner, field)| variables.name(owner, field)),
            [
                "ORDERS_KAFKA_PASSWORD",
                "ORDERS_KAFKA_PASSWORD_2",
                "PIPE_2024_PASSWORD",
                "LAKE_SECRET_KEY",
            ]
        );
    }
}
