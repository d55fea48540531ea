//! Reading a machine's files below a root folder. What cannot be read counts as absent.
//!
//! Not here: what any of it means.

use super::processor::{Processor, Vendor};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A machine, by its files.
pub(super) struct Machine {
    root: PathBuf,
    /// The first processor.
    pub processor: Processor,
    flags: Vec<String>,
    /// The kernel's name for its release; empty if unknown.
    pub release: String,
    command_line: Vec<String>,
}

impl Machine {
    /// Reads what is needed more than once.
    pub fn read(root: &Path) -> Self {
        let text = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
        let cpuinfo = text("proc/cpuinfo");
        Self {
            root: root.into(),
            processor: processor(&cpuinfo),
            flags: field(&cpuinfo, "flags").split_whitespace().map(str::to_owned).collect(),
            release: text("proc/sys/kernel/osrelease").trim().to_owned(),
            // What follows `--` is for the first program.
            command_line: text("proc/cmdline").split_whitespace().take_while(|word| *word != "--").map(str::to_owned).collect(),
        }
    }

    /// Whether the processor's flags name this.
    pub fn has_flag(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known == flag)
    }

    /// Whether there is such a file or folder.
    pub fn exists(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// A file's text without the space around it.
    pub fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok().map(|text| text.trim().to_owned())
    }

    /// How many entries a folder has.
    pub fn entries(&self, path: &str) -> usize {
        fs::read_dir(self.root.join(path)).map_or(0, |entries| entries.flatten().count())
    }

    /// A kernel module's parameter. Yes is `Y` or `1`.
    pub fn parameter(&self, module: &str, name: &str) -> Option<bool> {
        self.text(&format!("sys/module/{module}/parameters/{name}")).map(|value| matches!(value.as_str(), "Y" | "y" | "1"))
    }

    /// Whether the kernel was started with this word.
    pub fn started_with(&self, word: &str) -> bool {
        self.command_line.iter().any(|known| known == word)
    }

    /// Whether the kernel is of this version or a later one; nothing if its version cannot be read.
    pub fn kernel_is_at_least(&self, major: u32, minor: u32) -> Option<bool> {
        let mut numbers = self.release.split(|character: char| !character.is_ascii_digit()).map_while(|number| number.parse::<u32>().ok());
        let version = (numbers.next()?, numbers.next()?);
        Some(version >= (major, minor))
    }
}

/// The first value of a field.
fn field<'a>(cpuinfo: &'a str, name: &str) -> &'a str {
    let fields = cpuinfo.lines().filter_map(|line| line.split_once(':'));
    let mut values = fields.filter_map(|(key, value)| (key.trim() == name).then_some(value.trim()));
    values.next().unwrap_or_default()
}

fn processor(cpuinfo: &str) -> Processor {
    let vendor = match field(cpuinfo, "vendor_id") {
        "AuthenticAMD" => Vendor::Amd,
        "GenuineIntel" => Vendor::Intel,
        _ => Vendor::Other,
    };
    let number = |name| field(cpuinfo, name).parse().ok();
    Processor { vendor, family: number("cpu family"), model: number("model"), name: field(cpuinfo, "model name").to_owned() }
}
