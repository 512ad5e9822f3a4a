//! The transport over the network.

use std::error::Error as _;
use std::io;
use std::iter::successors;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Url, redirect, retry};
use secrecy::{ExposeSecret, SecretString};

use crate::error::Error;
use crate::routes::API_VERSION;
use crate::transport::{ApiRequest, ApiResponse, Method, ResponseFuture, Transport, TransportError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

// A list of thousands of pipes is shorter. The limit bounds memory: parsed JSON of many small values takes up to
// seventy times the length of its text.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

const RATE_LIMIT_RESET: &str = "x-ratelimit-reset";

/// An API key. Every request carries it as HTTP Basic authentication.
#[derive(Clone, Debug)]
pub struct ApiCredentials {
    /// The environment variable of the id, which names the key in messages.
    pub variable: String,
    /// The id of the API key.
    pub key_id: String,
    /// Its secret.
    pub secret: SecretString,
}

/// Sends requests over TLS; over plain HTTP only to a loopback address.
pub struct HttpTransport {
    client: reqwest::Client,
    base_url: String,
    credentials: ApiCredentials,
}

impl HttpTransport {
    /// Prepares requests to `api_url`, with or without `/v1` at its end. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] if the URL is not usable, or the system has no CA certificates.
    pub fn new(api_url: &str, credentials: ApiCredentials) -> Result<Self, Error> {
        let base = parse_api_url(api_url).map_err(|reason| Error::Setup(format!("API URL: {reason}")))?;
        // An error means that the process has a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .user_agent(concat!("pipectl/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirected POST would be followed as a GET, whose answer would look like a success of the POST.
            .redirect(redirect::Policy::none())
            // The library would repeat requests without counting them against the rate limit.
            .retry(retry::never());
        // Plain HTTP goes to this machine: a proxy cannot reach it, and a system without CA certificates can run it.
        let local = base.starts_with("http:");
        let builder = if local { builder.no_proxy().tls_certs_only([]) } else { builder };
        let client = builder.build().map_err(|error| Error::Setup(tls_setup_message(&error)))?;
        Ok(Self { client, base_url: base, credentials })
    }

    async fn exchange_request(&self, request: ApiRequest) -> Result<ApiResponse, TransportError> {
        let url = format!("{}{}", self.base_url, request.path);
        let ApiCredentials { key_id: key, secret, .. } = &self.credentials;
        let mut builder =
            self.client.request(to_reqwest_method(request.method), url).basic_auth(key, Some(secret.expose_secret()));
        if let Some(body) = &request.body {
            let json = "application/json; charset=utf-8";
            builder = builder.header(CONTENT_TYPE, json).body(body.expose_bytes().to_vec());
        }
        let mut response = builder.send().await.map_err(to_transport_error)?;
        // Not `bytes()`: that would read the whole response before its length is known.
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(to_transport_error)? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(TransportError::AnswerLost("the answer is too long".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(ApiResponse { status: response.status().as_u16(), headers: relevant_headers(response.headers()), body })
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: ApiRequest) -> ResponseFuture<'_> {
        Box::pin(self.exchange_request(request))
    }

    fn key_name(&self) -> Option<&str> {
        Some(&self.credentials.variable)
    }

    fn carried_secrets(&self) -> Vec<SecretString> {
        vec![self.credentials.secret.clone()]
    }
}

fn relevant_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    [CONTENT_TYPE.as_str(), DATE.as_str(), RETRY_AFTER.as_str(), RATE_LIMIT_RESET]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), headers.get(name)?.to_str().ok()?.to_owned())))
        .collect()
}

fn to_reqwest_method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn to_transport_error(error: reqwest::Error) -> TransportError {
    // Only these two kinds of error come before the request is sent. Any other, including a timeout, may come after it
    // arrived.
    let unsent = error.is_connect() || error.is_builder();
    let untrusted = successors(error.source(), |&cause| cause.source()).any(is_about_certificate);
    let reason = error_chain(&error.without_url());
    match (untrusted, unsent) {
        (true, _) => TransportError::Untrusted(reason),
        (false, true) => TransportError::NotSent(reason),
        (false, false) => TransportError::AnswerLost(reason),
    }
}

fn is_about_certificate(cause: &(dyn std::error::Error + 'static)) -> bool {
    // The error of rustls is wrapped in an I/O error, whose `source` skips the error that it wraps.
    match (cause.downcast_ref::<io::Error>(), cause.downcast_ref()) {
        (Some(io), _) => io.get_ref().is_some_and(|wrapped| is_about_certificate(wrapped)),
        (None, Some(rustls::Error::InvalidCertificate(_))) => true,
        (None, _) => false,
    }
}

fn tls_setup_message(error: &reqwest::Error) -> String {
    format!(
        "TLS cannot be set up: {}; it needs the system's CA certificates (package \
         `ca-certificates`, or `SSL_CERT_FILE`)",
        error_chain(error)
    )
}

/// The error and its causes. The library's own text contains only the outermost.
fn error_chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors already end in the text of their cause.
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// The address of the API without its version.
///
/// # Errors
/// If it is not an address, or if requests to it would show the key to others. The error is the reason.
pub fn parse_api_url(api_url: &str) -> Result<String, String> {
    let url = Url::parse(api_url.trim()).map_err(|error| error.to_string())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain credentials".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not contain a query or a fragment".to_owned());
    }
    match url.scheme() {
        "https" => {}
        // Basic authentication sends the key itself with each request: in plain text, anyone on the network path can
        // read it.
        "http" if is_loopback(&url) => {}
        "http" => return Err("plain `http` is only allowed to this machine".to_owned()),
        other => return Err(format!("`{other}` is not `https`")),
    }
    // Both forms are in use: the official Terraform provider's URL ends in the version, the CLI's does not.
    let text = url.as_str().trim_end_matches('/');
    Ok(text.strip_suffix(API_VERSION).unwrap_or(text).trim_end_matches('/').to_owned())
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::thread::JoinHandle;

    use super::{
        ApiCredentials, ApiRequest, ApiResponse, HttpTransport, MAX_BODY_BYTES, Method, Transport, TransportError,
        parse_api_url,
    };
    use crate::client::{Client, RequestSpec};
    use crate::secret::literal_body;
    use crate::settings::RemoteSettings;
    use crate::transport::RequestBody;

    /// Answers one connection with these bytes, and returns the request.
    fn server(answer: impl AsRef<[u8]> + Send + 'static) -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/", listener.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            let mut chunk = [0; 4096];
            while !String::from_utf8_lossy(&asked).contains('}') {
                let read = stream.read(&mut chunk).unwrap();
                asked.extend_from_slice(&chunk[..read]);
            }
            // The client closes the connection when the answer is too long.
            let _ = stream.write_all(answer.as_ref());
            String::from_utf8(asked).unwrap()
        });
        (url, asked)
    }

    async fn send(url: &str) -> Result<ApiResponse, TransportError> {
        let credentials =
            ApiCredentials { variable: "KEY".to_owned(), key_id: "key".to_owned(), secret: "canary".into() };
        let body = Some(RequestBody::new(&serde_json::json!({"name": "orders"})));
        let request = ApiRequest { method: Method::Patch, path: "/v1/x".to_owned(), body };
        HttpTransport::new(url, credentials).unwrap().send(request).await
    }

    #[tokio::test]
    async fn request_and_response_are_transmitted_completely() {
        let (url, asked) = server(
            "HTTP/1.1 429 Too Many\r\ncontent-type: text/x\r\nX-RateLimit-Reset: 2.5\r\n\
             set-cookie: a=b\r\ncontent-length: 2\r\n\r\nno",
        );
        let response = send(&url).await.unwrap();
        assert_eq!((response.status, response.body.as_slice()), (429, &b"no"[..]));
        assert_eq!(response.header("content-type"), Some("text/x"));
        assert_eq!(response.header("x-ratelimit-reset"), Some("2.5"));
        assert_eq!(response.headers.len(), 2);
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("PATCH /v1/x HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("authorization: Basic a2V5OmNhbmFyeQ==\r\n"), "{asked}");
        assert!(asked.ends_with("{\"name\":\"orders\"}"), "{asked}");
    }

    #[tokio::test]
    async fn echoed_credentials_are_redacted_from_errors() {
        let said = r#"{"error": "no: Basic a2V5OmNhbmFyeS0yMg==, key:canary-22"}"#;
        let length = said.len();
        let head = "HTTP/1.1 400 Bad Request\r\ncontent-length";
        let (url, _) = server(format!("{head}: {length}\r\n\r\n{said}"));
        let credentials =
            ApiCredentials { variable: "KEY".to_owned(), key_id: "key".to_owned(), secret: "canary-22".into() };
        let http = Arc::new(HttpTransport::new(&url, credentials).unwrap());
        let client = Client::new(vec![http], &RemoteSettings::default());
        let body = literal_body(&serde_json::json!({}));
        let error = client.send(RequestSpec::new(Method::Post, "/v1/x").with_body(&body)).await.unwrap_err();
        insta::assert_snapshot!(error, @"POST /v1/x: 400 no: Basic a2V5Om[redacted]g==, key:[redacted]");
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let (url, _) = server("HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(send(&url).await.unwrap().status, 302);
    }

    #[tokio::test]
    async fn interrupted_response_differs_from_unsent_request() {
        let (url, asked) = server("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{");
        let error = send(&url).await.unwrap_err();
        assert!(matches!(error, TransportError::AnswerLost(_)), "{error}");
        asked.join().unwrap();
        let error = send(&url).await.unwrap_err();
        assert!(matches!(error, TransportError::NotSent(_)), "{error}");
        assert!(!error.reason().contains("/v1/x"), "{error}");
    }

    #[tokio::test]
    async fn response_size_is_limited() {
        let answer = |length: usize| {
            let mut answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
            answer.resize(answer.len() + length, b' ');
            answer
        };
        let (url, _) = server(answer(MAX_BODY_BYTES));
        assert_eq!(send(&url).await.unwrap().body.len(), MAX_BODY_BYTES);
        let (url, _) = server(answer(MAX_BODY_BYTES + 1));
        let error = send(&url).await.unwrap_err();
        assert!(matches!(error, TransportError::AnswerLost(_)), "{error}");
        assert_eq!(error.reason(), "the answer is too long");
    }

    #[test]
    fn api_url_may_include_the_version() {
        let api = Ok("https://api.clickhouse.cloud".to_owned());
        for given in ["", "/", "/v1", "/v1/"] {
            assert_eq!(parse_api_url(&format!("https://api.clickhouse.cloud{given}")), api);
        }
        assert_eq!(parse_api_url("https://proxy.test/a/v1"), Ok("https://proxy.test/a".to_owned()));
    }

    #[test]
    fn api_url_must_be_https_or_local() {
        for local in ["http://127.0.0.1:8123", "http://localhost:1", "http://[::1]:1"] {
            assert_eq!(parse_api_url(local), Ok(local.to_owned()));
        }
        let refused = |url: &str| parse_api_url(url).unwrap_err();
        insta::assert_snapshot!(refused("http://127.0.0.1.evil.test/v1"), @"plain `http` is only allowed to this machine");
        insta::assert_snapshot!(refused("http://0.0.0.0/"), @"plain `http` is only allowed to this machine");
        insta::assert_snapshot!(refused("https://user:pw@api.test/"), @"must not contain credentials");
        insta::assert_snapshot!(refused("https://api.test/?x=1"), @"must not contain a query or a fragment");
        insta::assert_snapshot!(refused("ftp://api.test/"), @"`ftp` is not `https`");
        insta::assert_snapshot!(refused("api.test"), @"relative URL without a base");
    }
}
