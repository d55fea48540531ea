//! Files that are there whole or not at all.
//!
//! Not here: the queue, which is appended to (`queue`).

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

/// How the name of a file begins that is not whole yet.
pub const TEMPORARY: &str = "partial-";

/// Writes a file beside its place and syncs it; [`finish`] puts it there. Both together are [`write_atomically`].
pub fn prepare(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(temporary(path)?)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Puts a prepared file in its place, durably.
pub fn finish(path: &Path) -> io::Result<()> {
    fs::rename(temporary(path)?, path)?;
    sync_folder(path)
}

/// Writes a file so that after a crash it is there whole, or as it was.
pub fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    prepare(path, content)?;
    finish(path)
}

/// Makes what happened to the names in a file's folder durable.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("a file has a folder"))?;
    // A name alone stands in the present folder.
    File::open(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?.sync_all()
}

/// Deletes what a crash left unfinished in a folder.
pub fn clear_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn temporary(path: &Path) -> io::Result<std::path::PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("a file has a name"))?;
    Ok(path.with_file_name(format!("{TEMPORARY}{}", name.to_string_lossy())))
}
