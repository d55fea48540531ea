//! `blockcloud job watch`.

use super::{details, exit, money, notice, state};
use crate::{
    context::{Context, now},
    fault::Fault,
    home::JobFolder,
    output::Format,
    units::{bcu, relative},
};
use anyhow::Result;
use blockcloud_client::{At, Chain};
use blockcloud_primitives::{End, Exit, JobId, JobState, JobView};

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The guest completed it: there is an output, and what the program printed.
    pub completed: bool,
    /// It was completed, and the program ended with code 0.
    pub well: bool,
}

/// Follows a job until it ends.
pub async fn run(context: &Context, chain: &Chain, job: JobId) -> Result<Outcome> {
    // Whoever placed it will want its output even when the chain has forgotten the job.
    let folder = JobFolder::find(&context.home()?, chain, job).await.ok();
    let mut heads = chain.patiently(|| chain.finalised_heads()).await?;
    let mut last: Option<JobView> = None;
    loop {
        let Some(view) = chain.patiently(|| chain.job(job, At::Finalised)).await? else {
            return Err(Fault::Over(match last {
                Some(_) => format!("job {job} was closed while it was watched"),
                None => format!("there is no job {job}: it was never placed, or it is closed"),
            })
            .into());
        };
        if last.as_ref() != Some(&view) {
            if let Some(folder) = &folder {
                folder.saw(&view)?;
            }
            report(context, last.as_ref(), &view)?;
        }
        if let JobState::Settled(end) = view.state {
            if context.output.format() == Format::Text {
                context.output.result(&view, details)?;
            }
            let well = view.completion.is_some_and(|completion| completion.exit == Exit::Code(0));
            let completed = end == End::Completed;
            return Ok(Outcome { completed, well: completed && well });
        }
        last = Some(view);
        heads.next_patiently().await?;
    }
}

/// One line for what changed; in JSON the whole job, one line each time.
fn report(context: &Context, last: Option<&JobView>, view: &JobView) -> Result<()> {
    if context.output.format() == Format::Json {
        return context.output.result(view, |_| "");
    }
    if last.is_none_or(|last| last.state != view.state) {
        context.output.say(format!("job {}: {}", view.id, state(&view.state)));
    }
    if last.is_none_or(|last| (last.lapse, last.suspended) != (view.lapse, view.suspended))
        && let Some(notice) = notice(view)
    {
        context.output.say(format!("  {notice}"));
    }
    if let Some(head) = view.head.filter(|head| last.is_none_or(|last| last.head.map(|head| head.size) != Some(head.size))) {
        context.output.say(format!(
            "  checkpoint: {} receipts, signed {}, earned so far {}",
            head.size,
            relative(head.time, now()),
            bcu(view.earned)
        ));
    }
    if let Some(completion) = &view.completion {
        context.output.say(format!("  program {}", exit(&completion.exit)));
        context.output.say(format!("  {}", money(view)));
    }
    Ok(())
}
