//! Guests: sound ones, and each with something missing.

use super::{Imitation, all, answer, faults};
use crate::{configfs::NoEvidence, hardware::State::*};

#[test]
fn a_sound_snp_guest() {
    assert_eq!(
        all(&Imitation::snp_guest().findings(&answer("sev_guest", true))),
        [
            ("processor", Good, "SEV-SNP guest (Processor, family 17h, model 01h)"),
            ("privilege level", Good, "0"),
            ("kernel", Good, "6.12.1, with configfs-tsm"),
            ("configfs", Good, "mounted"),
            ("driver", Good, "/dev/sev-guest"),
            ("report interface", Good, "/sys/kernel/config/tsm/report"),
            ("report", Good, "from `sev_guest`"),
            ("chip's certificate", Good, "supplied with the report"),
        ]
    );
}

#[test]
fn an_snp_guest_whose_host_supplies_no_certificate() {
    let findings = Imitation::snp_guest().findings(&answer("sev_guest", false));
    assert_eq!(faults(&findings), [("chip's certificate", Missing, "the host supplies none with the report")]);
}

#[test]
fn an_snp_guest_below_a_paravisor_without_configfs() {
    let machine = Imitation::snp_guest().with("sys/devices/system/cpu/sev/vmpl", "2\n").with("proc/mounts", "sysfs /sys sysfs rw 0 0\n");
    assert_eq!(
        faults(&machine.without("sys/kernel").without("dev").findings(&Err(NoEvidence::Missing))),
        [
            ("privilege level", Missing, "2"),
            ("configfs", Missing, "not mounted at /sys/kernel/config"),
            ("driver", Missing, "no /dev/sev-guest"),
            ("report interface", Missing, "no /sys/kernel/config/tsm/report"),
            ("report", CannotTell, "there is no interface to ask"),
            ("chip's certificate", CannotTell, "it comes with a report only"),
        ]
    );
}

#[test]
fn an_snp_guest_with_an_old_kernel_is_known_by_its_device() {
    let machine = Imitation::snp_guest().without("sys").with("proc/sys/kernel/osrelease", "6.1.0\n");
    assert_eq!(
        faults(&machine.findings(&Err(NoEvidence::Missing)))[..2],
        [("privilege level", CannotTell, "this kernel does not show it"), ("kernel", Missing, "6.1.0 is too old")]
    );
}

#[test]
fn a_sound_tdx_guest() {
    assert_eq!(
        all(&Imitation::tdx_guest().findings(&answer("tdx_guest", false))),
        [
            ("processor", Good, "TDX guest (Processor, family 06h, model CFh)"),
            ("kernel", Good, "6.12.1, with configfs-tsm"),
            ("configfs", Good, "mounted"),
            ("driver", Good, "/dev/tdx_guest"),
            ("report interface", Good, "/sys/kernel/config/tsm/report"),
            ("report", Good, "from `tdx_guest`"),
            ("event log", Good, "/sys/firmware/acpi/tables/CCEL"),
        ]
    );
}

#[test]
fn a_tdx_guest_whose_host_makes_no_quotes() {
    let machine = Imitation::tdx_guest().without("sys/firmware");
    let refused = Err(NoEvidence::Refused(std::io::Error::other("timed out")));
    assert_eq!(
        faults(&machine.findings(&refused)),
        [("report", Missing, "this kernel refuses evidence: timed out"), ("event log", Missing, "no /sys/firmware/acpi/tables/CCEL"),]
    );
}
