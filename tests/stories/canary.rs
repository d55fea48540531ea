//! Nothing that the host can see holds the customer's plaintext: not its disk, its logs, its network, nor the memory of the agent.

use anyhow::Result;
use blockcloud_tests::{customer::Customer, module, process::free_port, scene::Scene, wiretap::Wiretap};
use std::{
    fs,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

/// Stands in the input in plain, and so in what the program reads, prints and writes.
const CANARY: &str = "canary-7f1d9c52-the-quick-brown-fox";

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Every file below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

/// Every readable page of a process: what a core dump of it would hold.
fn memory(pid: u32) -> Result<Vec<u8>> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let mut memory = fs::File::open(format!("/proc/{pid}/mem"))?;
    let mut all = Vec::new();
    for line in maps.lines().filter(|line| line.split_whitespace().nth(1).is_some_and(|rights| rights.starts_with("rw"))) {
        let (range, _) = line.split_once(' ').unwrap_or((line, ""));
        let Some((start, end)) = range.split_once('-') else { continue };
        let (start, end) = (u64::from_str_radix(start, 16)?, u64::from_str_radix(end, 16)?);
        let mut page = vec![0; usize::try_from(end - start)?];
        // Some mappings (device memory, guards) cannot be read, by a core dump neither.
        if memory.seek(SeekFrom::Start(start)).is_ok() && memory.read_exact(&mut page).is_ok() {
            all.extend(page);
        }
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_in_the_input_is_nowhere_on_the_host() -> Result<()> {
    let port = free_port()?;
    let (customers, guests) = (Wiretap::to(port)?, Wiretap::to(port)?);
    let scene = Scene::behind(port, &customers.url(), &guests.url()).await?;
    let Scene { node, provider, customer, .. } = &scene;

    let input = scene.directory().join("secret.csv");
    let row = format!("2012-01-01,0.0,12.8,5.0,4.7,{CANARY}\n");
    fs::write(&input, format!("date,precipitation,temp_max,temp_min,wind,weather\n{}", row.repeat(2_000)))?;
    let spec = Customer::spec(&module("echo-file")?, &[&input], &["/input/secret.csv", "/output/copy.csv"])?;
    let job = customer.place(&spec)?;
    customer.release(job)?;
    assert!(customer.watch(job)?);

    // The program did handle the canary: it is in the output, once that is opened with the customer's key.
    let into = scene.directory().join("opened");
    customer.run(["job", "fetch", &job.to_string(), "--into", &into.display().to_string()])?;
    assert!(contains(&fs::read(into.join("output/copy.csv"))?, CANARY.as_bytes()));
    assert!(contains(&fs::read(into.join("stdout"))?, CANARY.as_bytes()));

    // It is nowhere else. Each place is shown to have been searched at all by something that must be there.
    let disk = files(provider.directory())?;
    assert!(disk.iter().any(|path| path.ends_with("agent.log")));
    for path in disk.iter().chain([&node.log()]) {
        assert!(!contains(&fs::read(path)?, CANARY.as_bytes()), "{}", path.display());
    }
    for (name, heard) in [("customers", customers.heard()), ("guests", guests.heard())] {
        assert!(contains(&heard, b"HTTP/1.1"), "the wire to {name} was heard");
        assert!(!contains(&heard, CANARY.as_bytes()), "the wire to {name}");
    }
    let core = memory(provider.agent_pid()?)?;
    assert!(contains(&core, b"blockcloud::agent"), "the agent's memory was read");
    assert!(!contains(&core, CANARY.as_bytes()), "the agent's memory");
    Ok(())
}
