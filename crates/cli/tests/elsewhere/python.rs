//! Python programs that others wrote, at the versions that the results were compared with. They lie in the target directory, shared by all runs.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

const PACKAGES: [&str; 6] =
    ["scitt-cose==0.5.0", "pymerkle==7.0.0", "prov==3.2.3", "cloudevents==2.2.0", "openlineage-python==1.54.0", "moto[server]==5.2.5"];

/// The folder of programs in which these packages are. Nothing, and a line that says so, where they cannot be had.
pub fn programs() -> Option<&'static Path> {
    static PROGRAMS: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAMS
        .get_or_init(|| match install() {
            Ok(programs) => Some(programs),
            Err(reason) => {
                // Past the capture of a test's output: what is not tested has to be seen.
                let _ = writeln!(std::io::stderr(), "SKIPPED: {} cannot be installed here: {reason}", PACKAGES.join(", "));
                None
            }
        })
        .as_deref()
}

/// Runs a script with arguments on these files and returns what it prints. Fails where the script does.
pub fn script(programs: &Path, folder: &Path, script: &str, arguments: &[&str]) -> String {
    let path = folder.join("script.py");
    fs::write(&path, script).unwrap();
    let output = Command::new(programs.join("python")).arg(&path).args(arguments).current_dir(folder).env_clear().output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn install() -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_BIN_EXE_blockcloud")).parent().and_then(Path::parent).ok_or("there is no target directory")?;
    let folder = target.join("third-party");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    // Two runs at a time would spoil each other's installation.
    let lock = fs::File::create(folder.join("python.lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let environment = folder.join("python");
    let (programs, installed) = (environment.join("bin"), environment.join("installed.txt"));
    if fs::read_to_string(&installed).is_ok_and(|packages| packages == PACKAGES.join("\n")) {
        return Ok(programs);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment), &["No module named", "ensurepip"])?;
    let absent = ["Connection", "connection", "No matching distribution", "resolve", "timed out", "Network", "network"];
    run(
        Command::new(programs.join("python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"])
            .args(PACKAGES),
        &absent,
    )?;
    fs::write(&installed, PACKAGES.join("\n")).map_err(|error| error.to_string())?;
    Ok(programs)
}

/// Runs a step of the installation. A failure that does not come from something that is absent here is one of the test.
fn run(command: &mut Command, absent: &[&str]) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{} does not start: {error}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(absent.iter().any(|word| said.contains(word)), "{command:?}: {said}");
    Err(said.lines().last().unwrap_or("without a word").into())
}
