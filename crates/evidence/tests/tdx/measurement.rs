//! The one value that names what a TDX guest is. The digests were computed with Python's `hashlib`.

use crate::maker::Maker;
use blockcloud_evidence::tdx::measurement;

/// Where the registers lie in a quote's body.
const MR_TD: usize = 136;
const RTMR: usize = 328;

#[test]
fn is_a_tagged_digest_of_four_registers_in_order() {
    let registers: Vec<[u8; 48]> = (0..4u8).map(|register| std::array::from_fn(|at| 48 * register + at as u8)).collect();
    let measurement = measurement(&registers[0], &[registers[1], registers[2], registers[3]]);
    assert_eq!(
        hex::encode(measurement),
        "7efb6ef336db7b124bfcc577aab738fc243b59fc8328b14859e1bd5fcb7fb34f07831cfc3f3ee950423ad1bb90e9fb41"
    );
}

#[test]
fn of_claims_is_that_of_their_registers() {
    let claims = Maker::new().judge().unwrap();
    assert_eq!(claims.measurement(), measurement(&[1; 48], &[[5; 48], [6; 48], [7; 48]]));
    assert_eq!(
        hex::encode(claims.measurement()),
        "b4bf1af5710db36f367845ac81d8efc242c6841bc9ef4b46d7a1e42e83d4744980c7c737fe0f4b5952f30b6a28802321"
    );
}

#[test]
fn changes_with_each_register_but_the_guests_own() {
    let of = |offset| Maker::with(|maker| maker.put(offset, &[0xff])).judge().unwrap().measurement();
    let unchanged = Maker::new().judge().unwrap().measurement();
    let changed = [MR_TD, RTMR, RTMR + 48, RTMR + 96].map(of);
    assert!(changed.iter().enumerate().all(|(at, value)| *value != unchanged && !changed[..at].contains(value)));
    assert_eq!(of(RTMR + 144), unchanged);
}
