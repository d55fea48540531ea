//! Plain JSON-RPC over HTTP: what a client sees that knows nothing of SCALE.

use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::time::Duration;

/// A JSON-RPC endpoint.
#[derive(Clone, Debug)]
pub struct Rpc {
    url: String,
    http: reqwest::Client,
}

impl Rpc {
    /// An endpoint at an `http://` URL.
    pub fn new(url: String) -> Result<Self> {
        Ok(Self { url, http: reqwest::Client::builder().timeout(Duration::from_secs(30)).build()? })
    }

    /// Calls a method; a JSON-RPC error becomes an error whose text is the error object.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut answer: Value = self.http.post(&self.url).json(&request).send().await?.json().await?;
        if let Some(error) = answer.get("error") {
            bail!("{method}: {error}");
        }
        Ok(answer["result"].take())
    }
}
