//! The demo's job: an ordinary Rust program. It reads daily weather measurements from a CSV and writes a summary of every month.
//!
//! It knows nothing of BlockCloud: the same source runs natively (`weather-summary INPUT.csv OUTPUT_DIR`).

use std::{collections::BTreeMap, error::Error, fs, path::PathBuf};

/// What is gathered of one month.
#[derive(Default)]
struct Month {
    days: u32,
    rainy_days: u32,
    precipitation_mm: f64,
    warmest: Option<f64>,
    coldest: Option<f64>,
    wind_sum: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(input), Some(output)) = (args.next(), args.next()) else {
        return Err("usage: weather-summary INPUT.csv OUTPUT_DIR".into());
    };
    let mut months = BTreeMap::<String, Month>::new();
    let mut reader = csv::Reader::from_path(&input).map_err(|error| format!("{input}: {error}"))?;
    for row in reader.records() {
        let row = row?;
        let field = |index: usize| row.get(index).ok_or_else(|| format!("{input}: a row has fewer than {} fields", index + 1));
        let number = |index: usize| -> Result<f64, Box<dyn Error>> { Ok(field(index)?.parse()?) };
        let month = months.entry(field(0)?.chars().take(7).collect()).or_default();
        let (precipitation, warmest, coldest, wind) = (number(1)?, number(2)?, number(3)?, number(4)?);
        month.days += 1;
        month.rainy_days += u32::from(precipitation > 0.0);
        month.precipitation_mm += precipitation;
        month.warmest = Some(month.warmest.map_or(warmest, |so_far| so_far.max(warmest)));
        month.coldest = Some(month.coldest.map_or(coldest, |so_far| so_far.min(coldest)));
        month.wind_sum += wind;
    }

    let output = PathBuf::from(output);
    fs::create_dir_all(&output)?;
    let mut writer = csv::Writer::from_path(output.join("monthly.csv"))?;
    writer.write_record(["month", "days", "rainy_days", "precipitation_mm", "warmest_c", "coldest_c", "mean_wind_m_s"])?;
    for (name, month) in &months {
        writer.write_record([
            name.clone(),
            month.days.to_string(),
            month.rainy_days.to_string(),
            format!("{:.1}", month.precipitation_mm),
            format!("{:.1}", month.warmest.unwrap_or_default()),
            format!("{:.1}", month.coldest.unwrap_or_default()),
            format!("{:.2}", month.wind_sum / f64::from(month.days)),
        ])?;
    }
    writer.flush()?;

    let days: u32 = months.values().map(|month| month.days).sum();
    let wettest = months.iter().max_by(|a, b| a.1.precipitation_mm.total_cmp(&b.1.precipitation_mm));
    println!("{days} days in {} months", months.len());
    if let Some((name, month)) = wettest {
        println!("wettest month: {name} with {:.1} mm on {} days", month.precipitation_mm, month.rainy_days);
    }
    Ok(())
}
