//! From `--input`, `--stdin` and `--env` to what is sealed: which file is found where.

use anyhow::{Context as _, Result, bail};
use blockcloud_seal::{MAX_FILES, SecretText};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// An input file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its path below `/input`.
    pub name: String,
    /// Where it is here.
    pub file: PathBuf,
    /// Its length.
    pub bytes: u64,
}

/// Finds the files that are meant, `most` of them at most: files, folders with all that is in them, and files under another name.
pub fn find(inputs: &[PathBuf], most: usize) -> Result<Vec<Input>> {
    let mut found = Found { files: Vec::new(), most };
    for input in inputs {
        // A file whose own name holds the sign is that file.
        let renamed = input.to_str().and_then(|text| text.split_once('=')).filter(|_| !input.exists());
        match renamed {
            Some((name, file)) => found.add(name.to_owned(), Path::new(file))?,
            None => found.add(name_of(input)?, input)?,
        }
    }
    Ok(found.files)
}

struct Found {
    files: Vec<Input>,
    most: usize,
}

impl Found {
    fn add(&mut self, name: String, path: &Path) -> Result<()> {
        let metadata = fs::metadata(path).with_context(|| format!("cannot read the input {}", path.display()))?;
        if metadata.is_dir() {
            return self.add_folder(&name, path);
        }
        let bytes = length(path)?;
        if self.files.len() >= self.most {
            bail!(
                "there are more than {} input files: a job takes at most {MAX_FILES}, --stdin among them. Pack them into one archive that the program opens, or \
                 choose fewer",
                self.most
            );
        }
        self.files.push(Input { name, file: path.to_owned(), bytes });
        Ok(())
    }

    fn add_folder(&mut self, name: &str, folder: &Path) -> Result<()> {
        let entries = fs::read_dir(folder).with_context(|| format!("cannot list the input {}", folder.display()))?;
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        // The same folder makes the same job.
        paths.sort();
        for path in paths {
            // A link to a folder may lead round in a circle.
            if path.is_symlink() && path.is_dir() {
                bail!("{} is a link to a folder: name that folder as an --input of its own", path.display());
            }
            self.add(format!("{name}/{}", name_of(&path)?), &path)?;
        }
        Ok(())
    }
}

/// The last part of a path, also of one like `.`.
fn name_of(path: &Path) -> Result<String> {
    let whole = if path.file_name().is_some() { Ok(path.to_owned()) } else { fs::canonicalize(path) };
    let whole = whole.with_context(|| format!("cannot read the input {}", path.display()))?;
    let name = whole.file_name().and_then(|name| name.to_str()).map(String::from);
    name.with_context(|| format!("{} has no usable name: write NAME=FILE", path.display()))
}

/// The length of a regular file.
pub fn length(path: &Path) -> Result<u64> {
    let metadata = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if !metadata.is_file() {
        bail!("{} is not a file", path.display());
    }
    Ok(metadata.len())
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads `NAME=VALUE`. What is wrong is said without the value.
pub fn variable(text: &str) -> Result<(String, SecretText), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned().into())),
        _ => Err("write NAME=VALUE".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("set/deep/er")).unwrap();
        for (path, content) in [("set/b", "bb"), ("set/a", "a"), ("set/deep/er/c", "ccc"), ("single", "1234"), ("x=y", "12345")] {
            fs::write(folder.path().join(path), content).unwrap();
        }
        folder
    }

    fn names(inputs: &[PathBuf], most: usize) -> Result<Vec<(String, u64)>> {
        Ok(find(inputs, most)?.into_iter().map(|input| (input.name, input.bytes)).collect())
    }

    #[test]
    fn files_folders_and_other_names_are_found() {
        let folder = folder();
        let at = |path: &str| folder.path().join(path);
        let renamed = PathBuf::from(format!("p/q.csv={}", at("single").display()));
        let found = names(&[at("single"), at("set"), renamed, at("x=y")], 31).unwrap();
        let expected = [("single", 4), ("set/a", 1), ("set/b", 2), ("set/deep/er/c", 3), ("p/q.csv", 4), ("x=y", 5)];
        assert_eq!(found, expected.map(|(name, bytes)| (name.to_owned(), bytes)));
        let renamed = PathBuf::from(format!("other={}", at("set").display()));
        assert_eq!(names(&[renamed], 31).unwrap()[2], ("other/deep/er/c".to_owned(), 3));
        assert_eq!(names(&[at("set/deep/.")], 31).unwrap(), [("deep/er/c".to_owned(), 3)]);
    }

    #[test]
    fn fails_for_more_files_than_a_job_takes_and_says_how_many() {
        let folder = folder();
        let set = [folder.path().join("set")];
        assert_eq!(names(&set, 3).unwrap().len(), 3);
        let error = names(&set, 2).unwrap_err().to_string();
        assert!(error.contains("more than 2") && error.contains("at most 31"), "{error}");
    }

    #[test]
    fn fails_for_what_is_not_there_and_for_links_to_folders() {
        let folder = folder();
        assert!(names(&[folder.path().join("missing")], 31).is_err());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(folder.path(), folder.path().join("set/loop")).unwrap();
            assert!(names(&[folder.path().join("set")], 31).unwrap_err().to_string().contains("link"));
        }
    }

    #[test]
    fn a_variable_is_split_at_the_first_sign() {
        let (name, value) = variable("A=b=c").unwrap();
        assert_eq!((name.as_str(), value.as_str()), ("A", "b=c"));
        for wrong in ["", "A", "=b"] {
            assert!(variable(wrong).is_err(), "{wrong}");
        }
    }
}
