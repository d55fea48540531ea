//! What is shown of jobs' records by the real program: logs in other people's formats, read by programs that others wrote, and the lineage of data.

mod audit;
mod commands;
mod guide;
mod lineage;
mod mirror;
mod python;
mod record;
mod third_parties;
