//! How a job's data key lies in the customer's folder: in plain for its owner only, or sealed for a key that another holds: an age identity, or a key
//! in a PKCS#11 token. Who places jobs then needs the public half only, and whoever copies the folder has nothing.
//!
//! With the data key the terms hash of its job is sealed, so that a sealed key cannot be moved to a job with a weaker policy.
//! age is run as the program of that name; RSA-OAEP is OpenSSL's before and the token's after.

use crate::fault::as_usage;
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use blockcloud_primitives::Digest;
use blockcloud_seal::DataKey;
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error as TokenError, RvError},
    mechanism::{
        Mechanism, MechanismType,
        rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource},
    },
    object::{Attribute, ObjectClass},
    session::UserType,
    types::AuthPin,
};
use openssl::{encrypt::Encrypter, hash::MessageDigest, pkey::PKey, rsa::Padding};
use serde::Deserialize;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};
use zeroize::Zeroizing;

/// Bytes of a data key and the terms hash behind it.
const SEALED: usize = 64;

/// How data keys are protected. In TOML: `kind` and what that kind needs; paths are relative to the file's folder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Protection {
    /// A file that only its owner can read. With braces, so that what is written beside it by mistake is refused.
    File {},
    /// Encrypted for age recipients.
    Age(Age),
    /// Encrypted for an RSA key in a PKCS#11 token.
    Pkcs11(Token),
}

/// For whom age encrypts, and who decrypts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Age {
    /// Public keys (`age1...`). All of them can open what is sealed.
    #[serde(default)]
    recipients: Vec<String>,
    /// The private key's file, where keys are opened.
    identity: Option<PathBuf>,
    /// The program.
    #[serde(default = "age")]
    program: PathBuf,
}

fn age() -> PathBuf {
    "age".into()
}

/// A key in a token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The public half as PEM, where keys are sealed.
    public_key: Option<PathBuf>,
    /// Hash of RSA-OAEP and its mask function.
    #[serde(default)]
    oaep: Oaep,
    /// The token, where keys are opened.
    private: Option<Private>,
}

/// Hash of RSA-OAEP (RFC 8017, 7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Oaep {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-1, for tokens that know no other (SoftHSM before 2.7). OAEP does not rest on collisions being hard to find.
    Sha1,
}

/// Where a token's private key is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Private {
    /// The maker's PKCS#11 library.
    module: PathBuf,
    /// Label of the token.
    token: String,
    /// Label of the key.
    key: String,
    /// A file with the user's PIN.
    pin_file: PathBuf,
}

impl Default for Protection {
    fn default() -> Self {
        Self::File {}
    }
}

impl Protection {
    /// Reads a file of TOML.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display())).map_err(as_usage)?;
        let protection: Self =
            toml::from_str(&text).with_context(|| format!("{} does not say how keys are protected", path.display())).map_err(as_usage)?;
        Ok(protection.within(path.parent().unwrap_or(Path::new("."))))
    }

    /// With every path taken from this folder.
    pub fn within(self, folder: &Path) -> Self {
        let place = |path: PathBuf| folder.join(path);
        match self {
            Self::File {} => self,
            Self::Age(age) => Self::Age(Age { identity: age.identity.map(place), ..age }),
            Self::Pkcs11(token) => Self::Pkcs11(Token {
                public_key: token.public_key.map(place),
                private: token.private.map(|private| Private {
                    module: place(private.module),
                    pin_file: place(private.pin_file),
                    ..private
                }),
                ..token
            }),
        }
    }

    /// Name of the file in a job's folder.
    pub fn file(&self) -> &'static str {
        match self {
            Self::File {} => "data.key",
            Self::Age(_) => "data.key.age",
            Self::Pkcs11(_) => "data.key.rsa",
        }
    }

    /// Unix mode of what a job's folder keeps besides its sealed files. Who seals keys for another lets that other, by the folder's group, read the rest.
    pub fn mode(&self) -> u32 {
        match self {
            Self::File {} => 0o600,
            Self::Age(_) | Self::Pkcs11(_) => 0o640,
        }
    }

    /// Whether keys can be opened here, and not only sealed.
    pub fn opens(&self) -> bool {
        match self {
            Self::File {} => true,
            Self::Age(age) => age.identity.is_some(),
            Self::Pkcs11(token) => token.private.is_some(),
        }
    }

    /// A data key of the job with these terms as it is to be written into [`Protection::file`].
    pub fn seal(&self, key: &DataKey, terms: &Digest) -> Result<Vec<u8>> {
        let plain = Zeroizing::new([key.as_bytes().as_slice(), &terms.0].concat());
        match self {
            Self::File {} => Ok(format!("{}\n", hex::encode(key.as_bytes())).into_bytes()),
            Self::Age(age) => age.encrypt(&plain),
            Self::Pkcs11(token) => token.encrypt(&plain),
        }
    }

    /// The data key in what was read from [`Protection::file`] of the job with these terms.
    pub fn open(&self, sealed: &[u8], terms: &Digest) -> Result<DataKey> {
        let plain = match self {
            Self::File {} => {
                let mut bytes = Zeroizing::new([0; 32]);
                hex::decode_to_slice(sealed.trim_ascii(), bytes.as_mut_slice()).context("this is no data key as hex")?;
                return Ok(DataKey::from_bytes(*bytes));
            }
            Self::Age(age) => age.decrypt(sealed)?,
            Self::Pkcs11(token) => token.decrypt(sealed)?,
        };
        let plain: Zeroizing<[u8; SEALED]> =
            Zeroizing::new(plain.as_slice().try_into().map_err(|_| anyhow!("what was sealed is no data key and terms hash"))?);
        let (key, of) = plain.split_first_chunk::<32>().context("a data key")?;
        ensure!(of == terms.0, "the key was sealed for a job with terms {}, not {terms}: the folder was changed", Digest(of.try_into()?));
        Ok(DataKey::from_bytes(*key))
    }
}

impl Age {
    fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>> {
        ensure!(!self.recipients.is_empty(), "no age recipient is named: add `recipients = [\"age1...\"]`");
        let recipients = self.recipients.iter().flat_map(|recipient| ["--recipient", recipient]);
        self.run(Command::new(&self.program).arg("--encrypt").args(recipients), plain).map(|sealed| sealed.to_vec())
    }

    fn decrypt(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let identity = self.identity.as_ref().context("the key is sealed for an age identity that is not named here")?;
        self.run(Command::new(&self.program).arg("--decrypt").arg("--identity").arg(identity), sealed)
    }

    /// What the program writes when it reads this.
    fn run(&self, command: &mut Command, input: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run `{}`: install age (Debian: apt-get install age)", self.program.display()))?;
        // Less than a pipe holds, so that writing never waits for reading.
        let mut stdin = child.stdin.take().context("stdin is piped")?;
        // A program that refuses may end without reading: its own words say why.
        let _ = stdin.write_all(input);
        drop(stdin);
        let output = child.wait_with_output()?;
        let stdout = Zeroizing::new(output.stdout);
        if !output.status.success() {
            bail!("`{}` refuses: {}", self.program.display(), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(stdout)
    }
}

impl Token {
    fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>> {
        let path = self.public_key.as_ref().context("no public key is named: add `public_key = \"FILE.pem\"`")?;
        let pem = fs::read(path).with_context(|| format!("cannot read {}", path.display())).map_err(as_usage)?;
        let key = PKey::public_key_from_pem(&pem)
            .ok()
            .filter(|key| key.rsa().is_ok() && key.bits() >= 2048)
            .with_context(|| format!("{} is no RSA public key of at least 2048 bits in PEM", path.display()))
            .map_err(as_usage)?;
        let digest = match self.oaep {
            Oaep::Sha256 => MessageDigest::sha256(),
            Oaep::Sha1 => MessageDigest::sha1(),
        };
        let mut encrypter = Encrypter::new(&key)?;
        encrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
        encrypter.set_rsa_oaep_md(digest)?;
        encrypter.set_rsa_mgf1_md(digest)?;
        let mut sealed = vec![0; encrypter.encrypt_len(plain)?];
        let length = encrypter.encrypt(plain, &mut sealed)?;
        sealed.truncate(length);
        Ok(sealed)
    }

    fn decrypt(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let private = self.private.as_ref().context("the key is sealed for a token that is not named here")?;
        private.decrypt(self.oaep, sealed)
    }
}

impl Private {
    fn decrypt(&self, oaep: Oaep, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        // A login counts for all of a process: two at a time would log each other out.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().map_err(|_| anyhow!("an earlier use of the token panicked"))?;
        let pin =
            fs::read_to_string(&self.pin_file).map(Zeroizing::new).with_context(|| format!("cannot read {}", self.pin_file.display()))?;
        let token = Pkcs11::new(&self.module).with_context(|| format!("cannot load the PKCS#11 library {}", self.module.display()))?;
        match token.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // Once for the process, whoever was first.
            Ok(()) | Err(TokenError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(error).context("the PKCS#11 library does not start"),
        }
        let mut slots = token.get_slots_with_initialized_token()?.into_iter();
        let slot = slots.find(|slot| token.get_token_info(*slot).is_ok_and(|info| info.label().trim_end() == self.token));
        let slot = slot.with_context(|| format!("there is no token labelled `{}`", self.token))?;
        let session = token.open_ro_session(slot)?;
        match session.login(UserType::User, Some(&AuthPin::new(pin.trim().into()))) {
            Ok(()) | Err(TokenError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(error).with_context(|| format!("the token `{}` refuses the PIN", self.token)),
        }
        let wanted = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(self.key.clone().into_bytes())];
        let key = session.find_objects(&wanted)?;
        let [key] = key.as_slice() else {
            bail!("the token `{}` holds {} private keys labelled `{}`, not one", self.token, key.len(), self.key);
        };
        let (hash, mask) = match oaep {
            Oaep::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
            Oaep::Sha1 => (MechanismType::SHA1, PkcsMgfType::MGF1_SHA1),
        };
        let mechanism = Mechanism::RsaPkcsOaep(PkcsOaepParams::new(hash, mask, PkcsOaepSource::empty()));
        let plain =
            session.decrypt(&mechanism, *key, sealed).context("the token cannot open it: it is sealed for another key, or was changed")?;
        Ok(Zeroizing::new(plain))
    }
}

#[cfg(test)]
mod tests;
