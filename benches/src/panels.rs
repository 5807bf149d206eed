use crate::{
    Curve, Curves, Measure,
    curves::count,
    svg::{Anchor, Svg},
};

/// A panel with its margins; two stand side by side.
const PANEL: (f64, f64) = (640.0, 300.0);
const HEAD: f64 = 58.0;
/// The square of a panel that is drawn in: left, top, right, bottom.
const FRAME: (f64, f64, f64, f64) = (66.0, 34.0, 410.0, 258.0);
const INK: &str = "#222222";
const GREY: &str = "#777777";
const PALE: &str = "#dddddd";
const COLOURS: [&str; 8] = ["#2a7f62", "#d1803c", "#3d6fb6", "#b4436c", "#7a5ea8", "#8a8d1f", "#1f8a8d", "#5b4636"];

/// Draws the curves, a panel for each group and measure, both axes logarithmic: what is flat is level, what is linear climbs as
/// the thin lines do.
#[must_use]
pub fn plot_curves(curves: &Curves) -> String {
    let panels = panels(curves);
    let rows = panels.len().div_ceil(2) as f64;
    let mut svg = Svg::new(2.0 * PANEL.0, HEAD + rows * PANEL.1);
    svg.text(
        (16.0, 24.0),
        Anchor::Start,
        16.0,
        INK,
        "What tasks cost as stores, cards, certificates and journals grow",
    );
    let key = "both axes are logarithmic; the thin grey lines are as steep as what grows with the size";
    svg.text((16.0, 42.0), Anchor::Start, 11.0, GREY, key);
    for (at, panel) in panels.iter().enumerate() {
        let corner = ((at % 2) as f64 * PANEL.0, HEAD + (at / 2) as f64 * PANEL.1);
        panel.draw(&mut svg, corner);
    }
    svg.finish()
}

struct Panel<'c> {
    title: String,
    measure: Measure,
    curves: Vec<&'c Curve>,
}

fn panels(curves: &Curves) -> Vec<Panel<'_>> {
    let mut panels: Vec<Panel<'_>> = Vec::new();
    for (group, curves) in curves.groups() {
        let first = panels.len();
        for curve in curves {
            match panels[first..].iter_mut().find(|panel| panel.measure == curve.measure) {
                Some(panel) => panel.curves.push(curve),
                None => {
                    let what = match curve.measure {
                        Measure::Time => "time",
                        Measure::Bytes => "bytes",
                        Measure::Memory => "memory",
                        Measure::Count(name) => name,
                    };
                    panels.push(Panel {
                        title: format!("{group}: {what}"),
                        measure: curve.measure,
                        curves: vec![curve],
                    });
                }
            }
        }
    }
    panels
}

impl Panel<'_> {
    fn draw(&self, svg: &mut Svg, corner: (f64, f64)) {
        let at = |x: f64, y: f64| (corner.0 + x, corner.1 + y);
        let (left, top, right, bottom) = FRAME;
        svg.text(at(16.0, 18.0), Anchor::Start, 12.0, INK, &self.title);
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        let sizes = Axis::over(points().map(|point| point.0), (left, right), false);
        let figures = Axis::over(points().map(|point| point.1), (bottom, top), true);

        for decade in figures.decades() {
            let y = figures.place(decade);
            svg.line(at(left, y), at(right, y), PALE, 1.0);
            svg.text(at(left - 6.0, y + 4.0), Anchor::End, 10.0, GREY, &self.mark(decade));
        }
        let mut marks: Vec<f64> = points().map(|point| point.0).collect();
        marks.sort_by(f64::total_cmp);
        marks.dedup();
        let mut free = f64::NEG_INFINITY;
        for size in marks {
            let x = sizes.place(size);
            svg.line(at(x, bottom), at(x, bottom + 4.0), GREY, 1.0);
            let text = count(size);
            let half = 3.0 * text.len() as f64;
            if x - half > free {
                svg.text(at(x, bottom + 16.0), Anchor::Middle, 10.0, GREY, &text);
                free = x + half + 4.0;
            }
        }
        self.draw_slopes(svg, corner, &sizes, &figures);
        for (index, curve) in self.curves.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let line: Vec<_> =
                curve.points.iter().map(|point| at(sizes.place(point.0), figures.place(point.1))).collect();
            svg.polyline(&line, colour, 1.8);
            line.iter().for_each(|point| svg.dot(*point, 2.6, colour));
            let y = top + 12.0 + 17.0 * index as f64;
            svg.rect(at(right + 16.0, y - 5.0), at(right + 34.0, y - 2.0), colour);
            let name = format!("{} ({})", curve.task, curve.growth.name());
            svg.text(at(right + 40.0, y), Anchor::Start, 10.0, INK, &name);
        }
        svg.line(at(left, top), at(left, bottom), GREY, 1.0);
        svg.line(at(left, bottom), at(right, bottom), GREY, 1.0);
    }

    /// Lines as steep as what grows with the size.
    fn draw_slopes(&self, svg: &mut Svg, corner: (f64, f64), sizes: &Axis, figures: &Axis) {
        let (from, to) = (10_f64.powf(sizes.ends.0), 10_f64.powf(sizes.ends.1));
        let rise = to / from;
        for decade in figures.decades() {
            let end = decade * rise;
            // Cut off where it leaves the frame.
            let top = 10_f64.powf(figures.ends.1);
            let (to, end) = if end > top { (from * top / decade, top) } else { (to, end) };
            let point = |size: f64, figure: f64| (corner.0 + sizes.place(size), corner.1 + figures.place(figure));
            svg.line(point(from, decade), point(to, end), PALE, 0.7);
        }
    }

    fn mark(&self, value: f64) -> String {
        let units: &[(f64, &str)] = match self.measure {
            Measure::Time => &[(1.0, "ns"), (1e3, "us"), (1e6, "ms"), (1e9, "s")],
            Measure::Bytes | Measure::Memory => &[(1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")],
            Measure::Count(_) => &[(1.0, "")],
        };
        let (scale, unit) = units.iter().rev().find(|(scale, _)| value >= *scale).unwrap_or(&units[0]);
        format!("{} {unit}", value / scale).trim_end().to_owned()
    }
}

/// A logarithmic axis between two places on the sheet.
struct Axis {
    /// Powers of ten.
    ends: (f64, f64),
    places: (f64, f64),
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, places: (f64, f64), whole: bool) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| *value > 0.0) {
            (low, high) = (low.min(value.log10()), high.max(value.log10()));
        }
        if !low.is_finite() {
            (low, high) = (0.0, 1.0);
        }
        if whole {
            (low, high) = (low.floor(), high.ceil());
        }
        if high - low < 0.5 {
            high = low + 1.0;
        }
        Self { ends: (low, high), places }
    }

    fn place(&self, value: f64) -> f64 {
        let part = (value.max(f64::MIN_POSITIVE).log10() - self.ends.0) / (self.ends.1 - self.ends.0);
        self.places.0 + part.clamp(0.0, 1.0) * (self.places.1 - self.places.0)
    }

    fn decades(&self) -> impl Iterator<Item = f64> + use<> {
        (self.ends.0.ceil() as i32..=self.ends.1.floor() as i32).map(|decade| 10_f64.powi(decade))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Growth;

    #[test]
    fn every_measure_of_a_group_has_a_panel_and_every_curve_its_line() {
        let mut curves = Curves::new();
        for size in [1e3, 1e6] {
            curves.add(Curve::new("CA", "order", Measure::Time, Growth::Flat), size, 2e6);
            curves.add(Curve::new("CA", "list", Measure::Time, Growth::Flat), size, 5e5);
            curves.add(Curve::new("CA", "file", Measure::Bytes, Growth::Linear), size, size);
        }
        let text = plot_curves(&curves);
        assert_eq!(text.matches("<polyline").count(), 3);
        assert!(text.contains(">CA: time<") && text.contains(">CA: bytes<"), "{text}");
        assert!(text.contains(">file (linear)<") && text.contains(">1,000,000<") && text.contains(">1 ms<"), "{text}");
    }

    #[test]
    fn an_axis_holds_all_that_is_on_it() {
        let axis = Axis::over([3.0, 4_000.0].into_iter(), (10.0, 50.0), true);
        assert_eq!(axis.ends, (0.0, 4.0));
        assert_eq!((axis.place(1.0), axis.place(1e4), axis.place(100.0)), (10.0, 50.0, 30.0));
        let level = Axis::over([5.0].into_iter(), (0.0, 1.0), false);
        assert!(level.place(5.0).is_finite());
    }
}
