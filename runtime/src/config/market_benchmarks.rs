//! How benchmarks of the jobs bring their neighbours into the states that they start from, without hardware evidence.

use crate::{AccountId, Balances, Bonds, Offers, Runtime, RuntimeOrigin, Timestamp, config::money::UNIT};
use blockcloud_evidence::snp::Product;
use blockcloud_primitives::{
    Allow, Digest, Fact, Firmware, Head, JobId, JobSpec, Measurement, Moment, OfferId, OfferTerms, Policy, Price, PublicKey, Resources,
    Session, SiteId, Tcb, Tee,
};
use frame_support::traits::{Time, fungible::Mutate};

/// The neighbours of the jobs.
pub struct Neighbours;

impl pallet_jobs::traits::BenchmarkHelper<AccountId> for Neighbours {
    fn offer(spec: &JobSpec) -> OfferId {
        let provider: AccountId = frame_benchmarking::account("provider", 0, 0);
        let origin = || RuntimeOrigin::signed(provider.clone());
        let rich = UNIT.saturating_mul(1_000_000_000).saturating_add(spec.cover.saturating_mul(2));
        Balances::set_balance(&provider, rich);
        let id = pallet_offers::NextOffer::<Runtime>::get();
        let site = pallet_offers::NextSite::<Runtime>::get();
        let prepared = || {
            Bonds::bond(origin(), spec.cover.max(UNIT))?;
            Offers::register(origin(), "https://a".parse().unwrap_or_default())?;
            Offers::add_site(origin())?;
            vouch(site, &spec.policy);
            Offers::publish(origin(), terms(spec, site))
        };
        if let Err(error) = prepared() {
            panic!("the benchmarks' offer cannot be published: {error:?}");
        }
        id
    }

    fn withdraw(offer: OfferId) {
        let provider = pallet_offers::Offers::<Runtime>::get(offer).map(|offer| offer.provider);
        let withdrawn = provider.map(|provider| Offers::withdraw(RuntimeOrigin::signed(provider), offer));
        assert_eq!(withdrawn, Some(Ok(())), "the benchmarks' offer can be withdrawn");
    }

    fn session(job: JobId, provider: &AccountId, receipt_key: PublicKey) {
        let hardware = (Tee::SevSnp, Product::Genoa);
        let empty = pallet_attestation::Roots { root: Default::default(), issuer: Default::default() };
        let issuer = Digest(sp_io::hashing::sha2_256(&empty.issuer));
        pallet_attestation::RootsOf::<Runtime>::insert(hardware, empty);
        let floor = pallet_attestation::Scheduled::at_once(Tcb::default());
        pallet_attestation::Floors::<Runtime>::insert(hardware, floor);
        let session = Session {
            provider: blockcloud_primitives::AccountId(provider.clone().into()),
            tee: Tee::SevSnp,
            receipt_key,
            wrapping_key: PublicKey([0; 32]),
            measurement: Measurement([0; 48]),
            chip: Digest::ZERO,
            firmware: Firmware::SevSnp(Tcb::default()),
            evidence: Digest::ZERO,
            previous: None,
            since: now(),
            valid_until: Moment::MAX,
        };
        let chip = pallet_attestation::Chip {
            provider: provider.clone(),
            site: SiteId(1),
            deposit: 0,
            sessions: 1,
            endorsements: Default::default(),
            key: None,
        };
        pallet_attestation::Chips::<Runtime>::insert(session.chip, chip);
        let basis = pallet_attestation::Basis::SevSnp { product: Product::Genoa, issuer };
        let approved_by = pallet_attestation::ApprovedBy::Customer;
        let guest = pallet_attestation::Guest { session, basis, approved_by, endorsements: 0 };
        pallet_attestation::Sessions::<Runtime>::insert(job, guest);
    }

    fn head(job: JobId, head: Head) {
        pallet_receipts::Logs::<Runtime>::insert(job, pallet_receipts::Log { opened_at: now(), head: Some(head), equivocated: false });
    }
}

impl pallet_attestation::traits::BenchmarkHelper for Neighbours {
    fn certifiers(count: u32) -> alloc::vec::Vec<AccountId> {
        let certifiers: alloc::vec::Vec<AccountId> = (0..count).map(|index| frame_benchmarking::account("certifier", index, 0)).collect();
        certifiers.iter().for_each(|certifier| pallet_offers::Certifiers::<Runtime>::insert(certifier, ()));
        certifiers
    }
}

/// Everything that the policy demands to know of the site, each fact by a certifier of its own: the dearest to look up.
fn vouch(site: SiteId, policy: &Policy) {
    let region = match &policy.regions {
        Allow::Any => None,
        Allow::Only(list) => list.last().cloned().map(Fact::Region),
    };
    let jurisdiction = match &policy.jurisdictions {
        Allow::Any => None,
        Allow::Only(list) => list.last().cloned().map(Fact::Jurisdiction),
    };
    let certificates = policy.certificates.iter().cloned().map(Fact::Certificate);
    for (index, fact) in (0u32..).zip(region.into_iter().chain(jurisdiction).chain(certificates)) {
        let certifier: AccountId = frame_benchmarking::account("certifier", index, 0);
        pallet_offers::Certifiers::<Runtime>::insert(&certifier, ());
        let record = pallet_offers::FactRecord { fact: fact.clone(), certifier, until: Moment::MAX, deposit: 0 };
        pallet_offers::Facts::<Runtime>::insert(site, fact.kind(), record);
    }
}

fn now() -> Moment {
    <Timestamp as Time>::now()
}

/// Terms that the spec fits exactly.
fn terms(spec: &JobSpec, site: SiteId) -> OfferTerms {
    OfferTerms {
        site,
        tees: spec.policy.tees.clone(),
        total: Resources { ..spec.resources },
        price: Price { vcpu: 1, memory_gib: 1, storage_gib: 1, gpu: 1 },
        opens: 0,
        closes: Moment::MAX,
        longest_job: spec.longest_run,
        cover_per_job: spec.cover,
    }
}
