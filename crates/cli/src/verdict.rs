//! A list of answered questions: what was asked, whether it holds, and what was found.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One answered question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The question, as a statement that may hold or not.
    pub claim: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// What was found, or what is wrong and whose duty it is.
    pub found: String,
}

/// An answered question as it is written down and read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The question.
    pub claim: String,
    /// What was found.
    pub found: String,
}

impl From<Check> for Answer {
    fn from(check: Check) -> Self {
        Self { claim: check.claim.into(), found: check.found }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.claim, self.found)
    }
}

/// Answered questions, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The answers.
    pub checks: Vec<Check>,
}

impl Verdict {
    /// Notes an answer.
    pub fn check(&mut self, claim: &'static str, holds: bool, found: impl Into<String>) -> bool {
        self.checks.push(Check { claim, holds, found: found.into() });
        holds
    }

    /// Notes a result: what was found, or the error.
    pub fn result<T, E: fmt::Display>(&mut self, claim: &'static str, result: Result<T, E>, found: impl FnOnce(&T) -> String) -> Option<T> {
        match result {
            Ok(value) => {
                self.check(claim, true, found(&value));
                Some(value)
            }
            Err(error) => {
                self.check(claim, false, error.to_string());
                None
            }
        }
    }

    /// Whether every statement holds. A verdict without any does not.
    pub fn holds(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|check| check.holds)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.checks.iter().map(|check| {
            let mark = if check.holds { "ok    " } else { "FAILED" };
            if check.found.is_empty() { format!("{mark}  {}", check.claim) } else { format!("{mark}  {}: {}", check.claim, check.found) }
        });
        f.write_str(&lines.by_ref().collect::<Vec<_>>().join("\n"))
    }
}
