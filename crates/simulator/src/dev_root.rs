//! The development root, whose private keys are public knowledge. Whoever trusts it trusts everybody.

use crate::Authority;
use anyhow::Context;
use std::{fs, path::Path, sync::OnceLock};

/// Certificate of the development root (ARK's place), DER.
pub const ROOT: &[u8] = include_bytes!("../dev-root/root.der");
/// Certificate of the development issuer (ASK's place), DER.
pub const ISSUER: &[u8] = include_bytes!("../dev-root/issuer.der");
/// Private key of the root, PKCS#8.
const ROOT_KEY: &[u8] = include_bytes!("../dev-root/root.key");
/// Private key of the issuer, PKCS#8.
const ISSUER_KEY: &[u8] = include_bytes!("../dev-root/issuer.key");

const ROOT_NAME: &str = "SIMULATED ARK";
const ISSUER_NAME: &str = "SIMULATED ASK";

const README: &str = "\
# Development root for simulated hardware

**Public knowledge. Protects nothing.** The private keys lie beside the certificates, as the keys of the well-known development accounts do.
A chain that trusts `root.der` believes anybody who says that data is in a confidential VM. Only development presets may.

* `root.der`, `issuer.der`: certificates in the shape of AMD's ARK and ASK, DER (RSA-4096, RSASSA-PSS with SHA-384, salt 48).
* `root.key`, `issuer.key`: their private keys, PKCS#8 DER.
* `tdx/`: the same for TDX platforms, in the shape of Intel's root.

Made by `blockcloud-simulator new-root DIR`. A new root changes every simulated certificate and every fixture made from it.
";

/// The development root as an authority.
///
/// # Panics
/// If the embedded key is broken, which is for the build to find.
pub fn root() -> &'static Authority {
    static ROOT: OnceLock<Authority> = OnceLock::new();
    ROOT.get_or_init(|| Authority::from_pkcs8(ROOT_KEY, ROOT_NAME).expect("the embedded key of the development root"))
}

/// The development issuer as an authority: it signs the certificates of simulated chips.
///
/// # Panics
/// If the embedded key is broken, which is for the build to find.
pub fn issuer() -> &'static Authority {
    static ISSUER: OnceLock<Authority> = OnceLock::new();
    ISSUER.get_or_init(|| Authority::from_pkcs8(ISSUER_KEY, ISSUER_NAME).expect("the embedded key of the development issuer"))
}

/// Makes a new root and issuer and writes keys, certificates and a README into a folder, which is made if it does not exist.
///
/// # Errors
/// A key could not be made, or a file could not be written.
pub fn create(folder: &Path) -> anyhow::Result<()> {
    let (root, root_key) = Authority::generate(&rand::random(), ROOT_NAME)?;
    let (issuer, issuer_key) = Authority::generate(&rand::random(), ISSUER_NAME)?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let files = [
        ("root.der", root.sign(&root.root_template())),
        ("issuer.der", root.sign(&root.issuer_template(&issuer))),
        ("root.key", root_key),
        ("issuer.key", issuer_key),
        ("README.md", README.into()),
    ];
    for (name, content) in files {
        let path = folder.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
