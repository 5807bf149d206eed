//! The frame of the benchmarks: what a measurement is, how sides take turns, the one table, and its plot. The subjects are in
//! `benches/table/`, one file each; this library depends on no peer, so that nothing but they depends on what they compare with.

mod baseline;
mod curve;
mod curves;
pub mod holder;
mod panels;
mod plot;
mod report;
mod row;
mod sides;
pub mod svg;

pub use baseline::{Baseline, Finding, Ratio};
pub use curve::{Curve, Growth, Measure};
pub use curves::Curves;
pub use panels::plot_curves;
pub use plot::plot;
pub use report::Report;
pub use row::{Peer, Row, Unit};
pub use sides::{Figure, Sides, lower_quartile, median};
