//! Envelopes: for this guest, chain, job and session, and for no other.

use blockcloud_primitives::{Digest, JobId, PublicKey};
use blockcloud_seal::{DataKey, Envelope, EnvelopeError, KeyContext, WrappingKey, wrap};

fn context() -> KeyContext {
    KeyContext { genesis: Digest([1; 32]), job: JobId(2), evidence: Digest([3; 32]) }
}

fn wrapped() -> (DataKey, WrappingKey, Envelope) {
    let (key, guest) = (DataKey::generate(), WrappingKey::generate());
    let envelope = wrap(&key, &guest.public(), &context()).unwrap();
    (key, guest, envelope)
}

#[test]
fn opens_for_its_guest() {
    let (key, guest, envelope) = wrapped();
    assert_eq!(guest.unwrap(&envelope, &context()), Ok(key));
}

#[test]
fn does_not_open_for_another_guest() {
    let (_, _, envelope) = wrapped();
    assert_eq!(WrappingKey::generate().unwrap(&envelope, &context()), Err(EnvelopeError::DoesNotOpen));
}

#[test]
fn does_not_open_for_another_chain_job_or_session() {
    let (_, guest, envelope) = wrapped();
    let others = [
        KeyContext { genesis: Digest([9; 32]), ..context() },
        KeyContext { job: JobId(9), ..context() },
        KeyContext { evidence: Digest([9; 32]), ..context() },
    ];
    for other in others {
        assert_eq!(guest.unwrap(&envelope, &other), Err(EnvelopeError::DoesNotOpen));
    }
}

#[test]
fn does_not_open_when_changed() {
    let (_, guest, envelope) = wrapped();
    for at in 0..envelope.ciphertext.len() {
        let mut changed = envelope.clone();
        changed.ciphertext[at] ^= 1;
        assert_eq!(guest.unwrap(&changed, &context()), Err(EnvelopeError::DoesNotOpen));
    }
    for key in [[0; 32], [0x55; 32]] {
        let changed = Envelope { encapsulated_key: PublicKey(key), ..envelope.clone() };
        assert_eq!(guest.unwrap(&changed, &context()), Err(EnvelopeError::DoesNotOpen));
    }
    for ciphertext in [Vec::new(), envelope.ciphertext[..20].to_vec()] {
        let changed = Envelope { ciphertext, ..envelope.clone() };
        assert_eq!(guest.unwrap(&changed, &context()), Err(EnvelopeError::DoesNotOpen));
    }
}

#[test]
fn is_not_made_for_a_key_without_secret() {
    // Points of small order: the shared secret would be zero whoever computes it.
    for point in [[0; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        assert_eq!(wrap(&DataKey::generate(), &PublicKey(point), &context()), Err(EnvelopeError::BadRecipient));
    }
}

#[test]
fn is_never_the_same_twice() {
    let (key, guest, envelope) = wrapped();
    assert_ne!(wrap(&key, &guest.public(), &context()).unwrap(), envelope);
}

#[test]
fn travels_as_json() {
    let (key, guest, envelope) = wrapped();
    let json = serde_json::to_string(&envelope).unwrap();
    let parsed: Envelope = serde_json::from_str(&json).unwrap();
    assert_eq!(parsed, envelope);
    assert_eq!(guest.unwrap(&parsed, &context()), Ok(key));
    assert!(serde_json::from_str::<Envelope>(&json.replace("\"0x", "\"0xzz")).is_err());
}

#[test]
fn secrets_are_not_printed() {
    let key = DataKey::from_bytes([0xab; 32]);
    assert_eq!(format!("{key:?}"), "DataKey(secret)");
    let guest = WrappingKey::generate();
    assert_eq!(format!("{guest:?}"), format!("WrappingKey({})", guest.public()));
}
