//! The chart as a picture: an SVG, sharp at any size, that documents and browsers take.

use std::fmt::Write as _;

use crate::model::Quality;

use super::Subject;
use super::axis::{time_marks, value_marks};
use super::chart::value_range;
use super::decimate::{Bar, decimate};
use super::figures::{Figures, symbol};

const WIDTH: f64 = 1200.0;
const HEIGHT: f64 = 480.0;
const LEFT: f64 = 72.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 48.0;

/// What a picture shows.
pub(super) struct Picture<'a> {
    /// Title: the meter and the period.
    pub title: &'a str,
    /// Second line: channel, unit, side, zone.
    pub subtitle: &'a str,
    /// First and last second.
    pub range: (f64, f64),
    /// Highest value of the axis.
    pub top: f64,
    /// Channels: name, colour, bars.
    pub series: Vec<(String, String, Vec<Bar>)>,
    /// Marks of the time axis: second and text.
    pub x_marks: Vec<(f64, String)>,
    /// Marks of the value axis.
    pub y_marks: Vec<(f64, String)>,
    /// Stretches that are flagged or missing: from, to, colour.
    pub marks: Vec<(f64, f64, String)>,
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl Picture<'_> {
    /// The picture's text.
    #[must_use]
    pub(super) fn svg(&self) -> String {
        let (from, to) = self.range;
        let span = (to - from).max(1.0);
        let (right, floor) = (WIDTH - 24.0, HEIGHT - BOTTOM);
        let x = |second: f64| LEFT + (second - from) / span * (right - LEFT);
        let y = |value: f64| floor - value / self.top.max(f64::MIN_POSITIVE) * (floor - TOP);
        let mut out = String::new();
        // Writing to a String cannot fail.
        let mut put = |text: std::fmt::Arguments<'_>| {
            let _ = out.write_fmt(text);
            out.push('\n');
        };
        put(format_args!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="IBM Plex Sans, sans-serif" font-size="12" fill="#17202B">"##
        ));
        put(format_args!(r##"<rect width="100%" height="100%" fill="#FFFFFF"/>"##));
        put(format_args!(
            r#"<text x="{LEFT}" y="22" font-size="15" font-weight="600">{}</text>"#,
            escaped(self.title)
        ));
        put(format_args!(r##"<text x="{LEFT}" y="40" fill="#515D6B">{}</text>"##, escaped(self.subtitle)));
        for (value, text) in &self.y_marks {
            let at = y(*value);
            put(format_args!(r##"<path d="M{LEFT} {at:.1}H{right}" stroke="#E4E8ED"/>"##));
            put(format_args!(
                r##"<text x="{:.1}" y="{:.1}" text-anchor="end" fill="#515D6B">{}</text>"##,
                LEFT - 8.0,
                at + 4.0,
                escaped(text)
            ));
        }
        for (second, text) in &self.x_marks {
            let at = x(*second);
            put(format_args!(
                r##"<text x="{at:.1}" y="{:.1}" text-anchor="middle" fill="#515D6B">{}</text>"##,
                floor + 20.0,
                escaped(text)
            ));
        }
        for (name, colour, bars) in &self.series {
            put(format_args!(r#"<g fill="{colour}"><title>{}</title>"#, escaped(name)));
            for bar in decimate(bars, from, to, right - LEFT) {
                let (left, edge, high) = (x(bar.start.max(from)), x(bar.end.min(to)), y(bar.high));
                let gap = if edge - left > 3.0 { 1.0 } else { 0.0 };
                put(format_args!(
                    r#"<rect x="{left:.2}" y="{high:.2}" width="{:.2}" height="{:.2}"/>"#,
                    (edge - left - gap).max(0.3),
                    (floor - high).max(0.0)
                ));
            }
            put(format_args!("</g>"));
        }
        for (start, end, colour) in &self.marks {
            let (left, edge) = (x(start.max(from)), x(end.min(to)));
            put(format_args!(
                r#"<rect x="{left:.1}" y="{:.1}" width="{:.1}" height="5" fill="{colour}"/>"#,
                TOP - 8.0,
                (edge - left).max(1.0)
            ));
        }
        put(format_args!(r##"<path d="M{LEFT} {floor}H{right}" stroke="#515D6B"/>"##));
        put(format_args!("</svg>"));
        out
    }
}

/// The whole stretch as a picture: a name for the file, and the file.
#[allow(clippy::cast_precision_loss, reason = "drawing")]
pub(super) fn picture(subject: &Subject<'_>, figures: &Figures) -> (String, String) {
    const COLOURS: [&str; 8] =
        ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6E7A87", "#B8A800"];
    let (from, to) = subject.period.bounds(subject.zone);
    let range = (from.as_second() as f64, to.as_second() as f64);
    let (_, high) = value_range(figures, range);
    let width = f64::from(figures.period_seconds.max(60));
    let flagged = figures.slice.rows.iter().filter(|row| row.status.is_flagged()).map(|row| {
        let end = row.end.as_second() as f64;
        let ink = if row.quality == Quality::Suspect { "#CC332B" } else { "#D98200" };
        (end - width, end, ink.to_owned())
    });
    let missing = figures
        .gaps
        .iter()
        .map(|gap| (gap.from.as_second() as f64, gap.to.as_second() as f64, "#CC332B".to_owned()));
    let title = format!("{} · {}", subject.meter.config.name, subject.period.words());
    let channels: Vec<String> = figures
        .shown
        .iter()
        .map(|shown| {
            format!("{} ({}, {})", shown.series.name, symbol(shown.series.unit), shown.channel.side.name())
        })
        .collect();
    let subtitle = format!("{} · interval end, {}", channels.join(", "), subject.zone_name);
    let picture = Picture {
        title: &title,
        subtitle: &subtitle,
        range,
        top: high,
        series: figures
            .shown
            .iter()
            .zip(COLOURS.iter().cycle())
            .map(|(shown, colour)| (shown.series.name.clone(), (*colour).to_owned(), shown.bars.clone()))
            .collect(),
        x_marks: time_marks(range.0, range.1, 1_100.0, subject.zone),
        y_marks: value_marks(0.0, high, 360.0),
        marks: flagged.chain(missing).collect(),
    };
    let name =
        format!("{} {} to {}.svg", subject.meter.config.name, subject.period.first, subject.period.last);
    (name.replace(['/', '\\', ':'], "-"), picture.svg())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_the_picture() {
        let bar = Bar { start: 0.0, end: 10.0, low: 1.0, high: 1.0 };
        let picture = Picture {
            title: "<Kiln & \"Co\">",
            subtitle: "",
            range: (0.0, 10.0),
            top: 2.0,
            series: vec![("a".to_owned(), "#000000".to_owned(), vec![bar])],
            x_marks: Vec::new(),
            y_marks: Vec::new(),
            marks: Vec::new(),
        };
        let svg = picture.svg();
        assert!(svg.contains("&lt;Kiln &amp; &quot;Co&quot;&gt;"));
        assert_eq!(svg.matches("<rect").count(), 2, "the ground and one bar");
    }
}
