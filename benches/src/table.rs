//! The Markdown table.

use std::time::Duration;

use crate::engine::Engine;
use crate::rounds::Times;
use crate::rows::{DYNAMIC, Row, Workload};

/// Places of the contenders in [`CONTENDERS`](crate::engine::CONTENDERS).
const HAND: usize = 0;
const STATIC: usize = 1;
const LOADED: usize = 2;
const CONTROL: usize = 3;

pub(crate) const HEADER: &str = "\
| row | hand-written | static | dynamic | static / hand | target | | dynamic / static | target | | hand / hand |
|---|--:|--:|--:|--:|--:|---|--:|--:|---|--:|";

/// One line of the table, and whether it met its targets.
pub(crate) fn line(
    engine: Engine,
    row: &Row,
    workload: &Workload,
    times: &Times,
) -> (String, bool) {
    let operations = (row.operations)(workload);
    let time = |contender| per_operation(times.median(contender), operations);
    let (to_hand, to_static) = (times.ratio(STATIC, HAND), times.ratio(LOADED, STATIC));
    let target = row.target.share(engine);
    let (good, cheap) = (to_hand <= target, to_static <= DYNAMIC);
    let verdict = |met| if met { "ok" } else { "MISS" };
    let line = format!(
        "| {} | {} | {} | {} | {to_hand:.3} | {target:.2} | {} | {to_static:.3} | {DYNAMIC:.2} | {} | {:.3} |",
        row.title,
        time(HAND),
        time(STATIC),
        time(LOADED),
        verdict(good),
        verdict(cheap),
        times.ratio(CONTROL, HAND),
    );
    (line, good && cheap)
}

fn per_operation(time: Duration, operations: usize) -> String {
    let nanoseconds = time.as_secs_f64() * 1e9 / operations as f64;
    if nanoseconds < 10_000.0 {
        format!("{nanoseconds:.0} ns")
    } else {
        format!("{:.1} µs", nanoseconds / 1e3)
    }
}
