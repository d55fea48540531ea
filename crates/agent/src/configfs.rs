//! Whether this machine's kernel gives evidence that the chain takes: a report, and with it the certificate of the chip that signed it (VCEK).
//! Some hosts supply no certificate, and nobody fetches it for them: their guests could never be attested.
//!
//! Not here: evidence for a job, which only the guest asks for.

use blockcloud_primitives::Tee;
use std::{fs, io, path::Path};

/// Where a kernel gives evidence (`Documentation/ABI/testing/configfs-tsm`).
pub const ROOT: &str = "/sys/kernel/config/tsm/report";
/// GUID of the chip's certificate in the certificate table that SEV-SNP hosts supply (GHCB specification, section 4.1.8.1).
const VCEK: [u8; 16] = [0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd];
/// What the interface calls SEV-SNP and TDX.
const SNP: &str = "sev_guest";
const TDX: &str = "tdx_guest";

/// What a kernel answers to a request for a report about nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The interface's name for the hardware.
    pub provider: String,
    /// Whether the certificate of the chip came with the report (SEV-SNP).
    pub certificate: bool,
}

/// Why a kernel's evidence is of no use.
#[derive(Debug, thiserror::Error)]
pub enum NoEvidence {
    /// It gives none.
    #[error("this kernel gives no evidence: {ROOT} is missing")]
    Missing,
    /// It refuses.
    #[error("this kernel refuses evidence: {0}")]
    Refused(#[from] io::Error),
    /// It is of other hardware than the configuration says, or of such as no chain takes.
    #[error("this kernel gives evidence of `{found}`, and driver.tee in the configuration says {wanted:?}")]
    Foreign {
        /// The interface's name for it.
        found: String,
        /// What the configuration says.
        wanted: Tee,
    },
    /// The host supplies no certificate.
    #[error("the evidence of this host has no certificate of its chip (VCEK): the host supplies none with the report")]
    NoCertificate,
}

impl NoEvidence {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Missing => {
                "run the agent inside a confidential VM whose kernel has configfs-tsm (docs/guides/hardware-snp.md, section 7), or name a simulator for a \
                 development chain"
            }
            Self::Refused(_) => "give the agent's user access to configfs-tsm, and look into the kernel's log",
            Self::Foreign { .. } => {
                "say in driver.tee what this machine has: \"sev-snp\" for `sev_guest`, \"tdx\" for `tdx_guest`; other hardware is not taken"
            }
            Self::NoCertificate => {
                "have the host supply its certificates: `snphost fetch vcek`, `snphost import`, and the hypervisor's path to them \
                 (docs/guides/hardware-snp.md, section 6)"
            }
        }
    }
}

/// Whether guests on this hardware can use what the kernel gives.
pub fn examine(root: &Path, tee: Tee) -> Result<(), NoEvidence> {
    usable(&ask(root)?, tee)
}

/// Whether guests on this hardware can use this.
pub fn usable(answer: &Answer, tee: Tee) -> Result<(), NoEvidence> {
    match (tee, answer.provider.as_str()) {
        (Tee::SevSnp, SNP) if answer.certificate => Ok(()),
        (Tee::SevSnp, SNP) => Err(NoEvidence::NoCertificate),
        // Quotes carry their certificates.
        (Tee::Tdx, TDX) => Ok(()),
        (wanted, found) => Err(NoEvidence::Foreign { found: found.into(), wanted }),
    }
}

/// Asks the kernel for a report about nothing.
pub fn ask(root: &Path) -> Result<Answer, NoEvidence> {
    if !root.is_dir() {
        return Err(NoEvidence::Missing);
    }
    let entry = root.join(format!("blockcloud-agent-{:016x}", rand::random::<u64>()));
    fs::create_dir(&entry)?;
    let answer = request(&entry);
    // The kernel keeps the entry until it is removed; a failure to do so harms nothing but its memory.
    if let Err(error) = fs::remove_dir(&entry) {
        tracing::debug!(target: "blockcloud::agent", %error, "the report entry stays behind");
    }
    answer
}

fn request(entry: &Path) -> Result<Answer, NoEvidence> {
    let provider = fs::read_to_string(entry.join("provider"))?.trim().to_owned();
    fs::write(entry.join("inblob"), [0; 64])?;
    fs::read(entry.join("outblob"))?;
    // Other hardware and older kernels have no such attribute.
    let table = fs::read(entry.join("auxblob")).unwrap_or_default();
    Ok(Answer { provider, certificate: has_certificate(&table) })
}

/// Whether a table of {GUID, offset, length} that ends with an all-zero GUID has the chip's certificate.
fn has_certificate(table: &[u8]) -> bool {
    let mut entries = table.chunks_exact(24).take_while(|entry| !entry.starts_with(&[0; 16]));
    entries.any(|entry| entry.starts_with(&VCEK) && !entry.ends_with(&[0; 4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel puts into an entry.
    fn entry(provider: &str, auxblob: Option<&[u8]>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("provider"), provider).unwrap();
        fs::write(folder.path().join("outblob"), [7; 1184]).unwrap();
        if let Some(auxblob) = auxblob {
            fs::write(folder.path().join("auxblob"), auxblob).unwrap();
        }
        folder
    }

    fn table(guids: &[[u8; 16]], length: u32) -> Vec<u8> {
        let mut table = Vec::new();
        for guid in guids {
            table.extend_from_slice(guid);
            table.extend_from_slice(&72u32.to_le_bytes());
            table.extend_from_slice(&length.to_le_bytes());
        }
        table.extend_from_slice(&[0; 24]);
        table
    }

    #[test]
    fn a_kernel_without_the_interface_gives_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(examine(&folder.path().join("report"), Tee::SevSnp), Err(NoEvidence::Missing)));
        // A folder that no kernel fills.
        assert!(matches!(examine(folder.path(), Tee::SevSnp), Err(NoEvidence::Refused(_))));
    }

    #[test]
    fn a_report_without_the_chips_certificate_is_named() {
        for auxblob in [None, Some(vec![]), Some(table(&[[1; 16]], 1_000)), Some(table(&[VCEK], 0)), Some(table(&[[0; 16], VCEK], 1_000))] {
            let answer = request(entry("sev_guest\n", auxblob.as_deref()).path()).unwrap();
            assert_eq!(answer, Answer { provider: "sev_guest".into(), certificate: false }, "{auxblob:?}");
            assert!(matches!(usable(&answer, Tee::SevSnp), Err(NoEvidence::NoCertificate)));
        }
        let answer = request(entry("sev_guest\n", Some(&table(&[[1; 16], VCEK], 1_000))).path()).unwrap();
        assert_eq!(answer, Answer { provider: "sev_guest".into(), certificate: true });
        usable(&answer, Tee::SevSnp).unwrap();
    }

    #[test]
    fn evidence_of_other_hardware_is_named() {
        let answer = request(entry("tdx_guest\n", None).path()).unwrap();
        assert_eq!(answer, Answer { provider: "tdx_guest".into(), certificate: false });
        usable(&answer, Tee::Tdx).unwrap();
        assert!(matches!(usable(&answer, Tee::SevSnp), Err(NoEvidence::Foreign { found, .. }) if found == "tdx_guest"));
        let other = Answer { provider: "arm_cca_guest".into(), certificate: false };
        assert!(matches!(usable(&other, Tee::Tdx), Err(NoEvidence::Foreign { found, .. }) if found == "arm_cca_guest"));
    }
}
