//! A real window over the fake, for looking at. It opens only when asked:
//! `WINDOW=1 WINDOW_METERS=200 WINDOW_CAMPAIGN=40 WINDOW_THEME=dark cargo test --test gui_look` on a machine with a display.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test says what went wrong by breaking off"
)]

#[path = "../gui_windows/fake.rs"]
#[allow(dead_code)]
mod fake;

#[path = "../gui_windows/flashes.rs"]
mod flashes;

use std::sync::Arc;

use meterwright::gui::App;

use fake::Fake;

fn main() {
    if std::env::var_os("WINDOW").is_none() {
        println!("gui_look: opens a window only when WINDOW is set");
        return;
    }
    let number =
        |key: &str, other: f32| std::env::var(key).ok().and_then(|text| text.parse().ok()).unwrap_or(other);
    let fake = Fake::with_meters(number("WINDOW_METERS", 200.0) as usize);
    fake.world(|world| world.lists = fake::some_lists());
    let theme = std::env::var("WINDOW_THEME").unwrap_or_else(|_| "light".to_owned());
    fake.world(|world| world.settings.insert("gui.theme".to_owned(), theme));
    let folder = std::env::temp_dir().join("meterwright-look");
    std::fs::create_dir_all(&folder).unwrap();
    let (file, key) = flashes::packed(&folder, "2.15.0");
    flashes::trust(&fake, &key);
    let members = number("WINDOW_CAMPAIGN", 40.0) as i64;
    if fake.world(|world| world.meters.len() as i64) >= members {
        let open = flashes::campaign(&fake, 7, &file, members, meterwright::model::CampaignState::Open);
        fake.world(|world| world.campaigns = vec![open]);
    }
    let size = [number("WINDOW_WIDTH", 1280.0), number("WINDOW_HEIGHT", 800.0)];
    let viewport = egui::ViewportBuilder::default().with_title("Meterwright").with_inner_size(size);
    let native = eframe::NativeOptions { viewport, renderer: eframe::Renderer::Glow, ..Default::default() };
    let create: eframe::AppCreator<'_> = Box::new(move |creation| {
        App::install(&creation.egui_ctx)?;
        creation.egui_ctx.set_zoom_factor(number("WINDOW_SCALE", 1.0));
        let ctx = creation.egui_ctx.clone();
        let mut app = App::new(Box::new(fake), Arc::new(move |pause| ctx.request_repaint_after(pause)));
        app.cx.zone = fake::london();
        app.cx.now = fake::now;
        app.use_path_field();
        Ok(Box::new(app))
    });
    eframe::run_native("meterwright-look", native, create).unwrap();
}
