//! A confidential VM: whether its kernel can ask for evidence, and whether evidence comes with what is needed.
//!
//! Reports come through configfs-tsm (kernel documentation, `ABI/testing/configfs-tsm-report`, since 6.7), whose folder a vendor's driver fills.

use super::{Finding, Guide, cannot_tell, good, machine::Machine, missing};
use crate::configfs::{Answer, NoEvidence};

/// Only SEV-SNP guests have it (kernel documentation, `ABI/testing/sysfs-devices-system-cpu`, since 6.11).
pub(super) const PRIVILEGE_FOLDER: &str = "sys/devices/system/cpu/sev";
/// The interface for reports.
const REPORTS: &str = "sys/kernel/config/tsm/report";
/// The event log that explains a trust domain's run-time measurements (ACPI 6.5, section 5.2.34).
const EVENT_LOG: &str = "sys/firmware/acpi/tables/CCEL";

/// What differs between the vendors.
pub(super) struct Kind {
    name: &'static str,
    guide: fn(u8) -> Guide,
    /// The driver's device.
    pub device: &'static str,
    driver: &'static str,
    /// The name that the interface gives this kind (`provider`).
    pub provider: &'static str,
}

/// Driver: `drivers/virt/coco/sev-guest/Kconfig`.
pub(super) const SNP: Kind =
    Kind { name: "SEV-SNP guest", guide: Guide::Snp, device: "dev/sev-guest", driver: "sev-guest", provider: "sev_guest" };
/// Driver: `drivers/virt/coco/tdx-guest/Kconfig`.
pub(super) const TDX: Kind =
    Kind { name: "TDX guest", guide: Guide::Tdx, device: "dev/tdx_guest", driver: "tdx-guest", provider: "tdx_guest" };

/// Everything, in the order in which it is put right.
pub(super) fn examine(machine: &Machine, kind: &Kind, answer: &Result<Answer, NoEvidence>) -> Vec<Finding> {
    let mut findings = vec![good("processor", format!("{} ({})", kind.name, machine.processor))];
    if kind.provider == SNP.provider {
        findings.push(privilege(machine));
    }
    findings.extend([
        kernel(machine, kind),
        configfs(machine, kind),
        driver(machine, kind),
        interface(machine, kind),
        report(kind, answer),
        if kind.provider == SNP.provider { certificate(answer) } else { event_log(machine) },
    ]);
    findings
}

/// The verifier refuses guests above level 0 (AMD 56860, attestation report, VMPL).
fn privilege(machine: &Machine) -> Finding {
    let what = "privilege level";
    match machine.text(&format!("{PRIVILEGE_FOLDER}/vmpl")).as_deref() {
        Some("0") => good(what, "0"),
        Some(level) => missing(what, level, "launch the guest without a paravisor: only level 0 is accepted", Guide::Snp(7)),
        None => cannot_tell(what, "this kernel does not show it", "use a kernel of 6.11 or later", Guide::Snp(7)),
    }
}

fn kernel(machine: &Machine, kind: &Kind) -> Finding {
    let what = "kernel";
    let advice = "use Linux 6.7 or later in the guest";
    if machine.exists(REPORTS) {
        return good(what, format!("{}, with configfs-tsm", machine.release));
    }
    match machine.kernel_is_at_least(6, 7) {
        Some(true) => good(what, machine.release.clone()),
        Some(false) => missing(what, format!("{} is too old", machine.release), advice, (kind.guide)(7)),
        None => cannot_tell(what, "its version cannot be read", advice, (kind.guide)(7)),
    }
}

fn configfs(machine: &Machine, kind: &Kind) -> Finding {
    let mounts = machine.text("proc/mounts").unwrap_or_default();
    let mut mounts = mounts.lines().map(|line| line.split_whitespace().skip(1).take(2).collect::<Vec<_>>());
    if mounts.any(|mount| mount == ["/sys/kernel/config", "configfs"]) {
        good("configfs", "mounted")
    } else {
        let advice = "mount -t configfs none /sys/kernel/config";
        missing("configfs", "not mounted at /sys/kernel/config", advice, (kind.guide)(7))
    }
}

fn driver(machine: &Machine, kind: &Kind) -> Finding {
    if machine.exists(kind.device) {
        good("driver", format!("/{}", kind.device))
    } else {
        missing("driver", format!("no /{}", kind.device), &format!("modprobe {}", kind.driver), (kind.guide)(7))
    }
}

fn interface(machine: &Machine, kind: &Kind) -> Finding {
    if machine.exists(REPORTS) {
        good("report interface", format!("/{REPORTS}"))
    } else {
        let advice = format!("mount configfs and load {}: it makes the folder", kind.driver);
        missing("report interface", format!("no /{REPORTS}"), &advice, (kind.guide)(7))
    }
}

fn report(kind: &Kind, answer: &Result<Answer, NoEvidence>) -> Finding {
    let what = "report";
    match answer {
        Ok(answer) if answer.provider == kind.provider => good(what, format!("from `{}`", answer.provider)),
        Ok(answer) => {
            let advice = "the guest understands only the interface of its own hardware: see how the VM was launched";
            missing(what, format!("from `{}`, not from `{}`", answer.provider, kind.provider), advice, (kind.guide)(7))
        }
        Err(NoEvidence::Missing) => cannot_tell(what, "there is no interface to ask", "put right what stands above", (kind.guide)(7)),
        // For TDX the host's quote generation service answers.
        Err(error) if kind.provider == TDX.provider => missing(
            what,
            error.to_string(),
            "run the agent as root, and look whether the host's quote generation service runs",
            Guide::Tdx(5),
        ),
        Err(error) => missing(what, error.to_string(), "run the agent as root, and look into the kernel's log", Guide::Snp(7)),
    }
}

/// In the table that comes with the report (GHCB specification, AMD 56421, section 4.1.8.1).
fn certificate(answer: &Result<Answer, NoEvidence>) -> Finding {
    let what = "chip's certificate";
    match answer {
        Ok(answer) if answer.certificate => good(what, "supplied with the report"),
        Ok(_) => missing(what, "the host supplies none with the report", "have the host fetch, import and supply it", Guide::Snp(6)),
        Err(_) => cannot_tell(what, "it comes with a report only", "put right what stands above", Guide::Snp(6)),
    }
}

fn event_log(machine: &Machine) -> Finding {
    if machine.exists(EVENT_LOG) {
        good("event log", format!("/{EVENT_LOG}"))
    } else {
        missing("event log", format!("no /{EVENT_LOG}"), "launch the guest with firmware that is built for TDX", Guide::Tdx(6))
    }
}
