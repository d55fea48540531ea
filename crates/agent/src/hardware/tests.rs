//! Folders that imitate machines, sound and broken, and all that is found about each.

mod guests;
mod hosts;

use super::{
    Finding,
    State::{self, *},
    examine,
    processor::{Processor, Vendor},
    summary,
};
use crate::configfs::{Answer, NoEvidence};
use std::{fs, path::Path};
use tempfile::TempDir;

/// A machine's files.
struct Imitation(TempDir);

impl Imitation {
    /// With this processor and kernel.
    fn new(vendor: &str, (family, model): (u16, u16), flags: &str, kernel: &str) -> Self {
        let cpuinfo = format!(
            "processor\t: 0\nvendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: {model}\nmodel name\t: Processor\nflags\t\t: fpu {flags}\n\n\
             processor\t: 1\nflags\t\t: none\n"
        );
        Self(tempfile::tempdir().unwrap()).with("proc/cpuinfo", &cpuinfo).with("proc/sys/kernel/osrelease", &format!("{kernel}\n"))
    }

    /// With this file, in place of an earlier one.
    fn with(self, path: &str, text: &str) -> Self {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// With these files, empty.
    fn with_all(self, paths: &[&str]) -> Self {
        paths.iter().fold(self, |machine, path| machine.with(path, ""))
    }

    /// Without this file or folder.
    fn without(self, path: &str) -> Self {
        let path = self.0.path().join(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap()
        } else {
            fs::remove_file(path).unwrap()
        }
        self
    }

    fn snp_host() -> Self {
        Self::snp_host_with("svm sev sev_es sev_snp")
    }

    fn snp_host_with(flags: &str) -> Self {
        Self::new("AuthenticAMD", (0x19, 0x11), flags, "6.18.2")
            .with("proc/cmdline", "root=/dev/sda1 quiet\n")
            .with("sys/module/kvm_amd/parameters/sev_snp", "Y\n")
            .with_all(&["sys/class/iommu/ivhd0", "sys/class/iommu/ivhd1", "dev/sev"])
    }

    fn tdx_host() -> Self {
        Self::tdx_host_with("vmx sgx tdx_host_platform")
    }

    fn tdx_host_with(flags: &str) -> Self {
        Self::new("GenuineIntel", (6, 0xcf), flags, "6.17.0-5-generic")
            .with("proc/cmdline", "root=/dev/sda1 nohibernate kvm_intel.tdx=1\n")
            .with("sys/module/kvm_intel/parameters/tdx", "Y\n")
            .with(
                "var/log/mpa_registration.log",
                "INFO: Starts\nINFO: Registration Flow - PLATFORM_ESTABLISHMENT or TCB_RECOVERY passed successfully.\n",
            )
            .with_all(&["dev/sgx_enclave", "dev/sgx_provision", "etc/qgs.conf"])
    }

    fn snp_guest() -> Self {
        Self::new("AuthenticAMD", (0x17, 1), "hypervisor", "6.12.1")
            .with("proc/mounts", "sysfs /sys sysfs rw 0 0\nconfigfs /sys/kernel/config configfs rw 0 0\n")
            .with("sys/devices/system/cpu/sev/vmpl", "0\n")
            .with_all(&["dev/sev-guest", "sys/kernel/config/tsm/report/.folder"])
    }

    fn tdx_guest() -> Self {
        Self::new("GenuineIntel", (6, 0xcf), "hypervisor tdx_guest", "6.12.1")
            .with("proc/mounts", "configfs /sys/kernel/config configfs rw 0 0\n")
            .with_all(&["dev/tdx_guest", "sys/kernel/config/tsm/report/.folder", "sys/firmware/acpi/tables/CCEL"])
    }

    fn findings(&self, answer: &Result<Answer, NoEvidence>) -> Vec<Finding> {
        let findings = examine(self.0.path(), answer);
        findings.iter().for_each(advised);
        findings
    }

    fn host_findings(&self) -> Vec<Finding> {
        self.findings(&Err(NoEvidence::Missing))
    }
}

/// What is good needs no advice; whatever else is found comes with some, which names a section that exists.
fn advised(finding: &Finding) {
    if finding.state == Good {
        assert_eq!(finding.advice, "", "{finding:?}");
        return;
    }
    let (_, place) = finding.advice.rsplit_once(" (").unwrap();
    let (guide, section) = place.trim_end_matches(')').split_once(", section ").unwrap();
    let text = fs::read_to_string(
        Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it for what it runs")).join("../..").join(guide),
    )
    .unwrap();
    assert!(text.lines().any(|line| line.starts_with(&format!("## {section}. "))), "{finding:?}");
}

fn all(findings: &[Finding]) -> Vec<(&str, State, &str)> {
    findings.iter().map(|finding| (finding.what, finding.state, finding.found.as_str())).collect()
}

/// What is not good, where the rest is that of a sound machine.
fn faults(findings: &[Finding]) -> Vec<(&str, State, &str)> {
    all(findings).into_iter().filter(|(_, state, _)| *state != Good).collect()
}

fn answer(provider: &str, certificate: bool) -> Result<Answer, NoEvidence> {
    Ok(Answer { provider: provider.into(), certificate })
}

#[test]
fn a_machine_without_either_is_one_finding() {
    let machine = Imitation::new("AuthenticAMD", (0x19, 0x11), "hypervisor", "6.18.44");
    let ordinary = ("processor", Missing, "Processor, family 19h, model 11h (an ordinary virtual machine)");
    assert_eq!(all(&machine.host_findings()), [ordinary]);
    let machine = Imitation::new("GenuineIntel", (6, 0x55), "vmx", "6.18.44");
    let other = ("processor", Missing, "Processor, family 06h, model 55h (a machine without SEV-SNP and TDX)");
    assert_eq!(all(&machine.host_findings()), [other]);
    let nothing = tempfile::tempdir().unwrap();
    assert_eq!(
        all(&examine(nothing.path(), &Err(NoEvidence::Missing))),
        [("processor", Missing, "unknown (a machine without SEV-SNP and TDX)")]
    );
}

#[test]
fn beside_a_simulator_a_machine_is_named_in_a_few_words() {
    let machines = [
        (Imitation::snp_host(), "a host with a processor for SEV-SNP"),
        (Imitation::tdx_host(), "a host with a processor for TDX"),
        (Imitation::snp_guest(), "an SEV-SNP guest"),
        (Imitation::tdx_guest(), "a TDX guest"),
        (Imitation::new("AuthenticAMD", (0x19, 0x11), "hypervisor", "6.18.44"), "an ordinary virtual machine"),
    ];
    for (machine, name) in machines {
        assert_eq!(summary(machine.0.path()), name);
    }
}

#[test]
fn amds_products_are_those_of_the_verifier() {
    for family in 0..=u8::MAX {
        for model in 0..=u8::MAX {
            let (family_wide, model_wide) = (Some(family.into()), Some(model.into()));
            let processor = Processor { vendor: Vendor::Amd, family: family_wide, model: model_wide, name: String::new() };
            let verifiers = blockcloud_evidence::snp::Product::from_cpuid(family, model).map(|product| format!("EPYC {product}"));
            assert_eq!(processor.product().map(str::to_owned), verifiers, "{family:x} {model:x}");
        }
    }
}
