//! Agents that are broken, or mean harm.

use super::*;
use crate::{
    fault::{exit_code, is_unreachable},
    output::Format,
};
use blockcloud_primitives::{Checkpoint, Signature, Usage};
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    hash::MessageDigest,
    pkey::PKey,
    rsa::Rsa,
    ssl::{SslAcceptor, SslMethod},
    x509::{X509, X509NameBuilder},
};
use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

const SECONDS: Duration = Duration::from_secs(10);

/// Answers every connection with these bytes, whatever it asks, and says where.
fn server(answer: impl Into<Vec<u8>>) -> String {
    let (listener, answer) = (TcpListener::bind("127.0.0.1:0").unwrap(), answer.into());
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || serve(stream, &answer));
        }
    });
    address
}

/// Reads a request's head, answers and hangs up. The asker may hang up first.
fn serve(mut stream: TcpStream, answer: &[u8]) {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(read @ 1..) => request.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
    let _ = stream.write_all(answer);
}

/// An answer with this body. Its end is where the connection ends.
fn answer(status: &str, more: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {status}\r\n{more}connection: close\r\n\r\n").as_bytes(), body].concat()
}

fn agent(base: &str) -> Agent {
    Agent::at(base, JobId(5), Digest::ZERO, SECONDS).unwrap()
}

fn text(error: &anyhow::Error) -> String {
    format!("{error:#}")
}

const OUTPUT: Output = Output::new(Format::Json);

#[tokio::test]
async fn an_answer_longer_than_it_may_be_is_not_read_to_its_end() {
    let json = agent(&server(answer("200 OK", "", &vec![b' '; 2 << 20])));
    assert!(text(&json.status().await.unwrap_err()).contains("more than"));
    assert!(text(&json.evidence().await.unwrap_err()).contains("more than"));
    assert!(text(&Agent::health(&json.base, SECONDS).await.unwrap_err()).contains("more than"));
    let receipts = agent(&server(answer("200 OK", "", &[0; Receipt::ENCODED_LEN * 3])));
    assert!(text(&receipts.receipts(2, OUTPUT).await.unwrap_err()).contains("more than"));
    let (signer, output) = ("//Alice".parse().unwrap(), Blob { digest: Digest::of(b"12"), bytes: 2 });
    let longer = agent(&server(answer("200 OK", "", b"123")));
    assert!(text(&longer.fetch(&signer, Some(&output), OUTPUT).await.unwrap_err()).contains("more than"));
}

#[tokio::test]
async fn an_output_is_the_one_that_was_signed_for_or_the_seal_must_tell() {
    let (signer, agent) = ("//Alice".parse().unwrap(), agent(&server(answer("200 OK", "", b"12"))));
    let [right, wrong] = [b"12", b"13"].map(|bytes| Blob { digest: Digest::of(bytes), bytes: 2 });
    assert_eq!(agent.fetch(&signer, Some(&right), OUTPUT).await.unwrap(), b"12");
    assert!(text(&agent.fetch(&signer, Some(&wrong), OUTPUT).await.unwrap_err()).contains("not the output"));
    assert_eq!(agent.fetch(&signer, None, OUTPUT).await.unwrap(), b"12");
}

#[tokio::test]
async fn an_agents_words_cannot_steer_a_terminal() {
    let refusal = br#"{"error":"no\u001b[2J\r\n\u202egood","advice":"\u0007none"}"#;
    let error = text(&agent(&server(answer("409 Conflict", "", refusal))).evidence().await.unwrap_err());
    assert!(error.contains("no\\u{1b}[2J\\r\\n\\u{202e}good; \\u{7}none"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = server(answer("404 Not Found", "", b""));
    let agent = agent(&server(answer("307 Temporary Redirect", &format!("location: {elsewhere}\r\n"), b"")));
    // Followed, it would end in "the agent does not know the job".
    let error = agent.status().await.unwrap_err();
    assert!(text(&error).contains("points elsewhere"), "{error:#}");
    assert_eq!(exit_code(&error), 1);
}

#[tokio::test]
async fn an_agent_that_cannot_answer_now_is_unreachable_and_one_that_refuses_is_not() {
    for status in ["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"] {
        let agent = agent(&server(answer(status, "", b"")));
        assert_eq!(exit_code(&agent.status().await.unwrap_err()), 3, "{status}");
        assert_eq!(exit_code(&agent.evidence().await.unwrap_err()), 3, "{status}");
    }
    let conflict = agent(&server(answer("409 Conflict", "", b"")));
    assert_eq!(exit_code(&conflict.evidence().await.unwrap_err()), 1);
    let hangs_up = agent(&server(""));
    assert_eq!(exit_code(&hangs_up.status().await.unwrap_err()), 3);
    let breaks_off = agent(&server("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"));
    assert_eq!(exit_code(&breaks_off.evidence().await.unwrap_err()), 3);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(is_unreachable(&agent(&format!("http://{port}")).status().await.unwrap_err()));
}

/// Speaks TLS with a certificate that nobody vouches for.
fn tls_server() -> String {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(2).unwrap();
    certificate.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    acceptor.set_private_key(&key).unwrap();
    acceptor.set_certificate(&certificate.build()).unwrap();
    let (acceptor, listener) = (acceptor.build(), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = acceptor.accept(stream);
        }
    });
    address
}

#[tokio::test]
async fn tls_is_spoken_and_a_certificate_that_nobody_vouches_for_is_refused() {
    let error = text(&agent(&tls_server()).status().await.unwrap_err());
    assert!(error.contains("certificate verify failed"), "{error}");
}

#[tokio::test]
async fn an_agent_that_serves_the_same_checkpoints_for_ever_is_left() {
    let checkpoint = Checkpoint {
        version: Checkpoint::VERSION,
        job: JobId(5),
        size: 3,
        root: Digest::ZERO,
        time: 1,
        usage: Usage::default(),
        previous_size: 0,
        previous_root: Digest::ZERO,
    };
    let page = serde_json::to_vec(&[SignedCheckpoint { checkpoint, signature: Signature([0; 64]) }]).unwrap();
    let same = agent(&server(answer("200 OK", "", &page)));
    assert!(text(&same.checkpoints().await.unwrap_err()).contains("not in the order of their sizes"));
    let none = agent(&server(answer("200 OK", "", b"[]")));
    assert_eq!(none.checkpoints().await.unwrap(), []);
}
