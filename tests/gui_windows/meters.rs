//! Meter Manager.

use egui_kittest::kittest::Queryable;
use meterwright::gui::context::Page;

use crate::app;
use crate::fake::Fake;

#[test]
fn a_click_on_a_row_selects_it_and_readings_show_it() {
    let fake = Fake::with_meters(50);
    let mut app = app(&fake);
    app.get_by_label("Kiln Road 2").click();
    app.run();
    assert_eq!(app.state().cx.selection.len(), 1);
    app.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num3);
    app.run();
    assert_eq!(app.state().page(), Page::Readings);
    assert_eq!(app.state().cx.selection.len(), 1);
    app.get_by_label("Active import energy of the interval, kWh");
}
