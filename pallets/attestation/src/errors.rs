//! Why a call or evidence is refused: one name for each check, with what to do about it.

use frame_support::pallet_macros::pallet_section;

/// The errors, as a part of the pallet.
#[pallet_section]
mod errors {
    /// Why a call or evidence was refused.
    #[pallet::error]
    pub enum Error<T> {
        /// No verifier exists for this kind of hardware, or this call is about another kind. AMD SEV-SNP and Intel TDX can be verified.
        #[codec(index = 0)]
        UnsupportedTee,
        /// This chain accepts no simulated hardware. The provider must use a real confidential VM.
        #[codec(index = 1)]
        SimulationRefused,
        /// The customer's policy does not accept this kind of hardware. The provider must use one that the policy names.
        #[codec(index = 2)]
        TeeNotInPolicy,
        /// The chain holds no certificates for this product. The council must set the vendor's first.
        #[codec(index = 3)]
        NoRoots,
        /// The chain has no firmware floor for this product. The council must set one first.
        #[codec(index = 4)]
        NoFloor,
        /// The firmware that the guest was launched under, or that the host can go back to, is below the council's floor. The provider must update and
        /// commit its firmware, and launch the guest again.
        #[codec(index = 5)]
        BelowFloor,
        /// The firmware that the guest was launched under, or that the host can go back to, is below the floor of the customer's policy. The provider
        /// must update and commit its firmware, and launch the guest again.
        #[codec(index = 6)]
        BelowPolicyFloor,
        /// The evidence binds a block that this chain does not have yet. The guest must bind a block that the chain has finished.
        #[codec(index = 7)]
        AnchorUnknown,
        /// The evidence binds a block that lies too far back. The guest must make fresh evidence.
        #[codec(index = 8)]
        AnchorTooOld,
        /// This very evidence was accepted for this job before. The guest must make fresh evidence.
        #[codec(index = 9)]
        Replayed,
        /// The job's guest was attested too often within a short time. The provider must find out why its guest restarts, and wait.
        #[codec(index = 10)]
        TooManyAttempts,
        /// The report is genuine but was made for something else: another chain, provider, job, block, or other keys than those submitted. The guest
        /// must make evidence for exactly this job and submit it with the keys that it bound.
        #[codec(index = 11)]
        NotBound,
        /// The guest was launched for other terms than this job's (its host data is not the terms hash). The provider must launch a guest for this job.
        #[codec(index = 12)]
        WrongTerms,
        /// The signature over the report data is not by the receipt key. The guest must sign with the key that it bound.
        #[codec(index = 13)]
        NotPossessed,
        /// The report or a certificate did not pass its verifier; the reason is inside.
        #[codec(index = 14)]
        Refused(Fault),
        /// The council has not approved this guest software, or has withdrawn it. The provider must run an approved one, or the policy must name this
        /// one.
        #[codec(index = 15)]
        MeasurementNotApproved,
        /// The council's approval of this guest software has run out. The provider must run a newer one.
        #[codec(index = 16)]
        MeasurementExpired,
        /// The customer's policy names other guest software. The provider must run one that the policy names.
        #[codec(index = 17)]
        MeasurementNotInPolicy,
        /// This chip is denied. The provider must use another machine, and ask the council why.
        #[codec(index = 18)]
        ChipDenied,
        /// This chip is not denied.
        #[codec(index = 19)]
        ChipNotDenied,
        /// The time given is over already. To end an approval now, withdraw it.
        #[codec(index = 20)]
        AlreadyOver,
        /// As many measurements are approved as there may be. Withdraw one that nobody needs.
        #[codec(index = 21)]
        TooManyMeasurements,
        /// As many chips are denied as there may be. Allow one that no longer matters, or raise the floor instead.
        #[codec(index = 22)]
        TooManyDeniedChips,
        /// The TDX quote or a piece of collateral did not pass its verifier; the reason is inside.
        #[codec(index = 23)]
        RefusedTdx(TdxFault),
        /// The chain does not hold this piece of collateral for the platform. Anyone can bring it: `blockcloud-agent collateral`.
        #[codec(index = 24)]
        NoCollateral(Missing),
        /// The chain holds this piece of collateral in the same or a newer issue. There is nothing to do; fetch it again later.
        #[codec(index = 25)]
        NotNewer,
        /// There is no such piece of collateral.
        #[codec(index = 26)]
        UnknownCollateral,
        /// This piece of collateral still counts, or could still keep an older one away. It can be removed later.
        #[codec(index = 27)]
        CollateralCounts,
        /// A TDX quote carries its certificates; there must be none beside it.
        #[codec(index = 28)]
        UnexpectedCertificate,
        /// The guest may use processor state (XFAM) that the council does not allow. The provider must launch it without.
        #[codec(index = 29)]
        XfamNotAllowed,
        /// The root keys of processors of this kind (EPYC Milan) are claimed to have been extracted; the customer's policy does not accept them. The
        /// provider must use another machine, or the policy must say `legacy_hardware`.
        #[codec(index = 30)]
        LegacyHardware,
        /// This chip is another provider's. If it changed hands, the other one must release it first.
        #[codec(index = 31)]
        ChipOfAnother,
        /// This chip is registered at another of the provider's sites. If it was moved, release it; certifiers must then vouch for it anew.
        #[codec(index = 32)]
        ChipAtAnotherSite,
        /// Fewer certifiers vouch that this chip stands at its site than the customer's policy asks for. The provider must have it audited.
        #[codec(index = 33)]
        ChipNotEndorsed,
        /// No chip with this identity has given evidence. It is registered by its first session.
        #[codec(index = 34)]
        UnknownChip,
        /// A job's session rests on this chip. Release it when its last job is closed.
        #[codec(index = 35)]
        ChipInUse,
        /// This account is not an accredited certifier.
        #[codec(index = 36)]
        NotAccredited,
        /// As many certifiers vouch for this chip as can.
        #[codec(index = 37)]
        TooManyEndorsements,
        /// This certifier does not vouch for the chip.
        #[codec(index = 38)]
        NotEndorsed,
        /// None of the publishers whom the policy names vouches for this guest software. The provider must run one that they publish.
        #[codec(index = 39)]
        MeasurementNotPublished,
        /// The opening of sessions is stopped by the consortium in an emergency. Running jobs go on. Try again when it is taken back.
        #[codec(index = 40)]
        Stopped,
        /// The opening of sessions is not stopped.
        #[codec(index = 41)]
        NotStopped,
        /// The job has no session that could be renewed. Attest it.
        #[codec(index = 42)]
        NothingToRenew,
        /// This is evidence of another guest than the session's: other keys, software or chip. Only the guest itself can renew its session.
        #[codec(index = 43)]
        AnotherGuest,
    }
}
