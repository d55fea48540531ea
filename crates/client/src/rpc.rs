//! The connection: JSON-RPC with a deadline on every request, made again when it was lost.
//!
//! Requests are sent twice at most, and only when the connection failed: every request of this crate is either a read or the submission of
//! identical bytes, so a repetition changes nothing.

use crate::{Error, Result};
use serde::de::DeserializeOwned;
use std::time::Duration;
use subxt::rpcs::{
    self, RpcClient,
    client::{RpcParams, RpcSubscription},
};
use tokio::sync::Mutex;

/// One node, reached by WebSocket.
pub(crate) struct Rpc {
    url: String,
    deadline: Duration,
    connection: Mutex<Option<(u64, RpcClient)>>,
}

impl Rpc {
    pub(crate) fn new(url: &str, deadline: Duration) -> Self {
        Self { url: websocket(url), deadline, connection: Mutex::new(None) }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Asks, and waits for the answer no longer than the deadline.
    pub(crate) async fn request<T: DeserializeOwned>(&self, method: &str, params: RpcParams) -> Result<T> {
        let mut last = None;
        for _ in 0..2 {
            let (id, client) = self.client().await?;
            match tokio::time::timeout(self.deadline, client.request(method, params.clone())).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => match self.judge(method, error) {
                    error @ Error::Unreachable { .. } => {
                        self.forget(id).await;
                        last = Some(error);
                    }
                    error => return Err(error),
                },
                Err(_) => {
                    self.forget(id).await;
                    return Err(self.too_late(method));
                }
            }
        }
        Err(last.unwrap_or_else(|| self.too_late(method)))
    }

    /// Opens a subscription. It ends when the connection is lost; opening it again is the caller's business.
    pub(crate) async fn subscribe<T: DeserializeOwned>(
        &self,
        method: &str,
        params: RpcParams,
        unsubscribe: &str,
    ) -> Result<RpcSubscription<T>> {
        let mut last = None;
        for _ in 0..2 {
            let (id, client) = self.client().await?;
            match tokio::time::timeout(self.deadline, client.subscribe(method, params.clone(), unsubscribe)).await {
                Ok(Ok(subscription)) => return Ok(subscription),
                Ok(Err(error)) => match self.judge(method, error) {
                    error @ Error::Unreachable { .. } => {
                        self.forget(id).await;
                        last = Some(error);
                    }
                    error => return Err(error),
                },
                Err(_) => {
                    self.forget(id).await;
                    return Err(self.too_late(method));
                }
            }
        }
        Err(last.unwrap_or_else(|| self.too_late(method)))
    }

    async fn client(&self) -> Result<(u64, RpcClient)> {
        let mut connection = self.connection.lock().await;
        if let Some((id, client)) = &*connection {
            return Ok((*id, client.clone()));
        }
        let client = match tokio::time::timeout(self.deadline, RpcClient::from_insecure_url(&self.url)).await {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => return Err(Error::Unreachable { url: self.url.clone(), reason: innermost(&error) }),
            Err(_) => return Err(self.too_late("the connection")),
        };
        let id = NEXT_CONNECTION.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        *connection = Some((id, client.clone()));
        Ok((id, client))
    }

    /// Drops a failed connection, unless somebody has replaced it already.
    async fn forget(&self, id: u64) {
        let mut connection = self.connection.lock().await;
        if connection.as_ref().is_some_and(|(current, _)| *current == id) {
            *connection = None;
        }
    }

    fn judge(&self, method: &str, error: rpcs::Error) -> Error {
        match error {
            rpcs::Error::User(error) => {
                let data = error.data.as_ref().map(|data| format!(": {}", data.get().trim_matches('"'))).unwrap_or_default();
                Error::Refused { method: method.into(), code: error.code, message: format!("{}{data}", error.message) }
            }
            rpcs::Error::Client(_) | rpcs::Error::DisconnectedWillReconnect(_) => {
                Error::Unreachable { url: self.url.clone(), reason: innermost(&error) }
            }
            error => Error::malformed(method, innermost(&error)),
        }
    }

    fn too_late(&self, method: &str) -> Error {
        Error::Deadline { url: self.url.clone(), method: method.into(), deadline: self.deadline }
    }
}

static NEXT_CONNECTION: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

/// The node serves HTTP and WebSocket on one port; subscriptions need the latter.
fn websocket(url: &str) -> String {
    let url = url.trim_end_matches('/');
    match url.split_once("://") {
        Some(("http", rest)) => format!("ws://{rest}"),
        Some(("https", rest)) => format!("wss://{rest}"),
        Some(_) => url.into(),
        None => format!("ws://{url}"),
    }
}

/// The most specific words of a chain of errors. The transport's own wrap each other in text as well.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    let text = error.to_string();
    text.rsplit("client error: ").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_made_websocket_urls() {
        assert_eq!(websocket("http://127.0.0.1:9944"), "ws://127.0.0.1:9944");
        assert_eq!(websocket("https://node.example/"), "wss://node.example");
        assert_eq!(websocket("127.0.0.1:9944"), "ws://127.0.0.1:9944");
        assert_eq!(websocket("ws://127.0.0.1:9944/"), "ws://127.0.0.1:9944");
    }

    #[test]
    fn errors_are_told_by_their_most_specific_words() {
        let wrapped = rpcs::Error::Client("RPC error: client error: Connection refused".into());
        assert_eq!(innermost(&wrapped), "Connection refused");
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let rpc = Rpc::new(&address.to_string(), Duration::from_secs(5));
        let answer: Result<String> = rpc.request("system_chain", RpcParams::new()).await;
        assert!(matches!(answer, Err(Error::Unreachable { .. })), "{answer:?}");
    }

    #[tokio::test]
    async fn a_node_that_never_answers_is_a_deadline_not_a_hang() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rpc = Rpc::new(&listener.local_addr().unwrap().to_string(), Duration::from_millis(200));
        let answer: Result<String> = rpc.request("system_chain", RpcParams::new()).await;
        assert!(matches!(answer, Err(Error::Deadline { .. })), "{answer:?}");
    }
}
