//! A world on a loopback socket.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, State};
use axum::http::{Request as HttpRequest, Response as HttpResponse, StatusCode, header};
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::body::LARGEST_BODY;
use crate::message::{Fate, Request, Response};
use crate::world::World;

/// Serves `world` until `shutdown` is through. Virtual time passes with real time, `speed` times
/// as fast; keeping the world is the caller's business.
pub async fn serve(
    listener: TcpListener,
    world: Arc<Mutex<World>>,
    speed: f64,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let clock = Arc::new(Mutex::new(Instant::now()));
    let router = Router::new().fallback(answer).with_state(Served { world, clock, speed });
    let service = router.into_make_service_with_connect_info::<Scissors>();
    axum::serve(SeverableListener(listener), service).with_graceful_shutdown(shutdown).await
}

#[derive(Clone)]
struct Served {
    world: Arc<Mutex<World>>,
    /// Up to when real time was added to the virtual clock.
    clock: Arc<Mutex<Instant>>,
    speed: f64,
}

async fn answer(
    State(served): State<Served>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: HttpRequest<Body>,
) -> HttpResponse<Body> {
    let Some(request) = take_apart(request).await else {
        return status_only(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let response = served.handle(&request);
    if response.took > Duration::ZERO {
        sleep(scaled(response.took, served.speed.recip())).await;
    }
    if response.fate == Fate::CutBeforeAnswer {
        scissors.cut();
    }
    put_together(response)
}

impl Served {
    fn handle(&self, request: &Request) -> Response {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = last.elapsed();
        *last += passed;
        world.advance(scaled(passed, self.speed));
        world.handle(request)
    }
}

/// A duration times a factor; nothing when that makes no sense.
fn scaled(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::ZERO)
}

async fn take_apart(request: HttpRequest<Body>) -> Option<Request> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST_BODY).await.ok()?;
    let authorization = parts.headers.get(header::AUTHORIZATION);
    Some(Request {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        authorization: authorization.and_then(|it| it.to_str().ok()).map(str::to_owned),
        body: body.to_vec(),
    })
}

fn put_together(response: Response) -> HttpResponse<Body> {
    let mut builder = HttpResponse::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    let body = Body::from(response.body);
    builder.body(body).unwrap_or_else(|_| status_only(StatusCode::INTERNAL_SERVER_ERROR))
}

fn status_only(status: StatusCode) -> HttpResponse<Body> {
    let mut response = HttpResponse::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Cuts one connection: what is written to it from then on fails.
#[derive(Debug, Clone, Default)]
struct Scissors(Arc<AtomicBool>);

impl Scissors {
    fn cut(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn have_cut(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Connected<IncomingStream<'_, SeverableListener>> for Scissors {
    fn connect_info(stream: IncomingStream<'_, SeverableListener>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A listener whose connections can be cut before the answer.
struct SeverableListener(TcpListener);

impl Listener for SeverableListener {
    type Io = Severable;
    type Addr = Scissors;

    async fn accept(&mut self) -> (Severable, Scissors) {
        let (stream, _) = Listener::accept(&mut self.0).await;
        let scissors = Scissors::default();
        (Severable { stream, scissors: scissors.clone() }, scissors)
    }

    fn local_addr(&self) -> io::Result<Scissors> {
        Ok(Scissors::default())
    }
}

struct Severable {
    stream: TcpStream,
    scissors: Scissors,
}

impl AsyncRead for Severable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Severable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.scissors.have_cut() {
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
