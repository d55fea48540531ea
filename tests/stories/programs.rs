//! Well-known programs from the Rust registry, compiled unmodified to `wasm32-wasip1`, run as jobs.
//!
//! `b3sum` is not among them: it compiles, but asks rayon for a thread pool of its own, which the standard library refuses inside the module, on
//! every host, before any call reaches it.

use anyhow::{Context as _, Result};
use blockcloud_tests::{customer::Customer, process::program, root, scene::Scene};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The programs and the versions that the results were compared with.
const PROGRAMS: [(&str, &str, &str); 2] = [("hexyl", "0.17.0", "hexyl"), ("ripgrep", "15.2.0", "rg")];

/// Compiles a program from the registry, or finds it compiled by an earlier run. Nothing where the registry cannot be reached.
fn install(package: &str, version: &str, binary: &str) -> Result<Option<PathBuf>> {
    let target = program("blockcloud")?.parent().and_then(Path::parent).context("the target directory")?.join("third-party");
    let module = target.join("bin").join(format!("{binary}.wasm"));
    if module.exists() {
        return Ok(Some(module));
    }
    let output = Command::new(env!("CARGO"))
        .args(["install", "--locked", "--target", "wasm32-wasip1", "--version", version, package, "--root"])
        .arg(&target)
        .env("CARGO_TARGET_DIR", target.join("build"))
        .output()?;
    if output.status.success() {
        return Ok(Some(module));
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let unreachable = ["download", "network", "resolve host", "offline", "Connection"].iter().any(|word| said.contains(word));
    anyhow::ensure!(unreachable, "{package} does not compile: {said}");
    eprintln!("SKIPPED: {package} {version} cannot be fetched from the Rust registry here");
    Ok(None)
}

#[tokio::test(flavor = "multi_thread")]
async fn unmodified_programs_from_the_registry_run_as_jobs() -> Result<()> {
    let mut modules = Vec::new();
    for (package, version, binary) in PROGRAMS {
        match install(package, version, binary)? {
            Some(module) => modules.push(module),
            None => return Ok(()),
        }
    }
    let scene = Scene::new().await?;
    let customer = &scene.customer;
    let data = root().join("tests/data/seattle-weather.csv");
    let text = fs::read_to_string(&data)?;
    let count = |word: &str| text.lines().filter(|line| line.contains(word)).count();

    let first_snow = text.lines().position(|line| line.contains("snow")).context("it snows in the data")? + 1;
    let bytes: String = text.bytes().take(8).map(|byte| format!(" {byte:02x}")).collect();
    let folder = scene.directory().join("records");
    fs::create_dir_all(folder.join("2012"))?;
    fs::write(folder.join("2012/notes.txt"), "no rain\nmuch sun\n")?;
    // Which program, its input or nothing for the standard input, its arguments, what it prints.
    let expectations: [(usize, Option<&Path>, &[&str], String); 5] = [
        (
            0,
            Some(&data),
            &[
                "--plain",
                "--color",
                "never",
                "--no-characters",
                "--no-position",
                "--panels",
                "1",
                "--length",
                "8",
                "/input/seattle-weather.csv",
            ],
            format!(" {bytes}  \n"),
        ),
        (
            0,
            None,
            &["--plain", "--color", "never", "--no-characters", "--no-position", "--panels", "1", "--length", "8"],
            format!(" {bytes}  \n"),
        ),
        (1, Some(&data), &["--count", "rain", "/input/seattle-weather.csv"], format!("{}\n", count("rain"))),
        (1, Some(&folder), &["--files-with-matches", "rain", "input"], "input/records/2012/notes.txt\n".into()),
        // Walks the folder by itself, from the working directory.
        (
            1,
            Some(&data),
            &["--line-number", "--max-count", "1", "--only-matching", "snow", "input"],
            format!("input/seattle-weather.csv:{first_snow}:snow\n"),
        ),
    ];
    for (which, input, arguments, expected) in expectations {
        let mut spec = Customer::spec(&modules[which], input.as_slice(), arguments)?;
        if input.is_none() {
            spec.extend(["--stdin".into(), data.display().to_string()]);
        }
        let job = customer.place(&spec)?;
        customer.release(job)?;
        let well = customer.watch(job)?;
        let into = scene.directory().join(format!("output-{job}"));
        customer.run(["job", "fetch", &job.to_string(), "--into", &into.display().to_string()])?;
        let (stdout, stderr) = (fs::read_to_string(into.join("stdout"))?, fs::read_to_string(into.join("stderr"))?);
        assert!(well, "{arguments:?} ended well: {stdout}{stderr}");
        assert_eq!(stdout, expected, "{arguments:?}");
    }

    // What a program that fails has printed is fetched as well: it says why.
    let into = scene.directory().join("output-failed");
    let place = ["job".into(), "place".into(), "--fetch".into(), into.display().to_string()];
    let failed = customer.try_run(place.into_iter().chain(Customer::spec(&modules[1], &[&data], &["rain", "/input/nothing.csv"])?))?;
    assert_eq!(failed.status.code(), Some(1));
    assert!(fs::read_to_string(into.join("stderr"))?.contains("/input/nothing.csv"));
    Ok(())
}
