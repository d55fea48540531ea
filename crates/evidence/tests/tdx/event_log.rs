//! Event logs: what they replay to, what they say, and logs that are refused.

use crate::{genuine, vectors::V4_EVENT_LOG};
use blockcloud_evidence::{
    reference::tdx::{Error, Event, EventLog, EventType, MAX_LOG_LEN},
    tdx::Requirements,
};
use proptest::{collection, prelude::*, sample::Index};
use sha2::{Digest, Sha384};

const SEPARATOR: u32 = 0x04;
const NO_ACTION: u32 = 0x03;
const VARIABLE: u32 = 0x8000_0001;
const TABLES: u32 = 0x8000_000b;

const SHA256: u16 = 0x0b;
const SHA384: u16 = 0x0c;

/// A log that is right until a test makes one thing wrong.
#[derive(Clone)]
struct Maker {
    head_type: u32,
    signature: [u8; 16],
    algorithms: Vec<(u16, u16)>,
    vendor: Vec<u8>,
    /// Added to the length of the vendor's part as it is stated.
    more_vendor: u8,
    events: Vec<Made>,
    after: Vec<u8>,
}

/// An event: register as in the log, kind, digests by algorithm, data.
#[derive(Clone)]
struct Made {
    register: u32,
    event_type: u32,
    digests: Vec<(u16, Vec<u8>)>,
    more_digests: u32,
    data: Vec<u8>,
    more_data: u32,
}

impl Made {
    /// An event whose digest is that of its data.
    fn new(register: u32, event_type: u32, data: &[u8]) -> Self {
        let digests = vec![(SHA384, Sha384::digest(data).to_vec())];
        Self { register, event_type, digests, more_digests: 0, data: data.to_vec(), more_data: 0 }
    }
}

impl Maker {
    fn new() -> Self {
        Self {
            head_type: NO_ACTION,
            signature: *b"Spec ID Event03\0",
            algorithms: vec![(SHA384, 48)],
            vendor: vec![],
            more_vendor: 0,
            events: vec![
                Made::new(1, SEPARATOR, &[0; 4]),
                Made::new(2, 0x8000_0007, b"Calling EFI Application"),
                Made::new(1, 0x0a, b"ACPI DATA"),
                Made::new(3, 0x0d, b"kernel_cmdline: quiet\0"),
                Made::new(4, 0x06, &[1, 2, 3]),
            ],
            after: vec![],
        }
    }

    fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut maker = Self::new();
        change(&mut maker);
        maker
    }

    fn of(event: Made) -> Self {
        Self::with(|maker| maker.events = vec![event])
    }

    fn build(&self) -> Vec<u8> {
        let mut head = self.signature.to_vec();
        head.extend([0, 0, 0, 0, 0, 2, 0, 2]);
        head.extend((self.algorithms.len() as u32).to_le_bytes());
        for (algorithm, length) in &self.algorithms {
            head.extend(algorithm.to_le_bytes());
            head.extend(length.to_le_bytes());
        }
        head.push(self.vendor.len() as u8 + self.more_vendor);
        head.extend(&self.vendor);
        let mut log = [1u32.to_le_bytes(), self.head_type.to_le_bytes()].concat();
        log.extend([0; 20]);
        log.extend((head.len() as u32).to_le_bytes());
        log.extend(head);
        for event in &self.events {
            let count = event.digests.len() as u32 + event.more_digests;
            log.extend([event.register, event.event_type, count].iter().flat_map(|word| word.to_le_bytes()));
            for (algorithm, digest) in &event.digests {
                log.extend(algorithm.to_le_bytes());
                log.extend(digest);
            }
            log.extend((event.data.len() as u32 + event.more_data).to_le_bytes());
            log.extend(&event.data);
        }
        log.extend(&self.after);
        log
    }

    fn error(&self) -> Option<Error> {
        EventLog::parse(&self.build()).err()
    }
}

/// Extends a register as the TDX module does.
fn extended(register: [u8; 48], data: &[u8]) -> [u8; 48] {
    Sha384::digest([register, Sha384::digest(data).into()].concat()).into()
}

#[test]
fn events_replay_into_their_registers() {
    let bytes = Maker::new().build();
    let log = EventLog::parse(&bytes).unwrap();
    let zero = [0; 48];
    let rtmr = [
        extended(extended(zero, &[0; 4]), b"ACPI DATA"),
        extended(zero, b"Calling EFI Application"),
        extended(zero, b"kernel_cmdline: quiet\0"),
        extended(zero, &[1, 2, 3]),
    ];
    assert_eq!((log.rtmr, log.check(&rtmr)), (rtmr, Ok(())));
    let event = |index: usize, register, event_type, data| {
        let digest = Sha384::digest(data).into();
        Event { index, register: Some(register), event_type: EventType(event_type), digest, data }
    };
    assert_eq!(
        log.events,
        [
            event(0, 0, SEPARATOR, &[0; 4]),
            event(1, 1, 0x8000_0007, b"Calling EFI Application"),
            event(2, 0, 0x0a, b"ACPI DATA"),
            event(3, 2, 0x0d, b"kernel_cmdline: quiet\0"),
            event(4, 3, 0x06, &[1, 2, 3]),
        ]
    );
}

/// Computed with Python's `hashlib`.
#[test]
fn known_replay() {
    let bytes = Maker::of(Made::new(2, SEPARATOR, &[0; 4])).build();
    assert_eq!(
        hex::encode(EventLog::parse(&bytes).unwrap().rtmr[1]),
        "518923b0f955d08da077c96aaba522b9decede61c599cea6c41889cfbea4ae4d50529d96fe4d1afdafb65e7f95bf23c4"
    );
}

#[test]
fn the_first_register_that_differs_is_named() {
    let bytes = Maker::new().build();
    let log = EventLog::parse(&bytes).unwrap();
    for register in 0..4 {
        let mut rtmr = log.rtmr;
        rtmr[register][47] ^= 1;
        rtmr[3][0] ^= 1;
        assert_eq!(log.check(&rtmr), Err(Error::Register(register as u8)));
    }
}

#[test]
fn informing_events_are_listed_and_not_replayed() {
    let bytes = Maker::of(Made::new(0, NO_ACTION, b"StartupLocality\0\x03")).build();
    let log = EventLog::parse(&bytes).unwrap();
    assert_eq!((log.events.len(), log.events[0].register, log.rtmr), (1, None, [[0; 48]; 4]));
}

#[test]
fn other_digests_are_passed_over() {
    let bytes = Maker::with(|maker| {
        maker.algorithms.insert(0, (SHA256, 32));
        for event in &mut maker.events {
            event.digests.push((SHA256, vec![9; 32]));
        }
    })
    .build();
    let original = Maker::new().build();
    assert_eq!(EventLog::parse(&bytes).unwrap().rtmr, EventLog::parse(&original).unwrap().rtmr);
}

#[test]
fn what_the_firmware_left_unused_is_passed_over() {
    let original = Maker::new().build();
    for unused in [0, 0xff] {
        let bytes = Maker::with(|maker| maker.after = vec![unused; 65_536]).build();
        assert_eq!(EventLog::parse(&bytes), EventLog::parse(&original));
        let garbage = Maker::with(|maker| maker.after = [vec![unused; 100], vec![1]].concat());
        assert!(garbage.error().is_some());
    }
    assert_eq!(EventLog::parse(&Maker::with(|maker| maker.events.clear()).build()).map(|log| log.rtmr), Ok([[0; 48]; 4]));
}

#[test]
fn descriptions_are_texts_and_names() {
    let describe = |event_type, data: &[u8]| {
        let bytes = Maker::of(Made::new(1, event_type, data)).build();
        EventLog::parse(&bytes).unwrap().events[0].description()
    };
    assert_eq!(describe(0x0a, b"ACPI DATA"), Some("ACPI DATA".into()));
    assert_eq!(describe(0x0d, b"grub_cmd: menuentry {\n\tlinux\0"), Some("grub_cmd: menuentry {\n\tlinux".into()));
    assert_eq!(describe(0x0d, b"\x1b[2J"), None);
    assert_eq!(describe(0x0d, b"\xff"), None);
    assert_eq!(describe(SEPARATOR, &[0; 4]), None);
    assert_eq!(describe(0x0d, b""), None);
    assert_eq!(describe(TABLES, b"\x09TdxTable\0\x01\0\0"), Some("TdxTable".into()));
    assert_eq!(describe(TABLES, b"\x20TdxTable"), None);
    let variable = |length: u64, name: &[u8]| [&[7; 16], &length.to_le_bytes()[..], &[0; 8], name, b"\x01"].concat();
    assert_eq!(describe(VARIABLE, &variable(2, b"d\0b\0")), Some("db".into()));
    assert_eq!(describe(VARIABLE, &variable(3, b"d\0b\0")), None);
    assert_eq!(describe(VARIABLE, &variable(1, b"\0\xd8")), None);
    assert_eq!(describe(VARIABLE, &variable(u64::MAX, b"d\0b\0")), None);
    assert_eq!(describe(VARIABLE, &[7; 20]), None);
}

#[test]
fn only_data_with_the_digest_are_covered() {
    let mut made = Made::new(1, SEPARATOR, &[0; 4]);
    let covered = |made: &Made| EventLog::parse(&Maker::of(made.clone()).build()).unwrap().events[0].is_covered();
    assert!(covered(&made));
    made.data[0] = 1;
    assert!(!covered(&made));
}

#[test]
fn kinds_have_names() {
    for (event_type, name, shown) in [
        (0x03, Some("EV_NO_ACTION"), "EV_NO_ACTION"),
        (0x8000_00e0, Some("EV_EFI_VARIABLE_AUTHORITY"), "EV_EFI_VARIABLE_AUTHORITY"),
        (0x8000_ffff, None, "0x8000ffff"),
    ] {
        assert_eq!((EventType(event_type).name(), EventType(event_type).to_string()), (name, shown.into()));
    }
}

/// A log that is refused, and why. Each is right but for one thing.
type Case = (Error, fn(&mut Maker));

const CASES: &[Case] = &[
    (Error::LogLength, |maker| maker.after = vec![0xff; MAX_LOG_LEN]),
    (Error::Head, |maker| maker.head_type = SEPARATOR),
    (Error::Head, |maker| maker.signature[14] = b'2'),
    (Error::Head, |maker| maker.more_vendor = 1),
    (Error::Algorithms, |maker| maker.algorithms[0].0 = SHA256),
    (Error::Algorithms, |maker| maker.algorithms[0].1 = 32),
    (Error::Algorithms, |maker| maker.algorithms.clear()),
    (Error::Algorithms, |maker| maker.algorithms.push((SHA384, 48))),
    (Error::Algorithms, |maker| maker.algorithms.extend((20..28).map(|algorithm| (algorithm, 0)))),
    (Error::Truncated { event: 5 }, |maker| maker.after = vec![1]),
    (Error::Truncated { event: 4 }, |maker| maker.events[4].more_data = 1),
    (Error::Truncated { event: 4 }, |maker| maker.events[4].more_data = u32::MAX - 3),
    (Error::Truncated { event: 0 }, |maker| {
        maker.events.truncate(1);
        maker.events[0].digests[0].1.truncate(40);
        maker.events[0].data.clear();
    }),
    (Error::DigestCount { event: 1 }, |maker| maker.events[1].digests.clear()),
    (Error::DigestCount { event: 1 }, |maker| maker.events[1].more_digests = 1),
    (Error::DigestCount { event: 1 }, |maker| maker.events[1].more_digests = u32::MAX - 1),
    (Error::DigestCount { event: 0 }, |maker| {
        maker.algorithms.push((SHA256, 32));
        maker.events[0].digests = vec![(SHA384, vec![1; 48]), (SHA384, vec![2; 48])];
    }),
    (Error::DigestCount { event: 0 }, |maker| {
        maker.algorithms.push((SHA256, 32));
        maker.events[0].digests = vec![(SHA256, vec![1; 32]), (SHA256, vec![2; 32])];
    }),
    (Error::AlgorithmUnknown { event: 2, algorithm: 0x12 }, |maker| maker.events[2].digests[0].0 = 0x12),
    (Error::RegisterRange { event: 3, register: 0 }, |maker| maker.events[3].register = 0),
    (Error::RegisterRange { event: 3, register: 5 }, |maker| maker.events[3].register = 5),
    (Error::RegisterRange { event: 3, register: u32::MAX }, |maker| maker.events[3].register = u32::MAX),
];

#[test]
fn wrong_logs_are_refused() {
    for (at, (error, change)) in CASES.iter().enumerate() {
        assert_eq!(Maker::with(change).error(), Some(*error), "case {at}");
    }
}

#[test]
fn cut_logs_are_refused_or_replay_to_something_else() {
    let bytes = Maker::new().build();
    let whole = EventLog::parse(&bytes).unwrap();
    for length in 0..bytes.len() {
        if let Ok(cut) = EventLog::parse(&bytes[..length]) {
            assert_ne!(cut.rtmr, whole.rtmr, "{length}");
        }
    }
}

#[test]
fn every_error_explains_itself() {
    let errors = CASES.iter().map(|(error, _)| *error).chain([Error::Register(2)]);
    for text in errors.map(|error| error.to_string()) {
        assert!(text.contains("; wanted: ") && text.split("; ").count() == 3, "{text}");
    }
    assert_eq!(
        Error::RegisterRange { event: 3, register: 5 }.to_string(),
        "event 3 was measured into register 5; wanted: 1 to 4, the run-time measurements 0 to 3; read the whole log from the guest again \
         (/sys/firmware/acpi/tables/data/CCEL)"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn changed_logs_are_refused_or_measure_the_same(changes in collection::vec((any::<Index>(), 1..=u8::MAX), 1..4)) {
        let original = Maker::new().build();
        let mut bytes = original.clone();
        for (index, flip) in &changes {
            bytes[index.index(original.len())] ^= flip;
        }
        let whole = EventLog::parse(&original).unwrap();
        if let Ok(log) = EventLog::parse(&bytes) && log.check(&whole.rtmr).is_ok() {
            let measured = |log: &EventLog<'_>| -> Vec<_> {
                log.events.iter().filter(|event| event.register.is_some()).map(|event| (event.register, event.digest)).collect()
            };
            prop_assert_eq!(measured(&log), measured(&whole));
        }
    }

    #[test]
    fn noise_does_not_panic(noise in collection::vec(any::<u8>(), 0..600)) {
        let _ = EventLog::parse(&noise);
        let bytes = Maker::with(|maker| maker.after = noise).build();
        if let Ok(log) = EventLog::parse(&bytes) {
            log.events.iter().for_each(|event| drop((event.description(), event.is_covered(), event.event_type.to_string())));
        }
    }
}

genuine! {
    log_of_a_real_guest_replays_to_its_quote(vectors) {
        let claims = vectors.verify(V4_EVENT_LOG, &Requirements::STRICT).unwrap();
        let bytes = vectors.read("tdx/v4_ccel_eventlog.dat");
        let log = EventLog::parse(&bytes).unwrap();
        assert_eq!((log.events.len(), log.rtmr, log.check(&claims.rtmr)), (43, claims.rtmr, Ok(())));
        // As the firmware reserves it.
        let area = [bytes.clone(), vec![0xff; 262_144 - bytes.len()]].concat();
        assert_eq!(EventLog::parse(&area), Ok(log.clone()));
        let shown = |index: usize| {
            let event = &log.events[index];
            (event.register, event.event_type.name().unwrap(), event.description(), event.is_covered())
        };
        assert_eq!(shown(0), (Some(0), "EV_EFI_HANDOFF_TABLES2", Some("TdxTable".into()), false));
        assert_eq!(shown(2), (Some(0), "EV_EFI_VARIABLE_DRIVER_CONFIG", Some("SecureBoot".into()), true));
        assert_eq!(shown(7), (Some(0), "EV_SEPARATOR", None, true));
        assert_eq!(shown(18), (Some(2), "EV_IPL", Some("MokList".into()), false));
        assert_eq!(shown(42), (Some(1), "EV_EFI_ACTION", Some("Exit Boot Services Returned with Success".into()), true));
    }

    no_changed_log_of_a_real_guest_measures_something_else(vectors) {
        let bytes = vectors.read("tdx/v4_ccel_eventlog.dat");
        let whole = EventLog::parse(&bytes).unwrap();
        for offset in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[offset] ^= 0x20;
            if let Ok(log) = EventLog::parse(&changed) && log.check(&whole.rtmr).is_ok() {
                // Only what no register covers: kinds, data, the head.
                let measured = |log: &EventLog<'_>| log.events.iter().map(|event| (event.register, event.digest)).collect::<Vec<_>>();
                assert_eq!(measured(&log), measured(&whole), "{offset}");
            }
        }
    }
}
