//! Unpacking a job's output: a tar archive from a guest, which may have been told by a hostile program what to put into it.

use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    io::Read as _,
    path::{Component, Path, PathBuf},
};

/// A file that was unpacked.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Unpacked {
    /// Path below the target folder.
    pub path: PathBuf,
    /// Length in bytes.
    pub bytes: u64,
}

/// Unpacks an archive below `target`. Regular files and folders only; nothing is written outside, and no file that exists is overwritten.
pub fn unpack(archive: &[u8], target: &Path) -> Result<Vec<Unpacked>> {
    // Everything is judged before anything is written.
    let mut plan = Vec::new();
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry.context("the output is not a readable archive")?;
        let path = entry.path()?.into_owned();
        if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            bail!("the output names a path outside its folder: {}", path.display());
        }
        match entry.header().entry_type() {
            tar::EntryType::Regular => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content)?;
                plan.push((path, Some(content)));
            }
            tar::EntryType::Directory => plan.push((path, None)),
            other => bail!("the output holds {}, which is neither a file nor a folder ({other:?})", path.display()),
        }
    }
    if let Some((path, _)) = plan.iter().find(|(path, content)| content.is_some() && target.join(path).exists()) {
        bail!("{} exists already: choose an empty folder", target.join(path).display());
    }
    let mut unpacked = Vec::new();
    for (path, content) in plan {
        let place = target.join(&path);
        match content {
            None => fs::create_dir_all(&place)?,
            Some(content) => {
                fs::create_dir_all(place.parent().unwrap_or(target))?;
                fs::write(&place, &content).with_context(|| format!("cannot write {}", place.display()))?;
                unpacked.push(Unpacked { path, bytes: content.len() as u64 });
            }
        }
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(build: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        build(&mut builder);
        builder.into_inner().unwrap()
    }

    fn file(builder: &mut tar::Builder<Vec<u8>>, path: &str, content: &[u8]) {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_entry_type(tar::EntryType::Regular);
        // Written past the library's own check, as a hostile archive would be.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        builder.append(&header, content).unwrap();
    }

    #[test]
    fn files_land_below_the_target() {
        let target = tempfile::tempdir().unwrap();
        let bytes = archive(|builder| file(builder, "output/a.txt", b"hello"));
        assert_eq!(unpack(&bytes, target.path()).unwrap(), [Unpacked { path: "output/a.txt".into(), bytes: 5 }]);
        assert_eq!(fs::read(target.path().join("output/a.txt")).unwrap(), b"hello");
    }

    #[test]
    fn fails_for_a_path_that_leads_out_and_writes_nothing() {
        for path in ["../evil", "/etc/evil", "a/../../evil"] {
            let target = tempfile::tempdir().unwrap();
            let bytes = archive(|builder| {
                file(builder, "good", b"1");
                file(builder, path, b"2");
            });
            assert!(unpack(&bytes, target.path()).is_err(), "{path}");
            assert_eq!(fs::read_dir(target.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn fails_for_a_link() {
        let bytes = archive(|builder| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, "link", "/etc/passwd").unwrap();
        });
        assert!(unpack(&bytes, tempfile::tempdir().unwrap().path()).is_err());
    }

    #[test]
    fn fails_rather_than_overwrite() {
        let target = tempfile::tempdir().unwrap();
        fs::write(target.path().join("a"), "mine").unwrap();
        assert!(unpack(&archive(|builder| file(builder, "a", b"theirs")), target.path()).is_err());
        assert_eq!(fs::read(target.path().join("a")).unwrap(), b"mine");
    }

    #[test]
    fn fails_for_what_is_no_archive() {
        assert!(unpack(&[7; 1024], tempfile::tempdir().unwrap().path()).is_err());
    }
}
