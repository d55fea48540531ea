//! Amounts and times as people write them.

use blockcloud_primitives::{Balance, Moment};

/// Smallest units in one BCU: 12 decimals.
const UNIT: Balance = 1_000_000_000_000;

/// Reads an amount in whole BCU with up to 12 decimals, for instance `1.5`.
pub fn parse_bcu(text: &str) -> Result<Balance, String> {
    let wrong = || format!("`{text}` is not an amount: write BCU like 12 or 0.25, with at most 12 decimals");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.chars().all(|character| character.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) || fraction.len() > 12 {
        return Err(wrong());
    }
    let whole: Balance = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
    let fraction: Balance = format!("{fraction:0<12}").parse().map_err(|_| wrong())?;
    whole.checked_mul(UNIT).and_then(|units| units.checked_add(fraction)).ok_or_else(wrong)
}

/// An amount in BCU, without trailing zeros.
pub fn bcu(amount: Balance) -> String {
    let text = format!("{}.{:012}", amount / UNIT, amount % UNIT);
    format!("{} BCU", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A time span in milliseconds, for people.
pub fn span(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0..60 => format!("{seconds}.{} s", milliseconds % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// How far a moment lies ahead or back.
pub fn relative(moment: Moment, now: Moment) -> String {
    if moment >= now { format!("in {}", span(moment - now)) } else { format!("{} ago", span(now - moment)) }
}

/// A number of bytes, for people.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (count, 0);
    while value >= 10 * 1024 && unit + 1 < UNITS.len() {
        value /= 1024;
        unit += 1;
    }
    format!("{value} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_shown_alike() {
        for (text, amount) in [("0", 0), ("1", UNIT), ("1.5", UNIT + UNIT / 2), ("0.000000000001", 1), (".25", UNIT / 4)] {
            assert_eq!(parse_bcu(text), Ok(amount), "{text}");
            assert_eq!(parse_bcu(bcu(amount).trim_end_matches(" BCU")), Ok(amount));
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", ".", "1,5", "-1", "1e3", "0.0000000000001", "340282366920938463463374607431768211456", "1 "] {
            assert!(parse_bcu(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_are_legible() {
        assert_eq!(span(1_234), "1.2 s");
        assert_eq!(span(3_661_000), "1 h 1 min");
        assert_eq!(relative(1_000, 3_000), "2.0 s ago");
    }
}
