//! The development root in the place of Intel's, whose private keys are public knowledge. Whoever trusts it trusts everybody.

use crate::tdx::{Key, certificate};
use anyhow::Context;
use std::{fs, path::Path, sync::OnceLock};

/// Certificate of the development root (in the place of the SGX Root CA), DER.
pub const ROOT: &[u8] = include_bytes!("../../dev-root/tdx/root.der");
/// Private key of the root, PKCS#8.
const ROOT_KEY: &[u8] = include_bytes!("../../dev-root/tdx/root.key");
/// Private key of the authority for platform keys, PKCS#8.
const ISSUER_KEY: &[u8] = include_bytes!("../../dev-root/tdx/issuer.key");
/// Private key of the signer of TCB infos and QE identities, PKCS#8.
const SIGNER_KEY: &[u8] = include_bytes!("../../dev-root/tdx/signer.key");

const README: &str = "\
# Development root for simulated TDX platforms

**Public knowledge. Protects nothing.** The private keys lie beside the certificate, as the keys of the well-known development accounts do.
A chain that trusts `root.der` believes anybody who says that data is in a confidential VM. Only development presets may.

* `root.der`: certificate in the shape of Intel's SGX Root CA, DER (ECDSA P-256 with SHA-256).
* `root.key`, `issuer.key`, `signer.key`: private keys of the root, of the authority for platform keys (PCK CA) and of the signer of TCB infos and QE
  identities (TCB Signing), PKCS#8 DER.

Certificates of the other two, of platforms, and all collateral are made from the keys by code, the same each time.
Made by `blockcloud-simulator new-root DIR`. A new root changes every simulated quote and every fixture made from it.
";

/// The root's key.
///
/// # Panics
/// If the embedded key is broken, which is for the build to find.
pub fn root() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| Key::from_pkcs8(ROOT_KEY).expect("the embedded key of the development root"))
}

/// The key of the authority for platform keys.
///
/// # Panics
/// If the embedded key is broken, which is for the build to find.
pub fn issuer() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| Key::from_pkcs8(ISSUER_KEY).expect("the embedded key of the development issuer"))
}

/// The key of the signer of TCB infos and QE identities.
///
/// # Panics
/// If the embedded key is broken, which is for the build to find.
pub fn signer() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| Key::from_pkcs8(SIGNER_KEY).expect("the embedded key of the development signer"))
}

/// Certificate of the authority for platform keys, DER.
pub fn issuer_certificate() -> Vec<u8> {
    root().certify(&certificate::issuer(root(), issuer()))
}

/// Certificate of the signer of TCB infos and QE identities, DER.
pub fn signer_certificate() -> Vec<u8> {
    root().certify(&certificate::signer(root(), signer()))
}

/// Makes a new root and writes its keys, its certificate and a README into a folder, which is made if it does not exist.
///
/// # Errors
/// A key could not be encoded, or a file could not be written.
pub fn create(folder: &Path) -> anyhow::Result<()> {
    let [root, issuer, signer] = [(); 3].map(|()| Key::from_seed(&rand::random()));
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let files = [
        ("root.der", root.certify(&certificate::root(&root))),
        ("root.key", root.to_pkcs8()?),
        ("issuer.key", issuer.to_pkcs8()?),
        ("signer.key", signer.to_pkcs8()?),
        ("README.md", README.into()),
    ];
    for (name, content) in files {
        let path = folder.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
