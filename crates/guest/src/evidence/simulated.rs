//! Reports from the simulator: no hardware, no protection, the same format.

use super::{EvidenceError, Report, ReportSource};
use blockcloud_primitives::Tee;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The simulator, and the launch that this guest claims to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    tee: Tee,
    url: String,
    launch: String,
}

#[derive(Serialize)]
struct Request<'a> {
    launch: &'a str,
    report_data: String,
}

#[derive(Deserialize)]
struct Response {
    report: String,
    certificate: String,
}

/// Not `URL#LAUNCH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write the simulator as URL#LAUNCH")]
pub struct NotASimulator;

impl Simulated {
    /// The launch at a simulator that plays this kind of hardware, written `URL#LAUNCH`.
    ///
    /// # Errors
    /// It is written otherwise.
    pub fn new(tee: Tee, text: &str) -> Result<Self, NotASimulator> {
        let (url, launch) = text.split_once('#').filter(|(url, launch)| !url.is_empty() && !launch.is_empty()).ok_or(NotASimulator)?;
        Ok(Self { tee, url: url.trim_end_matches('/').into(), launch: launch.into() })
    }
}

impl ReportSource for Simulated {
    fn tee(&self) -> Tee {
        self.tee
    }

    async fn report(&self, data: [u8; 64]) -> Result<Report, EvidenceError> {
        let failed = |error: reqwest::Error| EvidenceError::Simulator(error.without_url().to_string());
        let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().map_err(failed)?;
        let request = Request { launch: &self.launch, report_data: hex::encode(data) };
        let response = client.post(format!("{}/report", self.url)).json(&request).send().await.map_err(failed)?;
        let response: Response = response.error_for_status().map_err(failed)?.json().await.map_err(failed)?;
        let decode = |text: &str| {
            hex::decode(text.strip_prefix("0x").unwrap_or(text)).map_err(|_| EvidenceError::Simulator("the answer is not hex".into()))
        };
        Ok(Report { report: decode(&response.report)?, certificate: decode(&response.certificate)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_url_and_launch() {
        let simulated = Simulated { tee: Tee::Simulated, url: "http://localhost:1".into(), launch: "7".into() };
        assert_eq!(Simulated::new(Tee::Simulated, "http://localhost:1/#7"), Ok(simulated));
        assert_eq!(Simulated::new(Tee::Simulated, "http://localhost:1"), Err(NotASimulator));
        assert_eq!(Simulated::new(Tee::Simulated, "#7"), Err(NotASimulator));
    }
}
