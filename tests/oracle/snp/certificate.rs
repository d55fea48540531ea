//! Signs certificates by any algorithm, whatever they say. With OpenSSL, which signs faster than the simulator does. Salts are random: the same content is
//! signed, by other bytes.

use crate::snp::encoding::{sequence, tlv};
use blockcloud_simulator::Template;
use der::{Decode, Encode};
use openssl::{
    bn::{BigNum, BigNumContext},
    ec::{Asn1Flag, EcGroup, EcKey, EcPoint},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::{Padding, Rsa},
    sign::{RsaPssSaltlen, Signer},
};
use std::sync::LazyLock;
use x509_cert::{SubjectPublicKeyInfo, spki::AlgorithmIdentifierOwned};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn digest(self) -> MessageDigest {
        match self {
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Sha256 => 1,
            Self::Sha384 => 2,
            Self::Sha512 => 3,
        }
    }

    fn identifier(self) -> Vec<u8> {
        sequence(&[&tlv(0x06, &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, self.number()]), &[0x05, 0]])
    }
}

/// A signature algorithm.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Pss { hash: Hash, mask: Hash, salt: u8 },
    Pkcs1(Hash),
    Ecdsa(Hash),
}

impl Scheme {
    /// The one that AMD uses.
    pub const AMD: Self = Self::Pss { hash: Hash::Sha384, mask: Hash::Sha384, salt: 48 };
    /// Others that an RSA key can make.
    pub const OTHERS: [Self; 7] = [
        Self::Pss { hash: Hash::Sha256, mask: Hash::Sha256, salt: 32 },
        Self::Pss { hash: Hash::Sha384, mask: Hash::Sha384, salt: 32 },
        Self::Pss { hash: Hash::Sha384, mask: Hash::Sha256, salt: 48 },
        Self::Pss { hash: Hash::Sha512, mask: Hash::Sha512, salt: 64 },
        Self::Pkcs1(Hash::Sha256),
        Self::Pkcs1(Hash::Sha384),
        Self::Pkcs1(Hash::Sha512),
    ];

    /// AlgorithmIdentifier, DER.
    pub fn identifier(self) -> Vec<u8> {
        const PKCS1: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
        let rsa = |number: u8| tlv(0x06, &[&PKCS1[..], &[number]].concat());
        match self {
            Self::Pss { hash, mask, salt } => {
                let mask = sequence(&[&rsa(8), &mask.identifier()]);
                let parameters = [tlv(0xa0, &hash.identifier()), tlv(0xa1, &mask), tlv(0xa2, &[0x02, 0x01, salt])];
                sequence(&[&rsa(10), &sequence(&[&parameters.concat()])])
            }
            Self::Pkcs1(hash) => sequence(&[&rsa(10 + hash.number()), &[0x05, 0]]),
            Self::Ecdsa(hash) => sequence(&[&tlv(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 1 + hash.number()])]),
        }
    }
}

/// A key and the algorithm that it signs by.
#[derive(Clone)]
pub struct By {
    pub key: PKey<Private>,
    pub scheme: Scheme,
}

impl By {
    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let (Scheme::Pss { hash, .. } | Scheme::Pkcs1(hash) | Scheme::Ecdsa(hash)) = self.scheme;
        let mut signer = Signer::new(hash.digest(), &self.key).expect("a signer");
        if let Scheme::Pss { mask, salt, .. } = self.scheme {
            signer.set_rsa_padding(Padding::PKCS1_PSS).expect("an RSA key");
            signer.set_rsa_mgf1_md(mask.digest()).expect("a hash");
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt.into())).expect("a length");
        }
        signer.sign_oneshot_to_vec(bytes).expect("a signature")
    }

    /// Signs content that is encoded already, and names an algorithm beside it.
    pub fn certificate(&self, content: &[u8], algorithm: &[u8]) -> Vec<u8> {
        let signature = [&[0], &self.sign(content)[..]].concat();
        sequence(&[content, algorithm, &tlv(0x03, &signature)])
    }

    pub fn public(&self) -> SubjectPublicKeyInfo {
        SubjectPublicKeyInfo::from_der(&self.key.public_key_to_der().expect("a public key")).expect("a public key")
    }
}

/// Signs a template, which names the algorithm in both places.
pub fn sign(template: &Template, by: &By) -> Vec<u8> {
    by.certificate(&template.to_der().expect("DER"), &template.algorithm.to_der().expect("DER"))
}

/// Names an algorithm in a template.
pub fn name_algorithm(template: &mut Template, scheme: Scheme) {
    template.algorithm = AlgorithmIdentifierOwned::from_der(&scheme.identifier()).expect("DER");
}

fn rsa(key: &[u8]) -> By {
    By { key: PKey::private_key_from_pkcs8(key).expect("a key"), scheme: Scheme::AMD }
}

/// The development root's key and its issuer's, which are public.
pub static ROOT: LazyLock<By> = LazyLock::new(|| rsa(include_bytes!("../../../crates/simulator/dev-root/root.key")));
pub static ISSUER: LazyLock<By> = LazyLock::new(|| rsa(include_bytes!("../../../crates/simulator/dev-root/issuer.key")));

/// Keys of another kind than AMD's for issuers: a shorter one, one with another exponent, one on a curve.
pub static ODD_ISSUERS: LazyLock<[By; 3]> = LazyLock::new(|| {
    let rsa = |bits, exponent| {
        let exponent = BigNum::from_u32(exponent).expect("a number");
        PKey::from_rsa(Rsa::generate_with_e(bits, &exponent).expect("a key")).expect("a key")
    };
    let curve = PKey::from_ec_key(ec_key(Nid::SECP384R1, Asn1Flag::NAMED_CURVE)).expect("a key");
    [
        By { key: rsa(2048, 65537), scheme: Scheme::AMD },
        By { key: rsa(4096, 3), scheme: Scheme::AMD },
        By { key: curve, scheme: Scheme::Ecdsa(Hash::Sha384) },
    ]
});

/// Keys of another kind than AMD's for reports: on other curves, and on the same curve with its parameters written out.
pub static ODD_CHIPS: LazyLock<[EcKey<Private>; 4]> = LazyLock::new(|| {
    [
        ec_key(Nid::X9_62_PRIME256V1, Asn1Flag::NAMED_CURVE),
        ec_key(Nid::SECP256K1, Asn1Flag::NAMED_CURVE),
        ec_key(Nid::SECP521R1, Asn1Flag::NAMED_CURVE),
        ec_key(Nid::SECP384R1, Asn1Flag::EXPLICIT_CURVE),
    ]
});

fn ec_key(curve: Nid, flag: Asn1Flag) -> EcKey<Private> {
    let mut group = EcGroup::from_curve_name(curve).expect("a curve");
    group.set_asn1_flag(flag);
    let private = BigNum::from_slice(&[7; 30]).expect("a number");
    let mut point = EcPoint::new(&group).expect("a point");
    let mut context = BigNumContext::new().expect("a context");
    point.mul_generator2(&group, &private, &mut context).expect("a point");
    EcKey::from_private_components(&group, &private, &point).expect("a key")
}
