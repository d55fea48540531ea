//! Every call that the client can make is one that the chain's runtime knows, argument by argument.

use anyhow::{Context as _, Result};
use blockcloud_client::{At, Call, Chain, Role, calls};
use blockcloud_evidence::snp::Product;
use blockcloud_primitives::{
    AccountId, AggregatorId, Blob, Checkpoint, CollateralItem, Completion, Digest, Equivocation, Evidence, Exit, Fact, JobId, List,
    Measurement, OfferId, OfferTerms, Op, Party, Price, PublicKey, Receipt, Resources, Round, Signature, SignedCheckpoint, SignedObject,
    SignedRound, SiteId, SlotEntry, Tcb, TdxFloor, Tee, Usage,
};
use blockcloud_tests::node::Node;

fn all() -> Result<Vec<Call>> {
    let (account, job, offer, site) = (AccountId([1; 32]), JobId(1), OfferId(2), SiteId(3));
    let (digest, signature, key, measurement) = (Digest([4; 32]), Signature([5; 64]), PublicKey([6; 32]), Measurement([7; 48]));
    let fact = Fact::Region("DE-BE".parse()?);
    let terms = OfferTerms {
        site,
        tees: List::new(),
        total: Resources::default(),
        price: Price::default(),
        opens: 1,
        closes: 2,
        longest_job: 3,
        cover_per_job: 4,
    };
    let evidence = Evidence {
        tee: Tee::SevSnp,
        report: List::new(),
        certificate: List::new(),
        anchor: 1,
        receipt_key: key,
        wrapping_key: key,
        possession: signature,
    };
    let object = SignedObject { body: List::new(), signature, signer: List::new() };
    let checkpoint =
        Checkpoint { version: 1, job, size: 1, root: digest, time: 1, usage: Usage::default(), previous_size: 0, previous_root: digest };
    let aggregator = AggregatorId(4);
    let round = Round { version: 1, aggregator, number: 1, root: digest, filled: 2, receipts: 3, time: 4 };
    let signed = SignedRound { round, signature };
    let blob = Blob { digest, bytes: 1 };
    let completion = Completion { version: 1, job, size: 1, root: digest, output: blob, exit: Exit::Trap, erased: 0 };
    let receipt = Receipt {
        version: 1,
        job,
        seq: 0,
        time: 1,
        op: Op::Erase,
        object: digest,
        offset: 0,
        bytes: 0,
        digest,
        actor: digest,
        from: Party::GUEST,
        to: Party::GUEST,
        derived_from: digest,
        purpose: 0,
        salt: [0; 16],
    };
    Ok(vec![
        calls::offers::register(&"http://a".parse()?),
        calls::offers::update_profile(&"http://a".parse()?),
        calls::offers::deregister(),
        calls::offers::add_site(),
        calls::offers::remove_site(site),
        calls::offers::publish(&terms),
        calls::offers::update(offer, &terms),
        calls::offers::withdraw(offer),
        calls::offers::accredit(account),
        calls::offers::discredit(account),
        calls::offers::certify(site, &fact, 1),
        calls::offers::revoke(site, &fact.kind()),
        calls::offers::remove_expired_fact(site, &fact.kind()),
        calls::bonds::bond(1),
        calls::bonds::unbond(1),
        calls::bonds::withdraw(),
        calls::jobs::accept(job),
        calls::jobs::attest(job, &evidence),
        calls::jobs::renew(job, &evidence),
        calls::jobs::settle(job),
        calls::jobs::complete(job, &completion, &signature, &receipt, &[digest]),
        calls::jobs::cancel(job),
        calls::jobs::top_up(job, 1),
        calls::jobs::poke(job),
        calls::attestation::set_roots(Tee::SevSnp, &Product::Milan, &[1], &[2]),
        calls::attestation::remove_roots(Tee::SevSnp, &Product::Milan),
        calls::attestation::approve_measurement(&measurement, 1),
        calls::attestation::withdraw_measurement(&measurement, 1),
        calls::attestation::deny_chip(digest),
        calls::attestation::allow_chip(digest),
        calls::attestation::set_floor(Tee::SevSnp, &Product::Milan, Some(&Tcb::default()), 1, 2),
        calls::attestation::set_tdx_root(Tee::Tdx, &[1]),
        calls::attestation::remove_tdx_root(Tee::Tdx),
        calls::attestation::set_tdx_floor(Tee::Tdx, Some((TdxFloor::default(), 3)), 1, 2),
        calls::attestation::submit_collateral(Tee::Tdx, &CollateralItem::RootCrl { list: List::new() }),
        calls::attestation::submit_collateral(Tee::Tdx, &CollateralItem::PckCrl { list: List::new(), issuer: List::new() }),
        calls::attestation::submit_collateral(Tee::Tdx, &CollateralItem::TcbInfo(object.clone())),
        calls::attestation::submit_collateral(Tee::Tdx, &CollateralItem::QeIdentity(object)),
        calls::attestation::release_chip(digest),
        calls::attestation::endorse_chip(digest, site, 1),
        calls::attestation::withdraw_endorsement(digest),
        calls::attestation::publish_measurement(&measurement, 1),
        calls::attestation::retract_measurement(&measurement, 1),
        calls::attestation::stop(),
        calls::attestation::resume(),
        calls::receipts::checkpoint(&checkpoint, &signature, &[digest]),
        calls::receipts::register_aggregator(key, 10),
        calls::receipts::retire_aggregator(aggregator),
        calls::receipts::register_source(aggregator, job, None),
        calls::receipts::register_source(aggregator, job, Some(3)),
        calls::receipts::withdraw_source(aggregator, 3),
        calls::receipts::commit_round(&round, &signature),
        calls::receipts::checkpoint_in_round(aggregator, 1, 2, &SlotEntry::new(checkpoint, signature), &[digest; 30], &[digest; 64]),
        calls::receipts::report_equivocation(&Equivocation::Checkpoints([SignedCheckpoint { checkpoint, signature }; 2])),
        calls::receipts::report_equivocation(&Equivocation::Rounds([signed; 2])),
        calls::receipts::report_equivocation(&Equivocation::Committed { signed, committed: round, path: List::new() }),
        calls::consortium::add_validator(account, &"Name".parse()?),
        calls::consortium::remove_validator(account),
        calls::consortium::enact(calls::system::remark(b"a")),
        calls::council::propose(1, calls::system::remark(b"a")),
        calls::council::vote(digest, 0, true),
        calls::council::close(digest, 0, 1, 1, 1),
        calls::balances::transfer(account, 1),
        calls::proxy::appoint(account, Role::Security),
        calls::proxy::dismiss(account, Role::Treasurer),
        calls::system::remark(b"a"),
        calls::system::set_code(&[0]),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_one_of_the_runtimes() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let node = Node::dev(directory.path())?;
    let chain = Chain::connect(&node.url()).await?;
    let runtime = chain.runtime(At::Best).await?;
    for call in all()? {
        call.encode(&runtime).with_context(|| format!("{}::{}", call.pallet(), call.name()))?;
    }
    Ok(())
}
