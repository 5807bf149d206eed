use crate::svg::{Anchor, Svg};
use crate::{Peer, Report, Row};

const WIDTH: f64 = 980.0;
const HEAD: f64 = 64.0;
const LINE: f64 = 17.0;
/// Where the axis begins and ends.
const AXIS: (f64, f64) = (460.0, 900.0);
const AHEAD: &str = "#2a7f62";
const BEHIND: &str = "#d1803c";
const INK: &str = "#222222";
const GREY: &str = "#777777";
const PALE: &str = "#dddddd";

/// Draws how far ahead of each peer we are, one bar a peer on a logarithmic axis: to the right of 1 when we are ahead, to the
/// left when we are behind. A tick is a target.
#[must_use]
pub fn plot(report: &Report) -> String {
    let lines = lines(report);
    let bottom = HEAD + LINE * lines.len() as f64;
    let mut svg = Svg::new(WIDTH, bottom + 14.0);
    svg.text((16.0, 24.0), Anchor::Start, 16.0, INK, "How many times better than its peers Obnova is");
    let key = "bar: measured side by side in one run; tick: target; 1x: the same";
    svg.text((16.0, 42.0), Anchor::Start, 11.0, GREY, key);
    let axis = Axis::over(report);
    for mark in axis.marks() {
        let x = axis.x(mark);
        svg.line((x, HEAD - 4.0), (x, bottom), if mark == 1.0 { INK } else { PALE }, 1.0);
        svg.text((x, HEAD - 8.0), Anchor::Middle, 10.0, GREY, &format!("{mark}x"));
    }
    for (at, line) in lines.iter().enumerate() {
        let y = HEAD + LINE * at as f64 + 12.0;
        match line {
            Line::Group(name) => svg.text((16.0, y), Anchor::Start, 12.0, INK, name),
            Line::Bar { row, peer, first } => {
                if *first {
                    svg.text((28.0, y), Anchor::Start, 11.0, INK, &row.task);
                }
                bar(&mut svg, &axis, y, row, peer);
            }
        }
    }
    svg.finish()
}

enum Line<'r> {
    Group(&'r str),
    Bar { row: &'r Row, peer: &'r Peer, first: bool },
}

fn lines(report: &Report) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut group = "";
    for row in report.rows().iter().filter(|row| !row.peers.is_empty()) {
        if row.group != group {
            group = &row.group;
            lines.push(Line::Group(group));
        }
        lines.extend(row.peers.iter().enumerate().map(|(at, peer)| Line::Bar { row, peer, first: at == 0 }));
    }
    lines
}

fn bar(svg: &mut Svg, axis: &Axis, y: f64, row: &Row, peer: &Peer) {
    svg.text((AXIS.0 - 10.0, y), Anchor::End, 10.0, GREY, &peer.name);
    let Some(ahead) = row.ahead_of(peer) else {
        svg.text((axis.x(1.0) + 4.0, y), Anchor::Start, 10.0, GREY, "cannot");
        return;
    };
    let (one, end) = (axis.x(1.0), axis.x(ahead));
    svg.rect((one, y - 9.0), (end, y + 1.0), if ahead >= 1.0 { AHEAD } else { BEHIND });
    if let Some(target) = peer.target {
        let x = axis.x(target);
        svg.line((x, y - 11.0), (x, y + 3.0), INK, 2.0);
    }
    svg.text((one.max(end) + 5.0, y), Anchor::Start, 10.0, INK, &format!("{ahead:.2}x"));
}

/// A logarithmic axis over whole powers of ten.
struct Axis {
    decades: (i32, i32),
}

impl Axis {
    fn over(report: &Report) -> Self {
        let mut decades = (0, 1);
        for row in report.rows() {
            for peer in &row.peers {
                for value in row.ahead_of(peer).into_iter().chain(peer.target).filter(|value| value.is_normal()) {
                    decades.0 = decades.0.min(value.log10().floor() as i32);
                    decades.1 = decades.1.max(value.log10().ceil() as i32);
                }
            }
        }
        Self { decades }
    }

    fn x(&self, value: f64) -> f64 {
        let (first, last) = (f64::from(self.decades.0), f64::from(self.decades.1));
        let part = (value.log10() - first) / (last - first);
        AXIS.0 + part.clamp(0.0, 1.0) * (AXIS.1 - AXIS.0)
    }

    fn marks(&self) -> impl Iterator<Item = f64> {
        (self.decades.0..=self.decades.1).map(|decade| 10_f64.powi(decade))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unit;

    #[test]
    fn every_peer_has_its_bar() {
        let mut report = Report::new();
        let row = Row::new("group", "task", Unit::Spent("APDUs"), 2.0);
        report.add(
            row.beside("ahead of", Some(8.0)).target("ahead of", 1.5).beside("behind", Some(1.0)).beside("none", None),
        );
        let text = plot(&report);
        let bars = |colour: &str| text.matches(&format!("fill=\"{colour}\"")).count();
        assert_eq!((bars(AHEAD), bars(BEHIND)), (1, 1));
        assert!(text.contains(">4.00x<") && text.contains(">0.50x<") && text.contains(">cannot<"), "{text}");
    }

    #[test]
    fn the_axis_holds_all_that_is_on_it() {
        let mut report = Report::new();
        report.add(Row::new("g", "t", Unit::Rate("orders"), 1.0).beside("a", Some(30.0)).beside("b", Some(0.001)));
        let axis = Axis::over(&report);
        assert_eq!(axis.decades, (-2, 3));
        assert_eq!((axis.x(0.01), axis.x(1000.0)), AXIS);
    }
}
