//! Benchmarks. Evidence cannot be made inside Wasm: `open` verifies the kept one, which differs from a real processor's in its root only.

use super::*;
use crate::fixture::{Fixture, ISSUER, ROOT};
use alloc::vec::Vec;
use blockcloud_evidence::snp::Product;
use blockcloud_primitives::{Allow, Digest, List, Measurement, Measurements as Wanted, Moment, Policy, Tcb, Tee};
use frame_benchmarking::v2::*;
use frame_support::{pallet_prelude::*, traits::Time};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::AccountId32;

const HARDWARE: (Tee, Product) = (Tee::Simulated, Product::Genoa);
const FLOOR: Tcb = Tcb { bootloader: 1, tee: 0, snp: 1, microcode: 1, fmc: 0 };

fn council<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
    T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

fn certificate(der: &[u8]) -> Result<Certificate, BenchmarkError> {
    Vec::from(der).try_into().map_err(|_| BenchmarkError::Stop("a certificate is too long"))
}

fn roots() -> Result<Roots, BenchmarkError> {
    Ok(Roots { root: certificate(ROOT)?, issuer: certificate(ISSUER)? })
}

/// A policy that names as much as a policy can of what `open` looks at.
fn policy(fixture: &Fixture) -> Result<Policy, BenchmarkError> {
    let tees: Vec<Tee> = alloc::vec![Tee::Tdx, Tee::Cca, Tee::SevSnp, Tee::Simulated];
    Ok(Policy {
        regions: Allow::Any,
        jurisdictions: Allow::Any,
        certificates: List::new(),
        tees: tees.try_into().map_err(|_| BenchmarkError::Stop("four kinds of hardware fit"))?,
        firmware_floor: fixture.firmware,
        measurements: Wanted::Approved,
        denied_providers: List::new(),
        erase_within: 60,
        recipients: List::new(),
        checkpoint_gap: 10,
    })
}

/// Makes the chain one that the kept evidence was made for, with the memory of accepted evidence nearly full.
fn prepare<T: Config>(fixture: &Fixture) -> Result<(), BenchmarkError> {
    let anchor = fixture.evidence.anchor;
    frame_system::Pallet::<T>::set_block_number(BlockNumberFor::<T>::from(anchor.saturating_add(1)));
    frame_system::BlockHash::<T>::insert(BlockNumberFor::<T>::from(0u32), H256(fixture.genesis.0));
    frame_system::BlockHash::<T>::insert(BlockNumberFor::<T>::from(anchor), H256(fixture.anchor_hash.0));
    SimulationAllowed::<T>::put(true);
    RootsOf::<T>::insert(HARDWARE, roots()?);
    Floors::<T>::insert(HARDWARE, fixture.firmware);
    Measurements::<T>::insert(fixture.measurement, Moment::MAX);
    let seen: Vec<Seen> = (0..15u8).map(|number| Seen { evidence: Digest([number; 32]), anchor }).collect();
    let seen: SeenList = seen.try_into().map_err(|_| BenchmarkError::Stop("fifteen pieces of evidence fit"))?;
    Accepted::<T>::insert(fixture.job, seen);
    Ok(())
}

/// Opens the session of the kept evidence.
fn open_kept<T: Config>(fixture: &Fixture, policy: &Policy) -> Result<(), BenchmarkError> {
    let Fixture { now, provider, job, terms, evidence, .. } = fixture;
    Pallet::<T>::open(*job, &AccountId32::new(provider.0), *terms, policy, evidence, *now)
        .map(|_| ())
        .map_err(|_| BenchmarkError::Stop("the kept evidence is refused"))
}

#[benchmarks]
mod benchmarks {
    use super::*;

    // The call's own body, because the benchmark's clock stands before the certificates begin.
    #[benchmark]
    fn set_roots() -> Result<(), BenchmarkError> {
        SimulationAllowed::<T>::put(true);
        let (origin, roots, Fixture { now, .. }) = (council::<T>()?, roots()?, Fixture::load());
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
        Measurements::<T>::insert(measurement, Moment::MAX);
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, measurement);
        assert!(!Measurements::<T>::contains_key(measurement));
        Ok(())
    }

    #[benchmark]
    fn deny_chip() -> Result<(), BenchmarkError> {
        let (origin, chip) = (council::<T>()?, Digest([1; 32]));
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, chip);
        assert!(DeniedChips::<T>::contains_key(chip));
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
        let origin = council::<T>()?;
        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, Tee::SevSnp, Product::Turin, Some(FLOOR));
        assert!(Floors::<T>::contains_key((Tee::SevSnp, Product::Turin)));
        Ok(())
    }

    #[benchmark]
    fn open() -> Result<(), BenchmarkError> {
        let fixture = Fixture::load();
        prepare::<T>(&fixture)?;
        let policy = policy(&fixture)?;
        #[block]
        {
            open_kept::<T>(&fixture, &policy)?;
        }
        assert!(Pallet::<T>::live(fixture.job, fixture.now));
        Ok(())
    }

    #[benchmark]
    fn close() -> Result<(), BenchmarkError> {
        let fixture = Fixture::load();
        prepare::<T>(&fixture)?;
        open_kept::<T>(&fixture, &policy(&fixture)?)?;
        #[block]
        {
            Pallet::<T>::close(fixture.job);
        }
        assert!(Pallet::<T>::session(fixture.job).is_none());
        Ok(())
    }

    #[benchmark]
    fn judge() -> Result<(), BenchmarkError> {
        let fixture = Fixture::load();
        prepare::<T>(&fixture)?;
        open_kept::<T>(&fixture, &policy(&fixture)?)?;
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
