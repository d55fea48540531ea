//! What a security officer is asked, and what it answers: files, signed by an account that acts for the customer as `security`.
//!
//! Signed is `blockcloud/key-approval/v1` || genesis hash || job (u64, little-endian) || terms hash || replay key of the evidence || until (u64,
//! little-endian, Unix milliseconds). So an approval counts for one guest of one job; another guest of the job needs another one.

use super::policy::Policy;
use crate::verdict::Answer;
use anyhow::{Context as _, Result, ensure};
use blockcloud_client::{Deputy, Role, Scheme, Signer, account_to_ss58};
use blockcloud_primitives::{AccountId, Digest, JobId, Moment, PublicKey, Tee};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fmt, fs,
    io::{ErrorKind, Read as _},
    path::{Path, PathBuf},
};

/// Largest file that is read.
const LARGEST: u64 = 64 << 10;
/// Most files of a folder that are read.
const MOST: usize = 10_000;

/// One release: this guest of this job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Hash of the chain's first block.
    pub genesis: Digest,
    /// The job.
    pub job: JobId,
    /// What was agreed for it.
    pub terms: Digest,
    /// Replay key of the guest's evidence.
    pub evidence: Digest,
}

impl Case {
    fn payload(&self, until: Moment) -> Vec<u8> {
        let (job, until) = (self.job.0.to_le_bytes(), until.to_le_bytes());
        [b"blockcloud/key-approval/v1", &self.genesis.0[..], &job, &self.terms.0, &self.evidence.0, &until].concat()
    }

    /// The name of its request's file.
    pub fn file_name(&self) -> String {
        format!("job-{}-{}.json", self.job, hex::encode(&self.evidence.0[..8]))
    }

    /// Approves it until then (Unix milliseconds).
    pub fn approve(&self, officer: &Signer, until: Moment) -> Approval {
        let signature = hex::encode(officer.sign(&self.payload(until)));
        Approval { case: *self, until, officer: officer.account(), scheme: officer.scheme().to_string(), signature }
    }
}

/// What an officer is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Which release.
    #[serde(flatten)]
    pub case: Case,
    /// Whose job.
    pub customer: AccountId,
    /// Who runs it.
    pub provider: AccountId,
    /// On which hardware.
    pub tee: Tee,
    /// The guest's key that the data key would be wrapped for.
    pub wrapping_key: PublicKey,
    /// Everything that was checked; all of it holds.
    pub checks: Vec<Answer>,
}

impl Request {
    /// Reads a request.
    pub fn read(path: &Path) -> Result<Self> {
        let text = bounded(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is no request", path.display()))
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { job, terms, evidence, .. } = self.case;
        writeln!(f, "job {job} of {}, terms {terms}", account_to_ss58(self.customer))?;
        writeln!(f, "at provider {}, to the guest of evidence {evidence} on {:?}", account_to_ss58(self.provider), self.tee)?;
        let checks: Vec<_> = self.checks.iter().map(|answer| format!("  {answer}")).collect();
        write!(f, "which holds by the daemon's judgement:\n{}", checks.join("\n"))
    }
}

/// What an officer answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Which release.
    #[serde(flatten)]
    pub case: Case,
    /// Until when it counts, Unix milliseconds.
    pub until: Moment,
    /// Who approves.
    pub officer: AccountId,
    /// Its signature scheme.
    scheme: String,
    /// Its signature, 64 bytes as hex.
    signature: String,
}

impl Approval {
    /// A name for its file that no other officer's approval of the case has.
    pub fn file_name(&self) -> String {
        format!("job-{}-{}-{}.json", self.case.job, hex::encode(&self.case.evidence.0[..8]), hex::encode(&self.officer.0[..8]))
    }

    /// Whether it counts for this case now: by an officer of the policy, who acts for the customer at this moment, and who signed it.
    pub fn judge(&self, case: &Case, policy: &Policy, deputies: &[Deputy], now: Moment) -> Result<()> {
        ensure!(self.case == *case, "it is for another job or guest");
        ensure!(policy.officers.contains(&self.officer), "{} is no officer of the policy", self.officer);
        ensure!(
            deputies.iter().any(|deputy| deputy.is(self.officer, Role::Security)),
            "{} does not act for the customer as `security` on chain: `blockcloud account appoint`",
            self.officer
        );
        ensure!(now < self.until, "it counted until {}", self.until);
        ensure!(self.until - now <= policy.approval_lasts(), "it would count for longer than policy.approval_lasts_s allows");
        let scheme: Scheme = self.scheme.parse()?;
        let mut signature = [0; 64];
        hex::decode_to_slice(&self.signature, &mut signature).context("its signature is not 64 bytes of hex")?;
        ensure!(scheme.verify(&self.officer, &case.payload(self.until), &signature), "its signature does not verify");
        Ok(())
    }
}

fn bounded(path: &Path) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut text)?;
    ensure!(text.len() as u64 <= LARGEST, "it is larger than {LARGEST} bytes");
    Ok(text)
}

/// Every file with JSON in a folder, in the order of the names.
fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot read {}", folder.display()))?,
    };
    let mut paths = entries.take(MOST).map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort_unstable();
    Ok(paths)
}

/// What waits for officers.
pub fn requests(folder: &Path) -> Result<Vec<Request>> {
    listed(folder)?.iter().map(|path| Request::read(path)).collect()
}

/// The officers whose approvals in this folder count for this case, and what is wrong with the case's others.
pub fn approvals(
    folder: &Path,
    case: &Case,
    policy: &Policy,
    deputies: &[Deputy],
    now: Moment,
) -> Result<(BTreeSet<AccountId>, Vec<String>)> {
    let (mut officers, mut faults) = (BTreeSet::new(), Vec::new());
    for path in listed(folder)? {
        // A file that is being written is whole a moment later; what is not an approval of this case is somebody else's.
        let Some(approval) = bounded(&path).ok().and_then(|text| serde_json::from_slice::<Approval>(&text).ok()) else { continue };
        if approval.case != *case {
            continue;
        }
        match approval.judge(case, policy, deputies, now) {
            Ok(()) => {
                officers.insert(approval.officer);
            }
            Err(error) => faults.push(format!("{}: {error:#}", path.display())),
        }
    }
    Ok((officers, faults))
}

/// Removes a job's requests: it needs no key any more.
pub fn withdraw(folder: &Path, job: JobId) -> Result<()> {
    for path in listed(folder)? {
        if Request::read(&path).is_ok_and(|request| request.case.job == job) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Removes a case's request and approvals once it is decided.
pub fn decided(requests: &Path, approvals: &Path, case: &Case) -> Result<()> {
    let _ = fs::remove_file(requests.join(case.file_name()));
    for path in listed(approvals)? {
        let approval = bounded(&path).ok().and_then(|text| serde_json::from_slice::<Approval>(&text).ok());
        if approval.is_some_and(|approval| approval.case == *case) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyd::policy::tests::policy;

    const NOW: Moment = 1_000_000;

    fn case() -> Case {
        Case { genesis: Digest([1; 32]), job: JobId(5), terms: Digest([2; 32]), evidence: Digest([3; 32]) }
    }

    fn officer() -> Signer {
        "//Ferdie".parse().unwrap()
    }

    fn deputies() -> Vec<Deputy> {
        vec![Deputy { account: officer().account(), role: Role::Security, delay: 0 }]
    }

    fn wrong(approval: &Approval, case: &Case, deputies: &[Deputy], now: Moment) -> String {
        approval.judge(case, &policy(), deputies, now).unwrap_err().to_string()
    }

    #[test]
    fn an_officers_approval_counts() {
        let approval = case().approve(&officer(), NOW + 60_000);
        assert!(approval.judge(&case(), &policy(), &deputies(), NOW).is_ok());
    }

    #[test]
    fn of_another_guest_job_or_chain_does_not_count() {
        let approval = case().approve(&officer(), NOW + 60_000);
        for other in [
            Case { genesis: Digest([9; 32]), ..case() },
            Case { job: JobId(6), ..case() },
            Case { terms: Digest([9; 32]), ..case() },
            Case { evidence: Digest([9; 32]), ..case() },
        ] {
            assert_eq!(wrong(&approval, &other, &deputies(), NOW), "it is for another job or guest");
            // Nor does writing the other case over it.
            let forged = Approval { case: other, ..approval.clone() };
            assert_eq!(wrong(&forged, &other, &deputies(), NOW), "its signature does not verify");
        }
    }

    #[test]
    fn of_somebody_else_does_not_count() {
        let eve: Signer = "//Eve".parse().unwrap();
        let appointed = [deputies(), vec![Deputy { account: eve.account(), role: Role::Security, delay: 0 }]].concat();
        assert!(wrong(&case().approve(&eve, NOW + 1), &case(), &appointed, NOW).contains("no officer of the policy"));
        let forged = Approval { officer: officer().account(), ..case().approve(&eve, NOW + 1) };
        assert_eq!(wrong(&forged, &case(), &appointed, NOW), "its signature does not verify");
    }

    #[test]
    fn of_an_officer_who_was_dismissed_does_not_count() {
        let approval = case().approve(&officer(), NOW + 1);
        let as_something_else = [Deputy { account: officer().account(), role: Role::Buyer, delay: 0 }];
        let later = [Deputy { account: officer().account(), role: Role::Security, delay: 10 }];
        for deputies in [&[][..], &as_something_else, &later] {
            assert!(wrong(&approval, &case(), deputies, NOW).contains("does not act for the customer"));
        }
    }

    #[test]
    fn out_of_time_does_not_count() {
        let approval = case().approve(&officer(), NOW + 10);
        assert!(approval.judge(&case(), &policy(), &deputies(), NOW + 9).is_ok());
        assert!(wrong(&approval, &case(), &deputies(), NOW + 10).contains("it counted until"));
        let long = case().approve(&officer(), NOW + policy().approval_lasts() + 1);
        assert!(wrong(&long, &case(), &deputies(), NOW).contains("for longer"));
        let stretched = Approval { until: NOW + 20, ..approval };
        assert_eq!(wrong(&stretched, &case(), &deputies(), NOW), "its signature does not verify");
    }

    #[test]
    fn one_officer_counts_once_and_others_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, approval: &Approval| fs::write(folder.path().join(name), serde_json::to_vec(approval).unwrap()).unwrap();
        let other = Case { job: JobId(6), ..case() };
        write("a.json", &case().approve(&officer(), NOW + 10));
        write("b.json", &case().approve(&officer(), NOW + 20));
        write("c.json", &other.approve(&officer(), NOW + 10));
        write("d.json", &case().approve(&"//Eve".parse().unwrap(), NOW + 10));
        fs::write(folder.path().join("e.json"), vec![b' '; 1 << 20]).unwrap();
        let (officers, faults) = approvals(folder.path(), &case(), &policy(), &deputies(), NOW).unwrap();
        assert_eq!((officers.len(), faults.len()), (1, 1), "{faults:?}");
        decided(folder.path(), folder.path(), &case()).unwrap();
        let left: Vec<_> = listed(folder.path()).unwrap().into_iter().map(|path| path.file_name().unwrap().to_owned()).collect();
        assert_eq!(left, ["c.json", "e.json"]);
    }
}
