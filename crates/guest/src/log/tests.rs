//! The log by itself.

use super::*;
use blockcloud_receipt_log::{Tree, objects::IndexReceipt, verify_consistency};
use codec::DecodeAll;
use std::{sync::Arc, thread};

const GENESIS: Digest = Digest([1; 32]);

fn log() -> (Log, ReceiptKey) {
    (Log::new(JobId(7)), ReceiptKey::generate().unwrap())
}

fn statement() -> Statement {
    Statement::new(Op::Heartbeat, Digest([2; 32]))
}

fn receipts(increment: &Increment) -> Vec<Receipt> {
    let bytes = hex::decode(increment.receipts.strip_prefix("0x").unwrap()).unwrap();
    bytes.chunks(Receipt::ENCODED_LEN).map(|bytes| Receipt::decode_all(&mut &bytes[..]).unwrap()).collect()
}

#[test]
fn nothing_to_say_is_no_increment() {
    let (log, key) = log();
    assert_eq!(log.increment(&key, &GENESIS), None);
    assert!(log.is_settled());
}

#[test]
fn increments_follow_each_other_and_are_bounded() {
    let (log, key) = log();
    for _ in 0..INCREMENT_MAX + 10 {
        log.append(&statement()).unwrap();
    }
    let first = log.increment(&key, &GENESIS).unwrap();
    log.confirm(first.checkpoint.size);
    let second = log.increment(&key, &GENESIS).unwrap();
    log.confirm(second.checkpoint.size);
    assert_eq!((first.first_seq, receipts(&first).len()), (0, INCREMENT_MAX));
    assert_eq!((second.first_seq, receipts(&second).len()), (INCREMENT_MAX as u64, 10));
    assert!(serde_json::to_vec(&first).unwrap().len() < 2_000_000);
    assert!(second.checkpoint.time > first.checkpoint.time);
    assert_eq!((second.checkpoint.previous_size, second.checkpoint.previous_root), (first.checkpoint.size, first.checkpoint.root));
    let tree: Tree = receipts(&first).iter().chain(&receipts(&second)).map(|receipt| leaf_hash(&receipt.encode())).collect();
    let proof = tree.consistency_proof(first.checkpoint.size, second.checkpoint.size).unwrap();
    let (old, new) = (first.checkpoint, second.checkpoint);
    assert_eq!(verify_consistency(old.size, &old.root.0, new.size, &new.root.0, &proof), Ok(()));
    assert_eq!(log.head(), (new.size, new.root));
    assert!(log.is_settled());
}

#[test]
fn what_is_not_confirmed_is_said_again() {
    let (log, key) = log();
    log.append(&statement()).unwrap();
    let lost = log.increment(&key, &GENESIS).unwrap();
    log.append(&statement()).unwrap();
    assert_eq!(log.increment(&key, &GENESIS).unwrap(), lost);
    log.confirm(1);
    let next = log.increment(&key, &GENESIS).unwrap();
    assert_eq!((next.first_seq, next.checkpoint.size, next.checkpoint.previous_size), (1, 2, 1));
}

#[test]
fn confirming_too_much_or_twice_is_harmless() {
    let (log, key) = log();
    log.append(&statement()).unwrap();
    log.confirm(100);
    log.confirm(1);
    log.append(&statement()).unwrap();
    assert_eq!(log.increment(&key, &GENESIS).unwrap().first_seq, 1);
}

#[test]
fn a_clock_that_is_set_back_turns_no_receipts_round() {
    let (log, key) = log();
    let first = log.append(&statement()).unwrap();
    // As if the clock had been far ahead.
    let ahead = first.time + 1_000_000_000;
    log.state().time = ahead;
    assert_eq!(log.append(&statement()).unwrap().time, ahead);
    assert!(log.increment(&key, &GENESIS).unwrap().checkpoint.time >= ahead);
}

#[test]
fn salts_differ() {
    let (log, _) = log();
    let (one, two) = (log.append(&statement()).unwrap(), log.append(&statement()).unwrap());
    assert_ne!(one.salt, two.salt);
    assert_eq!((one.seq, two.seq), (0, 1));
}

#[test]
fn fails_after_the_last_receipt() {
    let (log, _) = log();
    log.append_last(&statement()).unwrap();
    assert_eq!(log.append(&statement()), Err(LogError::Closed));
    assert_eq!(log.append_last(&statement()), Err(LogError::Closed));
    assert_eq!(log.append_waiting(&statement()), Err(LogError::Closed));
}

#[test]
fn heartbeats_carry_the_index_of_what_came_since_and_the_last_ones_that_of_all() {
    let (log, key) = log();
    let about = |object: u8| Statement { object: Digest([object; 32]), ..Statement::new(Op::Read, Digest::ZERO) };
    let actor = Digest([2; 32]);
    log.append(&about(3)).unwrap();
    log.append(&about(1)).unwrap();
    log.beat(actor).unwrap();
    log.beat(actor).unwrap();
    log.append(&about(3)).unwrap();
    log.append_last(&Statement::new(Op::Erase, actor)).unwrap();
    let receipts = receipts(&log.increment(&key, &GENESIS).unwrap());
    let indexes: Vec<_> = receipts.iter().filter_map(IndexReceipt::of).collect();
    let spans: Vec<_> = indexes.iter().map(|index| (index.span, index.from, index.to, index.objects)).collect();
    assert_eq!(spans, [(Span::Beat, 0, 2, 2), (Span::Beat, 2, 3, 0), (Span::Beat, 3, 5, 1), (Span::Hour, 0, 6, 2), (Span::Day, 0, 7, 2)]);
    for index in indexes {
        let covered = &receipts[index.from as usize..index.to as usize];
        assert_eq!(ObjectIndex::over(covered).root(), index.root, "{index:?}");
    }
    assert_eq!(receipts.last().unwrap().op, Op::Erase);
}

#[test]
fn an_hour_is_closed_when_it_is_over_or_too_large_and_the_next_begins_there() {
    let (log, key) = log();
    let actor = Digest([2; 32]);
    log.beat(actor).unwrap();
    // As if the hour had begun that long ago.
    for rolled in &mut log.state().rolled {
        rolled.since = rolled.since.map(|since| since - 3_600_000);
    }
    log.beat(actor).unwrap();
    let mut objects = 0u64..;
    let mut many = |count: usize| {
        for number in objects.by_ref().take(count) {
            log.append(&Statement { object: Digest::of(&number.to_le_bytes()), ..Statement::new(Op::Write, actor) }).unwrap();
        }
        log.beat(actor).unwrap();
    };
    many(OBJECTS_MAX as usize - 1);
    many(1);
    let mut all = Vec::new();
    while let Some(increment) = log.increment(&key, &GENESIS) {
        all.extend(receipts(&increment));
        log.confirm(increment.checkpoint.size);
    }
    let rolled: Vec<_> = all.iter().filter_map(IndexReceipt::of).filter(|index| index.span != Span::Beat).collect();
    let spans: Vec<_> = rolled.iter().map(|index| (index.span, index.objects)).collect();
    assert_eq!(spans, [(Span::Hour, 0), (Span::Hour, OBJECTS_MAX), (Span::Day, OBJECTS_MAX)]);
    assert_eq!((rolled[0].from, rolled[1].from, rolled[2].from), (0, rolled[0].to, 0));
}

#[test]
fn a_program_waits_for_room_and_goes_on() {
    let (log, key) = log();
    let log = Arc::new(log);
    for _ in 0..PENDING_MAX {
        log.append(&statement()).unwrap();
    }
    let waiting = {
        let log = log.clone();
        thread::spawn(move || log.append_waiting(&statement()))
    };
    let increment = log.increment(&key, &GENESIS).unwrap();
    log.confirm(increment.checkpoint.size);
    assert_eq!(waiting.join().unwrap().unwrap().seq, PENDING_MAX as u64);
}

#[test]
fn a_program_that_waits_is_released_when_the_log_is_abandoned() {
    let (log, _) = log();
    let log = Arc::new(log);
    for _ in 0..PENDING_MAX {
        log.append(&statement()).unwrap();
    }
    let waiting = {
        let log = log.clone();
        thread::spawn(move || log.append_waiting(&statement()))
    };
    log.abandon();
    assert_eq!(waiting.join().unwrap(), Err(LogError::Closed));
    assert!(log.append_last(&statement()).is_ok(), "the guest itself can still say that it erased");
}

#[test]
fn processor_time_grows() {
    let before = cpu_ms().unwrap();
    let mut number = 1_u64;
    while cpu_ms().unwrap() < before + 20 {
        number = number.wrapping_mul(31);
    }
    assert!(number != 0);
}
