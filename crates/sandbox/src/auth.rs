//! Basic authentication with the sandbox's own keys. The wording of 401 and 403 is ours.

use crate::http_types::ApiRefusal;
use crate::{KEY_ID, KEY_SECRET, READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET};

/// A key that was shown to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SandboxKey {
    Admin,
    ReadOnly,
}

impl SandboxKey {
    pub(crate) fn key_id(self) -> &'static str {
        match self {
            Self::Admin => KEY_ID,
            Self::ReadOnly => READ_ONLY_KEY_ID,
        }
    }

    pub(crate) fn authorize_request(self, writes: bool) -> Result<(), ApiRefusal> {
        if self == Self::ReadOnly && writes {
            let text = "the API key may not write (sandbox wording)";
            return Err(ApiRefusal::with_code(403, "FORBIDDEN", text));
        }
        Ok(())
    }
}

/// The key that the header proves to hold.
pub(crate) fn authenticate_header(header: Option<&str>) -> Result<SandboxKey, ApiRefusal> {
    let refusal = || ApiRefusal::with_code(401, "UNAUTHORIZED", "API key is missing or wrong (sandbox wording)");
    let pair = header.and_then(parse_basic_header).ok_or_else(refusal)?;
    match (pair.0.as_str(), pair.1.as_str()) {
        (KEY_ID, KEY_SECRET) => Ok(SandboxKey::Admin),
        (READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET) => Ok(SandboxKey::ReadOnly),
        _ => Err(refusal()),
    }
}

fn parse_basic_header(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(decode_base64(encoded.trim())?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// The value of an `Authorization` header that carries this key.
pub fn basic_authorization(key_id: &str, key_secret: &str) -> String {
    format!("Basic {}", encode_base64(format!("{key_id}:{key_secret}").as_bytes()))
}

fn encode_base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(*chunk.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let sextet = bits >> (18 - 6 * at) & 63;
            encoded.push(if at <= chunk.len() { char::from(ALPHABET[sextet]) } else { '=' });
        }
    }
    encoded
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        bits = bits << 6 | decode_sextet(byte)?;
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push(u8::try_from(bits >> count & 0xff).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    Some(decoded)
}

fn decode_sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded() {
        assert_eq!(decode_base64("YTpi").as_deref(), Some(&b"a:b"[..]));
        assert_eq!(decode_base64("YWxhZGRpbjpvcGVuIHNlc2FtZQ==").as_deref(), Some(&b"aladdin:open sesame"[..]));
        assert_eq!(decode_base64("Y?pi"), None);
    }

    #[test]
    fn base64_is_encoded() {
        let encoded = [&b"a:b"[..], b"ab", b"a", b""].map(encode_base64);
        assert_eq!(encoded, ["YTpi", "YWI=", "YQ==", ""]);
    }

    #[test]
    fn only_known_keys_are_accepted() {
        assert_eq!(authenticate_header(None).unwrap_err().status, 401);
        assert_eq!(authenticate_header(Some("Bearer abc")).unwrap_err().status, 401);
        assert_eq!(authenticate_header(Some("Basic YTpi")).unwrap_err().status, 401);
        assert_eq!(authenticate_header(Some(&basic_authorization(KEY_ID, KEY_SECRET))), Ok(SandboxKey::Admin));
        let read_only = basic_authorization(READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET);
        assert_eq!(authenticate_header(Some(&read_only)), Ok(SandboxKey::ReadOnly));
    }
}
