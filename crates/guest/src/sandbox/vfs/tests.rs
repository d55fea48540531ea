//! The file system by itself.

use super::*;

/// What a file, directory or symbolic link of this name costs, without content or target.
fn named(name: &str) -> u64 {
    INODE_COST + entry_cost(name)
}

fn vfs() -> Vfs {
    let mut vfs = Vfs::new(Quota { bytes: 1 << 16, entries: 20 }, 0);
    vfs.load("/a/b/file", b"content", 0).unwrap();
    vfs
}

fn find(vfs: &Vfs, path: &str) -> Result<Found, Errno> {
    vfs.resolve(Vfs::ROOT, path, true)
}

fn symlink(vfs: &mut Vfs, target: &str, path: &str) {
    let found = vfs.resolve(Vfs::ROOT, path, false).unwrap();
    vfs.create_symlink(&found, target, 0).unwrap();
}

fn rename(vfs: &mut Vfs, from: &str, to: &str) -> Result<u64, Errno> {
    let (from, to) = (vfs.resolve(Vfs::ROOT, from, false)?, vfs.resolve(Vfs::ROOT, to, false)?);
    vfs.rename(&from, &to, 0)
}

fn mkdir(vfs: &mut Vfs, path: &str) -> Result<Ino, Errno> {
    let found = vfs.resolve(Vfs::ROOT, path, false)?;
    vfs.create_directory(&found, 0)
}

mod resolve {
    use super::*;

    #[test]
    fn names_are_normalised() {
        let vfs = vfs();
        for path in ["a/b/file", "./a//b/./file", "a/../a/b/../b/file"] {
            assert_eq!(vfs.path_of_found(&find(&vfs, path).unwrap()), "/a/b/file", "{path}");
        }
        assert_eq!(vfs.path_of_found(&find(&vfs, "a/b/..").unwrap()), "/a");
        assert_eq!(vfs.path_of_found(&find(&vfs, ".").unwrap()), "/");
    }

    #[test]
    fn nothing_leads_above_the_root() {
        let mut vfs = vfs();
        symlink(&mut vfs, "../../etc", "a/up");
        for path in ["..", "../a", "a/../..", "a/b/../../../a", "/a", "a/up"] {
            assert_eq!(find(&vfs, path), Err(Errno::Perm), "{path}");
        }
    }

    #[test]
    fn links_are_followed_within_the_root() {
        let mut vfs = vfs();
        symlink(&mut vfs, "b", "a/relative");
        symlink(&mut vfs, "/a/b", "absolute");
        symlink(&mut vfs, "nothing", "dangling");
        for path in ["a/relative/file", "absolute/file", "absolute/../relative/file"] {
            assert_eq!(vfs.path_of_found(&find(&vfs, path).unwrap()), "/a/b/file", "{path}");
        }
        let dangling = find(&vfs, "dangling").unwrap();
        assert_eq!((dangling.name.as_deref(), dangling.ino), (Some("nothing"), None));
        let link = vfs.resolve(Vfs::ROOT, "absolute", false).unwrap();
        assert_eq!(vfs.kind(link.ino.unwrap()), Ok(Kind::Symlink));
        let through = vfs.resolve(Vfs::ROOT, "absolute/", false).unwrap();
        assert_eq!(vfs.kind(through.ino.unwrap()), Ok(Kind::Directory));
    }

    #[test]
    fn fails_on_a_circle_of_links() {
        let mut vfs = vfs();
        symlink(&mut vfs, "two", "one");
        symlink(&mut vfs, "one", "two");
        assert_eq!(find(&vfs, "one"), Err(Errno::Loop));
        assert_eq!(find(&vfs, "one/x"), Err(Errno::Loop));
    }

    #[test]
    fn fails_where_a_path_cannot_be() {
        let vfs = vfs();
        assert_eq!(find(&vfs, ""), Err(Errno::Noent));
        assert_eq!(find(&vfs, "missing/file"), Err(Errno::Noent));
        assert_eq!(find(&vfs, "a/b/file/more"), Err(Errno::Notdir));
        assert_eq!(find(&vfs, "a/b/file/"), Err(Errno::Notdir));
        assert_eq!(find(&vfs, "a/b/file/.."), Err(Errno::Notdir));
        assert_eq!(find(&vfs, "zero\0"), Err(Errno::Inval));
        assert_eq!(find(&vfs, &"n".repeat(256)), Err(Errno::Nametoolong));
        assert_eq!(find(&vfs, &"a/".repeat(2049)), Err(Errno::Nametoolong));
    }
}

mod quota {
    use super::*;

    /// A file system with room for `pages` pages beside what it holds.
    fn with_room(pages: u64) -> Vfs {
        let mut vfs = vfs();
        vfs.quota.bytes = vfs.used() + pages * PAGE;
        vfs
    }

    #[test]
    fn content_counts_in_pages_and_comes_back() {
        let mut vfs = vfs();
        assert_eq!((vfs.bytes(), vfs.used()), (7, named("a") + named("b") + named("file") + PAGE));
        let before = vfs.used();
        vfs.quota.bytes = before + named("big") + 2 * PAGE;
        let ino = vfs.load("/big", &[1; 4096], 0).unwrap();
        assert_eq!(vfs.write(ino, 4000, &[1; 5000], 0), Ok(4192), "one page is left");
        assert_eq!((vfs.bytes(), vfs.used()), (7 + 8192, vfs.quota.bytes));
        assert_eq!(vfs.write(ino, 8192, &[1], 0), Err(Errno::Nospc));
        assert_eq!(vfs.write(ino, 0, &[2; 8192], 0), Ok(8192));
        assert_eq!(vfs.set_size(ino, 8193, 0), Err(Errno::Nospc));
        assert_eq!(vfs.set_size(ino, 1 << 60, 0), Err(Errno::Fbig));
        assert_eq!(vfs.write(ino, u64::MAX, &[1], 0), Err(Errno::Fbig));
        vfs.set_size(ino, 10, 0).unwrap();
        assert_eq!((vfs.bytes(), vfs.used()), (17, vfs.quota.bytes - PAGE));
        // The rest of a page that is paid for costs nothing.
        vfs.quota.bytes = vfs.used();
        assert_eq!(vfs.write(ino, 10, &[3; 5000], 0), Ok(4086));
        let found = find(&vfs, "big").unwrap();
        assert_eq!(vfs.unlink(&found, 0), Ok(4096));
        assert_eq!((vfs.bytes(), vfs.used()), (7, before));
    }

    #[test]
    fn a_hole_counts() {
        let mut vfs = with_room(2);
        let ino = vfs.load("/sparse", b"", 0).unwrap();
        assert_eq!(vfs.write(ino, 5_000, b"x", 0), Err(Errno::Nospc));
        assert_eq!(vfs.write(ino, 4_000, b"x", 0), Ok(1));
        assert_eq!(vfs.bytes(), 4_008);
    }

    #[test]
    fn names_targets_and_empty_files_count() {
        let mut vfs = with_room(1);
        let (before, long) = (vfs.used(), "n".repeat(255));
        symlink(&mut vfs, &"t".repeat(900), &long);
        assert_eq!(vfs.used(), before + named(&long) + 900);
        let free = find(&vfs, "free").unwrap();
        assert_eq!(vfs.create_symlink(&free, &"t".repeat(4000), 0), Err(Errno::Nospc));
        let made = (0..).take_while(|number| mkdir(&mut vfs, &format!("{number}{}", "d".repeat(200))).is_ok()).count();
        assert_eq!(made, 2, "each takes more than 900 bytes of the 2,174 that are left");
        let (file, other) = (find(&vfs, "a/b/file").unwrap(), find(&vfs, &"o".repeat(255)).unwrap());
        let short = find(&vfs, "o").unwrap();
        assert!(vfs.link(file.ino.unwrap(), &short, 0).is_ok());
        assert_eq!(vfs.link(file.ino.unwrap(), &other, 0), Err(Errno::Nospc));
        vfs.quota.bytes = vfs.used();
        assert_eq!(rename(&mut vfs, "o", "oo"), Err(Errno::Nospc), "a longer name");
        assert_eq!(rename(&mut vfs, "o", "p"), Ok(0));
    }

    #[test]
    fn standard_input_counts_until_it_is_closed() {
        let mut vfs = with_room(2);
        let before = vfs.used();
        assert_eq!(vfs.load_stdin(&[0; 8192], 0), Err(Errno::Nospc), "the inode costs, too");
        vfs.load_stdin(b"text", 0).unwrap();
        assert_eq!(vfs.used(), before + INODE_COST + PAGE);
        vfs.closed(vfs.stdin().unwrap());
        assert_eq!(vfs.used(), before);
    }

    #[test]
    fn entries_are_counted_and_come_back() {
        let mut vfs = vfs();
        for number in vfs.entries()..20 {
            vfs.load(&format!("/{number}"), b"", 0).unwrap();
        }
        assert_eq!(vfs.load("/more", b"", 0), Err(Errno::Nospc));
        assert_eq!(mkdir(&mut vfs, "more"), Err(Errno::Nospc));
        let (file, more) = (find(&vfs, "3").unwrap(), find(&vfs, "more").unwrap());
        assert_eq!(vfs.link(file.ino.unwrap(), &more, 0), Err(Errno::Nospc));
        vfs.unlink(&file, 0).unwrap();
        assert!(mkdir(&mut vfs, "more").is_ok());
    }

    #[test]
    fn an_open_file_keeps_its_bytes_until_it_is_closed() {
        let mut vfs = vfs();
        let found = find(&vfs, "a/b/file").unwrap();
        let ino = found.ino.unwrap();
        vfs.opened(ino);
        vfs.unlink(&found, 0).unwrap();
        assert_eq!(vfs.bytes(), 7);
        let mut buffer = [0; 7];
        assert_eq!(vfs.read(ino, 0, &mut buffer, 0), Ok(7));
        vfs.closed(ino);
        assert_eq!(vfs.bytes(), 0);
        assert_eq!(vfs.stat(ino), Err(Errno::Noent));
    }
}

mod rename {
    use super::*;

    #[test]
    fn a_directory_takes_its_content_along() {
        let mut vfs = vfs();
        rename(&mut vfs, "a", "z").unwrap();
        assert_eq!(vfs.path_of_found(&find(&vfs, "z/b/file").unwrap()), "/z/b/file");
        assert_eq!(vfs.path_of_found(&find(&vfs, "z/b/..").unwrap()), "/z");
    }

    #[test]
    fn a_replaced_file_gives_its_bytes_back() {
        let mut vfs = vfs();
        vfs.load("/other", &[0; 100], 0).unwrap();
        assert_eq!(rename(&mut vfs, "a/b/file", "other"), Ok(100));
        assert_eq!(vfs.bytes(), 7);
        assert_eq!(vfs.entries(), 3);
    }

    #[test]
    fn fails_where_a_path_below_would_become_too_long() {
        let mut vfs = Vfs::new(Quota { bytes: 1 << 20, entries: 1000 }, 0);
        // Two towers whose paths together are longer than a path may be.
        for tower in ["x", "y"] {
            let path = vec!["d".repeat(200); 11].join("/");
            vfs.load(&format!("/{tower}/{path}"), b"", 0).unwrap();
        }
        let top = vec!["d".repeat(200); 10].join("/");
        assert_eq!(rename(&mut vfs, "x", &format!("y/{top}/x")), Err(Errno::Nametoolong));
        assert_eq!(rename(&mut vfs, "x", &format!("y/{}/x", "d".repeat(200))), Ok(0));
        assert_eq!(rename(&mut vfs, &format!("y/{}/x", "d".repeat(200)), "z"), Ok(0), "back to a shorter path");
    }

    #[test]
    fn two_names_of_one_file_stay() {
        let mut vfs = vfs();
        let (file, other) = (find(&vfs, "a/b/file").unwrap(), find(&vfs, "other").unwrap());
        vfs.link(file.ino.unwrap(), &other, 0).unwrap();
        assert_eq!(rename(&mut vfs, "a/b/file", "other"), Ok(0));
        assert!(find(&vfs, "a/b/file").unwrap().ino.is_some());
    }

    #[test]
    fn fails_where_kinds_do_not_fit() {
        let mut vfs = vfs();
        mkdir(&mut vfs, "empty").unwrap();
        vfs.load("/plain", b"", 0).unwrap();
        assert_eq!(rename(&mut vfs, "a", "plain"), Err(Errno::Notdir));
        assert_eq!(rename(&mut vfs, "plain", "empty"), Err(Errno::Isdir));
        assert_eq!(rename(&mut vfs, "empty", "a"), Err(Errno::Notempty));
        assert_eq!(rename(&mut vfs, "plain", "new/"), Err(Errno::Notdir));
        assert_eq!(rename(&mut vfs, "a", "a/b/c"), Err(Errno::Inval));
        assert_eq!(rename(&mut vfs, "missing", "x"), Err(Errno::Noent));
        assert_eq!(rename(&mut vfs, ".", "x"), Err(Errno::Busy));
        assert_eq!(rename(&mut vfs, "a/b", "empty"), Ok(0));
        assert!(find(&vfs, "empty/file").unwrap().ino.is_some());
    }
}

mod remove {
    use super::*;

    #[test]
    fn fails_where_it_must() {
        let mut vfs = vfs();
        for (path, errno) in
            [("a", Errno::Notempty), (".", Errno::Busy), ("a/b/file", Errno::Notdir), ("a/b/.", Errno::Inval), ("x", Errno::Noent)]
        {
            let found = find(&vfs, path).unwrap();
            assert_eq!(vfs.remove_directory(&found, 0), Err(errno), "{path}");
        }
        for (path, errno) in [("a", Errno::Isdir), (".", Errno::Isdir), ("x", Errno::Noent)] {
            let found = find(&vfs, path).unwrap();
            assert_eq!(vfs.unlink(&found, 0), Err(errno), "{path}");
        }
    }

    #[test]
    fn nothing_can_be_put_into_a_removed_directory_that_is_still_open() {
        let mut vfs = vfs();
        let empty = mkdir(&mut vfs, "empty").unwrap();
        vfs.opened(empty);
        let found = find(&vfs, "empty").unwrap();
        vfs.remove_directory(&found, 0).unwrap();
        assert_eq!(vfs.resolve(empty, "x", true), Err(Errno::Noent));
        vfs.closed(empty);
    }
}

mod create {
    use super::*;

    #[test]
    fn fails_where_it_must() {
        let mut vfs = vfs();
        assert_eq!(mkdir(&mut vfs, "a"), Err(Errno::Exist));
        assert_eq!(mkdir(&mut vfs, "."), Err(Errno::Exist));
        assert_eq!(mkdir(&mut vfs, "x/y"), Err(Errno::Noent));
        let file = find(&vfs, "new/").unwrap();
        assert_eq!(vfs.create_file(&file, 0), Err(Errno::Isdir));
        assert_eq!(vfs.create_symlink(&file, "a", 0), Err(Errno::Noent));
        let directory = find(&vfs, "a").unwrap();
        assert_eq!(vfs.create_symlink(&directory, "a", 0), Err(Errno::Exist));
        let free = find(&vfs, "free").unwrap();
        assert_eq!(vfs.create_symlink(&free, "", 0), Err(Errno::Noent));
        assert_eq!(vfs.link(directory.ino.unwrap(), &free, 0), Err(Errno::Perm));
    }

    #[test]
    fn a_path_stays_short_enough_to_be_named() {
        let mut vfs = Vfs::new(Quota { bytes: 1 << 20, entries: 1000 }, 0);
        let (name, mut here) = ("d".repeat(255), Vfs::ROOT);
        let mut depth = 0;
        let refused = loop {
            let found = vfs.resolve(here, &name, true).unwrap();
            match vfs.create_directory(&found, 0) {
                Ok(next) => here = next,
                Err(errno) => break errno,
            }
            depth += 1;
        };
        assert_eq!((refused, depth), (Errno::Nametoolong, PATH_MAX / 256));
    }
}

#[test]
fn a_listing_goes_on_correctly_while_entries_come_and_go() {
    let mut vfs = Vfs::new(Quota { bytes: 1 << 20, entries: 100 }, 0);
    for name in ["c", "a", "b"] {
        vfs.load(name, b"", 0).unwrap();
    }
    let names = |vfs: &Vfs, place| {
        vfs.directory(Vfs::ROOT).unwrap().from_place(place).map(|(place, name, _)| (place, name.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(names(&vfs, 0), [(2, "c".into()), (3, "a".into()), (4, "b".into())]);
    let found = find(&vfs, "c").unwrap();
    vfs.unlink(&found, 0).unwrap();
    vfs.load("d", b"", 0).unwrap();
    assert_eq!(names(&vfs, 3), [(3, "a".into()), (4, "b".into()), (5, "d".into())]);
}
