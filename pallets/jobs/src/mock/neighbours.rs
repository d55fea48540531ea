//! The pallet's neighbours, as small as they can be: they do what they are asked and record it. Their state is in storage, so that a call that fails
//! leaves nothing behind here either.

use super::*;
use crate::traits::{Attester, Candidate, Capacity, Cover, Logs, Reservation};
use blockcloud_primitives::{End, Firmware, Lapse, Measurement, Session};
use codec::{Decode, Encode};
use frame_support::{storage::unhashed, weights::Weight};
use sp_runtime::DispatchError;
use std::collections::BTreeMap;

/// The usual offer: of [`PROVIDER`], 100 per processor and second.
pub const OFFER: OfferId = OfferId(1);
/// An offer of [`OTHER_PROVIDER`] at an odd price: 37 per processor and second.
pub const OTHER_OFFER: OfferId = OfferId(2);
/// An offer that costs nothing.
pub const FREE_OFFER: OfferId = OfferId(3);
/// An offer of [`GHOST`] at 1 per processor and second.
pub const GHOST_OFFER: OfferId = OfferId(4);

/// Processors of each offer.
pub const TOTAL_VCPUS: u32 = 1_000;
/// Bond of each provider.
pub const BOND: Balance = 500_000;
/// What opening a session weighs, which is less than it may.
pub const OPENED: Weight = Weight::from_parts(3_000_000_000, 0);
/// What renewing one weighs.
pub const RENEWED: Weight = Weight::from_parts(2_000_000_000, 0);
/// Seconds that a session lasts unless a test says otherwise.
pub const SESSION: u32 = 86_400;

/// Why the market refuses.
pub const NO_OFFER: DispatchError = DispatchError::Other("no such offer");
/// Why the market refuses.
pub const SOLD_OUT: DispatchError = DispatchError::Other("sold out");
/// Why the surety refuses.
pub const NO_COVER: DispatchError = DispatchError::Other("the bond is too small");
/// Why the verifier refuses.
pub const BAD_EVIDENCE: DispatchError = DispatchError::Other("bad evidence");

const WORLD: &[u8] = b"mock:world";

/// An offer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Offer {
    /// Whose.
    pub provider: AccountId32,
    /// Price per processor and second.
    pub price: Balance,
    /// Free processors.
    pub free: u32,
}

/// Everything that the neighbours know and were asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct World {
    /// Offers.
    pub offers: BTreeMap<OfferId, Offer>,
    /// Cover: principal, obligee, amount.
    pub covers: BTreeMap<JobId, (AccountId32, AccountId32, Balance)>,
    /// Sessions.
    pub sessions: BTreeMap<JobId, Session>,
    /// Jobs whose session was withdrawn.
    pub withdrawn: Vec<JobId>,
    /// Open logs and their heads.
    pub logs: BTreeMap<JobId, Option<Head>>,
    /// Ends that were noted.
    pub ends: Vec<(AccountId32, End)>,
    /// What evidence was judged by: terms, policy, time.
    pub judged: Vec<(JobId, AccountId32, Digest, Policy, Moment)>,
    /// Seconds that new sessions last.
    pub session: u32,
}

/// What the neighbours know now.
pub fn world() -> World {
    unhashed::get_or_default(WORLD)
}

/// Changes what they know.
pub fn change<R>(change: impl FnOnce(&mut World) -> R) -> R {
    let mut world = world();
    let result = change(&mut world);
    unhashed::put(WORLD, &world);
    result
}

/// Offers and a usual session length.
pub fn open_market() {
    change(|world| {
        world.session = SESSION;
        for (id, provider, price) in
            [(OFFER, PROVIDER, 100), (OTHER_OFFER, OTHER_PROVIDER, 37), (FREE_OFFER, PROVIDER, 0), (GHOST_OFFER, GHOST, 1)]
        {
            world.offers.insert(id, Offer { provider, price, free: TOTAL_VCPUS });
        }
    });
}

/// Checks that what the neighbours hold is held for the stored jobs, no more and no less: capacity for live ones, cover for all, sessions and logs for
/// attested ones.
pub fn check_neighbours() {
    let world = world();
    for (id, offer) in &world.offers {
        let live = crate::Jobs::<Test>::iter_values().filter(|job| job.offer == *id && job.is_live());
        let reserved: u32 = live.map(|job| job.resources.vcpus).sum();
        assert_eq!(offer.free + reserved, TOTAL_VCPUS, "capacity of {id:?}");
    }
    let ids = |attested_only: bool| -> Vec<_> {
        let jobs = crate::Jobs::<Test>::iter().filter(|(_, job)| !attested_only || job.session_until.is_some());
        let mut ids: Vec<_> = jobs.map(|(id, _)| id).collect();
        ids.sort();
        ids
    };
    assert_eq!(world.covers.keys().copied().collect::<Vec<_>>(), ids(false), "cover");
    assert_eq!(world.sessions.keys().copied().collect::<Vec<_>>(), ids(true), "sessions");
    assert_eq!(world.logs.keys().copied().collect::<Vec<_>>(), ids(true), "logs");
}

/// All of the neighbours.
pub struct Neighbours;

impl Capacity<AccountId32> for Neighbours {
    fn reserve(offer: OfferId, spec: &JobSpec, _: Moment) -> Result<Reservation<AccountId32>, DispatchError> {
        change(|world| {
            let offer = world.offers.get_mut(&offer).ok_or(NO_OFFER)?;
            offer.free = offer.free.checked_sub(spec.resources.vcpus).ok_or(SOLD_OUT)?;
            let rate = offer.price.saturating_mul(spec.resources.vcpus.into());
            Ok(Reservation { provider: offer.provider.clone(), site: SiteId(1), rate })
        })
    }

    fn release(offer: OfferId, resources: &Resources) {
        change(|world| world.offers.get_mut(&offer).unwrap().free += resources.vcpus);
    }

    fn note_end(provider: &AccountId32, end: End) {
        change(|world| world.ends.push((provider.clone(), end)));
    }
}

impl Cover<AccountId32> for Neighbours {
    fn reserve(job: JobId, principal: &AccountId32, obligee: &AccountId32, amount: Balance) -> DispatchResult {
        change(|world| {
            let covered: Balance = world.covers.values().filter(|cover| cover.0 == *principal).map(|cover| cover.2).sum();
            if amount > BOND - covered {
                return Err(NO_COVER);
            }
            assert_eq!(world.covers.insert(job, (principal.clone(), obligee.clone(), amount)), None, "cover was reserved twice");
            Ok(())
        })
    }

    fn release(job: JobId) {
        assert!(change(|world| world.covers.remove(&job)).is_some(), "cover was released twice");
    }
}

impl Attester<AccountId32> for Neighbours {
    fn open(candidate: &Candidate<'_, AccountId32>) -> Result<Weight, DispatchError> {
        admit(candidate, None).map(|()| OPENED)
    }

    fn open_weight() -> Weight {
        Weight::from_parts(5_000_000_000, 0)
    }

    fn renew(candidate: &Candidate<'_, AccountId32>) -> Result<Weight, DispatchError> {
        let previous = world().sessions.get(&candidate.job).map(|session| session.evidence);
        admit(candidate, previous).map(|()| RENEWED)
    }

    fn renew_weight() -> Weight {
        Weight::from_parts(5_500_000_000, 0)
    }

    fn close(job: JobId) {
        change(|world| world.sessions.remove(&job));
    }

    fn session(job: JobId) -> Option<Session> {
        world().sessions.get(&job).cloned()
    }

    fn judge(job: JobId, now: Moment) -> Result<(), Lapse> {
        let world = world();
        let session = world.sessions.get(&job).ok_or(Lapse::NoSession)?;
        if now >= session.valid_until {
            return Err(Lapse::Expired);
        }
        if world.withdrawn.contains(&job) { Err(Lapse::MeasurementWithdrawn) } else { Ok(()) }
    }
}

/// Takes any evidence of the right length.
fn admit(candidate: &Candidate<'_, AccountId32>, previous: Option<Digest>) -> DispatchResult {
    let Candidate { job, provider, terms, policy, evidence, now, .. } = *candidate;
    if evidence.report.len() != 1184 {
        return Err(BAD_EVIDENCE);
    }
    change(|world| {
        world.judged.push((job, provider.clone(), terms, policy.clone(), now));
        let session = Session {
            provider: blockcloud_primitives::AccountId(provider.clone().into()),
            tee: evidence.tee,
            receipt_key: evidence.receipt_key,
            wrapping_key: evidence.wrapping_key,
            measurement: Measurement([0; 48]),
            chip: Digest::ZERO,
            firmware: Firmware::SevSnp(Tcb::default()),
            evidence: evidence.replay_key(),
            previous,
            since: now,
            valid_until: now + u64::from(world.session) * SECOND,
        };
        world.sessions.insert(job, session);
    });
    Ok(())
}

impl Logs for Neighbours {
    fn open(job: JobId) {
        assert_eq!(change(|world| world.logs.insert(job, None)), None, "the log was opened twice");
    }

    fn close(job: JobId) {
        change(|world| world.logs.remove(&job));
    }

    fn head(job: JobId) -> Option<Head> {
        world().logs.get(&job).copied().flatten()
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::traits::BenchmarkHelper<AccountId32> for Neighbours {
    fn offer(_: &JobSpec) -> OfferId {
        OFFER
    }

    /// The mock's offer stays.
    fn withdraw(_: OfferId) {}

    fn session(job: JobId, provider: &AccountId32, receipt_key: PublicKey) {
        let evidence = Evidence { receipt_key, ..Guest::new(job).evidence() };
        let (policy, site) = (spec().policy, SiteId(1));
        let candidate = Candidate { job, provider, site, terms: Digest::ZERO, policy: &policy, evidence: &evidence, now: now() };
        <Self as Attester<AccountId32>>::open(&candidate).unwrap();
    }

    fn head(job: JobId, head: Head) {
        change(|world| world.logs.insert(job, Some(head)));
    }
}
