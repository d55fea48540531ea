//! `blockcloud job fetch`: while the chain knows the job, the output is the one that it holds the digest of; afterwards what was seen of the job
//! says where it is, and the seal alone says that the guest made it.

use crate::{
    agent::Agent,
    archive::{Unpacking, unpack},
    context::Context,
    fault::Fault,
    home::{JobFolder, Seen},
    keys::Protection,
    output::table,
    units::bytes,
};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::{At, Chain};
use blockcloud_primitives::{Digest, JobId, JobView};
use serde_json::json;
use std::path::Path;

pub async fn run(context: &Context, chain: &Chain, job: JobId, into: &Path) -> Result<bool> {
    let folder = JobFolder::find(&context.home()?, chain, job).await?;
    let view = chain.patiently(|| chain.job(job, At::Finalised)).await?;
    let Seen { endpoint, completion } = source(&folder, job, view.as_ref())?;
    let agent = Agent::at(endpoint.as_str(), job, chain.genesis(), context.timeout())?;
    let expected = completion.map(|completion| completion.output);
    let sealed = agent.fetch(&context.signer()?, expected.as_ref(), context.output).await?;
    let (digest, archive) = open(&folder, &context.protection()?, &sealed)?;
    std::fs::create_dir_all(into).with_context(|| format!("cannot make {}", into.display()))?;
    let Unpacking { files, skipped } = unpack(&archive, into)?;
    for link in &skipped {
        context.output.say(format!("left out: the symbolic link {} to {}: {}", link.path.display(), link.target.display(), link.reason));
    }
    let result = json!({"job": job, "into": into, "digest": digest, "files": files, "skipped": skipped});
    context.output.result(&result, |_| {
        let rows: Vec<_> = files.iter().map(|file| vec![file.path.display().to_string(), bytes(file.bytes)]).collect();
        let whose = match expected {
            Some(_) => "the output is the one that the guest signed for",
            None => "the job is closed, and how it ended was never seen here: this is sealed with the job's key",
        };
        format!("{whose} (digest {digest})\n{}", table(&["file", "size"], &rows))
    })?;
    Ok(true)
}

/// Where the output is and which one it is, from the chain or, once the job is closed, from what was seen of it.
fn source(folder: &JobFolder, job: JobId, view: Option<&JobView>) -> Result<Seen> {
    if let Some(view) = view {
        folder.saw(view)?;
        if view.completion.is_none() {
            bail!("job {job} has no output: {}", super::state(&view.state));
        }
    }
    let seen = folder.seen()?;
    if view.is_none() && seen.endpoint.is_empty() {
        return Err(Fault::Over(format!("job {job} is closed, and where its output is was never seen here: ask its provider")).into());
    }
    Ok(seen)
}

/// Opens an output; refuses what the customer has sealed itself under the same key.
fn open(folder: &JobFolder, protection: &Protection, sealed: &[u8]) -> Result<(Digest, Vec<u8>)> {
    let digest = Digest::of(sealed);
    if folder.blobs().any(|blob| blob.digest == digest) {
        bail!("what the agent sent is an input of this job, not its output");
    }
    let archive = blockcloud_seal::open(&folder.data_key(protection)?, sealed).context("the output does not open with this job's key")?;
    Ok((digest, archive))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        commands::evidence::tests,
        home::tests::{completion, folder},
    };
    use blockcloud_primitives::Blob;
    use blockcloud_seal::{DataKey, seal};

    #[test]
    fn a_closed_job_is_fetched_from_where_it_was_seen() {
        let home = tempfile::tempdir().unwrap();
        let (folder, blob) = folder(home.path(), &DataKey::generate());
        let job = tests::job();
        assert!(source(&folder, job.id, None).unwrap_err().to_string().contains("never seen"));

        let running = JobView { endpoint: "http://agent".parse().unwrap(), ..job.clone() };
        assert!(source(&folder, job.id, Some(&running)).unwrap_err().to_string().contains("no output"));
        let seen = source(&folder, job.id, None).unwrap();
        assert_eq!(seen, Seen { endpoint: running.endpoint.clone(), completion: None });

        let over = JobView { completion: Some(completion(blob)), ..running };
        let seen = source(&folder, job.id, Some(&over)).unwrap();
        assert_eq!(seen, Seen { endpoint: over.endpoint.clone(), completion: over.completion });
        assert_eq!(source(&folder, job.id, None).unwrap(), seen);
    }

    #[test]
    fn only_the_guest_can_have_sealed_an_output() {
        let home = tempfile::tempdir().unwrap();
        let key = DataKey::generate();
        let (folder, input): (_, Blob) = folder(home.path(), &key);
        let sealed = seal(&key, b"an output");
        assert_eq!(open(&folder, &Protection::default(), &sealed).unwrap(), (Digest::of(&sealed), b"an output".to_vec()));
        assert!(open(&folder, &Protection::default(), &seal(&DataKey::generate(), b"another's")).is_err());
        let own = folder.blob(input.digest).unwrap();
        assert!(open(&folder, &Protection::default(), &own).unwrap_err().to_string().contains("an input"));
    }
}
