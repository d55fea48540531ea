//! A running program, and what is asked of it.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

pub const NOW_MS: u64 = 1_800_000_000_000;
const DEADLINE: Duration = Duration::from_secs(30);

pub fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_blockcloud-simulator"))
}

/// A running simulator that ends with the test.
pub struct Simulator {
    process: Child,
    address: String,
}

/// An answer: status, headers as they came, body.
pub struct Answer {
    pub status: u16,
    headers: String,
    pub body: Vec<u8>,
}

impl Simulator {
    /// One of a processor with SEV-SNP.
    pub fn start(chip: &Path) -> Self {
        Self::start_with(chip, &[])
    }

    /// One with these arguments besides.
    pub fn start_with(chip: &Path, arguments: &[&str]) -> Self {
        let mut process = command()
            .arg("run")
            .arg("--chip")
            .arg(chip)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("it says where it listens");
        let address = line.trim().strip_prefix("SIMULATED http://").expect("it says that it is simulated").to_owned();
        Self { process, address }
    }

    /// Asks for something, and gets JSON.
    pub fn request(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.ask(method, path, &body.to_string());
        (answer.status, serde_json::from_slice(&answer.body).expect("JSON"))
    }

    /// Gets whatever is there.
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "")
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers in time");
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a body");
        let body = answer.split_off(end + 4);
        let headers = String::from_utf8(answer).expect("headers in ASCII");
        let status = headers.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, headers, body }
    }
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.headers.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).expect("the header")
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn hex_field(answer: &Value, field: &str) -> Vec<u8> {
    hex::decode(answer[field].as_str().expect("text")).expect("hex")
}
