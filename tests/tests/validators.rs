//! The four validators of `local4`: one is killed, blocks and finality go on; it returns and catches up.

use anyhow::{Context as _, Result};
use blockcloud_client::{Chain, Heads};
use blockcloud_tests::node::Node;
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
