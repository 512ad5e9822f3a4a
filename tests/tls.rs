//! The API is reached over TLS: a server that the system does not trust never sees the key.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::cli::{RunOutput, WorkDir};

/// Whoever signs the server's certificate.
struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, as `SSL_CERT_FILE` takes it.
    pem: String,
}

impl CertificateAuthority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut about = CertificateParams::default();
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = about.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(about, key), pem }
    }

    /// Lets a server of this name prove who it is.
    fn server_config_for(&self, name: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let about = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = about.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).unwrap())
    }
}

/// What `doctor` says of a server with this identity, and the requests that arrived there.
fn run_doctor_against(identity: Arc<ServerConfig>, trusted: &str) -> (RunOutput, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = spawn_tls_server(listener, identity);
    let desk = WorkDir::new();
    let authority = desk.write_file("authority.pem", trusted);
    let url = format!("https://localhost:{port}");
    let environment = [
        ("SSL_CERT_FILE", authority.to_str().unwrap()),
        ("CLICKHOUSE_CLOUD_API_KEY", "some-key"),
        ("CLICKHOUSE_CLOUD_API_SECRET", "some-secret"),
    ];
    let said = desk.run_with_env(&["doctor", "--api-url", &url], &environment);
    // One more, so that the server notices that nobody else comes.
    drop(std::net::TcpStream::connect(("127.0.0.1", port)));
    (said, server.join().unwrap())
}

/// Answers every request with one organization, until somebody comes and says nothing.
fn spawn_tls_server(listener: TcpListener, identity: Arc<ServerConfig>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut heard = String::new();
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            if stream.peek(&mut [0]).unwrap_or_default() == 0 {
                break;
            }
            let connection = ServerConnection::new(Arc::clone(&identity)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or_default();
            heard += &String::from_utf8_lossy(&request[..length]);
            let body = r#"{"status": 200, "result": [{"id": "one", "name": "Acme"}]}"#;
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        heard
    })
}

#[test]
fn server_with_a_trusted_certificate_is_used() {
    let authority = CertificateAuthority::new();
    let (said, heard) = run_doctor_against(authority.server_config_for("localhost"), &authority.pem);
    assert!(said.code == 0 && said.stdout.contains("Acme"), "{}", said.all_output());
    assert!(heard.contains("GET /v1/organizations HTTP/1.1\r\n"), "{heard}");
    assert!(heard.to_lowercase().contains("authorization: basic "), "{heard}");
}

#[test]
fn untrusted_server_never_receives_the_key() {
    let (stranger, trusted) = (CertificateAuthority::new(), CertificateAuthority::new());
    let (said, heard) = run_doctor_against(stranger.server_config_for("localhost"), &trusted.pem);
    assert!(said.code == 1 && said.stdout.contains("certificate"), "{}", said.all_output());
    assert_eq!(heard, "", "the key was sent");
}

#[test]
fn server_with_another_name_never_receives_the_key() {
    let authority = CertificateAuthority::new();
    let (said, heard) = run_doctor_against(authority.server_config_for("elsewhere.example.com"), &authority.pem);
    assert!(said.code == 1 && said.stdout.contains("certificate"), "{}", said.all_output());
    assert_eq!(heard, "", "the key was sent");
}
