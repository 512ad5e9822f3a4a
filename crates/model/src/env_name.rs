//! Names of environment variables for secrets.

/// Groups of secrets, whose names would add nothing to the variable.
const SECRET_GROUPS: &[&str] = &["credentials", "accessKey", "serviceAccountKey"];

/// `ORDERS_KAFKA_PASSWORD` for the field `spec.source.kafka.credentials.password` of `orders-kafka`.
pub fn env_name_of_secret(owner: &str, field: &[&str]) -> String {
    // Without `spec`, `source` and the kind of source, which all secrets of a pipe share.
    let steps = field.get(3..).unwrap_or_default();
    let last = steps.len().saturating_sub(1);
    let is_group = |at: usize, name: &str| at < last && SECRET_GROUPS.contains(&name);
    let kept = steps.iter().enumerate().filter(|(at, name)| !is_group(*at, name));
    let text = std::iter::once(owner.to_owned()).chain(kept.map(|(_, step)| to_snake_case(step)));
    let text: String = text.collect::<Vec<_>>().join("_").to_ascii_uppercase();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("_");
    // A shell accepts no variable that begins with a digit.
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { format!("PIPE_{name}") }
}

/// `replicaMemoryGb` as `replica_memory_gb`.
pub fn to_snake_case(name: &str) -> String {
    let parts = name.chars().map(|c| match c {
        c if c.is_ascii_uppercase() => format!("_{}", c.to_ascii_lowercase()),
        c => c.to_string(),
    });
    parts.collect()
}
