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

/// Reads a time: Unix seconds, Unix milliseconds, or a date with its time (RFC 3339), for instance `2026-11-25T23:00:00Z`.
pub fn parse_moment(text: &str) -> Result<Moment, String> {
    /// In seconds the year 5138, in milliseconds 1973: what is less means seconds.
    const FIRST_MS: u64 = 100_000_000_000;
    let wrong = || format!("`{text}` is no time: write Unix seconds, or a date like 2026-11-25T23:00:00Z");
    if let Ok(number) = text.parse::<u64>() {
        return if number < FIRST_MS { Ok(number * 1000) } else { Ok(number) };
    }
    let (date, rest) = text.split_at_checked(19).ok_or_else(wrong)?;
    let date = date.to_ascii_uppercase().replace(' ', "T") + "Z";
    let seconds = date.parse::<x509_cert::der::DateTime>().map_err(|_| wrong())?.unix_duration().as_secs();
    let digits = rest.strip_prefix('.').map_or(0, |fraction| fraction.bytes().take_while(u8::is_ascii_digit).count());
    let (fraction, zone) = match digits {
        0 => (0, rest),
        digits => (format!("{:0<3.3}", &rest[1..=digits]).parse::<u64>().map_err(|_| wrong())?, &rest[digits + 1..]),
    };
    let moment = seconds * 1000 + fraction;
    let (ahead, offset) = match zone.as_bytes() {
        b"Z" | b"z" => return Ok(moment),
        [sign @ (b'+' | b'-'), ..] => (*sign == b'+', &zone[1..]),
        _ => return Err(wrong()),
    };
    let (hours, minutes) = offset.split_once(':').filter(|(hours, minutes)| hours.len() == 2 && minutes.len() == 2).ok_or_else(wrong)?;
    let number = |text: &str, end: u64| text.parse::<u64>().ok().filter(|number| *number < end).ok_or_else(wrong);
    let offset = (number(hours, 24)? * 60 + number(minutes, 60)?) * 60_000;
    if ahead { moment.checked_sub(offset).ok_or_else(wrong) } else { Ok(moment + offset) }
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

/// A moment as RFC 3339 writes it, in UTC.
pub fn date(moment: Moment) -> String {
    let (days, rest) = (moment / 86_400_000, moment % 86_400_000);
    // The civil calendar, counted in eras of 400 years from 1 March of the year 0: what is odd about February then stands at the end of a year.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year + u64::from(month <= 2);
    let (seconds, milliseconds) = (rest / 1000, rest % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
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
    fn times_are_seconds_milliseconds_or_dates() {
        let cases = [
            ("0", 0),
            ("1750400000", 1_750_400_000_000),
            ("1750400000123", 1_750_400_000_123),
            ("2025-06-20T06:13:20Z", 1_750_400_000_000),
            ("2025-06-20T06:13:20.5Z", 1_750_400_000_500),
            ("2025-06-20 06:13:20.1239z", 1_750_400_000_123),
            ("2025-06-20T08:13:20+02:00", 1_750_400_000_000),
            ("2025-06-19T22:43:20.001-07:30", 1_750_400_000_001),
        ];
        for (text, moment) in cases {
            assert_eq!(parse_moment(text), Ok(moment), "{text}");
        }
        for text in [
            "",
            "now",
            "-1",
            "1e9",
            "2025-06-20",
            "2025-06-20T06:13:20",
            "2025-06-31T06:13:20Z",
            "2025-06-20T06:13:20.Z",
            "2025-06-20T06:13:20+2",
        ] {
            assert!(parse_moment(text).is_err(), "{text}");
        }
        for text in [
            "2025-06-20T06:13:20+24:00",
            "2025-06-20T06:13:20+0a:00",
            "1970-01-01T00:00:00+01:00",
            "2025-06-20T06:13:20Zx",
            "ääääääääääääääääääää",
        ] {
            assert!(parse_moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn dates_are_those_that_are_read() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_750_400_000_123, "2025-06-20T06:13:20.123Z"),
            (4_102_444_799_999, "2099-12-31T23:59:59.999Z"),
        ];
        for (moment, text) in cases {
            assert_eq!(date(moment), text);
            assert_eq!(parse_moment(text), Ok(moment));
        }
        for day in 0..100_000 {
            let moment = day * 86_400_000 + 1;
            assert_eq!(parse_moment(&date(moment)), Ok(moment));
        }
    }

    #[test]
    fn spans_are_legible() {
        assert_eq!(span(1_234), "1.2 s");
        assert_eq!(span(3_661_000), "1 h 1 min");
        assert_eq!(relative(1_000, 3_000), "2.0 s ago");
    }
}
