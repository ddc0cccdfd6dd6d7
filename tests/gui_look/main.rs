//! A real window over the fake, for looking at. It opens only when asked:
//! `WINDOW=1 WINDOW_METERS=200 WINDOW_CAMPAIGN=40 WINDOW_THEME=dark cargo test --test gui_look` on a machine with a display.
//!
//! `WINDOW_SCALE`, `WINDOW_WIDTH` and `WINDOW_HEIGHT` size it; `WINDOW_ROLE` is the role of who is signed in, or
//! `nobody`; `WINDOW_FAILURES` so many meters of the campaign have failed; `WINDOW_LONG=1` gives meters and groups the
//! longest plausible names; `WINDOW_VENDOR=1` makes some meters AS230s and allows vendors' own files.

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

use meterwright::firmware::vendor;
use meterwright::gui::App;
use meterwright::model::Role;

use fake::Fake;

const PEOPLE: [(&str, Role); 6] = [
    ("alice", Role::Administrator),
    ("erin", Role::Engineer),
    ("dora", Role::Designer),
    ("tom", Role::Technician),
    ("rita", Role::Reader),
    ("vic", Role::Viewer),
];

/// The store has people, where a role was asked for.
fn people(fake: &Fake) {
    let Ok(word) = std::env::var("WINDOW_ROLE") else { return };
    let with = Fake::with_people(0, &PEOPLE);
    let (people, audit, nobody) =
        with.world(|world| (world.people.clone(), world.audit.clone(), world.standing.clone()));
    fake.world(|world| (world.people, world.audit, world.standing) = (people, audit, nobody));
    if let Ok(role) = word.parse::<Role>() {
        let (name, _) = PEOPLE.iter().find(|(_, one)| *one == role).unwrap();
        fake.clone().with_person(name, role);
    }
}

fn long_names(world: &mut fake::World) {
    for (number, row) in world.meters.iter_mut().enumerate() {
        let config = &mut row.config;
        let levels =
            ["Northern distribution region", "Harbour district", "Substation 14", "Feeder C", "Kiosk 3"];
        config.group = Some(levels.get(..=number % 5).unwrap().join("/"));
        config.name =
            format!("{} – Umspannwerk Großziethen, Abgang {number}, Wandlermessung links", config.name);
        config.line =
            "serial:/dev/serial/by-id/usb-FTDI_USB-RS232_Cable_FT4K8H2M-if00-port0?optical".parse().unwrap();
        row.last_result = Some(
            "no answer to the SNRM within 6 s, after three attempts at 300, 9600 and 19200 baud".to_owned(),
        );
    }
}

fn vendors(world: &mut fake::World) {
    let settings = &mut world.settings;
    settings.insert(vendor::SETTING.to_owned(), vendor::ALLOWED.to_owned());
    for row in world.meters.iter_mut().skip(1).step_by(2) {
        row.config.template = "elster-as230".to_owned();
    }
    let file = std::env::temp_dir().join("meterwright-look").join("as230.xml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, meterwright::simulator::flag::firmware::vendor_file("AS230 V02.00", 2)).unwrap();
}

fn main() {
    if std::env::var_os("WINDOW").is_none() {
        println!("gui_look: opens a window only when WINDOW is set");
        return;
    }
    let number =
        |key: &str, other: f32| std::env::var(key).ok().and_then(|text| text.parse().ok()).unwrap_or(other);
    let fake = Fake::with_meters(number("WINDOW_METERS", 200.0) as usize);
    fake.world(|world| world.lists = fake::some_lists());
    people(&fake);
    if std::env::var_os("WINDOW_LONG").is_some() {
        fake.world(long_names);
    }
    if std::env::var_os("WINDOW_VENDOR").is_some() {
        fake.world(vendors);
    }
    let theme = std::env::var("WINDOW_THEME").unwrap_or_else(|_| "light".to_owned());
    fake.world(|world| world.settings.insert("gui.theme".to_owned(), theme));
    let folder = std::env::temp_dir().join("meterwright-look");
    std::fs::create_dir_all(&folder).unwrap();
    let (file, key) = flashes::packed(&folder, "2.15.0");
    flashes::trust(&fake, &key);
    let members = number("WINDOW_CAMPAIGN", 40.0) as i64;
    if fake.world(|world| world.meters.len() as i64) >= members {
        let mut open = flashes::campaign(&fake, 7, &file, members, meterwright::model::CampaignState::Open);
        flashes::fail(&mut open, number("WINDOW_FAILURES", 0.0) as usize);
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
