//! Uses `std::fs`, time, randomness, arguments and environment as ordinary programs do, and prints what it saw.
//!
//! Knows nothing of where it runs. Not a benchmark.

use std::{
    collections::HashMap,
    env,
    error::Error,
    fs::{self, File, FileTimes, OpenOptions},
    io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write},
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime},
};

type Done = Result<(), Box<dyn Error>>;

type Step = (&'static str, fn() -> Done);

fn main() -> Done {
    let steps: [Step; 13] = [
        ("surroundings", surroundings),
        ("reading", reading),
        ("paths", paths),
        ("writing", writing),
        ("appending", appending),
        ("cutting", cutting),
        ("seeking", seeking),
        ("directories", directories),
        ("renaming", renaming),
        ("linking", linking),
        ("times", times),
        ("errors", errors),
        ("time", time),
    ];
    for (name, step) in steps {
        step().map_err(|error| format!("{name}: {error}"))?;
        println!("{name}: ok");
    }
    Ok(())
}

fn check(condition: bool, what: &str) -> Done {
    if condition { Ok(()) } else { Err(what.into()) }
}

fn surroundings() -> Done {
    println!("args {:?}", env::args().skip(1).collect::<Vec<_>>());
    println!("current directory {}", env::current_dir()?.display());
    check(env::var("TMPDIR")? == "/tmp", "TMPDIR")?;
    let mut input = String::new();
    check(io::stdin().read_to_string(&mut input)? == 0, "standard input is empty")?;
    // A map's hasher is seeded from the system's randomness.
    let map: HashMap<u32, u32> = (0..8).map(|number| (number, number)).collect();
    println!("random order {:?}", map.keys().collect::<Vec<_>>());
    Ok(())
}

fn reading() -> Done {
    let text = fs::read_to_string("/input/words.txt")?;
    println!("words {}", text.split_whitespace().count());
    check(fs::read("input/words.txt")? == text.as_bytes(), "relative and absolute paths agree")?;
    let lines = BufReader::new(File::open("/input/words.txt")?).lines().collect::<Result<Vec<_>, _>>()?;
    check(lines.len() == text.lines().count(), "lines")?;
    let metadata = fs::metadata("/input/words.txt")?;
    check(metadata.is_file() && metadata.len() == text.len() as u64, "metadata")
}

fn paths() -> Done {
    check(fs::canonicalize("/input/../input/./words.txt")? == Path::new("/input/words.txt"), "canonicalize")?;
    check(Path::new("/output/../input//words.txt").exists(), "dots and slashes")?;
    check(!Path::new("/input/words.txt/").exists(), "a file is no directory")?;
    check(!Path::new("/input/missing").exists(), "missing")
}

fn writing() -> Done {
    fs::write("/output/new.txt", "first\n")?;
    fs::write("/output/new.txt", "second\n")?;
    check(fs::read_to_string("/output/new.txt")? == "second\n", "replaced")?;
    let mut large = File::create("output/large.bin")?;
    let block: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for _ in 0..30 {
        large.write_all(&block)?;
    }
    large.sync_all()?;
    check(fs::metadata("/output/large.bin")?.len() == 3_000_000, "length")?;
    fs::copy("/output/new.txt", "/output/copy.txt")?;
    check(fs::read("/output/copy.txt")? == b"second\n", "copied")?;
    check(File::create_new("/output/copy.txt").is_err_and(|error| error.kind() == ErrorKind::AlreadyExists), "create_new")
}

fn appending() -> Done {
    let mut log = OpenOptions::new().append(true).create(true).open("/output/log.txt")?;
    writeln!(log, "one")?;
    log.seek(SeekFrom::Start(0))?;
    writeln!(log, "two")?;
    check(fs::read_to_string("/output/log.txt")? == "one\ntwo\n", "appended")
}

fn cutting() -> Done {
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open("/tmp/cut")?;
    file.write_all(b"0123456789")?;
    file.set_len(4)?;
    file.set_len(8)?;
    file.rewind()?;
    let mut all = Vec::new();
    file.read_to_end(&mut all)?;
    check(all == b"0123\0\0\0\0", "cut and extended")
}

fn seeking() -> Done {
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open("/tmp/seek")?;
    file.write_all(b"abcdef")?;
    check(file.seek(SeekFrom::End(-2))? == 4, "from the end")?;
    file.write_all(b"EF")?;
    check(file.seek(SeekFrom::Current(-4))? == 2, "from here")?;
    let mut two = [0; 2];
    file.read_exact(&mut two)?;
    check(&two == b"cd", "content")?;
    check(file.seek(SeekFrom::Current(-100)).is_err(), "before the beginning")?;
    check(file.stream_position()? == 4, "where it was")
}

fn directories() -> Done {
    fs::create_dir_all("/tmp/a/b/c")?;
    for number in 0..300 {
        fs::write(format!("/tmp/a/b/file-with-a-rather-long-name-{number:04}"), [number as u8])?;
    }
    let mut names = fs::read_dir("/tmp/a/b")?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    check(names.len() == 301, "every entry once")?;
    names.dedup();
    check(names.len() == 301, "no entry twice")?;
    for entry in fs::read_dir("/tmp/a/b")? {
        let entry = entry?;
        check(entry.file_type()?.is_dir() == entry.metadata()?.is_dir(), "types agree")?;
    }
    check(fs::remove_dir("/tmp/a").is_err() && Path::new("/tmp/a/b").exists(), "not empty")?;
    fs::remove_dir_all("/tmp/a")?;
    check(!Path::new("/tmp/a").exists(), "removed")?;
    for directory in ["/", "/input", "/output"] {
        let mut names = fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
        names.sort();
        println!("{directory} holds {names:?}");
    }
    Ok(())
}

fn renaming() -> Done {
    fs::write("/tmp/from", "content")?;
    fs::write("/tmp/to", "old")?;
    fs::rename("/tmp/from", "/tmp/to")?;
    check(fs::read_to_string("/tmp/to")? == "content" && !Path::new("/tmp/from").exists(), "replaced")?;
    fs::create_dir_all("/tmp/tree/inner")?;
    fs::write("/tmp/tree/inner/leaf", "leaf")?;
    fs::rename("/tmp/tree", "/output/tree")?;
    check(fs::read_to_string("/output/tree/inner/leaf")? == "leaf", "a tree moved")?;
    check(fs::rename("/output/tree", "/output/tree/inner/self").is_err(), "not into itself")
}

fn linking() -> Done {
    fs::hard_link("/tmp/to", "/tmp/also")?;
    fs::write("/tmp/also", "shared")?;
    check(fs::read_to_string("/tmp/to")? == "shared", "hard link")?;
    fs::remove_file("/tmp/to")?;
    check(fs::read_to_string("/tmp/also")? == "shared", "the other name stays")?;
    // What stays open can be read after its last name is gone.
    let mut open = File::open("/tmp/also")?;
    fs::remove_file("/tmp/also")?;
    let mut text = String::new();
    open.read_to_string(&mut text)?;
    check(text == "shared", "deleted while open")
}

fn times() -> Done {
    let file = File::create("/tmp/times")?;
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
    file.set_times(FileTimes::new().set_modified(then))?;
    check(file.metadata()?.modified()? == then, "set")?;
    fs::write("/tmp/times", "x")?;
    check(file.metadata()?.modified()? > then, "changed by writing")
}

fn errors() -> Done {
    let kind = |result: io::Result<File>| result.err().map(|error| error.kind());
    check(kind(File::open("/missing")) == Some(ErrorKind::NotFound), "not found")?;
    check(kind(File::open("/missing/file")) == Some(ErrorKind::NotFound), "no directory on the way")?;
    check(kind(File::open("/input/words.txt/file")) == Some(ErrorKind::NotADirectory), "a file on the way")?;
    check(kind(File::create("/input")) == Some(ErrorKind::IsADirectory), "a directory is no file")?;
    check(File::open("/../../etc/passwd").is_err(), "nothing above the root")?;
    check(File::open("/tmp/seek")?.write(b"x").is_err(), "opened for reading")?;
    check(fs::create_dir("/tmp").is_err_and(|error| error.kind() == ErrorKind::AlreadyExists), "exists")?;
    check(fs::remove_file("/tmp").is_err(), "a directory is not unlinked")
}

fn time() -> Done {
    let (start, clock) = (SystemTime::now(), Instant::now());
    thread::sleep(Duration::from_secs(3600));
    check(clock.elapsed() >= Duration::from_secs(3600), "an hour has passed")?;
    println!("started {}", start.duration_since(SystemTime::UNIX_EPOCH)?.as_secs());
    Ok(())
}
