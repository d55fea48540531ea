//! Checkpoints out of a stream of NATS JetStream: a real server, killed and robbed of its stream.

use crate::{
    kill::{seed, short},
    soak::{Front as _, soak},
    stream::*,
    support::*,
};
use async_nats::{HeaderMap, jetstream, jetstream::Message};
use blockcloud_aggregator::{Outcome, Part, Refusal, Statement, nats::ANSWER};
use codec::{DecodeAll as _, Encode as _};
use futures::StreamExt as _;
use std::{collections::BTreeMap, io::Write as _, path::Path};

/// A server that runs, unless none is installed: that is said.
async fn server(folder: &Path, test: &str) -> Option<Server> {
    let Some(mut server) = Server::new(folder.join("nats")) else {
        // Past the harness, which keeps what tests print to itself.
        let _ =
            writeln!(std::io::stderr(), "SKIPPED {test}: nats-server is not installed (Debian and Ubuntu: apt-get install nats-server)");
        return None;
    };
    server.start().await;
    Some(server)
}

const WHOLE: Part = Part { base: 0, height: 6 };

/// The top of a tree of 64 slots with these guests, fed by the server.
async fn top(folder: &Path, server: &Server, guests: &[Guest]) -> Aggregator {
    make_key(&folder.join("top"));
    let ingest = server.ingest();
    let setup = Setup { height: 6, part: None, parent: None, guests, children: vec![], interval_ms: 30, ingest: &ingest };
    let mut top = Aggregator::new(folder.join("top"), &setup);
    top.start().await;
    top
}

/// Publishes until the stream has it.
async fn publish(jetstream: &jetstream::Context, token: Option<&str>, content: Vec<u8>) {
    until("the stream", async || {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            headers.insert(ANSWER, token);
        }
        jetstream.publish_with_headers(subject(WHOLE), headers, content.clone().into()).await.ok()?.await.ok()
    })
    .await;
}

async fn receipts(top: &Aggregator, expected: u64) {
    until("the receipts", async || (top.delivered().iter().map(Statement::receipts).sum::<u64>() == expected).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sender_is_answered_and_what_is_refused_or_cannot_be_read_never_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = server(folder.path(), "each_sender_is_answered").await else { return };
    let guests = [Guest::new(1), Guest::new(2)];
    let top = top(folder.path(), &server, &guests).await;
    let jetstream = server.jetstream().await;
    let mut answers = jetstream.client().subscribe(format!("{}.answers.>", subject(WHOLE))).await.unwrap();
    let mut forged = guests[1].submission(1);
    forged.signature.0[3] ^= 1;
    let good = vec![guests[0].submission(1), forged.clone()];
    publish(&jetstream, Some("scale"), good.encode()).await;
    publish(&jetstream, Some("json.1"), serde_json::to_vec(&good).unwrap()).await;
    publish(&jetstream, Some("refused"), vec![forged].encode()).await;
    publish(&jetstream, Some("noise"), b"noise".to_vec()).await;
    // Nobody asks, or asks for what is not its own.
    publish(&jetstream, None, vec![guests[0].submission(2)].encode()).await;
    publish(&jetstream, Some("a.>"), vec![guests[0].submission(2)].encode()).await;
    publish(&jetstream, Some("last"), vec![guests[0].submission(2)].encode()).await;

    // What cannot be read is answered at once, the rest after its group commit.
    let mut said = BTreeMap::new();
    while said.len() < 5 {
        let answer = tokio::time::timeout(DEADLINE, answers.next()).await.unwrap().unwrap();
        let token = answer.subject.strip_prefix(&format!("{}.answers.", subject(WHOLE))).unwrap().to_owned();
        assert!(said.insert(token, answer.payload).is_none());
    }
    let mut answer = |token: &str| said.remove(token).unwrap();
    let bad = Outcome::Refused { refusal: Refusal::BadSignature };
    let outcomes = Vec::<Outcome>::decode_all(&mut &answer("scale")[..]).unwrap();
    assert!(matches!(outcomes[..], [Outcome::Accepted { slot: 1, .. }, second] if second == bad), "{outcomes:?}");
    let outcomes: Vec<serde_json::Value> = serde_json::from_slice(&answer("json.1")).unwrap();
    assert_eq!((outcomes[0]["outcome"].as_str(), outcomes[1]["refusal"].as_str()), (Some("known"), Some("bad_signature")));
    assert!(outcomes[1]["advice"].is_string());
    assert_eq!(Vec::<Outcome>::decode_all(&mut &answer("refused")[..]).unwrap(), [bad]);
    let refusal: serde_json::Value = serde_json::from_slice(&answer("noise")).unwrap();
    assert!(refusal["error"].is_string() && refusal["advice"].is_string());
    assert_eq!(Vec::<Outcome>::decode_all(&mut &answer("last")[..]).unwrap(), [Outcome::Known { slot: 1 }]);
    until("a stream with nothing to deliver", async || (server.left().await == 0).then_some(())).await;
    receipts(&top, 2 * STEP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_lost_is_made_again_and_what_was_taken_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = server(folder.path(), "a_stream_that_was_lost").await else { return };
    let guests = [Guest::new(1)];
    let mut top = top(folder.path(), &server, &guests).await;
    let jetstream = server.jetstream().await;
    publish(&jetstream, None, vec![guests[0].submission(1)].encode()).await;
    receipts(&top, STEP).await;
    jetstream.delete_stream(STREAM).await.unwrap();
    publish(&jetstream, None, vec![guests[0].submission(2)].encode()).await;
    receipts(&top, 2 * STEP).await;
    // The whole server, with all that it had.
    server.kill();
    std::fs::remove_dir_all(folder.path().join("nats/store")).unwrap();
    server.start().await;
    let jetstream = server.jetstream().await;
    publish(&jetstream, None, vec![guests[0].submission(2)].encode()).await;
    publish(&jetstream, None, vec![guests[0].submission(3)].encode()).await;
    receipts(&top, 3 * STEP).await;
    // While nobody takes it, it waits.
    top.kill();
    publish(&jetstream, None, vec![guests[0].submission(4)].encode()).await;
    assert_eq!(server.left().await, 1);
    top.start().await;
    receipts(&top, 4 * STEP).await;
    assert_no_equivocation(&top).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_again_after_it_was_taken_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = server(folder.path(), "a_message_that_comes_again").await else { return };
    let guests = [Guest::new(1)];
    let mut top = top(folder.path(), &server, &guests).await;
    let jetstream = server.jetstream().await;
    publish(&jetstream, None, vec![guests[0].submission(1)].encode()).await;
    receipts(&top, STEP).await;
    // Killed after it had taken a message and before it acknowledged: another takes it out of the consumer's hands and says nothing.
    top.kill();
    publish(&jetstream, None, vec![guests[0].submission(2)].encode()).await;
    let consumer: jetstream::consumer::PullConsumer =
        jetstream.get_consumer_from_stream(&format!("part-{}-{}", WHOLE.base, WHOLE.height), STREAM).await.unwrap();
    let mut taken = consumer.fetch().max_messages(1).messages().await.unwrap();
    let taken: Message = taken.next().await.unwrap().unwrap();
    assert_eq!(taken.info().unwrap().delivered, 1);
    top.start().await;
    assert!(matches!(top.send(&[guests[0].submission(2)]).await.unwrap()[..], [Outcome::Accepted { .. }]));
    assert!(matches!(top.send(&[guests[0].submission(3)]).await.unwrap()[..], [Outcome::Accepted { .. }]));
    // It comes again once the server has waited for its acknowledgement, is refused as overtaken, and is gone.
    until("a stream with nothing to deliver", async || (server.left().await == 0).then_some(())).await;
    receipts(&top, 3 * STEP).await;
    assert_no_equivocation(&top).await;
}

/// The example `soak --ingest nats` is the same with a thousand guests for minutes.
#[tokio::test(flavor = "multi_thread")]
async fn a_tree_whose_aggregators_and_server_are_killed_loses_nothing_and_counts_every_receipt_once() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = server(folder.path(), "a_tree_whose_aggregators_and_server_are_killed").await else { return };
    server.kill();
    let report = soak(folder.path(), &short(seed()), Some(Box::new(server))).await;
    println!("{report}");
    assert!(report.looked_up > 0 && report.proofs == 60);
    assert_eq!(report.receipts[0], report.receipts[1]);
}
