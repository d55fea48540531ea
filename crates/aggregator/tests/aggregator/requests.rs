//! What may be asked and sent, and every way in which a request as a whole is refused.

use crate::{local::*, support::*};
use blockcloud_aggregator::{
    Child, Equivocation, Outcome, Part, Refusal, SlotProof, Submission,
    http::{EquivocationsView, SourceView},
    verify,
};
use blockcloud_primitives::{Checkpoint, Digest, PublicKey};
use codec::Encode as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const JSON: &str = "application/json";

fn guests(slots: &[u32]) -> Vec<Guest> {
    slots.iter().copied().map(Guest::new).collect()
}

#[tokio::test]
async fn json_and_scale_say_the_same_and_one_need_not_be_a_list() {
    let guests = guests(&[1, 2]);
    let local = Local::start(&guests, vec![], |_| ()).await;
    let body = serde_json::to_vec(&[guests[0].submission(1), guests[1].submission(1)]).unwrap();
    let (status, answer) = local.post("/v1/checkpoints", JSON, body).await;
    let outcomes: Vec<Outcome> = serde_json::from_slice(&answer).unwrap();
    assert!(matches!(outcomes[..], [Outcome::Accepted { slot: 1, .. }, Outcome::Accepted { slot: 2, .. }]), "{outcomes:?}");
    assert_eq!(status, 200);
    assert_eq!(local.send(&[guests[0].submission(1)]).await, [Outcome::Known { slot: 1 }]);
    // Without the member `proof`, as the agent writes signed checkpoints.
    let mut one = serde_json::to_value(guests[1].submission(2)).unwrap();
    one.as_object_mut().unwrap().remove("proof");
    let (status, answer) = local.post("/v1/checkpoints", JSON, one.to_string().into_bytes()).await;
    assert_eq!((status, serde_json::from_slice::<Vec<Outcome>>(&answer).unwrap().len()), (200, 1));
    local.stop().await;
}

#[tokio::test]
async fn one_bad_signature_or_unknown_job_harms_no_neighbour() {
    let guests = guests(&[1, 2, 3]);
    let local = Local::start(&guests, vec![], |_| ()).await;
    let mut forged = guests[1].submission(1);
    forged.signature.0[3] ^= 1;
    let stranger = Guest::new(9);
    let outcomes = local.send(&[guests[0].submission(1), forged, stranger.submission(1), guests[2].submission(1)]).await;
    let refused = |refusal| Outcome::Refused { refusal };
    assert!(matches!(outcomes[0], Outcome::Accepted { slot: 1, .. }) && matches!(outcomes[3], Outcome::Accepted { slot: 3, .. }));
    assert_eq!(outcomes[1], refused(Refusal::BadSignature));
    assert_eq!(outcomes[2], refused(Refusal::UnknownSource { job: stranger.source().job }));
    // Another chain's signature is a bad one; where nothing is taken the status says so, with words for people.
    let checkpoint = guests[1].checkpoint(1);
    let other_chain = guests[1].sign_for(checkpoint, &Digest([8; 32]));
    let (status, answer) = local.post("/v1/checkpoints", JSON, serde_json::to_vec(&other_chain).unwrap()).await;
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((status, answer[0]["refusal"].as_str()), (422, Some("bad_signature")));
    assert!(answer[0]["error"].is_string() && answer[0]["advice"].is_string());
    local.stop().await;
}

#[tokio::test]
async fn a_signer_that_contradicts_itself_is_refused_and_both_statements_are_shown() {
    let guests = guests(&[1]);
    let local = Local::start(&guests, vec![], |_| ()).await;
    let first = guests[0].submission(2);
    local.send(std::slice::from_ref(&first)).await;
    let fork = |byte| guests[0].sign(Checkpoint { root: Digest([byte; 32]), ..guests[0].checkpoint(2) });
    for byte in [1, 2] {
        assert_eq!(local.send(&[fork(byte)]).await, [Outcome::Refused { refusal: Refusal::Forked { size: 20 } }]);
    }
    let shown = |local: &Local| {
        let url = local.url.clone();
        async move { client().get(format!("{url}/v1/equivocations")).send().await.unwrap().json::<EquivocationsView>().await.unwrap() }
    };
    let view = shown(&local).await;
    // The first contradiction of a log is kept, not each.
    let [(name, Equivocation::Log { slot: 1, key, first: kept, second })] = &view.equivocations[..] else { panic!("{view:?}") };
    assert_eq!((kept.checkpoint, second.checkpoint), (first.checkpoint, fork(1).checkpoint));
    for entry in [kept, second] {
        assert!(verify::single(key, &entry.signature, &entry.checkpoint.signing_payload(&GENESIS)));
    }
    assert!(!view.more);
    let (_, after) = local.get(&format!("/v1/equivocations?after={name}")).await;
    assert_eq!(after["equivocations"], serde_json::json!([]));
    let local = Local::start_in(local.stop().await, |_| ()).await;
    assert_eq!(shown(&local).await.equivocations.len(), 1);
    local.stop().await;
}

#[tokio::test]
async fn late_checkpoints_go_to_the_next_round() {
    let guests = guests(&[1]);
    let local = Local::start(&guests, vec![], |_| ()).await;
    let mut last = None;
    for turn in 1..=4 {
        let outcomes = local.send(&[guests[0].submission(turn)]).await;
        let [Outcome::Accepted { round, .. }] = outcomes[..] else { panic!("{outcomes:?}") };
        assert!(last < Some(round));
        last = Some(round);
        until("the round", async || (local.rounds().await > round).then_some(())).await;
        let (_, proof) = local.get(&format!("/v1/sources/1/proof?round={round}")).await;
        let proof: SlotProof = serde_json::from_value(proof).unwrap();
        proof.verify(&GENESIS, &local.key).unwrap();
        assert_eq!(proof.entry.unwrap().checkpoint, guests[0].checkpoint(turn));
    }
    // A bound closes a round before its time.
    let folder = local.stop().await;
    let local = Local::start_in(folder, |config| {
        config.rounds.interval_ms = 3_600_000;
        config.rounds.max_checkpoints = 2;
    })
    .await;
    let before = local.rounds().await;
    local.send(&[guests[0].submission(5)]).await;
    local.send(&[guests[0].submission(6)]).await;
    until("the full round", async || (local.rounds().await == before + 1).then_some(())).await;
    local.stop().await;
}

#[tokio::test]
async fn a_silent_source_is_shown_to_be_silent_by_rounds_without_anything_new() {
    let guests = guests(&[1]);
    let local = Local::start(&guests, vec![], |config| config.rounds.idle_s = 0).await;
    let outcomes = local.send(&[guests[0].submission(1)]).await;
    let [Outcome::Accepted { round: first, .. }] = outcomes[..] else { panic!("{outcomes:?}") };
    let later = || local.delivered().into_iter().filter(|round| round.number() > first).collect::<Vec<_>>();
    let rounds = until("rounds", async || Some(later()).filter(|rounds| rounds.len() > 1)).await;
    assert!(rounds.iter().all(|round| round.receipts() == 0 && round.filled() == 1));
    local.stop().await;
}

#[tokio::test]
async fn bodies_that_cannot_be_read_or_are_too_large_or_too_many_are_refused() {
    let guests = guests(&[1]);
    let limits = |config: &mut blockcloud_aggregator::config::Config| {
        config.limits.batch = 3;
        config.limits.body_bytes = 4_096;
    };
    let local = Local::start(&guests, vec![], limits).await;
    let good = guests[0].submission(1);
    let scale = "application/octet-stream";
    let many: Vec<Submission> = vec![good.clone(); 4];
    let mut trailing = vec![good.clone()].encode();
    trailing.push(0);
    for (content, body) in [
        (scale, vec![0xff; 40]),
        (scale, trailing),
        (scale, Vec::<Submission>::new().encode()),
        (scale, vec![]),
        (scale, many.encode()),
        (JSON, b"{".to_vec()),
        (JSON, b"[]".to_vec()),
        (JSON, b"{\"checkpoint\":1}".to_vec()),
        (scale, serde_json::to_vec(&good).unwrap()),
    ] {
        let (status, answer) = local.post("/v1/checkpoints", content, body).await;
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(status, 400, "{answer}");
        assert!(answer["error"].is_string() && answer["advice"].is_string());
    }
    assert_eq!(local.post("/v1/branches", scale, vec![0xff; 40]).await.0, 400);
    assert_eq!(local.post("/v1/checkpoints", scale, vec![0; 4_097]).await.0, 413);
    // Who does not say how long the body is is stopped where it becomes too long.
    let chunks = futures::stream::iter((0..9).map(|_| Ok::<_, std::io::Error>(vec![0u8; 1_024])));
    let request = client().post(format!("{}/v1/checkpoints", local.url)).body(reqwest::Body::wrap_stream(chunks));
    assert_eq!(request.send().await.unwrap().status(), 413);
    assert!(matches!(local.send(&[good]).await[..], [Outcome::Accepted { .. }]));
    local.stop().await;
}

#[tokio::test]
async fn what_is_not_here_is_said_to_be_elsewhere_or_gone() {
    let guests = guests(&[1]);
    let child = Child { base: 32, height: 4, key: PublicKey([6; 32]), first: 0 };
    let local = Local::start(&guests, vec![child], |config| config.rounds.keep = 2).await;
    assert_eq!(local.get("/v1/rounds/latest").await.0, 404);
    assert_eq!(local.get("/v1/sources/1/proof").await.0, 404);
    for turn in 1..=5 {
        local.send(&[guests[0].submission(turn)]).await;
        until("the round", async || (local.rounds().await >= turn).then_some(())).await;
    }
    until("old rounds to go", async || (local.get("/v1/rounds/0").await.0 == 410).then_some(())).await;
    assert_eq!(local.get("/v1/sources/1/proof?round=0").await.0, 410);
    assert_eq!(local.get("/v1/rounds/0/slots/1").await.0, 410);
    assert_eq!(local.get("/v1/rounds/99").await.0, 404);
    assert_eq!(local.get("/v1/sources/1/proof?size=51").await.0, 404);
    assert_eq!(local.get("/v1/sources/1/proof?size=50").await.0, 200);
    let (status, latest) = local.get("/v1/rounds/latest").await;
    assert_eq!((status, latest["round"]["filled"].as_u64()), (200, Some(1)));
    let (status, view) = local.get("/v1/sources/1").await;
    let view: SourceView = serde_json::from_value(view).unwrap();
    assert_eq!((status, view.source, view.entry.unwrap().checkpoint), (200, guests[0].source(), guests[0].checkpoint(5)));
    let (status, view) = local.get("/v1/sources/33").await;
    assert_eq!(status, 404);
    assert!(view["advice"].as_str().unwrap().contains(&child.key.to_string()));
    assert_eq!(local.get("/v1/sources/33/proof").await.0, 404);
    assert_eq!(local.get("/v1/sources/2").await.0, 404);
    assert_eq!(local.get("/v1/parts/32/4").await, (200, serde_json::Value::Null));
    assert_eq!(local.get("/v1/parts/32/3").await.0, 404);
    assert_eq!(local.get("/v1/parts/0/4/anchors").await.0, 404);
    assert_eq!(local.get("/v1/nothing").await.0, 404);
    let text = client().get(format!("{}/metrics", local.url)).send().await.unwrap().text().await.unwrap();
    for line in [
        "blockcloud_aggregator_outcomes_total{outcome=\"accepted\"} 5",
        "blockcloud_aggregator_rounds 5",
        "blockcloud_aggregator_sources 1",
    ] {
        assert!(text.contains(line), "{text}");
    }
    local.stop().await;
}

#[tokio::test]
async fn more_than_may_be_worked_on_at_a_time_is_refused_for_now() {
    let guests = guests(&[1]);
    let local = Local::start(&guests, vec![], |config| {
        config.limits.body_bytes = 1_024;
        config.limits.in_flight_bytes = 1_024;
    })
    .await;
    // A body that is announced and does not come holds its place.
    let mut slow = tokio::net::TcpStream::connect(local.url.strip_prefix("http://").unwrap()).await.unwrap();
    slow.write_all(b"POST /v1/checkpoints HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{").await.unwrap();
    let body = serde_json::to_vec(&guests[0].submission(1)).unwrap();
    until("the refusal", async || (local.post("/v1/checkpoints", JSON, body.clone()).await.0 == 503).then_some(())).await;
    let response = client().post(format!("{}/v1/checkpoints", local.url)).body(body.clone()).send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "1");
    drop(slow);
    until("the place", async || (local.post("/v1/checkpoints", JSON, body.clone()).await.0 == 200).then_some(())).await;
    local.stop().await;
}

#[tokio::test]
async fn who_sends_nothing_or_comes_when_all_places_are_taken_is_left() {
    let local = Local::start(&guests(&[1]), vec![], |config| {
        config.limits.connections = 1;
        config.limits.idle_s = 1;
    })
    .await;
    let address = local.url.strip_prefix("http://").unwrap().to_owned();
    let mut held = tokio::net::TcpStream::connect(&address).await.unwrap();
    held.write_all(b"POST /v1/checkpoints HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{").await.unwrap();
    let mut late = tokio::net::TcpStream::connect(&address).await.unwrap();
    let mut nothing = Vec::new();
    // Closed without a word; a reset is as good.
    assert_eq!(late.read_to_end(&mut nothing).await.unwrap_or(0), 0);
    // The one that holds the place is answered with a refusal, or cut off, once it has sent nothing for too long.
    let mut answer = Vec::new();
    let _broken = tokio::time::timeout(DEADLINE, held.read_to_end(&mut answer)).await.expect("it is left in the end");
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
    drop(held);
    until("the place", async || Some(client().get(format!("http://{address}/v1/health")).send().await.ok()?.status() == 200)).await;
}

#[tokio::test]
async fn nothing_is_taken_when_the_disk_is_too_full() {
    let guests = guests(&[1]);
    let local = Local::start(&guests, vec![], |config| config.limits.keep_free_bytes = u64::MAX).await;
    let body = serde_json::to_vec(&guests[0].submission(1)).unwrap();
    until("the refusal", async || (local.post("/v1/checkpoints", JSON, body.clone()).await.0 == 507).then_some(())).await;
    assert_eq!(local.get("/v1/health").await.1["room"], false);
    local.stop().await;
}

#[tokio::test]
async fn sources_that_come_and_go_are_noticed_and_what_was_taken_from_them_is_in_a_round() {
    let both = guests(&[1, 2]);
    let local = Local::start(&both[..1], vec![], |config| config.rounds.interval_ms = 200).await;
    local.send(&[both[0].submission(1)]).await;
    register(local.folder.path(), &both[1..], vec![]);
    until("the new source", async || {
        matches!(local.send(&[both[1].submission(1)]).await[..], [Outcome::Accepted { .. } | Outcome::Known { .. }]).then_some(())
    })
    .await;
    let refused = Outcome::Refused { refusal: Refusal::UnknownSource { job: both[0].source().job } };
    until("the old one to go", async || (local.send(&[both[0].submission(2)]).await == [refused]).then_some(())).await;
    until("both counts", async || (local.delivered().iter().map(|round| round.receipts()).sum::<u64>() == 20).then_some(())).await;
    until("the slot to be empty", async || {
        let proof: SlotProof = serde_json::from_value(local.get("/v1/sources/1/proof").await.1).ok()?;
        proof.verify(&GENESIS, &local.key).unwrap();
        proof.entry.is_none().then_some(())
    })
    .await;
    // A file that cannot be used changes nothing.
    std::fs::write(local.folder.path().join("sources.toml"), "[[source]]\nslot = 64\n").unwrap();
    assert!(matches!(local.send(&[both[1].submission(2)]).await[..], [Outcome::Accepted { .. }]));
    local.stop().await;
}

#[tokio::test]
async fn branches_of_strangers_and_of_other_keys_are_refused() {
    let child_key = make_key(tempfile::tempdir().unwrap().path());
    let child = Child { base: 32, height: 4, key: child_key, first: 0 };
    let local = Local::start(&[], vec![child], |_| ()).await;
    let branch = |base| blockcloud_primitives::Branch {
        version: 1,
        aggregator: blockcloud_primitives::AggregatorId(5),
        number: 0,
        base,
        height: 4,
        root: Digest::ZERO,
        filled: 1,
        receipts: 1,
        time: 1,
    };
    let stranger = Guest::new(3);
    let signed = |base| stranger.sign_branch(branch(base));
    let body = serde_json::to_vec(&[signed(32), signed(16)]).unwrap();
    let (status, answer) = local.post("/v1/branches", JSON, body).await;
    let outcomes: Vec<Outcome> = serde_json::from_slice(&answer).unwrap();
    let refusals: Vec<_> = outcomes.iter().filter_map(Outcome::refusal).collect();
    assert_eq!((status, refusals), (422, vec![Refusal::BadSignature, Refusal::UnknownPart { base: 16, height: 4 }]));
    assert!(!Part { base: 32, height: 4 }.has(16));
    local.stop().await;
}
