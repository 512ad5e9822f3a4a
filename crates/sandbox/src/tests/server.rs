use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::server::serve;
use crate::{Effect, KEY_ID, KEY_SECRET, ORGANIZATION, Options, World, basic_authorization};

/// What a bare HTTP/1.1 client gets back; nothing when the connection is cut.
async fn exchange(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A cut connection may end in an error; what came before it counts.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

fn get(path: &str) -> String {
    let authorization = basic_authorization(KEY_ID, KEY_SECRET);
    format!(
        "GET {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\n\
         authorization: {authorization}\r\n\r\n"
    )
}

#[tokio::test]
async fn loopback_server_answers_cuts_and_stops() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut world = World::new(Options::default());
    world.ensure_service("analytics");
    let world = Arc::new(Mutex::new(world));
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async { drop(stopped.await) };
    let serving = tokio::spawn(serve(listener, Arc::clone(&world), 1.0, shutdown));

    let path = format!("/v1/organizations/{ORGANIZATION}/services");
    let answer = exchange(address, &get(&path)).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains(r#""name":"analytics""#), "{answer}");
    let anonymous = "GET /v1/organizations HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert!(exchange(address, anonymous).await.starts_with("HTTP/1.1 401"));

    world.lock().unwrap().faults().once("GET", "*", Effect::CutAfterCommit);
    assert_eq!(exchange(address, &get(&path)).await, "");
    assert!(exchange(address, &get("/_sandbox/journal")).await.contains(r#""answered":false"#));

    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert_eq!(world.lock().unwrap().journal().len(), 3);
}
