//! Connections: how many there may be, and how long each may keep the agent waiting.
//!
//! Anybody may connect, so whoever only holds connections must not keep guests and customers out. Not here: the routes.

use super::{ApiError, Shared, router};
use axum::{
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures::StreamExt as _;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpListener,
    sync::Semaphore,
    task::JoinSet,
    time::{Sleep, sleep, timeout},
};

/// What strangers are granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most connections at a time from this host, where guests and a proxy are, and as many from elsewhere.
    pub connections: usize,
    /// Most questions of customers that are worked on at a time.
    pub requests: usize,
    /// How long the head of a request may take, and how long a connection may be without one.
    pub head: Duration,
    /// How long nothing may come of a body that is being received, and nothing be taken of an answer.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 256, requests: 64, head: Duration::from_secs(30), idle: Duration::from_secs(30) }
    }
}

/// Serves until the agent ends, and then the requests that run.
pub async fn serve(agent: Shared, listener: TcpListener, limits: Limits) {
    let router = router(agent.clone(), limits);
    let [near, far] = [(); 2].map(|()| Arc::new(Semaphore::new(limits.connections)));
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = tokio::select! {
            () = agent.stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(target: "blockcloud::agent", %error, "a connection cannot be accepted");
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let places = if peer.ip().to_canonical().is_loopback() { &near } else { &far };
        let Ok(place) = places.clone().try_acquire_owned() else {
            tracing::debug!(target: "blockcloud::agent", %peer, "too many connections: this one is closed");
            continue;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(target: "blockcloud::agent", %peer, %error, "answers may wait for each other");
        }
        let service = TowerToHyperService::new(router.clone());
        let stop = agent.stop.clone();
        connections.spawn(async move {
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(limits.head);
            let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(Patient::new(stream, limits.idle)), service));
            let served = tokio::select! {
                served = connection.as_mut() => served,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = served {
                tracing::debug!(target: "blockcloud::agent", %peer, %error, "a connection broke off");
            }
            drop(place);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Ends a body of which nothing comes for too long.
pub(super) async fn impatient(State(idle): State<Duration>, request: Request, next: Next) -> Response {
    let request = request.map(|body| {
        Body::from_stream(futures::stream::try_unfold(body.into_data_stream(), move |mut rest| async move {
            match timeout(idle, rest.next()).await {
                Ok(Some(Ok(chunk))) => Ok(Some((chunk, rest))),
                Ok(Some(Err(error))) => Err(io::Error::other(error)),
                Ok(None) => Ok(None),
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("nothing came for {} ms", idle.as_millis()))),
            }
        }))
    });
    next.run(request).await
}

/// Refuses a request while as many others as may be are worked on.
pub(super) async fn crowded(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match places.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) => {
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests at this moment", "ask again in a few seconds").into_response()
        }
    }
}

/// A connection that breaks off when the other side takes nothing for too long.
struct Patient<S> {
    inner: S,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    fn new(inner: S, patience: Duration) -> Self {
        Self { inner, patience, waiting: None }
    }

    /// Passes a result on; while there is none, patience runs out.
    fn watch<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.waiting = None;
            return polled;
        }
        let patience = self.patience;
        ready!(self.waiting.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.watch(context, polled)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.watch(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(context);
        self.watch(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_shutdown(context);
        self.watch(context, polled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn who_takes_nothing_is_left_and_who_takes_something_is_not() {
        let (ours, mut theirs) = tokio::io::duplex(4);
        let mut ours = Patient::new(ours, Duration::from_millis(50));
        ours.write_all(b"some").await.unwrap();
        assert_eq!(ours.write_all(b"more").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        ours.patience = Duration::from_secs(60);
        ours.waiting = None;
        let mut taken = [0; 12];
        let (written, read) = tokio::join!(ours.write_all(b"andmore!"), theirs.read_exact(&mut taken));
        written.unwrap();
        read.unwrap();
        assert_eq!(&taken, b"someandmore!");
    }
}
