//! The benchmark in the browser, and its table.

use std::io;
use std::path::Path;

use serde_json::Value;

use super::serve::Server;
use crate::browser;
use crate::webdriver::Browser;

const STEPS: [(&str, &str); 5] = [
    ("write", "10,000 records, two indexes, one transaction"),
    ("scan", "full scan"),
    ("gets", "1,000 random gets"),
    ("puts", "100 random puts, a transaction each"),
    ("single_gets", "100 random gets, a transaction each"),
];

/// Runs so many rounds in the browser and prints the medians.
pub(super) fn run(folder: &Path, rounds: u32) -> io::Result<()> {
    let server = Server::start(folder, 0)?;
    let browser = Browser::start(&browser::chromedriver()?)?;
    browser.go(&server.address())?;
    browser.wait("typeof window.run === 'function'")?;
    println!("page: {rounds} rounds, and one that is not counted");
    let times = browser.run(&format!("return window.run({rounds})"))?;
    println!("\n| | typed layer | by hand | ratio |\n|---|---:|---:|---:|");
    for (key, title) in STEPS {
        let side = |name: &str| -> Vec<f64> {
            let rounds = times[key].as_array().map_or(&[][..], Vec::as_slice);
            let times = rounds.iter().map(|round| &round[name]);
            times.filter_map(Value::as_f64).collect()
        };
        let (typed, hand) = (side("typed"), side("hand"));
        let ratios = typed.iter().zip(&hand).map(|(typed, hand)| typed / hand);
        let ratio = median(ratios.collect());
        println!(
            "| {title} | {:.1} ms | {:.1} ms | {ratio:.2} |",
            median(typed),
            median(hand)
        );
    }
    println!("\nMedians; the ratio is the median of the ratios of the rounds.");
    Ok(())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert!((median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }
}
