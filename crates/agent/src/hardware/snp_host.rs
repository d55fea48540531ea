//! A host that could launch SEV-SNP guests.

use super::{Finding, Guide, cannot_tell, good, machine::Machine, missing, processor::MILAN};

/// The kernel's words that keep SEV-SNP off: the AMD IOMMU driver gives it up when it is off or passes through
/// (`iommu_snp_enable` in `drivers/iommu/amd/init.c`), and KVM when it is told so.
const HARMFUL: [&str; 7] =
    ["iommu=pt", "iommu=off", "iommu.passthrough=1", "amd_iommu=off", "kvm_amd.sev=0", "kvm_amd.sev_es=0", "kvm_amd.sev_snp=0"];

/// Everything, in the order in which it is put right.
pub(super) fn examine(machine: &Machine) -> Vec<Finding> {
    vec![
        processor(machine),
        virtualisation(machine),
        encryption(machine),
        page_table(machine),
        iommu(machine),
        kernel(machine),
        command_line(machine),
        kvm(machine),
        device(machine),
        firmware(),
        certificates(machine),
    ]
}

fn processor(machine: &Machine) -> Finding {
    match machine.processor.product() {
        Some(MILAN) => {
            good("processor", format!("{MILAN} ({}), of the legacy tier: docs/guides/attestation.md, section 4", machine.processor))
        }
        Some(product) => good("processor", format!("{product} ({})", machine.processor)),
        None => {
            missing("processor", machine.processor.to_string(), "the verifier knows no such product: use one that it knows", Guide::Snp(1))
        }
    }
}

/// AMD's virtualisation has the flag `svm`.
fn virtualisation(machine: &Machine) -> Finding {
    if machine.has_flag("svm") {
        good("BIOS: SVM", "on")
    } else {
        missing("BIOS: SVM", "off: no flag `svm`", "turn SVM Mode on", Guide::Snp(2))
    }
}

/// Memory encryption (SMEE). Linux hides `sev` if the BIOS left bit 23 of SYSCFG off or did not lock SMM (`early_detect_mem_encrypt` in
/// `arch/x86/kernel/cpu/amd.c`; kernel documentation, `arch/x86/amd-memory-encryption.rst`). The flag `sme` says something else: since 5.18 it is only
/// there if the host's own memory is encrypted (commit 08f253ec3767).
fn encryption(machine: &Machine) -> Finding {
    if machine.has_flag("sev") {
        good("BIOS: memory encryption", "on")
    } else {
        missing("BIOS: memory encryption", "off: no flag `sev`", "turn SMEE on", Guide::Snp(2))
    }
}

/// The table of page owners (RMP). Linux hides `sev_snp` if the BIOS reserved no memory for it (`bsp_determine_snp`, the same file; since 6.9, as the flag).
fn page_table(machine: &Machine) -> Finding {
    let what = "BIOS: SEV-SNP";
    if machine.has_flag("sev_snp") {
        good(what, "on, with memory for the table of page owners")
    } else if machine.kernel_is_at_least(6, 9) == Some(true) {
        let advice = "turn SEV-SNP Support and SNP Memory (RMP Table) Coverage on";
        missing(what, "off, or no memory for the table of page owners: no flag `sev_snp`", advice, Guide::Snp(2))
    } else {
        cannot_tell(what, "this kernel does not show it", "use a kernel of 6.11 or later, and look again", Guide::Snp(3))
    }
}

/// Units show in `/sys/class/iommu` (kernel documentation, `ABI/testing/sysfs-class-iommu`).
fn iommu(machine: &Machine) -> Finding {
    match machine.entries("sys/class/iommu") {
        0 => missing("BIOS: IOMMU", "the kernel shows none", "turn IOMMU on", Guide::Snp(2)),
        units => good("BIOS: IOMMU", format!("{units} units")),
    }
}

/// Mainline since 6.11 (virtee/snphost, docs/troubleshooting.md); a distribution's backport shows by the parameter.
fn kernel(machine: &Machine) -> Finding {
    let what = "kernel";
    let advice = "use Linux 6.11 or later, or a distribution's kernel with SEV-SNP for hosts";
    if machine.parameter("kvm_amd", "sev_snp").is_some() {
        return good(what, format!("{}, with SEV-SNP in KVM", machine.release));
    }
    match machine.kernel_is_at_least(6, 11) {
        Some(true) => good(what, machine.release.clone()),
        Some(false) => missing(what, format!("{} is too old", machine.release), advice, Guide::Snp(3)),
        None => cannot_tell(what, "its version cannot be read", advice, Guide::Snp(3)),
    }
}

fn command_line(machine: &Machine) -> Finding {
    let harmful: Vec<_> = HARMFUL.into_iter().filter(|word| machine.started_with(word)).collect();
    if harmful.is_empty() {
        good("kernel command line", "nothing that keeps SEV-SNP off")
    } else {
        missing("kernel command line", harmful.join(" "), "remove it: with it the kernel gives SEV-SNP up", Guide::Snp(3))
    }
}

/// `sev_snp` of `kvm_amd` is `N` if anything above it failed (`arch/x86/kvm/svm/sev.c`; virtee/snphost, docs/troubleshooting.md).
fn kvm(machine: &Machine) -> Finding {
    let what = "KVM";
    match machine.parameter("kvm_amd", "sev_snp") {
        Some(true) => good(what, "kvm_amd.sev_snp is on"),
        Some(false) => {
            let advice = "put right what stands above, or load kvm_amd with sev_snp=1; `dmesg | grep -i -e sev -e rmp` says why";
            missing(what, "kvm_amd.sev_snp is off", advice, Guide::Snp(3))
        }
        None if machine.exists("sys/module/kvm_amd") => {
            missing(what, "kvm_amd knows no SEV-SNP", "use a kernel with CONFIG_KVM_AMD_SEV", Guide::Snp(3))
        }
        None => missing(what, "kvm_amd is not loaded", "modprobe kvm_amd", Guide::Snp(3)),
    }
}

/// The security processor's device comes with the driver `ccp` (virtee/snphost, docs/troubleshooting.md, "Why /dev/sev Doesn't Exist").
fn device(machine: &Machine) -> Finding {
    if machine.exists("dev/sev") {
        good("security processor", "/dev/sev")
    } else {
        missing(
            "security processor",
            "no /dev/sev",
            "modprobe ccp; if that fails, look into `dmesg | grep -i -e ccp -e psp`",
            Guide::Snp(3),
        )
    }
}

/// SNP_PLATFORM_STATUS (AMD 56860) is an ioctl on `/dev/sev`; the files of the driver `ccp` (kernel documentation, `ABI/testing/sysfs-driver-ccp`) have
/// the boot loader's version, not this one.
fn firmware() -> Finding {
    let found = "its version takes an ioctl on /dev/sev, which this program does not make";
    cannot_tell("SEV firmware", found, "`snphost show version` must say 1.51 or later, and `snphost ok` name no failure", Guide::Snp(4))
}

/// KVM can ask the hypervisor for certificates since 7.0 (`KVM_EXIT_SNP_REQ_CERTS`, commits fa9893fadbc2 and 20c3c4108d58).
fn certificates(machine: &Machine) -> Finding {
    let found = if machine.kernel_is_at_least(7, 0) == Some(true) {
        "this kernel can hand them to guests; whether the hypervisor does shows only inside one"
    } else {
        "mainline kernels hand them to guests since 7.0 only; whether this one does shows only inside a guest"
    };
    cannot_tell("chip's certificate", found, "fetch and import it, and run this inside a guest", Guide::Snp(6))
}
