//! Random sequences of everything that moves a bond, beside a plain ledger that says what must come of each.

use super::signed;
use crate::{Error, mock::*, types::MAX_UNBONDINGS};
use blockcloud_primitives::{Balance, JobId, Moment};
use proptest::prelude::*;
use sp_runtime::{DispatchError, TokenError};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Bond { who: u8, amount: Balance },
    Unbond { who: u8, amount: Balance },
    Withdraw { who: u8 },
    Reserve { job: u64, who: u8, amount: Balance },
    Release { job: u64 },
    Wait { seconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let who = 1..=3_u8;
    let amount = prop_oneof![4 => 0..400_u128, 1 => 400..ENDOWMENT + 10];
    prop_oneof![
        3 => (who.clone(), amount.clone()).prop_map(|(who, amount)| Step::Bond { who, amount }),
        3 => (who.clone(), amount.clone()).prop_map(|(who, amount)| Step::Unbond { who, amount }),
        3 => who.clone().prop_map(|who| Step::Withdraw { who }),
        3 => (0..6_u64, who, amount).prop_map(|(job, who, amount)| Step::Reserve { job, who, amount }),
        3 => (0..6_u64).prop_map(|job| Step::Release { job }),
        2 => (1..=u64::from(DELAY)).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// One account, as an accountant would keep it.
#[derive(Clone, Default)]
struct Account {
    purse: Balance,
    free: Balance,
    leaving: Vec<(Balance, Moment)>,
}

#[derive(Default)]
struct Ledger {
    accounts: BTreeMap<u8, Account>,
    covers: BTreeMap<u64, (u8, Balance)>,
    now: Moment,
}

type Outcome = Result<(), DispatchError>;

impl Ledger {
    fn covering(&self, who: u8) -> Balance {
        self.covers.values().filter(|cover| cover.0 == who).map(|cover| cover.1).sum()
    }

    fn has_bond(&self, who: u8) -> bool {
        let account = &self.accounts[&who];
        account.free > 0 || !account.leaving.is_empty() || self.covering(who) > 0
    }

    fn play(&mut self, step: &Step) -> Outcome {
        match *step {
            Step::Bond { who, amount } => {
                if amount == 0 {
                    return Err(Error::<Test>::ZeroAmount.into());
                }
                let covering = self.covering(who);
                let account = self.accounts.get_mut(&who).unwrap();
                if account.free + covering + amount < MINIMUM {
                    return Err(Error::<Test>::BelowMinimum.into());
                }
                // The existential deposit stays in the purse.
                if amount + 1 > account.purse {
                    return Err(TokenError::FundsUnavailable.into());
                }
                account.purse -= amount;
                account.free += amount;
            }
            Step::Unbond { who, amount } => {
                if amount == 0 {
                    return Err(Error::<Test>::ZeroAmount.into());
                }
                if !self.has_bond(who) {
                    return Err(Error::<Test>::NoBond.into());
                }
                let covering = self.covering(who);
                let account = self.accounts.get_mut(&who).unwrap();
                if amount > account.free {
                    return Err(Error::<Test>::NotFree.into());
                }
                if account.leaving.len() == MAX_UNBONDINGS as usize {
                    return Err(Error::<Test>::TooManyUnbondings.into());
                }
                let standing = account.free + covering - amount;
                if standing > 0 && standing < MINIMUM {
                    return Err(Error::<Test>::BelowMinimum.into());
                }
                account.free -= amount;
                account.leaving.push((amount, self.now + u64::from(DELAY) * 1_000));
            }
            Step::Withdraw { who } => {
                if !self.has_bond(who) {
                    return Err(Error::<Test>::NoBond.into());
                }
                let now = self.now;
                let account = self.accounts.get_mut(&who).unwrap();
                let due: Balance = account.leaving.iter().filter(|portion| portion.1 <= now).map(|portion| portion.0).sum();
                if due == 0 {
                    return Err(Error::<Test>::NothingDue.into());
                }
                account.leaving.retain(|portion| portion.1 > now);
                account.purse += due;
            }
            Step::Reserve { job, who, amount } => {
                if self.covers.contains_key(&job) {
                    return Err(Error::<Test>::AlreadyCovered.into());
                }
                if amount > 0 {
                    let account = self.accounts.get_mut(&who).unwrap();
                    if amount > account.free {
                        return Err(Error::<Test>::InsufficientBond.into());
                    }
                    account.free -= amount;
                    self.covers.insert(job, (who, amount));
                }
            }
            Step::Release { job } => {
                if let Some((who, amount)) = self.covers.remove(&job) {
                    self.accounts.get_mut(&who).unwrap().free += amount;
                }
            }
            Step::Wait { seconds } => self.now += seconds * 1_000,
        }
        Ok(())
    }
}

fn play(step: &Step, now: Moment) -> Outcome {
    match *step {
        Step::Bond { who, amount } => Bonds::bond(signed(who), amount),
        Step::Unbond { who, amount } => Bonds::unbond(signed(who), amount),
        Step::Withdraw { who } => Bonds::withdraw(signed(who)),
        Step::Reserve { job, who, amount } => Bonds::reserve(JobId(job), &account(who), &account(4), amount),
        Step::Release { job } => {
            Bonds::release(JobId(job));
            Ok(())
        }
        Step::Wait { .. } => {
            set_time(now);
            Ok(())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_ledger(steps in prop::collection::vec(step(), 1..60)) {
        run(|| {
            let mut ledger = Ledger { now: START, ..Ledger::default() };
            for who in 1..=3 {
                ledger.accounts.insert(who, Account { purse: ENDOWMENT, ..Account::default() });
            }
            for step in &steps {
                let expected = ledger.play(step);
                let actual = frame_support::storage::with_storage_layer(|| play(step, ledger.now));
                assert_eq!(actual, expected, "{step:?}");
                for (who, record) in &ledger.accounts {
                    assert_eq!(spendable(&account(*who)), record.purse, "{step:?}");
                    assert_eq!(Bonds::free(&account(*who)), record.free, "{step:?}");
                }
                Bonds::do_try_state().unwrap();
            }
        });
    }
}
