//! Random sequences of everything that happens to jobs, with random steps of time, beside a ledger in plain Rust that says what must come of each:
//! which call succeeds, which job ends when and why, and who has how much money.
//!
//! The ledger knows nothing of the pallet's types or arithmetic: it has its own.

use crate::{Event, Flows, JobOf, Jobs as Stored, TotalFlows, mock::*};
use blockcloud_primitives::{End, JobId, JobSpec, JobState};
use proptest::prelude::*;
use sp_runtime::AccountId32;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Place {
        customer: usize,
        offer: usize,
        escrow: u128,
        longest_run: u32,
        gap: u32,
        grace: u32,
    },
    /// What usually comes next for the job, so that many sequences get far: accept, attest, checkpoint.
    Next {
        job: usize,
    },
    Accept {
        job: usize,
    },
    Attest {
        job: usize,
    },
    Checkpoint {
        job: usize,
        late: u64,
    },
    Settle {
        job: usize,
    },
    Complete {
        job: usize,
    },
    Cancel {
        job: usize,
        who: usize,
    },
    TopUp {
        job: usize,
        amount: u128,
    },
    Poke {
        job: usize,
    },
    /// What the guest is, is approved no longer.
    Withdraw {
        job: usize,
    },
    /// It is approved again.
    Reinstate {
        job: usize,
    },
    Renew {
        job: usize,
    },
    Wait {
        ms: u64,
    },
    /// Time passes and no block comes: what is overdue stays unnoticed until somebody calls.
    Stall {
        ms: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let job = prop_oneof![3 => Just(0_usize), 1 => 0..4_usize];
    let step = prop_oneof![
        2 => (0..3_usize, 0..4_usize, 0..20_000_u128, 1..120_u32, MIN_GAP..=MAX_GAP, prop_oneof![Just(0_u32), 1..90_u32])
            .prop_map(|(customer, offer, escrow, longest_run, gap, grace)| Step::Place { customer, offer, escrow, longest_run, gap, grace }),
        16 => job.clone().prop_map(|job| Step::Next { job }),
        1 => job.clone().prop_map(|job| Step::Accept { job }),
        1 => job.clone().prop_map(|job| Step::Attest { job }),
        6 => (job.clone(), 0..5_000_u64).prop_map(|(job, late)| Step::Checkpoint { job, late }),
        2 => job.clone().prop_map(|job| Step::Settle { job }),
        1 => job.clone().prop_map(|job| Step::Complete { job }),
        1 => (job.clone(), 0..5_usize).prop_map(|(job, who)| Step::Cancel { job, who }),
        2 => (job.clone(), 0..5_000_u128).prop_map(|(job, amount)| Step::TopUp { job, amount }),
        2 => job.clone().prop_map(|job| Step::Poke { job }),
        2 => job.clone().prop_map(|job| Step::Withdraw { job }),
        2 => job.clone().prop_map(|job| Step::Reinstate { job }),
        2 => job.prop_map(|job| Step::Renew { job }),
        8 => prop_oneof![20 => 0..6_000_u64, 3 => 0..40_000_u64, 1 => 0..700_000_u64].prop_map(|ms| Step::Wait { ms }),
        1 => prop_oneof![3 => 0..5_000_u64, 1 => 0..60_000_u64].prop_map(|ms| Step::Stall { ms }),
    ];
    prop::collection::vec(step, 1..120)
}

/// Provider and price for two processors and a second.
const OFFERS: [(AccountId32, u128); 4] = [(PROVIDER, 200), (OTHER_PROVIDER, 74), (PROVIDER, 0), (GHOST, 2)];
/// The last is a provider: it may be its own customer.
const CUSTOMERS: [AccountId32; 3] = [CUSTOMER, OTHER_CUSTOMER, PROVIDER];

#[derive(Clone, Debug)]
struct Entry {
    customer: AccountId32,
    provider: AccountId32,
    rate: u128,
    longest_run: u64,
    gap: u64,
    state: JobState,
    deadline: u64,
    session_until: u64,
    withdrawn: bool,
    grace: u64,
    /// Until when it waits for evidence that counts, if it does.
    suspended: Option<u64>,
    /// In which second the service comes by, once the job runs.
    looked_at: u64,
    started: u64,
    last: u64,
    vouched: u64,
    covered: u64,
    deposited: u128,
    paid: u128,
    returned: u128,
}

/// What becomes of a job by itself.
enum Turn {
    End(End),
    /// Until then it waits for evidence that counts.
    Wait(u64),
    GoOn,
}

#[derive(Default)]
struct Ledger {
    jobs: BTreeMap<JobId, Entry>,
    /// What each account has, locked or not.
    wealth: BTreeMap<AccountId32, u128>,
    flows: Flows,
    now: u64,
    /// Every job that was ever placed, by age.
    ids: Vec<JobId>,
}

const fn ms(seconds: u32) -> u64 {
    seconds as u64 * 1000
}

impl Entry {
    fn earned(&self) -> u128 {
        (self.rate * u128::from(self.covered) / 1000).min(self.deposited)
    }

    fn live(&self) -> bool {
        !matches!(self.state, JobState::Settled(_))
    }

    fn attested(&self) -> bool {
        self.session_until > 0
    }

    /// When the escrow is used up. In signed numbers, because that may lie in the past.
    fn dry(&self) -> Option<i128> {
        (self.rate > 0).then(|| {
            let needed = (self.deposited * 1000).div_ceil(self.rate);
            i128::from(self.last) + needed as i128 - i128::from(self.covered)
        })
    }

    /// Deadline and end of a running job.
    fn running_until(&self) -> (u64, End) {
        let vouched_for = self.last + self.gap;
        let word = |at: i128, end| {
            let at = (at + i128::from(ms(LAST_WORD_GRACE))) as u64;
            (at, if at > vouched_for { End::Silent } else { end })
        };
        let mut all = vec![word(i128::from(self.started + self.longest_run), End::TimeUp)];
        all.extend(self.dry().map(|at| word(at, End::EscrowExhausted)));
        all.push((self.session_until, End::AttestationLapsed));
        all.push((vouched_for + ms(SILENCE_GRACE), End::Silent));
        let first = all.iter().map(|(at, _)| *at).min().unwrap();
        all.into_iter().find(|(at, _)| *at == first).unwrap()
    }

    /// What has become of it by `now`, if anything.
    fn turn(&self, now: u64) -> Option<Turn> {
        let expired = now.min(self.deadline) >= self.session_until;
        let lapsed = self.withdrawn || expired;
        let overdue = now >= self.deadline;
        match self.state {
            JobState::Reserved if overdue => Some(Turn::End(End::NotAccepted)),
            JobState::Accepted if overdue => Some(Turn::End(End::NotAttested)),
            JobState::Attested if lapsed => Some(Turn::End(End::AttestationLapsed)),
            JobState::Attested if overdue => Some(Turn::End(End::NotStarted)),
            JobState::Running if self.suspended.is_some() => {
                if overdue {
                    Some(Turn::End(End::AttestationLapsed))
                } else {
                    (!lapsed).then_some(Turn::GoOn)
                }
            }
            JobState::Running if lapsed => {
                // That it runs out is known beforehand; anything else begins when it is noticed.
                let until = self.grace + if expired { now.min(self.session_until) } else { now };
                Some(if until > now { Turn::Wait(until) } else { Turn::End(End::AttestationLapsed) })
            }
            JobState::Running if overdue => Some(Turn::End(self.running_until().1)),
            _ => None,
        }
    }

    /// Nothing of the time that it waited is paid, and its next checkpoint has a whole gap.
    fn go_on(&mut self, now: u64) {
        if self.suspended.take().is_some() {
            (self.vouched, self.last) = (self.vouched.max(now), now);
        }
    }

    /// Sets the deadline of a running job. It may have passed: then the service comes in the next second.
    fn fix_deadline(&mut self, now: u64) {
        self.deadline = self.suspended.unwrap_or_else(|| self.running_until().0);
        self.looked_at = self.deadline.div_ceil(1000).max(now / 1000 + 1);
    }
}

impl Ledger {
    fn new() -> Self {
        let wealth = [CUSTOMER, OTHER_CUSTOMER, PROVIDER, OTHER_PROVIDER, STRANGER].map(|account| (account, ENDOWMENT));
        Self { wealth: wealth.into(), now: START, ..Self::default() }
    }

    fn pay(&mut self, id: JobId) -> u128 {
        let entry = self.jobs.get_mut(&id).unwrap();
        let due = entry.earned() - entry.paid;
        // Nobody can be paid less than an account needs to exist.
        if due == 0 || self.wealth.get(&entry.provider).copied().unwrap_or_default() + due < MINIMUM_BALANCE {
            return 0;
        }
        entry.paid += due;
        self.flows.paid += due;
        *self.wealth.get_mut(&entry.customer).unwrap() -= due;
        *self.wealth.entry(entry.provider.clone()).or_default() += due;
        due
    }

    fn give_back(&mut self, id: JobId, amount: u128) {
        self.jobs.get_mut(&id).unwrap().returned += amount;
        self.flows.returned += amount;
    }

    fn end(&mut self, id: JobId, end: End) {
        let entry = self.jobs.get_mut(&id).unwrap();
        if entry.started > 0 && matches!(end, End::Completed | End::CancelledByCustomer) {
            entry.covered = entry.covered.max(ms(MIN_PAID_TIME).min(entry.longest_run));
        }
        self.pay(id);
        let entry = &self.jobs[&id];
        self.give_back(id, entry.deposited - entry.returned - entry.earned());
        let entry = self.jobs.get_mut(&id).unwrap();
        entry.state = JobState::Settled(end);
        entry.deadline = self.now + ms(CLAIM_WINDOW);
        if !entry.attested() {
            self.jobs.remove(&id);
        }
    }

    fn close(&mut self, id: JobId) {
        self.pay(id);
        let entry = &self.jobs[&id];
        self.give_back(id, entry.deposited - entry.returned - entry.paid);
        self.jobs.remove(&id);
    }

    /// What time alone does to a job.
    fn advance(&mut self, id: JobId) -> bool {
        let Some(entry) = self.jobs.get(&id) else { return false };
        if !entry.live() {
            let over = self.now >= entry.deadline;
            if over {
                self.close(id);
            }
            return over;
        }
        let (turn, now) = (entry.turn(self.now), self.now);
        let entry = self.jobs.get_mut(&id).unwrap();
        match turn {
            None => return false,
            Some(Turn::End(end)) => self.end(id, end),
            Some(Turn::Wait(until)) => {
                entry.suspended = Some(until);
                entry.fix_deadline(now);
            }
            Some(Turn::GoOn) => {
                entry.go_on(now);
                entry.fix_deadline(now);
            }
        }
        true
    }

    /// A live job in one of these states whose deadline has not passed.
    fn usable(&mut self, id: JobId, states: &[JobState]) -> Option<&mut Entry> {
        let now = self.now;
        self.jobs.get_mut(&id).filter(|entry| states.contains(&entry.state) && now < entry.deadline)
    }

    /// `wanted`: longest run, gap and grace, in seconds.
    fn place(&mut self, id: JobId, customer: usize, offer: usize, escrow: u128, wanted: [u32; 3]) -> bool {
        let (provider, rate) = OFFERS[offer].clone();
        let [longest_run, gap, grace] = wanted;
        if escrow < rate * u128::from(longest_run.min(MIN_PAID_TIME)) {
            return false;
        }
        self.flows.deposited += escrow;
        self.ids.push(id);
        let entry = Entry {
            customer: CUSTOMERS[customer].clone(),
            provider,
            rate,
            longest_run: ms(longest_run),
            gap: ms(gap),
            state: JobState::Reserved,
            deadline: self.now + ms(ACCEPT_WITHIN),
            session_until: 0,
            withdrawn: false,
            grace: ms(grace),
            suspended: None,
            looked_at: 0,
            started: 0,
            last: 0,
            vouched: 0,
            covered: 0,
            deposited: escrow,
            paid: 0,
            returned: 0,
        };
        self.jobs.insert(id, entry);
        true
    }

    fn accept(&mut self, id: JobId) -> bool {
        let now = self.now;
        self.usable(id, &[JobState::Reserved])
            .map(|entry| (entry.state, entry.deadline) = (JobState::Accepted, now + ms(ATTEST_WITHIN)))
            .is_some()
    }

    fn attest(&mut self, id: JobId) -> bool {
        let now = self.now;
        let Some(entry) = self.usable(id, &[JobState::Accepted, JobState::Attested]) else { return false };
        if entry.state == JobState::Accepted {
            entry.deadline = now + ms(START_WITHIN);
        }
        entry.state = JobState::Attested;
        entry.session_until = now + ms(LEDGER_SESSION);
        entry.deadline = entry.deadline.min(entry.session_until);
        true
    }

    fn checkpoint(&mut self, id: JobId, late: u64) -> bool {
        let now = self.now;
        let Some(entry) =
            self.usable(id, &[JobState::Attested, JobState::Running]).filter(|entry| !entry.withdrawn && now < entry.session_until)
        else {
            return false;
        };
        let signed = now - late;
        entry.go_on(now);
        if entry.state == JobState::Attested {
            (entry.state, entry.started, entry.vouched) = (JobState::Running, now, signed);
        } else if signed > entry.vouched {
            let passed = now - entry.started;
            entry.covered = (entry.covered + (signed - entry.vouched).min(entry.gap)).min(entry.longest_run).min(passed);
            entry.vouched = signed;
        }
        entry.last = now;
        entry.fix_deadline(now);
        true
    }

    fn renew(&mut self, id: JobId) -> bool {
        let now = self.now;
        let Some(entry) = self.usable(id, &[JobState::Running]) else { return false };
        entry.session_until = now + ms(LEDGER_SESSION);
        entry.go_on(now);
        entry.fix_deadline(now);
        true
    }

    fn complete(&mut self, id: JobId) -> bool {
        let now = self.now;
        let believed = self.usable(id, &[JobState::Running]).is_some_and(|entry| !entry.withdrawn && now < entry.session_until);
        if believed {
            self.end(id, End::Completed);
        }
        believed
    }

    fn cancel(&mut self, id: JobId, who: &AccountId32) -> bool {
        let now = self.now;
        let Some(entry) = self.usable(id, &[JobState::Reserved, JobState::Accepted, JobState::Attested, JobState::Running]) else {
            return false;
        };
        let end = if *who == entry.customer {
            End::CancelledByCustomer
        } else if *who != entry.provider {
            return false;
        } else if entry.state != JobState::Running || now > entry.last + entry.gap {
            End::AbandonedByProvider
        } else if entry.dry().is_some_and(|dry| i128::from(now) >= dry) {
            End::EscrowExhausted
        } else if now >= entry.started + entry.longest_run {
            End::TimeUp
        } else {
            End::AbandonedByProvider
        };
        self.end(id, end);
        true
    }

    fn top_up(&mut self, id: JobId, amount: u128) -> bool {
        if amount == 0 {
            return false;
        }
        let now = self.now;
        let Some(entry) = self.usable(id, &[JobState::Reserved, JobState::Accepted, JobState::Attested, JobState::Running]) else {
            return false;
        };
        entry.deposited += amount;
        if entry.state == JobState::Running {
            entry.fix_deadline(now);
        }
        self.flows.deposited += amount;
        true
    }

    /// The service looks at what is due: at whole seconds, and at everything whose second has come.
    fn serve(&mut self, order: &[JobId]) {
        for id in order.iter().copied() {
            let overdue = |ledger: &Self| {
                let second = |entry: &Entry| if entry.state == JobState::Running { entry.looked_at } else { entry.deadline.div_ceil(1000) };
                ledger.jobs.get(&id).is_some_and(|entry| second(entry) * 1000 <= ledger.now)
            };
            while overdue(self) && self.advance(id) {}
        }
    }
}

/// Seconds that sessions last here: shorter than some runs.
const LEDGER_SESSION: u32 = 150;

/// Lets the chain take the step. Answers whether it was accepted, if it was a call.
fn play(step: &Step, ledger: &mut Ledger) -> Result<(), TestCaseError> {
    let id = |job: usize| ledger.ids.iter().rev().nth(job).copied().unwrap_or(JobId(u64::MAX));
    let party = |id: JobId, provider: bool| {
        let stored = Stored::<Test>::get(id);
        stored.map_or(STRANGER, |job| if provider { job.provider } else { job.customer })
    };
    let (happened, expected) = match *step {
        Step::Place { customer, offer, escrow, longest_run, gap, grace } => {
            let mut spec = JobSpec { escrow, longest_run, ..spec() };
            (spec.policy.checkpoint_gap, spec.policy.suspension_grace) = (gap, grace);
            let id = crate::NextJob::<Test>::get();
            let taken = [OFFER, OTHER_OFFER, FREE_OFFER, GHOST_OFFER][offer];
            (
                Jobs::place(signed(CUSTOMERS[customer].clone()), taken, Box::new(spec)).is_ok(),
                ledger.place(id, customer, offer, escrow, [longest_run, gap, grace]),
            )
        }
        Step::Next { job } => {
            let next = match ledger.jobs.get(&id(job)).map(|entry| entry.state) {
                Some(JobState::Accepted) => Step::Attest { job },
                Some(JobState::Attested | JobState::Running) => Step::Checkpoint { job, late: 0 },
                _ => Step::Accept { job },
            };
            return play(&next, ledger);
        }
        Step::Accept { job } => {
            let id = id(job);
            (Jobs::accept(signed(party(id, true)), id).is_ok(), ledger.accept(id))
        }
        Step::Attest { job } => {
            let id = id(job);
            let evidence = Box::new(Guest::new(id).evidence());
            (Jobs::attest(signed(party(id, true)), id, evidence).is_ok(), ledger.attest(id))
        }
        Step::Checkpoint { job, late } => {
            let id = id(job);
            (checkpoint_signed_at(id, now() - late).is_ok(), ledger.checkpoint(id, late))
        }
        Step::Settle { job } => {
            let id = id(job);
            let paid = ledger.jobs.contains_key(&id) && ledger.pay(id) > 0;
            (Jobs::settle(signed(STRANGER), id).is_ok(), paid)
        }
        Step::Complete { job } => {
            let id = id(job);
            (Guest::new(id).complete().is_ok(), ledger.complete(id))
        }
        Step::Cancel { job, who } => {
            let id = id(job);
            let who = [CUSTOMER, OTHER_CUSTOMER, PROVIDER, OTHER_PROVIDER, STRANGER][who].clone();
            (Jobs::cancel(signed(who.clone()), id).is_ok(), ledger.cancel(id, &who))
        }
        Step::TopUp { job, amount } => {
            let id = id(job);
            (Jobs::top_up(signed(party(id, false)), id, amount).is_ok(), ledger.top_up(id, amount))
        }
        Step::Poke { job } => {
            let id = id(job);
            (Jobs::poke(signed(STRANGER), id).is_ok(), ledger.advance(id))
        }
        Step::Withdraw { job } => {
            let id = id(job);
            let attested = ledger.jobs.get_mut(&id).filter(|entry| entry.state == JobState::Running);
            if let Some(entry) = attested {
                entry.withdrawn = true;
                change(|world| world.withdrawn.push(id));
            }
            (true, true)
        }
        Step::Reinstate { job } => {
            let id = id(job);
            if let Some(entry) = ledger.jobs.get_mut(&id) {
                entry.withdrawn = false;
                change(|world| world.withdrawn.retain(|of| *of != id));
            }
            (true, true)
        }
        Step::Renew { job } => {
            let id = id(job);
            let evidence = Box::new(Guest::new(id).evidence());
            (Jobs::renew(signed(party(id, true)), id, evidence).is_ok(), ledger.renew(id))
        }
        Step::Wait { ms } => {
            ledger.now += ms;
            events();
            wait(ms);
            // Catch up after the stalls: the ledger does not know of caps.
            (0..4).for_each(|_| wait(0));
            let order = in_the_services_order(ledger);
            notice_what_the_service_did(ledger, &order);
            ledger.serve(&order);
            (true, true)
        }
        Step::Stall { ms } => {
            ledger.now += ms;
            set_time(ledger.now);
            (true, true)
        }
    };
    prop_assert_eq!(happened, expected, "{:?}", step);
    Ok(())
}

/// The stored jobs, first those that the service just ended or closed, as it went. The order matters to a provider whose account the first payment
/// creates: what is too small for that is paid if it comes second.
fn in_the_services_order(ledger: &Ledger) -> Vec<JobId> {
    let ended = events().into_iter().filter_map(|event| match event {
        Event::Ended { job, .. } | Event::Closed { job } => Some(job),
        _ => None,
    });
    let mut order = Vec::new();
    for id in ended.chain(ledger.jobs.keys().copied()) {
        if ledger.jobs.contains_key(&id) && !order.contains(&id) {
            order.push(id);
        }
    }
    order
}

/// When exactly the service looks, the ledger does not know: within the second of a deadline, or earlier at a job whose session was withdrawn, it may or
/// may not, and so once an approval is given back. The ledger takes over what the chain did, and holds it against its own rules: there must have been
/// a reason.
fn notice_what_the_service_did(ledger: &mut Ledger, order: &[JobId]) {
    for id in order.iter().copied() {
        let entry = &ledger.jobs[&id];
        let moved = Stored::<Test>::get(id)
            .is_none_or(|job| job.is_live() != entry.live() || job.is_live() && job.suspended.is_some() != entry.suspended.is_some());
        assert!(!moved || ledger.advance(id), "the service moved {id:?} for no reason");
    }
}

/// Everything that the chain and the ledger both know is the same.
fn compare(ledger: &Ledger) -> Result<(), TestCaseError> {
    let flows = TotalFlows::<Test>::get();
    prop_assert_eq!(flows, ledger.flows);
    let stored: BTreeMap<JobId, JobOf<Test>> = Stored::<Test>::iter().collect();
    prop_assert_eq!(stored.keys().collect::<Vec<_>>(), ledger.jobs.keys().collect::<Vec<_>>());
    let mut locked = 0;
    for (id, job) in &stored {
        let entry = &ledger.jobs[id];
        prop_assert_eq!(job.state, entry.state, "{:?}", id);
        prop_assert_eq!(job.deadline, entry.deadline, "{:?}", id);
        if job.is_live() {
            prop_assert_eq!(job.suspended.map(|suspension| suspension.until), entry.suspended, "{:?}", id);
        }
        prop_assert_eq!(
            (job.deposited, job.earned(), job.paid, job.returned),
            (entry.deposited, entry.earned(), entry.paid, entry.returned)
        );
        prop_assert_eq!(entry.deposited, entry.paid + entry.returned + job.held());
        locked += job.held();
    }
    // Conservation, as equalities: of everything that ever went in, and of everything that there is.
    prop_assert_eq!(flows.deposited, flows.paid + flows.returned + locked);
    let mut wealth = 0;
    for account in [CUSTOMER, OTHER_CUSTOMER, PROVIDER, OTHER_PROVIDER, GHOST, STRANGER] {
        let (escrow, deposit) = held(&account);
        let owned = spendable(&account) + escrow + deposit;
        prop_assert_eq!(owned, ledger.wealth.get(&account).copied().unwrap_or_default(), "{:?}", account);
        wealth += owned;
    }
    prop_assert_eq!(wealth, 5 * ENDOWMENT);
    prop_assert_eq!(Jobs::do_try_state(), Ok(()));
    check_neighbours();
    Ok(())
}

proptest! {
    #[test]
    fn the_chain_agrees_with_the_ledger(steps in steps()) {
        new_test_ext().execute_with(|| {
            change(|world| world.session = LEDGER_SESSION);
            let mut ledger = Ledger::new();
            for step in &steps {
                play(step, &mut ledger)?;
                compare(&ledger)?;
            }
            // In the end everything is closed and everybody has what is theirs.
            for ms in [ms(ATTEST_WITHIN), ms(ATTEST_WITHIN), ms(CLAIM_WINDOW) + 1000, 1000] {
                play(&Step::Wait { ms }, &mut ledger)?;
            }
            compare(&ledger)?;
            prop_assert_eq!(Stored::<Test>::iter_keys().count(), 0);
            prop_assert_eq!(TotalFlows::<Test>::get().deposited, ledger.flows.paid + ledger.flows.returned);
            Ok(())
        })?;
    }
}
