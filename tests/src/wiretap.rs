//! A TCP relay that keeps every byte that passes, in both directions.

use anyhow::Result;
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// A relay to one address on the loopback.
pub struct Wiretap {
    port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Wiretap {
    /// Relays from a free port to `target` until the process ends.
    pub fn to(target: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let all = heard.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                // While the target is down, so is the relay: the connection closes.
                let Ok(far) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                if let (Ok(near_back), Ok(far_back)) = (near.try_clone(), far.try_clone()) {
                    relay(near, far, all.clone());
                    relay(far_back, near_back, all.clone());
                }
            }
        });
        Ok(Self { port, heard })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Everything that passed so far.
    pub fn heard(&self) -> Vec<u8> {
        self.heard.lock().map(|heard| heard.clone()).unwrap_or_default()
    }
}

fn relay(mut from: TcpStream, mut to: TcpStream, heard: Arc<Mutex<Vec<u8>>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if let Ok(mut heard) = heard.lock() {
                heard.extend_from_slice(&buffer[..count]);
            }
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
