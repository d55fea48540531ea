#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod blob;
mod envelope;
mod key;
mod manifest;

pub use blob::{BlobError, CHUNK_LEN, Opener, Sealed, Sealer, open, seal, sealed_len};
pub use envelope::{Envelope, EnvelopeError, KeyContext, WrappingKey, wrap};
pub use key::{DataKey, ObjectKey};
pub use manifest::{FileEntry, MAX_FILES, Manifest, ManifestError};
