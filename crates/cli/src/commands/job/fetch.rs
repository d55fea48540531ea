//! `blockcloud job fetch`.

use crate::{agent::Agent, archive::unpack, context::Context, home::JobFolder, output::table, units::bytes};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::{At, Chain};
use blockcloud_primitives::JobId;
use serde_json::json;
use std::path::Path;

pub async fn run(context: &Context, chain: &Chain, job: JobId, into: &Path) -> Result<bool> {
    let folder = JobFolder::find(&context.home()?, chain, job).await?;
    let view = chain.job(job, At::Finalised).await?.with_context(|| format!("job {job} is closed: its output is no longer kept"))?;
    let Some(completion) = view.completion else {
        bail!("job {job} has no output: {}", super::state(&view.state));
    };
    let agent = Agent::of(&view, chain.genesis(), context.timeout())?;
    let sealed = agent.fetch(&context.signer()?, &completion.output, context.output).await?;
    let archive = blockcloud_seal::open(&folder.data_key()?, &sealed).context("the output does not open with this job's key")?;
    std::fs::create_dir_all(into).with_context(|| format!("cannot make {}", into.display()))?;
    let files = unpack(&archive, into)?;
    context.output.result(&json!({"job": job, "into": into, "digest": completion.output.digest, "files": files}), |_| {
        let rows: Vec<_> = files.iter().map(|file| vec![file.path.display().to_string(), bytes(file.bytes)]).collect();
        format!(
            "the output is the one that the guest signed for (digest {})\n{}",
            completion.output.digest,
            table(&["file", "size"], &rows)
        )
    })?;
    Ok(true)
}
