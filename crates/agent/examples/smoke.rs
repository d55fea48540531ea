use blockcloud_client::{At, Chain, Signer, Until, access, agent_api::JobStatus, calls};
use blockcloud_primitives::*;
use blockcloud_seal::*;
use std::time::{Duration, Instant};

fn sealed(key: &DataKey, plain: &[u8], path: &str) -> (FileEntry, Vec<u8>, Blob) {
    let bytes = seal(key, plain);
    let blob = Blob { digest: Digest::of(&bytes), bytes: bytes.len() as u64 };
    (FileEntry { path: path.into(), digest: Digest::of(plain), bytes: plain.len() as u64, blob: blob.digest }, bytes, blob)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let (node, agent_url, guest) = (&args[1], &args[2], &args[3]);
    let setup = args.get(4).map(String::as_str) != Some("nosetup");
    let seconds: u64 = args.get(5).and_then(|s| s.parse().ok()).unwrap_or(0);
    let chain = Chain::connect(node).await?;
    println!("{chain:?} {:?}", chain.runtime(At::Finalised).await?);
    check(&*chain.runtime(At::Finalised).await?);
    let provider: Signer = "//Bob".parse()?;
    let alice: Signer = "//Alice".parse()?;
    let customer: Signer = "ed25519://Charlie".parse()?;
    println!("funds {:?} now {}", chain.funds(customer.account(), At::Best).await?, chain.now(At::Best).await?);
    let http = reqwest::Client::builder().no_proxy().build()?;
    let now = chain.now(At::Best).await?;
    if setup {
        use sha2_384::measure;
        let measurement = measure(guest)?;
        let t = Instant::now();
        let done = chain
            .submit_and_finalise(
                &calls::council::propose(1, calls::attestation::approve_measurement(&measurement, now + 86_400_000 * 30)),
                &alice,
            )
            .await?;
        println!("approved {:?} fee {:?} block {}", t.elapsed(), done.fee(), done.number);
        let _ = chain.submit(&calls::offers::register(&agent_url.parse().unwrap()), &provider, Until::Best).await;
        chain.submit(&calls::bonds::bond(1_000_000_000_000_000), &provider, Until::Best).await?;
        let site = chain.submit_and_finalise(&calls::offers::add_site(), &provider).await?.site()?;
        println!("site {site}");
        let again = chain.submit(&calls::offers::register(&agent_url.parse().unwrap()), &provider, Until::Best).await;
        println!("expected refusal: {}", again.unwrap_err());
        let terms = OfferTerms {
            site,
            tees: vec![Tee::Simulated].try_into().unwrap(),
            total: Resources { vcpus: 8, memory_gib: 8, storage_gib: 8, gpus: 0 },
            price: Price { vcpu: 1_000_000, memory_gib: 0, storage_gib: 0, gpu: 0 },
            opens: now,
            closes: now + 86_400_000 * 365,
            longest_job: 3600,
            cover_per_job: 1_000_000_000_000,
        };
        let offer = chain.submit_and_finalise(&calls::offers::publish(&terms), &provider).await?.offer()?;
        println!("offer {offer}");
    }
    let engine = String::from_utf8(std::process::Command::new(guest).arg("engine-id").output()?.stdout)?;
    let engine: Digest = engine.trim().parse().map_err(anyhow::Error::msg)?;
    // Runs for about `seconds` by polling the clock? The clock is deterministic: burn fuel instead.
    let loops = seconds * 200_000_000;
    let module = wat::parse_str(format!(
        r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 100) "hello from the guest\n")
        (func (export "_start") (local $i i64)
          (loop $l (local.set $i (i64.add (local.get $i) (i64.const 1))) (br_if $l (i64.lt_u (local.get $i) (i64.const {loops}))))
          (i32.store (i32.const 0) (i32.const 100)) (i32.store (i32.const 4) (i32.const 21))
          (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#
    ))?;
    let key = DataKey::generate();
    let (entry, module_sealed, module_blob) = sealed(&key, &module, "program.wasm");
    let (file, file_sealed, file_blob) = sealed(&key, b"a,b\n1,2\n", "data.csv");
    let manifest = Manifest::new(ObjectKey::generate(), entry.clone(), vec![file])?;
    let manifest_sealed = manifest.seal(&key);
    let manifest_blob = Blob { digest: Digest::of(&manifest_sealed), bytes: manifest_sealed.len() as u64 };
    let spec = JobSpec {
        workload: Workload::Wasm {
            module: entry.digest,
            engine,
            fuel: u64::MAX / 2,
            memory_mib: 64,
            seed: Digest([1; 32]),
            args: Default::default(),
        },
        manifest: manifest_blob,
        inputs: vec![module_blob, file_blob].try_into().unwrap(),
        resources: Resources { vcpus: 1, memory_gib: 1, storage_gib: 1, gpus: 0 },
        longest_run: 600,
        policy: Policy {
            regions: Allow::Any,
            jurisdictions: Allow::Any,
            certificates: Default::default(),
            tees: vec![Tee::Simulated].try_into().unwrap(),
            firmware_floor: Tcb::default(),
            measurements: Measurements::Approved,
            denied_providers: Default::default(),
            erase_within: 60,
            recipients: Default::default(),
            checkpoint_gap: 10,
        },
        price_limit: 10_000_000,
        escrow: 1_000_000_000,
        cover: 1_000_000,
    };
    let quotes = chain.quote(&spec, 10, At::Best).await?;
    println!("quotes {quotes:?}");
    let offer = quotes.iter().find(|q| q.refusals.is_empty()).expect("an offer").offer;
    let placed = chain.submit_and_finalise(&calls::jobs::place(offer, &spec), &customer).await?;
    let job = placed.job()?;
    let t = Instant::now();
    println!("job {job} placed");
    let auth = || access::header(&customer, &chain.genesis(), job, blockcloud_agent::agent::now() + 600_000);
    for (blob, bytes) in [(manifest_blob, manifest_sealed), (module_blob, module_sealed), (file_blob, file_sealed)] {
        loop {
            let answer = http
                .put(format!("{agent_url}/v1/jobs/{job}/blobs/{}", blob.digest))
                .header("authorization", auth())
                .body(bytes.clone())
                .send()
                .await;
            match answer {
                Ok(answer) if answer.status().is_success() => break,
                Ok(answer) => println!("upload: {} {}", answer.status(), answer.text().await?),
                Err(error) => println!("upload: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
    println!("{:?} uploaded", t.elapsed());
    let mut last = None;
    let mut released: Option<Digest> = None;
    loop {
        let Some(view) = chain.job(job, At::Finalised).await? else {
            println!("closed");
            break;
        };
        if last != Some(view.state) {
            println!(
                "{:?} {:?} earned {} paid {} returned {} of {} head {:?}",
                t.elapsed(),
                view.state,
                view.earned,
                view.paid,
                view.returned,
                view.deposited,
                view.head.map(|h| h.size)
            );
            last = Some(view.state);
        }
        if let (JobState::Attested, Some(session)) = (view.state, &view.session)
            && released != Some(session.evidence)
        {
            let Ok(answer) = http.get(format!("{agent_url}/v1/jobs/{job}/evidence")).send().await else { continue };
            let Ok(evidence) = answer.json::<Evidence>().await else { continue };
            println!("evidence matches session: {}", evidence.replay_key() == session.evidence);
            let envelope = wrap(&key, &session.wrapping_key, &KeyContext { genesis: chain.genesis(), job, evidence: session.evidence })?;
            let answer = http
                .post(format!("{agent_url}/v1/jobs/{job}/key?evidence={}", session.evidence))
                .header("authorization", auth())
                .json(&envelope)
                .send()
                .await?;
            println!("{:?} key released: {}", t.elapsed(), answer.status());
            if answer.status().is_success() {
                released = Some(session.evidence);
            }
        }
        if let JobState::Settled(_) = view.state {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let answer = http.get(format!("{agent_url}/v1/jobs/{job}/output")).header("authorization", auth()).send().await?;
    println!("output {}", answer.status());
    if answer.status().is_success() {
        let plain = open(&key, &answer.bytes().await?)?;
        println!("{} bytes of output; says hello: {}", plain.len(), String::from_utf8_lossy(&plain).contains("hello from the guest"));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let status: JobStatus = http.get(format!("{agent_url}/v1/jobs/{job}")).send().await?.json().await?;
    println!("{}", serde_json::to_string_pretty(&status)?);
    let cps: serde_json::Value = http.get(format!("{agent_url}/v1/jobs/{job}/checkpoints")).send().await?.json().await?;
    println!("{} checkpoints", cps.as_array().unwrap().len());
    let number = chain.finalised().await?.number;
    println!("finality proof {:?}", chain.finality_proof(number).await.map(|p| p.map(|p| p.len())));
    let keyp = chain.runtime(At::Finalised).await?.storage_key("Jobs", "Jobs", &[codec::Encode::encode(&job)])?;
    println!("read proof nodes {}", chain.read_proof(&[keyp], At::Finalised).await?.nodes.len());
    println!("bond {:?}", chain.bond(provider.account(), At::Best).await?);
    Ok(())
}

mod sha2_384 {
    use blockcloud_primitives::Measurement;
    pub fn measure(path: &str) -> anyhow::Result<Measurement> {
        let out = std::process::Command::new("sha384sum").arg(path).output()?;
        let hex = String::from_utf8(out.stdout)?;
        hex[..96].parse().map_err(anyhow::Error::msg)
    }
}

fn check(rt: &blockcloud_client::Runtime) {
    use calls::*;
    let a = AccountId([1; 32]);
    let d = Digest([2; 32]);
    let fact = Fact::Certificate("C5".parse().unwrap());
    let terms = OfferTerms {
        site: SiteId(1),
        tees: vec![Tee::Simulated].try_into().unwrap(),
        total: Resources::default(),
        price: Price::default(),
        opens: 1,
        closes: 2,
        longest_job: 3,
        cover_per_job: 4,
    };
    let g = ();
    let _ = g;
    let sig = Signature([0; 64]);
    let cp =
        Checkpoint { version: 1, job: JobId(1), size: 1, root: d, time: 1, usage: Usage::default(), previous_size: 0, previous_root: d };
    let completion =
        Completion { version: 1, job: JobId(1), size: 1, root: d, output: Blob { digest: d, bytes: 1 }, exit: Exit::Code(0), erased: 0 };
    let r = Receipt {
        version: 1,
        job: JobId(1),
        seq: 0,
        time: 0,
        op: Op::Erase,
        object: d,
        offset: 0,
        bytes: 0,
        digest: d,
        actor: d,
        from: Party::GUEST,
        to: Party::GUEST,
        derived_from: d,
        purpose: 0,
        salt: [0; 16],
    };
    let ev = Evidence {
        tee: Tee::Simulated,
        report: vec![1; 1184].try_into().unwrap(),
        certificate: vec![2; 1000].try_into().unwrap(),
        anchor: 1,
        receipt_key: PublicKey(d.0),
        wrapping_key: PublicKey(d.0),
        possession: sig,
    };
    let m = Measurement([3; 48]);
    let product = 1u8; // Genoa
    let text = "x".parse().unwrap();
    let all = vec![
        offers::register(&"http://x".parse().unwrap()),
        offers::update_profile(&"http://x".parse().unwrap()),
        offers::deregister(),
        offers::add_site(),
        offers::remove_site(SiteId(1)),
        offers::publish(&terms),
        offers::update(OfferId(1), &terms),
        offers::withdraw(OfferId(1)),
        offers::accredit(a),
        offers::discredit(a),
        offers::certify(SiteId(1), &fact, 5),
        offers::revoke(SiteId(1), &fact.kind()),
        offers::remove_expired_fact(SiteId(1), &fact.kind()),
        bonds::bond(5),
        bonds::unbond(5),
        bonds::withdraw(),
        jobs::accept(JobId(1)),
        jobs::attest(JobId(1), &ev),
        jobs::settle(JobId(1)),
        jobs::complete(JobId(1), &completion, &sig, &r, &[d, d]),
        jobs::cancel(JobId(1)),
        jobs::top_up(JobId(1), 5),
        jobs::poke(JobId(1)),
        attestation::set_roots(Tee::Simulated, &product, &[1, 2], &[3]),
        attestation::remove_roots(Tee::Simulated, &product),
        attestation::approve_measurement(&m, 1),
        attestation::withdraw_measurement(&m),
        attestation::deny_chip(d),
        attestation::allow_chip(d),
        attestation::set_floor(Tee::Simulated, &product, Some(&Tcb::default())),
        receipts::checkpoint(&cp, &sig, &[d]),
        consortium::add_validator(a, &text),
        consortium::remove_validator(a),
        consortium::enact(system::set_code(&[1, 2, 3])),
        council::propose(2, consortium::enact(system::remark(b"hi"))),
        council::vote(d, 1, true),
        council::close(d, 1, 10, 10, 10),
        balances::transfer(a, 10),
        system::remark(b"x"),
        system::set_code(b"x"),
    ];
    for call in &all {
        match call.encode(rt) {
            Ok(_) => {}
            Err(e) => println!("BAD {}::{}: {e}", call.pallet(), call.name()),
        }
    }
    println!("{} calls checked", all.len());
}
