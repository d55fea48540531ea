//! The same verdict as virtee's sev, which was written by others, on SEV-SNP evidence: of real processors and of simulated ones, unchanged and changed, with
//! and without new signatures. Where the verdicts differ on purpose, `class` says why.
//!
//! sev verifies signatures from the root to the report and reads the report; it does not read what certificates say. So it is no oracle for our checks of
//! that, of validity and of policy: for those this shows only that nothing but them stands between its verdict and ours.

mod certificate;
mod class;
mod encoding;
mod evidence;
mod mutant;

use crate::mutant::Random;
use blockcloud_evidence::snp::{Claims, Error, Product, Tcb, product_of, verify, verify_issuers};
use class::{Class, generation, laxer, stricter};
use evidence::{Evidence, GENUINE, Made, NOW_MS, vectors};
use mutant::{Manner, Mutant, Originals, Part};
use sev::{
    Generation,
    certs::snp::{Chain, Verifiable},
    firmware::{guest::AttestationReport, host::TcbVersion},
    parser::ByteParser,
};
use std::{collections::BTreeMap, env, panic::catch_unwind};

/// How many changes the ordinary run tries; the environment may ask for more.
const MUTATIONS: u64 = 2_000;
const MUTATIONS_VARIABLE: &str = "BLOCKCLOUD_SNP_MUTATIONS";
/// From here on every class must have come up: one that never does is no explanation.
const EVERY_CLASS: u64 = 100_000;

fn ours(evidence: &Evidence) -> Result<Claims, Error> {
    let Evidence { report, chip, issuer, root, requirements, now_ms } = evidence;
    verify_issuers(root, issuer, *now_ms)?;
    verify(report, chip, issuer, requirements, *now_ms)
}

fn theirs(evidence: &Evidence) -> Result<AttestationReport, String> {
    let Evidence { report, chip, issuer, root, .. } = evidence;
    let judge = || {
        let report = AttestationReport::from_bytes(report)?;
        let chain = Chain::from_der(root, issuer, chip)?;
        (&chain, &report).verify().map(|()| report)
    };
    catch_unwind(judge).map_err(|_| "panic".to_owned())?.map_err(|error| error.to_string())
}

/// What the oracle reads in a report, field by field, in our words. What it does not read is taken over.
fn read_by_the_oracle(report: &AttestationReport, claims: &Claims) -> Claims {
    let tcb = |tcb: TcbVersion| Tcb {
        bootloader: tcb.bootloader,
        tee: tcb.tee,
        snp: tcb.snp,
        microcode: tcb.microcode,
        fmc: tcb.fmc.unwrap_or(0),
    };
    let mut read = claims.clone();
    read.version = report.version;
    read.guest_svn = report.guest_svn;
    read.vmpl = report.vmpl;
    read.measurement = report.measurement;
    read.host_data = report.host_data;
    read.report_data = report.report_data;
    read.chip_id = report.chip_id;
    // The other conversion sets bit 17.
    read.policy.0 = u64::from_le_bytes(report.policy.to_bytes().expect("a policy"));
    read.platform.0 = report.plat_info.into();
    [read.reported, read.committed, read.current, read.launch] =
        [report.reported_tcb, report.committed_tcb, report.current_tcb, report.launch_tcb].map(tcb);
    if report.version > 2 {
        read.product = generation(report).and_then(product).expect("a product, for we know it");
    }
    read
}

fn product(generation: Generation) -> Option<Product> {
    match generation {
        Generation::Milan => Some(Product::Milan),
        Generation::Genoa => Some(Product::Genoa),
        Generation::Turin => Some(Product::Turin),
        Generation::Venice => None,
    }
}

/// How often each outcome came, and the first that did.
#[derive(Default)]
struct Counts(BTreeMap<String, (u64, String)>);

impl Counts {
    /// Compares both verdicts. A difference on purpose is counted; any other is described.
    fn compare(&mut self, mutant: &Mutant) -> Option<String> {
        let (ours, theirs) = (ours(&mutant.evidence), theirs(&mutant.evidence));
        let on_purpose = |whom: &str, class: Class| format!("{whom} only, on purpose: {class:?}: {}", class.reason());
        let outcome = match (&ours, &theirs) {
            (Ok(claims), Ok(report)) => {
                let same = read_by_the_oracle(report, claims) == *claims && flags(claims) == oracles_flags(report);
                let same = same && product_of(&mutant.evidence.report, &mutant.evidence.chip) == Ok(claims.product);
                same.then(|| "believed by both, with the same content".into())
            }
            (Err(_), Err(_)) => Some("refused by both".into()),
            (Err(error), Ok(report)) => stricter(*error, mutant, report).map(|class| on_purpose("refused by us", class)),
            (Ok(claims), Err(_)) => laxer(mutant, claims).map(|class| on_purpose("believed by us", class)),
        };
        let outcome = outcome.filter(|_| product_agrees(&mutant.evidence));
        if let Some(outcome) = &outcome {
            self.0.entry(outcome.clone()).or_insert_with(|| (0, mutant.what.clone())).0 += 1;
        }
        outcome.is_none().then(|| format!("{}: the oracle says {:?}, we say {ours:?}", mutant.what, theirs.map(|report| report.version)))
    }

    fn print(&self) {
        for (outcome, (count, first)) in &self.0 {
            eprintln!("{count:>8} {outcome} [first: {first}]");
        }
    }

    fn of_class(&self, class: Class) -> u64 {
        self.0.iter().filter(|(outcome, _)| outcome.contains(&format!(": {class:?}: "))).map(|(_, (count, _))| count).sum()
    }

    fn of(&self, start: &str) -> u64 {
        self.0.iter().filter(|(outcome, _)| outcome.starts_with(start)).map(|(_, (count, _))| count).sum()
    }
}

/// Whether the issuers that we would look up are those of the processor that the oracle sees, from version 3 on, verified or not.
fn product_agrees(evidence: &Evidence) -> bool {
    let Some(seen) = AttestationReport::from_bytes(&evidence.report).ok().as_ref().and_then(generation) else { return true };
    match product_of(&evidence.report, &evidence.chip) {
        Ok(looked_up) => product(seen) == Some(looked_up),
        Err(Error::ProductUnknown) => product(seen).is_none(),
        Err(_) => true,
    }
}

/// The bits of policy and platform that both name.
fn flags(claims: &Claims) -> [bool; 7] {
    let Claims { policy, platform, .. } = claims;
    [
        policy.smt(),
        policy.migratable(),
        policy.debuggable(),
        policy.single_socket(),
        policy.cxl(),
        platform.smt(),
        platform.aliases_checked(),
    ]
}

fn oracles_flags(report: &AttestationReport) -> [bool; 7] {
    let (policy, platform) = (report.policy, report.plat_info);
    [
        policy.smt_allowed(),
        policy.migrate_ma_allowed(),
        policy.debug_allowed(),
        policy.single_socket_required(),
        policy.cxl_allowed(),
        platform.smt_enabled(),
        platform.alias_check_complete(),
    ]
}

#[test]
fn processors_are_the_same_products() {
    for (family, model) in (0..=u8::MAX).flat_map(|family| (0..=u8::MAX).map(move |model| (family, model))) {
        let theirs = Generation::identify_cpu(family, model).ok().and_then(product);
        assert_eq!(Product::from_cpuid(family, model), theirs, "family {family:#x}, model {model:#x}");
    }
}

#[test]
fn genuine_evidence() {
    let Some(vectors) = vectors("snp::genuine_evidence") else { return };
    let mut counts = Counts::default();
    for (report, chip, product, verdict) in GENUINE {
        let evidence = vectors.evidence(report, chip, "ask", product);
        assert_eq!(ours(&evidence).map(drop), verdict, "{report}, {chip}");
        assert_eq!(theirs(&evidence).is_ok(), signed(verdict), "{report}, {chip}");
        for days in [-20_000, -4_000, -1_500, 0, 1_500, 4_000, 20_000] {
            let mut mutant = Mutant::unchanged(evidence.clone());
            mutant.evidence.now_ms = NOW_MS.saturating_add_signed(days * 86_400_000);
            mutant.changes = if days == 0 { vec![] } else { vec![(Part::Time, Manner::Signed)] };
            mutant.what = format!("{report}, {chip}, {days} days later");
            assert_eq!(counts.compare(&mutant), None);
        }
    }
    counts.print();
}

/// Whether the signatures of a genuine vector are good, so that the oracle has nothing against it.
fn signed(verdict: Result<(), Error>) -> bool {
    matches!(verdict, Ok(()) | Err(Error::Debuggable))
}

/// Every report with every certificate, issuer and root there is: nobody vouches for another's.
#[test]
fn genuine_evidence_of_different_origin() {
    let Some(vectors) = vectors("snp::genuine_evidence_of_different_origin") else { return };
    let listed = vectors.listed();
    let of = |kind: &str| -> Vec<&String> { listed.iter().filter(|name| name.contains(kind) && !name.starts_with("ca/")).collect() };
    let (reports, chips) = (of(".report."), of("vcek"));
    assert_eq!(reports.len() + chips.len() + 9, listed.len(), "the collection has evidence of another kind");
    for name in reports.iter().chain(&chips) {
        assert!(GENUINE.iter().any(|(report, chip, ..)| [*report, *chip].contains(&name.as_str())), "{name} is judged nowhere");
    }
    let (mut counts, mut believed) = (Counts::default(), 0);
    for (report, chip) in reports.iter().flat_map(|report| chips.iter().map(move |chip| (report, chip))) {
        for (issuer, product) in ["ask", "asvk"].into_iter().flat_map(|issuer| ["milan", "genoa", "turin"].map(|product| (issuer, product)))
        {
            let mut mutant = Mutant::unchanged(vectors.evidence(report, chip, issuer, product));
            mutant.changes = vec![(Part::Chip, Manner::Foreign), (Part::Issuer, Manner::Foreign), (Part::Root, Manner::Foreign)];
            mutant.what = format!("{report}, {chip}, {issuer}_{product}");
            assert_eq!(counts.compare(&mutant), None);
            believed += u64::from(theirs(&mutant.evidence).is_ok());
        }
    }
    counts.print();
    let signed = GENUINE.iter().filter(|(.., verdict)| signed(*verdict)).count() as u64;
    assert_eq!(believed, signed, "only what belongs together");
}

#[test]
fn simulated_evidence() {
    let mut counts = Counts::default();
    let all = Made::all();
    for made in &all {
        assert_eq!(counts.compare(&Mutant::unchanged(made.evidence.clone())), None);
    }
    assert_eq!(counts.of("believed by both") as usize, all.len());
    assert_eq!(all.len(), 18);
}

#[test]
fn changed_evidence() {
    let mutations = env::var(MUTATIONS_VARIABLE).map_or(MUTATIONS, |text| text.parse().expect("a number of mutations"));
    let genuine = vectors("snp::changed_evidence (the genuine part)").map(|vectors| vectors.genuine()).unwrap_or_default();
    let originals = Originals { genuine, made: Made::all() };
    let (mut counts, mut differences) = (Counts::default(), Vec::new());
    for seed in 0..mutations {
        let mut mutant = originals.mutate(&mut Random::new(seed));
        mutant.what = format!("seed {seed}: {}", mutant.what);
        differences.extend(counts.compare(&mutant));
    }
    counts.print();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(counts.of("believed by both") > mutations / 20 && counts.of("refused by both") > mutations / 20, "one-sided mutants");
    let missing: Vec<&Class> = Class::ALL.iter().filter(|class| counts.of_class(**class) == 0).collect();
    assert!(mutations < EVERY_CLASS || missing.is_empty(), "never met: {missing:?}");
}
