//! Registers told apart without colour: each has stripes of its own, the same on strips, in legends and over the year.

use egui::{Color32, Mesh, Painter, Rect, Shape, Ui, Vec2};

use crate::gui::theme::tokens;
use crate::scheme::Document;

use super::register_colour;

/// Distance and thickness of stripes; nothing for none.
type Lines = Option<(f32, f32)>;

/// Lying and standing stripes of the registers of a source in their order.
const STRIPES: [(Lines, Lines); 6] = [
    (None, None),
    (Some((6.0, 1.5)), None),
    (None, Some((6.0, 1.5))),
    (Some((3.0, 1.0)), None),
    (Some((7.0, 1.0)), Some((7.0, 1.0))),
    (None, Some((3.0, 1.0))),
];

/// Black or white, whichever stands out more.
pub(super) fn ink_on(ground: Color32) -> Color32 {
    let [red, green, blue, _] = ground.to_array();
    let light = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
    if light > 140_000 { Color32::BLACK } else { Color32::WHITE }
}

/// How a register looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Its ground.
    pub(super) colour: Color32,
    stripes: usize,
}

impl Look {
    /// Of a register; a demand register has no colour of its own.
    pub(super) fn of(ui: &Ui, document: &Document, id: &str) -> Self {
        // Registers of one source are told apart; those of different sources never share a row.
        let registers = &document.registers.energy;
        let source = registers.iter().find(|register| register.id == id).map(|register| register.source);
        let mut of_source = registers.iter().filter(|register| Some(register.source) == source);
        let at = of_source.position(|register| register.id == id).unwrap_or(0);
        let colour = register_colour(document, id).unwrap_or(tokens(ui).border_strong.0);
        Self { colour, stripes: at % STRIPES.len() }
    }

    /// Where nothing is on that should be.
    pub(super) fn nothing(ui: &Ui) -> Self {
        Self { colour: tokens(ui).bad_mark.0, stripes: 4 }
    }

    /// Adds a filled rectangle to a mesh; stripes of neighbours meet.
    pub(super) fn fill(self, mesh: &mut Mesh, rect: Rect) {
        mesh.add_colored_rect(rect, self.colour);
        let (lying, standing) = STRIPES.get(self.stripes).copied().unwrap_or_default();
        let ink = ink_on(self.colour).gamma_multiply(0.22);
        if let Some((distance, thickness)) = lying {
            let mut at = (rect.top() / distance).ceil() * distance;
            while at < rect.bottom() {
                let bottom = (at + thickness).min(rect.bottom());
                mesh.add_colored_rect(Rect::from_x_y_ranges(rect.x_range(), at..=bottom), ink);
                at += distance;
            }
        }
        if let Some((distance, thickness)) = standing {
            let mut at = (rect.left() / distance).ceil() * distance;
            while at < rect.right() {
                let right = (at + thickness).min(rect.right());
                mesh.add_colored_rect(Rect::from_x_y_ranges(at..=right, rect.y_range()), ink);
                at += distance;
            }
        }
    }

    /// Paints a filled rectangle.
    pub(super) fn paint(self, painter: &Painter, rect: Rect) {
        let mut mesh = Mesh::default();
        self.fill(&mut mesh, rect);
        painter.add(Shape::mesh(mesh));
    }
}

/// A small field of a register's colour and stripes.
pub(super) fn swatch(ui: &mut Ui, document: &Document, id: &str) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(14.0), egui::Sense::hover());
    Look::of(ui, document, id).paint(ui.painter(), rect);
}
