//! One constructor for each extrinsic of BlockCloud's pallets, and for the few of other pallets that its users need.
//!
//! A [`Call`] names pallet and call and holds its arguments as SCALE; the indices come from the chain's metadata when it is encoded. Not here:
//! signing and sending (`submit`).

use crate::{Result, runtime::Runtime};
use blockcloud_primitives::AccountId;
use codec::{Compact, Encode};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Argument {
    /// SCALE bytes.
    Bytes(Vec<u8>),
    /// Another call.
    Call(Box<Call>),
    /// The length of the call before it, as a compact number.
    Length,
}

/// A call to the chain, ready to be signed. `Display` says what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pallet: &'static str,
    name: &'static str,
    arguments: Vec<Argument>,
    summary: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)
    }
}

impl Call {
    fn new(pallet: &'static str, name: &'static str, arguments: impl Encode, summary: impl Into<String>) -> Self {
        Self { pallet, name, arguments: vec![Argument::Bytes(arguments.encode())], summary: summary.into() }
    }

    /// Name of the pallet.
    pub fn pallet(&self) -> &'static str {
        self.pallet
    }

    /// Name of the call.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it does, in one sentence.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The arguments as SCALE.
    pub(crate) fn arguments(&self, runtime: &Runtime) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut length = 0u32;
        for argument in &self.arguments {
            match argument {
                Argument::Bytes(bytes) => out.extend_from_slice(bytes),
                Argument::Call(call) => {
                    let call = call.encode(runtime)?;
                    length = u32::try_from(call.len()).map_err(|error| runtime.incompatible(self.summary.clone(), error))?;
                    out.extend_from_slice(&call);
                }
                Argument::Length => Compact(length).encode_to(&mut out),
            }
        }
        Ok(out)
    }

    /// The call as SCALE, checked against the runtime's metadata.
    pub fn encode(&self, runtime: &Runtime) -> Result<Vec<u8>> {
        runtime.call(self.pallet, self.name, &self.arguments(runtime)?)
    }
}

/// `MultiAddress::Id`.
fn address(account: AccountId) -> (u8, AccountId) {
    (0, account)
}

/// Capacity: providers, sites, offers, facts.
pub mod offers {
    use super::{AccountId, Call};
    use blockcloud_primitives::{Fact, FactKind, Moment, OfferId, OfferTerms, SiteId, Text};

    const PALLET: &str = "Offers";

    /// Becomes a provider whose agent answers at this base URL.
    pub fn register(profile: &Text<256>) -> Call {
        Call::new(PALLET, "register", profile, format!("register as a provider with the agent at {profile}"))
    }

    /// Changes the base URL of the provider's agent.
    pub fn update_profile(profile: &Text<256>) -> Call {
        Call::new(PALLET, "update_profile", profile, format!("change the agent's address to {profile}"))
    }

    /// Stops being a provider.
    pub fn deregister() -> Call {
        Call::new(PALLET, "deregister", (), "deregister as a provider")
    }

    /// Adds a site.
    pub fn add_site() -> Call {
        Call::new(PALLET, "add_site", (), "add a site")
    }

    /// Removes a site that no offer uses.
    pub fn remove_site(site: SiteId) -> Call {
        Call::new(PALLET, "remove_site", site, format!("remove site {site}"))
    }

    /// Publishes an offer.
    pub fn publish(terms: &OfferTerms) -> Call {
        Call::new(PALLET, "publish", terms, format!("publish an offer of {} vCPUs at site {}", terms.total.vcpus, terms.site))
    }

    /// Changes an offer for later jobs.
    pub fn update(offer: OfferId, terms: &OfferTerms) -> Call {
        Call::new(PALLET, "update", (offer, terms), format!("change the terms of offer {offer}"))
    }

    /// Withdraws an offer.
    pub fn withdraw(offer: OfferId) -> Call {
        Call::new(PALLET, "withdraw", offer, format!("withdraw offer {offer}"))
    }

    /// Lets an account certify facts (governance).
    pub fn accredit(certifier: AccountId) -> Call {
        Call::new(PALLET, "accredit", certifier, format!("accredit {certifier} as a certifier"))
    }

    /// Takes that back (governance).
    pub fn discredit(certifier: AccountId) -> Call {
        Call::new(PALLET, "discredit", certifier, format!("withdraw the accreditation of {certifier}"))
    }

    /// Vouches for a fact about a site until a moment (accredited certifiers).
    pub fn certify(site: SiteId, fact: &Fact, until: Moment) -> Call {
        Call::new(PALLET, "certify", (site, fact, until), format!("certify {fact:?} of site {site} until {until}"))
    }

    /// Takes a fact back (its certifier, or governance).
    pub fn revoke(site: SiteId, kind: &FactKind) -> Call {
        Call::new(PALLET, "revoke", (site, kind), format!("revoke the fact {kind:?} of site {site}"))
    }

    /// Clears away a fact that has expired.
    pub fn remove_expired_fact(site: SiteId, kind: &FactKind) -> Call {
        Call::new(PALLET, "remove_expired_fact", (site, kind), format!("remove the expired fact {kind:?} of site {site}"))
    }
}

/// Liability: a provider's bond.
pub mod bonds {
    use super::Call;
    use blockcloud_primitives::Balance;
    use codec::Compact;

    const PALLET: &str = "Bonds";

    /// Adds to the bond.
    pub fn bond(amount: Balance) -> Call {
        Call::new(PALLET, "bond", Compact(amount), format!("add {amount} to the bond"))
    }

    /// Starts to take from the free part of the bond.
    pub fn unbond(amount: Balance) -> Call {
        Call::new(PALLET, "unbond", Compact(amount), format!("start unbonding {amount}"))
    }

    /// Takes out what has finished unbonding.
    pub fn withdraw() -> Call {
        Call::new(PALLET, "withdraw", (), "withdraw what has finished unbonding")
    }
}

/// Jobs, from placement to their end.
pub mod jobs {
    use super::Call;
    use blockcloud_primitives::{Balance, Completion, Digest, Evidence, JobId, JobSpec, OfferId, Receipt, Signature};

    const PALLET: &str = "Jobs";

    /// Places a job under an offer: reserves capacity and cover and locks the escrow, or does nothing.
    pub fn place(offer: OfferId, spec: &JobSpec) -> Call {
        Call::new(PALLET, "place", (offer, spec), format!("place a job under offer {offer} with an escrow of {}", spec.escrow))
    }

    /// Accepts a job (its provider).
    pub fn accept(job: JobId) -> Call {
        Call::new(PALLET, "accept", job, format!("accept job {job}"))
    }

    /// Brings evidence of the job's guest (its provider).
    pub fn attest(job: JobId, evidence: &Evidence) -> Call {
        Call::new(PALLET, "attest", (job, evidence), format!("attest the guest of job {job}"))
    }

    /// Brings newer evidence of the very guest of the job's session (its provider).
    pub fn renew(job: JobId, evidence: &Evidence) -> Call {
        Call::new(PALLET, "renew", (job, evidence), format!("attest the guest of job {job} anew"))
    }

    /// Pays out what has been earned so far (anyone).
    pub fn settle(job: JobId) -> Call {
        Call::new(PALLET, "settle", job, format!("settle job {job}"))
    }

    /// Ends a job with the guest's completion and proof of erasure (anyone). At most 64 digests of proof are taken by the chain.
    pub fn complete(job: JobId, completion: &Completion, signature: &Signature, erase: &Receipt, proof: &[Digest]) -> Call {
        Call::new(PALLET, "complete", (job, completion, signature, erase, proof), format!("complete job {job}"))
    }

    /// Ends a job: its customer cancels, its provider gives up.
    pub fn cancel(job: JobId) -> Call {
        Call::new(PALLET, "cancel", job, format!("cancel job {job}"))
    }

    /// Adds to a job's escrow (its customer).
    pub fn top_up(job: JobId, amount: Balance) -> Call {
        Call::new(PALLET, "top_up", (job, amount), format!("add {amount} to the escrow of job {job}"))
    }

    /// Processes a job's deadline if it is due, suspends it if its evidence counts no longer, or lets it go on (anyone).
    pub fn poke(job: JobId) -> Call {
        Call::new(PALLET, "poke", job, format!("process the deadline of job {job}"))
    }
}

/// Which hardware, firmware and software may hold a job's keys. Whose call it is stands in brackets.
pub mod attestation {
    use super::Call;
    use blockcloud_primitives::{CollateralItem, Digest, Measurement, Moment, SiteId, Tcb, TdxFloor, Tee};
    use codec::Encode;

    const PALLET: &str = "Attestation";

    /// Sets a product's root and issuing certificate (DER; council). `product` is `blockcloud_evidence::snp::Product`.
    pub fn set_roots(tee: Tee, product: &impl Encode, root: &[u8], issuer: &[u8]) -> Call {
        Call::new(PALLET, "set_roots", (tee, product, root, issuer), format!("set the roots of {tee:?}"))
    }

    /// Removes them (council).
    pub fn remove_roots(tee: Tee, product: &impl Encode) -> Call {
        Call::new(PALLET, "remove_roots", (tee, product), format!("remove the roots of {tee:?}"))
    }

    /// Approves guest software until a moment (council).
    pub fn approve_measurement(measurement: &Measurement, until: Moment) -> Call {
        Call::new(PALLET, "approve_measurement", (measurement, until), format!("approve measurement {measurement} until {until}"))
    }

    /// Takes that back; what runs may drain for so many seconds (council).
    pub fn withdraw_measurement(measurement: &Measurement, drain: u32) -> Call {
        Call::new(PALLET, "withdraw_measurement", (measurement, drain), format!("withdraw measurement {measurement} after {drain} s"))
    }

    /// Refuses a chip from now on (council).
    pub fn deny_chip(chip: Digest) -> Call {
        Call::new(PALLET, "deny_chip", chip, format!("deny chip {chip}"))
    }

    /// Takes that back (council).
    pub fn allow_chip(chip: Digest) -> Call {
        Call::new(PALLET, "allow_chip", chip, format!("allow chip {chip} again"))
    }

    /// Sets the firmware level below which evidence is refused, in `after` seconds for new sessions and `grace` later for running ones; without one, the
    /// product's evidence is refused altogether (council).
    pub fn set_floor(tee: Tee, product: &impl Encode, floor: Option<&Tcb>, after: u32, grace: u32) -> Call {
        Call::new(PALLET, "set_floor", (tee, product, floor, after, grace), format!("set the firmware floor of {tee:?}"))
    }

    /// Sets a TDX vendor's root (DER; council).
    pub fn set_tdx_root(tee: Tee, root: &[u8]) -> Call {
        Call::new(PALLET, "set_tdx_root", (tee, root), format!("set the root of {tee:?}"))
    }

    /// Removes it (council).
    pub fn remove_tdx_root(tee: Tee) -> Call {
        Call::new(PALLET, "remove_tdx_root", tee, format!("remove the root of {tee:?}"))
    }

    /// Sets what is wanted of TDX platforms: a floor and the processor state (XFAM) that guests may use (council).
    pub fn set_tdx_floor(tee: Tee, floor: Option<(TdxFloor, u64)>, after: u32, grace: u32) -> Call {
        Call::new(PALLET, "set_tdx_floor", (tee, floor, after, grace), format!("set the floor of {tee:?}"))
    }

    /// Brings a piece of a TDX vendor's collateral (anyone; a deposit is held).
    pub fn submit_collateral(tee: Tee, item: &CollateralItem) -> Call {
        let what = match item {
            CollateralItem::RootCrl { .. } => "the root's revocation list",
            CollateralItem::PckCrl { .. } => "a revocation list of platform keys",
            CollateralItem::TcbInfo(_) => "a TCB info",
            CollateralItem::QeIdentity(_) => "the identity of the quoting enclave",
        };
        Call::new(PALLET, "submit_collateral", (tee, item), format!("bring {what} of {tee:?}"))
    }

    /// Lets a chip go (its provider).
    pub fn release_chip(chip: Digest) -> Call {
        Call::new(PALLET, "release_chip", chip, format!("release chip {chip}"))
    }

    /// Vouches that a chip stands at its site until a moment (accredited certifiers).
    pub fn endorse_chip(chip: Digest, site: SiteId, until: Moment) -> Call {
        Call::new(PALLET, "endorse_chip", (chip, site, until), format!("vouch that chip {chip} stands at site {site} until {until}"))
    }

    /// Takes that back (the certifier).
    pub fn withdraw_endorsement(chip: Digest) -> Call {
        Call::new(PALLET, "withdraw_endorsement", chip, format!("vouch no longer for chip {chip}"))
    }

    /// Vouches for guest software until a moment, for customers who name the caller as a publisher (anyone; a deposit is held).
    pub fn publish_measurement(measurement: &Measurement, until: Moment) -> Call {
        Call::new(PALLET, "publish_measurement", (measurement, until), format!("vouch for measurement {measurement} until {until}"))
    }

    /// Takes that back; what runs may drain for so many seconds (the publisher).
    pub fn retract_measurement(measurement: &Measurement, drain: u32) -> Call {
        Call::new(PALLET, "retract_measurement", (measurement, drain), format!("vouch no longer for measurement {measurement}"))
    }

    /// Stops the opening of sessions (technical committee, or council).
    pub fn stop() -> Call {
        Call::new(PALLET, "stop", (), "stop the opening of sessions")
    }

    /// Takes that back (council).
    pub fn resume() -> Call {
        Call::new(PALLET, "resume", (), "let sessions open again")
    }
}

/// The heads of receipt logs, rounds, and equivocation.
pub mod receipts {
    use super::Call;
    use blockcloud_primitives::{AggregatorId, Checkpoint, Digest, Equivocation, JobId, PublicKey, Round, Signature, SlotEntry};

    const PALLET: &str = "Receipts";

    /// Brings a signed checkpoint with its proof of consistency with the log's head (anyone). At most 64 digests of proof are taken.
    pub fn checkpoint(checkpoint: &Checkpoint, signature: &Signature, proof: &[Digest]) -> Call {
        let summary = format!("checkpoint the log of job {} at {} receipts", checkpoint.job, checkpoint.size);
        Call::new(PALLET, "checkpoint", (checkpoint, signature, proof), summary)
    }

    /// Becomes an aggregator whose rounds this key signs, with a tree of 2^height slots, at most 2^30 (a deposit is held).
    pub fn register_aggregator(key: PublicKey, height: u8) -> Call {
        Call::new(PALLET, "register_aggregator", (key, height), format!("register an aggregator with the key {key} and 2^{height} slots"))
    }

    /// Stops being an aggregator (its owner, once it has no sources).
    pub fn retire_aggregator(aggregator: AggregatorId) -> Call {
        Call::new(PALLET, "retire_aggregator", aggregator, format!("retire aggregator {aggregator}"))
    }

    /// Gives a job a slot with an aggregator: an unused one, or the vacant one that is named (the job's customer or provider; a deposit is held).
    pub fn register_source(aggregator: AggregatorId, job: JobId, vacant: Option<u32>) -> Call {
        Call::new(PALLET, "register_source", (aggregator, job, vacant), format!("register job {job} with aggregator {aggregator}"))
    }

    /// Gives a slot up (who registered the job there; anyone once the job is closed or the aggregator stopped).
    pub fn withdraw_source(aggregator: AggregatorId, slot: u32) -> Call {
        Call::new(PALLET, "withdraw_source", (aggregator, slot), format!("withdraw slot {slot} from aggregator {aggregator}"))
    }

    /// Brings an aggregator's next round with the aggregator's signature (anyone).
    pub fn commit_round(round: &Round, signature: &Signature) -> Call {
        let summary = format!("commit round {} of aggregator {} with {} logs", round.number, round.aggregator, round.filled);
        Call::new(PALLET, "commit_round", (round, signature), summary)
    }

    /// Brings a checkpoint out of a committed round (anyone): what stands in the job's slot, the path from there to the round's root, and the proof of
    /// consistency with the log's head. At most 30 and 64 digests are taken.
    pub fn checkpoint_in_round(
        aggregator: AggregatorId,
        number: u64,
        slot: u32,
        entry: &SlotEntry,
        path: &[Digest],
        proof: &[Digest],
    ) -> Call {
        let Checkpoint { job, size, .. } = entry.checkpoint;
        let summary = format!("checkpoint the log of job {job} at {size} receipts through round {number} of aggregator {aggregator}");
        Call::new(PALLET, "checkpoint_in_round", (aggregator, number, slot, entry, path, proof), summary)
    }

    /// Proves that a guest or an aggregator signed two things that cannot both be true (anyone; costs nothing if it is so).
    pub fn report_equivocation(proof: &Equivocation) -> Call {
        let whose = match proof {
            Equivocation::Checkpoints([first, _]) => format!("the guest of job {}", first.checkpoint.job),
            Equivocation::Rounds([first, _]) => format!("aggregator {}", first.round.aggregator),
            Equivocation::Committed { committed, .. } => format!("aggregator {}", committed.aggregator),
        };
        Call::new(PALLET, "report_equivocation", proof, format!("report that {whose} signed two histories"))
    }
}

/// The consortium: its validators, and what its council does as root.
pub mod consortium {
    use super::{AccountId, Argument, Call};
    use blockcloud_primitives::Text;

    const PALLET: &str = "Consortium";

    /// Adds a validator (council).
    pub fn add_validator(account: AccountId, name: &Text<64>) -> Call {
        Call::new(PALLET, "add_validator", (account, name), format!("add validator {name}"))
    }

    /// Removes a validator (council).
    pub fn remove_validator(account: AccountId) -> Call {
        Call::new(PALLET, "remove_validator", account, format!("remove validator {account}"))
    }

    /// Lets the council make a call as root.
    pub fn enact(call: Call) -> Call {
        let summary = format!("as root: {call}");
        Call { pallet: PALLET, name: "enact", arguments: vec![Argument::Call(Box::new(call))], summary }
    }
}

/// The council's motions.
pub mod council {
    use super::{Argument, Call};
    use blockcloud_primitives::Digest;
    use codec::{Compact, Encode};

    const PALLET: &str = "Council";

    /// Moves that the council make a call. With a threshold of one it is made at once.
    pub fn propose(threshold: u32, call: Call) -> Call {
        let summary = format!("move in council (threshold {threshold}): {call}");
        let arguments = vec![Argument::Bytes(Compact(threshold).encode()), Argument::Call(Box::new(call)), Argument::Length];
        Call { pallet: PALLET, name: "propose", arguments, summary }
    }

    /// Votes on a motion.
    pub fn vote(motion: Digest, index: u32, approve: bool) -> Call {
        Call::new(PALLET, "vote", (motion, Compact(index), approve), format!("vote {approve} on motion {index}"))
    }

    /// Closes a motion; if it carried, its call is made. The weight bounds are those of the largest call that may be inside.
    pub fn close(motion: Digest, index: u32, ref_time: u64, proof_size: u64, length: u32) -> Call {
        let arguments = (motion, Compact(index), (Compact(ref_time), Compact(proof_size)), Compact(length));
        Call::new(PALLET, "close", arguments, format!("close motion {index}"))
    }
}

/// Money.
pub mod balances {
    use super::{AccountId, Call, address};
    use blockcloud_primitives::Balance;
    use codec::Compact;

    /// Transfers money without letting the sender's account die.
    pub fn transfer(to: AccountId, amount: Balance) -> Call {
        Call::new("Balances", "transfer_keep_alive", (address(to), Compact(amount)), format!("transfer {amount} to {to}"))
    }
}

/// Roles in a company.
pub mod proxy {
    use super::{AccountId, Call, address};
    use crate::Role;

    /// Lets another account act for the signer in a role, at once.
    pub fn appoint(account: AccountId, role: Role) -> Call {
        Call::new("Proxy", "add_proxy", (address(account), role, 0u32), format!("let {account} act for you as {role}"))
    }

    /// Ends that.
    pub fn dismiss(account: AccountId, role: Role) -> Call {
        Call::new("Proxy", "remove_proxy", (address(account), role, 0u32), format!("no longer let {account} act for you as {role}"))
    }
}

/// The system itself.
pub mod system {
    use super::Call;

    /// Writes a remark that nobody reads.
    pub fn remark(text: &[u8]) -> Call {
        Call::new("System", "remark", text, format!("remark of {} bytes", text.len()))
    }

    /// Replaces the runtime (root).
    pub fn set_code(wasm: &[u8]) -> Call {
        Call::new("System", "set_code", wasm, format!("replace the runtime by {} bytes of Wasm", wasm.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blockcloud_primitives::{Digest, JobId, OfferId};

    fn bytes(call: &Call) -> Vec<u8> {
        call.arguments
            .iter()
            .flat_map(|argument| match argument {
                Argument::Bytes(bytes) => bytes.clone(),
                other => panic!("{other:?} needs metadata"),
            })
            .collect()
    }

    #[test]
    fn arguments_are_plain_scale() {
        assert_eq!(bytes(&jobs::accept(JobId(5))), [5, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes(&offers::withdraw(OfferId(256))), [0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes(&bonds::bond(1)), [4]);
        assert_eq!(bytes(&bonds::withdraw()), [0u8; 0]);
        let transfer = bytes(&balances::transfer(AccountId([3; 32]), 1));
        assert_eq!(transfer, [vec![0], vec![3; 32], vec![4]].concat());
        let appoint = bytes(&proxy::appoint(AccountId([3; 32]), crate::Role::Security));
        assert_eq!(appoint, [vec![0], vec![3; 32], vec![3, 0, 0, 0, 0]].concat());
        let vote = bytes(&council::vote(Digest([1; 32]), 2, true));
        assert_eq!(vote, [vec![1; 32], vec![8, 1]].concat());
    }

    #[test]
    fn a_text_is_its_length_and_bytes() {
        assert_eq!(bytes(&offers::register(&"http://a".parse().unwrap())), "http://a".encode());
    }

    #[test]
    fn summaries_name_what_is_done_also_inside_other_calls() {
        let call = council::propose(3, consortium::enact(jobs::accept(JobId(7))));
        assert_eq!(call.to_string(), "move in council (threshold 3): as root: accept job 7");
        assert_eq!((call.pallet(), call.name()), ("Council", "propose"));
    }
}
