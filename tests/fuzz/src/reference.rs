//! Reference values: event logs and firmware images.

use crate::{image::Image, vectors::vectors};
use blockcloud_evidence::reference::{
    snp::{DirectBoot, Launch, VcpuSignature, launch_digest},
    tdx::EventLog,
};

pub fn event_log(data: &[u8]) -> bool {
    let Ok(log) = EventLog::parse(data) else { return false };
    for (index, event) in log.events.iter().enumerate() {
        assert!(event.index == index && event.register.is_none_or(|register| register < 4));
        let _ = (event.description(), event.is_covered(), event.event_type.to_string());
    }
    assert_eq!(log.check(&log.rtmr), Ok(()));
    true
}

pub fn event_log_seeds() -> Vec<Vec<u8>> {
    let head = |algorithms: &[(u16, u16)]| {
        let mut content = b"Spec ID Event03\0\0\0\0\0\0\x02\0\x02".to_vec();
        content.extend((algorithms.len() as u32).to_le_bytes());
        content.extend(algorithms.iter().flat_map(|(number, length)| [number.to_le_bytes(), length.to_le_bytes()].concat()));
        content.push(0);
        [&[1, 0, 0, 0, 3, 0, 0, 0][..], &[0; 20], &(content.len() as u32).to_le_bytes(), &content].concat()
    };
    let event = |register: u32, kind: u32, digests: &[(u16, usize)], data: &[u8]| {
        let mut event = [register, kind, digests.len() as u32].map(u32::to_le_bytes).concat();
        event.extend(digests.iter().flat_map(|(number, length)| [&number.to_le_bytes()[..], &vec![7; *length]].concat()));
        event.extend((data.len() as u32).to_le_bytes());
        event.extend(data);
        event
    };
    let variable = [&[7; 16][..], &2u64.to_le_bytes(), &0u64.to_le_bytes(), b"d\0b\0"].concat();
    let one: &[(u16, usize)] = &[(0x0c, 48)];
    let two: &[(u16, usize)] = &[(0x0b, 32), (0x0c, 48)];
    let mut seeds = vec![
        [head(&[(0x0c, 48)]), event(1, 4, one, &[0; 4]), event(2, 0x8000_0001, one, &variable)].concat(),
        [head(&[(0x0b, 32), (0x0c, 48)]), event(3, 0x8000_000b, two, b"\x09TdxTable\0"), event(0, 3, two, b"inform"), vec![0xff; 40]]
            .concat(),
    ];
    seeds.extend(vectors("event_log_seeds").map(|vectors| vectors.read("tdx/v4_ccel_eventlog.dat")));
    seeds
}

/// The end of an image; what is before it is zero, up to whole pages.
pub fn firmware(data: &[u8]) -> bool {
    let before = data.len().next_multiple_of(4096) - data.len();
    let firmware = [&vec![0; before], data].concat();
    let launch = Launch { firmware: &firmware, vcpus: 1, vcpu_signature: VcpuSignature::GENOA, guest_features: 1, direct_boot: None };
    let booted = Launch { vcpus: 2, direct_boot: Some(DirectBoot::new(b"kernel", b"", c"")), ..launch };
    let (simple, booted) = (launch_digest(&launch), launch_digest(&booted));
    assert!(simple.is_ok() || booted.is_err(), "less is wanted of a firmware without a kernel");
    assert!(simple != booted || simple.is_err());
    simple.is_ok()
}

pub fn firmware_seeds() -> Vec<Vec<u8>> {
    let end = |image: &Image| image.build().split_off(image.length - 1024);
    let without = Image::with(|image| {
        image.entries.truncate(1);
        image.sections.retain(|section| section[2] != 0x10);
    });
    vec![end(&Image::new()), end(&without)]
}
