//! Random sequences of everything that moves capacity or deposits, beside a plain ledger that says what must come of each.

use super::deposit_of;
use crate::{Error, FactRecordOf, OfferOf, Offers as Records, Provider, SiteOf, mock::*};
use blockcloud_primitives::{Balance, FactKind, JobSpec, OfferId, OfferTerms, SiteId};
use frame_support::storage::with_storage_layer;
use proptest::prelude::*;
use sp_runtime::DispatchError;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Register {
        who: u8,
    },
    Deregister {
        who: u8,
    },
    AddSite {
        who: u8,
    },
    RemoveSite {
        who: u8,
        site: u32,
    },
    Publish {
        who: u8,
        site: u32,
        vcpus: u32,
        gpus: u32,
    },
    Update {
        who: u8,
        offer: u64,
        vcpus: u32,
        gpus: u32,
    },
    Withdraw {
        who: u8,
        offer: u64,
    },
    Reserve {
        offer: u64,
        vcpus: u32,
        gpus: u32,
    },
    /// Releases the n-th reservation that stands, if any does.
    Release {
        nth: usize,
    },
    Certify {
        site: u32,
    },
    RemoveFact {
        site: u32,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (who, site, offer) = (1..=2_u8, 1..=4_u32, 0..=5_u64);
    let capacity = (0..=8_u32, 0..=2_u32);
    prop_oneof![
        2 => who.clone().prop_map(|who| Step::Register { who }),
        1 => who.clone().prop_map(|who| Step::Deregister { who }),
        3 => who.clone().prop_map(|who| Step::AddSite { who }),
        1 => (who.clone(), site.clone()).prop_map(|(who, site)| Step::RemoveSite { who, site }),
        5 => (who.clone(), site.clone(), capacity.clone()).prop_map(|(who, site, (vcpus, gpus))| Step::Publish { who, site, vcpus, gpus }),
        3 => (who.clone(), offer.clone(), capacity.clone()).prop_map(|(who, offer, (vcpus, gpus))| Step::Update { who, offer, vcpus, gpus }),
        2 => (who, offer.clone()).prop_map(|(who, offer)| Step::Withdraw { who, offer }),
        8 => (offer, capacity).prop_map(|(offer, (vcpus, gpus))| Step::Reserve { offer, vcpus, gpus }),
        4 => (0..8_usize).prop_map(|nth| Step::Release { nth }),
        2 => site.clone().prop_map(|site| Step::Certify { site }),
        1 => site.prop_map(|site| Step::RemoveFact { site }),
    ]
}

#[derive(Clone, Debug)]
struct Standing {
    who: u8,
    site: u32,
    total: (u32, u32),
    withdrawn: bool,
}

/// The market, as a clerk with a pencil would keep it: reservations one by one, and no counter anywhere.
#[derive(Default)]
struct Ledger {
    providers: Vec<u8>,
    sites: BTreeMap<u32, u8>,
    sites_ever: u32,
    offers: BTreeMap<u64, Standing>,
    offers_ever: u64,
    reservations: Vec<(u64, (u32, u32))>,
    /// Sites, existing or not, about which a fact is stored.
    facts: Vec<u32>,
}

type Outcome = Result<(), DispatchError>;

fn err(error: Error<Test>) -> Outcome {
    Err(error.into())
}

impl Ledger {
    fn reserved(&self, offer: u64) -> (u32, u32) {
        self.reservations.iter().filter(|entry| entry.0 == offer).fold((0, 0), |sum, entry| (sum.0 + entry.1.0, sum.1 + entry.1.1))
    }

    fn standing(&self, who: u8, offer: u64) -> Result<&Standing, DispatchError> {
        match self.offers.get(&offer) {
            None => Err(Error::<Test>::NoOffer.into()),
            Some(standing) if standing.who != who => Err(Error::<Test>::NotYourOffer.into()),
            Some(standing) if standing.withdrawn => Err(Error::<Test>::OfferWithdrawn.into()),
            Some(standing) => Ok(standing),
        }
    }

    fn own_site(&self, who: u8, site: u32) -> Outcome {
        match self.sites.get(&site) {
            None => err(Error::NoSite),
            Some(owner) if *owner != who => err(Error::NotYourSite),
            Some(_) => Ok(()),
        }
    }

    fn clear(&mut self) {
        let reserved: Vec<u64> = self.reservations.iter().map(|entry| entry.0).collect();
        self.offers.retain(|id, standing| !standing.withdrawn || reserved.contains(id));
    }

    fn play(&mut self, step: &Step) -> Outcome {
        match *step {
            Step::Register { who } => {
                if self.providers.contains(&who) {
                    return err(Error::AlreadyRegistered);
                }
                self.providers.push(who);
            }
            Step::Deregister { who } => {
                if !self.providers.contains(&who) {
                    return err(Error::NotRegistered);
                }
                if self.sites.values().any(|owner| *owner == who) {
                    return err(Error::HasSites);
                }
                self.providers.retain(|provider| *provider != who);
            }
            Step::AddSite { who } => {
                if !self.providers.contains(&who) {
                    return err(Error::NotRegistered);
                }
                if self.sites.values().filter(|owner| **owner == who).count() == MAX_SITES as usize {
                    return err(Error::TooManySites);
                }
                self.sites_ever += 1;
                self.sites.insert(self.sites_ever, who);
            }
            Step::RemoveSite { who, site } => {
                self.own_site(who, site)?;
                if self.offers.values().any(|standing| standing.site == site) {
                    return err(Error::HasOffers);
                }
                self.sites.remove(&site);
            }
            Step::Publish { who, site, vcpus, gpus } => {
                self.own_site(who, site)?;
                if (vcpus, gpus) == (0, 0) {
                    return err(Error::NoCapacity);
                }
                if self.offers.values().filter(|standing| standing.who == who).count() == MAX_OFFERS as usize {
                    return err(Error::TooManyOffers);
                }
                self.offers.insert(self.offers_ever, Standing { who, site, total: (vcpus, gpus), withdrawn: false });
                self.offers_ever += 1;
            }
            Step::Update { who, offer, vcpus, gpus } => {
                self.standing(who, offer)?;
                if (vcpus, gpus) == (0, 0) {
                    return err(Error::NoCapacity);
                }
                let reserved = self.reserved(offer);
                if vcpus < reserved.0 || gpus < reserved.1 {
                    return err(Error::BelowReserved);
                }
                self.offers.get_mut(&offer).unwrap().total = (vcpus, gpus);
            }
            Step::Withdraw { who, offer } => {
                self.standing(who, offer)?;
                self.offers.get_mut(&offer).unwrap().withdrawn = true;
                self.clear();
            }
            Step::Reserve { offer, vcpus, gpus } => {
                if (vcpus, gpus) == (0, 0) {
                    return err(Error::NothingAsked);
                }
                let standing = self.offers.get(&offer).ok_or(Error::<Test>::NoOffer)?;
                if standing.withdrawn {
                    return err(Error::OfferWithdrawn);
                }
                let reserved = self.reserved(offer);
                if reserved.0 + vcpus > standing.total.0 || reserved.1 + gpus > standing.total.1 {
                    return err(Error::InsufficientCapacity);
                }
                self.reservations.push((offer, (vcpus, gpus)));
            }
            Step::Release { nth } => {
                if nth < self.reservations.len() {
                    self.reservations.remove(nth);
                    self.clear();
                }
            }
            Step::Certify { site } => {
                if !self.sites.contains_key(&site) {
                    return err(Error::NoSite);
                }
                if !self.facts.contains(&site) {
                    self.facts.push(site);
                }
            }
            Step::RemoveFact { site } => {
                if !self.facts.contains(&site) {
                    return err(Error::NoFact);
                }
                if self.sites.contains_key(&site) {
                    return err(Error::NotExpired);
                }
                self.facts.retain(|fact| *fact != site);
            }
        }
        Ok(())
    }

    fn deposits(&self, who: u8) -> Balance {
        let count = |number: usize, each: Balance| number as Balance * each;
        count(self.providers.iter().filter(|provider| **provider == who).count(), deposit_of::<Provider>())
            + count(self.sites.values().filter(|owner| **owner == who).count(), deposit_of::<SiteOf<Test>>())
            + count(self.offers.values().filter(|standing| standing.who == who).count(), deposit_of::<OfferOf<Test>>())
    }
}

fn offered(site: u32, vcpus: u32, gpus: u32) -> OfferTerms {
    OfferTerms { total: resources(vcpus, 0, 0, gpus), ..terms(SiteId(site)) }
}

/// Does the same on chain. `releases` is the reservation that a release names.
fn play(step: &Step, releases: Option<(u64, (u32, u32))>) -> Outcome {
    match *step {
        Step::Register { who } => Offers::register(signed(who), "https://agent.example".parse().unwrap()),
        Step::Deregister { who } => Offers::deregister(signed(who)),
        Step::AddSite { who } => Offers::add_site(signed(who)),
        Step::RemoveSite { who, site } => Offers::remove_site(signed(who), SiteId(site)),
        Step::Publish { who, site, vcpus, gpus } => Offers::publish(signed(who), offered(site, vcpus, gpus)),
        Step::Update { who, offer, vcpus, gpus } => {
            let site = Records::<Test>::get(OfferId(offer)).map_or(0, |record| record.terms.site.0);
            Offers::update(signed(who), OfferId(offer), offered(site, vcpus, gpus))
        }
        Step::Withdraw { who, offer } => Offers::withdraw(signed(who), OfferId(offer)),
        Step::Reserve { offer, vcpus, gpus } => {
            let spec = JobSpec { resources: resources(vcpus, 0, 0, gpus), price_limit: Balance::MAX, ..spec() };
            Offers::reserve(OfferId(offer), &spec, START).map(|_| ())
        }
        Step::Release { .. } => {
            if let Some((offer, (vcpus, gpus))) = releases {
                Offers::release(OfferId(offer), &resources(vcpus, 0, 0, gpus));
            }
            Ok(())
        }
        Step::Certify { site } => Offers::certify(signed(CERTIFIER), SiteId(site), super::region("DE-BE"), super::UNTIL),
        Step::RemoveFact { site } => Offers::remove_expired_fact(signed(7), SiteId(site), FactKind::Region),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_ledger(steps in prop::collection::vec(step(), 1..80)) {
        run(|| {
            set_free_bond(1, Balance::MAX);
            set_free_bond(2, Balance::MAX);
            let mut ledger = Ledger::default();
            for step in &steps {
                let releases = match step {
                    Step::Release { nth } => ledger.reservations.get(*nth).copied(),
                    _ => None,
                };
                let expected = ledger.play(step);
                let actual = with_storage_layer(|| play(step, releases));
                assert_eq!(actual, expected, "{step:?}");

                let mut stored = BTreeMap::new();
                for (id, record) in Records::<Test>::iter() {
                    stored.insert(id.0, (record.free, record.withdrawn));
                }
                let mut kept = BTreeMap::new();
                for (id, standing) in &ledger.offers {
                    let reserved = ledger.reserved(*id);
                    let free = resources(standing.total.0 - reserved.0, 0, 0, standing.total.1 - reserved.1);
                    kept.insert(*id, (free, standing.withdrawn));
                }
                assert_eq!(stored, kept, "{step:?}");
                for who in 1..=2 {
                    assert_eq!(spendable(who), ENDOWMENT - ledger.deposits(who), "{step:?}");
                }
                let vouched = ledger.facts.len() as Balance * deposit_of::<FactRecordOf<Test>>();
                assert_eq!(spendable(CERTIFIER), ENDOWMENT - vouched, "{step:?}");
                Offers::do_try_state().unwrap();
            }
        });
    }
}
