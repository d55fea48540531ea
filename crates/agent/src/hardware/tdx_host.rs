//! A host that could launch trust domains.

use super::{Finding, Guide, cannot_tell, good, machine::Machine, missing};

/// Where the registration agent writes what it did (canonical/tdx, README, platform registration).
const REGISTRATION: &str = "var/log/mpa_registration.log";

/// Everything, in the order in which it is put right.
pub(super) fn examine(machine: &Machine) -> Vec<Finding> {
    vec![
        processor(machine),
        keys(machine),
        enclaves(machine),
        kernel(machine),
        command_line(machine),
        kvm(machine),
        devices(machine),
        quoting(machine),
        registration(machine),
    ]
}

fn processor(machine: &Machine) -> Finding {
    match machine.processor.product() {
        Some(product) => good("processor", format!("{product} ({})", machine.processor)),
        None => cannot_tell("processor", machine.processor.to_string(), "look on ark.intel.com whether it has TDX", Guide::Tdx(1)),
    }
}

/// The kernel sets `tdx_host_platform` if the BIOS left keys for trust domains (kernel documentation, `arch/x86/tdx.rst`, boot-time detection; since 6.8).
fn keys(machine: &Machine) -> Finding {
    let what = "BIOS: TDX";
    if machine.has_flag("tdx_host_platform") {
        good(what, "on, with keys for trust domains")
    } else if machine.kernel_is_at_least(6, 8) == Some(true) {
        let advice = "turn TME, TME-MT, TDX and the SEAM Loader on, and give the TME-MT/TDX key split a value above 0";
        missing(what, "off, or no keys for trust domains: no flag `tdx_host_platform`", advice, Guide::Tdx(2))
    } else {
        cannot_tell(what, "this kernel does not show it", "use a kernel of 6.16 or later, and look again", Guide::Tdx(3))
    }
}

/// Quotes are signed in an SGX enclave (canonical/tdx, README, BIOS and attestation).
fn enclaves(machine: &Machine) -> Finding {
    if machine.has_flag("sgx") {
        good("BIOS: SGX", "on")
    } else {
        missing("BIOS: SGX", "off: no flag `sgx`", "turn SW Guard Extensions on", Guide::Tdx(2))
    }
}

/// KVM has trust domains in mainline since 6.16; a distribution's backport shows by the parameter.
fn kernel(machine: &Machine) -> Finding {
    let what = "kernel";
    let advice = "use Linux 6.16 or later, or a distribution's kernel with TDX for hosts";
    if machine.parameter("kvm_intel", "tdx").is_some() {
        return good(what, format!("{}, with TDX in KVM", machine.release));
    }
    match machine.kernel_is_at_least(6, 16) {
        Some(true) => good(what, machine.release.clone()),
        Some(false) => missing(what, format!("{} is too old", machine.release), advice, Guide::Tdx(3)),
        None => cannot_tell(what, "its version cannot be read", advice, Guide::Tdx(3)),
    }
}

/// TDX stays off where hibernation is possible (`arch/x86/tdx.rst`, interaction with S3), and where KVM is not told to use it (`enable_tdx` in
/// `arch/x86/kvm/vmx/tdx.c`). Both may be arranged otherwise than on the command line, so that what counts is whether KVM has it.
fn command_line(machine: &Machine) -> Finding {
    let what = "kernel command line";
    let absent: Vec<_> = ["kvm_intel.tdx=1", "nohibernate"].into_iter().filter(|word| !machine.started_with(word)).collect();
    if absent.is_empty() || machine.parameter("kvm_intel", "tdx") == Some(true) {
        good(what, "nothing that keeps TDX off")
    } else {
        missing(what, format!("without {}", absent.join(" and ")), "add it, and reboot", Guide::Tdx(3))
    }
}

/// KVM sets `tdx` to `N` if keys, processor features or the TDX module are missing, so that `Y` says that the module is initialised (`tdx_bringup`, the
/// same file).
fn kvm(machine: &Machine) -> Finding {
    let what = "KVM and the TDX module";
    match machine.parameter("kvm_intel", "tdx") {
        Some(true) => good(what, "kvm_intel.tdx is on: the module is initialised"),
        Some(false) => missing(what, "kvm_intel.tdx is off", "put right what stands above; `dmesg | grep -i tdx` says why", Guide::Tdx(4)),
        None if machine.exists("sys/module/kvm_intel") => {
            missing(what, "kvm_intel knows no TDX", "use a kernel with CONFIG_KVM_INTEL_TDX", Guide::Tdx(3))
        }
        None => missing(what, "kvm_intel is not loaded", "modprobe kvm_intel", Guide::Tdx(3)),
    }
}

/// The quoting enclave and its provisioning need both (canonical/tdx, README, step 9.2).
fn devices(machine: &Machine) -> Finding {
    let absent: Vec<_> = ["dev/sgx_enclave", "dev/sgx_provision"].into_iter().filter(|path| !machine.exists(path)).collect();
    if absent.is_empty() {
        good("SGX devices", "/dev/sgx_enclave and /dev/sgx_provision")
    } else {
        let absent: Vec<_> = absent.into_iter().map(|path| format!("/{path}")).collect();
        missing("SGX devices", format!("no {}", absent.join(", no ")), "turn SGX on in the BIOS, and use a kernel with it", Guide::Tdx(5))
    }
}

fn quoting(machine: &Machine) -> Finding {
    let found = if machine.exists("etc/qgs.conf") {
        "configured in /etc/qgs.conf; whether it answers shows only inside a guest"
    } else {
        "no /etc/qgs.conf: not installed, or configured elsewhere"
    };
    cannot_tell("quote generation service", found, "`systemctl status qgsd pccs`, and run this inside a guest", Guide::Tdx(5))
}

/// The agent's last word about the registration.
fn registration(machine: &Machine) -> Finding {
    let what = "platform registration";
    let log = machine.text(REGISTRATION).unwrap_or_default();
    match log.lines().rev().find(|line| line.contains("passed successfully") || line.contains("ERROR")) {
        Some(line) if line.contains("passed successfully") => good(what, "passed, says its log"),
        Some(line) => missing(what, line, "register again, as described there", Guide::Tdx(5)),
        None => cannot_tell(
            what,
            format!("/{REGISTRATION} says nothing of it"),
            "register the platform, directly or through the PCCS",
            Guide::Tdx(5),
        ),
    }
}
