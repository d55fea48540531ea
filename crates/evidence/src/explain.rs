//! Evidence explained: every check of a verification, passed, failed or not reached, with what was found, what is wanted, and whose duty it is.
//!
//! The checks are those of the verifiers, who tell of them while they judge: nothing is judged here, and there is no second list of conditions. What a
//! verification would still have checked after it had to stop is known by name only.
//!
//! Not here: what a relying party wants beyond the verifiers (which measurement, which data, which root).

use crate::{journal::Journal, snp, tdx};
use serde::Serialize;
use std::fmt::{Debug, Display};

/// Who has to put it right if a check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Whoever runs the machine and brings the evidence.
    Provider,
    /// The processor's maker.
    Vendor,
    /// Whoever relies on the evidence and says what is wanted of it.
    Customer,
    /// Whoever decides about the chain's roots and its verifier.
    Council,
    /// Whoever made the guest.
    GuestAuthor,
}

impl Duty {
    /// By what an error says of it.
    fn of(text: &str) -> Self {
        if text.starts_with("the chain's ") { Self::Council } else { Self::Provider }
    }
}

impl Display for Duty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Provider => "provider",
            Self::Vendor => "vendor",
            Self::Customer => "customer",
            Self::Council => "council",
            Self::GuestAuthor => "guest author",
        })
    }
}

/// A verifier's error, of either vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// SEV-SNP's.
    Snp(snp::Error),
    /// TDX's.
    Tdx(tdx::Error),
}

impl Refusal {
    /// Name of the check that fails with this error: the variant's, in snake case.
    pub fn check_name(self) -> String {
        match self {
            Self::Snp(error) => snake_case(&format!("{error:?}")),
            Self::Tdx(error) => snake_case(&format!("{error:?}")),
        }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Snp(error) => Display::fmt(error, f),
            Self::Tdx(error) => Display::fmt(error, f),
        }
    }
}

/// One check of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name: that of the error with which it fails, in snake case.
    pub name: String,
    /// What it is about: a certificate, an item of collateral, the report.
    pub subject: &'static str,
    /// Whether it passed; `None` if it could not be judged because an earlier one failed.
    pub passed: Option<bool>,
    /// What was found. Empty if it could not be judged.
    pub found: String,
    /// What is wanted.
    pub wanted: String,
    /// Who has to put it right if it fails.
    pub duty: Duty,
    /// What there is to do if it fails.
    pub remedy: &'static str,
    /// The verifier's error if it failed.
    pub error: Option<Refusal>,
}

/// Every check of a verification, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation<Claims, Error> {
    /// The checks.
    pub checks: Vec<Check>,
    /// What the verifier says: the claims, or the first check that failed.
    pub verdict: Result<Claims, Error>,
    /// What refused evidence claims, if every signature is good and all of it could be read. It is nothing to rely on.
    pub refused: Option<Claims>,
}

/// What a verifier's error says in words.
pub(crate) trait Explained: Copy + Eq + Debug {
    /// What the check is about.
    fn subject(self) -> &'static str;
    /// What was found if it failed, what is wanted, what there is to do.
    fn texts(self) -> (&'static str, &'static str, &'static str);
    /// The error itself.
    fn refusal(self) -> Refusal;
}

/// A check as it was told.
struct Told<Error> {
    error: Error,
    passed: bool,
    found: String,
    wanted: String,
}

/// Writes every check down and goes on for as long as anything can be judged.
pub(crate) struct Record<Error> {
    told: Vec<Told<Error>>,
    first: Option<Error>,
}

impl<Error: Explained> Record<Error> {
    pub(crate) fn new() -> Self {
        Self { told: Vec::new(), first: None }
    }

    /// Several places may make the same check: it passes if it passes everywhere.
    fn tell(&mut self, passed: bool, error: Error, found: &dyn Display, wanted: &dyn Display) {
        let (found, wanted) = (found.to_string(), wanted.to_string());
        if !passed && self.first.is_none() {
            self.first = Some(error);
        }
        match self.told.iter_mut().find(|told| told.error == error) {
            Some(told) if told.passed && !passed => *told = Told { error, passed, found, wanted },
            Some(told) if told.passed == passed && !found.is_empty() && !told.found.split("; ").any(|part| part == found) => {
                if !told.found.is_empty() {
                    told.found.push_str("; ");
                }
                told.found.push_str(&found);
            }
            Some(_) => {}
            None => self.told.push(Told { error, passed, found, wanted }),
        }
    }

    /// What came out, with what is left of the plan: the checks that a verification makes, in order.
    pub(crate) fn finish<Claims>(
        mut self,
        result: Result<Claims, Error>,
        plan: impl IntoIterator<Item = Error>,
    ) -> Explanation<Claims, Error> {
        if let Err(error) = &result {
            self.tell(false, *error, &"", &"");
        }
        let mut checks: Vec<Check> = self.told.iter().map(Told::check).collect();
        if result.is_err() {
            let mut known: Vec<Error> = self.told.iter().map(|told| told.error).collect();
            for error in plan {
                if !known.contains(&error) {
                    known.push(error);
                    checks.push(unjudged(error));
                }
            }
        }
        let (verdict, refused) = match (self.first, result) {
            (Some(error), result) => (Err(error), result.ok()),
            (None, result) => (result, None),
        };
        Explanation { checks, verdict, refused }
    }
}

impl<Error: Explained> Told<Error> {
    fn check(&self) -> Check {
        let (found, wanted, _) = self.error.texts();
        let found = match (self.passed, self.found.is_empty()) {
            (true, true) => wanted.to_owned(),
            (true, false) => self.found.clone(),
            (false, true) => found.to_owned(),
            (false, false) => format!("{found}: {}", self.found),
        };
        let wanted = if self.wanted.is_empty() { wanted.to_owned() } else { format!("{wanted}: {}", self.wanted) };
        let error = (!self.passed).then(|| self.error.refusal());
        Check { passed: Some(self.passed), found, wanted, error, ..unjudged(self.error) }
    }
}

fn unjudged<Error: Explained>(error: Error) -> Check {
    let (_, wanted, remedy) = error.texts();
    Check {
        name: error.refusal().check_name(),
        subject: error.subject(),
        passed: None,
        found: String::new(),
        wanted: wanted.to_owned(),
        duty: Duty::of(remedy),
        remedy,
        error: None,
    }
}

impl<Error: Explained> Journal<Error> for Record<Error> {
    fn check(&mut self, passed: bool, error: Error, found: impl Display) -> Result<(), Error> {
        self.tell(passed, error, &found, &"");
        Ok(())
    }

    fn compare(&mut self, passed: bool, error: Error, found: impl Display, wanted: impl Display) -> Result<(), Error> {
        self.tell(passed, error, &found, &wanted);
        Ok(())
    }

    fn need(&mut self, passed: bool, error: Error, found: impl Display) -> Result<(), Error> {
        self.tell(passed, error, &found, &"");
        if passed { Ok(()) } else { Err(error) }
    }

    fn step<T>(&mut self, result: Result<T, Error>, checks: &[Error]) -> Result<T, Error> {
        let failed = result.as_ref().err().copied();
        for error in checks.iter().take_while(|error| Some(**error) != failed) {
            self.tell(true, *error, &"", &"");
        }
        if let Some(error) = failed {
            self.tell(false, error, &"", &"");
        }
        result
    }
}

/// The variant's name out of how an error is shown for debugging.
fn snake_case(shown: &str) -> String {
    let mut name = String::new();
    for character in shown.chars().take_while(|character| character.is_ascii_alphanumeric()) {
        if character.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}
