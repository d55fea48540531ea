//! The same launch digests as virtee's sev, which was written by others: on images of EDK2 that lie in its sources, and on images made
//! here.

use crate::{
    image::{HASH_TABLE, Image, RESET_BLOCK},
    mutant::Random,
};
use blockcloud_evidence::reference::snp::{DirectBoot, Error, Launch, VcpuSignature, launch_digest};
use sev::measurement::{
    snp::{SnpMeasurementArgs, snp_calc_launch_digest},
    vcpu_types::CpuType,
    vmsa::{GuestFeatures, VMMType},
};
use std::{
    env,
    ffi::CString,
    fs,
    io::Write,
    panic::catch_unwind,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// How many guests are tried.
const GUESTS: u64 = 2_000;

/// Every processor model that the oracle knows.
const MODELS: [CpuType; 18] = [
    CpuType::Epyc,
    CpuType::EpycV1,
    CpuType::EpycV2,
    CpuType::EpycIBPB,
    CpuType::EpycV3,
    CpuType::EpycV4,
    CpuType::EpycRome,
    CpuType::EpycRomeV1,
    CpuType::EpycRomeV2,
    CpuType::EpycRomeV3,
    CpuType::EpycMilan,
    CpuType::EpycMilanV1,
    CpuType::EpycMilanV2,
    CpuType::EpycGenoa,
    CpuType::EpycGenoaV1,
    CpuType::EpycTurin,
    CpuType::EpycTurinV1,
    CpuType::EpycTurinV2,
];

/// A guest as both take it.
#[derive(Clone, Debug)]
struct Guest {
    firmware: Vec<u8>,
    vcpus: u32,
    model: CpuType,
    features: u64,
    boot: Option<Boot>,
}

#[derive(Clone, Debug)]
struct Boot {
    kernel: Vec<u8>,
    initrd: Option<Vec<u8>>,
    command_line: Option<String>,
}

impl Guest {
    fn ours(&self) -> Result<[u8; 48], Error> {
        let direct_boot = self.boot.as_ref().map(|boot| {
            let command_line = CString::new(boot.command_line.clone().unwrap_or_default()).expect("no zero inside");
            DirectBoot::new(&boot.kernel, boot.initrd.as_deref().unwrap_or_default(), &command_line)
        });
        launch_digest(&Launch {
            firmware: &self.firmware,
            vcpus: self.vcpus,
            vcpu_signature: VcpuSignature::of_model(&self.model.to_string()).expect("a model that QEMU has"),
            guest_features: self.features,
            direct_boot,
        })
    }

    /// The oracle reads files.
    fn theirs(&self, folder: &Path) -> Result<[u8; 48], String> {
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, bytes).expect("a temporary file");
            path
        };
        let boot = self.boot.as_ref();
        let ovmf_file = file("firmware", &self.firmware);
        let kernel_file = boot.map(|boot| file("kernel", &boot.kernel));
        let initrd_file = boot.and_then(|boot| boot.initrd.as_ref()).map(|initrd| file("initrd", initrd));
        // It panics over some images.
        let digest = catch_unwind(|| {
            snp_calc_launch_digest(SnpMeasurementArgs {
                vcpus: self.vcpus,
                vcpu_type: self.model,
                ovmf_file: ovmf_file.clone(),
                guest_features: GuestFeatures(self.features),
                kernel_file: kernel_file.clone(),
                initrd_file: initrd_file.clone(),
                append: boot.and_then(|boot| boot.command_line.as_deref()),
                ovmf_hash_str: None,
                vmm_type: Some(VMMType::QEMU),
            })
        });
        let digest = digest.map_err(|_| "panic".to_owned())?.map_err(|error| error.to_string())?;
        let digest: Vec<u8> = digest.try_into().expect("bytes");
        Ok(digest.try_into().expect("48 bytes"))
    }
}

fn random_guest(random: &mut Random) -> Guest {
    let mut image = Image::new();
    image.length = 4096 * (1 + random.below(4));
    let mut address = 0x80_0000;
    for section in &mut image.sections {
        let pages = if matches!(section[2], 1 | 4) { 1 + random.below(8) as u32 } else { 1 };
        section[0] = address;
        section[1] = 4096 * pages;
        address += section[1] + 4096 * random.below(2) as u32;
    }
    let hashes = image.sections[5][0] + random.below(4096 - 176 + 1) as u32;
    *image.entry(HASH_TABLE) = [hashes.to_le_bytes(), 0x400u32.to_le_bytes()].concat();
    *image.entry(RESET_BLOCK) = (0x1000 + random.below(0x1000_0000) as u32).to_le_bytes().to_vec();
    for _ in 0..random.below(3) {
        let (first, second) = (random.below(7), random.below(7));
        image.sections.swap(first, second);
    }
    let last = image.entries.len() - 1;
    image.entries.swap(random.below(last + 1), last);
    let noise = |random: &mut Random, most: usize| -> Vec<u8> { (0..random.below(most)).map(|_| random.byte()).collect() };
    let boot = (random.below(2) == 0).then(|| Boot {
        kernel: noise(random, 3000),
        initrd: (random.below(2) == 0).then(|| noise(random, 3000)),
        command_line: (random.below(2) == 0).then(|| format!("console=ttyS{} quiet", random.below(9))),
    });
    let mut firmware = image.build();
    let at = random.below(firmware.len() - 1024);
    if firmware.len() > 4096 {
        firmware[at] ^= random.byte();
    }
    let most = if random.below(50) == 0 { 512 } else { 9 };
    Guest { firmware, vcpus: 1 + random.below(most) as u32, model: MODELS[random.below(MODELS.len())], features: random.next() | 1, boot }
}

#[test]
fn random_guests() {
    let folder = TempDir::new().expect("a folder");
    for seed in 0..GUESTS {
        let guest = random_guest(&mut Random::new(seed));
        let (ours, theirs) = (guest.ours(), guest.theirs(folder.path()));
        assert!(ours.is_ok(), "seed {seed}: {ours:?}");
        assert_eq!(ours.as_ref().ok(), theirs.as_ref().ok(), "seed {seed}: {theirs:?}");
    }
}

/// What the oracle refuses we refuse, too; we refuse more.
#[test]
fn random_guests_with_changed_images() {
    let folder = TempDir::new().expect("a folder");
    let mut believed = 0;
    for seed in 0..GUESTS {
        let mut random = Random::new(seed);
        let mut guest = random_guest(&mut random);
        // Several, because the oracle wants a reset block for one, too.
        guest.vcpus = guest.vcpus.clamp(2, 8);
        // The table and the metadata.
        let (length, within) = (guest.firmware.len(), if random.below(2) == 0 { 120 } else { 1024 });
        let at = length - 1 - random.below(within);
        guest.firmware[at] ^= 1 << random.below(8);
        let Ok(ours) = guest.ours() else { continue };
        believed += 1;
        assert_eq!(guest.theirs(folder.path()), Ok(ours), "seed {seed}");
    }
    assert!(believed > GUESTS / 4, "{believed}");
}

/// The digests that the oracle's authors publish for the ends of two images of EDK2.
#[test]
fn published_digests() {
    let Some(folder) = sources("published_digests") else { return };
    let read = |name: &str| fs::read(folder.join("tests/measurement").join(name)).expect("an image");
    let (amd_sev, ovmf) = (read("ovmf_AmdSev_suffix.bin"), read("ovmf_OvmfX64_suffix.bin"));
    let booted =
        |command_line: Option<&str>| Some(Boot { kernel: vec![], initrd: Some(vec![]), command_line: command_line.map(str::to_owned) });
    for (firmware, vcpus, features, boot, digest) in [
        (&amd_sev, 1, 0x1, None, "19358ba9a7615534a9a1e2f0dfc29384dcd4dcb7062ff9c6013b26869a5fc6ecabe033c48dd6f6db5d6d76e7c5df632d"),
        (&amd_sev, 1, 0x21, None, "e1e1ca029dd7973ab9513295be68198472dcd4fc834bd9af9b63f6e8a1674dbf281a9278a4a2ebe0eed9f22adbcd0e2b"),
        (
            &amd_sev,
            1,
            0x21,
            booted(Some("console=ttyS0 loglevel=7")),
            "803f691094946e42068aaa3a8f9e26a5c89f36f7b73ecfb28c653360fe4b3aba7e534442e7e1e17895dfe778d0228977",
        ),
        (
            &amd_sev,
            4,
            0x1,
            booted(None),
            "5061fffb019493a903613d56d54b94912a1a2f9e4502385f5c194616753720a92441310ba6c4933de877c36e23046ad5",
        ),
        (
            &amd_sev,
            4,
            0x21,
            booted(None),
            "4953b1fb416fa874980e8442b3706d345926d5f38879134e00813c5d7abcbe78eafe7b422907be0b4698e2414a631942",
        ),
        (&ovmf, 1, 0x1, None, "da0296de8193586a5512078dcd719eccecbd87e2b825ad4148c44f665dc87df21e5b49e21523a9ad993afdb6a30b4005"),
        (&ovmf, 1, 0x21, None, "28797ae0afaba4005a81e629acebfb59e6687949d6be44007cd5506823b0dd66f146aaae26ff291eed7b493d8a64c385"),
    ] {
        let guest = Guest { firmware: firmware.clone(), vcpus, model: CpuType::EpycV4, features, boot };
        assert_eq!(guest.ours().map(hex::encode), Ok(digest.to_owned()));
    }
    let without_place = Guest { firmware: ovmf, vcpus: 1, model: CpuType::EpycV4, features: 0x21, boot: booted(None) };
    assert_eq!(without_place.ours(), Err(Error::DirectBootUnsupported));
}

/// The oracle's sources, where cargo has them, or nothing, with a warning that no test harness swallows.
fn sources(test: &str) -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let registries = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok()).into_iter().flatten().flatten();
    let folder = registries.map(|registry| registry.path().join("sev-8.0.0")).find(|folder| folder.is_dir());
    if folder.is_none() {
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: the sources of sev 8.0.0 are not in cargo's registry");
    }
    folder
}
