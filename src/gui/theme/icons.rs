//! A small vector set in one style: strokes of 1.5 points on a 16-point grid.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, Vec2};

/// What an icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is named after what it shows")]
pub enum Icon {
    Schemes,
    Meters,
    Readings,
    Lists,
    Trace,
    Settings,
    Search,
    Plus,
    Play,
    Stop,
    Check,
    Cross,
    Warning,
    Info,
    ChevronRight,
    ChevronDown,
    ChevronLeft,
    ChevronUp,
    Folder,
    Window,
    Copy,
    Save,
    Table,
    Trash,
    Edit,
    Import,
    Export,
    Refresh,
    Clock,
    Line,
    More,
    Lock,
    Fleet,
    Undo,
    Redo,
    Heat,
    Firmware,
}

enum Part {
    Path(&'static [(f32, f32)]),
    Closed(&'static [(f32, f32)]),
    Circle(f32, f32, f32),
    Dot(f32, f32, f32),
}

use Part::{Circle, Closed, Dot, Path};

impl Icon {
    #[rustfmt::skip]
    fn parts(self) -> &'static [Part] {
        match self {
            Self::Schemes => &[
                Closed(&[(2.0, 3.0), (14.0, 3.0), (14.0, 14.0), (2.0, 14.0)]),
                Path(&[(2.0, 6.5), (14.0, 6.5)]), Path(&[(5.0, 1.5), (5.0, 4.5)]), Path(&[(11.0, 1.5), (11.0, 4.5)]),
                Path(&[(4.5, 11.0), (7.0, 11.0), (7.0, 9.0), (11.5, 9.0)]),
            ],
            Self::Meters => &[
                Closed(&[(3.0, 1.5), (13.0, 1.5), (13.0, 14.5), (3.0, 14.5)]),
                Closed(&[(5.0, 4.0), (11.0, 4.0), (11.0, 7.5), (5.0, 7.5)]),
                Path(&[(5.5, 10.5), (10.5, 10.5)]), Path(&[(7.0, 12.5), (9.0, 12.5)]),
            ],
            Self::Readings => &[
                Path(&[(2.0, 1.5), (2.0, 14.0), (14.5, 14.0)]), Path(&[(5.0, 11.5), (5.0, 8.0)]),
                Path(&[(8.0, 11.5), (8.0, 3.5)]), Path(&[(11.0, 11.5), (11.0, 6.0)]), Path(&[(13.5, 11.5), (13.5, 9.5)]),
            ],
            Self::Lists => &[
                Dot(2.5, 3.5, 1.0), Dot(2.5, 8.0, 1.0), Dot(2.5, 12.5, 1.0), Path(&[(5.5, 3.5), (14.0, 3.5)]),
                Path(&[(5.5, 8.0), (14.0, 8.0)]), Path(&[(5.5, 12.5), (14.0, 12.5)]),
            ],
            Self::Trace => &[
                Path(&[(1.0, 8.0), (4.0, 8.0), (6.0, 2.5), (9.5, 13.5), (11.5, 8.0), (15.0, 8.0)]),
            ],
            Self::Settings => &[
                Path(&[(1.5, 4.5), (8.5, 4.5)]), Circle(10.5, 4.5, 2.0), Path(&[(12.5, 4.5), (14.5, 4.5)]),
                Path(&[(1.5, 11.5), (3.5, 11.5)]), Circle(5.5, 11.5, 2.0), Path(&[(7.5, 11.5), (14.5, 11.5)]),
            ],
            Self::Search => &[Circle(7.0, 7.0, 4.5), Path(&[(10.5, 10.5), (14.0, 14.0)])],
            Self::Plus => &[Path(&[(8.0, 3.0), (8.0, 13.0)]), Path(&[(3.0, 8.0), (13.0, 8.0)])],
            Self::Play => &[Closed(&[(4.5, 2.5), (13.0, 8.0), (4.5, 13.5)])],
            Self::Stop => &[Closed(&[(4.0, 4.0), (12.0, 4.0), (12.0, 12.0), (4.0, 12.0)])],
            Self::Check => &[Path(&[(3.0, 8.5), (6.5, 12.0), (13.0, 4.5)])],
            Self::Cross => &[Path(&[(4.0, 4.0), (12.0, 12.0)]), Path(&[(12.0, 4.0), (4.0, 12.0)])],
            Self::Warning => &[
                Closed(&[(8.0, 2.0), (14.5, 13.5), (1.5, 13.5)]), Path(&[(8.0, 6.0), (8.0, 9.5)]), Dot(8.0, 11.5, 0.9),
            ],
            Self::Info => &[Circle(8.0, 8.0, 6.0), Path(&[(8.0, 7.5), (8.0, 11.5)]), Dot(8.0, 5.0, 0.9)],
            Self::ChevronRight => &[Path(&[(6.0, 4.0), (10.0, 8.0), (6.0, 12.0)])],
            Self::ChevronDown => &[Path(&[(4.0, 6.0), (8.0, 10.0), (12.0, 6.0)])],
            Self::ChevronLeft => &[Path(&[(10.0, 4.0), (6.0, 8.0), (10.0, 12.0)])],
            Self::ChevronUp => &[Path(&[(4.0, 10.0), (8.0, 6.0), (12.0, 10.0)])],
            Self::Folder => &[
                Closed(&[(1.5, 3.5), (6.0, 3.5), (7.5, 5.5), (14.5, 5.5), (14.5, 13.0), (1.5, 13.0)]),
            ],
            Self::Window => &[
                Path(&[(7.0, 3.0), (2.5, 3.0), (2.5, 13.5), (13.0, 13.5), (13.0, 9.0)]),
                Path(&[(9.5, 2.5), (13.5, 2.5), (13.5, 6.5)]), Path(&[(13.5, 2.5), (8.0, 8.0)]),
            ],
            Self::Copy => &[
                Closed(&[(5.5, 5.5), (13.5, 5.5), (13.5, 14.0), (5.5, 14.0)]),
                Path(&[(10.5, 5.5), (10.5, 2.0), (2.5, 2.0), (2.5, 10.5), (5.5, 10.5)]),
            ],
            Self::Save => &[
                Path(&[(8.0, 2.0), (8.0, 10.0)]), Path(&[(4.5, 6.5), (8.0, 10.0), (11.5, 6.5)]),
                Path(&[(2.5, 10.5), (2.5, 13.5), (13.5, 13.5), (13.5, 10.5)]),
            ],
            Self::Table => &[
                Closed(&[(2.0, 2.5), (14.0, 2.5), (14.0, 13.5), (2.0, 13.5)]), Path(&[(2.0, 6.0), (14.0, 6.0)]),
                Path(&[(2.0, 9.75), (14.0, 9.75)]), Path(&[(7.0, 2.5), (7.0, 13.5)]),
            ],
            Self::Trash => &[
                Path(&[(2.5, 4.0), (13.5, 4.0)]), Path(&[(6.0, 4.0), (6.0, 2.0), (10.0, 2.0), (10.0, 4.0)]),
                Path(&[(4.0, 4.0), (4.7, 14.0), (11.3, 14.0), (12.0, 4.0)]),
            ],
            Self::Edit => &[
                Closed(&[(2.5, 13.5), (3.0, 10.5), (10.5, 3.0), (13.0, 5.5), (5.5, 13.0)]), Path(&[(9.0, 4.5), (11.5, 7.0)]),
            ],
            Self::Import => &[
                Path(&[(9.0, 8.0), (1.5, 8.0)]), Path(&[(6.0, 4.5), (9.5, 8.0), (6.0, 11.5)]),
                Path(&[(9.0, 2.5), (14.0, 2.5), (14.0, 13.5), (9.0, 13.5)]),
            ],
            Self::Export => &[
                Path(&[(6.0, 8.0), (14.0, 8.0)]), Path(&[(11.0, 4.5), (14.5, 8.0), (11.0, 11.5)]),
                Path(&[(7.0, 2.5), (2.0, 2.5), (2.0, 13.5), (7.0, 13.5)]),
            ],
            Self::Refresh => &[
                Path(&[(13.5, 8.0), (12.4, 11.2), (9.6, 13.2), (6.4, 13.2), (3.6, 11.2), (2.5, 8.0),
                    (3.6, 4.8), (6.4, 2.8), (9.6, 2.8), (12.4, 4.8)]),
                Path(&[(13.0, 1.5), (13.0, 5.2), (9.3, 5.2)]),
            ],
            Self::Clock => &[Circle(8.0, 8.0, 6.0), Path(&[(8.0, 4.5), (8.0, 8.0), (10.5, 9.5)])],
            Self::Line => &[
                Circle(3.5, 8.0, 2.0), Path(&[(5.5, 8.0), (10.5, 8.0)]), Circle(12.5, 8.0, 2.0),
            ],
            Self::More => &[Dot(3.0, 8.0, 1.2), Dot(8.0, 8.0, 1.2), Dot(13.0, 8.0, 1.2)],
            Self::Lock => &[
                Closed(&[(3.5, 7.0), (12.5, 7.0), (12.5, 14.0), (3.5, 14.0)]),
                Path(&[(5.5, 7.0), (5.5, 4.0), (7.0, 2.2), (9.0, 2.2), (10.5, 4.0), (10.5, 7.0)]),
            ],
            Self::Undo => &[
                Path(&[(6.0, 3.0), (3.0, 6.0), (6.0, 9.0)]),
                Path(&[(3.0, 6.0), (10.0, 6.0), (12.3, 7.2), (13.0, 9.2), (12.3, 11.2), (10.0, 12.5), (6.0, 12.5)]),
            ],
            Self::Redo => &[
                Path(&[(10.0, 3.0), (13.0, 6.0), (10.0, 9.0)]),
                Path(&[(13.0, 6.0), (6.0, 6.0), (3.7, 7.2), (3.0, 9.2), (3.7, 11.2), (6.0, 12.5), (10.0, 12.5)]),
            ],
            Self::Heat => &[
                Closed(&[(2.5, 3.0), (13.5, 3.0), (13.5, 13.0), (2.5, 13.0)]),
                Path(&[(6.2, 3.0), (6.2, 13.0)]),
                Path(&[(9.8, 3.0), (9.8, 13.0)]),
                Path(&[(2.5, 6.5), (13.5, 6.5)]),
                Path(&[(2.5, 10.0), (13.5, 10.0)]),
            ],
            Self::Firmware => &[
                Closed(&[(4.0, 4.0), (12.0, 4.0), (12.0, 12.0), (4.0, 12.0)]), Closed(&[(6.5, 6.5), (9.5, 6.5), (9.5, 9.5), (6.5, 9.5)]),
                Path(&[(6.0, 1.5), (6.0, 4.0)]), Path(&[(10.0, 1.5), (10.0, 4.0)]), Path(&[(6.0, 12.0), (6.0, 14.5)]),
                Path(&[(10.0, 12.0), (10.0, 14.5)]), Path(&[(1.5, 6.0), (4.0, 6.0)]), Path(&[(1.5, 10.0), (4.0, 10.0)]),
                Path(&[(12.0, 6.0), (14.5, 6.0)]), Path(&[(12.0, 10.0), (14.5, 10.0)]),
            ],
            Self::Fleet => &[
                Closed(&[(1.5, 2.0), (6.5, 2.0), (6.5, 7.0), (1.5, 7.0)]), Closed(&[(9.5, 2.0), (14.5, 2.0), (14.5, 7.0), (9.5, 7.0)]),
                Closed(&[(1.5, 9.5), (6.5, 9.5), (6.5, 14.5), (1.5, 14.5)]), Closed(&[(9.5, 9.5), (14.5, 9.5), (14.5, 14.5), (9.5, 14.5)]),
            ],
        }
    }

    /// Draws the icon in the middle of a rectangle, `size` points wide and high.
    pub fn paint(self, painter: &Painter, rect: Rect, size: f32, colour: Color32) {
        let scale = size / 16.0;
        let origin = rect.center() - Vec2::splat(size / 2.0);
        let at = |(x, y): (f32, f32)| Pos2::new(origin.x + x * scale, origin.y + y * scale);
        let stroke = Stroke::new((1.4 * scale).max(1.2), colour);
        for part in self.parts() {
            let shape = match part {
                Path(points) => Shape::line(points.iter().copied().map(at).collect(), stroke),
                Closed(points) => Shape::closed_line(points.iter().copied().map(at).collect(), stroke),
                Circle(x, y, radius) => Shape::circle_stroke(at((*x, *y)), radius * scale, stroke),
                Dot(x, y, radius) => Shape::circle_filled(at((*x, *y)), radius * scale, colour),
            };
            painter.add(shape);
        }
    }
}
