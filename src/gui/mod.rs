//! The windows (floor 5): one folder a window.
//!
//! [`run`] opens them. [`App`] is the application without its native window: tests drive it through AccessKit with a
//! [`data::Backend`] of their own. Each manager draws itself into a `Ui` and knows nothing of its viewport; what it
//! wants done it leaves as a [`context::Command`].

mod app;
pub mod context;
pub mod data;
mod display;
mod firmware;
pub mod jobs;
mod lists;
mod meters;
mod opening;
mod people;
mod prefs;
mod readings;
mod rights;
mod schemes;
pub mod selection;
mod settings;
mod shell;
mod submission;
mod templates;
pub mod theme;
mod trace;
pub mod widgets;

use std::path::PathBuf;
use std::sync::Arc;

pub use app::App;
pub use display::display_available;
pub use prefs::{PhaseColours, Prefs};

use data::live::{Live, Wake};

/// The window's name to the desktop.
pub const APP_ID: &str = "meterwright";

/// How to open the windows.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The store's file; it is made where there is none.
    pub store: PathBuf,
    /// Start the simulated fleet and add its meters to the store, which is then one of its own.
    pub demo: bool,
}

/// Opens the windows and returns when they are closed.
///
/// # Errors
/// No display can be opened, or the store cannot: in words.
#[allow(clippy::needless_pass_by_value, reason = "the windows keep them for as long as they are open")]
pub fn run(options: RunOptions) -> Result<(), String> {
    if !display_available() {
        return Err(
            "no display can be opened: set DISPLAY or WAYLAND_DISPLAY, or use the commands that need none"
                .to_owned(),
        );
    }
    // winit panics where a system library is missing; that is an error of the machine, told in words.
    let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| open(&options)));
    opened.unwrap_or_else(|_| {
        Err("the window cannot be opened: a system library is missing (see the message above)".to_owned())
    })
}

fn open(options: &RunOptions) -> Result<(), String> {
    let first = attempt(options, eframe::Renderer::Glow);
    // OpenGL 2 is missing in remote sessions and many virtual machines; Direct3D has a software device there.
    #[cfg(windows)]
    if first.is_err() {
        return attempt(options, eframe::Renderer::Wgpu).map_err(|error| error.to_string());
    }
    first.map_err(|error| error.to_string())
}

/// The window's icon; none where the picture, which is built in, should not read.
fn icon() -> egui::IconData {
    eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon.png")).unwrap_or_default()
}

fn attempt(options: &RunOptions, renderer: eframe::Renderer) -> eframe::Result {
    let viewport = egui::ViewportBuilder::default()
        .with_title("Meterwright")
        .with_app_id(APP_ID)
        .with_icon(icon())
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([960.0, 600.0])
        .with_drag_and_drop(true);
    let native = eframe::NativeOptions { viewport, renderer, ..eframe::NativeOptions::default() };
    let options = options.clone();
    let create: eframe::AppCreator<'_> = Box::new(move |creation| {
        let ctx = creation.egui_ctx.clone();
        let wake: Wake = Arc::new(move |pause| ctx.request_repaint_after(pause));
        if !options.demo && crate::store::needs_upgrade(&options.store) {
            App::install(&creation.egui_ctx)?;
            return Ok(Box::new(opening::Opening::begin(&options.store, &wake)));
        }
        let live = if options.demo {
            Live::start_demo(&options.store, &wake)?
        } else {
            Live::start(&options.store, &wake)?
        };
        App::install(&creation.egui_ctx)?;
        Ok(Box::new(App::new(Box::new(live), wake)))
    });
    eframe::run_native(APP_ID, native, create)
}
