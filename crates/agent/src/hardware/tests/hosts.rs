//! Hosts: sound ones, and each with something missing.

use super::{Imitation, all, faults};
use crate::hardware::State::{self, *};

const FIRMWARE: (&str, State, &str) =
    ("SEV firmware", CannotTell, "its version takes an ioctl on /dev/sev, which this program does not make");
const CERTIFICATE: (&str, State, &str) = (
    "chip's certificate",
    CannotTell,
    "mainline kernels hand them to guests since 7.0 only; whether this one does shows only inside a guest",
);
const QUOTING: (&str, State, &str) =
    ("quote generation service", CannotTell, "configured in /etc/qgs.conf; whether it answers shows only inside a guest");

#[test]
fn a_sound_snp_host() {
    assert_eq!(
        all(&Imitation::snp_host().host_findings()),
        [
            ("processor", Good, "EPYC Genoa (Processor, family 19h, model 11h)"),
            ("BIOS: SVM", Good, "on"),
            ("BIOS: memory encryption", Good, "on"),
            ("BIOS: SEV-SNP", Good, "on, with memory for the table of page owners"),
            ("BIOS: IOMMU", Good, "2 units"),
            ("kernel", Good, "6.18.2, with SEV-SNP in KVM"),
            ("kernel command line", Good, "nothing that keeps SEV-SNP off"),
            ("KVM", Good, "kvm_amd.sev_snp is on"),
            ("security processor", Good, "/dev/sev"),
            FIRMWARE,
            CERTIFICATE,
        ]
    );
}

#[test]
fn an_snp_host_whose_bios_is_off() {
    let machine =
        Imitation::snp_host_with("").with("sys/module/kvm_amd/parameters/sev_snp", "N\n").without("sys/class/iommu").without("dev/sev");
    assert_eq!(
        faults(&machine.host_findings()),
        [
            ("BIOS: SVM", Missing, "off: no flag `svm`"),
            ("BIOS: memory encryption", Missing, "off: no flag `sev`"),
            ("BIOS: SEV-SNP", Missing, "off, or no memory for the table of page owners: no flag `sev_snp`"),
            ("BIOS: IOMMU", Missing, "the kernel shows none"),
            ("KVM", Missing, "kvm_amd.sev_snp is off"),
            ("security processor", Missing, "no /dev/sev"),
            FIRMWARE,
            CERTIFICATE,
        ]
    );
}

#[test]
fn an_snp_host_whose_kernel_is_too_old() {
    let machine = Imitation::snp_host_with("svm sev").with("proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
    let machine = machine.without("sys/module/kvm_amd/parameters/sev_snp");
    assert_eq!(
        faults(&machine.host_findings()),
        [
            ("BIOS: SEV-SNP", CannotTell, "this kernel does not show it"),
            ("kernel", Missing, "6.1.0-28-amd64 is too old"),
            ("KVM", Missing, "kvm_amd knows no SEV-SNP"),
            FIRMWARE,
            CERTIFICATE,
        ]
    );
}

#[test]
fn an_snp_host_whose_kernel_was_told_to_leave_it_off() {
    let machine = Imitation::snp_host().with("proc/cmdline", "iommu=pt kvm_amd.sev=0 -- amd_iommu=off\n").without("sys/module");
    assert_eq!(
        faults(&machine.host_findings()),
        [("kernel command line", Missing, "iommu=pt kvm_amd.sev=0"), ("KVM", Missing, "kvm_amd is not loaded"), FIRMWARE, CERTIFICATE,]
    );
}

#[test]
fn an_snp_host_with_a_kernel_that_can_hand_out_certificates() {
    let machine = Imitation::snp_host().with("proc/sys/kernel/osrelease", "7.0.3\n");
    let certificate =
        ("chip's certificate", CannotTell, "this kernel can hand them to guests; whether the hypervisor does shows only inside one");
    assert_eq!(faults(&machine.host_findings()), [FIRMWARE, certificate]);
}

#[test]
fn an_snp_host_with_a_product_of_the_legacy_tier_or_an_unknown_one() {
    let first = |model| Imitation::new("AuthenticAMD", model, "svm sev sev_snp", "6.18.2").host_findings().swap_remove(0);
    let milan = "EPYC Milan (Processor, family 19h, model 01h), of the legacy tier: docs/guides/attestation.md, section 4";
    assert_eq!(all(&[first((0x19, 1))]), [("processor", Good, milan)]);
    assert_eq!(all(&[first((0x1b, 0))]), [("processor", Missing, "Processor, family 1Bh, model 00h")]);
}

#[test]
fn a_sound_tdx_host() {
    assert_eq!(
        all(&Imitation::tdx_host().host_findings()),
        [
            ("processor", Good, "Xeon Emerald Rapids (Processor, family 06h, model CFh)"),
            ("BIOS: TDX", Good, "on, with keys for trust domains"),
            ("BIOS: SGX", Good, "on"),
            ("kernel", Good, "6.17.0-5-generic, with TDX in KVM"),
            ("kernel command line", Good, "nothing that keeps TDX off"),
            ("KVM and the TDX module", Good, "kvm_intel.tdx is on: the module is initialised"),
            ("SGX devices", Good, "/dev/sgx_enclave and /dev/sgx_provision"),
            QUOTING,
            ("platform registration", Good, "passed, says its log"),
        ]
    );
}

#[test]
fn a_tdx_host_whose_bios_is_off() {
    let machine = Imitation::tdx_host_with("vmx").with("sys/module/kvm_intel/parameters/tdx", "N\n").without("dev/sgx_provision");
    assert_eq!(
        faults(&machine.host_findings()),
        [
            ("BIOS: TDX", Missing, "off, or no keys for trust domains: no flag `tdx_host_platform`"),
            ("BIOS: SGX", Missing, "off: no flag `sgx`"),
            ("KVM and the TDX module", Missing, "kvm_intel.tdx is off"),
            ("SGX devices", Missing, "no /dev/sgx_provision"),
            QUOTING,
        ]
    );
}

#[test]
fn a_tdx_host_whose_kernel_is_too_old() {
    let machine = Imitation::tdx_host_with("vmx sgx").with("proc/sys/kernel/osrelease", "6.1.0\n").with("proc/cmdline", "quiet\n");
    assert_eq!(
        faults(&machine.without("sys/module/kvm_intel/parameters/tdx").host_findings()),
        [
            ("BIOS: TDX", CannotTell, "this kernel does not show it"),
            ("kernel", Missing, "6.1.0 is too old"),
            ("kernel command line", Missing, "without kvm_intel.tdx=1 and nohibernate"),
            ("KVM and the TDX module", Missing, "kvm_intel knows no TDX"),
            QUOTING,
        ]
    );
}

#[test]
fn a_tdx_host_that_is_not_registered() {
    let machine = Imitation::tdx_host().with("var/log/mpa_registration.log", "INFO: passed successfully\nERROR: refused\nINFO: Finished\n");
    assert_eq!(faults(&machine.host_findings()), [QUOTING, ("platform registration", Missing, "ERROR: refused")]);
    let machine = machine.without("var/log").without("etc");
    assert_eq!(
        faults(&machine.host_findings()),
        [
            ("quote generation service", CannotTell, "no /etc/qgs.conf: not installed, or configured elsewhere"),
            ("platform registration", CannotTell, "/var/log/mpa_registration.log says nothing of it"),
        ]
    );
}
