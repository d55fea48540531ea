//! Connections: how many there may be, and how long each may keep the aggregator waiting.
//!
//! Not here: the routes, and how much may be worked on at a time (`http`).

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use futures::StreamExt as _;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpListener,
    sync::Semaphore,
    task::JoinSet,
    time::{Sleep, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// Serves until told to stop, and then the requests that run.
pub async fn serve(router: Router, listener: TcpListener, connections: usize, idle: Duration, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(connections));
    let mut running = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = running.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(target: "blockcloud::aggregator", %error, "a connection cannot be accepted");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            tracing::debug!(target: "blockcloud::aggregator", %peer, "too many connections: this one is closed");
            continue;
        };
        // Answers may wait for each other where this fails.
        let _unset = stream.set_nodelay(true);
        let (service, stop) = (TowerToHyperService::new(router.clone()), stop.clone());
        running.spawn(async move {
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(64 << 10);
            let stream = TokioIo::new(Taken { inner: stream, idle, waiting: None });
            let mut connection = std::pin::pin!(server.serve_connection(stream, service));
            let served = tokio::select! {
                served = connection.as_mut() => served,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = served {
                tracing::debug!(target: "blockcloud::aggregator", %peer, %error, "a connection broke off");
            }
            drop(place);
        });
    }
    drop(listener);
    while running.join_next().await.is_some() {}
}

/// Ends a body of which nothing comes for too long.
pub(super) async fn impatient(State(idle): State<Duration>, request: Request, next: Next) -> Response {
    let request = request.map(|body| {
        Body::from_stream(futures::stream::try_unfold(body.into_data_stream(), move |mut rest| async move {
            match timeout(idle, rest.next()).await {
                Ok(Some(Ok(chunk))) => Ok(Some((chunk, rest))),
                Ok(Some(Err(error))) => Err(io::Error::other(error)),
                Ok(None) => Ok(None),
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "nothing came for too long")),
            }
        }))
    });
    next.run(request).await
}

/// A connection that breaks off when the other side does not take what is written to it.
struct Taken<S> {
    inner: S,
    idle: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> Taken<S> {
    fn bounded<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.waiting = None;
            return polled;
        }
        let idle = self.idle;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(idle)));
        waiting.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Taken<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Taken<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.bounded(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(context);
        self.bounded(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_shutdown(context);
        self.bounded(context, polled)
    }
}
