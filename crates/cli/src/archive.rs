//! Unpacking a job's output: a tar archive from a guest, which may have been told by a hostile program what to put into it.

use anyhow::{Context as _, Result, bail};
use std::{
    collections::{BTreeMap, BTreeSet},
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

/// A symbolic link that was left out.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Skipped {
    /// Path below the target folder.
    pub path: PathBuf,
    /// Where it was to lead.
    pub target: PathBuf,
    /// Why it was left out.
    pub reason: &'static str,
}

/// What became of an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unpacking {
    /// Files, under each of their names.
    pub files: Vec<Unpacked>,
    /// Symbolic links that were left out.
    pub skipped: Vec<Skipped>,
}

/// An entry of an archive.
enum Entry {
    File(Vec<u8>),
    Folder,
    /// Another name of a file that stands before it in the archive.
    Name(PathBuf),
    Link(PathBuf),
}

/// Unpacks an archive below `target`: files, their further names, folders, and those symbolic links that stay inside. Nothing is written outside, and
/// nothing that exists is overwritten.
pub fn unpack(archive: &[u8], target: &Path) -> Result<Unpacking> {
    // Everything is judged before anything is written.
    let plan = read(archive)?;
    let (mut files, mut names, mut links) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (path, entry) in &plan {
        match entry {
            Entry::Folder => continue,
            Entry::Link(_) => {
                links.insert(path);
                continue;
            }
            Entry::Name(of) if !files.contains(of) => {
                bail!("the output names {} as another name of {}, which is no file before it", path.display(), of.display());
            }
            Entry::Name(_) => {}
            Entry::File(_) => {
                files.insert(path);
            }
        }
        if !names.insert(path) {
            bail!("the output holds {} twice", path.display());
        }
        if target.join(path).symlink_metadata().is_ok() {
            bail!("{} exists already: choose an empty folder", target.join(path).display());
        }
    }
    let mut done = Unpacking::default();
    let mut lengths = BTreeMap::new();
    // No symbolic link exists yet while files are written, so none is written through.
    for (path, entry) in &plan {
        let place = target.join(path);
        let bytes = match entry {
            Entry::Folder => {
                fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
                continue;
            }
            Entry::Link(_) => continue,
            Entry::File(content) => {
                make_parent(&place)?;
                fs::write(&place, content).with_context(|| format!("cannot write {}", place.display()))?;
                lengths.insert(path, content.len() as u64);
                content.len() as u64
            }
            Entry::Name(of) => {
                let bytes = lengths.get(of).copied().unwrap_or_default();
                make_parent(&place)?;
                // Where the disk knows no second names, a copy is as good.
                fs::hard_link(target.join(of), &place)
                    .or_else(|_| fs::copy(target.join(of), &place).map(|_| ()))
                    .with_context(|| format!("cannot write {}", place.display()))?;
                bytes
            }
        };
        done.files.push(Unpacked { path: path.clone(), bytes });
    }
    for (path, entry) in &plan {
        let Entry::Link(to) = entry else { continue };
        let behind = path.ancestors().skip(1).any(|folder| links.contains(&folder.to_path_buf()));
        let made = if behind { Err("it lies behind another symbolic link") } else { make_link(target, path, to) };
        if let Err(reason) = made {
            done.skipped.push(Skipped { path: path.clone(), target: to.clone(), reason });
        }
    }
    Ok(done)
}

/// Reads the whole archive; refuses paths that lead outside, and kinds that a job's output never has.
fn read(archive: &[u8]) -> Result<Vec<(PathBuf, Entry)>> {
    let mut plan = Vec::new();
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry.context("the output is not a readable archive")?;
        let path = inside(&entry.path()?)?;
        let target = entry.link_name()?.map(std::borrow::Cow::into_owned).unwrap_or_default();
        let entry = match entry.header().entry_type() {
            tar::EntryType::Regular => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content)?;
                Entry::File(content)
            }
            tar::EntryType::Directory => Entry::Folder,
            tar::EntryType::Link => Entry::Name(inside(&target)?),
            tar::EntryType::Symlink => Entry::Link(target),
            other => bail!("the output holds {}, which is neither a file nor a folder nor a link ({other:?})", path.display()),
        };
        plan.push((path, entry));
    }
    Ok(plan)
}

/// The path without `.`, if it stays inside.
fn inside(path: &Path) -> Result<PathBuf> {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| match part {
            Component::Normal(name) => Ok(name),
            _ => bail!("the output names a path outside its folder: {}", path.display()),
        })
        .collect()
}

fn make_parent(place: &Path) -> Result<()> {
    let parent = place.parent().context("a file has a folder")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))
}

/// Makes a symbolic link, if it cannot lead out of `target`.
fn make_link(target: &Path, path: &Path, to: &Path) -> Result<(), &'static str> {
    // Steps up come first and climb real folders only, never more than there are; whatever is met on the way down is a link that was judged alike.
    let mut depth = path.components().count().saturating_sub(1);
    let mut down = false;
    for part in to.components() {
        match part {
            Component::Normal(_) => down = true,
            Component::CurDir => {}
            Component::ParentDir if down => return Err("it goes down and up again, which may lead out of the folder"),
            Component::ParentDir => depth = depth.checked_sub(1).ok_or("it leads out of the folder")?,
            Component::RootDir | Component::Prefix(_) => return Err("it is absolute"),
        }
    }
    let place = target.join(path);
    if place.symlink_metadata().is_ok() {
        return Err("something stands in its place");
    }
    make_parent(&place).map_err(|_| "its folder cannot be made")?;
    symlink(to, &place).map_err(|_| "it cannot be made here")
}

#[cfg(unix)]
fn symlink(to: &Path, place: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(to, place)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
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
        let done = unpack(&bytes, target.path()).unwrap();
        assert_eq!(done, Unpacking { files: vec![Unpacked { path: "output/a.txt".into(), bytes: 5 }], skipped: vec![] });
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

    fn link(builder: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, path: &str, to: &str) {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        builder.append_link(&mut header, path, to).unwrap();
    }

    #[test]
    fn a_second_name_is_the_same_file() {
        let target = tempfile::tempdir().unwrap();
        let bytes = archive(|builder| {
            file(builder, "output/a", b"hello");
            link(builder, tar::EntryType::Link, "output/sub/b", "output/a");
        });
        let done = unpack(&bytes, target.path()).unwrap();
        assert_eq!(done.files[1], Unpacked { path: "output/sub/b".into(), bytes: 5 });
        assert_eq!(fs::read(target.path().join("output/sub/b")).unwrap(), b"hello");
    }

    #[test]
    fn fails_for_a_second_name_of_what_is_not_in_the_archive_and_writes_nothing() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "mine").unwrap();
        let absolute = outside.path().join("secret").display().to_string();
        for to in [absolute.as_str(), "../secret", "present", "folder", "later"] {
            let target = tempfile::tempdir().unwrap();
            fs::write(target.path().join("present"), "mine").unwrap();
            let bytes = archive(|builder| {
                link(builder, tar::EntryType::Link, "name", to);
                link(builder, tar::EntryType::Symlink, "later", "name");
            });
            assert!(unpack(&bytes, target.path()).is_err(), "{to}");
            assert_eq!(fs::read_dir(target.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn fails_for_a_name_that_is_there_twice() {
        let twice = archive(|builder| {
            file(builder, "a", b"1");
            link(builder, tar::EntryType::Link, "a", "a");
        });
        assert!(unpack(&twice, tempfile::tempdir().unwrap().path()).is_err());
    }

    #[test]
    fn symbolic_links_that_stay_inside_are_made_and_others_are_left_out() {
        let target = tempfile::tempdir().unwrap();
        let bytes = archive(|builder| {
            file(builder, "output/a", b"hello");
            for (path, to) in [
                ("output/good", "a"),
                ("output/sub/up", "../../output/./a"),
                ("output/dangling", "nowhere"),
                ("output/absolute", "/etc/passwd"),
                ("output/out", "../../etc/passwd"),
                ("output/zigzag", "good/../../../etc/passwd"),
                ("output/good/behind", "a"),
                ("output/a", "elsewhere"),
            ] {
                link(builder, tar::EntryType::Symlink, path, to);
            }
        });
        let done = unpack(&bytes, target.path()).unwrap();
        assert_eq!(done.files.len(), 1);
        let skipped: Vec<_> = done.skipped.iter().map(|skipped| skipped.path.to_str().unwrap()).collect();
        assert_eq!(skipped, ["output/absolute", "output/out", "output/zigzag", "output/good/behind", "output/a"]);
        for path in ["output/good", "output/sub/up", "output/a"] {
            assert_eq!(fs::read(target.path().join(path)).unwrap(), b"hello", "{path}");
        }
        assert_eq!(fs::read_link(target.path().join("output/dangling")).unwrap(), Path::new("nowhere"));
    }

    #[test]
    fn nothing_is_written_through_a_symbolic_link() {
        let (target, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let bytes = archive(|builder| {
            link(builder, tar::EntryType::Symlink, "folder", &outside.path().display().to_string());
            file(builder, "folder/evil", b"1");
        });
        unpack(&bytes, target.path()).unwrap();
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        assert!(target.path().join("folder").symlink_metadata().unwrap().is_dir());
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
