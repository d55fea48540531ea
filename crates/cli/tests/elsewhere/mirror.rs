//! `receipt mirror`: what stands at the destination, in a folder and in a store that speaks S3, and what is refused there.

use crate::{
    python::programs,
    record::{GENESIS, JOB, Record, Run, receipt},
};
use blockcloud_primitives::{Digest, Op, Receipt};
use blockcloud_receipt_log::{
    Tree,
    formats::note::{self, NoteKey},
    receipt_bytes, receipt_hash,
    tiles::{Directory, Flush, Store, TileError, TileTree},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Sizes at which a log may end here: what is there then says that the data is erased.
const SIZES: [u64; 3] = [200, 250, 300];

/// The record of a job whose log has as many receipts. A longer one continues a shorter one.
fn record(size: u64) -> Record {
    Record::with(|receipts| {
        *receipts = (0..size).map(receipt).collect();
        for erase in SIZES.into_iter().filter(|end| *end <= size) {
            let last = &mut receipts[usize::try_from(erase - 1).unwrap()];
            *last = Receipt { op: Op::Erase, object: Digest::ZERO, digest: Digest::ZERO, ..*last };
        }
    })
}

fn mirrored(record: &Record, more: &[&str], variables: &[(&str, &str)]) -> Run {
    let arguments = ["receipt", "mirror", "--bundle", "job-5.json", "--key", "ed25519://Exporter", "--issuer", "audit.example.com"];
    record.run_with(&[&arguments, more].concat(), variables)
}

fn to(record: &Record, place: &Path) -> Run {
    mirrored(record, &["--to", place.to_str().unwrap(), "--output", "json"], &[])
}

/// What a reader believes who knows the verifier key: the signed state, and every tile and entry under it.
fn check(store: &impl Store, vkey: &str, receipts: &[Receipt]) {
    let note = String::from_utf8(store.read("checkpoint").unwrap().unwrap()).unwrap();
    let head = note::open(&note, &NoteKey::from_vkey(vkey).unwrap(), &[], 0).unwrap().head;
    let tree: Tree = receipts.iter().map(receipt_hash).collect();
    assert_eq!((head.size, head.root), (receipts.len() as u64, tree.root()));
    assert_eq!(head.origin, format!("audit.example.com/{}/job/{JOB}", GENESIS.to_string().trim_start_matches("0x")));
    let tiles = TileTree::new(store, tree.frontier());
    tiles.audit(|tile, damage| panic!("{tile}: {damage}")).unwrap();
    for (index, receipt) in (0..).zip(receipts).step_by(41) {
        assert_eq!(tiles.entry(index).unwrap(), receipt_bytes(receipt));
        assert_eq!(tiles.inclusion_proof(index, head.size).unwrap(), tree.inclusion_proof(index, head.size).unwrap());
    }
}

fn refused(run: &Run, code: i32, words: &str) {
    assert_eq!((run.code, run.stdout.is_empty(), run.stderr.contains(words)), (code, true, true), "{run:?}");
}

#[test]
fn a_folder_is_filled_and_follows_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("mirror");
    let mut before = 0;
    for size in SIZES.into_iter().chain([300]) {
        let record = record(size);
        let shown = to(&record, &place).ok().json();
        assert_eq!((&shown["before"], &shown["size"], &shown["root"]), (&json!(before), &json!(size), &json!(Digest(record.tree.root()))));
        check(&Directory::open(&place, Flush::Together).unwrap(), shown["vkey"].as_str().unwrap(), &record.receipts);
        before = size;
    }
    let text = mirrored(&record(300), &["--to", place.to_str().unwrap()], &[]).ok();
    assert!(text.text().contains("300 receipts under 0x") && text.text().contains(", 0 of them new"), "{text:?}");
}

#[test]
fn what_was_erased_since_is_not_served_any_longer() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(300);
    let vkey = to(&record, folder.path()).ok().json()["vkey"].as_str().unwrap().to_owned();
    let mut bundle = record.bundle();
    for index in [20, 270] {
        bundle["receipts"][index] = json!({"job": JOB, "seq": index, "erased": Digest(receipt_hash(&record.receipts[index]))});
    }
    fs::write(record.path("job-5.json"), bundle.to_string()).unwrap();
    assert_eq!(to(&record, folder.path()).ok().json()["before"], 300);
    let store = Directory::open(folder.path(), Flush::Together).unwrap();
    let tiles = TileTree::new(&store, record.tree.frontier());
    tiles.audit(|tile, damage| panic!("{tile}: {damage}")).unwrap();
    for index in [20, 270] {
        assert!(matches!(tiles.entry(index), Err(TileError::Erased { index: found }) if found == index));
    }
    assert_eq!(tiles.entry(21).unwrap(), receipt_bytes(&record.receipts[21]));
    let note = fs::read_to_string(folder.path().join("checkpoint")).unwrap();
    assert_eq!(note::open(&note, &NoteKey::from_vkey(&vkey).unwrap(), &[], 0).unwrap().head.root, record.tree.root());
}

/// Another log, an older state, another name, another key, a file that is no checkpoint: none of them is overwritten, nor anything beside it.
#[test]
fn what_stands_there_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let shorter = record(200);
    to(&record(250), folder.path()).ok();
    let before = contents(folder.path());
    refused(&to(&shorter, folder.path()), 1, "the mirror has 250 receipts and this log 200");
    let other = Record::with(|receipts| {
        *receipts = record(300).receipts;
        receipts[100].bytes += 1;
    });
    refused(&to(&other, folder.path()), 1, "the mirror has another log");
    let elsewhere = folder.path().to_str().unwrap();
    let other_name = record(300).run(&[
        "receipt",
        "mirror",
        "--bundle",
        "job-5.json",
        "--key",
        "ed25519://Exporter",
        "--issuer",
        "other.example.com",
        "--to",
        elsewhere,
    ]);
    refused(&other_name, 1, "mirror to another place");
    let other_key = record(300).run(&[
        "receipt",
        "mirror",
        "--bundle",
        "job-5.json",
        "--key",
        "ed25519://Other",
        "--issuer",
        "audit.example.com",
        "--to",
        elsewhere,
    ]);
    refused(&other_key, 1, "mirror to another place");
    assert_eq!(contents(folder.path()), before);
    fs::write(folder.path().join("checkpoint"), [0xff; 9]).unwrap();
    refused(&to(&record(300), folder.path()), 1, "mirror to another place");
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let items = fs::read_dir(folder).unwrap().map(|item| item.unwrap().path());
    items.flat_map(|path| if path.is_dir() { contents(&path) } else { [(path.clone(), fs::read(path).unwrap())].into() }).collect()
}

#[test]
fn fails_for_places_that_are_none() {
    let record = Record::new();
    refused(&mirrored(&record, &["--to", "gopher://host/path"], &[]), 2, "s3://BUCKET/PREFIX");
    refused(&mirrored(&record, &["--to", "s3:///path"], &[]), 2, "name the bucket");
    refused(&mirrored(&record, &["--to", "s3://bucket/path"], &[]), 2, "AWS_ACCESS_KEY_ID");
    refused(&mirrored(&record, &["--to", "s3://bucket/a//b"], &[("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "s")]), 2, "empty");
    refused(&mirrored(&record, &["--to", "mirror", "--issuer", "two words"], &[]), 2, "");
    let file = record.path("file");
    fs::write(&file, "").unwrap();
    refused(&to(&record, &file), 1, "cannot make the folder");
    refused(&record.run(&["receipt", "mirror", "5", "--online", "--to", "m", "--issuer", "a", "--key", "ed25519://E"]), 2, "--online");
}

/// An imitation of S3 (moto), which speaks the real thing's protocol.
struct Imitation {
    process: Child,
    url: String,
}

impl Imitation {
    /// Starts it with a bucket that anybody may read, if it can be had here.
    fn start() -> Option<Self> {
        let mut command = Command::new(programs()?.join("moto_server"));
        let mut process =
            command.args(["-H", "127.0.0.1", "-p", "0"]).env_clear().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let url = lines.by_ref().map(Result::unwrap).find_map(|line| Some(format!("http://{}", line.split_once("http://")?.1)));
        let url = url.expect("it says where it listens");
        // It goes on to write there.
        std::thread::spawn(move || lines.for_each(drop));
        let imitation = Self { process, url };
        assert_eq!(imitation.ask("PUT", "/logs", "").0, 200);
        let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*"});
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        assert!(matches!(imitation.ask("PUT", "/logs?policy", &policy).0, 200 | 204));
        Some(imitation)
    }

    /// As any reader asks, without a signature.
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(self.url.strip_prefix("http://").unwrap()).unwrap();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
            .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
        (status, answer[end + 4..].to_vec())
    }
}

impl Drop for Imitation {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A reader's view of the bucket.
impl Store for Imitation {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        match self.ask("GET", &format!("/logs/audit/job-5/{path}"), "") {
            (200, bytes) => Ok(Some(bytes)),
            (404, _) => Ok(None),
            (status, _) => Err(io::Error::other(status.to_string())),
        }
    }
    fn write(&self, _: &str, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
    fn delete(&self, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_bucket_is_filled_follows_and_is_read_by_anybody() {
    let Some(imitation) = Imitation::start() else { return };
    let variables = [
        ("AWS_ENDPOINT", imitation.url.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "eu-central-1"),
    ];
    let s3 = ["--to", "s3://logs/audit/job-5", "--output", "json"];
    for (before, size) in [(0, 200), (200, 300), (300, 300)] {
        let record = record(size);
        let shown = mirrored(&record, &s3, &variables).ok().json();
        assert_eq!((&shown["before"], &shown["size"]), (&json!(before), &json!(size)));
        check(&imitation, shown["vkey"].as_str().unwrap(), &record.receipts);
    }
    refused(&mirrored(&record(200), &s3, &variables), 1, "the mirror has 300 receipts");
    // What is not there is not made, and who does not answer is unreachable.
    refused(&mirrored(&record(300), &["--to", "s3://absent/job-5"], &variables), 1, "NoSuchBucket");
    let away = [("AWS_ENDPOINT", "http://127.0.0.1:1"), variables[1], variables[2], variables[3], variables[4]];
    refused(&mirrored(&record(300), &["--to", "s3://logs/job-5", "--timeout", "2"], &away), 3, "127.0.0.1:1");
}
