//! Identifiers that look random and are reproducible: every run creates the same ones.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct IdGenerator {
    issued: u64,
}

impl IdGenerator {
    pub(crate) fn next_id(&mut self) -> String {
        self.issued += 1;
        let high = mix_bits(self.issued);
        format_uuid(high, mix_bits(high))
    }
}

pub(crate) fn uuid_from_name(name: &str) -> String {
    // From the name, so that project files can contain the id of a sandbox service.
    let high = hash_text(name);
    format_uuid(high, mix_bits(high ^ 0x5eed))
}

pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Scrambles a number (the finaliser of splitmix64).
pub(crate) fn mix_bits(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A stable hash (FNV-1a, scrambled).
pub(crate) fn hash_text(text: &str) -> u64 {
    // Not the hasher of the standard library, whose results may differ between versions.
    let folded = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    mix_bits(folded)
}

/// 128 bits in the layout of a version 4 UUID.
fn format_uuid(high: u64, low: u64) -> String {
    let high = (high & !0xf000) | 0x4000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    let (a, b, c) = (high >> 32, high >> 16 & 0xffff, high & 0xffff);
    format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issued_identifiers_are_distinct_reproducible_and_well_formed() {
        let issue = || {
            let mut ids = IdGenerator::default();
            (0..100).map(|_| ids.next_id()).collect::<Vec<_>>()
        };
        let issued = issue();
        assert_eq!(issued, issue());
        assert!(issued.iter().all(|id| is_uuid(id) && id.as_bytes()[14] == b'4'));
        let distinct: std::collections::BTreeSet<_> = issued.iter().collect();
        assert_eq!(distinct.len(), 100);
    }

    #[test]
    fn is_uuid_checks_the_form() {
        assert!(is_uuid(&uuid_from_name("analytics")));
        assert!(!is_uuid("analytics"));
        assert!(!is_uuid("00000000-0000-0000-0000-00000000000g"));
        assert!(!is_uuid("00000000x0000-0000-0000-000000000000"));
    }
}
