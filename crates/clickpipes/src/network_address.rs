//! Normalizes hosts, lists of hosts, URLs and places in buckets. For comparisons only.
//
// RFC 3986 treats these as equal: the case of scheme and host, the port that the scheme implies, the dot of the root,
// escapes of characters that need none, the forms of an IPv6 address. User, path and query keep their case, because it
// may matter there.

use url::Host;

/// `DB.example.com.` is `db.example.com`, `[0:0::1]` is `[::1]`. A text that is not a host is unchanged.
pub(crate) fn canonical_host(host: &str) -> String {
    let host = host.trim();
    if host.contains(char::is_whitespace) {
        return host.to_owned();
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let address =
        if name.matches(':').count() > 1 && !name.starts_with('[') { format!("[{name}]") } else { name.into() };
    match Host::parse(&address) {
        // A `%` in a host is an ordinary character. Only a URL has escapes, and they are decoded by now.
        _ if name.contains('%') => name.to_lowercase(),
        // `010.0.0.1` is 8.0.0.1 in a browser and 10.0.0.1 or a name elsewhere; so are `0x7f.1` and `2130706433`.
        Ok(Host::Ipv4(_)) | Err(_) => name.to_lowercase(),
        Ok(host) => host.to_string(),
    }
}

/// A host and its port, both normalized. A port that is not a number stays in the name, and makes it invalid.
pub(crate) fn canonical_name_and_port(text: &str) -> (String, Option<u16>) {
    let (name, port) = split_port(text.trim());
    let name = canonical_host(name);
    match port {
        "" => (name, None),
        _ if !port.bytes().all(|byte| byte.is_ascii_digit()) => (format!("{name}:{port}"), None),
        _ => match port.parse() {
            Ok(number) => (name, Some(number)),
            Err(_) => (format!("{name}:{port}"), None),
        },
    }
}

/// `HOST:PORT`. An IPv6 address has several colons, and without brackets no port.
pub(crate) fn split_port(text: &str) -> (&str, &str) {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port),
        _ => (text, ""),
    }
}

/// Hosts with or without ports, with commas between them, in no order.
pub(crate) fn canonical_hosts(list: &str) -> String {
    sorted_hosts(list, None)
}

/// Whether two locations of a source are the same: `HOST:PORT`, several of them, or one with a path such as
/// `HOST:PORT/DATABASE`. One common broker means the same cluster.
pub(crate) fn is_same_location(one: &str, other: &str) -> bool {
    let [own, others] = [one, other].map(|place| place.split_at(place.find('/').unwrap_or(place.len())));
    let hosts = canonical_hosts(own.0);
    own.1 == others.1 && canonical_hosts(others.0).split(',').any(|host| hosts.split(',').any(|it| it == host))
}

/// What Google Cloud writes before `projects/PROJECT/subscriptions/NAME`.
const PUBSUB_PREFIXES: [&str; 2] = ["//pubsub.googleapis.com/", "https://pubsub.googleapis.com/v1/"];

/// A URL, without a slash at its end, or the name of a resource of Pub/Sub.
pub(crate) fn canonical_url(url: &str) -> String {
    let url = canonical_address(url);
    let name = PUBSUB_PREFIXES.iter().find_map(|prefix| url.strip_prefix(prefix)).unwrap_or(&url);
    name.trim_end_matches('/').to_owned()
}

/// `s3://BUCKET/KEY` or `gs://BUCKET/KEY` for every URL of that object.
//
// ClickHouse itself maps `s3://` and `gs://` to these addresses (`url_scheme_mappers`). A bucket name is unique in all
// regions of AWS, so the region in the address does not matter.
pub(crate) fn canonical_storage_url(url: &str) -> String {
    let url = canonical_address(url);
    let Some((host, key)) = url.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else { return url };
    let (scheme, bucket) = if host == "storage.googleapis.com" {
        ("gs", None)
    } else if let Some(bucket) = host.strip_suffix(".storage.googleapis.com") {
        ("gs", Some(bucket))
    } else if is_s3_endpoint(host) {
        ("s3", None)
    } else if let Some((bucket, _)) =
        host.rsplit_once(".s3.").filter(|(bucket, _)| is_s3_endpoint(&host[bucket.len() + 1..]))
    {
        ("s3", Some(bucket))
    } else {
        return url;
    };
    bucket.map_or_else(|| format!("{scheme}://{key}"), |bucket| format!("{scheme}://{bucket}/{key}"))
}

/// `s3.amazonaws.com`, or `s3.REGION.amazonaws.com`.
fn is_s3_endpoint(host: &str) -> bool {
    let region = host.strip_prefix("s3.").and_then(|rest| rest.strip_suffix("amazonaws.com"));
    region.is_some_and(|region| region.is_empty() || region.strip_suffix('.').is_some_and(|name| !name.contains('.')))
}

/// A text without `://` is unchanged.
fn canonical_address(url: &str) -> String {
    let Some(parts) = UrlParts::new(url) else { return url.to_owned() };
    if parts.hides_its_host() {
        return url.to_owned();
    }
    let UrlParts { scheme, login, hosts, path } = &parts;
    let at = if login.is_empty() { "" } else { "@" };
    let hosts = sorted_hosts(hosts, parts.default_port());
    // `http://h?q` is `http://h/?q`, and a database URI has no database either way.
    let path = match path.strip_prefix('/') {
        Some(rest) if rest.is_empty() || rest.starts_with(['?', '#']) => rest,
        _ => path,
    };
    format!("{scheme}://{login}{at}{hosts}{}", without_needless_escapes(path))
}

/// A URL, cut where RFC 3986 cuts it.
pub(crate) struct UrlParts<'u> {
    /// In lower case.
    scheme: String,
    /// The user, with or without a password.
    login: &'u str,
    /// With commas between them, and without needless escapes.
    pub(crate) hosts: String,
    /// Path, query and fragment.
    path: &'u str,
}

impl<'u> UrlParts<'u> {
    /// `None` without `://`.
    pub(crate) fn new(url: &'u str) -> Option<Self> {
        let (scheme, rest) = url.trim().split_once("://")?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        Some(Self { scheme: scheme.to_ascii_lowercase(), login, hosts: without_needless_escapes(hosts), path })
    }

    /// The port that the scheme implies.
    pub(crate) fn default_port(&self) -> Option<u16> {
        default_port(&self.scheme)
    }

    pub(crate) fn is_of_database(&self) -> bool {
        matches!(&*self.scheme, "mongodb" | "mongodb+srv")
    }

    /// A password with a slash in it: where the host begins is a guess.
    fn hides_its_host(&self) -> bool {
        self.login.is_empty() && self.path.contains('@') && self.is_of_database()
    }

    /// Whether all clients find the host at the same place.
    //
    // Browsers end a host at a backslash and drop tabs. Drivers of databases search for the last `@`, or for the first.
    pub(crate) fn is_clear(&self) -> bool {
        let is_odd = |text: &str| text.contains(|letter: char| letter == '\\' || letter == '@' || letter.is_control());
        let is_odd_login = is_odd(self.login) || self.path.contains('@') && self.is_of_database();
        !is_odd_login && !is_odd(&self.hosts)
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "mongodb" => Some(27_017),
        _ => None,
    }
}

fn sorted_hosts(list: &str, default_port: Option<u16>) -> String {
    let hosts = list.split(',').map(str::trim).filter(|host| !host.is_empty());
    let mut hosts: Vec<String> = hosts.map(|host| canonical_host_and_port(host, default_port)).collect();
    hosts.sort_unstable();
    hosts.join(",")
}

fn canonical_host_and_port(text: &str, default_port: Option<u16>) -> String {
    match canonical_name_and_port(text) {
        (host, Some(port)) if Some(port) != default_port => format!("{host}:{port}"),
        (host, _) => host,
    }
}

/// `%7e` is `~`, and `%2f` is `%2F`, which is not a slash.
fn without_needless_escapes(text: &str) -> String {
    let mut canonical = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        canonical.push_str(&rest[..at]);
        let byte = rest.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => canonical.push(char::from(byte)),
            Some(_) => canonical.push_str(&rest[at..at + 3].to_ascii_uppercase()),
            None => canonical.push('%'),
        }
        rest = &rest[at + if byte.is_some() { 3 } else { 1 }..];
    }
    canonical + rest
}

#[cfg(test)]
mod tests {
    use super::{canonical_host, canonical_hosts, canonical_storage_url, canonical_url, is_same_location};

    /// The texts of a row are equal after `canonical`, and differ from the last one.
    fn assert_spellings(canonical: fn(&str) -> String, rows: &[(&[&str], &[&str])]) {
        for (equal, other) in rows {
            for text in *equal {
                assert_eq!(canonical(text), canonical(equal[0]), "{text}");
                assert_eq!(canonical(&canonical(text)), canonical(text), "{text}");
            }
            for text in *other {
                assert_ne!(canonical(text), canonical(equal[0]), "{text}");
            }
        }
    }

    #[test]
    fn hosts_are_equal_in_any_case_with_a_root_dot_and_in_any_form_of_ipv6() {
        assert_spellings(
            canonical_host,
            &[
                (&["db.example.com", "DB.Example.COM", "db.example.com."], &["db.example.org", "db2.example.com"]),
                (&["::1", "[::1]", "0:0:0:0:0:0:0:1", "0000::0001"], &["::2"]),
                (&["2001:db8::A", "2001:DB8:0::a"], &["2001:db8::b"]),
                (&["*.example.com", "*.EXAMPLE.com"], &["example.com"]),
                (&["my_db", "MY_DB"], &["mydb"]),
                (&["8.0.0.1", "8.0.0.1."], &["010.0.0.1", "0x8.0.0.1", "8.1", "134217729", "%38.0.0.1"]),
                (&["endpoint Orders"], &["endpoint orders"]),
            ],
        );
    }

    #[test]
    fn lists_of_hosts_are_equal_in_any_order() {
        assert_spellings(
            canonical_hosts,
            &[
                (&["a.x:1,b:2", "B:2, A.x.:01", "b:2,a.x:1"], &["a.x:1", "a.x:2,b:2", "a.x:1,b"]),
                (&["[::1]:9092", "[0::1]:9092"], &["[::1]:9093", "::1"]),
            ],
        );
    }

    #[test]
    fn places_with_a_host_in_common_are_one() {
        for (one, other, is_same) in [
            ("db.x:5432/Shop", "DB.x.:5432/Shop", true),
            ("db.x:5432/Shop", "db.x:5432/shop", false),
            ("db.x:5432/Shop", "db.x:5433/Shop", false),
            ("a:1,b:2", "B:2", true),
            ("a:1,b:2", "c:2", false),
        ] {
            assert_eq!(is_same_location(one, other), is_same, "{one} {other}");
        }
    }

    #[test]
    fn urls_are_equal_with_the_port_of_their_scheme() {
        assert_spellings(
            canonical_url,
            &[
                (
                    &[
                        "https://r.example.com/Sub/%7Eme?Q=1",
                        "HTTPS://R.example.com:443/Sub/~me?Q=1",
                        "https://r.example.com.:0443/Sub/%7eme?%51=1",
                    ],
                    &[
                        "https://r.example.com:80/Sub/~me?Q=1",
                        "http://r.example.com/Sub/~me?Q=1",
                        "https://r.example.com/sub/~me?Q=1",
                        "https://r.example.com/Sub/~me?q=1",
                        "https://u@r.example.com/Sub/~me?Q=1",
                    ],
                ),
                (
                    &[
                        "projects/p-1/subscriptions/s",
                        "//pubsub.googleapis.com/projects/p-1/subscriptions/s",
                        "https://pubsub.googleapis.com/v1/projects/p-1/subscriptions/s",
                    ],
                    &["projects/P-1/subscriptions/s", "//storage.googleapis.com/projects/p-1/subscriptions/s"],
                ),
                (
                    &["https://r.example.com", "https://r.example.com/", "https://R.example.com:443/"],
                    &["https://r.example.com/a"],
                ),
                (&["http://h/a%2fb", "http://h:80/a%2Fb"], &["http://h/a/b", "http://h:443/a%2Fb"]),
                (&["https://[::1]:443/x", "https://[0:0::1]/x"], &["https://[::1]:8443/x"]),
                (&["https://User:Pw@h", "https://User:Pw@H:443"], &["https://user:Pw@h"]),
                (&["no url"], &["No url"]),
                (&["https://h/100%/%zz/é"], &["https://h/100%/%ZZ/é"]),
            ],
        );
    }

    #[test]
    fn database_uris_are_equal_with_other_spellings_of_their_hosts() {
        assert_spellings(
            canonical_url,
            &[
                (
                    &[
                        "mongodb://u:P@db1.example.com:27017,db2.example.com/Shop?w=1",
                        "mongodb://u:P@DB2.example.com:27017,DB1.example.com./Shop?w=1",
                    ],
                    &[
                        "mongodb://u:p@db1.example.com,db2.example.com/Shop?w=1",
                        "mongodb://u:P@db1.example.com,db2.example.com/shop?w=1",
                        "mongodb://u:P@db1.example.com:27018,db2.example.com/Shop?w=1",
                        "mongodb://u:P@db1.example.com/Shop?w=1",
                        "mongodb+srv://u:P@db1.example.com,db2.example.com/Shop?w=1",
                    ],
                ),
                (&["mongodb+srv://h", "mongodb+srv://H.", "mongodb+srv://h/"], &["mongodb+srv://h/a"]),
                (&["mongodb+srv://h?a=B", "mongodb+srv://H/?a=B"], &["mongodb+srv://h?a=b"]),
                (&["mongodb://u:p/w@H"], &["mongodb://u:P/w@H"]),
            ],
        );
    }

    #[test]
    fn storage_urls_of_one_object_are_equal() {
        assert_spellings(
            canonical_storage_url,
            &[
                (
                    &[
                        "gs://b/x/*.json",
                        "https://storage.googleapis.com/b/x/*.json",
                        "https://b.storage.googleapis.com:443/x/*.json",
                    ],
                    &["s3://b/x/*.json", "gs://b/X/*.json", "gs://c/x/*.json"],
                ),
                (
                    &[
                        "s3://b/x",
                        "https://b.s3.amazonaws.com/x",
                        "https://b.s3.eu-west-1.amazonaws.com./x",
                        "https://s3.amazonaws.com/b/x",
                        "https://s3.eu-west-1.amazonaws.com:443/b/%78",
                    ],
                    &["https://b.s3.example.com/x", "https://b.s3-accesspoint.eu-west-1.amazonaws.com/x"],
                ),
                (&["s3://my.bucket/x", "https://my.bucket.s3.eu-west-1.amazonaws.com/x"], &["s3://my/x"]),
                (
                    &[
                        "https://a.blob.core.windows.net/C/{a,b}/?.csv",
                        "https://A.blob.core.windows.net:443/C/{a,b}/?.csv",
                    ],
                    &["https://a.blob.core.windows.net/c/{a,b}/?.csv", "https://a.blob.core.windows.net/C/{a,b}/?.CSV"],
                ),
            ],
        );
    }
}
