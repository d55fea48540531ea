//! The routes over real HTTP, with a job's record in the store and neither node nor guest.

use super::{Limits, serve};
use crate::{
    agent::{Agent, now},
    config::{Accept, Config, DriverConfig, Run},
    driver::{Driver, DriverError, Guest as Process, LaunchRequest},
    record::{JobRecord, Launch, Token},
    testing::{self, GENESIS, Guest, INPUT, JOB, MANIFEST, blob, customer, encoded},
};
use blockcloud_client::{
    Signer, access,
    agent_api::{GuestState, Health, JobStatus, Refusal, SignedCheckpoint},
};
use blockcloud_primitives::{Digest, End, Evidence, JobId, Op, Receipt};
use blockcloud_receipt_log::document::{ConsistencyDocument, InclusionDocument};
use futures::future::BoxFuture;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A driver whose guests always run.
struct Alive;

impl Driver for Alive {
    fn launch<'a>(&'a self, _: &'a LaunchRequest) -> BoxFuture<'a, Result<Process, DriverError>> {
        Box::pin(async { Ok(process()) })
    }
    fn find<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Option<Process>> {
        Box::pin(async { None })
    }
    fn alive<'a>(&'a self, _: &'a Process) -> BoxFuture<'a, bool> {
        Box::pin(async { true })
    }
    fn stop<'a>(&'a self, _: &'a Process) -> BoxFuture<'a, Result<(), DriverError>> {
        Box::pin(async { Ok(()) })
    }
}

fn process() -> Process {
    Process::Process { pid: 1, started: 1, boot: "boot".into(), measurement: None }
}

struct Setup {
    agent: Arc<Agent>,
    url: String,
    token: Token,
    http: Client,
    folder: tempfile::TempDir,
}

impl Setup {
    /// An agent with one job that has a guest.
    async fn new() -> Self {
        Self::with(Accept::default()).await
    }

    async fn with(accept: Accept) -> Self {
        Self::within(accept, Run::default(), Limits::default()).await
    }

    async fn within(accept: Accept, run: Run, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listen = listener.local_addr().unwrap();
        let config = Config {
            node: "ws://127.0.0.1:1".into(),
            key: folder.path().join("key"),
            listen,
            guest_url: None,
            data: folder.path().into(),
            driver: DriverConfig::Process { guest: "guest".into(), simulator: None, tee: None },
            accept,
            run,
            rounds: None,
        };
        let agent = Agent::open_with(config, "//Alice".parse().unwrap(), Box::new(Alive)).await.unwrap();
        agent.bind_genesis(GENESIS).await.unwrap();
        agent.store.insert(JobRecord::new(&testing::view())).await.unwrap();
        let launch = Launch { guest: Some(process()), ..Launch::new(1) };
        let token = launch.token.clone();
        agent.store.change(JOB, move |record| record.launch = Some(launch)).await.unwrap();
        tokio::spawn(serve(agent.clone(), listener, limits));
        let http = Client::builder().no_proxy().build().unwrap();
        Self { agent, url: format!("http://{listen}"), token, http, folder }
    }

    fn guest(&self, path: &str) -> String {
        format!("{}/guest/{}/{path}", self.url, self.token.as_str())
    }

    fn job(&self, path: &str) -> String {
        format!("{}/v1/jobs/{JOB}{path}", self.url)
    }

    fn header(&self, signer: &Signer) -> String {
        access::header(signer, &GENESIS, JOB, now() + 60_000)
    }

    async fn get(&self, url: &str) -> Response {
        self.http.get(url).send().await.unwrap()
    }

    async fn post(&self, url: &str, body: &Value) -> Response {
        self.http.post(url).json(body).send().await.unwrap()
    }

    /// As the customer.
    async fn upload(&self, content: &'static [u8], digest: Digest) -> Response {
        let request = self.http.put(self.job(&format!("/blobs/{digest}"))).header("authorization", self.header(&customer()));
        request.body(content).send().await.unwrap()
    }

    /// Sends these bytes over a connection of their own, and reads until the agent closes it.
    async fn raw(&self, bytes: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(self.agent.config.listen).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A connection that is reset instead of closed has said what there was to say.
        let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.expect("the agent closes it");
        String::from_utf8(answer).unwrap()
    }

    async fn record(&self) -> JobRecord {
        self.agent.store.job(JOB).await.unwrap().unwrap()
    }

    /// The guest brings evidence.
    async fn bring_evidence(&self, guest: &Guest) {
        let answer = self.post(&self.guest("evidence"), &json!(guest.evidence())).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }

    fn batch(&self, first: u64, receipts: &[Receipt], signed: &SignedCheckpoint) -> Value {
        json!({
            "first_seq": first,
            "receipts": hex::encode(encoded(receipts)),
            "checkpoint": signed.checkpoint,
            "signature": signed.signature,
        })
    }

    /// The guest hands over its whole log.
    async fn bring_log(&self, guest: &Guest, receipts: &[Receipt]) -> SignedCheckpoint {
        let signed = guest.checkpoint_over(receipts);
        let answer = self.post(&self.guest("log"), &self.batch(0, receipts, &signed)).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        signed
    }
}

/// The refusal in an answer with this status.
async fn refused(answer: Response, status: StatusCode) -> Refusal {
    let found = answer.status();
    let refusal: Refusal = answer.json().await.unwrap();
    assert_eq!(found, status, "{refusal:?}");
    assert!(!refusal.advice.is_empty());
    refusal
}

mod tokens {
    use super::*;

    #[tokio::test]
    async fn only_that_of_the_present_launch_opens_the_guests_routes() {
        let setup = Setup::new().await;
        let (old, stranger) = (setup.guest("control"), setup.token.clone());
        assert_eq!(setup.get(&old).await.status(), StatusCode::OK);
        setup.agent.store.change(JOB, |record| record.launch = Some(Launch::new(2))).await.unwrap();
        assert_ne!(setup.record().await.launch.unwrap().token, stranger);
        refused(setup.get(&old).await, StatusCode::GONE).await;
        refused(setup.get(&format!("{}/guest/short/control", setup.url)).await, StatusCode::GONE).await;
    }

    #[tokio::test]
    async fn are_not_shown_by_debug() {
        let token = Token::generate();
        assert!(!format!("{:?}", Launch { token: token.clone(), ..Launch::new(1) }).contains(token.as_str()));
    }
}

mod authorization {
    use super::*;

    /// Asks for the output with this header.
    async fn output(setup: &Setup, header: Option<String>) -> Response {
        let mut request = setup.http.get(setup.job("/output"));
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        request.send().await.unwrap()
    }

    #[tokio::test]
    async fn of_the_customer_is_taken_with_either_scheme() {
        let setup = Setup::new().await;
        // Authorized; there is just nothing to fetch.
        refused(output(&setup, Some(setup.header(&customer()))).await, StatusCode::NOT_FOUND).await;
        let ed25519: Signer = "ed25519://Charlie".parse().unwrap();
        let account = ed25519.account();
        setup.agent.store.change(JOB, move |record| record.customer = account).await.unwrap();
        refused(output(&setup, Some(setup.header(&ed25519))).await, StatusCode::NOT_FOUND).await;
    }

    #[tokio::test]
    async fn missing_is_refused() {
        let setup = Setup::new().await;
        refused(output(&setup, None).await, StatusCode::UNAUTHORIZED).await;
    }

    #[tokio::test]
    async fn malformed_is_refused() {
        let setup = Setup::new().await;
        refused(output(&setup, Some("Bearer 123".into())).await, StatusCode::UNAUTHORIZED).await;
    }

    #[tokio::test]
    async fn expired_is_refused() {
        let setup = Setup::new().await;
        let header = access::header(&customer(), &GENESIS, JOB, now() - 1);
        assert!(refused(output(&setup, Some(header)).await, StatusCode::UNAUTHORIZED).await.error.contains("expired"));
    }

    #[tokio::test]
    async fn valid_for_too_long_is_refused() {
        let setup = Setup::new().await;
        let header = access::header(&customer(), &GENESIS, JOB, now() + 2 * access::LONGEST_MS);
        refused(output(&setup, Some(header)).await, StatusCode::UNAUTHORIZED).await;
    }

    #[tokio::test]
    async fn for_another_job_or_chain_is_refused() {
        let setup = Setup::new().await;
        let job = access::header(&customer(), &GENESIS, JobId(6), now() + 60_000);
        refused(output(&setup, Some(job)).await, StatusCode::UNAUTHORIZED).await;
        let chain = access::header(&customer(), &Digest([1; 32]), JOB, now() + 60_000);
        refused(output(&setup, Some(chain)).await, StatusCode::UNAUTHORIZED).await;
    }

    #[tokio::test]
    async fn of_another_account_is_forbidden() {
        let setup = Setup::new().await;
        let stranger: Signer = "//Eve".parse().unwrap();
        refused(output(&setup, Some(setup.header(&stranger))).await, StatusCode::FORBIDDEN).await;
    }

    #[tokio::test]
    async fn is_needed_for_blobs_and_key_too() {
        let setup = Setup::new().await;
        let url = setup.job(&format!("/blobs/{}", Digest::of(INPUT)));
        refused(setup.http.put(url).body(INPUT).send().await.unwrap(), StatusCode::UNAUTHORIZED).await;
        refused(setup.post(&setup.job("/key"), &json!({})).await, StatusCode::UNAUTHORIZED).await;
    }
}

mod blobs {
    use super::*;

    #[tokio::test]
    async fn go_from_the_customer_to_the_guest() {
        let setup = Setup::new().await;
        let url = setup.guest(&format!("blobs/{}", Digest::of(INPUT)));
        refused(setup.get(&url).await, StatusCode::NOT_FOUND).await;
        for _ in 0..2 {
            assert_eq!(setup.upload(INPUT, Digest::of(INPUT)).await.status(), StatusCode::NO_CONTENT);
        }
        assert_eq!(setup.get(&url).await.bytes().await.unwrap(), INPUT);
        let status: JobStatus = setup.get(&setup.job("")).await.json().await.unwrap();
        assert_eq!((status.uploaded, status.missing), (vec![Digest::of(INPUT)], vec![Digest::of(MANIFEST)]));
    }

    #[tokio::test]
    async fn of_another_length_or_content_are_refused_and_not_kept() {
        let setup = Setup::new().await;
        refused(setup.upload(b"sealed inpu", Digest::of(INPUT)).await, StatusCode::BAD_REQUEST).await;
        refused(setup.upload(b"sealed input!", Digest::of(INPUT)).await, StatusCode::BAD_REQUEST).await;
        refused(setup.upload(b"sealed inpvt", Digest::of(INPUT)).await, StatusCode::BAD_REQUEST).await;
        assert_eq!(setup.agent.blobs.length(JOB, Digest::of(INPUT)).await.unwrap(), None);
    }

    #[tokio::test]
    async fn that_the_spec_does_not_name_are_refused_on_both_sides() {
        let setup = Setup::new().await;
        refused(setup.upload(b"other", Digest::of(b"other")).await, StatusCode::BAD_REQUEST).await;
        refused(setup.get(&setup.guest(&format!("blobs/{}", Digest::of(b"other")))).await, StatusCode::NOT_FOUND).await;
    }

    #[tokio::test]
    async fn of_a_job_that_is_too_big_here_or_over_are_refused() {
        let setup = Setup::with(Accept { max_input_bytes: 3, ..Accept::default() }).await;
        setup.agent.store.change(JOB, |record| record.launch = None).await.unwrap();
        refused(setup.upload(INPUT, Digest::of(INPUT)).await, StatusCode::CONFLICT).await;
        // What was accepted before the limit was lowered is taken.
        setup.agent.store.change(JOB, |record| record.launch = Some(Launch::new(1))).await.unwrap();
        assert_eq!(setup.upload(INPUT, Digest::of(INPUT)).await.status(), StatusCode::NO_CONTENT);
        let setup = Setup::new().await;
        setup.agent.store.change(JOB, |record| record.end = Some(End::TimeUp)).await.unwrap();
        refused(setup.upload(INPUT, Digest::of(INPUT)).await, StatusCode::CONFLICT).await;
    }
}

mod uploads {
    use super::*;

    fn head(setup: &Setup) -> String {
        let (length, digest) = (INPUT.len(), Digest::of(INPUT));
        let authorization = setup.header(&customer());
        format!(
            "PUT /v1/jobs/{JOB}/blobs/{digest} HTTP/1.1\r\nhost: agent\r\nauthorization: {authorization}\r\ncontent-length: {length}\r\n\r\n"
        )
    }

    #[tokio::test]
    async fn that_stand_still_are_ended_and_others_wait_meanwhile() {
        let idle = Duration::from_secs(2);
        let setup = Setup::within(Accept::default(), Run::default(), Limits { idle, ..Limits::default() }).await;
        let slow = async { setup.raw(&format!("{}sealed", head(&setup))).await };
        let second = async {
            let folder = setup.folder.path().join("blobs").join(JOB.to_string());
            while !std::fs::read_dir(&folder).is_ok_and(|mut files| files.next().is_some()) {
                tokio::task::yield_now().await;
            }
            refused(setup.upload(INPUT, Digest::of(INPUT)).await, StatusCode::TOO_MANY_REQUESTS).await
        };
        let (slow, _) = tokio::join!(slow, second);
        assert!(slow.starts_with("HTTP/1.1 408"), "{slow}");
        assert_eq!(setup.upload(INPUT, Digest::of(INPUT)).await.status(), StatusCode::NO_CONTENT);
    }

    #[tokio::test]
    async fn are_refused_when_the_disk_is_nearly_full() {
        let run = Run { keep_free_bytes: u64::MAX, ..Run::default() };
        let setup = Setup::within(Accept::default(), run, Limits::default()).await;
        refused(setup.upload(INPUT, Digest::of(INPUT)).await, StatusCode::INSUFFICIENT_STORAGE).await;
    }
}

mod connections {
    use super::*;

    #[tokio::test]
    async fn that_ask_nothing_are_closed() {
        let head = Duration::from_millis(200);
        let setup = Setup::within(Accept::default(), Run::default(), Limits { head, ..Limits::default() }).await;
        // Not a byte, half a head, and nothing after the first answer.
        setup.raw("").await;
        setup.raw("GET /v1/health HTTP/1.1\r\nhost: a").await;
        let answer = setup.raw("GET /v1/health HTTP/1.1\r\nhost: agent\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    #[tokio::test]
    async fn beyond_the_limit_are_closed_until_another_ends() {
        let setup = Setup::within(Accept::default(), Run::default(), Limits { connections: 1, ..Limits::default() }).await;
        let address = setup.agent.config.listen;
        let mut held = tokio::net::TcpStream::connect(address).await.unwrap();
        held.write_all(b"GET /v1/health HTTP/1.1\r\nhost: agent\r\n\r\n").await.unwrap();
        let mut byte = [0];
        held.read_exact(&mut byte).await.unwrap();
        assert_eq!(setup.raw("").await, "");
        drop(held);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while setup.http.get(format!("{}/v1/health", setup.url)).send().await.is_err() {
            assert!(tokio::time::Instant::now() < deadline);
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn with_too_many_requests_at_a_time_are_told_so_and_guests_are_not() {
        let setup = Setup::within(Accept::default(), Run::default(), Limits { requests: 0, ..Limits::default() }).await;
        refused(setup.get(&setup.job("")).await, StatusCode::SERVICE_UNAVAILABLE).await;
        assert_eq!(setup.get(&setup.guest("control")).await.status(), StatusCode::OK);
    }
}

mod keys {
    use super::*;

    async fn release(setup: &Setup, query: &str, envelope: &Value) -> Response {
        let request = setup.http.post(setup.job(&format!("/key{query}"))).header("authorization", setup.header(&customer()));
        request.json(envelope).send().await.unwrap()
    }

    fn envelope() -> Value {
        json!({ "encapsulated_key": Digest::ZERO, "ciphertext": "0x00" })
    }

    #[tokio::test]
    async fn wait_for_the_customer_and_wake_the_guest() {
        let setup = Setup::new().await;
        assert_eq!(setup.get(&setup.guest("key")).await.status(), StatusCode::NO_CONTENT);
        setup.bring_evidence(&Guest::new()).await;
        let url = setup.guest("key?wait=60");
        let waiting = setup.get(&url);
        let released = async { release(&setup, "", &envelope()).await.status() };
        let (answer, status) = tokio::join!(waiting, released);
        assert_eq!(status, StatusCode::NO_CONTENT);
        assert_eq!(answer.json::<Value>().await.unwrap(), envelope());
    }

    #[tokio::test]
    async fn are_refused_before_there_is_evidence_and_for_another_session() {
        let setup = Setup::new().await;
        refused(release(&setup, "", &envelope()).await, StatusCode::CONFLICT).await;
        setup.bring_evidence(&Guest::new()).await;
        refused(release(&setup, &format!("?evidence={}", Digest::ZERO), &envelope()).await, StatusCode::CONFLICT).await;
        let right = Guest::new().evidence().replay_key();
        assert_eq!(release(&setup, &format!("?evidence={right}"), &envelope()).await.status(), StatusCode::NO_CONTENT);
    }

    #[tokio::test]
    async fn for_earlier_evidence_are_forgotten_with_it() {
        let setup = Setup::new().await;
        setup.bring_evidence(&Guest::new()).await;
        release(&setup, "", &envelope()).await;
        let mut renewed = Guest::new().evidence();
        renewed.report[0] ^= 1;
        let answer = setup.post(&setup.guest("evidence"), &json!(renewed)).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(setup.get(&setup.guest("key")).await.status(), StatusCode::NO_CONTENT);
    }

    #[tokio::test]
    async fn that_are_no_envelope_or_come_too_late_are_refused() {
        let setup = Setup::new().await;
        setup.bring_evidence(&Guest::new()).await;
        refused(release(&setup, "", &json!("text")).await, StatusCode::BAD_REQUEST).await;
        refused(release(&setup, "", &json!({ "ciphertext": "00".repeat(4096) })).await, StatusCode::BAD_REQUEST).await;
        setup.agent.store.change(JOB, |record| record.end = Some(End::TimeUp)).await.unwrap();
        refused(release(&setup, "", &envelope()).await, StatusCode::CONFLICT).await;
    }
}

mod evidence {
    use super::*;

    #[tokio::test]
    async fn is_shown_to_everybody() {
        let setup = Setup::new().await;
        refused(setup.get(&setup.job("/evidence")).await, StatusCode::NOT_FOUND).await;
        setup.bring_evidence(&Guest::new()).await;
        setup.bring_evidence(&Guest::new()).await;
        assert_eq!(setup.get(&setup.job("/evidence")).await.json::<Evidence>().await.unwrap(), Guest::new().evidence());
    }

    #[tokio::test]
    async fn without_a_certificate_is_refused_and_the_reason_kept() {
        let setup = Setup::new().await;
        let evidence = Evidence { certificate: Default::default(), ..Guest::new().evidence() };
        let refusal = refused(setup.post(&setup.guest("evidence"), &json!(evidence)).await, StatusCode::BAD_REQUEST).await;
        assert!(refusal.error.contains("VCEK") && refusal.advice.contains("doctor"));
        let record = setup.record().await;
        assert_eq!(record.evidence(), None);
        assert!(record.refused().unwrap().contains("VCEK"));
    }

    #[tokio::test]
    async fn cannot_change_once_the_log_has_begun() {
        let setup = Setup::new().await;
        let guest = Guest::new();
        setup.bring_evidence(&guest).await;
        setup.bring_log(&guest, &guest.receipts(0, 2)).await;
        refused(setup.post(&setup.guest("evidence"), &json!(Guest::another().evidence())).await, StatusCode::CONFLICT).await;
    }
}

mod log {
    use super::*;

    #[tokio::test]
    async fn is_taken_repeatedly_and_read_back() {
        let setup = Setup::new().await;
        let guest = Guest::new();
        setup.bring_evidence(&guest).await;
        let receipts = guest.receipts(0, 7);
        let first = setup.bring_log(&guest, &receipts[..4]).await;
        setup.bring_log(&guest, &receipts[..4]).await;
        let second = guest.checkpoint_over(&receipts);
        let answer = setup.post(&setup.guest("log"), &setup.batch(4, &receipts[4..], &second)).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);

        let answer = setup.get(&setup.job("/receipts?from=2&limit=3")).await;
        assert_eq!(answer.headers()["blockcloud-log-size"], "7");
        assert_eq!(answer.bytes().await.unwrap(), encoded(&receipts[2..5]));
        assert_eq!(setup.get(&setup.job("/receipts?from=9")).await.bytes().await.unwrap().len(), 0);
        let checkpoints: Vec<SignedCheckpoint> = setup.get(&setup.job("/checkpoints")).await.json().await.unwrap();
        assert_eq!(checkpoints, [first, second]);
        let inclusion: InclusionDocument = setup.get(&setup.job("/proof?index=3&size=7")).await.json().await.unwrap();
        inclusion.verdict().unwrap();
        assert_eq!(inclusion.root.0, second.checkpoint.root.0);
        let consistency: ConsistencyDocument = setup.get(&setup.job("/consistency?old=4")).await.json().await.unwrap();
        consistency.verdict().unwrap();
        assert_eq!((consistency.size1, consistency.size2), (4, 7));
        refused(setup.get(&setup.job("/proof?index=7&size=7")).await, StatusCode::BAD_REQUEST).await;
        refused(setup.get(&setup.job("/consistency?old=0")).await, StatusCode::BAD_REQUEST).await;
    }

    #[tokio::test]
    async fn is_refused_without_evidence_or_the_evidences_key() {
        let setup = Setup::new().await;
        let guest = Guest::new();
        let receipts = guest.receipts(0, 2);
        let batch = setup.batch(0, &receipts, &guest.checkpoint_over(&receipts));
        refused(setup.post(&setup.guest("log"), &batch).await, StatusCode::CONFLICT).await;
        setup.bring_evidence(&guest).await;
        let foreign = setup.batch(0, &receipts, &Guest::another().checkpoint_over(&receipts));
        refused(setup.post(&setup.guest("log"), &foreign).await, StatusCode::BAD_REQUEST).await;
        assert_eq!(setup.record().await.checkpoint(), None);
    }

    #[tokio::test]
    async fn is_refused_for_another_job_a_gap_or_a_wrong_root() {
        let setup = Setup::new().await;
        let guest = Guest::new();
        setup.bring_evidence(&guest).await;
        let receipts = guest.receipts(0, 3);
        let other = guest.checkpoint(JobId(6), 3, Digest::ZERO);
        refused(setup.post(&setup.guest("log"), &setup.batch(0, &receipts, &other)).await, StatusCode::BAD_REQUEST).await;
        let gap = setup.batch(1, &receipts[1..], &guest.checkpoint_over(&receipts));
        let refusal = refused(setup.post(&setup.guest("log"), &gap).await, StatusCode::CONFLICT).await;
        assert!(refusal.advice.contains("position 0"));
        let wrong = guest.checkpoint(JOB, 3, Digest::ZERO);
        refused(setup.post(&setup.guest("log"), &setup.batch(0, &receipts, &wrong)).await, StatusCode::BAD_REQUEST).await;
        let mut not_hex = setup.batch(0, &receipts, &guest.checkpoint_over(&receipts));
        not_hex["receipts"] = json!("zz");
        refused(setup.post(&setup.guest("log"), &not_hex).await, StatusCode::BAD_REQUEST).await;
        assert_eq!(setup.get(&setup.job("/checkpoints")).await.json::<Vec<SignedCheckpoint>>().await.unwrap(), []);
    }

    #[tokio::test]
    async fn is_refused_beyond_the_limit_and_the_reason_kept() {
        let max_log_bytes = 3 * Receipt::ENCODED_LEN as u64;
        let setup = Setup::with(Accept { max_log_bytes, ..Accept::default() }).await;
        let guest = Guest::new();
        setup.bring_evidence(&guest).await;
        let receipts = guest.receipts(0, 4);
        let third = setup.bring_log(&guest, &receipts[..3]).await;
        assert_eq!(setup.record().await.refused(), None);
        let batch = setup.batch(3, &receipts[3..], &guest.checkpoint_over(&receipts));
        let refusal = refused(setup.post(&setup.guest("log"), &batch).await, StatusCode::PAYLOAD_TOO_LARGE).await;
        assert!(refusal.error.contains("max_log_bytes"));
        assert!(setup.record().await.refused().unwrap().contains("max_log_bytes"));
        assert_eq!(setup.record().await.checkpoint(), Some(&third));
    }

    #[tokio::test]
    async fn has_pages_of_checkpoints_and_the_newest_without_one() {
        let setup = Setup::new().await;
        let guest = Guest::new();
        setup.bring_evidence(&guest).await;
        let receipts = guest.receipts(0, 4);
        let mut all = Vec::new();
        for size in 1..=4 {
            all.push(setup.bring_log(&guest, &receipts[..size]).await);
        }
        let page = async |query: &str| {
            let answer = setup.get(&setup.job(&format!("/checkpoints{query}"))).await;
            answer.json::<Vec<SignedCheckpoint>>().await.unwrap()
        };
        assert_eq!(page("").await, all);
        assert_eq!(page("?limit=2").await, all[2..]);
        assert_eq!(page("?from=0&limit=2").await, all[..2]);
        assert_eq!(page("?from=3&limit=2").await, all[2..]);
        assert_eq!(page("?from=5").await, []);
    }

    #[tokio::test]
    async fn of_jobs_that_are_over_stays_open_for_a_few_only() {
        let setup = Setup::new().await;
        let guest = Guest::new();
        setup.bring_evidence(&guest).await;
        setup.bring_log(&guest, &guest.receipts(0, 2)).await;
        let folder = |job: JobId| crate::log::path(&setup.folder.path().join("logs"), job, 1);
        let jobs: Vec<JobId> = (100..120).map(JobId).collect();
        for job in &jobs {
            let record = JobRecord { job: *job, closed_at: Some(now()), ..setup.record().await };
            setup.agent.store.insert(record).await.unwrap();
            drop(crate::log::JobLog::open(&setup.folder.path().join("logs"), *job, 1).unwrap());
        }
        for _ in 0..2 {
            for job in &jobs {
                let answer = setup.get(&format!("{}/v1/jobs/{job}/receipts", setup.url)).await;
                assert_eq!(answer.headers()["blockcloud-log-size"], "0");
            }
        }
        // Eight of them, and that of the job that runs.
        assert_eq!(setup.agent.open_logs(), 9);
        let waiting = setup.agent.archive.queue.acquire_many(8).await.unwrap();
        let refusal =
            refused(setup.get(&format!("{}/v1/jobs/{}/receipts", setup.url, jobs[0])).await, StatusCode::SERVICE_UNAVAILABLE).await;
        assert!(refusal.advice.contains("again"));
        assert_eq!(setup.get(&setup.job("/receipts")).await.status(), StatusCode::OK, "a job that runs is read all the same");
        drop(waiting);
        // One that is not there is not begun by being asked for.
        std::fs::remove_dir_all(folder(jobs[0])).unwrap();
        refused(setup.get(&format!("{}/v1/jobs/{}/receipts", setup.url, jobs[0])).await, StatusCode::GONE).await;
        assert!(!folder(jobs[0]).exists());
    }

    #[tokio::test]
    async fn an_older_checkpoint_does_not_replace_a_newer() {
        let setup = Setup::new().await;
        let guest = Guest::new();
        setup.bring_evidence(&guest).await;
        let receipts = guest.receipts(0, 5);
        let newest = setup.bring_log(&guest, &receipts).await;
        setup.bring_log(&guest, &receipts[..2]).await;
        assert_eq!(setup.record().await.checkpoint(), Some(&newest));
    }
}

mod completion {
    use super::*;

    const OUTPUT: &[u8] = b"sealed output";

    fn finished(guest: &Guest) -> Vec<Receipt> {
        let mut receipts = guest.receipts(0, 3);
        receipts[2].op = Op::Erase;
        receipts
    }

    #[tokio::test]
    async fn is_taken_after_output_and_log_and_opens_the_output_to_the_customer() {
        let setup = Setup::new().await;
        let guest = Guest::new();
        setup.bring_evidence(&guest).await;
        let receipts = finished(&guest);
        let last = guest.completion(&guest.checkpoint_over(&receipts).checkpoint, blob(OUTPUT), receipts[2]);
        refused(setup.post(&setup.guest("completion"), &json!(last)).await, StatusCode::CONFLICT).await;
        let url = setup.guest(&format!("output/{}", Digest::of(OUTPUT)));
        for _ in 0..2 {
            assert_eq!(setup.http.put(&url).body(OUTPUT).send().await.unwrap().status(), StatusCode::NO_CONTENT);
        }
        refused(setup.post(&setup.guest("completion"), &json!(last)).await, StatusCode::CONFLICT).await;
        setup.bring_log(&guest, &receipts).await;
        for _ in 0..2 {
            assert_eq!(setup.post(&setup.guest("completion"), &json!(last)).await.status(), StatusCode::NO_CONTENT);
        }
        let request = setup.http.get(setup.job("/output")).header("authorization", setup.header(&customer()));
        assert_eq!(request.send().await.unwrap().bytes().await.unwrap(), OUTPUT);
        let status: JobStatus = setup.get(&setup.job("")).await.json().await.unwrap();
        assert_eq!((status.guest, status.output, status.log_size), (GuestState::Finished, Some(Digest::of(OUTPUT)), 3));
    }

    #[tokio::test]
    async fn is_refused_with_a_foreign_signature_another_job_or_no_erasure() {
        let setup = Setup::new().await;
        let guest = Guest::new();
        setup.bring_evidence(&guest).await;
        let receipts = finished(&guest);
        let checkpoint = guest.checkpoint_over(&receipts).checkpoint;
        let foreign = Guest::another().completion(&checkpoint, blob(OUTPUT), receipts[2]);
        refused(setup.post(&setup.guest("completion"), &json!(foreign)).await, StatusCode::BAD_REQUEST).await;
        let mut other = checkpoint;
        other.job = JobId(6);
        let other = guest.completion(&other, blob(OUTPUT), receipts[2]);
        refused(setup.post(&setup.guest("completion"), &json!(other)).await, StatusCode::BAD_REQUEST).await;
        let kept = guest.completion(&checkpoint, blob(OUTPUT), receipts[1]);
        refused(setup.post(&setup.guest("completion"), &json!(kept)).await, StatusCode::BAD_REQUEST).await;
        assert_eq!(setup.record().await.completion(), None);
    }

    #[tokio::test]
    async fn an_output_that_is_too_long_or_different_is_refused() {
        // What was accepted is taken, whatever the configuration says by now.
        let setup = Setup::with(Accept { max_output_bytes: 4, ..Accept::default() }).await;
        let put = |digest: Digest, content: &'static [u8]| {
            let url = setup.guest(&format!("output/{digest}"));
            setup.http.put(url).body(content).send()
        };
        refused(put(Digest::of(b"oute"), b"outf").await.unwrap(), StatusCode::BAD_REQUEST).await;
        assert_eq!(put(Digest::of(OUTPUT), OUTPUT).await.unwrap().status(), StatusCode::NO_CONTENT);
        let largest = crate::bounds::largest_output(&testing::spec());
        let path = format!("/guest/{}/output/{}", setup.token.as_str(), Digest::ZERO);
        let head = |length: u64| format!("PUT {path} HTTP/1.1\r\nhost: agent\r\ncontent-length: {length}\r\nconnection: close\r\n\r\nx");
        let answer = setup.raw(&head(largest + 1)).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert!(setup.record().await.refused().unwrap().contains("larger"));
        assert_eq!(setup.record().await.outputs, vec![blob(OUTPUT)]);
    }
}

mod the_rest {
    use super::*;

    #[tokio::test]
    async fn control_tells_the_guest_to_end_and_why() {
        let setup = Setup::new().await;
        assert_eq!(setup.get(&setup.guest("control")).await.json::<Value>().await.unwrap(), json!({ "stop": false }));
        setup.agent.store.change(JOB, |record| record.end = Some(End::EscrowExhausted)).await.unwrap();
        let told: Value = setup.get(&setup.guest("control")).await.json().await.unwrap();
        assert_eq!(told, json!({ "stop": true, "reason": End::EscrowExhausted.to_string() }));
    }

    #[tokio::test]
    async fn a_launch_needs_the_node() {
        let setup = Setup::new().await;
        refused(setup.get(&setup.guest("launch")).await, StatusCode::SERVICE_UNAVAILABLE).await;
    }

    #[tokio::test]
    async fn health_names_chain_and_provider() {
        let setup = Setup::new().await;
        let health: Health = setup.get(&format!("{}/v1/health", setup.url)).await.json().await.unwrap();
        let provider = setup.agent.provider();
        assert_eq!(health, Health { genesis: Some(GENESIS), provider, node: false, finalised: 0, jobs: 1 });
    }

    #[tokio::test]
    async fn unknown_jobs_and_routes_are_not_found() {
        let setup = Setup::new().await;
        refused(setup.get(&format!("{}/v1/jobs/77", setup.url)).await, StatusCode::NOT_FOUND).await;
        refused(setup.get(&format!("{}/v1/jobs/seven", setup.url)).await, StatusCode::BAD_REQUEST).await;
        refused(setup.get(&format!("{}/v2", setup.url)).await, StatusCode::NOT_FOUND).await;
    }

    #[tokio::test]
    async fn blobs_and_receipts_of_a_closed_job_go_when_their_time_is_over() {
        let setup = Setup::new().await;
        let guest = Guest::new();
        setup.bring_evidence(&guest).await;
        setup.bring_log(&guest, &guest.receipts(0, 2)).await;
        setup.upload(INPUT, Digest::of(INPUT)).await;
        let keep = setup.agent.config.run.keep_blobs_seconds * 1_000;
        setup.agent.store.change(JOB, move |record| record.closed_at = Some(now() - keep + 60_000)).await.unwrap();
        crate::follow::sweep_once(&setup.agent).await.unwrap();
        assert!(setup.agent.blobs.length(JOB, Digest::of(INPUT)).await.unwrap().is_some());
        assert_eq!(setup.get(&setup.job("/receipts")).await.bytes().await.unwrap().len(), 2 * Receipt::ENCODED_LEN);
        setup.agent.store.change(JOB, move |record| record.closed_at = Some(now() - keep)).await.unwrap();
        crate::follow::sweep_once(&setup.agent).await.unwrap();
        assert!(!setup.folder.path().join("blobs").join(JOB.to_string()).exists());
        assert_eq!(std::fs::read_dir(setup.folder.path().join("logs")).unwrap().count(), 0);
        refused(setup.get(&setup.job("/receipts")).await, StatusCode::GONE).await;
        refused(setup.get(&setup.job("/checkpoints")).await, StatusCode::GONE).await;
        refused(setup.get(&setup.job("/proof?index=0&size=1")).await, StatusCode::GONE).await;
        // The guest is long gone; a log would not be begun for one that is not.
        let receipts = guest.receipts(0, 2);
        let batch = setup.batch(0, &receipts, &guest.checkpoint_over(&receipts));
        refused(setup.post(&setup.guest("log"), &batch).await, StatusCode::GONE).await;
        crate::follow::sweep_once(&setup.agent).await.unwrap();
        assert_eq!(std::fs::read_dir(setup.folder.path().join("logs")).unwrap().count(), 0);
    }
}
