//! A chain of a few headers with real signatures: what verifies, and every fault.

use super::{
    testing::{block, justify, set, state},
    *,
};
use blockcloud_primitives::{End, Usage};

const JOB: JobId = JobId(7);

fn head() -> Head {
    Head { size: 5, root: Digest([9; 32]), time: 11, usage: Usage::default(), accepted_at: 12 }
}

fn record() -> JobRecord {
    JobRecord {
        customer: AccountId([1; 32]),
        provider: AccountId([2; 32]),
        offer: OfferId(1),
        site: SiteId(1),
        terms: Digest([3; 32]),
        resources: Resources::default(),
        rate: 1,
        longest_run: 60,
        checkpoint_gap: 10,
        state: JobState::Settled(End::Completed),
        placed_at: 1,
        deadline: 2,
        queued: Some(3),
        session_until: None,
        suspended: None,
        run: Some((1, 2, 3, 4)),
        completion: None,
        deposit: 1,
        deposited: 2,
        paid: 1,
        returned: 1,
    }
}

/// Sets 0 (validators 1 to 4) and 1 (validators 2 to 5), handed over in block 10; the record is read from block 20, and block 22 is justified.
fn chain() -> (Digest, ChainProof) {
    let (first_set, second_set) = (set(0, &[1, 2, 3, 4]), set(1, &[2, 3, 4, 5]));
    let encoded: Vec<_> = first_set.authorities.iter().map(|(key, weight)| (key.0, *weight)).collect();
    let (first_root, first_state) = state(&[(keys::authorities(), encoded.encode()), (b"other".to_vec(), vec![1; 40])]);
    let first = block(0, H256::zero(), first_root, None);
    let changing = block(10, H256([1; 32]), H256::zero(), Some(&second_set));
    let (root, nodes) = state(&[
        (keys::job(JOB), record().encode()),
        (keys::spec(JOB), vec![8; 50]),
        (keys::log(JOB), (5u64, Some(head()), false).encode()),
        (keys::log(JobId(8)), (5u64, None::<Head>, false).encode()),
    ]);
    let read = block(20, H256([2; 32]), root, None);
    let after = block(21, read.hash(), H256::zero(), None);
    let justified = block(22, after.hash(), H256::zero(), None);
    let proof = ChainProof {
        first: Some(FirstBlock { header: Hex(first.encode()), state: first_state }),
        hand_overs: vec![HandOver { header: Hex(changing.encode()), justification: justify(&changing, 0, &[1, 2, 3]) }],
        header: Hex(read.encode()),
        descendants: vec![Hex(after.encode()), Hex(justified.encode())],
        justification: justify(&justified, 1, &[2, 4, 5]),
        state: nodes,
    };
    (Digest(first.hash().0), proof)
}

fn fault(change: impl FnOnce(&mut ChainProof)) -> ProofFault {
    let (genesis, mut proof) = chain();
    change(&mut proof);
    proof.verify(genesis, None).err().expect("the change is found")
}

#[test]
fn what_the_state_holds_is_proved_from_the_first_block_on() {
    let (genesis, proof) = chain();
    let proved = proof.verify(genesis, None).unwrap();
    assert_eq!((proved.number, proved.set, proved.pinned), (20, 1, false));
    assert_eq!(proved.job(JOB), Ok(Some(record())));
    assert_eq!(proved.spec(JOB), Ok(Some(vec![8; 50])));
    assert_eq!(proved.head(JOB), Ok(Some(head())));
    assert_eq!(proved.head(JobId(8)), Ok(None));
    let text = serde_json::to_vec(&proof).unwrap();
    assert_eq!(serde_json::from_slice::<ChainProof>(&text).unwrap(), proof);
}

#[test]
fn a_pinned_set_stands_for_all_before_it() {
    let (genesis, mut proof) = chain();
    proof.first = None;
    assert_eq!(proof.verify(genesis, None).err(), Some(ProofFault::NoAnchor));
    for pinned in [set(0, &[1, 2, 3, 4]), set(1, &[2, 3, 4, 5])] {
        let proved = proof.verify(genesis, Some(&pinned)).unwrap();
        assert_eq!((proved.number, proved.set, proved.pinned), (20, 1, true));
    }
    assert_eq!(proof.verify(genesis, Some(&set(2, &[2, 3, 4, 5]))).err(), Some(ProofFault::PinTooYoung { pinned: 2, last: 1 }));
    assert_eq!(proof.verify(genesis, Some(&set(1, &[6, 7, 8, 9]))).err(), Some(ProofFault::NotFinal { block: 22, set: 1 }));
    assert_eq!(proof.verify(genesis, Some(&set(1, &[]))).err(), Some(ProofFault::NoVoters(1)));
}

#[test]
fn another_chains_first_block_is_refused() {
    let (genesis, proof) = chain();
    assert_eq!(proof.verify(Digest([5; 32]), None).err(), Some(ProofFault::OtherGenesis { expected: Digest([5; 32]), found: genesis }));
    let authorities = fault(|proof| proof.first.as_mut().unwrap().state.clear());
    assert_eq!(authorities, ProofFault::NotInProof("the authorities"));
}

#[test]
fn too_few_votes_or_somebody_elses_finalise_nothing() {
    let last = |proof: &ChainProof| header(proof.descendants.last().unwrap()).unwrap();
    for voters in [&[2, 4][..], &[1, 6, 7], &[2, 2, 2]] {
        assert_eq!(fault(|proof| proof.justification = justify(&last(proof), 1, voters)), ProofFault::NotFinal { block: 22, set: 1 });
    }
    let stranger_beside = fault(|proof| proof.justification = justify(&last(proof), 1, &[2, 4, 5, 6]));
    assert_eq!(stranger_beside, ProofFault::BadVote { block: 22, set: 1 });
    let of_another_set = fault(|proof| proof.justification = justify(&last(proof), 0, &[2, 4, 5]));
    assert_eq!(of_another_set, ProofFault::BadVote { block: 22, set: 1 });
}

#[test]
fn a_justification_counts_for_its_own_block_only() {
    let other = fault(|proof| {
        proof.descendants.pop();
    });
    assert!(matches!(other, ProofFault::OtherBlock { .. }));
    assert_eq!(fault(|proof| proof.justification = Hex(vec![1])), ProofFault::Encoding("a justification"));
    assert_eq!(fault(|proof| proof.header.0.push(0)), ProofFault::Encoding("a header"));
}

#[test]
fn headers_follow_one_another() {
    assert_eq!(fault(|proof| drop(proof.descendants.remove(0))), ProofFault::Broken(22));
    // A block that the chain never had, with the state that somebody wishes for.
    assert_eq!(fault(|proof| proof.header = Hex(block(20, H256([2; 32]), H256([7; 32]), None).encode())), ProofFault::Broken(21));
}

#[test]
fn hand_overs_are_justified_in_order_and_name_the_next_set() {
    assert_eq!(fault(|proof| proof.hand_overs.clear()), ProofFault::NotFinal { block: 22, set: 0 });
    let silent = fault(|proof| {
        let header = block(10, H256([1; 32]), H256::zero(), None);
        proof.hand_overs[0] = HandOver { header: Hex(header.encode()), justification: justify(&header, 0, &[1, 2, 3]) };
    });
    assert_eq!(silent, ProofFault::NoHandOver(10));
    let forged = fault(|proof| {
        let header = block(10, H256([1; 32]), H256::zero(), Some(&set(1, &[6, 7, 8])));
        proof.hand_overs[0] = HandOver { header: Hex(header.encode()), justification: justify(&header, 0, &[6, 7, 8]) };
    });
    assert_eq!(forged, ProofFault::NotFinal { block: 10, set: 0 });
    let twice = fault(|proof| proof.hand_overs.push(proof.hand_overs[0].clone()));
    assert_eq!(twice, ProofFault::Order(10));
}

#[test]
fn an_item_that_the_nodes_do_not_reach_is_not_absent() {
    let (genesis, mut proof) = chain();
    proof.state.clear();
    let proved = proof.verify(genesis, None).unwrap();
    assert_eq!(proved.head(JOB), Err(ProofFault::NotInProof("the job's log")));
    assert_eq!(proved.job(JOB), Err(ProofFault::NotInProof("the job's record")));
    assert_eq!(proved.spec(JOB), Err(ProofFault::NotInProof("the job's spec")));
    // Absence is proved by nodes as well.
    let (genesis, proof) = chain();
    assert_eq!(proof.verify(genesis, None).unwrap().job(JobId(1)), Ok(None));
}
