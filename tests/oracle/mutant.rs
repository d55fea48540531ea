//! Changed evidence: bytes that were changed after they were signed, and content that was changed and signed.

use crate::maker::*;
use blockcloud_evidence::tdx::{Link, Requirements};
use serde_json::{Value, json};

/// Random numbers that a seed determines (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below a bound that is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn byte(&mut self) -> u8 {
        self.next() as u8
    }

    pub fn choose<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { from.get(self.below(from.len())) }
    }
}

/// Changes bytes of one part of evidence.
pub fn mutate(mut made: Made, others: &[Made], random: &mut Random) -> (Made, String) {
    let other = random.choose(others).cloned().unwrap_or_else(|| made.clone());
    let names = [
        "quote",
        "quote",
        "quote",
        "quote",
        "root list",
        "platforms' list",
        "authority",
        "signer",
        "TCB info",
        "QE identity",
        "signatures",
        "time",
    ];
    let name = names[random.below(names.len())];
    let how = match name {
        "quote" => change(&mut made.quote, &other.quote, random),
        "root list" => change(&mut made.root_crl, &other.root_crl, random),
        "platforms' list" => change(&mut made.pck_crl, &other.pck_crl, random),
        "authority" => change(&mut made.issuer, &other.issuer, random),
        "signer" => {
            let how = change(&mut made.signer, &other.signer, random);
            made.qe_signer = made.signer.clone();
            how
        }
        "TCB info" => change(&mut made.tcb_info.0, &other.tcb_info.0, random),
        "QE identity" => change(&mut made.qe_identity.0, &other.qe_identity.0, random),
        "signatures" => {
            let at = random.below(64);
            let flip = random.byte();
            if random.below(2) == 0 {
                made.tcb_info.1[at] ^= flip
            } else {
                made.qe_identity.1[at] ^= flip
            }
            format!("byte {at} flipped by {flip:#x}")
        }
        _ => {
            let seconds = random.below(100 * 86_400) as i64 - 50 * 86_400;
            made.now_ms = made.now_ms.saturating_add_signed(seconds * 1000);
            format!("{seconds} s later")
        }
    };
    (made, format!("{name}: {how}"))
}

/// Changes bytes, and says how.
pub fn change(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) -> String {
    if bytes.is_empty() {
        return "empty".into();
    }
    let at = random.below(bytes.len());
    match random.below(8) {
        0..=2 => {
            let bit = random.below(8);
            bytes[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} flipped")
        }
        3 => {
            let byte = random.byte();
            bytes[at] = byte;
            format!("byte {at} set to {byte:#x}")
        }
        4 => {
            let byte = *random.choose(b"\n\r -\0AQ==:").expect("a byte");
            bytes.insert(at, byte);
            format!("{byte:#x} inserted at {at}")
        }
        5 => {
            let length = 1 + random.below(4.min(bytes.len() - at));
            bytes.drain(at..at + length);
            format!("{length} bytes removed at {at}")
        }
        6 => {
            let end = (at + 1 + random.below(64)).min(bytes.len()).min(other.len());
            if at < end {
                bytes[at..end].copy_from_slice(&other[at..end]);
            }
            format!("bytes {at}..{end} of other evidence")
        }
        _ => {
            let byte = *random.choose(&[0, 0, 0x0a, 0x30]).expect("a byte");
            let length = 1 + random.below(16);
            bytes.extend(vec![byte; length]);
            format!("{length} times {byte:#x} appended")
        }
    }
}

/// Changes what will be signed, at one to three places, and signs it.
pub fn mutate_and_sign(random: &mut Random) -> (Made, String) {
    let mut maker = Maker { requirements: Requirements::LENIENT, ..Maker::new() };
    maker = match random.below(5) {
        0 => maker.with_body(4, 0, 584),
        1 => maker.with_body(5, 2, 584),
        2 => maker.with_body(5, 4, 885),
        _ => maker,
    };
    // Several levels to fall to, so that changes lead somewhere.
    maker.tcb_info["tcbLevels"] = json!([
        level(3, 11, 3, STATUSES[random.below(7)], &["INTEL-SA-00001"]),
        level(2, 11, 3, STATUSES[random.below(7)], &["INTEL-SA-00002"]),
        level(2, 10, 2, STATUSES[random.below(7)], &["INTEL-SA-00003", "INTEL-SA-00001"]),
        level(0, 0, 0, STATUSES[random.below(7)], &[]),
    ]);
    if random.below(3) == 0 {
        let place = *random.choose(&PLACES).expect("a place");
        let tamper =
            Tamper { place, at: random.below(1 << 16), flip: if random.below(2) == 0 { 1 << random.below(8) } else { random.byte() } };
        maker.tamper = Some(tamper);
        return (maker.make(), format!("{tamper:?}"));
    }
    let changes: Vec<String> = (0..1 + random.below(3)).map(|_| change_content(&mut maker, random)).collect();
    (maker.make(), changes.join(", "))
}

const STATUSES: [&str; 9] = [
    "UpToDate",
    "OutOfDate",
    "ConfigurationNeeded",
    "SWHardeningNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "OutOfDateConfigurationNeeded",
    "UpToDate",
    "Revoked",
    "TDRelaunchAdvised",
];

fn change_content(maker: &mut Maker, random: &mut Random) -> String {
    match random.below(14) {
        0..=2 => {
            let places = if maker.draft.body.len() > TEE_TCB_SVN2 { [TEE_TCB_SVN, TEE_TCB_SVN2] } else { [TEE_TCB_SVN; 2] };
            let (place, svn) = (places[random.below(2)] + random.below(4), random.below(7) as u8);
            maker.put(place, &[svn]);
            format!("level {place} is {svn}")
        }
        3 => {
            let bit = random.below(64);
            maker.draft.body[ATTRIBUTES + bit / 8] ^= 1 << (bit % 8);
            format!("attribute {bit}")
        }
        4 => {
            let at = random.below(maker.draft.body.len());
            maker.draft.body[at] ^= random.byte();
            format!("body at {at}")
        }
        5 => {
            let at = *random.choose(&[16, 48, 49, 52, 128, 159, 256, 257, 258, 258, 258, 259, 320, 352]).expect("a place");
            maker.draft.qe[at] = random.below(10) as u8;
            format!("enclave at {at} is {}", maker.draft.qe[at])
        }
        6..=8 => format!("TCB info: {}", change_json(&mut maker.tcb_info, random)),
        9 => format!("QE identity: {}", change_json(&mut maker.qe_identity, random)),
        10 => {
            let mut parts = platform_parts();
            let (mut components, pce_svn) = ([3; 16], 9 + random.below(4) as u16);
            let at = random.below(16);
            components[at] = random.below(6) as u8;
            let mut tcb = SgxExtension { components, pce_svn, ..PLATFORM.extension().clone() }.tcb_parts();
            if random.below(8) == 0 {
                tcb[at] = part(&[2, at as u32 + 1], &tlv(0x02, &[random.below(6) as u8]));
            }
            parts[1] = part(&[2], &tlv(0x30, &tcb.concat()));
            let place = random.below(3 * parts.len());
            if let Some(part) = parts.get_mut(place) {
                let last = part.len() - 1;
                part[last] ^= 1;
            }
            maker.set_platform(tlv(0x30, &parts.concat()));
            format!("component {at} is {}, PCE {pce_svn}, part {place} of the platform", components[at])
        }
        11 => {
            let link = *random.choose(&[Link::Root, Link::Issuer, Link::Chip, Link::Signer]).expect("a place");
            let what = random.below(6);
            let template = maker.certificate(link);
            match what {
                0 => template.validity.not_after = at(NOW_MS / 1000 - 1),
                1 => template.validity.not_before = at(NOW_MS / 1000 + 1),
                2 => template.issuer = template.subject.clone(),
                3 => drop(template.extensions.remove(random.below(2))),
                4 => template.key = IMPOSTOR.public(),
                _ => template.extensions.push(extension(id("1.2.840.113741.1.99"), random.below(2) == 0, &[5, 0])),
            }
            format!("certificate {link:?}, change {what}")
        }
        12 => {
            let link = *random.choose(&[Link::Root, Link::Issuer, Link::Chip, Link::Signer]).expect("a place");
            let serial = maker.certificate(link).serial.as_bytes().to_vec();
            let of_root = random.below(2) == 0;
            let list = if of_root { &mut maker.root_crl } else { &mut maker.pck_crl };
            list.revoked.push((serial, vec![]));
            format!("{link:?} on a revocation list, {of_root}")
        }
        _ => {
            let list = if random.below(2) == 0 { &mut maker.root_crl } else { &mut maker.pck_crl };
            let what = random.below(8);
            match what {
                0 => list.next_update = None,
                1 => list.next_update = Some(NOW_MS / 1000 + random.below(3) as u64 - 1),
                2 => list.this_update = NOW_MS / 1000 + random.below(3) as u64 - 1,
                3 => list.extensions.clear(),
                4 => list.extensions.push(extension(id("2.5.29.28"), random.below(2) == 0, &[0x30, 0x00])),
                5 => list.extensions.push(extension(id("2.5.29.27"), random.below(2) == 0, &[0x02, 0x01, 0x01])),
                6 => list.revoked[0].1.push(extension(id("2.5.29.29"), random.below(2) == 0, &[0x30, 0x00])),
                _ => list.by = IMPOSTOR.clone(),
            }
            format!("revocation list of {:?}, change {what}", list.issuer.to_string())
        }
    }
}

/// Changes a value somewhere inside, and says where.
fn change_json(value: &mut Value, random: &mut Random) -> String {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let name = fields.keys().nth(random.below(fields.len())).expect("a field").clone();
            if random.below(24) == 0 {
                fields.remove(&name);
                return format!("{name} removed");
            }
            format!("{name}.{}", change_json(&mut fields[&name], random))
        }
        Value::Array(elements) if !elements.is_empty() => {
            let at = random.below(elements.len());
            match random.below(12) {
                0 => {
                    elements.remove(at);
                    format!("[{at}] removed")
                }
                1 => {
                    elements.push(elements[at].clone());
                    format!("[{at}] repeated")
                }
                2 => {
                    elements.reverse();
                    "reversed".into()
                }
                _ => format!("[{at}].{}", change_json(&mut elements[at], random)),
            }
        }
        Value::Number(number) => {
            let changed = match random.below(8) {
                0 => json!(-1),
                1 => json!(256),
                2 => json!(3.0),
                3 => json!(70_000),
                _ => json!(number.as_u64().unwrap_or(0).wrapping_add(random.below(5) as u64).saturating_sub(2)),
            };
            *value = changed;
            format!("{value}")
        }
        Value::String(text) => {
            let changed = match text.as_str() {
                status if STATUSES.contains(&status) => (*random.choose(&STATUSES).expect("a status")).into(),
                date if date.ends_with('Z') => {
                    let dates = [
                        "2027-01-15T08:00:00Z",
                        "2027-01-15T08:00:01Z",
                        "2027-01-15T07:59:59Z",
                        "2027-01-15T08:00:00+00:00",
                        "2027-01-15",
                        "2026-01-01T00:00:00Z",
                    ];
                    (*random.choose(&dates).expect("a date")).into()
                }
                _ => {
                    let at = random.below(text.len().max(1));
                    let replacement = *random.choose(&["0", "1", "F", "f", "", "00", "x", "3"]).expect("a text");
                    let mut changed = text.clone();
                    changed.replace_range(at.min(text.len())..(at + 1).min(text.len()), replacement);
                    changed
                }
            };
            *value = changed.into();
            format!("{value}")
        }
        other => {
            *other = json!(["INTEL-SA-00077"]);
            "filled".into()
        }
    }
}
