//! Serves a world on a loopback socket.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderName, Method, Request as HttpRequest, Response as HttpResponse, StatusCode, header};
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::admin_api::ADMIN_PREFIX;
use crate::auth::authenticate_header;
use crate::http_types::{Delivery, SandboxRequest, SandboxResponse};
use crate::json_body::MAX_BODY_BYTES;
use crate::routes::normalize_path;
use crate::world::World;

/// Serves `world` until `shutdown` completes. Virtual time passes with real time, `speed` times as
/// fast. The caller saves the world.
pub async fn serve_world(
    listener: TcpListener,
    world: Arc<Mutex<World>>,
    speed: f64,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let clock = Arc::new(Mutex::new(Instant::now()));
    let router = Router::new().fallback(answer_request).with_state(ServerState { world, clock, speed });
    let service = router.into_make_service_with_connect_info::<CutSwitch>();
    axum::serve(CutListener(listener), service).with_graceful_shutdown(shutdown).await
}

#[derive(Clone)]
struct ServerState {
    world: Arc<Mutex<World>>,
    /// The real time of the last update of the virtual clock.
    clock: Arc<Mutex<Instant>>,
    speed: f64,
}

async fn answer_request(
    State(state): State<ServerState>,
    ConnectInfo(cut_switch): ConnectInfo<CutSwitch>,
    request: HttpRequest<Body>,
) -> HttpResponse<Body> {
    let request = match parse_request(request).await {
        Ok(request) => request,
        Err(status) => return status_response(status),
    };
    let response = state.handle_request(&request);
    // Outside of the lock of the world: a slow response must not block other requests.
    if response.delay > Duration::ZERO {
        sleep(scale_duration(response.delay, state.speed.recip())).await;
    }
    if response.delivery == Delivery::CutBeforeAnswer {
        cut_switch.cut_connection();
    }
    build_response(response)
}

impl ServerState {
    fn handle_request(&self, request: &SandboxRequest) -> SandboxResponse {
        // A panic in another request does not end the sandbox: the world stays as that request left it.
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = last.elapsed();
        *last += passed;
        world.advance_clock(scale_duration(passed, self.speed));
        world.handle_request(request)
    }
}

/// Zero if the result cannot be represented, as for a speed of 0.
fn scale_duration(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::ZERO)
}

async fn parse_request(request: HttpRequest<Body>) -> Result<SandboxRequest, StatusCode> {
    let (parts, body) = request.into_parts();
    refuse_web_pages(&parts)?;
    let authorization = header_text(&parts, header::AUTHORIZATION);
    // A body without a valid key is not read: the answer is 401 anyway.
    let is_known = is_admin_path(&parts) || authenticate_header(authorization).is_ok();
    let body = if is_known { to_bytes(body, MAX_BODY_BYTES).await } else { Ok(Bytes::new()) };
    Ok(SandboxRequest {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        authorization: authorization.map(str::to_owned),
        body: body.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?.to_vec(),
    })
}

// Any web page that is open in a browser of this machine can send requests to loopback. The browser sends
// along the page's `Origin` and the `Host` name that the page used.
fn refuse_web_pages(parts: &Parts) -> Result<(), StatusCode> {
    // A domain of an attacker may resolve to 127.0.0.1 (DNS rebinding); then the page has the same origin.
    let host = header_text(parts, header::HOST).unwrap_or_default();
    if !is_loopback_host(host) {
        return Err(StatusCode::MISDIRECTED_REQUEST);
    }
    let origin = header_text(parts, header::ORIGIN);
    if origin.is_some_and(|origin| origin.strip_prefix("http://") != Some(host)) {
        return Err(StatusCode::FORBIDDEN);
    }
    // The admin paths need no key. For JSON the browser asks first (CORS), and the server does not answer that.
    let is_json = || header_text(parts, header::CONTENT_TYPE).is_some_and(|it| it.starts_with("application/json"));
    if is_admin_path(parts) && parts.method == Method::POST && !is_json() {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    Ok(())
}

fn header_text(parts: &Parts, name: HeaderName) -> Option<&str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_admin_path(parts: &Parts) -> bool {
    normalize_path(parts.uri.path()).starts_with(ADMIN_PREFIX)
}

fn is_loopback_host(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn build_response(response: SandboxResponse) -> HttpResponse<Body> {
    let mut builder = HttpResponse::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    let body = Body::from(response.body);
    builder.body(body).unwrap_or_else(|_| status_response(StatusCode::INTERNAL_SERVER_ERROR))
}

fn status_response(status: StatusCode) -> HttpResponse<Body> {
    let mut response = HttpResponse::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Makes all further writes to one connection fail.
#[derive(Debug, Clone, Default)]
struct CutSwitch(Arc<AtomicBool>);

impl CutSwitch {
    fn cut_connection(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is_cut(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Connected<IncomingStream<'_, CutListener>> for CutSwitch {
    fn connect_info(stream: IncomingStream<'_, CutListener>) -> Self {
        stream.remote_addr().clone()
    }
}

// axum can only answer a request or close the connection in an orderly way. A broken connection needs a
// stream of our own.
struct CutListener(TcpListener);

impl Listener for CutListener {
    type Io = CutStream;
    type Addr = CutSwitch;

    async fn accept(&mut self) -> (CutStream, CutSwitch) {
        let (stream, _) = Listener::accept(&mut self.0).await;
        let cut_switch = CutSwitch::default();
        (CutStream { stream, cut_switch: cut_switch.clone() }, cut_switch)
    }

    fn local_addr(&self) -> io::Result<CutSwitch> {
        Ok(CutSwitch::default())
    }
}

struct CutStream {
    stream: TcpStream,
    cut_switch: CutSwitch,
}

impl AsyncRead for CutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for CutStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.cut_switch.is_cut() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
