use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::server::serve_world;
use crate::{FaultEffect, KEY_ID, KEY_SECRET, ORGANIZATION, SandboxOptions, World, basic_authorization};

/// The response as a plain HTTP/1.1 client reads it; empty if the connection is cut.
async fn raw_http_exchange(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A cut connection may end in an error; what came before it counts.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

fn get_request_text(path: &str) -> String {
    let authorization = basic_authorization(KEY_ID, KEY_SECRET);
    format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: {authorization}\r\n\r\n"
    )
}

#[tokio::test]
async fn server_responds_cuts_connections_and_stops() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut world = World::new(SandboxOptions::default());
    world.ensure_service("analytics");
    let world = Arc::new(Mutex::new(world));
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async { drop(stopped.await) };
    let serving = tokio::spawn(serve_world(listener, Arc::clone(&world), 1.0, shutdown));

    let path = format!("/v1/organizations/{ORGANIZATION}/services");
    let answer = raw_http_exchange(address, &get_request_text(&path)).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains(r#""name":"analytics""#), "{answer}");
    let anonymous = "GET /v1/organizations HTTP/1.1\r\nhost: 127.0.0.1:80\r\nconnection: close\r\n\r\n";
    assert!(raw_http_exchange(address, anonymous).await.starts_with("HTTP/1.1 401"));

    world.lock().unwrap().fault_script().add_once("GET", "*", FaultEffect::CutAfterCommit);
    assert_eq!(raw_http_exchange(address, &get_request_text(&path)).await, "");
    assert!(raw_http_exchange(address, &get_request_text("/_sandbox/journal")).await.contains(r#""answered":false"#));

    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert_eq!(world.lock().unwrap().request_log().len(), 3);
}

/// The status of the answer, and nothing of its body.
async fn answered_status(address: std::net::SocketAddr, head: &str, body: &str) -> String {
    let request = format!("{head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let answer = raw_http_exchange(address, &request).await;
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// A page in the developer's browser reaches loopback, too.
#[tokio::test]
async fn web_pages_are_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let world = Arc::new(Mutex::new(World::new(SandboxOptions::default())));
    tokio::spawn(serve_world(listener, Arc::clone(&world), 1.0, std::future::pending()));
    let journal = "GET /_sandbox/journal HTTP/1.1\r\nhost: ";
    for (host, status) in [
        ("localhost:1", "200"),
        ("[::1]:1", "200"),
        ("127.0.0.2", "200"),
        ("evil.example.com", "421"),
        ("127.0.0.1.evil.example.com:80", "421"),
        ("", "421"),
    ] {
        assert_eq!(answered_status(address, &format!("{journal}{host}"), "").await, status, "{host}");
    }
    for (origin, status) in [("http://localhost:1", "200"), ("http://localhost:2", "403"), ("null", "403")] {
        let head = format!("{journal}localhost:1\r\norigin: {origin}");
        assert_eq!(answered_status(address, &head, "").await, status, "{origin}");
    }
    let advance = "POST /_sandbox/advance HTTP/1.1\r\nhost: localhost\r\ncontent-type: ";
    for (content_type, status) in [("text/plain", "415"), ("application/json", "200")] {
        let answer = answered_status(address, &format!("{advance}{content_type}"), r#"{"seconds": 1}"#).await;
        assert_eq!(answer, status, "{content_type}");
    }
}

/// The answer comes though the body never does.
#[tokio::test]
async fn body_is_not_read_without_a_key() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let world = Arc::new(Mutex::new(World::new(SandboxOptions::default())));
    tokio::spawn(serve_world(listener, Arc::clone(&world), 1.0, std::future::pending()));
    let head =
        "POST /v1/organizations/x/services/y/clickpipes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n";
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 401");
}
