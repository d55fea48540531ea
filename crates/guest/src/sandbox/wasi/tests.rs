//! The functions by themselves: what they write and which number they answer with.

use super::{
    host::Outcome,
    paths::{Opening, Text},
    *,
};
use crate::sandbox::{
    Event, Observer, Sandbox, VirtualClock,
    rights::Rights,
    stream::Stream,
    vfs::{Quota, Vfs},
};
use blockcloud_primitives::Op;
use std::sync::{Arc, Mutex};
use zeroize::Zeroizing;

const RESULT: u32 = 60_000;

/// Operation, object, offset, bytes.
type Seen = (Op, String, u64, u64);

#[derive(Clone, Default)]
struct Ops(Arc<Mutex<Vec<Seen>>>);

impl Observer for Ops {
    fn key(&self) -> &[u8; 32] {
        &[0; 32]
    }

    fn observe(&mut self, event: Event<'_>) -> Result<(), Stopped> {
        self.0.lock().unwrap().push((event.op, event.object.into(), event.offset, event.bytes));
        Ok(())
    }
}

/// A host and a memory to call functions on.
struct Bench {
    host: Host,
    bytes: Vec<u8>,
    ops: Ops,
}

impl Bench {
    fn new() -> Self {
        let mut files = Sandbox::files(Quota { bytes: 40_000, entries: 100 }).unwrap();
        files.load("/input/file", b"0123456789", 0).unwrap();
        let ops = Ops::default();
        let (args, environment) = (vec!["program".into(), "x".into()], vec![Zeroizing::new("A=b".into())]);
        let host = Host::new(files, args, environment, &[0; 32], Stream::new(100), Stream::new(100), Box::new(ops.clone()));
        Self { host, bytes: vec![0; 1 << 16], ops }
    }

    fn call(&mut self, function: impl FnOnce(&mut Host, &mut Memory) -> Outcome) -> Result<(), Errno> {
        match function(&mut self.host, &mut Memory(&mut self.bytes)) {
            Ok(()) => Ok(()),
            Err(Halt::Errno(errno)) => Err(errno),
            Err(halt) => panic!("{halt:?}"),
        }
    }

    fn text(&mut self, address: u32, text: &str) -> Text {
        Memory(&mut self.bytes).write(address, text.as_bytes()).unwrap();
        Text { address, length: text.len() as u32 }
    }

    fn open(&mut self, path: &str, oflags: u32, rights: Rights) -> Result<u32, Errno> {
        self.open_with(3, path, Opening { lookup: 1, oflags, rights: rights.0, flags: 0 })
    }

    fn open_with(&mut self, fd: u32, path: &str, opening: Opening) -> Result<u32, Errno> {
        let path = self.text(1000, path);
        self.call(|host, memory| host.path_open(memory, fd, path, opening, RESULT))?;
        Ok(self.result())
    }

    fn result(&mut self) -> u32 {
        Memory(&mut self.bytes).read_u32(RESULT).unwrap()
    }

    fn result64(&mut self) -> u64 {
        Memory(&mut self.bytes).read_u64(RESULT).unwrap()
    }

    /// One buffer of this length at 5000.
    fn buffer(&mut self, length: u32) {
        let mut memory = Memory(&mut self.bytes);
        memory.write_u32(4000, 5000).unwrap();
        memory.write_u32(4004, length).unwrap();
    }

    fn read(&mut self, fd: u32, length: u32) -> Result<Vec<u8>, Errno> {
        self.buffer(length);
        self.call(|host, memory| host.fd_read(memory, fd, 4000, 1, RESULT))?;
        let count = self.result();
        Ok(Memory(&mut self.bytes).bytes(5000, count).unwrap().to_vec())
    }

    fn write(&mut self, fd: u32, data: &[u8]) -> Result<u32, Errno> {
        self.buffer(data.len() as u32);
        Memory(&mut self.bytes).write(5000, data).unwrap();
        self.call(|host, memory| host.fd_write(memory, fd, 4000, 1, RESULT))?;
        Ok(self.result())
    }

    fn seek(&mut self, fd: u32, delta: i64, whence: u32) -> Result<u64, Errno> {
        self.call(|host, memory| host.fd_seek(memory, fd, delta, whence, RESULT))?;
        Ok(self.result64())
    }

    fn ops(&mut self) -> Vec<(Op, String, u64, u64)> {
        std::mem::take(&mut *self.ops.0.lock().unwrap())
    }
}

const READ: Rights = Rights::FD_READ;
const WRITE: Rights = Rights::FD_WRITE;
const CREAT: u32 = abi::oflags::CREAT;
const DIRECTORY: u32 = abi::oflags::DIRECTORY;
const EXCL: u32 = abi::oflags::EXCL;
const TRUNC: u32 = abi::oflags::TRUNC;

mod path_open {
    use super::*;

    #[test]
    fn opens_what_is_there() {
        let mut bench = Bench::new();
        assert_eq!(bench.open("input/file", 0, READ), Ok(4));
        assert_eq!(bench.open("input", DIRECTORY, READ), Ok(5));
        assert_eq!(bench.open("input", 0, READ), Ok(6));
        assert_eq!(bench.read(4, 100), Ok(b"0123456789".to_vec()));
        assert_eq!(bench.read(4, 100), Ok(vec![]));
        assert_eq!(bench.open_with(5, "file", Opening { lookup: 0, oflags: 0, rights: READ.0, flags: 0 }), Ok(7));
        bench.call(|host, memory| host.fd_close(memory, 5)).unwrap();
        assert_eq!(bench.open("input", DIRECTORY, READ), Ok(5), "the lowest free number");
    }

    #[test]
    fn fails_where_it_must() {
        let mut bench = Bench::new();
        let new = Rights(READ.0 | WRITE.0);
        assert_eq!(bench.open("missing", 0, READ), Err(Errno::Noent));
        assert_eq!(bench.open("input/file", DIRECTORY, READ), Err(Errno::Notdir));
        assert_eq!(bench.open("input/file", CREAT | EXCL, new), Err(Errno::Exist));
        assert_eq!(bench.open("new", CREAT | DIRECTORY, new), Err(Errno::Inval));
        assert_eq!(bench.open("new/", CREAT, new), Err(Errno::Isdir));
        assert_eq!(bench.open("input", 0, WRITE), Err(Errno::Isdir));
        assert_eq!(bench.open("input", CREAT, READ), Err(Errno::Isdir));
        assert_eq!(bench.open("../x", CREAT, new), Err(Errno::Perm));
        assert_eq!(bench.open("/input/file", 0, READ), Err(Errno::Perm));
        assert_eq!(bench.open("", 0, READ), Err(Errno::Noent));
        let opening = Opening { lookup: 0, oflags: 0, rights: READ.0, flags: 0 };
        assert_eq!(bench.open_with(99, "x", opening), Err(Errno::Badf));
        assert_eq!(bench.open_with(1, "x", opening), Err(Errno::Notdir));
        assert_eq!(bench.open_with(3, "input/file", Opening { flags: 1 << 9, ..opening }), Err(Errno::Inval));
        let not_text = Text { address: 1000, length: 1 };
        bench.bytes[1000] = 0xff;
        assert_eq!(bench.call(|host, memory| host.path_open(memory, 3, not_text, opening, RESULT)), Err(Errno::Ilseq));
        let outside = Text { address: u32::MAX, length: 2 };
        assert_eq!(bench.call(|host, memory| host.path_open(memory, 3, outside, opening, RESULT)), Err(Errno::Fault));
    }

    #[test]
    fn a_link_in_the_last_place_is_followed_only_if_asked() {
        let mut bench = Bench::new();
        let (target, path) = (bench.text(1000, "input/file"), bench.text(2000, "link"));
        bench.call(|host, memory| host.path_symlink(memory, target, 3, path)).unwrap();
        let opening = Opening { lookup: 0, oflags: 0, rights: READ.0, flags: 0 };
        assert_eq!(bench.open_with(3, "link", opening), Err(Errno::Loop));
        assert!(bench.open_with(3, "link", Opening { lookup: 1, ..opening }).is_ok());
        assert_eq!(bench.open_with(3, "link", Opening { lookup: 1, oflags: CREAT | EXCL, ..opening }), Err(Errno::Exist));
    }

    #[test]
    fn cuts_only_if_asked() {
        let mut bench = Bench::new();
        let fd = bench.open("input/file", 0, Rights(READ.0 | WRITE.0)).unwrap();
        assert_eq!(bench.seek(fd, 0, 2), Ok(10));
        bench.open("input/file", TRUNC, WRITE).unwrap();
        assert_eq!(bench.seek(fd, 0, 2), Ok(0));
        assert!(bench.ops().contains(&(Op::Write, "/input/file".into(), 0, 0)));
    }

    #[test]
    fn fails_without_room_for_descriptors() {
        let mut bench = Bench::new();
        let refused = (0..5000).find_map(|_| bench.open("input/file", 0, READ).err());
        assert_eq!(refused, Some(Errno::Mfile));
    }
}

mod rights {
    use super::*;

    #[test]
    fn reading_and_writing_need_theirs() {
        let mut bench = Bench::new();
        let reader = bench.open("input/file", 0, READ).unwrap();
        assert_eq!(bench.write(reader, b"x"), Err(Errno::Notcapable));
        assert_eq!(bench.call(|host, memory| host.fd_filestat_set_size(memory, reader, 0)), Err(Errno::Notcapable));
        assert_eq!(bench.call(|host, memory| host.fd_allocate(memory, reader, 0, 1)), Err(Errno::Notcapable));
        let writer = bench.open("input/file", 0, WRITE).unwrap();
        assert_eq!(bench.read(writer, 1), Err(Errno::Notcapable));
        assert_eq!(bench.write(writer, b"x"), Ok(1));
        assert_eq!(bench.call(|host, memory| host.fd_filestat_set_size(memory, writer, 3)), Ok(()));
        assert_eq!(bench.write(0, b"x"), Err(Errno::Notcapable));
        assert_eq!(bench.read(1, 1), Err(Errno::Notcapable));
    }

    #[test]
    fn can_be_given_up_but_not_taken() {
        let mut bench = Bench::new();
        let fd = bench.open("input/file", 0, READ).unwrap();
        bench.call(|host, memory| host.fd_fdstat_set_rights(memory, fd, READ.0, 0)).unwrap();
        assert_eq!(bench.seek(fd, 1, 0), Err(Errno::Notcapable));
        assert_eq!(bench.read(fd, 1), Ok(b"0".to_vec()));
        assert_eq!(bench.call(|host, memory| host.fd_fdstat_set_rights(memory, fd, Rights::FILE.0, 0)), Err(Errno::Notcapable));
    }

    #[test]
    fn what_a_directory_gave_up_its_files_do_not_get() {
        let mut bench = Bench::new();
        let directory = Rights::DIRECTORY.0;
        bench.call(|host, memory| host.fd_fdstat_set_rights(memory, 3, directory, Rights::ALL.0 & !WRITE.0)).unwrap();
        assert_eq!(bench.open("input/file", 0, WRITE), Err(Errno::Notcapable));
        assert_eq!(bench.open("new", CREAT, WRITE), Err(Errno::Notcapable));
        assert_eq!(bench.open("new", 0, READ), Err(Errno::Noent), "nothing was created");
        assert!(bench.open("input/file", 0, READ).is_ok());
        bench.call(|host, memory| host.fd_fdstat_set_rights(memory, 3, Rights::FD_READDIR.0, 0)).unwrap();
        assert_eq!(bench.open("input/file", 0, READ), Err(Errno::Notcapable));
    }
}

mod descriptors {
    use super::*;

    #[test]
    fn the_wrong_kind_is_told() {
        let mut bench = Bench::new();
        assert_eq!(bench.read(3, 1), Err(Errno::Isdir));
        assert_eq!(bench.write(3, b"x"), Err(Errno::Badf));
        assert_eq!(bench.seek(3, 0, 0), Err(Errno::Badf));
        assert_eq!(bench.seek(1, 0, 0), Err(Errno::Spipe));
        assert_eq!(bench.call(|host, memory| host.fd_tell(memory, 0, RESULT)), Err(Errno::Spipe));
        assert_eq!(bench.call(|host, memory| host.fd_advise(memory, 3, 0, 0, 0)), Err(Errno::Badf));
        assert_eq!(bench.call(|host, memory| host.fd_readdir(memory, 0, 0, 0, 0, RESULT)), Err(Errno::Notdir));
        assert_eq!(bench.call(|host, memory| host.fd_prestat_get(memory, 0, RESULT)), Err(Errno::Badf));
        assert_eq!(bench.call(|host, _| host.no_socket(3)), Err(Errno::Notsock));
        assert_eq!(bench.call(|host, _| host.no_socket(9)), Err(Errno::Badf));
        assert_eq!(bench.call(|host, memory| host.proc_raise(memory, 1)), Err(Errno::Notsup));
    }

    #[test]
    fn one_that_is_closed_is_bad() {
        let mut bench = Bench::new();
        let fd = bench.open("input/file", 0, READ).unwrap();
        bench.call(|host, memory| host.fd_close(memory, fd)).unwrap();
        assert_eq!(bench.read(fd, 1), Err(Errno::Badf));
        assert_eq!(bench.call(|host, memory| host.fd_close(memory, fd)), Err(Errno::Badf));
        assert_eq!(bench.call(|host, memory| host.fd_renumber(memory, fd, 3)), Err(Errno::Badf));
        assert_eq!(bench.call(|host, memory| host.fd_renumber(memory, 3, fd)), Err(Errno::Badf));
    }

    #[test]
    fn renumbering_closes_what_was_there() {
        let mut bench = Bench::new();
        let (first, second) = (bench.open("input/file", 0, READ).unwrap(), bench.open("input/file", 0, READ).unwrap());
        bench.read(first, 3).unwrap();
        bench.call(|host, memory| host.fd_renumber(memory, first, second)).unwrap();
        assert_eq!(bench.read(second, 3), Ok(b"345".to_vec()));
        assert_eq!(bench.read(first, 3), Err(Errno::Badf));
    }

    #[test]
    fn the_preopened_directory_is_the_root() {
        let mut bench = Bench::new();
        bench.call(|host, memory| host.fd_prestat_get(memory, 3, RESULT)).unwrap();
        assert_eq!(bench.result64(), 1 << 32);
        assert_eq!(bench.call(|host, memory| host.fd_prestat_dir_name(memory, 3, 0, 0)), Err(Errno::Nametoolong));
        bench.call(|host, memory| host.fd_prestat_dir_name(memory, 3, 100, 1)).unwrap();
        assert_eq!(bench.bytes[100], b'/');
        assert_eq!(bench.call(|host, memory| host.fd_prestat_get(memory, 4, RESULT)), Err(Errno::Badf));
    }

    #[test]
    fn seeking_follows_posix() {
        let mut bench = Bench::new();
        let fd = bench.open("input/file", 0, READ).unwrap();
        assert_eq!(bench.seek(fd, 4, 0), Ok(4));
        assert_eq!(bench.seek(fd, 2, 1), Ok(6));
        assert_eq!(bench.seek(fd, -1, 2), Ok(9));
        assert_eq!(bench.seek(fd, 100, 2), Ok(110));
        assert_eq!(bench.read(fd, 1), Ok(vec![]));
        assert_eq!(bench.seek(fd, -1, 0), Err(Errno::Inval));
        assert_eq!(bench.seek(fd, i64::MIN, 1), Err(Errno::Inval));
        assert_eq!(bench.seek(fd, i64::MAX, 1), Err(Errno::Inval));
        assert_eq!(bench.seek(fd, 0, 3), Err(Errno::Inval));
        assert_eq!(bench.seek(fd, 0, 1), Ok(110));
    }

    #[test]
    fn appending_goes_to_the_end_wherever_the_offset_is() {
        let mut bench = Bench::new();
        let opening = Opening { lookup: 0, oflags: 0, rights: WRITE.0, flags: 1 };
        let fd = bench.open_with(3, "input/file", opening).unwrap();
        assert_eq!(bench.write(fd, b"ab"), Ok(2));
        bench.seek(fd, 0, 0).unwrap();
        assert_eq!(bench.write(fd, b"cd"), Ok(2));
        let reader = bench.open("input/file", 0, READ).unwrap();
        assert_eq!(bench.read(reader, 100), Ok(b"0123456789abcd".to_vec()));
    }

    #[test]
    fn flags_are_kept_and_checked() {
        let mut bench = Bench::new();
        bench.call(|host, memory| host.fd_fdstat_set_flags(memory, 1, 4)).unwrap();
        bench.call(|host, memory| host.fd_fdstat_get(memory, 1, RESULT)).unwrap();
        assert_eq!(bench.result64(), 4 << 16);
        assert_eq!(bench.call(|host, memory| host.fd_fdstat_set_flags(memory, 1, 32)), Err(Errno::Inval));
    }

    #[test]
    fn allocating_never_cuts() {
        let mut bench = Bench::new();
        let fd = bench.open("input/file", 0, WRITE).unwrap();
        bench.call(|host, memory| host.fd_allocate(memory, fd, 0, 5)).unwrap();
        assert_eq!(bench.seek(fd, 0, 2), Ok(10));
        bench.call(|host, memory| host.fd_allocate(memory, fd, 10, 5)).unwrap();
        assert_eq!(bench.seek(fd, 0, 2), Ok(15));
        assert_eq!(bench.call(|host, memory| host.fd_allocate(memory, fd, 0, 0)), Err(Errno::Inval));
        assert_eq!(bench.call(|host, memory| host.fd_allocate(memory, fd, u64::MAX, 1)), Err(Errno::Fbig));
        assert_eq!(bench.call(|host, memory| host.fd_allocate(memory, fd, 0, 1 << 20)), Err(Errno::Nospc));
    }
}

mod fd_readdir {
    use super::*;

    fn list(bench: &mut Bench, length: u32, cookie: u64) -> u32 {
        bench.call(|host, memory| host.fd_readdir(memory, 3, 5000, length, cookie, RESULT)).unwrap();
        bench.result()
    }

    #[test]
    fn lists_dots_and_entries_once() {
        let mut bench = Bench::new();
        let used = list(&mut bench, 1000, 0);
        let (mut at, mut names) = (5000, Vec::new());
        while at < 5000 + used {
            let memory = Memory(&mut bench.bytes);
            let length = memory.read_u32(at + 16).unwrap();
            names.push(String::from_utf8(memory.bytes(at + 24, length).unwrap().to_vec()).unwrap());
            at += 24 + length;
        }
        assert_eq!(names, [".", "..", "input", "output", "tmp"]);
    }

    #[test]
    fn goes_on_behind_a_cookie_and_cuts_what_does_not_fit() {
        let mut bench = Bench::new();
        assert_eq!(list(&mut bench, 30, 0), 30);
        let used = list(&mut bench, 1000, 3);
        assert_eq!(used, 24 + 6 + 24 + 3);
        assert_eq!(Memory(&mut bench.bytes).bytes(5024, 6).unwrap(), b"output");
        assert_eq!(list(&mut bench, 1000, 5), 0);
        assert_eq!(list(&mut bench, 1000, u64::MAX), 0);
    }
}

mod events {
    use super::*;

    #[test]
    fn adjacent_reads_are_joined_until_something_else_happens() {
        let mut bench = Bench::new();
        let fd = bench.open("input/file", 0, Rights(READ.0 | WRITE.0)).unwrap();
        bench.ops();
        for _ in 0..3 {
            bench.read(fd, 2).unwrap();
        }
        assert_eq!(bench.ops(), []);
        bench.seek(fd, 1, 0).unwrap();
        bench.read(fd, 2).unwrap();
        assert_eq!(bench.ops(), [(Op::Read, "/input/file".into(), 0, 6)]);
        bench.write(fd, b"xy").unwrap();
        assert_eq!(bench.ops(), [(Op::Read, "/input/file".into(), 1, 2)]);
        bench.call(|host, memory| host.fd_close(memory, fd)).unwrap();
        assert_eq!(bench.ops(), [(Op::Write, "/input/file".into(), 3, 2)]);
    }

    #[test]
    fn what_was_written_is_reported_before_it_is_read_elsewhere() {
        let mut bench = Bench::new();
        let (writer, reader) = (bench.open("input/file", 0, WRITE).unwrap(), bench.open("input/file", 0, READ).unwrap());
        bench.ops();
        bench.write(writer, b"xy").unwrap();
        bench.read(reader, 1).unwrap();
        assert_eq!(bench.ops(), [(Op::Write, "/input/file".into(), 0, 2)]);
        bench.host.flush().unwrap();
        assert_eq!(bench.ops(), [(Op::Read, "/input/file".into(), 0, 1)]);
    }

    #[test]
    fn deleting_reports_what_came_before_and_how_much_went() {
        let mut bench = Bench::new();
        let fd = bench.open("input/file", 0, READ).unwrap();
        bench.read(fd, 4).unwrap();
        bench.ops();
        let path = bench.text(1000, "input/file");
        bench.call(|host, memory| host.path_unlink_file(memory, 3, path)).unwrap();
        assert_eq!(bench.ops(), [(Op::Read, "/input/file".into(), 0, 4), (Op::Erase, "/input/file".into(), 0, 10)]);
    }

    #[test]
    fn printing_counts_as_writing() {
        let mut bench = Bench::new();
        bench.write(1, b"hello ").unwrap();
        bench.write(1, b"world").unwrap();
        bench.host.flush().unwrap();
        assert_eq!(bench.ops(), [(Op::Write, "stdout".into(), 0, 11)]);
    }

    #[test]
    fn nothing_read_is_nothing_reported() {
        let mut bench = Bench::new();
        let fd = bench.open("input/file", 0, READ).unwrap();
        bench.seek(fd, 0, 2).unwrap();
        bench.ops();
        bench.read(fd, 10).unwrap();
        bench.host.flush().unwrap();
        assert_eq!(bench.ops(), []);
    }
}

mod poll_oneoff {
    use super::*;

    fn subscribe(bench: &mut Bench, place: u32, kind: u8, id: u32, timeout: u64, absolute: bool) {
        let mut memory = Memory(&mut bench.bytes);
        let at = 1000 + place * 48;
        memory.write_u64(at, u64::from(place)).unwrap();
        memory.write(at + 8, &[kind]).unwrap();
        memory.write_u32(at + 16, id).unwrap();
        memory.write_u64(at + 24, timeout).unwrap();
        memory.write(at + 40, &u16::from(absolute).to_le_bytes()).unwrap();
    }

    fn poll(bench: &mut Bench, count: u32) -> Result<Vec<(u64, u16)>, Errno> {
        bench.call(|host, memory| host.poll_oneoff(memory, 1000, 8000, count, RESULT))?;
        let happened = bench.result();
        let memory = Memory(&mut bench.bytes);
        Ok((0..happened).map(|place| (memory.read_u64(8000 + place * 32).unwrap(), memory.read_u16(8008 + place * 32).unwrap())).collect())
    }

    #[test]
    fn waiting_moves_the_clock_to_the_first_moment() {
        let mut bench = Bench::new();
        subscribe(&mut bench, 0, 0, 1, 5_000, false);
        subscribe(&mut bench, 1, 0, 0, VirtualClock::EPOCH + 3_000, true);
        assert_eq!(poll(&mut bench, 2), Ok(vec![(1, 0)]));
        assert_eq!(bench.host.clock.elapsed(), 3_000);
    }

    #[test]
    fn a_wait_from_now_on_ends() {
        let mut bench = Bench::new();
        bench.host.clock.wait(7);
        subscribe(&mut bench, 0, 0, 1, 5_000, false);
        subscribe(&mut bench, 1, 0, 1, 6_000, false);
        assert_eq!(poll(&mut bench, 2), Ok(vec![(0, 0)]));
        assert_eq!(bench.host.clock.elapsed(), 5_007);
    }

    #[test]
    fn descriptors_are_ready_at_once() {
        let mut bench = Bench::new();
        subscribe(&mut bench, 0, 0, 1, 5_000, false);
        subscribe(&mut bench, 1, 2, 1, 0, false);
        subscribe(&mut bench, 2, 1, 77, 0, false);
        assert_eq!(poll(&mut bench, 3), Ok(vec![(1, 0), (2, 8)]));
        assert_eq!(bench.host.clock.elapsed(), 0);
    }

    #[test]
    fn fails_for_nothing_and_for_nonsense() {
        let mut bench = Bench::new();
        assert_eq!(poll(&mut bench, 0), Err(Errno::Inval));
        assert_eq!(poll(&mut bench, u32::MAX), Err(Errno::Inval));
        assert_eq!(poll(&mut bench, 10_000), Err(Errno::Fault));
        subscribe(&mut bench, 0, 9, 0, 0, false);
        assert_eq!(poll(&mut bench, 1), Err(Errno::Inval));
        subscribe(&mut bench, 0, 0, 9, 0, false);
        assert_eq!(poll(&mut bench, 1), Ok(vec![(0, 28)]), "an unknown clock fails its own subscription");
    }
}

mod paths {
    use super::*;

    #[test]
    fn times_are_set_as_asked() {
        let mut bench = Bench::new();
        let path = bench.text(1000, "input/file");
        let at = VirtualClock::EPOCH + 5_000_000;
        bench.call(|host, memory| host.path_filestat_set_times(memory, 3, 0, path, at, at, abi::fstflags::MTIM)).unwrap();
        bench.call(|host, memory| host.path_filestat_get(memory, 3, 0, path, RESULT)).unwrap();
        let memory = Memory(&mut bench.bytes);
        assert_eq!((memory.read_u64(RESULT + 32), memory.read_u64(RESULT + 48)), (Ok(10), Ok(at)));
        let both = abi::fstflags::ATIM | abi::fstflags::ATIM_NOW;
        assert_eq!(bench.call(|host, memory| host.path_filestat_set_times(memory, 3, 0, path, 0, 0, both)), Err(Errno::Inval));
    }

    #[test]
    fn links_are_read_as_far_as_the_buffer_goes() {
        let mut bench = Bench::new();
        let (target, path) = (bench.text(1000, "/input/file"), bench.text(2000, "tmp/link"));
        bench.call(|host, memory| host.path_symlink(memory, target, 3, path)).unwrap();
        bench.call(|host, memory| host.path_readlink(memory, 3, path, 3000, 6, RESULT)).unwrap();
        assert_eq!((bench.result(), &bench.bytes[3000..3007]), (6, &b"/input\0"[..]));
        let file = bench.text(1000, "input/file");
        assert_eq!(bench.call(|host, memory| host.path_readlink(memory, 3, file, 3000, 6, RESULT)), Err(Errno::Inval));
    }

    #[test]
    fn a_link_to_a_link_is_a_choice() {
        let mut bench = Bench::new();
        let (target, path) = (bench.text(1000, "input/file"), bench.text(2000, "link"));
        bench.call(|host, memory| host.path_symlink(memory, target, 3, path)).unwrap();
        let new = bench.text(3000, "hard");
        bench.call(|host, memory| host.path_link(memory, 3, 1, path, 3, new)).unwrap();
        bench.call(|host, memory| host.path_filestat_get(memory, 3, 0, new, RESULT)).unwrap();
        assert_eq!(Memory(&mut bench.bytes).read_u64(RESULT + 24), Ok(2), "the file has two names");
        assert_eq!(bench.call(|host, memory| host.path_link(memory, 3, 0, path, 3, new)), Err(Errno::Exist));
    }
}

#[test]
fn arguments_and_environment_are_laid_out_as_the_sizes_say() {
    let mut bench = Bench::new();
    bench.call(|host, memory| host.args_sizes_get(memory, RESULT, RESULT + 4)).unwrap();
    assert_eq!(bench.result64(), 2 | 10 << 32);
    bench.call(|host, memory| host.args_get(memory, 100, 200)).unwrap();
    assert_eq!(&bench.bytes[200..210], b"program\0x\0");
    assert_eq!(Memory(&mut bench.bytes).read_u32(104), Ok(208));
    bench.call(|host, memory| host.environ_get(memory, 100, 300)).unwrap();
    assert_eq!(&bench.bytes[300..304], b"A=b\0");
    assert_eq!(bench.call(|host, memory| host.args_get(memory, 65_535, 200)), Err(Errno::Fault));
}

#[test]
fn randomness_follows_the_seed() {
    let mut bytes = [(); 2].map(|()| {
        let mut bench = Bench::new();
        bench.call(|host, memory| host.random_get(memory, 0, 100)).unwrap();
        bench.bytes[..100].to_vec()
    });
    assert_eq!(bytes[0], bytes[1]);
    bytes[0].sort();
    bytes[0].dedup();
    assert!(bytes[0].len() > 50);
}

#[test]
fn clocks_start_at_a_fixed_moment_and_move_with_every_reading() {
    let mut bench = Bench::new();
    bench.call(|host, memory| host.clock_time_get(memory, 0, 0, RESULT)).unwrap();
    assert_eq!(bench.result64(), VirtualClock::EPOCH);
    bench.call(|host, memory| host.clock_time_get(memory, 1, 0, RESULT)).unwrap();
    assert_eq!(bench.result64(), VirtualClock::STEP);
    assert_eq!(bench.call(|host, memory| host.clock_time_get(memory, 4, 0, RESULT)), Err(Errno::Inval));
    assert_eq!(bench.call(|host, memory| host.clock_res_get(memory, 4, RESULT)), Err(Errno::Inval));
}

#[test]
fn a_stopped_observer_ends_the_program() {
    struct Refuses;
    impl Observer for Refuses {
        fn key(&self) -> &[u8; 32] {
            &[0; 32]
        }
        fn observe(&mut self, _: Event<'_>) -> Result<(), Stopped> {
            Err(Stopped)
        }
    }
    let files = Vfs::new(Quota { bytes: 0, entries: 0 }, 0);
    let mut host = Host::new(files, vec![], vec![], &[0; 32], Stream::new(0), Stream::new(0), Box::new(Refuses));
    let mut bytes = [0; 100];
    assert!(matches!(host.fd_filestat_get(&mut Memory(&mut bytes), 3, 0), Err(Halt::Stopped)));
}
