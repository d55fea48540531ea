//! Benchmarks. Evidence cannot be made inside Wasm: `open_snp` and `open_tdx` verify the kept ones, which differ from real ones in their roots only.

use super::*;
use crate::{
    fixture::{Fixture, ISSUER, ROOT, TDX_ROOT},
    traits::BenchmarkHelper as _,
};
use alloc::vec::Vec;
use blockcloud_evidence::{snp::Product, tdx::KeyId};
use blockcloud_primitives::{
    AccountId, Allow, CertificateDer, CollateralItem, Digest, JobId, List, Measurement, Measurements as Wanted, Moment, Policy,
    Shortcomings, SiteId, Tcb, TdxFloor, Tee,
};
use frame_benchmarking::v2::*;
use frame_support::{
    pallet_prelude::*,
    traits::{Time, fungible::Mutate},
};
use frame_system::{RawOrigin, pallet_prelude::BlockNumberFor};
use sp_core::H256;
use sp_runtime::AccountId32;

const HARDWARE: (Tee, Product) = (Tee::Simulated, Product::Genoa);
const TDX: Tee = Tee::SimulatedTdx;
const SITE: SiteId = SiteId(1);
const FLOOR: Tcb = Tcb { bootloader: 1, tee: 0, snp: 1, microcode: 1, fmc: 0 };
/// Tolerates everything.
const REFERENCE: TdxReference = TdxReference {
    floor: TdxFloor {
        evaluation: 0,
        tolerated: Shortcomings { out_of_date: true, configuration_needed: true, hardening_needed: true, relaunch_advised: true },
    },
    xfam: u64::MAX,
};

fn council<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
    T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

fn certificate(der: &[u8]) -> Result<CertificateDer, BenchmarkError> {
    Vec::from(der).try_into().map_err(|_| BenchmarkError::Stop("a certificate is too long"))
}

fn roots() -> Result<Roots, BenchmarkError> {
    Ok(Roots { root: certificate(ROOT)?, issuer: certificate(ISSUER)? })
}

/// An account that can pay any deposit.
fn rich<T: Config>(account: AccountId32) -> Result<AccountId32, BenchmarkError>
where
    T::Currency: Mutate<AccountId32>,
{
    let deposit = Pallet::<T>::deposit_for(1 << 20)?;
    T::Currency::set_balance(&account, deposit.saturating_mul(1_000));
    Ok(account)
}

/// A policy that names as much as a policy can of what `open` looks at: publishers of whom the last one vouches.
fn policy(fixture: &Fixture, chip_endorsements: u8) -> Result<Policy, BenchmarkError> {
    let tees: Vec<Tee> = alloc::vec![Tee::Tdx, Tee::SevSnp, Tee::Simulated, Tee::SimulatedTdx];
    let publishers: Vec<AccountId> = (0..4u8).map(|number| AccountId([number; 32])).collect();
    Ok(Policy {
        regions: Allow::Any,
        jurisdictions: Allow::Any,
        certificates: List::new(),
        tees: tees.try_into().map_err(|_| BenchmarkError::Stop("four kinds of hardware fit"))?,
        firmware_floor: fixture.firmware,
        tdx_floor: TdxFloor::default(),
        legacy_hardware: false,
        chip_endorsements,
        longest_session: 0,
        measurements: Wanted::Publishers(publishers.try_into().map_err(|_| BenchmarkError::Stop("four publishers fit"))?),
        denied_providers: List::new(),
        erase_within: 60,
        recipients: List::new(),
        checkpoint_gap: 10,
        suspension_grace: 0,
    })
}

/// Makes the chain one that the kept evidence was made for, with the memory of accepted evidence nearly full.
fn prepare<T: Config>(fixture: &Fixture) -> Result<(), BenchmarkError>
where
    T::Currency: Mutate<AccountId32>,
{
    let anchor = fixture.evidence.anchor;
    frame_system::Pallet::<T>::set_block_number(BlockNumberFor::<T>::from(anchor.saturating_add(1)));
    frame_system::BlockHash::<T>::insert(BlockNumberFor::<T>::from(0u32), H256(fixture.genesis.0));
    frame_system::BlockHash::<T>::insert(BlockNumberFor::<T>::from(anchor), H256(fixture.anchor_hash.0));
    SimulationAllowed::<T>::put(true);
    RootsOf::<T>::insert(HARDWARE, roots()?);
    Floors::<T>::insert(HARDWARE, Scheduled::at_once(fixture.firmware));
    TdxRoots::<T>::insert(TDX, certificate(TDX_ROOT)?);
    TdxFloors::<T>::insert(TDX, Scheduled::at_once(REFERENCE));
    let provider = rich::<T>(AccountId32::new(fixture.provider.0))?;
    for item in &fixture.collateral {
        Pallet::<T>::do_submit_collateral(provider.clone(), TDX, item, fixture.now)?;
    }
    let approval = Approval { until: Moment::MAX, drains: None };
    Published::<T>::insert(AccountId32::new([3; 32]), fixture.measurement, Publication { approval, deposit: 0 });
    remember_much::<T>(fixture)
}

/// Fills the memory of accepted evidence but for one place.
fn remember_much<T: Config>(fixture: &Fixture) -> Result<(), BenchmarkError> {
    let anchor = fixture.evidence.anchor;
    let seen: Vec<Seen> = (0..15u8).map(|number| Seen { evidence: Digest([number; 32]), anchor }).collect();
    let seen: SeenList = seen.try_into().map_err(|_| BenchmarkError::Stop("fifteen pieces of evidence fit"))?;
    Accepted::<T>::insert(fixture.job, seen);
    Ok(())
}

/// Opens the session of the kept evidence.
fn open_kept<T: Config>(fixture: &Fixture, policy: &Policy) -> Result<(), BenchmarkError> {
    let Fixture { now, provider, job, terms, evidence, .. } = fixture;
    let provider = AccountId32::new(provider.0);
    let candidate = Candidate { job: *job, provider: &provider, site: SITE, terms: *terms, policy, evidence, now: *now };
    Pallet::<T>::open(&candidate).map(|_| ()).map_err(|_| BenchmarkError::Stop("the kept evidence is refused"))
}

/// A chip with as many endorsements as it can have.
fn endorsed<T: Config>(chip: Digest, provider: AccountId32) -> Result<(), BenchmarkError> {
    let certifiers = T::BenchmarkHelper::certifiers(MAX_ENDORSEMENTS);
    let endorsements: Vec<_> = certifiers.into_iter().map(|certifier| Endorsement { certifier, until: Moment::MAX }).collect();
    let endorsements = endorsements.try_into().map_err(|_| BenchmarkError::Stop("four certifiers fit"))?;
    let (sessions, key) = Chips::<T>::get(chip).map_or((0, None), |chip| (chip.sessions, chip.key));
    Chips::<T>::insert(chip, Chip { provider, site: SITE, deposit: 0, sessions, endorsements, key });
    Ok(())
}

/// Makes the certificate that is known of the session's chip another one than it brings.
fn certified_otherwise<T: Config>(job: JobId) -> Result<(), BenchmarkError> {
    Chips::<T>::mutate(chip_of::<T>(job)?, |chip| match chip.as_mut().and_then(|chip| chip.key.as_mut()) {
        Some(known) => {
            known.certificate = Digest::ZERO;
            Ok(())
        }
        None => Err(BenchmarkError::Stop("the chip's key is known")),
    })
}

/// The certificate that is known of the session's chip.
fn known_certificate<T: Config>(job: JobId) -> Result<Option<Digest>, BenchmarkError> {
    Ok(Chips::<T>::get(chip_of::<T>(job)?).and_then(|chip| chip.key).map(|known| known.certificate))
}

/// The kept evidence's session, under a policy that asks for all endorsements.
fn opened<T: Config>(fixture: &Fixture) -> Result<(), BenchmarkError>
where
    T::Currency: Mutate<AccountId32>,
{
    prepare::<T>(fixture)?;
    open_kept::<T>(fixture, &policy(fixture, 0)?)?;
    let chip = chip_of::<T>(fixture.job)?;
    endorsed::<T>(chip, AccountId32::new(fixture.provider.0))?;
    Sessions::<T>::mutate(fixture.job, |guest| guest.iter_mut().for_each(|guest| guest.endorsements = Policy::MAX_CHIP_ENDORSEMENTS));
    Ok(())
}

fn chip_of<T: Config>(job: JobId) -> Result<Digest, BenchmarkError> {
    Pallet::<T>::session(job).map(|session| session.chip).ok_or(BenchmarkError::Stop("the session is open"))
}

/// A piece of the kept collateral and somebody to bring it, in the place of an older one of somebody else's.
fn submission<T: Config>(piece: usize) -> Result<(Fixture, AccountId32, CollateralItem), BenchmarkError>
where
    T::Currency: Mutate<AccountId32>,
{
    let fixture = Fixture::tdx();
    prepare::<T>(&fixture)?;
    for (tee, authority) in PckCrls::<T>::iter_keys().collect::<Vec<_>>() {
        PckCrls::<T>::mutate(tee, authority, |kept| kept.iter_mut().for_each(|kept| kept.item.origin.issued_ms = 0));
    }
    for (tee, fmspc) in TcbInfos::<T>::iter_keys().collect::<Vec<_>>() {
        TcbInfos::<T>::mutate(tee, fmspc, |kept| kept.iter_mut().for_each(|kept| kept.item.origin.issued_ms = 0));
    }
    let item = fixture.collateral.get(piece).cloned().ok_or(BenchmarkError::Stop("there are four pieces"))?;
    Ok((fixture, rich::<T>(AccountId32::new([9; 32]))?, item))
}

fn first_certifier<T: Config>(chip: Digest) -> Result<AccountId32, BenchmarkError> {
    let chip = Chips::<T>::get(chip).ok_or(BenchmarkError::Stop("the chip is there"))?;
    chip.endorsements.first().map(|endorsement| endorsement.certifier.clone()).ok_or(BenchmarkError::Stop("it is endorsed"))
}

#[benchmarks(where T::Currency: Mutate<AccountId32>)]
mod benchmarks {
    use super::*;

    // The call's own body, because the benchmark's clock stands before the certificates begin.
    #[benchmark]
    fn set_roots() -> Result<(), BenchmarkError> {
        SimulationAllowed::<T>::put(true);
        let (origin, roots, Fixture { now, .. }) = (council::<T>()?, roots()?, Fixture::snp());
        #[block]
        {
            T::GovernanceOrigin::ensure_origin(origin).map_err(DispatchError::from)?;
            let _ = T::Time::now();
            Pallet::<T>::do_set_roots(HARDWARE.0, HARDWARE.1, roots, now)?;
        }
        assert!(RootsOf::<T>::contains_key(HARDWARE));
        Ok(())
    }

    #[benchmark]
    fn remove_roots() -> Result<(), BenchmarkError> {
        RootsOf::<T>::insert(HARDWARE, roots()?);
        let origin = council::<T>()?;
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, HARDWARE.0, HARDWARE.1);
        assert!(!RootsOf::<T>::contains_key(HARDWARE));
        Ok(())
    }

    #[benchmark]
    fn approve_measurement() -> Result<(), BenchmarkError> {
        let (origin, measurement) = (council::<T>()?, Measurement([1; 48]));
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, measurement, Moment::MAX);
        assert!(Measurements::<T>::contains_key(measurement));
        Ok(())
    }

    #[benchmark]
    fn withdraw_measurement() -> Result<(), BenchmarkError> {
        let (origin, measurement) = (council::<T>()?, Measurement([1; 48]));
        Measurements::<T>::insert(measurement, Approval { until: Moment::MAX, drains: None });
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, measurement, 0);
        assert!(!Measurements::<T>::contains_key(measurement));
        Ok(())
    }

    /// At its worst it has a session, so that there is a key to be forgotten.
    #[benchmark]
    fn deny_chip() -> Result<(), BenchmarkError> {
        let fixture = Fixture::snp();
        opened::<T>(&fixture)?;
        let (origin, chip) = (council::<T>()?, chip_of::<T>(fixture.job)?);
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, chip);
        assert!(DeniedChips::<T>::contains_key(chip));
        assert_eq!(known_certificate::<T>(fixture.job)?, None);
        Ok(())
    }

    #[benchmark]
    fn allow_chip() -> Result<(), BenchmarkError> {
        let (origin, chip) = (council::<T>()?, Digest([1; 32]));
        DeniedChips::<T>::insert(chip, ());
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, chip);
        assert!(!DeniedChips::<T>::contains_key(chip));
        Ok(())
    }

    #[benchmark]
    fn set_floor() -> Result<(), BenchmarkError> {
        Floors::<T>::insert((Tee::SevSnp, Product::Turin), Scheduled { level: FLOOR, from: 0, drains: 0, before: Some(FLOOR) });
        let origin = council::<T>()?;
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, Tee::SevSnp, Product::Turin, Some(FLOOR), 60, 60);
        assert!(Floors::<T>::contains_key((Tee::SevSnp, Product::Turin)));
        Ok(())
    }

    // The call's own body, because the benchmark's clock stands before the certificate begins.
    #[benchmark]
    fn set_tdx_root() -> Result<(), BenchmarkError> {
        SimulationAllowed::<T>::put(true);
        let (origin, root, Fixture { now, .. }) = (council::<T>()?, certificate(TDX_ROOT)?, Fixture::tdx());
        #[block]
        {
            T::GovernanceOrigin::ensure_origin(origin).map_err(DispatchError::from)?;
            let _ = T::Time::now();
            Pallet::<T>::do_set_tdx_root(TDX, root, now)?;
        }
        assert!(TdxRoots::<T>::contains_key(TDX));
        Ok(())
    }

    #[benchmark]
    fn remove_tdx_root() -> Result<(), BenchmarkError> {
        TdxRoots::<T>::insert(TDX, certificate(TDX_ROOT)?);
        let origin = council::<T>()?;
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, TDX);
        assert!(!TdxRoots::<T>::contains_key(TDX));
        Ok(())
    }

    #[benchmark]
    fn set_tdx_floor() -> Result<(), BenchmarkError> {
        TdxFloors::<T>::insert(Tee::Tdx, Scheduled { level: REFERENCE, from: 0, drains: 0, before: Some(REFERENCE) });
        let origin = council::<T>()?;
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, Tee::Tdx, Some(REFERENCE), 60, 60);
        assert!(TdxFloors::<T>::contains_key(Tee::Tdx));
        Ok(())
    }

    /// The largest revocation list, with its authority's certificate, in the place of somebody else's.
    #[benchmark]
    fn submit_crl() -> Result<(), BenchmarkError> {
        let (fixture, by, item) = submission::<T>(1)?;
        #[block]
        {
            let _ = T::Time::now();
            Pallet::<T>::do_submit_collateral(by, TDX, &item, fixture.now)?;
        }
        Ok(())
    }

    /// The largest TCB info, in the place of somebody else's.
    #[benchmark]
    fn submit_json() -> Result<(), BenchmarkError> {
        let (fixture, by, item) = submission::<T>(2)?;
        #[block]
        {
            let _ = T::Time::now();
            Pallet::<T>::do_submit_collateral(by, TDX, &item, fixture.now)?;
        }
        Ok(())
    }

    /// At its worst another root is trusted than the piece was verified under. The call's own body, because the benchmark's clock stands before the root begins.
    #[benchmark]
    fn remove_collateral() -> Result<(), BenchmarkError> {
        let fixture = Fixture::tdx();
        prepare::<T>(&fixture)?;
        for (tee, authority) in PckCrls::<T>::iter_keys().collect::<Vec<_>>() {
            PckCrls::<T>::mutate(tee, authority, |kept| kept.iter_mut().for_each(|kept| kept.item.origin.root = KeyId([0; 32])));
        }
        let (_, authority) = PckCrls::<T>::iter_keys().next().ok_or(BenchmarkError::Stop("the list is kept"))?;
        #[block]
        {
            let _ = T::Time::now();
            Pallet::<T>::do_remove_collateral(TDX, CollateralKey::PckCrl(authority), fixture.now)?;
        }
        assert!(!PckCrls::<T>::contains_key(TDX, authority));
        Ok(())
    }

    #[benchmark]
    fn release_chip() -> Result<(), BenchmarkError> {
        let fixture = Fixture::snp();
        prepare::<T>(&fixture)?;
        open_kept::<T>(&fixture, &policy(&fixture, 0)?)?;
        let chip = chip_of::<T>(fixture.job)?;
        Pallet::<T>::close(fixture.job);
        #[extrinsic_call]
        _(RawOrigin::Signed(AccountId32::new(fixture.provider.0)), chip);
        assert!(!Chips::<T>::contains_key(chip));
        Ok(())
    }

    #[benchmark]
    fn endorse_chip() -> Result<(), BenchmarkError> {
        let chip = Digest([1; 32]);
        endorsed::<T>(chip, AccountId32::new([9; 32]))?;
        let certifier = first_certifier::<T>(chip)?;
        #[extrinsic_call]
        _(RawOrigin::Signed(certifier), chip, SITE, Moment::MAX);
        assert_eq!(Chips::<T>::get(chip).map(|chip| chip.endorsements.len()), Some(4));
        Ok(())
    }

    #[benchmark]
    fn withdraw_endorsement() -> Result<(), BenchmarkError> {
        let chip = Digest([1; 32]);
        endorsed::<T>(chip, AccountId32::new([9; 32]))?;
        let certifier = first_certifier::<T>(chip)?;
        #[extrinsic_call]
        _(RawOrigin::Signed(certifier), chip);
        assert_eq!(Chips::<T>::get(chip).map(|chip| chip.endorsements.len()), Some(3));
        Ok(())
    }

    #[benchmark]
    fn publish_measurement() -> Result<(), BenchmarkError> {
        let (publisher, measurement) = (rich::<T>(AccountId32::new([9; 32]))?, Measurement([1; 48]));
        #[extrinsic_call]
        _(RawOrigin::Signed(publisher.clone()), measurement, Moment::MAX);
        assert!(Published::<T>::contains_key(publisher, measurement));
        Ok(())
    }

    #[benchmark]
    fn retract_measurement() -> Result<(), BenchmarkError> {
        let (publisher, measurement) = (rich::<T>(AccountId32::new([9; 32]))?, Measurement([1; 48]));
        Pallet::<T>::do_publish_measurement(publisher.clone(), measurement, Moment::MAX)?;
        #[extrinsic_call]
        _(RawOrigin::Signed(publisher.clone()), measurement, 0);
        assert!(!Published::<T>::contains_key(publisher, measurement));
        Ok(())
    }

    #[benchmark]
    fn stop() -> Result<(), BenchmarkError> {
        let origin = T::StopOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin);
        assert!(Stopped::<T>::get());
        Ok(())
    }

    #[benchmark]
    fn resume() -> Result<(), BenchmarkError> {
        Stopped::<T>::put(true);
        let origin = council::<T>()?;
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin);
        assert!(!Stopped::<T>::get());
        Ok(())
    }

    /// Report and certificate, of a chip of which another certificate is known.
    #[benchmark]
    fn open_snp() -> Result<(), BenchmarkError> {
        let fixture = Fixture::snp();
        opened::<T>(&fixture)?;
        remember_much::<T>(&fixture)?;
        certified_otherwise::<T>(fixture.job)?;
        let policy = policy(&fixture, Policy::MAX_CHIP_ENDORSEMENTS)?;
        #[block]
        {
            open_kept::<T>(&fixture, &policy)?;
        }
        assert!(Pallet::<T>::judge(fixture.job, fixture.now).is_ok());
        assert_ne!(known_certificate::<T>(fixture.job)?, Some(Digest::ZERO));
        Ok(())
    }

    /// The report under the key that is known of the chip.
    #[benchmark]
    fn open_snp_cached() -> Result<(), BenchmarkError> {
        let fixture = Fixture::snp();
        opened::<T>(&fixture)?;
        remember_much::<T>(&fixture)?;
        let policy = policy(&fixture, Policy::MAX_CHIP_ENDORSEMENTS)?;
        assert!(known_certificate::<T>(fixture.job)?.is_some());
        #[block]
        {
            open_kept::<T>(&fixture, &policy)?;
        }
        assert!(Pallet::<T>::judge(fixture.job, fixture.now).is_ok());
        Ok(())
    }

    #[benchmark]
    fn open_tdx() -> Result<(), BenchmarkError> {
        let fixture = Fixture::tdx();
        opened::<T>(&fixture)?;
        remember_much::<T>(&fixture)?;
        let policy = policy(&fixture, Policy::MAX_CHIP_ENDORSEMENTS)?;
        #[block]
        {
            open_kept::<T>(&fixture, &policy)?;
        }
        assert!(Pallet::<T>::judge(fixture.job, fixture.now).is_ok());
        Ok(())
    }

    #[benchmark]
    fn close() -> Result<(), BenchmarkError> {
        let fixture = Fixture::snp();
        opened::<T>(&fixture)?;
        #[block]
        {
            Pallet::<T>::close(fixture.job);
        }
        assert!(Pallet::<T>::session(fixture.job).is_none());
        Ok(())
    }

    #[benchmark]
    fn judge() -> Result<(), BenchmarkError> {
        let fixture = Fixture::tdx();
        opened::<T>(&fixture)?;
        let judgement;
        #[block]
        {
            judgement = Pallet::<T>::judge(fixture.job, fixture.now);
        }
        assert!(judgement.is_ok());
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::storage(), crate::mock::Test);
}
