//! Data keys sealed for age and for a real PKCS#11 library (SoftHSM). Where those are not installed, the tests say so and pass.

use super::*;
use openssl::rsa::Rsa;

const TERMS: Digest = Digest([7; 32]);
/// Where Debian, Ubuntu and others put SoftHSM's library.
const SOFTHSM: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
];

/// Says on stderr, past the harness, that a test was left out.
fn skipped(test: &str, missing: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {missing} is not installed; scripts/setup.sh installs it on Debian and Ubuntu");
}

fn error(result: Result<DataKey>) -> String {
    format!("{:#}", result.unwrap_err())
}

/// What every protection promises.
fn round_trip(protection: &Protection) {
    let key = DataKey::generate();
    let sealed = protection.seal(&key, &TERMS).unwrap();
    assert!(!sealed.windows(32).any(|window| window == key.as_bytes()));
    assert!(protection.open(&sealed, &TERMS).unwrap() == key);
    // Moved to another job.
    assert!(error(protection.open(&sealed, &Digest([8; 32]))).contains("the folder was changed"));
    // Changed anywhere.
    for at in [0, sealed.len() / 2, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(protection.open(&changed, &TERMS).is_err(), "byte {at}");
    }
    assert!(protection.open(&[], &TERMS).is_err());
}

#[test]
fn a_file_holds_hex() {
    let key = DataKey::generate();
    let sealed = Protection::default().seal(&key, &TERMS).unwrap();
    assert_eq!(sealed, format!("{}\n", hex::encode(key.as_bytes())).into_bytes());
    assert!(Protection::default().open(&sealed, &TERMS).unwrap() == key);
    assert!(error(Protection::default().open(b"short", &TERMS)).contains("no data key"));
}

mod with_age {
    use super::*;

    /// A new identity in this folder: its protection.
    fn identity(folder: &Path) -> Option<Age> {
        let path = folder.join("identity.txt");
        let made = Command::new("age-keygen").arg("-o").arg(&path).output().ok()?;
        assert!(made.status.success());
        let text = fs::read_to_string(&path).unwrap();
        let recipient = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned();
        Some(Age { recipients: vec![recipient], identity: Some(path), program: age() })
    }

    #[test]
    fn what_is_sealed_opens_for_the_identity_and_for_this_job_only() {
        let folder = tempfile::tempdir().unwrap();
        let Some(own) = identity(folder.path()) else { return skipped("with_age", "age") };
        round_trip(&Protection::Age(own.clone()));

        let elsewhere = tempfile::tempdir().unwrap();
        let other = identity(elsewhere.path()).unwrap();
        let sealed = Protection::Age(own.clone()).seal(&DataKey::generate(), &TERMS).unwrap();
        assert!(error(Protection::Age(other.clone()).open(&sealed, &TERMS)).contains("refuses"));
        // Both may be named, so that the buyer can open what the daemon opens.
        let both = Age { recipients: [own.recipients.clone(), other.recipients.clone()].concat(), ..own.clone() };
        let sealed = Protection::Age(both).seal(&DataKey::generate(), &TERMS).unwrap();
        assert!(Protection::Age(own).open(&sealed, &TERMS).is_ok() && Protection::Age(other).open(&sealed, &TERMS).is_ok());
    }

    #[test]
    fn what_is_missing_is_said() {
        let bare = Age { recipients: Vec::new(), identity: None, program: "no-such-age".into() };
        let protection = Protection::Age(bare.clone());
        assert!(!protection.opens());
        assert!(protection.seal(&DataKey::generate(), &TERMS).unwrap_err().to_string().contains("no age recipient"));
        assert!(error(protection.open(b"sealed", &TERMS)).contains("not named here"));
        let without = Protection::Age(Age { recipients: vec!["age1".into()], ..bare });
        assert!(format!("{:#}", without.seal(&DataKey::generate(), &TERMS).unwrap_err()).contains("install age"));
    }
}

mod with_a_token {
    use super::*;

    /// A public key on disk, and where its private half would be.
    fn token(folder: &Path, bits: u32) -> (Token, Rsa<openssl::pkey::Private>) {
        let private = Rsa::generate(bits).unwrap();
        let public_key = folder.join("public.pem");
        fs::write(&public_key, private.public_key_to_pem().unwrap()).unwrap();
        (Token { public_key: Some(public_key), oaep: Oaep::Sha256, private: None }, private)
    }

    /// OpenSSL's own decryption: that of another's RSA-OAEP.
    #[test]
    fn what_is_sealed_is_rsa_oaep() {
        use openssl::encrypt::Decrypter;
        let folder = tempfile::tempdir().unwrap();
        let (token, private) = token(folder.path(), 2048);
        let private = PKey::from_rsa(private).unwrap();
        for (oaep, digest) in [(Oaep::Sha256, MessageDigest::sha256()), (Oaep::Sha1, MessageDigest::sha1())] {
            let key = DataKey::generate();
            let sealed = Protection::Pkcs11(Token { oaep, ..token.clone() }).seal(&key, &TERMS).unwrap();
            let mut decrypter = Decrypter::new(&private).unwrap();
            decrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
            decrypter.set_rsa_oaep_md(digest).unwrap();
            decrypter.set_rsa_mgf1_md(digest).unwrap();
            let mut plain = vec![0; decrypter.decrypt_len(&sealed).unwrap()];
            let length = decrypter.decrypt(&sealed, &mut plain).unwrap();
            assert_eq!(plain[..length], [key.as_bytes().as_slice(), &TERMS.0].concat());
        }
    }

    #[test]
    fn a_key_that_is_weak_or_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (weak, _) = token(folder.path(), 1024);
        let refused = |token: Token| format!("{:#}", Protection::Pkcs11(token).seal(&DataKey::generate(), &TERMS).unwrap_err());
        assert!(refused(weak.clone()).contains("at least 2048 bits"));
        fs::write(weak.public_key.as_ref().unwrap(), "no key").unwrap();
        assert!(refused(weak.clone()).contains("no RSA public key"));
        assert!(refused(Token { public_key: None, ..weak.clone() }).contains("no public key is named"));
        assert!(error(Protection::Pkcs11(weak).open(&[0; 256], &TERMS)).contains("not named here"));
    }

    /// SoftHSM reads its configuration from the environment, which a process has one of: this is the only test that loads it.
    #[test]
    fn what_is_sealed_opens_in_the_token_and_for_this_job_only() {
        const INSIDE: &str = "BLOCKCLOUD_TEST_SOFTHSM";
        let Some(module) = SOFTHSM.iter().map(PathBuf::from).find(|path| path.exists()) else {
            return skipped("with_a_token", "softhsm2");
        };
        let Some(folder) = std::env::var_os(INSIDE).map(PathBuf::from) else {
            // Again, as a process of its own with SoftHSM's configuration.
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("tokens")).unwrap();
            let config = folder.path().join("softhsm2.conf");
            fs::write(&config, format!("directories.tokendir = {}\n", folder.path().join("tokens").display())).unwrap();
            let name = "keys::tests::with_a_token::what_is_sealed_opens_in_the_token_and_for_this_job_only";
            let own = std::env::current_exe().unwrap();
            let run = Command::new(own).args(["--exact", name]).env(INSIDE, folder.path()).env("SOFTHSM2_CONF", config).output().unwrap();
            let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success() && said.contains("1 passed"), "{said}");
            return;
        };
        let util = |arguments: &[&str]| {
            let run = Command::new("softhsm2-util").args(arguments).output().unwrap();
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        };
        let (token, private) = token(&folder, 2048);
        let pem = folder.join("private.pem");
        fs::write(&pem, PKey::from_rsa(private).unwrap().private_key_to_pem_pkcs8().unwrap()).unwrap();
        util(&["--init-token", "--free", "--label", "company", "--pin", "1234", "--so-pin", "5678"]);
        util(&["--import", pem.to_str().unwrap(), "--token", "company", "--label", "keyd", "--id", "01", "--pin", "1234"]);
        let pin_file = folder.join("pin");
        fs::write(&pin_file, "1234\n").unwrap();

        let private = Private { module, token: "company".into(), key: "keyd".into(), pin_file: pin_file.clone() };
        let with = |private: Private| Protection::Pkcs11(Token { oaep: Oaep::Sha1, private: Some(private), ..token.clone() });
        round_trip(&with(private.clone()));
        let sealed = with(private.clone()).seal(&DataKey::generate(), &TERMS).unwrap();
        let wrong = |private: Private| error(with(private).open(&sealed, &TERMS));
        assert!(wrong(Private { token: "another".into(), ..private.clone() }).contains("no token labelled"));
        assert!(wrong(Private { key: "another".into(), ..private.clone() }).contains("holds 0 private keys"));
        assert!(wrong(Private { module: "/no/such.so".into(), ..private.clone() }).contains("cannot load"));
        fs::write(&pin_file, "4321").unwrap();
        assert!(wrong(private).contains("refuses the PIN"));
    }
}
