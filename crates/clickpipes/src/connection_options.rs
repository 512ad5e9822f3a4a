//! The options of the URI of a database that a reviewer must see: those that weaken TLS, and a proxy.

use percent_encoding::percent_decode_str;

use crate::secrets::host::SecretHost;

/// Whether a URI turns off TLS, or the check of its certificate.
pub(crate) fn weakens_tls(uri: &str) -> bool {
    uri_options(uri).iter().any(|(name, value)| match name.as_str() {
        "tls" | "ssl" => value != "true",
        // `tlsInsecure`, `tlsAllowInvalidCertificates`, `tlsDisableOCSPEndpointCheck` and their old names.
        name if name.starts_with("tls") || name.starts_with("ssl") => {
            ["insecure", "allowinvalid", "disable"].iter().any(|word| name[3..].starts_with(word)) && value != "false"
        }
        _ => false,
    })
}

/// The proxy of the database connection: it receives the secrets.
pub(crate) fn proxy_host(uri: &str) -> Vec<SecretHost> {
    let options = uri_options(uri);
    let port = options.iter().find(|(name, _)| name == "proxyport").map(|(_, port)| format!(":{port}"));
    let hosts = options.iter().filter(|(name, _)| name == "proxyhost");
    hosts
        .flat_map(|(_, host)| SecretHost::from_list(&format!("{host}{}", port.as_deref().unwrap_or_default())))
        .collect()
}

/// Names and values in lower case, as drivers compare them.
fn uri_options(uri: &str) -> Vec<(String, String)> {
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().trim().to_ascii_lowercase();
    let pairs = query.split(['&', ';', '#']).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::{proxy_host, weakens_tls};

    #[test]
    fn options_that_weaken_tls_are_found() {
        for options in [
            "tls=false",
            "w=1&ssl=false",
            "TLS=False",
            "t%6cs=false",
            "tlsInsecure=true",
            "tlsAllowInvalidCertificates=true",
            "a=b;tlsAllowInvalidHostnames=true",
            "sslAllowInvalidCertificates=true",
            "tlsDisableOCSPEndpointCheck=true",
        ] {
            assert!(weakens_tls(&format!("mongodb://a.example/?{options}")), "{options}");
        }
        for options in ["", "tls=true", "ssl=true&w=1", "tlsInsecure=false", "tlsCAFile=/ca.pem", "appName=tls%3Dfalse"]
        {
            assert!(!weakens_tls(&format!("mongodb://a.example/?{options}")), "{options}");
        }
    }

    #[test]
    fn proxy_is_a_receiver() {
        let hosts = |uri: &str| proxy_host(uri).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(hosts("mongodb://a/?proxyHost=Evil.example&proxyPort=1080"), ["evil.example:1080"]);
        assert_eq!(hosts("mongodb://a/?w=1&proxy%48ost=evil.example"), ["evil.example"]);
        assert_eq!(hosts("mongodb://a/?w=1"), [""; 0]);
    }
}
