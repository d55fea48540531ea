//! Reports from the kernel: configfs-tsm (`Documentation/ABI/testing/configfs-tsm`, Linux 6.7 and later).
//!
//! A directory is made for one request; the kernel fills it with attributes: `inblob` takes the report data, `outblob` gives the report, `auxblob` the
//! certificates that the host supplied, `provider` the hardware, `generation` counts changes of the request.

use super::{EvidenceError, Report, ReportSource};
use crate::keys;
use blockcloud_primitives::Tee;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// GUID of the chip's certificate (VCEK) in the certificate table that SEV-SNP hosts supply (GHCB specification, section 4.1.8.1).
const VCEK: [u8; 16] = [0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd];

/// Where the kernel has its report interface.
pub const ROOT: &str = "/sys/kernel/config/tsm/report";

/// The kernel's report interface, and the kind of hardware behind it.
#[derive(Clone, Debug)]
pub struct Configfs {
    root: PathBuf,
    tee: Tee,
}

impl Configfs {
    /// Finds out which hardware the interface in this folder speaks for.
    ///
    /// # Errors
    /// There is no such interface, or its hardware is unknown here.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, EvidenceError> {
        let root = root.into();
        let tee = with_entry(&root, hardware)?;
        Ok(Self { root, tee })
    }
}

impl ReportSource for Configfs {
    fn tee(&self) -> Tee {
        self.tee
    }

    async fn report(&self, data: [u8; 64]) -> Result<Report, EvidenceError> {
        with_entry(&self.root, |entry| request(entry, &data))
    }
}

/// Makes an entry for one use.
fn with_entry<T>(root: &Path, ask: impl FnOnce(&Path) -> Result<T, EvidenceError>) -> Result<T, EvidenceError> {
    let suffix: [u8; 8] = keys::random().map_err(|error| failed(root, io::Error::other(error)))?;
    let entry = root.join(format!("blockcloud-{}", hex::encode(suffix)));
    fs::create_dir(&entry).map_err(|source| failed(&entry, source))?;
    let answer = ask(&entry);
    // The kernel keeps the entry until it is removed; a failure to do so harms nothing but its memory.
    if let Err(error) = fs::remove_dir(&entry) {
        tracing::debug!(%error, "the report entry stays behind");
    }
    answer
}

/// The hardware that an entry's reports come from.
fn hardware(entry: &Path) -> Result<Tee, EvidenceError> {
    let path = entry.join("provider");
    let provider = fs::read(&path).map_err(|source| failed(&path, source))?;
    match String::from_utf8_lossy(&provider).trim() {
        "sev_guest" => Ok(Tee::SevSnp),
        "tdx_guest" => Ok(Tee::Tdx),
        other => Err(EvidenceError::UnknownProvider(other.into())),
    }
}

/// Asks for a report through an entry that exists.
fn request(entry: &Path, data: &[u8; 64]) -> Result<Report, EvidenceError> {
    let read = |name: &str| {
        let path = entry.join(name);
        fs::read(&path).map_err(|source| failed(&path, source))
    };
    let tee = hardware(entry)?;
    let before = generation(&read("generation")?);
    let path = entry.join("inblob");
    fs::write(&path, data).map_err(|source| failed(&path, source))?;
    let report = read("outblob")?;
    // Older hosts supply no certificates, and the attribute is then missing or empty.
    let certificates = fs::read(entry.join("auxblob")).unwrap_or_default();
    let after = generation(&read("generation")?);
    if let (Some(before), Some(after)) = (before, after)
        && after > before.saturating_add(1)
    {
        return Err(EvidenceError::Raced);
    }
    // TDX quotes carry their certificates.
    let certificate = certificate(&certificates).filter(|_| tee == Tee::SevSnp).unwrap_or_default().to_vec();
    Ok(Report { report, certificate })
}

fn generation(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// The chip's certificate in a table of {GUID, offset, length} that ends with an all-zero GUID.
fn certificate(table: &[u8]) -> Option<&[u8]> {
    for entry in table.chunks_exact(24) {
        let (guid, place) = entry.split_first_chunk::<16>()?;
        let (offset, length) = place.split_first_chunk::<4>()?;
        let offset = usize::try_from(u32::from_le_bytes(*offset)).ok()?;
        let length = usize::try_from(u32::from_le_bytes(*length.first_chunk()?)).ok()?;
        match *guid {
            VCEK => return table.get(offset..offset.checked_add(length)?),
            guid if guid == [0; 16] => return None,
            _ => {}
        }
    }
    None
}

fn failed(path: &Path, source: io::Error) -> EvidenceError {
    EvidenceError::Io { path: path.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(provider: &str, auxblob: Option<&[u8]>) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("provider"), provider).unwrap();
        fs::write(directory.path().join("generation"), "1\n").unwrap();
        fs::write(directory.path().join("outblob"), [7; 1184]).unwrap();
        if let Some(auxblob) = auxblob {
            fs::write(directory.path().join("auxblob"), auxblob).unwrap();
        }
        directory
    }

    fn table() -> Vec<u8> {
        let mut table = Vec::new();
        table.extend([9; 16]);
        table.extend(72_u32.to_le_bytes());
        table.extend(1_u32.to_le_bytes());
        table.extend(VCEK);
        table.extend(73_u32.to_le_bytes());
        table.extend(4_u32.to_le_bytes());
        table.extend([0; 24]);
        table.extend(b"xvcek");
        table
    }

    #[test]
    fn a_report_comes_with_the_chips_certificate() {
        let entry = entry("sev_guest\n", Some(&table()));
        let report = request(entry.path(), &[1; 64]).unwrap();
        assert_eq!(report, Report { report: vec![7; 1184], certificate: b"vcek".to_vec() });
        assert_eq!(fs::read(entry.path().join("inblob")).unwrap(), [1; 64]);
    }

    #[test]
    fn a_missing_certificate_is_left_to_the_agent() {
        let entry = entry("sev_guest\n", None);
        assert_eq!(request(entry.path(), &[1; 64]).unwrap().certificate, Vec::<u8>::new());
    }

    #[test]
    fn a_quote_comes_without_one() {
        let entry = entry("tdx_guest\n", Some(&table()));
        assert_eq!(hardware(entry.path()).unwrap(), Tee::Tdx);
        assert_eq!(request(entry.path(), &[1; 64]).unwrap().certificate, Vec::<u8>::new());
    }

    #[test]
    fn other_hardware_is_refused() {
        let entry = entry("arm_cca_guest\n", None);
        assert!(matches!(request(entry.path(), &[1; 64]), Err(EvidenceError::UnknownProvider(name)) if name == "arm_cca_guest"));
    }

    #[test]
    fn a_table_that_lies_gives_no_certificate() {
        let mut lying = table();
        lying[44..48].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(certificate(&lying), None);
        assert_eq!(certificate(&lying[..30]), None);
        assert_eq!(certificate(&[]), None);
    }

    #[test]
    fn without_the_interface_there_is_a_path_in_the_error() {
        let opened = Configfs::open("/nonexistent/tsm");
        assert!(matches!(opened, Err(EvidenceError::Io { path, .. }) if path.starts_with("/nonexistent/tsm")));
    }
}
