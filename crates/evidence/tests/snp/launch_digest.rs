//! Launch digests: known ones, what changes them, and images that have none.

use crate::image::*;
use blockcloud_evidence::reference::snp::{
    DirectBoot, Error, Launch, MAX_FIRMWARE_LEN, MAX_SECTIONS, MAX_VCPUS, VcpuSignature, launch_digest,
};
use proptest::{collection, prelude::*, sample::Index};

/// One virtual processor and no kernel.
fn simple(firmware: &[u8]) -> Launch<'_> {
    Launch { firmware, vcpus: 1, vcpu_signature: VcpuSignature::EPYC, guest_features: 1, direct_boot: None }
}

/// Four virtual processors and a kernel.
fn booted(firmware: &[u8]) -> Launch<'_> {
    let direct_boot = Some(DirectBoot::new(b"kernel", b"initrd", c"console=ttyS0"));
    Launch { firmware, vcpus: 4, vcpu_signature: VcpuSignature::MILAN, guest_features: 0x21, direct_boot }
}

/// The verdict over an image, with four virtual processors and a kernel.
fn digest_of(image: &Image) -> Result<[u8; 48], Error> {
    launch_digest(&booted(&image.build()))
}

/// Computed by a program in Python that shares nothing with this one, and that gives the digests which virtee's `sev` publishes for images
/// of EDK2.
#[test]
fn known_digests() {
    let firmware = Image::new().build();
    assert_eq!(
        launch_digest(&simple(&firmware)).map(hex::encode),
        Ok("0759814feaba74f3ee473fb81e9cf573dabcbf1ef3740208b793a0beeda055226bf4e30129052eeba8fe3a93b5b3a8db".into())
    );
    assert_eq!(
        launch_digest(&booted(&firmware)).map(hex::encode),
        Ok("ab6c246e7dbabc3554ddac6c77750ec5d19deabeebaf1c04941508e28c6da52a37f378dde509f69b89741030e1e69010".into())
    );
}

#[test]
fn everything_that_a_guest_is_started_from_changes_the_digest() {
    let firmware = Image::new().build();
    let launch = booted(&firmware);
    let boot = |kernel: &[u8], initrd: &[u8], command_line| Some(DirectBoot::new(kernel, initrd, command_line));
    let launches = [
        launch,
        Launch { vcpus: 1, ..launch },
        Launch { vcpus: 2, ..launch },
        Launch { vcpu_signature: VcpuSignature::GENOA, ..launch },
        Launch { guest_features: 0x1, ..launch },
        Launch { direct_boot: None, ..launch },
        Launch { direct_boot: boot(b"another", b"initrd", c"console=ttyS0"), ..launch },
        Launch { direct_boot: boot(b"kernel", b"another", c"console=ttyS0"), ..launch },
        Launch { direct_boot: boot(b"kernel", b"", c"console=ttyS0"), ..launch },
        Launch { direct_boot: boot(b"kernel", b"initrd", c"another"), ..launch },
        Launch { direct_boot: boot(b"kernel", b"initrd", c""), ..launch },
    ];
    let mut digests: Vec<[u8; 48]> = launches.iter().map(|launch| launch_digest(launch).unwrap()).collect();
    let images: [fn(&mut Image); 7] = [
        |image| image.length += 4096,
        |image| image.sections[0][0] += 4096,
        |image| image.sections[0][1] += 4096,
        |image| image.sections[0][2] = 2,
        |image| image.sections.swap(0, 1),
        |image| *image.entry(RESET_BLOCK) = 0x80_c004u32.to_le_bytes().to_vec(),
        |image| *image.entry(HASH_TABLE) = [0x81_0800u32.to_le_bytes(), 0x400u32.to_le_bytes()].concat(),
    ];
    // The fourth makes memory a page of secrets, which is one page only.
    digests.extend(images.iter().enumerate().map(|(at, change)| {
        let mut image = Image::new();
        if at == 3 {
            image.sections[0][1] = 4096;
        }
        change(&mut image);
        digest_of(&image).unwrap()
    }));
    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

#[test]
fn a_guest_without_a_kernel_needs_no_place_for_hashes() {
    let firmware = Image::with(|image| {
        image.remove(HASH_TABLE);
        image.sections.retain(|section| section[2] != 0x10);
    });
    assert!(launch_digest(&simple(&firmware.build())).is_ok());
}

#[test]
fn a_guest_with_one_processor_needs_no_reset_block() {
    let firmware = Image::with(|image| image.remove(RESET_BLOCK)).build();
    assert!(launch_digest(&simple(&firmware)).is_ok());
    assert_eq!(launch_digest(&Launch { vcpus: 2, ..simple(&firmware) }), Err(Error::FurtherVcpusUnsupported));
}

#[test]
fn signatures_are_family_model_and_stepping() {
    for (signature, family, model, stepping) in [
        (VcpuSignature::EPYC, 23, 1, 2),
        (VcpuSignature::ROME, 23, 49, 0),
        (VcpuSignature::MILAN, 25, 1, 1),
        (VcpuSignature::GENOA, 25, 17, 0),
        (VcpuSignature::TURIN, 26, 0, 0),
        (VcpuSignature(0x0000_0fff), 15, 15, 15),
        (VcpuSignature(0x0000_0612), 6, 1, 2),
    ] {
        assert_eq!(VcpuSignature::new(family, model, stepping), signature);
    }
}

#[test]
fn models_have_signatures() {
    for (name, signature) in [
        ("EPYC", Some(VcpuSignature::EPYC)),
        ("EPYC-v4", Some(VcpuSignature::EPYC)),
        ("EPYC-IBPB", Some(VcpuSignature::EPYC)),
        ("EPYC-Rome-v3", Some(VcpuSignature::ROME)),
        ("EPYC-Milan", Some(VcpuSignature::MILAN)),
        ("EPYC-Genoa-v12", Some(VcpuSignature::GENOA)),
        ("EPYC-Turin-v1", Some(VcpuSignature::TURIN)),
        ("EPYC-Turin-v", None),
        ("EPYC-Turin-vx", None),
        ("-v1", None),
        ("epyc", None),
        ("host", None),
    ] {
        assert_eq!(VcpuSignature::of_model(name), signature, "{name}");
    }
}

/// An image that is refused, and why.
type Case = (Error, fn(&mut Image));

/// Each image is right but for one thing.
const CASES: &[Case] = &[
    (Error::FirmwareLength, |image| image.length = 0),
    (Error::FirmwareLength, |image| image.length += 1),
    (Error::FirmwareLength, |image| image.length = MAX_FIRMWARE_LEN + 4096),
    (Error::TableMissing, |image| image.table += 1),
    (Error::TableEncoding, |image| image.entries.push((RESET_BLOCK, vec![0; 4]))),
    (Error::TableEncoding, |image| image.entry(RESET_BLOCK).push(0)),
    (Error::TableEncoding, |image| image.entry(HASH_TABLE).truncate(4)),
    (Error::TableEncoding, |image| image.entry(SEV_METADATA).clear()),
    (Error::MetadataMissing, |image| image.remove(SEV_METADATA)),
    (Error::MetadataEncoding, |image| image.magic = *b"ASEW"),
    (Error::MetadataEncoding, |image| image.version = 2),
    (Error::MetadataEncoding, |image| image.more_bytes = 12),
    (Error::MetadataEncoding, |image| image.more_sections = 1),
    (Error::MetadataEncoding, |image| *image.entry(SEV_METADATA) = 8193u32.to_le_bytes().to_vec()),
    (Error::MetadataEncoding, |image| *image.entry(SEV_METADATA) = 15u32.to_le_bytes().to_vec()),
    (Error::MetadataEncoding, |image| *image.entry(SEV_METADATA) = u32::MAX.to_le_bytes().to_vec()),
    (Error::TooManySections, |image| image.sections.resize(MAX_SECTIONS + 1, [0, 4096, 1])),
    (Error::TooManySections, |image| image.more_sections = u32::MAX - 7),
    (Error::TooManySections, |image| image.sections[0] = [0, 0xffff_f000, 1]),
    (Error::SectionKind(0), |image| image.sections[0][2] = 0),
    (Error::SectionKind(0x11), |image| image.sections[0][2] = 0x11),
    (Error::SectionRange, |image| image.sections[0][0] += 1),
    (Error::SectionRange, |image| image.sections[0][1] += 1),
    (Error::SectionRange, |image| image.sections[0][1] = 0),
    (Error::SectionRange, |image| image.sections[0] = [0xffff_f000, 0x2000, 1]),
    (Error::SectionRange, |image| image.sections[2][1] = 0x2000),
    (Error::SectionRange, |image| image.sections[3][1] = 0x2000),
    (Error::SectionRange, |image| image.sections[5][1] = 0x2000),
    (Error::DirectBootUnsupported, |image| image.remove(HASH_TABLE)),
    (Error::DirectBootUnsupported, |image| *image.entry(HASH_TABLE) = vec![0; 8]),
    (Error::DirectBootUnsupported, |image| image.sections.truncate(5)),
    (Error::HashTablePlace, |image| *image.entry(HASH_TABLE) = [0x81_0c00u32.to_le_bytes(), 175u32.to_le_bytes()].concat()),
    (Error::HashTablePlace, |image| *image.entry(HASH_TABLE) = [0x81_0f51u32.to_le_bytes(), 176u32.to_le_bytes()].concat()),
    (Error::HashTablePlace, |image| *image.entry(HASH_TABLE) = [0x80_fc00u32.to_le_bytes(), 0x400u32.to_le_bytes()].concat()),
    (Error::HashTablePlace, |image| *image.entry(HASH_TABLE) = [0x81_1c00u32.to_le_bytes(), 0x400u32.to_le_bytes()].concat()),
    (Error::FurtherVcpusUnsupported, |image| image.remove(RESET_BLOCK)),
    (Error::FurtherVcpusUnsupported, |image| *image.entry(RESET_BLOCK) = vec![0; 4]),
];

#[test]
fn wrong_images_are_refused() {
    for (at, (error, change)) in CASES.iter().enumerate() {
        assert_eq!(digest_of(&Image::with(change)), Err(*error), "case {at}");
    }
}

#[test]
fn hash_table_may_end_with_its_page() {
    let table = [0x81_0f50u32.to_le_bytes(), 176u32.to_le_bytes()].concat();
    assert!(digest_of(&Image::with(|image| *image.entry(HASH_TABLE) = table)).is_ok());
}

#[test]
fn wrong_guests_are_refused() {
    let firmware = Image::new().build();
    let launch = simple(&firmware);
    assert_eq!(launch_digest(&Launch { guest_features: 0x20, ..launch }), Err(Error::GuestFeatures));
    for vcpus in [0, MAX_VCPUS + 1, u32::MAX] {
        assert_eq!(launch_digest(&Launch { vcpus, ..launch }), Err(Error::VcpuCount));
    }
    assert!(launch_digest(&Launch { vcpus: MAX_VCPUS, ..launch }).is_ok());
}

#[test]
fn every_error_explains_itself() {
    let mut errors: Vec<Error> = CASES.iter().map(|(error, _)| *error).chain([Error::GuestFeatures, Error::VcpuCount]).collect();
    errors.dedup();
    let mut texts: Vec<String> = errors.iter().map(Error::to_string).collect();
    assert!(texts.iter().all(|text| text.contains("; wanted: ") && text.split("; ").count() == 3), "{texts:?}");
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), errors.len());
    assert_eq!(
        Error::SectionKind(0x11).to_string(),
        "a section of the SEV metadata is of an unknown kind, 0x11; wanted: 1, 2, 3, 4 or 16; this program must learn the new kind"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn changed_images_have_another_digest_or_none(changes in collection::vec((any::<Index>(), 1..=u8::MAX), 1..4), near_the_end: bool) {
        let original = Image::new().build();
        let mut image = original.clone();
        for (index, flip) in &changes {
            // Most of what is read lies in the last 1024 bytes.
            let at = if near_the_end { original.len() - 1 - index.index(METADATA as usize) } else { index.index(original.len()) };
            image[at] ^= flip;
        }
        let same = launch_digest(&booted(&image)) == launch_digest(&booted(&original));
        prop_assert_eq!(same, image == original);
    }

    #[test]
    fn noise_has_no_digest(pages in 0..4usize, noise in collection::vec(any::<u8>(), 0..4096)) {
        let firmware: Vec<u8> = noise.iter().copied().cycle().take(if noise.is_empty() { 0 } else { pages * 4096 }).collect();
        prop_assert!(launch_digest(&booted(&firmware)).is_err());
        prop_assert!(launch_digest(&simple(&noise)).is_err());
    }
}
