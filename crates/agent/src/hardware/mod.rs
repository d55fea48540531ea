//! What this machine has and lacks for genuine evidence, in the order in which a provider puts it right: BIOS, kernel, firmware, certificates. Each
//! advice names the section of the guide that helps (`docs/guides/hardware-snp.md`, `docs/guides/hardware-tdx.md`).
//!
//! Only files below `/proc`, `/sys`, `/dev`, `/etc` and `/var/log` are looked at, and nothing is changed. What takes an ioctl, a model-specific register or
//! the kernel's log is named as what cannot be told. Where each fact comes from stands at the function that reads it.
//!
//! Not here: asking the kernel for a report ([`crate::configfs`]), and judging one (the chain does).

mod guest;
mod machine;
mod processor;
mod snp_host;
mod tdx_host;
#[cfg(test)]
mod tests;

use crate::configfs::{Answer, NoEvidence};
use machine::Machine;
use processor::Vendor;
use std::{fmt, path::Path};

/// How one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Good,
    /// Missing or wrong.
    Missing,
    /// Not to be told from what can be read.
    CannotTell,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// How it is.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What to do, with the section of the guide; empty where nothing is to be done.
    pub advice: String,
}

/// A numbered section of a guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guide {
    Snp(u8),
    Tdx(u8),
}

impl fmt::Display for Guide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Snp(section) => write!(f, "docs/guides/hardware-snp.md, section {section}"),
            Self::Tdx(section) => write!(f, "docs/guides/hardware-tdx.md, section {section}"),
        }
    }
}

fn good(what: &'static str, found: impl Into<String>) -> Finding {
    Finding { what, state: State::Good, found: found.into(), advice: String::new() }
}

fn missing(what: &'static str, found: impl Into<String>, advice: &str, guide: Guide) -> Finding {
    Finding { what, state: State::Missing, found: found.into(), advice: format!("{advice} ({guide})") }
}

fn cannot_tell(what: &'static str, found: impl Into<String>, advice: &str, guide: Guide) -> Finding {
    Finding { what, state: State::CannotTell, found: found.into(), advice: format!("{advice} ({guide})") }
}

/// What a machine is, as far as evidence goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    SnpGuest,
    TdxGuest,
    SnpHost,
    TdxHost,
    /// A virtual machine that shows no sign of being a confidential one.
    Virtual,
    /// A processor without confidential VMs, or an unknown one.
    Other,
}

impl Role {
    /// A guest is known by what only guests have: the driver's device, for TDX the flag, for SEV-SNP the folder of the privilege level, or the answer to
    /// a request for a report. The flag `sev_snp` is no sure sign: kernels since 6.9 take it away from every virtual machine
    /// (`bsp_determine_snp` in `arch/x86/kernel/cpu/amd.c`), earlier ones do not.
    fn of(machine: &Machine, provider: Option<&str>) -> Self {
        let hypervisor = machine.has_flag("hypervisor");
        if provider == Some(guest::SNP.provider)
            || machine.exists(guest::SNP.device)
            || machine.exists(guest::PRIVILEGE_FOLDER)
            || (hypervisor && machine.has_flag("sev_snp"))
        {
            return Self::SnpGuest;
        }
        if provider == Some(guest::TDX.provider) || machine.exists(guest::TDX.device) || machine.has_flag("tdx_guest") {
            return Self::TdxGuest;
        }
        let known = machine.processor.product().is_some();
        match machine.processor.vendor {
            _ if hypervisor => Self::Virtual,
            Vendor::Amd if known || machine.has_flag("sev_snp") => Self::SnpHost,
            Vendor::Intel if known || machine.has_flag("tdx_host_platform") => Self::TdxHost,
            _ => Self::Other,
        }
    }

    /// With its article.
    fn name(self) -> &'static str {
        match self {
            Self::SnpGuest => "an SEV-SNP guest",
            Self::TdxGuest => "a TDX guest",
            Self::SnpHost => "a host with a processor for SEV-SNP",
            Self::TdxHost => "a host with a processor for TDX",
            Self::Virtual => "an ordinary virtual machine",
            Self::Other => "a machine without SEV-SNP and TDX",
        }
    }
}

/// Looks at the machine whose files lie below `root`. `answer`: what its kernel answered when it was asked for a report
/// ([`crate::configfs::ask`]).
pub fn examine(root: &Path, answer: &Result<Answer, NoEvidence>) -> Vec<Finding> {
    let machine = Machine::read(root);
    let role = Role::of(&machine, answer.as_ref().ok().map(|answer| answer.provider.as_str()));
    match role {
        Role::SnpHost => snp_host::examine(&machine),
        Role::TdxHost => tdx_host::examine(&machine),
        Role::SnpGuest => guest::examine(&machine, &guest::SNP, answer),
        Role::TdxGuest => guest::examine(&machine, &guest::TDX, answer),
        Role::Virtual | Role::Other => vec![neither(&machine, role)],
    }
}

/// What the machine below `root` is, in a few words with their article: all that needs to be said where a simulator stands in for its processor.
pub fn summary(root: &Path) -> &'static str {
    Role::of(&Machine::read(root), None).name()
}

fn neither(machine: &Machine, role: Role) -> Finding {
    let (advice, guide) = if role == Role::Virtual {
        let advice = "if it should be a confidential one, load the driver sev-guest and ask its host how it was launched; on a development chain name \
                      a simulator in driver.simulator";
        (advice, Guide::Snp(7))
    } else {
        (
            "use a machine with one of the processors listed there, or on a development chain name a simulator in driver.simulator",
            Guide::Snp(1),
        )
    };
    missing("processor", format!("{} ({})", machine.processor, role.name()), advice, guide)
}
