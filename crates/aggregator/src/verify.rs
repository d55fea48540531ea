//! Signatures: the chain's rule, many at a time, on threads of their own.
//!
//! # The rule
//! The chain verifies ed25519 through `sp_io`, which is ZIP 215: a signature (R, s) of key A over message M is good if s is canonical, A and R decode
//! (also from non-canonical encodings), and `[8][s]B = [8]R + [8][k]A` with `k = SHA-512(R || A || M)`. The equation is cofactored, so that a batch,
//! `[8](-[sum z_i s_i]B + sum [z_i]R_i + sum [z_i k_i]A_i) = 0` with random 128-bit z_i, agrees with single verification for every input but with a
//! chance of 2^-128: a term of small order vanishes in both. (Under the cofactorless equation of many libraries it does not, and a batch would take
//! what single verification refuses.) The same crate does both here and on chain, so one set is accepted everywhere. A batch that fails is verified
//! one by one, so that nobody's bad signature harms a neighbour.
//!
//! Not here: who may sign what (`sources`), order and history (`state`).

use crate::collect::{Item, Ticket};
use crate::{Outcome, Refusal};
use blockcloud_primitives::{Digest, PublicKey, Signature};
use crossbeam_channel::{Receiver, Sender};
use ed25519_zebra::{Signature as ZebraSignature, VerificationKey, VerificationKeyBytes, batch};
use std::thread::{self, JoinHandle};

/// Signatures in one batch at most. Beyond this a batch gains little and a bad signature costs more.
const BATCH: usize = 256;
/// Once this many are at hand, no further requests are added to a batch.
const ENOUGH: usize = 128;

/// Whether this is the key's signature over the message, by the chain's rule.
pub fn single(key: &PublicKey, signature: &Signature, message: &[u8]) -> bool {
    VerificationKey::try_from(key.0).is_ok_and(|key| key.verify(&ZebraSignature::from(signature.0), message).is_ok())
}

/// Which of these signatures are good, by the chain's rule: key, signature and message of each.
pub fn many(items: &[(PublicKey, Signature, Vec<u8>)]) -> Vec<bool> {
    let mut good = Vec::with_capacity(items.len());
    for chunk in items.chunks(BATCH) {
        if let [(key, signature, message)] = chunk {
            good.push(single(key, signature, message));
            continue;
        }
        let prepared: Vec<batch::Item> = chunk
            .iter()
            .map(|(key, signature, message)| (VerificationKeyBytes::from(key.0), ZebraSignature::from(signature.0), message).into())
            .collect();
        let mut verifier = batch::Verifier::new();
        prepared.iter().cloned().for_each(|item| verifier.queue(item));
        match verifier.verify(rand_core::OsRng) {
            Ok(()) => good.extend(std::iter::repeat_n(true, chunk.len())),
            Err(_) => good.extend(prepared.into_iter().map(|item| item.verify_single().is_ok())),
        }
    }
    good
}

/// Starts threads that take tickets, verify what is in them, and pass them on. They end when the last sender of tickets is gone.
pub fn start(threads: usize, genesis: Digest, tickets: Receiver<Ticket>, onward: Sender<Ticket>) -> std::io::Result<Vec<JoinHandle<()>>> {
    (0..threads.max(1))
        .map(|number| {
            let (tickets, onward) = (tickets.clone(), onward.clone());
            thread::Builder::new().name(format!("verify-{number}")).spawn(move || work(&genesis, &tickets, &onward))
        })
        .collect()
}

fn work(genesis: &Digest, tickets: &Receiver<Ticket>, onward: &Sender<Ticket>) {
    while let Ok(first) = tickets.recv() {
        let mut taken = vec![first];
        let mut signatures: Vec<_> = taken.iter().flat_map(|ticket| to_verify(ticket, genesis)).collect();
        while signatures.len() < ENOUGH {
            let Ok(next) = tickets.try_recv() else { break };
            signatures.extend(to_verify(&next, genesis));
            taken.push(next);
        }
        let mut verdicts = many(&signatures).into_iter();
        for mut ticket in taken {
            for item in ticket.items.iter_mut().filter(|item| !matches!(item, Item::Done(_))) {
                if !verdicts.next().unwrap_or(false) {
                    *item = Item::Done(Outcome::Refused { refusal: Refusal::BadSignature });
                }
            }
            if onward.send(ticket).is_err() {
                return;
            }
        }
    }
}

fn to_verify<'a>(ticket: &'a Ticket, genesis: &'a Digest) -> impl Iterator<Item = (PublicKey, Signature, Vec<u8>)> + 'a {
    ticket.items.iter().filter_map(move |item| match item {
        Item::Done(_) => None,
        Item::Checkpoint { key, submission, .. } => Some((*key, submission.signature, submission.checkpoint.signing_payload(genesis))),
        Item::Branch { key, signed, .. } => Some((*key, signed.signature, signed.branch.signing_payload(genesis))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer as _, SigningKey};

    fn signed(seed: u8, message: &[u8]) -> (PublicKey, Signature, Vec<u8>) {
        let key = SigningKey::from_bytes(&[seed; 32]);
        (PublicKey(key.verifying_key().to_bytes()), Signature(key.sign(message).to_bytes()), message.to_vec())
    }

    #[test]
    fn one_bad_signature_among_many_is_found_and_harms_no_other() {
        for bad in [0usize, 7, 255, 256, 299] {
            let mut items: Vec<_> = (0..300u32).map(|n| signed(n as u8, &n.to_le_bytes())).collect();
            items[bad].2.push(0);
            let good = many(&items);
            assert_eq!(good.iter().enumerate().filter(|(_, good)| !**good).map(|(at, _)| at).collect::<Vec<_>>(), [bad]);
        }
        assert_eq!(many(&[]), [false; 0]);
    }

    #[test]
    fn batches_and_single_signatures_agree_on_points_of_small_order() {
        // Keys and R of small order, s = 0: under ZIP 215 `[8]R + [8][k]A = 0 = [8][0]B` for whatever message. Encodings of the identity, of the point of
        // order 2, of the two of order 4 with x = 0, y = -1 aside, and a non-canonical one.
        let mut identity = [0u8; 32];
        identity[0] = 1;
        let order_four = [0u8; 32];
        let mut order_two = [0xffu8; 32];
        order_two[0] = 0xec;
        order_two[31] = 0x7f;
        let mut non_canonical_identity = [0xffu8; 32];
        non_canonical_identity[0] = 0xee;
        non_canonical_identity[31] = 0x7f;
        let points = [identity, order_four, order_two, non_canonical_identity];
        let mut items = Vec::new();
        for key in points {
            for r in points {
                let mut signature = [0u8; 64];
                signature[..32].copy_from_slice(&r);
                items.push((PublicKey(key), Signature(signature), b"whatever".to_vec()));
            }
        }
        // What cannot be a signature: s not canonical, R not on the curve.
        let mut wide = signed(1, b"m");
        wide.1.0[32..].copy_from_slice(&[0xff; 32]);
        let mut off_curve = signed(1, b"m");
        off_curve.1.0[..32].copy_from_slice(&[2; 32]);
        let singles = |items: &[(PublicKey, Signature, Vec<u8>)]| items.iter().map(|(k, s, m)| single(k, s, m)).collect::<Vec<_>>();
        assert!(singles(&items).iter().all(|good| *good), "ZIP 215 takes points of small order");
        assert_eq!(many(&items), singles(&items));
        items.extend([wide, off_curve, signed(9, b"fine")]);
        assert_eq!(many(&items), singles(&items));
        assert_eq!(singles(&items).iter().filter(|good| !**good).count(), 2);
    }
}
