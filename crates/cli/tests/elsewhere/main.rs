//! Logs in other people's formats, by the real program and by programs that others wrote.

mod commands;
mod guide;
mod python;
mod record;
mod third_parties;
