//! Numbers that other people's signatures and stored bytes depend on. A change here breaks them.

use crate::{AllPalletsWithSystem, Runtime, RuntimeCall, UNIT, VERSION};
use codec::Encode;
use frame_support::traits::PalletsInfoAccess;

#[test]
fn pallets_keep_their_numbers() {
    let mut numbers: Vec<_> = AllPalletsWithSystem::infos().into_iter().map(|info| (info.index, info.name)).collect();
    numbers.sort_unstable();
    assert_eq!(
        numbers,
        [
            (0, "System"),
            (1, "Timestamp"),
            (2, "Aura"),
            (3, "Grandpa"),
            (5, "Balances"),
            (6, "TransactionPayment"),
            (7, "Council"),
            (8, "Utility"),
            (9, "Multisig"),
            (10, "Proxy"),
            (11, "TechnicalCommittee"),
            (20, "Offers"),
            (21, "Bonds"),
            (22, "Jobs"),
            (23, "Attestation"),
            (24, "Receipts"),
            (25, "Consortium"),
            (26, "Session"),
        ]
    );
}

#[test]
fn calls_keep_their_bytes() {
    let remark = RuntimeCall::System(frame_system::Call::remark { remark: vec![7] });
    assert_eq!(remark.encode(), [0, 0, 4, 7]);
    let enact = RuntimeCall::Consortium(pallet_consortium::Call::enact { call: Box::new(remark) });
    assert_eq!(enact.encode(), [25, 2, 0, 0, 4, 7]);
}

#[test]
fn addresses_and_money_keep_their_form() {
    assert_eq!(<Runtime as frame_system::Config>::SS58Prefix::get(), 42);
    assert_eq!((crate::SYMBOL, crate::DECIMALS, UNIT), ("BCU", 12, 10u128.pow(12)));
    assert_eq!((VERSION.spec_name.as_ref(), VERSION.spec_version, VERSION.transaction_version), ("blockcloud", 1, 1));
}

#[test]
fn a_block_leaves_time_in_its_slot() {
    let limit = <Runtime as frame_system::Config>::BlockWeights::get().max_block.ref_time();
    assert_eq!(limit / 1_000_000_000, 600, "milliseconds of a slot of {}", crate::SLOT_DURATION);
}

#[test]
fn every_pallet_passes_its_integrity_test() {
    sp_io::TestExternalities::default().execute_with(|| {
        <AllPalletsWithSystem as frame_support::traits::IntegrityTest>::integrity_test();
    });
}

#[test]
fn the_deposit_of_a_job_covers_what_the_neighbours_store_for_it() {
    use codec::MaxEncodedLen;
    let (records, bytes) = crate::config::market::JOB_RECORDS;
    let account_and_job = 2 * (32 + 8);
    let stored = pallet_attestation::Guest::max_encoded_len()
        + pallet_attestation::SeenList::max_encoded_len()
        + pallet_receipts::Log::max_encoded_len()
        + pallet_bonds::CoverOf::<Runtime>::max_encoded_len()
        + account_and_job;
    let stored = u32::try_from(stored).unwrap();
    assert!(stored <= bytes && bytes <= stored + stored / 4, "{stored} bytes are stored, {bytes} are paid for");
    // The job, its spec, two listings, the queue entry, session, evidence seen, log, cover.
    assert_eq!(records, 9);
}
