//! Suggestions for misspelt words.

/// The candidate closest to `word`; `None` if none is close.
pub fn suggest_similar<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let length = word.chars().count();
    // One mistake in three letters: with more, a short word resembles everything. Callers offer the suggestion as a
    // replacement, so a wrong one is worse than none.
    let far = (length / 3).clamp(1, 3);
    // Another case is not a mistake: `Kafka` suggests `kafka`.
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= far)
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= far)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::suggest_similar;

    #[test]
    fn suggestions_are_only_given_for_typos() {
        let known = ["kafka", "kinesis", "objectStorage", "id"];
        for (word, meant) in [
            ("kafak", Some("kafka")),
            ("Kafka", Some("kafka")),
            ("objectstorage", Some("objectStorage")),
            ("objctStorge", Some("objectStorage")),
            ("objqqqqtorage", None),
            ("mysql", None),
            ("", None),
            ("xy", None),
        ] {
            assert_eq!(suggest_similar(word, known), meant, "{word}");
        }
    }
}
