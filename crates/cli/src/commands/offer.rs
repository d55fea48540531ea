//! `blockcloud offer`: capacity on the market.

use crate::{
    context::{Context, now},
    fault::usage,
    output::table,
    spec::{account, tee},
    units::{bcu, parse_bcu, relative, span},
};
use anyhow::{Context as _, Result};
use blockcloud_client::{At, calls};
use blockcloud_primitives::{AccountId, Balance, List, OfferFilter, OfferId, OfferTerms, OfferView, Price, Resources, SiteId, Tee};
use clap::Subcommand;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Publish an offer; prints its number.
    Publish {
        /// Where the capacity stands.
        #[arg(long)]
        site: SiteId,
        /// Kind of hardware: sev-snp, or simulated on a development chain. May be repeated.
        #[arg(long = "tee", value_parser = tee, required = true)]
        tees: Vec<Tee>,
        /// Virtual processors.
        #[arg(long)]
        vcpus: u32,
        /// Memory in GiB.
        #[arg(long)]
        memory_gib: u32,
        /// Storage in GiB.
        #[arg(long)]
        storage_gib: u32,
        /// Whole GPUs.
        #[arg(long, default_value_t = 0)]
        gpus: u32,
        /// Price of a virtual processor per second, in BCU.
        #[arg(long, value_parser = parse_bcu)]
        price_vcpu: Balance,
        /// Price of a GiB of memory per second, in BCU.
        #[arg(long, value_parser = parse_bcu)]
        price_memory: Balance,
        /// Price of a GiB of storage per second, in BCU.
        #[arg(long, value_parser = parse_bcu)]
        price_storage: Balance,
        /// Price of a GPU per second, in BCU.
        #[arg(long, value_parser = parse_bcu, default_value = "0")]
        price_gpu: Balance,
        /// Days for which the offer is open.
        #[arg(long, default_value_t = 30)]
        days: u64,
        /// Longest run of one job in seconds.
        #[arg(long, default_value_t = 86_400)]
        longest: u32,
        /// Highest cover for one job, in BCU.
        #[arg(long, value_parser = parse_bcu)]
        cover: Balance,
    },
    /// List offers.
    List {
        /// Only this provider's.
        #[arg(long, value_parser = account)]
        provider: Option<AccountId>,
        /// Only with this kind of hardware.
        #[arg(long, value_parser = tee)]
        tee: Option<Tee>,
        /// Continue after this offer.
        #[arg(long)]
        after: Option<OfferId>,
        /// Most offers to list.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Show one offer.
    Show {
        /// The offer.
        offer: OfferId,
    },
    /// Withdraw an offer. Jobs that run under it keep what they have.
    Withdraw {
        /// The offer.
        offer: OfferId,
    },
}

/// Column headings for [`row`].
pub const HEADER: [&str; 6] = ["offer", "site", "hardware", "free", "per second", "closes"];

/// One offer as a table's row.
pub fn row(offer: &OfferView) -> Vec<String> {
    let hardware: Vec<_> = offer.tees.iter().map(|tee| format!("{tee:?}")).collect();
    vec![
        offer.id.to_string(),
        offer.site.to_string(),
        hardware.join(", "),
        resources(&offer.free),
        offer.price.rate(&offer.total).map_or_else(|| "?".into(), |rate| format!("{} for all", bcu(rate))),
        relative(offer.closes, now()),
    ]
}

/// Resources in words.
pub fn resources(resources: &Resources) -> String {
    let gpus = if resources.gpus == 0 { String::new() } else { format!(", {} GPU", resources.gpus) };
    format!("{} vCPU, {} GiB memory, {} GiB storage{gpus}", resources.vcpus, resources.memory_gib, resources.storage_gib)
}

fn details(offer: &OfferView) -> String {
    let facts: Vec<_> = offer
        .facts
        .iter()
        .map(|view| format!("  {} (certifier {}, expires {})", super::fact::show(&view.fact), view.certifier, relative(view.until, now())))
        .collect();
    format!(
        "offer {} by {}\nagent {}\nsite {}\n{}\nhardware {:?}\nfree {} of {}\nprice per second: vCPU {}, GiB memory {}, GiB storage {}, GPU {}\nlongest job {}, cover per job {}, free bond {}\ncloses {}\nrecord: {} completed, {} not accepted, {} failed, {} with two histories",
        offer.id,
        offer.provider,
        offer.endpoint,
        offer.site,
        if facts.is_empty() { "  nobody vouches for anything here".into() } else { facts.join("\n") },
        offer.tees.to_vec(),
        resources(&offer.free),
        resources(&offer.total),
        bcu(offer.price.vcpu),
        bcu(offer.price.memory_gib),
        bcu(offer.price.storage_gib),
        bcu(offer.price.gpu),
        span(u64::from(offer.longest_job) * 1000),
        bcu(offer.cover_per_job),
        bcu(offer.free_bond),
        relative(offer.closes, now()),
        offer.record.completed,
        offer.record.not_accepted,
        offer.record.failed,
        offer.record.equivocated,
    )
}

pub async fn run(context: &Context, command: Command) -> Result<bool> {
    if !matches!(command, Command::List { .. } | Command::Show { .. }) {
        context.signer()?;
    }
    let chain = context.chain().await?;
    match command {
        Command::Publish {
            site,
            tees,
            vcpus,
            memory_gib,
            storage_gib,
            gpus,
            price_vcpu,
            price_memory,
            price_storage,
            price_gpu,
            days,
            longest,
            cover,
        } => {
            let opens = chain.now(At::Finalised).await?;
            let terms = OfferTerms {
                site,
                tees: List::try_from(tees).map_err(|_| usage("at most 4 --tee"))?,
                total: Resources { vcpus, memory_gib, storage_gib, gpus },
                price: Price { vcpu: price_vcpu, memory_gib: price_memory, storage_gib: price_storage, gpu: price_gpu },
                opens,
                closes: opens.saturating_add(days.saturating_mul(86_400_000)),
                longest_job: longest,
                cover_per_job: cover,
            };
            let offer = context.submit(&chain, &calls::offers::publish(&terms)).await?.offer()?;
            context.output.result(&json!({"offer": offer, "terms": terms}), |_| format!("offer {offer}"))?;
            Ok(true)
        }
        Command::List { provider, tee, after, limit } => {
            let filter = OfferFilter { provider, tee, free: None };
            let page = chain.offers(&filter, after, limit, At::Finalised).await?;
            context.output.result(&page, |page| {
                let rows: Vec<_> = page.items.iter().map(row).collect();
                let more = page.next.map(|next| format!("\nmore with --after {next}")).unwrap_or_default();
                if rows.is_empty() { "no offers".into() } else { format!("{}{more}", table(&HEADER, &rows)) }
            })?;
            Ok(true)
        }
        Command::Show { offer } => {
            let view = chain
                .offer(offer, At::Finalised)
                .await?
                .with_context(|| format!("there is no offer {offer}: it may have been withdrawn"))?;
            context.output.result(&view, details)?;
            Ok(true)
        }
        Command::Withdraw { offer } => {
            context.submit(&chain, &calls::offers::withdraw(offer)).await?;
            context.output.result(&json!({"withdrawn": offer}), |_| format!("offer {offer} is withdrawn"))?;
            Ok(true)
        }
    }
}
