//! Holds an explanation against the verdict that it explains.

use blockcloud_evidence::explain::{Explanation, Refusal};
use std::{collections::BTreeSet, fmt::Debug};

/// The verdict, after everything that must hold between it and its explanation was asserted.
pub fn agreed<Claims, Error>(
    verdict: Result<Claims, Error>,
    explanation: &Explanation<Claims, Error>,
    refusal: impl Fn(Error) -> Refusal,
) -> Result<Claims, Error>
where
    Claims: Debug + PartialEq,
    Error: Copy + Debug + PartialEq,
{
    let Explanation { checks, verdict: explained, refused } = explanation;
    assert_eq!(*explained, verdict);
    assert_eq!(checks.iter().all(|check| check.passed == Some(true)), verdict.is_ok(), "{checks:#?}");
    assert!(refused.is_none() || verdict.is_err());
    let names: BTreeSet<_> = checks.iter().map(|check| (check.name.as_str(), check.subject)).collect();
    assert_eq!(names.len(), checks.len(), "a check is there twice: {checks:#?}");
    for check in checks {
        assert_eq!(check.error.map(Refusal::check_name), (check.passed == Some(false)).then(|| check.name.clone()), "{check:?}");
        assert_eq!(check.found.is_empty(), check.passed.is_none(), "{check:?}");
        assert!(!check.wanted.is_empty() && !check.remedy.is_empty() && !check.subject.is_empty(), "{check:?}");
    }
    if let Err(error) = verdict {
        assert!(checks.iter().any(|check| check.error == Some(refusal(error))), "{error:?} is not among {checks:#?}");
    }
    verdict
}
