//! What the doctor says of a machine without a chain.

use super::*;

fn problems(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().filter(|finding| matches!(finding.verdict, Verdict::Wrong { .. })).map(|finding| finding.subject).collect()
}

#[tokio::test]
async fn a_missing_configuration_is_the_only_thing_said() {
    let folder = tempfile::tempdir().unwrap();
    let findings = examine(&folder.path().join("agent.toml")).await;
    assert_eq!(problems(&findings), ["configuration"]);
    assert_eq!(findings.len(), 1);
}

#[tokio::test]
async fn everything_that_is_wrong_is_named_at_once_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let written = crate::init::init(folder.path(), blockcloud_client::Scheme::Sr25519).unwrap();
    std::fs::set_permissions(&written.key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = std::fs::read_to_string(&written.config).unwrap();
    let text = text.replace("127.0.0.1:9944", &closed.to_string()).replace("127.0.0.1:9950", &closed.to_string());
    let text = text.replace("/usr/local/bin/blockcloud-guest", "no-such-guest");
    std::fs::write(&written.config, text).unwrap();
    let findings = examine(&written.config).await;
    assert_eq!(problems(&findings), ["account key", "guest program", "evidence", "node"]);
    assert!(findings.iter().any(|finding| finding.to_string().contains("chmod 600")));
}

fn about<'a>(findings: &'a [Finding], subject: &str) -> Vec<&'a Verdict> {
    findings.iter().filter(|finding| finding.subject == subject).map(|finding| &finding.verdict).collect()
}

#[tokio::test]
async fn beside_a_simulator_the_hardware_gets_one_line_and_no_blame() {
    let folder = tempfile::tempdir().unwrap();
    let written = crate::init::init(folder.path(), blockcloud_client::Scheme::Sr25519).unwrap();
    let findings = driver(&Config::read(&written.config).unwrap()).await;
    assert!(matches!(about(&findings, "hardware")[..], [Verdict::Note(_)]));
    assert_eq!(about(&findings, "processor"), Vec::<&Verdict>::new());
}

#[tokio::test]
async fn without_a_simulator_the_hardware_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let written = crate::init::init(folder.path(), blockcloud_client::Scheme::Sr25519).unwrap();
    let text = std::fs::read_to_string(&written.config).unwrap();
    let text: Vec<_> = text.lines().filter(|line| !line.starts_with("simulator")).collect();
    std::fs::write(&written.config, text.join("\n")).unwrap();
    let findings = driver(&Config::read(&written.config).unwrap()).await;
    assert_eq!(about(&findings, "processor").len(), 1);
    assert_eq!(about(&findings, "evidence").len(), 1);
    assert_eq!(about(&findings, "hardware"), Vec::<&Verdict>::new());
}

#[test]
fn findings_about_hardware_keep_what_was_found_and_the_advice() {
    let finding = |state| hardware::Finding { what: "kernel", state, found: "old".into(), advice: "renew it".into() };
    let said = [hardware::State::Good, hardware::State::Missing, hardware::State::CannotTell]
        .map(|state| Finding::from(finding(state)).to_string());
    assert_eq!(said, ["ok     kernel: old", "WRONG  kernel: old\n       -> renew it", "note   kernel: old; renew it"]);
}
