//! Several validators: one is killed, blocks and finality go on, it returns and catches up; a council of companies replaces the runtime under way.

use anyhow::{Context as _, Result};
use blockcloud_client::{At, Chain, Heads, Signer, calls};
use blockcloud_primitives::Digest;
use blockcloud_tests::node::{COMPANIES, Node};
use codec::{Decode as _, Encode as _};
use std::time::Duration;
use tokio::time::timeout;

/// Longest time for some blocks to become final.
const PATIENCE: Duration = Duration::from_secs(90);

/// Follows finality until it has come at least to `number`.
async fn finalised(heads: &mut Heads, number: u32) -> Result<u32> {
    timeout(PATIENCE, async {
        loop {
            let head = heads.next().await?;
            if head.number >= number {
                return Ok(head.number);
            }
        }
    })
    .await
    .context("finality stands still")?
}

#[tokio::test(flavor = "multi_thread")]
async fn three_of_four_go_on_and_the_fourth_catches_up() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let mut nodes = Node::local4(directory.path())?;
    let chain = Chain::connect(&nodes[0].url()).await?;
    let mut heads = chain.finalised_heads().await?;
    let before = finalised(&mut heads, 3).await?;

    nodes[3].kill()?;
    let without = finalised(&mut heads, before + 8).await?;

    nodes[3].restart()?;
    let returned = Chain::connect(&nodes[3].url()).await?;
    let mut its_heads = returned.finalised_heads().await?;
    let caught_up = finalised(&mut its_heads, without).await?;
    assert_eq!(
        returned.block_hash(without).await?,
        chain.block_hash(without).await?,
        "the returned validator is on the others' chain at {caught_up}"
    );
    finalised(&mut heads, without + 3).await?;
    Ok(())
}

/// The same runtime as the next version: the version that a node reads from the Wasm's section `runtime_version` is one higher.
fn next_version(code: &[u8]) -> Result<Vec<u8>> {
    const SECTION: &[u8] = b"\x0fruntime_version";
    let mut code = code.to_vec();
    let start = code.windows(SECTION.len()).position(|window| window == SECTION).context("the section")? + SECTION.len();
    let section = code.get_mut(start..).context("the section's contents")?;
    // SCALE: the names of specification and implementation, the authoring version, then the specification's version.
    let mut rest = &section[..];
    let names = (<Vec<u8>>::decode(&mut rest)?, <Vec<u8>>::decode(&mut rest)?, u32::decode(&mut rest)?).encoded_size();
    let version = section.get_mut(names..names + 4).context("the version")?;
    let next = u32::from_le_bytes(version.try_into()?) + 1;
    version.copy_from_slice(&next.to_le_bytes());
    Ok(code)
}

#[tokio::test(flavor = "multi_thread")]
async fn three_of_four_companies_upgrade_the_running_chain() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let nodes = Node::consortium(directory.path())?;
    let chain = Chain::connect(&nodes[0].url()).await?;
    let mut heads = chain.finalised_heads().await?;
    finalised(&mut heads, 2).await?;
    let companies = COMPANIES.map(|name| format!("//consortium//{name}").parse::<Signer>());
    let [aurora, borealis, cascade, _delta] = companies;
    let (aurora, borealis, cascade) = (aurora?, borealis?, cascade?);
    let version = async || anyhow::Ok(chain.request::<serde_json::Value>("state_getRuntimeVersion", &[]).await?["specVersion"].as_u64());
    let before = version().await?.context("a version")?;

    let code = chain.storage(b":code", At::Finalised).await?.context("the runtime")?;
    let next = next_version(&code)?;
    let motion = calls::council::propose(3, calls::consortium::enact(calls::system::set_code(&next)));
    let proposed = chain.submit_and_finalise(&motion, &aurora).await?;
    let proposed = proposed.event("Council", "Proposed")?;
    let (hash, index) = (proposed.field::<Digest>("proposal_hash")?, proposed.field::<u32>("proposal_index")?);
    for company in [&aurora, &borealis] {
        chain.submit_and_finalise(&calls::council::vote(hash, index, true), company).await?;
    }
    let length = u32::try_from(next.len())? + 1_000;
    let close = calls::council::close(hash, index, 300_000_000_000, 5_000_000, length);
    let early = chain.submit_and_finalise(&close, &cascade).await.expect_err("two of four do not carry it").to_string();
    assert!(early.contains("TooEarly"), "{early}");
    chain.submit_and_finalise(&calls::council::vote(hash, index, true), &cascade).await?;
    let closed = chain.submit_and_finalise(&close, &cascade).await?;
    closed.event("System", "CodeUpdated")?;

    // Every node goes on with the new runtime, and the blocks become final.
    let upgraded = finalised(&mut heads, closed.number + 5).await?;
    assert_eq!(version().await?, Some(before + 1));
    let last = Chain::connect(&nodes[3].url()).await?;
    finalised(&mut last.finalised_heads().await?, upgraded).await?;
    assert_eq!(last.storage(b":code", At::Finalised).await?, Some(next));
    assert_eq!(last.block_hash(upgraded).await?, chain.block_hash(upgraded).await?);
    Ok(())
}
