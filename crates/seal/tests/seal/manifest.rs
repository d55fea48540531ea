//! Manifests: round trips, and every reason to refuse one.

use blockcloud_primitives::Digest;
use blockcloud_seal::{
    BlobError, DataKey, FileEntry, MANIFEST_MAX, MAX_ENVIRONMENT_LEN, MAX_FILES, MAX_VARIABLES, Manifest, ManifestError, ObjectKey, Sealer,
    SecretText, room, seal,
};
use std::{collections::BTreeMap, io::Write};

fn key() -> DataKey {
    DataKey::from_bytes([5; 32])
}

fn sealed(path: &str, plain: &[u8]) -> (FileEntry, Vec<u8>) {
    let mut sealer = Sealer::new(&key(), Vec::new()).unwrap();
    sealer.write_all(plain).unwrap();
    let (blob, summary) = sealer.finish().unwrap();
    (FileEntry::new(path, &summary), blob)
}

fn entry(path: &str) -> FileEntry {
    sealed(path, path.as_bytes()).0
}

fn manifest(paths: &[&str]) -> Result<Manifest, ManifestError> {
    Manifest::new(ObjectKey::from_bytes([6; 32]), entry("job.wasm"), paths.iter().map(|path| entry(path)).collect())
}

/// What a manifest of another making says when it is opened.
fn refused(change: impl FnOnce(&mut Manifest)) -> ManifestError {
    let mut manifest = manifest(&["input.csv"]).unwrap();
    change(&mut manifest);
    let error = Manifest::open(&key(), &manifest.seal(&key())).unwrap_err();
    assert!(!error.to_string().is_empty());
    error
}

#[test]
fn opens_to_what_was_sealed() {
    let manifest = manifest(&["input.csv", "data/more.csv", "data/deep/er.bin", "job.wasm"]).unwrap();
    assert_eq!(Manifest::open(&key(), &manifest.seal(&key())), Ok(manifest.clone()));
    let paths: Vec<&str> = manifest.entries().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["job.wasm", "input.csv", "data/more.csv", "data/deep/er.bin", "job.wasm"]);
}

#[test]
fn is_json_with_hex() {
    let json = serde_json::to_value(manifest(&["a"]).unwrap()).unwrap();
    assert_eq!(json["version"], 2);
    assert_eq!(json["object_key"], "06".repeat(32));
    assert_eq!(json["files"][0]["path"], "a");
    assert_eq!(json["files"][0]["digest"], Digest::of(b"a").to_string());
    assert_eq!(json["files"][0]["bytes"], 1);
}

#[test]
fn fails_with_another_key_or_no_blob() {
    let sealed = manifest(&[]).unwrap().seal(&key());
    let other = DataKey::from_bytes([9; 32]);
    assert_eq!(Manifest::open(&other, &sealed), Err(ManifestError::Sealed(BlobError::Tampered { chunk: 0 })));
    assert_eq!(Manifest::open(&key(), b"{}"), Err(ManifestError::Sealed(BlobError::NotABlob)));
}

#[test]
fn fails_when_it_cannot_be_read() {
    for json in ["", "{}", "[1]", r#"{"version":1,"object_key":"06"}"#] {
        let error = Manifest::open(&key(), &seal(&key(), json.as_bytes())).unwrap_err();
        assert!(matches!(error, ManifestError::Unreadable(_)), "{error}");
    }
}

#[test]
fn fails_with_an_unknown_version() {
    for version in [0, 1, 3] {
        assert_eq!(refused(|manifest| manifest.version = version), ManifestError::UnknownVersion(version));
    }
}

#[test]
fn fails_with_too_many_files() {
    let paths: Vec<String> = (0..=MAX_FILES).map(|number| number.to_string()).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    assert_eq!(manifest(&paths), Err(ManifestError::TooManyFiles(MAX_FILES + 1)));
    assert!(manifest(&paths[..MAX_FILES]).is_ok());
}

#[test]
fn fails_with_a_path_that_leads_elsewhere() {
    let long_name = "n".repeat(256);
    let long_path = vec!["n".repeat(200); 6].join("/");
    let bad = ["", "/etc/passwd", "..", "../up", "a/../b", "a/./b", ".", "a//b", "a/", "a\0b", "a\nb", &long_name, &long_path];
    for path in bad {
        assert_eq!(manifest(&[path]), Err(ManifestError::BadPath(path.to_owned())));
        assert_eq!(refused(|manifest| manifest.module.path = path.to_owned()), ManifestError::BadPath(path.to_owned()));
    }
    for path in ["a", "..a", "a..", "...", "with space", "ünïcode/文件", "a-b_c.d"] {
        assert!(manifest(&[path]).is_ok(), "{path}");
    }
}

#[test]
fn fails_when_a_path_is_taken() {
    let taken = |path: &str| Err(ManifestError::PathTaken(path.to_owned()));
    assert_eq!(manifest(&["a", "b", "a"]), taken("a"));
    assert_eq!(manifest(&["a/b", "a"]), taken("a"));
    assert_eq!(manifest(&["x/y/z", "x/y"]), taken("x/y"));
    assert!(manifest(&["a/b", "a/c", "ab"]).is_ok());
}

#[test]
fn an_entry_opens_its_own_blob_only() {
    let (first, first_blob) = sealed("first", b"the first file");
    let (_, second_blob) = sealed("second", b"the second file");
    assert_eq!(first.blob, Digest::of(&first_blob));
    assert_eq!(first.open(&key(), &first_blob).unwrap(), b"the first file");
    assert_eq!(first.open(&key(), &second_blob), Err(BlobError::Tampered { chunk: 0 }));
    let shorter = FileEntry { bytes: first.bytes - 1, ..first };
    assert_eq!(shorter.open(&key(), &first_blob), Err(BlobError::Tampered { chunk: 0 }));
}

#[test]
fn object_keys_make_keyed_digests_and_are_not_printed() {
    let key = ObjectKey::from_bytes([6; 32]);
    assert_eq!(key.digest(b"name"), Digest::keyed(&[6; 32], b"name"));
    assert_ne!(key.digest(b"name"), ObjectKey::generate().digest(b"name"));
    assert_eq!(format!("{key:?}"), "ObjectKey(secret)");
}

fn env(variables: &[(&str, &str)]) -> BTreeMap<String, SecretText> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned().into())).collect()
}

mod stdin {
    use super::*;

    #[test]
    fn comes_last_and_its_name_is_no_files() {
        let manifest = manifest(&["a", "stdin"]).unwrap().with_stdin(entry("stdin")).unwrap();
        let opened = Manifest::open(&key(), &manifest.seal(&key())).unwrap();
        assert_eq!(opened, manifest);
        let paths: Vec<&str> = opened.entries().map(|entry| entry.path.as_str()).collect();
        assert_eq!(paths, ["job.wasm", "a", "stdin", "stdin"]);
    }

    #[test]
    fn is_one_of_the_files_that_a_job_may_have() {
        let paths: Vec<String> = (0..MAX_FILES).map(|number| number.to_string()).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let full = manifest(&paths).unwrap();
        assert_eq!(full.with_stdin(entry("stdin")), Err(ManifestError::TooManyFiles(MAX_FILES + 1)));
    }
}

mod environment {
    use super::*;

    #[test]
    fn is_sealed_and_not_printed() {
        let manifest = manifest(&[]).unwrap().with_env(env(&[("TOKEN", "hunter2"), ("EMPTY", "")])).unwrap();
        let opened = Manifest::open(&key(), &manifest.seal(&key())).unwrap();
        assert_eq!(opened.env["TOKEN"].as_str(), "hunter2");
        assert!(!format!("{opened:?}").contains("hunter2"));
    }

    #[test]
    fn fails_where_it_cannot_be_one() {
        for (name, value) in [("", "x"), ("A=B", "x"), ("A\n", "x"), ("A\0", "x"), ("A", "x\0y")] {
            let bad = ManifestError::BadVariable(name.to_owned());
            assert_eq!(manifest(&[]).unwrap().with_env(env(&[(name, value)])), Err(bad.clone()));
            assert_eq!(refused(|manifest| manifest.env = env(&[(name, value)])), bad);
        }
    }

    #[test]
    fn is_bounded() {
        let many: BTreeMap<_, _> = (0..=MAX_VARIABLES).map(|number| (number.to_string(), String::new().into())).collect();
        assert_eq!(manifest(&[]).unwrap().with_env(many), Err(ManifestError::TooManyVariables(MAX_VARIABLES + 1)));
        // A control character takes six bytes in JSON: the largest environment still makes a manifest of the agreed length.
        let largest = "\u{1}".repeat(MAX_ENVIRONMENT_LEN - 1);
        let whole = manifest(&[]).unwrap().with_env(env(&[("A", &largest)])).unwrap();
        assert!(u64::try_from(whole.seal(&key()).len()).unwrap() < MANIFEST_MAX);
        let error = whole.with_env(env(&[("AB", &largest)])).unwrap_err();
        assert_eq!(error, ManifestError::EnvironmentTooLarge(MAX_ENVIRONMENT_LEN + 1));
    }
}

#[test]
fn a_program_is_called_by_the_stem_of_its_modules_name() {
    for (path, name) in [("coreutils.wasm", "coreutils"), ("a/b.c.wasm", "b.c"), (".wasm", ".wasm"), ("rg", "rg")] {
        let mut manifest = manifest(&[]).unwrap();
        manifest.module.path = path.to_owned();
        assert_eq!(manifest.program_name(), name);
    }
}

#[test]
fn a_job_folder_of_version_1_can_still_be_read() {
    let mut json = serde_json::to_value(manifest(&["a"]).unwrap()).unwrap();
    json["version"] = 1.into();
    let old: Manifest = serde_json::from_value(json).unwrap();
    assert_eq!((old.version, old.files.len(), old.stdin, old.env.len()), (1, 1, None, 0));
}

#[test]
fn files_cost_their_pages_names_and_folders() {
    let named = |name: &str| room::INODE_COST + room::entry_cost(name);
    let start = named("input") + named("output") + named("tmp");
    assert_eq!(manifest(&[]).unwrap().cost(), start);
    let with_files = manifest(&["d/a", "d/e/b"]).unwrap();
    assert_eq!(with_files.cost(), start + named("d") + named("e") + named("a") + named("b") + 2 * room::PAGE);
    let stdin = entry(&"x".repeat(100));
    assert_eq!(with_files.clone().with_stdin(stdin).unwrap().cost(), with_files.cost() + room::INODE_COST + room::PAGE);
}

#[test]
fn the_programs_seed_is_known_to_holders_of_the_data_key_only() {
    let (one, other, public) = (key(), DataKey::from_bytes([6; 32]), Digest([9; 32]));
    assert_eq!(*one.program_seed(&public), *one.program_seed(&public));
    assert_ne!(*one.program_seed(&public), *other.program_seed(&public));
    assert_ne!(*one.program_seed(&public), *one.program_seed(&Digest([8; 32])));
    assert_ne!(*one.program_seed(&public), public.0);
}
