mod common;
use common::Recorder;
use std::time::Instant;
#[test]
fn manual() {
    let path = std::env::var("MODULE").unwrap();
    let args: Vec<String> = std::env::var("ARGS").unwrap().split_whitespace().map(String::from).collect();
    let args: Vec<&str> = args.iter().map(|a| a.as_str()).collect();
    let module = std::fs::read(path).unwrap();
    let t = Instant::now();
    let rec = Recorder::default();
    let big: Vec<u8> = (0..8_000_000u32).map(|i| (i * 7 % 251) as u8).collect();
    let run = common::run_with(
        &module,
        &args,
        &[
            ("/input/words.txt", b"the quick brown fox\njumps over the lazy dog\n"),
            ("/input/sub/x.txt", b"hello fox\n"),
            ("/input/.hidden", b"fox\n"),
            ("/input/.gitignore", b"ignored.txt\n"),
            ("/input/big.bin", &big),
        ],
        &rec,
        200_000_000_000,
        1024,
    );
    println!("{:?} {:?} fuel {} {:?} in {:?}", run.ended, run.reason, run.fuel_used, run.counters, t.elapsed());
    println!("STDOUT\n{}", String::from_utf8_lossy(run.stdout.bytes()));
    println!("STDERR\n{}", String::from_utf8_lossy(run.stderr.bytes()));
    let ev = rec.take();
    for e in ev.iter().take(30) {
        println!("{:?} {} {}+{}", e.op, e.object, e.offset, e.bytes);
    }
}
