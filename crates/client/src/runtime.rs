//! The chain's runtime as its metadata describes it: where calls, events and storage items are found.
//!
//! Nothing of the runtime is compiled into this crate. What this crate believes about a call is checked against the metadata before it is
//! signed, so that a changed runtime is noticed here and not as a strange refusal there.

use crate::{Error, Result};
use blockcloud_primitives::Digest;
use subxt::{
    client::{OfflineClient, OfflineClientAtBlock},
    config::substrate::{SpecVersionForRange, SubstrateConfig},
    ext::{
        frame_decode::storage::encode_storage_key,
        scale_decode::visitor::{IgnoreVisitor, decode_with_visitor},
        scale_encode::{EncodeAsType, Error as EncodeError, TypeResolver},
    },
    metadata::{ArcMetadata, Metadata},
    utils::H256,
};

/// The name that BlockCloud's runtime gives itself.
pub const SPEC_NAME: &str = "blockcloud";

/// One version of the runtime.
#[derive(Clone)]
pub struct Runtime {
    /// The name that it gives itself.
    pub spec_name: String,
    /// Its version.
    pub spec_version: u32,
    /// Version of the format of its transactions.
    pub transaction_version: u32,
    metadata: ArcMetadata,
    offline: OfflineClientAtBlock<SubstrateConfig>,
}

impl Runtime {
    /// Reads metadata (SCALE, with its magic prefix).
    pub fn new(spec_name: String, spec_version: u32, transaction_version: u32, genesis: Digest, metadata: &[u8]) -> Result<Self> {
        let metadata = Metadata::decode_from(metadata).map_err(|error| Error::malformed("Metadata", error))?.arc();
        let config = SubstrateConfig::builder()
            .set_genesis_hash(H256(genesis.0))
            .set_metadata_for_spec_versions([(spec_version, metadata.clone())])
            .set_spec_version_for_block_ranges([SpecVersionForRange { block_range: 0..u64::MAX, spec_version, transaction_version }])
            .build();
        let offline = OfflineClient::new_with_config(config).at_block(0u64).map_err(|error| Error::malformed("Metadata", error))?;
        Ok(Self { spec_name, spec_version, transaction_version, metadata, offline })
    }

    /// The metadata itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    pub(crate) fn arc_metadata(&self) -> ArcMetadata {
        self.metadata.clone()
    }

    pub(crate) fn offline(&self) -> &OfflineClientAtBlock<SubstrateConfig> {
        &self.offline
    }

    /// The full key of a storage item: the parts of a map's key are given SCALE-encoded.
    pub fn storage_key(&self, pallet: &str, item: &str, parts: &[Vec<u8>]) -> Result<Vec<u8>> {
        let parts: Vec<Encoded> = parts.iter().cloned().map(Encoded).collect();
        encode_storage_key(pallet, item, parts, &*self.metadata, self.metadata.types())
            .map_err(|error| self.incompatible(format!("storage {pallet}::{item}"), error))
    }

    /// Checks that `arguments` are exactly the arguments of a call, and returns the call's two index bytes followed by them.
    pub(crate) fn call(&self, pallet: &str, name: &str, arguments: &[u8]) -> Result<Vec<u8>> {
        let what = || format!("call {pallet}::{name}");
        let found = self.metadata.pallet_by_name(pallet).ok_or_else(|| self.incompatible(what(), "no such pallet"))?;
        let variant = found.call_variant_by_name(name).ok_or_else(|| self.incompatible(what(), "no such call"))?;
        let mut rest = arguments;
        for field in &variant.fields {
            decode_with_visitor(&mut rest, field.ty.id, self.metadata.types(), IgnoreVisitor::new()).map_err(|error| {
                self.incompatible(what(), format!("argument {}: {error}", field.name.as_deref().unwrap_or("without a name")))
            })?;
        }
        if !rest.is_empty() {
            return Err(self.incompatible(what(), format!("{} bytes too many", rest.len())));
        }
        let mut call = vec![found.call_index(), variant.index];
        call.extend_from_slice(arguments);
        Ok(call)
    }

    /// Whether the runtime has a runtime API of this name.
    pub fn has_api(&self, name: &str) -> bool {
        self.metadata.runtime_api_trait_by_name(name).is_some()
    }

    pub(crate) fn incompatible(&self, what: impl Into<String>, reason: impl ToString) -> Error {
        Error::Incompatible { spec_version: self.spec_version, what: what.into(), reason: reason.to_string() }
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Runtime({} {})", self.spec_name, self.spec_version)
    }
}

/// Bytes that are SCALE already.
struct Encoded(Vec<u8>);

impl EncodeAsType for Encoded {
    fn encode_as_type_to<R: TypeResolver>(&self, _: R::TypeId, _: &R, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.extend_from_slice(&self.0);
        Ok(())
    }
}
