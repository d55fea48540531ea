//! What the market shows: offers, pages of offers, quotes. Called by the runtime API, never inside a block.
//!
//! Not here: anything that writes.

use crate::{Config, Facts, Offers, OffersOf, Pallet, Providers, traits::Surety, types::Profile};
use alloc::{boxed::Box, vec::Vec};
use blockcloud_primitives::{AccountId, Balance, FactView, JobSpec, Moment, OfferFilter, OfferId, OfferView, Page, Quote, SiteId};
use frame_support::traits::Time;

/// Items of a page or a list of quotes, whatever the limit.
pub const MAX_PAGE: u32 = 256;
/// Offers looked at for one page. A page with fewer items than the limit is the last only if it names no `next`.
pub const MAX_SCANNED: usize = 1_000;
/// Offers judged for one list of quotes.
pub const MAX_QUOTED: usize = 1_000;

impl<T: Config> Pallet<T> {
    /// Base URL of a provider's agent.
    pub fn endpoint(provider: &T::AccountId) -> Option<Profile> {
        Providers::<T>::get(provider).map(|owner| owner.profile)
    }

    /// An offer that is on the market. A withdrawn one is not, even while it still runs jobs.
    pub fn offer_view(offer: OfferId) -> Option<OfferView> {
        let record = Offers::<T>::get(offer).filter(|record| !record.withdrawn)?;
        let owner = Providers::<T>::get(&record.provider)?;
        let terms = record.terms;
        Some(OfferView {
            id: offer,
            endpoint: owner.profile,
            site: terms.site,
            facts: Self::fact_views(terms.site, T::Time::now()),
            tees: terms.tees,
            total: terms.total,
            free: record.free,
            price: terms.price,
            opens: terms.opens,
            closes: terms.closes,
            longest_job: terms.longest_job,
            cover_per_job: terms.cover_per_job,
            free_bond: T::Surety::free(&record.provider),
            record: owner.record,
            provider: AccountId(record.provider.into()),
        })
    }

    /// Offers on the market that pass the filter, at most `limit` (1 to [`MAX_PAGE`]), after the one named. The order is stable but has no
    /// meaning. A page may have fewer items, or none, and still name a `next`.
    pub fn offers_page(filter: &OfferFilter, after: Option<OfferId>, limit: u32) -> Page<OfferView, OfferId> {
        let limit = usize::try_from(limit.clamp(1, MAX_PAGE)).unwrap_or(usize::MAX);
        let mut page = Page { items: Vec::new(), next: None };
        let mut last = None;
        for (scanned, id) in Self::offer_ids(filter, after).enumerate() {
            if page.items.len() >= limit || scanned >= MAX_SCANNED {
                page.next = last;
                break;
            }
            last = Some(id);
            page.items.extend(Self::offer_view(id).filter(|view| passes(filter, view)));
        }
        page
    }

    /// Offers judged against a job spec, at most `limit` (1 to [`MAX_PAGE`]): those that fit, cheapest first; then those that do not, with
    /// the reasons, fewest reasons and cheapest first. Looks at [`MAX_QUOTED`] offers.
    pub fn quotes(spec: &JobSpec, limit: u32) -> Vec<Quote> {
        let now = T::Time::now();
        let run = Balance::from(spec.longest_run);
        let mut quotes: Vec<Quote> = Offers::<T>::iter()
            .take(MAX_QUOTED)
            .filter(|(_, offer)| !offer.withdrawn)
            .map(|(id, offer)| {
                let refusals = Self::judge(&offer, spec, now);
                // Saturates: a price beyond any amount is refused and shown as the largest there is.
                let rate = offer.terms.price.rate(&spec.resources).unwrap_or(Balance::MAX);
                Quote { offer: id, provider: AccountId(offer.provider.into()), rate, total: rate.saturating_mul(run), refusals }
            })
            .collect();
        quotes.sort_by_key(|quote| (quote.refusals.len(), quote.rate, quote.offer));
        quotes.truncate(usize::try_from(limit.clamp(1, MAX_PAGE)).unwrap_or(usize::MAX));
        quotes
    }

    /// The facts about a site that count now, by kind. Bounded by `MaxFacts`.
    fn fact_views(site: SiteId, now: Moment) -> Vec<FactView> {
        let mut facts: Vec<FactView> = Facts::<T>::iter_prefix_values(site)
            .filter(|record| Self::counts(record, now))
            .map(|record| FactView { fact: record.fact, certifier: AccountId(record.certifier.into()), until: record.until })
            .collect();
        facts.sort_by(|a, b| a.fact.cmp(&b.fact));
        facts
    }

    /// The offers that can pass the filter, in the order of their storage keys, so that a page can begin after an offer that is gone by now.
    fn offer_ids(filter: &OfferFilter, after: Option<OfferId>) -> Box<dyn Iterator<Item = OfferId>> {
        match (filter.provider.map(|provider| T::AccountId::from(provider.0)), after) {
            (Some(provider), Some(after)) => {
                let from = OffersOf::<T>::hashed_key_for(&provider, after);
                Box::new(OffersOf::<T>::iter_key_prefix_from(provider, from))
            }
            (Some(provider), None) => Box::new(OffersOf::<T>::iter_key_prefix(provider)),
            (None, Some(after)) => Box::new(Offers::<T>::iter_keys_from(Offers::<T>::hashed_key_for(after))),
            (None, None) => Box::new(Offers::<T>::iter_keys()),
        }
    }
}

fn passes(filter: &OfferFilter, view: &OfferView) -> bool {
    filter.provider.is_none_or(|provider| provider == view.provider)
        && filter.tee.is_none_or(|tee| view.tees.contains(&tee))
        && filter.free.is_none_or(|free| view.free.fits(&free))
}
