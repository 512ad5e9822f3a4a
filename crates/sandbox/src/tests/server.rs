use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::server::serve_world;
use crate::{FaultEffect, KEY_ID, KEY_SECRET, ORGANIZATION, SandboxOptions, World, basic_authorization};

/// What a bare HTTP/1.1 client gets back; nothing when the connection is cut.
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
        "GET {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\n\
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
    let anonymous = "GET /v1/organizations HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert!(raw_http_exchange(address, anonymous).await.starts_with("HTTP/1.1 401"));

    world.lock().unwrap().fault_script().add_once("GET", "*", FaultEffect::CutAfterCommit);
    assert_eq!(raw_http_exchange(address, &get_request_text(&path)).await, "");
    assert!(raw_http_exchange(address, &get_request_text("/_sandbox/journal")).await.contains(r#""answered":false"#));

    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert_eq!(world.lock().unwrap().request_log().len(), 3);
}
