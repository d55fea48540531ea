//! Which vendor's root the customer believes. What a node shows is not enough: whoever runs it could show a root of its own.

use crate::fault::usage;
use anyhow::{Context as _, Result};
use blockcloud_evidence::snp::Product;
use blockcloud_primitives::{Digest, Tee};
use clap::Args;
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// SHA-256 of the DER of AMD's root certificates (ARK), each for its family of processors.
const AMD: [(Product, &str); 3] = [
    (Product::Milan, "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd"),
    (Product::Genoa, "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1"),
    (Product::Turin, "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a"),
];

/// The same of the intermediates below them: for chips' keys (ASK) and for cloud providers' (ASVK).
const AMD_ISSUERS: [(Product, &str); 6] = [
    (Product::Milan, "67d303bd3905fd38db8b20e0793699870e7fa612eaad5dec358293fd8c0bac1b"),
    (Product::Milan, "c5e081f59b7efab1fe2f8b505e159704e72f29cab7ef7cf628a05a42439082f5"),
    (Product::Genoa, "5464738c1546aed5f2cecf1dc98c5c960a92e8913238a61711bc90ec6e828521"),
    (Product::Genoa, "197e610743a917d6b9bb982a5a9226ccc0a15b611be0619e626aca9151457372"),
    (Product::Turin, "5b77ef5fe7a7a004fd9032668fba9d0fda22f88c4442069a479636a6ae3b3185"),
    (Product::Turin, "104e10a8bd060a3c20a434261a57d0588fd65a88915b4f65b08bdecaf8df1a3c"),
];

/// SHA-256 of the DER of Intel's root certificate (SGX Root CA), which is TDX's as well.
pub const INTEL: &str = "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3";

/// SHA-256 of the certificates of AMD's that a chain for this product may start from: root and intermediates.
pub fn amd(product: Product) -> Vec<&'static str> {
    AMD.iter().chain(&AMD_ISSUERS).filter(|(of, _)| *of == product).map(|(_, known)| *known).collect()
}

/// The flag that names another root.
#[derive(Clone, Debug, Default, Args)]
pub struct RootArgument {
    /// The vendor's root certificate (DER) that you trust, and no other; without it, AMD's own for SEV-SNP and Intel's for TDX.
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
}

impl RootArgument {
    /// The digest of the named root.
    pub fn named(&self) -> Result<Option<Digest>> {
        root(self.root.as_deref())
    }
}

/// The digest (BLAKE3 of its DER) of the root in a file, if one is named.
pub fn root(named: Option<&Path>) -> Result<Option<Digest>> {
    let Some(path) = named else { return Ok(None) };
    let der = fs::read(path).with_context(|| format!("cannot read the root {}", path.display())).map_err(crate::fault::as_usage)?;
    // DER of a certificate is a sequence.
    if der.first() != Some(&0x30) {
        return Err(usage(format!("{} is no certificate in DER: convert it with `openssl x509 -outform der`", path.display())));
    }
    Ok(Some(Digest::of(&der)))
}

/// Whether the root is one that the customer believes for this hardware, and what to say about it. A named root (BLAKE3 of its DER) is the only
/// one.
pub fn judge(named: Option<Digest>, tee: Tee, product: Option<Product>, root: &[u8]) -> (bool, String) {
    let digest = Digest::of(root);
    let sha256 = || hex::encode(Sha256::digest(root));
    let genuine = || {
        let sha256 = sha256();
        AMD.iter().find(|(of, known)| Some(*of) == product && *known == sha256)
    };
    match (named, tee) {
        (Some(named), _) if named == digest => (true, format!("root {digest}, as named")),
        (Some(named), _) => (false, format!("root {digest}, not the named {named}")),
        (None, Tee::Simulated | Tee::SimulatedTdx) => {
            (true, "a simulated processor's: it protects nothing, so nobody vouches for it".into())
        }
        (None, Tee::SevSnp) => match genuine() {
            Some((product, _)) => (true, format!("AMD's for {product:?}")),
            None => (false, format!("root {digest} is not AMD's for this processor; if you trust it, name its certificate with --root")),
        },
        (None, Tee::Tdx) if sha256() == INTEL => (true, "Intel's".into()),
        (None, tee) => (false, format!("no root of {tee:?} is known here: name its certificate with --root")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blockcloud_simulator::dev_root;
    use std::{io::Write as _, path::Path};

    #[test]
    fn a_foreign_root_is_believed_only_if_it_is_named() {
        let root = dev_root::ROOT;
        for product in [Some(Product::Milan), Some(Product::Genoa), Some(Product::Turin), None] {
            assert!(!judge(None, Tee::SevSnp, product, root).0);
            assert!(!judge(None, Tee::Tdx, product, root).0);
            assert!(judge(Some(Digest::of(root)), Tee::SevSnp, product, root).0);
            assert!(!judge(Some(Digest::of(b"another")), Tee::SevSnp, product, root).0);
        }
    }

    #[test]
    fn a_simulated_processors_root_is_said_to_protect_nothing() {
        let (holds, found) = judge(None, Tee::Simulated, Some(Product::Genoa), dev_root::ROOT);
        assert!(holds && found.contains("protects nothing"), "{found}");
        assert!(!judge(Some(Digest::of(b"another")), Tee::Simulated, None, dev_root::ROOT).0);
    }

    /// The certificates lie beside the project; where they are absent the test says so and passes.
    #[test]
    fn amds_roots_are_believed_for_their_own_product_only() {
        let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it for what it runs"))
            .join("../../../shared/data/attestation/snp/ca");
        if !folder.is_dir() {
            let _ = writeln!(std::io::stderr(), "SKIPPED: no certificates at ../shared/data/attestation/snp/ca beside the project");
            return;
        }
        for (name, of) in [("milan", Product::Milan), ("genoa", Product::Genoa), ("turin", Product::Turin)] {
            let root = fs::read(folder.join(format!("ark_{name}.der"))).unwrap();
            for product in [Product::Milan, Product::Genoa, Product::Turin] {
                assert_eq!(judge(None, Tee::SevSnp, Some(product), &root).0, product == of);
            }
            let issuer = fs::read(folder.join(format!("ask_{name}.der"))).unwrap();
            assert!(!judge(None, Tee::SevSnp, Some(of), &issuer).0);
            let kinds = ["ark", "ask", "asvk"].map(|kind| fs::read(folder.join(format!("{kind}_{name}.der"))).unwrap());
            assert_eq!(kinds.map(|der| hex::encode(Sha256::digest(der))), *amd(of));
            assert!(!judge(None, Tee::Tdx, Some(of), &root).0);
        }
    }

    #[test]
    fn a_root_is_named_as_der() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root");
        let named = RootArgument { root: Some(path.clone()) };
        assert_eq!(crate::fault::exit_code(&named.named().unwrap_err()), 2);
        fs::write(&path, "-----BEGIN CERTIFICATE-----").unwrap();
        assert_eq!(crate::fault::exit_code(&named.named().unwrap_err()), 2);
        fs::write(&path, dev_root::ROOT).unwrap();
        assert_eq!(named.named().unwrap(), Some(Digest::of(dev_root::ROOT)));
        assert_eq!(RootArgument::default().named().unwrap(), None);
    }
}
