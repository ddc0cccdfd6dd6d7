//! The windows, driven through AccessKit: no display, no images, no clock.

mod fake;

use std::sync::Arc;

use egui::Vec2;
use egui_kittest::Harness;
use meterwright::gui::App;

use fake::Fake;

/// The application over a fake, in a window of 1280 × 800.
fn app(fake: &Fake) -> Harness<'static, App> {
    let mut app = App::new(Box::new(fake.clone()), Arc::new(|_| {}));
    app.cx.zone = fake::london();
    app.cx.now = fake::now;
    app.use_path_field();
    let mut harness = Harness::builder()
        .with_size(Vec2::new(1280.0, 800.0))
        .with_max_steps(12)
        .with_context_setup(|ctx| App::install(ctx).unwrap())
        .build_ui_state(|ui, app: &mut App| app.ui(ui), app);
    harness.run();
    harness
}

mod meters;
