//! Changed evidence: bytes that were changed after they were signed, and content that was changed and signed.

use crate::{
    mutant::{Random, change},
    snp::{
        certificate::{By, ISSUER, ODD_CHIPS, ODD_ISSUERS, ROOT, Scheme, name_algorithm},
        encoding::{Node, tlv},
        evidence::{CSP_ID, Draft, Evidence, HARDWARE_ID, Key, Made, SIGNATURE},
    },
};
use blockcloud_evidence::snp::{Link, Requirements};
use blockcloud_simulator::Template;
use der::{
    Decode, Encode,
    asn1::{BitString, GeneralizedTime, ObjectIdentifier, OctetString, UtcTime},
};
use openssl::{bn::BigNum, pkey::PKey};
use std::{str::FromStr, time::Duration};
use x509_cert::{
    Certificate, SubjectPublicKeyInfo, Version, ext::Extension, name::Name, serial_number::SerialNumber, spki::AlgorithmIdentifierOwned,
    time::Time,
};

/// What was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Report,
    /// The certificate of the key that signs reports, whichever kind it is.
    Chip,
    Issuer,
    Root,
    Time,
    Requirements,
}

/// How it was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// After it was signed.
    Unsigned,
    /// Before it was signed, or by signing it in another way.
    Signed,
    /// It is a part of other evidence.
    Foreign,
}

/// Evidence that was changed, and how.
#[derive(Clone)]
pub struct Mutant {
    pub evidence: Evidence,
    pub changes: Vec<(Part, Manner)>,
    pub what: String,
}

impl Mutant {
    pub fn unchanged(evidence: Evidence) -> Self {
        Self { evidence, changes: vec![], what: "nothing".into() }
    }

    /// Whether a part was changed in any manner.
    pub fn changed(&self, part: Part) -> bool {
        self.changes.iter().any(|(changed, _)| *changed == part)
    }

    /// Whether a part may say something else than before, under a signature that is good.
    pub fn says_otherwise(&self, part: Part) -> bool {
        self.changes.iter().any(|(changed, manner)| *changed == part && *manner != Manner::Unsigned)
    }
}

/// Where the changes start.
pub struct Originals {
    pub genuine: Vec<Evidence>,
    pub made: Vec<Made>,
}

impl Originals {
    /// Changes one part, seldom two.
    pub fn mutate(&self, random: &mut Random) -> Mutant {
        let genuine = random.below(4) == 0;
        let mut mutant = match random.choose(&self.genuine).filter(|_| genuine) {
            Some(evidence) => self.change_any(Mutant::unchanged(evidence.clone()), random),
            None => {
                let original = random.choose(&self.made).expect("an original").clone();
                self.change_made(original, random)
            }
        };
        if random.below(4) == 0 {
            mutant = self.change_any(mutant, random);
        }
        mutant
    }

    /// Changes what need not be signed again.
    fn change_any(&self, mut mutant: Mutant, random: &mut Random) -> Mutant {
        let other = self.any(random);
        let evidence = &mut mutant.evidence;
        let (part, manner, how) = match random.below(14) {
            0..=1 => (Part::Report, Manner::Unsigned, change(&mut evidence.report, &other.report, random)),
            2..=3 => (Part::Report, Manner::Unsigned, change_signature(&mut evidence.report, random)),
            4..=6 => {
                let part = *random.choose(&[Part::Chip, Part::Issuer, Part::Root]).expect("a part");
                let (bytes, other) = match part {
                    Part::Issuer => (&mut evidence.issuer, other.issuer),
                    Part::Root => (&mut evidence.root, other.root),
                    _ => (&mut evidence.chip, other.chip),
                };
                (part, Manner::Unsigned, change_der(bytes, &other, random))
            }
            7..=8 => {
                let parts = [Part::Chip, Part::Issuer, Part::Root, Part::Report];
                let part = *random.choose(&parts).expect("a part");
                match part {
                    Part::Chip => evidence.chip = other.chip,
                    Part::Issuer => evidence.issuer = other.issuer,
                    Part::Root => evidence.root = other.root,
                    _ => evidence.report = other.report,
                }
                (part, Manner::Foreign, "of other evidence".into())
            }
            9..=10 => (Part::Time, Manner::Signed, change_time(evidence, random)),
            _ => {
                evidence.requirements = requirements(random);
                (Part::Requirements, Manner::Signed, format!("{:?}", evidence.requirements))
            }
        };
        mutant.changes.push((part, manner));
        mutant.what = format!("{}; {part:?} {manner:?}: {how}", mutant.what);
        mutant
    }

    fn any(&self, random: &mut Random) -> Evidence {
        let at = random.below(self.genuine.len() + self.made.len());
        self.genuine.get(at).unwrap_or_else(|| &self.made[at - self.genuine.len()].evidence).clone()
    }

    /// Changes what is then signed again, or something else.
    fn change_made(&self, mut made: Made, random: &mut Random) -> Mutant {
        let (part, how) = match random.below(17) {
            0 => {
                // What the guest's owner allowed beside what is allowed here.
                let policy = (1 << 17) | random.below(1 << 22) as u32;
                made.evidence.report[0x08..0x0c].copy_from_slice(&policy.to_le_bytes());
                made.evidence.report[0x40] ^= if random.below(4) == 0 { 1 << 5 } else { 0 };
                made.sign_report();
                made.evidence.requirements = requirements(random);
                (Part::Report, format!("policy {policy:#x}, {:?}", made.evidence.requirements))
            }
            1..=5 => {
                let how = change_report(&mut made.evidence.report, random);
                made.sign_report();
                (Part::Report, how)
            }
            6..=8 => {
                let how = change_content(&mut made.chip, Link::Chip, random);
                made.evidence.chip = made.chip.sign();
                (Part::Chip, how)
            }
            9 => (Part::Chip, change_key(&mut made, random)),
            10 => (Part::Issuer, change_issuers_key(&mut made, random)),
            11..=13 => {
                let part = *random.choose(&[Part::Chip, Part::Chip, Part::Issuer, Part::Root]).expect("a part");
                let (draft, der) = match part {
                    Part::Issuer => (&made.issuer, &mut made.evidence.issuer),
                    Part::Root => (&made.root, &mut made.evidence.root),
                    _ => (&made.chip, &mut made.evidence.chip),
                };
                let mut content = draft.template.to_der().expect("DER");
                let how = change_der(&mut content, &[0x30, 0], random);
                *der = draft.by.certificate(&content, &draft.template.algorithm.to_der().expect("DER"));
                (part, format!("content: {how}"))
            }
            14 => {
                let how = change_content(&mut made.issuer, Link::Issuer, random);
                made.evidence.issuer = made.issuer.sign();
                (Part::Issuer, how)
            }
            15 => {
                let how = change_content(&mut made.root, Link::Root, random);
                made.evidence.root = made.root.sign();
                (Part::Root, how)
            }
            _ => return self.change_any(Mutant::unchanged(made.evidence), random),
        };
        let kind = format!("version {}, key info {:#x}", made.evidence.report[0], made.evidence.report[0x48]);
        let what = format!("simulated, {kind}; {part:?} Signed: {how}");
        // Another key of the issuer certifies the chip anew.
        let parts = if made.chip.by.key.public_eq(&ISSUER.key) { vec![part] } else { vec![part, Part::Chip] };
        Mutant { evidence: made.evidence, changes: parts.into_iter().map(|part| (part, Manner::Signed)).collect(), what }
    }
}

fn requirements(random: &mut Random) -> Requirements {
    let mut allowed = || random.below(4) > 0;
    Requirements {
        allow_version_2: allowed(),
        allow_smt: allowed(),
        allow_sockets: allowed(),
        allow_cxl: allowed(),
        allow_unchecked_aliases: allowed(),
        allow_vlek: allowed(),
    }
}

/// The fields of a report, and the bytes between them that have no meaning.
const FIELDS: [(&str, usize, usize); 29] = [
    ("version", 0x00, 4),
    ("guest's number", 0x04, 4),
    ("policy", 0x08, 8),
    ("family", 0x10, 16),
    ("image", 0x20, 16),
    ("privilege level", 0x30, 4),
    ("algorithm", 0x34, 4),
    ("current level", 0x38, 8),
    ("platform", 0x40, 8),
    ("key info", 0x48, 4),
    ("reserved", 0x4c, 4),
    ("report data", 0x50, 64),
    ("measurement", 0x90, 48),
    ("host data", 0xc0, 32),
    ("id key", 0xe0, 48),
    ("author key", 0x110, 48),
    ("report id", 0x140, 32),
    ("migration agent", 0x160, 32),
    ("reported level", 0x180, 8),
    ("processor", 0x188, 3),
    ("reserved", 0x18b, 21),
    ("chip id", 0x1a0, 64),
    ("committed level", 0x1e0, 8),
    ("current firmware", 0x1e8, 3),
    ("reserved", 0x1eb, 1),
    ("committed firmware", 0x1ec, 3),
    ("reserved", 0x1ef, 1),
    ("launch level", 0x1f0, 8),
    ("reserved or mitigations", 0x1f8, 168),
];

/// Families and models of processors with and without SEV-SNP, some at the edges of a range.
const PROCESSORS: [[u8; 2]; 14] = [
    [0x19, 0x00],
    [0x19, 0x0f],
    [0x19, 0x10],
    [0x19, 0x1f],
    [0x19, 0x20],
    [0x19, 0xa0],
    [0x19, 0xaf],
    [0x19, 0xb0],
    [0x1a, 0x00],
    [0x1a, 0x11],
    [0x1a, 0x12],
    [0x1a, 0x50],
    [0x1a, 0x9f],
    [0x17, 0x31],
];

/// Changes what a report says.
fn change_report(report: &mut [u8], random: &mut Random) -> String {
    if random.below(3) == 0 {
        // Anywhere, or one with a meaning of policy, platform or key info.
        let meaningful = (8 * 0x08 + random.below(28), 8 * 0x40 + random.below(9), 8 * 0x48 + random.below(6));
        let bits = [random.below(8 * SIGNATURE), meaningful.0, meaningful.0, meaningful.1, meaningful.2];
        let bit = *random.choose(&bits).expect("a bit");
        report[bit / 8] ^= 1 << (bit % 8);
        return format!("bit {bit}");
    }
    let (name, offset, length) = *random.choose(&FIELDS).expect("a field");
    let field = &mut report[offset..offset + length];
    let at = random.below(length);
    match random.below(8) {
        0..=1 => field[at] ^= 1 << random.below(8),
        2 => field[at] = field[at].wrapping_add(1),
        3 => field[at] = field[at].wrapping_sub(1),
        4 => {
            field.fill(0);
            field[0] = random.below(9) as u8;
        }
        5 => field.fill(*random.choose(&[0, 0xff]).expect("a byte")),
        // Of the chip's id: what it is on Turin, and elsewhere not.
        6 if length == 64 => field[8..].fill(0),
        _ => field[at] = random.byte(),
    }
    if name == "processor" && random.below(2) == 0 {
        field[..2].copy_from_slice(random.choose(&PROCESSORS).expect("a processor"));
    }
    format!("{name} is {}", hex::encode(field))
}

/// Changes the numbers of a report's signature, or what surrounds them.
fn change_signature(report: &mut [u8], random: &mut Random) -> String {
    let (r, s) = (SIGNATURE, SIGNATURE + 72);
    let at = *random.choose(&[r, s]).expect("a number");
    let Some(field) = report.get_mut(at..at + 72) else { return "no signature".into() };
    let number = |field: &[u8]| BigNum::from_slice(&field.iter().rev().copied().collect::<Vec<_>>()).expect("a number");
    // Order of P-384.
    let order = BigNum::from_hex_str("ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973")
        .expect("a number");
    match random.below(9) {
        0 => {
            field.fill(0);
            format!("number at {at:#x} is zero")
        }
        1 => {
            put_number(field, &order);
            format!("number at {at:#x} is the order")
        }
        2 => {
            let sum = &number(field) + &order;
            put_number(field, &sum);
            format!("number at {at:#x} is higher by the order")
        }
        3 => {
            let field = &mut report[s..s + 72];
            let rest = &order - &number(field);
            if !rest.is_negative() {
                put_number(field, &rest);
            }
            "s is the order less s".into()
        }
        4 => {
            let byte = 48 + random.below(24);
            field[byte] = 1 << random.below(8);
            format!("byte {byte} of the number at {at:#x}")
        }
        5 => {
            field[..48].reverse();
            format!("number at {at:#x} reversed")
        }
        6 => {
            let (first, second) = report[r..].split_at_mut(72);
            first.swap_with_slice(&mut second[..72]);
            "r and s swapped".into()
        }
        7 => {
            field[random.below(48)] ^= 1 << random.below(8);
            format!("bit of the number at {at:#x}")
        }
        _ => {
            let unused = &mut report[SIGNATURE + 144..];
            let byte = random.below(unused.len());
            unused[byte] = 1 << random.below(8);
            format!("byte {byte} after the signature")
        }
    }
}

/// Writes a number in 72 bytes, little-endian.
fn put_number(field: &mut [u8], number: &BigNum) {
    let bytes = number.to_vec_padded(72).expect("72 bytes are enough");
    for (target, byte) in field.iter_mut().zip(bytes.iter().rev()) {
        *target = *byte;
    }
}

/// Changes bytes of DER, or a value in it.
fn change_der(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) -> String {
    if random.below(2) == 0 {
        return change(bytes, other, random);
    }
    let Some(mut node) = Node::read(bytes) else { return change(bytes, other, random) };
    let how = node.change(random);
    *bytes = node.encode();
    how
}

/// Moves the time to where one of the certificates begins or ends, or anywhere.
fn change_time(evidence: &mut Evidence, random: &mut Random) -> String {
    let certificates = [&evidence.chip, &evidence.issuer, &evidence.root].map(|der| Certificate::from_der(der).ok());
    let edges: Vec<u64> = certificates
        .iter()
        .flatten()
        .flat_map(|certificate| {
            let validity = certificate.tbs_certificate().validity();
            [validity.not_before, validity.not_after].map(|time| time.to_unix_duration().as_secs() * 1000)
        })
        .collect();
    let edge = random.choose(&edges).copied().unwrap_or(evidence.now_ms);
    evidence.now_ms = match random.below(5) {
        0 => edge,
        1 => edge.saturating_sub(1),
        2 => edge + 1,
        3 => edge + 1000,
        _ => random.next() % 4_000_000_000_000,
    };
    evidence.now_ms.to_string()
}

fn id(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

fn extension(extn_id: ObjectIdentifier, critical: bool, value: &[u8]) -> Extension {
    Extension { extn_id, critical, extn_value: OctetString::new(value).expect("short") }
}

/// A time beside the one that is judged by, in either form.
fn time(random: &mut Random) -> Time {
    let seconds = [1_789_999_999u64, 1_790_000_000, 1_790_000_001, 0, 1_262_304_000, 2_524_607_999];
    let duration = Duration::from_secs(*random.choose(&seconds).expect("a time"));
    if random.below(2) == 0 {
        Time::UtcTime(UtcTime::from_unix_duration(duration).expect("before 2050"))
    } else {
        Time::GeneralTime(GeneralizedTime::from_unix_duration(duration).expect("before 10000"))
    }
}

/// Changes what a certificate says, or how it is signed.
fn change_content(draft: &mut Draft, link: Link, random: &mut Random) -> String {
    let template = &mut draft.template;
    let bounds = if link == Link::Chip { 18 } else { 15 };
    match random.below(bounds) {
        0 => {
            let time = time(random);
            if random.below(2) == 0 {
                template.validity.not_before = time
            } else {
                template.validity.not_after = time
            }
            format!("validity {:?}", template.validity)
        }
        1 => {
            let names = ["CN=SIMULATED ASK", "CN=SIMULATED ARK,O=x", "OU=x", "CN=sImUlAtEd ASK"];
            let name = Name::from_str(random.choose(&names).expect("a name")).expect("a name");
            if random.below(2) == 0 {
                template.issuer = name
            } else {
                template.subject = name
            }
            format!("names {} and {}", template.issuer, template.subject)
        }
        2 => {
            let length = 1 + random.below(22);
            let serial: Vec<u8> = (0..length).map(|_| random.byte()).collect();
            template.serial = SerialNumber::new(&serial).unwrap_or_else(|_| SerialNumber::from(0u8));
            format!("serial {}", template.serial)
        }
        3 => {
            template.version = *random.choose(&[Version::V1, Version::V2]).expect("a version");
            format!("{:?}", template.version)
        }
        4 => {
            let removed = template.extensions.remove(random.below(template.extensions.len()));
            format!("no extension {}", removed.extn_id)
        }
        5 => {
            let mut again = random.choose(&template.extensions).expect("an extension").clone();
            if random.below(2) == 0 {
                again.extn_value = OctetString::new(&[0x02, 0x01, random.byte()][..]).expect("short");
            }
            let how = format!("extension {} again", again.extn_id);
            template.extensions.insert(random.below(template.extensions.len()), again);
            how
        }
        6 => {
            let at = random.below(template.extensions.len());
            template.extensions[at].critical ^= true;
            format!("extension {} critical: {}", template.extensions[at].extn_id, template.extensions[at].critical)
        }
        7..=8 => {
            let at = random.below(template.extensions.len());
            let mut value = template.extensions[at].extn_value.as_bytes().to_vec();
            change(&mut value, &[0x04, 0x40, 0x02, 0x01], random);
            template.extensions[at].extn_value = OctetString::new(&value[..]).expect("short");
            format!("extension {} is {}", template.extensions[at].extn_id, hex::encode(value))
        }
        9 => {
            // What others read of them: AMD's, key usages, constraints, policies, names, nothing known.
            let ids = ["1.3.6.1.4.1.3704.1.99", "2.5.29.37", "2.5.29.30", "2.5.29.32", "2.5.29.17", "2.5.29.35", "2.5.29.31", "1.2.3.4"];
            let values: [&[u8]; 5] = [&[], &[0x05, 0], &[0x30, 0], &[0x03, 0x02, 0x05, 0xa0], &[0xff, 0xff]];
            let (id, critical) = (id(random.choose(&ids).expect("an id")), random.below(2) == 0);
            template.extensions.push(extension(id, critical, random.choose(&values).expect("a value")));
            format!("one more extension {id}, critical {critical}")
        }
        10 => {
            let (first, second) = (random.below(template.extensions.len()), random.below(template.extensions.len()));
            template.extensions.swap(first, second);
            format!("extensions {first} and {second} swapped")
        }
        11..=12 => {
            let scheme = *random.choose(&Scheme::OTHERS).expect("an algorithm");
            draft.by.scheme = scheme;
            // Seldom it names AMD's.
            if random.below(8) > 0 {
                name_algorithm(template, scheme);
            }
            format!("signed by {}", hex::encode(scheme.identifier()))
        }
        13 => {
            let parameters = template.algorithm.parameters.as_ref().expect("parameters");
            let more: &[u8] =
                random.choose(&[&[0xa3, 0x03, 0x02, 0x01, 0x01][..], &[0xa3, 0x03, 0x02, 0x01, 0x02], &[0x05, 0]]).expect("a value");
            let parameters = [parameters.value(), more].concat();
            template.algorithm.parameters = Some(der::asn1::Any::new(der::Tag::Sequence, parameters).expect("short"));
            format!("parameters end with {}", hex::encode(more))
        }
        14 if link == Link::Chip => {
            draft.by = ROOT.clone();
            "signed by the root".into()
        }
        14 => change_authority(draft, random),
        15 => change_point(template, random),
        _ => change_claim(template, random),
    }
}

/// Changes what makes an authority one.
fn change_authority(draft: &mut Draft, random: &mut Random) -> String {
    if random.below(4) == 0 {
        draft.by = ISSUER.clone();
        return "signed by the issuer".into();
    }
    let values: [(&str, &[u8]); 10] = [
        ("2.5.29.19", &[0x30, 0]),
        ("2.5.29.19", &[0x30, 0x03, 0x01, 0x01, 0x00]),
        ("2.5.29.19", &[0x30, 0x03, 0x01, 0x01, 0x01]),
        ("2.5.29.19", &[0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00]),
        ("2.5.29.19", &[0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0xff]),
        ("2.5.29.19", &[0x05, 0x00]),
        ("2.5.29.15", &[0x03, 0x02, 0x07, 0x80]),
        ("2.5.29.15", &[0x03, 0x02, 0x00, 0x04]),
        ("2.5.29.15", &[0x03, 0x02, 0x01, 0x02]),
        ("2.5.29.15", &[0x05, 0x00]),
    ];
    let (name, value) = *random.choose(&values).expect("a value");
    let entry = draft.template.extensions.iter_mut().find(|entry| entry.extn_id == id(name)).expect("an authority has it");
    entry.extn_value = OctetString::new(value).expect("short");
    format!("extension {name} is {}", hex::encode(value))
}

/// Writes the chip's point in another form.
fn change_point(template: &mut Template, random: &mut Random) -> String {
    let mut point = template.key.subject_public_key.as_bytes().expect("whole bytes").to_vec();
    let odd = point[96] & 1;
    let how = match random.below(4) {
        0 => {
            point.truncate(49);
            point[0] = 2 | odd;
            "compressed"
        }
        1 => {
            point[0] = 6 | odd;
            "hybrid"
        }
        2 => {
            point[0] = 7 ^ odd;
            "hybrid, of the other sign"
        }
        _ => {
            point[50] ^= 1;
            "beside the curve"
        }
    };
    template.key.subject_public_key = BitString::from_bytes(&point).expect("short");
    format!("point {how}")
}

/// Changes what AMD says of the chip or of the cloud provider.
fn change_claim(template: &mut Template, random: &mut Random) -> String {
    let levels =
        ["1.3.6.1.4.1.3704.1.3.1", "1.3.6.1.4.1.3704.1.3.2", "1.3.6.1.4.1.3704.1.3.3", "1.3.6.1.4.1.3704.1.3.8", "1.3.6.1.4.1.3704.1.3.9"];
    let small = random.below(24) as u8;
    let (id, value) = match random.below(6) {
        0..=2 => {
            let value = match random.below(9) {
                0..=2 => vec![0x02, 0x01, small],
                3 => vec![0x02, 0x02, 0x00, small],
                4 => vec![0x02, 0x02, 0x01, small],
                5 => vec![0x02, 0x02, 0x00, 0x80 | small],
                6 => vec![0x02, 0x01, 0x80 | small],
                7 => vec![0x02, 0x00],
                _ => vec![0x0a, 0x01, small],
            };
            (id(random.choose(&levels).expect("a level")), value)
        }
        3 => {
            let names: [&[u8]; 10] =
                [b"Milan", b"Milan-B0", b"Genoa", b"Genoa-B1", b"Turin", b"Turin-A0", b"Rome", b"Venice", b"", b"Genoa\0"];
            let tag = *random.choose(&[0x16, 0x16, 0x16, 0x0c, 0x13]).expect("a tag");
            (id("1.3.6.1.4.1.3704.1.2"), tlv(tag, random.choose(&names).expect("a name")))
        }
        4 => {
            let mut value: Vec<u8> = template
                .extensions
                .iter()
                .find(|entry| entry.extn_id == HARDWARE_ID)
                .map_or_else(|| vec![5; 64], |entry| entry.extn_value.as_bytes().to_vec());
            match random.below(4) {
                0 => value = tlv(0x04, &value),
                1 => value.truncate(8),
                2 => value.push(0),
                _ => value[small as usize % 8] ^= 1,
            }
            (HARDWARE_ID, value)
        }
        _ => {
            let values: [&[u8]; 5] = [b"\x16\x05cloud", b"\x0c\x05cloud", b"\x16\x00", b"cloud", b"\x16\x02\xff\xff"];
            (CSP_ID, random.choose(&values).expect("a value").to_vec())
        }
    };
    template.extensions.retain(|entry| entry.extn_id != id);
    template.extensions.push(extension(id, false, &value));
    format!("extension {id} is {}", hex::encode(value))
}

/// Has the report signed by a key of another kind, and certified as such.
fn change_key(made: &mut Made, random: &mut Random) -> String {
    let at = random.below(ODD_CHIPS.len());
    let key = ODD_CHIPS[at].clone();
    let public = PKey::from_ec_key(key.clone()).and_then(|key| key.public_key_to_der()).expect("a public key");
    made.chip.template.key = SubjectPublicKeyInfo::from_der(&public).expect("a public key");
    made.evidence.chip = made.chip.sign();
    made.key = Key::Odd(key);
    made.sign_report();
    format!("odd key {at}")
}

/// Has the chip certified by an issuer with a key of another kind, or with the usual key described in another way.
fn change_issuers_key(made: &mut Made, random: &mut Random) -> String {
    let at = random.below(ODD_ISSUERS.len() + 1);
    let by: &By = match ODD_ISSUERS.get(at) {
        Some(by) => {
            made.issuer.template.key = by.public();
            by
        }
        None => {
            let pss = AlgorithmIdentifierOwned { oid: id("1.2.840.113549.1.1.10"), parameters: None };
            made.issuer.template.key.algorithm = pss;
            &ISSUER
        }
    };
    made.chip.by = by.clone();
    name_algorithm(&mut made.chip.template, by.scheme);
    made.evidence.issuer = made.issuer.sign();
    made.evidence.chip = made.chip.sign();
    format!("odd key {at} of the issuer")
}
