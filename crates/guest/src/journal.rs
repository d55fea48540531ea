//! From what happens to receipts: names and digests keyed, everybody in their role.
//!
//! Not for the log itself.

use crate::{
    log::{Log, LogError, Statement},
    sandbox::{Event, Observer, Stopped},
};
use blockcloud_primitives::{Digest, Op, Party, PublicKey, SiteId};
use blockcloud_seal::ObjectKey;
use std::sync::Arc;

/// The names that objects outside of the program's file system have in receipts.
pub mod name {
    /// The manifest.
    pub const MANIFEST: &str = "manifest";
    /// The program.
    pub const MODULE: &str = "module";
    /// What the program reads as its standard input.
    pub const STDIN: &str = "stdin";
    /// The archive of everything that the customer gets back.
    pub const OUTPUT: &str = "output";
}

/// Writes the receipts of one job.
pub struct Journal {
    log: Arc<Log>,
    guest: Digest,
    site: SiteId,
}

impl Journal {
    /// For the guest that holds this receipt key, at this site.
    pub fn new(log: Arc<Log>, guest: PublicKey, site: SiteId) -> Self {
        Self { log, guest: Digest(guest.0), site }
    }

    /// The log.
    pub fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// The data key arrived, in this envelope (BLAKE3 of its JSON form; the object key is not known yet).
    pub fn key_released(&self, envelope: &[u8]) -> Result<(), LogError> {
        let digest = Digest::of(envelope);
        let bytes = length(envelope);
        self.log.append(&Statement { digest, bytes, from: Party::site(self.site), ..Statement::new(Op::KeyRelease, self.guest) })?;
        Ok(())
    }

    /// An object came in (the manifest as it was sealed, everything else in plain).
    pub fn ingested(&self, key: &ObjectKey, name: &str, object: &[u8]) -> Result<(), LogError> {
        self.log.append(&Statement {
            object: key.digest(name.as_bytes()),
            bytes: length(object),
            digest: key.digest(object),
            from: Party::site(self.site),
            ..Statement::new(Op::Ingest, self.guest)
        })?;
        Ok(())
    }

    /// The program ran: its inputs (by the digest over all their digests) became the archive.
    pub fn processed(&self, key: &ObjectKey, module: Digest, inputs: &[u8], archive: Digest, bytes: u64) -> Result<(), LogError> {
        self.log.append(&Statement {
            object: key.digest(name::OUTPUT.as_bytes()),
            bytes,
            digest: archive,
            derived_from: key.digest(inputs),
            ..Statement::new(Op::Process, module)
        })?;
        Ok(())
    }

    /// The sealed archive was put into the provider's store.
    pub fn stored(&self, key: &ObjectKey, sealed: &[u8], archive: Digest) -> Result<(), LogError> {
        self.log.append(&Statement {
            object: key.digest(name::OUTPUT.as_bytes()),
            bytes: length(sealed),
            digest: key.digest(sealed),
            to: Party::site(self.site),
            derived_from: archive,
            ..Statement::new(Op::Store, self.guest)
        })?;
        Ok(())
    }

    /// The guest lives.
    pub fn heartbeat(&self) -> Result<(), LogError> {
        self.log.beat(self.guest)
    }

    /// Everything was erased. Nothing comes after this.
    pub fn erased(&self, bytes: u64) -> Result<blockcloud_primitives::Receipt, LogError> {
        self.log.append_last(&Statement { bytes, ..Statement::new(Op::Erase, self.guest) })
    }

    /// What turns a program's doings into receipts.
    pub fn observer(&self, key: ObjectKey, module: Digest) -> Box<dyn Observer> {
        Box::new(ProgramObserver { log: self.log.clone(), key, module })
    }
}

struct ProgramObserver {
    log: Arc<Log>,
    key: ObjectKey,
    module: Digest,
}

impl Observer for ProgramObserver {
    fn key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    fn observe(&mut self, event: Event<'_>) -> Result<(), Stopped> {
        let Event { op, object, offset, bytes, digest, derived_from } = event;
        let statement = Statement {
            object: self.key.digest(object.as_bytes()),
            offset,
            bytes,
            digest,
            derived_from: derived_from.map_or(Digest::ZERO, |name| self.key.digest(name.as_bytes())),
            ..Statement::new(op, self.module)
        };
        self.log.append_waiting(&statement).map(|_| ()).map_err(|_| Stopped)
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
