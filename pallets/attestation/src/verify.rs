//! Evidence to claims: which of the chain's certificates, collateral and floors a vendor's evidence is judged by, and what it then says, in the same words
//! for every vendor. Not here: what the claims must bind and who approves of them (`sessions`).

use crate::{
    Basis, Config, Error, Fault, Floors, Kept, KnownKey, Missing, Pallet, PckCrls, QeIdentities, RootCrls, RootsOf, TcbInfos, TdxFault,
    TdxFloors, TdxRoots,
};
use blockcloud_evidence::{
    snp,
    tdx::{self, TcbStatus},
};
use blockcloud_primitives::{Digest, Evidence, Firmware, Measurement, Moment, Policy, Shortcomings, Tcb, TdxLevel};
use frame_support::ensure;
use sp_io::hashing::sha2_256;

/// What evidence says that passed its verifier.
pub(crate) struct Verified {
    /// The guest's software.
    pub measurement: Measurement,
    /// SHA-256 of the chip's identity.
    pub chip: Digest,
    /// The firmware level that counts.
    pub firmware: Firmware,
    /// What the host bound at launch: the first 32 bytes; absent where the rest is not zero.
    pub host_data: Option<[u8; 32]>,
    /// What the guest bound.
    pub report_data: [u8; 64],
    /// What the session rests on.
    pub basis: Basis,
    /// Until when all of it counts.
    pub not_after: Moment,
    /// Whether the processor's root keys are claimed to have been extracted by software.
    pub legacy: bool,
    /// The key of the chip, if its certificate was verified in full: to be kept.
    pub learned: Option<KnownKey>,
    /// What had to be done.
    pub work: Work,
}

/// What the verification of evidence took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// An SEV-SNP report and its certificate.
    Snp,
    /// An SEV-SNP report under a key that was known.
    SnpCached,
    /// A TDX quote against the collateral that is kept.
    Tdx,
}

impl<T: Config> Pallet<T> {
    /// Verifies evidence of any vendor under what the chain trusts now.
    pub(crate) fn verify(evidence: &Evidence, now: Moment) -> Result<Verified, Error<T>> {
        if evidence.tee.is_tdx() { Self::verify_tdx(evidence, now) } else { Self::verify_snp(evidence, now) }
    }

    fn verify_snp(evidence: &Evidence, now: Moment) -> Result<Verified, Error<T>> {
        let refused = |error| Error::Refused(Fault(error));
        let product = snp::product_of(&evidence.report, &evidence.certificate).map_err(refused)?;
        let roots = RootsOf::<T>::get((evidence.tee, product)).ok_or(Error::NoRoots)?;
        let floor = Floors::<T>::get((evidence.tee, product)).and_then(|floor| floor.opening(now)).ok_or(Error::NoFloor)?;
        let (certificate, issuer) = (digest(&evidence.certificate), digest(&roots.issuer));
        let requirements = &snp::Requirements::USUAL;
        let (claims, learned, work) = match Self::known_key(&evidence.report, certificate, issuer) {
            Some(key) => (snp::verify_report(&evidence.report, &key, requirements, now).map_err(refused)?, None, Work::SnpCached),
            None => {
                let verdict = snp::verify_and_keep(&evidence.report, &evidence.certificate, &roots.issuer, requirements, now);
                let (claims, key) = verdict.map_err(refused)?;
                (claims, key.map(|key| KnownKey { certificate, issuer, key }), Work::Snp)
            }
        };
        let firmware = firmware(&claims);
        ensure!(firmware.meets(&floor), Error::BelowFloor);
        Ok(Verified {
            measurement: Measurement(claims.measurement),
            chip: digest(&claims.chip_id),
            firmware: Firmware::SevSnp(firmware),
            host_data: Some(claims.host_data),
            report_data: claims.report_data,
            basis: Basis::SevSnp { product, issuer },
            not_after: claims.not_after_ms,
            legacy: product == snp::Product::Milan,
            learned,
            work,
        })
    }

    fn verify_tdx(evidence: &Evidence, now: Moment) -> Result<Verified, Error<T>> {
        let refused = |error| Error::RefusedTdx(TdxFault(error));
        let missing = |item| Error::NoCollateral(Missing(item));
        ensure!(evidence.certificate.is_empty(), Error::UnexpectedCertificate);
        let tee = evidence.tee;
        let wanted = tdx::Wanted::by(&evidence.report).map_err(refused)?;
        let root = TdxRoots::<T>::get(tee).ok_or(Error::NoRoots)?;
        let reference = TdxFloors::<T>::get(tee).and_then(|floor| floor.opening(now)).ok_or(Error::NoFloor)?;
        let Kept { item: root_crl, .. } = RootCrls::<T>::get(tee).ok_or(missing(tdx::Item::RootCrl))?;
        let Kept { item: pck_crl, .. } = PckCrls::<T>::get(tee, wanted.authority).ok_or(missing(tdx::Item::PckCrl))?;
        let Kept { item: tcb_info, .. } = TcbInfos::<T>::get(tee, wanted.fmspc).ok_or(missing(tdx::Item::TcbInfo))?;
        let Kept { item: qe_identity, .. } = QeIdentities::<T>::get(tee).ok_or(missing(tdx::Item::QeIdentity))?;
        let endorsements = tdx::Endorsements { root_crl: &root_crl, pck_crl: &pck_crl, tcb_info: &tcb_info, qe_identity: &qe_identity };
        let claims = tdx::verify_quote(&evidence.report, &endorsements, &root, &tdx::Requirements::BY_FLOOR, now).map_err(refused)?;
        let level = level(&claims);
        ensure!(level.meets(&reference.floor), Error::BelowFloor);
        ensure!(claims.xfam & !reference.xfam == 0, Error::XfamNotAllowed);
        let (host_data, rest) = claims.mr_config_id.split_first_chunk::<32>().ok_or(Error::WrongTerms)?;
        Ok(Verified {
            measurement: Measurement(claims.measurement()),
            chip: digest(&claims.platform.ppid),
            firmware: Firmware::Tdx(level),
            host_data: rest.iter().all(|byte| *byte == 0).then_some(*host_data),
            report_data: claims.report_data,
            basis: Basis::Tdx { root: digest(&root), authority: claims.authority, serial: claims.serial },
            not_after: claims.not_after_ms,
            legacy: false,
            learned: None,
            work: Work::Tdx,
        })
    }

    /// Whether firmware meets the customer's floor for its kind.
    pub(crate) fn meets_policy(firmware: &Firmware, policy: &Policy) -> bool {
        match firmware {
            Firmware::SevSnp(level) => level.meets(&policy.firmware_floor),
            Firmware::Tdx(level) => level.meets(&policy.tdx_floor),
        }
    }
}

/// SHA-256.
pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest(sha2_256(bytes))
}

/// The firmware level that can be relied on: part by part the lower of the committed one, to which the host can go back, and that of the launch.
fn firmware(claims: &snp::Claims) -> Tcb {
    let (committed, launch) = (&claims.committed, &claims.launch);
    Tcb {
        bootloader: committed.bootloader.min(launch.bootloader),
        tee: committed.tee.min(launch.tee),
        snp: committed.snp.min(launch.snp),
        microcode: committed.microcode.min(launch.microcode),
        fmc: committed.fmc.min(launch.fmc),
    }
}

/// How the platform stands, in the chain's type.
fn level(claims: &tdx::Claims) -> TdxLevel {
    let status: TcbStatus = claims.status;
    TdxLevel {
        evaluation: claims.evaluation_number(),
        shortcomings: Shortcomings {
            out_of_date: status.is_out_of_date(),
            configuration_needed: status.needs_configuration(),
            hardening_needed: status.needs_hardening(),
            relaunch_advised: status.is_relaunch_advised(),
        },
        date: claims.tcb_date_ms,
    }
}
