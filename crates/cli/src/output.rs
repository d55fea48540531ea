//! Printing: results on stdout as text or JSON, everything else on stderr.

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::{borrow::Cow, fmt::Display, io::IsTerminal as _, time::Duration};

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document, or one per line for what goes on.
    Json,
}

/// Where results go.
#[derive(Clone, Copy, Debug)]
pub struct Output(Format);

impl Output {
    pub const fn new(format: Format) -> Self {
        Self(format)
    }

    /// How results are printed.
    pub fn format(self) -> Format {
        self.0
    }

    /// Prints a result: the value as JSON, or its text.
    pub fn result<T: Serialize, D: Display>(self, value: &T, text: impl FnOnce(&T) -> D) -> anyhow::Result<()> {
        match self.0 {
            Format::Json => println!("{}", serde_json::to_string(value)?),
            Format::Text => println!("{}", harmless(&text(value).to_string())),
        }
        Ok(())
    }

    /// Says on stderr what is going on, in words.
    pub fn say(self, text: impl Display) {
        eprintln!("{}", harmless(&text.to_string()));
    }

    /// A sign of life on a terminal for work without a known length; silent in a pipe.
    pub fn spinner(self, message: impl Into<Cow<'static, str>>) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(None, target());
        bar.set_message(message);
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    /// A progress bar over bytes on a terminal; silent in a pipe.
    pub fn bytes(self, total: u64, message: impl Into<Cow<'static, str>>) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(Some(total), target());
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {bytes}/{total_bytes}") {
            bar.set_style(style);
        }
        bar.set_message(message);
        bar
    }
}

fn target() -> ProgressDrawTarget {
    if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
}

/// Prints why a command failed, and what to do where that is known.
pub fn failure(error: &anyhow::Error) {
    eprintln!("error: {}", harmless(&told(error)));
    if let Some(cause) = error.chain().find_map(|cause| cause.downcast_ref::<blockcloud_client::Error>()) {
        let advice = cause.advice();
        // A refusal of the chain is its own advice.
        if !format!("{error:#}").contains(&advice) {
            eprintln!("advice: {}", harmless(&advice));
        }
    }
}

/// An error and its causes. Some libraries' errors end with what their cause says, and that once is enough.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.is_empty() {
        true => cause,
        false if told.ends_with(&cause) => told,
        false => format!("{told}: {cause}"),
    })
}

/// Somebody else's words on one line: what would steer a terminal is written out.
pub fn plain(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut plain, character| {
        // Not control characters, but they reverse or hide what stands around them.
        let hides = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if character.is_control() || hides {
            plain.extend(character.escape_default());
        } else {
            plain.push(character);
        }
        plain
    })
}

/// The same for text of several lines.
fn harmless(text: &str) -> String {
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}

/// Lines of aligned columns.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            rows.iter().map(|row| row.get(column).map_or(0, |cell| cell.chars().count())).chain([header[column].len()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&mut header.iter().copied())];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{harmless, plain, table, told};
    use anyhow::anyhow;

    #[test]
    fn what_a_cause_says_is_told_once() {
        assert_eq!(told(&anyhow!("away").context("no answer: away").context("s3://logs")), "s3://logs: no answer: away");
        assert_eq!(told(&anyhow!("no").context("nothing is known").context("no such job")), "no such job: nothing is known: no");
    }

    #[test]
    fn what_would_steer_a_terminal_is_written_out() {
        assert_eq!(plain("a\u{1b}[31mb\r\n\tc\u{9b}\u{202e}"), "a\\u{1b}[31mb\\r\\n\\tc\\u{9b}\\u{202e}");
        assert_eq!(plain("Größe … 東京 \\ \"ok\""), "Größe … 東京 \\ \"ok\"");
        assert_eq!(harmless("one\ntwo\u{7}"), "one\ntwo\\u{7}");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let text = table(&["id", "what"], &[vec!["1".into(), "a".into()], vec!["1000".into(), "b".into()]]);
        assert_eq!(text, "id    what\n1     a\n1000  b");
    }
}
