//! Evidence: has the processor sign a report that binds the guest's keys to its job.
//!
//! Two sources: the kernel's configfs interface in a confidential VM, and the simulator on machines without one. Not here: verifying evidence
//! (`blockcloud-evidence`, the chain, the customer).

mod configfs;
mod simulated;

pub use configfs::{Configfs, ROOT as CONFIGFS_ROOT};
pub use simulated::Simulated;

use crate::keys::ReceiptKey;
use blockcloud_primitives::{Evidence, ReportBinding, Tee};
use std::{io, ops::Range, path::PathBuf};

/// Where an SEV-SNP report holds its report data and host data (AMD 56860, table 23).
const REPORT_DATA: Range<usize> = 0x50..0x90;
const HOST_DATA: Range<usize> = 0xc0..0xe0;
/// Where the body of a TDX quote holds its report data and `MRCONFIGID`, of which the first 32 bytes are what a launch is bound to (TDX DCAP Quoting Library
/// API, "TD Quote Body").
const TDX_REPORT_DATA: Range<usize> = 520..584;
const TDX_CONFIG_ID: Range<usize> = 184..216;

/// Why there is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The kernel's interface failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel's reports come from hardware that this guest does not know.
    #[error("reports of `{0}` are not supported")]
    UnknownProvider(String),
    /// Somebody else asked for a report at the same time.
    #[error("the report was overwritten by another request")]
    Raced,
    /// The simulator failed.
    #[error("the simulator does not answer: {0}")]
    Simulator(String),
    /// A report or certificate is longer than evidence may be.
    #[error("a {0} of this length does not fit into evidence")]
    TooLong(&'static str),
    /// The report is not about what was asked.
    #[error("the report does not bind what it was asked to bind")]
    NotBound,
    /// The VM was launched for another job than the agent says.
    #[error("this VM was launched for other terms than those of the job")]
    OtherTerms,
}

/// A report and the certificate of the key that signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The report, byte for byte.
    pub report: Vec<u8>,
    /// The certificate, DER. Empty where the platform did not hand it over: nobody fetches it, and the agent refuses such evidence.
    pub certificate: Vec<u8>,
}

/// Where reports come from.
pub trait ReportSource: Send + Sync {
    /// The kind of hardware.
    fn tee(&self) -> Tee;

    /// Has a report signed over 64 bytes of report data.
    fn report(&self, data: [u8; 64]) -> impl Future<Output = Result<Report, EvidenceError>> + Send;
}

/// Has the processor vouch for the guest's keys, and looks at the result with the agent's own claims in doubt: a report of a VM that was launched for
/// other terms is useless, and better refused here than by the chain.
pub async fn collect(source: &impl ReportSource, binding: &ReportBinding, key: &ReceiptKey) -> Result<Evidence, EvidenceError> {
    let data = binding.report_data();
    let Report { report, certificate } = source.report(data).await?;
    let (bound, launched_for) = bound(source.tee(), &report);
    if bound != Some(&data[..]) {
        return Err(EvidenceError::NotBound);
    }
    if launched_for != Some(&binding.terms.0[..]) {
        return Err(EvidenceError::OtherTerms);
    }
    Ok(Evidence {
        tee: source.tee(),
        report: report.try_into().map_err(|_| EvidenceError::TooLong("report"))?,
        certificate: certificate.try_into().map_err(|_| EvidenceError::TooLong("certificate"))?,
        anchor: binding.anchor,
        receipt_key: binding.receipt_key,
        wrapping_key: binding.wrapping_key,
        possession: key.sign(&data),
    })
}

/// The report data of a report or quote, and what its launch was bound to.
fn bound(tee: Tee, report: &[u8]) -> (Option<&[u8]>, Option<&[u8]>) {
    if !tee.is_tdx() {
        return (report.get(REPORT_DATA), report.get(HOST_DATA));
    }
    // A header of 48 bytes; in version 5 six more that describe the body.
    let start = if report.starts_with(&[5, 0]) { 54 } else { 48 };
    let body = report.get(start..).unwrap_or_default();
    (body.get(TDX_REPORT_DATA), body.get(TDX_CONFIG_ID))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Keys;
    use blockcloud_primitives::{AccountId, Digest, JobId};

    struct Fixed(Report);

    impl ReportSource for Fixed {
        fn tee(&self) -> Tee {
            Tee::Simulated
        }

        async fn report(&self, _: [u8; 64]) -> Result<Report, EvidenceError> {
            Ok(self.0.clone())
        }
    }

    fn binding(keys: &Keys) -> ReportBinding {
        ReportBinding {
            genesis: Digest([1; 32]),
            tee: Tee::Simulated,
            provider: AccountId([2; 32]),
            job: JobId(3),
            terms: Digest([4; 32]),
            anchor: 5,
            anchor_hash: Digest([6; 32]),
            receipt_key: keys.receipt.public(),
            wrapping_key: keys.wrapping.public(),
            tls_key: None,
            gpu_evidence: None,
            previous: None,
        }
    }

    fn report(data: [u8; 64], terms: Digest) -> Report {
        let mut report = vec![0; 1184];
        report[REPORT_DATA].copy_from_slice(&data);
        report[HOST_DATA].copy_from_slice(&terms.0);
        Report { report, certificate: vec![1] }
    }

    #[tokio::test]
    async fn a_report_about_something_else_is_refused() {
        let keys = Keys::generate().unwrap();
        let binding = binding(&keys);
        let source = Fixed(report([0; 64], binding.terms));
        assert!(matches!(collect(&source, &binding, &keys.receipt).await, Err(EvidenceError::NotBound)));
        let source = Fixed(Report { report: vec![0; 10], certificate: Vec::new() });
        assert!(matches!(collect(&source, &binding, &keys.receipt).await, Err(EvidenceError::NotBound)));
    }

    #[tokio::test]
    async fn a_vm_launched_for_other_terms_is_refused() {
        let keys = Keys::generate().unwrap();
        let binding = binding(&keys);
        let source = Fixed(report(binding.report_data(), Digest([9; 32])));
        assert!(matches!(collect(&source, &binding, &keys.receipt).await, Err(EvidenceError::OtherTerms)));
    }

    #[test]
    fn what_a_quote_binds_is_found_in_both_versions() {
        for (version, start) in [(4, 48), (5, 54)] {
            let mut quote = vec![0; 700];
            quote[0] = version;
            quote[start + 520..start + 584].fill(1);
            quote[start + 184..start + 216].fill(2);
            assert_eq!(bound(Tee::Tdx, &quote), (Some(&[1; 64][..]), Some(&[2; 32][..])));
            assert_eq!(bound(Tee::SimulatedTdx, &quote[..start + 500]), (None, Some(&[2; 32][..])));
        }
        assert_eq!(bound(Tee::Tdx, &[4]), (None, None));
    }

    #[tokio::test]
    async fn what_does_not_fit_is_refused() {
        let keys = Keys::generate().unwrap();
        let binding = binding(&keys);
        let mut long = report(binding.report_data(), binding.terms);
        long.certificate = vec![0; 7000];
        assert!(matches!(collect(&Fixed(long), &binding, &keys.receipt).await, Err(EvidenceError::TooLong("certificate"))));
    }

    #[tokio::test]
    async fn evidence_carries_the_keys_and_the_proof_of_possession() {
        let keys = Keys::generate().unwrap();
        let binding = binding(&keys);
        let source = Fixed(report(binding.report_data(), binding.terms));
        let evidence = collect(&source, &binding, &keys.receipt).await.unwrap();
        assert_eq!((evidence.receipt_key, evidence.wrapping_key), (keys.receipt.public(), keys.wrapping.public()));
        assert_eq!(evidence.possession, keys.receipt.sign(&binding.report_data()));
        assert_eq!(evidence.anchor, 5);
    }
}
