//! Names of environment variables for secrets.

use std::collections::BTreeSet;

use model::env_name::env_name_of_secret;
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
        let steps: Vec<&str> = field.segments().iter().map(String::as_str).collect();
        let (base, mut count) = (env_name_of_secret(owner, &steps), 1);
        let mut name = base.clone();
        while !self.0.insert(name.clone()) {
            count += 1;
            name = format!("{base}_{count}");
        }
        name
    }
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
