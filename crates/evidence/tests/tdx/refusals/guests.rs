//! Guests, and what requirements say.

use super::*;

refusals! {
    COVERED:
    debuggable: Error::Debuggable => attributes(1);
    profiled_by_hgs: Error::Profiled => attributes(1 << 4);
    profiled_by_perf: Error::Profiled => attributes(1 << 5);
    profiled_by_pmt: Error::Profiled => attributes(1 << 6);
    migratable: Error::Migratable => attributes(1 << 29);
    extended_service_guests: Error::ServiceTd => attributes(1 << 17);
    service_guest: Error::ServiceTd => with(|maker| maker.put(MR_SERVICE_TD + 47, &[1]));
    sept_ve: Error::SeptVe => with(|maker| maker.put(ATTRIBUTES, &[0; 8]));
    virtual_machine_within: Error::Partitioned => extended(|maker| maker.put(648, &[1]));
    service_guest_at_launch: Error::ServiceTd => extended(|maker| maker.put(729, &[1]));
    attributes_of_service_guest_at_launch: Error::ServiceTd => extended(|maker| maker.put(784, &[1]));
    service_guest_now: Error::ServiceTd => extended(|maker| maker.put(829, &[1]));
    attributes_of_service_guest_now: Error::ServiceTd => extended(|maker| maker.put(884, &[1]));
    reserved_attribute: Error::ReservedAttribute => attributes(1 << 1);
    performance_counters: Error::PerformanceCounters => attributes(1 << 63);
    platform_out_of_date: Error::OutOfDate => status("OutOfDate", Requirements { allow_out_of_date: false, ..Requirements::LENIENT });
    platform_out_of_date_and_misconfigured: Error::OutOfDate =>
        status("OutOfDateConfigurationNeeded", Requirements { allow_out_of_date: false, ..Requirements::LENIENT });
    enclave_out_of_date: Error::OutOfDate => with(|maker| maker.draft.qe[258] = 6);
    module_out_of_date: Error::OutOfDate => with(|maker| {
        maker.put(TEE_TCB_SVN, &[3]);
        maker.put(TEE_TCB_SVN2, &[3]);
    });
    platform_misconfigured: Error::ConfigurationNeeded =>
        status("ConfigurationNeeded", Requirements { allow_configuration_needed: false, ..Requirements::LENIENT });
    out_of_date_and_misconfigured: Error::ConfigurationNeeded =>
        status("OutOfDateConfigurationNeeded", Requirements { allow_configuration_needed: false, ..Requirements::LENIENT });
    platform_needs_hardening: Error::HardeningNeeded =>
        status("SWHardeningNeeded", Requirements { allow_hardening_needed: false, ..Requirements::LENIENT });
    misconfigured_and_needs_hardening: Error::HardeningNeeded =>
        status("ConfigurationAndSWHardeningNeeded", Requirements { allow_hardening_needed: false, ..Requirements::LENIENT });
    launched_before_the_update: Error::RelaunchAdvised => with(|maker| {
        maker.put(TEE_TCB_SVN, &[3]);
        maker.requirements = Requirements { allow_relaunch_advised: false, ..Requirements::LENIENT };
    });
    evaluation_of_the_tcb_info_too_old: Error::EvaluationBelowFloor => {
        let claims = Maker::with(|maker| maker.tcb_info["tcbEvaluationDataNumber"] = 16.into()).judge().expect("valid evidence");
        claims.check_evaluation(17)
    };
    evaluation_of_the_identity_too_old: Error::EvaluationBelowFloor => Maker::new().judge().expect("valid evidence").check_evaluation(18);
}

/// The verdict over a TDX 1.5 extended guest.
fn extended(change: impl FnOnce(&mut Maker)) -> Result<(), Error> {
    let mut maker = Maker::new().with_body(5, 4, 885);
    change(&mut maker);
    maker.judge().map(drop)
}

/// The verdict over a platform whose level has this status.
fn status(status: &str, requirements: Requirements) -> Result<(), Error> {
    with(|maker| {
        maker.tcb_info["tcbLevels"][0]["tcbStatus"] = status.into();
        maker.requirements = requirements;
    })
}

#[test]
fn every_reserved_attribute_is_refused() {
    let known = [0, 4, 5, 6, 16, 17, 27, 28, 29, 30, 62, 63];
    for bit in (0..64).filter(|bit| !known.contains(bit)) {
        assert_eq!(attributes(1 << bit), Err(Error::ReservedAttribute), "bit {bit}");
    }
}
