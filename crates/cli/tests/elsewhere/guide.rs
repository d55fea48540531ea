//! Every command of `docs/guides/receipts-elsewhere.md`, run as it stands there.

use crate::{python::programs, record::Record};
use std::{env, fs, path::Path, process::Command};

#[test]
fn every_command_of_the_guide_runs() {
    let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it for what it runs")).join("../..");
    let guide = fs::read_to_string(root.join("docs/guides/receipts-elsewhere.md")).unwrap();
    let blocks: Vec<_> = guide.split("\n```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect();
    assert!(blocks.len() >= 5, "{}", blocks.len());
    let Some(programs) = programs() else { return };
    let record = Record::new();
    let ours = Path::new(env!("CARGO_BIN_EXE_blockcloud")).parent().unwrap();
    let path = env::join_paths([ours, programs, Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    let script = format!("set -eu\n{}\n", blocks.join("\n"));
    fs::write(record.path("guide.sh"), &script).unwrap();
    let output = Command::new("bash")
        .arg("guide.sh")
        .current_dir(record.folder())
        .env_clear()
        .env("PATH", path)
        .env("HOME", record.folder())
        .env("BLOCKCLOUD_NODE", "ws://127.0.0.1:1")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}
