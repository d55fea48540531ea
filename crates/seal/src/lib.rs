#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod blob;
mod envelope;
mod key;
mod manifest;
pub mod room;

pub use blob::{BlobError, CHUNK_LEN, Opener, Sealed, Sealer, open, seal, sealed_len};
pub use envelope::{Envelope, EnvelopeError, KeyContext, WrappingKey, wrap};
pub use key::{DataKey, ObjectKey, SecretText};
pub use manifest::{FileEntry, MANIFEST_MAX, MAX_ENVIRONMENT_LEN, MAX_FILES, MAX_VARIABLES, Manifest, ManifestError};
pub use room::Room;
