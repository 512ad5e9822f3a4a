//! Basic authentication with the keys of the sandbox. The texts of 401 and 403 are a choice of ours.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::http_types::ApiRefusal;
use crate::{KEY_ID, KEY_SECRET, READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SandboxKey {
    pub(crate) id: String,
    can_write: bool,
}

impl SandboxKey {
    pub(crate) fn authorize_request(&self, writes: bool) -> Result<(), ApiRefusal> {
        if !self.can_write && writes {
            let text = "the API key may not write (sandbox wording)";
            return Err(ApiRefusal::with_code(403, "FORBIDDEN", text));
        }
        Ok(())
    }
}

pub(crate) fn authenticate_header(header: Option<&str>) -> Result<SandboxKey, ApiRefusal> {
    let refusal = || ApiRefusal::with_code(401, "UNAUTHORIZED", "API key is missing or wrong (sandbox wording)");
    let pair = header.and_then(parse_basic_header).ok_or_else(refusal)?;
    match (pair.0.as_str(), pair.1.as_str()) {
        (id, KEY_SECRET) if is_admin_key(id) => Ok(SandboxKey { id: pair.0, can_write: true }),
        (READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET) => Ok(SandboxKey { id: pair.0, can_write: false }),
        _ => Err(refusal()),
    }
}

/// The id of one of several keys with all permissions, counted from 0. They share [`KEY_SECRET`]; each has a rate limit
/// of its own.
pub fn nth_key_id(index: usize) -> String {
    if index == 0 { KEY_ID.to_owned() } else { format!("{KEY_ID}-{}", index + 1) }
}

fn is_admin_key(id: &str) -> bool {
    let number = id.strip_prefix(KEY_ID).and_then(|rest| rest.strip_prefix('-')).and_then(|text| text.parse().ok());
    id == KEY_ID || number.is_some_and(|number: u16| number > 1)
}

fn parse_basic_header(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.trim().split_once(' ')?;
    // The API also takes bearer tokens, for reads only. The sandbox does not emulate them.
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// The value of an `Authorization` header for this key.
pub fn basic_authorization(key_id: &str, key_secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{key_id}:{key_secret}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorization_header_is_basic_auth_in_base64() {
        assert_eq!(basic_authorization("aladdin", "open sesame"), "Basic YWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        let parsed = |header| parse_basic_header(header);
        assert_eq!(parsed("basic YTpi"), Some(("a".to_owned(), "b".to_owned())));
        assert_eq!(parsed("Basic Y?pi"), None);
        assert_eq!(parsed("Basic YWI="), None, "there is no colon");
    }

    #[test]
    fn only_known_keys_are_accepted() {
        assert_eq!(authenticate_header(None).unwrap_err().status, 401);
        assert_eq!(authenticate_header(Some("Bearer abc")).unwrap_err().status, 401);
        assert_eq!(authenticate_header(Some("Basic YTpi")).unwrap_err().status, 401);
        assert_eq!(
            authenticate_header(Some(&basic_authorization(KEY_ID, KEY_SECRET))),
            Ok(SandboxKey { id: KEY_ID.to_owned(), can_write: true })
        );
        let second = basic_authorization(&nth_key_id(1), KEY_SECRET);
        assert_eq!(authenticate_header(Some(&second)).unwrap().id, "sandbox-key-2");
        for unknown in ["sandbox-key-", "sandbox-key-1", "sandbox-key-x", "sandbox-keys"] {
            let header = basic_authorization(unknown, KEY_SECRET);
            assert_eq!(authenticate_header(Some(&header)).unwrap_err().status, 401, "{unknown}");
        }
        let read_only = basic_authorization(READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET);
        let key = SandboxKey { id: READ_ONLY_KEY_ID.to_owned(), can_write: false };
        assert_eq!(authenticate_header(Some(&read_only)), Ok(key));
    }
}
